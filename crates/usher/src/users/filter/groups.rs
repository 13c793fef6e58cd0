//! Groups in filters. They are few: which of them fit is found out here, and their members are looked up by ids. Those are constants, and
//! PostgreSQL knows of each how many members it has.

use unicode_normalization::UnicodeNormalization;
use usher_oidc::filter::{AttributePath, Filter, Literal, Operator};

use super::{Compiler, fault, require_equal, store, unsupported};
use crate::db::{DbResult, Tx};
use crate::error::FieldError;
use crate::id::GroupId;

/// A way into a group: whoever is a member of one is in this, which is the same or one above it.
pub struct GroupWay {
    member_of: GroupId,
    id: GroupId,
    /// Folded.
    name: String,
}

impl GroupWay {
    pub fn new(member_of: GroupId, id: GroupId, name: &str) -> Self {
        Self { member_of, id, name: fold(name) }
    }
}

/// All ways, if one of these filters may ask for them.
pub async fn look_at_groups(tx: &mut Tx, filters: &[&str]) -> DbResult<Option<Vec<GroupWay>>> {
    let may_ask = |filter: &&str| filter.replace('_', "").to_ascii_lowercase().contains("groups");
    if filters.iter().any(may_ask) { Ok(Some(store::list_group_ways(tx).await?)) } else { Ok(None) }
}

impl Compiler<'_> {
    /// What stands in `groups[...]`.
    pub(super) fn of_groups(&mut self, filter: &Filter) -> Result<String, FieldError> {
        let asked = Asked::read(filter)?;
        Ok(self.in_groups(&asked))
    }

    pub(super) fn in_groups_called(&mut self, name_or_id: &str) -> String {
        self.in_groups(&Asked::called(name_or_id))
    }

    pub(super) fn in_any_group(&mut self) -> String {
        self.has_membership("")
    }

    fn in_groups(&mut self, asked: &Asked) -> String {
        let ways = self.around.groups.as_deref().expect("a filter that asks for groups is seen to do so");
        let mut ids: Vec<GroupId> = ways.iter().filter(|way| asked.fits(way)).map(|way| way.member_of).collect();
        ids.sort_unstable_by_key(|id| id.uuid());
        ids.dedup();
        if ids.is_empty() {
            return "false".to_owned();
        }
        // Of how many a list has PostgreSQL only guesses in a plan for any.
        let which = if let [id] = ids[..] { self.into.bind(id) } else { format!("any({})", self.into.bind(ids)) };
        self.has_membership(&format!("and m.group_id = {which}"))
    }

    fn has_membership(&mut self, narrowed: &str) -> String {
        let (now, end) = (self.into.bind(self.around.now), self.written.end());
        format!(
            "exists (select from group_members m
                where m.user_id = u.id {narrowed} and (m.expires_at is null or m.expires_at > {now}) {end})"
        )
    }
}

/// What is asked of a way into a group.
enum Asked {
    All(Vec<Asked>),
    Any(Vec<Asked>),
    Not(Box<Asked>),
    /// It has every part that it can have.
    Nothing,
    /// By its id, or by its whole name.
    Called(String, Option<GroupId>),
    Named(Operator, String),
    /// Whether it leads to the group that one is a member of, and not to one above it.
    Direct(bool),
}

impl Asked {
    fn called(name_or_id: &str) -> Self {
        Self::Called(fold(name_or_id), name_or_id.parse().ok())
    }

    fn read(filter: &Filter) -> Result<Self, FieldError> {
        let each = |all: &[Filter]| all.iter().map(Self::read).collect::<Result<Vec<_>, _>>();
        Ok(match filter {
            Filter::And(all) => Self::All(each(all)?),
            Filter::Or(all) => Self::Any(each(all)?),
            Filter::Not(inner) => Self::Not(Box::new(Self::read(inner)?)),
            Filter::Has { path, .. } => return Err(fault(path, "brackets can't stand within brackets")),
            Filter::Present { path } => {
                Part::named(path)?;
                Self::Nothing
            }
            Filter::Compare { path, operator: Operator::NotEqual, value } => {
                Self::Not(Box::new(Self::compare(path, Operator::Equal, value)?))
            }
            Filter::Compare { path, operator, value } => Self::compare(path, *operator, value)?,
        })
    }

    /// `operator` is not `ne`.
    fn compare(path: &AttributePath, operator: Operator, value: &Literal) -> Result<Self, FieldError> {
        let part = Part::named(path)?;
        let Literal::Text(text) = value else {
            return Err(fault(path, format!("`{path}` is compared with a text in quotes")));
        };
        if part == Part::Display {
            let is_taken = operator == Operator::Equal || operator.is_for_parts();
            return if is_taken { Ok(Self::Named(operator, fold(text))) } else { Err(unsupported(path, operator, "a text")) };
        }
        require_equal(path, operator)?;
        match (part, text.to_ascii_lowercase().as_str()) {
            (Part::Type, "direct") => Ok(Self::Direct(true)),
            (Part::Type, "indirect") => Ok(Self::Direct(false)),
            (Part::Type, _) => Err(fault(path, "a type is \"direct\" or \"indirect\"")),
            _ => Ok(Self::called(text)),
        }
    }

    fn fits(&self, way: &GroupWay) -> bool {
        match self {
            Self::All(all) => all.iter().all(|asked| asked.fits(way)),
            Self::Any(all) => all.iter().any(|asked| asked.fits(way)),
            Self::Not(asked) => !asked.fits(way),
            Self::Nothing => true,
            Self::Called(name, id) => way.name == *name || Some(way.id) == *id,
            Self::Named(Operator::Contains, part) => way.name.contains(part),
            Self::Named(Operator::StartsWith, part) => way.name.starts_with(part),
            Self::Named(Operator::EndsWith, part) => way.name.ends_with(part),
            Self::Named(_, name) => way.name == *name,
            Self::Direct(wanted) => (way.id == way.member_of) == *wanted,
        }
    }
}

/// A part of a way into a group, as SCIM calls it (RFC 7643, section 4.1.2).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Value,
    Display,
    Type,
}

impl Part {
    fn named(path: &AttributePath) -> Result<Self, FieldError> {
        let known = [("value", Self::Value), ("display", Self::Display), ("type", Self::Type)];
        let found = known.into_iter().find(|(name, _)| path.is(name)).map(|(_, part)| part);
        found.ok_or_else(|| fault(path, format!("`{path}` is nothing of a group; there are value, display and type")))
    }
}

/// Whatever its case, as all texts are compared.
fn fold(text: &str) -> String {
    text.nfc().flat_map(char::to_lowercase).collect()
}
