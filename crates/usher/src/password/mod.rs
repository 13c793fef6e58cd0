//! Passwords: the policy for new ones (NIST SP 800-63B-4) and the credential of a user.

mod policy;
mod store;

#[cfg(test)]
mod tests;

use unicode_normalization::UnicodeNormalization;

use policy::ContextWords;

use crate::app::App;
use crate::attempts::{self, Authenticator};
use crate::db::{DbResult, Tx};
use crate::error::AppResult;
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
    let mut words = ContextWords::of_service(app.config.server.public_url.url().host_str().unwrap_or_default());
    for word in about {
        words.add(word);
    }
    policy::check("/password", password, app.config.password.min_length, &words)?;
    app.hasher.hash(&normalised(password), from).await
}

/// Stores the hash of a user's new password. Failures counted against the old one are forgotten.
pub async fn set(tx: &mut Tx, user_id: UserId, phc: &str) -> DbResult<()> {
    store::upsert_credential(tx, user_id, phc).await?;
    attempts::clear(tx, Authenticator::Password, user_id).await
}

/// The hash of the user's password, if they have one.
pub async fn find(tx: &mut Tx, user_id: UserId) -> DbResult<Option<String>> {
    store::find_hash(tx, user_id).await
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
