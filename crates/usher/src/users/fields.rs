//! The fields of a profile, each with its limits. The same bounds appear in the schema.

use postgres_types::{FromSql, ToSql};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::formats;
use crate::patch::Patch;

/// Longest name, biography, URL and time zone, in characters.
const NAME_MAX: usize = 100;
const BIO_MAX: usize = 2000;
const URL_MAX: usize = 2048;
const ZONE_MAX: usize = 64;

/// What a person says of themselves. Every field may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Profile {
    #[serde(default)]
    pub given_name: Option<Name>,
    #[serde(default)]
    pub family_name: Option<Name>,
    /// How the person wants to be called.
    #[serde(default)]
    pub display_name: Option<Name>,
    #[serde(default)]
    pub bio: Option<Bio>,
    #[serde(default)]
    pub picture_url: Option<WebUrl>,
    #[serde(default)]
    pub website_url: Option<WebUrl>,
    #[serde(default)]
    pub github_url: Option<WebUrl>,
    #[serde(default)]
    pub linkedin_url: Option<WebUrl>,
    #[serde(default)]
    pub locale: Option<Locale>,
    #[serde(default)]
    pub time_zone: Option<ZoneName>,
}

impl Profile {
    /// The names that are set.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        [&self.display_name, &self.given_name, &self.family_name].into_iter().flatten().map(|name| name.0.as_str())
    }
}

/// Changes of a profile: a field that is left out stays, `null` clears it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct ProfilePatch {
    #[serde(default)]
    pub given_name: Patch<Name>,
    #[serde(default)]
    pub family_name: Patch<Name>,
    /// How the person wants to be called.
    #[serde(default)]
    pub display_name: Patch<Name>,
    #[serde(default)]
    pub bio: Patch<Bio>,
    #[serde(default)]
    pub picture_url: Patch<WebUrl>,
    #[serde(default)]
    pub website_url: Patch<WebUrl>,
    #[serde(default)]
    pub github_url: Patch<WebUrl>,
    #[serde(default)]
    pub linkedin_url: Patch<WebUrl>,
    #[serde(default)]
    pub locale: Patch<Locale>,
    #[serde(default)]
    pub time_zone: Patch<ZoneName>,
}

impl ProfilePatch {
    pub fn apply(self, to: &mut Profile) {
        self.given_name.apply(&mut to.given_name);
        self.family_name.apply(&mut to.family_name);
        self.display_name.apply(&mut to.display_name);
        self.bio.apply(&mut to.bio);
        self.picture_url.apply(&mut to.picture_url);
        self.website_url.apply(&mut to.website_url);
        self.github_url.apply(&mut to.github_url);
        self.linkedin_url.apply(&mut to.linkedin_url);
        self.locale.apply(&mut to.locale);
        self.time_zone.apply(&mut to.time_zone);
    }
}

/// A part of a name: 1 to 100 characters, no control characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema, ToSql, FromSql)]
#[serde(transparent)]
#[postgres(transparent)]
#[schemars(extend("format" = formats::LINE))]
pub struct Name(#[schemars(length(min = 1, max = NAME_MAX))] pub String);

/// A text about the person: up to 2,000 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema, ToSql, FromSql)]
#[serde(transparent)]
#[postgres(transparent)]
#[schemars(extend("format" = formats::PARAGRAPHS))]
pub struct Bio(#[schemars(length(min = 1, max = BIO_MAX))] pub String);

/// An address on the web: `https` or `http`, without user information.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema, ToSql, FromSql)]
#[serde(transparent)]
#[postgres(transparent)]
#[schemars(extend("format" = formats::WEB_URL, "example" = "https://example.com/ann"))]
pub struct WebUrl(#[schemars(length(min = 1, max = URL_MAX))] pub String);

/// A language tag (BCP 47), such as `en`, `de-AT` or `zh-Hant-TW`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSql, FromSql)]
#[serde(transparent)]
#[postgres(transparent)]
#[schemars(extend("example" = "en-GB"))]
pub struct Locale(#[schemars(regex(pattern = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,4}$"), length(min = 2, max = 39))] pub String);

/// A time zone of the IANA database, such as `Europe/Vienna`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema, ToSql, FromSql)]
#[serde(transparent)]
#[postgres(transparent)]
#[schemars(extend("format" = formats::TIME_ZONE, "example" = "Europe/Vienna"))]
pub struct ZoneName(#[schemars(length(min = 1, max = ZONE_MAX))] pub String);

/// Parses with the function of the format; its hint says what is wrong. The schema bounds what was sent, and this what is kept:
/// the normal form of a text may be longer.
fn parse<'de, D: Deserializer<'de>>(
    deserializer: D,
    format: &str,
    parse: fn(&str) -> Option<String>,
    characters_max: usize,
) -> Result<String, D::Error> {
    fit(&String::deserialize(deserializer)?, format, parse, characters_max).map_err(de::Error::custom)
}

fn fit(text: &str, format: &str, parse: fn(&str) -> Option<String>, characters_max: usize) -> Result<String, String> {
    let parsed = parse(text).ok_or_else(|| formats::hint(format).unwrap_or("does not fit").to_owned())?;
    if parsed.chars().count() > characters_max {
        return Err(format!("must have at most {characters_max} characters in its normal form"));
    }
    Ok(parsed)
}

impl Name {
    /// Or what is wrong with it, as the end of a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        fit(text, formats::LINE, formats::line, NAME_MAX).map(Self)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parse(deserializer, formats::LINE, formats::line, NAME_MAX).map(Self)
    }
}

impl<'de> Deserialize<'de> for Bio {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parse(deserializer, formats::PARAGRAPHS, formats::paragraphs, BIO_MAX).map(Self)
    }
}

impl<'de> Deserialize<'de> for WebUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parse(deserializer, formats::WEB_URL, formats::web_url, URL_MAX).map(Self)
    }
}

impl<'de> Deserialize<'de> for ZoneName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parse(deserializer, formats::TIME_ZONE, formats::time_zone, ZONE_MAX).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Found by the fuzzer: a letter that NFC takes apart, and one that a URL writes with six.
    #[test]
    fn r287_what_is_kept_has_the_length_that_was_promised() {
        let name = |count| serde_json::from_value::<Name>("\u{fb2c}".repeat(count).into());
        assert!(name(33).is_ok());
        assert!(name(34).unwrap_err().to_string().contains("at most 100 characters in its normal form"));
        let url = |count| serde_json::from_value::<WebUrl>(format!("https://example.com/{}", "\u{fc}".repeat(count)).into());
        assert!(url(338).is_ok());
        assert!(url(339).is_err());
    }
}
