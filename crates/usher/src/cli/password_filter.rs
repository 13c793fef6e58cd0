//! `usher password-filter`: the operator's list of breached passwords. It needs no configuration and no database.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Subcommand;
use serde::Serialize;

use super::{Failure, Outcome, output};
use crate::password_filter::{self, Built, FALSE_POSITIVE_RATE, Filter, Form, Progress};
use crate::secret::SecretText;

/// Longest password that is looked up, in bytes.
const PASSWORD_BYTES_MAX: u64 = 8192;

#[derive(Subcommand)]
pub enum Command {
    /// Make a filter for `USHER_PASSWORD_FILTER` from a list of passwords
    ///
    /// The list has one password a line, or lines `SHA1:COUNT` as Have I Been Pwned gives them; the first lines
    /// tell which. While it works, the folder of FILE must have room for 8 bytes a line and for the filter, which
    /// has 2.3 bytes for each password.
    #[command(verbatim_doc_comment)]
    Build {
        /// The list; `-` is the standard input
        input: PathBuf,
        /// The filter. A file of this name is replaced when the new one is complete
        #[arg(long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Read a filter from end to end, and look up the password on the standard input
    Check {
        /// The filter
        file: PathBuf,
    },
}

/// What `check` tells.
#[derive(Serialize)]
struct Checked {
    entries: u64,
    bytes: u64,
    false_positive_rate: f64,
    /// `null` when no password was given.
    listed: Option<bool>,
}

pub fn run(command: &Command, json: bool) -> Outcome {
    match command {
        Command::Build { input, output } => build(input, output, json),
        Command::Check { file } => check(file, json),
    }
}

fn build(input: &Path, output: &Path, json: bool) -> Outcome {
    let built = if input == Path::new("-") {
        build_from(std::io::stdin().lock(), output)
    } else {
        if input.canonicalize().is_ok_and(|input| output.canonicalize().is_ok_and(|output| input == output)) {
            return Err(Failure::usage("--output names the list itself; give another name"));
        }
        let file = File::open(input).with_context(|| format!("opening {}", input.display()))?;
        build_from(BufReader::with_capacity(1024 * 1024, file), output)
    };
    let built = built.with_context(|| format!("building {}", output.display()))?;
    if json {
        return Ok(output::json(&built)?);
    }
    let what = match built.form {
        Form::Passwords => "passwords",
        Form::Sha1 => "SHA-1 hashes",
    };
    output::say(format!("Read {} lines of {what}.", built.lines));
    if built.skipped > 0 {
        let why = "they are empty, not UTF-8, longer than 1,024 bytes, or no hash among hashes";
        output::say(format!("Skipped {} lines: {why}.", built.skipped));
    }
    output::say(format!("Wrote {} passwords to {} ({} bytes).", built.entries, output.display(), built.bytes));
    let path = output.canonicalize().unwrap_or_else(|_| output.to_owned());
    output::say(format!("Set USHER_PASSWORD_FILTER={} and restart usher.", path.display()));
    Ok(())
}

fn build_from(input: impl BufRead, output: &Path) -> Result<Built, password_filter::BuildError> {
    let built = password_filter::build(input, output, |progress| {
        output::progress(&match progress {
            Progress::Lines(lines) => format!("{lines} lines read"),
            Progress::Shards { built, of } => format!("part {built} of {of} built"),
        });
    });
    output::progress("");
    built
}

fn check(path: &Path, json: bool) -> Outcome {
    let filter = Filter::open(path).map_err(anyhow::Error::from)?;
    filter.verify().with_context(|| format!("the password filter {}", path.display()))?;
    let mut text = String::new();
    std::io::stdin().take(PASSWORD_BYTES_MAX).read_to_string(&mut text).context("reading the password")?;
    let password = SecretText::new(text.trim_end_matches(['\r', '\n']).to_owned());
    let listed = match password.reveal() {
        "" => None,
        password => Some(filter.lists(password).with_context(|| format!("reading {}", path.display()))?),
    };
    let (entries, bytes) = (filter.entries(), filter.bytes());
    if json {
        return Ok(output::json(&Checked { entries, bytes, false_positive_rate: FALSE_POSITIVE_RATE, listed })?);
    }
    output::say(format!("The filter is sound: {entries} passwords in {bytes} bytes."));
    output::say("Of good passwords it refuses 1 in 65,536 (in mixed case 2).");
    match listed {
        Some(true) => output::say("The password is listed."),
        Some(false) => output::say("The password is not listed."),
        None => output::say("No password was given on the standard input."),
    }
    Ok(())
}
