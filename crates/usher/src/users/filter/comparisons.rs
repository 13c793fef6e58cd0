//! What is asked of a part of every user.

use unicode_normalization::UnicodeNormalization;
use usher_oidc::filter::{AttributePath, Literal, Operator};

use super::kinds::Kind;
use super::values::{after_prefix, read_time};
use super::{Compiler, Subject, fault, order_sign, require_equal, schema, unsupported};
use crate::caller::UserStatus;
use crate::error::FieldError;
use crate::id::UserId;
use crate::users::escape_pattern;
use crate::users::list::has_role;

impl Compiler<'_> {
    pub(super) fn present(&mut self, path: &AttributePath) -> Result<String, FieldError> {
        let kind = match self.subject(path)? {
            Subject::Own(kind) => kind,
            Subject::Attribute(property) => return Ok(schema::is_there(property)),
        };
        Ok(match kind {
            Kind::Id | Kind::Status | Kind::LastActiveOn => "true".to_owned(),
            Kind::Name(column) | Kind::Code(column) | Kind::Time(column) => format!("(u.{column} is not null)"),
            Kind::EmailVerified => "exists (select from emails e where e.user_id = u.id and e.is_primary)".to_owned(),
            Kind::Emails { primary } => {
                let only = if primary { " and e.is_primary" } else { "" };
                format!("exists (select from emails e where e.user_id = u.id{only})")
            }
            Kind::Roles => {
                let now = self.into.bind(self.around.now);
                format!("exists (select from effective_roles(u.id, {now}))")
            }
            Kind::Groups => self.in_any_group(),
            Kind::SecondFactors(_) => {
                return Err(fault(path, format!("`{path}` is true or false of everybody: ask for that by `eq`")));
            }
        })
    }

    /// `operator` is not `ne`. The condition is true or false, never unknown.
    pub(super) fn compare(&mut self, path: &AttributePath, operator: Operator, value: &Literal) -> Result<String, FieldError> {
        let subject = self.subject(path)?;
        if *value == Literal::Null {
            // As for SCIM: nothing is equal to what is not there.
            return if operator == Operator::Equal {
                Ok(format!("not {}", self.present(path)?))
            } else {
                Err(unsupported(path, operator, "null"))
            };
        }
        let kind = match subject {
            Subject::Own(kind) => kind,
            Subject::Attribute(property) => return self.attribute(path, property, operator, value),
        };
        Ok(match (kind, value) {
            (Kind::Id, Literal::Text(text)) => self.id(path, operator, text)?,
            (Kind::Status, Literal::Text(text)) => status(path, operator, text)?,
            (Kind::Name(column), Literal::Text(text)) => self.name(path, column, operator, text)?,
            (Kind::Code(column), Literal::Text(text)) => {
                require_equal(path, operator)?;
                let text = self.into.bind(text.clone());
                format!("(u.{column} is not null and lower(u.{column}) = lower({text}))")
            }
            (Kind::Time(column), Literal::Text(text)) => self.time(path, column, operator, text)?,
            (Kind::LastActiveOn, Literal::Text(text)) => self.last_active_on(path, operator, text)?,
            (Kind::EmailVerified, Literal::Boolean(wanted)) => {
                require_equal(path, operator)?;
                let condition = if *wanted { "e.verified_at is not null" } else { "e.verified_at is null" };
                self.of_emails(&format!("e.is_primary and {condition}"))
            }
            (Kind::Emails { primary }, Literal::Text(text)) => {
                let only = if primary { " and e.is_primary" } else { "" };
                let condition = self.address(path, operator, text)?;
                self.of_emails(&format!("{condition}{only}"))
            }
            (Kind::Roles, Literal::Text(text)) => {
                require_equal(path, operator)?;
                has_role(&text.to_lowercase(), self.around, self.written, self.into)
            }
            (Kind::Groups, Literal::Text(text)) => {
                require_equal(path, operator)?;
                self.in_groups_called(text)
            }
            (Kind::SecondFactors(which), Literal::Boolean(wanted)) => {
                require_equal(path, operator)?;
                self.has_bound(which, *wanted)
            }
            (kind, _) => return Err(fault(path, format!("`{path}` is compared with {}", kind.takes()))),
        })
    }

    fn id(&mut self, path: &AttributePath, operator: Operator, text: &str) -> Result<String, FieldError> {
        require_equal(path, operator)?;
        match text.parse::<UserId>() {
            Ok(id) => Ok(format!("(u.id = {})", self.into.bind(id))),
            Err(_) => Err(fault(path, "an id is a UUID, such as \"0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d\"")),
        }
    }

    fn time(&mut self, path: &AttributePath, column: &str, operator: Operator, text: &str) -> Result<String, FieldError> {
        let sign = order_sign(operator).ok_or_else(|| unsupported(path, operator, "a time"))?;
        let time = read_time(path, text)?;
        // Deleted users have an index.
        let is_there = if column == "deleted_at" { "u.status = 'deleted'".to_owned() } else { format!("u.{column} is not null") };
        Ok(format!("({is_there} and u.{column} {sign} {})", self.into.bind(time)))
    }

    /// A part of a name is also a part of what the index over all names holds, which leads there. PostgreSQL folds both sides.
    fn name(&mut self, path: &AttributePath, column: &str, operator: Operator, text: &str) -> Result<String, FieldError> {
        let text: String = text.nfc().collect();
        let normal = if column == "username" { "u.username_normal".to_owned() } else { format!("lower(u.{column})") };
        let escaped = escape_pattern(&text);
        let pattern = match operator {
            Operator::Equal if column == "username" => {
                return Ok(format!("({normal} = lower({}))", self.into.bind(text)));
            }
            Operator::StartsWith if column == "username" => return Ok(self.begins_with(&normal, &text.to_lowercase())),
            Operator::Equal => {
                let (whole, part) = (self.into.bind(text), self.into.bind(format!("%{escaped}%")));
                return Ok(format!(
                    "(u.{column} is not null and {normal} = lower({whole}) and u.search_text like lower({part}))"
                ));
            }
            Operator::StartsWith => format!("{escaped}%"),
            Operator::EndsWith => format!("%{escaped}"),
            Operator::Contains => format!("%{escaped}%"),
            _ => return Err(unsupported(path, operator, "a text")),
        };
        let (pattern, part) = (self.into.bind(pattern), self.into.bind(format!("%{escaped}%")));
        Ok(format!("(u.{column} is not null and {normal} like lower({pattern}) and u.search_text like lower({part}))"))
    }

    /// As a range, which an index finds in a generic plan, too; `like` with a parameter finds it only while the plan is made for it.
    pub(super) fn begins_with(&mut self, column: &str, prefix: &str) -> String {
        let from = self.into.bind(prefix.to_owned());
        match after_prefix(prefix) {
            Some(until) => format!("({column} ~>=~ {from} and {column} ~<~ {})", self.into.bind(until)),
            None => format!("({column} ~>=~ {from})"),
        }
    }
}

fn status(path: &AttributePath, operator: Operator, text: &str) -> Result<String, FieldError> {
    require_equal(path, operator)?;
    let Some(status) = UserStatus::parse(&text.to_ascii_lowercase()) else {
        return Err(fault(path, "a status is \"pending\", \"active\", \"suspended\" or \"deleted\""));
    };
    // Not bound: the partial index on it is chosen by the very word.
    Ok(format!("(u.status = '{}')", status.as_str()))
}
