//! Fields of a profile and of attributes in a form, of somebody who is there or of somebody to be, and what is wrong with them.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::words;
use crate::attributes::{Kind, Property, Schema};
use crate::error::{AppError, AppResult};
use crate::html::{Faults, Members};
use crate::languages::now;

/// What the names of attributes begin with, as members of the form.
pub const ATTRIBUTE: &str = "attributes.";

/// The fields that every user has.
pub const FIELDS: [&str; 11] = [
    "username",
    "display_name",
    "given_name",
    "family_name",
    "bio",
    "locale",
    "time_zone",
    "picture_url",
    "website_url",
    "github_url",
    "linkedin_url",
];

/// A field of an attribute.
#[derive(Serialize)]
pub struct AttributeField {
    name: String,
    label: String,
    hint: String,
    /// `text`, `date`, `number`, `choice` or `list`.
    kind: &'static str,
    options: Vec<String>,
    required: bool,
    value: String,
}

pub fn is_editable(property: &Property) -> bool {
    property.kind != Kind::Other
}

/// The attributes that have a field.
pub fn editable(schema: &Schema) -> impl Iterator<Item = &Property> {
    schema.properties().iter().filter(|property| is_editable(property))
}

/// An attribute as a form holds it: a list has an item in each line.
pub fn written(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(written).collect::<Vec<_>>().join("\n"),
        other => other.to_string(),
    }
}

/// What a form says as a value; what is none is left to the schema to refuse.
pub fn value_of(kind: Kind, said: &str) -> Value {
    if said.is_empty() {
        return Value::Null;
    }
    match kind {
        Kind::Number => serde_json::from_str(said).unwrap_or_else(|_| said.into()),
        Kind::Boolean => said.parse::<bool>().map_or_else(|_| said.into(), Value::from),
        Kind::TextList => json!(said.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>()),
        Kind::Text | Kind::Time | Kind::Date | Kind::Other => said.into(),
    }
}

/// What is wrong with the form: with the fields that every user has, and with attributes, whose names the schema says.
#[derive(Default)]
pub struct Wrong {
    pub own: Faults,
    pub attributes: BTreeMap<String, String>,
}

impl Wrong {
    /// What a refusal finds wrong with the fields of these names, and with attributes.
    pub fn of(error: AppError, names: &[&str]) -> AppResult<Self> {
        let AppError::Rejected(rejection) = error else { return Err(error) };
        if ["changed_meanwhile", "invalid_state"].contains(&rejection.code) {
            return Ok(Self { own: Faults::at("reason", now().problem(rejection.code, &rejection.detail)), ..Self::default() });
        }
        let attribute = |pointer: &str| Some(pointer.strip_prefix("/attributes")?.trim_start_matches('/').to_owned());
        let mut attributes = BTreeMap::new();
        for fault in &rejection.errors {
            let Some(name) = fault.pointer.as_deref().and_then(attribute) else { continue };
            let name = name.split('/').next().unwrap_or_default();
            let whole = fault.detail.starts_with(char::is_uppercase);
            let sentence = now()
                .fault(&fault.code, &fault.detail)
                .unwrap_or_else(|| if whole { fault.detail.clone() } else { format!("“{name}” {}.", fault.detail) });
            attributes.insert(format!("{ATTRIBUTE}{name}"), sentence);
        }
        match words::faults(AppError::Rejected(rejection), "edit", names) {
            Ok(own) => Ok(Self { own, attributes }),
            Err(_) if !attributes.is_empty() => {
                Ok(Self { own: Faults::at("attributes", now().word("edit-attributes")), attributes })
            }
            Err(error) => Err(error),
        }
    }
}

/// The fields of the attributes that have any, as a form says them, or else as they are.
pub fn attribute_fields(schema: &Schema, present: &Map<String, Value>, members: Option<&Members>) -> Vec<AttributeField> {
    editable(schema).map(|property| attribute_field(property, schema, present, members)).collect()
}

fn attribute_field(
    property: &Property,
    schema: &Schema,
    present: &Map<String, Value>,
    members: Option<&Members>,
) -> AttributeField {
    let rule = schema.document.properties.get(&property.name);
    let name = format!("{ATTRIBUTE}{}", property.name);
    let options: Vec<String> = match property.kind {
        Kind::Boolean => vec!["true".to_owned(), "false".to_owned()],
        Kind::Text | Kind::Number => rule.and_then(|rule| rule.options.as_ref()).into_iter().flatten().map(written).collect(),
        Kind::Time | Kind::Date | Kind::TextList | Kind::Other => Vec::new(),
    };
    let kind = match property.kind {
        _ if !options.is_empty() => "choice",
        Kind::TextList => "list",
        Kind::Date => "date",
        Kind::Number => "number",
        Kind::Text | Kind::Time | Kind::Boolean | Kind::Other => "text",
    };
    let value = members
        .map_or_else(|| present.get(&property.name).map(written).unwrap_or_default(), |members| members.text(&name).to_owned());
    AttributeField {
        label: rule.and_then(|rule| rule.title.clone()).unwrap_or_else(|| property.name.clone()),
        hint: rule.and_then(|rule| rule.description.clone()).unwrap_or_default(),
        required: schema.document.required.contains(&property.name),
        name,
        kind,
        options,
        value,
    }
}
