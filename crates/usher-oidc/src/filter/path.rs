//! The name of an attribute (RFC 7644, section 3.10).

use std::fmt;

use super::cursor::shown;
use super::error::{FilterError, FilterErrorKind};
use super::{TEXT_BYTES_MAX, cursor::Cursor};

/// Words of the grammar, which are no attributes.
pub(super) const RESERVED: [&str; 3] = ["and", "or", "not"];

/// `[schema:]attribute[.sub_attribute]`, as it was written.
///
/// Equality is that of what is written. Names are looked up ignoring their case: see [`AttributePath::is`].
#[derive(Clone, Debug)]
pub struct AttributePath {
    /// Letters, digits and signs of ASCII only.
    text: String,
    column: usize,
}

impl AttributePath {
    /// A path that stands alone, such as the one to sort by.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let start = Cursor::new(text);
        if text.len() > TEXT_BYTES_MAX {
            return Err(start.fail(FilterErrorKind::TooLong));
        }
        if text.is_empty() || is_reserved(text) {
            return Err(start.fail(FilterErrorKind::NoAttribute));
        }
        Self::read(text, 1)
    }

    /// `word` is not empty and not reserved.
    pub(super) fn read(word: &str, column: usize) -> Result<Self, FilterError> {
        let is_known = |sign: char| sign.is_ascii_alphanumeric() || "-_$.:".contains(sign);
        if let Some((before, sign)) = word.chars().enumerate().find(|(_, sign)| !is_known(*sign)) {
            let kind = FilterErrorKind::AttributeSign(shown(sign.encode_utf8(&mut [0; 4])));
            return Err(FilterError { column: column + before, kind });
        }
        let path = Self { text: word.to_owned(), column };
        let is_good = path.schema().is_none_or(is_urn) && is_name(path.attribute()) && path.sub_attribute().is_none_or(is_name);
        if is_good { Ok(path) } else { Err(FilterError { column, kind: FilterErrorKind::Attribute(shown(word)) }) }
    }

    /// The URN of the schema, without the colon behind it.
    pub fn schema(&self) -> Option<&str> {
        Some(self.text.rsplit_once(':')?.0)
    }

    pub fn attribute(&self) -> &str {
        let names = self.names();
        names.split_once('.').map_or(names, |(attribute, _)| attribute)
    }

    pub fn sub_attribute(&self) -> Option<&str> {
        Some(self.names().split_once('.')?.1)
    }

    /// The whole path as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the whole path, schema included, is this one but for the case of letters.
    pub fn is(&self, path: &str) -> bool {
        self.text.eq_ignore_ascii_case(path)
    }

    /// Where it stands in the filter: from 1, counted in characters.
    pub fn column(&self) -> usize {
        self.column
    }

    fn names(&self) -> &str {
        self.text.rsplit_once(':').map_or(&self.text, |(_, names)| names)
    }
}

impl PartialEq for AttributePath {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for AttributePath {}

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

pub(super) fn is_reserved(word: &str) -> bool {
    RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(word))
}

/// `urn:`, a namespace and something in it.
fn is_urn(schema: &str) -> bool {
    let mut parts = schema.split(':');
    let is_urn = parts.next().is_some_and(|scheme| scheme.eq_ignore_ascii_case("urn"));
    is_urn && parts.clone().count() >= 2 && parts.all(|part| !part.is_empty())
}

/// RFC 7643, section 2.1; `$` begins `$ref`. The signs are known, but a dot would be a third name.
fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '$') && !name.contains('.')
}
