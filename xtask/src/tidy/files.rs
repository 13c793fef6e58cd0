//! What every file looks like: its size, its first line, and what it never holds.

use crate::tidy::source::{self, Source};
use crate::tidy::{Fault, File};

const LINES_MAX: usize = 400;

/// Marks of unfinished work. They are put together here so that this file has none.
const MARKS: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

/// The endings of files that we write by hand.
const WRITTEN: [&str; 5] = ["rs", "sql", "py", "toml", "sh"];

/// Rules for every kind of file.
pub fn check(file: &File) -> Vec<Fault> {
    if !file.ending().is_some_and(|ending| WRITTEN.contains(&ending)) {
        return Vec::new();
    }
    MARKS
        .iter()
        .flat_map(|mark| {
            source::lines_with(&file.text, mark).into_iter().map(move |line| {
                let sentence = format!("{mark}: do it, or open an issue");
                Fault::new(&file.path, line, sentence)
            })
        })
        .collect()
}

/// Rules for Rust files, tests included.
pub fn check_rust(source: &Source) -> Vec<Fault> {
    let mut faults = Vec::new();
    let lines = source.text.lines().count();
    if lines > LINES_MAX {
        let sentence = format!("{lines} lines: a file fits a sitting, {LINES_MAX} lines");
        faults.push(Fault::new(&source.path, LINES_MAX + 1, sentence));
    }
    if !source.text.starts_with("//!") {
        let sentence = "the file begins with `//!`: what it is for, and its invariants";
        faults.push(Fault::new(&source.path, 1, sentence));
    }
    let never = [
        ("#[allow(", "`#[expect(lint, reason = ..)]` instead of allow"),
        ("#![allow(", "`#![expect(lint, reason = ..)]` instead of allow"),
        ("#[ignore", "no test is ignored: mend it or remove it"),
    ];
    for (needle, sentence) in never {
        for line in source::lines_with(&source.code, needle) {
            faults.push(Fault::new(&source.path, line, sentence));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rust(text: &str) -> Vec<usize> {
        let source = Source::read("crates/usher/src/x.rs", text);
        check_rust(&source).iter().map(|fault| fault.line).collect()
    }

    #[test]
    fn a_file_fits_a_sitting() {
        assert!(rust(&"//!\n".repeat(400)).is_empty());
        assert_eq!(rust(&"//!\n".repeat(401)), [401]);
    }

    #[test]
    fn a_file_says_what_it_is_for() {
        assert_eq!(rust("use x;"), [1]);
    }

    #[test]
    fn nothing_is_allowed_or_ignored_even_in_tests() {
        let text = "//! x\n#[allow(dead_code)]\n#[cfg(test)]\nmod tests {\n#[ignore = \"y\"]\n}";
        assert_eq!(rust(text), [2, 5]);
        assert!(rust("//! x\nlet y = \"#[allow(\"; // #[ignore").is_empty());
    }

    #[test]
    fn unfinished_work_is_found_in_comments() {
        let mark = MARKS[0];
        let file = |path: &str, text: &str| File { path: path.to_owned(), text: text.to_owned() };
        let faults = check(&file("migrations/V1__x.sql", &format!("--\n-- {mark}: y")));
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].line, 2);
        assert!(check(&file("a.rs", &format!("mktemp {0}{0}", MARKS[2]))).is_empty());
        assert!(check(&file("a.js", mark)).is_empty());
    }
}
