//! Sessions and their refresh tokens. A refresh token works once; a used one that comes back means that somebody has a copy,
//! and ends the session. Nothing here lives in memory: a restart revives nothing.

mod store;

#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use crate::audit::{self, Event};
use crate::caller::{self, Act, SessionStanding};
use crate::db::{DbResult, Tx};
use crate::error::{AppResult, Rejection};
use crate::id::{SessionId, UserId};
use crate::keyring::NewAccess;
use crate::secret::{Purpose, SecretText, bearer_hash, new_bearer};

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

/// Begins a session of a user who has just proved who they are, and whom the gate let through.
pub async fn begin(app: &App, tx: &mut Tx, user_id: UserId, amr: &[&str]) -> AppResult<Tokens> {
    let now = tx.now();
    let id = SessionId::new(now);
    let expires_at = now + signed(app.config.tokens.session_lifetime);
    store::insert_session(tx, id, user_id, expires_at, amr).await?;
    audit::record(tx, Event::success("session.begun").on("session", id).about(user_id).detail("user_id", user_id.to_string()))
        .await?;
    issue(app, tx, id, expires_at).await
}

/// What came of presenting a refresh token.
pub enum Refreshed {
    Tokens(Box<Tokens>),
    /// Refused; what was noted about it must be committed all the same.
    Refused(Rejection),
}

/// Exchanges a refresh token for new tokens.
pub async fn refresh(app: &App, tx: &mut Tx, presented: &SecretText) -> AppResult<Refreshed> {
    let Some(hash) = bearer_hash(Purpose::Refresh, presented) else { return Ok(Refreshed::Refused(invalid())) };
    let Some(session_id) = store::use_refresh_token(tx, &hash).await? else {
        return note_reuse(tx, &hash).await;
    };
    let Some((session, user_id)) = store::lock_session(tx, session_id).await? else { return Ok(Refreshed::Refused(invalid())) };
    let standing = caller::find_standing(tx, user_id).await?;
    let allowed = standing.as_ref().map(|standing| caller::may_act(standing, Act::GoOn(&session), tx.now()));
    match allowed {
        Some(Ok(())) => {
            tx.act_as(user_id);
            store::update_session_seen(tx, session_id).await?;
            Ok(Refreshed::Tokens(Box::new(issue(app, tx, session_id, session.expires_at).await?)))
        }
        Some(Err(refusal)) => {
            let event =
                Event::failure("session.refreshed").on("session", session_id).about(user_id).detail("refusal", refusal.as_str());
            audit::record(tx, event).await?;
            Ok(Refreshed::Refused(invalid()))
        }
        None => Ok(Refreshed::Refused(invalid())),
    }
}

/// A token that was used before: its whole family ends.
async fn note_reuse(tx: &mut Tx, hash: &[u8; 32]) -> AppResult<Refreshed> {
    if let Some((session_id, user_id)) = store::find_session_of_used(tx, hash).await? {
        store::end_session(tx, session_id, "refresh_token_reused").await?;
        tracing::warn!(session.id = %session_id, "ended a session: its refresh token was used twice");
        audit::record(tx, Event::failure("refresh_token.reused").on("session", session_id).about(user_id)).await?;
    }
    Ok(Refreshed::Refused(invalid()))
}

/// Ends a session; its access tokens are refused from the next request on.
pub async fn end(tx: &mut Tx, id: SessionId, reason: &str) -> DbResult<()> {
    if let Some(user_id) = store::end_session(tx, id, reason).await? {
        audit::record(tx, Event::success("session.ended").on("session", id).about(user_id).detail("why", reason)).await?;
    }
    Ok(())
}

/// Forgets sessions that ended or expired a month ago, and their refresh tokens.
pub async fn forget_ended(tx: &mut Tx) -> DbResult<u64> {
    let before = tx.now() - SignedDuration::from_hours(30 * 24);
    store::delete_ended(tx, before).await
}

async fn issue(app: &App, tx: &mut Tx, id: SessionId, session_expires_at: Timestamp) -> AppResult<Tokens> {
    let now = tx.now();
    let secret = new_bearer(Purpose::Refresh);
    let hash = bearer_hash(Purpose::Refresh, &secret).ok_or_else(|| anyhow::anyhow!("a new secret fits its own purpose"))?;
    let expires_at = (now + signed(app.config.tokens.refresh_lifetime)).min(session_expires_at);
    let bearer = store::insert_refresh_token(tx, &hash, id, expires_at).await?;
    let access = NewAccess {
        user_id: bearer.user_id,
        session_id: id,
        authenticated_at: bearer.authenticated_at,
        amr: &bearer.amr,
        roles: &bearer.roles,
    };
    Ok(Tokens {
        access_token: app.keyring.issue_access(&access, now)?,
        token_type: "Bearer",
        expires_in: app.keyring.access_lifetime().as_secs(),
        refresh_token: secret.reveal().to_owned(),
        refresh_expires_in: expires_at.duration_since(now).as_secs(),
    })
}

fn signed(duration: std::time::Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

fn invalid() -> Rejection {
    let detail = "This refresh token is unknown, has been used, or has expired. Sign in again.";
    Rejection::unauthenticated("invalid_refresh_token", detail)
}

/// A session as the gate sees it.
type Found = (SessionStanding, UserId);
