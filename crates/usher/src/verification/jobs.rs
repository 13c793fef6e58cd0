//! Sending the link again. The request only leaves a job, so that it takes as long for an unknown address as for a known one.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::store;
use crate::db::Tx;
use crate::error::AppResult;
use crate::jobs::Registry;
use crate::mails::{self, Template};

pub const RESEND: &str = "resend_verification";

#[derive(Serialize, Deserialize)]
pub struct Resend {
    /// Normal form.
    pub address: String,
}

pub fn register(registry: &mut Registry) {
    registry.in_tx(RESEND, |_, tx, payload| Box::pin(resend(tx, payload)));
}

async fn resend(tx: &mut Tx, payload: Value) -> AppResult<()> {
    let Resend { address } = serde_json::from_value(payload)?;
    if let Some(user_id) = store::find_unverified(tx, &address).await? {
        mails::request(tx, Template::VerifyEmail, user_id).await?;
    }
    Ok(())
}
