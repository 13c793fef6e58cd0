//! Links and codes that work once. One typed table: the purpose is part of the key and of what is hashed, so a token of one
//! purpose can't be used for another; using one up is one conditional statement.

mod store;

use jiff::SignedDuration;

use crate::caller::{self, Act};
use crate::db::{DbResult, Tx};
use crate::error::{AppResult, Rejection};
use crate::faults::{self, Fault};
use crate::id::{EmailId, UserId, new_uuid};
use crate::secret::{Purpose, SecretText, bearer_hash, new_bearer_and_hash};

/// How long a token of this purpose works.
pub fn lifetime(purpose: Purpose) -> SignedDuration {
    match purpose {
        Purpose::ResetPassword => SignedDuration::from_mins(60),
        Purpose::VerifyEmail | Purpose::ConfirmEmail | Purpose::Setup => SignedDuration::from_hours(24),
        Purpose::SetPassword
        | Purpose::ReportSignIn
        | Purpose::Refresh
        | Purpose::Device
        | Purpose::ApiKey
        | Purpose::Browser
        | Purpose::PendingSignIn
        | Purpose::Form
        | Purpose::Invitation
        | Purpose::PasskeyCeremony => SignedDuration::from_hours(7 * 24),
        // As long as the recycle bin keeps a user.
        Purpose::UndoDeletion => SignedDuration::from_hours(30 * 24),
    }
}

/// Whom a token is for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Subject {
    pub user_id: Option<UserId>,
    pub email_id: Option<EmailId>,
    pub pending_email_id: Option<EmailId>,
}

/// Passwords that may be tried beside one token.
pub const TRIES_MAX: i32 = 5;

/// Makes a token and kills the subject's older ones of the same purpose. The secret exists only in what is returned.
pub async fn issue(tx: &mut Tx, purpose: Purpose, subject: Subject) -> AppResult<SecretText> {
    // Two that are made at the same time take turns, so that one of them is the newer.
    store::lock_subject(tx, purpose, subject.user_id).await?;
    store::expire_older(tx, purpose, subject.user_id).await?;
    let (secret, hash) = new_bearer_and_hash(purpose);
    let expires_at = tx.now() + lifetime(purpose);
    store::insert_token(tx, new_uuid(tx.now()), purpose, &hash, subject, expires_at).await?;
    Ok(secret)
}

/// Uses a token up, if the gate lets its user do what it is for. Fails alike for one that is unknown, used, expired, of another
/// purpose, or of somebody who may not act.
pub async fn redeem(tx: &mut Tx, purpose: Purpose, secret: &SecretText) -> AppResult<Subject> {
    let Some(hash) = bearer_hash(purpose, secret) else { return Err(invalid().into()) };
    let looked_up = if faults::planted(Fault::TokenRace) { store::find_owner(tx, purpose, &hash).await? } else { None };
    let looked_up = looked_up.map(|user_id| Subject { user_id: Some(user_id), ..Subject::default() });
    let Some(subject) = store::use_token(tx, purpose, &hash).await?.or(looked_up) else { return Err(invalid().into()) };
    if let (Some(user_id), Some(act)) = (subject.user_id, act(purpose))
        && caller::ask(tx, user_id, act).await?.is_err()
    {
        return Err(invalid().into());
    }
    Ok(subject)
}

/// What the user does who shows a token of this purpose. The first administrator is no user yet; the rest are no one-time tokens.
fn act(purpose: Purpose) -> Option<Act<'static>> {
    match purpose {
        Purpose::VerifyEmail | Purpose::ConfirmEmail => Some(Act::ConfirmAddress),
        Purpose::ResetPassword | Purpose::SetPassword | Purpose::ReportSignIn => Some(Act::Recover),
        Purpose::UndoDeletion => Some(Act::UndoDeletion),
        Purpose::Setup
        | Purpose::Refresh
        | Purpose::Device
        | Purpose::ApiKey
        | Purpose::Browser
        | Purpose::PendingSignIn
        | Purpose::Form
        | Purpose::Invitation
        | Purpose::PasskeyCeremony => None,
    }
}

/// Whose living token this is; it is not used up.
pub async fn find_owner(tx: &mut Tx, purpose: Purpose, secret: &SecretText) -> DbResult<Option<UserId>> {
    match bearer_hash(purpose, secret) {
        Some(hash) => store::find_owner(tx, purpose, &hash).await,
        None => Ok(None),
    }
}

/// Pays for trying a password beside a token, before it is verified; the token is not used up. Returns whose token it is, or `None`
/// when [`TRIES_MAX`] have been made.
pub async fn pay_for_try(tx: &mut Tx, purpose: Purpose, secret: &SecretText) -> AppResult<Option<UserId>> {
    let Some(hash) = bearer_hash(purpose, secret) else { return Err(invalid().into()) };
    if let Some(user_id) = store::count_try(tx, purpose, &hash, TRIES_MAX).await? {
        return Ok(Some(user_id));
    }
    match store::find_owner(tx, purpose, &hash).await? {
        Some(_) => Ok(None),
        None => Err(invalid().into()),
    }
}

/// The try was not made: no hash was computed.
pub async fn give_back(tx: &mut Tx, purpose: Purpose, secret: &SecretText) -> DbResult<()> {
    match bearer_hash(purpose, secret) {
        Some(hash) => store::refund_try(tx, purpose, &hash).await,
        None => Ok(()),
    }
}

/// Kills every token of the user: after a change of password or of status, links sent before must not work.
pub async fn expire_all(tx: &mut Tx, user_id: UserId) -> DbResult<()> {
    store::expire_all(tx, &[user_id]).await
}

/// The same for many users.
pub async fn expire_all_of(tx: &mut Tx, user_ids: &[UserId]) -> DbResult<()> {
    store::expire_all(tx, user_ids).await
}

/// Kills every token of everybody, and says how many: those of a backup may have been used since.
pub async fn expire_everything(tx: &mut Tx) -> DbResult<u64> {
    store::expire_everything(tx).await
}

/// Forgets some tokens that ended a month ago; true when there may be more.
pub async fn forget_ended(tx: &mut Tx) -> DbResult<bool> {
    let before = tx.now() - SignedDuration::from_hours(30 * 24);
    store::delete_ended(tx, before).await
}

/// One answer for all reasons: which one it was is nobody's business who does not hold the token.
pub fn invalid() -> Rejection {
    let detail = "This token is unknown, has been used, or has expired. Ask for a new one.";
    Rejection::unprocessable_field("/token", "invalid_token", detail)
}
