//! What a rule says, and what it must say.

use serde::Deserialize;

use super::{Rule, RuleAction};
use crate::caller::Authority;
use crate::db::Tx;
use crate::error::{AppResult, FieldError, Rejection};
use crate::users::{self, Filter, Surroundings};

/// What a rule says.
#[derive(Clone, Debug, Deserialize)]
pub struct Terms {
    pub name: String,
    pub action: RuleAction,
    pub after_days: i32,
    pub filter: Option<String>,
    pub exempt: Option<String>,
    pub warned_days: Option<i32>,
    pub enabled: bool,
}

impl Terms {
    pub fn of(rule: &Rule) -> Self {
        let Rule { name, action, after_days, filter, exempt, warned_days, enabled, .. } = rule.clone();
        Self { name, action, after_days, filter, exempt, warned_days, enabled }
    }

    /// The same with its filters in canonical form, if whoever writes it may do what it does and all of it fits.
    pub(super) async fn settle(mut self, tx: &mut Tx, by: Authority) -> AppResult<Self> {
        self.action.require(by)?;
        let mut faults = self.faults();
        for (name, text) in [("filter", &mut self.filter), ("exempt", &mut self.exempt)] {
            let Some(written) = text.as_mut() else { continue };
            let filter = Filter { filter: Some(written.clone()), ..Filter::default() };
            let around = Surroundings::look(tx, by, &filter).await?;
            match users::canonical_filter(written, &around) {
                Ok(canonical) => *written = canonical,
                Err(fault) => faults.extend(fault.of_member(name).errors),
            }
        }
        if faults.is_empty() { Ok(self) } else { Err(Rejection::invalid_body(faults).into()) }
    }

    fn faults(&self) -> Vec<FieldError> {
        match (self.action, self.warned_days) {
            (RuleAction::Delete, None) => {
                let detail = "is needed by `delete`: nobody is deleted who was not warned";
                vec![FieldError::at_pointer("/warned_days", "required", detail)]
            }
            (RuleAction::Warn, Some(_)) => {
                vec![FieldError::at_pointer("/warned_days", "unexpected", "is nothing that `warn` takes")]
            }
            _ => Vec::new(),
        }
    }
}
