//! Undoing that somebody was put into a group, or taken out of it, or that it ends then.

use serde_json::Value;

use super::held::{self, Held, Turn};
use super::undo::{changed_since, refused};
use super::{Conflict, Undone};
use crate::audit::AuditEvent;
use crate::caller::{Authority, Permission, UserStatus};
use crate::db::Tx;
use crate::error::AppResult;
use crate::groups;
use crate::id::GroupId;
use crate::users::User;

/// What an event of a membership calls it.
const FIELD: &str = "member";

pub fn is_one(event: &AuditEvent) -> bool {
    event.action.starts_with("group.member_")
}

/// Of a user who is locked, and what groups carry before them.
pub async fn undo(tx: &mut Tx, by: Authority, event: &AuditEvent, user: &User) -> AppResult<Undone> {
    let Some(group) = event.changes["group_id"].as_str().and_then(|id| id.parse::<GroupId>().ok()) else {
        return Ok(Undone::Unchanged);
    };
    let (was, made) = read(&event.changes);
    let memberships = groups::list_memberships(tx, user.id).await?;
    let is = memberships.iter().find(|membership| membership.group.id == group);
    let is = is.map(|membership| Held { until: membership.expires_at });
    let conflict = |conflict: Conflict| Ok(Undone::Conflicts(vec![conflict]));
    let becomes = match held::turn(was, made, is, tx.now()) {
        Turn::Nothing => return Ok(Undone::Unchanged),
        Turn::ChangedSince => return conflict(changed_since(Some(user.id), FIELD, &held::shown(made), &held::shown(is))),
        Turn::Ended => return conflict(refused(Some(user.id), FIELD, "The membership would have ended by itself by now.")),
        Turn::Becomes(becomes) => becomes,
    };
    if becomes.is_some() && user.status == UserStatus::Deleted {
        return conflict(refused(Some(user.id), "status", "The user is deleted: restore them first."));
    }
    match groups::read(tx, group).await {
        Err(error) if error.code() == Some("not_found") => {
            return conflict(refused(Some(user.id), FIELD, "The group has been deleted."));
        }
        group => group?,
    };
    by.require(Permission::RolesAssign)?;
    match becomes {
        Some(Held { until }) => _ = groups::put_member(tx, by, group, user.id, until).await?,
        None => groups::remove_member(tx, by, group, user.id).await?,
    }
    Ok(Undone::Reverted)
}

/// The membership as it was, and as the event has made it. What is no field was the same before and after.
fn read(changes: &Value) -> (Option<Held>, Option<Held>) {
    let (before, after) = held::sides(changes, FIELD).unwrap_or((true, true));
    let (end_before, end) = held::sides(changes, "expires_at").unwrap_or_default();
    (before.then_some(Held { until: end_before }), after.then_some(Held { until: end }))
}
