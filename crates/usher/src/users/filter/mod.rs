//! The filter language over users: which attributes there are, what can be asked of each, and the SQL that asks it. The grammar is
//! that of RFC 7644 and stands in `usher_oidc::filter`; names may be written as there (`userName`) or as in the API (`username`).
//!
//! A comparison with what a user does not have is false, so that `not` means the opposite. Texts are compared whatever their case.

mod schema;
mod values;

use unicode_normalization::UnicodeNormalization;
use usher_oidc::filter::{AttributePath, Filter, FilterError, Literal, Operator};

use self::values::{after_prefix, read_time};
use super::list::{ONE_BY_ONE, has_role};
use super::surroundings::Surroundings;
use crate::attributes::Property;
use crate::caller::UserStatus;
use crate::db::Conditions;
use crate::emails::EmailAddress;
use crate::error::{FieldError, Rejection};
use crate::id::UserId;

/// The schema that SCIM gives users; attributes may be written with it.
const SCIM_USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

/// What can be asked of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Id,
    Status,
    /// A column of names; it is part of what the index over all names holds.
    Name(&'static str),
    /// A column of texts without index.
    Code(&'static str),
    Time(&'static str),
    /// Whether the primary address is verified.
    EmailVerified,
    /// Addresses; only the primary one if so.
    Emails {
        primary: bool,
    },
    Roles,
}

/// What is compared: a part of every user, or an attribute that the schema names.
enum Subject<'a> {
    Own(Kind),
    Attribute(&'a Property),
}

/// Every attribute, by its name in lower case and without underscores.
const ATTRIBUTES: [(&str, Kind); 21] = [
    ("id", Kind::Id),
    ("username", Kind::Name("username")),
    ("status", Kind::Status),
    ("displayname", Kind::Name("display_name")),
    ("givenname", Kind::Name("given_name")),
    ("name.givenname", Kind::Name("given_name")),
    ("familyname", Kind::Name("family_name")),
    ("name.familyname", Kind::Name("family_name")),
    ("locale", Kind::Code("locale")),
    ("timezone", Kind::Code("time_zone")),
    ("email", Kind::Emails { primary: true }),
    ("emails", Kind::Emails { primary: false }),
    ("emails.value", Kind::Emails { primary: false }),
    ("emailverified", Kind::EmailVerified),
    ("roles", Kind::Roles),
    ("createdat", Kind::Time("created_at")),
    ("updatedat", Kind::Time("updated_at")),
    ("lastsigninat", Kind::Time("last_sign_in_at")),
    ("lockeduntil", Kind::Time("locked_until")),
    ("professionalat", Kind::Time("professional_at")),
    ("deletedat", Kind::Time("deleted_at")),
];

/// How many users a condition is written for: the same rows come of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Written {
    /// Few: each index leads to them.
    ForFew,
    /// So many that they are met on a walk through all users, where each is looked at for itself.
    ForMany,
}

/// Reads a filter and turns it into a condition on `users u`, which is true or false. What does not fit is told with its column.
pub fn compile(text: &str, around: &Surroundings, written: Written, into: &mut Conditions) -> Result<String, Rejection> {
    let filter = usher_oidc::filter::parse(text).map_err(|error| refuse(&error))?;
    Compiler { into, around, written }.sql(&filter).map_err(|fault| Rejection::invalid_query(vec![fault]))
}

/// The canonical form of a filter that can be asked of users now.
pub fn canonical(text: &str, around: &Surroundings) -> Result<String, Rejection> {
    compile(text, around, Written::ForFew, &mut Conditions::default())?;
    Ok(usher_oidc::filter::parse(text).map_err(|error| refuse(&error))?.to_string())
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

fn refuse(error: &FilterError) -> Rejection {
    Rejection::invalid_query(vec![FieldError::at_parameter("filter", "invalid_filter", error.to_string())])
}

fn fault(path: &AttributePath, detail: impl std::fmt::Display) -> FieldError {
    FieldError::at_parameter("filter", "invalid_filter", format!("column {}: {detail}", path.column()))
}

fn kind(path: &AttributePath) -> Result<Kind, FieldError> {
    let is_ours = path.schema().is_none_or(|schema| schema.eq_ignore_ascii_case(SCIM_USER));
    let written = path.as_str().rsplit(':').next().unwrap_or_default();
    let name = written.replace('_', "").to_ascii_lowercase();
    let found = ATTRIBUTES.iter().find(|(known, _)| is_ours && *known == name).map(|(_, kind)| *kind);
    found.ok_or_else(|| {
        let names = "id, userName, status, displayName, givenName, familyName, locale, timeZone, email, emails, emailVerified, roles, attributes.NAME, createdAt, updatedAt, lastSignInAt, lockedUntil, professionalAt and deletedAt";
        fault(path, format!("`{path}` is no attribute of users; there are {names}"))
    })
}

struct Compiler<'a> {
    into: &'a mut Conditions,
    around: &'a Surroundings,
    written: Written,
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
            Filter::Not(inner) => format!("not {}", self.sql(inner)?),
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
                _ => return Err(fault(path, format!("`{path}` has no elements: only `emails[...]` has"))),
            },
        })
    }

    /// Conditions on several tables have no index in common: each is a look-up of its own, on a `u` of its own.
    fn either(&mut self, all: &[Filter]) -> Result<String, FieldError> {
        let pieces = all.iter().map(|filter| self.sql(filter)).collect::<Result<Vec<_>, _>>()?;
        if self.written == Written::ForFew && pieces.iter().any(|piece| piece.contains("(select")) {
            let found: Vec<String> = pieces.iter().map(|piece| format!("select u.id from users u where {piece}")).collect();
            return Ok(format!("u.id in ({})", found.join(" union ")));
        }
        Ok(format!("({})", pieces.join(" or ")))
    }

    fn present(&mut self, path: &AttributePath) -> Result<String, FieldError> {
        let kind = match self.subject(path)? {
            Subject::Own(kind) => kind,
            Subject::Attribute(property) => return Ok(schema::is_there(property)),
        };
        Ok(match kind {
            Kind::Id | Kind::Status => "true".to_owned(),
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
        })
    }

    /// `operator` is not `ne`. The condition is true or false, never unknown.
    fn compare(&mut self, path: &AttributePath, operator: Operator, value: &Literal) -> Result<String, FieldError> {
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
            (Kind::Id, Literal::Text(text)) => {
                require_equal(path, operator)?;
                match text.parse::<UserId>() {
                    Ok(id) => format!("(u.id = {})", self.into.bind(id)),
                    Err(_) => return Err(fault(path, "an id is a UUID, such as \"0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d\"")),
                }
            }
            (Kind::Status, Literal::Text(text)) => {
                require_equal(path, operator)?;
                let Some(status) = UserStatus::parse(&text.to_ascii_lowercase()) else {
                    return Err(fault(path, "a status is \"pending\", \"active\", \"suspended\" or \"deleted\""));
                };
                // Not bound: the partial index on it is chosen by the very word.
                format!("(u.status = '{}')", status.as_str())
            }
            (Kind::Name(column), Literal::Text(text)) => self.name(path, column, operator, text)?,
            (Kind::Code(column), Literal::Text(text)) => {
                require_equal(path, operator)?;
                let text = self.into.bind(text.clone());
                format!("(u.{column} is not null and lower(u.{column}) = lower({text}))")
            }
            (Kind::Time(column), Literal::Text(text)) => {
                let sign = order_sign(operator).ok_or_else(|| unsupported(path, operator, "a time"))?;
                let time = read_time(path, text)?;
                // Deleted users have an index.
                let is_there =
                    if column == "deleted_at" { "u.status = 'deleted'".to_owned() } else { format!("u.{column} is not null") };
                format!("({is_there} and u.{column} {sign} {})", self.into.bind(time))
            }
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
            (kind, _) => return Err(fault(path, format!("`{path}` is compared with {}", kind.takes()))),
        })
    }

    /// A condition on the addresses.
    fn of_emails(&self, condition: &str) -> String {
        match self.written {
            // A look-up of its own, since it has an index of its own.
            Written::ForFew => format!("u.id in (select e.user_id from emails e where {condition})"),
            Written::ForMany => format!("exists (select from emails e where e.user_id = u.id and {condition} {ONE_BY_ONE})"),
        }
    }

    /// A part of a name is also a part of what the index over all names holds, which leads there. PostgreSQL folds both sides.
    fn name(&mut self, path: &AttributePath, column: &str, operator: Operator, text: &str) -> Result<String, FieldError> {
        let text: String = text.nfc().collect();
        let normal = if column == "username" { "u.username_normal".to_owned() } else { format!("lower(u.{column})") };
        let escaped = super::escape_pattern(&text);
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
    fn begins_with(&mut self, column: &str, prefix: &str) -> String {
        let from = self.into.bind(prefix.to_owned());
        match after_prefix(prefix) {
            Some(until) => format!("({column} ~>=~ {from} and {column} ~<~ {})", self.into.bind(until)),
            None => format!("({column} ~>=~ {from})"),
        }
    }

    /// A condition on the normal form of an address `e`.
    fn address(&mut self, path: &AttributePath, operator: Operator, text: &str) -> Result<String, FieldError> {
        let folded = text.nfc().collect::<String>().to_lowercase();
        let escaped = super::escape_pattern(&folded);
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
    fn of_address(&mut self, filter: &Filter) -> Result<String, FieldError> {
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

impl Kind {
    /// What it is compared with.
    fn takes(self) -> &'static str {
        match self {
            Self::EmailVerified => "true or false",
            Self::Time(_) => "a time in quotes, such as \"2026-01-02T03:04:05Z\"",
            _ => "a text in quotes",
        }
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
