//! What came of reading the configuration: the values with their origins, or everything that is wrong.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::source::Origin;
use crate::secret::sha256;

/// One thing that is wrong, or unwise: the variable and a sentence that goes on from its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    pub variable: String,
    pub message: String,
}

impl Problem {
    pub(super) fn new(variable: impl Into<String>, message: String) -> Self {
        Self { variable: variable.into(), message }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names of unknown variables come from outside and must not draw lines of their own.
        write!(formatter, "{}: {}", self.variable.escape_debug(), self.message)
    }
}

/// All that is wrong with a configuration; one line each.
#[derive(Debug)]
pub struct ConfigErrors {
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the configuration can't be used")?;
        for problem in &self.problems {
            write!(formatter, "\n  {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// One setting as it is in force. A secret's value is masked already.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    pub name: &'static str,
    pub section: &'static str,
    /// `None`: it is not set, and the default is no value.
    pub value: Option<String>,
    pub origin: Origin,
}

/// The settings in force in the order of the table, and what is unwise about them. Its text is `usher config print`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    pub entries: Vec<Entry>,
    pub warnings: Vec<Problem>,
}

impl Report {
    /// The settings that somebody has given, secrets too.
    pub fn names_given(&self) -> Vec<&'static str> {
        self.given().map(|entry| entry.name).collect()
    }

    /// A hash that changes with any given value that is no secret.
    pub fn fingerprint(&self) -> String {
        let lines: Vec<_> = self.given().map(|entry| format!("{}={:?}", entry.name, entry.value)).collect();
        STANDARD.encode(sha256(lines.join("\n").as_bytes()))
    }

    fn given(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.origin != Origin::Default)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut section = "";
        for entry in &self.entries {
            if entry.section != section {
                let gap = if section.is_empty() { "" } else { "\n" };
                section = entry.section;
                writeln!(formatter, "{gap}# {section}")?;
            }
            match &entry.value {
                Some(value) => writeln!(formatter, "{}={value}  # {}", entry.name, entry.origin)?,
                None => writeln!(formatter, "# {} is not set", entry.name)?,
            }
        }
        Ok(())
    }
}
