//! Dropping the months that nobody asks for any more.

use std::time::Duration;

use crate::app::App;
use crate::db::{Tx, partitions};
use crate::error::AppResult;
use crate::jobs::Registry;

const FORGET: &str = "forget_activity";

pub fn register(registry: &mut Registry) {
    registry.every(Duration::from_hours(24), FORGET, |app, tx, _| Box::pin(forget(app, tx)));
}

/// A month goes when its last day is older.
async fn forget(app: &App, tx: &mut Tx) -> AppResult<()> {
    let before = tx.now() - app.config.audit.activity_retention;
    partitions::drop_over(tx, "activity_days", before).await?;
    Ok(())
}
