//! E-mail addresses of users. An address belongs to one user, by its normal form; only the verification flow verifies it.

mod address;
mod store;

pub use address::EmailAddress;

use crate::db::{DbResult, OnConstraint, Tx};
use crate::error::{AppResult, Rejection};
use crate::id::{EmailId, UserId};

/// An address of a user, as mail needs it.
#[derive(Clone, Debug)]
pub struct Email {
    pub id: EmailId,
    pub user_id: UserId,
    pub address: String,
    pub verified: bool,
}

/// Gives a user their first address.
pub async fn add_primary(tx: &mut Tx, user_id: UserId, address: &EmailAddress, verified: bool) -> AppResult<EmailId> {
    let id = EmailId::new(tx.now());
    store::insert_email(tx, id, user_id, address, verified).await.on_constraint("emails_address_key", || taken("/email"))?;
    Ok(id)
}

/// The refusal of an address that somebody has. Only administrators are told so.
pub fn taken(pointer: &'static str) -> Rejection {
    let detail = "This address belongs to a user already.";
    let error = crate::error::FieldError::at_pointer(pointer, "email_taken", detail);
    Rejection { errors: vec![error], ..Rejection::conflict("email_taken", detail) }
}

/// Whoever is about to give this address to a user takes turns with others who are: the second finds what the first has done.
pub async fn lock(tx: &mut Tx, address: &EmailAddress) -> DbResult<()> {
    store::lock_address(tx, address.normal()).await
}

/// Writes an unverified address as its latest owner-to-be wrote it: spellings of one normal form may be different mailboxes.
pub async fn respell(tx: &mut Tx, address: &EmailAddress) -> DbResult<()> {
    store::update_spelling(tx, address).await
}

/// The address with this normal form, whoever has it.
pub async fn find(tx: &mut Tx, address: &EmailAddress) -> DbResult<Option<Email>> {
    store::find_by_normal(tx, address.normal()).await
}

/// The address mail to this user goes to.
pub async fn find_primary(tx: &mut Tx, user_id: UserId) -> DbResult<Option<Email>> {
    store::find_primary(tx, user_id).await
}

/// Marks an address as verified: its owner has shown that they read its mail.
pub async fn mark_verified(tx: &mut Tx, id: EmailId) -> DbResult<()> {
    store::update_email_to_verified(tx, id).await
}
