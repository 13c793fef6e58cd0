//! `cargo xtask fuzz`: runs the parsers of outside input under libFuzzer, one after the other, and says clearly what broke.
//!
//! The parsers are functions of usher (`crates/usher/src/fuzzing`), each with a folder of inputs to begin with (`fuzz/seeds`);
//! an ordinary test runs the same functions over the same inputs. What the fuzzer learns stays in cargo's target directory.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::workspace;
use crate::{Outcome, tools};

/// Longest input that the fuzzer makes where nothing else is asked for, in bytes.
const LENGTH_MAX: u32 = 4096;
/// One input may take so long, in seconds.
const INPUT_SECONDS_MAX: u32 = 10;
/// Lines of the fuzzer's output that are shown of a parser that broke.
const LINES_SHOWN: usize = 40;

#[derive(Debug, PartialEq, Eq)]
pub struct Options {
    seconds: u32,
    /// So many inputs each, however long it takes.
    runs: Option<u64>,
    /// Longest input in bytes. Short ones are many more a second.
    length: u32,
    /// The address sanitizer watches what dependencies do in `unsafe`; without it the fuzzer is several times faster.
    sanitizer: bool,
    /// All of them when left out.
    target: Option<String>,
}

impl Options {
    pub fn parse(words: &[&str]) -> Option<Self> {
        let mut options = Self { seconds: 60, runs: None, length: LENGTH_MAX, sanitizer: true, target: None };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--seconds" => options.seconds = words.next()?.parse().ok().filter(|seconds| *seconds > 0)?,
                "--runs" => options.runs = Some(words.next()?.parse().ok().filter(|runs| *runs > 0)?),
                "--length" => options.length = words.next()?.parse().ok().filter(|length| *length > 0)?,
                "--without-sanitizer" => options.sanitizer = false,
                name if !name.starts_with('-') && options.target.is_none() => options.target = Some(name.to_owned()),
                _ => return None,
            }
        }
        Some(options)
    }
}

pub fn run(options: &Options) -> Outcome {
    let root = workspace::root();
    let all = names(&root.join("fuzz/seeds"))?;
    let chosen: Vec<&String> = all.iter().filter(|name| options.target.as_ref().is_none_or(|target| target == *name)).collect();
    if chosen.is_empty() {
        return Err(format!("there is no such parser; there are {}", all.join(", ")));
    }
    let place = workspace::target_directory()?.join("fuzz");
    let program = build(&root, &place, options.sanitizer)?;
    let mut broken = Vec::new();
    for name in chosen {
        let until = match options.runs {
            Some(runs) => format!("-runs={runs}"),
            None => format!("-max_total_time={}", options.seconds),
        };
        println!("{name}: {until} ...");
        if !fuzz(&root, &place, &program, name, &[until, format!("-max_len={}", options.length)])? {
            broken.push(name.as_str());
        }
    }
    if broken.is_empty() {
        println!("fuzz: every parser held");
        return Ok(ExitCode::SUCCESS);
    }
    println!("fuzz: BROKEN: {}", broken.join(", "));
    Ok(ExitCode::FAILURE)
}

fn names(seeds: &Path) -> Result<Vec<String>, String> {
    let what = |error: std::io::Error| format!("{}: {error}", seeds.display());
    let entries = fs::read_dir(seeds).map_err(what)?;
    let names = entries.map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()));
    let mut names: Vec<String> = names.collect::<Result<_, _>>().map_err(what)?;
    names.sort();
    Ok(names)
}

/// Builds the one program that holds all parsers. The fuzzer's flags belong to nightly compilers; the variable has the stable one
/// take them.
fn build(root: &Path, place: &Path, sanitizer: bool) -> Result<PathBuf, String> {
    let host = host()?;
    let (sanitizer, place) = if sanitizer { ("address", place.to_owned()) } else { ("none", place.join("plain")) };
    let programs = tools::cargo_tools()?;
    let mut command = Command::new(programs.join("cargo-fuzz"));
    command.args(["build", "--sanitizer", sanitizer, "--codegen-units", "16", "--target", &host, "--target-dir"]).arg(&place);
    workspace::run(command.arg("parsers").current_dir(root).env("RUSTC_BOOTSTRAP", "1"))?;
    Ok(place.join(host).join("release/parsers"))
}

fn host() -> Result<String, String> {
    let version = workspace::output(Command::new("rustc").arg("-vV").current_dir(workspace::root()))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(ToOwned::to_owned).ok_or_else(|| "rustc -vV names no host".to_owned())
}

/// Whether the parser held.
fn fuzz(root: &Path, place: &Path, program: &Path, name: &str, limits: &[String]) -> Result<bool, String> {
    let made = |path: PathBuf| match fs::create_dir_all(&path) {
        Ok(()) => Ok(path),
        Err(error) => Err(format!("{}: {error}", path.display())),
    };
    let corpus = made(place.join("corpus").join(name))?;
    let broken = made(place.join("broken").join(name))?;
    let log = made(place.join("logs"))?.join(format!("{name}.log"));
    let output = File::create(&log).map_err(|error| format!("{}: {error}", log.display()))?;
    let mut command = Command::new(program);
    command
        .args(limits)
        .arg(format!("-timeout={INPUT_SECONDS_MAX}"))
        .arg(format!("-artifact_prefix={}/", broken.display()))
        .arg("-print_final_stats=1")
        // What is new goes to the first folder.
        .arg(&corpus)
        .arg(root.join("fuzz/seeds").join(name))
        .env("FUZZ_TARGET", name)
        .env("RUST_BACKTRACE", "1")
        .env("ASAN_OPTIONS", "detect_odr_violation=0")
        .stderr(output);
    let held = workspace::status(&mut command)?.success();
    let said = fs::read(&log).map_err(|error| format!("{}: {error}", log.display()))?;
    let said = String::from_utf8_lossy(&said);
    let runs = said.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:")).unwrap_or("?").trim();
    println!("{name}: {runs} inputs, {}", if held { "held" } else { "BROKEN" });
    if !held {
        let lines: Vec<&str> = said.lines().filter(|line| !line.starts_with('#')).collect();
        println!("{}", lines[lines.len().saturating_sub(LINES_SHOWN)..].join("\n"));
        println!("The input is in {}. Make it a test, mend the parser, and put it among the seeds.", broken.display());
    }
    Ok(held)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_a_time_or_a_number_and_a_name() {
        let options = |seconds, target: Option<&str>| {
            Some(Options { seconds, runs: None, length: LENGTH_MAX, sanitizer: true, target: target.map(ToOwned::to_owned) })
        };
        assert_eq!(Options::parse(&["--runs", "9", "token"]).unwrap().runs, Some(9));
        assert!(!Options::parse(&["--without-sanitizer"]).unwrap().sanitizer);
        assert_eq!(Options::parse(&["--length", "512"]).unwrap().length, 512);
        assert_eq!(Options::parse(&[]), options(60, None));
        assert_eq!(Options::parse(&["--seconds", "5", "token"]), options(5, Some("token")));
        assert_eq!(Options::parse(&["token"]), options(60, Some("token")));
        for bad in [
            &["--seconds"][..],
            &["--seconds", "0"],
            &["--runs", "0"],
            &["--length", "0"],
            &["--seconds", "x"],
            &["--fast"],
            &["a", "b"],
        ] {
            assert_eq!(Options::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn the_parsers_are_known_by_their_seeds() {
        let names = names(&workspace::root().join("fuzz/seeds")).unwrap();
        assert!(names.contains(&"token".to_owned()), "{names:?}");
    }
}
