//! One refresh by itself: what is refused, repeated within the grace, or waits for somebody else who uses the same token or session.

use anyhow::Context as _;
use jiff::Timestamp;

use super::{Tokens, answer, issue, signed, store};
use crate::activity;
use crate::app::App;
use crate::audit::{self, Event};
use crate::caller::{self, Act, Cleared};
use crate::db::Tx;
use crate::error::{AppResult, Rejection};
use crate::faults::{self, Fault};
use crate::id::SessionId;
use crate::network::Network;
use crate::seal::Sealer;
use crate::secret::{Purpose, SecretText, bearer_hash};

/// What the successor of a refresh token is bound to.
const SUCCESSOR: &str = "successor";

/// What came of presenting a refresh token.
pub enum Refreshed {
    Tokens(Box<Tokens>),
    /// Refused; what was noted about it must be committed all the same.
    Refused(Rejection),
}

/// Exchanges a refresh token for new tokens.
pub async fn refresh_alone(app: &App, tx: &mut Tx, presented: &SecretText, hash: &[u8; 32]) -> AppResult<Refreshed> {
    let looked_up = if faults::planted(Fault::RefreshRace) { store::find_session_of_unused(tx, hash).await? } else { None };
    let Some(session_id) = store::use_refresh_token(tx, hash).await?.or(looked_up) else {
        return match find_retry(app, tx, presented, hash).await? {
            Some(retry) => go_on(app, tx, retry.session_id, Next::Same(retry)).await,
            None => note_reuse(tx, hash).await,
        };
    };
    go_on(app, tx, session_id, Next::New { presented, hash }).await
}

/// The refresh token that goes with the new access token.
enum Next<'a> {
    New { presented: &'a SecretText, hash: &'a [u8; 32] },
    Same(Retry),
}

/// A used token that came back within the grace, whose successor nobody has used.
struct Retry {
    session_id: SessionId,
    successor: SecretText,
    expires_at: Timestamp,
}

async fn go_on(app: &App, tx: &mut Tx, session_id: SessionId, next: Next<'_>) -> AppResult<Refreshed> {
    let Some(store::Found { session, user_id, last_seen_at }) = store::lock_session(tx, session_id).await? else {
        return Ok(Refreshed::Refused(invalid()));
    };
    match caller::ask(tx, user_id, Act::GoOn(&session)).await? {
        Ok(cleared) => {
            tx.act_as(user_id);
            store::update_session_seen(tx, session_id).await?;
            activity::note_again(tx, user_id, last_seen_at).await?;
            let tokens = match next {
                Next::New { presented, hash } => {
                    let tokens = issue(app, tx, cleared, session_id, session.expires_at).await?;
                    if let Some(sealed) = kept_successor(app, presented, &tokens.refresh_token) {
                        store::update_successor(tx, hash, sealed).await?;
                    }
                    tokens
                }
                Next::Same(retry) => issue_again(app, tx, cleared, retry).await?,
            };
            Ok(Refreshed::Tokens(Box::new(tokens)))
        }
        Err(refusal) => {
            let event =
                Event::failure("session.refreshed").on("session", session_id).about(user_id).detail("refusal", refusal.as_str());
            audit::record(tx, event).await?;
            Ok(Refreshed::Refused(invalid()))
        }
    }
}

/// With a retry grace, a client whose answer was lost may ask again and gets the same successor. The grace is for the
/// client that asked first: the same program from the same network.
async fn find_retry(app: &App, tx: &mut Tx, presented: &SecretText, hash: &[u8; 32]) -> AppResult<Option<Retry>> {
    let grace = signed(app.config.tokens.refresh_grace);
    if grace.is_zero() {
        return Ok(None);
    }
    let since = tx.now() - grace;
    let Some(used) = store::find_used_with_successor(tx, hash, since).await? else { return Ok(None) };
    let same_client = Network::of(used.address) == tx.origin().network() && used.user_agent == tx.origin().user_agent;
    if !same_client {
        return Ok(None);
    }
    let opened = under(presented).open(SUCCESSOR, &used.successor).map_err(anyhow::Error::from)?;
    let successor = SecretText::new(String::from_utf8(opened.to_vec()).context("a refresh token is text")?);
    let Some(next) = bearer_hash(Purpose::Refresh, &successor) else { return Ok(None) };
    let expires_at = store::find_unused(tx, &next).await?;
    Ok(expires_at.map(|expires_at| Retry { session_id: used.session_id, successor, expires_at }))
}

/// What is kept of the successor for whoever shows the used token again; nothing without a grace.
pub fn kept_successor(app: &App, used: &SecretText, successor: &str) -> Option<Vec<u8>> {
    let has_grace = !app.config.tokens.refresh_grace.is_zero();
    has_grace.then(|| under(used).seal(SUCCESSOR, successor.as_bytes()))
}

/// Only who shows the used token again can read its successor.
fn under(token: &SecretText) -> Sealer {
    Sealer::new(token.reveal().as_bytes())
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

/// The same refresh token as before, with an access token of its own.
async fn issue_again(app: &App, tx: &mut Tx, cleared: Cleared, retry: Retry) -> AppResult<Tokens> {
    let bearer = store::find_bearer(tx, retry.session_id).await?;
    answer(app, tx, cleared, &bearer, &retry.successor, retry.expires_at).await
}

/// One refusal for every reason.
pub fn invalid() -> Rejection {
    let detail = "This refresh token is unknown, has been used, or has expired. Sign in again.";
    Rejection::unauthenticated("invalid_refresh_token", detail)
}
