//! How a user was: what is known now, taken back event by event through the audit trail.

use jiff::Timestamp;
use serde_json::Value;

use super::{User, read};
use crate::audit::{self, Wanted};
use crate::db::Tx;
use crate::error::{AppResult, Rejection};
use crate::id::UserId;

/// More changes than this since then are not taken back.
const CHANGES_MAX: i64 = 10_000;

/// The user as they were at this time. What is no change of theirs is not known of the past: until when they were locked, and when
/// they signed in; a sign-in since then is left out.
pub async fn as_of(tx: &mut Tx, id: UserId, at: Timestamp) -> AppResult<User> {
    let now = read(tx, id).await?;
    if at < now.created_at {
        return Err(Rejection::not_found().into());
    }
    if audit::log::last_dropped(tx).await?.is_some_and(|dropped| at < dropped.before) {
        return Err(unknown("The changes of that time are kept no longer.").into());
    }
    let wanted = Wanted { target_id: Some(id.to_string()), since: Some(at), limit: CHANGES_MAX + 1, ..Wanted::default() };
    let events = audit::list(tx, wanted).await?;
    if events.len() > usize::try_from(CHANGES_MAX).unwrap_or(usize::MAX) {
        return Err(unknown("There are too many changes since then.").into());
    }
    if events.iter().any(|event| event.erased) {
        return Err(
            unknown("A change since then was made by somebody who has been purged, and its details went with them.").into()
        );
    }
    let (permissions, last_sign_in_at) = (now.permissions, now.last_sign_in_at.filter(|signed_in| *signed_in <= at));
    let mut was = serde_json::to_value(now)?;
    for event in &events {
        for (field, before, _) in audit::fields(&event.changes) {
            was[field] = before.clone();
        }
    }
    was["locked_until"] = Value::Null;
    let mut was: User = serde_json::from_value(was)?;
    // What is left of a grant that has ended is removed a while later.
    was.roles.retain(|role| was.role_ends.get(role).is_none_or(|ends| *ends > at));
    was.role_ends.retain(|_, ends| *ends > at);
    Ok(User { last_sign_in_at, permissions, ..was })
}

fn unknown(detail: &str) -> Rejection {
    Rejection::conflict("history_unknown", detail)
}
