//! What a property may hold, in plain words.

use fluent_bundle::FluentArgs;
use serde_json::Value;

use crate::attributes::Rule;
use crate::console::events;
use crate::languages::now;

/// So many choices are named.
const NAMED_MAX: usize = 6;

/// What its values are bound by beside the type.
pub fn limits(rule: &Rule) -> Vec<String> {
    let mut said = Vec::new();
    let written = |number: &Option<serde_json::Number>| number.as_ref().map(ToString::to_string);
    let counted = |number: Option<u32>| number.map(|number| number.to_string());
    if let Some(options) = &rule.options {
        said.push(choices(options));
    }
    said.extend(range("length", counted(rule.min_length), counted(rule.max_length)));
    said.extend(range("value", written(&rule.minimum), written(&rule.maximum)));
    said.extend(range("entries", counted(rule.min_items), counted(rule.max_items)));
    said.extend(range("members", counted(rule.min_properties), counted(rule.max_properties)));
    for (key, value) in [
        ("above", written(&rule.exclusive_minimum)),
        ("below", written(&rule.exclusive_maximum)),
        ("multiple", written(&rule.multiple_of)),
        ("pattern", rule.pattern.clone()),
    ] {
        said.extend(value.map(|value| filled(&format!("schema-limit-{key}"), &[("value", value)])));
    }
    if rule.unique_items == Some(true) {
        said.push(now().word("schema-limit-differ"));
    }
    if let Some(items) = &rule.items {
        said.extend(limits(items).into_iter().map(|limit| filled("schema-limit-each", &[("limit", limit)])));
    }
    if !rule.properties.is_empty() {
        let names: Vec<&str> = rule.properties.keys().map(String::as_str).collect();
        said.push(filled("schema-limit-with", &[("names", names.join(", "))]));
    }
    said
}

fn choices(options: &[Value]) -> String {
    let named: Vec<String> = options.iter().take(NAMED_MAX).map(events::text).collect();
    let more = options.len().saturating_sub(NAMED_MAX);
    let mut values = FluentArgs::new();
    values.set("choices", named.join(", "));
    values.set("more", more);
    now().say("schema-limit-choices", &values)
}

/// From where to where something may be, if it is bound at all.
fn range(what: &str, least: Option<String>, most: Option<String>) -> Option<String> {
    let shape = match (&least, &most) {
        (None, None) => return None,
        (Some(_), None) => "least",
        (None, Some(_)) => "most",
        (Some(least), Some(most)) if least == most => "same",
        (Some(_), Some(_)) => "both",
    };
    let what = now().word(&format!("schema-limit-{what}"));
    let (least, most) = (least.unwrap_or_default(), most.unwrap_or_default());
    Some(filled("schema-limit-range", &[("shape", shape.to_owned()), ("what", what), ("least", least), ("most", most)]))
}

fn filled(key: &str, values: &[(&'static str, String)]) -> String {
    now().say(key, &values.iter().map(|(name, value)| (*name, value.as_str())).collect::<FluentArgs<'_>>())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn limits_are_said_in_words() {
        let said = |rule: Value| limits(&serde_json::from_value(rule).unwrap()).join("; ");
        for (rule, words) in [
            (json!({ "type": "boolean" }), ""),
            (json!({ "type": "string", "minLength": 1, "maxLength": 40 }), "Length 1 to 40"),
            (json!({ "type": "string", "minLength": 6, "maxLength": 6, "pattern": "^[0-9]+$" }), "Length 6; Matches ^[0-9]+$"),
            (json!({ "type": "integer", "minimum": -1 }), "Value at least -1"),
            (json!({ "type": "number", "exclusiveMaximum": 0.5, "multipleOf": 0.1 }), "Less than 0.5; A multiple of 0.1"),
            (json!({ "type": "string", "enum": ["a", "b"] }), "One of: a, b"),
            (json!({ "type": "integer", "enum": [1, 2, 3, 4, 5, 6, 7, 8] }), "One of: 1, 2, 3, 4, 5, 6 and 2 more"),
            (
                json!({ "type": "array", "maxItems": 3, "uniqueItems": true, "items": { "type": "string", "maxLength": 9 } }),
                "Entries at most 3; No entry twice; Each: Length at most 9",
            ),
            (json!({ "type": "object", "properties": { "city": { "type": "string" } } }), "With city"),
        ] {
            assert_eq!(said(rule), words);
        }
    }
}
