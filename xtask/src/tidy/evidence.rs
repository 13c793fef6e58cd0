//! The documents that name tests as evidence name tests that are there. In their tables the last column holds the names.

use std::collections::BTreeSet;

use crate::tidy::source::Source;
use crate::tidy::{Fault, File};

/// The documents with such tables.
pub const DOCUMENTS: [&str; 3] = ["SECURITY.md", "docs/asvs.md", "docs/twelve-factor.md"];

pub fn check(files: &[File]) -> Vec<Fault> {
    let tests: BTreeSet<String> = files.iter().flat_map(tests_of).collect();
    let documents = files.iter().filter(|file| DOCUMENTS.contains(&file.path.as_str()));
    let mut faults = Vec::new();
    for document in documents {
        for (line, name) in named(&document.text) {
            if !tests.contains(name.rsplit("::").next().unwrap_or(name)) {
                let sentence = format!("there is no test `{name}`: name the test that shows this, or none");
                faults.push(Fault::new(&document.path, line, sentence));
            }
        }
    }
    faults
}

/// What stands in backticks in the last column of tables, with its line.
fn named(text: &str) -> Vec<(usize, &str)> {
    let rows = text.lines().zip(1..).filter_map(|(line, number)| {
        let cells = line.strip_prefix('|')?.trim_end().strip_suffix('|')?;
        Some((number, cells.rsplit('|').next()?))
    });
    rows.flat_map(|(number, cell)| cell.split('`').skip(1).step_by(2).map(move |name| (number, name))).collect()
}

fn tests_of(file: &File) -> Vec<String> {
    match file.ending() {
        Some("rs") => rust_tests(&Source::read(&file.path, &file.text).code),
        Some("py") => {
            file.text.lines().filter_map(|line| function(line, "def ")).filter(|name| name.starts_with("test_")).collect()
        }
        _ => Vec::new(),
    }
}

/// The functions behind an attribute such as `#[test]` or `#[tokio::test]`.
fn rust_tests(code: &str) -> Vec<String> {
    let mut is_test = false;
    let mut names = Vec::new();
    for line in code.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if line.starts_with("#[") {
            is_test |= line.contains("test]") || line.contains("test(");
            continue;
        }
        if is_test {
            names.extend(function(line, "fn "));
        }
        is_test = false;
    }
    names
}

fn function(line: &str, word: &str) -> Option<String> {
    let line = line.trim_start();
    let (name, _) = line.strip_prefix("async ").unwrap_or(line).strip_prefix(word)?.split_once('(')?;
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn named_tests_are_there() {
        let table = "# x\n\n| a | tests |\n|---|---|\n| `fn` | `r001_it_works`, `test_it` and 2 more |\n| gap | |\n`prose`\n";
        let mut files = vec![
            file("SECURITY.md", table),
            file("crates/usher/src/x.rs", "#[tokio::test]\n#[expect(x)]\nasync fn r001_it_works() {}\nfn test_it() {}"),
            file("e2e/test_x.py", "class X:\n    async def test_it(self):\n"),
        ];
        assert_eq!(check(&files), []);
        files.pop();
        let faults = check(&files);
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert_eq!((faults[0].line, faults[0].sentence.contains("`test_it`")), (5, true));
    }
}
