//! What undoing comes to, of a thing that is no user, by the three values of each of its fields.

use serde::Serialize;
use serde_json::{Map, Value};

use super::undo::{changed_since, refused, value_of};
use super::{Conflict, Undone};
use crate::audit::{self, AuditEvent};
use crate::error::AppResult;

/// Follows from other fields, or changes by itself.
const DERIVED: [&str; 5] = ["id", "version", "built_in", "created_at", "updated_at"];

/// What the event has done to the thing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Act {
    Made,
    Deleted,
    Changed,
}

/// What becomes of the thing.
pub enum Turn {
    Stays,
    Comes,
    Goes,
    Changes,
}

/// What is to be changed back.
pub struct Back {
    act: Act,
    is_there: bool,
    /// Fields as they were, by their way: `description`, or `properties` and `city`.
    fields: Vec<(Vec<String>, Value)>,
    conflicts: Vec<Conflict>,
}

impl Back {
    /// Of a thing with a name, as it is now; `None` if it is gone.
    pub fn of<T: Serialize>(event: &AuditEvent, now: Option<&T>) -> AppResult<Self> {
        let names = audit::fields(&event.changes).into_iter().find(|(name, _, _)| *name == "name");
        let act = match names {
            Some((_, before, _)) if before.is_null() => Act::Made,
            Some((_, _, after)) if after.is_null() => Act::Deleted,
            _ => Act::Changed,
        };
        let is = now.map(serde_json::to_value).transpose()?;
        let mut back = Self { act, is_there: now.is_some(), fields: Vec::new(), conflicts: Vec::new() };
        for (name, before, after) in audit::fields(&event.changes) {
            if DERIVED.contains(&name) {
                continue;
            }
            match &is {
                Some(is) => back.judge(&[name], before, after, is.get(name).unwrap_or(&Value::Null)),
                None => back.becomes(&[name], before),
            }
        }
        Ok(back)
    }

    /// Of a thing that is always there. The members of some of its fields are judged one by one.
    pub fn of_members(event: &AuditEvent, now: &Value, by_member: &[&str]) -> Self {
        let mut back = Self { act: Act::Changed, is_there: true, fields: Vec::new(), conflicts: Vec::new() };
        for (name, before, after) in audit::fields(&event.changes) {
            let is = now.get(name).unwrap_or(&Value::Null);
            if !by_member.contains(&name) {
                back.judge(&[name], before, after, is);
                continue;
            }
            let members = |value: &Value| value.as_object().cloned().unwrap_or_default();
            let (before, after, is) = (members(before), members(after), members(is));
            let added = after.keys().filter(|member| !before.contains_key(*member));
            for member in before.keys().chain(added) {
                let (was, made) = (value_of(&before, member), value_of(&after, member));
                if was != made {
                    back.judge(&[name, member], &was, &made, &value_of(&is, member));
                }
            }
        }
        back
    }

    fn judge(&mut self, way: &[&str], before: &Value, after: &Value, is: &Value) {
        if is == before {
            return;
        }
        if is == after {
            self.becomes(way, before);
        } else {
            self.conflicts.push(changed_since(None, &way.join("."), after, is));
        }
    }

    fn becomes(&mut self, way: &[&str], before: &Value) {
        self.fields.push((way.iter().map(|&step| step.to_owned()).collect(), before.clone()));
    }

    /// The field can't become what it was.
    pub fn refuse(&mut self, field: &str, detail: &str) {
        self.fields.retain(|(way, _)| way.first().is_none_or(|first| first != field));
        self.conflicts.push(refused(None, field, detail));
    }

    /// The field is no part of it: it follows from who wrote the thing, or changes by itself.
    pub fn leave_out(&mut self, field: &str) {
        self.fields.retain(|(way, _)| way.first().is_none_or(|first| first != field));
        self.conflicts.retain(|conflict| conflict.field != field);
    }

    pub fn turn(&self, skip_conflicts: bool) -> Turn {
        let is_clear = self.conflicts.is_empty();
        match (self.act, self.is_there) {
            (Act::Made, true) if is_clear => Turn::Goes,
            // Without what is gone it comes too, if that is wished.
            (Act::Deleted, false) if is_clear || skip_conflicts => Turn::Comes,
            (Act::Changed, true) if !self.fields.is_empty() && (is_clear || skip_conflicts) => Turn::Changes,
            _ => Turn::Stays,
        }
    }

    /// What to say when it stays as it is.
    pub fn stays(self) -> Undone {
        match self.conflicts.is_empty() {
            true if self.act == Act::Changed && !self.is_there => {
                Undone::Conflicts(vec![refused(None, "", "It has been deleted.")])
            }
            true => Undone::Unchanged,
            false => Undone::Conflicts(self.conflicts),
        }
    }

    pub fn done(self) -> Undone {
        if self.conflicts.is_empty() { Undone::Reverted } else { Undone::Conflicts(self.conflicts) }
    }

    /// The fields of a thing that is judged as a whole.
    pub fn members(&self) -> Map<String, Value> {
        self.applied_to(&Value::Object(Map::new()))
    }

    fn field(&self, name: &str) -> Option<&Value> {
        self.fields.iter().find(|(way, _)| *way == [name]).map(|(_, was)| was)
    }

    pub fn text(&self, field: &str) -> Option<String> {
        self.field(field)?.as_str().map(str::to_owned)
    }

    pub fn list(&self, field: &str) -> Option<Vec<String>> {
        let items = self.field(field)?.as_array()?;
        Some(items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// The thing as it shall be. What was not there before is not there again.
    pub fn applied_to(&self, now: &Value) -> Map<String, Value> {
        let mut thing = now.clone();
        for (way, was) in &self.fields {
            let Some((last, above)) = way.split_last() else { continue };
            let holder = above.iter().fold(&mut thing, |value, step| &mut value[step.as_str()]);
            let Value::Object(members) = holder else { continue };
            if was.is_null() {
                members.remove(last);
            } else {
                members.insert(last.clone(), was.clone());
            }
        }
        thing.as_object().cloned().unwrap_or_default()
    }
}
