//! One action on many users: a preview that freezes who it is about and says what would come of it, then a run in the background.
//!
//! A run goes on in batches, each a transaction that does its users, writes down what came of each and moves the position; so it can
//! be paused, and goes on after a crash where it was. Every user is judged again when their turn comes: by the rules for one user,
//! and by what whoever began the run may do at that moment. All that a run changes is one change set, which can be undone.

mod action;
mod api;
mod counts;
mod jobs;
mod preview;
mod store;
mod undo;
mod warning;
mod work;

#[cfg(test)]
mod tests;

use std::net::IpAddr;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

pub use action::{Action, read_action};
pub use api::router;
pub use counts::Counts;
pub use jobs::register;
pub use preview::{Inactive, Preview, Selection, preview, show_preview};
pub use store::count_refusals;
pub use undo::{Undoing, undo_change};
pub use warning::{Consequence, note_warnings_sent};
pub use work::{Step, step};

use crate::audit::{self, Event};
use crate::caller::{Authority, PermissionSet, Subject};
use crate::db::{Actor, Origin, Tx};
use crate::error::{AppResult, Rejection};
use crate::id::{ApiKeyId, ServiceAccountId, UserId};
use crate::roles;

/// More users than this are no set for one run.
pub const USERS_MAX: i64 = 1_000_000;
/// A preview is good for so long.
const PREVIEW_LASTS: SignedDuration = SignedDuration::from_hours(1);

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nothing is done yet.
    Previewed,
    Running,
    /// Somebody has halted it; it can go on.
    Paused,
    Finished,
    /// It could not go on; `error` says why. What is done is done.
    Failed,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Previewed => "previewed",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Finished => "finished",
            Self::Failed => "failed",
        }
    }

    fn parse(text: &str) -> Self {
        let all = [Self::Previewed, Self::Running, Self::Paused, Self::Finished];
        all.into_iter().find(|state| state.as_str() == text).unwrap_or(Self::Failed)
    }
}

/// One action on many users.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "BulkRun")]
pub struct Run {
    /// Also the id of the change set.
    pub id: Uuid,
    /// Such as `suspend`.
    pub action: String,
    /// The role and when the grant ends, or the attributes.
    pub argument: Value,
    pub filter: Option<String>,
    /// Who was active on this day or later is left out: of runs by a rule on inactivity.
    pub inactive_before: Option<Date>,
    pub state: State,
    /// So many users are in the set.
    pub total: i64,
    /// What came of them, or in a preview what would.
    pub counts: Counts,
    pub actor_kind: String,
    pub actor_id: Option<Uuid>,
    pub reason: Option<String>,
    /// The change set that is undone.
    pub undoes: Option<Uuid>,
    pub error: Option<String>,
    pub created_at: Timestamp,
    /// Until then the preview can be run.
    pub expires_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
}

/// What came of one user.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "BulkItem")]
pub struct Item {
    pub position: i64,
    pub user_id: UserId,
    /// Of a user who is there still.
    pub username: Option<String>,
    /// `done`, `unchanged`, `refused` or `failed`; `null` for what is to be done.
    pub outcome: Option<String>,
    /// Why it was refused.
    pub code: Option<String>,
    pub detail: Option<String>,
}

/// Why some would be refused.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "BulkRefusal")]
pub struct Refusals {
    pub code: String,
    pub detail: String,
    pub count: i64,
}

/// Who began a run, and what the audit trail says of their request.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Asked {
    request_id: Option<String>,
    address: Option<IpAddr>,
    user_agent: Option<String>,
    reason: Option<String>,
}

impl Asked {
    fn of(origin: &Origin) -> Self {
        let Origin { request_id, address, user_agent, reason, .. } = origin.clone();
        Self { request_id, address, user_agent, reason }
    }
}

/// What a run needs to go on.
struct Running {
    id: Uuid,
    action: Action,
    state: State,
    position: i64,
    /// `None` when the release before has worked on it.
    counts: Option<Counts>,
    actor: Actor,
    api_key: Option<ApiKeyId>,
    permissions: PermissionSet,
    inactive_before: Option<Date>,
    asked: Asked,
}

impl Running {
    /// Each of its transactions is as if whoever began it had asked for it.
    fn origin(&self) -> Origin {
        let Asked { request_id, address, user_agent, reason } = self.asked.clone();
        Origin {
            actor: self.actor.clone(),
            api_key: self.api_key,
            request_id,
            address,
            user_agent,
            reason,
            change: Some(self.id),
        }
    }

    fn subject(&self) -> Option<Subject> {
        match self.actor {
            Actor::User(id) => Some(Subject::User(id)),
            Actor::ServiceAccount(id) => Some(Subject::ServiceAccount(id)),
            Actor::Anonymous | Actor::Cli | Actor::System => None,
        }
    }
}

fn actor(kind: &str, id: Option<Uuid>) -> Actor {
    match (kind, id) {
        ("user", Some(id)) => Actor::User(UserId::from_uuid(id)),
        ("service_account", Some(id)) => Actor::ServiceAccount(ServiceAccountId::from_uuid(id)),
        ("system", None) => Actor::System,
        _ => Actor::Cli,
    }
}

/// Begins what was previewed. Of several who try, one does.
pub async fn begin(tx: &mut Tx, by: Authority, id: Uuid, token: &str) -> AppResult<Run> {
    let running = find(tx, id).await?;
    running.action.require(by.permissions)?;
    require_proof(tx, by, &running.action).await?;
    if running.action.end().is_some_and(|end| end <= tx.now()) {
        let detail = "The grants of this preview would have ended by now: make another.";
        return Err(Rejection::invalid_field("/token", "in_the_past", detail).into());
    }
    let reason = tx.origin().reason.clone().or(running.asked.reason);
    tx.act_because(reason);
    if !store::update_to_begun(tx, id, by, token).await? {
        return Err(match read(tx, id).await?.state {
            State::Previewed => {
                let detail = "This is not the token of this preview, or the preview is older than an hour: make another.";
                Rejection::invalid_field("/token", "invalid_token", detail)
            }
            _ => Rejection::conflict("invalid_state", "It has been begun already."),
        }
        .into());
    }
    let run = read(tx, id).await?;
    let mut head = Event::success("bulk.started")
        .on("bulk", id)
        .detail("action", run.action.clone())
        .detail("argument", run.argument.clone())
        .detail("filter", run.filter.clone())
        .detail("total", run.total);
    if let Some(before) = run.inactive_before {
        head = head.detail("inactive_before", before.to_string());
    }
    audit::begin_change(tx, id, head).await?;
    jobs::enqueue(tx, id).await?;
    Ok(run)
}

/// Whoever purges, or gives or takes what makes somebody an administrator, has proved lately who they are.
pub async fn require_proof(tx: &mut Tx, by: Authority, action: &Action) -> AppResult<()> {
    match action {
        Action::Purge => Ok(by.require_proof(tx.now())?),
        action => {
            let Some(role) = action.role() else { return Ok(()) };
            match roles::find(tx, role.as_str()).await {
                Ok(role) => Ok(by.to_grant_now(role.permission_set(), tx.now())?),
                // Each user is refused then.
                Err(error) if error.code() == Some("not_found") => Ok(()),
                Err(error) => Err(error),
            }
        }
    }
}

/// Halts a run after the batch that is being done, or lets it go on.
pub async fn set_paused(tx: &mut Tx, by: Authority, id: Uuid, paused: bool) -> AppResult<Run> {
    let running = find(tx, id).await?;
    running.action.require(by.permissions)?;
    let (from, to) = if paused { (State::Running, State::Paused) } else { (State::Paused, State::Running) };
    if store::update_state(tx, id, from, to).await? {
        let action = if paused { "bulk.paused" } else { "bulk.resumed" };
        let event = Event::success(action).on("bulk", id);
        audit::record(tx, event.changed(&json!({ "state": from.as_str() }), &json!({ "state": to.as_str() }))).await?;
        if !paused {
            jobs::enqueue(tx, id).await?;
        }
    } else if store::find_state(tx, id).await? != Some(to) {
        let detail = if paused { "Only a run that is going on can be paused." } else { "Only a paused run can go on." };
        return Err(Rejection::conflict("invalid_state", detail).into());
    }
    read(tx, id).await
}

pub async fn read(tx: &mut Tx, id: Uuid) -> AppResult<Run> {
    store::find_run(tx, id).await?.ok_or_else(|| Rejection::not_found().into())
}

/// Whether there is such a run.
pub async fn require(tx: &mut Tx, id: Uuid) -> AppResult<()> {
    store::find_state(tx, id).await?.ok_or_else(Rejection::not_found)?;
    Ok(())
}

/// What came of its users, in their order; of one outcome only if so wished.
pub async fn list_items(tx: &mut Tx, id: Uuid, outcome: Option<&str>, after: Option<i64>, limit: i64) -> AppResult<Vec<Item>> {
    require(tx, id).await?;
    Ok(store::list_items(tx, id, outcome, after, limit).await?)
}

/// Newest first, after the one that was made then.
pub async fn list(tx: &mut Tx, before: Option<(Timestamp, Uuid)>, limit: i64) -> AppResult<Vec<Run>> {
    Ok(store::list_runs(tx, before, limit).await?)
}

async fn find(tx: &mut Tx, id: Uuid) -> AppResult<Running> {
    store::find_running(tx, id, false).await?.ok_or_else(|| Rejection::not_found().into())
}

/// What a code means, for previews.
fn explain(code: &str) -> &'static str {
    match code {
        "target_outranks_caller" => "The user holds permissions that you lack.",
        "invalid_state" => "The user is not in a state that allows it.",
        "last_admin" => "This is the last active administrator.",
        "not_found" => "There is no such user.",
        "active_again" => "The user was active after the preview.",
        "attribute_taken" => "Somebody has this value, or gets it before: only one user can have it.",
        "in_the_past" => "What would be granted would have ended by now.",
        "no_address" => "The user has no verified address, so nobody can be warned.",
        "undo_conflict" => "Something was changed since, or can't be changed back.",
        "internal" => "The server failed; its log says why.",
        _ => "It can't be done.",
    }
}
