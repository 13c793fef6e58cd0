//! How a file is to be read and what is to come of its rows.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::presets::Preset;

/// How a file is to be read and what is to come of its rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ImportOptions")]
pub struct Options {
    pub format: FileFormat,
    pub mode: Mode,
    #[serde(rename = "match")]
    pub matching: Match,
    /// Between the cells of CSV; a comma if none is given.
    pub delimiter: Option<char>,
    /// Which field a column is; `-` leaves it out.
    #[serde(default)]
    pub map: BTreeMap<String, String>,
    pub preset: Option<Preset>,
    /// New users get the ids of the file.
    #[serde(default)]
    pub keep_ids: bool,
    /// Addresses of rows that do not say so count as verified.
    #[serde(default)]
    pub assume_verified: bool,
    /// New users without a password get a mail to choose one.
    #[serde(default)]
    pub invite: bool,
    /// Of Firebase: `signer_key,salt_separator,rounds,mem_cost`, as its console shows them.
    #[serde(default, skip_serializing)]
    #[schemars(skip)]
    pub hash_config: Option<String>,
}

/// What the file is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileFormat {
    #[default]
    Csv,
    /// A JSON object a line.
    Ndjson,
    /// An array of objects, or an object with such an array as its member `users`.
    Json,
}

/// What comes of rows whose user is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// They are conflicts, unless they change nothing.
    #[default]
    CreateOnly,
    /// The user is changed.
    Upsert,
}

/// What says that a row is about a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Match {
    #[default]
    Email,
    Username,
    Id,
}

impl Match {
    pub fn field(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Username => "username",
            Self::Id => "id",
        }
    }
}

/// Reads `header=field` pairs, separated by commas or given one by one; or says what is wrong.
pub fn read_map<'a>(pairs: impl IntoIterator<Item = &'a str>) -> Result<BTreeMap<String, String>, String> {
    read_pairs(pairs.into_iter().flat_map(|pairs| pairs.split(',')))
}

/// The same one by one, where a header may have a comma in it.
pub fn read_pairs<'a>(pairs: impl IntoIterator<Item = &'a str>) -> Result<BTreeMap<String, String>, String> {
    let mut map = BTreeMap::new();
    for pair in pairs.into_iter().filter(|pair| !pair.trim().is_empty()) {
        let (header, field) = pair.rsplit_once('=').ok_or("must be `header=field`, or `header=-` to leave a column out")?;
        if map.insert(header.trim().to_owned(), field.trim().to_owned()).is_some() {
            return Err("names a header twice".to_owned());
        }
    }
    Ok(map)
}

/// Reads a delimiter: one character, or the word `tab`.
pub fn read_delimiter(text: &str) -> Result<char, String> {
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        _ if ["tab", "\\t"].contains(&text) => Ok('\t'),
        (Some(one), None) if one.is_ascii() && !one.is_ascii_alphanumeric() && !"\"\r\n\0".contains(one) => Ok(one),
        _ => Err("must be one sign, such as `;`, or `tab`".to_owned()),
    }
}
