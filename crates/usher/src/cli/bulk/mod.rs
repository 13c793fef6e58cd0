//! `usher bulk`.

mod results;
mod whom;

use std::io::{BufRead, IsTerminal};

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use uuid::Uuid;

use super::{Failure, Outcome, boot, output, read_time};
use crate::app::App;
use crate::bulk::{self, Action, Counts, Refusals, Run, State, Step};
use crate::caller::Authority;
use crate::config::Config;
use crate::db::Tx;
use crate::error::AppError;
use crate::roles::RoleName;

#[derive(Subcommand)]
pub enum Command {
    /// Show what an action would do to many users, ask, and do it
    Start(Start),
    /// List the runs, newest first
    List,
    /// Show how far a run is
    Show(Which),
    /// List what came of each user of a run, and why, in the order in which they are done
    Results(results::Results),
    /// Halt a run after the batch that is being done
    Pause(Which),
    /// Let a paused run, or one whose process has gone, go on
    Resume(Which),
}

#[derive(Args)]
pub struct Start {
    #[arg(value_enum)]
    action: ActionName,
    #[command(flatten)]
    whom: whom::Whom,
    /// For assign-role and remove-role
    #[arg(long)]
    role: Option<String>,
    /// For assign-role: when the grants end by themselves, such as 2030-01-02T03:04:05Z; who has the role gets this end
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// For set-attributes: a JSON object that is merged into the attributes; null removes one
    #[arg(long)]
    attributes: Option<String>,
    /// Only show what it would do
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Why; kept in the audit trail
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Args)]
pub struct Which {
    /// The run's id
    id: Uuid,
}

#[derive(Clone, Copy, ValueEnum)]
enum ActionName {
    Suspend,
    Reactivate,
    Delete,
    Restore,
    Purge,
    SignOut,
    AssignRole,
    RemoveRole,
    SetAttributes,
    RequirePasswordReset,
}

impl ActionName {
    fn as_str(self) -> &'static str {
        match self {
            Self::Suspend => "suspend",
            Self::Reactivate => "reactivate",
            Self::Delete => "delete",
            Self::Restore => "restore",
            Self::Purge => "purge",
            Self::SignOut => "sign_out",
            Self::AssignRole => "assign_role",
            Self::RemoveRole => "remove_role",
            Self::SetAttributes => "set_attributes",
            Self::RequirePasswordReset => "require_password_reset",
        }
    }
}

pub async fn run(config: Config, command: Command, json: bool) -> Outcome {
    let running = boot::ready(config).await?;
    let outcome = Box::pin(act(&running.app, command, json)).await;
    running.stop().await;
    outcome
}

async fn act(app: &App, command: Command, json: bool) -> Outcome {
    let mut tx = app.begin(&boot::operator(None)).await?;
    match command {
        Command::Start(start) => {
            drop(tx);
            self::start(app, start, json).await
        }
        Command::List => {
            let runs = bulk::list(&mut tx, None, 50).await?;
            tx.commit().await?;
            list(&runs, json)
        }
        Command::Show(Which { id }) => {
            drop(tx);
            show(app, id, json).await
        }
        Command::Results(wanted) => {
            let found = results::find(&mut tx, &wanted).await?;
            tx.commit().await?;
            results::show(&found, &wanted, json)
        }
        Command::Pause(Which { id }) => {
            bulk::set_paused(&mut tx, Authority::operator(), id, true).await?;
            tx.commit().await?;
            show(app, id, json).await
        }
        Command::Resume(Which { id }) => {
            if bulk::read(&mut tx, id).await?.state == State::Paused {
                bulk::set_paused(&mut tx, Authority::operator(), id, false).await?;
            }
            tx.commit().await?;
            finish(app, id, json).await
        }
    }
}

async fn start(app: &App, start: Start, json: bool) -> Outcome {
    let attributes = match start.attributes.as_deref().map(serde_json::from_str) {
        Some(Ok(attributes)) => Some(attributes),
        Some(Err(_)) => return Err(Failure::usage("--attributes must be a JSON object, such as '{\"department\": \"Sales\"}'")),
        None => None,
    };
    require_arguments(&start)?;
    let role = start.role.as_deref().map(RoleName::from);
    let until = start.until.as_deref().map(|until| read_time("until", until)).transpose()?;
    let action = bulk::read_action(start.action.as_str(), role.as_ref(), until, attributes.as_ref())
        .map_err(|why| Failure::usage(AppError::from(why)))?;
    let selection = whom::read(start.whom)?;
    let mut tx = app.begin(&boot::operator(start.reason)).await?;
    let previewed = bulk::preview(&mut tx, Authority::operator(), &action, &selection).await?;
    carry_out(app, tx, &action, previewed, How { dry_run: start.dry_run, yes: start.yes, json }).await
}

/// How far to go with a preview.
pub struct How {
    pub dry_run: bool,
    /// Without asking.
    pub yes: bool,
    pub json: bool,
}

/// Shows a preview that was made in the transaction, asks, and does it.
pub async fn carry_out(app: &App, mut tx: Tx, action: &Action, previewed: (Uuid, String), how: How) -> Outcome {
    let How { dry_run, yes, json } = how;
    let seen = look(&mut tx, previewed.0).await?;
    if dry_run {
        drop(tx);
        preview(&seen, json)?;
        if !json {
            output::say("This was a dry run: nothing was done.");
        }
        return Ok(());
    }
    tx.commit().await?;
    if !yes {
        if json {
            return Err(Failure::usage(
                "with --json nobody is asked: give --yes to do it, or --dry-run to see only what it would do",
            ));
        }
        preview(&seen, false)?;
        let warning = if *action == Action::Purge { " This can't be undone." } else { "" };
        confirm(&format!("Do it: {} {} users?{warning}", action.name().replace('_', " "), seen.run.counts.to_do))?;
    }
    let mut tx = app.begin(&boot::operator(None)).await?;
    bulk::begin(&mut tx, Authority::operator(), previewed.0, &previewed.1).await?;
    tx.commit().await?;
    finish(app, previewed.0, json).await
}

/// What the actions take, in the words of the command line.
fn require_arguments(start: &Start) -> Result<(), Failure> {
    let action = start.action.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
    let takes_role = matches!(start.action, ActionName::AssignRole | ActionName::RemoveRole);
    let takes_attributes = matches!(start.action, ActionName::SetAttributes);
    for (given, taken, name) in
        [(start.role.is_some(), takes_role, "--role"), (start.attributes.is_some(), takes_attributes, "--attributes")]
    {
        if given != taken {
            let what = if taken { "needs" } else { "does not take" };
            return Err(Failure::usage(format!("{action} {what} {name}")));
        }
    }
    if start.until.is_some() && !matches!(start.action, ActionName::AssignRole) {
        return Err(Failure::usage(format!("{action} does not take --until")));
    }
    Ok(())
}

/// Asks whoever sits there.
pub fn confirm(question: &str) -> Outcome {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(
            "nobody is there to be asked: give --yes to do it, or --dry-run to see only what it would do",
        ));
    }
    output::ask(&format!("{question} [y/N] "));
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(anyhow::Error::from)?;
    if ["y", "yes"].contains(&answer.trim().to_lowercase().as_str()) {
        return Ok(());
    }
    Err(Failure::usage("nothing was done; the answer was not yes"))
}

/// Does what is left of a run and shows how it ended. One that could not go on is a failure of the command, too.
pub async fn finish(app: &App, id: Uuid, json: bool) -> Outcome {
    work(app, id).await?;
    show(app, id, json).await?;
    let run = read(app, id).await?;
    if run.state == State::Failed {
        let left = run.counts.to_do;
        return Err(anyhow::anyhow!("the run has failed and {left} users are as they were; what is done is done").into());
    }
    Ok(())
}

/// Here, and beside the workers that may have begun it: whoever comes first does the next batch.
async fn work(app: &App, id: Uuid) -> Result<(), Failure> {
    let total = read(app, id).await?.total;
    loop {
        match bulk::step(app, id).await? {
            Step::More => {}
            // A worker of a server does a batch.
            Step::Busy => tokio::time::sleep(std::time::Duration::from_millis(200)).await,
            Step::Over => break,
        }
        if std::io::stderr().is_terminal() {
            let done = total - read(app, id).await?.counts.to_do;
            output::progress(&format!("{done} of {total} users"));
        }
    }
    output::progress("");
    Ok(())
}

async fn read(app: &App, id: Uuid) -> Result<Run, Failure> {
    let mut tx = app.begin(&boot::operator(None)).await?;
    let run = bulk::read(&mut tx, id).await?;
    tx.commit().await?;
    Ok(run)
}

/// A run, and why some of its users were refused, or would be.
#[derive(Serialize)]
struct Seen {
    #[serde(flatten)]
    run: Run,
    refusals: Vec<Refusals>,
}

async fn look(tx: &mut Tx, id: Uuid) -> Result<Seen, Failure> {
    Ok(Seen { run: bulk::read(tx, id).await?, refusals: bulk::count_refusals(tx, id).await? })
}

fn preview(seen: &Seen, json: bool) -> Outcome {
    if json {
        return Ok(output::json(seen)?);
    }
    let Counts { to_do, unchanged, refused, .. } = seen.run.counts;
    let mut fields = vec![("action", seen.run.action.clone())];
    fields.extend(argument(&seen.run));
    fields.extend([
        ("users", seen.run.total.to_string()),
        ("to be changed", to_do.to_string()),
        ("so already", unchanged.to_string()),
        ("to be refused", refused.to_string()),
    ]);
    output::fields(&fields);
    refusals(seen);
    Ok(())
}

/// The role that is given or taken, and until when.
fn argument(run: &Run) -> Vec<(&'static str, String)> {
    let text = |name: &str| run.argument[name].as_str().map(ToOwned::to_owned);
    let until = text("expires_at").and_then(|until| until.parse().ok()).map(output::time);
    text("role").map(|role| ("role", role)).into_iter().chain(until.map(|until| ("until", until))).collect()
}

fn refusals(seen: &Seen) {
    for Refusals { code, detail, count } in &seen.refusals {
        output::say(format!("  {count} {code}: {detail}"));
    }
}

async fn show(app: &App, id: Uuid, json: bool) -> Outcome {
    let mut tx = app.begin(&boot::operator(None)).await?;
    let seen = look(&mut tx, id).await?;
    tx.commit().await?;
    if json {
        return Ok(output::json(&seen)?);
    }
    let run = &seen.run;
    let Counts { to_do, done, unchanged, refused, failed } = run.counts;
    let mut fields = vec![("id", run.id.to_string()), ("action", run.action.clone())];
    fields.extend(argument(run));
    fields.extend([
        ("filter", run.filter.clone().unwrap_or_else(|| "-".to_owned())),
        ("undoes", run.undoes.map_or_else(|| "-".to_owned(), |id| id.to_string())),
        ("reason", run.reason.clone().unwrap_or_else(|| "-".to_owned())),
        ("state", state(run)),
        (if run.undoes.is_some() { "changes" } else { "users" }, run.total.to_string()),
        ("done", done.to_string()),
        ("so already", unchanged.to_string()),
        ("refused", refused.to_string()),
        ("failed", failed.to_string()),
        ("still to do", to_do.to_string()),
        ("began", output::time_or(run.started_at, "-")),
        ("ended", output::time_or(run.finished_at, "-")),
    ]);
    output::fields(&fields);
    refusals(&seen);
    if refused + failed > 0 {
        output::say(format!("One by one: usher bulk results {id}"));
    }
    match run.state {
        State::Finished | State::Failed if [Action::Purge.name(), "warn_inactive"].contains(&run.action.as_str()) => {}
        State::Finished | State::Failed if done > 0 => output::say(format!("To undo it: usher change undo {id}")),
        State::Running | State::Paused => output::say(format!("To do the rest here and now: usher bulk resume {id}")),
        State::Previewed | State::Finished | State::Failed => {}
    }
    Ok(())
}

fn state(run: &Run) -> String {
    let name = run.state.as_str();
    run.error.as_ref().map_or_else(|| name.to_owned(), |error| format!("{name}: {error}"))
}

fn list(runs: &[Run], json: bool) -> Outcome {
    if json {
        return Ok(output::json(&runs)?);
    }
    let row = |run: &Run| {
        vec![
            run.id.to_string(),
            run.action.clone(),
            state(run),
            format!("{} of {}", run.counts.done, run.total),
            output::time(run.created_at),
            run.reason.clone().unwrap_or_default(),
        ]
    };
    output::table(
        &["id", "action", "state", "done", "previewed", "reason"],
        runs.iter().map(row).collect(),
        "There are no runs.",
    );
    Ok(())
}
