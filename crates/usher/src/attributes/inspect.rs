//! Whether a schema can be taken: what JSON Schema's own rules leave open, and the bounds of this server. All faults at once.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::document::{Document, Format, Rule, Type, Visibility};
use super::{claims, schema};
use crate::error::{FieldError, Rejection};

/// The whole schema, in bytes as JSON.
const BYTES_MAX: usize = 64 * 1024;
const PROPERTIES_MAX: usize = 100;
/// Every index costs each write of a user.
const INDEXED_MAX: usize = 32;
const DEPTH_MAX: usize = 5;
const NAME_MAX: usize = 63;
/// A key of a B-tree index has 2,704 bytes at most.
pub const INDEXED_LENGTH_MAX: u32 = 500;
/// No text is longer than what all attributes may have.
const LENGTH_MAX: u32 = 16 * 1024;
/// Of what would show a property to the person that is for administrators.
const HIDDEN: &str = "is for what the person sees: set visibility to self or public";

/// Refuses a schema that can't be put in force.
pub fn inspect(document: &Document) -> Result<(), Rejection> {
    let mut faults = Vec::new();
    if document.to_value().to_string().len() > BYTES_MAX {
        faults.push(FieldError::at_pointer("", "max_bytes", format!("must have at most {BYTES_MAX} bytes as JSON")));
    }
    members(&document.properties, &document.required, "", 1, &mut faults);
    let (mut names, mut carried) = (HashSet::new(), HashSet::new());
    for (name, rule) in &document.properties {
        let at = format!("/properties/{name}");
        if !names.insert(name.to_lowercase()) {
            faults.push(FieldError::at_pointer(&at, "duplicate", "differs from another name in case only"));
        }
        if let Some(claim) = &rule.claim {
            let is_taken = !carried.insert(claim);
            let detail = claims::refused(claim)
                .or(is_taken.then_some("belongs to another property already"))
                .or((rule.visibility == Visibility::Admin).then_some(HIDDEN));
            faults.extend(detail.map(|detail| FieldError::at_pointer(format!("{at}/claim"), "invalid", detail)));
        }
        annotations(rule, &at, &mut faults);
    }
    let indexed = document.properties.values().filter(|rule| rule.searchable || rule.unique).count();
    if indexed > INDEXED_MAX {
        let detail = format!("at most {INDEXED_MAX} properties can be searchable or unique");
        faults.push(FieldError::at_pointer("/properties", "max_items", detail));
    }
    if faults.is_empty() {
        return schema::compile(&document.to_value()).map(drop).map_err(|why| Rejection::invalid_field("", "invalid", why));
    }
    faults.truncate(32);
    Err(Rejection::invalid_body(faults))
}

fn members(
    properties: &indexmap::IndexMap<String, Rule>,
    required: &[String],
    at: &str,
    depth: usize,
    faults: &mut Vec<FieldError>,
) {
    if properties.len() > PROPERTIES_MAX {
        let detail = format!("must have at most {PROPERTIES_MAX} members");
        faults.push(FieldError::at_pointer(format!("{at}/properties"), "max_properties", detail));
        return;
    }
    for (name, rule) in properties {
        if is_name(name) {
            inspect_rule(rule, &format!("{at}/properties/{name}"), depth, faults);
        } else {
            let detail = "has a name that is not 1 to 63 letters, digits and underscores beginning with a letter (ASCII)";
            let escaped = name.replace('~', "~0").replace('/', "~1");
            faults.push(FieldError::at_pointer(format!("{at}/properties/{escaped}"), "name", detail));
        }
    }
    let mut seen = HashSet::new();
    for (place, name) in required.iter().enumerate() {
        if !properties.contains_key(name) || !seen.insert(name) {
            let detail = "must be the name of one of the properties, once";
            faults.push(FieldError::at_pointer(format!("{at}/required/{place}"), "invalid", detail));
        }
    }
}

/// `^[A-Za-z][A-Za-z0-9_]{0,62}$`: safe in SQL, in a filter and in a JSON pointer as it is.
pub fn is_name(name: &str) -> bool {
    let fits = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    fits && name.len() <= NAME_MAX && name.starts_with(|first: char| first.is_ascii_alphabetic())
}

fn inspect_rule(rule: &Rule, at: &str, depth: usize, faults: &mut Vec<FieldError>) {
    if depth > DEPTH_MAX {
        faults.push(FieldError::at_pointer(at, "too_deep", format!("is nested deeper than {DEPTH_MAX} levels")));
        return;
    }
    if depth > 1 && rule.is_annotated() {
        let detail = "only properties at the top can be searchable, unique, selfEditable, visible, pii or a claim";
        faults.push(FieldError::at_pointer(at, "invalid", detail));
    }
    keywords(rule, at, faults);
    if let Some(pattern) = &rule.pattern
        && schema::compile(&json!({ "pattern": pattern })).is_err()
    {
        let detail = "must be a regular expression without look-around and back-references, and not too large";
        faults.push(FieldError::at_pointer(format!("{at}/pattern"), "pattern", detail));
    }
    if let Some(options) = &rule.options {
        let bare = Rule { options: None, ..rule.constraints() };
        let fits = schema::compile(&serde_json::to_value(bare).unwrap_or_default());
        for (place, option) in options.iter().enumerate() {
            let long = option.as_str().is_some_and(|text| text.chars().count() > LENGTH_MAX as usize);
            if long || options[..place].contains(option) || fits.as_ref().is_ok_and(|fits| !fits.is_valid(option)) {
                let detail = "must fit the other keywords, and be there once";
                faults.push(FieldError::at_pointer(format!("{at}/enum/{place}"), "invalid", detail));
            }
        }
    }
    if let Some(items) = &rule.items {
        inspect_rule(items, &format!("{at}/items"), depth + 1, faults);
    }
    members(&rule.properties, &rule.required, at, depth + 1, faults);
}

/// Keywords that say nothing for the type are mistakes: they would not be enforced.
fn keywords(rule: &Rule, at: &str, faults: &mut Vec<FieldError>) {
    let numeric = matches!(rule.kind, Type::Integer | Type::Number);
    let (text, list, object) = (rule.kind == Type::String, rule.kind == Type::Array, rule.kind == Type::Object);
    let is_time = rule.format == Some(Format::DateTime);
    let given = [
        ("minLength", rule.min_length.is_some(), text && !is_time),
        ("maxLength", rule.max_length.is_some(), text && !is_time),
        ("pattern", rule.pattern.is_some(), text && !is_time),
        ("format", rule.format.is_some(), text),
        ("enum", rule.options.is_some(), !is_time),
        ("minimum", rule.minimum.is_some(), numeric),
        ("maximum", rule.maximum.is_some(), numeric),
        ("exclusiveMinimum", rule.exclusive_minimum.is_some(), numeric),
        ("exclusiveMaximum", rule.exclusive_maximum.is_some(), numeric),
        ("multipleOf", rule.multiple_of.is_some(), numeric),
        ("items", rule.items.is_some(), list),
        ("minItems", rule.min_items.is_some(), list),
        ("maxItems", rule.max_items.is_some(), list),
        ("uniqueItems", rule.unique_items.is_some(), list),
        ("properties", !rule.properties.is_empty(), object),
        ("required", !rule.required.is_empty(), object),
        ("additionalProperties", rule.additional_properties.is_some(), object),
        ("minProperties", rule.min_properties.is_some(), object),
        ("maxProperties", rule.max_properties.is_some(), object),
    ];
    for (name, _, _) in given.into_iter().filter(|(_, given, fits)| *given && !*fits) {
        let detail = "says nothing for this type, or not beside the format date-time: leave it out";
        faults.push(FieldError::at_pointer(format!("{at}/{name}"), "invalid", detail));
    }
    if rule.multiple_of.as_ref().and_then(serde_json::Number::as_f64).is_some_and(|step| step <= 0.0) {
        faults.push(FieldError::at_pointer(format!("{at}/multipleOf"), "minimum", "must be greater than 0"));
    }
    for (name, low, high) in [
        ("minLength", rule.min_length, rule.max_length),
        ("minItems", rule.min_items, rule.max_items),
        ("minProperties", rule.min_properties, rule.max_properties),
    ] {
        if low.zip(high).is_some_and(|(low, high)| low > high) || low.is_some_and(|low| low > LENGTH_MAX) {
            faults.push(FieldError::at_pointer(format!("{at}/{name}"), "invalid", "is more than there can be"));
        }
    }
}

/// What usher makes of a property at the top.
fn annotations(rule: &Rule, at: &str, faults: &mut Vec<FieldError>) {
    let kind = schema::kind(rule);
    let mut fault = |name: &str, detail: &str| faults.push(FieldError::at_pointer(format!("{at}/{name}"), "invalid", detail));
    if rule.searchable && kind == schema::Kind::Other {
        fault("searchable", "is for texts, numbers, booleans and arrays of strings");
    }
    if rule.unique && !matches!(kind, schema::Kind::Text | schema::Kind::Number | schema::Kind::Time | schema::Kind::Date) {
        fault("unique", "is for texts and numbers");
    }
    let bounded = rule.max_length.is_some_and(|max| max <= INDEXED_LENGTH_MAX)
        || rule
            .options
            .iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(|text| text.chars().count())
            .max()
            .is_some_and(|longest| longest <= INDEXED_LENGTH_MAX as usize);
    if (rule.searchable || rule.unique) && kind == schema::Kind::Text && !bounded {
        fault("maxLength", "must be 500 at most for a text that is searchable or unique");
    }
    if rule.self_editable && rule.visibility == Visibility::Admin {
        fault("selfEditable", HIDDEN);
    }
}
