//! Audit events as people read them: who did what to whom, why, and field by field from what to what.

use std::collections::{BTreeSet, HashMap};

use fluent_bundle::FluentArgs;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::staff::Staff;
use super::words;
use crate::attributes::{Kind, Schema};
use crate::audit::{self, AuditEvent};
use crate::caller::Permission;
use crate::db::{DbResult, Tx};
use crate::id::UserId;
use crate::languages::{now, zone_here, zone_name_here};
use crate::{changes, users};

/// Longest value that is shown, in characters.
const VALUE_MAX: usize = 300;

/// For the templates.
#[derive(Serialize)]
pub struct Shown {
    id: Uuid,
    at: Timestamp,
    /// `User suspended`.
    title: String,
    failed: bool,
    actor: Named,
    target: Option<Named>,
    reason: Option<String>,
    address: Option<String>,
    user_agent: Option<String>,
    request_id: Option<String>,
    erased: bool,
    fields: Vec<Field>,
    /// What else is known of it.
    details: Vec<(String, String)>,
    /// It has changed a user, field by field.
    undoable: bool,
}

/// Somebody or something, and the page about it if there is one.
#[derive(Serialize)]
pub struct Named {
    pub name: String,
    pub way: Option<String>,
}

#[derive(Serialize)]
pub struct Field {
    name: String,
    before: String,
    after: String,
}

pub async fn show(tx: &mut Tx, staff: &Staff, events: &[AuditEvent]) -> DbResult<Vec<Shown>> {
    let people = names(tx, staff, events).await?;
    let events = audit::seen_by(tx, staff.person().permissions, events.to_vec()).await?;
    Ok(events.iter().map(|event| shown(event, &people)).collect())
}

/// The users who act and who are acted on, as far as whoever looks may see them.
async fn names(tx: &mut Tx, staff: &Staff, events: &[AuditEvent]) -> DbResult<HashMap<String, String>> {
    let actors = events.iter().filter(|event| event.actor_kind == "user").filter_map(|event| event.actor_id);
    let targets = events.iter().filter(|event| event.target_kind.as_deref() == Some("user"));
    let targets = targets.filter_map(|event| event.target_id.as_deref()?.parse().ok());
    names_of(tx, staff, actors.chain(targets).collect()).await
}

/// What users are called, as far as whoever looks may see them.
pub async fn names_of(tx: &mut Tx, staff: &Staff, ids: BTreeSet<Uuid>) -> DbResult<HashMap<String, String>> {
    if !staff.may(Permission::UsersRead) {
        return Ok(HashMap::new());
    }
    let ids: Vec<UserId> = ids.into_iter().map(UserId::from_uuid).collect();
    find_names(tx, staff, &ids).await
}

/// What these users are called, as far as whoever looks may see them.
pub async fn find_names(tx: &mut Tx, staff: &Staff, ids: &[UserId]) -> DbResult<HashMap<String, String>> {
    if !staff.may(Permission::UsersRead) {
        return Ok(HashMap::new());
    }
    let found = users::find_many(tx, ids).await?.into_iter().filter(|user| staff.authority().over(user.permissions).is_ok());
    Ok(found.map(|user| (user.id.to_string(), name_of(&user))).collect())
}

pub fn name_of(user: &users::User) -> String {
    user.profile.display_name.as_ref().map_or_else(|| user.username.clone(), |name| name.0.clone())
}

fn shown(event: &AuditEvent, people: &HashMap<String, String>) -> Shown {
    let changed = audit::fields(&event.changes);
    let is_field = |name: &str| changed.iter().any(|(field, ..)| *field == name);
    let details = event.changes.as_object().into_iter().flatten().filter(|(name, _)| !is_field(name));
    let details = details.map(|(name, value)| (field_name(name), told(value))).filter(|(_, value)| !value.is_empty());
    Shown {
        id: event.id,
        at: event.occurred_at,
        title: title(&event.action),
        failed: event.outcome != "success",
        actor: actor(&event.actor_kind, event.actor_id, people),
        target: target(event, people),
        reason: event.reason.clone(),
        address: event.address.clone(),
        user_agent: event.user_agent.clone(),
        request_id: event.request_id.clone(),
        erased: event.erased,
        details: details.collect(),
        undoable: event.outcome == "success" && changes::is_undoable(event) && !event.erased,
        fields: fields(&changed),
    }
}

/// Field by field, from what to what.
pub fn differences(changes: &Value) -> Vec<Field> {
    fields(&audit::fields(changes))
}

/// Of attributes each that differs, of the rest the whole.
fn fields(changed: &[(&str, &Value, &Value)]) -> Vec<Field> {
    let field = |name: String, before: &Value, after: &Value| Field { name, before: told(before), after: told(after) };
    let mut fields = Vec::new();
    for (name, before, after) in changed {
        if *name != "attributes" {
            fields.push(field(field_name(name), before, after));
            continue;
        }
        let members = |value: &Value| value.as_object().cloned().unwrap_or_default();
        let (before, after) = (members(before), members(after));
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for name in names {
            let (old, new) = (before.get(name).unwrap_or(&Value::Null), after.get(name).unwrap_or(&Value::Null));
            // Of what is masked only what has changed is there.
            if old != new || *old == audit::MASKED {
                fields.push(field(name.clone(), old, new));
            }
        }
    }
    fields
}

pub fn actor(kind: &str, id: Option<Uuid>, people: &HashMap<String, String>) -> Named {
    let id = id.map(|id| id.to_string()).unwrap_or_default();
    let name = match kind {
        "user" => return named_user(&id, people),
        "service_account" | "cli" | "system" => words::naming("actor-", kind, &id),
        _ => words::naming("actor-", "anonymous", &id),
    };
    Named { name, way: None }
}

fn target(event: &AuditEvent, people: &HashMap<String, String>) -> Option<Named> {
    let (id, kind) = (event.target_id.as_deref()?, event.target_kind.as_deref()?);
    let place = match kind {
        "user" => return Some(named_user(id, people)),
        "attribute_schema" => {
            return Some(Named { name: words::naming("target-", kind, id), way: Some("/admin/attributes".to_owned()) });
        }
        "bulk" => Some("bulk"),
        "role" => Some("roles"),
        "group" => Some("groups"),
        "import" => Some("imports"),
        "invitation" => Some("invitations"),
        "change" => Some("changes"),
        "mail_text" => Some("mails/texts"),
        _ => None,
    };
    Some(Named { name: words::naming("target-", kind, id), way: place.map(|place| format!("/admin/{place}/{id}")) })
}

pub fn named_user(id: &str, people: &HashMap<String, String>) -> Named {
    match people.get(id) {
        Some(name) => Named { name: name.clone(), way: Some(format!("/admin/users/{id}")) },
        None => Named { name: words::naming("target-", "user", id), way: None },
    }
}

/// What has happened: `User suspended`.
fn title(action: &str) -> String {
    words::find("event-", action).unwrap_or_else(|| in_words(action))
}

/// A field, or what else an event tells; an attribute has no other name.
pub fn field_name(name: &str) -> String {
    words::find("field-", name).unwrap_or_else(|| in_words(name))
}

/// `user.sessions_ended` is `User sessions ended`.
pub fn in_words(code: &str) -> String {
    let words = code.replace(['.', '_'], " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A value as text; nothing for what is not there.
pub fn text(value: &Value) -> String {
    let whole = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(true) => now().word("value-yes"),
        Value::Bool(false) => now().word("value-no"),
        Value::Array(items) if items.iter().all(|item| !item.is_object()) => {
            items.iter().map(text).collect::<Vec<_>>().join(", ")
        }
        Value::Object(members) if members.is_empty() => String::new(),
        other => other.to_string(),
    };
    if whole.chars().count() <= VALUE_MAX {
        return whole;
    }
    whole.chars().take(VALUE_MAX).chain(['…']).collect()
}

/// The value of an attribute, with times and days as people write them.
pub fn of_attribute(schema: &Schema, name: &str, value: &Value) -> String {
    match schema.property(name).map(|property| property.kind) {
        Some(Kind::Time) => told(value),
        Some(Kind::Date) => {
            let day: Option<Date> = value.as_str().and_then(|day| day.parse().ok());
            day.map_or_else(|| text(value), |day| now().day(day))
        }
        _ => text(value),
    }
}

/// The same as `text`, with times and addresses as people write them.
fn told(value: &Value) -> String {
    match value {
        Value::String(written) => match written.parse::<Timestamp>() {
            Ok(time) => {
                let time = now().short_moment(&time.to_zoned(zone_here()));
                now().say("value-time", &FluentArgs::from_iter([("time", time), ("zone", zone_name_here())]))
            }
            Err(_) => text(value),
        },
        Value::Array(items) => {
            let addresses: Option<Vec<&str>> = items.iter().map(|item| item.get("address")?.as_str()).collect();
            addresses.filter(|all| !all.is_empty()).map_or_else(|| text(value), |all| all.join(", "))
        }
        other => text(other),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn codes_and_values_are_read_as_words() {
        assert_eq!(in_words("user.sessions_ended"), "User sessions ended");
        assert_eq!(in_words(""), "");
        for (value, words) in [
            (json!(null), ""),
            (json!("a"), "a"),
            (json!(true), "yes"),
            (json!(["a", "b"]), "a, b"),
            (json!(1.5), "1.5"),
            (json!([{ "a": 1 }]), "[{\"a\":1}]"),
        ] {
            assert_eq!(text(&value), words);
        }
        assert_eq!(text(&json!("x".repeat(301))).chars().count(), 301);
        assert_eq!(told(&json!("2026-01-02T03:04:05.678Z")), "2 Jan 2026, 03:04 UTC");
        assert_eq!(told(&json!([{ "address": "a@b.c", "primary": true }])), "a@b.c");
    }

    /// What is said where a catalogue has nothing is what English says.
    #[test]
    fn every_action_of_the_documentation_has_its_words() {
        let table =
            include_str!("../../../../docs/audit.md").split_once("\n## Events\n").unwrap().1.split_once("\n## ").unwrap().0;
        let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
        let actions: Vec<&str> = rows.flat_map(|cell| cell.split(['`', ',', ' '])).filter(|part| part.len() > 1).collect();
        assert!(actions.len() > 100 && actions.contains(&"user.suspended"), "{actions:?}");
        for action in actions {
            assert_eq!(words::find("event-", action), Some(in_words(action)), "{action}");
        }
    }

    #[test]
    fn attributes_are_told_one_by_one() {
        let changes = json!({
            "bio": { "before": null, "after": "Pilot" },
            "attributes": { "before": { "a": 1, "b": 2 }, "after": { "b": 2, "c": true } },
        });
        let told: Vec<_> =
            fields(&audit::fields(&changes)).into_iter().map(|field| (field.name, field.before, field.after)).collect();
        let row = |name: &str, before: &str, after: &str| (name.to_owned(), before.to_owned(), after.to_owned());
        let mut expected = vec![row("a", "1", ""), row("c", "", "yes"), row("Bio", "", "Pilot")];
        let mut told = told;
        told.sort();
        expected.sort();
        assert_eq!(told, expected);
    }
}
