//! Attributes of the schema in filters.

use usher_oidc::filter::{AttributePath, Literal, Operator};

use super::values::after_prefix;
use super::{Compiler, fault, order_sign, require_equal, unsupported};
use crate::attributes::{self, Property};
use crate::error::FieldError;

impl Compiler<'_> {
    /// An attribute of the schema, by the very expression that its index is on.
    pub(super) fn attribute(
        &mut self,
        path: &AttributePath,
        property: &Property,
        operator: Operator,
        value: &Literal,
    ) -> Result<String, FieldError> {
        use attributes::Kind::{Boolean, Date, Number, Other, Text, TextList, Time};
        let expression = attributes::sql::expression(property);
        let compared = match (property.kind, value) {
            (Text, Literal::Text(text)) if operator == Operator::StartsWith => {
                let folded = text.to_lowercase();
                let from = self.into.bind(folded.clone());
                let until = after_prefix(&folded).map(|until| format!(" and {expression} < {}", self.into.bind(until)));
                format!("{expression} >= {from}{}", until.unwrap_or_default())
            }
            (Text, Literal::Text(text)) => {
                let sign = order_sign(operator).ok_or_else(|| unsupported(path, operator, "a text"))?;
                format!("{expression} {sign} lower({})", self.into.bind(text.clone()))
            }
            (Time | Date, Literal::Text(text)) => {
                let sign = order_sign(operator).ok_or_else(|| unsupported(path, operator, "a time"))?;
                let normal = attributes::normal_text(property.kind, text);
                let normal = normal.ok_or_else(|| fault(path, format!("`{path}` is compared with {}", takes(property.kind))))?;
                format!("{expression} {sign} {}", self.into.bind(normal))
            }
            (Number, Literal::Number(number)) => {
                let sign = order_sign(operator).ok_or_else(|| unsupported(path, operator, "a number"))?;
                format!("{expression} {sign} {}::text::numeric", self.into.bind(number.as_str().to_owned()))
            }
            (Boolean, Literal::Boolean(wanted)) => {
                require_equal(path, operator)?;
                format!("{expression} = {}", self.into.bind(serde_json::Value::from(*wanted)))
            }
            (TextList, Literal::Text(text)) => {
                require_equal(path, operator)?;
                format!("{expression} @> {}", self.into.bind(serde_json::json!([text])))
            }
            (Other, _) => return Err(fault(path, format!("`{path}` can't be compared; `pr` asks whether it is there"))),
            (kind, _) => return Err(fault(path, format!("`{path}` is compared with {}", takes(kind)))),
        };
        Ok(format!("({expression} is not null and {compared})"))
    }
}

/// What is empty is not there (RFC 7644, section 3.4.2.2).
pub(super) fn is_there(property: &Property) -> String {
    let expression = attributes::sql::expression(property);
    let is_filled = match property.kind {
        attributes::Kind::Text => format!(" and {expression} <> ''"),
        attributes::Kind::TextList => format!(" and not ({expression} <@ '[\"\"]')"),
        _ => String::new(),
    };
    format!("({expression} is not null{is_filled})")
}

/// What an attribute of the schema is compared with.
fn takes(kind: attributes::Kind) -> &'static str {
    match kind {
        attributes::Kind::Time => "a time in quotes, such as \"2026-01-02T03:04:05Z\"",
        attributes::Kind::Date => "a date in quotes, such as \"2026-01-02\"",
        attributes::Kind::Number => "a number",
        attributes::Kind::Boolean => "true or false",
        attributes::Kind::Text | attributes::Kind::TextList | attributes::Kind::Other => "a text in quotes",
    }
}
