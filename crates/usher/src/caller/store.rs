//! Reads what the gate needs to know. Joins tables of several features; writes none.

use std::collections::HashMap;

use jiff::Timestamp;
use tokio_postgres::Row;

use super::{Assurance, Demand, KeyStanding, PermissionSet, SessionStanding, Standing, Subject, UserStatus};
use crate::db::lanes::{Pipeline, ReadLane};
use crate::db::{DbResult, Tx};
use crate::id::{ServiceAccountId, SessionId, UserId};

/// Whether a user `u` has bound a second factor.
macro_rules! has_second_factor {
    () => {
        "((select t.confirmed_at from totp_factors t where t.user_id = u.id) is not null
             or exists (select from passkeys p where p.user_id = u.id))"
    };
}

/// What the roles of a user `u` give and ask for at the time `$2`, as `held`. A policy counts from when it began, or from when the user got
/// the role if that is later.
macro_rules! held_by_user {
    () => {
        "
        cross join lateral (
            select
                coalesce(array_agg(p.name) filter (where p.name is not null), '{}') as permissions,
                min(greatest(r.second_factor_since, w.since) + r.second_factor_grace_days * interval '24 hours')
                    filter (where r.second_factor_since is not null) as second_factor_due_at
            from role_ways(u.id, $2) w
            join roles r on r.name = w.role_name
            left join unnest(r.permissions) as p (name) on true
        ) held"
    };
}

/// What the gate asks of a user `u` at the time `$2`, with [`held_by_user`]; [`standing`] reads it.
macro_rules! standing_of_user {
    () => {
        concat!(
            "
        u.status,
        coalesce(u.deleted_by = u.id, false) as deleted_by_self,
        u.locked_until,
        u.auth_epoch,
        ",
            has_second_factor!(),
            " as has_second_factor,
        exists (
            select from emails e
            where e.user_id = u.id and e.is_primary and e.verified_at is not null
        ) as email_verified,
        held.second_factor_due_at,
        held.permissions"
        )
    };
}

/// Asked at every request with an access token.
pub(super) const FIND_BY_SESSION: &str = concat!(
    "
    select
        s.id,
        s.auth_epoch as session_epoch,
        s.created_at as began_at,
        s.expires_at,
        s.ended_at,
        'mfa' = any(s.amr) as has_many,
        'trusted_device' = any(s.amr) as is_spared,
        u.id as user_id,",
    standing_of_user!(),
    "
    from sessions s
    join users u on u.id = s.user_id",
    held_by_user!(),
    "
    where s.id = any($1)"
);

const FIND_STANDINGS: &str = concat!(
    "
    select u.id as user_id,",
    standing_of_user!(),
    "
    from users u",
    held_by_user!(),
    "
    where u.id = any($1)"
);

/// `all_need`, here and below: every person must have a second factor.
pub async fn find_by_session(
    lane: &ReadLane,
    id: SessionId,
    at: Timestamp,
    all_need: bool,
) -> DbResult<Option<(Standing, SessionStanding)>> {
    let Some(row) = lane.find(FIND_BY_SESSION, id.uuid(), at).await? else { return Ok(None) };
    Ok(Some((standing(&row, Subject::User(row.get("user_id")), all_need), session(&row))))
}

pub async fn find_standing(tx: &mut Tx, id: UserId) -> DbResult<Option<Standing>> {
    Ok(find_standings(tx, &[id]).await?.remove(&id))
}

pub async fn find_standings(tx: &mut Tx, ids: &[UserId]) -> DbResult<HashMap<UserId, Standing>> {
    let (now, all_need) = (tx.now(), tx.all_need_second_factor());
    let rows = tx.query(FIND_STANDINGS, &[&ids, &now]).await?;
    let found = rows.iter().map(|row| {
        let id = row.get("user_id");
        (id, standing(row, Subject::User(id), all_need))
    });
    Ok(found.collect())
}

/// What only people have is as [`find_by_key`] says it of the holder of a program's key.
pub async fn find_standing_of_program(tx: &mut Tx, id: ServiceAccountId) -> DbResult<Option<Standing>> {
    let sql = "
        select
            s.status,
            false as deleted_by_self,
            null::timestamptz as locked_until,
            0::bigint as auth_epoch,
            false as has_second_factor,
            true as email_verified,
            null::timestamptz as second_factor_due_at,
            s.permissions
        from service_accounts s
        where s.id = $1";
    let row = tx.query_opt(sql, &[&id]).await?;
    Ok(row.map(|row| standing(&row, Subject::ServiceAccount(id), false)))
}

/// An API key, and who holds it.
pub struct Found {
    pub key: KeyStanding,
    pub holder: Standing,
    /// What it was made for.
    pub granted: PermissionSet,
    pub last_used_at: Option<Timestamp>,
}

pub async fn find_by_key(pipeline: &Pipeline, hash: &[u8], at: Timestamp, all_need: bool) -> DbResult<Option<Found>> {
    let sql = concat!(
        "
        select
            k.id,
            k.auth_epoch as key_epoch,
            k.expires_at,
            k.revoked_at,
            k.last_used_at,
            k.permissions as granted,
            u.id as user_id,
            s.id as service_account_id,
            coalesce(u.status, s.status) as status,
            coalesce(u.deleted_by = u.id, false) as deleted_by_self,
            u.locked_until,
            coalesce(u.auth_epoch, 0) as auth_epoch,
            ",
        has_second_factor!(),
        " as has_second_factor,
            s.id is not null or exists (
                select from emails e
                where e.user_id = u.id and e.is_primary and e.verified_at is not null
            ) as email_verified,
            held.second_factor_due_at,
            coalesce(s.permissions, held.permissions) as permissions
        from api_keys k
        left join users u on u.id = k.user_id
        left join service_accounts s on s.id = k.service_account_id",
        held_by_user!(),
        "
        where k.key_hash = $1"
    );
    let Some(row) = pipeline.query_opt(sql, &[&hash, &at]).await? else { return Ok(None) };
    let subject = match row.get("service_account_id") {
        Some(id) => Subject::ServiceAccount(id),
        None => Subject::User(row.get("user_id")),
    };
    let key = KeyStanding {
        id: row.get("id"),
        auth_epoch: row.get("key_epoch"),
        expires_at: row.get("expires_at"),
        revoked_at: row.get("revoked_at"),
    };
    let granted: Vec<&str> = row.get("granted");
    let (granted, last_used_at) = (PermissionSet::from_names(&granted), row.get("last_used_at"));
    Ok(Some(Found { key, holder: standing(&row, subject, all_need), granted, last_used_at }))
}

/// The session of a browser, and whose it is.
pub struct FoundInBrowser {
    pub session: SessionStanding,
    pub standing: Standing,
    pub user_id: UserId,
    pub name: String,
    pub avatar: Option<String>,
    pub locale: Option<String>,
    pub time_zone: Option<String>,
    pub last_seen_at: Timestamp,
}

pub async fn find_by_browser(
    pipeline: &Pipeline,
    hash: &[u8],
    at: Timestamp,
    all_need: bool,
) -> DbResult<Option<FoundInBrowser>> {
    let sql = concat!(
        "
        select
            s.id,
            s.auth_epoch as session_epoch,
            s.created_at as began_at,
            s.last_seen_at,
            s.expires_at,
            s.ended_at,
            'mfa' = any(s.amr) as has_many,
            'trusted_device' = any(s.amr) as is_spared,
            u.id as user_id,
            coalesce(u.display_name, u.username) as name,
            u.avatar,
            u.locale,
            u.time_zone,",
        standing_of_user!(),
        "
        from browser_sessions b
        join sessions s on s.id = b.session_id
        join users u on u.id = s.user_id",
        held_by_user!(),
        "
        where b.secret_hash = $1 and b.expires_at > $2"
    );
    let Some(row) = pipeline.query_opt(sql, &[&hash, &at]).await? else { return Ok(None) };
    let user_id = row.get("user_id");
    Ok(Some(FoundInBrowser {
        session: session(&row),
        standing: standing(&row, Subject::User(user_id), all_need),
        user_id,
        name: row.get("name"),
        avatar: row.get("avatar"),
        locale: row.get("locale"),
        time_zone: row.get("time_zone"),
        last_seen_at: row.get("last_seen_at"),
    }))
}

fn session(row: &Row) -> SessionStanding {
    SessionStanding {
        id: row.get("id"),
        auth_epoch: row.get("session_epoch"),
        assurance: Assurance::of(row.get("has_many"), row.get("is_spared")),
        began_at: row.get("began_at"),
        expires_at: row.get("expires_at"),
        ended_at: row.get("ended_at"),
    }
}

fn standing(row: &Row, subject: Subject, all_need: bool) -> Standing {
    let permissions: Vec<&str> = row.get("permissions");
    let second_factor = match row.get("second_factor_due_at") {
        _ if all_need && subject.user_id().is_some() => Demand::All,
        Some(due_at) => Demand::Role { due_at },
        None => Demand::Nobody,
    };
    Standing {
        subject,
        // A status of a later release is none that may act.
        status: UserStatus::parse(row.get("status")).unwrap_or(UserStatus::Suspended),
        deleted_by_self: row.get("deleted_by_self"),
        email_verified: row.get("email_verified"),
        locked_until: row.get("locked_until"),
        auth_epoch: row.get("auth_epoch"),
        has_second_factor: row.get("has_second_factor"),
        second_factor,
        permissions: PermissionSet::from_names(&permissions),
    }
}
