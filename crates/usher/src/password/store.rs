//! The SQL of password credentials.

use crate::db::{DbResult, Tx};
use crate::id::UserId;

pub async fn upsert_credential(tx: &mut Tx, user_id: UserId, phc: &str) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        insert into password_credentials (user_id, hash, changed_at)
        values ($1, $2, $3)
        on conflict (user_id) do update
        set hash = excluded.hash, changed_at = excluded.changed_at";
    tx.execute(sql, &[&user_id, &phc, &now]).await?;
    Ok(())
}

/// Replaces a hash if it is still there: a password that was changed meanwhile must not come back.
pub async fn update_hash(tx: &mut Tx, user_id: UserId, before: &str, phc: &str) -> DbResult<()> {
    let sql = "
        update password_credentials
        set hash = $3
        where user_id = $1 and hash = $2";
    tx.execute(sql, &[&user_id, &before, &phc]).await?;
    Ok(())
}

pub async fn find_hash(tx: &mut Tx, user_id: UserId) -> DbResult<Option<String>> {
    Ok(tx.query_opt("select hash from password_credentials where user_id = $1", &[&user_id]).await?.map(|row| row.get(0)))
}
