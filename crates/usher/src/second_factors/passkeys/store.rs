//! The SQL of passkeys.

use jiff::Timestamp;
use serde_json::Value;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::Passkey;
use super::ceremony::{Kind, Waiting};
use crate::db::parts::{self, Over};
use crate::db::{DbResult, Tx};
use crate::id::{PasskeyId, SessionId, UserId};

fn passkey(row: &Row) -> Passkey {
    Passkey {
        id: row.get("id"),
        name: row.get("name"),
        is_backed_up: row.get("is_backed_up"),
        created_at: row.get("created_at"),
        last_used_at: row.get("last_used_at"),
    }
}

pub async fn list_passkeys(tx: &mut Tx, user_id: UserId) -> DbResult<Vec<Passkey>> {
    let sql = "
        select id, name, is_backed_up, created_at, last_used_at
        from passkeys
        where user_id = $1
        order by id";
    Ok(tx.query(sql, &[&user_id]).await?.iter().map(passkey).collect())
}

pub async fn find_passkey(tx: &mut Tx, user_id: UserId, id: PasskeyId) -> DbResult<Option<Passkey>> {
    let sql = "
        select id, name, is_backed_up, created_at, last_used_at
        from passkeys
        where user_id = $1 and id = $2";
    Ok(tx.query_opt(sql, &[&user_id, &id]).await?.as_ref().map(passkey))
}

/// The ids by which the user's authenticators know their passkeys.
pub async fn list_credential_ids(tx: &mut Tx, user_id: UserId) -> DbResult<Vec<Vec<u8>>> {
    let sql = "select credential_id from passkeys where user_id = $1 order by id";
    Ok(tx.query(sql, &[&user_id]).await?.iter().map(|row| row.get(0)).collect())
}

/// False when it is registered already, to whomever.
pub async fn insert_passkey(
    tx: &mut Tx,
    user_id: UserId,
    passkey: &Passkey,
    credential_id: &[u8],
    credential: &Value,
) -> DbResult<bool> {
    let sql = "
        insert into passkeys (id, user_id, credential_id, credential, name, is_backed_up, created_at)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (credential_id) do nothing";
    let params: [&(dyn ToSql + Sync); 7] =
        [&passkey.id, &user_id, &credential_id, credential, &passkey.name, &passkey.is_backed_up, &passkey.created_at];
    Ok(tx.execute(sql, &params).await? == 1)
}

pub async fn update_name(tx: &mut Tx, user_id: UserId, id: PasskeyId, name: &str) -> DbResult<()> {
    tx.execute("update passkeys set name = $3 where user_id = $1 and id = $2", &[&user_id, &id, &name]).await?;
    Ok(())
}

pub async fn delete_passkey(tx: &mut Tx, user_id: UserId, id: PasskeyId) -> DbResult<bool> {
    Ok(tx.execute("delete from passkeys where user_id = $1 and id = $2", &[&user_id, &id]).await? == 1)
}

/// How many there were.
pub async fn delete_all_passkeys(tx: &mut Tx, user_id: UserId) -> DbResult<u64> {
    tx.execute("delete from passkeys where user_id = $1", &[&user_id]).await
}

/// A passkey that somebody shows, and whose it is.
pub struct Shown {
    pub id: PasskeyId,
    pub user_id: UserId,
    pub handle: Uuid,
    pub credential: Value,
}

/// Nobody else shows it until the transaction is over: signatures are counted.
pub async fn lock_credential(tx: &mut Tx, credential_id: &[u8]) -> DbResult<Option<Shown>> {
    let sql = "
        select p.id, p.user_id, h.handle, p.credential
        from passkeys p
        join passkey_handles h on h.user_id = p.user_id
        where p.credential_id = $1
        for update of p";
    Ok(tx.query_opt(sql, &[&credential_id]).await?.map(|row| Shown {
        id: row.get("id"),
        user_id: row.get("user_id"),
        handle: row.get("handle"),
        credential: row.get("credential"),
    }))
}

pub async fn note_use(tx: &mut Tx, id: PasskeyId, credential: &Value, is_backed_up: bool) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        update passkeys
        set credential = $2, is_backed_up = $3, last_used_at = $4
        where id = $1";
    tx.execute(sql, &[&id, credential, &is_backed_up, &now]).await?;
    Ok(())
}

/// The handle of the user: this one, if they had none.
pub async fn ensure_handle(tx: &mut Tx, user_id: UserId, new: Uuid) -> DbResult<Uuid> {
    let now = tx.now();
    let sql = "
        insert into passkey_handles as h (user_id, handle, created_at)
        values ($1, $2, $3)
        on conflict (user_id) do update
        set handle = h.handle
        returning handle";
    Ok(tx.query_one(sql, &[&user_id, &new, &now]).await?.get(0))
}

pub async fn insert_ceremony(tx: &mut Tx, hash: &[u8], kind: Kind, waiting: &Waiting, expires_at: Timestamp) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        insert into passkey_ceremonies (token_hash, kind, user_id, session_id, state, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7)";
    let params: [&(dyn ToSql + Sync); 7] =
        [&hash, &kind.as_str(), &waiting.user_id, &waiting.session_id, &waiting.state, &now, &expires_at];
    tx.execute(sql, &params).await?;
    Ok(())
}

/// The one statement that decides who answers a challenge.
pub async fn use_ceremony(tx: &mut Tx, hash: &[u8], kind: Kind) -> DbResult<Option<Waiting>> {
    let now = tx.now();
    let sql = "
        delete from passkey_ceremonies
        where token_hash = $1 and kind = $2 and expires_at > $3
        returning user_id, session_id, state";
    Ok(tx.query_opt(sql, &[&hash, &kind.as_str(), &now]).await?.map(|row| Waiting {
        user_id: row.get::<_, Option<UserId>>("user_id"),
        session_id: row.get::<_, Option<SessionId>>("session_id"),
        state: row.get("state"),
    }))
}

/// Some of them; true when there may be more.
pub async fn delete_expired_ceremonies(tx: &mut Tx) -> DbResult<bool> {
    const EXPIRED: Over = Over { table: "passkey_ceremonies", time: "expires_at", condition: "expires_at <= $1" };
    parts::delete_some(tx, &EXPIRED, tx.now()).await
}
