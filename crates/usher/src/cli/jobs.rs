//! `usher job`.

use clap::Subcommand;
use serde_json::json;

use super::{Failure, Outcome, boot, output};
use crate::app::App;
use crate::audit::{self, Event};
use crate::config::Config;
use crate::db::{DbResult, Tx};
use crate::id::{JobId, new_uuid};
use crate::jobs::{self, Job};

#[derive(Subcommand)]
pub enum Command {
    /// List the jobs that were given up after twelve attempts, the last first
    List {
        /// Those that wait or are in hand instead, in the order of their turns
        #[arg(long)]
        waiting: bool,
        /// At most so many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=1000))]
        limit: i64,
    },
    /// Let jobs that were given up be tried again, when the reason is gone
    Retry {
        /// Only this one
        id: Option<JobId>,
        /// Why; kept in the audit trail
        #[arg(long)]
        reason: Option<String>,
    },
    /// Forget a job that was given up: what it was for will not be done
    Discard {
        /// Its id, from `usher job list`
        id: JobId,
        /// Why; kept in the audit trail
        #[arg(long)]
        reason: Option<String>,
    },
}

pub async fn run(config: Config, command: Command, json: bool) -> Outcome {
    let running = boot::ready(config).await?;
    let outcome = act(&running.app, command, json).await;
    running.stop().await;
    outcome
}

async fn act(app: &App, command: Command, json: bool) -> Outcome {
    match command {
        Command::List { waiting, limit } => {
            let mut tx = app.begin(&boot::operator(None)).await?;
            let found = jobs::list(&mut tx, !waiting, limit).await?;
            tx.commit().await?;
            list(&found, waiting, json)?;
        }
        Command::Retry { id, reason } => {
            let mut tx = app.begin(&boot::operator(reason)).await?;
            let retried = jobs::retry(&mut tx, id).await?;
            let count = retried.len();
            if let Some(id) = id.filter(|_| count == 0) {
                return Err(none_of(id));
            }
            note_retried(&mut tx, &retried).await?;
            tx.commit().await?;
            if json {
                output::json(&json!({ "retried": count }))?;
            } else {
                output::say(format!("{count} put back into the queue."));
            }
        }
        Command::Discard { id, reason } => {
            let mut tx = app.begin(&boot::operator(reason)).await?;
            let kind = jobs::discard(&mut tx, id).await?.ok_or_else(|| none_of(id))?;
            audit::record(&mut tx, Event::success("job.discarded").on("job", id).detail("kind", kind)).await?;
            tx.commit().await?;
            if json {
                output::json(&json!({ "discarded": id }))?;
            } else {
                output::say("Discarded.");
            }
        }
    }
    Ok(())
}

/// All of them are one change, which the first begins.
async fn note_retried(tx: &mut Tx, retried: &[(JobId, String)]) -> DbResult<()> {
    let events = retried.iter().map(|(id, kind)| Event::success("job.retried").on("job", id).detail("kind", kind.as_str()));
    let mut events = events.collect::<Vec<_>>().into_iter();
    if let Some(first) = events.next() {
        let change = new_uuid(tx.now());
        audit::begin_change(tx, change, first).await?;
    }
    audit::record_all(tx, events.collect()).await
}

fn none_of(id: JobId) -> Failure {
    Failure { code: 1, message: format!("no job {id} was given up: see `usher job list`") }
}

fn list(jobs: &[Job], waiting: bool, json: bool) -> anyhow::Result<()> {
    if json {
        return output::json(&jobs);
    }
    let (turn, when_empty) = if waiting { ("turn", "No jobs wait.") } else { ("given up", "No job was given up.") };
    let row = |job: &Job| {
        let turn = match job.claimed_until {
            Some(until) => format!("in hand until {}", output::time(until)),
            None => output::time(job.given_up_at.unwrap_or(job.run_at)),
        };
        let error = job.last_error.clone().unwrap_or_default();
        vec![job.id.to_string(), job.kind.clone(), output::time(job.created_at), job.attempts.to_string(), turn, error]
    };
    output::table(&["id", "kind", "created", "attempts", turn, "last error"], jobs.iter().map(row).collect(), when_empty);
    Ok(())
}
