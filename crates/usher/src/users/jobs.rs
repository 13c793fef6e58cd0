//! Emptying the recycle bin.

use std::time::Duration;

use super::{lifecycle, store};
use crate::app::App;
use crate::db::{Actor, Tx};
use crate::emails;
use crate::error::AppResult;
use crate::http::idempotency;
use crate::jobs::{self, Registry};
use crate::sessions;

const PURGE: &str = "purge_deleted_users";
const FORGET: &str = "forget_ended_sessions";
const AT_ONCE: i64 = 500;

pub fn register(registry: &mut Registry) {
    registry.every_long(Duration::from_hours(1), PURGE, |app, _| Box::pin(purge(app)));
    registry.every_long(Duration::from_hours(24), FORGET, |app, _| Box::pin(forget(app)));
}

/// Removes for good whoever's time in the recycle bin has passed; their addresses and user names are free then.
async fn purge(app: &App) -> AppResult<()> {
    jobs::part_by_part(app, PURGE, |tx| Box::pin(purge_some(tx))).await
}

async fn purge_some(tx: &mut Tx) -> AppResult<bool> {
    let due = store::lock_due(tx, AT_ONCE).await?;
    if due.is_empty() {
        return Ok(false);
    }
    lifecycle::purge(tx, &due, "its time had passed").await?;
    Ok(true)
}

/// Refresh tokens go before their sessions, and by themselves: nobody refreshes until they have gone.
async fn forget(app: &App) -> AppResult<()> {
    let mut tx = app.begin_as(Actor::System).await?;
    sessions::forget_refresh_tokens(&mut tx).await?;
    tx.commit().await?;
    jobs::part_by_part(app, FORGET, |tx| Box::pin(forget_some(tx))).await
}

async fn forget_some(tx: &mut Tx) -> AppResult<bool> {
    Ok(sessions::forget_ended(tx).await? || emails::forget_expired(tx).await? || idempotency::forget_expired(tx).await?)
}
