//! The filter language over users: which attributes there are, what can be asked of each, and the SQL that asks it. The grammar is
//! that of RFC 7644 and stands in `usher_oidc::filter`; names may be written as there (`userName`) or as in the API (`username`).
//!
//! A comparison with what a user does not have is false, so that `not` means the opposite. Texts are compared whatever their case.

mod activity;
mod comparisons;
mod emails;
mod groups;
mod kinds;
mod schema;
mod second_factors;
mod store;
mod values;

use usher_oidc::filter::{AttributePath, Filter, FilterError, Operator};

pub use groups::{GroupWay, look_at_groups};

use self::kinds::{Kind, kind};
use super::list::ONE_BY_ONE;
use super::surroundings::Surroundings;
use crate::attributes::Property;
use crate::db::Conditions;
use crate::error::{FieldError, Rejection};

/// What is compared: a part of every user, or an attribute that the schema names.
enum Subject<'a> {
    Own(Kind),
    Attribute(&'a Property),
}

/// How many users a condition is written for: the same rows come of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Written {
    /// Few: each index leads to them.
    ForFew,
    /// So many that they are met on a walk through all users, where each is looked at for itself.
    ForMany,
}

impl Written {
    /// What stands at the end of what is asked of each user.
    pub fn end(self) -> &'static str {
        if self == Self::ForMany { ONE_BY_ONE } else { "" }
    }
}

/// Reads a filter and turns it into a condition on `users u`, which is true or false. What does not fit is told with its column.
pub fn compile(text: &str, around: &Surroundings, written: Written, into: &mut Conditions) -> Result<String, Rejection> {
    let filter = parse(text)?;
    Compiler { into, around, written, is_negated: false }.sql(&filter).map_err(refuse)
}

/// The same for whom it does not fit.
pub fn compile_opposite(text: &str, around: &Surroundings, written: Written, into: &mut Conditions) -> Result<String, Rejection> {
    let filter = parse(text)?;
    Compiler { into, around, written, is_negated: false }.opposite(&filter).map_err(refuse)
}

/// The canonical form of a filter that can be asked of users now.
pub fn canonical(text: &str, around: &Surroundings) -> Result<String, Rejection> {
    compile(text, around, Written::ForFew, &mut Conditions::default())?;
    Ok(parse(text)?.to_string())
}

/// Whether the filter says in which status the users are: then it finds the deleted ones, too.
pub fn mentions_deleted(text: &str) -> bool {
    usher_oidc::filter::parse(text).is_ok_and(|filter| mentions(&filter))
}

fn mentions(filter: &Filter) -> bool {
    match filter {
        Filter::And(all) | Filter::Or(all) => all.iter().any(mentions),
        Filter::Not(inner) => mentions(inner),
        Filter::Compare { path, .. } | Filter::Present { path } => {
            matches!(kind(path), Ok(Kind::Status | Kind::Time("deleted_at")))
        }
        Filter::Has { .. } => false,
    }
}

fn parse(text: &str) -> Result<Filter, Rejection> {
    let fault = |error: FilterError| FieldError::at_parameter("filter", "invalid_filter", error.to_string());
    usher_oidc::filter::parse(text).map_err(|error| refuse(fault(error)))
}

fn refuse(fault: FieldError) -> Rejection {
    Rejection::invalid_query(vec![fault])
}

fn fault(path: &AttributePath, detail: impl std::fmt::Display) -> FieldError {
    FieldError::at_parameter("filter", "invalid_filter", format!("column {}: {detail}", path.column()))
}

struct Compiler<'a> {
    into: &'a mut Conditions,
    around: &'a Surroundings,
    written: Written,
    /// Whether it is the opposite that is asked for: no index leads to that.
    is_negated: bool,
}

impl<'a> Compiler<'a> {
    fn subject(&self, path: &AttributePath) -> Result<Subject<'a>, FieldError> {
        let is_ours = path.schema().is_none() && path.attribute().eq_ignore_ascii_case("attributes");
        let Some(name) = path.sub_attribute().filter(|_| is_ours) else { return kind(path).map(Subject::Own) };
        let property = self.around.schema.as_deref().and_then(|schema| schema.property(name));
        let property = property.ok_or_else(|| fault(path, format!("the attribute schema has no `{name}`")))?;
        if property.searchable || property.unique {
            return Ok(Subject::Attribute(property));
        }
        Err(fault(path, format!("`{name}` is not searchable: the attribute schema can make it so")))
    }

    fn sql(&mut self, filter: &Filter) -> Result<String, FieldError> {
        Ok(match filter {
            Filter::And(all) => {
                let pieces = all.iter().map(|filter| self.sql(filter)).collect::<Result<Vec<_>, _>>()?;
                format!("({})", pieces.join(" and "))
            }
            Filter::Or(all) => self.either(all)?,
            Filter::Not(inner) => self.opposite(inner)?,
            Filter::Present { path } => self.present(path)?,
            Filter::Compare { path, operator: Operator::NotEqual, value } => {
                format!("not {}", self.compare(path, Operator::Equal, value)?)
            }
            Filter::Compare { path, operator, value } => self.compare(path, *operator, value)?,
            Filter::Has { path, filter } => match self.subject(path)? {
                Subject::Own(Kind::Emails { primary: false }) => {
                    let inner = self.of_address(filter)?;
                    format!("exists (select from emails e where e.user_id = u.id and {inner})")
                }
                Subject::Own(Kind::Groups) => self.of_groups(filter)?,
                _ => return Err(fault(path, format!("`{path}` has no elements: only `emails[...]` and `groups[...]` have"))),
            },
        })
    }

    /// What is not so.
    fn opposite(&mut self, filter: &Filter) -> Result<String, FieldError> {
        self.is_negated = !self.is_negated;
        let sql = self.sql(filter)?;
        self.is_negated = !self.is_negated;
        Ok(format!("not {sql}"))
    }

    /// Conditions on several tables have no index in common: each is a look-up of its own, on a `u` of its own. Not so for the opposite:
    /// to see that somebody is not among those who were found, PostgreSQL may pass all of them, for each user.
    fn either(&mut self, all: &[Filter]) -> Result<String, FieldError> {
        let pieces = all.iter().map(|filter| self.sql(filter)).collect::<Result<Vec<_>, _>>()?;
        if self.written == Written::ForFew && !self.is_negated && pieces.iter().any(|piece| piece.contains("(select")) {
            let found: Vec<String> = pieces.iter().map(|piece| format!("select u.id from users u where {piece}")).collect();
            return Ok(format!("u.id in ({})", found.join(" union ")));
        }
        Ok(format!("({})", pieces.join(" or ")))
    }
}

fn require_equal(path: &AttributePath, operator: Operator) -> Result<(), FieldError> {
    if operator == Operator::Equal { Ok(()) } else { Err(unsupported(path, operator, "it")) }
}

fn unsupported(path: &AttributePath, operator: Operator, with: &str) -> FieldError {
    fault(path, format!("`{path}` can't be compared with {with} by `{}`", operator.as_str()))
}

fn order_sign(operator: Operator) -> Option<&'static str> {
    Some(match operator {
        Operator::Equal => "=",
        Operator::Greater => ">",
        Operator::GreaterOrEqual => ">=",
        Operator::Less => "<",
        Operator::LessOrEqual => "<=",
        _ => return None,
    })
}
