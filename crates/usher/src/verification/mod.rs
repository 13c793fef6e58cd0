//! Verifying the address of a sign-up: the only flow that may say an address is its user's.
//!
//! The link shows that somebody reads the address's mail, not that they are who signed up: a stranger may have done that, with a
//! password of their own. So whoever holds the link either repeats the password of the sign-up, which shows that they are
//! one person, or chooses a new one, and then nothing of the sign-up stays but the address.

mod api;
mod jobs;
mod pages;
mod store;

#[cfg(test)]
mod tests;

pub use api::router;
pub use jobs::register;
pub use pages::router as pages;

use crate::app::App;
use crate::audit::{self, Event};
use crate::db::{Origin, Tx};
use crate::emails;
use crate::error::{AppResult, Rejection};
use crate::id::UserId;
use crate::one_time_tokens;
use crate::password;
use crate::secret::{Purpose, SecretText};
use crate::users;

/// Verifies the address for who repeats the password of the sign-up: it and everything else stands. A wrong one does not use the
/// link up, but a link takes only a few.
pub async fn confirm(app: &App, origin: &Origin, token: &SecretText, password: &SecretText) -> AppResult<()> {
    let mut tx = app.begin(origin).await?;
    let owner = one_time_tokens::pay_for_try(&mut tx, Purpose::VerifyEmail, token).await?;
    let Some(user_id) = owner else { return Err(tries_used_up().into()) };
    let phc = password::find(&mut tx, user_id).await?;
    tx.commit().await?;
    // No transaction is open while the hash is computed.
    let right = app.hasher.verify(&password::normalised(password), phc.as_deref(), origin.network()).await;
    let mut tx = app.begin(origin).await?;
    match right {
        Ok(true) => {
            redeem(&mut tx, token).await?;
            users::activate(&mut tx, user_id).await?;
            tx.commit().await?;
            Ok(())
        }
        Ok(false) => {
            audit::record(&mut tx, Event::failure("email.verified").on("user", user_id)).await?;
            tx.commit().await?;
            Err(wrong_password().into())
        }
        // Nobody has looked at the password: that must not count as a wrong one.
        Err(error) => {
            one_time_tokens::give_back(&mut tx, Purpose::VerifyEmail, token).await?;
            tx.commit().await?;
            Err(error)
        }
    }
}

/// Verifies the address for who chooses a new password: what the sign-up has set may be a stranger's, and is wiped.
pub async fn start_over(app: &App, origin: &Origin, token: &SecretText, new_password: &SecretText) -> AppResult<()> {
    let mut tx = app.begin(origin).await?;
    let owner = one_time_tokens::find_owner(&mut tx, Purpose::VerifyEmail, token).await?;
    let user = users::read(&mut tx, owner.ok_or_else(one_time_tokens::invalid)?).await?;
    tx.commit().await?;
    let phc = password::prepare(app, origin.network(), new_password, &user.words()).await?;
    let mut tx = app.begin(origin).await?;
    let user_id = redeem(&mut tx, token).await?;
    users::wipe_sign_up(&mut tx, user_id).await?;
    password::set(&mut tx, user_id, &phc).await?;
    one_time_tokens::expire_all(&mut tx, user_id).await?;
    users::end_all_sessions(&mut tx, user_id).await?;
    users::clear_lock(&mut tx, user_id).await?;
    users::activate(&mut tx, user_id).await?;
    audit::record(&mut tx, Event::success("password.set").on("user", user_id)).await?;
    tx.commit().await?;
    Ok(())
}

/// The address of the sign-up, for the password manager of who holds the link.
async fn address(app: &App, origin: &Origin, token: &SecretText) -> AppResult<Option<String>> {
    let mut tx = app.begin(origin).await?;
    let owner = one_time_tokens::find_owner(&mut tx, Purpose::VerifyEmail, token).await?;
    let email = match owner {
        Some(user_id) => users::read(&mut tx, user_id).await?.email,
        None => None,
    };
    tx.commit().await?;
    Ok(email)
}

/// Uses the link's token up: the address is verified.
async fn redeem(tx: &mut Tx, token: &SecretText) -> AppResult<UserId> {
    let subject = one_time_tokens::redeem(tx, Purpose::VerifyEmail, token).await?;
    let (Some(user_id), Some(email_id)) = (subject.user_id, subject.email_id) else {
        return Err(anyhow::anyhow!("a verification token without a subject").into());
    };
    tx.act_as(user_id);
    emails::mark_verified(tx, email_id).await?;
    audit::record(tx, Event::success("email.verified").on("user", user_id)).await?;
    Ok(user_id)
}

fn wrong_password() -> Rejection {
    let detail = "This is not the password of the sign-up. Try again, or choose a new one with `new_password`.";
    Rejection::unprocessable_field("/password", "wrong_password", detail)
}

fn tries_used_up() -> Rejection {
    let detail = "Too many wrong passwords: this link only lets you choose a new one, with `new_password`.";
    Rejection::unprocessable_field("/password", "new_password_required", detail)
}
