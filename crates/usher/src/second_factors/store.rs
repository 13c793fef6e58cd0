//! The SQL of second factors.

use jiff::Timestamp;

use crate::db::{DbResult, Tx};
use crate::id::UserId;

/// What a user has bound.
pub struct Found {
    pub totp_since: Option<Timestamp>,
    pub codes_left: i64,
    pub passkeys: i64,
}

/// Nothing, as long as it is not confirmed.
pub async fn find_bound(tx: &mut Tx, user_id: UserId) -> DbResult<Found> {
    let sql = "
        select
            (select confirmed_at from totp_factors where user_id = $1) as totp_since,
            (select count(*) from recovery_codes where user_id = $1 and used_at is null) as codes_left,
            (select count(*) from passkeys where user_id = $1) as passkeys";
    let row = tx.query_one(sql, &[&user_id]).await?;
    Ok(Found { totp_since: row.get("totp_since"), codes_left: row.get("codes_left"), passkeys: row.get("passkeys") })
}

/// Puts a secret in the place of one that is not confirmed. False when one is.
pub async fn put_pending(tx: &mut Tx, user_id: UserId, sealed: &[u8]) -> DbResult<bool> {
    let now = tx.now();
    let sql = "
        insert into totp_factors as t (user_id, secret_sealed, created_at)
        values ($1, $2, $3)
        on conflict (user_id) do update
        set secret_sealed = $2, created_at = $3
        where t.confirmed_at is null";
    Ok(tx.execute(sql, &[&user_id, &sealed, &now]).await? == 1)
}

/// The secret that waits to be confirmed, if it is not too old.
pub async fn find_pending(tx: &mut Tx, user_id: UserId, since: Timestamp) -> DbResult<Option<Vec<u8>>> {
    let sql = "
        select secret_sealed
        from totp_factors
        where user_id = $1 and confirmed_at is null and created_at > $2";
    Ok(tx.query_opt(sql, &[&user_id, &since]).await?.map(|row| row.get(0)))
}

/// The one statement that binds the app; only to the secret whose code was looked at.
pub async fn confirm(tx: &mut Tx, user_id: UserId, sealed: &[u8], step: i64) -> DbResult<bool> {
    let now = tx.now();
    let sql = "
        update totp_factors
        set confirmed_at = $3, accepted_step = $4
        where user_id = $1 and secret_sealed = $2 and confirmed_at is null";
    Ok(tx.execute(sql, &[&user_id, &sealed, &now, &step]).await? == 1)
}

/// A pending secret never satisfies anybody.
pub async fn find_secret(tx: &mut Tx, user_id: UserId) -> DbResult<Option<Vec<u8>>> {
    let sql = "
        select secret_sealed
        from totp_factors
        where user_id = $1 and confirmed_at is not null";
    Ok(tx.query_opt(sql, &[&user_id]).await?.map(|row| row.get(0)))
}

/// The one statement that decides who used a code.
pub async fn accept_step(tx: &mut Tx, user_id: UserId, step: i64) -> DbResult<bool> {
    let sql = "
        update totp_factors
        set accepted_step = $2
        where user_id = $1 and confirmed_at is not null and accepted_step < $2";
    Ok(tx.execute(sql, &[&user_id, &step]).await? == 1)
}

/// False when there was none that was confirmed; one that was not goes too.
pub async fn delete_totp(tx: &mut Tx, user_id: UserId) -> DbResult<bool> {
    let sql = "
        delete from totp_factors
        where user_id = $1
        returning confirmed_at is not null as was_bound";
    Ok(tx.query_opt(sql, &[&user_id]).await?.is_some_and(|row| row.get("was_bound")))
}

pub async fn insert_codes(tx: &mut Tx, user_id: UserId, hashes: &[Vec<u8>]) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        insert into recovery_codes (user_id, code_hash, created_at)
        select $1, unnest($2::bytea[]), $3";
    tx.execute(sql, &[&user_id, &hashes, &now]).await?;
    Ok(())
}

pub async fn delete_codes(tx: &mut Tx, user_id: UserId) -> DbResult<()> {
    tx.execute("delete from recovery_codes where user_id = $1", &[&user_id]).await?;
    Ok(())
}

/// The one statement that decides who used a recovery code. They stand for a factor that is bound, and for nothing else.
pub async fn use_code(tx: &mut Tx, user_id: UserId, hash: &[u8]) -> DbResult<bool> {
    let now = tx.now();
    let sql = "
        update recovery_codes c
        set used_at = $3
        where c.user_id = $1 and c.code_hash = $2 and c.used_at is null
            and (
                exists (select from totp_factors t where t.user_id = c.user_id and t.confirmed_at is not null)
                or exists (select from passkeys p where p.user_id = c.user_id)
            )";
    Ok(tx.execute(sql, &[&user_id, &hash, &now]).await? == 1)
}

/// Secrets that are not sealed under the key with this mark.
pub async fn list_stale(tx: &mut Tx, mark: &[u8], after: UserId, limit: i64) -> DbResult<Vec<(UserId, Vec<u8>)>> {
    let sql = "
        select user_id, secret_sealed
        from totp_factors
        where user_id > $2 and substring(secret_sealed for 5) <> $1
        order by user_id
        limit $3";
    let rows = tx.query(sql, &[&mark, &after, &limit]).await?;
    Ok(rows.iter().map(|row| (row.get("user_id"), row.get("secret_sealed"))).collect())
}

/// One, unless the secret has changed meanwhile.
pub async fn update_sealed(tx: &mut Tx, user_id: UserId, before: &[u8], after: &[u8]) -> DbResult<u64> {
    let sql = "
        update totp_factors
        set secret_sealed = $3
        where user_id = $1 and secret_sealed = $2";
    tx.execute(sql, &[&user_id, &before, &after]).await
}

pub async fn count_by_mark(tx: &mut Tx) -> DbResult<Vec<(Vec<u8>, i64)>> {
    let sql = "
        select substring(secret_sealed for 5) as mark, count(*)
        from totp_factors
        group by mark";
    Ok(tx.query(sql, &[]).await?.iter().map(|row| (row.get(0), row.get(1))).collect())
}
