//! `cargo xtask bench`: the benchmark house under `bench/`, with the release build.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::workspace::{self, Profile};
use crate::{Outcome, postgres, tools};

/// Measures; the words are the house's own. One that is given by `--binary` is measured in the place of the release build.
pub fn run(words: &[&str]) -> Outcome {
    let root = workspace::root();
    postgres::ensure()?;
    tools::load_and_front()?;
    let python: PathBuf = tools::bench_python()?;
    let driver = workspace::build_release("usher-bench")?;
    let mut command = Command::new(python);
    workspace::without_settings(&mut command)
        .current_dir(&root)
        .args(["-m", "bench", "--driver"])
        .arg(driver)
        .arg("--peers-python")
        .arg(tools::peers_python()?)
        .env("PYTHONPATH", root.join("e2e"))
        .env("PYTHONUNBUFFERED", "1");
    if !words.contains(&"--binary") {
        command.arg("--binary").arg(workspace::build_usher(Profile::Release)?);
    }
    let status = workspace::status(command.args(words))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
