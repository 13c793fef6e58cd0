//! Workers: any number in any number of processes.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::Instrument;

use super::store::{self, Claimed, Room};
use super::{Handler, Registry};
use crate::app::App;
use crate::clock::Stopwatch;
use crate::db::listen::{Heard, Listener};
use crate::db::{Actor, DbResult, Tx};
use crate::error::{AppError, AppResult, LogAndIgnore};
use crate::telemetry;

/// Jobs at the same time; fewer where they would need more than half of the connections, which requests wait for too.
const AT_ONCE: usize = 8;
/// Beside them, those that wait for the network and need no connection meanwhile.
const OUTSIDE_AT_ONCE: usize = 8;
/// How long a handler may take.
const HANDLER_WITHIN: Duration = Duration::from_secs(25);
/// A worker that has not finished by then is taken for dead; its jobs go to others.
const CLAIM_LASTS: SignedDuration = SignedDuration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// With the back-off below, giving up takes about five hours.
const ATTEMPTS_MAX: i32 = 12;
const BACK_OFF_FIRST: SignedDuration = SignedDuration::from_secs(10);
const BACK_OFF_MAX: SignedDuration = SignedDuration::from_hours(1);

/// Works until it is told to stop.
pub struct Worker {
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Worker {
    pub fn start(app: App, registry: Registry, listener: &Listener) -> Self {
        let (stop, stopping) = watch::channel(false);
        let heard = listener.subscribe();
        let task = tokio::spawn(work(app, registry.shared(), heard, stopping));
        Self { stop, task }
    }

    /// Finishes the jobs in hand and ends.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        self.task.await.log_and_ignore("the worker has ended");
    }
}

async fn work(
    app: App,
    registry: Arc<Registry>,
    mut heard: tokio::sync::broadcast::Receiver<Heard>,
    mut stopping: watch::Receiver<bool>,
) {
    let mut hands = Hands::new(app.clone(), Arc::clone(&registry));
    let mut scheduled: Option<Stopwatch> = None;
    while !*stopping.borrow() {
        // What was heard until now is a reason for one look, not for one each.
        heard = heard.resubscribe();
        if scheduled.as_ref().is_none_or(|since| since.elapsed() >= LOOK_EVERY) {
            schedule(&app, &registry).await.log_and_ignore("schedules are written again at the next look");
            scheduled = Some(Stopwatch::start());
        }
        match hands.fill().await {
            Ok(0) => {}
            Ok(_) => continue,
            Err(error) => tracing::warn!(%error, "looking for jobs failed; trying again"),
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = heard.recv(), if hands.has_room() => {}
            () = hands.free_one(), if !hands.are_idle() => {}
            _ = stopping.changed() => {}
        }
    }
    hands.finish().await;
}

/// Does everything that is due, now, and returns how many jobs there were.
pub async fn run_due(app: &App, registry: &Registry) -> AppResult<usize> {
    let mut hands = Hands::new(app.clone(), registry.clone().shared());
    let mut done = 0;
    loop {
        match hands.fill().await? {
            0 if hands.are_idle() => return Ok(done),
            count => done += count,
        }
        hands.finish().await;
    }
}

/// The jobs that a worker does at the same time. What ends makes room for another: a short one does not wait for a long one.
struct Hands {
    app: App,
    registry: Arc<Registry>,
    long_kinds: Vec<&'static str>,
    outside_kinds: Vec<&'static str>,
    at_once: usize,
    short: JoinSet<()>,
    long: JoinSet<()>,
    outside: JoinSet<()>,
}

impl Hands {
    fn new(app: App, registry: Arc<Registry>) -> Self {
        let at_once = (app.db.pool_use().max / 2).clamp(1, AT_ONCE);
        let long_kinds = registry.kinds(|handler| matches!(handler, Handler::Long(_)));
        let outside_kinds = registry.kinds(|handler| matches!(handler, Handler::Outside(_)));
        let (short, long, outside) = (JoinSet::new(), JoinSet::new(), JoinSet::new());
        Self { app, registry, long_kinds, outside_kinds, at_once, short, long, outside }
    }

    fn free(&self) -> usize {
        self.at_once - self.short.len() - self.long.len()
    }

    fn free_outside(&self) -> usize {
        OUTSIDE_AT_ONCE - self.outside.len()
    }

    fn has_room(&self) -> bool {
        self.free() + self.free_outside() > 0
    }

    fn are_idle(&self) -> bool {
        self.short.is_empty() && self.long.is_empty() && self.outside.is_empty()
    }

    /// Begins as many of the jobs that are due as there is room for, and says how many.
    async fn fill(&mut self) -> AppResult<usize> {
        if !self.has_room() {
            return Ok(0);
        }
        let long = self.at_once.div_ceil(2).saturating_sub(self.long.len());
        let counted = |room| i64::try_from(room).unwrap_or(1);
        let room = Room {
            jobs: counted(self.free()),
            long: counted(long),
            long_kinds: &self.long_kinds,
            outside: counted(self.free_outside()),
            outside_kinds: &self.outside_kinds,
        };
        let mut tx = self.app.begin_as(Actor::System).await?;
        let until = tx.now() + CLAIM_LASTS;
        let claimed = store::claim_jobs(&mut tx, until, &room).await?;
        tx.commit().await?;
        let count = claimed.len();
        for job in claimed {
            self.begin(job);
        }
        Ok(count)
    }

    fn begin(&mut self, job: Claimed) {
        let hands = match self.registry.handlers.get(job.kind.as_str()) {
            Some(Handler::Long(_)) => &mut self.long,
            Some(Handler::Outside(_)) => &mut self.outside,
            Some(Handler::InTx(_)) | None => &mut self.short,
        };
        let (app, registry) = (self.app.clone(), Arc::clone(&self.registry));
        let span = telemetry::job(&job.kind);
        let doing = async move {
            let outcome = run_one(&app, &registry, job).await;
            outcome.log_and_ignore("the job's claim runs out and another worker takes it");
        };
        hands.spawn(doing.instrument(span));
    }

    /// Waits until a job has ended, and takes note of all that have.
    async fn free_one(&mut self) {
        tokio::select! {
            _ = self.short.join_next(), if !self.short.is_empty() => {}
            _ = self.long.join_next(), if !self.long.is_empty() => {}
            _ = self.outside.join_next(), if !self.outside.is_empty() => {}
            else => {}
        }
        for hands in [&mut self.short, &mut self.long, &mut self.outside] {
            while hands.try_join_next().is_some() {}
        }
    }

    async fn finish(&mut self) {
        while !self.are_idle() {
            self.free_one().await;
        }
    }
}

async fn schedule(app: &App, registry: &Registry) -> DbResult<()> {
    let mut tx = app.begin_as(Actor::System).await?;
    for (kind, period) in &registry.periodic {
        let run_at = next_slot(tx.now(), *period);
        store::insert_periodic_job(&mut tx, kind, run_at).await?;
    }
    tx.commit().await
}

/// The next multiple of the period: the same in every process.
fn next_slot(now: Timestamp, period: Duration) -> Timestamp {
    let period = i64::try_from(period.as_secs()).unwrap_or(i64::MAX).max(1);
    let next = (now.as_second() / period + 1).saturating_mul(period);
    Timestamp::from_second(next).unwrap_or(now)
}

async fn run_one(app: &App, registry: &Registry, job: Claimed) -> AppResult<()> {
    // A job that has ended its process time and again is not begun once more.
    let outcome = if job.attempts > ATTEMPTS_MAX {
        Err(anyhow::anyhow!("every worker that began it was lost").into())
    } else {
        let running = AssertUnwindSafe(tokio::time::timeout(HANDLER_WITHIN, handle(app, registry, &job))).catch_unwind();
        match running.await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(anyhow::anyhow!("it took longer than {} s", HANDLER_WITHIN.as_secs()).into()),
            Err(_) => Err(anyhow::anyhow!("its handler panicked").into()),
        }
    };
    let name = if outcome.is_ok() { "done" } else { "failed" };
    metrics::counter!("usher_jobs_total", "kind" => job.kind.clone(), "outcome" => name).increment(1);
    match outcome {
        Ok(()) => Ok(()),
        Err(error) => give_back(app, &job, &error).await,
    }
}

async fn handle(app: &App, registry: &Registry, job: &Claimed) -> AppResult<()> {
    match registry.handlers.get(job.kind.as_str()) {
        Some(Handler::InTx(handler)) => run_in_tx(app, registry, *handler, job).await,
        Some(Handler::Outside(handler) | Handler::Long(handler)) => run_outside(app, registry, *handler, job).await,
        // A release that is being rolled out may know kinds that this one does not.
        None => Err(anyhow::anyhow!("this release does not know jobs of the kind {}", job.kind).into()),
    }
}

async fn run_in_tx(app: &App, registry: &Registry, handler: super::InTx, job: &Claimed) -> AppResult<()> {
    let mut tx = app.begin_as(Actor::System).await?;
    handler(app, &mut tx, job.payload.clone()).await?;
    if finish(&mut tx, registry, job).await? {
        tx.commit().await?;
    }
    Ok(())
}

async fn run_outside(app: &App, registry: &Registry, handler: super::Outside, job: &Claimed) -> AppResult<()> {
    handler(app, job.payload.clone()).await?;
    let mut tx = app.begin_as(Actor::System).await?;
    finish(&mut tx, registry, job).await?;
    tx.commit().await?;
    Ok(())
}

/// Notes that the job was done. False when the claim was lost meanwhile.
async fn finish(tx: &mut Tx, registry: &Registry, job: &Claimed) -> DbResult<bool> {
    let period = registry.periodic.iter().find(|(kind, _)| *kind == job.kind).map(|(_, period)| *period);
    match period {
        // The row of a periodic job stays, so that no worker takes its absence for a turn that nobody has done.
        Some(period) if job.is_periodic => {
            let run_at = next_slot(tx.now(), period);
            store::update_job_to_next(tx, job, run_at).await
        }
        _ => store::delete_job(tx, job.id, job.attempts).await,
    }
}

async fn give_back(app: &App, job: &Claimed, error: &AppError) -> AppResult<()> {
    let text = error.to_string();
    let logged = telemetry::without_addresses(&text);
    let mut tx = app.begin_as(Actor::System).await?;
    if job.attempts >= ATTEMPTS_MAX {
        tracing::error!(job.kind, job.id = %job.id, error = logged, "gave up a job: see `usher job list`");
        store::update_job_to_dead(&mut tx, job, &text).await?;
    } else {
        let delay = back_off(job.attempts);
        tracing::warn!(job.kind, job.id = %job.id, error = logged, retry_in = %delay, "a job failed and will be tried again");
        store::update_job_to_retry(&mut tx, job, delay, &text).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Doubles from ten seconds to an hour.
fn back_off(attempts: i32) -> SignedDuration {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(0).min(16);
    (BACK_OFF_FIRST * (1 << doublings)).min(BACK_OFF_MAX)
}
