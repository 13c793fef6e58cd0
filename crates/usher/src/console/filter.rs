//! The filter that a few rows of a form build, in the filter language, and where a filter that does not fit goes wrong.

use serde::Serialize;

use super::parameters::Parameters;
use super::words;
use crate::attributes::{Kind, Schema};

/// Rows of the form.
const ROWS: usize = 3;

/// What can be asked of every user.
const OWN: [(&str, Takes); 17] = [
    ("userName", Takes::Text),
    ("displayName", Takes::Text),
    ("givenName", Takes::Text),
    ("familyName", Takes::Text),
    ("emails", Takes::Text),
    ("emailVerified", Takes::Boolean),
    ("status", Takes::Text),
    ("roles", Takes::Text),
    ("groups", Takes::Text),
    ("secondFactors", Takes::Boolean),
    ("locale", Takes::Text),
    ("timeZone", Takes::Text),
    ("createdAt", Takes::Time),
    ("lastSignInAt", Takes::Time),
    // A day is no moment, so it goes as it is.
    ("lastActiveOn", Takes::Text),
    ("lockedUntil", Takes::Time),
    ("deletedAt", Takes::Time),
];

const OPERATORS: [&str; 10] = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr"];

/// What an attribute is compared with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Text,
    Time,
    Number,
    Boolean,
}

/// What the form offers.
#[derive(Serialize)]
pub struct Offer {
    rows: Vec<usize>,
    attributes: Vec<(String, String)>,
    operators: Vec<(&'static str, String)>,
}

pub fn offer(schema: &Schema) -> Offer {
    let own = OWN.iter().map(|(name, _)| ((*name).to_owned(), words::of("users-filter-", name)));
    let asked = schema.properties().iter().filter(|property| property.searchable || property.unique);
    let attributes = asked.map(|property| (format!("attributes.{}", property.name), property.name.clone()));
    let operators = OPERATORS.iter().map(|name| (*name, words::of("users-operator-", name)));
    Offer { rows: (1..=ROWS).collect(), attributes: own.chain(attributes).collect(), operators: operators.collect() }
}

/// What the fields of the rows are called, and how they are joined.
pub fn fields() -> impl Iterator<Item = String> {
    let of_row = |row| ["attribute", "operator", "value"].map(|part| format!("{part}{row}"));
    (1..=ROWS).flat_map(of_row).chain(["join".to_owned()])
}

/// The filter of the rows that are filled in, after the one that was there; nothing if no row is.
pub fn build(parameters: &Parameters, schema: &Schema) -> Option<String> {
    let rows: Vec<String> = (1..=ROWS).filter_map(|row| condition(parameters, schema, row)).collect();
    if rows.is_empty() {
        return None;
    }
    let joined = rows.join(if parameters.get("join") == Some("or") { " or " } else { " and " });
    Some(match parameters.get("filter") {
        Some(filter) => format!("({filter}) and ({joined})"),
        None => joined,
    })
}

fn condition(parameters: &Parameters, schema: &Schema, row: usize) -> Option<String> {
    let member = |part: &str| parameters.get(&format!("{part}{row}")).map(ToOwned::to_owned);
    let attribute = member("attribute")?;
    let operator = member("operator").unwrap_or_else(|| "eq".to_owned());
    if operator == "pr" {
        return Some(format!("{attribute} pr"));
    }
    let value = member("value").unwrap_or_default();
    let written = match takes(&attribute, schema) {
        Takes::Number if value.parse::<f64>().is_ok() => value,
        Takes::Boolean if ["true", "yes"].contains(&value.to_lowercase().as_str()) => "true".to_owned(),
        Takes::Boolean if ["false", "no"].contains(&value.to_lowercase().as_str()) => "false".to_owned(),
        // A day is its first moment.
        Takes::Time if value.parse::<jiff::civil::Date>().is_ok() && value.len() == 10 => format!("\"{value}T00:00:00Z\""),
        _ => quoted(&value),
    };
    Some(format!("{attribute} {operator} {written}"))
}

fn takes(attribute: &str, schema: &Schema) -> Takes {
    if let Some(property) = attribute.strip_prefix("attributes.").and_then(|name| schema.property(name)) {
        return match property.kind {
            Kind::Number => Takes::Number,
            Kind::Boolean => Takes::Boolean,
            Kind::Time => Takes::Time,
            Kind::Text | Kind::Date | Kind::TextList | Kind::Other => Takes::Text,
        };
    }
    OWN.iter().find(|(name, _)| *name == attribute).map_or(Takes::Text, |(_, takes)| *takes)
}

/// A text of the filter language, which is one of JSON.
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The filter in two at the column that a fault names, in whatever language. Columns begin with 1.
pub fn split_at_fault(filter: &str, fault: &str) -> Option<(String, String)> {
    let column: usize = fault.split(|c: char| !c.is_ascii_digit()).find(|part| !part.is_empty())?.parse().ok()?;
    let mut letters = filter.chars();
    let before: String = letters.by_ref().take(column.checked_sub(1)?).collect();
    Some((before, letters.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_and_faults_split_at_their_column() {
        assert_eq!(quoted("a\"b\\c"), r#""a\"b\\c""#);
        assert_eq!(split_at_fault("naïve eq 1", "In it, column 7: no"), Some(("naïve ".to_owned(), "eq 1".to_owned())));
        assert_eq!(split_at_fault("ab", "column 9: no"), Some(("ab".to_owned(), String::new())));
        assert_eq!(split_at_fault("ab", "no"), None);
    }
}
