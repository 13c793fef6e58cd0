//! A schema that is ready for use: its properties, and what says whether attributes fit it.

use std::collections::HashMap;
use std::fmt;

use jiff::Timestamp;
use jsonschema::{PatternOptions, Validator};
use serde_json::{Map, Value};

use super::claims;
use super::document::{Document, Format, Rule, Type, Visibility};
use super::migration::Operation;
use crate::error::{FieldError, Rejection};
use crate::http::validate;

const SEE_SCHEMA: &str = "does not fit; see GET /v1/attribute-schema";
/// Memory that a compiled pattern may take, in bytes.
const PATTERN_BYTES_MAX: usize = 256 * 1024;

/// One version of the schema.
pub struct Schema {
    pub version: i64,
    pub document: Document,
    properties: Vec<Property>,
    /// By name in lower case.
    places: HashMap<String, usize>,
    validator: Validator,
    /// What a migration is still doing to the rows.
    pub(super) moving: Vec<Operation>,
}

/// A property at the top of the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an annotation of its own")]
pub struct Property {
    pub name: String,
    pub kind: Kind,
    pub searchable: bool,
    pub unique: bool,
    pub self_editable: bool,
    pub visibility: Visibility,
    pub pii: bool,
    /// What tokens call it, if they carry it.
    pub claim: Option<String>,
    /// Whether there is an index on it that can be used.
    pub index_ready: bool,
}

/// How values of a property are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Whatever its case.
    Text,
    /// RFC 3339 in UTC with six digits of the second: as text it sorts by time.
    Time,
    /// `2026-01-31`: as text it sorts by date.
    Date,
    Number,
    Boolean,
    /// By what it contains.
    TextList,
    /// Not at all.
    Other,
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schema").field("version", &self.version).field("properties", &self.properties).finish_non_exhaustive()
    }
}

impl Schema {
    /// `ready` says whether there is a usable index of this name.
    ///
    /// # Errors
    /// When the document is no schema; `inspect` has refused it then.
    pub fn new(version: i64, document: Document, ready: impl Fn(&str) -> bool) -> anyhow::Result<Self> {
        let validator = compile(&document.to_value()).map_err(anyhow::Error::msg)?;
        let properties: Vec<Property> = document
            .properties
            .iter()
            .map(|(name, rule)| {
                let mut property = property(name, rule);
                property.index_ready = super::sql::index(&property).is_some_and(|index| ready(&index.name));
                property
            })
            .collect();
        let places = properties.iter().enumerate().map(|(at, property)| (property.name.to_lowercase(), at)).collect();
        Ok(Self { version, document, properties, places, validator, moving: Vec::new() })
    }

    /// The property of this name, whatever its case.
    pub fn property(&self, name: &str) -> Option<&Property> {
        self.properties.get(*self.places.get(&name.to_lowercase())?)
    }

    pub fn properties(&self) -> &[Property] {
        &self.properties
    }

    /// What the person themselves may see: what is not theirs to see is left out.
    pub fn own(&self, attributes: &Map<String, Value>) -> Map<String, Value> {
        let is_hidden = |name: &str| self.exact(name).is_some_and(|property| property.visibility == Visibility::Admin);
        let mut attributes = self.moved(attributes);
        attributes.retain(|name, _| !is_hidden(name));
        attributes
    }

    /// Whether a migration may not have come to all users.
    pub fn is_moving(&self) -> bool {
        !self.moving.is_empty()
    }

    /// The attributes of a row under the names of this schema: a migration may not have come to it yet.
    pub(super) fn moved(&self, attributes: &Map<String, Value>) -> Map<String, Value> {
        let mut attributes = attributes.clone();
        for operation in &self.moving {
            operation.apply(&mut attributes);
        }
        attributes
    }

    /// The property with exactly this name.
    pub(super) fn exact(&self, name: &str) -> Option<&Property> {
        self.property(name).filter(|property| property.name == name)
    }

    /// Every fault of the attributes, with pointers into a body that has them in `attributes`.
    pub fn faults(&self, attributes: &Map<String, Value>) -> Vec<FieldError> {
        validate::faults(&self.validator, &Value::Object(attributes.clone()), "/attributes", SEE_SCHEMA)
    }

    /// Those of the attributes that only one user can have.
    pub fn unique_among<'a>(&'a self, attributes: &'a Map<String, Value>) -> impl Iterator<Item = &'a Property> {
        let is_unique = |property: &Property| super::sql::index(property).is_some_and(|index| index.unique);
        self.properties
            .iter()
            .filter(move |property| attributes.get(&property.name).is_some_and(|value| !value.is_null()) && is_unique(property))
    }

    /// Refuses a merge patch (RFC 7396) that fits nobody, whatever else they have.
    pub fn check_patch(&self, patch: &Map<String, Value>) -> Result<(), Rejection> {
        let mut set: Map<String, Value> =
            patch.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.clone(), value.clone())).collect();
        self.normalize(&mut set);
        let is_of = |pointer: &str, name: &str| {
            let place = format!("/attributes/{}", name.replace('~', "~0").replace('/', "~1"));
            pointer.strip_prefix(&place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let mut faults = self.faults(&set);
        faults.retain(|fault| fault.pointer.as_ref().is_some_and(|pointer| patch.keys().any(|name| is_of(pointer, name))));
        if faults.is_empty() { Ok(()) } else { Err(Rejection::invalid_body(faults)) }
    }

    /// Brings times into the form in which they are kept. What is no time stays, and is a fault.
    pub fn normalize(&self, attributes: &mut Map<String, Value>) {
        for property in self.properties.iter().filter(|property| property.kind == Kind::Time) {
            if let Some(Value::String(text)) = attributes.get_mut(&property.name)
                && let Some(normal) = normal_time(text)
            {
                *text = normal;
            }
        }
    }
}

/// A text as it is kept of a property of this kind, to be compared with what is kept. `None` if it is none of them.
pub fn normal_text(kind: Kind, text: &str) -> Option<String> {
    match kind {
        Kind::Time => normal_time(text),
        Kind::Date => text.parse::<jiff::civil::Date>().ok().filter(|_| text.len() == 10).map(|date| date.to_string()),
        _ => Some(text.to_owned()),
    }
}

/// A time of RFC 3339 in UTC, with six digits of the second; more of them are cut off.
fn normal_time(text: &str) -> Option<String> {
    let is_strict = text.as_bytes().get(10).is_some_and(|byte| byte.eq_ignore_ascii_case(&b't')) && !text.contains('[');
    let time: Timestamp = text.parse().ok().filter(|_| is_strict)?;
    let normal = time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string();
    (normal.len() == 27 && normal.starts_with(|first: char| first.is_ascii_digit())).then_some(normal)
}

/// The schema as a validator that matches patterns in linear time, checks formats, and reads nothing from anywhere.
pub fn compile(schema: &Value) -> Result<Validator, String> {
    let patterns = PatternOptions::regex().size_limit(PATTERN_BYTES_MAX).dfa_size_limit(PATTERN_BYTES_MAX);
    let is_time = |text: &str| normal_time(text).is_some();
    let options = jsonschema::draft202012::options().offline().with_pattern_options(patterns);
    options.should_validate_formats(true).with_format("date-time", is_time).build(schema).map_err(|error| error.to_string())
}

fn property(name: &str, rule: &Rule) -> Property {
    Property {
        name: name.to_owned(),
        kind: kind(rule),
        searchable: rule.searchable,
        unique: rule.unique,
        self_editable: rule.self_editable,
        visibility: rule.visibility,
        pii: rule.pii,
        claim: claims::of(rule),
        index_ready: false,
    }
}

pub fn kind(rule: &Rule) -> Kind {
    match (rule.kind, rule.format) {
        (Type::String, Some(Format::DateTime)) => Kind::Time,
        (Type::String, Some(Format::Date)) => Kind::Date,
        (Type::String, _) => Kind::Text,
        (Type::Integer | Type::Number, _) => Kind::Number,
        (Type::Boolean, _) => Kind::Boolean,
        (Type::Array, _) if rule.items.as_ref().is_some_and(|items| items.kind == Type::String) => Kind::TextList,
        (Type::Array | Type::Object, _) => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_one_form() {
        for (written, kept) in [
            ("2026-01-02T03:04:05Z", Some("2026-01-02T03:04:05.000000Z")),
            ("2026-01-02t03:04:05.1234567z", Some("2026-01-02T03:04:05.123456Z")),
            ("2026-01-02T03:04:05+02:00", Some("2026-01-02T01:04:05.000000Z")),
            ("2026-01-02 03:04:05Z", None),
            ("2026-01-02T03:04:05", None),
            ("2026-01-02T03:04:05+01:00[Europe/Vienna]", None),
            ("9999-12-31T23:59:59-23:00", None),
            ("0000-01-01T00:00:00+23:00", None),
            ("2026-02-30T00:00:00Z", None),
        ] {
            assert_eq!(normal_time(written).as_deref(), kept, "{written}");
        }
        assert_eq!(normal_time("2026-01-02T03:04:05.000000Z").unwrap(), "2026-01-02T03:04:05.000000Z");
    }
}
