//! Signing somebody up after the answer: whether the address is free is not told by the time that the answer takes.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::db::{Actor, Origin, Tx};
use crate::emails::EmailAddress;
use crate::error::AppResult;
use crate::jobs::Registry;
use crate::users::{Profile, Username};

pub const SIGN_UP: &str = "sign_up";

/// A sign-up that nobody has looked at yet. It holds what a user's rows hold: the hash of the password, not the password.
#[derive(Serialize, Deserialize)]
pub struct Waiting {
    pub email: EmailAddress,
    pub phc: String,
    pub username: Option<Username>,
    pub profile: Profile,
    /// Of two for one address, the later one counts, whichever is done first.
    pub asked_at: Timestamp,
    pub request_id: Option<String>,
    pub address: Option<IpAddr>,
    pub user_agent: Option<String>,
}

pub fn register(registry: &mut Registry) {
    registry.in_tx(SIGN_UP, |_, tx, payload| Box::pin(sign_up(tx, payload)));
}

async fn sign_up(tx: &mut Tx, payload: Value) -> AppResult<()> {
    let waiting: Waiting = serde_json::from_value(payload)?;
    let origin = Origin {
        request_id: waiting.request_id.clone(),
        address: waiting.address,
        user_agent: waiting.user_agent.clone(),
        ..Origin::of(Actor::Anonymous)
    };
    tx.go_on_for(origin, waiting.asked_at);
    super::sign_up(tx, &waiting).await
}
