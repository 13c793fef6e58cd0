//! Who may do what, and why: the ways that lead from a user to a permission, by roles that were granted to them and by their groups;
//! and grants of single roles, which may end by themselves.

mod api;
mod jobs;
mod store;

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

pub use api::router;
pub use jobs::register;

use crate::caller::{self, Authority, Permission, PermissionSet};
use crate::db::page::{self, Limit, Page};
use crate::db::{DbResult, Tx};
use crate::error::{AppResult, Rejection};
use crate::groups::{GroupRef, UserRef, Ways};
use crate::id::{GroupId, UserId};
use crate::roles;

/// How many users are asked about in one statement.
const LOOKED_AT_TOGETHER: usize = 500;

/// What gives a permission to a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Through {
    /// The role that names the permission.
    pub role: String,
    /// Empty when the role was granted to the user. Else the groups on the way to it: the first is the one that the user is in, each is
    /// followed by a parent of it, and the last one carries the role.
    pub groups: Vec<GroupRef>,
    /// When the grant or the membership ends by itself.
    pub expires_at: Option<Timestamp>,
}

/// Somebody who has a permission, and through what.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "PermissionHolder")]
pub struct Holder {
    pub user: UserRef,
    pub through: Vec<Through>,
}

/// A permission that a user has.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "HeldPermission")]
pub struct Held {
    pub permission: Permission,
    /// Only with `explain=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub through: Option<Vec<Through>>,
}

/// A role that a user has, as it is stored.
pub struct Way {
    role: String,
    permissions: PermissionSet,
    /// The group that the user is in, when it is not granted to them.
    group_id: Option<GroupId>,
    /// The group that carries the role.
    carrier_id: Option<GroupId>,
    expires_at: Option<Timestamp>,
}

impl Way {
    fn shown(&self, by_groups: &Ways) -> Through {
        let groups = self.group_id.zip(self.carrier_id).map(|(from, to)| by_groups.up(from, to)).unwrap_or_default();
        Through { role: self.role.clone(), groups, expires_at: self.expires_at }
    }
}

/// What a user may do, in the order of the list of permissions; each with the reasons, if they are asked for.
pub async fn list_permissions(tx: &mut Tx, by: Authority, user_id: UserId, explain: bool) -> AppResult<Vec<Held>> {
    let held = caller::find_permissions(tx, user_id).await?.ok_or_else(Rejection::not_found)?;
    by.over(held)?;
    if !explain {
        return Ok(held.iter().map(|permission| Held { permission, through: None }).collect());
    }
    let ways = store::list_ways(tx, &[user_id], None).await?.remove(&user_id).unwrap_or_default();
    let by_groups = read_groups(tx, &ways).await?;
    // As the ways have been read: they are of one moment, and so the permissions are too.
    let reasons = Permission::ALL.into_iter().filter_map(|permission| {
        let giving = ways.iter().filter(|way| way.permissions.contains(permission));
        let through: Vec<Through> = giving.map(|way| way.shown(&by_groups)).collect();
        (!through.is_empty()).then_some(Held { permission, through: Some(through) })
    });
    Ok(reasons.collect())
}

/// One page of the users who have a permission, of those whom the caller may see.
pub async fn list_holders(
    tx: &mut Tx,
    by: Authority,
    permission: Permission,
    limit: Limit,
    cursor: Option<&str>,
) -> AppResult<Page<Holder>> {
    let after: Option<UserId> = cursor.map(page::decode).transpose()?;
    let giving = store::list_giving(tx, permission).await?;
    let giving: Vec<&str> = giving.iter().map(String::as_str).collect();
    let lacked = by.permissions.complement();
    let users = match roles::list_few_with(tx, &giving).await? {
        Some(few) => first_visible(tx, few, lacked, after, limit).await?,
        None => store::list_having(tx, &giving, lacked, after, limit.and_one()).await?,
    };
    let ids: Vec<UserId> = users.iter().map(|user| user.id).collect();
    let mut ways = store::list_ways(tx, &ids, Some(permission)).await?;
    let by_groups = read_groups(tx, ways.values().flatten()).await?;
    let holders = users.into_iter().map(|user| {
        let ways = ways.remove(&user.id).unwrap_or_default();
        Holder { user, through: ways.iter().map(|way| way.shown(&by_groups)).collect() }
    });
    Ok(Page::cut(holders.collect(), limit, |holder| holder.user.id))
}

/// The first after `after` of these users whom the caller may see; a few hundred at a time, since the first will do mostly.
async fn first_visible(
    tx: &mut Tx,
    mut few: Vec<UserId>,
    lacked: PermissionSet,
    after: Option<UserId>,
    limit: Limit,
) -> DbResult<Vec<UserRef>> {
    few.retain(|user| after.is_none_or(|after| user.uuid() > after.uuid()));
    few.sort_unstable_by_key(|user| user.uuid());
    few.dedup();
    let mut found = Vec::new();
    for some in few.chunks(LOOKED_AT_TOGETHER) {
        found.extend(store::list_visible(tx, some, lacked).await?);
        if found.len() > limit.get() {
            found.truncate(limit.get() + 1);
            break;
        }
    }
    Ok(found)
}

/// What is above the groups of these ways.
async fn read_groups<'a>(tx: &mut Tx, ways: impl IntoIterator<Item = &'a Way>) -> DbResult<Ways> {
    let groups: Vec<GroupId> = ways.into_iter().filter_map(|way| way.group_id).collect();
    Ways::read(tx, &groups).await
}
