//! The job that does a run.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::store;
use super::work::{self, Step};
use crate::app::App;
use crate::clock::Stopwatch;
use crate::db::{Actor, Tx};
use crate::error::AppResult;
use crate::jobs::{self, Registry, SHIFT};

const RUN: &str = "run_bulk";
const FORGET: &str = "forget_bulk_runs";
/// Items that are forgotten in one transaction: few enough for the time that a statement has.
const FORGOTTEN_AT_ONCE: i64 = 20_000;
/// While somebody else works on it.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

#[derive(Serialize, Deserialize)]
struct Payload {
    run_id: Uuid,
}

pub fn register(registry: &mut Registry) {
    registry.long(RUN, |app, payload| Box::pin(run(app, payload)));
    registry.every_long(Duration::from_hours(1), FORGET, |app, _| Box::pin(forget(app)));
}

pub async fn enqueue(tx: &mut Tx, run_id: Uuid) -> AppResult<()> {
    jobs::enqueue(tx, RUN, &Payload { run_id }).await
}

/// Who finds the run locked waits for it: whoever does a batch, such as a command, may be gone before the end.
async fn run(app: &App, payload: Value) -> AppResult<()> {
    let Payload { run_id } = serde_json::from_value(payload)?;
    let worked = Stopwatch::start();
    while worked.elapsed() < SHIFT {
        match work::step(app, run_id).await? {
            Step::More => {}
            Step::Busy => tokio::time::sleep(LOOK_AGAIN).await,
            Step::Over => return Ok(()),
        }
    }
    let mut tx = app.begin_as(Actor::System).await?;
    enqueue(&mut tx, run_id).await?;
    tx.commit().await?;
    Ok(())
}

/// Part by part, each for good.
async fn forget(app: &App) -> AppResult<()> {
    jobs::part_by_part(app, FORGET, |tx| Box::pin(async { Ok(store::delete_of_old_runs(tx, FORGOTTEN_AT_ONCE).await?) })).await
}
