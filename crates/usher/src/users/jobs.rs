//! Emptying the recycle bin.

use std::time::Duration;

use super::{lifecycle, store};
use crate::app::App;
use crate::clock::Stopwatch;
use crate::db::{Actor, Tx};
use crate::emails;
use crate::error::AppResult;
use crate::http::idempotency;
use crate::jobs::Registry;
use crate::sessions;

const PURGE: &str = "purge_deleted_users";
const FORGET: &str = "forget_ended_sessions";
const AT_ONCE: i64 = 500;
/// A job must end within its time; the next one goes on.
const WITHIN: Duration = Duration::from_secs(15);

pub fn register(registry: &mut Registry) {
    registry.every_long(Duration::from_hours(1), PURGE, |app, _| Box::pin(purge(app)));
    registry.every(Duration::from_hours(24), FORGET, |_, tx, _| Box::pin(forget(tx)));
}

/// Removes for good whoever's time in the recycle bin has passed; their addresses and user names are free then.
async fn purge(app: &App) -> AppResult<()> {
    let worked = Stopwatch::start();
    while worked.elapsed() < WITHIN {
        let mut tx = app.begin_as(Actor::System).await?;
        let due = store::lock_due(&mut tx, AT_ONCE).await?;
        if due.is_empty() {
            break;
        }
        lifecycle::purge(&mut tx, &due, "its time had passed").await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn forget(tx: &mut Tx) -> AppResult<()> {
    sessions::forget_ended(tx).await?;
    emails::forget_expired(tx).await?;
    idempotency::forget_expired(tx).await?;
    Ok(())
}
