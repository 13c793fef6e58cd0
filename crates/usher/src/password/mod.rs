//! Passwords: the policy for new ones (NIST SP 800-63B-4) and the credential of a user.

mod api;
mod policy;
mod store;
mod strength;

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use unicode_normalization::UnicodeNormalization;

pub use api::router;

use policy::{ContextWords, Reason};

use crate::app::App;
use crate::attempts::{self, Authenticator};
use crate::db::{DbResult, Tx};
use crate::error::{AppError, AppResult, FieldError, Rejection};
use crate::id::UserId;
use crate::network::Network;
use crate::secret::SecretText;

/// Longest password accepted, in bytes of UTF-8.
pub const BYTES_MAX: usize = 1024;

/// The form in which a password is hashed: Unicode NFC, so that it does not matter how a keyboard composes "é".
pub fn normalised(password: &SecretText) -> SecretText {
    SecretText::new(password.reveal().nfc().collect())
}

/// Checks a new password and hashes it, in the turn of the network that asks. `about` are words about the person. The hash is
/// computed outside any transaction.
pub async fn prepare(app: &App, from: Network, password: &SecretText, about: &[&str]) -> AppResult<String> {
    let password = normalised(password);
    let reasons = examine(app, &password, about).await?;
    if !reasons.is_empty() {
        let fault = |reason: Reason| FieldError::at_pointer("/password", reason.code, reason.detail);
        return Err(Rejection::invalid_body(reasons.into_iter().map(fault).collect()).into());
    }
    app.hasher.hash(&password, from).await
}

/// All that the policy has against a password. The operator's filter is a file, perhaps on a slow disk: it is read on a thread that
/// may wait.
async fn examine(app: &App, password: &SecretText, about: &[&str]) -> AppResult<Vec<Reason>> {
    let mut words = ContextWords::of_service(
        app.config.server.public_url.url().host_str().unwrap_or_default(),
        &app.config.password.blocked_words,
    );
    for word in about {
        words.add(word);
    }
    let mut reasons = policy::reasons(password.reveal(), app.config.password.min_length, &words);
    let is_long = password.reveal().len() > BYTES_MAX;
    if let Some(filter) = app.password_filter.clone().filter(|_| !is_long) {
        let password = password.clone();
        let listed = tokio::task::spawn_blocking(move || filter.lists(password.reveal())).await.map_err(anyhow::Error::from)?;
        if listed.map_err(unreadable)? {
            reasons.push(policy::breached());
        }
    }
    Ok(reasons)
}

/// No password is taken unchecked.
fn unreadable(error: std::io::Error) -> AppError {
    anyhow::Error::from(error).context("reading the password filter (USHER_PASSWORD_FILTER)").into()
}

/// Stores the hash of a user's new password. Failures counted against the old one are forgotten.
pub async fn set(tx: &mut Tx, user_id: UserId, phc: &str) -> DbResult<()> {
    store::upsert_credential(tx, user_id, phc).await?;
    attempts::clear(tx, Authenticator::Password, user_id).await
}

/// Stores hashes of users who have just been created.
pub async fn set_many(tx: &mut Tx, hashes: &[(UserId, &str)]) -> DbResult<()> {
    store::insert_credentials(tx, hashes).await
}

/// The hash of the user's password, if they have one.
pub async fn find(tx: &mut Tx, user_id: UserId) -> DbResult<Option<String>> {
    store::find_hash(tx, user_id).await
}

/// When the user's password was set, if they have one.
pub async fn find_changed_at(tx: &mut Tx, user_id: UserId) -> DbResult<Option<Timestamp>> {
    store::find_changed_at(tx, user_id).await
}

/// Stores the hash of a new password in the place of `old`, or of none. False when that is not what is there (any more): of two
/// who change a password at the same time, one has changed it.
pub async fn change(tx: &mut Tx, user_id: UserId, old: Option<&str>, phc: &str) -> DbResult<bool> {
    let changed = match old {
        Some(old) => store::replace_hash(tx, user_id, old, phc).await?,
        None => store::insert_credential(tx, user_id, phc).await?,
    };
    if changed {
        attempts::clear(tx, Authenticator::Password, user_id).await?;
    }
    Ok(changed)
}

/// Stores a hash of the same password under today's parameters, unless another password has been set meanwhile.
pub async fn rehash(tx: &mut Tx, user_id: UserId, before: &str, phc: &str) -> DbResult<()> {
    store::update_hash(tx, user_id, before, phc).await
}
