//! The SQL of devices.

use std::net::IpAddr;

use jiff::Timestamp;

use super::KnownDevice;
use crate::db::{DbResult, Tx};
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
    tx.execute(sql, &[&id, &user_id, &hash, &now, &origin.address, &origin.user_agent]).await?;
    Ok(())
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
    tx.execute(sql, &[&user_id, &newest, &(kept - 1)]).await?;
    Ok(())
}

pub async fn delete_of_user(tx: &mut Tx, user_id: UserId) -> DbResult<()> {
    tx.execute("delete from devices where user_id = $1", &[&user_id]).await?;
    Ok(())
}

pub async fn delete_unseen(tx: &mut Tx, before: Timestamp) -> DbResult<u64> {
    tx.execute("delete from devices where last_seen_at < $1", &[&before]).await
}
