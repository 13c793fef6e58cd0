//! Signing keys: made on first start, sealed at rest, published ahead of use, and rotated without an outage.

mod api;
mod jobs;
mod making;
mod store;

#[cfg(test)]
mod tests;

use std::pin::{Pin, pin};
use std::time::Duration;

use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::Receiver;
use usher_oidc::jose::{Algorithm, Jwk, JwkSet, SigningKey, Verifier};

pub use api::router;
pub use jobs::register;

use self::making::Made;
use crate::app::App;
use crate::audit::{self, Event};
use crate::db::listen::{Heard, Listener};
use crate::db::{Actor, DbResult, Origin, Tx};
use crate::error::{AppResult, LogAndIgnore};
use crate::keyring::Keys;
use crate::seal::Resealed;

/// How long others may keep a copy of the published keys (`Cache-Control` of the key set).
pub const CACHE_LIFETIME: SignedDuration = SignedDuration::from_mins(5);
/// A process that has missed a notification learns of new keys by then.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// Every process publishes a new key well within this time, whether or not it was notified.
const PUBLISHED_WITHIN: SignedDuration = SignedDuration::from_mins(1);
/// Every process that listens has heard of a new key by then.
const HEARD_WITHIN: SignedDuration = SignedDuration::from_secs(2);
/// How long an expired key can still be seen, without its private half.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A signing key, without its private half.
#[derive(Clone, Debug, Serialize, JsonSchema)]
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

/// What a key is good for at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Duty {
    /// Published; will sign.
    Next,
    /// Signs.
    Signing,
    /// Published, so that what it signed can be verified.
    Verifying,
    /// Verifies nothing any more; its private half is gone.
    Expired,
}

impl KeyState {
    pub fn duty(&self, now: Timestamp) -> Duty {
        let has_come = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        let never_signs = self.retired_at.is_some_and(|at| at <= self.active_at);
        if has_come(self.expires_at) {
            Duty::Expired
        } else if has_come(self.retired_at) || never_signs {
            Duty::Verifying
        } else if has_come(Some(self.active_at)) {
            Duty::Signing
        } else {
            Duty::Next
        }
    }
}

/// A key, and what it is good for now.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "SigningKey", extend("example" = api::example()))]
pub struct SigningKeyState {
    #[serde(flatten)]
    pub key: KeyState,
    pub duty: Duty,
}

/// When a new key begins to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "RotationBegin")]
pub enum Begin {
    /// One cache lifetime after every process publishes it, when everybody can know it.
    PublishedAhead,
    /// As soon as usher's own processes know it: when the old one is compromised.
    Now,
}

impl Begin {
    fn after(self, now: Timestamp) -> Timestamp {
        match self {
            Self::PublishedAhead => now + PUBLISHED_WITHIN + CACHE_LIFETIME,
            Self::Now => now + HEARD_WITHIN,
        }
    }
}

/// Makes sure that there is a key, and loads all of them. Processes that start together make one key between them.
pub async fn load(app: &App) -> AppResult<()> {
    look(app).await.map(drop)
}

/// Loads the keys since somebody presents a token under a key that is not known here.
pub fn look_again(app: App) -> Pin<Box<dyn Future<Output = AppResult<()>> + Send>> {
    Box::pin(async move { app.keyring.look_again(Box::pin(load(&app))).await })
}

/// Follows changes that other processes make, and the moments at which keys begin and cease to sign.
pub fn follow(app: App, listener: &Listener) {
    let mut heard = listener.subscribe();
    tokio::spawn(async move {
        tend(&app).await.log_and_ignore("a job does it in a few minutes");
        loop {
            let mut wait = LOOK_EVERY;
            match look(&app).await {
                Ok(Some(change)) => wait = until(change, app.clock.now()),
                Ok(None) => {}
                Err(error) => Err::<(), _>(error).log_and_ignore("the keys in memory stay in use"),
            }
            changed_or_over(&mut heard, wait).await;
        }
    });
}

/// Adds a key that will replace the present one, and lets the present one retire when its last token has expired. Begins its
/// transaction itself, since making a key can take a second.
pub async fn rotate(app: &App, origin: &Origin, begin: Begin) -> AppResult<SigningKeyState> {
    let made = making::make(app.config.tokens.signing_algorithm).await?;
    let mut tx = app.begin(origin).await?;
    store::lock_keys(&mut tx).await?;
    let state = succeed(app, &mut tx, &made, begin).await?;
    tx.commit().await?;
    Ok(state)
}

/// Replaces the present key when it has signed long enough or another algorithm is wanted, and forgets expired ones. Any number
/// of processes may do so at the same time.
pub async fn tend(app: &App) -> AppResult<()> {
    let mut tx = app.begin_as(Actor::System).await?;
    for kid in store::update_expired_to_public(&mut tx).await? {
        audit::record(&mut tx, Event::success("signing_key.expired").on("signing_key", kid)).await?;
    }
    let before = tx.now() - KEPT_FOR;
    store::delete_expired(&mut tx, before).await?;
    let due = is_due(app, &mut tx).await?;
    tx.commit().await?;
    if !due {
        return Ok(());
    }
    let made = making::make(app.config.tokens.signing_algorithm).await?;
    let mut tx = app.begin_as(Actor::System).await?;
    store::lock_keys(&mut tx).await?;
    // Another process may have been quicker.
    if is_due(app, &mut tx).await? {
        let SigningKeyState { key, .. } = succeed(app, &mut tx, &made, Begin::PublishedAhead).await?;
        tx.commit().await?;
        tracing::info!(kid = key.kid, algorithm = key.algorithm, signs_from = %key.active_at, "made a new signing key");
    }
    Ok(())
}

/// All keys, newest first.
pub async fn list(tx: &mut Tx) -> AppResult<Vec<SigningKeyState>> {
    let now = tx.now();
    let state = |row: store::KeyRow| SigningKeyState { duty: row.state.duty(now), key: row.state };
    Ok(store::list_keys(tx).await?.into_iter().map(state).collect())
}

/// Seals private halves anew that are not under the present secret key.
pub async fn reseal(app: &App) -> AppResult<Resealed> {
    let mut done = Resealed::default();
    let mut tx = app.begin_as(Actor::Cli).await?;
    for (kid, sealed) in store::list_stale(&mut tx, app.sealer.mark()).await? {
        match app.sealer.reseal(&bound_to(&kid), &sealed) {
            Ok(anew) => done.resealed += store::update_sealed(&mut tx, &kid, &sealed, &anew).await?,
            Err(_) => done.unopened += 1,
        }
    }
    tx.commit().await?;
    Ok(done)
}

/// Under which secret keys private halves are sealed.
pub async fn count_by_mark(tx: &mut Tx) -> DbResult<Vec<(Vec<u8>, i64)>> {
    store::count_by_mark(tx).await
}

/// Loads the keys, and says when they change next.
async fn look(app: &App) -> AppResult<Option<Timestamp>> {
    let mut tx = app.begin_as(Actor::System).await?;
    let mut rows = store::list_keys(&mut tx).await?;
    tx.commit().await?;
    if rows.is_empty() {
        rows = make_first(app).await?;
    }
    let now = app.clock.now();
    app.keyring.replace(assemble(app, &rows, now)?);
    let moments = rows.iter().flat_map(|row| [Some(row.state.active_at), row.state.retired_at, row.state.expires_at]);
    Ok(moments.flatten().filter(|at| *at > now).min())
}

async fn make_first(app: &App) -> AppResult<Vec<store::KeyRow>> {
    let made = making::make(app.config.tokens.signing_algorithm).await?;
    let mut tx = app.begin_as(Actor::System).await?;
    store::lock_keys(&mut tx).await?;
    let mut rows = store::list_keys(&mut tx).await?;
    if rows.is_empty() {
        let now = tx.now();
        add(app, &mut tx, &made, now).await?;
        rows = store::list_keys(&mut tx).await?;
    }
    tx.commit().await?;
    Ok(rows)
}

/// Whether the newest key has signed for its lifetime, or is not of the algorithm that is wanted.
async fn is_due(app: &App, tx: &mut Tx) -> AppResult<bool> {
    let rows = store::list_keys(tx).await?;
    let Some(newest) = rows.iter().map(|row| &row.state).find(|state| state.retired_at.is_none()) else { return Ok(false) };
    let tokens = &app.config.tokens;
    let age = tx.now().duration_since(newest.active_at);
    let has_served = tokens.signing_key_lifetime.is_some_and(|lifetime| Duration::try_from(age).is_ok_and(|age| age >= lifetime));
    Ok(has_served || newest.algorithm != tokens.signing_algorithm.as_str())
}

/// Puts the key behind all others, and ends them when it begins. The table is locked.
async fn succeed(app: &App, tx: &mut Tx, made: &Made, begin: Begin) -> AppResult<SigningKeyState> {
    let active_at = begin.after(tx.now());
    add(app, tx, made, active_at).await?;
    let token_lifetime = SignedDuration::try_from(app.config.tokens.access_lifetime).context("the lifetime is short")?;
    // One more cache lifetime covers clocks that differ a little.
    let expires_at = active_at + token_lifetime + CACHE_LIFETIME;
    store::update_others_to_retired(tx, made.key.kid(), active_at, expires_at).await?;
    store::notify(tx).await?;
    let states = list(tx).await?;
    states.into_iter().find(|state| state.key.kid == made.key.kid()).context("the new key is there").map_err(Into::into)
}

async fn add(app: &App, tx: &mut Tx, made: &Made, active_at: Timestamp) -> AppResult<()> {
    let Made { key, pkcs8 } = made;
    let sealed = app.sealer.seal(&bound_to(key.kid()), pkcs8);
    let public = serde_json::to_value(key.public_jwk())?;
    store::insert_key(tx, key.kid(), key.algorithm().as_str(), &public, &sealed, active_at).await?;
    audit::record(tx, Event::success("signing_key.created").on("signing_key", key.kid())).await?;
    Ok(())
}

fn assemble(app: &App, rows: &[store::KeyRow], now: Timestamp) -> AppResult<Keys> {
    let living: Vec<_> = rows.iter().filter(|row| row.state.duty(now) != Duty::Expired).collect();
    let signing = living
        .iter()
        .filter(|row| row.state.duty(now) == Duty::Signing)
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

/// How long to wait for a change, and never so long that a missed notification matters.
fn until(change: Timestamp, now: Timestamp) -> Duration {
    let wait = Duration::try_from(change.duration_since(now)).unwrap_or_default();
    // A timer ends a little early at times.
    (wait + Duration::from_millis(1)).min(LOOK_EVERY)
}

/// Waits for word of a change of keys, at most so long. Word of other things does not stretch the wait.
async fn changed_or_over(heard: &mut Receiver<Heard>, wait: Duration) {
    let mut over = pin!(tokio::time::sleep(wait));
    loop {
        tokio::select! {
            () = &mut over => return,
            heard = heard.recv() => match heard {
                Ok(Heard::Notification { channel }) if channel != "usher_keys" => {}
                _ => return,
            },
        }
    }
}

fn bound_to(kid: &str) -> String {
    format!("signing_key:{kid}")
}
