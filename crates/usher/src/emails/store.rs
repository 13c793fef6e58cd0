//! The SQL of addresses.

use tokio_postgres::Row;

use super::{Email, EmailAddress};
use crate::db::{DbResult, Tx};
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

/// Held to the end of the transaction.
pub async fn lock_address(tx: &mut Tx, normal: &str) -> DbResult<()> {
    tx.query("select pg_advisory_xact_lock(hashtextextended('address ' || $1, 0))", &[&normal]).await?;
    Ok(())
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
