//! Finding the account a person means, sign-ins that wait for the second factor, and which of them went on.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::proof::Who;
use crate::db::parts::{self, Over};
use crate::db::{DbResult, Tx, values};
use crate::emails::EmailAddress;
use crate::id::{UserId, first_uuid};

/// The hash of the user's password, and the epoch that it belongs to: whoever changes the password raises the epoch.
pub async fn find_proof(tx: &mut Tx, id: UserId) -> DbResult<(Option<String>, i64)> {
    let sql = "
        select p.hash, u.auth_epoch
        from users u
        left join password_credentials p on p.user_id = u.id
        where u.id = $1";
    let row = tx.query_opt(sql, &[&id]).await?;
    Ok(row.map_or((None, 0), |row| (row.get("hash"), row.get("auth_epoch"))))
}

/// By address, or by user name when it has no `@`. Always one statement, so that kinds of identifiers cost the same.
pub async fn find_by_identifier(tx: &mut Tx, identifier: &str) -> DbResult<Option<UserId>> {
    let address = EmailAddress::parse(identifier).map_or_else(|_| String::new(), |address| address.normal().to_owned());
    let username = if identifier.contains('@') { "" } else { identifier };
    let sql = "
        select user_id as id
        from emails
        where address_normal = $1
        union all
        select id
        from users
        where username_normal = lower($2)";
    Ok(tx.query_opt(sql, &[&address, &username]).await?.map(|row| row.get("id")))
}

pub async fn insert_pending(tx: &mut Tx, hash: &[u8], who: Who, expires_at: Timestamp) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        insert into pending_sign_ins (token_hash, user_id, auth_epoch, device_id, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $6)";
    tx.execute_later(sql, values![hash.to_vec(), who.user_id, who.auth_epoch, who.device, now, expires_at]).await
}

pub async fn find_pending(tx: &mut Tx, hash: &[u8]) -> DbResult<Option<Who>> {
    let now = tx.now();
    let sql = "
        select user_id, auth_epoch, device_id, created_at
        from pending_sign_ins
        where token_hash = $1 and expires_at > $2";
    Ok(tx.query_opt(sql, &[&hash, &now]).await?.map(|row| Who {
        user_id: row.get("user_id"),
        device: row.get("device_id"),
        auth_epoch: row.get("auth_epoch"),
        asked_at: row.get("created_at"),
    }))
}

/// Of these times at which a second factor was asked for, those of which an attempt to sign in says that it answers the asking. That is
/// looked for until so much later.
pub async fn list_answered(tx: &mut Tx, id: UserId, asked: &[Timestamp], within: SignedDuration) -> DbResult<Vec<Timestamp>> {
    let from: Vec<Uuid> = asked.iter().map(|at| first_uuid(*at)).collect();
    let until: Vec<Uuid> = asked.iter().map(|at| first_uuid(*at + within)).collect();
    let sql = "
        select asked.at
        from unnest($2::timestamptz[], $3::uuid[], $4::uuid[]) as asked (at, from_id, until_id)
        where exists (
            select
            from audit_events e
            join lateral (select * from audit_details d where d.event_id = e.id offset 0) d on true
            where e.target_id = $1 and e.action = 'sign_in' and e.id >= asked.from_id and e.id < asked.until_id
                and (d.content::json -> 'changes' ->> 'asked_at')::timestamptz = asked.at
        )";
    let rows = tx.query(sql, &[&id.to_string(), &asked, &from, &until]).await?;
    Ok(rows.iter().map(|row| row.get("at")).collect())
}

/// The one statement that decides who goes on with a sign-in.
pub async fn use_pending(tx: &mut Tx, hash: &[u8]) -> DbResult<bool> {
    let now = tx.now();
    Ok(tx.execute("delete from pending_sign_ins where token_hash = $1 and expires_at > $2", &[&hash, &now]).await? == 1)
}

pub async fn delete_all_pending(tx: &mut Tx) -> DbResult<u64> {
    tx.execute("delete from pending_sign_ins", &[]).await
}

/// Some of them; true when there may be more.
pub async fn delete_expired(tx: &mut Tx) -> DbResult<bool> {
    const EXPIRED: Over = Over { table: "pending_sign_ins", time: "expires_at", condition: "expires_at <= $1" };
    parts::delete_some(tx, &EXPIRED, tx.now()).await
}
