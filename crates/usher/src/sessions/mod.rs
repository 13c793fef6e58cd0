//! Sessions and their refresh tokens. A refresh token works once; a used one that comes back means that somebody has a copy,
//! and ends the session. Nothing here lives in memory: a restart revives nothing.

mod api;
mod browser;
mod device;
mod gathering;
mod pages;
mod refreshing;
mod store;

#[cfg(test)]
mod tests;

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

pub use api::router;
pub use browser::{BrowserSession, begin_in_browser, note_seen, replace_in_browser, strengthen_in_browser};
pub use device::label as device_label;
pub use gathering::refresh;
pub use pages::router as pages;

use crate::activity;
use crate::app::App;
use crate::attributes;
use crate::audit::{self, Event};
use crate::caller::{Assurance, Cleared};
use crate::db::page::{self, Limit, Page};
use crate::db::{DbResult, Tx, partitions};
use crate::error::{AppResult, Rejection};
use crate::id::{DeviceId, SessionId, UserId};
use crate::keyring::NewAccess;
use crate::secret::{Purpose, SecretText, new_bearer_and_hash};

/// What a sign-in and a refresh answer with (RFC 6749, section 5.1).
#[derive(Debug, Serialize, JsonSchema)]
pub struct Tokens {
    /// For `Authorization: Bearer`: a signed JWT (RFC 9068).
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// Seconds until the access token expires.
    pub expires_in: u64,
    /// Works once, at `POST /v1/refresh`; every refresh answers with a new one.
    pub refresh_token: String,
    /// Seconds until the refresh token expires.
    pub refresh_expires_in: i64,
}

/// A session that has begun.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Begun {
    #[serde(flatten)]
    pub tokens: Tokens,
    /// For this device to keep and to send with the next sign-in; only when it was not known before, or is trusted from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_token: Option<String>,
    /// Until when the second factor is not asked for again on this device; only when that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_trusted_until: Option<Timestamp>,
    /// By when a second factor must be bound; from then on nothing but that works. Left out when nothing asks for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub second_factor_due_at: Option<Timestamp>,
}

/// A sign-in that has not ended.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(extend("example" = api::example()))]
pub struct Session {
    pub id: SessionId,
    /// Whether it is the session that asks.
    pub current: bool,
    /// Where it was begun, in words: a guess from the user agent.
    pub device: String,
    pub user_agent: Option<String>,
    /// Where it was last seen from.
    #[schemars(with = "Option<String>")]
    pub address: Option<IpAddr>,
    /// How the person proved who they are (RFC 8176).
    pub amr: Vec<String>,
    pub created_at: Timestamp,
    /// When it was last refreshed.
    pub last_seen_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
}

/// One page of a user's living sessions, the newest first. `here` is the one that asks.
pub async fn list(
    tx: &mut Tx,
    user_id: UserId,
    here: Option<SessionId>,
    limit: Limit,
    cursor: Option<&str>,
) -> AppResult<Page<Session>> {
    let before: Option<SessionId> = cursor.map(page::decode).transpose()?;
    let sessions = store::list_living(tx, user_id, here, before, limit.and_one()).await?;
    Ok(Page::cut(sessions, limit, |session| session.id))
}

/// Ends a living session of this user; another's is none of theirs.
pub async fn end_of(tx: &mut Tx, user_id: UserId, id: SessionId, reason: &str) -> AppResult<()> {
    if !store::end_living(tx, user_id, id, reason).await? {
        return Err(Rejection::not_found().into());
    }
    let event = Event::success("session.ended").on("session", id).about(user_id).changed(&(), &json!({ "ended_at": tx.now() }));
    audit::record(tx, event.detail("why", reason)).await?;
    Ok(())
}

/// Ends the user's sessions but this one.
pub async fn end_others(tx: &mut Tx, user_id: UserId, kept: SessionId) -> AppResult<()> {
    store::end_others(tx, user_id, kept, "ended_from_another").await?;
    audit::record(tx, Event::success("user.other_sessions_ended").on("user", user_id)).await?;
    Ok(())
}

/// Begins a session of a user who has just proved who they are, and whom the gate let through.
pub async fn begin(app: &App, tx: &mut Tx, cleared: Cleared, device: Option<DeviceId>, amr: &[&str]) -> AppResult<Tokens> {
    let (id, expires_at) = start(app, tx, cleared, device, amr).await?;
    issue(app, tx, cleared, id, expires_at).await
}

/// Writes a session down that nobody can show yet; and when it ends at the latest. Whatever the way here, who has a second factor gets
/// no session without it.
async fn start(
    app: &App,
    tx: &mut Tx,
    cleared: Cleared,
    device: Option<DeviceId>,
    amr: &[&str],
) -> AppResult<(SessionId, Timestamp)> {
    let now = tx.now();
    let user_id = person(cleared)?;
    if cleared.needs_second_factor() && !amr.contains(&Assurance::MANY) {
        return Err(anyhow::anyhow!("a session of one factor, for a user who has two").into());
    }
    let id = SessionId::new(now);
    let expires_at = now + signed(app.config.tokens.session_lifetime);
    store::insert_session(tx, id, (user_id, cleared.auth_epoch()), expires_at, device, amr).await?;
    activity::note(tx, user_id).await?;
    audit::record(tx, Event::success("session.begun").on("session", id).about(user_id).detail("user_id", user_id.to_string()))
        .await?;
    Ok((id, expires_at))
}

/// Begins a session in the place of the one it was asked for in: what a person may do has changed, and so do their tokens.
/// The new one goes on with the methods that the old one was begun with.
pub async fn replace(app: &App, tx: &mut Tx, cleared: Cleared, old: SessionId) -> AppResult<Tokens> {
    strengthen(app, tx, cleared, old, &[]).await
}

/// The same, when the person has shown more than the old one was begun with.
pub async fn strengthen(app: &App, tx: &mut Tx, cleared: Cleared, old: SessionId, shown: &[&str]) -> AppResult<Tokens> {
    let (device, amr) = give_way(tx, old).await?;
    begin(app, tx, cleared, device, &with(&amr, shown)).await
}

/// The methods of a session, and those that are not among them. Who proves again who they are was spared nothing.
fn with<'a>(amr: &'a [String], shown: &[&'a str]) -> Vec<&'a str> {
    let kept = |method: &&str| shown.is_empty() || *method != Assurance::SPARED;
    let mut all: Vec<&str> = amr.iter().map(String::as_str).filter(kept).collect();
    all.extend(shown.iter().filter(|method| !amr.iter().any(|known| known == *method)));
    all
}

/// Ends a session that another takes the place of, and tells what goes over to that one.
async fn give_way(tx: &mut Tx, old: SessionId) -> DbResult<(Option<DeviceId>, Vec<String>)> {
    let amr = store::find_amr(tx, old).await?;
    let device = store::find_device(tx, old).await?;
    end(tx, old, "replaced").await?;
    Ok((device, amr))
}

/// Ends a session; its access tokens are refused from the next request on.
pub async fn end(tx: &mut Tx, id: SessionId, reason: &str) -> DbResult<()> {
    if let Some(user_id) = store::end_session(tx, id, reason).await? {
        audit::record(tx, Event::success("session.ended").on("session", id).about(user_id).detail("why", reason)).await?;
    }
    Ok(())
}

/// Ends every session of everybody, and says how many.
pub async fn end_everything(tx: &mut Tx, reason: &str) -> DbResult<u64> {
    store::end_everything(tx, reason).await
}

/// The device that a session was begun on, if it is still known.
pub async fn find_device(tx: &mut Tx, id: SessionId) -> DbResult<Option<DeviceId>> {
    store::find_device(tx, id).await
}

/// What the settings allow a session at the most. Whoever brings a used token of one that may live is found out.
const LIFETIME_MAX: SignedDuration = SignedDuration::from_hours(30 * 24);
/// A month, and the week of the partition with the last refresh token, and a day for the job: the tokens have gone before, with it.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(38 * 24);

/// Forgets refresh tokens whose sessions can't go on any more, a week at a time. Everybody waits for it to commit who refreshes.
pub async fn forget_refresh_tokens(tx: &mut Tx) -> DbResult<()> {
    partitions::drop_over(tx, "refresh_tokens", tx.now() - LIFETIME_MAX).await?;
    Ok(())
}

/// Forgets some sessions that ended or expired long ago; true when there may be more.
pub async fn forget_ended(tx: &mut Tx) -> DbResult<bool> {
    store::delete_ended(tx, tx.now() - KEPT_FOR).await
}

/// Nobody gets tokens whom the gate has not let through.
async fn issue(app: &App, tx: &mut Tx, cleared: Cleared, id: SessionId, session_expires_at: Timestamp) -> AppResult<Tokens> {
    let (secret, hash) = new_bearer_and_hash(Purpose::Refresh);
    let expires_at = refresh_expires_at(app, tx.now(), session_expires_at);
    let bearer = store::insert_refresh_token(tx, &hash, id, expires_at).await?;
    answer(app, tx, cleared, &bearer, &secret, expires_at).await
}

fn refresh_expires_at(app: &App, now: Timestamp, session_expires_at: Timestamp) -> Timestamp {
    (now + signed(app.config.tokens.refresh_lifetime)).min(session_expires_at)
}

async fn answer(
    app: &App,
    tx: &mut Tx,
    cleared: Cleared,
    bearer: &store::Bearer,
    refresh_token: &SecretText,
    refresh_expires_at: Timestamp,
) -> AppResult<Tokens> {
    let (now, user_id) = (tx.now(), person(cleared)?);
    // Who reads the token alone must not take them for somebody who may go on.
    let owes = cleared.owes_second_factor();
    let attributes = if owes { Map::new() } else { claims_of_attributes(app, tx, user_id).await? };
    let access = NewAccess {
        user_id,
        session_id: bearer.session_id,
        authenticated_at: bearer.authenticated_at,
        amr: &bearer.amr,
        roles: if owes { &[] } else { &bearer.roles },
        attributes: &attributes,
    };
    Ok(Tokens {
        access_token: app.keyring.issue_access(&access, now)?,
        token_type: "Bearer",
        expires_in: app.keyring.access_lifetime().as_secs(),
        refresh_token: refresh_token.reveal().to_owned(),
        refresh_expires_in: refresh_expires_at.duration_since(now).as_secs(),
    })
}

/// As the attributes are now. Where no property of the schema names a claim, nothing is read.
async fn claims_of_attributes(app: &App, tx: &mut Tx, user_id: UserId) -> AppResult<Map<String, Value>> {
    let schema = attributes::cached(app).await?;
    if !schema.has_claims() {
        return Ok(Map::new());
    }
    let claims = schema.claims(&store::find_attributes(tx, user_id).await?);
    if claims.is_none() {
        tracing::warn!(user.id = %user_id, "left the attributes out of an access token: they are more than one carries");
    }
    Ok(claims.unwrap_or_default())
}

/// Only a person signs in.
fn person(cleared: Cleared) -> AppResult<UserId> {
    cleared.subject().user_id().ok_or_else(|| anyhow::anyhow!("a service account has no session").into())
}

fn signed(duration: std::time::Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
