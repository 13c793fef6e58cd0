//! Signing in, going on, and signing out.
//!
//! Every refusal of a sign-in looks the same and costs the same, whether the account does not exist, the password is wrong, or
//! the gate says no. An attempt is paid for before the hash is computed.

mod api;
mod proof;
mod store;

#[cfg(test)]
mod tests;

use std::time::Duration;

pub use api::router;
pub use proof::{Proof, verify_password};

use crate::app::App;
use crate::audit::{self, Event};
use crate::caller::{self, Act, Device};
use crate::db::{Origin, Tx};
use crate::error::{AppResult, Rejection};
use crate::id::UserId;
use crate::password::{self, Attempt, Reservation};
use crate::secret::SecretText;
use crate::sessions::{self, Tokens};
use crate::users;

/// How long an attempt waits for others of the same account to be settled.
const WAIT_STEP: Duration = Duration::from_millis(25);
const WAIT_STEPS: u32 = 80;

/// Signs a person in by password.
pub async fn by_password(app: &App, origin: &Origin, identifier: &str, password: &SecretText) -> AppResult<Tokens> {
    let password = password::normalised(password);
    let (user_id, attempt) = reserve(app, origin, identifier).await?;
    // No transaction is open while the hash is computed.
    let right = app.hasher.verify(&password, attempt.as_ref().map(|attempt| attempt.phc.as_str())).await;
    let mut tx = app.begin(origin).await?;
    let right = match (right, &attempt) {
        (Ok(right), _) => right,
        (Err(error), attempt) => {
            // Nobody has looked at the password: that must not count as a wrong one.
            if let Some(attempt) = attempt {
                password::give_back(&mut tx, attempt.user_id).await?;
                tx.commit().await?;
            }
            return Err(error);
        }
    };
    let (Some(attempt), true) = (&attempt, right) else {
        note_failure(&mut tx, user_id, attempt.as_ref()).await?;
        tx.commit().await?;
        return Err(invalid_credentials().into());
    };
    let id = attempt.user_id;
    password::settle_success(&mut tx, id).await?;
    let cleared = match caller::ask(&mut tx, id, Act::SignIn { device: Device::Unknown }).await? {
        Ok(cleared) => cleared,
        Err(refusal) => {
            audit::record(&mut tx, Event::failure("sign_in").on("user", id).detail("refusal", refusal.as_str())).await?;
            tx.commit().await?;
            return Err(invalid_credentials().into());
        }
    };
    tx.act_as(id);
    users::note_sign_in(&mut tx, id).await?;
    audit::record(&mut tx, Event::success("sign_in").on("user", id)).await?;
    let tokens = sessions::begin(app, &mut tx, cleared, &["pwd"]).await?;
    tx.commit().await?;
    metrics::counter!("usher_sign_ins_total", "outcome" => "success").increment(1);
    rehash(app, id, &password, &attempt.phc).await;
    Ok(tokens)
}

/// Finds the account and pays for an attempt at it.
async fn reserve(app: &App, origin: &Origin, identifier: &str) -> AppResult<(Option<UserId>, Option<Attempt>)> {
    for _ in 0..WAIT_STEPS {
        let mut tx = app.begin(origin).await?;
        let user_id = store::find_by_identifier(&mut tx, identifier).await?;
        let reservation = match user_id {
            Some(id) => password::reserve(&mut tx, id).await?,
            None => Reservation::Refused,
        };
        tx.commit().await?;
        match reservation {
            Reservation::Granted(attempt) => return Ok((user_id, Some(attempt))),
            Reservation::Refused => return Ok((user_id, None)),
            Reservation::Wait => tokio::time::sleep(WAIT_STEP).await,
        }
    }
    Err(Rejection::unavailable("overloaded", "Too many passwords are being checked. Try again shortly.", 1).into())
}

async fn note_failure(tx: &mut Tx, user_id: Option<UserId>, attempt: Option<&Attempt>) -> AppResult<()> {
    metrics::counter!("usher_sign_ins_total", "outcome" => "failure").increment(1);
    if let Some(attempt) = attempt
        && let Some(until) = password::settle_failure(tx, attempt.user_id).await?
    {
        users::lock_sign_in(tx, attempt.user_id, until).await?;
    }
    let event = Event::failure("sign_in").detail("refusal", "credentials");
    let event = match user_id {
        Some(id) => event.on("user", id),
        None => event,
    };
    audit::record(tx, event).await?;
    Ok(())
}

/// Stores the password under today's parameters when they have been raised since. The person need not wait for success.
async fn rehash(app: &App, id: UserId, password: &SecretText, phc: &str) {
    if !app.hasher.is_outdated(phc) {
        return;
    }
    let store = async {
        let phc = app.hasher.hash(password).await?;
        let mut tx = app.begin_as(crate::db::Actor::System).await?;
        password::rehash(&mut tx, id, &phc).await?;
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
