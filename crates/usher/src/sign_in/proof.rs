//! The password once more, from a person who is known: before they change what opens their account. An attempt is paid for before
//! the hash is computed, as at sign-in.

use super::{WAIT_STEP, WAIT_STEPS};
use crate::app::App;
use crate::audit::{self, Event};
use crate::db::Origin;
use crate::error::{AppResult, Rejection};
use crate::id::UserId;
use crate::password::{self, Attempt, Reservation};
use crate::secret::SecretText;
use crate::users;

/// What came of it.
pub enum Proof {
    /// The hash that it fits.
    Right(String),
    Wrong,
    /// There is no password, or too many attempts have failed.
    Refused,
}

/// Verifies the password of a user. Begins its transactions itself: none is open while the hash is computed.
pub async fn verify_password(app: &App, origin: &Origin, user_id: UserId, password: &SecretText) -> AppResult<Proof> {
    let Some(attempt) = reserve(app, origin, user_id).await? else { return Ok(Proof::Refused) };
    let right = app.hasher.verify(&password::normalised(password), Some(&attempt.phc)).await;
    let mut tx = app.begin(origin).await?;
    let proof = match right {
        Ok(true) => {
            password::settle_success(&mut tx, user_id).await?;
            Ok(Proof::Right(attempt.phc))
        }
        Ok(false) => {
            if let Some(until) = password::settle_failure(&mut tx, user_id).await? {
                users::lock_sign_in(&mut tx, user_id, until).await?;
            }
            audit::record(&mut tx, Event::failure("password.verified").on("user", user_id)).await?;
            Ok(Proof::Wrong)
        }
        // Nobody has looked at the password: that must not count as a wrong one.
        Err(error) => {
            password::give_back(&mut tx, user_id).await?;
            Err(error)
        }
    };
    tx.commit().await?;
    proof
}

async fn reserve(app: &App, origin: &Origin, user_id: UserId) -> AppResult<Option<Attempt>> {
    for _ in 0..WAIT_STEPS {
        let mut tx = app.begin(origin).await?;
        let reservation = password::reserve(&mut tx, user_id).await?;
        tx.commit().await?;
        match reservation {
            Reservation::Granted(attempt) => return Ok(Some(attempt)),
            Reservation::Refused => return Ok(None),
            Reservation::Wait => tokio::time::sleep(WAIT_STEP).await,
        }
    }
    Err(Rejection::unavailable("overloaded", "Too many passwords are being checked. Try again shortly.", 1).into())
}
