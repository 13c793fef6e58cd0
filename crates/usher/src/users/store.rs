//! The SQL of users.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::{Profile, User, UserEmail, Username};
use crate::caller::{PermissionSet, UserStatus};
use crate::db::lanes::ReadLane;
use crate::db::{DbResult, Tx, values};
use crate::id::UserId;
use crate::pictures;

/// Users with what they hold.
macro_rules! select_users {
    ($held:literal) => {
        concat!(
            "
    select
        u.id, u.username, u.status, u.locked_until, u.given_name, u.family_name, u.display_name, u.bio, u.picture_url, u.website_url,
        u.github_url, u.linkedin_url, u.locale, u.time_zone, u.professional_at, u.attributes, u.version, u.created_at, u.updated_at,
        u.last_sign_in_at, u.deleted_at, u.purge_after, u.status_before_deletion, u.avatar, ",
            $held,
            ",
        (
            select coalesce(
                jsonb_agg(
                    jsonb_build_object('id', e.id, 'address', e.address, 'primary', e.is_primary, 'verified_at', e.verified_at)
                    order by e.is_primary desc, e.created_at, e.id
                ),
                '[]'
            )
            from emails e
            where e.user_id = u.id
        ) as emails
    from users u"
        )
    };
}

/// Whole users by their ids, as they are at a time; the look-up lane gathers those asked for at the same time.
const FIND_USERS: &str = concat!(
    select_users!("held.*"),
    "
    cross join lateral (
        select
            coalesce(array_agg(e.role_name order by e.role_name) filter (where e.group_id is null), '{}') as roles,
            jsonb_object_agg(e.role_name, e.expires_at) filter (where e.group_id is null and e.expires_at is not null) as role_ends,
            coalesce(array_agg(distinct e.role_name), '{}') as effective_roles,
            coalesce(string_agg(array_to_string(r.permissions, ' '), ' '), '') as permissions
        from effective_roles(u.id, $2) e
        join roles r on r.name = e.role_name
    ) held
    where u.id = any($1)"
);

/// Users `u` for whoever writes them down, to be followed by which: nothing says what their roles amount to. `at` is a parameter.
pub fn select_records(at: &str) -> String {
    format!(
        "{}
    cross join lateral (
        select
            coalesce(array_agg(ur.role_name order by ur.role_name), '{{}}') as roles,
            jsonb_object_agg(ur.role_name, ur.expires_at) filter (where ur.expires_at is not null) as role_ends
        from user_roles ur
        where ur.user_id = u.id and (ur.expires_at is null or ur.expires_at > {at})
    ) held",
        select_users!("held.*")
    )
}

/// False when the user name is taken.
pub async fn insert_user(
    tx: &mut Tx,
    id: UserId,
    username: &Username,
    status: UserStatus,
    profile: &Profile,
    attributes: &Map<String, Value>,
) -> DbResult<bool> {
    let now = tx.now();
    let attributes = Value::Object(attributes.clone());
    let sql = "
        insert into users (
            id, username, status, given_name, family_name, display_name, bio, picture_url, website_url, github_url, linkedin_url,
            locale, time_zone, attributes, created_at, updated_at
        )
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15)
        on conflict (username_normal) do nothing";
    let params: [&(dyn ToSql + Sync); 15] = [
        &id,
        &username.as_str(),
        &status.as_str(),
        &profile.given_name,
        &profile.family_name,
        &profile.display_name,
        &profile.bio,
        &profile.picture_url,
        &profile.website_url,
        &profile.github_url,
        &profile.linkedin_url,
        &profile.locale,
        &profile.time_zone,
        &attributes,
        &now,
    ];
    Ok(tx.execute(sql, &params).await? == 1)
}

/// In the order of `ids`; an id that is nobody's is left out.
pub async fn find_users(tx: &mut Tx, ids: &[UserId]) -> DbResult<Vec<User>> {
    let now = tx.now();
    let rows = tx.query(FIND_USERS, &[&ids, &now]).await?;
    let mut found: HashMap<UserId, User> = rows.iter().map(user).map(|user| (user.id, user)).collect();
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

pub async fn look_up_user(lane: &ReadLane, id: UserId, at: Timestamp) -> DbResult<Option<User>> {
    Ok(lane.find(FIND_USERS, id.uuid(), at).await?.map(|row| user(&row)))
}

pub async fn find_by_username(tx: &mut Tx, username: &str) -> DbResult<Option<UserId>> {
    Ok(tx.query_opt("select id from users where username_normal = lower($1)", &[&username]).await?.map(|row| row.get(0)))
}

/// False when there is no such user. A lock that rows which refer to the user need not wait for: mails are being written meanwhile.
pub async fn lock_user(tx: &mut Tx, id: UserId) -> DbResult<bool> {
    Ok(tx.query_opt("select id from users where id = $1 for no key update", &[&id]).await?.is_some())
}

pub async fn update_user(tx: &mut Tx, id: UserId, username: &str, profile: &Profile, attributes: &Value) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        update users
        set username = $2, given_name = $3, family_name = $4, display_name = $5, bio = $6, picture_url = $7, website_url = $8,
            github_url = $9, linkedin_url = $10, locale = $11, time_zone = $12, attributes = $13, version = version + 1,
            updated_at = $14
        where id = $1";
    let params: [&(dyn ToSql + Sync); 14] = [
        &id,
        &username,
        &profile.given_name,
        &profile.family_name,
        &profile.display_name,
        &profile.bio,
        &profile.picture_url,
        &profile.website_url,
        &profile.github_url,
        &profile.linkedin_url,
        &profile.locale,
        &profile.time_zone,
        attributes,
        &now,
    ];
    tx.execute(sql, &params).await?;
    Ok(())
}

pub async fn update_professional(tx: &mut Tx, id: UserId, at: Option<Timestamp>) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        update users
        set professional_at = $2, version = version + 1, updated_at = $3
        where id = $1";
    tx.execute(sql, &[&id, &at, &now]).await?;
    Ok(())
}

pub async fn update_avatar(tx: &mut Tx, id: UserId, avatar: Option<&str>) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        update users
        set avatar = $2, version = version + 1, updated_at = $3
        where id = $1";
    tx.execute(sql, &[&id, &avatar, &now]).await?;
    Ok(())
}

pub async fn update_status(tx: &mut Tx, id: UserId, status: UserStatus) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        update users
        set status = $2, version = version + 1, updated_at = $3
        where id = $1";
    tx.execute(sql, &[&id, &status.as_str(), &now]).await?;
    Ok(())
}

/// Somebody else deletes who had deleted themselves. False when that is not so.
pub async fn update_deleted_by(tx: &mut Tx, id: UserId) -> DbResult<bool> {
    let by = tx.origin().actor.user_id();
    let sql = "
        update users
        set deleted_by = $2
        where id = $1 and status = 'deleted' and deleted_by = id and $2 is distinct from id";
    Ok(tx.execute(sql, &[&id, &by]).await? == 1)
}

pub async fn update_locked_until(tx: &mut Tx, id: UserId, until: Option<Timestamp>) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        update users
        set locked_until = $2, version = version + 1, updated_at = $3
        where id = $1";
    tx.execute(sql, &[&id, &until, &now]).await?;
    Ok(())
}

/// Not a change of the resource: the version stays, and no index is touched.
pub async fn update_last_sign_in(tx: &mut Tx, id: UserId) -> DbResult<()> {
    let now = tx.now();
    let sql = "update users set last_sign_in_at = $2, locked_until = null where id = $1";
    tx.execute_later(sql, values![id, now]).await
}

/// In the order of their ids, so that two who lock the same users wait and do not block each other.
pub async fn lock_users(tx: &mut Tx, ids: &[UserId]) -> DbResult<()> {
    tx.query("select id from users where id = any($1) order by id for no key update", &[&ids]).await?;
    Ok(())
}

pub async fn touch_users(tx: &mut Tx, ids: &[UserId]) -> DbResult<()> {
    let now = tx.now();
    tx.execute("update users set version = version + 1, updated_at = $2 where id = any($1)", &[&ids, &now]).await?;
    Ok(())
}

pub async fn update_to_suspended(tx: &mut Tx, ids: &[UserId]) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        update users
        set status = 'suspended', auth_epoch = auth_epoch + 1, version = version + 1, updated_at = $2
        where id = any($1)";
    tx.execute(sql, &[&ids, &now]).await?;
    Ok(())
}

/// Who has never verified their address is pending again.
pub async fn update_to_reactivated(tx: &mut Tx, ids: &[UserId]) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        update users u
        set status = case
                when exists (
                    select from emails e
                    where e.user_id = u.id and e.is_primary and e.verified_at is not null
                ) then 'active'
                else 'pending'
            end,
            version = version + 1, updated_at = $2
        where id = any($1)";
    tx.execute(sql, &[&ids, &now]).await?;
    Ok(())
}

pub async fn update_to_deleted(tx: &mut Tx, ids: &[UserId], purge_after: Timestamp) -> DbResult<()> {
    let now = tx.now();
    let by = tx.origin().actor.user_id();
    let sql = "
        update users
        set status_before_deletion = status, status = 'deleted', deleted_at = $2, deleted_by = $4, purge_after = $3,
            auth_epoch = auth_epoch + 1, version = version + 1, updated_at = $2
        where id = any($1) and status <> 'deleted'";
    tx.execute(sql, &[&ids, &now, &purge_after, &by]).await?;
    Ok(())
}

pub async fn update_to_restored(tx: &mut Tx, ids: &[UserId]) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        update users
        set status = status_before_deletion, status_before_deletion = null, deleted_at = null, deleted_by = null,
            purge_after = null, version = version + 1, updated_at = $2
        where id = any($1) and status = 'deleted'";
    tx.execute(sql, &[&ids, &now]).await?;
    Ok(())
}

/// With how many sessions and API keys of each have ended by it.
pub async fn raise_epochs(tx: &mut Tx, ids: &[UserId]) -> DbResult<HashMap<UserId, (i64, i64)>> {
    let now = tx.now();
    let sql = "
        with raised as (update users set auth_epoch = auth_epoch + 1 where id = any($1))
        select u.id,
            (select count(*) from sessions s
                where s.user_id = u.id and s.auth_epoch = u.auth_epoch and s.ended_at is null and s.expires_at > $2) as sessions,
            (select count(*) from api_keys k
                where k.user_id = u.id and k.auth_epoch = u.auth_epoch and k.revoked_at is null and k.expires_at > $2) as keys
        from users u
        where u.id = any($1)";
    let rows = tx.query(sql, &[&ids, &now]).await?;
    Ok(rows.iter().map(|row| (row.get("id"), (row.get("sessions"), row.get("keys")))).collect())
}

/// Removes sign-ups that wait for the verification of these addresses. One whom an administrator has invited stays.
pub async fn delete_unverified(tx: &mut Tx, addresses_normal: &[&str]) -> DbResult<Vec<UserId>> {
    let sql = "
        delete from users u
        using emails e, password_credentials p
        where e.user_id = u.id
            and p.user_id = u.id
            and e.address_normal = any($1)
            and e.is_primary
            and e.verified_at is null
            and u.status = 'pending'
        returning u.id";
    Ok(tx.query(sql, &[&addresses_normal]).await?.iter().map(|row| row.get(0)).collect())
}

pub async fn delete_users(tx: &mut Tx, ids: &[UserId]) -> DbResult<()> {
    tx.execute("delete from users where id = any($1) and status = 'deleted'", &[&ids]).await?;
    Ok(())
}

/// Those whose time in the recycle bin has passed.
pub async fn lock_due(tx: &mut Tx, limit: i64) -> DbResult<Vec<UserId>> {
    let now = tx.now();
    let sql = "
        select id
        from users
        where purge_after <= $1
        order by purge_after
        limit $2
        for update skip locked";
    Ok(tx.query(sql, &[&now, &limit]).await?.iter().map(|row| row.get(0)).collect())
}

fn user(row: &Row) -> User {
    let permissions: Vec<&str> = row.get::<_, &str>("permissions").split(' ').collect();
    User { effective_roles: row.get("effective_roles"), permissions: PermissionSet::from_names(&permissions), ..read_record(row) }
}

/// A user of [`select_records`]. Nobody may act on what comes of it: it seems to hold everything.
pub fn read_record(row: &Row) -> User {
    let emails: Vec<UserEmail> = serde_json::from_value(row.get("emails")).unwrap_or_default();
    let primary = emails.iter().find(|email| email.primary);
    let (id, avatar): (UserId, Option<String>) = (row.get("id"), row.get("avatar"));
    User {
        id,
        avatar_url: pictures::url(id, avatar.as_deref()),
        avatar,
        username: row.get("username"),
        // A status of a later release is none that may act.
        status: UserStatus::parse(row.get("status")).unwrap_or(UserStatus::Suspended),
        email: primary.map(|email| email.address.clone()),
        email_verified: primary.is_some_and(|email| email.verified_at.is_some()),
        profile: profile(row),
        professional_at: row.get("professional_at"),
        attributes: match row.get("attributes") {
            Value::Object(attributes) => attributes,
            _ => Map::new(),
        },
        roles: row.get("roles"),
        role_ends: row
            .get::<_, Option<Value>>("role_ends")
            .and_then(|ends| serde_json::from_value(ends).ok())
            .unwrap_or_default(),
        effective_roles: Vec::new(),
        locked_until: row.get("locked_until"),
        last_sign_in_at: row.get("last_sign_in_at"),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
        deleted_at: row.get("deleted_at"),
        purge_after: row.get("purge_after"),
        status_before_deletion: row.get::<_, Option<&str>>("status_before_deletion").and_then(UserStatus::parse),
        version: row.get("version"),
        permissions: PermissionSet::all(),
        emails,
    }
}

fn profile(row: &Row) -> Profile {
    Profile {
        given_name: row.get("given_name"),
        family_name: row.get("family_name"),
        display_name: row.get("display_name"),
        bio: row.get("bio"),
        picture_url: row.get("picture_url"),
        website_url: row.get("website_url"),
        github_url: row.get("github_url"),
        linkedin_url: row.get("linkedin_url"),
        locale: row.get("locale"),
        time_zone: row.get("time_zone"),
    }
}
