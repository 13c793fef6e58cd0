//! Devices on which a sign-in is spared the second factor, since somebody who had shown it asked for that. It spares the code and
//! never the password, and is no fresh proof. The device shows its token, which is made anew then: an older copy of it is spared nothing.
//! What ends all sessions ends the trust, and so does every change of a second factor.

use std::net::IpAddr;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::{renew_token, store};
use crate::audit::{self, Event};
use crate::db::{DbResult, Tx};
use crate::error::{AppResult, Rejection};
use crate::id::{DeviceId, UserId};
use crate::secret::SecretText;
use crate::sessions::device_label;

/// A device that is trusted from now on.
pub struct Trusted {
    /// For the device to keep in the place of the one that it had.
    pub token: SecretText,
    pub until: Timestamp,
}

/// A device on which the second factor is not asked for.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(extend("example" = serde_json::json!({
    "id": "0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d", "device": "Firefox on Linux", "address": "192.0.2.7",
    "trusted_at": "2026-01-02T03:04:05Z", "expires_at": "2026-02-01T03:04:05Z",
})))]
pub struct TrustedDevice {
    pub id: DeviceId,
    /// In words: a guess from the user agent.
    pub device: String,
    /// Where somebody last signed in on it from.
    #[schemars(with = "Option<String>")]
    pub address: Option<IpAddr>,
    pub trusted_at: Timestamp,
    /// From then on the second factor is asked for again.
    pub expires_at: Timestamp,
}

impl TrustedDevice {
    pub(super) fn new(id: DeviceId, place: &store::Place, trusted_at: Timestamp, expires_at: Timestamp) -> Self {
        let device = device_label(place.user_agent.as_deref().unwrap_or_default());
        Self { id, device, address: place.address, trusted_at, expires_at }
    }
}

/// Whether a sign-in of the user on their device is spared the second factor, by a trust of this epoch.
pub async fn is_trusted(tx: &mut Tx, user_id: UserId, device: DeviceId, auth_epoch: i64, lifetime: Duration) -> DbResult<bool> {
    let since = tx.now() - signed(lifetime);
    store::is_trusted(tx, user_id, device, auth_epoch, since).await
}

/// Trusts a device of the user, who has just shown their second factor on it.
pub async fn trust(tx: &mut Tx, user_id: UserId, device: DeviceId, auth_epoch: i64, lifetime: Duration) -> AppResult<Trusted> {
    let token = renew_token(tx, device).await?;
    let until = tx.now() + signed(lifetime);
    store::upsert_trusted(tx, user_id, device, auth_epoch, until).await?;
    let event = Event::success("device.trusted").on("user", user_id).detail("device_id", device.to_string());
    audit::record(tx, event.detail("until", until.to_string())).await?;
    Ok(Trusted { token, until })
}

/// The user's trusted devices, the newest first.
pub async fn list_trusted(tx: &mut Tx, user_id: UserId, lifetime: Duration) -> DbResult<Vec<TrustedDevice>> {
    let since = tx.now() - signed(lifetime);
    store::list_trusted(tx, user_id, since, signed(lifetime)).await
}

/// Trusts one device no more; another's is none of theirs.
pub async fn distrust(tx: &mut Tx, user_id: UserId, device: DeviceId) -> AppResult<()> {
    if !store::delete_trusted(tx, user_id, device).await? {
        return Err(Rejection::not_found().into());
    }
    let event = Event::success("device.distrusted").on("user", user_id).detail("device_id", device.to_string());
    audit::record(tx, event).await?;
    Ok(())
}

/// Trusts none of the user's devices any more.
pub async fn distrust_all(tx: &mut Tx, user_id: UserId) -> AppResult<()> {
    let count = store::delete_trusted_of_user(tx, user_id).await?;
    if count > 0 {
        audit::record(tx, Event::success("device.distrusted").on("user", user_id).detail("devices", count)).await?;
    }
    Ok(())
}

fn signed(lifetime: Duration) -> SignedDuration {
    SignedDuration::try_from(lifetime).unwrap_or(SignedDuration::MAX)
}
