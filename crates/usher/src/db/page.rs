//! Keyset pages: an opaque cursor holds where the last page ended, so that page 10,000 costs what page 1 costs.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{FieldError, Rejection};

/// Longest cursor accepted, in bytes.
const CURSOR_MAX: usize = 1024;

/// How many items a page has: 1 to 200, 50 when not said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(u16);

impl Limit {
    pub const MAX: u16 = 200;

    /// `None` when it is not between 1 and [`Limit::MAX`].
    pub fn new(limit: u16) -> Option<Self> {
        (1..=Self::MAX).contains(&limit).then_some(Self(limit))
    }

    /// One more than the page holds, to see whether there is another page.
    pub fn and_one(self) -> i64 {
        i64::from(self.0) + 1
    }

    pub fn get(self) -> usize {
        usize::from(self.0)
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let limit = Self::new(u16::deserialize(deserializer)?);
        limit.ok_or_else(|| serde::de::Error::custom(format!("must be between 1 and {}", Self::MAX)))
    }
}

impl JsonSchema for Limit {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Limit".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "integer", "minimum": 1, "maximum": Self::MAX, "default": 50 })
    }
}

/// One page of a list.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "PageOf{T}")]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Pass it as `cursor` to get the next page; `null` on the last one.
    pub next: Option<String>,
    /// How many there are on all pages, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Total>,
}

/// How many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Total {
    pub count: i64,
    /// Up to 10,000 are counted; of more, `count` is what the database expects. Where it expects 50,000 of a search, they are not
    /// counted.
    pub exact: bool,
}

impl Total {
    pub fn exactly(count: i64) -> Self {
        Self { count, exact: true }
    }
}

impl<T> Page<T> {
    /// Makes a page of rows that were asked for with [`Limit::and_one`].
    pub fn cut<K: Serialize>(mut items: Vec<T>, limit: Limit, key: impl Fn(&T) -> K) -> Self {
        let more = items.len() > limit.get();
        items.truncate(limit.get());
        let next = if more { items.last().map(|last| encode(&key(last))) } else { None };
        Self { items, next, total: None }
    }
}

/// Hides where a page ended in text that is safe in a URL.
fn encode<K: Serialize>(key: &K) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(key).expect("a page key is plain data"))
}

/// Reads a cursor back. It is input like any other: its parts are typed and only ever bound as parameters.
pub fn decode<K: DeserializeOwned>(cursor: &str) -> Result<K, Rejection> {
    let bad = || {
        Rejection::invalid_query(vec![FieldError::at_parameter(
            "cursor",
            "invalid",
            "is not a cursor of this list: begin again without it",
        )])
    };
    if cursor.len() > CURSOR_MAX {
        return Err(bad());
    }
    let json = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| bad())?;
    serde_json::from_slice(&json).map_err(|_| bad())
}
