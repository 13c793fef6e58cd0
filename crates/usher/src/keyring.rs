//! The keys in use, in memory: what signs access tokens and what verifies them. The `keys` feature keeps it in step with the database.

mod verified;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Context;
use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio::sync::Mutex;
use usher_oidc::jose::{AccessClaims, Expected, JwkSet, SignError, SigningKey, TokenError, Verifier};

use verified::{Verified, VerifiedTokens};

use crate::clock::Stopwatch;
use crate::error::{AppResult, Rejection};
use crate::id::{SessionId, UserId, new_uuid};

/// The type of our access tokens (RFC 9068).
const ACCESS_TOKEN_TYPE: &str = "at+jwt";
/// The client of usher's own API and pages.
const CLIENT_ID: &str = "usher";
const LEEWAY_SECONDS: i64 = 5;
/// Tokens with unknown keys make a process look for new keys no more often than this.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The keys at one moment.
pub struct Keys {
    pub signer: SigningKey,
    pub verifier: Verifier,
    pub published: JwkSet,
}

/// The keys, and the tokens that they were found to have signed.
struct InUse {
    keys: Keys,
    verified: VerifiedTokens,
}

/// What signs and verifies. Cheap to share; replaced as a whole when keys change.
pub struct Keyring {
    issuer: String,
    access_lifetime: Duration,
    keys: RwLock<Option<Arc<InUse>>>,
    looks_begun: AtomicU64,
    last_look: Mutex<Option<Look>>,
}

/// A look for new keys that has ended.
struct Look {
    number: u64,
    succeeded: bool,
    ended: Stopwatch,
}

/// What an access token that is to be issued says.
pub struct NewAccess<'a> {
    pub user_id: UserId,
    pub session_id: SessionId,
    pub authenticated_at: Timestamp,
    pub amr: &'a [String],
    pub roles: &'a [String],
    /// Claims of the user's attributes.
    pub attributes: &'a Map<String, Value>,
}

/// Whose access token it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bearer {
    pub user_id: UserId,
    pub session_id: SessionId,
}

impl Keyring {
    pub fn new(issuer: &str, access_lifetime: Duration) -> Self {
        Self {
            issuer: issuer.to_owned(),
            access_lifetime,
            keys: RwLock::new(None),
            looks_begun: AtomicU64::new(0),
            last_look: Mutex::new(None),
        }
    }

    pub fn replace(&self, keys: Keys) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) =
            Some(Arc::new(InUse { keys, verified: VerifiedTokens::default() }));
    }

    pub fn access_lifetime(&self) -> Duration {
        self.access_lifetime
    }

    /// The public keys, for `/.well-known/jwks.json`.
    pub fn published(&self) -> JwkSet {
        self.current().map(|in_use| in_use.keys.published.clone()).unwrap_or_default()
    }

    /// Signs an access token that begins now. It is without claims of attributes where it would be longer than is read with them.
    pub fn issue_access(&self, new: &NewAccess<'_>, now: Timestamp) -> anyhow::Result<String> {
        let in_use = self.current().context("no signing key is loaded")?;
        let keys = &in_use.keys;
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
        if !new.attributes.is_empty() {
            let signed = keys.signer.sign(ACCESS_TOKEN_TYPE, &with_attributes(&claims, new.attributes)?);
            if !matches!(signed, Err(SignError::TooLong)) {
                return Ok(signed?);
            }
        }
        Ok(keys.signer.sign(ACCESS_TOKEN_TYPE, &serde_json::to_vec(&claims)?)?)
    }

    /// Verifies an access token of ours. One that these keys were found to have signed is looked at no further than its times.
    pub fn verify_access(&self, token: &str, now: Timestamp) -> Result<Bearer, TokenError> {
        let InUse { keys, verified } = &*self.current().ok_or(TokenError::UnknownKey)?;
        let (digest, seconds) = (verified::digest(token), now.as_second());
        if let Some(bearer) = verified.find(&digest, seconds) {
            return Ok(bearer);
        }
        let expected =
            Expected { typ: ACCESS_TOKEN_TYPE, issuer: &self.issuer, audience: &self.issuer, leeway_seconds: LEEWAY_SECONDS };
        let claims = keys.verifier.verify_access(token, &expected, seconds)?;
        let (Ok(user_id), Ok(session_id)) = (claims.sub.parse(), claims.sid.parse()) else { return Err(TokenError::Shape) };
        let bearer = Bearer { user_id, session_id };
        verified.insert(digest, Verified { bearer, issued_at: claims.iat, expires_at: claims.exp });
        Ok(bearer)
    }

    /// Has somebody look for new keys before a token is refused whose key is not known here. There is one look a second at the
    /// most; who comes meanwhile waits for the next one and shares it. So strangers can't make work with keys of their own, and no
    /// good token is refused because of them.
    pub async fn look_again(&self, look: impl Future<Output = AppResult<()>>) -> AppResult<()> {
        let begun_before = self.looks_begun.load(Ordering::SeqCst);
        let mut last = self.last_look.lock().await;
        if let Some(last) = &*last {
            if last.number > begun_before {
                let why = "The keys can't be read at the moment. Try again.";
                let failed = || Rejection::unavailable("database_unavailable", why, 1).into();
                return if last.succeeded { Ok(()) } else { Err(failed()) };
            }
            tokio::time::sleep(LOOK_AGAIN_AFTER.saturating_sub(last.ended.elapsed())).await;
        }
        let number = self.looks_begun.fetch_add(1, Ordering::SeqCst) + 1;
        let looked = look.await;
        *last = Some(Look { number, succeeded: looked.is_ok(), ended: Stopwatch::start() });
        looked
    }

    fn current(&self) -> Option<Arc<InUse>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The claims as JSON, and those of attributes beside them: what usher says stands, whatever else is called so.
fn with_attributes(claims: &AccessClaims, attributes: &Map<String, Value>) -> serde_json::Result<Vec<u8>> {
    let mut all = attributes.clone();
    if let Value::Object(own) = serde_json::to_value(claims)? {
        all.extend(own);
    }
    serde_json::to_vec(&all)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use futures_util::future::join_all;
    use serde_json::json;

    use super::*;

    async fn look(count: &AtomicUsize, outcome: AppResult<()>) -> AppResult<()> {
        count.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        outcome
    }

    #[tokio::test]
    async fn who_comes_during_a_look_shares_the_next_one() {
        let keyring = Keyring::new("https://id.example.com", Duration::from_mins(5));
        let count = AtomicUsize::new(0);
        let clock = Stopwatch::start();
        for looked in join_all((0..200).map(|_| keyring.look_again(look(&count, Ok(()))))).await {
            looked.unwrap();
        }
        assert_eq!(count.load(Ordering::SeqCst), 2);
        assert!(clock.elapsed() >= LOOK_AGAIN_AFTER);
    }

    #[tokio::test]
    async fn a_look_that_failed_lets_nobody_be_refused() {
        let keyring = Keyring::new("https://id.example.com", Duration::from_mins(5));
        let count = AtomicUsize::new(0);
        let failing = || look(&count, Err(anyhow::anyhow!("the database is away").into()));
        for looked in join_all((0..50).map(|_| keyring.look_again(failing()))).await {
            assert!(looked.is_err());
        }
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_look_that_was_given_up_counts_for_nobody() {
        let keyring = Keyring::new("https://id.example.com", Duration::from_mins(5));
        let count = AtomicUsize::new(0);
        let never = keyring.look_again(std::future::pending());
        let given_up = tokio::time::timeout(Duration::from_millis(1), never).await;
        assert!(given_up.is_err());
        keyring.look_again(look(&count, Ok(()))).await.unwrap();
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn no_attribute_says_what_usher_says() {
        let own: AccessClaims = serde_json::from_value(json!({
            "iss": "usher", "sub": "ann", "aud": "usher", "client_id": "usher", "exp": 2, "iat": 1, "jti": "a", "sid": "b",
            "auth_time": 1, "roles": ["user"]
        }))
        .unwrap();
        let attributes = json!({ "sub": "root", "roles": ["admin"], "unit": "Sales" });
        let payload = with_attributes(&own, attributes.as_object().unwrap()).unwrap();
        let said: Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!((&said["sub"], &said["roles"], &said["unit"]), (&json!("ann"), &json!(["user"]), &json!("Sales")));
    }
}
