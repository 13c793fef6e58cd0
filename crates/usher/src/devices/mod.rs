//! The devices a user has signed in on, known again by a token that the device keeps. Guesses of others do not lock a known
//! device out, a sign-in on one that is not known is told to the user, and some are spared the second factor.

mod api;
mod pages;
mod store;
mod trust;

#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

pub use api::router;
pub use pages::router as pages;
pub use trust::{Trusted, TrustedDevice, distrust, distrust_all, is_trusted, list_trusted, trust};

use crate::app::App;
use crate::db::{DbResult, Tx};
use crate::error::AppResult;
use crate::id::{DeviceId, UserId};
use crate::jobs::{self, Registry};
use crate::network::Network;
use crate::secret::{Purpose, SecretText, bearer_hash, new_bearer_and_hash};

/// The most recent ones are kept.
const PER_USER_MAX: i64 = 50;
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(400 * 24);
const FORGET: &str = "forget_devices";

/// The device of a sign-in.
pub struct Device {
    pub id: DeviceId,
    /// For the device to keep, when it was not known before.
    pub token: Option<SecretText>,
    /// The user has signed in before, and neither there nor with such a program from that network.
    pub is_strange: bool,
}

/// A device that a user has signed in on, as they may see it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct KnownDevice {
    pub id: DeviceId,
    pub created_at: Timestamp,
    /// When somebody last signed in on it.
    pub last_seen_at: Timestamp,
    #[schemars(with = "Option<String>")]
    pub address: Option<IpAddr>,
    pub user_agent: Option<String>,
}

/// The devices that the user is known by, the most recent first.
pub async fn list(tx: &mut Tx, user_id: UserId) -> DbResult<Vec<KnownDevice>> {
    store::list_known(tx, user_id).await
}

/// The user's device that holds this token, if it is one.
pub async fn find(tx: &mut Tx, user_id: UserId, token: Option<&SecretText>) -> DbResult<Option<DeviceId>> {
    match token.and_then(|token| bearer_hash(Purpose::Device, token)) {
        Some(hash) => store::find_device(tx, user_id, &hash).await,
        None => Ok(None),
    }
}

/// Notes a sign-in on a known device, or makes the device known.
pub async fn note_sign_in(tx: &mut Tx, user_id: UserId, known: Option<DeviceId>) -> AppResult<Device> {
    if let Some(id) = known
        && store::update_device_seen(tx, id).await?
    {
        return Ok(Device { id, token: None, is_strange: false });
    }
    let network = tx.origin().network();
    let before = store::list_places(tx, user_id).await?;
    let user_agent = tx.origin().user_agent.clone();
    let is_familiar = before.iter().any(|place| Network::of(place.address) == network && place.user_agent == user_agent);
    let (token, hash) = new_bearer_and_hash(Purpose::Device);
    let id = DeviceId::new(tx.now());
    store::insert_device(tx, id, user_id, &hash).await?;
    store::delete_beyond(tx, user_id, id, PER_USER_MAX).await?;
    Ok(Device { id, token: Some(token), is_strange: !before.is_empty() && !is_familiar })
}

/// Makes another token for a device; the one before is unknown from now on.
async fn renew_token(tx: &mut Tx, id: DeviceId) -> DbResult<SecretText> {
    let (token, hash) = new_bearer_and_hash(Purpose::Device);
    store::update_token(tx, id, &hash).await?;
    Ok(token)
}

/// Knows none of the user's devices any more: their password was changed or is not theirs alone.
pub async fn forget_all(tx: &mut Tx, user_id: UserId) -> DbResult<()> {
    store::delete_of_user(tx, user_id).await
}

pub fn register(registry: &mut Registry) {
    registry.every_long(Duration::from_hours(24), FORGET, |app, _| Box::pin(forget(app)));
}

async fn forget(app: &App) -> AppResult<()> {
    jobs::part_by_part(app, FORGET, |tx| Box::pin(forget_some(tx))).await
}

async fn forget_some(tx: &mut Tx) -> AppResult<bool> {
    let before = tx.now() - KEPT_FOR;
    Ok(store::delete_unseen(tx, before).await? || store::delete_trust_over(tx).await?)
}
