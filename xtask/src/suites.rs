//! `cargo xtask chaos`, `timing` and `schemathesis`: the long forms of suites that `cargo xtask test` runs in short; and
//! `screenshots`, which walks the same pages to show them.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::workspace::{self, Profile};
use crate::{Outcome, postgres, tools};

/// Kills and checks; the words are the suite's own.
pub fn chaos(words: &[&str]) -> Outcome {
    let mut python = python()?;
    python.args(["-m", "chaos"]).args(words).env("USHER_BIN", workspace::build_usher(Profile::Debug)?);
    run(&mut python)
}

/// Measures the release build, and that a planted leak would be found; the words are the suite's own.
pub fn timing(words: &[&str]) -> Outcome {
    let mut python = python()?;
    python.args(["-m", "timing"]).args(words);
    python.env("USHER_FAULTY_BIN", workspace::build_faulty_usher()?).env("USHER_BIN", workspace::build_usher(Profile::Release)?);
    run(&mut python)
}

/// Asks so many times more of every operation.
pub fn schemathesis(max_examples: &str) -> Outcome {
    let mut python = python()?;
    python.args(["-m", "pytest", "test_conformance.py", "-q", "-s"]).env("E2E_MAX_EXAMPLES", max_examples);
    python.env("USHER_BIN", workspace::build_usher(Profile::Debug)?);
    run(&mut python)
}

/// Writes the pictures of the pages under `docs/`, and prints what each page costs a browser.
pub fn screenshots() -> Outcome {
    let mut python = python()?;
    python.args(["-m", "showing"]).arg(workspace::root().join("docs/screenshots"));
    python.env("USHER_BIN", workspace::build_usher(Profile::Debug)?);
    run(&mut python)
}

/// Python with what the end-to-end tests need, where they are.
fn python() -> Result<Command, String> {
    let root = workspace::root();
    postgres::ensure()?;
    let pytest = tools::pytest(&root.join("e2e/requirements.txt"), &root.join("target/venv"))?;
    let program: PathBuf = pytest.with_file_name("python");
    let mut command = Command::new(program);
    workspace::without_settings(&mut command).current_dir(root.join("e2e")).env("PYTHONUNBUFFERED", "1");
    Ok(command)
}

/// The suite has said what is wrong, if anything is.
fn run(command: &mut Command) -> Outcome {
    let status = workspace::status(command)?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
