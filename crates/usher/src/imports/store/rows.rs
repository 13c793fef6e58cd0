//! The SQL of rows that are shown. A page reads as many as it shows, however many an import has: each condition has an index that is in the
//! order of positions.

use tokio_postgres::Row as SqlRow;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::db::{DbResult, Tx};
use crate::imports::{Class, Row};

/// Rows up to here have come to something, if that was due.
const APPLIED_TO: &str = "(select case when i.started_at is null then 0 else i.position end from imports i where i.id = $1)";

pub async fn list_rows(tx: &mut Tx, id: Uuid, class: Option<Class>, after: i64, limit: i64) -> DbResult<Vec<Row>> {
    let Some(class) = class.map(Class::as_str) else {
        return list_in_order(tx, &part("true", "position"), &[&id, &after, &limit]).await;
    };
    list_in_order(tx, &part("class = $4", "position"), &[&id, &after, &limit, &class]).await
}

/// What a row has come to goes before what was found out about it, as in `Counts::of`.
pub async fn list_rows_counted_as(tx: &mut Tx, id: Uuid, count: &str, after: i64, limit: i64) -> DbResult<Vec<Row>> {
    let left = |class: &str| part(&format!("class = '{class}' and outcome is null and position > {APPLIED_TO}"), "position");
    let done = |class: &str| part(&format!("class = '{class}' and outcome = 'done' and position <= {APPLIED_TO}"), "position");
    let parts = match count {
        // Null is equal to nothing: the index is in this order only for who asks for the class first.
        "waiting" => vec![part("class is null and outcome is null", "class, position")],
        "create" => vec![left("create")],
        "update" => vec![left("update")],
        "done" => vec![done("create"), done("update")],
        "unchanged" => {
            vec![part("class = 'unchanged' and outcome is null", "position"), part("outcome = 'unchanged'", "position")]
        }
        "conflict" => vec![part("class = 'conflict' and outcome is null", "position"), part("outcome = 'conflict'", "position")],
        "invalid" => vec![part("class = 'invalid' and outcome is null", "position")],
        "failed" => vec![part("outcome = 'failed'", "position")],
        _ => return Ok(Vec::new()),
    };
    list_in_order(tx, &parts.join(" union all "), &[&id, &after, &limit]).await
}

/// The next rows that are not clean.
pub async fn list_faulty(tx: &mut Tx, id: Uuid, after: i64, limit: i64) -> DbResult<Vec<Row>> {
    list_in_order(tx, &part("faults is not null", "position"), &[&id, &after, &limit]).await
}

/// The next rows that a condition fits, found in this order.
fn part(condition: &str, order: &str) -> String {
    format!("(select * from import_rows where import_id = $1 and position > $2 and {condition} order by {order} limit $3)")
}

/// The first rows of these parts together.
async fn list_in_order(tx: &mut Tx, parts: &str, params: &[&(dyn ToSql + Sync)]) -> DbResult<Vec<Row>> {
    let sql = format!(
        "select r.position, r.line, r.class, r.user_id, r.changes, r.faults, r.outcome,
            coalesce(r.record->>'email', (select e.address from emails e where e.user_id = r.user_id and e.is_primary)) as email,
            coalesce(r.record->>'username', (select u.username from users u where u.id = r.user_id)) as username
        from ({parts}) as r
        order by r.position
        limit $3"
    );
    let row = |row: &SqlRow| Row {
        position: row.get("position"),
        line: row.get("line"),
        class: row.get("class"),
        email: row.get("email"),
        username: row.get("username"),
        user_id: row.get("user_id"),
        changes: row.get("changes"),
        faults: serde_json::from_value(row.get::<_, Option<_>>("faults").unwrap_or_default()).unwrap_or_default(),
        outcome: row.get("outcome"),
    };
    Ok(tx.query(&sql, params).await?.iter().map(row).collect())
}
