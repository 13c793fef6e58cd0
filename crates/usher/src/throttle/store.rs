//! The SQL of rate limits.

use jiff::Timestamp;

use crate::db::lanes::Pipeline;
use crate::db::parts::{self, Over};
use crate::db::{DbResult, Tx};

/// The one statement that takes from a bucket; `None` when it has not enough room left.
pub async fn fill(lane: &Pipeline, key: &str, now: Timestamp, cost: f64, window: f64) -> DbResult<Option<Timestamp>> {
    let sql = "
        insert into rate_limits (key, filled_until)
        values ($1, $2::timestamptz + $3::float8 * interval '1 second')
        on conflict (key) do update
        set filled_until = greatest(rate_limits.filled_until, $2::timestamptz) + $3::float8 * interval '1 second'
        where greatest(rate_limits.filled_until, $2::timestamptz) + $3::float8 * interval '1 second'
            <= $2::timestamptz + ($4::float8 + 0.000001) * interval '1 second'
        returning filled_until";
    Ok(lane.query_opt(sql, &[&key, &now, &cost, &window]).await?.map(|row| row.get(0)))
}

pub async fn find_filled_until(lane: &Pipeline, key: &str) -> DbResult<Option<Timestamp>> {
    Ok(lane.query_opt("select filled_until from rate_limits where key = $1", &[&key]).await?.map(|row| row.get(0)))
}

pub async fn refund(lane: &Pipeline, key: &str, cost: f64) -> DbResult<()> {
    let sql = "
        update rate_limits
        set filled_until = filled_until - $2::float8 * interval '1 second'
        where key = $1";
    lane.query(sql, &[&key, &cost]).await?;
    Ok(())
}

/// Some of them; true when there may be more.
pub async fn delete_empty(tx: &mut Tx) -> DbResult<bool> {
    const EMPTY: Over = Over { table: "rate_limits", time: "filled_until", condition: "filled_until < $1" };
    parts::delete_some(tx, &EMPTY, tx.now()).await
}
