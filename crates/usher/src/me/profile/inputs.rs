//! The attributes of a person as a page has them: those that are theirs to see as facts, those that are theirs to change as fields of a
//! form, each by its type. What a form can't hold (objects, and lists of other things than texts) is changed by the API.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::{Map, Number, Value};

use crate::attributes::{Format, Rule, Schema, Type};
use crate::languages;
use crate::users::User;

/// What the name of an attribute is preceded by in the form.
const PREFIX: &str = "attribute.";
/// Longest text of an attribute without a limit of its own, in characters; a user's attributes have 16 KiB together.
const TEXT_MAX: u32 = 16 * 1024;
/// A text that may be longer has room for lines.
const LINE_MAX: u32 = 200;
/// As a browser writes a time without its zone.
const LOCAL: &str = "%Y-%m-%dT%H:%M";

/// A field of the form.
#[derive(Clone, Debug, Serialize)]
pub struct Input {
    pub name: String,
    pub label: String,
    pub hint: String,
    pub shape: Shape,
    /// What is shown and sent for each, where there is a choice.
    pub choices: Vec<(String, String)>,
    pub value: String,
    pub required: bool,
    /// In characters.
    pub most: u32,
    #[serde(skip)]
    property: String,
    #[serde(skip)]
    rule: Rule,
}

/// What of a field it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    Text,
    Email,
    Url,
    /// Texts in lines.
    Area,
    Number,
    Date,
    /// In the person's zone.
    Time,
    Choice,
}

/// What a person may see of their attributes, and has: the names to call them by, and the values in words.
pub fn facts(schema: &Schema, user: &User, zone: &TimeZone) -> Vec<(String, String)> {
    let own = schema.own(&user.attributes);
    let rules = &schema.document.properties;
    let known = rules.iter().filter_map(|(name, rule)| Some((label(name, rule), own.get(name)?, Some(rule))));
    let others = own.iter().filter(|(name, _)| !rules.contains_key(*name)).map(|(name, value)| (name.clone(), value, None));
    known.chain(others).map(|(label, value, rule)| (label, in_words(value, rule, zone))).collect()
}

/// The fields of the attributes that are the person's to change.
pub fn inputs(schema: &Schema, user: &User, zone: &TimeZone) -> Vec<Input> {
    let own = schema.own(&user.attributes);
    let required = &schema.document.required;
    let editable = schema.document.properties.iter().filter(|(_, rule)| rule.self_editable);
    editable.filter_map(|(name, rule)| input(name, rule, own.get(name), required.contains(name), zone)).collect()
}

fn input(name: &str, rule: &Rule, value: Option<&Value>, required: bool, zone: &TimeZone) -> Option<Input> {
    let value = value.map(|value| written(value, rule, zone)).unwrap_or_default();
    // A field of one line would lose the others.
    let shape = if value.contains('\n') { Shape::Area } else { shape(rule)? };
    let hint = [rule.description.as_deref().unwrap_or_default(), &advice(rule)].join(" ");
    Some(Input {
        name: format!("{PREFIX}{name}"),
        label: label(name, rule),
        hint: hint.trim().to_owned(),
        shape,
        choices: choices(rule),
        value,
        required,
        most: if rule.kind == Type::Array { TEXT_MAX } else { rule.max_length.unwrap_or(TEXT_MAX) },
        property: name.to_owned(),
        rule: rule.clone(),
    })
}

fn shape(rule: &Rule) -> Option<Shape> {
    let is_texts = || rule.items.as_ref().is_some_and(|items| items.kind == Type::String);
    Some(match (rule.kind, rule.format) {
        (Type::Boolean, _) => Shape::Choice,
        (Type::String | Type::Integer | Type::Number, _) if rule.options.is_some() => Shape::Choice,
        (Type::Integer | Type::Number, _) => Shape::Number,
        (Type::String, Some(Format::Date)) => Shape::Date,
        (Type::String, Some(Format::DateTime)) => Shape::Time,
        (Type::String, Some(Format::Email)) => Shape::Email,
        (Type::String, Some(Format::Uri)) => Shape::Url,
        (Type::String, None) if rule.max_length.is_some_and(|most| most <= LINE_MAX) => Shape::Text,
        (Type::String, None) => Shape::Area,
        (Type::Array, _) if is_texts() => Shape::Area,
        (Type::Array | Type::Object, _) => return None,
    })
}

fn label(name: &str, rule: &Rule) -> String {
    rule.title.clone().unwrap_or_else(|| name.to_owned())
}

fn advice(rule: &Rule) -> String {
    let is_lines = rule.kind == Type::Array;
    if is_lines { languages::now().word("profile-one-in-each-line") } else { String::new() }
}

fn choices(rule: &Rule) -> Vec<(String, String)> {
    if let Some(options) = &rule.options {
        let texts = options.iter().map(plain);
        return texts.map(|text| (text.clone(), text)).collect();
    }
    let pair = |value: bool| (value.to_string(), yes_or_no(value));
    if rule.kind == Type::Boolean { vec![pair(true), pair(false)] } else { Vec::new() }
}

fn yes_or_no(value: bool) -> String {
    let now = languages::now();
    if value { now.word("account-yes") } else { now.word("account-no") }
}

/// A text as it is, anything else as JSON.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// The value as its field holds it.
fn written(value: &Value, rule: &Rule, zone: &TimeZone) -> String {
    match value {
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join("\n"),
        Value::String(text) if rule.format == Some(Format::DateTime) => {
            text.parse().map_or_else(|_| text.clone(), |at: Timestamp| at.to_zoned(zone.clone()).strftime(LOCAL).to_string())
        }
        value => plain(value),
    }
}

fn in_words(value: &Value, rule: Option<&Rule>, zone: &TimeZone) -> String {
    let is_time = rule.is_some_and(|rule| rule.format == Some(Format::DateTime));
    match value {
        Value::Bool(value) => yes_or_no(*value),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::String(text) if is_time => {
            let at: Result<Timestamp, _> = text.parse();
            at.map_or_else(|_| text.clone(), |at| languages::now().short_moment(&at.to_zoned(zone.clone())))
        }
        value => plain(value),
    }
}

/// The attributes that a form wants changed: what it sends as it was shown stays as it is kept, though that may say more.
pub fn changes<'a>(inputs: &[Input], zone: &TimeZone, sent: impl Fn(&str) -> Option<&'a str>) -> Map<String, Value> {
    let changed = inputs.iter().filter_map(|input| {
        let text = sent(&input.name)?.replace("\r\n", "\n");
        (text != input.value).then(|| (input.property.clone(), read(&text, &input.rule, zone)))
    });
    changed.collect()
}

/// What is none of its type stays a text, and is a fault.
fn read(text: &str, rule: &Rule, zone: &TimeZone) -> Value {
    let as_it_is = || Value::from(text);
    if text.trim().is_empty() {
        return Value::Null;
    }
    if let Some(options) = &rule.options {
        return options.iter().find(|option| plain(option) == text).cloned().unwrap_or_else(as_it_is);
    }
    match (rule.kind, rule.format) {
        (Type::Integer | Type::Number, _) => serde_json::from_str::<Number>(text.trim()).map_or_else(|_| as_it_is(), Value::from),
        (Type::Boolean, _) => text.parse::<bool>().map_or_else(|_| as_it_is(), Value::from),
        (Type::String, Some(Format::DateTime)) => {
            let at = text.parse::<DateTime>().and_then(|at| at.to_zoned(zone.clone()));
            at.map_or_else(|_| as_it_is(), |at| at.timestamp().to_string().into())
        }
        (Type::Array, _) => text.lines().map(str::trim).filter(|line| !line.is_empty()).map(Value::from).collect(),
        _ => as_it_is(),
    }
}

/// The name in the form of the attribute that a pointer leads into.
pub fn name_of(pointer: &str) -> Option<String> {
    let property = pointer.strip_prefix("/attributes/")?.split('/').next()?;
    Some(format!("{PREFIX}{property}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(value: Value) -> Rule {
        serde_json::from_value(value).unwrap()
    }

    fn vienna() -> TimeZone {
        TimeZone::get("Europe/Vienna").unwrap()
    }

    #[test]
    fn a_field_is_of_the_attribute_s_type() {
        for (written, expected) in [
            (json!({ "type": "string", "maxLength": 40 }), Some(Shape::Text)),
            (json!({ "type": "string" }), Some(Shape::Area)),
            (json!({ "type": "string", "enum": ["a", "b"] }), Some(Shape::Choice)),
            (json!({ "type": "string", "format": "date" }), Some(Shape::Date)),
            (json!({ "type": "string", "format": "date-time" }), Some(Shape::Time)),
            (json!({ "type": "string", "format": "email" }), Some(Shape::Email)),
            (json!({ "type": "integer" }), Some(Shape::Number)),
            (json!({ "type": "number", "enum": [1, 2.5] }), Some(Shape::Choice)),
            (json!({ "type": "boolean" }), Some(Shape::Choice)),
            (json!({ "type": "array", "items": { "type": "string" } }), Some(Shape::Area)),
            (json!({ "type": "array", "items": { "type": "number" } }), None),
            (json!({ "type": "object" }), None),
        ] {
            assert_eq!(shape(&rule(written.clone())), expected, "{written}");
        }
    }

    #[test]
    fn what_is_sent_becomes_a_value_of_the_type_or_stays_a_text() {
        for (kind, text, expected) in [
            (json!({ "type": "integer" }), " 7 ", json!(7)),
            (json!({ "type": "number" }), "2.5", json!(2.5)),
            (json!({ "type": "number" }), "two", json!("two")),
            (json!({ "type": "boolean" }), "false", json!(false)),
            (json!({ "type": "boolean" }), "maybe", json!("maybe")),
            (json!({ "type": "number", "enum": [1, 2] }), "2", json!(2)),
            (json!({ "type": "string", "enum": ["a"] }), "b", json!("b")),
            (json!({ "type": "string", "format": "date-time" }), "2026-07-01T10:00", json!("2026-07-01T08:00:00Z")),
            (json!({ "type": "string", "format": "date-time" }), "soon", json!("soon")),
            (json!({ "type": "array", "items": { "type": "string" } }), "a\n\n b \n", json!(["a", "b"])),
            (json!({ "type": "string" }), " ", json!(null)),
        ] {
            assert_eq!(read(text, &rule(kind.clone()), &vienna()), expected, "{kind} {text}");
        }
    }

    #[test]
    fn a_time_is_shown_in_the_person_s_zone_and_its_seconds_stay_when_it_is_not_changed() {
        let kind = rule(json!({ "type": "string", "format": "date-time", "selfEditable": true, "visibility": "self" }));
        let kept = json!("2026-07-01T08:00:42.000000Z");
        let input = input("seen", &kind, Some(&kept), false, &vienna()).unwrap();
        assert_eq!((input.name.as_str(), input.value.as_str()), ("attribute.seen", "2026-07-01T10:00"));
        let inputs = [input];
        assert!(changes(&inputs, &vienna(), |_| Some("2026-07-01T10:00")).is_empty());
        assert!(changes(&inputs, &vienna(), |_| None).is_empty());
        let changed = changes(&inputs, &vienna(), |_| Some("2026-07-01T11:30"));
        assert_eq!(changed["seen"], json!("2026-07-01T09:30:00Z"));
    }

    #[test]
    fn a_pointer_leads_to_the_field() {
        assert_eq!(name_of("/attributes/tags/3").as_deref(), Some("attribute.tags"));
        assert_eq!(name_of("/bio"), None);
    }
}
