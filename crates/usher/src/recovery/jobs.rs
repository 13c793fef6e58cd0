//! Looking the address up after the answer, so that the answer takes as long for an unknown one.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::store;
use crate::audit::{self, Event};
use crate::db::Tx;
use crate::error::AppResult;
use crate::jobs::Registry;
use crate::mails::{self, Template};

pub const FORGOT: &str = "forgot_password";

#[derive(Serialize, Deserialize)]
pub struct Forgot {
    /// Normal form.
    pub address: String,
}

pub fn register(registry: &mut Registry) {
    registry.in_tx(FORGOT, |_, tx, payload| Box::pin(look_up(tx, payload)));
}

async fn look_up(tx: &mut Tx, payload: Value) -> AppResult<()> {
    let Forgot { address } = serde_json::from_value(payload)?;
    if let Some(user_id) = store::find_by_address(tx, &address).await? {
        mails::request(tx, Template::ResetPassword, user_id).await?;
        audit::record(tx, Event::success("password_reset.started").on("user", user_id)).await?;
    }
    Ok(())
}
