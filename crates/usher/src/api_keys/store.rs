//! The SQL of API keys.

use std::net::IpAddr;

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::{ApiKey, Holder};
use crate::caller::{Permission, PermissionSet, Subject};
use crate::db::lanes::Pipeline;
use crate::db::parts::{self, Over};
use crate::db::{DbResult, Tx};
use crate::id::{ApiKeyId, ServiceAccountId, UserId};

/// The two columns of a holder, of which one is set.
fn columns(holder: Subject) -> (Option<UserId>, Option<ServiceAccountId>) {
    match holder {
        Subject::User(id) => (Some(id), None),
        Subject::ServiceAccount(id) => (None, Some(id)),
    }
}

pub async fn insert_key(tx: &mut Tx, holder: Holder, key: &ApiKey, hash: &[u8]) -> DbResult<()> {
    let (user_id, account_id) = columns(holder.subject());
    let permissions: Vec<&str> = key.permissions.iter().map(|permission| Permission::name(*permission)).collect();
    let sql = "
        insert into api_keys (
            id, user_id, service_account_id, name, prefix, key_hash, permissions, auth_epoch, created_at, expires_at
        )
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let params: [&(dyn ToSql + Sync); 10] = [
        &key.id,
        &user_id,
        &account_id,
        &key.name,
        &key.prefix,
        &hash,
        &permissions,
        &holder.auth_epoch(),
        &key.created_at,
        &key.expires_at,
    ];
    tx.execute(sql, &params).await?;
    Ok(())
}

pub async fn count_living(tx: &mut Tx, holder: Subject) -> DbResult<i64> {
    let now = tx.now();
    let (user_id, account_id) = columns(holder);
    let sql = "
        select count(*)
        from api_keys k
        left join users u on u.id = k.user_id
        where (k.user_id = $1 or k.service_account_id = $2)
            and k.revoked_at is null
            and k.expires_at > $3
            and k.auth_epoch is not distinct from u.auth_epoch";
    Ok(tx.query_one(sql, &[&user_id, &account_id, &now]).await?.get(0))
}

pub async fn list_living(tx: &mut Tx, holder: Subject, before: Option<ApiKeyId>, limit: i64) -> DbResult<Vec<ApiKey>> {
    let now = tx.now();
    let (user_id, account_id) = columns(holder);
    let sql = "
        select
            k.id, k.name, k.prefix, k.permissions, k.created_at, k.expires_at, k.last_used_at, k.last_used_address
        from api_keys k
        left join users u on u.id = k.user_id
        where (k.user_id = $1 or k.service_account_id = $2)
            and k.revoked_at is null
            and k.expires_at > $3
            and k.auth_epoch is not distinct from u.auth_epoch
            and ($4::uuid is null or k.id < $4)
        order by k.id desc
        limit $5";
    let rows = tx.query(sql, &[&user_id, &account_id, &now, &before, &limit]).await?;
    Ok(rows.iter().map(key).collect())
}

/// False when the holder has no such key, or it is not good any more.
pub async fn update_to_revoked(tx: &mut Tx, holder: Subject, id: ApiKeyId) -> DbResult<bool> {
    let now = tx.now();
    let (user_id, account_id) = columns(holder);
    let sql = "
        update api_keys k
        set revoked_at = $4
        where k.id = $1
            and (k.user_id = $2 or k.service_account_id = $3)
            and k.revoked_at is null
            and k.expires_at > $4
            and k.auth_epoch is not distinct from (select u.auth_epoch from users u where u.id = k.user_id)";
    Ok(tx.execute(sql, &[&id, &user_id, &account_id, &now]).await? == 1)
}

pub async fn revoke_everything(tx: &mut Tx) -> DbResult<u64> {
    let now = tx.now();
    let sql = "
        update api_keys
        set revoked_at = $1
        where revoked_at is null and expires_at > $1";
    tx.execute(sql, &[&now]).await
}

/// Processes whose clocks differ do not turn the time back.
pub async fn update_used(counters: &Pipeline, id: ApiKeyId, now: Timestamp, address: Option<IpAddr>) -> DbResult<()> {
    let sql = "
        update api_keys
        set last_used_at = $2, last_used_address = $3
        where id = $1 and (last_used_at is null or last_used_at < $2)";
    counters.query(sql, &[&id, &now, &address]).await?;
    Ok(())
}

/// Some of them; true when there may be more.
pub async fn delete_ended(tx: &mut Tx, before: Timestamp) -> DbResult<bool> {
    const EXPIRED: Over = Over { table: "api_keys", time: "expires_at", condition: "expires_at < $1" };
    const REVOKED: Over = Over { table: "api_keys", time: "revoked_at", condition: "revoked_at < $1" };
    Ok(parts::delete_some(tx, &EXPIRED, before).await? || parts::delete_some(tx, &REVOKED, before).await?)
}

fn key(row: &Row) -> ApiKey {
    let permissions: Vec<&str> = row.get("permissions");
    ApiKey {
        id: row.get("id"),
        name: row.get("name"),
        prefix: row.get("prefix"),
        permissions: PermissionSet::from_names(&permissions).iter().collect(),
        created_at: row.get("created_at"),
        expires_at: row.get("expires_at"),
        last_used_at: row.get("last_used_at"),
        last_used_address: row.get("last_used_address"),
    }
}
