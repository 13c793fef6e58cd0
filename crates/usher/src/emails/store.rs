//! The SQL of addresses.

use jiff::Timestamp;
use tokio_postgres::Row;

use super::{Email, EmailAddress, NewEmail, PendingEmail};
use crate::db::parts::{self, Over};
use crate::db::{DbResult, Tx, values};
use crate::id::{EmailId, UserId};

pub async fn insert_email(tx: &mut Tx, id: EmailId, user_id: UserId, address: &EmailAddress, verified: bool) -> DbResult<()> {
    let now = tx.now();
    let verified_at = verified.then_some(now);
    let sql = "
        insert into emails (id, user_id, address, address_normal, is_primary, verified_at, created_at)
        values ($1, $2, $3, $4, true, $5, $6)";
    tx.execute(sql, &[&id, &user_id, &address.as_str(), &address.normal(), &verified_at, &now]).await?;
    Ok(())
}

pub async fn insert_confirmed(tx: &mut Tx, id: EmailId, user_id: UserId, address: &EmailAddress) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        insert into emails (id, user_id, address, address_normal, is_primary, verified_at, created_at)
        values ($1, $2, $3, $4, false, $5, $5)";
    tx.execute(sql, &[&id, &user_id, &address.as_str(), &address.normal(), &now]).await?;
    Ok(())
}

pub async fn clear_primary(tx: &mut Tx, user_id: UserId) -> DbResult<()> {
    tx.execute("update emails set is_primary = false where user_id = $1 and is_primary", &[&user_id]).await?;
    Ok(())
}

/// False when the user has no such verified address.
pub async fn update_to_primary(tx: &mut Tx, user_id: UserId, id: EmailId) -> DbResult<bool> {
    let sql = "
        update emails
        set is_primary = true
        where id = $2 and user_id = $1 and verified_at is not null";
    Ok(tx.execute(sql, &[&user_id, &id]).await? == 1)
}

pub async fn delete_email(tx: &mut Tx, user_id: UserId, id: EmailId) -> DbResult<bool> {
    Ok(tx.execute("delete from emails where id = $2 and user_id = $1 and not is_primary", &[&user_id, &id]).await? == 1)
}

/// Replaces address and id at once: a link carries the id.
pub async fn upsert_pending(
    tx: &mut Tx,
    id: EmailId,
    user_id: UserId,
    address: &EmailAddress,
    expires_at: Timestamp,
) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        insert into pending_emails (user_id, id, address, address_normal, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $6)
        on conflict (user_id) do update
        set id = excluded.id,
            address = excluded.address,
            address_normal = excluded.address_normal,
            created_at = excluded.created_at,
            expires_at = excluded.expires_at";
    tx.execute(sql, &[&user_id, &id, &address.as_str(), &address.normal(), &now, &expires_at]).await?;
    Ok(())
}

pub async fn find_pending(tx: &mut Tx, user_id: UserId) -> DbResult<Option<PendingEmail>> {
    let now = tx.now();
    let sql = "
        select id, address, created_at, expires_at
        from pending_emails
        where user_id = $1 and expires_at > $2";
    Ok(tx.query_opt(sql, &[&user_id, &now]).await?.map(|row| PendingEmail {
        id: row.get("id"),
        address: row.get("address"),
        created_at: row.get("created_at"),
        expires_at: row.get("expires_at"),
    }))
}

/// The one statement that decides whether this is still the pending address.
pub async fn delete_pending(tx: &mut Tx, user_id: UserId, id: EmailId) -> DbResult<Option<String>> {
    let now = tx.now();
    let sql = "
        delete from pending_emails
        where user_id = $1 and id = $2 and expires_at > $3
        returning address";
    Ok(tx.query_opt(sql, &[&user_id, &id, &now]).await?.map(|row| row.get("address")))
}

pub async fn delete_pending_of(tx: &mut Tx, user_id: UserId) -> DbResult<()> {
    tx.execute("delete from pending_emails where user_id = $1", &[&user_id]).await?;
    Ok(())
}

/// Some of them; true when there may be more.
pub async fn delete_expired(tx: &mut Tx) -> DbResult<bool> {
    const EXPIRED: Over = Over { table: "pending_emails", time: "expires_at", condition: "expires_at <= $1" };
    parts::delete_some(tx, &EXPIRED, tx.now()).await
}

/// Held to the end of the transaction.
pub async fn lock_address(tx: &mut Tx, normal: &str) -> DbResult<()> {
    let sql = "select pg_advisory_xact_lock(hashtextextended('address ' || $1, 0))";
    tx.execute_later(sql, values![normal.to_owned()]).await
}

/// One after the other, in the order of the array.
pub async fn lock_addresses(tx: &mut Tx, normals: &[&str]) -> DbResult<()> {
    let sql = "
        select count(pg_advisory_xact_lock(hashtextextended('address ' || normal, 0))::text)
        from unnest($1::text[]) as normal";
    tx.query(sql, &[&normals]).await?;
    Ok(())
}

/// The ids of those that nobody has.
pub async fn insert_emails(tx: &mut Tx, ids: &[EmailId], new: &[NewEmail<'_>]) -> DbResult<Vec<EmailId>> {
    let now = tx.now();
    let users: Vec<UserId> = new.iter().map(|new| new.user_id).collect();
    let addresses: Vec<&str> = new.iter().map(|new| new.address.as_str()).collect();
    let normals: Vec<&str> = new.iter().map(|new| new.address.normal()).collect();
    let primary: Vec<bool> = new.iter().map(|new| new.primary).collect();
    let verified: Vec<bool> = new.iter().map(|new| new.verified).collect();
    let sql = "
        insert into emails (id, user_id, address, address_normal, is_primary, verified_at, created_at)
        select n.id, n.user_id, n.address, n.normal, n.is_primary, case when n.verified then $7::timestamptz end, $7
        from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::boolean[], $6::boolean[])
            as n (id, user_id, address, normal, is_primary, verified)
        on conflict (address_normal) do nothing
        returning id";
    let rows = tx.query(sql, &[&ids, &users, &addresses, &normals, &primary, &verified, &now]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

pub async fn update_spelling(tx: &mut Tx, address: &EmailAddress) -> DbResult<()> {
    let sql = "
        update emails
        set address = $2
        where address_normal = $1 and verified_at is null";
    tx.execute(sql, &[&address.normal(), &address.as_str()]).await?;
    Ok(())
}

pub async fn find_by_normal(tx: &mut Tx, normal: &str) -> DbResult<Option<Email>> {
    let sql = "
        select id, user_id, address, verified_at is not null as verified
        from emails
        where address_normal = $1";
    Ok(tx.query_opt(sql, &[&normal]).await?.as_ref().map(email))
}

pub async fn find_primary(tx: &mut Tx, user_id: UserId) -> DbResult<Option<Email>> {
    let sql = "
        select id, user_id, address, verified_at is not null as verified
        from emails
        where user_id = $1 and is_primary";
    Ok(tx.query_opt(sql, &[&user_id]).await?.as_ref().map(email))
}

pub async fn update_email_to_verified(tx: &mut Tx, id: EmailId) -> DbResult<()> {
    let now = tx.now();
    tx.execute("update emails set verified_at = coalesce(verified_at, $2) where id = $1", &[&id, &now]).await?;
    Ok(())
}

fn email(row: &Row) -> Email {
    Email { id: row.get("id"), user_id: row.get("user_id"), address: row.get("address"), verified: row.get("verified") }
}
