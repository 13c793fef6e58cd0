//! `cargo xtask tidy`: checks the rules of the house that the compiler and clippy can't, and
//! prints `path:line: what to mend`.
//!
//! `ranks.rs` says who may import whom, `homes.rs` where clock, environment, randomness, SQL
//! and HTTP live, `files.rs` what every file looks like, `migrations.rs` how migrations are named
//! and what they may do, `evidence.rs` that the tests
//! that documents name are there, `manifests.rs` that the lints of the workspace hold everywhere,
//! `dependencies.rs` that what usher is built of is told.

mod dependencies;
mod evidence;
mod files;
mod homes;
mod imports;
mod manifests;
pub mod migrations;
mod ranks;
pub mod source;

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use crate::tidy::source::Source;
use crate::{Outcome, workspace};

/// Where usher's modules are.
const USHER: &str = "crates/usher/src/";
/// Crates without input and output.
const PURE: [&str; 3] = ["crates/usher-oidc/src/", "crates/usher-log/src/", "crates/usher-migrations/src/"];

const FOLDERS: [&str; 7] = ["crates", "xtask", "fuzz", "migrations", "e2e", "bench", "deploy"];
const SKIPPED: [&str; 5] = ["target", "node_modules", "__pycache__", "vendor", "assets"];

/// Something to mend.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    path: String,
    line: usize,
    sentence: String,
}

impl Fault {
    fn new(path: &str, line: usize, sentence: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, sentence: sentence.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.path, self.line, self.sentence)
    }
}

/// A file of the tree: its path from the checkout on, with `/`, and its text.
#[derive(Debug)]
struct File {
    path: String,
    text: String,
}

impl File {
    fn ending(&self) -> Option<&str> {
        Path::new(&self.path).extension()?.to_str()
    }
}

pub fn run() -> Outcome {
    let root = workspace::root();
    let mut files = Vec::new();
    for folder in FOLDERS {
        collect(&root, folder, &mut files)?;
    }
    for path in evidence::DOCUMENTS.into_iter().chain([dependencies::DOCUMENT]) {
        let text = fs::read_to_string(root.join(path)).map_err(|error| format!("{path}: {error}"))?;
        files.push(File { path: path.to_owned(), text });
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    let faults = check(&files);
    for fault in &faults {
        println!("{fault}");
    }
    println!("tidy: {} files, {} faults", files.len(), faults.len());
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn check(files: &[File]) -> Vec<Fault> {
    let mut faults = migrations::check(files);
    faults.extend(ranks::unlisted(files));
    faults.extend(evidence::check(files));
    faults.extend(dependencies::check(files));
    for file in files {
        faults.extend(files::check(file));
        faults.extend(manifests::check(file));
        if file.ending() != Some("rs") {
            continue;
        }
        let source = Source::read(&file.path, &file.text);
        faults.extend(files::check_rust(&source));
        if source.is_test() {
            continue;
        }
        faults.extend(homes::check(&source));
        faults.extend(ranks::check(&source));
    }
    faults.sort_by(|one, other| (&one.path, one.line).cmp(&(&other.path, other.line)));
    faults
}

/// Reads the text files below a folder that need not exist. Folders that others wrote are
/// skipped, and so is what is not text.
fn collect(root: &Path, folder: &str, files: &mut Vec<File>) -> Result<(), String> {
    let Ok(entries) = fs::read_dir(root.join(folder)) else {
        return Ok(());
    };
    for entry in entries {
        let entry = entry.map_err(|error| format!("{folder}: {error}"))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{folder}/{name}");
        if name.starts_with('.') || SKIPPED.contains(&name.as_str()) {
            continue;
        }
        if entry.path().is_dir() {
            collect(root, &path, files)?;
        } else if let Ok(text) = fs::read_to_string(entry.path()) {
            files.push(File { path, text });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
