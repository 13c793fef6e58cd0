//! Forgetting keys that nobody can use any more.

use std::time::Duration;

use jiff::SignedDuration;

use super::store;
use crate::app::App;
use crate::db::Tx;
use crate::error::AppResult;
use crate::jobs::{self, Registry};

const FORGET: &str = "forget_api_keys";
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

pub fn register(registry: &mut Registry) {
    registry.every_long(Duration::from_hours(24), FORGET, |app, _| Box::pin(forget(app)));
}

/// Those that were revoked or have expired a month ago. What they did stays in the audit trail.
async fn forget(app: &App) -> AppResult<()> {
    jobs::part_by_part(app, FORGET, |tx| Box::pin(forget_some(tx))).await
}

async fn forget_some(tx: &mut Tx) -> AppResult<bool> {
    let before = tx.now() - KEPT_FOR;
    Ok(store::delete_ended(tx, before).await?)
}
