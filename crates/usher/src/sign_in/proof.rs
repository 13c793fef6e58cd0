//! Proving who somebody is by their password. Whatever comes of it, the work is the same for accounts that do not exist.

use std::time::Duration;

use jiff::Timestamp;

use super::{store, trace};
use crate::app::App;
use crate::attempts::{self, Authenticator, Failed, Reservation, Target};
use crate::audit::{self, Event};
use crate::db::{Origin, Tx};
use crate::devices;
use crate::emails::EmailAddress;
use crate::error::{AppResult, Rejection};
use crate::faults;
use crate::id::{DeviceId, UserId};
use crate::second_factors::Asked;
use crate::secret::SecretText;
use crate::throttle::{self, Limit};
use crate::users;

/// How long an attempt waits for others of the same account to be settled.
const WAIT_STEP: Duration = Duration::from_millis(25);
const WAIT_STEPS: u32 = 80;
/// Wrong passwords from one network, at whatever accounts. Right ones do not count, nor do known devices.
const GUESSES: Limit = Limit::per_minutes("guesses", 100, 10);

/// Whose password is to be proved.
pub enum Account<'a> {
    /// That which an address or a user name belongs to, if there is one.
    Named { identifier: &'a str, device_token: Option<&'a SecretText> },
    /// That of somebody who has signed in, on this device.
    User { id: UserId, device: Option<DeviceId> },
}

/// An account whose password was right. Whether it may act is for the gate to say.
pub struct Proven {
    pub user_id: UserId,
    /// The known device it was proved from.
    pub device: Option<DeviceId>,
    pub phc: String,
    /// The user's epoch when the hash was read.
    pub auth_epoch: i64,
}

/// Who is on the way in, and what binds what comes after to that.
#[derive(Clone, Copy, Debug)]
pub struct Who {
    pub user_id: UserId,
    pub device: Option<DeviceId>,
    pub auth_epoch: i64,
    /// When the second factor was asked for, after a right password.
    pub asked_at: Option<Timestamp>,
}

impl Proven {
    pub fn who(&self) -> Who {
        Who { user_id: self.user_id, device: self.device, auth_epoch: self.auth_epoch, asked_at: None }
    }
}

impl Who {
    /// As whoever is to show a second factor.
    pub fn asked(self) -> Asked {
        Asked { user_id: self.user_id, device: self.device, at: self.asked_at }
    }
}

/// A paid attempt: the hash may be computed.
struct Attempt {
    user_id: Option<UserId>,
    device: Option<DeviceId>,
    target: Target,
    phc: Option<String>,
    auth_epoch: i64,
    network_charged: bool,
}

/// Verifies the password (in its normal form). With the transaction in which a success was noted, or `None` for a wrong one, which
/// has been noted and committed. No transaction is open while the hash is computed.
pub async fn prove(app: &App, origin: &Origin, account: &Account<'_>, password: &SecretText) -> AppResult<Option<(Tx, Proven)>> {
    let admitted = app.hasher.admit(origin.network()).await?;
    let attempt = reserve(app, origin, account).await?;
    faults::tell(password);
    faults::dawdle_if(attempt.user_id.is_some()).await;
    drop(admitted);
    let right = app.hasher.verify(password, attempt.phc.as_deref(), origin.network()).await;
    note_verification(&right, attempt.phc.is_some());
    let mut tx = app.begin(origin).await?;
    let right = match right {
        Ok(right) => right,
        Err(error) => {
            // Nobody has looked at the password: that must not count as a wrong one.
            attempts::give_back(&mut tx, &attempt.target).await?;
            tx.commit().await?;
            give_back_network(app, origin, &attempt).await?;
            return Err(error);
        }
    };
    let (true, Some(user_id), Some(phc)) = (right, attempt.user_id, attempt.phc.clone()) else {
        note_failure(&mut tx, &attempt).await?;
        tx.commit().await?;
        return Ok(None);
    };
    attempts::settle_success(&mut tx, &attempt.target).await?;
    give_back_network(app, origin, &attempt).await?;
    Ok(Some((tx, Proven { user_id, device: attempt.device, phc, auth_epoch: attempt.auth_epoch })))
}

/// Counts what the hasher was asked: `right` and `wrong` are guesses at a password, `dummy` costs the same and looks at none.
fn note_verification(right: &AppResult<bool>, is_guess: bool) {
    let outcome = match (right, is_guess) {
        (Ok(true), _) => "right",
        (Ok(false), true) => "wrong",
        (Ok(false), false) => "dummy",
        (Err(_), _) => "refused",
    };
    metrics::counter!("usher_password_verifications_total", "outcome" => outcome).increment(1);
}

/// Finds the account and pays for an attempt at it, or says when to come back.
async fn reserve(app: &App, origin: &Origin, account: &Account<'_>) -> AppResult<Attempt> {
    for _ in 0..WAIT_STEPS {
        let mut tx = app.begin(origin).await?;
        let mut attempt = find(app, &mut tx, account).await?;
        let mut reservation = attempts::reserve(&mut tx, &attempt.target).await?;
        if let (Reservation::Refused { .. }, Some(id), Some(_)) = (reservation, attempt.user_id, attempt.device) {
            // Too many failures on this device: it is one like any other now.
            attempt.device = None;
            attempt.target = Target::user(Authenticator::Password, id, None);
            reservation = attempts::reserve(&mut tx, &attempt.target).await?;
        }
        if let Reservation::Refused { .. } = reservation {
            audit::record(&mut tx, refused(&attempt, "locked")).await?;
        }
        tx.commit().await?;
        match reservation {
            Reservation::Granted => return charge_network(app, origin, attempt).await,
            Reservation::Refused { retry_after } => {
                let seconds = u32::try_from(retry_after.as_secs()).unwrap_or(u32::MAX).max(1);
                return Err(Rejection::too_many_requests(seconds).into());
            }
            Reservation::Wait => tokio::time::sleep(WAIT_STEP).await,
        }
    }
    Err(Rejection::unavailable("overloaded", "Too many passwords are being checked. Try again shortly.", 1).into())
}

async fn find(app: &App, tx: &mut Tx, account: &Account<'_>) -> AppResult<Attempt> {
    let (id, device) = match account {
        Account::User { id, device } => (*id, *device),
        Account::Named { identifier, device_token } => {
            let Some(id) = store::find_by_identifier(tx, identifier).await? else {
                // As many questions as for an account that exists: one more would show in the time of the answer.
                store::find_proof(tx, UserId::from_uuid(uuid::Uuid::nil())).await?;
                let target = Target::nobody(app, Authenticator::Password, &normal(identifier));
                return Ok(Attempt { user_id: None, device: None, target, phc: None, auth_epoch: 0, network_charged: false });
            };
            (id, devices::find(tx, id, *device_token).await?)
        }
    };
    let target = Target::user(Authenticator::Password, id, device);
    let (phc, auth_epoch) = store::find_proof(tx, id).await?;
    Ok(Attempt { user_id: Some(id), device, target, phc, auth_epoch, network_charged: false })
}

/// Spellings of a name that nobody has count together, as those of an account do.
fn normal(identifier: &str) -> String {
    EmailAddress::parse(identifier).map_or_else(|_| identifier.to_lowercase(), |address| address.normal().to_owned())
}

async fn charge_network(app: &App, origin: &Origin, mut attempt: Attempt) -> AppResult<Attempt> {
    if attempt.device.is_some() || throttle::is_exempt(app, origin.address) {
        return Ok(attempt);
    }
    let taken = throttle::take(app, GUESSES, &origin.network().to_string()).await?;
    if taken.granted {
        attempt.network_charged = true;
        return Ok(attempt);
    }
    let mut tx = app.begin(origin).await?;
    attempts::give_back(&mut tx, &attempt.target).await?;
    audit::record(&mut tx, refused(&attempt, "network")).await?;
    tx.commit().await?;
    Err(Rejection::too_many_requests(taken.seconds).into())
}

async fn give_back_network(app: &App, origin: &Origin, attempt: &Attempt) -> AppResult<()> {
    if attempt.network_charged {
        throttle::give_back(app, GUESSES, &origin.network().to_string()).await?;
    }
    Ok(())
}

async fn note_failure(tx: &mut Tx, attempt: &Attempt) -> AppResult<()> {
    metrics::counter!("usher_sign_ins_total", "outcome" => "failure").increment(1);
    let failed = attempts::settle_failure(tx, &attempt.target).await?;
    let locked_until = match failed {
        Failed::Counted => None,
        Failed::Locked { until } => Some(until),
        // Until a new password is set.
        Failed::Disabled => Some(Timestamp::MAX),
    };
    let mut event = refused(attempt, "credentials").detail("password", if attempt.phc.is_some() { "wrong" } else { "none" });
    if let Some(until) = locked_until {
        event = event.detail("locked_until", until.to_string());
        if let Some(id) = attempt.user_id {
            users::lock_sign_in(tx, id, until).await?;
        }
    }
    audit::record(tx, event).await?;
    Ok(())
}

fn refused(attempt: &Attempt, why: &'static str) -> Event {
    let event = trace::note_device(Event::failure("sign_in").detail("refusal", why), attempt.device);
    match attempt.user_id {
        Some(id) => event.on("user", id),
        None => event,
    }
}
