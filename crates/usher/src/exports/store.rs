//! The SQL of exports.

use std::collections::HashMap;
use std::time::Duration;

use crate::db::{Conditions, DbResult, Tx};
use crate::id::UserId;
use crate::users::{self, User};

/// From here on the transaction sees the database as it is now, whatever happens beside, and takes the time it takes.
pub async fn begin_snapshot(tx: &mut Tx, read_within: Duration) -> DbResult<()> {
    tx.execute_once("set transaction isolation level repeatable read, read only", &[]).await?;
    tx.execute_once("set local statement_timeout = 0", &[]).await?;
    let idle = format!("set local idle_in_transaction_session_timeout = {}", read_within.as_millis());
    tx.execute_once(&idle, &[]).await?;
    Ok(())
}

pub async fn count_users(tx: &mut Tx, conditions: &Conditions) -> DbResult<i64> {
    let sql = format!("select count(*) from users u where {}", conditions.sql());
    Ok(tx.query_once(&sql, &conditions.params()).await?.first().map_or(0, |row| row.get(0)))
}

pub async fn declare_cursor(tx: &mut Tx, conditions: &Conditions) -> DbResult<()> {
    let sql = format!("declare exported no scroll cursor for select u.id from users u where {} order by u.id", conditions.sql());
    tx.execute_once(&sql, &conditions.params()).await?;
    Ok(())
}

/// The next users of the cursor, with the hashes of their passwords if so wished.
pub async fn fetch_users(tx: &mut Tx, limit: i64, with_hashes: bool) -> DbResult<Vec<(User, Option<String>)>> {
    let rows = tx.query_once(&format!("fetch {limit} from exported"), &[]).await?;
    let ids: Vec<UserId> = rows.iter().map(|row| row.get(0)).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut hashes = HashMap::new();
    if with_hashes {
        let sql = "
            select user_id, hash
            from password_credentials
            where user_id = any($1)";
        for row in tx.query(sql, &[&ids]).await? {
            hashes.insert(row.get::<_, UserId>(0), row.get::<_, String>(1));
        }
    }
    let users = users::find_many(tx, &ids).await?;
    Ok(users.into_iter().map(|user| (hashes.remove(&user.id), user)).map(|(hash, user)| (user, hash)).collect())
}
