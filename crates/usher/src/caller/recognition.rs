//! From what a request shows to who asks: an access token, an API key or a browser's session, judged by the database for this very
//! request.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use usher_oidc::jose::TokenError;

use super::{Act, Caller, Cleared, Credential, KeyStanding, SessionStanding, Standing, Subject, may_act, store};
use crate::app::App;
use crate::db::Origin;
use crate::error::{AppResult, Rejection};
use crate::id::{ApiKeyId, SessionId, UserId};
use crate::pictures;
use crate::secret::{Purpose, SecretText, bearer_hash};

/// How exactly it is known when a key or a session was last used: a busy one does not write with every request.
const USE_NOTED_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// That a key was used, and when it was before.
#[derive(Clone, Copy, Debug)]
pub struct KeyUse {
    pub id: ApiKeyId,
    pub holder: Subject,
    pub last_used_at: Option<Timestamp>,
    /// Where it was used from now.
    pub address: Option<IpAddr>,
}

/// That a browser has shown its session, and when it did before.
#[derive(Clone, Copy, Debug)]
pub struct SessionUse {
    pub id: SessionId,
    pub user_id: UserId,
    pub last_seen_at: Timestamp,
    /// Where it was shown from now.
    pub address: Option<IpAddr>,
}

/// Whether somebody is there when a browser asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    There,
    /// A script asks by itself, which keeps no session alive.
    Perhaps,
}

/// Somebody whose browser shows a session that lives.
#[derive(Clone, Debug)]
pub struct Recognised {
    pub caller: Caller,
    /// What to call them: as they want it, or by their user name.
    pub name: String,
    /// The URL of their picture.
    pub avatar_url: String,
    /// The tag of the language that their profile names.
    pub locale: Option<String>,
    /// The time zone that their profile names.
    pub time_zone: Option<String>,
}

/// Who shows this bearer credential, if they may act now.
pub async fn recognise(app: &App, bearer: &str, origin: Origin) -> AppResult<Caller> {
    if bearer.starts_with(Purpose::ApiKey.prefix()) {
        return by_api_key(app, bearer, origin).await;
    }
    by_access_token(app, bearer, origin).await
}

/// Signature and claims, then the session and the user as they are now.
async fn by_access_token(app: &App, token: &str, origin: Origin) -> AppResult<Caller> {
    let now = app.clock.now();
    let mut verified = app.keyring.verify_access(token, now);
    if verified == Err(TokenError::UnknownKey) {
        (app.on_unknown_key)(app.clone()).await?;
        verified = app.keyring.verify_access(token, now);
    }
    let Ok(claims) = verified else { return refused() };
    let all_need = app.config.password.needs_second_factor();
    let found = store::find_by_session(app.db.read(), claims.session_id, now, all_need).await?;
    let Some((standing, session)) = found else { return refused() };
    if standing.subject != Subject::User(claims.user_id) {
        return refused();
    }
    let Some(cleared) = ask(app, &standing, Act::GoOn(&session)) else { return refused() };
    let SessionStanding { id, began_at, expires_at, assurance, .. } = session;
    let credential = Credential::Session { id, began_at, expires_at, assurance };
    Ok(Caller { cleared, credential, permissions: standing.permissions, origin: origin.by(standing.subject.actor()) })
}

/// The key, and its holder as they are now. It may do what it was made for, as far as its holder may.
async fn by_api_key(app: &App, key: &str, origin: Origin) -> AppResult<Caller> {
    let Some(hash) = bearer_hash(Purpose::ApiKey, &SecretText::new(key.to_owned())) else { return refused() };
    let all_need = app.config.password.needs_second_factor();
    let found = store::find_by_key(app.db.pipeline(), &hash, app.clock.now(), all_need).await?;
    let Some(found) = found else { return refused() };
    let Some(cleared) = ask(app, &found.holder, Act::UseKey(&found.key)) else { return refused() };
    let KeyStanding { id, expires_at, .. } = found.key;
    if found.last_used_at.is_none_or(|last| last + USE_NOTED_EVERY <= app.clock.now()) {
        let noted = KeyUse { id, holder: found.holder.subject, last_used_at: found.last_used_at, address: origin.address };
        (app.on_key_used)(app.clone(), noted).await;
    }
    Ok(Caller {
        cleared,
        credential: Credential::ApiKey { id, expires_at },
        permissions: found.granted.intersection(found.holder.permissions),
        origin: Origin { api_key: Some(id), ..origin.by(found.holder.subject.actor()) },
    })
}

/// Whose session the secret in a browser's cookie is of; nobody's, if it does not live any more.
pub async fn recognise_browser(
    app: &App,
    secret: &SecretText,
    origin: Origin,
    presence: Presence,
) -> AppResult<Option<Recognised>> {
    let now = app.clock.now();
    let Some(hash) = bearer_hash(Purpose::Browser, secret) else { return Ok(None) };
    let all_need = app.config.password.needs_second_factor();
    let Some(found) = store::find_by_browser(app.db.pipeline(), &hash, now, all_need).await? else { return Ok(None) };
    let Some(cleared) = ask(app, &found.standing, Act::GoOn(&found.session)) else { return Ok(None) };
    let SessionStanding { id, began_at, expires_at, assurance, .. } = found.session;
    if presence == Presence::There && found.last_seen_at + USE_NOTED_EVERY <= now {
        let seen = SessionUse { id, user_id: found.user_id, last_seen_at: found.last_seen_at, address: origin.address };
        (app.on_session_seen)(app.clone(), seen).await;
    }
    let caller = Caller {
        cleared,
        credential: Credential::Session { id, began_at, expires_at, assurance },
        permissions: found.standing.permissions,
        origin: origin.by(found.standing.subject.actor()),
    };
    let avatar_url = pictures::url(found.user_id, found.avatar.as_deref());
    Ok(Some(Recognised { caller, name: found.name, avatar_url, locale: found.locale, time_zone: found.time_zone }))
}

fn ask(app: &App, standing: &Standing, act: Act<'_>) -> Option<Cleared> {
    match may_act(standing, act, app.clock.now()) {
        Ok(cleared) => Some(cleared),
        Err(refusal) => {
            tracing::debug!(subject.id = %standing.subject.id(), refusal = refusal.as_str(), "refused a credential");
            None
        }
    }
}

/// One answer for every reason.
fn refused() -> AppResult<Caller> {
    Err(Rejection::token_refused().into())
}
