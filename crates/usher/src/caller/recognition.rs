//! From what a request shows to who asks: an access token or an API key, judged by the database for this very request.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use usher_oidc::jose::TokenError;

use super::{Act, Caller, Cleared, Credential, KeyStanding, SessionStanding, Standing, Subject, may_act, store};
use crate::app::App;
use crate::db::Origin;
use crate::error::{AppResult, Rejection};
use crate::id::ApiKeyId;
use crate::secret::{Purpose, SecretText, bearer_hash};

/// How exactly it is known when a key was last used: a busy one does not write with every request.
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
    let Some((standing, session)) = store::find_by_session(app.db.read(), claims.session_id, now).await? else {
        return refused();
    };
    if standing.subject != Subject::User(claims.user_id) {
        return refused();
    }
    let Some(cleared) = ask(app, &standing, Act::GoOn(&session)) else { return refused() };
    let SessionStanding { id, began_at, expires_at, .. } = session;
    let credential = Credential::Session { id, began_at, expires_at };
    Ok(Caller { cleared, credential, permissions: standing.permissions, origin: origin.by(standing.subject.actor()) })
}

/// The key, and its holder as they are now. It may do what it was made for, as far as its holder may.
async fn by_api_key(app: &App, key: &str, origin: Origin) -> AppResult<Caller> {
    let Some(hash) = bearer_hash(Purpose::ApiKey, &SecretText::new(key.to_owned())) else { return refused() };
    let Some(found) = store::find_by_key(app.db.pipeline(), &hash, app.clock.now()).await? else { return refused() };
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
