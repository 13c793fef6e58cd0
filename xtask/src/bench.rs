//! `cargo xtask bench`: the benchmark house under `bench/`, with the release build.

use std::process::{Command, ExitCode};

use crate::workspace::{self, Profile};
use crate::{Outcome, postgres, tools};

/// Measures; the words are the house's own. One that is given by `--binary` is measured in the place of the release build. Charts are
/// drawn from what was measured before, and what dependencies cost is read from a binary.
pub fn run(words: &[&str]) -> Outcome {
    let root = workspace::root();
    let mut command = Command::new(tools::bench_python()?);
    workspace::without_settings(&mut command)
        .current_dir(&root)
        .args(["-m", "bench"])
        .args(words)
        .env("PYTHONPATH", root.join("e2e"))
        .env("PYTHONUNBUFFERED", "1");
    if !matches!(words.first(), Some(&("charts" | "dependencies"))) {
        postgres::ensure()?;
        tools::load_and_front()?;
        command.arg("--peers-python").arg(tools::peers_python()?);
        command.arg("--driver").arg(workspace::build_release("usher-bench")?);
        if !words.contains(&"--binary") {
            command.arg("--binary").arg(workspace::build_usher(Profile::Release)?);
        }
    }
    let status = workspace::status(&mut command)?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
