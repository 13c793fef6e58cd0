//! Attempts are reserved by one conditional statement before the hash is computed, and settled after.
//!
//! `charged` counts reservations, `failed` those that turned out wrong; the difference is being verified right now. So N guesses
//! at the same time cost N attempts, and 20 right passwords at the same time all get in: a reservation that would pass the limit
//! waits for those before it to be settled instead of being refused.

use jiff::Timestamp;

use super::store;
use crate::db::{DbResult, Tx};
use crate::faults::{self, Fault};
use crate::id::UserId;

/// Wrong passwords in a row before sign-in is locked for a while.
pub const FAILURES_MAX: i32 = 10;

/// A paid attempt: the hash may be computed.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub user_id: UserId,
    /// The stored hash, to verify against.
    pub phc: String,
}

/// What came of asking for an attempt.
#[derive(Clone, Debug)]
pub enum Reservation {
    Granted(Attempt),
    /// Others are being verified and might use the limit up: ask again in a moment.
    Wait,
    /// There is no password, or too many attempts have failed.
    Refused,
}

/// Pays for an attempt at the user's password. Commit before computing the hash.
pub async fn reserve(tx: &mut Tx, user_id: UserId) -> DbResult<Reservation> {
    if let Some(phc) = store::charge_attempt(tx, user_id, FAILURES_MAX).await? {
        if faults::planted(Fault::AttemptRace) {
            store::refund_attempt(tx, user_id).await?;
        }
        return Ok(Reservation::Granted(Attempt { user_id, phc }));
    }
    let wait = store::is_waiting_worthwhile(tx, user_id).await?;
    Ok(if wait { Reservation::Wait } else { Reservation::Refused })
}

/// The password was right: failures before it are forgotten.
pub async fn settle_success(tx: &mut Tx, user_id: UserId) -> DbResult<()> {
    store::settle_success(tx, user_id).await
}

/// The attempt was not made: no hash was computed.
pub async fn give_back(tx: &mut Tx, user_id: UserId) -> DbResult<()> {
    store::refund_attempt(tx, user_id).await
}

/// The password was wrong. Returns until when sign-in is locked, if this failure was one too many: 15 minutes, twice as long each
/// time in a row, at most a day.
pub async fn settle_failure(tx: &mut Tx, user_id: UserId) -> DbResult<Option<Timestamp>> {
    store::settle_failure(tx, user_id, FAILURES_MAX).await
}
