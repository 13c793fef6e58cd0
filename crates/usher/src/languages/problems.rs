//! What refusals say to people in other languages than English, whose words stand where a refusal is made. `problems.ftl` has them by the
//! code; where a code says several things, by the English words. What it lacks stays English.

use fluent_bundle::{FluentArgs, FluentValue};

use super::Language;

/// What a value is that the English words do not hold.
const NONE: &str = "none";

impl Language {
    /// What a problem says.
    pub fn problem(self, code: &str, detail: &str) -> String {
        self.refusal(&[&keyed("problem", code)], detail).unwrap_or_else(|| detail.to_owned())
    }

    /// What is wrong with one field, as a whole sentence. None, where there are only the English words.
    pub fn fault(self, code: &str, detail: &str) -> Option<String> {
        self.refusal(&[&keyed("fault", code), &keyed("problem", code)], detail)
    }

    /// An HTTP status in words.
    pub fn title(self, status: u16) -> Option<String> {
        self.refusal(&[&format!("title-{status}")], "")
    }

    fn refusal(self, keys: &[&str], detail: &str) -> Option<String> {
        if self == Self::ENGLISH {
            return None;
        }
        let mut values = FluentArgs::new();
        values.set("number", number(detail).unwrap_or_else(|| NONE.into()));
        values.set("permission", permission(detail).unwrap_or(NONE));
        values.set("expected", expected(detail).unwrap_or(NONE));
        let said = worded("said", detail);
        [said.as_str()].iter().chain(keys).find_map(|key| self.own(key, &values))
    }
}

pub(super) fn keyed(kind: &str, code: &str) -> String {
    format!("{kind}-{}", code.replace('_', "-"))
}

/// The key of English words: `must have 1 to 100 characters` is `said-must-have-n-to-n-characters`.
pub(super) fn worded(kind: &str, english: &str) -> String {
    let words = english.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.fold(kind.to_owned(), |key, word| {
        let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { key + "-n" } else { key + "-" + &word.to_ascii_lowercase() }
    })
}

/// The first number of a text, such as 1024 of `at most 1,024 bytes`.
fn number(text: &str) -> Option<FluentValue<'static>> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let (before, from) = text.split_at(start);
    let digits = from.split(|c: char| !c.is_ascii_digit() && c != ',' && c != '.').next()?;
    let sign = if before.ends_with(" -") { "-" } else { "" };
    let written = format!("{sign}{}", digits.trim_end_matches([',', '.']).replace(',', ""));
    Some(written.parse::<i64>().map_or_else(|_| written.clone().into(), FluentValue::from))
}

/// The first permission of a text, such as `users:read`.
fn permission(text: &str) -> Option<&str> {
    let is_name = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let mut words = text.split_whitespace().map(|word| word.trim_matches(['.', ',', '`', ':']));
    words.find(|word| word.split_once(':').is_some_and(|(thing, act)| is_name(thing) && is_name(act)))
}

/// What must be there: of `must be one of ["a","b"]` what stands in the brackets.
fn expected(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("must be ").or_else(|| text.strip_prefix("must match "))?;
    let rest = rest.strip_prefix("one of ").unwrap_or(rest);
    Some(rest.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(rest))
}
