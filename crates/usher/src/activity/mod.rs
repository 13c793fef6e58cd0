//! On which days people were active: when a session of theirs began or was refreshed, or an API key of theirs was used. A day is one
//! of UTC. Each is written once per user, in the transaction of what made them active; who was noted already costs nothing.
//!
//! Rows go with their month after `USHER_ACTIVITY_RETENTION_DAYS`. Those of purged users stay until then: they count, and name
//! nobody any more.

mod jobs;
mod store;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

pub use jobs::register;
pub use store::{LAST_DAY, was_active_since, was_not_active_since};

use crate::db::lanes::Pipeline;
use crate::db::{DbResult, Tx};
use crate::id::UserId;

/// The day of UTC on which this happens.
pub fn day_of(at: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(at).date()
}

/// Notes that the user is active now.
pub async fn note(tx: &mut Tx, user_id: UserId) -> DbResult<()> {
    note_many(tx, vec![user_id]).await
}

/// The same for somebody who was last seen then; nothing is written when that was today.
pub async fn note_again(tx: &mut Tx, user_id: UserId, last_seen_at: Timestamp) -> DbResult<()> {
    if is_noted(last_seen_at, tx.now()) {
        return Ok(());
    }
    note(tx, user_id).await
}

/// Whether somebody who was last seen then was noted today.
pub fn is_noted(last_seen_at: Timestamp, now: Timestamp) -> bool {
    day_of(last_seen_at) >= day_of(now)
}

/// Notes that all of these are active now.
pub async fn note_many(tx: &mut Tx, ids: Vec<UserId>) -> DbResult<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let day = day_of(tx.now());
    store::upsert_day(tx, ids, day).await
}

/// The same outside of a transaction.
pub async fn note_use(counters: &Pipeline, user_id: UserId, last_used_at: Option<Timestamp>, now: Timestamp) -> DbResult<()> {
    let day = day_of(now);
    if last_used_at.is_some_and(|last| is_noted(last, now)) {
        return Ok(());
    }
    store::upsert_day_by_itself(counters, user_id, day).await
}

/// Somebody let these users in: whatever was before, they have not been inactive for longer than since today. No day of activity is
/// counted for it.
pub async fn begin_anew(tx: &mut Tx, ids: &[UserId]) -> DbResult<()> {
    let day = day_of(tx.now());
    store::upsert_last_days(tx, ids, day).await
}

/// The last day of each of these users who are there.
pub async fn list_last_days(tx: &mut Tx, ids: &[UserId]) -> DbResult<HashMap<UserId, Date>> {
    Ok(store::list_last_days(tx, ids).await?.into_iter().collect())
}
