//! The project's own commands, run as `cargo xtask <command>`.
//!
//! They need nothing but the standard library, so that they build in seconds on a fresh
//! machine and can install everything else.
#![expect(clippy::print_stdout, reason = "what a command has to say goes to the terminal")]

mod audit;
mod bench;
mod ci;
mod counts;
mod docker;
mod fuzz;
mod r#gen;
mod http;
mod json;
mod postgres;
mod release;
mod seed;
mod server;
mod suites;
mod sweep;
mod test;
mod tidy;
mod tools;
mod tour;
mod up;
mod workspace;

use std::io::Write as _;
use std::process::ExitCode;

/// How a command ends: its exit code, or a sentence that says why it could not go on.
type Outcome = Result<ExitCode, String>;

const HELP: &str = "\
cargo xtask <command>

  up [--tour] [--debug]  Install PostgreSQL where it is missing, build usher and serve it.
                         --tour walks a fresh server through the README instead and stops it.
                         --debug takes the debug build.
  test [filter]          Install what the tests need, run the Rust tests and the pytest suite.
  chaos [--kills N] [--postgres-kills M] [--seed S]
                         Kill usher (200 times) and PostgreSQL (50 times) under mixed writes and check
                         what is left.
  timing [--pairs N] [endpoint...]
                         Measure whether the time of an answer tells that an account exists (4000 pairs).
  schemathesis [--max-examples N]
                         Ask everything that the OpenAPI document describes, by everybody (100).
  screenshots            Take the pictures in docs/screenshots/ and measure what each page costs a browser.
  bench [NAME... | charts | dependencies] [--quick | --full] [--users N] [--binary PATH]
                         Measure the release build, or another, beside the same work by hand in PostgreSQL. bench/README.md says more.
  counts [--record] [--binary PATH]
                         Count the instructions of some requests, which fails where they are over 5 % more than recorded, or record them.
  proofs [filter]        Run only the long suites of pytest: races, crashes, timing, conformance.
  tidy                   Check the rules of the house: imports, sizes, homes of clock and SQL.
  seed --users N [--database-url URL]
                         Put N made-up users into a migrated database, the same for the same N; those who are
                         missing only. Without URL: where usher's settings lead, or its own PostgreSQL while it runs.
  gen [--check]          Write the generated files under docs/, or check that they are fresh.
  gen --release          Record the schema and the statements of a release under migrations/released/.
  audit                  Check the dependencies: licences, unwanted crates, sources, advisories.
  advisories FOLDER      Refresh the kept advisories from a clone of rustsec/advisory-db.
  fuzz [--seconds N | --runs N] [--length BYTES] [--without-sanitizer] [target]
                         Run every parser of outside input, or one, under the fuzzer; 60 s each.
  docker-test [--profile P | --image IMAGE] [filter]
                         Build the image, start the stack of deploy/compose.yaml and run the pytest suite against it.
  docker-test --platform linux/arm64
                         Build the image for that machine, look into it, and start its program in an emulator.
  ci                     Everything a change must pass.
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match dispatch(&words) {
        Ok(code) => code,
        Err(sentence) => {
            // Nothing is left to do when even standard error is closed.
            let _closed = writeln!(std::io::stderr(), "xtask: {sentence}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(words: &[&str]) -> Outcome {
    match words {
        ["up", flags @ ..] => match up::Options::parse(flags) {
            Some(options) => up::run(&options),
            None => Ok(usage()),
        },
        ["test"] => test::run(test::Suites::All, None),
        ["test", filter] if !filter.starts_with('-') => test::run(test::Suites::All, Some(filter)),
        ["proofs"] => test::run(test::Suites::Long, None),
        ["proofs", filter] if !filter.starts_with('-') => test::run(test::Suites::Long, Some(filter)),
        ["chaos", words @ ..] => suites::chaos(words),
        ["timing", words @ ..] => suites::timing(words),
        ["bench", words @ ..] => bench::run(words),
        ["counts", words @ ..] => match counts::Options::parse(words) {
            Some(options) => counts::run(&options),
            None => Ok(usage()),
        },
        ["screenshots"] => suites::screenshots(),
        ["schemathesis"] => suites::schemathesis("100"),
        ["schemathesis", "--max-examples", count] => suites::schemathesis(count),
        ["seed", words @ ..] => match seed::Options::parse(words) {
            Some(options) => seed::run(&options),
            None => Ok(usage()),
        },
        ["tidy"] => tidy::run(),
        ["gen"] => r#gen::run(r#gen::Mode::Write),
        ["gen", "--check"] => r#gen::run(r#gen::Mode::Check),
        ["gen", "--release"] => release::run(),
        ["audit"] => audit::run(),
        ["advisories", folder] => audit::refresh(folder),
        ["fuzz", words @ ..] => match fuzz::Options::parse(words) {
            Some(options) => fuzz::run(&options),
            None => Ok(usage()),
        },
        ["docker-test", words @ ..] => match docker::Options::parse(words) {
            Some(options) => docker::run(&options),
            None => Ok(usage()),
        },
        ["ci"] => Ok(ci::run()),
        [up::ANNOUNCE, server, address, data_directory] => up::announce(server, address, data_directory.as_ref()),
        [sweep::SWEEP, directory] => Ok(sweep::wait(directory.as_ref())),
        ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        _ => Ok(usage()),
    }
}

fn usage() -> ExitCode {
    print!("{HELP}");
    ExitCode::from(2)
}
