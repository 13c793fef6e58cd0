//! The SQL of password credentials.

use jiff::Timestamp;

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

pub async fn find_hash(tx: &mut Tx, user_id: UserId) -> DbResult<Option<String>> {
    let sql = "
        select hash
        from password_credentials
        where user_id = $1";
    Ok(tx.query_opt(sql, &[&user_id]).await?.map(|row| row.get("hash")))
}

pub async fn find_changed_at(tx: &mut Tx, user_id: UserId) -> DbResult<Option<Timestamp>> {
    let sql = "
        select changed_at
        from password_credentials
        where user_id = $1";
    Ok(tx.query_opt(sql, &[&user_id]).await?.map(|row| row.get("changed_at")))
}

/// False when there is a password already.
pub async fn insert_credential(tx: &mut Tx, user_id: UserId, phc: &str) -> DbResult<bool> {
    let now = tx.now();
    let sql = "
        insert into password_credentials (user_id, hash, changed_at)
        values ($1, $2, $3)
        on conflict (user_id) do nothing";
    Ok(tx.execute(sql, &[&user_id, &phc, &now]).await? == 1)
}

pub async fn insert_credentials(tx: &mut Tx, hashes: &[(UserId, &str)]) -> DbResult<()> {
    let now = tx.now();
    let ids: Vec<UserId> = hashes.iter().map(|(id, _)| *id).collect();
    let texts: Vec<&str> = hashes.iter().map(|(_, hash)| *hash).collect();
    let sql = "
        insert into password_credentials (user_id, hash, changed_at)
        select n.id, n.hash, $3
        from unnest($1::uuid[], $2::text[]) as n (id, hash)
        on conflict (user_id) do nothing";
    tx.execute(sql, &[&ids, &texts, &now]).await?;
    Ok(())
}

/// False when the hash is not `old`.
pub async fn replace_hash(tx: &mut Tx, user_id: UserId, old: &str, phc: &str) -> DbResult<bool> {
    let now = tx.now();
    let sql = "
        update password_credentials
        set hash = $3, changed_at = $4
        where user_id = $1 and hash = $2";
    Ok(tx.execute(sql, &[&user_id, &old, &phc, &now]).await? == 1)
}

/// Replaces a hash by another of the same password, if it is still there: one that was changed meanwhile must not come back.
pub async fn update_hash(tx: &mut Tx, user_id: UserId, before: &str, phc: &str) -> DbResult<()> {
    let sql = "
        update password_credentials
        set hash = $3
        where user_id = $1 and hash = $2";
    tx.execute(sql, &[&user_id, &before, &phc]).await?;
    Ok(())
}
