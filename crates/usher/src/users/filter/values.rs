//! Values in filters: times, and what begins with a text as a range.

use jiff::Timestamp;
use jiff::civil::Date;
use usher_oidc::filter::AttributePath;

use super::fault;
use crate::error::FieldError;
use crate::http::params::is_storable;

/// The least text that is greater than every text with this prefix, byte by byte; `None` when there is none.
pub fn after_prefix(prefix: &str) -> Option<String> {
    let mut signs: Vec<char> = prefix.chars().collect();
    while let Some(last) = signs.pop() {
        let next = if last == '\u{d7ff}' { Some('\u{e000}') } else { char::from_u32(u32::from(last) + 1) };
        if let Some(next) = next {
            signs.push(next);
            return Some(signs.into_iter().collect());
        }
    }
    None
}

pub fn read_time(path: &AttributePath, text: &str) -> Result<Timestamp, FieldError> {
    let time: Option<Timestamp> = text.parse().ok().filter(is_storable);
    time.ok_or_else(|| fault(path, format!("`{path}` is compared with a time in quotes, such as \"2026-01-02T03:04:05Z\"")))
}

pub fn read_day(path: &AttributePath, text: &str) -> Result<Date, FieldError> {
    // Without a time or a sign before the year.
    let day = text.parse::<Date>().ok().filter(|_| text.len() == 10);
    day.ok_or_else(|| fault(path, format!("`{path}` is compared with a day in quotes, such as \"2026-01-02\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix_is_the_next_text_without_it() {
        assert_eq!(after_prefix("ann").as_deref(), Some("ano"));
        assert_eq!(after_prefix("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(after_prefix("\u{d7ff}").as_deref(), Some("\u{e000}"));
        assert_eq!(after_prefix("\u{10ffff}"), None);
        assert_eq!(after_prefix(""), None);
    }
}
