//! Randomness and bearer secrets. The only reader of the operating system's generator.
//!
//! A bearer secret is 256 random bits behind a prefix that says what it is for (so that secret scanners and people
//! recognise it); only its SHA-256 is ever stored, and the prefix is part of what is hashed.

use std::fmt;

use aws_lc_rs::digest;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::faults::{self, Fault};

/// `N` bytes from the operating system.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).expect("the operating system gives randomness");
    bytes
}

/// Text that must not be seen: a password or a bearer secret. Wiped from memory when dropped; shows nothing in logs.
#[derive(Clone)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("********")
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

impl JsonSchema for SecretText {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SecretText".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "string", "writeOnly": true, "minLength": 1, "maxLength": 4096 })
    }
}

/// What a bearer secret is for. The name is part of the secret's text and of its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Purpose {
    Setup,
    VerifyEmail,
    ResetPassword,
    SetPassword,
    ConfirmEmail,
    UndoDeletion,
    Refresh,
    /// Kept by a device, so that it is known again.
    Device,
    /// Says that a sign-in was somebody else's.
    ReportSignIn,
    /// What a program shows with every request.
    ApiKey,
    /// What a browser shows of its session with every request.
    Browser,
    /// A sign-in that waits for the second factor.
    PendingSignIn,
    /// What a browser has that has not signed in, so that forms can be bound to it.
    Form,
    /// Lets somebody make an account at the address that was invited.
    Invitation,
    /// Says which challenge the answer of an authenticator belongs to.
    PasskeyCeremony,
}

impl Purpose {
    /// As stored in PostgreSQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::VerifyEmail => "verify_email",
            Self::ResetPassword => "reset_password",
            Self::SetPassword => "set_password",
            Self::ConfirmEmail => "confirm_email",
            Self::UndoDeletion => "undo_deletion",
            Self::Refresh => "refresh",
            Self::Device => "device",
            Self::ReportSignIn => "report_sign_in",
            Self::ApiKey => "api_key",
            Self::Browser => "browser",
            Self::PendingSignIn => "pending_sign_in",
            Self::Form => "form",
            Self::Invitation => "invitation",
            Self::PasskeyCeremony => "passkey_ceremony",
        }
    }

    /// What its text begins with.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Setup => "ush_setup_",
            Self::VerifyEmail => "ush_verify_",
            Self::ResetPassword => "ush_reset_",
            Self::SetPassword => "ush_welcome_",
            Self::ConfirmEmail => "ush_confirm_",
            Self::UndoDeletion => "ush_undo_",
            Self::Refresh => "ush_refresh_",
            Self::Device => "ush_device_",
            Self::ReportSignIn => "ush_report_",
            Self::ApiKey => "ush_key_",
            Self::Browser => "ush_session_",
            Self::PendingSignIn => "ush_pending_",
            Self::Form => "ush_form_",
            Self::Invitation => "ush_invite_",
            Self::PasskeyCeremony => "ush_ceremony_",
        }
    }
}

/// A new bearer secret: prefix and 256 random bits in base64url.
pub fn new_bearer(purpose: Purpose) -> SecretText {
    new_bearer_and_hash(purpose).0
}

/// A new bearer secret, and what is stored of it.
pub fn new_bearer_and_hash(purpose: Purpose) -> (SecretText, [u8; 32]) {
    let random = Zeroizing::new(random_bytes::<32>());
    let text = format!("{}{}", purpose.prefix(), URL_SAFE_NO_PAD.encode(random.as_slice()));
    (SecretText::new(text), hash_for(purpose, random.as_slice()))
}

/// What is stored of a bearer secret, or `None` when the text can't be a secret of this purpose.
pub fn bearer_hash(purpose: Purpose, secret: &SecretText) -> Option<[u8; 32]> {
    let random = secret.reveal().strip_prefix(purpose.prefix())?;
    let random = Zeroizing::new(URL_SAFE_NO_PAD.decode(random).ok()?);
    (random.len() == 32).then(|| hash_for(purpose, random.as_slice()))
}

fn hash_for(purpose: Purpose, random: &[u8]) -> [u8; 32] {
    if faults::planted(Fault::CanaryInDump) {
        return random.try_into().expect("a secret has 32 bytes");
    }
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(purpose.as_str().as_bytes());
    context.update(&[0]);
    context.update(random);
    context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
}

/// Where signatures that tests make get their randomness.
#[cfg(test)]
pub fn randomness() -> SystemRandom {
    SystemRandom::new()
}

/// SHA-256 of some bytes.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest::digest(&digest::SHA256, bytes).as_ref().try_into().expect("SHA-256 has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r040_a_secret_hashes_only_for_its_own_purpose() {
        let secret = new_bearer(Purpose::VerifyEmail);
        assert!(bearer_hash(Purpose::VerifyEmail, &secret).is_some());
        assert!(bearer_hash(Purpose::ResetPassword, &secret).is_none());
        let renamed = SecretText::new(secret.reveal().replace("ush_verify_", "ush_reset_"));
        assert_ne!(bearer_hash(Purpose::ResetPassword, &renamed), bearer_hash(Purpose::VerifyEmail, &secret));
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", SecretText::new("canary".into())), "********");
    }
}
