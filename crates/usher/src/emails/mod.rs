//! E-mail addresses of users. An address belongs to one user, by its normal form; only the verification flow verifies it, and
//! an invitation whose link was mailed to it.

mod address;
mod store;

pub use address::EmailAddress;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

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

/// An address that waits for its owner-to-be to confirm it. It belongs to nobody yet.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PendingEmail {
    pub id: EmailId,
    pub address: String,
    pub created_at: Timestamp,
    /// When the link stops working.
    pub expires_at: Timestamp,
}

/// Notes the address that a user wants to add, in the place of any they wanted before: links for that one fit nothing now.
pub async fn put_pending(tx: &mut Tx, user_id: UserId, address: &EmailAddress, lifetime: SignedDuration) -> DbResult<()> {
    let expires_at = tx.now() + lifetime;
    store::upsert_pending(tx, EmailId::new(tx.now()), user_id, address, expires_at).await
}

/// The address the user waits for.
pub async fn find_pending(tx: &mut Tx, user_id: UserId) -> DbResult<Option<PendingEmail>> {
    store::find_pending(tx, user_id).await
}

/// Takes exactly this pending address, if it is still the one that the user waits for.
pub async fn take_pending(tx: &mut Tx, user_id: UserId, id: EmailId) -> AppResult<Option<EmailAddress>> {
    let Some(address) = store::delete_pending(tx, user_id, id).await? else { return Ok(None) };
    Ok(Some(EmailAddress::parse(&address).map_err(|why| anyhow::anyhow!("a pending address {why}"))?))
}

/// The user waits for no address any more.
pub async fn forget_pending(tx: &mut Tx, user_id: UserId) -> DbResult<()> {
    store::delete_pending_of(tx, user_id).await
}

/// Forgets some wishes whose link has stopped working: nobody's address is kept for nothing. True when there may be more.
pub async fn forget_expired(tx: &mut Tx) -> DbResult<bool> {
    store::delete_expired(tx).await
}

/// Gives a user one more address, which they have just shown to be theirs.
pub async fn add_confirmed(tx: &mut Tx, user_id: UserId, id: EmailId, address: &EmailAddress) -> AppResult<()> {
    let inserted = store::insert_confirmed(tx, id, user_id, address).await;
    inserted.on_constraint("emails_address_key", || taken("/token"))?;
    Ok(())
}

/// From now on mail to the user goes to this verified address of theirs.
pub async fn set_primary(tx: &mut Tx, user_id: UserId, id: EmailId) -> AppResult<()> {
    store::clear_primary(tx, user_id).await?;
    if !store::update_to_primary(tx, user_id, id).await? {
        return Err(Rejection::not_found().into());
    }
    Ok(())
}

/// Takes an address from a user, except the primary one. False when they have no such address.
pub async fn remove(tx: &mut Tx, user_id: UserId, id: EmailId) -> DbResult<bool> {
    store::delete_email(tx, user_id, id).await
}

/// Gives a user their first address.
pub async fn add_primary(tx: &mut Tx, user_id: UserId, address: &EmailAddress, verified: bool) -> AppResult<EmailId> {
    let id = EmailId::new(tx.now());
    store::insert_email(tx, id, user_id, address, verified).await.on_constraint("emails_address_key", || taken("/email"))?;
    Ok(id)
}

/// An address of a user who has just been created with others.
pub struct NewEmail<'a> {
    pub user_id: UserId,
    pub address: &'a EmailAddress,
    pub primary: bool,
    pub verified: bool,
}

/// Gives many users their addresses. Returns the users of whose addresses one was taken: not all of theirs are there.
pub async fn add_many(tx: &mut Tx, new: &[NewEmail<'_>]) -> DbResult<Vec<UserId>> {
    let ids: Vec<EmailId> = new.iter().map(|_| EmailId::new(tx.now())).collect();
    let inserted: std::collections::HashSet<EmailId> = store::insert_emails(tx, &ids, new).await?.into_iter().collect();
    let missing = ids.iter().zip(new).filter(|(id, _)| !inserted.contains(id));
    Ok(missing.map(|(_, new)| new.user_id).collect())
}

/// [`lock`] for many addresses, in the order in which everybody takes them.
pub async fn lock_many(tx: &mut Tx, mut normals: Vec<&str>) -> DbResult<()> {
    normals.sort_unstable();
    normals.dedup();
    store::lock_addresses(tx, &normals).await
}

/// The refusal of an address that somebody has. Told to administrators, and to whoever has shown that they read its mail.
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
