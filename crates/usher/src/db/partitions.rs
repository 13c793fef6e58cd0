//! Tables that only grow are partitioned by time: partitions are made ahead, and dropped when all in them is over.
//!
//! The schema does it, in functions that act as the owner of the tables (V16), since the role that usher runs as need not be the
//! owner. A row for which there is no partition goes into a default one, so no write fails because nobody made the next in time.

use std::time::Duration;

use jiff::Timestamp;

use super::{DbResult, Tx};
use crate::jobs::Registry;

const DAILY: Duration = Duration::from_hours(24);

pub fn register(registry: &mut Registry) {
    registry.every(DAILY, "keep_partitions_ahead", |_, tx, _| Box::pin(async move { Ok(keep_ahead(tx).await?) }));
}

/// Sees to it that every table has its partitions for this period and the two that follow.
pub async fn keep_ahead(tx: &mut Tx) -> DbResult<()> {
    let now = tx.now();
    wait_briefly(tx).await?;
    let made: Vec<String> = tx.query_one("select create_partitions($1)", &[&now]).await?.get(0);
    if !made.is_empty() {
        tracing::info!(made = made.join(", "), "made partitions");
    }
    Ok(())
}

/// Drops the partitions of a table that end before a time and hold nothing that counts after it. Returns their names.
pub async fn drop_over(tx: &mut Tx, table: &str, before: Timestamp) -> DbResult<Vec<String>> {
    wait_briefly(tx).await?;
    let dropped: Vec<String> = tx.query_one("select drop_partitions($1, $2)", &[&table, &before]).await?.get(0);
    if !dropped.is_empty() {
        tracing::info!(dropped = dropped.join(", "), "dropped partitions");
    }
    Ok(dropped)
}

/// Partitions come and go under a lock that all who use the table wait for, also while it is waited for: better another time.
pub async fn wait_briefly(tx: &mut Tx) -> DbResult<()> {
    tx.execute("set local lock_timeout = '2s'", &[]).await?;
    Ok(())
}

#[cfg(test)]
#[path = "tests/partitions.rs"]
mod tests;
