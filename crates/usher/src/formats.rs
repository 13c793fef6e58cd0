//! Formats of texts that JSON Schema has no word for. The schema names them, request validation checks them, and the types that
//! hold such texts parse with the same functions: one rule, one place.

use jiff::tz::TimeZone;
use unicode_normalization::UnicodeNormalization;
use url::Url;

/// A format: its name in schemas, what to say of a text that does not fit, and the check.
pub struct Format {
    pub name: &'static str,
    pub hint: &'static str,
    pub fits: fn(&str) -> bool,
}

pub const LINE: &str = "line";
pub const PARAGRAPHS: &str = "paragraphs";
pub const WEB_URL: &str = "web-url";
pub const TIME_ZONE: &str = "time-zone";

/// All formats.
pub const ALL: [Format; 4] = [
    Format { name: LINE, hint: "must have visible characters and no control characters", fits: |text| line(text).is_some() },
    Format {
        name: PARAGRAPHS,
        hint: "must not contain control characters but line breaks and tabs",
        fits: |text| paragraphs(text).is_some(),
    },
    Format {
        name: WEB_URL,
        hint: "must be a URL that begins with https:// or http://, without a user name or password",
        fits: |text| web_url(text).is_some(),
    },
    Format {
        name: TIME_ZONE,
        hint: "must be a time zone of the IANA database, such as Europe/Vienna",
        fits: |text| time_zone(text).is_some(),
    },
];

/// What to say of a text that does not fit the format.
pub fn hint(name: &str) -> Option<&'static str> {
    ALL.iter().find(|format| format.name == name).map(|format| format.hint)
}

/// One line of text, in NFC and without white space around it.
pub fn line(text: &str) -> Option<String> {
    let trimmed = text.trim();
    (!trimmed.is_empty() && !text.chars().any(char::is_control)).then(|| trimmed.nfc().collect())
}

/// Text in lines.
pub fn paragraphs(text: &str) -> Option<String> {
    let is_bad = |c: char| c.is_control() && !['\n', '\r', '\t'].contains(&c);
    (!text.chars().any(is_bad)).then(|| text.to_owned())
}

/// An address on the web, in its normal form.
pub fn web_url(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let is_web = ["http", "https"].contains(&url.scheme()) && url.has_host();
    let is_bare = url.username().is_empty() && url.password().is_none();
    (is_web && is_bare).then(|| url.into())
}

/// A time zone, spelled as the database spells it.
pub fn time_zone(text: &str) -> Option<String> {
    let zone = TimeZone::get(text).ok()?;
    Some(zone.iana_name().unwrap_or(text).to_owned())
}
