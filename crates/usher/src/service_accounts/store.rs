//! The SQL of service accounts.

use tokio_postgres::Row;

use super::{ServiceAccount, Status};
use crate::caller::PermissionSet;
use crate::db::{DbResult, Tx};
use crate::id::ServiceAccountId;

pub async fn insert_account(
    tx: &mut Tx,
    id: ServiceAccountId,
    name: &str,
    description: &str,
    permissions: PermissionSet,
) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        insert into service_accounts (id, name, description, permissions, created_at, updated_at)
        values ($1, $2, $3, $4, $5, $5)";
    tx.execute(sql, &[&id, &name, &description, &permissions.names(), &now]).await?;
    Ok(())
}

/// Those that hold nothing beyond `within`.
pub async fn list_accounts(
    tx: &mut Tx,
    within: PermissionSet,
    before: Option<ServiceAccountId>,
    limit: i64,
) -> DbResult<Vec<ServiceAccount>> {
    let sql = "
        select id, name, description, status, permissions, version, created_at, updated_at
        from service_accounts
        where permissions <@ $1 and ($2::uuid is null or id < $2)
        order by id desc
        limit $3";
    Ok(tx.query(sql, &[&within.names(), &before, &limit]).await?.iter().map(account).collect())
}

pub async fn find_account(tx: &mut Tx, id: ServiceAccountId) -> DbResult<Option<ServiceAccount>> {
    let sql = "
        select id, name, description, status, permissions, version, created_at, updated_at
        from service_accounts
        where id = $1";
    Ok(tx.query_opt(sql, &[&id]).await?.as_ref().map(account))
}

pub async fn find_by_name(tx: &mut Tx, name: &str) -> DbResult<Option<ServiceAccountId>> {
    Ok(tx.query_opt("select id from service_accounts where name = $1", &[&name]).await?.map(|row| row.get("id")))
}

pub async fn lock_account(tx: &mut Tx, id: ServiceAccountId) -> DbResult<()> {
    tx.execute("select from service_accounts where id = $1 for no key update", &[&id]).await?;
    Ok(())
}

pub async fn update_account(
    tx: &mut Tx,
    id: ServiceAccountId,
    name: &str,
    description: &str,
    permissions: PermissionSet,
) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        update service_accounts
        set name = $2, description = $3, permissions = $4, version = version + 1, updated_at = $5
        where id = $1";
    tx.execute(sql, &[&id, &name, &description, &permissions.names(), &now]).await?;
    Ok(())
}

pub async fn update_status(tx: &mut Tx, id: ServiceAccountId, status: Status) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        update service_accounts
        set status = $2, version = version + 1, updated_at = $3
        where id = $1";
    tx.execute(sql, &[&id, &status.as_str(), &now]).await?;
    Ok(())
}

pub async fn delete_account(tx: &mut Tx, id: ServiceAccountId) -> DbResult<()> {
    tx.execute("delete from service_accounts where id = $1", &[&id]).await?;
    Ok(())
}

fn account(row: &Row) -> ServiceAccount {
    let permissions: Vec<&str> = row.get("permissions");
    ServiceAccount {
        id: row.get("id"),
        name: row.get("name"),
        description: row.get("description"),
        // A status of a later release is none that may act.
        status: if row.get::<_, &str>("status") == Status::Active.as_str() { Status::Active } else { Status::Suspended },
        permissions: PermissionSet::from_names(&permissions).iter().collect(),
        version: row.get("version"),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
    }
}
