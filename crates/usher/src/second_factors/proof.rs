//! Showing a second factor. An attempt is paid for before the code is looked at, by the account as seen from this device
//! or from everywhere else; the app and the recovery codes are counted apart.

use std::time::Duration;

use jiff::Timestamp;

use super::{Factor, codes, open, store, totp};
use crate::app::App;
use crate::attempts::{self, Authenticator, Reservation, Target};
use crate::audit::{self, Event};
use crate::db::{Origin, Tx};
use crate::error::{AppResult, Rejection};
use crate::id::{DeviceId, UserId};
use crate::mails::{self, About, FactorChange, Template};
use crate::secret::SecretText;

/// How long an attempt waits for others of the same account to be settled.
const WAIT_STEP: Duration = Duration::from_millis(25);
const WAIT_STEPS: u32 = 80;

/// Who is asked for a second factor.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub user_id: UserId,
    /// The known device that they are asked on.
    pub device: Option<DeviceId>,
    /// When the sign-in has asked for it that waits for it, if one does.
    pub at: Option<Timestamp>,
}

/// Notes in the event of an attempt to sign in which asking it answers: both together are one attempt.
pub fn note_asked(event: Event, at: Option<Timestamp>) -> Event {
    match at {
        Some(at) => event.detail("asked_at", at.to_string()),
        None => event,
    }
}

/// What somebody shows.
enum Presented {
    Totp(SecretText),
    RecoveryCode(SecretText),
}

impl Presented {
    /// Six digits are a code of an app, what is much longer is a recovery code; white space and hyphens do not count.
    fn parse(text: &SecretText) -> Option<Self> {
        let plain: String = text.reveal().chars().filter(|character| !character.is_whitespace() && *character != '-').collect();
        if plain.len() == totp::DIGITS && plain.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(Self::Totp(SecretText::new(plain)));
        }
        codes::normal(text.reveal()).map(Self::RecoveryCode)
    }

    fn factor(&self) -> (Factor, Authenticator) {
        match self {
            Self::Totp(_) => (Factor::Totp, Authenticator::Totp),
            Self::RecoveryCode(_) => (Factor::RecoveryCode, Authenticator::RecoveryCode),
        }
    }
}

/// Verifies a code of the user's. With the transaction in which it was used up, or `None` for a wrong one, which has been noted and
/// committed. What can't be a code is no guess.
pub async fn prove(app: &App, origin: &Origin, asked: Asked, code: &SecretText) -> AppResult<Option<(Tx, Factor)>> {
    let Some(presented) = Presented::parse(code) else { return Ok(None) };
    let (factor, authenticator) = presented.factor();
    let user_id = asked.user_id;
    let target = reserve(app, origin, asked, authenticator).await?;
    let mut tx = app.begin(origin).await?;
    let right = match &presented {
        Presented::Totp(code) => is_code(app, &mut tx, user_id, code).await?,
        Presented::RecoveryCode(code) => store::use_code(&mut tx, user_id, &codes::hash(user_id, code)).await?,
    };
    if !right {
        attempts::settle_failure(&mut tx, &target).await?;
        audit::record(&mut tx, refused(asked, "second_factor").detail("second_factor", factor.as_str())).await?;
        tx.commit().await?;
        metrics::counter!("usher_sign_ins_total", "outcome" => "failure").increment(1);
        return Ok(None);
    }
    attempts::settle_success(&mut tx, &target).await?;
    if factor == Factor::RecoveryCode {
        audit::record(&mut tx, Event::success("recovery_code.used").on("user", user_id)).await?;
        let about = About { factor: Some(FactorChange::CodeUsed), ..About::of(&tx) };
        mails::request_about(&mut tx, Template::SecondFactorChanged, user_id, about).await?;
    }
    Ok(Some((tx, factor)))
}

/// Whether it is a code of the user's app, of a later step than any before.
async fn is_code(app: &App, tx: &mut Tx, user_id: UserId, code: &SecretText) -> AppResult<bool> {
    let Some(sealed) = store::find_secret(tx, user_id).await? else { return Ok(false) };
    let secret = open(app, user_id, &sealed)?;
    let drift = app.config.tokens.totp_drift_steps;
    match totp::find_step(&secret, code.reveal(), tx.now(), drift) {
        Some(step) => Ok(store::accept_step(tx, user_id, step).await?),
        None => Ok(false),
    }
}

/// Pays for an attempt, or says when to come back. No transaction is open afterwards.
pub(super) async fn reserve(app: &App, origin: &Origin, mut asked: Asked, authenticator: Authenticator) -> AppResult<Target> {
    for _ in 0..WAIT_STEPS {
        let mut tx = app.begin(origin).await?;
        let mut target = Target::user(authenticator, asked.user_id, asked.device);
        let mut reservation = attempts::reserve(&mut tx, &target).await?;
        if let (Reservation::Refused { .. }, Some(_)) = (reservation, asked.device) {
            // Too many failures on this device: it is one like any other now.
            asked.device = None;
            target = Target::user(authenticator, asked.user_id, None);
            reservation = attempts::reserve(&mut tx, &target).await?;
        }
        if let Reservation::Refused { .. } = reservation {
            audit::record(&mut tx, refused(asked, "second_factor_locked")).await?;
        }
        tx.commit().await?;
        match reservation {
            Reservation::Granted => return Ok(target),
            Reservation::Refused { retry_after } => {
                let seconds = u32::try_from(retry_after.as_secs()).unwrap_or(u32::MAX).max(1);
                return Err(Rejection::too_many_requests(seconds).into());
            }
            Reservation::Wait => tokio::time::sleep(WAIT_STEP).await,
        }
    }
    Err(Rejection::unavailable("overloaded", "Too many codes are being checked. Try again shortly.", 1).into())
}

/// Those who help people in see it among the attempts to sign in.
fn refused(asked: Asked, why: &'static str) -> Event {
    let device = if asked.device.is_some() { "known" } else { "unknown" };
    let event = Event::failure("sign_in").on("user", asked.user_id).detail("refusal", why).detail("device", device);
    note_asked(event, asked.at)
}
