//! Changes and their undoing. A change set is what one administrative act has changed: an audit event, or the event that begins it
//! and those that belong to it. To undo is to change back what nobody has changed since: a new change set, never another history.
//!
//! Field by field, three values decide: what it was, what the change made of it, and what it is. If it is what the change made of it,
//! it becomes what it was. If it is what it was, there is nothing to do. Anything else is a conflict, which is listed and not
//! overwritten. Passwords and other secrets are in no audit event, so they are neither shown nor brought back.

mod api;
mod by_hand;
mod definitions;
mod held;
mod inactivity_rules;
mod mail_texts;
mod many;
mod memberships;
mod migrations;
mod primary;
mod service_accounts;
mod three_ways;
mod undo;

#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

pub use api::router;
pub use by_hand::{RENAMED, instead_of};
pub use many::undo_many;
pub use migrations::{Migration, is_rename_only, put_back, rename_back, require_values, way_back};
pub use undo::undo;

use crate::audit::{self, AuditEvent, Wanted};
use crate::db::Tx;
use crate::error::{AppResult, Rejection};
use crate::id::UserId;

/// What undoes a change set.
pub const UNDONE: &str = "change.undone";
/// So many of those that undo one change are told.
const UNDOING_MAX: i64 = 100;

/// Fields of events on a user that are none of the user's, and tell of what does not come back: sessions and keys that ended,
/// second factors that are gone, what a passkey is called, a link that was mailed, what became of a request, who deleted them.
const FOR_GOOD: [&str; 8] = ["api_keys", "deleted_by", "link", "name", "passkeys", "request", "sessions", "totp"];

/// Fields of a user that follow from other fields, or change by themselves.
const DERIVED: [&str; 10] = [
    "id",
    "created_at",
    "deleted_at",
    "purge_after",
    "locked_until",
    "last_sign_in_at",
    "email",
    "email_verified",
    // The files of the one before are gone.
    "avatar_url",
    "status_before_deletion",
];

/// A field that can't be changed back.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Conflict {
    pub user_id: Option<UserId>,
    /// Such as `bio` or `attributes.department`.
    pub field: String,
    /// `changed_since` or `not_undoable`.
    pub code: &'static str,
    pub detail: String,
    /// What the change made of it.
    pub after: Value,
    /// What it is now.
    pub now: Value,
}

/// What became of an event that was to be undone.
#[derive(Debug)]
pub enum Undone {
    Reverted,
    /// Everything is as it was before.
    Unchanged,
    /// Nothing was changed, or only the fields without conflict if that was wished.
    Conflicts(Vec<Conflict>),
}

/// The event that begins the change set, or any event that has changed something.
pub async fn find_head(tx: &mut Tx, id: Uuid) -> AppResult<AuditEvent> {
    let found = audit::find(tx, &[id]).await?.pop().filter(|event| event.outcome == "success");
    let head = found.filter(|event| event.change_id == Some(id) || !audit::fields(&event.changes).is_empty() || event.erased);
    head.ok_or_else(|| Rejection::not_found().into())
}

/// What belongs to the change set beside its head, newest first.
pub async fn list_members(tx: &mut Tx, id: Uuid, before: Option<Uuid>, limit: i64) -> AppResult<Vec<AuditEvent>> {
    Ok(audit::list(tx, Wanted { change_id: Some(id), before, limit, ..Wanted::default() }).await?)
}

/// Whether undoing it would give or take one of these roles, or have it end at another time. Who was created goes to the recycle bin
/// with what they hold: nobody takes it from them.
pub async fn moves_roles(tx: &mut Tx, id: Uuid, roles: &[&str]) -> AppResult<bool> {
    Ok(audit::moves_roles(tx, id, roles).await?)
}

/// The changes that have undone it, or a part of it; newest first.
pub async fn list_undoing(tx: &mut Tx, id: Uuid) -> AppResult<Vec<Uuid>> {
    let (target_id, action) = (Some(id.to_string()), Some(UNDONE.to_owned()));
    let undone = audit::list(tx, Wanted { target_id, action, limit: UNDOING_MAX, ..Wanted::default() }).await?;
    Ok(undone.iter().map(|event| event.id).collect())
}

/// Whether there is anything in the event that could be undone.
pub fn is_undoable(event: &AuditEvent) -> bool {
    is_of_a_user(event) || definitions::is_one(event) || Migration::of(event).is_some()
}

fn is_of_a_user(event: &AuditEvent) -> bool {
    let comes_back = |name: &str| !FOR_GOOD.contains(&name) && !DERIVED.contains(&name);
    let is_changed = audit::fields(&event.changes).iter().any(|(name, ..)| comes_back(name));
    event.target_kind.as_deref() == Some("user") && is_changed && !is_rename_only(&event.changes)
}
