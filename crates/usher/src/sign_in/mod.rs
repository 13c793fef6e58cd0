//! Signing in, going on, and signing out.
//!
//! Every refusal of a sign-in looks the same and costs the same, whether the account does not exist, the password is wrong, or
//! the gate says no. An attempt is paid for before the hash is computed, by the account as seen from this
//! device or from everywhere else, and from unknown devices by the network too.
//!
//! Who has bound a second factor gets nothing for the password but a handle with which they may show it; only then does the gate
//! let them in.

mod api;
mod pages;
mod passkeys;
mod pending;
mod proof;
mod store;
mod trace;

#[cfg(test)]
mod tests;

pub use api::router;
pub use pages::router as pages;
pub use pending::{Pending, register};
pub use proof::Proven;
pub use trace::{Attempt, list as list_attempts};

use jiff::Timestamp;

use proof::{Account, Who, prove};

use crate::app::App;
use crate::audit::{self, Event};
use crate::caller::{self, Act, Assurance, Cleared, Device, Person, Refusal};
use crate::db::{DbResult, Origin, Tx};
use crate::devices;
use crate::error::{AppResult, Rejection};
use crate::faults;
use crate::id::SessionId;
use crate::mails::{self, Template};
use crate::password;
use crate::second_factors::{self, Factor};
use crate::secret::SecretText;
use crate::sessions::{self, Begun, BrowserSession, Tokens};
use crate::users;

/// By what somebody is let in.
#[derive(Clone, Copy)]
struct Way {
    /// The methods of the session (RFC 8176).
    methods: &'static [&'static str],
    /// What the second factor was, as the trail has it.
    second_factor: Option<&'static str>,
}

impl Way {
    const PASSWORD: Self = Self { methods: &["pwd"], second_factor: None };
    const TRUSTED_DEVICE: Self =
        Self { methods: &["pwd", Assurance::MANY, Assurance::SPARED], second_factor: Some(Assurance::SPARED) };

    fn with(factor: Factor) -> Self {
        Self { methods: factor.methods(), second_factor: Some(factor.as_str()) }
    }
}

/// Whether the second factor is to be asked for again on this device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextTime {
    Ask,
    TrustDevice,
}

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
    /// Only when the device was not known before, or is trusted from now on.
    pub device_token: Option<SecretText>,
}

/// What a right password has come to.
pub enum Step<T> {
    Begun(T),
    /// There is a second factor; nothing has begun.
    SecondFactor(Pending),
}

/// Signs a person in by password, as far as that goes.
pub async fn by_password(app: &App, origin: &Origin, credentials: Credentials<'_>) -> AppResult<Step<Begun>> {
    Ok(match enter(app, origin, credentials).await? {
        Step::Begun((entry, password)) => {
            let begun = begin(app, entry).await?;
            password.rehash(app, origin).await;
            Step::Begun(begun)
        }
        Step::SecondFactor(pending) => Step::SecondFactor(pending),
    })
}

/// The same in a browser. The session that it has shown, if it had one, ends: whoever signs in there goes on with the new one.
pub async fn in_browser(
    app: &App,
    origin: &Origin,
    credentials: Credentials<'_>,
    before: Option<SessionId>,
) -> AppResult<Step<BegunInBrowser>> {
    Ok(match enter(app, origin, credentials).await? {
        Step::Begun((entry, password)) => {
            let begun = begin_in_browser(app, entry, before).await?;
            password.rehash(app, origin).await;
            Step::Begun(begun)
        }
        Step::SecondFactor(pending) => Step::SecondFactor(pending),
    })
}

/// Goes on with a sign-in that waits, by a code of the second factor.
pub async fn by_second_factor(
    app: &App,
    origin: &Origin,
    pending: &SecretText,
    code: &SecretText,
    next_time: NextTime,
) -> AppResult<Begun> {
    begin(app, complete(app, origin, pending, code, next_time).await?).await
}

/// The same in a browser.
pub async fn by_second_factor_in_browser(
    app: &App,
    origin: &Origin,
    pending: &SecretText,
    code: &SecretText,
    next_time: NextTime,
    before: Option<SessionId>,
) -> AppResult<BegunInBrowser> {
    begin_in_browser(app, complete(app, origin, pending, code, next_time).await?, before).await
}

/// Somebody who was let in, before their session has begun.
struct Entry {
    tx: Tx,
    cleared: Cleared,
    device: devices::Device,
    trusted_until: Option<Timestamp>,
    methods: &'static [&'static str],
}

async fn begin(app: &App, mut entry: Entry) -> AppResult<Begun> {
    let tokens = sessions::begin(app, &mut entry.tx, entry.cleared, Some(entry.device.id), entry.methods).await?;
    let (device_trusted_until, duty) = (entry.trusted_until, entry.cleared.duty());
    let device_token = entry.finish().await?;
    Ok(Begun {
        tokens,
        device_token: device_token.map(|token| token.reveal().to_owned()),
        device_trusted_until,
        second_factor_due_at: duty.map(|duty| duty.due_at),
    })
}

async fn begin_in_browser(app: &App, mut entry: Entry, before: Option<SessionId>) -> AppResult<BegunInBrowser> {
    if let Some(before) = before {
        sessions::end(&mut entry.tx, before, "replaced").await?;
    }
    let device = Some(entry.device.id);
    let session = sessions::begin_in_browser(app, &mut entry.tx, entry.cleared, device, entry.methods).await?;
    let device_token = entry.finish().await?;
    Ok(BegunInBrowser { session, device_token })
}

impl Entry {
    async fn finish(self) -> AppResult<Option<SecretText>> {
        self.tx.commit().await?;
        metrics::counter!("usher_sign_ins_total", "outcome" => "success").increment(1);
        Ok(self.device.token)
    }
}

/// A password that was right, to be hashed anew if its hash is outdated.
struct RightPassword {
    proven: Proven,
    password: SecretText,
}

/// Proves the password, asks the gate, and notes the sign-in. What was refused is noted and committed.
async fn enter(app: &App, origin: &Origin, credentials: Credentials<'_>) -> AppResult<Step<(Entry, RightPassword)>> {
    let account = Account::Named { identifier: credentials.identifier, device_token: credentials.device_token };
    let password = password::normalised(credentials.password);
    let Some((mut tx, proven)) = prove(app, origin, &account, &password).await? else {
        return Err(faults::explain(invalid_credentials(), &password).into());
    };
    let (who, password) = (proven.who(), RightPassword { proven, password });
    match pass_the_gate(&mut tx, who, Assurance::OneFactor).await? {
        Ok(cleared) => Ok(Step::Begun((let_in(tx, who, cleared, Way::PASSWORD).await?, password))),
        Err(Refusal::SecondFactorMissing) => {
            if let Some(cleared) = clear_trusted(app, &mut tx, who).await? {
                return Ok(Step::Begun((let_in(tx, who, cleared, Way::TRUSTED_DEVICE).await?, password)));
            }
            let pending = pending::begin(&mut tx, who).await?;
            audit::record(&mut tx, trace::asked(who, &pending)).await?;
            tx.commit().await?;
            password.rehash(app, origin).await;
            Ok(Step::SecondFactor(pending))
        }
        Err(_) => {
            tx.commit().await?;
            Err(invalid_credentials().into())
        }
    }
}

/// What the gate says of somebody whose device spares them the second factor.
async fn clear_trusted(app: &App, tx: &mut Tx, who: Who) -> AppResult<Option<Cleared>> {
    let Some(device) = who.device else { return Ok(None) };
    if !devices::is_trusted(tx, who.user_id, device, who.auth_epoch, app.config.tokens.trusted_device).await? {
        return Ok(None);
    }
    Ok(pass_the_gate(tx, who, Assurance::TrustedDevice).await?.ok())
}

/// Proves the second factor, uses the waiting sign-in up, and asks the gate: it may say no by now.
async fn complete(app: &App, origin: &Origin, pending: &SecretText, code: &SecretText, next_time: NextTime) -> AppResult<Entry> {
    let mut tx = app.begin(origin).await?;
    let who = pending::find(&mut tx, pending).await?;
    tx.commit().await?;
    let who = who.ok_or_else(pending::over)?;
    let Some((mut tx, factor)) = second_factors::prove(app, origin, who.asked(), code).await? else {
        return Err(second_factors::wrong_code().into());
    };
    // Somebody else has gone on with it meanwhile. The code is used up all the same.
    let is_first = pending::use_up(&mut tx, pending).await?;
    let cleared = if is_first { pass_the_gate(&mut tx, who, Assurance::TwoFactors).await?.ok() } else { None };
    let Some(cleared) = cleared else {
        tx.commit().await?;
        return Err(pending::over().into());
    };
    let mut entry = let_in(tx, who, cleared, Way::with(factor)).await?;
    let lifetime = app.config.tokens.trusted_device;
    if next_time == NextTime::TrustDevice && !lifetime.is_zero() {
        let trusted = devices::trust(&mut entry.tx, who.user_id, entry.device.id, cleared.auth_epoch(), lifetime).await?;
        (entry.device.token, entry.trusted_until) = (Some(trusted.token), Some(trusted.until));
    }
    Ok(entry)
}

/// Notes that somebody was let in, and makes their device known.
async fn let_in(mut tx: Tx, who: Who, cleared: Cleared, way: Way) -> AppResult<Entry> {
    let id = who.user_id;
    tx.act_as(id);
    users::note_sign_in(&mut tx, id).await?;
    let event = trace::note(Event::success("sign_in").on("user", id), who);
    let event = match way.second_factor {
        Some(second_factor) => event.detail("second_factor", second_factor),
        None => event,
    };
    audit::record(&mut tx, event).await?;
    let device = devices::note_sign_in(&mut tx, id, who.device).await?;
    if device.is_strange {
        let about = mails::About::of(&tx);
        mails::request_about(&mut tx, Template::NewDevice, id, about).await?;
    }
    Ok(Entry { tx, cleared, device, trusted_until: None, methods: way.methods })
}

/// Proves again who somebody is who has signed in before, by all that they have bound. A new session begins in the place of the old
/// one.
pub async fn again(app: &App, person: &Person, password: &SecretText, code: Option<&SecretText>) -> AppResult<Tokens> {
    let (mut tx, cleared, way) = prove_again(app, person, password, code).await?;
    let tokens = sessions::strengthen(app, &mut tx, cleared, person.session_id, way.methods).await?;
    tx.commit().await?;
    Ok(tokens)
}

/// The same in a browser.
pub async fn again_in_browser(
    app: &App,
    person: &Person,
    password: &SecretText,
    code: Option<&SecretText>,
) -> AppResult<BrowserSession> {
    let (mut tx, cleared, way) = prove_again(app, person, password, code).await?;
    let session = sessions::strengthen_in_browser(app, &mut tx, cleared, person.session_id, way.methods).await?;
    tx.commit().await?;
    Ok(session)
}

/// No device spares anybody the code here.
async fn prove_again(
    app: &App,
    person: &Person,
    password: &SecretText,
    code: Option<&SecretText>,
) -> AppResult<(Tx, Cleared, Way)> {
    let mut tx = app.begin(&person.origin).await?;
    let has_second_factor = second_factors::is_bound(&mut tx, person.user_id).await?;
    tx.commit().await?;
    // Before the password: it need not be said twice.
    let code = match (has_second_factor, code) {
        (true, None) => {
            let detail = "is missing: there is a second factor";
            return Err(Rejection::invalid_field("/code", "required", detail).into());
        }
        (false, Some(_)) => return Err(second_factors::wrong_code().into()),
        (_, code) => code,
    };
    let Some((mut tx, proven)) = prove_own(app, person, password).await? else {
        return Err(wrong_password("/password").into());
    };
    let who = proven.who();
    let (mut assurance, mut way) = (Assurance::OneFactor, Way::PASSWORD);
    if let Some(code) = code {
        tx.commit().await?;
        let shown = second_factors::prove(app, &person.origin, who.asked(), code).await?;
        let factor;
        (tx, factor) = shown.ok_or_else(second_factors::wrong_code)?;
        (assurance, way) = (Assurance::TwoFactors, Way::with(factor));
    }
    let Ok(cleared) = pass_the_gate(&mut tx, who, assurance).await? else {
        tx.commit().await?;
        return Err(Rejection::token_refused().into());
    };
    Ok((tx, cleared, way))
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

/// What the gate says; that the second factor is missing is no refusal yet.
async fn pass_the_gate(tx: &mut Tx, who: Who, assurance: Assurance) -> AppResult<Result<Cleared, Refusal>> {
    let device = if who.device.is_some() { Device::Known } else { Device::Unknown };
    let act = Act::SignIn { device, auth_epoch: who.auth_epoch, assurance };
    let asked = caller::ask(tx, who.user_id, act).await?;
    if let Err(refusal) = asked
        && refusal != Refusal::SecondFactorMissing
    {
        let event = Event::failure("sign_in").on("user", who.user_id).detail("refusal", refusal.as_str());
        audit::record(tx, trace::note(event, who)).await?;
        metrics::counter!("usher_sign_ins_total", "outcome" => "failure").increment(1);
    }
    Ok(asked)
}

impl RightPassword {
    /// Stores the password under today's parameters when they have been raised since. The person need not wait for success.
    async fn rehash(&self, app: &App, origin: &Origin) {
        let Self { proven, password } = self;
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
}

/// Ends every sign-in that waits, and says how many.
pub async fn end_every_pending(tx: &mut Tx) -> DbResult<u64> {
    store::delete_all_pending(tx).await
}

/// One refusal for every reason.
fn invalid_credentials() -> Rejection {
    let detail = "Address or user name and password do not fit together, or the account can't be used.";
    Rejection::unauthenticated("invalid_credentials", detail)
}
