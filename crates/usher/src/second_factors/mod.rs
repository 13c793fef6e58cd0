//! Second factors: the codes of an authenticator app, passkeys, and recovery codes for when those are lost. E-mail is none.
//!
//! Whether one is asked for is decided by the gate, which every session passes when it begins and whenever it goes on: from the moment
//! at which a factor is bound, nothing of its user's goes on without it. Binding, renewing and removing takes a fresh proof,
//! and a session of two factors if there are two; the owner is told by mail.

mod api;
mod codes;
mod pages;
pub mod passkeys;
mod proof;
mod store;
pub mod totp;

#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

pub use api::router;
#[cfg(any(test, fuzzing))]
pub use codes::normal as normal_code;
pub use pages::router as pages;
pub use passkeys::register;
pub use proof::{Asked, note_asked, prove};

use passkeys::Passkey;

use crate::app::App;
use crate::attempts::{self, Authenticator};
use crate::audit::{self, Event};
use crate::caller::{self, Act, Assurance, Authority, Cleared, Person};
use crate::db::{Actor, DbResult, Tx};
use crate::devices::{self, TrustedDevice};
use crate::error::{AppResult, Rejection};
use crate::id::{UserId, new_uuid};
use crate::mails::{self, About, FactorChange, Template};
use crate::password;
use crate::seal::Resealed;
use crate::secret::{SecretText, random_bytes};
use crate::sessions::{self, BrowserSession, Tokens};
use crate::users;

/// How long a secret waits to be confirmed.
const PENDING_FOR: SignedDuration = SignedDuration::from_hours(1);
const RESEAL_AT_ONCE: i64 = 100;
/// What a session is begun with that somebody has shown a code of their app for (RFC 8176).
const BY_APP: [&str; 2] = ["otp", Assurance::MANY];

/// What can be shown beside a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Factor {
    Totp,
    RecoveryCode,
    /// By itself: it stands for the password too.
    Passkey,
}

impl Factor {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::RecoveryCode => "recovery_code",
            Self::Passkey => "passkey",
        }
    }

    /// The methods of a session that begins with a password and this (RFC 8176).
    pub fn methods(self) -> &'static [&'static str] {
        match self {
            Self::Totp => &["pwd", "otp", Assurance::MANY],
            Self::RecoveryCode => &["pwd", Assurance::MANY],
            Self::Passkey => &passkeys::METHODS,
        }
    }
}

/// What somebody has bound.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(extend("example" = serde_json::json!({ "totp_since": "2026-01-02T03:04:05Z", "recovery_codes_left": 9, "passkeys": 1 })))]
pub struct SecondFactors {
    /// Since when codes of an authenticator app are asked for at every sign-in; `null`: they are not.
    pub totp_since: Option<Timestamp>,
    /// Recovery codes that have not been used.
    pub recovery_codes_left: i64,
    /// How many passkeys there are.
    pub passkeys: i64,
}

/// With what somebody signs in, for those who look after them. None of it opens anything.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(extend("example" = serde_json::json!({
    "password_since": "2026-01-02T03:04:05Z", "totp_since": null, "recovery_codes_left": 9, "passkeys": 1,
    "bound_passkeys": [{
        "id": "0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d", "name": "Phone", "is_backed_up": true,
        "created_at": "2026-01-02T03:04:05Z", "last_used_at": "2026-02-03T01:00:00Z",
    }],
    "trusted_devices": [],
})))]
pub struct Credentials {
    /// Since when they have their present password; `null`: they have none.
    pub password_since: Option<Timestamp>,
    #[serde(flatten)]
    pub second_factors: SecondFactors,
    /// Each of the passkeys, the oldest first.
    pub bound_passkeys: Vec<Passkey>,
    /// The devices on which the second factor is not asked for, the newest first.
    pub trusted_devices: Vec<TrustedDevice>,
}

/// The secret that an authenticator app is to take over. It opens nothing until it is confirmed.
#[derive(Serialize, JsonSchema)]
#[schemars(extend("example" = serde_json::json!({
    "secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
    "uri": "otpauth://totp/id.example.com:ann?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=id.example.com&algorithm=SHA1&digits=6&period=30",
})))]
pub struct Enrolment {
    /// In base 32, to be typed.
    pub secret: String,
    /// For a picture to scan (`otpauth:`).
    pub uri: String,
}

/// What somebody has bound; what is not confirmed is not.
pub async fn find(tx: &mut Tx, user_id: UserId) -> DbResult<SecondFactors> {
    let found = store::find_bound(tx, user_id).await?;
    Ok(SecondFactors { totp_since: found.totp_since, recovery_codes_left: found.codes_left, passkeys: found.passkeys })
}

pub async fn find_credentials(app: &App, tx: &mut Tx, user_id: UserId) -> DbResult<Credentials> {
    Ok(Credentials {
        password_since: password::find_changed_at(tx, user_id).await?,
        second_factors: find(tx, user_id).await?,
        bound_passkeys: passkeys::list(tx, user_id).await?,
        trusted_devices: devices::list_trusted(tx, user_id, app.config.tokens.trusted_device).await?,
    })
}

/// Whether a second factor is asked for.
pub async fn is_bound(tx: &mut Tx, user_id: UserId) -> DbResult<bool> {
    let found = find(tx, user_id).await?;
    Ok(found.totp_since.is_some() || found.passkeys > 0)
}

/// The refusal of a code.
pub fn wrong_code() -> Rejection {
    Rejection::unprocessable_field("/code", "wrong_code", "This code is wrong, was used before, or is not good any more.")
}

/// Makes a secret for an authenticator app, in the place of one that waits.
async fn start(app: &App, tx: &mut Tx, person: &Person) -> AppResult<Enrolment> {
    let user = users::lock(tx, person.authority(), person.user_id).await?;
    let secret = zeroize::Zeroizing::new(random_bytes::<{ totp::SECRET_BYTES }>());
    let sealed = app.sealer.seal(&bound_to(user.id), secret.as_slice());
    if !store::put_pending(tx, user.id, &sealed).await? {
        let detail = "There is an authenticator app already. Remove it first.";
        return Err(Rejection::conflict("second_factor_bound", detail).into());
    }
    // What was guessed at is gone.
    attempts::clear(tx, Authenticator::Totp, user.id).await?;
    audit::record(tx, Event::success("second_factor.started").on("user", user.id)).await?;
    Ok(enrolment(app, secret.as_slice(), &user.username))
}

/// The secret that waits to be confirmed, if there is one.
async fn find_started(app: &App, tx: &mut Tx, user_id: UserId) -> AppResult<Option<Enrolment>> {
    let since = tx.now() - PENDING_FOR;
    let Some(sealed) = store::find_pending(tx, user_id, since).await? else { return Ok(None) };
    let secret = open(app, user_id, &sealed)?;
    let user = users::read(tx, user_id).await?;
    Ok(Some(enrolment(app, &secret, &user.username)))
}

fn enrolment(app: &App, secret: &[u8], username: &str) -> Enrolment {
    Enrolment { secret: totp::text(secret), uri: totp::uri(secret, &app.config.server.public_url, username) }
}

/// Binds the app that shows this code. The other sessions end: they are of one factor. With the recovery codes. Begins its
/// transactions itself: an attempt is paid for in one of its own.
async fn confirm(app: &App, person: &Person, code: &SecretText) -> AppResult<(Tokens, Vec<String>)> {
    let (mut tx, cleared, codes) = bind(app, person, code).await?;
    let tokens = sessions::strengthen(app, &mut tx, cleared, person.session_id, &BY_APP).await?;
    tx.commit().await?;
    Ok((tokens, codes))
}

/// The same in a browser.
async fn confirm_in_browser(app: &App, person: &Person, code: &SecretText) -> AppResult<(BrowserSession, Vec<String>)> {
    let (mut tx, cleared, codes) = bind(app, person, code).await?;
    let session = sessions::strengthen_in_browser(app, &mut tx, cleared, person.session_id, &BY_APP).await?;
    tx.commit().await?;
    Ok((session, codes))
}

/// The change, in a transaction in which the new session is to begin.
async fn bind(app: &App, person: &Person, code: &SecretText) -> AppResult<(Tx, Cleared, Vec<String>)> {
    let id = person.user_id;
    let asked = Asked { user_id: id, device: None, at: None };
    let target = proof::reserve(app, &person.origin, asked, Authenticator::Totp).await?;
    let mut tx = app.begin(&person.origin).await?;
    users::lock(&mut tx, person.authority(), id).await?;
    let since = tx.now() - PENDING_FOR;
    let Some(sealed) = store::find_pending(&mut tx, id, since).await? else {
        attempts::give_back(&mut tx, &target).await?;
        tx.commit().await?;
        let detail = "No authenticator app waits to be confirmed. Begin again.";
        return Err(Rejection::conflict("second_factor_not_started", detail).into());
    };
    let secret = open(app, id, &sealed)?;
    let presented: String = code.reveal().chars().filter(|character| !character.is_whitespace()).collect();
    let step = totp::find_step(&secret, &presented, tx.now(), app.config.tokens.totp_drift_steps);
    let Some(step) = step else {
        attempts::settle_failure(&mut tx, &target).await?;
        audit::record(&mut tx, Event::failure("second_factor.added").on("user", id)).await?;
        tx.commit().await?;
        return Err(wrong_code().into());
    };
    if !store::confirm(&mut tx, id, &sealed, step).await? {
        return Err(anyhow::anyhow!("a pending factor of a locked user changed").into());
    }
    clear_attempts(&mut tx, id).await?;
    let codes = codes::renew(&mut tx, id).await?;
    sessions::end_others(&mut tx, id, person.session_id).await?;
    audit::record(&mut tx, Event::success("second_factor.added").on("user", id)).await?;
    tell(&mut tx, id, FactorChange::Added).await?;
    let cleared = caller::ask(&mut tx, id, Act::BeginAnew { assurance: Assurance::TwoFactors }).await?;
    Ok((tx, cleared.map_err(|_| Rejection::token_refused())?, codes))
}

/// Removes the person's own app. The session that asks has shown them. Not while they are asked for what they would lack then.
async fn remove(tx: &mut Tx, person: &Person) -> AppResult<()> {
    let user = users::lock(tx, person.authority(), person.user_id).await?;
    require_bound(tx, person).await?;
    if !store::delete_totp(tx, user.id).await? {
        return Err(not_bound().into());
    }
    settle(tx, user.id).await?;
    require_none_owed(tx, user.id).await?;
    audit::record(tx, Event::success("second_factor.removed").on("user", user.id)).await?;
    tell(tx, user.id, FactorChange::Removed).await
}

/// Makes new recovery codes; those before open nothing any more.
async fn renew_codes(tx: &mut Tx, person: &Person) -> AppResult<Vec<String>> {
    let user = users::lock(tx, person.authority(), person.user_id).await?;
    require_bound(tx, person).await?;
    let codes = codes::renew(tx, user.id).await?;
    attempts::clear(tx, Authenticator::RecoveryCode, user.id).await?;
    audit::record(tx, Event::success("recovery_codes.renewed").on("user", user.id)).await?;
    tell(tx, user.id, FactorChange::CodesRenewed).await?;
    Ok(codes)
}

/// There is a factor, and the session was begun with it. The gate has let no other through; one that was bound since asks again.
async fn require_bound(tx: &mut Tx, person: &Person) -> AppResult<()> {
    if !is_bound(tx, person.user_id).await? {
        return Err(not_bound().into());
    }
    if person.assurance == Assurance::OneFactor {
        return Err(Rejection::token_refused().into());
    }
    Ok(())
}

/// Removes the factors of a user who has lost them, by an administrator or the operator. Nobody does that for themselves: they would
/// get around the proof that it takes otherwise.
pub async fn reset(tx: &mut Tx, by: Authority, user_id: UserId) -> AppResult<()> {
    if by.user_id == Some(user_id) {
        let detail = "Nobody resets their own second factors. Remove them, or ask another administrator.";
        return Err(Rejection { code: "own_second_factors", ..Rejection::forbidden(detail) }.into());
    }
    let user = users::lock(tx, by, user_id).await?;
    let (totp, passkeys) = forget(tx, user.id).await?;
    if !totp && passkeys == 0 {
        return Err(not_bound().into());
    }
    let event = Event::success("second_factor.reset").on("user", user.id);
    let event = event.changed(&json!({ "totp": totp, "passkeys": passkeys }), &json!({ "totp": false, "passkeys": 0 }));
    // The trust in devices ends with them, by the same act.
    let change = new_uuid(tx.now());
    audit::begin_change(tx, change, event).await?;
    tell(tx, user.id, FactorChange::Reset).await
}

/// Whether there was an app, and how many passkeys there were.
async fn forget(tx: &mut Tx, user_id: UserId) -> AppResult<(bool, u64)> {
    let totp = store::delete_totp(tx, user_id).await?;
    let passkeys = passkeys::forget(tx, user_id).await?;
    settle(tx, user_id).await?;
    Ok((totp, passkeys))
}

/// Recovery codes stand for factors, and go with the last.
async fn settle(tx: &mut Tx, user_id: UserId) -> AppResult<()> {
    if !is_bound(tx, user_id).await? {
        store::delete_codes(tx, user_id).await?;
        clear_attempts(tx, user_id).await?;
    }
    Ok(())
}

/// What would lack may be asked for.
async fn require_none_owed(tx: &mut Tx, user_id: UserId) -> AppResult<()> {
    if caller::lacks_second_factor(tx, user_id).await? {
        let detail = "You need a second factor, and this is the only one. Bind another one first.";
        return Err(Rejection::conflict("second_factor_required", detail).into());
    }
    Ok(())
}

async fn clear_attempts(tx: &mut Tx, user_id: UserId) -> DbResult<()> {
    attempts::clear(tx, Authenticator::Totp, user_id).await?;
    attempts::clear(tx, Authenticator::RecoveryCode, user_id).await
}

/// Tells the owner of a change, which also ends the trust in their devices: those were spared what was changed.
async fn tell(tx: &mut Tx, user_id: UserId, change: FactorChange) -> AppResult<()> {
    devices::distrust_all(tx, user_id).await?;
    // An administrator's network and program are nothing for the user.
    let about = if change == FactorChange::Reset { About::default() } else { About::of(tx) };
    let about = About { factor: Some(change), ..about };
    mails::request_about(tx, Template::SecondFactorChanged, user_id, about).await
}

fn not_bound() -> Rejection {
    Rejection::conflict("second_factor_not_bound", "There is no second factor.")
}

fn open(app: &App, user_id: UserId, sealed: &[u8]) -> AppResult<zeroize::Zeroizing<Vec<u8>>> {
    Ok(app.sealer.open(&bound_to(user_id), sealed).map_err(anyhow::Error::from)?)
}

fn bound_to(user_id: UserId) -> String {
    format!("totp:{user_id}")
}

/// Seals secrets anew that are not under the present secret key.
pub async fn reseal(app: &App) -> AppResult<Resealed> {
    let mut done = Resealed::default();
    let mut after = UserId::from_uuid(Uuid::nil());
    loop {
        let mut tx = app.begin_as(Actor::Cli).await?;
        let stale = store::list_stale(&mut tx, app.sealer.mark(), after, RESEAL_AT_ONCE).await?;
        for (id, sealed) in &stale {
            match app.sealer.reseal(&bound_to(*id), sealed) {
                Ok(anew) => done.resealed += store::update_sealed(&mut tx, *id, sealed, &anew).await?,
                Err(_) => done.unopened += 1,
            }
        }
        tx.commit().await?;
        match stale.last() {
            Some((last, _)) => after = *last,
            None => return Ok(done),
        }
    }
}

/// Under which secret keys secrets are sealed.
pub async fn count_by_mark(tx: &mut Tx) -> DbResult<Vec<(Vec<u8>, i64)>> {
    store::count_by_mark(tx).await
}
