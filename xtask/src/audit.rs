//! `cargo xtask audit`: what usher is built of, judged by cargo-deny (licences, unwanted crates, sources) and cargo-audit
//! (advisories of the RustSec database).
//!
//! The advisories are kept in the repository as one file, so that a checkout without a network is judged too; they are as old
//! as their last `cargo xtask advisories`, which takes them from a folder such as a clone of rustsec/advisory-db.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::workspace::{self, cargo};
use crate::{Outcome, tools};

/// The advisories, one behind the other: front matter in TOML, and the title.
const KEPT: &str = "third_party/rustsec/advisories.md";
/// What each begins with.
const FENCE: &str = "```toml\n";
/// The lock files that are judged.
const LOCKS: [&str; 2] = ["Cargo.lock", "fuzz/Cargo.lock"];

pub fn run() -> Outcome {
    let root = workspace::root();
    let programs = tools::cargo_tools()?;
    let mut passed = true;
    let mut judge = |command: &mut Command| -> Result<(), String> {
        println!("$ {}", workspace::shown(command));
        passed &= workspace::status(command.current_dir(&root))?.success();
        Ok(())
    };
    let cargo_program = cargo(&[]).get_program().to_owned();
    let deny = ["--workspace", "check", "--show-stats", "bans", "licenses", "sources"];
    judge(Command::new(programs.join("cargo-deny")).args(deny).env("CARGO", cargo_program))?;

    let database = workspace::target_directory()?.join("advisories");
    let advisories = unpack(&read(&root.join(KEPT))?)?;
    write_database(&database, &advisories)?;
    let newest = advisories.iter().filter_map(|advisory| advisory.value("date")).max().unwrap_or("an unknown day");
    println!("{} advisories, the newest of {newest}", advisories.len());
    for lock in LOCKS {
        let audit = ["audit", "--no-fetch", "--stale", "--deny", "warnings", "--file", lock, "--db"];
        judge(Command::new(programs.join("cargo-audit")).args(audit).arg(&database))?;
    }
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// `cargo xtask advisories FOLDER`: takes the advisories of crates from a folder of the RustSec database.
pub fn refresh(folder: &str) -> Outcome {
    let root = workspace::root();
    let mut files = Vec::new();
    markdown_below(&Path::new(folder).join("crates"), &mut files)?;
    let mut advisories = Vec::new();
    for file in files {
        advisories.push(Advisory::parse(&read(&file)?).map_err(|fault| format!("{}: {fault}", file.display()))?);
    }
    advisories.sort_by_key(Advisory::place);
    if advisories.is_empty() {
        return Err(format!("{folder}/crates holds no advisories: give a folder such as a clone of rustsec/advisory-db"));
    }
    let packed: String = advisories.iter().map(|advisory| advisory.text.as_str()).collect();
    write(&root.join(KEPT), &packed)?;
    println!("{KEPT}: {} advisories", advisories.len());
    Ok(ExitCode::SUCCESS)
}

/// One advisory: its front matter and its title, without the prose, which is a link away.
#[derive(Debug, PartialEq, Eq)]
struct Advisory {
    text: String,
}

impl Advisory {
    fn parse(text: &str) -> Result<Self, String> {
        let matter = text.strip_prefix(FENCE).and_then(|rest| rest.split_once("\n```\n"));
        let (matter, prose) = matter.ok_or("does not begin with front matter in TOML")?;
        let title = prose.lines().find(|line| line.starts_with("# ")).ok_or("has no title")?;
        let advisory = Self { text: format!("{FENCE}{matter}\n```\n\n{title}\n\n") };
        for name in ["id", "package"] {
            let value = advisory.value(name).ok_or_else(|| format!("names no {name}"))?;
            // It becomes the name of a file.
            if !value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) {
                return Err(format!("has an unusual {name}"));
            }
        }
        Ok(advisory)
    }

    /// A member of the front matter that is a text.
    fn value(&self, name: &str) -> Option<&str> {
        let line = self.text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix('='))?;
        line.trim().strip_prefix('"')?.strip_suffix('"')
    }

    /// Where cargo-audit looks for it.
    fn place(&self) -> PathBuf {
        let value = |name| self.value(name).unwrap_or_default();
        Path::new("crates").join(value("package")).join(format!("{}.md", value("id")))
    }
}

fn unpack(packed: &str) -> Result<Vec<Advisory>, String> {
    let parts = packed.split(FENCE).skip(1);
    parts
        .map(|part| Advisory::parse(&format!("{FENCE}{part}")))
        .collect::<Result<_, _>>()
        .map_err(|fault| format!("{KEPT}: {fault}"))
}

/// Writes the advisories as the folder that cargo-audit reads.
fn write_database(folder: &Path, advisories: &[Advisory]) -> Result<(), String> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    for advisory in advisories {
        write(&folder.join(advisory.place()), &advisory.text)?;
    }
    Ok(())
}

fn markdown_below(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let what = |error: std::io::Error| format!("{}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(what)? {
        let path = entry.map_err(what)?.path();
        if path.is_dir() {
            markdown_below(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "md") {
            files.push(path);
        }
    }
    Ok(())
}

fn read(file: &Path) -> Result<String, String> {
    fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
}

fn write(file: &Path, text: &str) -> Result<(), String> {
    let parent = file.parent().unwrap_or(file);
    let written = fs::create_dir_all(parent).and_then(|()| fs::write(file, text));
    written.map_err(|error| format!("{}: {error}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADVISORY: &str = "```toml\n[advisory]\nid = \"RUSTSEC-2022-0057\"\npackage = \"badge\"\ndate = \"2022-08-31\"\n\n\
                            [versions]\npatched = []\n```\n\n# badge is Unmaintained\n\nProse.\n";

    #[test]
    fn an_advisory_keeps_its_front_matter_and_its_title() {
        let advisory = Advisory::parse(ADVISORY).unwrap();
        assert_eq!(advisory.place(), Path::new("crates/badge/RUSTSEC-2022-0057.md"));
        assert_eq!(advisory.value("date"), Some("2022-08-31"));
        assert!(advisory.text.ends_with("patched = []\n```\n\n# badge is Unmaintained\n\n"), "{}", advisory.text);
        assert_eq!(unpack(&advisory.text.repeat(2)).unwrap().len(), 2);
    }

    #[test]
    fn what_is_no_advisory_is_refused() {
        assert!(Advisory::parse("# Title").is_err());
        assert!(Advisory::parse(&ADVISORY.replace("# badge", "badge")).is_err());
        assert!(Advisory::parse(&ADVISORY.replace("\"badge\"", "\"../badge\"")).is_err());
    }

    #[test]
    fn r287_the_kept_advisories_are_the_database() {
        let advisories = unpack(&read(&workspace::root().join(KEPT)).unwrap()).unwrap();
        assert!(advisories.len() > 1000, "{}", advisories.len());
        let known = Path::new("crates/openssl/RUSTSEC-2023-0022.md");
        assert!(advisories.iter().any(|advisory| advisory.place() == known));
    }
}
