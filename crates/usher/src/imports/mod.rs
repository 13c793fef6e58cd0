//! Users from a file: staged row by row, judged against who is there, shown, and then applied in batches.
//!
//! Until it is applied, nothing of an import touches a user. Each row is judged twice by the same rules: for the preview, and in the
//! transaction that applies it, by what whoever applies it may do at that moment. A row that can't be applied is a conflict of its
//! own and holds up no other. Position and rows are written in one transaction, so an import goes on after a crash where it was. All
//! that it changes is one change set, which can be undone.

mod api;
mod apply;
mod auth0_hash;
mod background;
mod beginning;
mod classify;
mod columns;
mod counts;
mod jobs;
mod json_array;
mod judge;
mod keys;
mod options;
mod presets;
mod reader;
mod record;
mod report;
mod staging;
mod store;

#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::ops::Range;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

pub use api::router;
pub use apply::{Step, step as apply_step};
pub use background::{apply, resume, upload};
pub use beginning::look_at;
pub use classify::step as classify_step;
pub use columns::{Column, FIELDS, Kind, LEFT_OUT, PASSWORD_HASH, Target};
pub use counts::Counts;
pub use jobs::register;
pub use options::{FileFormat, Match, Mode, Options, read_delimiter, read_map, read_pairs};
pub use presets::Preset;
#[cfg(any(test, fuzzing))]
pub(crate) use record::{Record, read_all};
pub use report::Report;
pub use staging::stage;

use counts::Kept;
use store::{Due, Judged};

use crate::audit::{self, Event};
use crate::caller::{self, Authority, Permission, PermissionSet, Subject};
use crate::db::{Actor, Origin, Tx};
use crate::error::{AppResult, Rejection};
use crate::id::{ApiKeyId, ServiceAccountId, UserId};

/// A preview can be applied for so long. Then it is forgotten, with the hashes of passwords in it.
const PREVIEW_LASTS: SignedDuration = SignedDuration::from_hours(24);

/// How far an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ImportState")]
pub enum State {
    /// The file is being read.
    Staging,
    /// Its rows are being judged.
    Classifying,
    /// It can be applied; nothing is done yet.
    Ready,
    Running,
    /// Somebody has halted it; it can go on.
    Paused,
    Finished,
    /// It could not go on; `error` says why. What is done is done.
    Failed,
}

impl State {
    const ALL: [Self; 7] =
        [Self::Staging, Self::Classifying, Self::Ready, Self::Running, Self::Paused, Self::Finished, Self::Failed];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Staging => "staging",
            Self::Classifying => "classifying",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Finished => "finished",
            Self::Failed => "failed",
        }
    }

    fn parse(text: &str) -> Self {
        Self::ALL.into_iter().find(|state| state.as_str() == text).unwrap_or(Self::Failed)
    }
}

/// A file of users.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Import")]
pub struct Import {
    /// Also the id of the change set.
    pub id: Uuid,
    /// The name of the file, or where it came from.
    pub source: String,
    pub options: Options,
    pub state: State,
    /// Rows of the file.
    pub total: i64,
    /// Rows that are judged, and then applied.
    pub position: i64,
    pub counts: Counts,
    /// Mails that applying it sends.
    pub mails: i64,
    /// What it is applied with, once it is `ready`.
    pub token: Option<String>,
    pub actor_kind: String,
    pub actor_id: Option<Uuid>,
    pub reason: Option<String>,
    pub error: Option<String>,
    pub created_at: Timestamp,
    /// Until then it can be applied.
    pub expires_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
}

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ImportFault")]
pub struct Fault {
    /// Empty when it is about the whole row.
    pub field: String,
    pub code: String,
    pub detail: String,
}

impl Fault {
    pub fn new(field: &str, code: &str, detail: impl Into<String>) -> Self {
        Self { field: field.to_owned(), code: code.to_owned(), detail: detail.into() }
    }
}

/// A row of the file.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "ImportRow")]
pub struct Row {
    pub position: i64,
    /// Where it begins in the file.
    pub line: i64,
    /// `create`, `update`, `unchanged`, `conflict` or `invalid`; `null` until it is judged.
    pub class: Option<String>,
    pub email: Option<String>,
    pub username: Option<String>,
    /// Who is changed, or was created.
    pub user_id: Option<UserId>,
    /// Field by field, from what to what.
    pub changes: Option<Value>,
    /// Why it is `invalid` or a `conflict`.
    pub faults: Vec<Fault>,
    /// `done`, `unchanged`, `conflict` or `failed`; `null` for what is not applied.
    pub outcome: Option<String>,
}

/// Which class of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ImportClass")]
pub enum Class {
    Create,
    Update,
    Unchanged,
    Conflict,
    Invalid,
}

impl Class {
    const ALL: [Self; 5] = [Self::Create, Self::Update, Self::Unchanged, Self::Conflict, Self::Invalid];

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == text)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Unchanged => "unchanged",
            Self::Conflict => "conflict",
            Self::Invalid => "invalid",
        }
    }
}

/// Who began an import, and what the audit trail says of their request.
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

/// What an import needs to go on.
struct Running {
    id: Uuid,
    options: Options,
    state: State,
    /// The last row that is judged, or applied.
    position: i64,
    total: i64,
    has_begun: bool,
    /// `None` when the release before has worked on it.
    kept: Option<Kept>,
    actor: Actor,
    api_key: Option<ApiKeyId>,
    permissions: PermissionSet,
    /// Those that come or go with its rows, as they were judged.
    roles: Vec<String>,
    asked: Asked,
}

impl Running {
    /// The next positions, which are so many unless the rows end; `None` after the last.
    fn window(&self, size: i64) -> Option<Range<i64>> {
        (self.position < self.total).then(|| self.position + 1..(self.position + size).min(self.total) + 1)
    }

    /// What is kept when these rows were judged, or have come to something, and all up to this position are done with.
    fn kept_at(&self, position: i64, due: &[Due], judged: &[Judged]) -> Option<Kept> {
        let passed = counts::passed(position, self.total, self.has_begun);
        self.kept.map(|kept| kept.after(&self.options, due, judged, passed))
    }

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

    /// Of somebody in a session: the roles that they were asked to prove who they are for, if those make somebody an administrator
    /// . Nobody else was asked.
    fn foretold(&self) -> Option<Vec<String>> {
        let is_of_a_session = matches!(self.actor, Actor::User(_)) && self.api_key.is_none();
        is_of_a_session.then(|| self.roles.clone())
    }

    /// What it may do now: as much as whoever began it might do then and may do still.
    async fn authority(&self, tx: &mut Tx) -> AppResult<Option<Authority>> {
        let Some(subject) = self.subject() else { return Ok(Some(Authority::operator())) };
        let held = caller::find_active_permissions(tx, subject).await?;
        let permissions = held.map(|held| held.intersection(self.permissions));
        let authority = permissions.map(|permissions| Authority::without_session(permissions, subject.user_id()));
        Ok(authority.filter(|authority| authority.permissions.contains(Permission::UsersWrite)))
    }
}

fn actor(kind: &str, id: Option<Uuid>) -> Actor {
    match (kind, id) {
        ("user", Some(id)) => Actor::User(UserId::from_uuid(id)),
        ("service_account", Some(id)) => Actor::ServiceAccount(ServiceAccountId::from_uuid(id)),
        _ => Actor::Cli,
    }
}

/// The import, for somebody who may do all that it was allowed: its rows tell of users whom others may not see.
pub async fn read(tx: &mut Tx, by: Authority, id: Uuid) -> AppResult<Import> {
    let (import, permissions) = store::find_import(tx, id).await?.ok_or_else(Rejection::not_found)?;
    by.over(permissions)?;
    Ok(import)
}

/// Whether there is such an import, and the caller may see it.
pub async fn require(tx: &mut Tx, by: Authority, id: Uuid) -> AppResult<()> {
    let permissions = store::find_permissions(tx, id).await?.ok_or_else(Rejection::not_found)?;
    by.over(permissions)?;
    Ok(())
}

/// Begins to apply what was previewed. Of several who try, one does; from here on it is theirs. Whoever gives or takes by it what makes
/// somebody an administrator has proved lately who they are.
pub async fn begin(tx: &mut Tx, by: Authority, id: Uuid, token: &str) -> AppResult<Import> {
    let before = read(tx, by, id).await?;
    // What they may give and take is for each row to say.
    by.require_proof_for(store::find_granted(tx, id).await?, tx.now())?;
    let reason = tx.origin().reason.clone().or(before.reason);
    tx.act_because(reason);
    if !store::update_to_begun(tx, id, by, token).await? {
        return Err(match before.state {
            State::Ready => {
                let detail = "This is not the token of this preview, or the preview is older than a day: import the file again.";
                Rejection::invalid_field("/token", "invalid_token", detail)
            }
            State::Staging | State::Classifying => {
                Rejection::conflict("invalid_state", "Its rows are still being judged: ask again in a moment.")
            }
            _ => Rejection::conflict("invalid_state", "It has been begun already."),
        }
        .into());
    }
    let import = read(tx, by, id).await?;
    let head = Event::success("import.started")
        .on("import", id)
        .detail("source", import.source.clone())
        .detail("options", serde_json::to_value(&import.options)?)
        .detail("create", import.counts.create)
        .detail("update", import.counts.update);
    audit::begin_change(tx, id, head).await?;
    Ok(import)
}

/// Halts an import after the batch that is being done, or lets it go on.
pub async fn set_paused(tx: &mut Tx, by: Authority, id: Uuid, paused: bool) -> AppResult<Import> {
    read(tx, by, id).await?;
    let (from, to) = if paused { (State::Running, State::Paused) } else { (State::Paused, State::Running) };
    if store::update_state(tx, id, from, to).await? {
        let action = if paused { "import.paused" } else { "import.resumed" };
        let event = Event::success(action).on("import", id);
        audit::record(tx, event.changed(&json!({ "state": from.as_str() }), &json!({ "state": to.as_str() }))).await?;
    } else if read(tx, by, id).await?.state != to {
        let detail = if paused { "Only an import that is going on can be paused." } else { "Only a paused import can go on." };
        return Err(Rejection::conflict("invalid_state", detail).into());
    }
    read(tx, by, id).await
}

/// Newest first, as far as the caller may see them.
pub async fn list(tx: &mut Tx, by: Authority, before: Option<(Timestamp, Uuid)>, limit: i64) -> AppResult<Vec<Import>> {
    store::list_imports(tx, by, before, limit).await
}

/// How many rows are done with, and how many there are.
pub async fn progress(tx: &mut Tx, id: Uuid) -> AppResult<(i64, i64)> {
    Ok(store::find_progress(tx, id).await?.ok_or_else(Rejection::not_found)?)
}

/// The first rows that are not clean.
pub async fn list_faulty(tx: &mut Tx, id: Uuid, limit: i64) -> AppResult<Vec<Row>> {
    Ok(store::list_faulty(tx, id, 0, limit).await?)
}

/// Rows in their order that count as this ([`Counts`]).
pub async fn list_rows_counted_as(tx: &mut Tx, id: Uuid, count: &str, after: i64, limit: i64) -> AppResult<Vec<Row>> {
    Ok(store::list_rows_counted_as(tx, id, count, after, limit).await?)
}

/// Rows in their order, of one class only if so wished.
pub async fn list_rows(tx: &mut Tx, id: Uuid, class: Option<Class>, after: i64, limit: i64) -> AppResult<Vec<Row>> {
    Ok(store::list_rows(tx, id, class, after, limit).await?)
}
