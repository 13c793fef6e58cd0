//! `cargo xtask counts`: how many instructions usher executes for some requests, counted by callgrind and held against what was
//! recorded. The real binary serves them from a real PostgreSQL; the count is the same however busy the machine is.

mod dumps;
mod record;
mod scenarios;
mod site;

use std::path::PathBuf;
use std::process::ExitCode;

use crate::workspace::{self, Profile};
use crate::{Outcome, postgres, tools};

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Options {
    record: bool,
    binary: Option<PathBuf>,
}

impl Options {
    pub fn parse(words: &[&str]) -> Option<Self> {
        match words {
            [] => Some(Self::default()),
            ["--record", rest @ ..] => Some(Self { record: true, ..Self::parse(rest)? }),
            ["--binary", path, rest @ ..] => Some(Self { binary: Some(PathBuf::from(path)), ..Self::parse(rest)? }),
            _ => None,
        }
    }
}

pub fn run(options: &Options) -> Outcome {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        println!("Nothing is counted here: what is recorded is of Linux on x86-64.");
        return Ok(ExitCode::SUCCESS);
    }
    postgres::ensure()?;
    tools::valgrind()?;
    let usher = match &options.binary {
        Some(path) => path.canonicalize().map_err(|error| format!("{}: {error}", path.display()))?,
        None => workspace::build_usher(Profile::Counts)?,
    };
    let counted = site::count(&usher)?;
    if options.record { record::keep(&counted) } else { record::compare(&counted) }
}
