//! Where a user stands, from the first day, and how that changes. A change that takes rights away ends every session in the same transaction.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::bodies::NewUserBody;
use super::{IfTaken, NewUser, User, check_attributes, create, finish, read, set_professional, store};
use crate::activity;
use crate::attempts::{self, Authenticator};
use crate::audit::{self, Event};
use crate::caller::{Authority, UserStatus};
use crate::db::{DbResult, Tx};
use crate::error::{AppResult, Rejection};
use crate::id::UserId;
use crate::mails::{self, Template};
use crate::one_time_tokens;
use crate::roles::{self, RoleName};

/// How long the recycle bin keeps a user.
pub const KEPT_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Creates a user for an administrator. The person gets a mail with a link to choose their password, which also verifies the address.
pub async fn create_and_welcome(tx: &mut Tx, by: Authority, body: &NewUserBody) -> AppResult<User> {
    check_attributes(&body.attributes)?;
    let ordinary = [RoleName::from(roles::USER)];
    let new = NewUser {
        email: &body.email,
        verified: false,
        username: body.username.as_ref(),
        if_username_taken: IfTaken::Refuse,
        profile: &body.profile,
        attributes: &body.attributes,
        roles: body.roles.as_deref().unwrap_or(&ordinary),
    };
    let user = create(tx, by, new).await?;
    mails::request(tx, Template::Welcome, user.id).await?;
    Ok(user)
}

/// Recognises the person as a professional, or no longer, and tells them by mail.
pub async fn recognise(tx: &mut Tx, before: &User, professional: bool) -> AppResult<User> {
    let user = set_professional(tx, before, professional).await?;
    if user.version != before.version {
        let template = if professional { Template::ProfessionalGranted } else { Template::ProfessionalWithdrawn };
        mails::request(tx, template, user.id).await?;
    }
    Ok(user)
}

/// How a user's standing can be changed by others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeOfStanding {
    Suspend,
    Reactivate,
    Unlock,
    SignOut,
    Delete,
    Restore,
}

/// Changes the standing of a user who has been locked for it. A change that is there already changes nothing.
pub async fn change_standing(tx: &mut Tx, before: &User, change: ChangeOfStanding) -> AppResult<User> {
    match change {
        ChangeOfStanding::Suspend => suspend(tx, before).await,
        ChangeOfStanding::Reactivate => reactivate(tx, before).await,
        ChangeOfStanding::Unlock => unlock(tx, before).await,
        ChangeOfStanding::SignOut => {
            end_all_sessions(tx, before.id).await?;
            Ok(before.clone())
        }
        ChangeOfStanding::Delete => delete(tx, before).await,
        ChangeOfStanding::Restore => restore(tx, before).await,
    }
}

/// The status that the change leads to; `None` when it has been reached.
pub(super) fn next_status(user: &User, change: ChangeOfStanding) -> Result<Option<UserStatus>, Rejection> {
    use UserStatus::{Active, Deleted, Pending, Suspended};
    match (change, user.status) {
        (ChangeOfStanding::Suspend, Suspended)
        | (ChangeOfStanding::Reactivate, Active)
        | (ChangeOfStanding::Delete, Deleted)
        | (ChangeOfStanding::Unlock | ChangeOfStanding::SignOut, _) => Ok(None),
        (ChangeOfStanding::Suspend, Pending | Active) => Ok(Some(Suspended)),
        (ChangeOfStanding::Suspend, Deleted) => Err(wrong_state("A deleted user can't be suspended.")),
        (ChangeOfStanding::Reactivate, Suspended) => Ok(Some(if user.email_verified { Active } else { Pending })),
        (ChangeOfStanding::Reactivate, Pending) => Err(wrong_state("The user has not verified their address yet.")),
        (ChangeOfStanding::Reactivate, Deleted) => Err(wrong_state("A deleted user can't be reactivated: restore them.")),
        (ChangeOfStanding::Delete, _) => Ok(Some(Deleted)),
        (ChangeOfStanding::Restore, Deleted) => Ok(Some(user.status_before_deletion.unwrap_or(Suspended))),
        (ChangeOfStanding::Restore, _) => Err(wrong_state("The user is not deleted.")),
    }
}

/// Bars a user from signing in until they are reactivated.
async fn suspend(tx: &mut Tx, before: &User) -> AppResult<User> {
    if next_status(before, ChangeOfStanding::Suspend)?.is_none() {
        return Ok(before.clone());
    }
    let is_admin = take_away(tx, before).await?;
    store::update_to_suspended(tx, &[before.id]).await?;
    if is_admin {
        roles::keep_an_admin(tx).await?;
    }
    finish(tx, "user.suspended", before).await
}

/// Lets a suspended user sign in again; one who has never verified their address is pending again.
async fn reactivate(tx: &mut Tx, before: &User) -> AppResult<User> {
    let Some(status) = next_status(before, ChangeOfStanding::Reactivate)? else { return Ok(before.clone()) };
    store::update_status(tx, before.id, status).await?;
    activity::begin_anew(tx, &[before.id]).await?;
    finish(tx, "user.reactivated", before).await
}

/// Puts a user into the recycle bin. Their addresses and user name stay theirs meanwhile. Who had deleted themselves can't undo it
/// any more once somebody else has deleted them too.
async fn delete(tx: &mut Tx, before: &User) -> AppResult<User> {
    if before.status == UserStatus::Deleted {
        if store::update_deleted_by(tx, before.id).await? {
            one_time_tokens::expire_all(tx, before.id).await?;
            let by = tx.origin().actor.user_id();
            let event = Event::success("user.deleted").on("user", before.id);
            audit::record(tx, event.changed(&json!({ "deleted_by": before.id }), &json!({ "deleted_by": by }))).await?;
        }
        return Ok(before.clone());
    }
    let is_admin = take_away(tx, before).await?;
    let purge_after = tx.now() + KEPT_FOR;
    store::update_to_deleted(tx, &[before.id], purge_after).await?;
    if is_admin {
        roles::keep_an_admin(tx).await?;
    }
    finish(tx, "user.deleted", before).await
}

/// Takes a user out of the recycle bin, with their roles, into the status they had. They sign in anew.
async fn restore(tx: &mut Tx, before: &User) -> AppResult<User> {
    next_status(before, ChangeOfStanding::Restore)?;
    store::update_to_restored(tx, &[before.id]).await?;
    activity::begin_anew(tx, &[before.id]).await?;
    finish(tx, "user.restored", before).await
}

/// Removes users for good; their addresses and user names are free then. They are in the recycle bin.
pub(super) async fn purge(tx: &mut Tx, ids: &[UserId], why: &str) -> AppResult<()> {
    store::delete_users(tx, ids).await?;
    audit::erase(tx, ids).await?;
    let event = |id: &UserId| Event::success("user.purged").on("user", id).detail("why", why);
    audit::record_all(tx, ids.iter().map(event).collect()).await?;
    Ok(())
}

/// Ends the lock after wrong passwords, and forgets them. A password that was stopped stays so: it is somebody else's too, or was
/// nearly guessed.
async fn unlock(tx: &mut Tx, before: &User) -> AppResult<User> {
    if before.status == UserStatus::Deleted {
        return Err(wrong_state("A deleted user can't be unlocked.").into());
    }
    if attempts::is_disabled(tx, Authenticator::Password, before.id).await? {
        return Err(wrong_state(
            "The password was stopped and does not work any more: start a reset, which mails the user a link.",
        )
        .into());
    }
    attempts::clear(tx, Authenticator::Password, before.id).await?;
    if before.locked_until.is_none() {
        return Ok(before.clone());
    }
    store::update_locked_until(tx, before.id, None).await?;
    finish(tx, "user.unlocked", before).await
}

/// The person has shown that the address is theirs.
pub async fn activate(tx: &mut Tx, id: UserId) -> AppResult<()> {
    if !store::lock_user(tx, id).await? {
        return Err(Rejection::not_found().into());
    }
    let before = read(tx, id).await?;
    if before.status == UserStatus::Pending {
        store::update_status(tx, id, UserStatus::Active).await?;
        activity::begin_anew(tx, &[id]).await?;
        finish(tx, "user.activated", &before).await?;
    } else {
        store::touch_users(tx, &[id]).await?;
    }
    Ok(())
}

/// Too many wrong passwords.
pub async fn lock_sign_in(tx: &mut Tx, id: UserId, until: Timestamp) -> AppResult<()> {
    store::update_locked_until(tx, id, Some(until)).await?;
    let event = Event::success("user.locked").on("user", id).detail("locked_until", until.to_string());
    audit::record(tx, event).await?;
    Ok(())
}

/// Ends the lock after wrong passwords: the person has chosen a new one.
pub async fn clear_lock(tx: &mut Tx, id: UserId) -> DbResult<()> {
    store::update_locked_until(tx, id, None).await
}

/// Notes a sign-in, which also ends a lock whose time has passed.
pub async fn note_sign_in(tx: &mut Tx, id: UserId) -> DbResult<()> {
    store::update_last_sign_in(tx, id).await
}

/// Ends every session of the user: they carry an epoch that has passed.
pub async fn end_all_sessions(tx: &mut Tx, id: UserId) -> AppResult<()> {
    end_all_sessions_of(tx, &[id]).await
}

/// The same of many.
pub(super) async fn end_all_sessions_of(tx: &mut Tx, ids: &[UserId]) -> AppResult<()> {
    let ended = store::raise_epochs(tx, ids).await?;
    let event = |id: &UserId| {
        let (sessions, api_keys) = ended.get(id).copied().unwrap_or_default();
        let before = json!({ "sessions": sessions, "api_keys": api_keys });
        Event::success("user.sessions_ended").on("user", id).changed(&before, &json!({ "sessions": 0, "api_keys": 0 }))
    };
    audit::record_all(tx, ids.iter().map(event).collect()).await?;
    Ok(())
}

pub fn wrong_state(detail: &str) -> Rejection {
    Rejection::conflict("invalid_state", detail)
}

/// Before a user loses their rights: links sent to them die. Says whether they are an administrator; then nobody else may lose theirs
/// meanwhile, and one must remain after it.
async fn take_away(tx: &mut Tx, user: &User) -> AppResult<bool> {
    let is_admin = roles::lock_if_admin(tx, user.id).await?;
    one_time_tokens::expire_all(tx, user.id).await?;
    Ok(is_admin)
}
