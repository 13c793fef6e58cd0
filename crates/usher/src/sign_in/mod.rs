//! Signing in, going on, and signing out.
//!
//! Every refusal of a sign-in looks the same and costs the same, whether the account does not exist, the password is wrong, or
//! the gate says no. An attempt is paid for before the hash is computed, by the account as seen from this
//! device or from everywhere else, and from unknown devices by the network too.

mod api;
mod pages;
mod proof;
mod store;
mod trace;

#[cfg(test)]
mod tests;

pub use api::router;
pub use pages::router as pages;
pub use proof::Proven;

use proof::{Account, prove};

use crate::app::App;
use crate::audit::{self, Event};
use crate::caller::{self, Act, Cleared, Device, Person};
use crate::db::{Origin, Tx};
use crate::devices;
use crate::error::{AppResult, Rejection};
use crate::faults;
use crate::id::SessionId;
use crate::mails::{self, Template};
use crate::password;
use crate::secret::SecretText;
use crate::sessions::{self, Begun, BrowserSession, Tokens};
use crate::users;

/// Who somebody says they are, and the proof.
pub struct Credentials<'a> {
    pub identifier: &'a str,
    pub password: &'a SecretText,
    /// What an earlier sign-in left on this device.
    pub device_token: Option<&'a SecretText>,
}

/// What a browser keeps of a sign-in.
pub struct BegunInBrowser {
    pub session: BrowserSession,
    /// Only when the device was not known before.
    pub device_token: Option<SecretText>,
}

/// Signs a person in by password.
pub async fn by_password(app: &App, origin: &Origin, credentials: Credentials<'_>) -> AppResult<Begun> {
    let mut entry = enter(app, origin, credentials).await?;
    let tokens = sessions::begin(app, &mut entry.tx, entry.cleared, Some(entry.device.id), &["pwd"]).await?;
    let device_token = entry.finish(app, origin).await?;
    Ok(Begun { tokens, device_token: device_token.map(|token| token.reveal().to_owned()) })
}

/// The same in a browser. The session that it has shown, if it had one, ends: whoever signs in there goes on with the new one.
pub async fn in_browser(
    app: &App,
    origin: &Origin,
    credentials: Credentials<'_>,
    before: Option<SessionId>,
) -> AppResult<BegunInBrowser> {
    let mut entry = enter(app, origin, credentials).await?;
    if let Some(before) = before {
        sessions::end(&mut entry.tx, before, "replaced").await?;
    }
    let session = sessions::begin_in_browser(app, &mut entry.tx, entry.cleared, Some(entry.device.id), &["pwd"]).await?;
    let device_token = entry.finish(app, origin).await?;
    Ok(BegunInBrowser { session, device_token })
}

/// Somebody who was let in, before their session has begun.
struct Entry {
    tx: Tx,
    cleared: Cleared,
    device: devices::Device,
    proven: Proven,
    password: SecretText,
}

impl Entry {
    async fn finish(self, app: &App, origin: &Origin) -> AppResult<Option<SecretText>> {
        self.tx.commit().await?;
        metrics::counter!("usher_sign_ins_total", "outcome" => "success").increment(1);
        rehash(app, origin, &self.proven, &self.password).await;
        Ok(self.device.token)
    }
}

/// Proves the password, asks the gate, and notes the sign-in. What was refused is noted and committed.
async fn enter(app: &App, origin: &Origin, credentials: Credentials<'_>) -> AppResult<Entry> {
    let account = Account::Named { identifier: credentials.identifier, device_token: credentials.device_token };
    let password = password::normalised(credentials.password);
    let Some((mut tx, proven)) = prove(app, origin, &account, &password).await? else {
        return Err(faults::explain(invalid_credentials(), &password).into());
    };
    let Some(cleared) = pass_the_gate(&mut tx, &proven).await? else {
        tx.commit().await?;
        return Err(invalid_credentials().into());
    };
    let id = proven.user_id;
    tx.act_as(id);
    users::note_sign_in(&mut tx, id).await?;
    audit::record(&mut tx, trace::note_device(Event::success("sign_in").on("user", id), proven.device)).await?;
    let device = devices::note_sign_in(&mut tx, id, proven.device).await?;
    if device.is_strange {
        let about = mails::About::of(&tx);
        mails::request_about(&mut tx, Template::NewDevice, id, about).await?;
    }
    Ok(Entry { tx, cleared, device, proven, password })
}

/// Proves again who somebody is who has signed in before. A new session begins in the place of the old one.
pub async fn again(app: &App, person: &Person, password: &SecretText) -> AppResult<Tokens> {
    let (mut tx, cleared) = prove_again(app, person, password).await?;
    let tokens = sessions::replace(app, &mut tx, cleared, person.session_id).await?;
    tx.commit().await?;
    Ok(tokens)
}

/// The same in a browser.
pub async fn again_in_browser(app: &App, person: &Person, password: &SecretText) -> AppResult<BrowserSession> {
    let (mut tx, cleared) = prove_again(app, person, password).await?;
    let session = sessions::replace_in_browser(app, &mut tx, cleared, person.session_id).await?;
    tx.commit().await?;
    Ok(session)
}

async fn prove_again(app: &App, person: &Person, password: &SecretText) -> AppResult<(Tx, Cleared)> {
    let Some((mut tx, proven)) = prove_own(app, person, password).await? else {
        return Err(wrong_password("/password").into());
    };
    let Some(cleared) = pass_the_gate(&mut tx, &proven).await? else {
        tx.commit().await?;
        return Err(Rejection::token_refused().into());
    };
    Ok((tx, cleared))
}

/// Whether this is the password of somebody who has signed in. Attempts count as they do at a sign-in on their device.
pub async fn prove_own(app: &App, person: &Person, password: &SecretText) -> AppResult<Option<(Tx, Proven)>> {
    let mut tx = app.begin(&person.origin).await?;
    let device = sessions::find_device(&mut tx, person.session_id).await?;
    tx.commit().await?;
    let account = Account::User { id: person.user_id, device };
    prove(app, &person.origin, &account, &password::normalised(password)).await
}

/// The refusal of a password to somebody who has signed in.
pub fn wrong_password(pointer: &str) -> Rejection {
    Rejection::unprocessable_field(pointer, "wrong_password", "This is not your present password.")
}

async fn pass_the_gate(tx: &mut Tx, proven: &Proven) -> AppResult<Option<Cleared>> {
    let device = if proven.device.is_some() { Device::Known } else { Device::Unknown };
    let act = Act::SignIn { device, auth_epoch: proven.auth_epoch };
    match caller::ask(tx, proven.user_id, act).await? {
        Ok(cleared) => Ok(Some(cleared)),
        Err(refusal) => {
            let event = Event::failure("sign_in").on("user", proven.user_id).detail("refusal", refusal.as_str());
            let event = trace::note_device(event, proven.device);
            audit::record(tx, event).await?;
            metrics::counter!("usher_sign_ins_total", "outcome" => "failure").increment(1);
            Ok(None)
        }
    }
}

/// Stores the password under today's parameters when they have been raised since. The person need not wait for success.
async fn rehash(app: &App, origin: &Origin, proven: &Proven, password: &SecretText) {
    if !app.hasher.is_outdated(&proven.phc) {
        return;
    }
    let store = async {
        let phc = app.hasher.hash(password, origin.network()).await?;
        let mut tx = app.begin_as(crate::db::Actor::System).await?;
        password::rehash(&mut tx, proven.user_id, &proven.phc, &phc).await?;
        tx.commit().await?;
        AppResult::Ok(())
    };
    crate::error::LogAndIgnore::log_and_ignore(store.await, "the next sign-in tries again");
}

/// One refusal for every reason.
fn invalid_credentials() -> Rejection {
    let detail = "Address or user name and password do not fit together, or the account can't be used.";
    Rejection::unauthenticated("invalid_credentials", detail)
}
