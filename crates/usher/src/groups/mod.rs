//! Groups: users who have the same roles for the same reason. A group carries roles, and its members have those of its parents too.
//! Nobody changes a group, or who is in it, without holding all that its members have by it; and an administrator remains.
//!
//! Whoever changes a group locks them all: they are few and change rarely, and so no two changes can close a circle together. Whoever
//! changes a membership holds them as they are, beside others who do.

mod api;
mod graph;
mod members;
mod store;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

pub use api::{GroupRolesBody, NewGroup, ParentsBody, Until, router};
pub use graph::Graph;
pub use members::{list_members, list_memberships, put_member, remove_expired, remove_member};

use self::graph::{Fault, LEVELS_MAX};
use crate::audit::{self, Event};
use crate::caller::{Authority, PermissionSet, UserStatus};
use crate::db::page::{self, Limit, Page};
use crate::db::{DbResult, OnConstraint, Tx};
use crate::error::{AppResult, FieldError, Rejection};
use crate::id::{GroupId, UserId};
use crate::roles::{self, RoleName};
use crate::users::Name;

/// So many groups at the most: what is above which is worked out from all of them.
const GROUPS_MAX: i64 = 1000;
/// Roles that a group carries, and parents that it has.
const ROLES_MAX: usize = 50;
const PARENTS_MAX: usize = 10;

/// A group.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(extend("example" = api::example()))]
pub struct Group {
    pub id: GroupId,
    /// Unique, whatever its case.
    pub name: String,
    pub description: String,
    /// Names of the roles that the group carries itself.
    pub roles: Vec<String>,
    /// Ids of the groups whose roles its members have too.
    pub parents: Vec<GroupId>,
    /// Raised by every change of the group, but not by its members; the `ETag`.
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A group that something else names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GroupRef {
    pub id: GroupId,
    pub name: String,
}

/// A user whom something else names.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct UserRef {
    pub id: UserId,
    pub username: String,
    pub display_name: Option<String>,
    pub status: UserStatus,
}

/// A user in a group.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "GroupMember")]
pub struct Member {
    pub user: UserRef,
    pub granted_at: Timestamp,
    /// The user who granted it; `null` for a program, the operator and usher itself.
    pub granted_by: Option<UserId>,
    /// From then on the membership gives nothing; `null` when it does not end by itself.
    pub expires_at: Option<Timestamp>,
}

/// A group that a user is in.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "GroupMembership")]
pub struct Membership {
    pub group: GroupRef,
    pub granted_at: Timestamp,
    /// The user who granted it; `null` for a program, the operator and usher itself.
    pub granted_by: Option<UserId>,
    /// From then on the membership gives nothing; `null` when it does not end by itself.
    pub expires_at: Option<Timestamp>,
}

/// Creates a group that carries nothing yet.
pub async fn create(tx: &mut Tx, name: &Name, description: &str) -> AppResult<Group> {
    let id = GroupId::new(tx.now());
    insert(tx, id, name, description).await
}

/// Makes a group again that was deleted, under the id that it had. It carries nothing yet.
pub async fn restore(tx: &mut Tx, id: GroupId, name: &Name, description: &str) -> AppResult<Group> {
    insert(tx, id, name, description).await
}

async fn insert(tx: &mut Tx, id: GroupId, name: &Name, description: &str) -> AppResult<Group> {
    store::lock_groups(tx).await?;
    if store::count_groups(tx).await? >= GROUPS_MAX {
        return Err(Rejection::conflict("too_many_groups", "There are 1,000 groups already: delete one first.").into());
    }
    store::insert_group(tx, id, &name.0, description).await.on_constraint("groups_name_key", name_taken)?;
    let group = read(tx, id).await?;
    audit::record(tx, Event::success("group.created").on("group", id).changed(&(), &group)).await?;
    Ok(group)
}

/// One page of the groups, by their names.
pub async fn list(tx: &mut Tx, limit: Limit, cursor: Option<&str>) -> AppResult<Page<Group>> {
    let after: Option<String> = cursor.map(page::decode).transpose()?;
    let groups = store::list_groups(tx, after.as_deref(), limit.and_one()).await?;
    let Page { items, next, .. } = Page::cut(groups, limit, |(_, name)| name.clone());
    Ok(Page { items: items.into_iter().map(|(group, _)| group).collect(), next, total: None })
}

/// The group, or a refusal: there is no such resource.
pub async fn read(tx: &mut Tx, id: GroupId) -> AppResult<Group> {
    store::find_group(tx, id).await?.ok_or_else(|| Rejection::not_found().into())
}

/// The group of this name, if there is one.
pub async fn find_by_name(tx: &mut Tx, name: &str) -> DbResult<Option<GroupId>> {
    store::find_by_name(tx, name).await
}

/// The groups of these ids and all that is above them.
pub async fn list_refs(tx: &mut Tx, ids: &[GroupId]) -> DbResult<Vec<GroupRef>> {
    store::list_refs(tx, ids).await
}

/// All groups, by their names.
pub async fn list_all_refs(tx: &mut Tx) -> DbResult<Vec<GroupRef>> {
    store::list_all_refs(tx).await
}

/// What members of the group may do by it, and the names of the roles that say so, those of what is above it among them.
pub async fn find_grants(tx: &mut Tx, id: GroupId) -> DbResult<(PermissionSet, Vec<String>)> {
    store::find_grants(tx, id).await
}

/// Locks the groups for a change of one by somebody who holds all that it gives.
pub async fn lock(tx: &mut Tx, by: Authority, id: GroupId) -> AppResult<Group> {
    store::lock_groups(tx).await?;
    let group = read(tx, id).await?;
    by.to_grant(store::find_grants(tx, id).await?.0)?;
    Ok(group)
}

/// Changes name and description.
pub async fn update(tx: &mut Tx, before: &Group, name: Option<&Name>, description: Option<&str>) -> AppResult<Group> {
    let name = name.map_or(before.name.as_str(), |name| name.0.as_str());
    let description = description.unwrap_or(&before.description);
    store::update_group(tx, before.id, name, description).await.on_constraint("groups_name_key", name_taken)?;
    finish(tx, "group.updated", before).await
}

/// Deletes a group that nobody is in and that is no other's parent.
pub async fn delete(tx: &mut Tx, group: &Group) -> AppResult<()> {
    let (members, children) = store::count_in(tx, group.id).await?;
    if members > 0 || children > 0 {
        let detail = format!(
            "The group has {members} members (those whose time has passed are among them until they are removed, in minutes) and is \
             the parent of {children} groups. Remove them from it first."
        );
        return Err(Rejection::conflict("group_in_use", detail).into());
    }
    store::delete_group(tx, group.id).await?;
    audit::record(tx, Event::success("group.deleted").on("group", group.id).changed(group, &())).await?;
    Ok(())
}

/// Gives a group exactly these roles. The caller must hold them, and all that the group gives already.
pub async fn set_roles(tx: &mut Tx, by: Authority, before: &Group, wanted: &[RoleName]) -> AppResult<Group> {
    let known = roles::read_all(tx, wanted).await?;
    by.to_grant_now(known.iter().flat_map(|role| role.permissions.iter().copied()).collect(), tx.now())?;
    by.to_grant_now(store::find_grants(tx, before.id).await?.0, tx.now())?;
    let may_demote = lock_if_admins(tx, before.id).await?;
    let names: Vec<&str> = wanted.iter().map(RoleName::as_str).collect();
    store::replace_roles(tx, before.id, &names).await.on_constraint("group_roles_role_name_fkey", || {
        Rejection::invalid_field("/roles", "unknown_role", "One of these roles has just been deleted.")
    })?;
    if may_demote {
        roles::keep_an_admin(tx).await?;
    }
    store::touch_group(tx, before.id).await?;
    finish(tx, "group.roles_set", before).await
}

/// Puts a group below exactly these. The caller must hold all that the group gives, before and after.
pub async fn set_parents(tx: &mut Tx, by: Authority, before: &Group, wanted: &[GroupId]) -> AppResult<Group> {
    for (at, parent) in wanted.iter().enumerate() {
        if store::find_group(tx, *parent).await?.is_none() {
            let detail = "There is no group of this id.";
            return Err(Rejection::invalid_field(&format!("/parents/{at}"), "unknown_group", detail).into());
        }
    }
    let others = store::list_edges(tx).await?.into_iter().filter(|(group, _)| *group != before.id);
    let graph = Graph::new(others.chain(wanted.iter().map(|parent| (before.id, *parent))));
    if let Some(fault) = graph.fault_at(before.id) {
        return Err(refusal(fault).into());
    }
    by.to_grant_now(store::find_grants(tx, before.id).await?.0, tx.now())?;
    let may_demote = lock_if_admins(tx, before.id).await?;
    store::replace_parents(tx, before.id, wanted).await?;
    for group in graph.descendants(before.id) {
        let ancestors: Vec<GroupId> = graph.ancestors(group).into_iter().collect();
        store::replace_ancestors(tx, group, &ancestors).await?;
    }
    by.to_grant_now(store::find_grants(tx, before.id).await?.0, tx.now())?;
    if may_demote {
        roles::keep_an_admin(tx).await?;
    }
    store::touch_group(tx, before.id).await?;
    finish(tx, "group.parents_set", before).await
}

/// How a membership gives roles: from the group that a user is in up to the one that carries the role.
pub struct Ways {
    graph: Graph,
    groups: HashMap<GroupId, GroupRef>,
}

impl Ways {
    /// Of whoever is in these groups.
    pub async fn read(tx: &mut Tx, groups: &[GroupId]) -> DbResult<Self> {
        let graph = Graph::new(store::list_edges_above(tx, groups).await?);
        let groups = store::list_refs(tx, groups).await?.into_iter().map(|group| (group.id, group)).collect();
        Ok(Self { graph, groups })
    }

    /// The shortest way; empty when there is none.
    pub fn up(&self, from: GroupId, to: GroupId) -> Vec<GroupRef> {
        let way = self.graph.way_up(from, to).unwrap_or_default();
        way.iter().filter_map(|group| self.groups.get(group).cloned()).collect()
    }
}

/// Whether the members are administrators by the group; then nobody else ceases to be one meanwhile, and one must remain.
async fn lock_if_admins(tx: &mut Tx, id: GroupId) -> DbResult<bool> {
    let (_, roles) = store::find_grants(tx, id).await?;
    let are_admins = roles.iter().any(|role| role == roles::ADMIN);
    if are_admins {
        roles::lock_admins(tx).await?;
    }
    Ok(are_admins)
}

async fn finish(tx: &mut Tx, action: &'static str, before: &Group) -> AppResult<Group> {
    let after = read(tx, before.id).await?;
    audit::record(tx, Event::success(action).on("group", before.id).changed(before, &after)).await?;
    Ok(after)
}

fn name_taken() -> Rejection {
    let detail = "There is a group of this name.";
    let error = FieldError::at_pointer("/name", "group_name_taken", detail);
    Rejection { errors: vec![error], ..Rejection::conflict("group_name_taken", detail) }
}

fn refusal(fault: Fault) -> Rejection {
    match fault {
        Fault::Circle => Rejection::conflict("group_circle", "One of these groups is the group itself, or below it."),
        Fault::TooDeep => {
            Rejection::conflict("groups_too_deep", format!("More than {LEVELS_MAX} groups would stand above one another."))
        }
    }
}
