//! Signing in with a passkey, and proving again who one is. It takes no password and no name: who they are, the passkey says. The gate,
//! the trail and the device are those of every sign-in, and so is the one refusal for every reason.

mod api;
mod pages;

#[cfg(test)]
mod tests;

pub use api::router;
pub use pages::router as pages;

use jiff::Timestamp;

use super::proof::Who;
use super::{BegunInBrowser, Entry, Way, begin, begin_in_browser, let_in, pending, store, trace};
use crate::app::App;
use crate::audit::{self, Event};
use crate::caller::{self, Act, Assurance, Cleared, Device, Person};
use crate::db::{Origin, Tx};
use crate::devices;
use crate::error::{AppResult, Rejection};
use crate::id::{SessionId, UserId};
use crate::second_factors::passkeys::{self, Answer, Ceremony, Judged, METHODS, Proof};
use crate::second_factors::{self, Factor};
use crate::secret::SecretText;
use crate::sessions::{self, Begun, BrowserSession, Tokens};

/// What earlier steps have left with whoever shows a passkey.
#[derive(Clone, Copy)]
struct Held<'a> {
    device: Option<&'a SecretText>,
    /// The sign-in that waits for the second factor: pages ask for any passkey there too.
    pending: Option<&'a SecretText>,
}

/// Asks for a passkey: for any, or for one of who waits to show a second factor.
async fn ask(app: &App, origin: &Origin, waiting: Option<&SecretText>) -> AppResult<Ceremony> {
    let mut tx = app.begin(origin).await?;
    let asked = match waiting {
        Some(token) => Some(pending::find(&mut tx, token).await?.ok_or_else(pending::over)?.asked()),
        None => None,
    };
    let ceremony = passkeys::ask(app, &mut tx, asked).await?;
    tx.commit().await?;
    Ok(ceremony)
}

/// Signs the owner of the passkey in.
async fn sign_in(app: &App, origin: &Origin, answer: Answer<'_>, device: Option<&SecretText>) -> AppResult<Begun> {
    begin(app, enter(app, origin, answer, Held { device, pending: None }).await?).await
}

/// The same in a browser.
async fn sign_in_in_browser(
    app: &App,
    origin: &Origin,
    answer: Answer<'_>,
    held: Held<'_>,
    before: Option<SessionId>,
) -> AppResult<BegunInBrowser> {
    begin_in_browser(app, enter(app, origin, answer, held).await?, before).await
}

/// What was refused is noted and committed.
async fn enter(app: &App, origin: &Origin, answer: Answer<'_>, held: Held<'_>) -> AppResult<Entry> {
    let mut tx = app.begin(origin).await?;
    let mut judged = passkeys::prove(app, &mut tx, answer).await?;
    if let (Some(pending), None) = (held.pending, judged.asked_at) {
        judged.asked_at = asked_at(&mut tx, &judged.proof, pending).await?;
    }
    let Judged { proof: Proof::Right(user_id), asked_at } = judged else { return refuse(tx, judged).await };
    let device = devices::find(&mut tx, user_id, held.device).await?;
    let (_, auth_epoch) = store::find_proof(&mut tx, user_id).await?;
    let who = Who { user_id, device, auth_epoch, asked_at };
    let Some(cleared) = pass_the_gate(&mut tx, who).await? else {
        tx.commit().await?;
        return Err(not_opened().into());
    };
    let_in(tx, who, cleared, Way::with(Factor::Passkey)).await
}

/// When the sign-in that waits has asked for a second factor, if it is one of the passkey's owner.
async fn asked_at(tx: &mut Tx, proof: &Proof, pending: &SecretText) -> AppResult<Option<Timestamp>> {
    let (Proof::Right(owner) | Proof::Wrong(Some(owner))) = proof else { return Ok(None) };
    let waiting = pending::find(tx, pending).await?.filter(|who| who.user_id == *owner);
    Ok(waiting.and_then(|who| who.asked_at))
}

/// Proves again who somebody is who has signed in before. A new session begins in the place of the old one.
async fn again(app: &App, person: &Person, answer: Answer<'_>) -> AppResult<Tokens> {
    let (mut tx, cleared) = prove_again(app, person, answer).await?;
    let tokens = sessions::strengthen(app, &mut tx, cleared, person.session_id, &METHODS).await?;
    tx.commit().await?;
    Ok(tokens)
}

/// The same in a browser.
async fn again_in_browser(app: &App, person: &Person, answer: Answer<'_>) -> AppResult<BrowserSession> {
    let (mut tx, cleared) = prove_again(app, person, answer).await?;
    let session = sessions::strengthen_in_browser(app, &mut tx, cleared, person.session_id, &METHODS).await?;
    tx.commit().await?;
    Ok(session)
}

async fn prove_again(app: &App, person: &Person, answer: Answer<'_>) -> AppResult<(Tx, Cleared)> {
    let mut tx = app.begin(&person.origin).await?;
    let proof = match passkeys::prove(app, &mut tx, answer).await?.proof {
        Proof::Right(id) if id != person.user_id => Proof::Wrong(Some(id)),
        proof => proof,
    };
    // It is no sign-in: none goes on with it.
    let Proof::Right(user_id) = proof else { return refuse(tx, Judged { proof, asked_at: None }).await };
    let device = sessions::find_device(&mut tx, person.session_id).await?;
    let (_, auth_epoch) = store::find_proof(&mut tx, user_id).await?;
    let Some(cleared) = pass_the_gate(&mut tx, Who { user_id, device, auth_epoch, asked_at: None }).await? else {
        tx.commit().await?;
        return Err(Rejection::token_refused().into());
    };
    Ok((tx, cleared))
}

/// A refusal of the gate is noted.
async fn pass_the_gate(tx: &mut Tx, who: Who) -> AppResult<Option<Cleared>> {
    let device = if who.device.is_some() { Device::Known } else { Device::Unknown };
    let act = Act::SignIn { device, auth_epoch: who.auth_epoch, assurance: Assurance::TwoFactors };
    match caller::ask(tx, who.user_id, act).await? {
        Ok(cleared) => Ok(Some(cleared)),
        Err(refusal) => {
            let event = trace::note(refused(refusal.as_str()).on("user", who.user_id), who);
            audit::record(tx, event).await?;
            metrics::counter!("usher_sign_ins_total", "outcome" => "failure").increment(1);
            Ok(None)
        }
    }
}

async fn refuse<T>(mut tx: Tx, judged: Judged) -> AppResult<T> {
    let event = match judged.proof {
        Proof::Right(id) | Proof::Wrong(Some(id)) => refused("passkey").on("user", id),
        Proof::Wrong(None) => refused("passkey"),
    };
    audit::record(&mut tx, second_factors::note_asked(event, judged.asked_at)).await?;
    tx.commit().await?;
    metrics::counter!("usher_sign_ins_total", "outcome" => "failure").increment(1);
    Err(not_opened().into())
}

fn refused(why: &'static str) -> Event {
    Event::failure("sign_in").detail("refusal", why).detail("second_factor", Factor::Passkey.as_str())
}

/// One refusal for every reason.
fn not_opened() -> Rejection {
    let detail =
        "This passkey does not open an account here, or the challenge was over. Try again, or sign in with your password.";
    Rejection::unauthenticated("invalid_credentials", detail)
}

/// Whose passkeys could be asked for.
async fn has_any(app: &App, origin: &Origin, user_id: UserId) -> AppResult<bool> {
    let mut tx = app.begin(origin).await?;
    let passkeys = passkeys::list(&mut tx, user_id).await?;
    tx.commit().await?;
    Ok(passkeys::are_available(app) && !passkeys.is_empty())
}
