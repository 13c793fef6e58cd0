//! What waits for a worker, as metrics of every process that does the after-work.

use std::time::Duration;

use crate::app::App;
use crate::db::{Actor, DbResult};
use crate::error::LogAndIgnore;
use crate::{jobs, mails};

const LOOK_EVERY: Duration = Duration::from_secs(15);

/// Until the process ends.
pub fn watch(app: App) {
    tokio::spawn(async move {
        loop {
            look(&app).await.log_and_ignore("the queues are counted again at the next look");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    });
}

#[expect(clippy::cast_precision_loss, reason = "a gauge need not be exact")]
async fn look(app: &App) -> DbResult<()> {
    let mut tx = app.begin_as(Actor::System).await?;
    let jobs = jobs::count(&mut tx).await?;
    let mails = mails::count(&mut tx).await?;
    let lag = jobs.oldest_ready.map(|since| tx.now().duration_since(since).as_secs_f64()).unwrap_or_default();
    tx.commit().await?;
    metrics::gauge!("usher_jobs_waiting").set(jobs.ready as f64);
    metrics::gauge!("usher_jobs_oldest_ready_seconds").set(lag);
    metrics::gauge!("usher_jobs_given_up").set(jobs.given_up as f64);
    metrics::gauge!("usher_mails_waiting").set(mails.waiting as f64);
    metrics::gauge!("usher_mails_held").set(mails.held as f64);
    metrics::gauge!("usher_mails_given_up").set(mails.given_up as f64);
    Ok(())
}
