//! `usher audit`. Verifying a file needs neither a database nor a configuration: only the file and the public key.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use serde::Serialize;
use usher_log::{Line, SignedCheckpoint, Summary, Verifier, VerifierKey};

use super::{Failure, Outcome, boot, output};
use crate::app::App;
use crate::audit::log;
use crate::clock::Stopwatch;
use crate::config::Config;

/// The longest line of an export that is read, in bytes: no event is as long.
const LINE_MAX: u64 = 4 * 1024 * 1024;

#[derive(Subcommand)]
pub enum Command {
    /// Say whether the audit log is as it was sealed, or where it was changed; in the database, or in an exported file
    Verify(Verify),
    /// Write the sealed events down, one JSON object a line, with all that is needed to verify them elsewhere
    Export(Export),
    /// Print the public key that verifies the log (C2SP signed-note)
    Key,
}

#[derive(Args)]
pub struct Verify {
    /// An export, instead of the database
    #[arg(long, requires = "public_key")]
    pub file: Option<PathBuf>,
    /// The key that `usher audit key` has printed
    #[arg(long, value_name = "KEY")]
    public_key: Option<VerifierKey>,
    /// Checkpoints that were kept elsewhere; the newest of them must be part of the log
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
}

#[derive(Args)]
pub struct Export {
    /// Where to; the standard output when left out
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Leave the first N events out
    #[arg(long, value_name = "N", default_value_t = 0)]
    after: u64,
}

pub async fn run(config: Config, command: &Command, json: bool) -> Outcome {
    let running = boot::ready(config).await?;
    let outcome = match command {
        Command::Verify(verify) => verify_database(&running.app, verify, json).await,
        Command::Export(export) => write_export(&running.app, export).await,
        Command::Key => print_key(&running.app).await,
    };
    running.stop().await;
    outcome
}

async fn print_key(app: &App) -> Outcome {
    let mut tx = app.begin(&boot::operator(None)).await?;
    let key = log::find_or_make_key(app, &mut tx).await?;
    tx.commit().await?;
    output::say(key.verifier().to_string());
    Ok(())
}

async fn write_export(app: &App, export: &Export) -> Outcome {
    let mut to: Box<dyn Write> = match &export.output {
        Some(path) => Box::new(File::create(path).with_context(|| format!("making {}", path.display()))?),
        None => Box::new(std::io::stdout()),
    };
    let mut to = BufWriter::new(&mut to);
    let events = log::export(app, export.after, |line| writeln!(to, "{line}")).await?;
    to.flush().context("writing the export")?;
    if let Some(path) = &export.output {
        output::say(format!("Wrote {events} events to {}.", path.display()));
    }
    Ok(())
}

async fn verify_database(app: &App, verify: &Verify, json: bool) -> Outcome {
    let saved = verify.checkpoint.as_deref().map(read_checkpoint).transpose()?;
    let key = match &verify.public_key {
        Some(key) => key.clone(),
        None => own_key(app).await?,
    };
    let took = Stopwatch::start();
    let summary = log::verify(app, key, saved.as_ref()).await?;
    let mut tx = app.begin(&boot::operator(None)).await?;
    let dropped = log::last_dropped(&mut tx).await?;
    tx.commit().await?;
    report(&summary, dropped.as_ref(), took, json)
}

async fn own_key(app: &App) -> Result<VerifierKey, Failure> {
    let mut tx = app.begin(&boot::operator(None)).await?;
    let key = log::find_key(app, &mut tx).await?;
    tx.commit().await?;
    let missing = "nothing has been sealed yet: is `usher serve` or `usher worker` running?";
    Ok(key.with_context(|| missing)?.verifier().clone())
}

/// Verifies an export, with nothing but it and the key.
pub fn verify_file(verify: &Verify, json: bool) -> Outcome {
    let (Some(path), Some(key)) = (&verify.file, &verify.public_key) else {
        return Err(Failure::usage("--file and --public-key belong together"));
    };
    let saved = verify.checkpoint.as_deref().map(read_checkpoint).transpose()?;
    let took = Stopwatch::start();
    let mut lines = Lines { from: open(path)?, text: String::new(), number: 0 };
    let summary = read_export(&mut lines, key, saved.as_ref()).with_context(|| format!("{}:{}", path.display(), lines.number))?;
    report(&summary, None, took, json)
}

fn read_export(lines: &mut Lines, key: &VerifierKey, saved: Option<&SignedCheckpoint>) -> anyhow::Result<Summary> {
    let Some(Line::Header(edge)) = lines.next()? else { bail!("this is no export: its first line is not as usher writes it") };
    let mut verifier = Verifier::begin(key.clone(), edge, saved)?;
    while let Some(line) = lines.next()? {
        match line {
            Line::Header(_) => bail!("an export has one header"),
            Line::Entry(entry) => verifier.entry(&entry)?,
            Line::Checkpoint(note) => verifier.checkpoint(&SignedCheckpoint::parse(&note)?)?,
        }
    }
    Ok(verifier.finish()?)
}

/// The lines of an export, one in memory at a time.
struct Lines {
    from: BufReader<File>,
    text: String,
    number: u64,
}

impl Lines {
    fn next(&mut self) -> anyhow::Result<Option<Line>> {
        self.text.clear();
        let read = (&mut self.from).take(LINE_MAX).read_line(&mut self.text).context("it can't be read, or is no text")?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        let line = self.text.strip_suffix('\n').context("the line is cut off, or too long")?;
        Ok(Some(Line::parse(line).context("the line was changed")?))
    }
}

fn read_checkpoint(path: &Path) -> anyhow::Result<SignedCheckpoint> {
    usher_log::newest(open(path)?).with_context(|| format!("reading checkpoints from {}", path.display()))
}

fn open(path: &Path) -> anyhow::Result<BufReader<File>> {
    Ok(BufReader::new(File::open(path).with_context(|| format!("opening {}", path.display()))?))
}

#[derive(Serialize)]
struct Verified {
    events: u64,
    erased: u64,
    dropped: u64,
    dropped_before: Option<jiff::Timestamp>,
    checkpoints: u64,
    checkpoints_of_other_keys: u64,
    tree_size: u64,
    seconds: f64,
}

fn report(summary: &Summary, before: Option<&log::Dropped>, took: Stopwatch, json: bool) -> Outcome {
    let seconds = took.elapsed().as_secs_f64();
    let Summary { events, erased, dropped, checkpoints, other_keys, size } = *summary;
    let dropped_before = before.map(|dropped| dropped.before);
    if json {
        let checkpoints_of_other_keys = other_keys;
        let tree_size = size;
        let verified =
            Verified { events, erased, dropped, dropped_before, checkpoints, checkpoints_of_other_keys, tree_size, seconds };
        output::json(&verified)?;
        return Ok(());
    }
    output::say(format!("The log is good: {events} events under {checkpoints} checkpoints, in {seconds:.1} s."));
    if erased > 0 {
        output::say(format!("The details of {erased} are erased."));
    }
    if let Some(before) = dropped_before {
        output::say(format!("{dropped} events before {before} were dropped by retention; their hashes are good."));
    }
    if other_keys > 0 {
        output::say(format!(
            "{other_keys} checkpoints were signed by another key; what they signed is under a later one of this key."
        ));
    }
    Ok(())
}
