//! The job that judges and applies imports.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::apply::{self, Step};
use super::{classify, keys, store};
use crate::app::App;
use crate::clock::Stopwatch;
use crate::db::Tx;
use crate::error::AppResult;
use crate::jobs::{self, Registry};

const RUN: &str = "run_import";
const FORGET: &str = "forget_imports";
/// Keys that are left over when rows are not applied.
const KEYS_AT_ONCE: i64 = 100_000;
/// One job works so long and leaves the rest to another: jobs have their time.
const SHIFT: Duration = Duration::from_secs(12);

#[derive(Serialize, Deserialize)]
struct Payload {
    import_id: Uuid,
}

pub fn register(registry: &mut Registry) {
    registry.long(RUN, |app, payload| Box::pin(run(app, payload)));
    registry.every(Duration::from_hours(1), FORGET, |_, tx, _| Box::pin(forget(tx)));
}

pub async fn enqueue(tx: &mut Tx, import_id: Uuid) -> AppResult<()> {
    jobs::enqueue(tx, RUN, &Payload { import_id }).await
}

/// An import that two jobs were made for is done by both in turn, batch by batch.
async fn run(app: &App, payload: Value) -> AppResult<()> {
    let Payload { import_id } = serde_json::from_value(payload)?;
    let worked = Stopwatch::start();
    while worked.elapsed() < SHIFT {
        let over = classify::step(app, import_id).await? == Step::Over;
        if over && apply::step(app, import_id).await? == Step::Over {
            return Ok(());
        }
    }
    let mut tx = app.begin_as(crate::db::Actor::System).await?;
    enqueue(&mut tx, import_id).await?;
    tx.commit().await?;
    Ok(())
}

async fn forget(tx: &mut Tx) -> AppResult<()> {
    store::delete_old_imports(tx).await?;
    keys::delete_of_ended(tx, KEYS_AT_ONCE).await?;
    Ok(())
}
