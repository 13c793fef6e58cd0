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

pub async fn notify(tx: &mut Tx) -> DbResult<()> {
    tx.query("select pg_notify('usher_keys', '')", &[]).await?;
    Ok(())
}
