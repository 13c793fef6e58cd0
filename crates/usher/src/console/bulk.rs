//! Acting on many: whom and what, a preview that says what would come of it, and the run.

use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use minijinja::context;
use minijinja::value::Serde;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::parameters::{Parameters, address};
use super::roles::list_grantable;
use super::staff::{Staff, StaffForm};
use super::{events, words};
use crate::app::App;
use crate::bulk::{self, Run, Selection, State as RunState};
use crate::caller::Permission;
use crate::db::page::{self, Limit, Page};
use crate::error::{AppError, AppResult, Rejection};
use crate::html::{self, Faults, Members, Notice, see_other};
use crate::http::params::Path;
use crate::id::UserId;
use crate::roles::RoleName;

const HERE: &str = "/admin/bulk";
const NEW_PAGE: &str = "console/bulk_new.html";
const PREVIEW_PAGE: &str = "console/bulk_preview.html";
const RUN_PAGE: &str = "console/bulk_run.html";
const LIST_PAGE: &str = "console/bulk_list.html";
/// What can come of a user.
const OUTCOMES: [&str; 5] = ["to_do", "done", "unchanged", "refused", "failed"];
/// As many as can be chosen one by one.
const IDS_MAX: usize = 1000;

const FIELDS: [&str; 3] = ["action", "role", "filter"];

/// What can be done to many, by the permission that it takes.
const ACTIONS: [(&str, Permission); 9] = [
    ("suspend", Permission::UsersWrite),
    ("reactivate", Permission::UsersWrite),
    ("sign_out", Permission::UsersWrite),
    ("require_password_reset", Permission::UsersWrite),
    ("assign_role", Permission::RolesAssign),
    ("remove_role", Permission::RolesAssign),
    ("delete", Permission::UsersDelete),
    ("restore", Permission::UsersDelete),
    ("purge", Permission::UsersPurge),
];

/// What can't be undone.
const FOR_GOOD: [&str; 2] = ["purge", "warn_inactive"];

#[derive(Deserialize)]
pub struct RunPath {
    id: Uuid,
}

pub async fn show_new(staff: Staff, parameters: Parameters, State(app): State<App>) -> AppResult<Response> {
    let ids: Vec<&str> = parameters.all("user").collect();
    let said = Said {
        users: ids.join(","),
        filter: if ids.is_empty() { parameters.get("filter").unwrap_or_default().to_owned() } else { String::new() },
        action: parameters.get("action").unwrap_or_default().to_owned(),
        ..Said::default()
    };
    // A form without anybody chosen.
    if said.users.is_empty() && said.filter.is_empty() {
        return Ok(see_other("/admin/users"));
    }
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
    reason: String,
}

impl Said {
    fn of(members: &Members) -> Self {
        let text = |name: &str| members.text(name).trim().to_owned();
        Self { users: text("users"), filter: text("filter"), action: text("action"), role: text("role"), reason: text("reason") }
    }

    fn selection(&self) -> Result<Selection, Rejection> {
        if self.users.is_empty() {
            if self.filter.is_empty() {
                return Err(Rejection::invalid_field("/filter", "required", "is needed"));
            }
            return Ok(Selection::Filter(self.filter.clone()));
        }
        let ids: Result<Vec<UserId>, _> = self.users.split(',').take(IDS_MAX + 1).map(str::parse).collect();
        match ids {
            Ok(ids) if ids.len() <= IDS_MAX => Ok(Selection::Ids(ids)),
            _ => Err(Rejection::bad_request("malformed_request", "These are no users. Choose them in the list again.")),
        }
    }
}

async fn ask(app: &App, staff: &Staff, said: &Said, faults: &Faults) -> AppResult<Response> {
    staff.require(Permission::UsersRead)?;
    let takes_roles = staff.may(Permission::RolesAssign);
    let offered = if takes_roles { list_grantable(app, staff).await? } else { None };
    let actions: Vec<(&str, String)> =
        ACTIONS.into_iter().filter(|(_, needed)| staff.may(*needed)).map(|(name, _)| (name, label(name))).collect();
    let values = context! {
        said => Serde(said), actions => Serde(actions), takes_roles => takes_roles, offered => Serde(offered),
        count => said.users.split(',').filter(|id| !id.is_empty()).count(),
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
            let role = preview.run.argument["role"].clone();
            let values = context! {
                role => events::text(&role), label => label(&preview.run.action), reason => said.reason.as_str(),
                preview => Serde(preview),
            };
            staff.page(&app, HERE, PREVIEW_PAGE, values, &Faults::default())
        }
        Err(error) => ask(&app, &staff, &said, &words::faults(as_a_body(error), "bulk", &FIELDS)?).await,
    }
}

/// What is wrong with a filter is said of a parameter.
fn as_a_body(error: AppError) -> AppError {
    match error {
        AppError::Rejected(rejection) if rejection.code == "invalid_query" => (*rejection).of_a_body().into(),
        other => other,
    }
}

async fn make_preview(app: &App, staff: &Staff, said: &Said, members: &Members) -> AppResult<bulk::Preview> {
    let Some((name, needed)) = ACTIONS.into_iter().find(|(name, _)| *name == said.action) else {
        return Err(Rejection::invalid_field("/action", "required", "is needed").into());
    };
    staff.require(needed)?;
    let takes_role = name.ends_with("_role");
    let role = Some(RoleName::from(said.role.as_str())).filter(|_| takes_role && !said.role.is_empty());
    let action = bulk::read_action(name, role.as_ref(), None)?;
    let selection = said.selection()?;
    let mut tx = staff.begin_because(app, members).await?;
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
        label => label(&run.action), role => events::text(&run.argument["role"]), done => done,
        share => if run.total > 0 { done * 100 / run.total } else { 100 },
        lives => matches!(run.state, RunState::Running),
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
