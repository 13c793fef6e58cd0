//! Between the password and the second factor: a handle that opens nothing else, works once and for five minutes, for this user in this
//! epoch on this device.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::proof::Who;
use super::store;
use crate::app::App;
use crate::db::{DbResult, Tx};
use crate::error::{AppResult, Rejection};
use crate::jobs::{self, Registry};
use crate::secret::{Purpose, SecretText, bearer_hash, new_bearer_and_hash};

/// How long it waits.
pub const LIFETIME: SignedDuration = SignedDuration::from_mins(5);
const FORGET: &str = "forget_pending_sign_ins";

/// A sign-in that waits for the second factor.
pub struct Pending {
    pub token: SecretText,
    pub expires_at: Timestamp,
}

pub async fn begin(tx: &mut Tx, who: Who) -> AppResult<Pending> {
    let (token, hash) = new_bearer_and_hash(Purpose::PendingSignIn);
    let expires_at = tx.now() + LIFETIME;
    store::insert_pending(tx, &hash, who, expires_at).await?;
    Ok(Pending { token, expires_at })
}

/// Whose it is; it is not used up.
pub async fn find(tx: &mut Tx, token: &SecretText) -> DbResult<Option<Who>> {
    match bearer_hash(Purpose::PendingSignIn, token) {
        Some(hash) => store::find_pending(tx, &hash).await,
        None => Ok(None),
    }
}

/// Uses it up; false for whoever comes second.
pub async fn use_up(tx: &mut Tx, token: &SecretText) -> DbResult<bool> {
    match bearer_hash(Purpose::PendingSignIn, token) {
        Some(hash) => store::use_pending(tx, &hash).await,
        None => Ok(false),
    }
}

/// One answer for all reasons.
pub fn over() -> Rejection {
    let detail = "This sign-in is unknown, was used, or took too long. Begin again with the password.";
    Rejection::unauthenticated("sign_in_over", detail)
}

pub fn register(registry: &mut Registry) {
    registry.every_long(Duration::from_hours(1), FORGET, |app, _| Box::pin(forget(app)));
}

async fn forget(app: &App) -> AppResult<()> {
    jobs::part_by_part(app, FORGET, |tx| Box::pin(async { Ok(store::delete_expired(tx).await?) })).await
}
