//! The SQL of exports.

use std::time::Duration;

use tokio_postgres::Row;

use crate::db::{Conditions, DbResult, Tx};
use crate::users::{self, User};

/// From here on the transaction sees the database as it is now, whatever happens beside, and takes the time it takes.
pub async fn begin_snapshot(tx: &mut Tx, read_within: Duration) -> DbResult<()> {
    tx.execute_once("set transaction isolation level repeatable read, read only", &[]).await?;
    tx.lift_statement_timeout().await?;
    let idle = format!("set local idle_in_transaction_session_timeout = {}", read_within.as_millis());
    tx.execute_once(&idle, &[]).await?;
    Ok(())
}

pub async fn count_users(tx: &mut Tx, conditions: &Conditions) -> DbResult<i64> {
    let sql = format!("select count(*) from users u where {}", conditions.sql());
    Ok(tx.query_once(&sql, &conditions.params()).await?.first().map_or(0, |row| row.get(0)))
}

pub async fn declare_cursor(tx: &mut Tx, mut conditions: Conditions, with_hashes: bool) -> DbResult<()> {
    let at = conditions.bind(tx.now());
    let records = users::select_records(&at);
    let hash = if with_hashes { "(select p.hash from password_credentials p where p.user_id = r.id)" } else { "null::text" };
    let sql = format!(
        "declare exported no scroll cursor for
        select r.*, {hash} as hash
        from ({records} where {} order by u.id) r",
        conditions.sql()
    );
    tx.execute_once(&sql, &conditions.params()).await?;
    Ok(())
}

/// The next users of the cursor.
pub async fn fetch_users(tx: &mut Tx, limit: i64) -> DbResult<Vec<Row>> {
    tx.query_once(&format!("fetch {limit} from exported"), &[]).await
}

/// A user with the hash of their password, if that was wished for.
pub fn read_user(row: &Row) -> (User, Option<String>) {
    (users::read_record(row), row.get("hash"))
}
