//! Emptying the recycle bin.

use std::time::Duration;

use super::store;
use crate::audit::{self, Event};
use crate::db::Tx;
use crate::emails;
use crate::error::AppResult;
use crate::http::idempotency;
use crate::jobs::Registry;
use crate::sessions;

const PURGE: &str = "purge_deleted_users";
const FORGET: &str = "forget_ended_sessions";
const AT_ONCE: i64 = 500;

pub fn register(registry: &mut Registry) {
    registry.every(Duration::from_hours(1), PURGE, |_, tx, _| Box::pin(purge(tx)));
    registry.every(Duration::from_hours(24), FORGET, |_, tx, _| Box::pin(forget(tx)));
}

/// Removes for good whoever's time in the recycle bin has passed; their addresses and user names are free then.
async fn purge(tx: &mut Tx) -> AppResult<()> {
    for id in store::purge_users(tx, AT_ONCE).await? {
        audit::erase(tx, id).await?;
        audit::record(tx, Event::success("user.purged").on("user", id)).await?;
    }
    Ok(())
}

async fn forget(tx: &mut Tx) -> AppResult<()> {
    sessions::forget_ended(tx).await?;
    emails::forget_expired(tx).await?;
    idempotency::forget_expired(tx).await?;
    Ok(())
}
