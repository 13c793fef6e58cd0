//! Single roles of a user, which may end by themselves.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;

use super::{ADMIN, Grant, HELD_MAX, RoleEnds, find, keep_an_admin, lock_admins, require_future, store};
use crate::audit::{self, Event};
use crate::caller::Authority;
use crate::db::{DbResult, OnConstraint, Tx};
use crate::error::{AppResult, Rejection};
use crate::id::UserId;

/// The roles that were granted to a user, with when and by whom.
pub async fn list_grants(tx: &mut Tx, user_id: UserId) -> DbResult<Vec<Grant>> {
    store::list_grants(tx, user_id).await
}

/// Gives a user one role, until a time or for good. One that they have gets this end. False when that is how it was.
pub async fn grant(tx: &mut Tx, by: Authority, user_id: UserId, name: &str, expires_at: Option<Timestamp>) -> AppResult<bool> {
    let role = find(tx, name).await?;
    by.to_grant_now(role.permission_set(), tx.now())?;
    require_future(tx, expires_at)?;
    let grants = store::list_grants(tx, user_id).await?;
    let before = grants.iter().find(|grant| grant.role == name);
    if before.is_some_and(|grant| grant.expires_at == expires_at) {
        return Ok(false);
    }
    if before.is_none() && grants.len() >= HELD_MAX {
        return Err(Rejection::conflict("too_many_roles", "The user holds 50 roles already: take one first.").into());
    }
    // An administrator for a time does not count as the one who remains.
    let may_demote = name == ADMIN && expires_at.is_some();
    if may_demote {
        lock_admins(tx).await?;
    }
    store::insert_held(tx, &[user_id], name, by.user_id, expires_at)
        .await
        .on_constraint("user_roles_role_name_fkey", Rejection::not_found)?;
    if may_demote {
        keep_an_admin(tx).await?;
    }
    let after = store::list_grants(tx, user_id).await?;
    let event = Event::success("user.role_granted")
        .on("user", user_id)
        .changed(&Granted::of(&grants), &Granted::of(&after))
        .detail("role", name)
        .detail("ends_before", end(before))
        .detail("ends", expires_at.map(|at| at.to_string()));
    audit::record(tx, event).await?;
    Ok(true)
}

/// Takes one role that was granted to a user.
pub async fn take(tx: &mut Tx, by: Authority, user_id: UserId, name: &str) -> AppResult<()> {
    let held = store::list_held(tx, user_id).await?;
    let role = held.iter().find(|role| role.name == name).ok_or_else(Rejection::not_found)?;
    by.to_grant_now(role.permission_set(), tx.now())?;
    let grants = store::list_grants(tx, user_id).await?;
    if name == ADMIN {
        lock_admins(tx).await?;
    }
    store::delete_held(tx, &[user_id], name).await?;
    if name == ADMIN {
        keep_an_admin(tx).await?;
    }
    let after = store::list_grants(tx, user_id).await?;
    let event = Event::success("user.role_taken")
        .on("user", user_id)
        .changed(&Granted::of(&grants), &Granted::of(&after))
        .detail("role", name)
        .detail("ends_before", end(grants.iter().find(|grant| grant.role == name)));
    audit::record(tx, event).await?;
    Ok(())
}

/// Removes what is left of grants that have ended, and says whose they were.
pub async fn remove_expired(tx: &mut Tx, limit: i64) -> AppResult<Vec<UserId>> {
    let removed = store::delete_expired_grants(tx, limit).await?;
    for (user_id, grant) in &removed {
        let left = store::list_grants(tx, *user_id).await?;
        let event = Event::success("user.role_expired")
            .on("user", user_id)
            .changed(&Granted::of(left.iter().chain([grant])), &Granted::of(&left))
            .detail("role", grant.role.as_str())
            .detail("ends_before", end(Some(grant)));
        audit::record(tx, event).await?;
    }
    Ok(removed.into_iter().map(|(user_id, _)| user_id).collect())
}

/// The roles that were granted to a user, as the audit trail has them: like those of a user, so that history and undo know them.
#[derive(Serialize)]
struct Granted<'a> {
    roles: BTreeSet<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    role_ends: RoleEnds,
}

impl<'a> Granted<'a> {
    fn of(grants: impl IntoIterator<Item = &'a Grant, IntoIter: Clone>) -> Self {
        let grants = grants.into_iter();
        Self { roles: grants.clone().map(|grant| grant.role.as_str()).collect(), role_ends: ends_of(grants) }
    }
}

pub fn ends_of<'a>(grants: impl IntoIterator<Item = &'a Grant>) -> RoleEnds {
    grants.into_iter().filter_map(|grant| Some((grant.role.clone(), grant.expires_at?))).collect()
}

fn end(grant: Option<&Grant>) -> Option<String> {
    grant?.expires_at.map(|at| at.to_string())
}
