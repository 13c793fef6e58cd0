//! `cargo xtask gen`: the files under `docs/` that usher writes itself, from the definitions
//! that serve the request, so that they can't drift from the code.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use crate::Outcome;
use crate::workspace::{self, Profile};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Write,
    Check,
}

/// The file under `docs/` and the usher command that prints it.
const FILES: [(&str, &[&str]); 2] = [("configuration.md", &["config", "docs"]), ("openapi.json", &["openapi"])];

pub fn run(mode: Mode) -> Outcome {
    let usher = workspace::build_usher(Profile::Debug)?;
    let docs = workspace::root().join("docs");
    fs::create_dir_all(&docs).map_err(|error| format!("{}: {error}", docs.display()))?;
    let mut stale = false;
    for (name, arguments) in FILES {
        // Started in docs/, usher reads no `.env`, and the output is the same for everybody.
        let printed = workspace::output(workspace::without_settings(Command::new(&usher).args(arguments)).current_dir(&docs))?;
        stale |= !settle(mode, &docs.join(name), &printed)?;
    }
    Ok(if stale { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Writes the file, or says whether it is what usher prints.
fn settle(mode: Mode, file: &Path, printed: &str) -> Result<bool, String> {
    let what = |error: std::io::Error| format!("{}: {error}", file.display());
    let found = fs::read_to_string(file).unwrap_or_default();
    let shown = file.strip_prefix(workspace::root()).unwrap_or(file);
    match (mode, first_difference(&found, printed)) {
        (_, None) => println!("{}: fresh", shown.display()),
        (Mode::Write, Some(_)) => {
            fs::write(file, printed).map_err(what)?;
            println!("{}: written", shown.display());
        }
        (Mode::Check, Some((line, old, new))) => {
            println!("{}:{line}: stale, run `cargo xtask gen`\n  - {old}\n  + {new}", shown.display());
            return Ok(false);
        }
    }
    Ok(true)
}

/// The first line that differs, as it is in either text.
fn first_difference(found: &str, printed: &str) -> Option<(usize, String, String)> {
    if found == printed {
        return None;
    }
    let (mut old, mut new) = (found.split('\n'), printed.split('\n'));
    for line in 1.. {
        match (old.next(), new.next()) {
            (None, None) => return None,
            (one, other) if one == other => {}
            (one, other) => {
                let shown = |line: Option<&str>| line.unwrap_or("(the file ends)").to_owned();
                return Some((line, shown(one), shown(other)));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_differing_line_is_found() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), Some((2, "b".to_owned(), "c".to_owned())));
        assert_eq!(first_difference("", "a"), Some((1, String::new(), "a".to_owned())));
        assert_eq!(first_difference("a", "a\n"), Some((2, "(the file ends)".to_owned(), String::new())));
    }

    #[test]
    fn a_stale_file_fails_the_check_and_is_mended_by_writing() {
        let file = std::env::temp_dir().join(format!("usher-gen-{}", std::process::id()));
        assert_eq!(settle(Mode::Check, &file, "new\n"), Ok(false));
        assert_eq!(settle(Mode::Write, &file, "new\n"), Ok(true));
        assert_eq!(settle(Mode::Check, &file, "new\n"), Ok(true));
        fs::remove_file(&file).unwrap();
    }
}
