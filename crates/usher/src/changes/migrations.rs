//! Undoing that attributes were renamed and removed. A rename is undone by another one, for all users at once. What was removed gets
//! its property back, and then its values user by user, as any change of theirs is undone.

use serde_json::{Value, json};

use super::undo::{changed_since, refused};
use super::{Conflict, UNDONE, Undone};
use crate::attributes::migration::{self, Obstacle, Rename};
use crate::attributes::{self, Document, Operation, Rule};
use crate::audit::{self, AuditEvent};
use crate::caller::{Authority, Permission};
use crate::db::Tx;
use crate::error::{AppResult, Rejection};

const TOGETHER: &str = "It was removed together with a rename: undo the rename with `skip_conflicts`, and this change once \
                        more when all users have been moved.";
const NOT_KEPT: &str = "What a release before this one has removed of users is gone. Put the attribute back into the schema, \
                        and set it by hand.";
const NOT_IN_SCHEMA: &str = "The schema does not allow the attribute: put it back there, and undo this when that is in force.";
const NAMED_TWICE: &str = "A name that was removed and given to another attribute too is undone by hand.";
const NOT_REQUIRED: &str = "It does not become required again: make it so when all users have it.";
const HELD: &str = "Users have an attribute of its former name by now: remove that one first.";
const TAKEN: &str = "Its former name belongs to another property by now.";

/// What an event has done to the attributes of all users.
pub struct Migration<'a> {
    event: &'a AuditEvent,
    operations: Vec<Operation>,
}

impl<'a> Migration<'a> {
    /// Undoing a rename is one, too.
    pub fn of(event: &'a AuditEvent) -> Option<Self> {
        if !["attribute_schema.migration_begun", UNDONE].contains(&event.action.as_str()) {
            return None;
        }
        let operations = serde_json::from_value(event.changes["operations"].clone()).ok()?;
        Some(Self { event, operations })
    }

    fn removed(&self) -> impl Iterator<Item = &String> {
        self.operations.iter().filter_map(|operation| match operation {
            Operation::Remove(name) => Some(name),
            Operation::Rename(_) => None,
        })
    }

    fn renames(&self) -> impl Iterator<Item = &Rename> {
        self.operations.iter().filter_map(|operation| match operation {
            Operation::Rename(rename) => Some(rename),
            Operation::Remove(_) => None,
        })
    }

    pub fn has_removed(&self) -> bool {
        self.removed().next().is_some()
    }

    /// A side of a property of the schema that the event has changed.
    fn property(&self, side: &str, name: &str) -> Value {
        self.event.changes["properties"][side][name].clone()
    }
}

/// How the renames are undone, and what can't be.
pub struct WayBack {
    pub operations: Vec<Operation>,
    pub conflicts: Vec<Conflict>,
}

/// A rename that was undone already is left out. What was removed in the same migration waits until the users have been moved.
pub async fn way_back(tx: &mut Tx, by: Authority, migration: &Migration<'_>) -> AppResult<WayBack> {
    by.require(Permission::AttributesWrite)?;
    if migration.renames().next().is_none() {
        return Ok(WayBack { operations: Vec::new(), conflicts: Vec::new() });
    }
    let found = migration::way_back(tx, &migration.operations).await?;
    let now = attributes::current(tx).await?.document.to_value();
    let conflict = |(rename, obstacle): &(Rename, Obstacle)| {
        let field = format!("properties.{}", rename.to);
        let (after, is) = (migration.property("after", &rename.to), &now["properties"][rename.to.as_str()]);
        match obstacle {
            Obstacle::NoProperty => {
                let detail = "It has been removed or renamed since.".to_owned();
                Conflict { detail, ..changed_since(None, &field, &after, is) }
            }
            Obstacle::Taken | Obstacle::NoName => refused(None, &field, TAKEN),
            Obstacle::Held => refused(None, &field, HELD),
            Obstacle::Unique => refused(None, &field, "It is unique by now: set it to `unique: false` first."),
        }
    };
    let mut conflicts: Vec<Conflict> = found.obstacles.iter().map(conflict).collect();
    if !found.operations.is_empty() {
        conflicts.extend(migration.removed().map(|name| refused(None, &format!("properties.{name}"), TOGETHER)));
    }
    Ok(WayBack { operations: found.operations, conflicts })
}

/// Renames back. A job moves the users, as with any rename.
pub async fn rename_back(tx: &mut Tx, operations: &[Operation]) -> AppResult<()> {
    let rules = attributes::lock_for_change(tx).await?;
    migration::begin(tx, &rules, operations).await
}

/// Refuses what can't come back, whatever the schema says.
pub fn require_values(migration: &Migration<'_>) -> Result<(), Rejection> {
    let refuse = |detail: &'static str| Err(Rejection::conflict("not_undoable", detail));
    if migration.event.changes["values_kept"] != json!(true) {
        return refuse(NOT_KEPT);
    }
    if migration.renames().any(|Rename { from, to }| migration.removed().any(|name| [from, to].contains(&name))) {
        return refuse(NAMED_TWICE);
    }
    Ok(())
}

/// Puts what was removed back into the schema, as it was. What was no property, or is one again, needs nothing.
pub async fn put_back(tx: &mut Tx, migration: &Migration<'_>) -> AppResult<Undone> {
    let rules = attributes::lock_for_change(tx).await?;
    attributes::refuse_moving(&rules)?;
    let (mut document, mut conflicts) = (rules.latest().clone(), Vec::new());
    let required: Vec<String> = serde_json::from_value(migration.event.changes["required"]["before"].clone()).unwrap_or_default();
    for name in migration.removed() {
        if document.properties.contains_key(name) {
            continue;
        }
        let Ok(rule) = serde_json::from_value::<Rule>(migration.property("before", name)) else { continue };
        if document.properties.keys().any(|other| other.eq_ignore_ascii_case(name)) {
            conflicts.push(refused(None, &format!("properties.{name}"), TAKEN));
            continue;
        }
        document.properties.insert(name.clone(), rule);
        if required.contains(name) {
            conflicts.push(refused(None, "required", NOT_REQUIRED));
        }
    }
    let is_changed = document != *rules.latest();
    if is_changed {
        attributes::put(tx, &rules, document).await?;
    }
    require_allowed(&attributes::current(tx).await?.document, migration)?;
    Ok(match (conflicts.is_empty(), is_changed) {
        (false, _) => Undone::Conflicts(conflicts),
        (true, true) => Undone::Reverted,
        (true, false) => Undone::Unchanged,
    })
}

/// No user could get a value back while the schema in force allows none.
fn require_allowed(document: &Document, migration: &Migration<'_>) -> Result<(), Rejection> {
    let is_allowed = |name: &String| document.additional_properties || document.properties.contains_key(name);
    if migration.removed().all(is_allowed) { Ok(()) } else { Err(Rejection::conflict("not_undoable", NOT_IN_SCHEMA)) }
}

/// Names of attributes of a user that an event has renamed: they come back for all users at once, and not one by one.
pub fn renamed(changes: &Value) -> Vec<String> {
    let renames: Vec<Rename> = serde_json::from_value(changes["renamed"].clone()).unwrap_or_default();
    renames.into_iter().flat_map(|Rename { from, to }| [from, to]).collect()
}

/// Whether an event has done nothing but renaming attributes of a user.
pub fn is_rename_only(changes: &Value) -> bool {
    let renamed = renamed(changes);
    let fields = audit::fields(changes);
    let is_renamed = |(field, before, after): &(&str, &Value, &Value)| {
        let members = |value: &Value| value.as_object().cloned().unwrap_or_default();
        let (before, after) = (members(before), members(after));
        let mut differing = before.keys().chain(after.keys()).filter(|name| before.get(*name) != after.get(*name));
        *field == "attributes" && differing.all(|name| renamed.contains(name))
    };
    !renamed.is_empty() && fields.iter().all(is_renamed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_removed_beside_a_rename_can_come_back() {
        let changes = |before: Value, after: Value| json!({ "attributes": { "before": before, "after": after }, "renamed": [{ "from": "a", "to": "b" }] });
        assert!(is_rename_only(&changes(json!({ "a": 1, "c": 2 }), json!({ "b": 1, "c": 2 }))));
        assert!(!is_rename_only(&changes(json!({ "a": 1, "c": 2 }), json!({ "b": 1 }))));
        assert!(!is_rename_only(&json!({ "attributes": { "before": {}, "after": {} } })));
    }
}
