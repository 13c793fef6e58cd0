//! The SQL of signing keys.

use jiff::Timestamp;
use serde_json::Value;

use super::KeyState;
use crate::db::{DbResult, Tx};

pub struct KeyRow {
    pub state: KeyState,
    pub public_jwk: Value,
    pub private_key_sealed: Vec<u8>,
}

/// One process at a time makes keys.
pub async fn lock_keys(tx: &mut Tx) -> DbResult<()> {
    tx.execute("lock table signing_keys in share row exclusive mode", &[]).await?;
    Ok(())
}

pub async fn list_keys(tx: &mut Tx) -> DbResult<Vec<KeyRow>> {
    let sql = "
        select kid, algorithm, public_jwk, private_key_sealed, created_at, active_at, retired_at, expires_at
        from signing_keys
        order by active_at desc";
    let rows = tx.query(sql, &[]).await?;
    Ok(rows
        .iter()
        .map(|row| KeyRow {
            state: KeyState {
                kid: row.get("kid"),
                algorithm: row.get("algorithm"),
                created_at: row.get("created_at"),
                active_at: row.get("active_at"),
                retired_at: row.get("retired_at"),
                expires_at: row.get("expires_at"),
            },
            public_jwk: row.get("public_jwk"),
            private_key_sealed: row.get("private_key_sealed"),
        })
        .collect())
}

pub async fn insert_key(
    tx: &mut Tx,
    kid: &str,
    algorithm: &str,
    public_jwk: &Value,
    private_key_sealed: &[u8],
    active_at: Timestamp,
) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        insert into signing_keys (kid, algorithm, public_jwk, private_key_sealed, created_at, active_at)
        values ($1, $2, $3, $4, $5, $6)";
    tx.execute(sql, &[&kid, &algorithm, public_jwk, &private_key_sealed, &now, &active_at]).await?;
    Ok(())
}

pub async fn update_others_to_retired(tx: &mut Tx, kid: &str, retired_at: Timestamp, expires_at: Timestamp) -> DbResult<()> {
    let sql = "
        update signing_keys
        set retired_at = least(retired_at, $2), expires_at = least(expires_at, $3)
        where kid <> $1 and (retired_at is null or retired_at > $2)";
    tx.execute(sql, &[&kid, &retired_at, &expires_at]).await?;
    Ok(())
}

/// Takes their private half from keys that have expired, and returns their names.
pub async fn update_expired_to_public(tx: &mut Tx) -> DbResult<Vec<String>> {
    let now = tx.now();
    let sql = "
        update signing_keys
        set private_key_sealed = ''
        where expires_at <= $1 and private_key_sealed <> ''
        returning kid";
    Ok(tx.query(sql, &[&now]).await?.iter().map(|row| row.get("kid")).collect())
}

pub async fn delete_expired(tx: &mut Tx, before: Timestamp) -> DbResult<u64> {
    tx.execute("delete from signing_keys where expires_at < $1", &[&before]).await
}

/// Private halves that are not sealed under the key with this mark.
pub async fn list_stale(tx: &mut Tx, mark: &[u8]) -> DbResult<Vec<(String, Vec<u8>)>> {
    let sql = "
        select kid, private_key_sealed
        from signing_keys
        where private_key_sealed <> '' and substring(private_key_sealed for 5) <> $1";
    Ok(tx.query(sql, &[&mark]).await?.iter().map(|row| (row.get("kid"), row.get("private_key_sealed"))).collect())
}

/// One, unless the private half is gone meanwhile.
pub async fn update_sealed(tx: &mut Tx, kid: &str, before: &[u8], after: &[u8]) -> DbResult<u64> {
    let sql = "
        update signing_keys
        set private_key_sealed = $3
        where kid = $1 and private_key_sealed = $2";
    tx.execute(sql, &[&kid, &before, &after]).await
}

pub async fn count_by_mark(tx: &mut Tx) -> DbResult<Vec<(Vec<u8>, i64)>> {
    let sql = "
        select substring(private_key_sealed for 5) as mark, count(*)
        from signing_keys
        where private_key_sealed <> ''
        group by mark";
    Ok(tx.query(sql, &[]).await?.iter().map(|row| (row.get(0), row.get(1))).collect())
}

pub async fn notify(tx: &mut Tx) -> DbResult<()> {
    tx.query("select pg_notify('usher_keys', '')", &[]).await?;
    Ok(())
}
