//! A user's addresses after the first: wanted, confirmed, made the primary one, removed. An address that is wanted belongs to nobody
//! until its mailbox has confirmed it, and nobody learns by asking whether it is somebody's: its owner is told instead.

mod api;
mod pages;

#[cfg(test)]
mod tests;

pub use api::router;
pub use pages::{account, router as pages};

use serde_json::json;

use crate::app::App;
use crate::audit::{self, Event};
use crate::caller::{Authority, Person, UserStatus};
use crate::db::Tx;
use crate::emails::{self, EmailAddress};
use crate::error::{AppResult, FieldError, Rejection};
use crate::id::EmailId;
use crate::mails::{self, Template};
use crate::one_time_tokens;
use crate::secret::{Purpose, SecretText};
use crate::users::{self, User, UserEmail};

/// Addresses a user may have.
pub const ADDRESSES_MAX: usize = 10;

/// A user, locked for what they do about their own addresses.
async fn lock_own(app: &App, person: &Person) -> AppResult<(Tx, User)> {
    let mut tx = app.begin(&person.origin).await?;
    let user = users::lock(&mut tx, person.authority(), person.user_id).await?;
    Ok((tx, user))
}

/// Notes that a user who has been locked for it wants this address. A link goes to it, and a notice to the primary one.
pub async fn request(tx: &mut Tx, user: &User, address: &EmailAddress) -> AppResult<()> {
    if user.status != UserStatus::Active {
        return Err(users::wrong_state("Only an active user can add an address.").into());
    }
    if user.emails.iter().any(|email| is_spelling_of(email, address)) {
        let detail = "This address is one of this user's already.";
        let error = FieldError::at_pointer("/email", "email_taken", detail);
        return Err(Rejection { errors: vec![error], ..Rejection::conflict("email_taken", detail) }.into());
    }
    refuse_too_many(user)?;
    emails::put_pending(tx, user.id, address, one_time_tokens::lifetime(Purpose::ConfirmEmail)).await?;
    let event = Event::success("email.requested").on("user", user.id);
    audit::record(tx, event.changed(&(), &json!({ "link": Template::ConfirmEmail.name() }))).await?;
    mails::request(tx, Template::ConfirmEmail, user.id).await?;
    mails::request(tx, Template::EmailRequested, user.id).await
}

/// [`request`] by an administrator, who is told of whom it is: they may see who has which address.
pub async fn request_for(tx: &mut Tx, user: &User, address: &EmailAddress) -> AppResult<()> {
    if emails::find(tx, address).await?.is_some_and(|email| email.verified) {
        return Err(emails::taken("/email").into());
    }
    request(tx, user, address).await
}

/// Uses the link's token up: the address it was sent to is the user's.
pub async fn confirm(tx: &mut Tx, token: &SecretText) -> AppResult<()> {
    let subject = one_time_tokens::redeem(tx, Purpose::ConfirmEmail, token).await?;
    let (Some(user_id), Some(id)) = (subject.user_id, subject.pending_email_id) else {
        return Err(anyhow::anyhow!("a confirmation token without a subject").into());
    };
    tx.act_as(user_id);
    let before = users::lock(tx, Authority::operator(), user_id).await?;
    // Only the address the link was sent to, and only if no other was wanted since.
    let Some(address) = emails::take_pending(tx, user_id, id).await? else {
        return Err(one_time_tokens::invalid().into());
    };
    refuse_too_many(&before)?;
    users::free_address(tx, &address).await?;
    emails::add_confirmed(tx, user_id, id, &address).await?;
    users::note_emails_changed(tx, &before, "email.added").await?;
    Ok(())
}

/// Makes a verified address the primary one. Links that were sent before die; old and new address are told.
pub async fn set_primary(tx: &mut Tx, before: &User, id: EmailId) -> AppResult<User> {
    users::refuse_deleted(before)?;
    let chosen = find(before, id)?;
    if chosen.primary {
        return Ok(before.clone());
    }
    emails::set_primary(tx, before.id, id).await?;
    one_time_tokens::expire_all(tx, before.id).await?;
    emails::forget_pending(tx, before.id).await?;
    if let Some(former) = &before.email {
        mails::request_to_former(tx, Template::PrimaryChanged, before.id, former).await?;
    }
    mails::request(tx, Template::PrimaryChanged, before.id).await?;
    users::note_emails_changed(tx, before, "email.primary_set").await
}

/// Removes an address, which is told, or withdraws the wish for one.
pub async fn remove(tx: &mut Tx, before: &User, id: EmailId) -> AppResult<()> {
    users::refuse_deleted(before)?;
    if emails::take_pending(tx, before.id, id).await?.is_some() {
        let event = Event::success("email.withdrawn").on("user", before.id);
        audit::record(tx, event.changed(&json!({ "link": Template::ConfirmEmail.name() }), &())).await?;
        return Ok(());
    }
    let address = find(before, id)?.address.clone();
    if !emails::remove(tx, before.id, id).await? {
        return Err(users::wrong_state("The primary address can't be removed. Make another one primary first.").into());
    }
    mails::request_to_former(tx, Template::EmailRemoved, before.id, &address).await?;
    users::note_emails_changed(tx, before, "email.removed").await?;
    Ok(())
}

fn find(user: &User, id: EmailId) -> Result<&UserEmail, Rejection> {
    user.emails.iter().find(|email| email.id == id).ok_or_else(Rejection::not_found)
}

fn refuse_too_many(user: &User) -> Result<(), Rejection> {
    if user.emails.len() < ADDRESSES_MAX {
        return Ok(());
    }
    let detail = format!("A user has at most {ADDRESSES_MAX} addresses. Remove one first.");
    Err(Rejection::conflict("too_many_emails", detail))
}

fn is_spelling_of(email: &UserEmail, address: &EmailAddress) -> bool {
    EmailAddress::parse(&email.address).is_ok_and(|held| held.normal() == address.normal())
}
