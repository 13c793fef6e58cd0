//! `usher import`. The command itself reads the file, judges the rows and applies them: it needs no server beside it.
#![expect(clippy::print_stderr, reason = "questions go to standard error, so that --json stays JSON")]

mod show;

use std::fs::File;
use std::io::{IsTerminal, Read, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use uuid::Uuid;

use show::show;

use super::progress::{self, Watched};
use super::{Failure, Outcome, boot, output};
use crate::app::App;
use crate::caller::Authority;
use crate::config::Config;
use crate::imports::{self, Counts, FileFormat, Import, Match, Mode, Options, Preset, Report, State, Step};

const LISTED: i64 = 50;

#[derive(Subcommand)]
pub enum Command {
    /// Import users from a file: CSV, a JSON object a line, or a JSON array; compressed with gzip or not
    Users(Box<Users>),
    /// Go on with an import that was interrupted, or begin one that was only previewed
    Resume(Resume),
    /// Halt an import after the batch that is being applied
    Pause(Which),
    /// List imports, newest first
    List,
    /// Show what an import comes to
    Show(Which),
}

#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command")]
pub struct Users {
    /// The file; `-` is the standard input
    file: PathBuf,
    /// csv, ndjson or json; by the name of the file when left out
    #[arg(long)]
    format: Option<String>,
    /// Whose export it is: keycloak, auth0, firebase, supabase, fastapi-users, django or devise
    #[arg(long)]
    preset: Option<String>,
    /// Which field a column is, such as `Mail=email`; `Mail=-` leaves it out. May be given several times
    #[arg(long, value_name = "COLUMN=FIELD")]
    map: Vec<String>,
    /// Between the cells of CSV: one sign, or `tab`
    #[arg(long)]
    delimiter: Option<String>,
    /// `create_only` leaves users alone who are there; `upsert` changes them
    #[arg(long, default_value = "create_only")]
    mode: String,
    /// What says that a row is about a user: email, username or id
    #[arg(long = "match", value_name = "FIELD", default_value = "email")]
    matching: String,
    /// Give new users the ids of the file
    #[arg(long)]
    keep_ids: bool,
    /// Take addresses for verified where the file does not say
    #[arg(long)]
    assume_verified: bool,
    /// Mail new users without a password a link to choose one
    #[arg(long)]
    invite: bool,
    /// Of Firebase: `signer_key,salt_separator,rounds,mem_cost`
    #[arg(long, value_name = "CONFIG")]
    hash_config: Option<String>,
    /// Only say what would come of it
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    how: How,
}

#[derive(Args)]
pub struct Resume {
    /// The import's id
    id: Uuid,
    #[command(flatten)]
    how: How,
}

#[derive(Args)]
pub struct How {
    /// Do not ask before it is applied
    #[arg(long)]
    yes: bool,
    /// Write what is not clean into this file (CSV)
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Why; kept in the audit trail
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Args)]
pub struct Which {
    /// The import's id
    id: Uuid,
}

pub async fn run(config: Config, command: Command, json: bool) -> Outcome {
    let running = boot::ready(config).await?;
    let app = &running.app;
    let outcome = match command {
        Command::Users(users) => import(app, *users, json).await,
        Command::Resume(Resume { id, how }) => go_on(app, id, &how, false, json).await,
        Command::Pause(Which { id }) => match pause(app, id).await {
            Ok(import) => show(app, &import, json).await,
            Err(failure) => Err(failure),
        },
        Command::List => list(app, json).await,
        Command::Show(Which { id }) => match read(app, id).await {
            Ok(import) => show(app, &import, json).await,
            Err(failure) => Err(failure),
        },
    };
    running.stop().await;
    outcome
}

/// A word of the command line as the API has it.
fn word<T: serde::de::DeserializeOwned>(option: &str, text: &str) -> Result<T, Failure> {
    serde_json::from_value(text.into()).map_err(|error| {
        let error = error.to_string();
        let expected = error.split_once("expected ").map_or("", |(_, expected)| expected);
        Failure::usage(format!("--{option} is {expected}"))
    })
}

fn options(users: &Users) -> Result<Options, Failure> {
    let name = users.file.to_string_lossy().to_lowercase();
    let ending = name.strip_suffix(".gz").unwrap_or(&name).rsplit('.').next().unwrap_or_default();
    let format: FileFormat = match (&users.format, ending) {
        (Some(format), _) => word("format", format)?,
        (None, "ndjson" | "jsonl") => FileFormat::Ndjson,
        (None, "json") => FileFormat::Json,
        (None, _) => FileFormat::Csv,
    };
    let preset: Option<Preset> = users.preset.as_deref().map(|preset| word("preset", preset)).transpose()?;
    let usage = |option: &'static str| move |why: String| Failure::usage(format!("--{option} {why}"));
    Ok(Options {
        format,
        mode: word::<Mode>("mode", &users.mode)?,
        matching: word::<Match>("match", &users.matching)?,
        delimiter: users.delimiter.as_deref().map(imports::read_delimiter).transpose().map_err(usage("delimiter"))?,
        map: imports::read_map(users.map.iter().map(String::as_str)).map_err(usage("map"))?,
        preset,
        keep_ids: users.keep_ids,
        assume_verified: users.assume_verified,
        invite: users.invite,
        hash_config: users.hash_config.clone(),
    })
}

async fn import(app: &App, users: Users, json: bool) -> Outcome {
    let options = options(&users)?;
    let is_stdin = users.file.as_os_str() == "-";
    let ask_on_terminal = users.how.yes || users.dry_run || (std::io::stdin().is_terminal() && !is_stdin);
    if !ask_on_terminal {
        return Err(Failure::usage("there is no terminal to ask on: give --yes, or --dry-run to see what would come of it"));
    }
    let (from, source, size): (Box<dyn Read + Send>, String, Option<u64>) = if is_stdin {
        (Box::new(std::io::stdin()), "standard input".to_owned(), None)
    } else {
        let file = File::open(&users.file).with_context(|| format!("opening {}", users.file.display()))?;
        let size = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|about| about.len());
        (Box::new(file), users.file.file_name().unwrap_or_default().to_string_lossy().into_owned(), size)
    };
    let origin = boot::operator(users.how.reason.clone());
    let from = Watched::new(from, &source, size);
    let staged = imports::stage(app, Authority::operator(), &origin, options, &source, from).await;
    progress::end();
    go_on(app, staged?, &users.how, users.dry_run, json).await
}

async fn pause(app: &App, id: Uuid) -> Result<Import, Failure> {
    let mut tx = app.begin(&boot::operator(None)).await?;
    let import = match imports::set_paused(&mut tx, Authority::operator(), id, true).await {
        Err(error) if error.code() == Some("not_found") => return Err(anyhow::anyhow!("there is no import {id}").into()),
        import => import?,
    };
    tx.commit().await?;
    Ok(import)
}

async fn read(app: &App, id: Uuid) -> Result<Import, Failure> {
    let mut tx = app.begin(&boot::operator(None)).await?;
    let import = imports::read(&mut tx, Authority::operator(), id).await?;
    tx.commit().await?;
    Ok(import)
}

/// Judges, shows, asks and applies, from wherever the import is.
async fn go_on(app: &App, id: Uuid, how: &How, dry_run: bool, json: bool) -> Outcome {
    let mut import = read(app, id).await?;
    if progress::is_seen() && [State::Classifying, State::Running, State::Paused].contains(&import.state) {
        output::say_aside(&format!("import {id}; should this be interrupted, usher import resume {id} goes on"));
    }
    if import.state == State::Classifying {
        while imports::classify_step(app, id).await? == Step::More {
            tell(app, "judged", id).await?;
        }
        progress::end();
        import = read(app, id).await?;
    }
    if import.state == State::Ready {
        write_report(app, id, how).await?;
        if dry_run || !json {
            show(app, &import, json).await?;
        }
        if dry_run {
            if !json {
                output::say(format!("Nothing is done. `usher import resume {id}` applies it within a day."));
            }
            return Ok(());
        }
        if import.counts.create + import.counts.update == 0 {
            return if json { show(app, &import, json).await } else { Ok(()) };
        }
        if !how.yes && !confirm(&import.counts)? {
            output::say(format!("Nothing is done. `usher import resume {id}` applies it within a day."));
            return Ok(());
        }
        let mut tx = app.begin(&boot::operator(how.reason.clone())).await?;
        let token = import.token.clone().unwrap_or_default();
        import = imports::begin(&mut tx, Authority::operator(), id, &token).await?;
        tx.commit().await?;
    } else if import.state == State::Paused {
        let mut tx = app.begin(&boot::operator(how.reason.clone())).await?;
        import = imports::set_paused(&mut tx, Authority::operator(), id, false).await?;
        tx.commit().await?;
    }
    if import.state == State::Running {
        while imports::apply_step(app, id).await? == Step::More {
            tell(app, "applied", id).await?;
        }
        progress::end();
        import = read(app, id).await?;
        write_report(app, id, how).await?;
    }
    finish(app, &import, json).await
}

async fn finish(app: &App, import: &Import, json: bool) -> Outcome {
    show(app, import, json).await?;
    match import.state {
        State::Finished if !json && import.counts.done > 0 => {
            output::say(format!("To undo it: usher change undo {}", import.id));
        }
        State::Finished => {}
        State::Running => return Err(Failure::from(anyhow::anyhow!("another process is working on it"))),
        State::Failed => {
            return Err(Failure::from(anyhow::anyhow!("it failed: {}", import.error.as_deref().unwrap_or_default())));
        }
        _ => return Err(Failure::from(anyhow::anyhow!("it is {} and can't go on here", import.state.as_str()))),
    }
    Ok(())
}

async fn tell(app: &App, what: &str, id: Uuid) -> Outcome {
    if progress::is_seen() {
        let mut tx = app.begin(&boot::operator(None)).await?;
        let (position, total) = imports::progress(&mut tx, id).await?;
        tx.commit().await?;
        let amount = format!("{position} of {total} rows");
        progress::show(what, position.unsigned_abs(), total.unsigned_abs(), &amount);
    }
    Ok(())
}

async fn write_report(app: &App, id: Uuid, how: &How) -> Outcome {
    let Some(path) = &how.report else { return Ok(()) };
    let mut file = File::create(path).with_context(|| format!("making {}", path.display()))?;
    let mut report = Report::of(id);
    while let Some(piece) = report.next(app, &boot::operator(None)).await? {
        file.write_all(&piece).with_context(|| format!("writing {}", path.display()))?;
    }
    output::say_aside(&format!("{} faults are in {}.", report.faults, path.display()));
    Ok(())
}

fn confirm(counts: &Counts) -> Result<bool, Failure> {
    let (create, update) = (counts.create, counts.update);
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage("there is no terminal to ask on: give --yes"));
    }
    eprint!("Create {create} users and change {update}? [y/N] ");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(anyhow::Error::from)?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}

async fn list(app: &App, json: bool) -> Outcome {
    let mut tx = app.begin(&boot::operator(None)).await?;
    let imports = imports::list(&mut tx, Authority::operator(), None, LISTED).await?;
    tx.commit().await?;
    if json {
        return Ok(output::json(&imports)?);
    }
    let row = |import: &Import| {
        vec![
            import.id.to_string(),
            import.state.as_str().to_owned(),
            import.total.to_string(),
            import.source.clone(),
            output::time(import.created_at),
        ]
    };
    output::table(&["id", "state", "rows", "source", "created"], imports.iter().map(row).collect(), "There are no imports.");
    Ok(())
}
