//! `cargo xtask test`: installs what the tests need, runs all of them, prints the counts and
//! leaves nothing running.

mod counts;

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use crate::sweep::Folder;
use crate::test::counts::Counts;
use crate::workspace::{self, Profile, cargo};
use crate::{Outcome, postgres, tools};

/// Which of the pytest suites.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Suites {
    /// The Rust tests, then all of pytest.
    All,
    /// The same with fewer rounds of each race.
    Ci,
    /// Those marked `long`: races, crashes, timing, conformance. No Rust tests.
    Long,
}

/// Which tests a run of pytest takes, and how. A test often waits for its server, so a few processes, each with servers of its own,
/// take much less time. Apart: what must be answered in time from what storms servers, and what measures.
const SHORT: &[&str] = &["-m", "not long", "--numprocesses", "3", "--dist", "loadfile", "--no-loadscope-reorder"];
const LONG: &[&str] = &["-m", "long and not measured", "--numprocesses", "2", "--dist", "loadfile", "--no-loadscope-reorder"];
const MEASURED: &[&str] = &["-m", "measured"];
/// So many failures of the short suite get a second try, each by itself: with three processes on two processors a wait may run out
/// that never does otherwise. It is said which ones. What is long has none: a race that was found once is there.
const SECOND_TRIES: usize = 3;
/// `cargo xtask test` and `proofs` run each race 20 times, send every request that the document makes, and look at pages in four looks.
pub const SHORTENED: [(&str, &str); 2] = [("E2E_ROUNDS", "3"), ("E2E_SPARE", "2")];

pub fn run(suites: Suites, filter: Option<&str>) -> Outcome {
    let root = workspace::root();
    // Two runs in one checkout would stop each other's PostgreSQL: the second one waits.
    let _lock = lock(&workspace::target_directory()?)?;
    postgres::ensure()?;
    let requirements = root.join("e2e/requirements.txt");
    let pytest = tools::pytest(&requirements, &root.join("target/venv"))?;
    let name = format!("usher-test-{}", workspace::fingerprint(&[&root.to_string_lossy()]));
    let folder = Folder::create(std::env::temp_dir().join(name))?;
    let results = run_all(&root, folder.path(), &pytest, suites, filter);
    let removed = folder.remove();
    let ran = results?;
    removed?;
    Ok(summarize(&ran))
}

fn lock(target: &Path) -> Result<File, String> {
    let path = target.join("xtask-test.lock");
    let what = |error: std::io::Error| format!("{}: {error}", path.display());
    fs::create_dir_all(target).map_err(what)?;
    let file = File::create(&path).map_err(what)?;
    if file.try_lock().is_err() {
        println!("Another `cargo xtask test` runs in this checkout; waiting for it.");
        file.lock().map_err(what)?;
    }
    Ok(file)
}

/// What became of the tests.
struct Ran {
    rust: Counts,
    python: Counts,
    second_try: Vec<String>,
}

fn run_all(root: &Path, folder: &Path, pytest: &Path, suites: Suites, filter: Option<&str>) -> Result<Ran, String> {
    let mut rust = Counts::default();
    if suites != Suites::Long {
        rust = cargo_test(&["--workspace", "--all-targets"], folder, filter)?;
        if has_doc_tests(&root.join("crates")) {
            rust = rust + cargo_test(&["--workspace", "--doc"], folder, filter)?;
        }
    }
    // The ordinary one comes last: it is the one that stays under its name.
    let built = workspace::build_faulty_usher().and_then(|faulty| Ok((faulty, workspace::build_usher(Profile::Debug)?)));
    let (faulty, usher) = match built {
        Ok(both) => both,
        Err(sentence) => {
            println!("{sentence}");
            return Ok(Ran { rust, python: Counts::broken(), second_try: Vec::new() });
        }
    };
    let parts: &[&[&str]] = if suites == Suites::Long { &[LONG, MEASURED] } else { &[SHORT, LONG, MEASURED] };
    let (mut python, mut second_try) = (Counts::default(), Vec::new());
    for part in parts {
        let run = |what: &[&str]| {
            let mut command = Command::new(pytest);
            command.args(what).args(["-q", "--durations=12"]).current_dir(root);
            workspace::without_settings(&mut command)
                .env("USHER_BIN", &usher)
                .env("USHER_FAULTY_BIN", &faulty)
                .env("PYTHONUNBUFFERED", "1");
            if suites == Suites::Ci {
                command.envs(SHORTENED);
            }
            counted(&mut command, counts::pytest)
        };
        // pytest's -k takes an expression: a Rust path becomes "all of these words".
        let words = filter.map(|filter| filter.replace("::", " and "));
        let chosen = words.iter().flat_map(|words| ["-k", words]);
        let (counts, failed) = run(&["e2e"].into_iter().chain(part.iter().copied()).chain(chosen).collect::<Vec<_>>())?;
        python = python + counts;
        let to_repeat = *part == SHORT && counts.failed == failed.len() as u64 && (1..=SECOND_TRIES).contains(&failed.len());
        if to_repeat {
            let (again, still_failed) = run(&failed.iter().map(String::as_str).collect::<Vec<_>>())?;
            python = python.after_second_try(counts.failed, again);
            second_try.extend(failed.into_iter().filter(|test| !still_failed.contains(test)));
        }
    }
    Ok(Ran { rust, python, second_try })
}

fn cargo_test(what: &[&str], folder: &Path, filter: Option<&str>) -> Result<Counts, String> {
    let mut command = cargo(&["test", "--no-fail-fast"]);
    command.args(what).args(filter);
    workspace::without_settings(&mut command).env("TEST_PG_DIR", folder);
    Ok(counted(&mut command, counts::libtest)?.0)
}

/// Runs the tests, showing their output as it comes, counts them by its lines, and collects which ones of pytest failed.
fn counted(command: &mut Command, read: fn(&str) -> Option<Counts>) -> Result<(Counts, Vec<String>), String> {
    println!("$ {}", workspace::shown(command));
    let what = |error: std::io::Error| format!("the tests did not run: {error}");
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(what)?;
    let (mut counts, mut failed) = (Counts::default(), Vec::new());
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).split(b'\n') {
            let line = line.map_err(what)?;
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            counts = counts + read(&line).unwrap_or_default();
            failed.extend(counts::failed_test(&line).map(str::to_owned));
        }
    }
    let status = child.wait().map_err(what)?;
    // pytest ends with 5 when nothing was selected, which a filter may well do.
    let none_selected = counts == Counts::default() && status.code() == Some(5);
    if !status.success() && !none_selected && counts.failed == 0 {
        println!("{} ended with {status}", workspace::shown(command));
        counts = counts + Counts::broken();
    }
    Ok((counts, failed))
}

fn summarize(Ran { rust, python, second_try }: &Ran) -> ExitCode {
    let total = *rust + *python;
    for test in second_try {
        println!("passed only at the second try, by itself: {test}");
    }
    println!("\nrust: {rust}\npytest: {python}");
    println!("total: {} passed, {} failed", total.passed, total.failed);
    if total.failed > 0 || total.passed == 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Whether a doc comment has a code block. Compiling for doc tests that are not there takes a
/// while.
fn has_doc_tests(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else {
        return false;
    };
    let paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.iter().any(|path| {
        if path.is_dir() {
            return has_doc_tests(path);
        }
        path.extension().is_some_and(|extension| extension == "rs")
            && fs::read_to_string(path).is_ok_and(|text| has_code_block(&text))
    })
}

fn has_code_block(text: &str) -> bool {
    let mut inside = false;
    for line in text.lines().map(str::trim_start) {
        let fence = ["/// ```", "//! ```"].iter().find_map(|start| line.strip_prefix(start));
        let Some(kind) = fence else { continue };
        if !inside && !matches!(kind, "text" | "sql" | "json" | "sh" | "toml" | "http") {
            return true;
        }
        inside = !inside;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_tests_and_no_tests_at_all_fail() {
        let of = |passed, failed| Counts { passed, failed, ignored: 0 };
        let ended = |rust, python| summarize(&Ran { rust, python, second_try: Vec::new() });
        assert_eq!(ended(of(1, 0), of(0, 0)), ExitCode::SUCCESS);
        assert_eq!(ended(of(1, 0), of(0, 1)), ExitCode::FAILURE);
        assert_eq!(ended(of(0, 0), of(0, 0)), ExitCode::FAILURE);
    }

    #[test]
    fn output_is_counted_while_it_streams() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo 3 passed in 0.1s"]);
        assert_eq!(counted(&mut command, counts::pytest).unwrap().0.passed, 3);
    }

    #[test]
    fn tests_that_do_not_run_have_failed() {
        let count = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            counted(&mut command, counts::pytest).unwrap()
        };
        assert_eq!(count("exit 101").0.failed, 1);
        assert_eq!(count("echo 1 passed in 0.1s; exit 3").0.failed, 1);
        assert_eq!(count("echo no tests ran in 0.1s; exit 5").0.failed, 0);
    }

    #[test]
    fn code_blocks_are_seen_in_doc_comments() {
        assert!(has_code_block("/// ```\n/// let x = 1;\n/// ```"));
        assert!(!has_code_block("/// ```text\n/// a\n/// ```"));
        assert!(!has_code_block("let block = \"```\";"));
    }
}
