//! Attempts at an authenticator are reserved by one conditional statement before the secret is looked at, and settled after.
//!
//! `charged` counts reservations, `failed` those that turned out wrong; the difference is being verified right now. So N guesses
//! at the same time cost N attempts, and 20 right passwords at the same time all get in: a reservation that would pass the limit
//! waits for those before it to be settled instead of being refused.
//!
//! Ten failures lock for 15 minutes, twice as long each time in a row, at most a day. After 80 without a success in between the
//! authenticator is disabled and must be bound anew. Known devices have counters of their own, so nobody is kept from a
//! device they use by others who guess. An account that does not exist is counted alike.

mod store;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::app::App;
use crate::db::{DbResult, Tx};
use crate::error::AppResult;
use crate::faults::{self, Fault};
use crate::id::{DeviceId, UserId};
use crate::jobs::{self, Registry};

/// Failures in a row, from one known device or from everywhere else, before a lock.
pub const FAILURES_MAX: i32 = 10;
/// Failures in a row from unknown devices before the authenticator is disabled.
const IN_A_ROW_MAX: i32 = 80;
/// The same, from all devices together; what known ones may add stays under NIST's hundred.
const IN_A_ROW_OF_ALL_MAX: i32 = 90;
/// What somebody is told to wait whose authenticator is disabled: waiting does not help, but nobody is told so.
const WAIT_MAX: SignedDuration = SignedDuration::from_hours(24);
/// Rows that nobody has touched for so long are forgotten, unless they hold a disabled authenticator.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(90 * 24);

const FORGET: &str = "forget_attempts";

/// What is attempted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authenticator {
    Password,
    /// The codes of an authenticator app.
    Totp,
    RecoveryCode,
}

impl Authenticator {
    /// As stored in PostgreSQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Totp => "totp",
            Self::RecoveryCode => "recovery_code",
        }
    }
}

/// Whose authenticator is attempted, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    authenticator: Authenticator,
    subject: String,
    device: Option<DeviceId>,
}

impl Target {
    /// A user's, whatever they are called by.
    pub fn user(authenticator: Authenticator, id: UserId, device: Option<DeviceId>) -> Self {
        Self { authenticator, subject: id.to_string(), device }
    }

    /// Nobody's: the name is kept as a keyed hash.
    pub fn nobody(app: &App, authenticator: Authenticator, name: &str) -> Self {
        let subject = format!("nobody {}", app.sealer.pseudonym(name.as_bytes()));
        Self { authenticator, subject, device: None }
    }
}

/// What came of asking for an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reservation {
    /// It is paid for: the secret may be looked at.
    Granted,
    /// Others are being verified and might use the limit up: ask again in a moment.
    Wait,
    /// Too many have failed.
    Refused { retry_after: SignedDuration },
}

/// Pays for an attempt. Commit before looking at the secret.
pub async fn reserve(tx: &mut Tx, target: &Target) -> DbResult<Reservation> {
    if store::charge(tx, target, FAILURES_MAX, IN_A_ROW_OF_ALL_MAX).await? {
        if faults::planted(Fault::AttemptRace) {
            store::refund(tx, target).await?;
        }
        return Ok(Reservation::Granted);
    }
    let Some(state) = store::find_state(tx, target).await? else { return Ok(Reservation::Wait) };
    let now = tx.now();
    Ok(match state.locked_until {
        Some(until) if until > now && !state.disabled => Reservation::Refused { retry_after: until.duration_since(now) },
        _ if state.in_flight && !state.disabled => Reservation::Wait,
        _ => Reservation::Refused { retry_after: WAIT_MAX },
    })
}

/// It was right: the failures before it are forgotten.
pub async fn settle_success(tx: &mut Tx, target: &Target) -> DbResult<()> {
    store::settle_success(tx, target).await
}

/// What a failure has led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// There are attempts left.
    Counted,
    /// It was one too many for now.
    Locked { until: Timestamp },
    /// It was one too many for good.
    Disabled,
}

/// It was wrong.
pub async fn settle_failure(tx: &mut Tx, target: &Target) -> DbResult<Failed> {
    if target.device.is_some() {
        // The device is no longer told from others; the account goes on being counted.
        store::update_failures_of_all(tx, target).await?;
        store::settle_failure_of_device(tx, target, FAILURES_MAX).await?;
        return Ok(Failed::Counted);
    }
    store::settle_failure(tx, target, FAILURES_MAX, IN_A_ROW_MAX).await
}

/// Nobody has looked at the secret: that must not count as a wrong one.
pub async fn give_back(tx: &mut Tx, target: &Target) -> DbResult<()> {
    store::refund(tx, target).await
}

/// Forgets all failures of a user: they have bound a new authenticator, or an administrator has unlocked them.
pub async fn clear(tx: &mut Tx, authenticator: Authenticator, id: UserId) -> DbResult<()> {
    store::delete_of_subject(tx, authenticator, &id.to_string()).await
}

/// Whether it is stopped until it is bound anew.
pub async fn is_disabled(tx: &mut Tx, authenticator: Authenticator, id: UserId) -> DbResult<bool> {
    let target = Target::user(authenticator, id, None);
    Ok(store::find_state(tx, &target).await?.is_some_and(|state| state.disabled))
}

/// Nobody gets in with the user's authenticator any more until it is bound anew: it is somebody else's too.
pub async fn disable(tx: &mut Tx, authenticator: Authenticator, id: UserId) -> DbResult<()> {
    store::update_to_disabled(tx, authenticator, &id.to_string()).await
}

pub fn register(registry: &mut Registry) {
    registry.every_long(Duration::from_hours(24), FORGET, |app, _| Box::pin(forget(app)));
}

async fn forget(app: &App) -> AppResult<()> {
    jobs::part_by_part(app, FORGET, |tx| Box::pin(forget_some(tx))).await
}

async fn forget_some(tx: &mut Tx) -> AppResult<bool> {
    let before = tx.now() - KEPT_FOR;
    Ok(store::delete_old(tx, before).await?)
}
