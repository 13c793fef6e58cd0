//! Forgetting a person: the details of what they did and of what was done to them. Who, what and when stay, under an id that
//! leads to nobody any more.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::store;
use crate::db::Tx;
use crate::error::AppResult;
use crate::id::UserId;
use crate::jobs::{self, Registry};

const ERASE: &str = "erase_audit_details";
/// A job must end within its time, however much somebody did.
const AT_ONCE: i64 = 5_000;

#[derive(Serialize, Deserialize)]
struct Erase {
    /// One, in what the release before has asked for.
    #[serde(default)]
    user_id: Option<UserId>,
    #[serde(default)]
    user_ids: Vec<UserId>,
}

pub fn register(registry: &mut Registry) {
    super::log::register(registry);
    registry.in_tx(ERASE, |_, tx, payload| Box::pin(erase_some(tx, payload)));
}

/// Asks for the erasure of users who are purged in the same transaction; the schema refuses it for anybody who is still there.
pub async fn erase(tx: &mut Tx, user_ids: &[UserId]) -> AppResult<()> {
    jobs::enqueue(tx, ERASE, &Erase { user_id: None, user_ids: user_ids.to_vec() }).await
}

async fn erase_some(tx: &mut Tx, payload: Value) -> AppResult<()> {
    let Erase { user_id, mut user_ids } = serde_json::from_value(payload)?;
    user_ids.extend(user_id);
    if store::delete_details(tx, &user_ids, AT_ONCE).await? == u64::try_from(AT_ONCE).unwrap_or(u64::MAX) {
        erase(tx, &user_ids).await?;
    }
    Ok(())
}
