//! Every day, at midnight of UTC, each enabled rule has its turn: a job for each, so that none waits for another.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::app::App;
use crate::bulk;
use crate::db::Tx;
use crate::error::AppResult;
use crate::id::InactivityRuleId;
use crate::inactivity_rules;
use crate::jobs::{self, Registry};

const APPLY_ALL: &str = "apply_inactivity_rules";
const APPLY: &str = "apply_inactivity_rule";

#[derive(Serialize, Deserialize)]
struct Payload {
    rule_id: InactivityRuleId,
}

pub fn register(registry: &mut Registry) {
    registry.every(Duration::from_hours(24), APPLY_ALL, |_, tx, _| Box::pin(apply_all(tx)));
    registry.long(APPLY, |app, payload| Box::pin(apply(app, payload)));
}

/// A mail is forgotten after a month: that it was sent is noted before.
async fn apply_all(tx: &mut Tx) -> AppResult<()> {
    bulk::note_warnings_sent(tx).await?;
    for rule_id in inactivity_rules::list_enabled(tx).await? {
        jobs::enqueue(tx, APPLY, &Payload { rule_id }).await?;
    }
    Ok(())
}

async fn apply(app: &App, payload: Value) -> AppResult<()> {
    let Payload { rule_id } = serde_json::from_value(payload)?;
    super::apply(app, rule_id).await?;
    Ok(())
}
