//! Deleting what nobody needs any more from tables that are not partitioned, a part at a time: a statement has little time, and
//! after a busy day there is more to delete than fits into it. What does not fit would be tried in vain every day.

use jiff::Timestamp;

use super::{DbResult, Tx};

/// Rows that one statement deletes: few enough for its time, also where rows of other tables go with them.
const ROWS_MAX: u32 = if cfg!(test) { 2 } else { 10_000 };

/// Which rows of a table are over.
pub struct Over {
    pub table: &'static str,
    /// Indexed, so that nothing is read but what goes.
    pub time: &'static str,
    /// `$1` is the time before which rows are over. It compares what is indexed.
    pub condition: &'static str,
}

/// Deletes some of the rows, the oldest first, and says whether there may be more. Who holds a row is not waited for, and a row
/// that was renewed meanwhile stays.
pub async fn delete_some(tx: &mut Tx, over: &Over, before: Timestamp) -> DbResult<bool> {
    let deleted = tx.execute(&statement(over), &[&before, &i64::from(ROWS_MAX)]).await?;
    Ok(deleted >= u64::from(ROWS_MAX))
}

/// The rows are chosen and locked once, whatever the plan; until they are deleted nobody moves them.
fn statement(Over { table, time, condition }: &Over) -> String {
    format!(
        "delete from {table}
        where ctid = any(array(
            select ctid
            from {table}
            where {condition}
            order by {time}
            limit $2
            for update skip locked
        ))"
    )
}

#[cfg(test)]
#[path = "tests/parts.rs"]
mod tests;
