//! Attributes after a JSON merge patch (RFC 7396).

use serde_json::{Map, Value};

/// The attributes after a merge patch.
pub(super) fn merge_into(attributes: Map<String, Value>, patch: Map<String, Value>) -> Map<String, Value> {
    let mut merged = Value::Object(attributes);
    merge(&mut merged, Value::Object(patch));
    match merged {
        Value::Object(merged) => merged,
        _ => Map::new(),
    }
}

/// The attributes after a merge patch of them; those that the patch says already are not taken for a wish to remove its nulls.
pub fn merged(attributes: &Map<String, Value>, patch: &Map<String, Value>) -> Value {
    let unchanged = attributes == patch;
    Value::Object(if unchanged { attributes.clone() } else { merge_into(attributes.clone(), patch.clone()) })
}

/// JSON merge patch (RFC 7396).
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(members) = target else { return };
    for (name, value) in patch {
        if value.is_null() {
            members.remove(&name);
        } else {
            merge(members.entry(name).or_insert(Value::Null), value);
        }
    }
}
