//! The same change of many users, with a few statements for all of them. Who it can't be done to is told apart beforehand, by the
//! rules that hold for one user.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::lifecycle::{self, ChangeOfStanding};
use super::{User, move_first, store};
use crate::activity;
use crate::attributes::{self, Rules};
use crate::audit::{self, Event};
use crate::caller::{Authority, UserStatus};
use crate::db::{DbResult, Tx};
use crate::error::{AppError, AppResult, Rejection};
use crate::id::UserId;
use crate::one_time_tokens;
use crate::roles::{self, RoleName};

/// What is changed.
#[derive(Clone, Debug, PartialEq)]
pub enum ChangeOfMany {
    Standing(ChangeOfStanding),
    /// Who has the role keeps it as it is.
    GrantRole(RoleName),
    /// Until a time or for good. Who has the role gets this end.
    GrantRoleUntil(RoleName, Option<Timestamp>),
    TakeRole(RoleName),
    /// A merge patch (RFC 7396).
    Attributes(Map<String, Value>),
    /// For good; only whoever is in the recycle bin.
    Purge,
}

/// What came of it for one user.
#[derive(Clone, Debug)]
pub enum Outcome {
    Done,
    /// They were so already.
    Unchanged,
    Refused(Rejection),
}

/// Locks these users for a change, in the order in which everybody does. Who has gone is left out. What groups carry is held first:
/// nobody becomes an administrator by one meanwhile.
pub async fn lock_many(tx: &mut Tx, ids: &[UserId]) -> DbResult<Vec<User>> {
    roles::lock_groups_shared(tx).await?;
    store::lock_users(tx, ids).await?;
    store::find_users(tx, ids).await
}

/// Changes users who have been locked for it. The outcomes are in their order.
pub async fn change_many(tx: &mut Tx, by: Authority, users: &[User], change: &ChangeOfMany) -> AppResult<Vec<Outcome>> {
    let rules = match change {
        ChangeOfMany::Attributes(_) => Some(attributes::lock(tx).await?),
        _ => None,
    };
    let moved = match &rules {
        Some(rules) => move_first(tx, rules, users).await?,
        None => None,
    };
    let users = moved.as_deref().unwrap_or(users);
    let mut outcomes = Vec::with_capacity(users.len());
    let (mut together, mut alone) = (Vec::new(), Vec::new());
    for (at, user) in users.iter().enumerate() {
        let after = by.over(user.permissions).and_then(|()| after(user, change, rules.as_deref()));
        outcomes.push(match after {
            Err(rejection) => Outcome::Refused(rejection),
            Ok(None) => Outcome::Unchanged,
            Ok(Some(after)) => {
                if may_be_the_last_admin(user, change) {
                    alone.push((at, user));
                } else {
                    together.push((at, user, after));
                }
                Outcome::Done
            }
        });
    }
    if let Some(refusal) = write_or_not(tx, by, &together, change, rules.as_deref()).await? {
        // One of them stands in the way of all, by a value that somebody else has.
        for one in together.chunks(1) {
            let refused = if together.len() == 1 {
                Some(refusal.clone())
            } else {
                write_or_not(tx, by, one, change, rules.as_deref()).await?
            };
            if let Some(refusal) = refused {
                outcomes[one[0].0] = Outcome::Refused(refusal);
            }
        }
    }
    for (at, user) in alone {
        outcomes[at] = change_alone(tx, by, user, change).await?;
    }
    Ok(outcomes)
}

/// The user after the change; `None` when it changes nothing.
fn after(user: &User, change: &ChangeOfMany, rules: Option<&Rules>) -> Result<Option<User>, Rejection> {
    let mut after = user.clone();
    match change {
        ChangeOfMany::Purge if user.status == UserStatus::Deleted => {}
        ChangeOfMany::Purge => return Err(lifecycle::wrong_state("The user is not in the recycle bin: delete them first.")),
        ChangeOfMany::Standing(ChangeOfStanding::SignOut) => return Ok(Some(after)),
        ChangeOfMany::Standing(change) => match lifecycle::next_status(user, *change)? {
            Some(status) => after.status = status,
            None => return Ok(None),
        },
        ChangeOfMany::GrantRole(role) => {
            super::refuse_deleted(user)?;
            if user.roles.iter().any(|held| held == role.as_str()) {
                return Ok(None);
            }
            add_role(&mut after, role, None)?;
        }
        ChangeOfMany::GrantRoleUntil(role, expires_at) => {
            super::refuse_deleted(user)?;
            add_role(&mut after, role, *expires_at)?;
            if (&after.roles, &after.role_ends) == (&user.roles, &user.role_ends) {
                return Ok(None);
            }
        }
        ChangeOfMany::TakeRole(role) => {
            super::refuse_deleted(user)?;
            after.roles.retain(|held| held != role.as_str());
            after.role_ends.remove(role.as_str());
            if after.roles.len() == user.roles.len() {
                return Ok(None);
            }
        }
        ChangeOfMany::Attributes(patch) => {
            super::refuse_deleted(user)?;
            let kept = rules.map_or_else(|| user.attributes.clone(), |rules| rules.moved(&user.attributes));
            let mut merged = super::merge_into(kept, patch.clone());
            if let Some(rules) = rules {
                merged = rules.fit(merged)?;
            }
            if merged == user.attributes {
                return Ok(None);
            }
            super::check_attributes(&merged)?;
            after.attributes = merged;
        }
    }
    Ok(Some(after))
}

fn add_role(user: &mut User, role: &RoleName, expires_at: Option<Timestamp>) -> Result<(), Rejection> {
    let name = role.as_str().to_owned();
    if !user.roles.contains(&name) {
        if user.roles.len() >= roles::HELD_MAX {
            return Err(Rejection::conflict("too_many_roles", format!("The user holds {} roles already.", roles::HELD_MAX)));
        }
        user.roles.push(name.clone());
        user.roles.sort();
    }
    match expires_at {
        Some(at) => user.role_ends.insert(name, at),
        None => user.role_ends.remove(&name),
    };
    Ok(())
}

/// Whether the change can leave nobody as an administrator.
pub fn may_take_admins(change: Option<&ChangeOfMany>) -> bool {
    match change {
        Some(ChangeOfMany::Standing(change)) => matches!(change, ChangeOfStanding::Suspend | ChangeOfStanding::Delete),
        Some(ChangeOfMany::TakeRole(role) | ChangeOfMany::GrantRoleUntil(role, Some(_))) => role.as_str() == roles::ADMIN,
        Some(
            ChangeOfMany::GrantRole(_)
            | ChangeOfMany::GrantRoleUntil(_, None)
            | ChangeOfMany::Attributes(_)
            | ChangeOfMany::Purge,
        )
        | None => false,
    }
}

/// The rule that an administrator remains is checked user by user.
fn may_be_the_last_admin(user: &User, change: &ChangeOfMany) -> bool {
    may_take_admins(Some(change)) && user.effective_roles.iter().any(|role| role == roles::ADMIN)
}

/// Like any change of one user; refused, it leaves no trace in the transaction.
async fn change_alone(tx: &mut Tx, by: Authority, user: &User, change: &ChangeOfMany) -> AppResult<Outcome> {
    tx.execute("savepoint one", &[]).await?;
    let changed = match change {
        ChangeOfMany::Standing(change) => lifecycle::change_standing(tx, user, *change).await,
        ChangeOfMany::TakeRole(role) => {
            let kept: Vec<RoleName> =
                user.roles.iter().filter(|held| *held != role.as_str()).map(|held| RoleName::from(held.as_str())).collect();
            super::set_roles(tx, by, user, &kept).await
        }
        ChangeOfMany::GrantRoleUntil(role, expires_at) => super::grant_role(tx, by, user, role.as_str(), *expires_at).await,
        ChangeOfMany::GrantRole(_) | ChangeOfMany::Attributes(_) | ChangeOfMany::Purge => Ok(user.clone()),
    };
    match changed {
        Ok(_) => Ok(Outcome::Done),
        Err(AppError::Rejected(rejection)) => {
            tx.execute("rollback to savepoint one", &[]).await?;
            Ok(Outcome::Refused(*rejection))
        }
        Err(error) => Err(error),
    }
}

/// Says why not; then nothing of it is left in the transaction.
async fn write_or_not(
    tx: &mut Tx,
    by: Authority,
    changed: &[(usize, &User, User)],
    change: &ChangeOfMany,
    rules: Option<&Rules>,
) -> AppResult<Option<Rejection>> {
    tx.execute("savepoint many", &[]).await?;
    let written = write(tx, by, changed, change).await;
    let written = written.map_err(|error| match rules {
        Some(rules) => rules.explain(error),
        None => error,
    });
    match written {
        Ok(()) => Ok(None),
        Err(AppError::Rejected(rejection)) => {
            tx.execute("rollback to savepoint many", &[]).await?;
            Ok(Some(*rejection))
        }
        Err(error) => Err(error),
    }
}

async fn write(tx: &mut Tx, by: Authority, changed: &[(usize, &User, User)], change: &ChangeOfMany) -> AppResult<()> {
    if changed.is_empty() {
        return Ok(());
    }
    let ids: Vec<UserId> = changed.iter().map(|(_, user, _)| user.id).collect();
    let action = match change {
        ChangeOfMany::Standing(ChangeOfStanding::SignOut) => return lifecycle::end_all_sessions_of(tx, &ids).await,
        ChangeOfMany::Standing(change) => write_standing(tx, &ids, *change).await?,
        ChangeOfMany::GrantRole(role) => {
            roles::grant_to_many(tx, by, &ids, role, None).await?;
            store::touch_users(tx, &ids).await?;
            "user.roles_set"
        }
        ChangeOfMany::GrantRoleUntil(role, expires_at) => {
            roles::grant_to_many(tx, by, &ids, role, *expires_at).await?;
            store::touch_users(tx, &ids).await?;
            "user.roles_set"
        }
        ChangeOfMany::TakeRole(role) => {
            roles::take_from_many(tx, by, &ids, role).await?;
            store::touch_users(tx, &ids).await?;
            "user.roles_set"
        }
        ChangeOfMany::Attributes(_) => {
            let attributes: Vec<Value> = changed.iter().map(|(_, _, after)| Value::Object(after.attributes.clone())).collect();
            attributes::update_many(tx, &ids, &attributes).await?;
            "user.updated"
        }
        ChangeOfMany::Purge => return lifecycle::purge(tx, &ids, "asked for").await,
    };
    let now = tx.now();
    let event = |(_, before, after): &(usize, &User, User)| {
        let mut after = after.clone();
        after.deleted_at = (after.status == UserStatus::Deleted).then_some(now);
        after.purge_after = after.deleted_at.map(|at| at + lifecycle::KEPT_FOR);
        Event::success(action).on("user", before.id).changed(*before, &after)
    };
    audit::record_all(tx, changed.iter().map(event).collect()).await?;
    Ok(())
}

/// Returns what the audit trail calls it.
async fn write_standing(tx: &mut Tx, ids: &[UserId], change: ChangeOfStanding) -> AppResult<&'static str> {
    Ok(match change {
        ChangeOfStanding::Suspend => {
            one_time_tokens::expire_all_of(tx, ids).await?;
            store::update_to_suspended(tx, ids).await?;
            "user.suspended"
        }
        ChangeOfStanding::Reactivate => {
            store::update_to_reactivated(tx, ids).await?;
            activity::begin_anew(tx, ids).await?;
            "user.reactivated"
        }
        ChangeOfStanding::Delete => {
            one_time_tokens::expire_all_of(tx, ids).await?;
            let purge_after = tx.now() + lifecycle::KEPT_FOR;
            store::update_to_deleted(tx, ids, purge_after).await?;
            "user.deleted"
        }
        ChangeOfStanding::Restore => {
            store::update_to_restored(tx, ids).await?;
            activity::begin_anew(tx, ids).await?;
            "user.restored"
        }
        ChangeOfStanding::SignOut | ChangeOfStanding::Unlock => {
            return Err(anyhow::anyhow!("signing out is no standing, and users are unlocked one by one").into());
        }
    })
}
