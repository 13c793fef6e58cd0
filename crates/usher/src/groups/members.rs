//! Who is in a group. Whoever changes it holds all that members have by the group, and stands over the user.

use jiff::Timestamp;
use serde::Serialize;

use super::{Group, Member, Membership, UserRef, lock_if_admins, read, store};
use crate::audit::{self, Event};
use crate::caller::Authority;
use crate::db::page::{self, Limit, Page};
use crate::db::{DbResult, Tx};
use crate::error::{AppResult, Rejection};
use crate::id::{GroupId, UserId};
use crate::roles;
use crate::users::{self, User};

/// Groups that a user is in at the most.
const GROUPS_OF_ONE_MAX: usize = 100;

/// One page of the members whom the caller may see: those who hold no permission that the caller lacks.
pub async fn list_members(
    tx: &mut Tx,
    by: Authority,
    id: GroupId,
    limit: Limit,
    cursor: Option<&str>,
) -> AppResult<Page<Member>> {
    let after: Option<UserId> = cursor.map(page::decode).transpose()?;
    read(tx, id).await?;
    let members = store::list_members(tx, id, by.permissions.complement(), after, limit.and_one()).await?;
    Ok(Page::cut(members, limit, |member| member.user.id))
}

/// The groups that a user is in, by their names.
pub async fn list_memberships(tx: &mut Tx, user_id: UserId) -> DbResult<Vec<Membership>> {
    store::list_memberships(tx, user_id).await
}

/// Puts a user into a group, until a time or for good. One who is in it gets this end.
pub async fn put_member(
    tx: &mut Tx,
    by: Authority,
    id: GroupId,
    user_id: UserId,
    expires_at: Option<Timestamp>,
) -> AppResult<Member> {
    let (group, user) = lock(tx, by, id, user_id).await?;
    users::refuse_deleted(&user)?;
    roles::require_future(tx, expires_at)?;
    let memberships = store::list_memberships(tx, user_id).await?;
    let before = memberships.iter().find(|membership| membership.group.id == id);
    if let Some(before) = before.filter(|before| before.expires_at == expires_at) {
        return Ok(member(&user, before));
    }
    if before.is_none() && memberships.len() >= GROUPS_OF_ONE_MAX {
        return Err(
            Rejection::conflict("too_many_groups", "The user is in 100 groups already: remove them from one first.").into()
        );
    }
    // An administrator for a time does not count as the one who remains.
    let may_demote = expires_at.is_some() && lock_if_admins(tx, id).await?;
    store::upsert_member(tx, id, user_id, by.user_id, expires_at).await?;
    if may_demote {
        roles::keep_an_admin(tx).await?;
    }
    note(tx, "group.member_put", &group, user_id, Ended::of(before), Ended { member: true, expires_at }).await?;
    let memberships = store::list_memberships(tx, user_id).await?;
    let now = memberships.iter().find(|membership| membership.group.id == id).ok_or_else(Rejection::not_found)?;
    Ok(member(&user, now))
}

/// Takes a user out of a group.
pub async fn remove_member(tx: &mut Tx, by: Authority, id: GroupId, user_id: UserId) -> AppResult<()> {
    let (group, _) = lock(tx, by, id, user_id).await?;
    let memberships = store::list_memberships(tx, user_id).await?;
    let before = memberships.iter().find(|membership| membership.group.id == id).ok_or_else(Rejection::not_found)?;
    let may_demote = lock_if_admins(tx, id).await?;
    store::delete_member(tx, id, user_id).await?;
    if may_demote {
        roles::keep_an_admin(tx).await?;
    }
    note(tx, "group.member_removed", &group, user_id, Ended::of(Some(before)), Ended::default()).await
}

/// Removes what is left of memberships that have ended.
pub async fn remove_expired(tx: &mut Tx, limit: i64) -> AppResult<()> {
    for (user_id, membership) in store::delete_expired(tx, limit).await? {
        let event = Event::success("group.member_expired").on("user", user_id);
        let event = event.changed(&Ended::of(Some(&membership)), &Ended::default());
        audit::record(tx, event.detail("group_id", membership.group.id.to_string()).detail("group", membership.group.name))
            .await?;
    }
    Ok(())
}

/// What the groups give stays as it is, the user is locked, and the caller entitled.
async fn lock(tx: &mut Tx, by: Authority, id: GroupId, user_id: UserId) -> AppResult<(Group, User)> {
    roles::lock_groups_shared(tx).await?;
    let group = read(tx, id).await?;
    let user = users::lock(tx, by, user_id).await?;
    by.to_grant_now(store::find_grants(tx, id).await?.0, tx.now())?;
    Ok((group, user))
}

/// A membership, for the audit trail.
#[derive(Default, Serialize)]
struct Ended {
    member: bool,
    expires_at: Option<Timestamp>,
}

impl Ended {
    fn of(membership: Option<&Membership>) -> Self {
        membership.map_or_else(Self::default, |membership| Self { member: true, expires_at: membership.expires_at })
    }
}

async fn note(tx: &mut Tx, action: &'static str, group: &Group, user_id: UserId, before: Ended, after: Ended) -> AppResult<()> {
    let event = Event::success(action).on("user", user_id).changed(&before, &after);
    audit::record(tx, event.detail("group_id", group.id.to_string()).detail("group", group.name.as_str())).await?;
    Ok(())
}

fn member(user: &User, membership: &Membership) -> Member {
    let display_name = user.profile.display_name.as_ref().map(|name| name.0.clone());
    let user = UserRef { id: user.id, username: user.username.clone(), display_name, status: user.status };
    let Membership { granted_at, granted_by, expires_at, .. } = *membership;
    Member { user, granted_at, granted_by, expires_at }
}
