//! What is left of events for who may read the trail and not the users: no address as a whole, and of attributes that are personal
//! that they have changed. The trail itself, its seal and its export stay as they are.

use serde_json::{Map, Value};

use super::{AuditEvent, store};
use crate::caller::{Permission, PermissionSet};
use crate::db::{DbResult, Tx};
use crate::mail;

/// Stands for the value of an attribute.
pub const MASKED: &str = "…";

/// The events as somebody may see them who holds these permissions.
pub async fn seen_by(tx: &mut Tx, permissions: PermissionSet, mut events: Vec<AuditEvent>) -> DbResult<Vec<AuditEvent>> {
    if permissions.contains(Permission::UsersRead) || events.is_empty() {
        return Ok(events);
    }
    let plain = store::list_plain_attributes(tx).await?;
    for event in &mut events {
        mask(event, &plain);
    }
    Ok(events)
}

/// `plain` are the attributes that nobody has called personal. What the schema does not know may be, under a name that it had.
fn mask(event: &mut AuditEvent, plain: &[String]) {
    if let Some(reason) = &mut event.reason {
        *reason = without_addresses(reason);
    }
    if let Some(sides) = event.changes.get_mut("attributes") {
        mask_sides(sides, plain);
    }
    // What a run in bulk sets.
    if let Some(Value::Object(attributes)) = event.changes.pointer_mut("/argument/attributes") {
        mask_values(attributes, plain);
    }
    mask_addresses(&mut event.changes);
}

/// Both sides have all attributes of the user. Of those that are personal the ones that have changed are left.
fn mask_sides(sides: &mut Value, plain: &[String]) {
    let (before, after) = (sides["before"].clone(), sides["after"].clone());
    for side in ["before", "after"] {
        if let Some(Value::Object(attributes)) = sides.get_mut(side) {
            attributes.retain(|name, _| plain.contains(name) || before.get(name) != after.get(name));
            mask_values(attributes, plain);
        }
    }
}

fn mask_values(attributes: &mut Map<String, Value>, plain: &[String]) {
    for (name, value) in attributes {
        if !plain.contains(name) && !value.is_null() {
            *value = MASKED.into();
        }
    }
}

fn mask_addresses(value: &mut Value) {
    match value {
        Value::String(text) => *text = without_addresses(text),
        Value::Array(items) => items.iter_mut().for_each(mask_addresses),
        Value::Object(members) => members.values_mut().for_each(mask_addresses),
        _ => {}
    }
}

fn without_addresses(text: &str) -> String {
    let word = |word: &str| if word.contains('@') { mail::masked(word) } else { word.to_owned() };
    text.split_inclusive(char::is_whitespace).map(word).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn of_personal_attributes_it_is_left_that_they_have_changed() {
        let mut sides = json!({
            "before": { "floor": 1, "nickname": "Nan", "home": "Linz", "old": "x" },
            "after": { "floor": 1, "nickname": "Annie", "home": "Linz", "phone": "1" }
        });
        mask_sides(&mut sides, &["floor".to_owned()]);
        let masked = json!({
            "before": { "floor": 1, "nickname": "…", "old": "…" },
            "after": { "floor": 1, "nickname": "…", "phone": "…" }
        });
        assert_eq!(sides, masked);
        // Who is created had none before.
        let mut sides = json!({ "before": null, "after": { "floor": 1, "home": "Linz" } });
        mask_sides(&mut sides, &["floor".to_owned()]);
        assert_eq!(sides, json!({ "before": null, "after": { "floor": 1, "home": "…" } }));
    }

    #[test]
    fn addresses_are_masked_wherever_they_stand() {
        let mut changes = json!({
            "email": { "before": null, "after": "ann@example.org" },
            "emails": { "before": [], "after": [{ "address": "ann@example.org", "primary": true }] },
            "filter": "email eq \"ann@example.org\" and status eq \"active\""
        });
        mask_addresses(&mut changes);
        let masked = json!({
            "email": { "before": null, "after": "a…@example.org" },
            "emails": { "before": [], "after": [{ "address": "a…@example.org", "primary": true }] },
            "filter": "email eq \"…@example.org\" and status eq \"active\""
        });
        assert_eq!(changes, masked);
    }
}
