//! A property as fields of a form, and the other way. What the form has no field for stays as it is.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Number, Value, json};

use crate::attributes::{Document, Format, Rule, Type, Visibility};
use crate::console::events;
use crate::error::AppResult;
use crate::html::Members;
use crate::http::body;

/// What a property may hold, as the form offers it.
pub const KINDS: [&str; 9] = ["text", "email", "uri", "date", "date-time", "integer", "number", "boolean", "list"];
pub const VISIBILITIES: [&str; 3] = ["admin", "self", "public"];

/// Every field of the form, in its order there.
pub const FIELDS: [&str; 20] = [
    "name",
    "title",
    "description",
    "kind",
    "options",
    "min_length",
    "max_length",
    "pattern",
    "minimum",
    "maximum",
    "min_items",
    "max_items",
    "unique_items",
    "required",
    "searchable",
    "unique",
    "pii",
    "visibility",
    "self_editable",
    "claim",
];

/// Texts and numbers of every property, with the keywords that they are.
const OF_PROPERTY: [(&str, &str); 3] = [("title", "title"), ("description", "description"), ("claim", "claim")];
const OF_VALUE: [(&str, &str); 4] =
    [("minimum", "minimum"), ("maximum", "maximum"), ("min_items", "minItems"), ("max_items", "maxItems")];
/// Those of a list say what its entries may be.
const OF_ENTRY: [(&str, &str); 4] =
    [("options", "enum"), ("min_length", "minLength"), ("max_length", "maxLength"), ("pattern", "pattern")];
const BOXES: [(&str, &str); 4] =
    [("searchable", "searchable"), ("unique", "unique"), ("self_editable", "selfEditable"), ("pii", "pii")];
const NUMBERS: [&str; 6] = ["min_length", "max_length", "minimum", "maximum", "min_items", "max_items"];
/// Of a box that is ticked.
const TICKED: &str = "on";

pub type Filled = BTreeMap<&'static str, String>;

/// What usher makes of a property, for templates.
#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is an annotation of its own")]
pub struct Shown<'a> {
    title: Option<&'a str>,
    description: Option<&'a str>,
    searchable: bool,
    unique: bool,
    self_editable: bool,
    visibility: Visibility,
    pii: bool,
    claim: Option<&'a str>,
}

impl<'a> Shown<'a> {
    pub fn of(rule: &'a Rule) -> Self {
        Self {
            title: rule.title.as_deref(),
            description: rule.description.as_deref(),
            searchable: rule.searchable,
            unique: rule.unique,
            self_editable: rule.self_editable,
            visibility: rule.visibility,
            pii: rule.pii,
            claim: rule.claim.as_deref(),
        }
    }
}

/// One of [`KINDS`], or `array` or `object`, for which the form has no fields.
pub fn kind_of(rule: &Rule) -> &'static str {
    match (rule.kind, rule.format) {
        (Type::String, None) => "text",
        (Type::String, Some(Format::Email)) => "email",
        (Type::String, Some(Format::Uri)) => "uri",
        (Type::String, Some(Format::Date)) => "date",
        (Type::String, Some(Format::DateTime)) => "date-time",
        (Type::Integer, _) => "integer",
        (Type::Number, _) => "number",
        (Type::Boolean, _) => "boolean",
        (Type::Array, _) if rule.items.as_ref().is_some_and(|items| items.kind == Type::String) => "list",
        (Type::Array, _) => "array",
        (Type::Object, _) => "object",
    }
}

/// The field that a place below a property is shown at.
pub fn field_at(place: &str) -> &'static str {
    let keyword = place.strip_prefix("items/").unwrap_or(place);
    let keyword = keyword.split('/').next().unwrap_or_default();
    let all = OF_PROPERTY.iter().chain(&OF_VALUE).chain(&OF_ENTRY).chain(&BOXES);
    let others = [("visibility", "visibility"), ("unique_items", "uniqueItems")];
    all.chain(&others).find(|(_, known)| *known == keyword).map_or("kind", |(field, _)| field)
}

/// What the form holds of a property that is there.
pub fn filled(rule: &Rule, required: bool) -> Filled {
    let value = serde_json::to_value(rule).unwrap_or_default();
    let kind = kind_of(rule);
    let entry = if kind == "list" { &value["items"] } else { &value };
    let of = |holder: &Value, fields: &[(&'static str, &str)]| -> Vec<(&'static str, String)> {
        fields.iter().map(|(field, keyword)| (*field, written(&holder[*keyword]))).collect()
    };
    let mut filled: Filled =
        of(&value, &OF_PROPERTY).into_iter().chain(of(&value, &OF_VALUE)).chain(of(entry, &OF_ENTRY)).collect();
    let box_of = |ticked: bool| if ticked { TICKED.to_owned() } else { String::new() };
    filled.extend(BOXES.iter().map(|(field, keyword)| (*field, box_of(value[*keyword] == true))));
    filled.insert("unique_items", box_of(rule.unique_items == Some(true)));
    filled.insert("required", box_of(required));
    filled.insert("kind", kind.to_owned());
    filled.insert("visibility", value["visibility"].as_str().unwrap_or(VISIBILITIES[0]).to_owned());
    filled
}

/// The form as it was sent.
pub fn sent(members: &Members) -> Filled {
    FIELDS.into_iter().map(|field| (field, members.text(field).to_owned())).collect()
}

/// A list has an entry in each line.
fn written(value: &Value) -> String {
    match value {
        Value::Array(items) => items.iter().map(events::text).collect::<Vec<_>>().join("\n"),
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The keywords beside the type and what is in no field of the form, such as `multipleOf`.
pub fn unshown(rule: &Rule) -> Vec<String> {
    let kind = kind_of(rule);
    if !KINDS.contains(&kind) {
        return Vec::new();
    }
    let beside = |value: &Value| -> Vec<String> {
        let known = |keyword: &&String| {
            let named = ["type", "format", "items", "uniqueItems", "visibility"].contains(&keyword.as_str());
            named || field_at(keyword) != "kind"
        };
        value.as_object().into_iter().flat_map(Map::keys).filter(|keyword| !known(keyword)).cloned().collect()
    };
    beside(&serde_json::to_value(rule).unwrap_or_default())
}

/// The schema with the property as the form says. What is no number is left to the schema of schemas to refuse.
pub fn changed(document: &Document, name: &str, form: &Members) -> AppResult<Document> {
    let mut value = document.to_value();
    let is_there = document.properties.get(name).map(|rule| serde_json::to_value(rule).unwrap_or_default());
    let mut rule = is_there.unwrap_or_else(|| json!({}));
    let kind = form.text("kind");
    if KINDS.contains(&kind) {
        set_values(&mut rule, kind, form);
    }
    for (field, keyword) in OF_PROPERTY {
        put(&mut rule, keyword, said(form, field, kind));
    }
    for (field, keyword) in BOXES {
        put(&mut rule, keyword, form.has(field).then_some(Value::Bool(true)));
    }
    put(&mut rule, "visibility", said(form, "visibility", kind));
    value["properties"][name] = rule;
    let required = document.required.iter().filter(|required| *required != name).cloned();
    value["required"] = required.chain(form.has("required").then(|| name.to_owned())).collect();
    body::from_value(value)
}

fn set_values(rule: &mut Value, kind: &str, form: &Members) {
    let (of_json, format) = match kind {
        "text" => ("string", None),
        "email" | "uri" | "date" | "date-time" => ("string", Some(Value::from(kind))),
        "list" => ("array", None),
        other => (other, None),
    };
    put(rule, "type", Some(of_json.into()));
    put(rule, "format", format);
    for (field, keyword) in OF_VALUE {
        put(rule, keyword, said(form, field, kind));
    }
    put(rule, "uniqueItems", form.has("unique_items").then_some(Value::Bool(true)));
    for (_, keyword) in OF_ENTRY {
        put(rule, keyword, None);
    }
    let entry = if kind == "list" {
        if rule["items"]["type"] != "string" {
            rule["items"] = json!({ "type": "string" });
        }
        &mut rule["items"]
    } else {
        put(rule, "items", None);
        rule
    };
    for (field, keyword) in OF_ENTRY {
        put(entry, keyword, said(form, field, kind));
    }
}

fn put(rule: &mut Value, keyword: &str, value: Option<Value>) {
    let Some(members) = rule.as_object_mut() else { return };
    match value {
        Some(value) => members.insert(keyword.to_owned(), value),
        None => members.shift_remove(keyword),
    };
}

/// What a field says; nothing when it is empty.
fn said(form: &Members, field: &str, kind: &str) -> Option<Value> {
    let text = form.text(field).replace("\r\n", "\n");
    if text.trim().is_empty() {
        return None;
    }
    let number = |text: &str| serde_json::from_str::<Number>(text).map_or_else(|_| text.into(), Value::Number);
    Some(match field {
        "options" => {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            let is_number = ["integer", "number"].contains(&kind);
            lines.map(|line| if is_number { number(line) } else { line.into() }).collect()
        }
        // Spaces count in it.
        "pattern" => text.into(),
        field if NUMBERS.contains(&field) => number(text.trim()),
        _ => text.trim().into(),
    })
}
