//! What the schema asks for after the answer. Checking a million users and building indexes takes longer than a job may: the job
//! begins it, and it goes on beside.

use std::time::Duration;

use crate::app::App;
use crate::db::Tx;
use crate::error::{AppResult, LogAndIgnore};
use crate::jobs::{Registry, enqueue};

const NOW: &str = "tend_attribute_schema_now";
const ALWAYS: &str = "tend_attribute_schema";
/// How long the job waits for the work to be done.
const WITHIN: Duration = Duration::from_secs(20);

pub fn register(registry: &mut Registry) {
    registry.long(NOW, |app, _| Box::pin(tend(app)));
    // Whatever a process has left undone that ended meanwhile.
    registry.every_long(Duration::from_mins(1), ALWAYS, |app, _| Box::pin(tend(app)));
}

/// There is something to do once the transaction has been committed.
pub async fn request(tx: &mut Tx) -> AppResult<()> {
    enqueue(tx, NOW, &serde_json::json!({})).await
}

async fn tend(app: &App) -> AppResult<()> {
    let (done, finished) = tokio::sync::oneshot::channel();
    let app = app.clone();
    tokio::spawn(async move {
        // Nobody waits any more: it is tried again within a minute.
        if let Err(outcome) = done.send(super::tend(&app).await) {
            outcome.log_and_ignore("it is done again in a minute");
        }
    });
    match tokio::time::timeout(WITHIN, finished).await {
        Ok(Ok(outcome)) => outcome.map(|_| ()),
        Ok(Err(_)) => Err(anyhow::anyhow!("tending the schema of attributes was cut short").into()),
        Err(_) => Ok(()),
    }
}
