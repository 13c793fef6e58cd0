//! `usher export`.

use std::fs::OpenOptions;
use std::io::{BufWriter, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};

use super::{Failure, Outcome, boot, output};
use crate::app::App;
use crate::caller::Authority;
use crate::config::Config;
use crate::exports::{self, Format, Wanted};
use crate::id::UserId;

#[derive(Subcommand)]
pub enum Command {
    /// Write users into a file that `usher import users` reads
    Users(Users),
}

#[derive(Args)]
pub struct Users {
    /// csv, ndjson or parquet
    #[arg(long, default_value = "csv")]
    format: String,
    /// Only users whom it fits, as in `GET /v1/users`
    #[arg(long)]
    filter: Option<String>,
    /// Only these fields, separated by commas
    #[arg(long)]
    fields: Option<String>,
    /// Also the hashes of passwords: keep the file as you keep the database
    #[arg(long)]
    with_password_hashes: bool,
    /// Only users after this one, without the line of columns: an export that was cut off goes on
    #[arg(long, value_name = "ID")]
    after: Option<UserId>,
    /// Where to; the standard output when left out. Only its owner can read it
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Why; kept in the audit trail
    #[arg(long)]
    reason: Option<String>,
}

pub async fn run(config: Config, command: Command) -> Outcome {
    let Command::Users(users) = command;
    let running = boot::ready(config).await?;
    let outcome = export(&running.app, users).await;
    running.stop().await;
    outcome
}

async fn export(app: &App, users: Users) -> Outcome {
    let format = Format::parse(&users.format).ok_or_else(|| Failure::usage("--format is csv, ndjson or parquet"))?;
    if format == Format::Parquet && users.output.is_none() && std::io::stdout().is_terminal() {
        return Err(Failure::usage("Parquet is nothing for a terminal: give --output, or send the output into a file"));
    }
    let (filter, fields, password_hashes, after) = (users.filter, users.fields, users.with_password_hashes, users.after);
    let wanted = Wanted { format, filter, fields, password_hashes, after };
    let to: Box<dyn Write> = match &users.output {
        Some(path) => {
            let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
            Box::new(file.with_context(|| format!("making {}", path.display()))?)
        }
        None => Box::new(std::io::stdout()),
    };
    let mut to = BufWriter::new(to);
    let mut export = exports::begin(app, Authority::operator(), &boot::operator(users.reason), wanted).await?;
    while let Some(piece) = export.next().await? {
        to.write_all(&piece).context("writing the export")?;
        output::progress(&format!("{} of {} users ...", export.written(), export.count));
    }
    to.flush().context("writing the export")?;
    let count = export.finish().await?;
    output::progress("");
    if let Some(path) = &users.output {
        output::say(format!("Wrote {count} users to {}.", path.display()));
    }
    Ok(())
}
