//! Verifying an address: the only flow that may say an address is its user's.

mod api;
mod jobs;
mod pages;
mod store;

#[cfg(test)]
mod tests;

pub use api::router;
pub use jobs::register;
pub use pages::router as pages;

use crate::audit::{self, Event};
use crate::caller::{self, Act};
use crate::db::Tx;
use crate::emails;
use crate::error::AppResult;
use crate::one_time_tokens;
use crate::secret::{Purpose, SecretText};
use crate::users;

/// Uses the link's token up: the address is verified, and a pending user becomes active.
pub async fn redeem(tx: &mut Tx, token: &SecretText) -> AppResult<()> {
    let subject = one_time_tokens::redeem(tx, Purpose::VerifyEmail, token).await?;
    let (Some(user_id), Some(email_id)) = (subject.user_id, subject.email_id) else {
        return Err(anyhow::anyhow!("a verification token without a subject").into());
    };
    if caller::ask(tx, user_id, Act::ConfirmAddress).await?.is_err() {
        return Err(one_time_tokens::invalid().into());
    }
    tx.act_as(user_id);
    emails::mark_verified(tx, email_id).await?;
    audit::record(tx, Event::success("email.verified").on("user", user_id)).await?;
    users::activate(tx, user_id).await
}
