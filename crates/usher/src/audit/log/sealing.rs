//! The sealer: one at a time in all processes together. It takes events whose transaction and all before it are over, so none can
//! turn up later before one that was sealed, and writes leaves and checkpoint in one transaction: a crash leaves all or nothing.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use jiff::SignedDuration;
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;
use usher_log::{Edge, SignedCheckpoint};

use super::store::{self, Unsealed};
use super::{Sealed, key, last, progress};
use crate::app::App;
use crate::db::Actor;
use crate::error::{AppError, AppResult, LogAndIgnore};

/// Events that one transaction seals at the most.
const BATCH: i64 = 4_096;
const LOOK_EVERY: Duration = Duration::from_secs(1);
const AFTER_FAILURE: Duration = Duration::from_secs(30);
/// Then somebody should look: a transaction stays open, or the sealer fails.
const LATE: SignedDuration = SignedDuration::from_mins(1);

/// Seals until it is told to stop.
pub struct Sealing {
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Sealing {
    pub fn start(app: App) -> Self {
        let (stop, stopping) = watch::channel(false);
        Self { stop, task: tokio::spawn(work(app, stopping)) }
    }

    /// Seals what is ready and ends.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        self.task.await.log_and_ignore("the sealer has ended");
    }
}

async fn work(app: App, mut stopping: watch::Receiver<bool>) {
    // The process may have died between sealing and telling.
    if let Ok(Some(sealed)) = last(&app).await {
        push(&app, &sealed.checkpoint).await;
    }
    let mut is_late = false;
    loop {
        // Asked first, so that what was written until then is sealed after it.
        let is_last = *stopping.borrow();
        let wait = match look(&app, &mut is_late).await {
            Ok(()) => LOOK_EVERY,
            Err(AppError::Rejected(rejection)) => {
                tracing::warn!(error = rejection.detail, "sealing the audit trail has to wait");
                LOOK_EVERY
            }
            Err(error @ AppError::Internal(_)) => {
                tracing::error!(%error, "the audit trail can't be sealed: run `usher audit verify`");
                AFTER_FAILURE
            }
        };
        if is_last {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = stopping.changed() => {}
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge need not be exact")]
async fn look(app: &App, is_late: &mut bool) -> AppResult<()> {
    let mut now = progress(app).await?;
    if now.waiting > 0 {
        seal(app).await?;
        now = progress(app).await?;
    }
    let behind = now.behind(app.clock.now());
    metrics::gauge!("usher_audit_sealed_events").set(now.sealed as f64);
    metrics::gauge!("usher_audit_unsealed_events").set(now.waiting as f64);
    metrics::gauge!("usher_audit_unsealed_seconds").set(behind.as_secs_f64());
    if (behind > LATE) != *is_late {
        *is_late = behind > LATE;
        let (waiting, since) = (now.waiting, now.waits_since.map(|at| at.to_string()));
        if *is_late {
            tracing::warn!(waiting, since, "the audit trail is not sealed: is a transaction open in the database for long?");
        } else {
            tracing::info!("the audit trail is sealed again");
        }
    }
    Ok(())
}

/// Seals everything that is ready, and says how many events that were.
pub async fn seal(app: &App) -> AppResult<u64> {
    let mut sealed = 0;
    loop {
        let count = seal_batch(app).await?;
        sealed += count;
        if count < BATCH.unsigned_abs() {
            return Ok(sealed);
        }
    }
}

async fn seal_batch(app: &App) -> AppResult<u64> {
    let mut tx = app.begin_as(Actor::System).await?;
    if !store::try_lock(&mut tx).await? {
        return Ok(0);
    }
    let events = store::take_unsealed(&mut tx, BATCH).await?;
    if events.is_empty() {
        return Ok(0);
    }
    let key = key::find_or_make(app, &mut tx).await?;
    let last = store::find_last_checkpoint_in(&mut tx).await?;
    let mut edge = last.map_or_else(|| Ok(Edge::default()), |(sealed, edge)| continued(&sealed, &edge))?;
    let first = edge.size();
    let leaves: Vec<_> = events.iter().map(|Unsealed { event, .. }| event.leaf_hash()).collect();
    edge.extend(leaves.iter().copied());
    store::insert_leaves(&mut tx, first, &events, &leaves).await?;
    let note = key.sign(edge.size(), edge.root());
    store::insert_checkpoint(&mut tx, &edge, &note, &key.verifier().to_string()).await?;
    tx.commit().await?;
    push(app, &note).await;
    Ok(events.len() as u64)
}

/// The tree to go on from, of a checkpoint. One that does not fit its own signed root was tampered with, and must not be signed again.
pub(super) fn continued(sealed: &Sealed, edge: &[u8]) -> anyhow::Result<Edge> {
    let checkpoint = SignedCheckpoint::parse(&sealed.checkpoint)
        .with_context(|| format!("checkpoint {} was changed in the database", sealed.tree_size))?;
    let checkpoint = checkpoint.checkpoint;
    let edge = Edge::from_bytes(checkpoint.size, edge).filter(|edge| edge.root() == checkpoint.root);
    let edge = edge.filter(|edge| i64::try_from(edge.size()) == Ok(sealed.tree_size));
    ensure!(edge.is_some(), "checkpoint {} was changed in the database", sealed.tree_size);
    edge.context("there is an edge")
}

/// Appends the checkpoint to the file that the operator has named. The log itself does not depend on it.
async fn push(app: &App, note: &str) {
    let Some(path) = &app.config.audit.checkpoints else { return };
    if let Err(error) = append(path, note).await {
        tracing::error!(%error, file = %path.display(), "a checkpoint could not be appended (USHER_AUDIT_CHECKPOINTS)");
    }
}

async fn append(path: &Path, note: &str) -> std::io::Result<()> {
    let mut file = tokio::fs::OpenOptions::new().create(true).append(true).open(path).await?;
    file.write_all(format!("{note}\n").as_bytes()).await?;
    file.sync_data().await
}
