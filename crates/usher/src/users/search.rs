//! The search `q`: text that name, user name or address contain, whatever its case. Each part has an index of its own, so each is a
//! look-up of its own.

use unicode_normalization::UnicodeNormalization;

use super::filter::Written;
use super::list::ONE_BY_ONE;
use crate::db::Conditions;
use crate::error::{FieldError, Rejection};

/// Text as a pattern of `like` that fits this very text and no other.
pub(crate) fn escape_pattern(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// What is searched in, as patterns that are bound.
pub struct Patterns {
    name: String,
    address: String,
}

impl Patterns {
    pub fn bind(text: &str, into: &mut Conditions) -> Result<Self, Rejection> {
        if text.is_empty() || text.chars().count() > 100 {
            let error = FieldError::at_parameter("q", "length", "must have 1 to 100 characters");
            return Err(Rejection::invalid_query(vec![error]));
        }
        let text: String = text.nfc().collect();
        let escaped = escape_pattern(&text);
        let name = into.bind(format!("%{escaped}%"));
        // Each column is folded by whoever has folded it before: names by PostgreSQL, addresses by our own normal form.
        let address = into.bind(format!("%{}%", escaped.to_lowercase()));
        Ok(Self { name, address })
    }

    /// Whether the names of `table`, which are `users`, have it.
    pub fn in_names(&self, table: &str) -> String {
        format!("{table}.search_text like lower({})", self.name)
    }

    /// Whether the address of `e` has it.
    pub fn in_address(&self) -> String {
        format!("e.address_normal like {}", self.address)
    }
}

/// The condition on `users u`.
pub fn search(text: &str, written: Written, into: &mut Conditions) -> Result<(), Rejection> {
    let patterns = Patterns::bind(text, into)?;
    let in_address = patterns.in_address();
    into.require(match written {
        Written::ForFew => format!(
            "u.id in (
                select s.id from users s where {}
                union
                select e.user_id from emails e where {in_address}
            )",
            patterns.in_names("s")
        ),
        Written::ForMany => format!(
            "({} or exists (select from emails e where e.user_id = u.id and {in_address} {ONE_BY_ONE}))",
            patterns.in_names("u")
        ),
    });
    Ok(())
}
