//! The keys in use, in memory: what signs access tokens and what verifies them. The `keys` feature keeps it in step with the database.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Context;
use jiff::Timestamp;
use usher_oidc::jose::{AccessClaims, Expected, JwkSet, SigningKey, TokenError, Verifier};

use crate::id::{SessionId, UserId, new_uuid};

/// The type of our access tokens (RFC 9068).
const ACCESS_TOKEN_TYPE: &str = "at+jwt";
/// The client of usher's own API and pages.
const CLIENT_ID: &str = "usher";
const LEEWAY_SECONDS: i64 = 5;

/// The keys at one moment.
pub struct Keys {
    pub signer: SigningKey,
    pub verifier: Verifier,
    pub published: JwkSet,
}

/// What signs and verifies. Cheap to share; replaced as a whole when keys change.
pub struct Keyring {
    issuer: String,
    access_lifetime: Duration,
    keys: RwLock<Option<Arc<Keys>>>,
}

/// What an access token that is to be issued says.
pub struct NewAccess<'a> {
    pub user_id: UserId,
    pub session_id: SessionId,
    pub authenticated_at: Timestamp,
    pub amr: &'a [String],
    pub roles: &'a [String],
}

/// Whose access token it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bearer {
    pub user_id: UserId,
    pub session_id: SessionId,
}

impl Keyring {
    pub fn new(issuer: &str, access_lifetime: Duration) -> Self {
        Self { issuer: issuer.to_owned(), access_lifetime, keys: RwLock::new(None) }
    }

    pub fn replace(&self, keys: Keys) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(keys));
    }

    pub fn access_lifetime(&self) -> Duration {
        self.access_lifetime
    }

    /// The public keys, for `/.well-known/jwks.json`.
    pub fn published(&self) -> JwkSet {
        self.current().map(|keys| keys.published.clone()).unwrap_or_default()
    }

    /// Signs an access token that begins now.
    pub fn issue_access(&self, new: &NewAccess<'_>, now: Timestamp) -> anyhow::Result<String> {
        let keys = self.current().context("no signing key is loaded")?;
        let lifetime = i64::try_from(self.access_lifetime.as_secs())?;
        let claims = AccessClaims {
            iss: self.issuer.clone(),
            sub: new.user_id.to_string(),
            aud: self.issuer.clone(),
            client_id: CLIENT_ID.to_owned(),
            exp: now.as_second() + lifetime,
            iat: now.as_second(),
            jti: new_uuid(now).to_string(),
            sid: new.session_id.to_string(),
            auth_time: new.authenticated_at.as_second(),
            amr: new.amr.to_vec(),
            roles: new.roles.to_vec(),
        };
        Ok(keys.signer.sign(ACCESS_TOKEN_TYPE, &serde_json::to_vec(&claims)?)?)
    }

    /// Verifies an access token of ours.
    pub fn verify_access(&self, token: &str, now: Timestamp) -> Result<Bearer, TokenError> {
        let keys = self.current().ok_or(TokenError::UnknownKey)?;
        let expected =
            Expected { typ: ACCESS_TOKEN_TYPE, issuer: &self.issuer, audience: &self.issuer, leeway_seconds: LEEWAY_SECONDS };
        let claims = keys.verifier.verify_access(token, &expected, now.as_second())?;
        match (claims.sub.parse(), claims.sid.parse()) {
            (Ok(user_id), Ok(session_id)) => Ok(Bearer { user_id, session_id }),
            _ => Err(TokenError::UnknownKey),
        }
    }

    fn current(&self) -> Option<Arc<Keys>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
