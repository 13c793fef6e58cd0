//! The SQL of sessions and refresh tokens.

use std::collections::HashMap;
use std::net::IpAddr;

use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio_postgres::Row;

use super::{Session, device};
use crate::caller::{Assurance, SessionStanding};
use crate::db::lanes::Pipeline;
use crate::db::parts::{self, Over};
use crate::db::{DbResult, Tx, values};
use crate::id::{DeviceId, SessionId, UserId};

/// A session as the gate sees it, whose it is, and when it was last seen.
pub struct Found {
    pub session: SessionStanding,
    pub user_id: UserId,
    pub last_seen_at: Timestamp,
}

/// A refresh token that nobody has used, with its session: both are locked.
pub struct Unused {
    pub found: Found,
    pub bearer: Bearer,
}

/// A refresh token in the place of another.
pub struct Rotation {
    pub used: [u8; 32],
    pub session_id: SessionId,
    pub address: Option<IpAddr>,
    pub successor: Option<Vec<u8>>,
    pub hash: [u8; 32],
    pub expires_at: Timestamp,
}

/// What an access token says of its session and of its user.
pub struct Bearer {
    pub session_id: SessionId,
    pub authenticated_at: Timestamp,
    pub amr: Vec<String>,
    pub roles: Vec<String>,
}

pub async fn list_living(
    tx: &mut Tx,
    user_id: UserId,
    here: Option<SessionId>,
    before: Option<SessionId>,
    limit: i64,
) -> DbResult<Vec<Session>> {
    let now = tx.now();
    let sql = "
        select s.id, s.address, s.user_agent, s.amr, s.created_at, s.last_seen_at, s.expires_at
        from sessions s
        join users u on u.id = s.user_id and u.auth_epoch = s.auth_epoch
        where s.user_id = $1
            and s.ended_at is null
            and s.expires_at > $2
            and ($3::uuid is null or s.id < $3)
            and (
                exists (
                    select
                    from refresh_tokens r
                    where r.session_id = s.id and r.used_at is null and r.expires_at > $2 and r.created_at > $2 - interval '31 days'
                )
                or exists (select from browser_sessions b where b.session_id = s.id and b.expires_at > $2)
            )
        order by s.id desc
        limit $4";
    let rows = tx.query(sql, &[&user_id, &now, &before, &limit]).await?;
    Ok(rows.iter().map(|row| session(row, here)).collect())
}

/// False when the user has no such session, or it is over.
pub async fn end_living(tx: &mut Tx, user_id: UserId, id: SessionId, reason: &str) -> DbResult<bool> {
    let now = tx.now();
    let sql = "
        update sessions s
        set ended_at = $3, ended_reason = $4
        from users u
        where s.id = $2
            and s.user_id = $1
            and u.id = s.user_id
            and u.auth_epoch = s.auth_epoch
            and s.ended_at is null
            and s.expires_at > $3";
    Ok(tx.execute(sql, &[&user_id, &id, &now, &reason]).await? == 1)
}

pub async fn end_others(tx: &mut Tx, user_id: UserId, kept: SessionId, reason: &str) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        update sessions
        set ended_at = $3, ended_reason = $4
        where user_id = $1 and id <> $2 and ended_at is null";
    tx.execute(sql, &[&user_id, &kept, &now, &reason]).await?;
    Ok(())
}

pub async fn end_everything(tx: &mut Tx, reason: &str) -> DbResult<u64> {
    let now = tx.now();
    let sql = "
        update sessions
        set ended_at = $1, ended_reason = $2
        where ended_at is null and expires_at > $1";
    tx.execute(sql, &[&now, &reason]).await
}

pub async fn insert_session(
    tx: &mut Tx,
    id: SessionId,
    (user_id, auth_epoch): (UserId, i64),
    expires_at: Timestamp,
    device: Option<DeviceId>,
    amr: &[&str],
) -> DbResult<()> {
    let now = tx.now();
    let origin = tx.origin().clone();
    let sql = "
        insert into sessions (id, user_id, auth_epoch, created_at, last_seen_at, expires_at, address, user_agent, amr, device_id)
        values ($1, $2, $3, $4, $4, $5, $6, $7, $8, (select id from devices where id = $9 for key share))";
    let amr: Vec<String> = amr.iter().map(|&method| method.to_owned()).collect();
    let values = values![id, user_id, auth_epoch, now, expires_at, origin.address, origin.user_agent, amr, device];
    tx.execute_later(sql, values).await
}

pub async fn insert_browser_session(tx: &mut Tx, id: SessionId, hash: &[u8], expires_at: Timestamp) -> DbResult<()> {
    let sql = "
        insert into browser_sessions (session_id, secret_hash, expires_at)
        values ($1, $2, $3)";
    tx.execute_later(sql, values![id, hash.to_vec(), expires_at]).await
}

/// A session that is over stays as it is.
pub async fn update_browser_seen(
    counters: &Pipeline,
    id: SessionId,
    now: Timestamp,
    address: Option<IpAddr>,
    expires_at: Timestamp,
) -> DbResult<()> {
    let sql = "
        with seen as (
            update sessions
            set last_seen_at = $2, address = coalesce($3, address)
            where id = $1 and ended_at is null and expires_at > $2 and last_seen_at < $2
            returning id, expires_at
        )
        update browser_sessions b
        set expires_at = least($4, s.expires_at)
        from seen s
        where b.session_id = s.id";
    counters.query(sql, &[&id, &now, &address, &expires_at]).await?;
    Ok(())
}

pub async fn find_device(tx: &mut Tx, id: SessionId) -> DbResult<Option<DeviceId>> {
    Ok(tx.query_opt("select device_id from sessions where id = $1", &[&id]).await?.and_then(|row| row.get(0)))
}

pub async fn find_amr(tx: &mut Tx, id: SessionId) -> DbResult<Vec<String>> {
    let row = tx.query_opt("select amr from sessions where id = $1", &[&id]).await?;
    Ok(row.map(|row| row.get("amr")).unwrap_or_default())
}

/// The one statement that decides who used a refresh token. None lives for 31 days, so older partitions are left alone.
pub async fn use_refresh_token(tx: &mut Tx, hash: &[u8]) -> DbResult<Option<SessionId>> {
    let now = tx.now();
    let sql = "
        update refresh_tokens
        set used_at = $2
        where token_hash = $1 and used_at is null and expires_at > $2 and created_at > $2 - interval '31 days'
        returning session_id";
    Ok(tx.query_opt(sql, &[&hash, &now]).await?.map(|row| row.get("session_id")))
}

/// For the planted fault only: it is [`use_refresh_token`] that decides.
pub async fn find_session_of_unused(tx: &mut Tx, hash: &[u8]) -> DbResult<Option<SessionId>> {
    let sql = "
        select session_id
        from refresh_tokens
        where token_hash = $1 and used_at is null";
    Ok(tx.query_opt(sql, &[&hash]).await?.map(|row| row.get("session_id")))
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
        select id, user_id, auth_epoch, 'mfa' = any(amr) as has_many, 'trusted_device' = any(amr) as is_spared,
            created_at, last_seen_at, expires_at, ended_at
        from sessions
        where id = $1
        for update";
    Ok(tx.query_opt(sql, &[&id]).await?.as_ref().map(found))
}

fn found(row: &Row) -> Found {
    let session = SessionStanding {
        id: row.get("id"),
        auth_epoch: row.get("auth_epoch"),
        assurance: Assurance::of(row.get("has_many"), row.get("is_spared")),
        began_at: row.get("created_at"),
        expires_at: row.get("expires_at"),
        ended_at: row.get("ended_at"),
    };
    Found { session, user_id: row.get("user_id"), last_seen_at: row.get("last_seen_at") }
}

/// Those of these tokens that nobody has used and nobody else holds, by their hashes. Nobody is waited for.
pub async fn lock_unused(tx: &mut Tx, hashes: &[&[u8]]) -> DbResult<HashMap<Vec<u8>, Unused>> {
    let now = tx.now();
    let sql = "
        select r.token_hash, s.id, s.user_id, s.auth_epoch, 'mfa' = any(s.amr) as has_many,
            'trusted_device' = any(s.amr) as is_spared, s.created_at, s.last_seen_at, s.expires_at, s.ended_at, s.amr,
            array(select distinct e.role_name from effective_roles(s.user_id, $2) e order by 1) as roles
        from refresh_tokens r
        join sessions s on s.id = r.session_id
        where r.token_hash = any($1) and r.used_at is null and r.expires_at > $2 and r.created_at > $2 - interval '31 days'
        for update of r, s skip locked";
    let rows = tx.query(sql, &[&hashes, &now]).await?;
    Ok(rows.iter().map(|row| (row.get("token_hash"), Unused { found: found(row), bearer: bearer(row) })).collect())
}

/// The one statement that uses tokens which are locked, and adds those that come after them.
pub async fn rotate(tx: &mut Tx, rotations: Vec<Rotation>) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        with rotated as (
            select *
            from unnest($2::bytea[], $3::uuid[], $4::inet[], $5::bytea[], $6::bytea[], $7::timestamptz[])
                as r (used_hash, session_id, address, successor, token_hash, expires_at)
        ),
        used as (
            update refresh_tokens t
            set used_at = $1, successor = r.successor
            from rotated r
            where t.token_hash = r.used_hash and t.created_at > $1::timestamptz - interval '31 days'
        ),
        seen as (
            update sessions s
            set last_seen_at = $1, address = coalesce(r.address, s.address)
            from rotated r
            where s.id = r.session_id
        )
        insert into refresh_tokens (token_hash, session_id, created_at, expires_at)
        select token_hash, session_id, $1, expires_at
        from rotated";
    let (mut used, mut sessions, mut addresses) = (Vec::new(), Vec::new(), Vec::new());
    let (mut successors, mut hashes, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    for rotation in rotations {
        used.push(rotation.used.to_vec());
        sessions.push(rotation.session_id);
        addresses.push(rotation.address);
        successors.push(rotation.successor);
        hashes.push(rotation.hash.to_vec());
        ends.push(rotation.expires_at);
    }
    tx.execute_later(sql, values![now, used, sessions, addresses, successors, hashes, ends]).await
}

pub async fn update_session_seen(tx: &mut Tx, id: SessionId) -> DbResult<()> {
    let now = tx.now();
    let address = tx.origin().address;
    let sql = "update sessions set last_seen_at = $2, address = coalesce($3, address) where id = $1";
    tx.execute_later(sql, values![id, now, address]).await
}

pub async fn insert_refresh_token(tx: &mut Tx, hash: &[u8], id: SessionId, expires_at: Timestamp) -> DbResult<Bearer> {
    let now = tx.now();
    let sql = "
        with added as (
            insert into refresh_tokens (token_hash, session_id, created_at, expires_at)
            values ($1, $2, $3, $4)
        )
        select s.id, s.created_at, s.amr,
            array(select distinct e.role_name from effective_roles(s.user_id, $3) e order by 1) as roles
        from sessions s
        where s.id = $2";
    Ok(bearer(&tx.query_one(sql, &[&hash, &id, &now, &expires_at]).await?))
}

pub async fn find_bearer(tx: &mut Tx, id: SessionId) -> DbResult<Bearer> {
    let now = tx.now();
    let sql = "
        select s.id, s.created_at, s.amr,
            array(select distinct e.role_name from effective_roles(s.user_id, $2) e order by 1) as roles
        from sessions s
        where s.id = $1";
    Ok(bearer(&tx.query_one(sql, &[&id, &now]).await?))
}

pub async fn find_attributes(tx: &mut Tx, user_id: UserId) -> DbResult<Map<String, Value>> {
    let row = tx.query_one("select attributes from users where id = $1", &[&user_id]).await?;
    Ok(match row.get("attributes") {
        Value::Object(attributes) => attributes,
        _ => Map::new(),
    })
}

fn bearer(row: &Row) -> Bearer {
    Bearer { session_id: row.get("id"), authenticated_at: row.get("created_at"), amr: row.get("amr"), roles: row.get("roles") }
}

/// A token that was used lately, and the one that came after it.
pub struct Used {
    pub session_id: SessionId,
    pub successor: Vec<u8>,
    /// The client of the session.
    pub address: Option<IpAddr>,
    pub user_agent: Option<String>,
}

pub async fn find_used_with_successor(tx: &mut Tx, hash: &[u8], since: Timestamp) -> DbResult<Option<Used>> {
    let sql = "
        select r.session_id, r.successor, s.address, s.user_agent
        from refresh_tokens r
        join sessions s on s.id = r.session_id
        where r.token_hash = $1 and r.used_at >= $2 and r.successor is not null";
    Ok(tx.query_opt(sql, &[&hash, &since]).await?.map(|row| Used {
        session_id: row.get("session_id"),
        successor: row.get("successor"),
        address: row.get("address"),
        user_agent: row.get("user_agent"),
    }))
}

/// When a token expires that nobody has used.
pub async fn find_unused(tx: &mut Tx, hash: &[u8]) -> DbResult<Option<Timestamp>> {
    let now = tx.now();
    let sql = "
        select expires_at
        from refresh_tokens
        where token_hash = $1 and used_at is null and expires_at > $2 and created_at > $2 - interval '31 days'
        for update";
    Ok(tx.query_opt(sql, &[&hash, &now]).await?.map(|row| row.get(0)))
}

pub async fn update_successor(tx: &mut Tx, hash: &[u8], encrypted: Vec<u8>) -> DbResult<()> {
    let sql = "update refresh_tokens set successor = $2 where token_hash = $1";
    tx.execute_later(sql, values![hash.to_vec(), encrypted]).await
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

/// Some of them; true when there may be more.
pub async fn delete_ended(tx: &mut Tx, before: Timestamp) -> DbResult<bool> {
    const EXPIRED: Over = Over { table: "sessions", time: "expires_at", condition: "expires_at < $1" };
    const ENDED: Over = Over { table: "sessions", time: "ended_at", condition: "ended_at < $1" };
    Ok(parts::delete_some(tx, &EXPIRED, before).await? || parts::delete_some(tx, &ENDED, before).await?)
}

fn session(row: &Row, here: Option<SessionId>) -> Session {
    let id = row.get("id");
    let user_agent: Option<String> = row.get("user_agent");
    Session {
        id,
        current: here == Some(id),
        device: device::label(user_agent.as_deref().unwrap_or_default()),
        user_agent,
        address: row.get("address"),
        amr: row.get("amr"),
        created_at: row.get("created_at"),
        last_seen_at: row.get("last_seen_at"),
        expires_at: row.get("expires_at"),
    }
}
