//! `cargo xtask ci`: everything a change must pass. Every stage runs, also after one has
//! failed, so that one run shows all that is to mend.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::r#gen::{self, Mode};
use crate::workspace::{cargo, run as must};
use crate::{Outcome, audit, test, tidy, up};

type Stage = (&'static str, fn() -> Outcome);

const STAGES: [Stage; 8] = [
    ("format", || done(&["fmt", "--all", "--check"])),
    ("lints", lints),
    ("tidy", tidy::run),
    ("documentation", documentation),
    ("generated files", || r#gen::run(Mode::Check)),
    ("dependencies", audit::run),
    ("tests", || test::run(test::Suites::Ci, None)),
    ("tour", tour),
];

pub fn run() -> ExitCode {
    let mut results = Vec::new();
    for (name, stage) in STAGES {
        println!("\n== {name}");
        let started = Instant::now();
        let passed = match stage() {
            Ok(code) => code == ExitCode::SUCCESS,
            Err(sentence) => {
                println!("{sentence}");
                false
            }
        };
        results.push((name, passed, started.elapsed()));
        println!("{}", line(name, passed, started.elapsed()));
    }
    println!();
    for (name, passed, duration) in &results {
        println!("{}", line(name, *passed, *duration));
    }
    let all = results.iter().all(|(_, passed, _)| *passed);
    if all { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn line(name: &str, passed: bool, duration: Duration) -> String {
    let word = if passed { "ok" } else { "FAILED" };
    format!("== {name:<16} {word:<6} {:>6.1} s", duration.as_secs_f64())
}

fn done(arguments: &[&str]) -> Outcome {
    must(&mut cargo(arguments))?;
    Ok(ExitCode::SUCCESS)
}

fn lints() -> Outcome {
    done(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])
}

fn documentation() -> Outcome {
    must(cargo(&["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-Dwarnings"))?;
    Ok(ExitCode::SUCCESS)
}

/// With the build that is there: another one, optimized, would be the longest part of the run.
fn tour() -> Outcome {
    match up::Options::parse(&["--tour", "--debug"]) {
        Some(options) => up::run(&options),
        None => Err("up knows no --tour".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_one_line() {
        assert_eq!(line("tidy", false, Duration::from_millis(1250)), "== tidy             FAILED    1.2 s");
    }
}
