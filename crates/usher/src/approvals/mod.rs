//! Requests that somebody else approves: a person asks, whoever may decide approves or declines with a reason, and the person gets a
//! mail. What can be asked for is a [`Kind`]; professional status is the one there is.

mod api;
mod kind;
mod pages;
mod request;
mod store;

#[cfg(test)]
mod tests;

pub use api::router;
pub use kind::Kind;
pub use pages::router as pages;
pub use request::{ApprovalRequest, Approving, Declining, NewRequest, State, Wanted};

use serde_json::json;

use crate::app::App;
use crate::audit::{self, Event};
use crate::caller::{Authority, Person};
use crate::db::Tx;
use crate::db::page::{self, Page};
use crate::error::{AppResult, Rejection};
use crate::id::{ApprovalRequestId, UserId};
use crate::mails::{self, About};
use crate::throttle;
use crate::users;

/// How often a person asks, whatever for.
const ASKED: throttle::Limit = throttle::Limit::per_minutes("approval_requests", 5, 24 * 60);

/// Asks for something in the name of the person.
pub async fn ask(app: &App, tx: &mut Tx, person: &Person, new: &NewRequest) -> AppResult<ApprovalRequest> {
    let user = users::read(tx, person.user_id).await?;
    if !new.kind.is_offered(app) {
        return Err(Rejection::conflict("not_offered", "Nobody can ask for this here. Ask an administrator.").into());
    }
    if new.kind.is_held_by(&user) {
        return Err(Rejection::conflict("already_granted", "You have it already.").into());
    }
    new.kind.require_profile(app, &user)?;
    let taken = throttle::take(app, ASKED, &user.id.to_string()).await?;
    if !taken.granted {
        return Err(Rejection::too_many_requests(taken.seconds).into());
    }
    let id = ApprovalRequestId::new(tx.now());
    if !store::insert_request(tx, id, user.id, new).await? {
        let detail = "You have asked for this, and it waits for a decision. To ask anew, withdraw that first.";
        return Err(Rejection::conflict("already_requested", detail).into());
    }
    let request = read(tx, id).await?;
    note(tx, "approval.requested", &request, State::Waiting).await?;
    Ok(request)
}

/// One page, newest first.
pub async fn list(tx: &mut Tx, wanted: &Wanted) -> AppResult<Page<ApprovalRequest>> {
    let before = wanted.cursor.as_deref().map(page::decode).transpose()?;
    let found = store::list_requests(tx, wanted, before).await?;
    Ok(Page::cut(found, wanted.limit, |request| request.id))
}

/// One page of a person's own. Who has decided is none of their business.
pub async fn list_own(tx: &mut Tx, user_id: UserId, part: &Wanted) -> AppResult<Page<ApprovalRequest>> {
    let mut page = list(tx, &Wanted { user_id: Some(user_id), ..part.clone() }).await?;
    for request in &mut page.items {
        request.decided_by = None;
    }
    Ok(page)
}

/// The request, or a refusal: there is no such resource.
pub async fn read(tx: &mut Tx, id: ApprovalRequestId) -> AppResult<ApprovalRequest> {
    store::find_request(tx, id).await?.ok_or_else(|| Rejection::not_found().into())
}

/// Locks the request for a decision.
pub async fn lock(tx: &mut Tx, id: ApprovalRequestId) -> AppResult<ApprovalRequest> {
    store::lock_request(tx, id).await?;
    read(tx, id).await
}

/// Gives what a locked request asks for. Who decides must be able to change the user, and be somebody else.
pub async fn approve(tx: &mut Tx, by: Authority, before: &ApprovalRequest, reason: Option<&str>) -> AppResult<ApprovalRequest> {
    let user = to_be_decided(tx, by, before).await?;
    before.kind.grant(tx, &user).await?;
    store::update_to_decided(tx, before.id, State::Approved, reason).await?;
    note(tx, "approval.approved", before, State::Approved).await?;
    let about = About { reason: reason.map(str::to_owned), ..About::default() };
    mails::request_about(tx, before.kind.granted_mail(), user.id, about).await?;
    read(tx, before.id).await
}

/// Declines a locked request, and tells why.
pub async fn decline(tx: &mut Tx, by: Authority, before: &ApprovalRequest, reason: &str) -> AppResult<ApprovalRequest> {
    let user = to_be_decided(tx, by, before).await?;
    store::update_to_decided(tx, before.id, State::Declined, Some(reason)).await?;
    note(tx, "approval.declined", before, State::Declined).await?;
    let about = About { reason: Some(reason.to_owned()), ..About::default() };
    mails::request_about(tx, before.kind.declined_mail(), user.id, about).await?;
    read(tx, before.id).await
}

/// Takes back what the person has asked for.
pub async fn withdraw(tx: &mut Tx, person: &Person, id: ApprovalRequestId) -> AppResult<()> {
    let before = lock(tx, id).await?;
    if before.user.id != person.user_id {
        return Err(Rejection::not_found().into());
    }
    match before.state {
        State::Withdrawn => return Ok(()),
        State::Approved | State::Declined => return Err(decided().into()),
        State::Waiting => {}
    }
    store::update_to_decided(tx, id, State::Withdrawn, None).await?;
    note(tx, "approval.withdrawn", &before, State::Withdrawn).await
}

async fn to_be_decided(tx: &mut Tx, by: Authority, request: &ApprovalRequest) -> AppResult<users::User> {
    if request.state != State::Waiting {
        return Err(decided().into());
    }
    if tx.origin().actor.user_id() == Some(request.user.id) {
        return Err(Rejection::forbidden("Somebody else has to decide on what you ask for yourself.").into());
    }
    let user = users::lock(tx, by, request.user.id).await?;
    users::refuse_deleted(&user)?;
    Ok(user)
}

fn decided() -> Rejection {
    Rejection::conflict("invalid_state", "It has been decided or withdrawn already.")
}

/// It was not there, or it has waited.
async fn note(tx: &mut Tx, action: &'static str, request: &ApprovalRequest, becomes: State) -> AppResult<()> {
    let was = (becomes != State::Waiting).then(|| State::Waiting.as_str());
    let event = Event::success(action).on("user", request.user.id);
    let event = event.changed(&json!({ "request": was }), &json!({ "request": becomes.as_str() }));
    let event = event.detail("request_id", request.id.to_string()).detail("kind", request.kind.as_str());
    Ok(audit::record(tx, event).await?)
}
