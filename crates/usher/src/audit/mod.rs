//! The audit trail: who did what, when, from where, and what it changed. A row is written in the transaction of its change,
//! so there is no change without one. Rows are never updated; secrets are never in them.

mod api;
mod store;

#[cfg(test)]
#[path = "tests/api.rs"]
mod api_tests;

use std::fmt::Display;
use std::pin::Pin;

use serde::Serialize;
use serde_json::{Map, Value, json};

pub use api::router;

use crate::app::App;
use crate::caller::Permission;
use crate::db::{DbResult, Origin, Tx};
use crate::error::LogAndIgnore;

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
    changes: Value,
}

impl Event {
    /// Something that happened. Actions are named `<resource>.<past participle>`.
    pub fn success(action: &'static str) -> Self {
        Self { action, outcome: Outcome::Success, target: None, changes: json!({}) }
    }

    /// Something that was refused.
    pub fn failure(action: &'static str) -> Self {
        Self { outcome: Outcome::Failure, ..Self::success(action) }
    }

    /// What it happened to.
    #[must_use]
    pub fn on(mut self, kind: &'static str, id: impl Display) -> Self {
        self.target = Some((kind, id.to_string()));
        self
    }

    /// Field by field, what it changed.
    #[must_use]
    pub fn changed(mut self, before: &impl Serialize, after: &impl Serialize) -> Self {
        self.changes = difference(before, after);
        self
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
    let outcome = event.outcome.as_str();
    metrics::counter!("usher_audit_events_total", "action" => event.action, "outcome" => outcome).increment(1);
    let (kind, id) = event.target.map_or((None, None), |(kind, id)| (Some(kind), Some(id)));
    store::insert_event(tx, event.action, outcome, kind, id.as_deref(), &event.changes).await
}

/// Notes that a caller was refused for want of a permission. The refusal stands whether or not the note can be written.
pub fn note_denied(app: App, origin: Origin, permission: Permission) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        let note = async {
            let mut tx = app.begin(&origin).await?;
            record(&mut tx, Event::failure("permission.denied").detail("permission", permission.name())).await?;
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
