//! The job that judges and applies imports.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::apply::{self, Step};
use super::{classify, keys, store};
use crate::app::App;
use crate::clock::Stopwatch;
use crate::db::{Actor, Tx};
use crate::error::AppResult;
use crate::jobs::{self, Registry, SHIFT};

const RUN: &str = "run_import";
const FORGET: &str = "forget_imports";
/// Rows or keys that are forgotten in one transaction: few enough for the time that a statement has.
const FORGOTTEN_AT_ONCE: i64 = 20_000;
/// Keys that are left over when rows are not applied.
const KEYS_AT_ONCE: i64 = 100_000;

#[derive(Serialize, Deserialize)]
struct Payload {
    import_id: Uuid,
}

pub fn register(registry: &mut Registry) {
    registry.long(RUN, |app, payload| Box::pin(run(app, payload)));
    registry.every_long(Duration::from_hours(1), FORGET, |app, _| Box::pin(forget(app)));
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
    let mut tx = app.begin_as(Actor::System).await?;
    enqueue(&mut tx, import_id).await?;
    tx.commit().await?;
    Ok(())
}

/// Part by part, each for good; the keys that are left over go with the last.
async fn forget(app: &App) -> AppResult<()> {
    jobs::part_by_part(app, FORGET, |tx| Box::pin(forget_some(tx))).await
}

async fn forget_some(tx: &mut Tx) -> AppResult<bool> {
    let goes_on = store::delete_of_old_imports(tx, FORGOTTEN_AT_ONCE).await?;
    if !goes_on {
        keys::delete_of_ended(tx, KEYS_AT_ONCE).await?;
    }
    Ok(goes_on)
}
