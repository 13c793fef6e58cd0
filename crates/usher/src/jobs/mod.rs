//! After-work. A job is a row written in the transaction of the change that asks for it (an outbox): it exists exactly if the
//! change does. Workers claim with `for update skip locked`, retry with back-off, and leave a visible dead letter in the end.

mod store;
mod worker;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

pub use worker::{Worker, run_due};

use crate::app::App;
use crate::clock::Stopwatch;
use crate::db::{Actor, DbResult, Tx};
use crate::error::AppResult;
use crate::id::JobId;

type Future<'a, T = ()> = Pin<Box<dyn std::future::Future<Output = AppResult<T>> + Send + 'a>>;

/// Does a job inside the transaction that also removes its row: its effect happens once.
pub type InTx = for<'a> fn(&'a App, &'a mut Tx, Value) -> Future<'a>;
/// Does a job that waits for the network or takes its time, with no transaction open: at least once, so it must be idempotent.
pub type Outside = for<'a> fn(&'a App, Value) -> Future<'a>;

#[derive(Clone, Copy)]
enum Handler {
    InTx(InTx),
    Outside(Outside),
    /// The same, of those that take a worker for seconds.
    Long(Outside),
}

/// What can be done, by the name of its kind.
#[derive(Clone, Default)]
pub struct Registry {
    handlers: HashMap<&'static str, Handler>,
    periodic: Vec<(&'static str, Duration)>,
}

impl Registry {
    pub fn in_tx(&mut self, kind: &'static str, handler: InTx) {
        self.handlers.insert(kind, Handler::InTx(handler));
    }

    pub fn outside(&mut self, kind: &'static str, handler: Outside) {
        self.handlers.insert(kind, Handler::Outside(handler));
    }

    /// The same for work of seconds: half of the jobs that a worker does at the same time may be such, so that mails do not wait
    /// for imports.
    pub fn long(&mut self, kind: &'static str, handler: Outside) {
        self.handlers.insert(kind, Handler::Long(handler));
    }

    /// A job that usher does every so often, once in all processes together.
    pub fn every(&mut self, period: Duration, kind: &'static str, handler: InTx) {
        self.in_tx(kind, handler);
        self.periodic.push((kind, period));
    }

    /// The same for work that begins its transactions itself.
    pub fn every_long(&mut self, period: Duration, kind: &'static str, handler: Outside) {
        self.long(kind, handler);
        self.periodic.push((kind, period));
    }

    fn kinds(&self, of: fn(&Handler) -> bool) -> Vec<&'static str> {
        self.handlers.iter().filter(|(_, handler)| of(handler)).map(|(kind, _)| *kind).collect()
    }

    fn shared(self) -> Arc<Self> {
        Arc::new(self)
    }
}

/// Writes a job into the transaction; a worker begins it right after the commit.
pub async fn enqueue(tx: &mut Tx, kind: &'static str, payload: &impl Serialize) -> AppResult<()> {
    let payload = serde_json::to_value(payload)?;
    store::insert_job(tx, kind, payload).await?;
    Ok(())
}

/// One job works so long and leaves the rest to another: jobs have their time.
pub const SHIFT: Duration = Duration::from_secs(12);

/// Does a part of a work, and says whether it goes on.
pub type Part = for<'a> fn(&'a mut Tx) -> Future<'a, bool>;

/// Works part by part, each in a transaction of its own; what is too much for a shift is left to another job of this kind.
pub async fn part_by_part(app: &App, kind: &'static str, part: Part) -> AppResult<()> {
    parts_within(app, SHIFT, kind, part).await
}

async fn parts_within(app: &App, shift: Duration, kind: &'static str, part: Part) -> AppResult<()> {
    let worked = Stopwatch::start();
    loop {
        let mut tx = app.begin_as(Actor::System).await?;
        let goes_on = part(&mut tx).await?;
        let leaves = goes_on && worked.elapsed() >= shift;
        if leaves {
            enqueue(&mut tx, kind, &()).await?;
        }
        tx.commit().await?;
        if leaves || !goes_on {
            return Ok(());
        }
    }
}

/// How many jobs there are.
#[derive(Clone, Copy, Debug)]
pub struct Queue {
    /// Until their time or a worker comes; without what usher does every so often.
    pub waiting: i64,
    /// Only a worker is missing.
    pub ready: i64,
    /// Since when one of these is.
    pub oldest_ready: Option<Timestamp>,
    pub given_up: i64,
}

pub async fn count(tx: &mut Tx) -> DbResult<Queue> {
    store::count_jobs(tx).await
}

/// A job that is not done, without what it is about: that may name people.
#[derive(Debug, Serialize)]
pub struct Job {
    pub id: JobId,
    pub kind: String,
    pub created_at: Timestamp,
    /// How often it was begun.
    pub attempts: i32,
    /// When it may be begun, again.
    pub run_at: Timestamp,
    /// Somebody does it, until then at most.
    pub claimed_until: Option<Timestamp>,
    pub given_up_at: Option<Timestamp>,
    pub last_error: Option<String>,
}

/// Those that were given up, the last first; or those that wait or are in hand, in the order of their turns.
pub async fn list(tx: &mut Tx, given_up: bool, limit: i64) -> DbResult<Vec<Job>> {
    if given_up { store::list_given_up_jobs(tx, limit).await } else { store::list_live_jobs(tx, limit).await }
}

/// Lets jobs that were given up be tried from the beginning: all of them, or one. Returns them with their kinds.
pub async fn retry(tx: &mut Tx, id: Option<JobId>) -> DbResult<Vec<(JobId, String)>> {
    store::update_jobs_to_tried_again(tx, id).await
}

/// Forgets a job that was given up: what it was for will not be done. Returns its kind, or `None` when there is no such.
pub async fn discard(tx: &mut Tx, id: JobId) -> DbResult<Option<String>> {
    store::delete_given_up_job(tx, id).await
}
