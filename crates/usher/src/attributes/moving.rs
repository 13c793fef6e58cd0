//! Moving users for a migration: their rows, and what their histories say of it. A job comes to all of them, some at a time; whoever
//! writes the attributes of a user before that has that one moved first. Either way it is done by whoever began the migration, and
//! belongs to that change.

use serde_json::{Map, Value, json};

use super::migration::{Operation, Rename};
use super::{Rules, Schema, store};
use crate::audit::{self, Event, Wanted};
use crate::db::{Actor, DbResult, Origin, Tx};
use crate::id::UserId;

/// A user, and the attributes that they have.
pub type Held = (UserId, Map<String, Value>);

/// Who began the migration to this version, and the change set of what it moves. The event of its beginning says it, so that details
/// that were erased meanwhile stay so.
pub async fn find_origin(tx: &mut Tx, version: i64) -> DbResult<Origin> {
    let (target_id, action) = (Some(version.to_string()), Some("attribute_schema.migration_begun".to_owned()));
    let begun = audit::list(tx, Wanted { target_id, action, limit: 1, ..Wanted::default() }).await?.pop();
    // Of an older release, the removal of what was no property is no change set.
    let begun = begun.filter(|event| event.change_id.is_some());
    Ok(begun.map_or_else(|| Origin::of(Actor::System), |event| event.origin()))
}

/// Moves the users after the one and up to the other.
pub async fn move_batch(tx: &mut Tx, schema: &Schema, begun: &Origin, after: Option<UserId>, up_to: UserId) -> DbResult<()> {
    let names: Vec<&str> = schema.moving.iter().map(Operation::subject).collect();
    let users = store::lock_holders(tx, after, up_to, &names).await?;
    move_users(tx, schema, begun, &users).await
}

/// Moves users whose attributes are about to be written, and who are locked for it.
pub async fn move_first(tx: &mut Tx, rules: &Rules, users: &[Held]) -> DbResult<()> {
    let schema = &rules.in_force;
    if users.iter().all(|(_, attributes)| schema.moved(attributes) == *attributes) {
        return Ok(());
    }
    let begun = find_origin(tx, schema.version).await?;
    move_users(tx, schema, &begun, users).await
}

async fn move_users(tx: &mut Tx, schema: &Schema, begun: &Origin, users: &[Held]) -> DbResult<()> {
    let (mut ids, mut moved, mut events) = (Vec::new(), Vec::new(), Vec::new());
    for (id, before) in users {
        let (after, renamed) = apply(&schema.moving, before);
        if after != *before {
            events.push(event(*id, before, &after, &renamed));
            ids.push(*id);
            moved.push(Value::Object(after));
        }
    }
    if ids.is_empty() {
        return Ok(());
    }
    store::update_many(tx, &ids, &moved).await?;
    let (origin, now) = (tx.origin().clone(), tx.now());
    tx.go_on_for(begun.clone(), now);
    audit::record_all(tx, events).await?;
    tx.go_on_for(origin, now);
    Ok(())
}

/// What has another name says so: it does not come back user by user.
fn event(id: UserId, before: &Map<String, Value>, after: &Map<String, Value>, renamed: &[&Rename]) -> Event {
    let event = Event::success("user.updated").on("user", id);
    let event = event.changed(&json!({ "attributes": before }), &json!({ "attributes": after }));
    if renamed.is_empty() {
        return event;
    }
    event.detail("renamed", serde_json::to_value(renamed).unwrap_or_default())
}

/// The attributes after the operations, and those of them that have renamed something.
fn apply<'a>(operations: &'a [Operation], before: &Map<String, Value>) -> (Map<String, Value>, Vec<&'a Rename>) {
    let (mut after, mut renamed) = (before.clone(), Vec::new());
    for operation in operations {
        if let Operation::Rename(rename) = operation
            && after.contains_key(&rename.from)
        {
            renamed.push(rename);
        }
        operation.apply(&mut after);
    }
    (after, renamed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renames_of_what_is_there_are_told() {
        let rename = |from: &str, to: &str| Rename { from: from.to_owned(), to: to.to_owned() };
        let [first, second] = [rename("a", "b"), rename("x", "y")];
        let operations = [Operation::Rename(first.clone()), Operation::Rename(second), Operation::Remove("c".to_owned())];
        let members = |value: Value| value.as_object().cloned().unwrap();
        let (after, renamed) = apply(&operations, &members(json!({ "a": 1, "c": 2, "d": 3 })));
        assert_eq!((after, renamed), (members(json!({ "b": 1, "d": 3 })), vec![&first]));
    }
}
