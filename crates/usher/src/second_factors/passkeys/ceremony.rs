//! A challenge, and the answer of an authenticator to it: 32 random bytes that wait in the database for five minutes, for one kind of
//! answer, and are used up by the first, whatever it is worth.

use std::time::Duration;

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::store;
use crate::app::App;
use crate::db::{DbResult, Tx};
use crate::error::{AppResult, Rejection};
use crate::id::{SessionId, UserId};
use crate::jobs::{self, Registry};
use crate::secret::{Purpose, SecretText, bearer_hash, new_bearer_and_hash};

const LIFETIME: SignedDuration = SignedDuration::from_mins(5);
const FORGET: &str = "forget_passkey_ceremonies";

/// What an authenticator is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Register,
    SignIn,
}

impl Kind {
    /// As stored in PostgreSQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::SignIn => "sign_in",
        }
    }
}

/// What waits for the answer.
pub struct Waiting {
    pub user_id: Option<UserId>,
    pub session_id: Option<SessionId>,
    pub state: Value,
}

/// What the browser is to ask an authenticator for.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PasskeyCeremony", extend("example" = serde_json::json!({
    "ceremony": "ush_ceremony_...", "expires_in": 300,
    "options": { "challenge": "bXpx...", "rpId": "id.example.com", "allowCredentials": [], "userVerification": "required" },
})))]
pub struct Ceremony {
    /// Goes back with the answer. It works once.
    pub ceremony: String,
    /// For `PublicKeyCredential.parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON` (WebAuthn Level 3).
    pub options: Value,
    /// Seconds until the challenge is over.
    pub expires_in: i64,
}

pub async fn begin(tx: &mut Tx, kind: Kind, waiting: &Waiting, options: Value) -> AppResult<Ceremony> {
    let (token, hash) = new_bearer_and_hash(Purpose::PasskeyCeremony);
    let expires_at = tx.now() + LIFETIME;
    store::insert_ceremony(tx, &hash, kind, waiting, expires_at).await?;
    Ok(Ceremony { ceremony: token.reveal().to_owned(), options, expires_in: LIFETIME.as_secs() })
}

/// Uses it up.
pub async fn take(tx: &mut Tx, kind: Kind, token: &SecretText) -> DbResult<Option<Waiting>> {
    match bearer_hash(Purpose::PasskeyCeremony, token) {
        Some(hash) => store::use_ceremony(tx, &hash, kind).await,
        None => Ok(None),
    }
}

/// One answer for all reasons.
pub fn over() -> Rejection {
    Rejection::conflict("passkey_ceremony_over", "This took too long, or was sent twice. Try again.")
}

pub fn register(registry: &mut Registry) {
    registry.every_long(Duration::from_hours(1), FORGET, |app, _| Box::pin(forget(app)));
}

async fn forget(app: &App) -> AppResult<()> {
    jobs::part_by_part(app, FORGET, |tx| Box::pin(async { Ok(store::delete_expired_ceremonies(tx).await?) })).await
}
