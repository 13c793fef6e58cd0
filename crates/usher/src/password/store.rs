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
        set hash = excluded.hash,
            changed_at = excluded.changed_at,
            attempts_charged = 0,
            attempts_failed = 0,
            lockouts = 0,
            locked_until = null";
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

/// False when there is a password already.
pub async fn insert_credential(tx: &mut Tx, user_id: UserId, phc: &str) -> DbResult<bool> {
    let now = tx.now();
    let sql = "
        insert into password_credentials (user_id, hash, changed_at)
        values ($1, $2, $3)
        on conflict (user_id) do nothing";
    Ok(tx.execute(sql, &[&user_id, &phc, &now]).await? == 1)
}

/// False when the hash is not `old`.
pub async fn replace_hash(tx: &mut Tx, user_id: UserId, old: &str, phc: &str) -> DbResult<bool> {
    let now = tx.now();
    let sql = "
        update password_credentials
        set hash = $3, changed_at = $4, attempts_charged = 0, attempts_failed = 0, lockouts = 0, locked_until = null
        where user_id = $1 and hash = $2";
    Ok(tx.execute(sql, &[&user_id, &old, &phc, &now]).await? == 1)
}

pub async fn update_hash(tx: &mut Tx, user_id: UserId, phc: &str) -> DbResult<()> {
    tx.execute("update password_credentials set hash = $2 where user_id = $1", &[&user_id, &phc]).await?;
    Ok(())
}

/// The one statement that pays for an attempt. Attempts whose process died are not waited for longer than a minute.
pub async fn charge_attempt(tx: &mut Tx, user_id: UserId, failures_max: i32) -> DbResult<Option<String>> {
    let now = tx.now();
    let sql = "
        update password_credentials
        set attempts_charged = case
                when locked_until <= $2 then 1
                when last_attempt_at < $2 - interval '1 minute' then attempts_failed + 1
                else attempts_charged + 1
            end,
            attempts_failed = case when locked_until <= $2 then 0 else attempts_failed end,
            locked_until = null,
            last_attempt_at = $2
        where user_id = $1
            and (locked_until is null or locked_until <= $2)
            and (attempts_charged < $3 or locked_until <= $2 or last_attempt_at < $2 - interval '1 minute')
        returning hash";
    Ok(tx.query_opt(sql, &[&user_id, &now, &failures_max]).await?.map(|row| row.get("hash")))
}

/// Whether attempts are being verified right now that might succeed.
pub async fn is_waiting_worthwhile(tx: &mut Tx, user_id: UserId) -> DbResult<bool> {
    let now = tx.now();
    let sql = "
        select attempts_charged > attempts_failed and (locked_until is null or locked_until <= $2)
        from password_credentials
        where user_id = $1";
    Ok(tx.query_opt(sql, &[&user_id, &now]).await?.is_some_and(|row| row.get(0)))
}

pub async fn settle_success(tx: &mut Tx, user_id: UserId) -> DbResult<()> {
    let sql = "
        update password_credentials
        set attempts_charged = greatest(attempts_charged - attempts_failed - 1, 0),
            attempts_failed = 0,
            lockouts = 0,
            locked_until = null
        where user_id = $1";
    tx.execute(sql, &[&user_id]).await?;
    Ok(())
}

pub async fn refund_attempt(tx: &mut Tx, user_id: UserId) -> DbResult<()> {
    let sql = "
        update password_credentials
        set attempts_charged = greatest(attempts_charged - 1, attempts_failed)
        where user_id = $1";
    tx.execute(sql, &[&user_id]).await?;
    Ok(())
}

/// Counts a failure; at the limit it locks, twice as long each time in a row, and returns until when.
pub async fn settle_failure(tx: &mut Tx, user_id: UserId, failures_max: i32) -> DbResult<Option<Timestamp>> {
    let now = tx.now();
    let sql = "
        update password_credentials
        set attempts_failed = attempts_failed + 1,
            attempts_charged = greatest(attempts_charged, attempts_failed + 1),
            lockouts = lockouts + case when attempts_failed + 1 >= $3 then 1 else 0 end,
            locked_until = case
                when attempts_failed + 1 >= $3
                    then $2::timestamptz + least(interval '15 minutes' * power(2, least(lockouts, 10)), interval '24 hours')
                else locked_until
            end
        where user_id = $1
        returning locked_until";
    Ok(tx.query_opt(sql, &[&user_id, &now, &failures_max]).await?.and_then(|row| row.get("locked_until")))
}

pub async fn clear_attempts(tx: &mut Tx, user_id: UserId) -> DbResult<()> {
    let sql = "
        update password_credentials
        set attempts_charged = 0, attempts_failed = 0, lockouts = 0, locked_until = null
        where user_id = $1";
    tx.execute(sql, &[&user_id]).await?;
    Ok(())
}
