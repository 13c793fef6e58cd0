//! The SQL of what a filter looks at before it is asked.

use super::groups::GroupWay;
use crate::db::{DbResult, Tx};

/// Each group with itself and all that is above it.
pub async fn list_group_ways(tx: &mut Tx) -> DbResult<Vec<GroupWay>> {
    let sql = "
        select c.group_id, c.ancestor_id, g.name
        from group_closure c
        join groups g on g.id = c.ancestor_id";
    let rows = tx.query(sql, &[]).await?;
    Ok(rows.iter().map(|row| GroupWay::new(row.get("group_id"), row.get("ancestor_id"), row.get("name"))).collect())
}
