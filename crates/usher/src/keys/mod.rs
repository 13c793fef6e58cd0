//! Signing keys: made on first start, sealed at rest, published ahead of use, and rotated without an outage.

mod api;
mod store;

#[cfg(test)]
mod tests;

use anyhow::Context;
use aws_lc_rs::signature::Ed25519KeyPair;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use usher_oidc::jose::{Algorithm, Jwk, JwkSet, SigningKey, Verifier};

pub use api::router;

use crate::app::App;
use crate::audit::{self, Event};
use crate::db::listen::{Heard, Listener};
use crate::db::{Actor, Tx};
use crate::error::{AppResult, LogAndIgnore};
use crate::keyring::Keys;

/// How long others may keep a copy of the published keys (`Cache-Control` of the key set).
pub const CACHE_LIFETIME: SignedDuration = SignedDuration::from_mins(5);

/// A signing key, without its private half.
#[derive(Clone, Debug, Serialize)]
pub struct KeyState {
    pub kid: String,
    pub algorithm: String,
    pub created_at: Timestamp,
    /// Signs from here on.
    pub active_at: Timestamp,
    /// Has not signed since.
    pub retired_at: Option<Timestamp>,
    /// Leaves the published set.
    pub expires_at: Option<Timestamp>,
}

/// When a new key begins to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// One cache lifetime from now, when everybody can know it.
    PublishedAhead,
    /// At once: only for the very first key, or when the old one is compromised.
    Now,
}

/// Makes sure that there is a key, and loads all of them. Processes that start together make one key between them.
pub async fn load(app: &App) -> AppResult<()> {
    let mut tx = app.begin_as(Actor::System).await?;
    let mut rows = store::list_keys(&mut tx).await?;
    if rows.is_empty() {
        store::lock_keys(&mut tx).await?;
        rows = store::list_keys(&mut tx).await?;
        if rows.is_empty() {
            add(app, &mut tx, Begin::Now).await?;
            rows = store::list_keys(&mut tx).await?;
        }
    }
    tx.commit().await?;
    app.keyring.replace(assemble(app, &rows)?);
    Ok(())
}

/// Follows changes that other processes make, and the moment a published key becomes the signing one.
pub fn follow(app: App, listener: &Listener) {
    let mut heard = listener.subscribe();
    tokio::spawn(async move {
        loop {
            let wait = tokio::time::sleep(std::time::Duration::from_secs(30));
            tokio::select! {
                () = wait => {}
                heard = heard.recv() => match heard {
                    Ok(Heard::Notification { channel }) if channel != "usher_keys" => continue,
                    _ => {}
                },
            }
            load(&app).await.log_and_ignore("the keys in memory stay in use");
        }
    });
}

/// Adds a key that will replace the present one, and lets the present one retire when its last token has expired.
pub async fn rotate(app: &App, tx: &mut Tx, begin: Begin) -> AppResult<KeyState> {
    store::lock_keys(tx).await?;
    let kid = add(app, tx, begin).await?;
    let now = tx.now();
    let active_at = if begin == Begin::Now { now } else { now + CACHE_LIFETIME };
    let token_lifetime = SignedDuration::try_from(app.config.tokens.access_lifetime).context("the lifetime is short")?;
    // One more cache lifetime covers clocks that differ a little.
    let expires_at = active_at + token_lifetime + CACHE_LIFETIME;
    store::update_others_to_retired(tx, &kid, active_at, expires_at).await?;
    store::notify(tx).await?;
    let states = list(tx).await?;
    states.into_iter().find(|state| state.kid == kid).context("the new key is there").map_err(Into::into)
}

/// All keys, newest first.
pub async fn list(tx: &mut Tx) -> AppResult<Vec<KeyState>> {
    Ok(store::list_keys(tx).await?.into_iter().map(|row| row.state).collect())
}

async fn add(app: &App, tx: &mut Tx, begin: Begin) -> AppResult<String> {
    let pair = Ed25519KeyPair::generate().context("generating a key")?;
    let der = pair.to_pkcs8v1().context("encoding a key")?;
    let key = SigningKey::from_pkcs8_by_thumbprint(Algorithm::EdDsa, der.as_ref()).context("parsing a new key")?;
    let sealed = app.sealer.seal(&bound_to(key.kid()), der.as_ref());
    let now = tx.now();
    let active_at = if begin == Begin::Now { now } else { now + CACHE_LIFETIME };
    let public = serde_json::to_value(key.public_jwk())?;
    store::insert_key(tx, key.kid(), Algorithm::EdDsa.as_str(), &public, &sealed, active_at).await?;
    audit::record(tx, Event::success("signing_key.created").on("signing_key", key.kid())).await?;
    Ok(key.kid().to_owned())
}

fn assemble(app: &App, rows: &[store::KeyRow]) -> AppResult<Keys> {
    let now = app.clock.now();
    let living: Vec<_> = rows.iter().filter(|row| row.state.expires_at.is_none_or(|at| at > now)).collect();
    let signing = living
        .iter()
        .filter(|row| row.state.active_at <= now && row.state.retired_at.is_none_or(|at| at > now))
        .max_by_key(|row| row.state.active_at)
        .context("no signing key is active")?;
    let sealed = &signing.private_key_sealed;
    let der = app.sealer.open(&bound_to(&signing.state.kid), sealed).context("opening the signing key")?;
    let algorithm: Algorithm = signing.state.algorithm.parse().context("reading a key's algorithm")?;
    let signer = SigningKey::from_pkcs8(algorithm, &signing.state.kid, &der).context("parsing the signing key")?;
    let keys = living.iter().map(|row| serde_json::from_value::<Jwk>(row.public_jwk.clone())).collect::<Result<_, _>>()?;
    let published = JwkSet { keys };
    let verifier = Verifier::from_jwk_set(&published).context("reading the public keys")?;
    Ok(Keys { signer, verifier, published })
}

fn bound_to(kid: &str) -> String {
    format!("signing_key:{kid}")
}
