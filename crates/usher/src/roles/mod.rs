//! Roles and who holds them. Nobody grants more than they hold, and there is always an active administrator: every operation
//! that could remove the last one locks the `admin` role first, so two at once can't both believe another remains (R-203).
//!
//! A user has the roles that were granted to them and those of their groups. A grant may end by itself: from then on it gives nothing,
//! and a job removes what is left of it. Who is an administrator for a time only is not the one who remains.

mod api;
mod granting;
mod policy;
mod store;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use api::{NewRole, RolePatch, router};
use granting::ends_of;
pub use granting::{grant, list_grants, remove_expired, take};
pub use policy::{SecondFactorPatch, SecondFactorPolicy};

use crate::audit::{self, Event};
use crate::caller::{Authority, Permission, PermissionSet};
use crate::db::{DbResult, OnConstraint, Tx};
use crate::error::{AppResult, FieldError, Rejection};
use crate::faults::{self, Fault};
use crate::id::UserId;

pub const ADMIN: &str = "admin";
pub const MANAGER: &str = "manager";
pub const USER: &str = "user";

/// Roles a user may hold at most.
pub const HELD_MAX: usize = 50;
/// So many holders are few. Tests meet both sides of it with a handful.
const FEW_MAX: i64 = if cfg!(test) { 5 } else { 10_000 };

/// A named set of permissions.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Role {
    pub name: String,
    pub description: String,
    pub permissions: Vec<Permission>,
    /// Built-in roles come with usher: nothing but `second_factor` can be changed, and they can't be deleted.
    pub built_in: bool,
    pub second_factor: SecondFactorPolicy,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Role {
    pub fn permission_set(&self) -> PermissionSet {
        set(&self.permissions)
    }
}

/// A role that was granted to a user.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "RoleGrant")]
pub struct Grant {
    pub role: String,
    pub granted_at: Timestamp,
    /// The user who granted it; `null` for a program, the operator and usher itself.
    pub granted_by: Option<UserId>,
    /// From then on it gives nothing; `null` when it does not end by itself.
    pub expires_at: Option<Timestamp>,
}

/// When roles end by themselves; one that is not among them does not.
pub type RoleEnds = BTreeMap<String, Timestamp>;

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
    let manager = PermissionSet::of_manager();
    store::upsert_built_in(tx, ADMIN, "May do everything.", &PermissionSet::all().names()).await?;
    store::upsert_built_in(tx, MANAGER, "Looks after ordinary users.", &manager.names()).await?;
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
    policy: SecondFactorPolicy,
) -> AppResult<Role> {
    by.to_grant(set(permissions))?;
    store::insert_role(tx, name.as_str(), description, &set(permissions).names(), policy).await.on_constraint(
        "roles_pkey",
        || {
            let error = FieldError::at_pointer("/name", "role_name_taken", "There is a role of this name.");
            Rejection { errors: vec![error], ..Rejection::conflict("role_name_taken", "There is a role of this name.") }
        },
    )?;
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
    policy: Option<SecondFactorPatch>,
) -> AppResult<Role> {
    if description.is_some() || permissions.is_some() || policy.is_none() {
        refuse_built_in(before)?;
    }
    let description = description.unwrap_or_else(|| before.description.clone());
    let permissions = permissions.unwrap_or_else(|| before.permissions.clone());
    by.to_grant(before.permission_set())?;
    by.to_grant(set(&permissions))?;
    let policy = policy.map_or(before.second_factor, |policy| policy.apply(before.second_factor));
    store::update_role(tx, &before.name, &description, &set(&permissions).names(), policy).await?;
    let after = find(tx, &before.name).await?;
    audit::record(tx, Event::success("role.updated").on("role", &before.name).changed(before, &after)).await?;
    Ok(after)
}

/// Deletes a role that nobody holds.
pub async fn delete(tx: &mut Tx, by: Authority, role: &Role) -> AppResult<()> {
    refuse_built_in(role)?;
    by.to_grant(role.permission_set())?;
    let deleted = store::delete_role(tx, &role.name).await.on_constraint("user_roles_role_name_fkey", || {
        Rejection::conflict(
            "role_in_use",
            "Somebody holds this role. Take it from them first: GET /v1/users?role=<name> lists them.",
        )
    });
    deleted.on_constraint("group_roles_role_name_fkey", || {
        Rejection::conflict("role_in_use", "A group carries this role. Take it from the group first: GET /v1/groups lists them.")
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
        return Err(Rejection::conflict(
            "role_built_in",
            "Of built-in roles only `second_factor` can be changed. Create a role of your own.",
        ));
    }
    Ok(())
}

/// Gives a user exactly these roles. The caller must hold whatever is given and taken. A role that the user has already keeps the end
/// that it has: whoever reads the roles and writes them back must not make it last.
pub async fn assign(tx: &mut Tx, by: Authority, user_id: UserId, wanted: &[RoleName]) -> AppResult<()> {
    assign_or_keep_ends(tx, by, user_id, wanted, None).await
}

/// The same, and these of them end then, which is still to come; the others do not end by themselves.
pub async fn assign_with_ends(
    tx: &mut Tx,
    by: Authority,
    user_id: UserId,
    wanted: &[RoleName],
    ends: &RoleEnds,
) -> AppResult<()> {
    assign_or_keep_ends(tx, by, user_id, wanted, Some(ends)).await
}

async fn assign_or_keep_ends(
    tx: &mut Tx,
    by: Authority,
    user_id: UserId,
    wanted: &[RoleName],
    ends: Option<&RoleEnds>,
) -> AppResult<()> {
    let known = read_all(tx, wanted).await?;
    let wanted: Vec<&str> = wanted.iter().map(RoleName::as_str).collect();
    let held = store::list_held(tx, user_id).await?;
    let ended = match ends {
        Some(_) => ends_of(&store::list_grants(tx, user_id).await?),
        None => RoleEnds::new(),
    };
    let moves = |role: &Role| ends.is_some_and(|ends| ends.get(&role.name) != ended.get(&role.name));
    let given = known.iter().filter(|role| moves(role) || !held.iter().any(|held| held.name == role.name));
    let taken = held.iter().filter(|role| !wanted.contains(&role.name.as_str()));
    for role in given.chain(taken) {
        by.to_grant_now(role.permission_set(), tx.now())?;
    }
    // An administrator for a time does not count as the one who remains.
    let stays = wanted.contains(&ADMIN) && !ends.is_some_and(|ends| ends.contains_key(ADMIN));
    let demotes = held.iter().any(|role| role.name == ADMIN) && !stays;
    if demotes {
        lock_admins(tx).await?;
    }
    store::replace_held(tx, user_id, &wanted, by.user_id).await.on_constraint("user_roles_role_name_fkey", || {
        Rejection::invalid_field("/roles", "unknown_role", "One of these roles has just been deleted.")
    })?;
    if let Some(ends) = ends {
        let ends: Vec<Option<Timestamp>> = wanted.iter().map(|name| ends.get(*name).copied()).collect();
        store::update_ends(tx, user_id, &wanted, &ends, by.user_id).await?;
    }
    if demotes {
        keep_an_admin(tx).await?;
    }
    Ok(())
}

/// Gives many users one role, until a time or for good. Whoever has it gets this end.
pub async fn grant_to_many(
    tx: &mut Tx,
    by: Authority,
    user_ids: &[UserId],
    role: &RoleName,
    expires_at: Option<Timestamp>,
) -> AppResult<()> {
    let granted = find(tx, role.as_str()).await?;
    by.to_grant(granted.permission_set())?;
    store::insert_held(tx, user_ids, role.as_str(), by.user_id, expires_at).await?;
    Ok(())
}

/// Takes a role from many users, none of whom is an administrator by it.
pub async fn take_from_many(tx: &mut Tx, by: Authority, user_ids: &[UserId], role: &RoleName) -> AppResult<()> {
    let taken = find(tx, role.as_str()).await?;
    by.to_grant(taken.permission_set())?;
    store::delete_held(tx, user_ids, role.as_str()).await?;
    Ok(())
}

/// The roles of these names, or a refusal that points at one that is not there.
pub async fn read_all(tx: &mut Tx, wanted: &[RoleName]) -> AppResult<Vec<Role>> {
    let names: Vec<&str> = wanted.iter().map(RoleName::as_str).collect();
    let known = store::find_roles(tx, &names).await?;
    match names.iter().position(|name| !known.iter().any(|role| role.name == *name)) {
        None => Ok(known),
        Some(at) => {
            Err(Rejection::invalid_field(&format!("/roles/{at}"), "unknown_role", "There is no role of this name.").into())
        }
    }
}

/// The roles that hold one of these permissions, and whether any group carries a role.
pub async fn survey(tx: &mut Tx, permissions: PermissionSet) -> DbResult<(Vec<String>, bool)> {
    store::survey(tx, permissions).await
}

/// An end must lie ahead.
pub fn require_future(tx: &Tx, expires_at: Option<Timestamp>) -> Result<(), Rejection> {
    if expires_at.is_some_and(|at| at <= tx.now()) {
        return Err(Rejection::invalid_field("/expires_at", "in_the_past", "must be a time that is still to come"));
    }
    Ok(())
}

/// The users who have one of these roles, in no order, if they are few: then a list is best made of them. `None` when they are many: then
/// it is best made by walking the users until a page is full.
pub async fn list_few_with(tx: &mut Tx, names: &[&str]) -> DbResult<Option<Vec<UserId>>> {
    let some = store::list_some_with(tx, names, FEW_MAX + 1).await?;
    Ok(i64::try_from(some.len()).is_ok_and(|count| count <= FEW_MAX).then_some(some))
}

/// What groups carry stays as it is until the transaction ends.
pub async fn lock_groups_shared(tx: &mut Tx) -> DbResult<()> {
    store::lock_groups_shared(tx).await
}

/// Call before a user may lose all their rights, and [`keep_an_admin`] after it if this is true: they are an administrator, and
/// nobody else ceases to be one meanwhile. What groups carry is held first, lest a group make them one in this moment.
pub async fn lock_if_admin(tx: &mut Tx, user_id: UserId) -> DbResult<bool> {
    store::lock_groups_shared(tx).await?;
    let is_admin = store::has_role(tx, user_id, ADMIN).await?;
    if is_admin {
        lock_admins(tx).await?;
    }
    Ok(is_admin)
}

/// Call before a change that may make this user no active administrator any more, and [`keep_an_admin`] after it.
pub async fn lock_admins(tx: &mut Tx) -> DbResult<()> {
    if faults::planted(Fault::DemotionRace) {
        return Ok(());
    }
    store::lock_role(tx, ADMIN).await
}

/// Fails, and so undoes the change, if it removed the last active administrator.
pub async fn keep_an_admin(tx: &mut Tx) -> AppResult<()> {
    if store::exists_active_admin(tx).await? {
        faults::linger().await;
        return Ok(());
    }
    let detail = "This is the last active administrator. Make somebody else one first.";
    Err(Rejection::conflict("last_admin", detail).into())
}

/// Whether the first administrator has been set up.
pub async fn exists_admin(tx: &mut Tx) -> DbResult<bool> {
    store::exists_admin(tx).await
}

fn set(permissions: &[Permission]) -> PermissionSet {
    permissions.iter().copied().collect()
}
