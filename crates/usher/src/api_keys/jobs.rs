//! Forgetting keys that nobody can use any more.

use std::time::Duration;

use jiff::SignedDuration;

use super::store;
use crate::db::Tx;
use crate::error::AppResult;
use crate::jobs::Registry;

const FORGET: &str = "forget_api_keys";
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

pub fn register(registry: &mut Registry) {
    registry.every(Duration::from_hours(24), FORGET, |_, tx, _| Box::pin(forget(tx)));
}

/// Those that were revoked or have expired a month ago. What they did stays in the audit trail.
async fn forget(tx: &mut Tx) -> AppResult<()> {
    let before = tx.now() - KEPT_FOR;
    store::delete_ended(tx, before).await?;
    Ok(())
}
