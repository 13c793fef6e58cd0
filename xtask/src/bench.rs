//! `cargo xtask bench`: the benchmark house under `bench/`, with the release build.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::workspace::{self, Profile};
use crate::{Outcome, postgres, tools};

/// Measures; the words are the house's own.
pub fn run(words: &[&str]) -> Outcome {
    let root = workspace::root();
    postgres::ensure()?;
    let python: PathBuf = tools::bench_python()?;
    let usher = workspace::build_usher(Profile::Release)?;
    let mut command = Command::new(python);
    workspace::without_settings(&mut command)
        .current_dir(&root)
        .args(["-m", "bench"])
        .args(words)
        .env("PYTHONPATH", root.join("e2e"))
        .env("PYTHONUNBUFFERED", "1")
        .env("USHER_BIN", usher);
    let status = workspace::status(&mut command)?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
