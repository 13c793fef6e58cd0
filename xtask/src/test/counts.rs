//! Reads the closing lines of cargo test and pytest.

use std::fmt;
use std::ops::Add;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub passed: u64,
    pub failed: u64,
    pub ignored: u64,
}

impl Counts {
    /// Tests that could not be built or ended without a word: something failed.
    pub fn broken() -> Self {
        Self { failed: 1, ..Self::default() }
    }

    /// `failed` of these were run again.
    pub fn after_second_try(self, failed: u64, again: Self) -> Self {
        Self { failed: self.failed - failed, ..self } + again
    }
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { passed: self.passed + other.passed, failed: self.failed + other.failed, ignored: self.ignored + other.ignored }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} passed, {} failed, {} ignored", self.passed, self.failed, self.ignored)
    }
}

/// `test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; ...`
pub fn libtest(line: &str) -> Option<Counts> {
    let (_, numbers) = line.strip_prefix("test result: ")?.split_once(". ")?;
    Some(words(numbers, "; "))
}

/// `2 failed, 10 passed, 1 skipped in 0.12s`, with or without a frame of `=`.
pub fn pytest(line: &str) -> Option<Counts> {
    let line = line.trim_matches(['=', ' ']);
    let (numbers, time) = line.rsplit_once(" in ")?;
    let seconds = time.split_once('s')?.0;
    seconds.parse::<f64>().ok()?;
    let counts = words(numbers, ", ");
    (counts != Counts::default()).then_some(counts)
}

/// The test of `FAILED e2e/test_users.py::test_list[short] - AssertionError: ...`.
pub fn failed_test(line: &str) -> Option<&str> {
    let test = line.strip_prefix("FAILED ").or_else(|| line.strip_prefix("ERROR "))?;
    let test = test.split_once(" - ").map_or(test, |(test, _)| test);
    test.contains(".py::").then_some(test)
}

fn words(text: &str, separator: &str) -> Counts {
    let mut counts = Counts::default();
    for part in text.split(separator) {
        let Some((number, word)) = part.split_once(' ') else {
            continue;
        };
        let Ok(number) = number.parse::<u64>() else {
            continue;
        };
        match word {
            "passed" => counts.passed += number,
            // An error is a fixture that failed: the test could not even begin.
            "failed" | "error" | "errors" => counts.failed += number,
            "ignored" | "skipped" => counts.ignored += number,
            _ => {}
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(passed: u64, failed: u64, ignored: u64) -> Counts {
        Counts { passed, failed, ignored }
    }

    #[test]
    fn cargo_test_is_read() {
        let line = "test result: FAILED. 5 passed; 2 failed; 1 ignored; 0 measured; 3 filtered \
                    out; finished in 0.00s";
        assert_eq!(libtest(line), Some(counts(5, 2, 1)));
        assert_eq!(libtest("test users::tests::it_works ... ok"), None);
    }

    #[test]
    fn pytest_is_read() {
        assert_eq!(pytest("12 passed in 3.21s"), Some(counts(12, 0, 0)));
        assert_eq!(pytest("=== 1 failed, 2 passed, 1 skipped, 2 errors in 61.12s (0:01:01) ==="), Some(counts(2, 3, 1)));
        assert_eq!(pytest("no tests ran in 0.01s"), None);
        assert_eq!(pytest("FAILED e2e/test_users.py::test_list - 3 in 4s"), None);
        assert_eq!(pytest("......   [100%]"), None);
    }

    #[test]
    fn the_test_that_failed_is_read() {
        let test = "e2e/test_users.py::test_list[by itself-390]";
        assert_eq!(failed_test(&format!("FAILED {test} - assert ['a - b'] == []")), Some(test));
        assert_eq!(failed_test(&format!("ERROR {test}")), Some(test));
        assert_eq!(failed_test("ERROR e2e/test_users.py - ImportError"), None);
        assert_eq!(failed_test("ERROR usher: the database is away"), None);
    }

    #[test]
    fn counts_add_up() {
        let sum = counts(1, 2, 3) + counts(10, 20, 30);
        assert_eq!(sum.to_string(), "11 passed, 22 failed, 33 ignored");
        assert_eq!(sum.after_second_try(2, counts(1, 1, 0)), counts(12, 21, 33));
    }
}
