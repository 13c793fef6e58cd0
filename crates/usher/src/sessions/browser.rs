//! Sessions that a browser shows by a cookie. They are sessions like all others: listed, ended, judged by the gate at every request.
//! What the cookie holds is another secret for each, and goes with the session that another takes the place of.

use std::pin::Pin;

use jiff::SignedDuration;

use super::{give_way, signed, start, store, with};
use crate::activity;
use crate::app::App;
use crate::caller::{Cleared, SessionUse};
use crate::db::{DbResult, Tx};
use crate::error::{AppResult, LogAndIgnore};
use crate::id::{DeviceId, SessionId};
use crate::secret::{Purpose, SecretText, new_bearer_and_hash};

/// A session that has begun in a browser.
pub struct BrowserSession {
    /// For the browser to show. Only its hash is kept.
    pub secret: SecretText,
    /// How long the session lasts at the most.
    pub lasts: SignedDuration,
}

/// Begins a session of a user who has just proved who they are, and whom the gate let through.
pub async fn begin_in_browser(
    app: &App,
    tx: &mut Tx,
    cleared: Cleared,
    device: Option<DeviceId>,
    amr: &[&str],
) -> AppResult<BrowserSession> {
    let now = tx.now();
    let (id, expires_at) = start(app, tx, cleared, device, amr).await?;
    let (secret, hash) = new_bearer_and_hash(Purpose::Browser);
    let unseen_until = (now + signed(app.config.tokens.refresh_lifetime)).min(expires_at);
    store::insert_browser_session(tx, id, &hash, unseen_until).await?;
    Ok(BrowserSession { secret, lasts: expires_at.duration_since(now) })
}

/// Begins one in the place of the one it was asked for in.
pub async fn replace_in_browser(app: &App, tx: &mut Tx, cleared: Cleared, old: SessionId) -> AppResult<BrowserSession> {
    strengthen_in_browser(app, tx, cleared, old, &[]).await
}

/// The same, when the person has shown more than the old one was begun with.
pub async fn strengthen_in_browser(
    app: &App,
    tx: &mut Tx,
    cleared: Cleared,
    old: SessionId,
    shown: &[&str],
) -> AppResult<BrowserSession> {
    let (device, amr) = give_way(tx, old).await?;
    begin_in_browser(app, tx, cleared, device, &with(&amr, shown)).await
}

/// Notes when and where from a browser has shown its session, which moves its end on. The request goes on whether or not that can be
/// written.
pub fn note_seen(app: App, seen: SessionUse) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move { write_seen(&app, seen).await.log_and_ignore("the next request notes it") })
}

/// The day of a person comes first: what fails is done at the next request as long as the session does not say that it was seen.
async fn write_seen(app: &App, seen: SessionUse) -> DbResult<()> {
    let now = app.clock.now();
    activity::note_use(app.db.counters(), seen.user_id, Some(seen.last_seen_at), now).await?;
    let unseen_until = now + signed(app.config.tokens.refresh_lifetime);
    store::update_browser_seen(app.db.counters(), seen.id, now, seen.address, unseen_until).await
}
