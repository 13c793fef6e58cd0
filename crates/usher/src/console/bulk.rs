//! Acting on many: whom and what, a preview that says what would come of it, and the run.

use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use minijinja::context;
use minijinja::value::Serde;
use serde::{Deserialize, Serialize};
use serde_json::Map;
use uuid::Uuid;

use super::choice::{self, Choice};
use super::parameters::{Parameters, address};
use super::profile_form::{is_editable, value_of, written};
use super::roles::{list_grantable, read_until};
use super::staff::{Staff, StaffForm};
use super::{events, words};
use crate::app::App;
use crate::attributes::{self, Schema};
use crate::bulk::{self, Action, Run, Selection, State as RunState};
use crate::caller::Permission;
use crate::db::page::{self, Limit, Page};
use crate::error::{AppError, AppResult, Rejection};
use crate::html::{self, Faults, Members, Notice, see_other};
use crate::http::params::Path;
use crate::id::UserId;
use crate::languages::now;
use crate::live::Followed;
use crate::roles::RoleName;

const HERE: &str = "/admin/bulk";
const NEW: &str = "/admin/bulk/new";
const NEW_PAGE: &str = "console/bulk_new.html";
const PREVIEW_PAGE: &str = "console/bulk_preview.html";
const RUN_PAGE: &str = "console/bulk_run.html";
const LIST_PAGE: &str = "console/bulk_list.html";
/// What can come of a user.
const OUTCOMES: [&str; 5] = ["to_do", "done", "unchanged", "refused", "failed"];
const FIELDS: [&str; 6] = ["action", "role", "until", "attribute", "value", "filter"];

/// What can be done to many, by the permission that it takes.
const ACTIONS: [(&str, Permission); 10] = [
    ("suspend", Permission::UsersWrite),
    ("reactivate", Permission::UsersWrite),
    ("sign_out", Permission::UsersWrite),
    ("require_password_reset", Permission::UsersWrite),
    (ASSIGN_ROLE, Permission::RolesAssign),
    ("remove_role", Permission::RolesAssign),
    ("set_attributes", Permission::UsersWrite),
    ("delete", Permission::UsersDelete),
    ("restore", Permission::UsersDelete),
    ("purge", Permission::UsersPurge),
];

const PURGE: &str = "purge";
const ASSIGN_ROLE: &str = "assign_role";
/// What can't be undone.
const FOR_GOOD: [&str; 2] = [PURGE, "warn_inactive"];
/// A longer address is none to come back to.
const ADDRESS_MAX: usize = 2000;

#[derive(Deserialize)]
pub struct RunPath {
    id: Uuid,
}

pub async fn show_new(staff: Staff, parameters: Parameters, State(app): State<App>) -> AppResult<Response> {
    let ids: Vec<&str> = parameters.all("user").collect();
    let text = |name: &str| parameters.get(name).unwrap_or_default().to_owned();
    let said = Said {
        users: ids.join(","),
        filter: if ids.is_empty() { text("filter") } else { String::new() },
        action: text("action"),
        role: text("role"),
        until: text("until"),
        attribute: text("attribute"),
        value: text("value"),
        reason: text("reason"),
        left_out: 0,
    };
    // A form without anybody chosen.
    if said.users.is_empty() && said.filter.is_empty() {
        return Ok(see_other("/admin/users"));
    }
    staff.require(Permission::UsersRead)?;
    if said.action == PURGE
        && let Some(proof) = staff.way_by_proof(&app, &said.address())
    {
        return Ok(proof);
    }
    ask(&app, &staff, &said, &Faults::default()).await
}

/// The same for those who were chosen in the list.
pub async fn show_chosen(State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    let choice = Choice::of(&members)?;
    if choice.is_empty() {
        return Ok(see_other("/admin/users"));
    }
    let said = Said { users: choice.joined(), left_out: choice.left_out(), ..Said::default() };
    ask(&app, &staff, &said, &Faults::default()).await
}

/// What the form says, to be shown again.
#[derive(Default, Serialize)]
struct Said {
    /// Ids, separated by commas.
    users: String,
    filter: String,
    action: String,
    role: String,
    /// The last day of what is granted.
    until: String,
    attribute: String,
    /// As text; a list has an item in each line.
    value: String,
    reason: String,
    /// Who was chosen beyond as many as can be.
    left_out: usize,
}

impl Said {
    fn of(members: &Members) -> Self {
        let text = |name: &str| members.text(name).trim().to_owned();
        Self {
            users: text("users"),
            filter: text("filter"),
            action: text("action"),
            role: text("role"),
            until: text("until"),
            attribute: text("attribute"),
            value: text("value"),
            reason: text("reason"),
            left_out: 0,
        }
    }

    /// The address of the form that says the same; of the users, if that is too long.
    fn address(&self) -> String {
        let users = self.users.split(',').map(|id| ("user", id));
        let rest = [&self.filter, &self.action, &self.role, &self.until, &self.attribute, &self.value, &self.reason];
        let names = ["filter", "action", "role", "until", "attribute", "value", "reason"];
        let rest = names.into_iter().zip(rest.map(String::as_str));
        let address = address(NEW, users.chain(rest));
        if address.len() > ADDRESS_MAX { "/admin/users".to_owned() } else { address }
    }

    fn selection(&self) -> Result<Selection, Rejection> {
        if self.users.is_empty() {
            if self.filter.is_empty() {
                return Err(Rejection::invalid_field("/filter", "required", "is needed"));
            }
            return Ok(Selection::Filter(self.filter.clone()));
        }
        let ids: Result<Vec<UserId>, _> = self.users.split(',').take(choice::MOST + 1).map(str::parse).collect();
        match ids {
            Ok(ids) if ids.len() <= choice::MOST => Ok(Selection::Ids(ids)),
            _ => Err(Rejection::bad_request("malformed_request", "These are no users. Choose them in the list again.")),
        }
    }

    /// The action with the field that it takes; what else is filled in is for another.
    fn action(&self, schema: &Schema) -> Result<Action, Rejection> {
        let role = Some(RoleName::from(self.role.as_str())).filter(|_| self.action.ends_with("_role") && !self.role.is_empty());
        let property = schema.properties().iter().find(|property| is_editable(property) && property.name == self.attribute);
        let property = property.filter(|_| self.action == "set_attributes");
        let set = property.map(|property| Map::from_iter([(property.name.clone(), value_of(property.kind, &self.value))]));
        let until = if self.action == ASSIGN_ROLE { read_until(&self.until)? } else { None };
        bulk::read_action(&self.action, role.as_ref(), until, set.as_ref())
    }
}

async fn ask(app: &App, staff: &Staff, said: &Said, faults: &Faults) -> AppResult<Response> {
    staff.require(Permission::UsersRead)?;
    let takes_roles = staff.may(Permission::RolesAssign);
    let offered = if takes_roles { list_grantable(app, staff).await? } else { None };
    let proof = offered.as_ref().and_then(|offered| offered.proof(app, &said.address()));
    let offered: Option<Vec<_>> =
        offered.map(|offered| offered.roles.into_iter().map(|role| (role.name.clone(), role.name)).collect());
    let actions: Vec<(&str, String)> =
        ACTIONS.into_iter().filter(|(_, needed)| staff.may(*needed)).map(|(name, _)| (name, label(name))).collect();
    let schema = attributes::cached(app).await?;
    let settable: Vec<(&str, &str)> = if staff.may(Permission::UsersWrite) { settable(&schema).collect() } else { Vec::new() };
    let values = context! {
        said => Serde(said), actions => Serde(actions), settable => Serde(settable), takes_roles => takes_roles, offered => Serde(offered), proof => proof,
        most => choice::MOST, count => said.users.split(',').filter(|id| !id.is_empty()).count(),
    };
    staff.page(app, HERE, NEW_PAGE, values, faults)
}

/// Freezes who fits, and says what would come of it. The token is shown by this answer and nowhere again.
pub async fn preview(State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::UsersRead)?;
    let said = Said::of(&members);
    match make_preview(&app, &staff, &said, &members).await {
        Ok(preview) => {
            let trail = [("/admin/users".to_owned(), now().word("console-place-users"))];
            show_preview(&app, &staff, HERE, &trail, &said.reason, &preview)
        }
        Err(error) if error.asks_for_proof() => Ok(see_other(&html::proof_page(&app, &said.address()))),
        Err(error) => ask(&app, &staff, &said, &words::faults(of_the_form(error), "bulk", &FIELDS)?).await,
    }
}

/// The page of a preview. `trail` are the pages above it, the last of which is the way back.
pub fn show_preview(
    app: &App,
    staff: &Staff,
    here: &str,
    trail: &[(String, String)],
    reason: &str,
    preview: &bulk::Preview,
) -> AppResult<Response> {
    let values = context! {
        argument => Serde(argument(&preview.run)), until => end(&preview.run), label => label(&preview.run.action), reason => reason, trail => Serde(trail),
        is_chosen => here == HERE, preview => Serde(preview),
    };
    staff.page(app, here, PREVIEW_PAGE, values, &Faults::default())
}

/// What is wrong with a filter is said of a parameter; with attributes and the end of a grant, of the body's member that holds them.
fn of_the_form(error: AppError) -> AppError {
    let AppError::Rejected(mut rejection) = error else { return error };
    if rejection.code == "invalid_query" {
        return (*rejection).of_a_body().into();
    }
    for pointer in rejection.errors.iter_mut().filter_map(|fault| fault.pointer.as_mut()) {
        if pointer == "/attributes" {
            "/attribute".clone_into(pointer);
        } else if pointer == "/expires_at" {
            "/until".clone_into(pointer);
        } else if pointer.starts_with("/attributes/") {
            "/value".clone_into(pointer);
        }
    }
    AppError::Rejected(rejection)
}

/// The attributes that a form can set, each with what it is called.
fn settable(schema: &Schema) -> impl Iterator<Item = (&str, &str)> {
    let title = |name: &str| schema.document.properties.get(name)?.title.as_deref();
    let settable = schema.properties().iter().filter(|property| is_editable(property));
    settable.map(move |property| (property.name.as_str(), title(&property.name).unwrap_or(&property.name)))
}

/// What a run gives or takes beside its action: the role, or the attributes.
fn argument(run: &Run) -> Vec<(String, String)> {
    let role = run.argument["role"].as_str().map(|role| (String::new(), role.to_owned()));
    let set = run.argument["attributes"].as_object().into_iter().flatten();
    role.into_iter().chain(set.map(|(name, value)| (name.clone(), written(value)))).collect()
}

/// When what it gives ends by itself.
fn end(run: &Run) -> Option<&str> {
    run.argument["expires_at"].as_str()
}

async fn make_preview(app: &App, staff: &Staff, said: &Said, members: &Members) -> AppResult<bulk::Preview> {
    let Some((_, needed)) = ACTIONS.into_iter().find(|(name, _)| *name == said.action) else {
        return Err(Rejection::invalid_field("/action", "required", "is needed").into());
    };
    staff.require(needed)?;
    let action = said.action(&*attributes::cached(app).await?)?;
    let selection = said.selection()?;
    let mut tx = staff.begin_because(app, members).await?;
    // Before the preview, which is shown this once: it is run with the proof that was given for it.
    bulk::require_proof(&mut tx, staff.authority(), &action).await?;
    let previewed = bulk::preview(&mut tx, staff.authority(), &action, &selection).await?;
    let preview = bulk::show_preview(&mut tx, &action, previewed).await?;
    tx.commit().await?;
    Ok(preview)
}

/// `Suspend`, or what an action is called that is none of this page.
fn label(action: &str) -> String {
    words::find("bulk-action-", action).unwrap_or_else(|| events::in_words(action))
}

fn way(id: Uuid) -> String {
    format!("{HERE}/{id}")
}

pub async fn run(Path(path): Path<RunPath>, State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::UsersRead)?;
    let mut tx = staff.begin_because(&app, &members).await?;
    match bulk::begin(&mut tx, staff.authority(), path.id, members.text("token")).await {
        Ok(run) => {
            tx.commit().await?;
            Ok(see_other(&way(run.id)))
        }
        Err(error) if error.code() == Some("invalid_body") => {
            let detail = "The preview is older than an hour, or is not the one that you have seen. Choose the users again.";
            Err(Rejection::conflict("preview_outdated", detail).into())
        }
        Err(error) if error.asks_for_proof() => Ok(see_other(&html::proof_page(&app, &way(path.id)))),
        // Sent twice: the run says how far it is.
        Err(error) if error.code() == Some("invalid_state") => Ok(see_other(&way(path.id))),
        Err(error) => Err(error),
    }
}

pub async fn pause(path: Path<RunPath>, State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    set_paused(&app, path.0.id, form, true).await
}

pub async fn resume(path: Path<RunPath>, State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    set_paused(&app, path.0.id, form, false).await
}

async fn set_paused(app: &App, id: Uuid, form: StaffForm, paused: bool) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::UsersRead)?;
    let mut tx = staff.begin_because(app, &members).await?;
    match bulk::set_paused(&mut tx, staff.authority(), id, paused).await {
        Ok(_) => {
            tx.commit().await?;
            html::done(app, &way(id), if paused { Notice::RunPaused } else { Notice::RunResumed })
        }
        // It has ended meanwhile.
        Err(error) if error.code() == Some("invalid_state") => Ok(see_other(&way(id))),
        Err(error) => Err(error),
    }
}

pub async fn show(
    staff: Staff,
    Path(path): Path<RunPath>,
    parameters: Parameters,
    State(app): State<App>,
) -> AppResult<Response> {
    staff.require(Permission::UsersRead)?;
    let outcome = parameters.get("outcome").filter(|outcome| OUTCOMES.contains(outcome));
    let after: Option<i64> = parameters.get("cursor").map(page::decode).transpose()?;
    let limit = Limit::default();
    let mut tx = staff.begin(&app).await?;
    let run = bulk::read(&mut tx, path.id).await?;
    let items = bulk::list_items(&mut tx, path.id, outcome, after, limit.and_one()).await?;
    let refusals = bulk::count_refusals(&mut tx, path.id).await?;
    tx.commit().await?;
    let items = Page::cut(items, limit, |item| item.position);
    let outcome = outcome.unwrap_or_default();
    let done = run.total - run.counts.to_do;
    let values = context! {
        label => label(&run.action), argument => Serde(argument(&run)), until => end(&run), done => done,
        share => if run.total > 0 { done * 100 / run.total } else { 100 },
        lives => matches!(run.state, RunState::Running),
        follow => (!matches!(run.state, RunState::Finished | RunState::Failed)).then(|| Followed::Run(run.id).to_string()),
        may_steer => staff.may(needed(&run)),
        may_undo => staff.may(Permission::UsersWrite) && run.started_at.is_some() && !FOR_GOOD.contains(&run.action.as_str()),
        way => way(run.id), outcome => outcome, refusals => Serde(refusals),
        next => items.next.as_deref().map(|next| address(&way(path.id), [("outcome", outcome), ("cursor", next)])),
        items => Serde(items.items), run => Serde(run),
    };
    staff.page(&app, HERE, RUN_PAGE, values, &Faults::default())
}

/// What steering the run takes; also of those that begin elsewhere.
fn needed(run: &Run) -> Permission {
    let known = ACTIONS.iter().find(|(name, _)| *name == run.action);
    known.map_or(Permission::UsersWrite, |(_, needed)| *needed)
}

/// A run in the list.
#[derive(Serialize)]
struct Listed {
    label: String,
    way: String,
    run: Run,
}

pub async fn list(staff: Staff, parameters: Parameters, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::UsersRead)?;
    let before: Option<(Timestamp, Uuid)> = parameters.get("cursor").map(page::decode).transpose()?;
    let limit = Limit::new(25).unwrap_or_default();
    let mut tx = staff.begin(&app).await?;
    let runs = bulk::list(&mut tx, before, limit.and_one()).await?;
    tx.commit().await?;
    let page = Page::cut(runs, limit, |run| (run.created_at, run.id));
    let listed = page.items.into_iter().map(|run| Listed { label: label(&run.action), way: way(run.id), run });
    let values = context! {
        runs => Serde(listed.collect::<Vec<_>>()),
        next => page.next.as_deref().map(|next| address(HERE, [("cursor", next)])),
    };
    staff.page(&app, HERE, LIST_PAGE, values, &Faults::default())
}
