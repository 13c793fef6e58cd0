//! The SQL of devices.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

use super::{KnownDevice, TrustedDevice};
use crate::db::parts::{self, Over};
use crate::db::{DbResult, Tx, values};
use crate::id::{DeviceId, UserId};

/// Where, and with what, a user has signed in before.
pub struct Place {
    pub address: Option<IpAddr>,
    pub user_agent: Option<String>,
}

pub async fn find_device(tx: &mut Tx, user_id: UserId, hash: &[u8]) -> DbResult<Option<DeviceId>> {
    let sql = "
        select id
        from devices
        where token_hash = $1 and user_id = $2";
    Ok(tx.query_opt(sql, &[&hash, &user_id]).await?.map(|row| row.get(0)))
}

/// False when the device has been forgotten meanwhile.
pub async fn update_device_seen(tx: &mut Tx, id: DeviceId) -> DbResult<bool> {
    let now = tx.now();
    let origin = tx.origin().clone();
    let sql = "
        update devices
        set last_seen_at = $2, address = coalesce($3, address), user_agent = coalesce($4, user_agent)
        where id = $1";
    Ok(tx.execute(sql, &[&id, &now, &origin.address, &origin.user_agent]).await? == 1)
}

pub async fn list_places(tx: &mut Tx, user_id: UserId) -> DbResult<Vec<Place>> {
    let sql = "
        select address, user_agent
        from devices
        where user_id = $1
        order by last_seen_at desc
        limit 50";
    let rows = tx.query(sql, &[&user_id]).await?;
    Ok(rows.iter().map(|row| Place { address: row.get("address"), user_agent: row.get("user_agent") }).collect())
}

pub async fn list_known(tx: &mut Tx, user_id: UserId) -> DbResult<Vec<KnownDevice>> {
    let sql = "
        select id, created_at, last_seen_at, address, user_agent
        from devices
        where user_id = $1
        order by last_seen_at desc, id desc";
    let rows = tx.query(sql, &[&user_id]).await?;
    let known = rows.iter().map(|row| KnownDevice {
        id: row.get("id"),
        created_at: row.get("created_at"),
        last_seen_at: row.get("last_seen_at"),
        address: row.get("address"),
        user_agent: row.get("user_agent"),
    });
    Ok(known.collect())
}

pub async fn insert_device(tx: &mut Tx, id: DeviceId, user_id: UserId, hash: &[u8]) -> DbResult<()> {
    let now = tx.now();
    let origin = tx.origin().clone();
    let sql = "
        insert into devices (id, user_id, token_hash, created_at, last_seen_at, address, user_agent)
        values ($1, $2, $3, $4, $4, $5, $6)";
    tx.execute_later(sql, values![id, user_id, hash.to_vec(), now, origin.address, origin.user_agent]).await
}

/// Forgets those that were seen longest ago; never the newest one.
pub async fn delete_beyond(tx: &mut Tx, user_id: UserId, newest: DeviceId, kept: i64) -> DbResult<()> {
    let sql = "
        delete from devices
        where id in (
            select id
            from devices
            where user_id = $1 and id <> $2
            order by last_seen_at desc, id desc
            offset $3
        )";
    tx.execute_later(sql, values![user_id, newest, kept - 1]).await
}

pub async fn delete_of_user(tx: &mut Tx, user_id: UserId) -> DbResult<()> {
    tx.execute("delete from devices where user_id = $1", &[&user_id]).await?;
    Ok(())
}

/// Some of them; true when there may be more.
pub async fn delete_unseen(tx: &mut Tx, before: Timestamp) -> DbResult<bool> {
    const UNSEEN: Over = Over { table: "devices", time: "last_seen_at", condition: "last_seen_at < $1" };
    parts::delete_some(tx, &UNSEEN, before).await
}

pub async fn update_token(tx: &mut Tx, id: DeviceId, hash: &[u8]) -> DbResult<()> {
    tx.execute("update devices set token_hash = $2 where id = $1", &[&id, &hash]).await?;
    Ok(())
}

/// Trust that began before `since` is over, whatever was promised then.
pub async fn is_trusted(tx: &mut Tx, user_id: UserId, id: DeviceId, auth_epoch: i64, since: Timestamp) -> DbResult<bool> {
    let now = tx.now();
    let sql = "
        select exists (
            select
            from trusted_devices
            where device_id = $2 and user_id = $1 and auth_epoch = $3 and trusted_at > $4 and expires_at > $5
        )";
    Ok(tx.query_one(sql, &[&user_id, &id, &auth_epoch, &since, &now]).await?.get(0))
}

pub async fn upsert_trusted(tx: &mut Tx, user_id: UserId, id: DeviceId, auth_epoch: i64, until: Timestamp) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        insert into trusted_devices (device_id, user_id, auth_epoch, trusted_at, expires_at)
        values ($1, $2, $3, $4, $5)
        on conflict (device_id) do update
        set auth_epoch = excluded.auth_epoch, trusted_at = excluded.trusted_at, expires_at = excluded.expires_at";
    tx.execute(sql, &[&id, &user_id, &auth_epoch, &now, &until]).await?;
    Ok(())
}

pub async fn list_trusted(
    tx: &mut Tx,
    user_id: UserId,
    since: Timestamp,
    lifetime: SignedDuration,
) -> DbResult<Vec<TrustedDevice>> {
    let now = tx.now();
    let sql = "
        select t.device_id, t.trusted_at, t.expires_at, d.address, d.user_agent
        from trusted_devices t
        join devices d on d.id = t.device_id
        join users u on u.id = t.user_id and u.auth_epoch = t.auth_epoch
        where t.user_id = $1 and t.trusted_at > $2 and t.expires_at > $3
        order by t.trusted_at desc, t.device_id desc";
    let rows = tx.query(sql, &[&user_id, &since, &now]).await?;
    let trusted = rows.iter().map(|row| {
        let place = Place { address: row.get("address"), user_agent: row.get("user_agent") };
        let (trusted_at, expires_at): (Timestamp, Timestamp) = (row.get("trusted_at"), row.get("expires_at"));
        TrustedDevice::new(row.get("device_id"), &place, trusted_at, expires_at.min(trusted_at + lifetime))
    });
    Ok(trusted.collect())
}

pub async fn delete_trusted(tx: &mut Tx, user_id: UserId, id: DeviceId) -> DbResult<bool> {
    Ok(tx.execute("delete from trusted_devices where device_id = $2 and user_id = $1", &[&user_id, &id]).await? == 1)
}

pub async fn delete_trusted_of_user(tx: &mut Tx, user_id: UserId) -> DbResult<u64> {
    tx.execute("delete from trusted_devices where user_id = $1", &[&user_id]).await
}

/// Some of it; true when there may be more.
pub async fn delete_trust_over(tx: &mut Tx) -> DbResult<bool> {
    const EXPIRED: Over = Over { table: "trusted_devices", time: "expires_at", condition: "expires_at <= $1" };
    parts::delete_some(tx, &EXPIRED, tx.now()).await
}
