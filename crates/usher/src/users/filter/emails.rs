//! Addresses in filters.

use unicode_normalization::UnicodeNormalization;
use usher_oidc::filter::{AttributePath, Filter, Literal, Operator};

use super::{Compiler, fault, unsupported};
use crate::emails::EmailAddress;
use crate::error::FieldError;
use crate::users::escape_pattern;

impl Compiler<'_> {
    /// A condition on the addresses.
    pub(super) fn of_emails(&self, condition: &str) -> String {
        format!("exists (select from emails e where e.user_id = u.id and {condition} {})", self.written.end())
    }

    /// A condition on the normal form of an address `e`.
    pub(super) fn address(&mut self, path: &AttributePath, operator: Operator, text: &str) -> Result<String, FieldError> {
        let folded = text.nfc().collect::<String>().to_lowercase();
        let escaped = escape_pattern(&folded);
        let pattern = match operator {
            Operator::Equal => {
                let normal = EmailAddress::parse(text).map_or(folded, |address| address.normal().to_owned());
                return Ok(format!("e.address_normal = {}", self.into.bind(normal)));
            }
            Operator::StartsWith => return Ok(self.begins_with("e.address_normal", &folded)),
            Operator::EndsWith => format!("%{escaped}"),
            Operator::Contains => format!("%{escaped}%"),
            _ => return Err(unsupported(path, operator, "an address")),
        };
        Ok(format!("e.address_normal like {}", self.into.bind(pattern)))
    }

    /// What stands in `emails[...]`.
    pub(super) fn of_address(&mut self, filter: &Filter) -> Result<String, FieldError> {
        Ok(match filter {
            Filter::And(all) | Filter::Or(all) => {
                let pieces = all.iter().map(|filter| self.of_address(filter)).collect::<Result<Vec<_>, _>>()?;
                format!("({})", pieces.join(if matches!(filter, Filter::And(_)) { " and " } else { " or " }))
            }
            Filter::Not(inner) => format!("not {}", self.of_address(inner)?),
            Filter::Has { path, .. } => return Err(fault(path, "brackets can't stand within brackets")),
            Filter::Present { path } if path.is("value") => "true".to_owned(),
            Filter::Present { path } => format!("({})", address_flag(path, true)?),
            Filter::Compare { path, operator, value: Literal::Text(text) } if path.is("value") => match operator {
                Operator::NotEqual => format!("not ({})", self.address(path, Operator::Equal, text)?),
                operator => format!("({})", self.address(path, *operator, text)?),
            },
            Filter::Compare {
                path,
                operator: operator @ (Operator::Equal | Operator::NotEqual),
                value: Literal::Boolean(wanted),
            } => {
                format!("({})", address_flag(path, *wanted == (*operator == Operator::Equal))?)
            }
            Filter::Compare { path, operator, .. } => return Err(unsupported(path, *operator, "such a value")),
        })
    }
}

/// What is not verified has an index, which leads to these very words only.
fn address_flag(path: &AttributePath, wanted: bool) -> Result<&'static str, FieldError> {
    if path.is("primary") {
        Ok(if wanted { "e.is_primary" } else { "not e.is_primary" })
    } else if path.is("verified") {
        Ok(if wanted { "e.verified_at is not null" } else { "e.verified_at is null" })
    } else {
        Err(fault(path, format!("`{path}` is nothing of an address; there are value, primary and verified")))
    }
}
