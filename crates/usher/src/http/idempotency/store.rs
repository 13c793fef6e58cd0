//! The SQL of kept answers.

use jiff::Timestamp;

use crate::db::parts::{self, Over};
use crate::db::{DbResult, Tx};

pub struct Kept {
    pub request_hash: Vec<u8>,
    pub body_sealed: Vec<u8>,
}

/// False when another transaction is at work under the same key. The lock ends with the transaction.
pub async fn lock_key(tx: &mut Tx, scope: &str, key: &str) -> DbResult<bool> {
    let sql = "select pg_try_advisory_xact_lock(hashtextextended($1 || ' ' || $2, 0))";
    Ok(tx.query_one(sql, &[&scope, &key]).await?.get(0))
}

pub async fn find_answer(tx: &mut Tx, scope: &str, key: &str) -> DbResult<Option<Kept>> {
    let now = tx.now();
    let sql = "
        select request_hash, body_sealed
        from idempotency_keys
        where scope = $1 and key = $2 and expires_at > $3";
    let row = tx.query_opt(sql, &[&scope, &key, &now]).await?;
    Ok(row.map(|row| Kept { request_hash: row.get("request_hash"), body_sealed: row.get("body_sealed") }))
}

pub async fn insert_answer(
    tx: &mut Tx,
    scope: &str,
    key: &str,
    request_hash: &[u8],
    body_sealed: &[u8],
    expires_at: Timestamp,
) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        insert into idempotency_keys (scope, key, request_hash, body_sealed, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $6)
        on conflict (scope, key) do update
        set request_hash = excluded.request_hash,
            body_sealed = excluded.body_sealed,
            created_at = excluded.created_at,
            expires_at = excluded.expires_at";
    tx.execute(sql, &[&scope, &key, &request_hash, &body_sealed, &now, &expires_at]).await?;
    Ok(())
}

/// Some of them; true when there may be more.
pub async fn delete_expired(tx: &mut Tx) -> DbResult<bool> {
    const EXPIRED: Over = Over { table: "idempotency_keys", time: "expires_at", condition: "expires_at <= $1" };
    parts::delete_some(tx, &EXPIRED, tx.now()).await
}

/// Answers after this one that are not sealed under the key with this mark.
pub async fn list_stale(
    tx: &mut Tx,
    mark: &[u8],
    (scope, key): &(String, String),
    limit: i64,
) -> DbResult<Vec<((String, String), Vec<u8>)>> {
    let sql = "
        select scope, key, body_sealed
        from idempotency_keys
        where (scope, key) > ($2, $3) and substring(body_sealed for 5) <> $1
        order by scope, key
        limit $4";
    let rows = tx.query(sql, &[&mark, scope, key, &limit]).await?;
    Ok(rows.iter().map(|row| ((row.get("scope"), row.get("key")), row.get("body_sealed"))).collect())
}

/// One, unless the answer has changed meanwhile.
pub async fn update_sealed(tx: &mut Tx, (scope, key): (&str, &str), before: &[u8], after: &[u8]) -> DbResult<u64> {
    let sql = "
        update idempotency_keys
        set body_sealed = $4, request_hash = ''
        where scope = $1 and key = $2 and body_sealed = $3";
    tx.execute(sql, &[&scope, &key, &before, &after]).await
}

pub async fn count_by_mark(tx: &mut Tx) -> DbResult<Vec<(Vec<u8>, i64)>> {
    let sql = "
        select substring(body_sealed for 5) as mark, count(*)
        from idempotency_keys
        group by mark";
    Ok(tx.query(sql, &[]).await?.iter().map(|row| (row.get(0), row.get(1))).collect())
}
