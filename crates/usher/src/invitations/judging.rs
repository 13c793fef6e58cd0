//! Whether somebody may be invited, by whom, and to what; and how often.

use jiff::{SignedDuration, Timestamp};
use serde_json::Map;
use url::Url;

use super::Inviter;
use crate::app::App;
use crate::attributes;
use crate::audit::{self, Event};
use crate::caller::{self, Authority, Permission, PermissionSet, Subject, UserStatus};
use crate::db::{DbResult, Tx};
use crate::emails::{self, EmailAddress};
use crate::error::{AppResult, Rejection};
use crate::id::{ServiceAccountId, UserId};
use crate::password;
use crate::roles::{self, Role};
use crate::throttle;
use crate::users::{self, WebUrl};

/// Whether this page is on a site that invitations may lead to.
pub fn may_lead_to(app: &App, url: &str) -> bool {
    let allowed = &app.config.server.invitation_forward_to;
    Url::parse(url).is_ok_and(|url| allowed.iter().any(|origin| origin.url().origin() == url.origin()))
}

pub fn require_forward(app: &App, forward_to: Option<&WebUrl>) -> Result<(), Rejection> {
    if forward_to.is_none_or(|url| may_lead_to(app, &url.0)) {
        return Ok(());
    }
    let detail = "must be on a site that USHER_INVITATION_FORWARD_TO names";
    Err(Rejection::invalid_field("/forward_to", "not_allowed", detail))
}

/// An address that somebody has can't be invited. A sign-up that nobody has verified gives no right to it.
pub async fn refuse_taken(tx: &mut Tx, address: &EmailAddress) -> AppResult<()> {
    let Some(email) = emails::find(tx, address).await? else { return Ok(()) };
    let Some(user) = users::find(tx, email.user_id).await? else { return Ok(()) };
    let is_sign_up = user.status == UserStatus::Pending && !email.verified;
    if is_sign_up && password::find_changed_at(tx, user.id).await?.is_some() {
        return Ok(());
    }
    Err(emails::taken("/email").into())
}

/// Whoever accepts an invitation gives no attributes: where the schema requires some, that would make no user.
pub async fn require_no_attributes(tx: &mut Tx) -> AppResult<()> {
    if attributes::lock(tx).await?.fit(Map::new()).is_ok() {
        return Ok(());
    }
    let detail = "Users need attributes that an invitation does not give: create the user.";
    Err(Rejection::conflict("attributes_required", detail).into())
}

/// Whoever may invite makes ordinary users; other roles are given by those who may assign roles and hold what they grant.
pub fn require_grantable(by: Authority, roles: &[Role], now: Timestamp) -> Result<(), Rejection> {
    for role in roles.iter().filter(|role| role.name != roles::USER) {
        if !by.permissions.contains(Permission::RolesAssign) {
            return Err(Rejection::forbidden("Roles other than `user` need the permission roles:assign."));
        }
        by.to_grant_now(role.permission_set(), now)?;
    }
    Ok(())
}

/// Takes one of those that whoever acts may send in a day, or notes that there is none.
pub async fn charge(app: &App, tx: &mut Tx) -> AppResult<()> {
    let Some(id) = tx.origin().actor.id() else { return Ok(()) };
    let taken = throttle::take(app, quota(app), &id.to_string()).await?;
    if taken.granted {
        return Ok(());
    }
    audit::record(tx, Event::failure("invitation.quota")).await?;
    let detail = "You have sent as many invitations as one may in a day. Wait as long as `Retry-After` says.".to_owned();
    Err(Rejection { code: "invitation_quota", detail, ..Rejection::too_many_requests(taken.seconds) }.into())
}

pub async fn give_back(app: &App, tx: &Tx) -> DbResult<()> {
    match tx.origin().actor.id() {
        Some(id) => throttle::give_back(app, quota(app), &id.to_string()).await,
        None => Ok(()),
    }
}

fn quota(app: &App) -> throttle::Limit {
    let quota = app.config.server.invitations_per_day;
    throttle::Limit { name: "invitations", quota, window: SignedDuration::from_hours(24) }
}

/// What the inviter may give at this moment; nothing, when nobody stands for it any more.
pub async fn authority_of(tx: &mut Tx, inviter: &Inviter) -> DbResult<Authority> {
    let subject = match (inviter.kind.as_str(), inviter.id) {
        ("cli", _) => return Ok(Authority::operator()),
        ("user", Some(id)) => Subject::User(UserId::from_uuid(id)),
        ("service_account", Some(id)) => Subject::ServiceAccount(ServiceAccountId::from_uuid(id)),
        _ => return Ok(Authority::without_session(PermissionSet::default(), None)),
    };
    let permissions = caller::find_active_permissions(tx, subject).await?.unwrap_or_default();
    Ok(Authority::without_session(permissions, subject.user_id()))
}
