//! `usher attributes`.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Failure, Outcome, boot, bulk, output};
use crate::app::App;
use crate::attributes::migration::{self, Preview, Rename};
use crate::attributes::{self, Document, Operation, Outcome as Set, Status};
use crate::config::Config;
use crate::error::AppError;
use crate::http::body;

#[derive(Subcommand)]
pub enum Command {
    /// Print the schema that is in force
    Show,
    /// Set the schema from a file with JSON
    Set {
        /// `-` is standard input
        file: PathBuf,
        /// Why; kept in the audit trail
        #[arg(long)]
        reason: Option<String>,
    },
    /// Give an attribute another name, in the schema and with every user who has it
    Rename {
        /// The name that it has
        from: String,
        /// The name that it gets
        to: String,
        #[command(flatten)]
        how: How,
    },
    /// Take an attribute out of the schema and away from every user who has it
    Remove {
        /// The attribute's name
        name: String,
        #[command(flatten)]
        how: How,
    },
    /// See what is in force, what waits, and how far the indexes are
    Status,
    /// Check users and build indexes now, as the role that this command connects as
    Tend,
}

#[derive(Args)]
pub struct How {
    /// Only show what it would come to
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Why; kept in the audit trail
    #[arg(long)]
    reason: Option<String>,
}

pub async fn run(config: Config, command: &Command, json: bool) -> Outcome {
    let running = boot::ready(config).await?;
    let outcome = act(&running.app, command, json).await;
    running.stop().await;
    outcome
}

async fn act(app: &App, command: &Command, json: bool) -> Outcome {
    match command {
        Command::Show => Ok(output::json(&read(app).await?.in_force.schema)?),
        Command::Status => show(&read(app).await?, json),
        Command::Tend => {
            while !attributes::tend(app).await? {
                output::progress("another process is at it ...");
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            }
            output::progress("");
            show(&read(app).await?, json)
        }
        Command::Rename { from, to, how } => migrate(app, json!({ "rename": { "from": from, "to": to } }), how, json).await,
        Command::Remove { name, how } => migrate(app, json!({ "remove": name }), how, json).await,
        Command::Set { file, reason } => {
            let document: Document = body::parse(&read_file(file)?)?;
            let mut tx = app.begin(&boot::operator(reason.clone())).await?;
            let rules = attributes::lock_for_change(&mut tx).await?;
            let set = attributes::put(&mut tx, &rules, document).await.map_err(|error| in_full(&error))?;
            tx.commit().await?;
            if !json && set == Set::Pending {
                output::say("It comes into force when all users have been checked: see `usher attributes status`.");
            }
            show(&read(app).await?, json)
        }
    }
}

/// Shows what it comes to, asks, and begins it.
async fn migrate(app: &App, operation: Value, how: &How, json: bool) -> Outcome {
    let operations: [Operation; 1] = [body::from_value(operation)?];
    let mut tx = app.begin(&boot::operator(how.reason.clone())).await?;
    let previews = migration::preview(&mut tx, &operations).await.map_err(|error| unfit(&operations[0], &error))?;
    tx.commit().await?;
    if json && how.dry_run {
        return Ok(output::json(&previews)?);
    }
    if json && !how.yes {
        return Err(Failure::usage(
            "with --json nobody is asked: give --yes to do it, or --dry-run to see only what it comes to",
        ));
    }
    if !json {
        preview(&previews);
    }
    if how.dry_run {
        output::say("This was a dry run: nothing was done.");
        return Ok(());
    }
    if !how.yes {
        bulk::confirm("Do it?")?;
    }
    let mut tx = app.begin(&boot::operator(how.reason.clone())).await?;
    let rules = attributes::lock_for_change(&mut tx).await?;
    migration::begin(&mut tx, &rules, &operations).await.map_err(|error| unfit(&operations[0], &error))?;
    tx.commit().await?;
    if !json {
        output::say(
            "The schema is changed. The users follow, by a worker or `usher attributes tend`: see `usher attributes status`.",
        );
    }
    show(&read(app).await?, json)
}

fn preview(previews: &[Preview]) {
    for Preview { operation, users, sample } in previews {
        let what = match operation {
            Operation::Rename(Rename { from, to }) => format!("rename {from} to {to}"),
            Operation::Remove(name) => format!("remove {name}"),
        };
        let some: Vec<&str> = sample.iter().map(|holder| holder.username.as_str()).collect();
        let some = if some.is_empty() { "-".to_owned() } else { some.join(", ") };
        output::fields(&[("what", what), ("users who have it", users.to_string()), ("the first of them", some)]);
    }
}

/// What is wrong with an operation, by the name that was given.
fn unfit(operation: &Operation, error: &AppError) -> Failure {
    let AppError::Rejected(rejection) = error else { return Failure { code: 1, message: error.to_string() } };
    let faults = rejection.errors.iter().map(|fault| {
        let name = match (operation, fault.pointer.as_deref().unwrap_or_default().rsplit('/').next()) {
            (Operation::Rename(rename), Some("to")) => &rename.to,
            (Operation::Rename(Rename { from: name, .. }) | Operation::Remove(name), _) => name,
        };
        format!("`{name}` {}", fault.detail)
    });
    let faults: Vec<String> = faults.collect();
    Failure { code: 1, message: if faults.is_empty() { error.to_string() } else { faults.join("\n") } }
}

/// With the users who do not fit.
fn in_full(error: &AppError) -> Failure {
    let mut lines = vec![error.to_string()];
    if let AppError::Rejected(rejection) = error
        && let Some(Value::Array(offenders)) = rejection.more.as_ref().and_then(|more| more.get("offenders"))
    {
        lines.extend(offenders.iter().map(|offender| {
            let member = |name: &str| offender[name].as_str().unwrap_or_default();
            format!("  {}: {} {}", member("username"), member("pointer"), member("detail"))
        }));
    }
    Failure { code: 1, message: lines.join("\n") }
}

async fn read(app: &App) -> Result<Status, Failure> {
    let mut tx = app.begin(&boot::operator(None)).await?;
    let status = attributes::status(&mut tx).await?;
    tx.commit().await?;
    Ok(status)
}

fn read_file(file: &std::path::Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let mut reader: Box<dyn std::io::Read> = if file.as_os_str() == "-" {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(file).with_context(|| format!("opening {}", file.display()))?)
    };
    // One more than fits, so that what is too large is refused and not cut off.
    let limit = u64::try_from(body::BODY_MAX).unwrap_or(u64::MAX) + 1;
    std::io::Read::read_to_end(&mut std::io::Read::take(&mut reader, limit), &mut bytes).context("reading the schema")?;
    if bytes.len() > body::BODY_MAX {
        return Err(Failure::usage(format!("the schema is larger than {} bytes", body::BODY_MAX)));
    }
    Ok(bytes)
}

fn show(status: &Status, json: bool) -> Outcome {
    if json {
        return Ok(output::json(status)?);
    }
    let in_force = &status.in_force;
    output::say(format!("In force: version {}, {} properties.", in_force.version, in_force.schema.properties.len()));
    if let Some(waiting) = &status.pending {
        let total = waiting.total.map_or_else(|| "?".to_owned(), |total| total.to_string());
        let state = serde_json::to_value(waiting.state).map_err(anyhow::Error::from)?;
        let state = state.as_str().unwrap_or_default().replace('_', " ");
        output::say(format!("Version {}: {state}, {} of {total} users checked.", waiting.version.version, waiting.checked));
        for offender in &waiting.offenders {
            output::say(format!("  {} ({}): {} {}", offender.username, offender.user_id, offender.pointer, offender.detail));
        }
    }
    if let Some(migration) = &status.migration {
        output::say(format!("Renaming and removing: {} users done.", migration.moved));
    }
    let row = |index: &attributes::IndexState| {
        let state = serde_json::to_value(index.state).ok();
        let state = state.as_ref().and_then(|state| state.as_str()).unwrap_or_default().to_owned();
        vec![index.property.clone(), state, index.name.clone(), index.detail.clone().unwrap_or_default()]
    };
    output::table(&["property", "state", "index", "detail"], status.indexes.iter().map(row).collect(), "There are no indexes.");
    Ok(())
}
