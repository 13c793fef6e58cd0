//! The day of the last activity in filters: the one that rules on inactivity and analytics go by. Everybody has one, since signing up counts.

use usher_oidc::filter::{AttributePath, Operator};

use super::values::read_day;
use super::{Compiler, unsupported};
use crate::activity::{was_active_since, was_not_active_since};
use crate::error::FieldError;

impl Compiler<'_> {
    pub(super) fn last_active_on(&mut self, path: &AttributePath, operator: Operator, text: &str) -> Result<String, FieldError> {
        if operator.is_for_parts() {
            return Err(unsupported(path, operator, "a day"));
        }
        let day = format!("{}::date", self.into.bind(read_day(path, text)?));
        let (next, end) = (format!("({day} + 1)"), self.written.end());
        Ok(match operator {
            Operator::GreaterOrEqual => was_active_since(&day, end),
            Operator::Greater => was_active_since(&next, end),
            Operator::Less => was_not_active_since(&day, end),
            Operator::LessOrEqual => was_not_active_since(&next, end),
            _ => format!("({} and {})", was_active_since(&day, end), was_not_active_since(&next, end)),
        })
    }
}
