//! The SQL of sessions and refresh tokens.

use jiff::Timestamp;

use super::Found;
use crate::caller::SessionStanding;
use crate::db::{DbResult, Tx};
use crate::id::{SessionId, UserId};

/// What an access token says of its session and user.
pub struct Bearer {
    pub user_id: UserId,
    pub authenticated_at: Timestamp,
    pub amr: Vec<String>,
    pub roles: Vec<String>,
}

pub async fn insert_session(tx: &mut Tx, id: SessionId, user_id: UserId, expires_at: Timestamp, amr: &[&str]) -> DbResult<()> {
    let now = tx.now();
    let origin = tx.origin().clone();
    let sql = "
        insert into sessions (id, user_id, auth_epoch, created_at, last_seen_at, expires_at, address, user_agent, amr)
        select $1, u.id, u.auth_epoch, $3, $3, $4, $5, $6, $7
        from users u
        where u.id = $2";
    tx.execute(sql, &[&id, &user_id, &now, &expires_at, &origin.address, &origin.user_agent, &amr]).await?;
    Ok(())
}

/// The one statement that decides who used a refresh token.
pub async fn use_refresh_token(tx: &mut Tx, hash: &[u8]) -> DbResult<Option<SessionId>> {
    let now = tx.now();
    let sql = "
        update refresh_tokens
        set used_at = $2
        where token_hash = $1 and used_at is null and expires_at > $2
        returning session_id";
    Ok(tx.query_opt(sql, &[&hash, &now]).await?.map(|row| row.get("session_id")))
}

pub async fn find_session_of_used(tx: &mut Tx, hash: &[u8]) -> DbResult<Option<(SessionId, UserId)>> {
    let sql = "
        select s.id, s.user_id
        from refresh_tokens t
        join sessions s on s.id = t.session_id
        where t.token_hash = $1 and t.used_at is not null";
    Ok(tx.query_opt(sql, &[&hash]).await?.map(|row| (row.get("id"), row.get("user_id"))))
}

pub async fn lock_session(tx: &mut Tx, id: SessionId) -> DbResult<Option<Found>> {
    let sql = "
        select id, user_id, auth_epoch, expires_at, ended_at
        from sessions
        where id = $1
        for update";
    Ok(tx.query_opt(sql, &[&id]).await?.map(|row| {
        let session = SessionStanding {
            id: row.get("id"),
            auth_epoch: row.get("auth_epoch"),
            expires_at: row.get("expires_at"),
            ended_at: row.get("ended_at"),
        };
        (session, row.get("user_id"))
    }))
}

pub async fn update_session_seen(tx: &mut Tx, id: SessionId) -> DbResult<()> {
    let now = tx.now();
    let address = tx.origin().address;
    tx.execute("update sessions set last_seen_at = $2, address = coalesce($3, address) where id = $1", &[&id, &now, &address])
        .await?;
    Ok(())
}

pub async fn insert_refresh_token(tx: &mut Tx, hash: &[u8], id: SessionId, expires_at: Timestamp) -> DbResult<Bearer> {
    let now = tx.now();
    let sql = "
        with added as (
            insert into refresh_tokens (token_hash, session_id, created_at, expires_at)
            values ($1, $2, $3, $4)
        )
        select s.user_id, s.created_at, s.amr,
            array(select ur.role_name from user_roles ur where ur.user_id = s.user_id order by ur.role_name) as roles
        from sessions s
        where s.id = $2";
    let row = tx.query_one(sql, &[&hash, &id, &now, &expires_at]).await?;
    Ok(Bearer {
        user_id: row.get("user_id"),
        authenticated_at: row.get("created_at"),
        amr: row.get("amr"),
        roles: row.get("roles"),
    })
}

/// False when it had ended before.
/// Whose session it was; `None` when it had ended before.
pub async fn end_session(tx: &mut Tx, id: SessionId, reason: &str) -> DbResult<Option<UserId>> {
    let now = tx.now();
    let sql = "
        update sessions
        set ended_at = $2, ended_reason = $3
        where id = $1 and ended_at is null
        returning user_id";
    Ok(tx.query_opt(sql, &[&id, &now, &reason]).await?.map(|row| row.get("user_id")))
}

pub async fn delete_ended(tx: &mut Tx, before: Timestamp) -> DbResult<u64> {
    tx.execute("delete from sessions where expires_at < $1 or ended_at < $1", &[&before]).await
}
