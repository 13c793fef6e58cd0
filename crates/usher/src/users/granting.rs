//! The roles of a user: all of them, or one.

use jiff::Timestamp;

use super::{User, finish, read, refuse_deleted, store};
use crate::caller::Authority;
use crate::db::{DbResult, Tx};
use crate::error::AppResult;
use crate::id::UserId;
use crate::roles::{self, RoleEnds, RoleName};

/// Gives the user exactly these roles.
pub async fn set_roles(tx: &mut Tx, by: Authority, before: &User, wanted: &[RoleName]) -> AppResult<User> {
    refuse_deleted(before)?;
    roles::assign(tx, by, before.id, wanted).await?;
    store::touch_users(tx, &[before.id]).await?;
    finish(tx, "user.roles_set", before).await
}

/// The same, and these roles end then; the others do not end by themselves.
pub async fn set_roles_with_ends(
    tx: &mut Tx,
    by: Authority,
    before: &User,
    wanted: &[RoleName],
    ends: &RoleEnds,
) -> AppResult<User> {
    refuse_deleted(before)?;
    roles::assign_with_ends(tx, by, before.id, wanted, ends).await?;
    store::touch_users(tx, &[before.id]).await?;
    finish(tx, "user.roles_set", before).await
}

/// Gives the user one role, until a time or for good.
pub async fn grant_role(tx: &mut Tx, by: Authority, before: &User, role: &str, expires_at: Option<Timestamp>) -> AppResult<User> {
    refuse_deleted(before)?;
    if !roles::grant(tx, by, before.id, role, expires_at).await? {
        return Ok(before.clone());
    }
    store::touch_users(tx, &[before.id]).await?;
    read(tx, before.id).await
}

/// Takes one role from the user.
pub async fn take_role(tx: &mut Tx, by: Authority, before: &User, role: &str) -> AppResult<()> {
    refuse_deleted(before)?;
    roles::take(tx, by, before.id, role).await?;
    Ok(store::touch_users(tx, &[before.id]).await?)
}

/// Roles of the user have ended by themselves.
pub async fn note_roles_expired(tx: &mut Tx, id: UserId) -> DbResult<()> {
    store::touch_users(tx, &[id]).await
}
