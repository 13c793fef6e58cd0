//! Roles and who holds them. Nobody grants more than they hold, and there is always an active administrator: every operation
//! that could remove the last one locks the `admin` role first, so two at once can't both believe another remains (R-203).

mod api;
mod store;

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use api::router;

use crate::audit::{self, Event};
use crate::caller::{Authority, Permission, PermissionSet};
use crate::db::{DbResult, OnConstraint, Tx};
use crate::error::{AppResult, FieldError, Rejection};
use crate::id::UserId;

pub const ADMIN: &str = "admin";
pub const MANAGER: &str = "manager";
pub const USER: &str = "user";

/// Roles a user may hold at most.
pub const HELD_MAX: usize = 50;

/// A named set of permissions.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Role {
    pub name: String,
    pub description: String,
    pub permissions: Vec<Permission>,
    /// Built-in roles come with usher and can't be changed or deleted.
    pub built_in: bool,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Role {
    fn permission_set(&self) -> PermissionSet {
        self.permissions.iter().copied().collect()
    }
}

/// The name of a role: a lower-case letter, then lower-case letters, digits, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("example" = "support"))]
pub struct RoleName(#[schemars(regex(pattern = r"^[a-z][a-z0-9_-]{0,62}$"), length(min = 1, max = 63))] String);

impl RoleName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for RoleName {
    fn from(name: &str) -> Self {
        Self(name.to_owned())
    }
}

/// Brings the built-in roles in step with this release's permissions.
pub async fn sync_built_in(tx: &mut Tx) -> DbResult<()> {
    let all: Vec<&str> = Permission::ALL.iter().map(|permission| permission.name()).collect();
    let manager: Vec<&str> = [Permission::UsersRead, Permission::UsersWrite, Permission::RolesRead]
        .iter()
        .map(|permission| permission.name())
        .collect();
    store::upsert_built_in(tx, ADMIN, "May do everything.", &all).await?;
    store::upsert_built_in(tx, MANAGER, "Looks after ordinary users.", &manager).await?;
    store::upsert_built_in(tx, USER, "An ordinary user: may look after themselves.", &[]).await
}

pub async fn list(tx: &mut Tx) -> DbResult<Vec<Role>> {
    store::list_roles(tx).await
}

pub async fn find(tx: &mut Tx, name: &str) -> AppResult<Role> {
    store::find_role(tx, name).await?.ok_or_else(|| Rejection::not_found().into())
}

/// Creates a role with permissions that its creator holds.
pub async fn create(
    tx: &mut Tx,
    by: Authority,
    name: &RoleName,
    description: &str,
    permissions: &[Permission],
) -> AppResult<Role> {
    by.to_grant(permissions.iter().copied().collect())?;
    store::insert_role(tx, name.as_str(), description, &names(permissions)).await.on_constraint("roles_pkey", || {
        let error = FieldError::at_pointer("/name", "role_name_taken", "There is a role of this name.");
        Rejection { errors: vec![error], ..Rejection::conflict("role_name_taken", "There is a role of this name.") }
    })?;
    let role = find(tx, name.as_str()).await?;
    audit::record(tx, Event::success("role.created").on("role", name.as_str()).changed(&(), &role)).await?;
    Ok(role)
}

/// Changes a role; the caller must hold what it grants, before and after.
pub async fn update(
    tx: &mut Tx,
    by: Authority,
    before: &Role,
    description: Option<String>,
    permissions: Option<Vec<Permission>>,
) -> AppResult<Role> {
    refuse_built_in(before)?;
    let description = description.unwrap_or_else(|| before.description.clone());
    let permissions = permissions.unwrap_or_else(|| before.permissions.clone());
    by.to_grant(before.permission_set())?;
    by.to_grant(permissions.iter().copied().collect())?;
    store::update_role(tx, &before.name, &description, &names(&permissions)).await?;
    let after = find(tx, &before.name).await?;
    audit::record(tx, Event::success("role.updated").on("role", &before.name).changed(before, &after)).await?;
    Ok(after)
}

/// Deletes a role that nobody holds.
pub async fn delete(tx: &mut Tx, by: Authority, role: &Role) -> AppResult<()> {
    refuse_built_in(role)?;
    by.to_grant(role.permission_set())?;
    store::delete_role(tx, &role.name).await.on_constraint("user_roles_role_name_fkey", || {
        Rejection::conflict(
            "role_in_use",
            "Somebody holds this role. Take it from them first: GET /v1/users?role=<name> lists them.",
        )
    })?;
    audit::record(tx, Event::success("role.deleted").on("role", &role.name).changed(role, &())).await?;
    Ok(())
}

/// Locks a role for a change of it.
pub async fn lock(tx: &mut Tx, name: &str) -> AppResult<Role> {
    store::lock_role(tx, name).await?;
    find(tx, name).await
}

fn refuse_built_in(role: &Role) -> Result<(), Rejection> {
    if role.built_in {
        return Err(Rejection::conflict("role_built_in", "Built-in roles can't be changed. Create a role of your own."));
    }
    Ok(())
}

/// Gives a user exactly these roles. The caller must hold whatever is given and taken.
pub async fn assign(tx: &mut Tx, by: Authority, user_id: UserId, wanted: &[RoleName]) -> AppResult<()> {
    let wanted: Vec<&str> = wanted.iter().map(RoleName::as_str).collect();
    let known = store::find_roles(tx, &wanted).await?;
    for (at, name) in wanted.iter().enumerate() {
        if !known.iter().any(|role| role.name == *name) {
            return Err(
                Rejection::invalid_field(&format!("/roles/{at}"), "unknown_role", "There is no role of this name.").into()
            );
        }
    }
    let held = store::list_held(tx, user_id).await?;
    let given = known.iter().filter(|role| !held.iter().any(|held| held.name == role.name));
    let taken = held.iter().filter(|role| !wanted.contains(&role.name.as_str()));
    for role in given.chain(taken) {
        by.to_grant(role.permission_set())?;
    }
    let demotes = held.iter().any(|role| role.name == ADMIN) && !wanted.contains(&ADMIN);
    if demotes {
        lock_admins(tx).await?;
    }
    store::replace_held(tx, user_id, &wanted, by.user_id).await.on_constraint("user_roles_role_name_fkey", || {
        Rejection::invalid_field("/roles", "unknown_role", "One of these roles has just been deleted.")
    })?;
    if demotes {
        keep_an_admin(tx).await?;
    }
    Ok(())
}

/// Gives many users one role more.
pub async fn grant_to_many(tx: &mut Tx, by: Authority, user_ids: &[UserId], role: &RoleName) -> AppResult<()> {
    let granted = find(tx, role.as_str()).await?;
    by.to_grant(granted.permission_set())?;
    store::insert_held(tx, user_ids, role.as_str(), by.user_id).await?;
    Ok(())
}

/// Takes a role from many users, none of whom is an administrator by it.
pub async fn take_from_many(tx: &mut Tx, by: Authority, user_ids: &[UserId], role: &RoleName) -> AppResult<()> {
    let taken = find(tx, role.as_str()).await?;
    by.to_grant(taken.permission_set())?;
    store::delete_held(tx, user_ids, role.as_str()).await?;
    Ok(())
}

/// Call before a change that may make this user no active administrator any more, and [`keep_an_admin`] after it.
pub async fn lock_admins(tx: &mut Tx) -> DbResult<()> {
    store::lock_role(tx, ADMIN).await
}

/// Fails, and so undoes the change, if it removed the last active administrator.
pub async fn keep_an_admin(tx: &mut Tx) -> AppResult<()> {
    if store::exists_active_admin(tx).await? {
        return Ok(());
    }
    let detail = "This is the last active administrator. Make somebody else one first.";
    Err(Rejection::conflict("last_admin", detail).into())
}

/// Whether the first administrator has been set up.
pub async fn exists_admin(tx: &mut Tx) -> DbResult<bool> {
    store::exists_admin(tx).await
}

fn names(permissions: &[Permission]) -> Vec<&'static str> {
    let set: PermissionSet = permissions.iter().copied().collect();
    set.iter().map(Permission::name).collect()
}
