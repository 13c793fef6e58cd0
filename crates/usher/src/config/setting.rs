//! What a definition in the table of settings consists of, and how one is found.

use std::ops::RangeInclusive;

use super::settings::settings;

/// One setting: a variable of the environment and all that there is to say about it.
#[derive(Debug)]
pub struct Setting {
    pub name: &'static str,
    pub section: Section,
    pub syntax: Syntax,
    pub default: Fallback,
    /// A secret may come from the file that `NAME_FILE` names, is never shown and has no value as its default.
    pub secret: bool,
    /// Whole sentences in Markdown.
    pub description: &'static str,
}

/// The chapters of the documentation, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Server,
    Log,
    Database,
    Data,
    Mail,
    Password,
    Tokens,
    Audit,
    Branding,
}

/// What a value looks like.
#[derive(Debug)]
pub enum Syntax {
    /// Described in words; for a secret, these words themselves are refused as a sample.
    Text(&'static str),
    Words(&'static [&'static str]),
    Boolean,
    Count(RangeInclusive<u32>),
    Seconds(RangeInclusive<u32>),
    Days(RangeInclusive<u32>),
    Mebibytes(RangeInclusive<u32>),
}

/// What holds when nobody sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// A text that is parsed like one that was given.
    Value(&'static str),
    /// It depends, or it is no value; told in Markdown.
    Told(&'static str),
}

impl Setting {
    /// The variable that names the file with this secret.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}_FILE", self.name)
    }
}

impl Section {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 9] = [
        Self::Server,
        Self::Log,
        Self::Database,
        Self::Data,
        Self::Mail,
        Self::Password,
        Self::Tokens,
        Self::Audit,
        Self::Branding,
    ];

    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Server => "Server",
            Self::Database => "Database",
            Self::Data => "Files and keys",
            Self::Mail => "Mail",
            Self::Log => "Log and traces",
            Self::Password => "Passwords",
            Self::Tokens => "Tokens and sessions",
            Self::Audit => "Audit",
            Self::Branding => "Branding",
        }
    }
}

impl Syntax {
    /// The range of a number and what it counts.
    pub(super) fn range(&self) -> Option<(&RangeInclusive<u32>, &'static str)> {
        match self {
            Self::Count(range) => Some((range, "number")),
            Self::Seconds(range) => Some((range, "number of seconds")),
            Self::Days(range) => Some((range, "number of days")),
            Self::Mebibytes(range) => Some((range, "number of MiB")),
            Self::Text(_) | Self::Words(_) | Self::Boolean => None,
        }
    }
}

impl Fallback {
    pub(super) fn value(self) -> Option<&'static str> {
        match self {
            Self::Value(value) => Some(value),
            Self::Told(_) => None,
        }
    }
}

pub(super) fn find(name: &str) -> Option<&'static Setting> {
    settings().find(|setting| setting.name == name)
}

/// The definition of a setting that the code asks for; so nothing can be read that is not in the table.
pub(super) fn get(name: &str) -> &'static Setting {
    find(name).expect("the code asks for listed settings only; a test reads every one")
}

/// `X` for the `X_FILE` of a secret, any other name as it is.
pub(super) fn without_file(name: &str) -> &str {
    let plain = name.strip_suffix("_FILE").filter(|plain| find(plain).is_some_and(|setting| setting.secret));
    plain.unwrap_or(name)
}

/// `a, b or c`
pub(super) fn alternatives(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [word] => (*word).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}
