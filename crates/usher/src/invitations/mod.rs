//! Invitations: somebody is asked by name and address to make an account. The link is bound to the address, works once and expires.
//!
//! By mail the token exists in the mail only, and who shows it reads the address's mail. A link that the inviter hands over shows
//! nothing: whoever accepts it still verifies the address. What roles an account gets is judged when it is invited and again when it
//! is made: nobody gives by an invitation what they could not give at that moment.

mod acceptance;
mod api;
mod invitation;
mod jobs;
mod judging;
mod pages;
pub mod rows;
mod store;

#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

pub use acceptance::{Acceptance, Accepted, accept};
pub use api::router;
pub use invitation::{Counts, Delivery, Invitation, Inviter, Issued, NewInvitation, State, Wanted};
pub use jobs::register;
pub use pages::router as pages;

use judging::{charge, give_back, refuse_taken, require_forward, require_grantable, require_no_attributes};

use crate::app::App;
use crate::audit::{self, Event};
use crate::caller::Authority;
use crate::db::page::{self, Page};
use crate::db::{Actor, DbResult, Tx};
use crate::emails;
use crate::error::{AppError, AppResult, FieldError, Rejection};
use crate::id::{InvitationId, UserId};
use crate::qr_code;
use crate::roles::{self, RoleName};
use crate::secret::{Purpose, SecretText, new_bearer_and_hash};
use crate::throttle;

/// So many at once.
pub const AT_ONCE_MAX: usize = 500;
/// How often one invitation is sent again; one less than mails of a kind to an address, so that none is withheld in silence.
const SENT_AGAIN: throttle::Limit = throttle::Limit::per_minutes("invitation_sent_again", 5, 60);

/// An invitation as it is first written.
struct Draft<'a> {
    id: InvitationId,
    new: &'a NewInvitation,
    roles: Vec<&'a str>,
    inviter_kind: &'static str,
    invited_by: Option<UserId>,
    service_account_id: Option<Uuid>,
    expires_at: Timestamp,
}

/// Invites somebody. After `invitation_quota` the transaction holds the note of it, and is to be committed.
pub async fn create(app: &App, tx: &mut Tx, by: Authority, new: &NewInvitation) -> AppResult<Issued> {
    require_forward(app, new.forward_to.as_ref())?;
    emails::lock(tx, &new.email).await?;
    refuse_taken(tx, &new.email).await?;
    require_no_attributes(tx).await?;
    let ordinary = [RoleName::from(roles::USER)];
    let wanted = new.roles.as_deref().unwrap_or(&ordinary);
    require_grantable(by, &roles::read_all(tx, wanted).await?, tx.now())?;
    charge(app, tx).await?;
    let actor = tx.origin().actor.clone();
    let draft = Draft {
        id: InvitationId::new(tx.now()),
        new,
        roles: wanted.iter().map(RoleName::as_str).collect(),
        inviter_kind: actor.kind(),
        invited_by: actor.user_id(),
        service_account_id: actor.id().filter(|_| matches!(actor, Actor::ServiceAccount(_))),
        expires_at: tx.now() + lifetime(new.expires_in_days),
    };
    store::update_expired_to_replaced(tx, new.email.normal()).await?;
    if !store::insert_invitation(tx, &draft).await? {
        give_back(app, tx).await?;
        return Err(already_invited().into());
    }
    // Nothing of the person: details of an event that is about no user would outlive them.
    let made = json!({
        "state": State::Waiting.as_str(), "roles": draft.roles, "delivery": new.delivery.as_str(), "expires_at": draft.expires_at,
    });
    audit::record(tx, Event::success("invitation.created").on("invitation", draft.id).changed(&(), &made)).await?;
    issue(app, tx, draft.id, new.delivery).await
}

/// What became of one of many.
pub type Judged = Result<InvitationId, Box<Rejection>>;

/// Invites many; each is judged alone, and those that can't be invited leave the others as they are.
pub async fn create_many(app: &App, tx: &mut Tx, by: Authority, new: Vec<AppResult<NewInvitation>>) -> AppResult<Vec<Judged>> {
    let addresses = new.iter().flatten().map(|new| new.email.normal());
    // In the order in which everybody takes them.
    emails::lock_many(tx, addresses.collect()).await?;
    let mut judged = Vec::with_capacity(new.len());
    for new in new {
        let outcome = match new {
            Ok(new) if new.delivery == Delivery::Link => {
                let detail = "must be left out here: a link is for one invitation";
                Err(Rejection::invalid_field("/delivery", "unexpected", detail).into())
            }
            Ok(new) => create(app, tx, by, &new).await.map(|issued| issued.invitation.id),
            Err(error) => Err(error),
        };
        judged.push(match outcome {
            Ok(id) => Ok(id),
            // Not about the one, but about who asks.
            Err(error) if error.asks_for_proof() => return Err(error),
            Err(AppError::Rejected(rejection)) => Err(rejection),
            Err(error) => return Err(error),
        });
    }
    Ok(judged)
}

/// One page, newest first.
pub async fn list(tx: &mut Tx, wanted: &Wanted) -> AppResult<Page<Invitation>> {
    let before = wanted.cursor.as_deref().map(page::decode).transpose()?;
    let found = store::list_invitations(tx, wanted, before).await?;
    Ok(Page::cut(found, wanted.limit, |invitation| invitation.id))
}

pub async fn count(tx: &mut Tx) -> DbResult<Counts> {
    store::count_invitations(tx).await
}

/// The invitation, or a refusal: there is no such resource.
pub async fn read(tx: &mut Tx, id: InvitationId) -> AppResult<Invitation> {
    store::find_invitation(tx, id).await?.ok_or_else(|| Rejection::not_found().into())
}

/// The invitation that a user came by, as long as it is kept.
pub async fn find_accepted_by(tx: &mut Tx, user_id: UserId) -> DbResult<Option<Invitation>> {
    let Some(id) = store::find_accepted_by(tx, user_id).await? else { return Ok(None) };
    store::find_invitation(tx, id).await
}

/// Locks the invitation for a change by somebody who could give what it gives.
pub async fn lock(tx: &mut Tx, by: Authority, id: InvitationId) -> AppResult<Invitation> {
    store::lock_invitation(tx, id).await?;
    let invitation = read(tx, id).await?;
    require_giving(tx, by, &invitation).await?;
    Ok(invitation)
}

/// Refuses who could not give what the invitation gives.
pub async fn require_giving(tx: &mut Tx, by: Authority, invitation: &Invitation) -> AppResult<()> {
    let known = roles::list(tx).await?;
    for role in known.iter().filter(|role| invitation.roles.contains(&role.name)) {
        by.to_grant(role.permission_set())?;
    }
    Ok(())
}

/// What is done about the outcome of `create` and `resend`: a refusal for the quota leaves its note in the audit trail, and any other
/// leaves nothing.
pub async fn or_note<T>(tx: Tx, outcome: AppResult<T>) -> AppResult<(Tx, T)> {
    match outcome {
        Ok(done) => Ok((tx, done)),
        Err(error) => {
            if error.code() == Some("invitation_quota") {
                tx.commit().await?;
            }
            Err(error)
        }
    }
}

/// Sends an invitation that is locked again. Links that were sent before are dead, and the end is as far away as it first was.
pub async fn resend(app: &App, tx: &mut Tx, before: &Invitation) -> AppResult<Issued> {
    match before.state {
        State::Accepted => return Err(wrong_state("The invitation has been accepted.").into()),
        State::Revoked => return Err(wrong_state("The invitation was revoked: make another.").into()),
        _ if before.replaced => return Err(wrong_state("The address has been invited anew since.").into()),
        State::Waiting | State::Expired => {}
    }
    refuse_taken(tx, &before.address()?).await?;
    let taken = throttle::take(app, SENT_AGAIN, &before.id.to_string()).await?;
    if !taken.granted {
        return Err(Rejection::too_many_requests(taken.seconds).into());
    }
    charge(app, tx).await?;
    let expires_at = tx.now() + before.lifetime();
    store::update_to_waiting(tx, before.id, expires_at).await?;
    let was = json!({ "state": before.state.as_str(), "expires_at": before.expires_at });
    let becomes = json!({ "state": State::Waiting.as_str(), "expires_at": expires_at });
    audit::record(tx, Event::success("invitation.resent").on("invitation", before.id).changed(&was, &becomes)).await?;
    issue(app, tx, before.id, before.delivery).await
}

/// Takes back an invitation that is locked: its link opens nothing any more.
pub async fn revoke(tx: &mut Tx, before: &Invitation) -> AppResult<()> {
    match before.state {
        State::Accepted => return Err(wrong_state("The invitation has been accepted: look after the user.").into()),
        State::Revoked => return Ok(()),
        // Another stands in its place; there is nothing to take back.
        _ if before.replaced => return Err(wrong_state("The address has been invited anew since.").into()),
        State::Waiting | State::Expired => {}
    }
    store::update_to_revoked(tx, before.id).await?;
    let (was, becomes) = (before.state.as_str(), State::Revoked.as_str());
    let event = Event::success("invitation.revoked").on("invitation", before.id);
    Ok(audit::record(tx, event.changed(&json!({ "state": was }), &json!({ "state": becomes }))).await?)
}

/// No link that was sent works any more, and says how many: those of a backup may have been used since.
pub async fn end_every_link(tx: &mut Tx) -> DbResult<u64> {
    store::clear_tokens(tx).await
}

/// Has the mail made, whose token nobody sees; or makes the link for the inviter.
async fn issue(app: &App, tx: &mut Tx, id: InvitationId, delivery: Delivery) -> AppResult<Issued> {
    let secret = match delivery {
        Delivery::Mail => {
            crate::jobs::enqueue(tx, jobs::SEND, &jobs::Send { id }).await?;
            None
        }
        Delivery::Link => Some(renew(tx, id).await?),
    };
    let invitation = read(tx, id).await?;
    let Some(secret) = secret else { return Ok(Issued { invitation, link: None, qr_svg: None }) };
    let mut url = app.config.server.public_url.join("/invitation");
    url.query_pairs_mut().append_pair("token", secret.reveal());
    let picture = qr_code::draw(url.as_str())?;
    Ok(Issued { invitation, link: Some(url.into()), qr_svg: Some(picture.svg()) })
}

/// Makes a new token, which kills the older one.
async fn renew(tx: &mut Tx, id: InvitationId) -> AppResult<SecretText> {
    let (secret, hash) = new_bearer_and_hash(Purpose::Invitation);
    store::update_to_sent(tx, id, &hash).await?;
    audit::record(tx, Event::success("invitation.sent").on("invitation", id)).await?;
    Ok(secret)
}

fn lifetime(days: i32) -> SignedDuration {
    SignedDuration::from_hours(24 * i64::from(days))
}

fn already_invited() -> Rejection {
    let detail = "This address has an open invitation: send it again, or revoke it first.";
    let error = FieldError::at_pointer("/email", "already_invited", detail);
    Rejection { errors: vec![error], ..Rejection::conflict("already_invited", detail) }
}

fn wrong_state(detail: &str) -> Rejection {
    Rejection::conflict("invalid_state", detail)
}
