//! What people ask for and somebody else approves: those that wait, and one of them with what was given, to be decided on.

use std::collections::HashMap;

use axum::extract::State;
use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::acts;
use super::events::{self, Named};
use super::parameters::{Parameters, address};
use super::staff::{Staff, StaffForm};
use super::{user, words};
use crate::app::{App, Ask};
use crate::approvals::{self, ApprovalRequest, Approving, Declining, Kind, Wanted};
use crate::audit;
use crate::caller::Permission;
use crate::db::Tx;
use crate::db::page::Limit;
use crate::error::{AppError, AppResult};
use crate::html::{self, Faults, Field, Members, Notice};
use crate::http::body;
use crate::http::params::Path;
use crate::id::{ApprovalRequestId, UserId};
use crate::languages::now;
use crate::users::{self, User};

const HERE: &str = "/admin/requests";
const LIST_PAGE: &str = "console/requests.html";
const PAGE: &str = "console/request.html";
const DECIDE_PAGE: &str = "console/decide.html";
/// So many on a page.
const SHOWN: u16 = 25;
/// So many others of the same person.
const OTHERS_SHOWN: u16 = 10;
/// So many events of the person are looked through for those of the request.
const EVENTS_READ: i64 = 50;
/// What the state is called in the address of the page with all of them.
const EVERY: &str = "all";
const ACTIONS: [&str; 4] = ["approval.requested", "approval.withdrawn", "approval.approved", "approval.declined"];

#[derive(Deserialize)]
pub struct RequestPath {
    id: ApprovalRequestId,
}

fn way(id: ApprovalRequestId) -> String {
    format!("{HERE}/{id}")
}

fn kind_in_words(kind: Kind) -> String {
    match kind {
        Kind::Professional => now().word("request-professional"),
    }
}

/// A request and whom it is about.
#[derive(Serialize)]
struct Shown<'a> {
    request: &'a ApprovalRequest,
    way: String,
    what: String,
    user: Named,
    /// Nobody while it waits; nor when it was no user.
    decided_by: Option<Named>,
}

impl<'a> Shown<'a> {
    fn of(request: &'a ApprovalRequest, people: &HashMap<String, String>) -> Self {
        let id = request.user.id.to_string();
        let name = request.user.display_name.clone().unwrap_or_else(|| request.user.username.clone());
        Self {
            request,
            way: way(request.id),
            what: kind_in_words(request.kind),
            user: Named { name, way: people.contains_key(&id).then(|| user::way(request.user.id)) },
            decided_by: request.decided_by.map(|id| events::named_user(&id.to_string(), people)),
        }
    }
}

async fn find_people(tx: &mut Tx, staff: &Staff, shown: &[ApprovalRequest]) -> AppResult<HashMap<String, String>> {
    let ids: Vec<UserId> = shown.iter().flat_map(|one| [Some(one.user.id), one.decided_by]).flatten().collect();
    Ok(events::find_names(tx, staff, &ids).await?)
}

pub async fn list(staff: Staff, parameters: Parameters, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::UsersRead)?;
    let asked = ["state", "user"].map(|name| (name, parameters.get(name).unwrap_or_default()));
    let [(_, named), (_, whose)] = asked;
    let mut faults = Faults::default();
    let state = match named {
        "" => Some(approvals::State::Waiting),
        EVERY => None,
        _ => approvals::State::parse(named),
    };
    if state.is_none() && named != EVERY {
        faults = Faults::at("state", now().word("invitation-state-unknown"));
    }
    let user_id: Option<UserId> = whose.parse().ok();
    if user_id.is_none() && !whose.is_empty() {
        faults = Faults::at("user", now().word("request-user-invalid"));
    }
    let cursor = parameters.get("cursor").map(ToOwned::to_owned);
    let wanted = Wanted { limit: Limit::new(SHOWN).unwrap_or_default(), cursor, state, user_id, kind: None };
    let ask: Ask<Wanted, _> = |tx, wanted| Box::pin(approvals::list(tx, wanted));
    let page = if faults.is_empty() { Some(app.read_list(&staff.person().origin, &wanted, ask).await?) } else { None };
    let found: Vec<ApprovalRequest> = page.iter().flat_map(|page| page.items.clone()).collect();
    let mut tx = staff.begin(&app).await?;
    let people = find_people(&mut tx, &staff, &found).await?;
    tx.commit().await?;
    let next = page.as_ref().and_then(|page| page.next.as_deref());
    let values = context! {
        rows => Serde(found.iter().map(|one| Shown::of(one, &people)).collect::<Vec<_>>()),
        state => named, states => states(), whose => whose, is_found => page.is_some(),
        is_offered => Kind::ALL.into_iter().any(|kind| kind.is_offered(&app)),
        first => wanted.cursor.as_ref().map(|_| address(HERE, asked)),
        next => next.map(|next| address(HERE, asked.into_iter().chain([("cursor", next)]))),
    };
    staff.page(&app, HERE, LIST_PAGE, values, &faults)
}

fn states() -> Vec<(&'static str, String)> {
    let states =
        [("", "waiting"), ("approved", "approved"), ("declined", "declined"), ("withdrawn", "withdrawn"), (EVERY, EVERY)];
    states.into_iter().map(|(state, word)| (state, words::of("request-state-", word))).collect()
}

pub async fn show(staff: Staff, Path(path): Path<RequestPath>, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::UsersRead)?;
    let mut tx = staff.begin(&app).await?;
    let request = approvals::read(&mut tx, path.id).await?;
    let limit = Limit::new(OTHERS_SHOWN).unwrap_or_default();
    let wanted = Wanted { limit, user_id: Some(request.user.id), ..Wanted::default() };
    let mut others = approvals::list(&mut tx, &wanted).await?.items;
    others.retain(|other| other.id != request.id);
    let people = find_people(&mut tx, &staff, std::slice::from_ref(&request)).await?;
    let person = users::find(&mut tx, request.user.id).await?.filter(|_| people.contains_key(&request.user.id.to_string()));
    let history = if person.is_some() { Some(list_history(&mut tx, &staff, &request).await?) } else { None };
    tx.commit().await?;
    let profile = person.as_ref().map(|person| asked_of(&app, request.kind, person)).transpose()?;
    let values = context! {
        shown => Serde(Shown::of(&request, &people)), profile => Serde(profile), history => Serde(history),
        others => Serde(others.iter().map(|other| Shown::of(other, &people)).collect::<Vec<_>>()),
        may_decide => person.is_some() && may_decide(&staff, &request),
        is_own => request.user.id == staff.person().user_id,
    };
    staff.page(&app, HERE, PAGE, values, &Faults::default())
}

fn may_decide(staff: &Staff, request: &ApprovalRequest) -> bool {
    let is_somebody_elses = request.user.id != staff.person().user_id;
    staff.may(Permission::UsersWrite) && request.state == approvals::State::Waiting && is_somebody_elses
}

/// What the kind takes, as the profile has it now.
fn asked_of(app: &App, kind: Kind, person: &User) -> AppResult<Vec<(String, String)>> {
    let profile = serde_json::to_value(person)?;
    let required = kind.required(app).unwrap_or_default();
    Ok(required.iter().map(|name| (events::field_name(name), events::text(&profile[*name]))).collect())
}

async fn list_history(tx: &mut Tx, staff: &Staff, request: &ApprovalRequest) -> AppResult<Vec<events::Shown>> {
    let wanted = audit::Wanted {
        target_id: Some(request.user.id.to_string()),
        actions: Some(ACTIONS.map(str::to_owned).into()),
        limit: EVENTS_READ,
        ..audit::Wanted::default()
    };
    let mut happened = audit::list(tx, wanted).await?;
    happened.retain(|event| event.changes["request_id"] == request.id.to_string());
    Ok(events::show(tx, staff, &happened).await?)
}

/// A decision.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Decision {
    Approve,
    Decline,
}

impl Decision {
    /// As in its address.
    fn name(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Decline => "decline",
        }
    }

    /// What its page says: what comes of it, and what is to be written.
    fn words(self) -> [String; 3] {
        let now = now();
        match self {
            Self::Approve => {
                [now.word("request-approve-button"), now.word("request-approve-means"), now.word("request-approve-hint")]
            }
            Self::Decline => {
                [now.word("request-decline-button"), now.word("request-decline-means"), now.word("request-decline-hint")]
            }
        }
    }
}

pub async fn show_approve(staff: Staff, Path(path): Path<RequestPath>, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::UsersWrite)?;
    ask(&app, &staff, path.id, Decision::Approve, None, &Faults::default()).await
}

pub async fn submit_approve(Path(path): Path<RequestPath>, State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    decide(&app, form, path.id, Decision::Approve).await
}

pub async fn show_decline(staff: Staff, Path(path): Path<RequestPath>, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::UsersWrite)?;
    ask(&app, &staff, path.id, Decision::Decline, None, &Faults::default()).await
}

pub async fn submit_decline(Path(path): Path<RequestPath>, State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    decide(&app, form, path.id, Decision::Decline).await
}

async fn decide(app: &App, form: StaffForm, id: ApprovalRequestId, decision: Decision) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::UsersWrite)?;
    match carry_out(app, &staff, &members, id, decision).await {
        Ok(()) => html::done(app, &way(id), Notice::Saved),
        Err(error) => ask(app, &staff, id, decision, Some(&members), &in_fields(error)?).await,
    }
}

async fn carry_out(app: &App, staff: &Staff, members: &Members, id: ApprovalRequestId, decision: Decision) -> AppResult<()> {
    let said = members.text("reason").replace("\r\n", "\n");
    let said = Some(said.trim()).filter(|said| !said.is_empty());
    let body: Map<String, Value> = said.map(|said| ("reason".to_owned(), said.into())).into_iter().collect();
    let mut tx = staff.begin_because(app, members).await?;
    let before = approvals::lock(&mut tx, id).await?;
    if decision == Decision::Decline {
        let Declining { reason } = body::from_value(Value::Object(body))?;
        approvals::decline(&mut tx, staff.authority(), &before, &reason).await?;
    } else {
        let Approving { reason } = body::from_value(Value::Object(body))?;
        approvals::approve(&mut tx, staff.authority(), &before, reason.as_deref()).await?;
    }
    tx.commit().await?;
    Ok(())
}

fn in_fields(error: AppError) -> AppResult<Faults> {
    match error {
        AppError::Rejected(rejection) if !rejection.errors.is_empty() => {
            let (subject, missing) = (now().word("request-reason-subject"), now().word("request-reason-missing"));
            let field = Field { name: "reason", subject: &subject, missing: &missing };
            Faults::of(AppError::Rejected(rejection), &[field])
        }
        other => acts::as_fault(other),
    }
}

async fn ask(
    app: &App,
    staff: &Staff,
    id: ApprovalRequestId,
    decision: Decision,
    members: Option<&Members>,
    faults: &Faults,
) -> AppResult<Response> {
    let mut tx = staff.begin(app).await?;
    let request = approvals::read(&mut tx, id).await?;
    let people = find_people(&mut tx, staff, std::slice::from_ref(&request)).await?;
    tx.commit().await?;
    let [button, means, hint] = decision.words();
    let values = context! {
        shown => Serde(Shown::of(&request, &people)), action => format!("{}/{}", way(id), decision.name()),
        decision => context! { button, means, hint, declines => decision == Decision::Decline },
        reason => members.map(|members| members.text("reason")).unwrap_or_default(),
    };
    staff.page(app, HERE, DECIDE_PAGE, values, faults)
}
