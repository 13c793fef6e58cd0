//! The SQL of one-time tokens.

use jiff::Timestamp;
use uuid::Uuid;

use super::Subject;
use crate::db::parts::{self, Over};
use crate::db::{DbResult, Tx};
use crate::id::UserId;
use crate::secret::Purpose;

pub async fn insert_token(
    tx: &mut Tx,
    id: Uuid,
    purpose: Purpose,
    hash: &[u8],
    subject: Subject,
    expires_at: Timestamp,
) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        insert into one_time_tokens (id, purpose, token_hash, user_id, email_id, pending_email_id, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)";
    let Subject { user_id, email_id, pending_email_id } = subject;
    tx.execute(sql, &[&id, &purpose.as_str(), &hash, &user_id, &email_id, &pending_email_id, &now, &expires_at]).await?;
    Ok(())
}

/// The one statement that decides who used a token.
pub async fn use_token(tx: &mut Tx, purpose: Purpose, hash: &[u8]) -> DbResult<Option<Subject>> {
    let now = tx.now();
    let sql = "
        update one_time_tokens
        set used_at = $3
        where purpose = $1 and token_hash = $2 and used_at is null and expires_at > $3
        returning user_id, email_id, pending_email_id";
    let row = tx.query_opt(sql, &[&purpose.as_str(), &hash, &now]).await?;
    Ok(row.map(|row| Subject {
        user_id: row.get("user_id"),
        email_id: row.get("email_id"),
        pending_email_id: row.get("pending_email_id"),
    }))
}

/// The one statement that pays for a try.
pub async fn count_try(tx: &mut Tx, purpose: Purpose, hash: &[u8], tries_max: i32) -> DbResult<Option<UserId>> {
    let now = tx.now();
    let sql = "
        update one_time_tokens
        set tries = tries + 1
        where purpose = $1 and token_hash = $2 and used_at is null and expires_at > $3 and tries < $4
        returning user_id";
    let row = tx.query_opt(sql, &[&purpose.as_str(), &hash, &now, &tries_max]).await?;
    Ok(row.and_then(|row| row.get("user_id")))
}

pub async fn refund_try(tx: &mut Tx, purpose: Purpose, hash: &[u8]) -> DbResult<()> {
    let sql = "
        update one_time_tokens
        set tries = greatest(tries - 1, 0)
        where purpose = $1 and token_hash = $2";
    tx.execute(sql, &[&purpose.as_str(), &hash]).await?;
    Ok(())
}

pub async fn find_owner(tx: &mut Tx, purpose: Purpose, hash: &[u8]) -> DbResult<Option<UserId>> {
    let now = tx.now();
    let sql = "
        select user_id
        from one_time_tokens
        where purpose = $1 and token_hash = $2 and used_at is null and expires_at > $3";
    Ok(tx.query_opt(sql, &[&purpose.as_str(), &hash, &now]).await?.and_then(|row| row.get("user_id")))
}

/// Held to the end of the transaction.
pub async fn lock_subject(tx: &mut Tx, purpose: Purpose, user_id: Option<UserId>) -> DbResult<()> {
    let subject = user_id.map_or_else(String::new, |id| id.to_string());
    let sql = "select pg_advisory_xact_lock(hashtextextended('one_time_tokens ' || $1 || ' ' || $2, 0))";
    tx.query(sql, &[&purpose.as_str(), &subject]).await?;
    Ok(())
}

pub async fn expire_older(tx: &mut Tx, purpose: Purpose, user_id: Option<UserId>) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        update one_time_tokens
        set used_at = $3
        where purpose = $1 and user_id is not distinct from $2 and used_at is null";
    tx.execute(sql, &[&purpose.as_str(), &user_id, &now]).await?;
    Ok(())
}

pub async fn expire_all(tx: &mut Tx, user_ids: &[UserId]) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        update one_time_tokens
        set used_at = $2
        where user_id = any($1) and used_at is null";
    tx.execute(sql, &[&user_ids, &now]).await?;
    Ok(())
}

pub async fn expire_everything(tx: &mut Tx) -> DbResult<u64> {
    let now = tx.now();
    let sql = "
        update one_time_tokens
        set used_at = $1
        where used_at is null and expires_at > $1";
    tx.execute(sql, &[&now]).await
}

/// Some of them; true when there may be more.
pub async fn delete_ended(tx: &mut Tx, before: Timestamp) -> DbResult<bool> {
    const EXPIRED: Over = Over { table: "one_time_tokens", time: "expires_at", condition: "expires_at < $1" };
    parts::delete_some(tx, &EXPIRED, before).await
}
