//! What is old enough is dropped, a month at a time, when all of it is sealed. The leaves stay: the tree goes on, and what was signed
//! can still be verified. Up to where that went is in a table which is append-only, too.
//!
//! The owner of the tables says how old a month must be (`usher migrate`); a server under a role of its own drops nothing younger.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::store;
use crate::app::App;
use crate::audit::{Event, record};
use crate::db::{DbResult, Tx, partitions};
use crate::error::AppResult;
use crate::jobs::Registry;

const DAILY: Duration = Duration::from_hours(24);

/// Up to where the trail was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dropped {
    pub before: Timestamp,
    pub before_id: Uuid,
}

impl Dropped {
    /// Whether the event is one that was dropped.
    pub fn covers(&self, event_id: Uuid) -> bool {
        event_id < self.before_id
    }
}

pub fn register(registry: &mut Registry) {
    registry.every(DAILY, "drop_old_audit_events", |app, tx, _| Box::pin(drop_old(app, tx)));
}

pub(super) async fn drop_old(app: &App, tx: &mut Tx) -> AppResult<()> {
    let Some(days) = app.config.audit.retention_days.and_then(|days| i32::try_from(days).ok()) else { return Ok(()) };
    if store::find_kept_days(tx).await?.is_none_or(|kept| kept > days) {
        tracing::warn!(days, "the audit trail is not dropped: run `usher migrate` with this USHER_AUDIT_RETENTION_DAYS");
        return Ok(());
    }
    partitions::wait_briefly(tx).await?;
    let dropped = store::drop_partitions(tx, days).await?;
    if dropped.is_empty() {
        return Ok(());
    }
    tracing::info!(dropped = dropped.join(", "), "dropped what is old of the audit trail");
    let before = store::find_last_drop(tx).await?.map(|dropped| dropped.before.to_string());
    record(tx, Event::success("audit.dropped").detail("before", before).detail("days", days)).await?;
    Ok(())
}

/// Keeps in the database how old the owner wants the trail to become. Nothing happens under a role that does not own the tables.
pub async fn allow(app: &App, tx: &mut Tx) -> DbResult<()> {
    let days = app.config.audit.retention_days.and_then(|days| i32::try_from(days).ok());
    if store::may_write_partitioned_tables(tx).await? {
        store::update_kept_days(tx, days).await?;
    }
    Ok(())
}

/// Up to where it went so far.
pub async fn last(tx: &mut Tx) -> DbResult<Option<Dropped>> {
    store::find_last_drop(tx).await
}
