//! The audit trail: who did what, when, from where, and what it changed. A row is written in the transaction of its change,
//! so there is no change without one. Rows are never updated; secrets are never in them.
//!
//! What may be personal stands apart, in details that an event commits to by their hash: they can be erased with the person
//! and the [`log`] that seals the events still verifies.

mod api;
mod jobs;
pub mod log;
mod masking;
mod store;

#[cfg(test)]
#[path = "tests/api.rs"]
mod api_tests;
#[cfg(test)]
#[path = "tests/erasing.rs"]
mod erasing_tests;

use std::fmt::Display;
use std::net::IpAddr;
use std::pin::Pin;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use usher_log::Details;
use uuid::Uuid;

pub use api::router;
pub use jobs::{erase, register};
pub use masking::{MASKED, seen_by};
pub use store::Wanted;

use crate::app::App;
use crate::caller::Denial;
use crate::config::Report;
use crate::db::{Actor, DbResult, Origin, Tx};
use crate::error::{AppResult, LogAndIgnore};
use crate::id::{ApiKeyId, ServiceAccountId, UserId, new_uuid};
use crate::secret::random_bytes;

/// Whether what was asked for happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Success,
    Failure,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }
}

/// Something that happened. Who, when and from where come from the transaction.
pub struct Event {
    action: &'static str,
    outcome: Outcome,
    target: Option<(&'static str, String)>,
    subject: Option<Uuid>,
    changes: Value,
}

/// Something that happened.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AuditEvent {
    pub id: Uuid,
    pub occurred_at: Timestamp,
    /// `<resource>.<past participle>`, such as `user.created`.
    pub action: String,
    /// `success` or `failure`.
    pub outcome: String,
    /// `user`, `service_account`, `anonymous`, `cli` (an operator at the command line) or `system` (usher itself).
    pub actor_kind: String,
    pub actor_id: Option<Uuid>,
    pub target_kind: Option<String>,
    pub target_id: Option<String>,
    /// What the caller gave as `X-Reason`.
    pub reason: Option<String>,
    pub request_id: Option<String>,
    /// The client's network address.
    pub address: Option<String>,
    pub user_agent: Option<String>,
    /// The API key that the actor has shown.
    pub api_key_id: Option<ApiKeyId>,
    /// The change set that it belongs to, if it is an administrative change: see `GET /v1/changes`.
    pub change_id: Option<Uuid>,
    /// Member by member: `{"bio": {"before": null, "after": "Gardener"}}`.
    pub changes: Value,
    /// A person whom it concerned was purged, and with them reason, address, user agent and changes.
    pub erased: bool,
}

impl AuditEvent {
    /// Who did it and where from. What goes on after it is of the same change set.
    pub fn origin(&self) -> Origin {
        let actor = match (self.actor_kind.as_str(), self.actor_id) {
            ("user", Some(id)) => Actor::User(UserId::from_uuid(id)),
            ("service_account", Some(id)) => Actor::ServiceAccount(ServiceAccountId::from_uuid(id)),
            ("cli", _) => Actor::Cli,
            ("anonymous", _) => Actor::Anonymous,
            _ => Actor::System,
        };
        Origin {
            actor,
            api_key: self.api_key_id,
            request_id: self.request_id.clone(),
            address: self.address.as_deref().and_then(|address| address.parse().ok()),
            user_agent: self.user_agent.clone(),
            reason: self.reason.clone(),
            change: self.change_id,
        }
    }
}

/// What may be personal in an event; kept as text, and hashed so.
#[derive(Serialize, Deserialize)]
struct Content {
    reason: Option<String>,
    address: Option<IpAddr>,
    user_agent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    api_key_id: Option<ApiKeyId>,
    /// The change set that the event belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    change_id: Option<Uuid>,
    changes: Value,
}

impl Content {
    /// What is shown in place of erased details.
    fn erased() -> Self {
        Self { reason: None, address: None, user_agent: None, api_key_id: None, change_id: None, changes: json!({}) }
    }
}

impl Event {
    /// Something that happened. Actions are named `<resource>.<past participle>`.
    pub fn success(action: &'static str) -> Self {
        Self { action, outcome: Outcome::Success, target: None, subject: None, changes: json!({}) }
    }

    /// Something that was refused.
    pub fn failure(action: &'static str) -> Self {
        Self { outcome: Outcome::Failure, ..Self::success(action) }
    }

    /// What it happened to.
    #[must_use]
    pub fn on(mut self, kind: &'static str, id: impl Display) -> Self {
        let id = id.to_string();
        if kind == "user" {
            self.subject = id.parse().ok();
        }
        self.target = Some((kind, id));
        self
    }

    /// Whom it concerns, when it happened to something of theirs by somebody else's hand: its details go when they are purged.
    #[must_use]
    pub fn about(mut self, id: UserId) -> Self {
        self.subject = Some(id.uuid());
        self
    }

    /// Field by field, what it changed.
    #[must_use]
    pub fn changed(mut self, before: &impl Serialize, after: &impl Serialize) -> Self {
        self.changes = difference(before, after);
        self
    }

    /// Whether somebody has changed what is not their own.
    fn is_administrative(&self, actor: &Actor) -> bool {
        let changes_something = self.outcome == Outcome::Success && !fields(&self.changes).is_empty();
        changes_something
            && match actor {
                Actor::User(id) => self.subject != Some(id.uuid()),
                Actor::ServiceAccount(_) | Actor::Cli => true,
                Actor::Anonymous | Actor::System => false,
            }
    }

    /// What else is worth knowing.
    #[must_use]
    pub fn detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        if let Value::Object(changes) = &mut self.changes {
            changes.insert(name.to_owned(), value.into());
        }
        self
    }
}

/// Writes the event.
pub async fn record(tx: &mut Tx, event: Event) -> DbResult<()> {
    let row = Row::of(tx, event);
    store::insert_event(tx, row).await
}

/// Events, newest first.
pub async fn list(tx: &mut Tx, wanted: Wanted) -> DbResult<Vec<AuditEvent>> {
    store::list_events(tx, wanted).await
}

/// These events, in no order.
pub async fn find(tx: &mut Tx, ids: &[Uuid]) -> DbResult<Vec<AuditEvent>> {
    store::find_events(tx, ids).await
}

/// Whether an event of the change set, beside its head, says that one of these roles was given to a user who was there or taken from
/// them, or that it ends at another time.
pub async fn moves_roles(tx: &mut Tx, change: Uuid, roles: &[&str]) -> DbResult<bool> {
    store::exists_moved_role(tx, change, roles).await
}

/// Writes the events with one statement.
pub async fn record_all(tx: &mut Tx, events: Vec<Event>) -> DbResult<()> {
    let rows: Vec<Row> = events.into_iter().map(|event| Row::of(tx, event)).collect();
    store::insert_events(tx, &rows).await
}

/// Begins a change set: the event is its head, and what this transaction changes from here on belongs to it.
pub async fn begin_change(tx: &mut Tx, id: Uuid, event: Event) -> DbResult<()> {
    tx.belong_to(id);
    let row = Row { id, ..Row::of(tx, event) };
    store::insert_event(tx, row).await
}

/// An event as it is written.
struct Row {
    id: Uuid,
    event: Event,
    change: Option<Uuid>,
    details: Details,
}

impl Row {
    fn of(tx: &Tx, mut event: Event) -> Self {
        let outcome = event.outcome.as_str();
        metrics::counter!("usher_audit_events_total", "action" => event.action, "outcome" => outcome).increment(1);
        let (id, origin) = (new_uuid(tx.now()), tx.origin());
        let change = origin.change.or_else(|| event.is_administrative(&origin.actor).then_some(id));
        let content = Content {
            reason: origin.reason.clone(),
            address: origin.address,
            user_agent: origin.user_agent.clone(),
            api_key_id: origin.api_key,
            change_id: change,
            changes: std::mem::take(&mut event.changes),
        };
        let content = serde_json::to_string(&content).expect("texts and values are JSON");
        Self { id, event, change, details: Details { salt: random_bytes(), content } }
    }
}

/// Notes that a process has begun to work, and under which settings: their names and one hash, no values.
pub async fn note_start(app: &App, command: &str, report: &Report) -> AppResult<()> {
    let mut tx = app.begin_as(Actor::System).await?;
    let event = Event::success("server.started")
        .detail("command", command)
        .detail("version", env!("CARGO_PKG_VERSION"))
        .detail("settings", report.names_given())
        .detail("settings_hash", report.fingerprint());
    record(&mut tx, event).await?;
    tx.commit().await?;
    Ok(())
}

/// Notes that a caller was refused. The refusal stands whether or not the note can be written.
pub fn note_denied(app: App, origin: Origin, denial: Denial) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        let event = match denial {
            Denial::Lacks(permission) => Event::failure("permission.denied").detail("permission", permission.name()),
            Denial::Refused(code) => Event::failure("permission.denied").detail("refusal", code),
        };
        let note = async {
            let mut tx = app.begin(&origin).await?;
            record(&mut tx, event).await?;
            tx.commit().await
        };
        note.await.log_and_ignore("the refusal stands");
    })
}

/// The members that differ, as `{"member": {"before": .., "after": ..}}`. Bookkeeping is left out.
fn difference(before: &impl Serialize, after: &impl Serialize) -> Value {
    let members = |value: Value| match value {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    let before = members(serde_json::to_value(before).unwrap_or_default());
    let after = members(serde_json::to_value(after).unwrap_or_default());
    let mut changes = Map::new();
    for name in before.keys().chain(after.keys()) {
        let (old, new) = (before.get(name).unwrap_or(&Value::Null), after.get(name).unwrap_or(&Value::Null));
        if old != new && !["version", "updated_at"].contains(&name.as_str()) {
            changes.insert(name.clone(), json!({ "before": old, "after": new }));
        }
    }
    Value::Object(changes)
}

/// The members of `changes` that say what a field was and what it is: the others are details.
pub fn fields(changes: &Value) -> Vec<(&str, &Value, &Value)> {
    let Value::Object(members) = changes else { return Vec::new() };
    members
        .iter()
        .filter_map(|(name, change)| match change {
            Value::Object(sides) if sides.len() == 2 => Some((name.as_str(), sides.get("before")?, sides.get("after")?)),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_difference_names_changed_members_only() {
        let before = json!({ "bio": null, "username": "ann", "version": 1 });
        let after = json!({ "bio": "Gardener", "username": "ann", "version": 2 });
        assert_eq!(difference(&before, &after), json!({ "bio": { "before": null, "after": "Gardener" } }));
        assert_eq!(difference(&json!(null), &json!({ "a": 1 })), json!({ "a": { "before": null, "after": 1 } }));
    }
}
