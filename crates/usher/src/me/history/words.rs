//! The words for what has happened. What has none is for administrators.

use serde_json::Value;

use super::Tone;
use crate::audit::{self, AuditEvent};

/// What is told.
pub const ACTIONS: [&str; 57] = [
    "api_key.created",
    "api_key.revoked",
    "approval.approved",
    "approval.declined",
    "approval.requested",
    "approval.withdrawn",
    "device.distrusted",
    "device.trusted",
    "email.added",
    "email.primary_set",
    "email.removed",
    "email.requested",
    "email.verified",
    "email.withdrawn",
    "group.member_expired",
    "group.member_put",
    "group.member_removed",
    "passkey.added",
    "passkey.copied",
    "passkey.removed",
    "passkey.renamed",
    "password.changed",
    "password.set",
    "password_reset.started",
    "recovery_code.used",
    "recovery_codes.renewed",
    "refresh_token.reused",
    "second_factor.added",
    "second_factor.asked",
    "second_factor.removed",
    "second_factor.reset",
    "second_factor.started",
    "server.set_up",
    "session.ended",
    "sign_in",
    "sign_in.reported",
    "user.activated",
    "user.avatar_removed",
    "user.avatar_set",
    "user.created",
    "user.data_read",
    "user.deleted",
    "user.inactivity_warned",
    "user.locked",
    "user.other_sessions_ended",
    "user.professional_set",
    "user.reactivated",
    "user.registered",
    "user.restored",
    "user.role_expired",
    "user.role_granted",
    "user.role_taken",
    "user.roles_set",
    "user.sessions_ended",
    "user.suspended",
    "user.unlocked",
    "user.updated",
];

/// Who acts who is not the person.
pub fn by(actor_kind: &str) -> Option<&'static str> {
    match actor_kind {
        "user" => Some("an administrator"),
        "service_account" => Some("a program"),
        "cli" => Some("the operator"),
        "system" => Some("the server itself"),
        _ => None,
    }
}

/// The sentence, and how much it is to be looked at.
pub fn tell(event: &AuditEvent) -> Option<(String, Tone)> {
    let is_done = event.outcome == "success";
    let detail = |name: &str| event.changes.get(name).and_then(Value::as_str);
    let (what, tone) = match (event.action.as_str(), is_done) {
        ("sign_in", true) => ("Signed in", Tone::Plain),
        ("sign_in", false) => return Some((refused_sign_in(detail("refusal")).to_owned(), Tone::Refused)),
        ("second_factor.asked", _) => ("Right password; the second factor was asked for", Tone::Plain),
        ("second_factor.started", _) => ("Began to set up an authenticator app", Tone::Plain),
        ("second_factor.added", true) => ("Set up an authenticator app", Tone::Changed),
        ("second_factor.added", false) => ("Wrong code while an authenticator app was set up", Tone::Refused),
        ("second_factor.removed", _) => ("Removed the authenticator app", Tone::Changed),
        ("second_factor.reset", _) => ("Second factors were taken away", Tone::Changed),
        ("device.trusted", _) => ("Chose not to be asked for a code on a device for a while", Tone::Changed),
        ("device.distrusted", _) => ("A code is asked for again on devices that were spared it", Tone::Plain),
        ("passkey.added", true) => ("Added a passkey", Tone::Changed),
        ("passkey.added", false) => ("A passkey was not added: it did not fit", Tone::Refused),
        ("passkey.copied", _) => ("A passkey was refused: somebody may have a copy of it", Tone::Refused),
        ("passkey.removed", _) => ("Removed a passkey", Tone::Changed),
        ("passkey.renamed", _) => ("Renamed a passkey", Tone::Plain),
        ("recovery_code.used", _) => ("Used a recovery code", Tone::Changed),
        ("recovery_codes.renewed", _) => ("Made new recovery codes", Tone::Changed),
        ("password.changed", _) => ("Changed the password", Tone::Changed),
        ("password.set", _) => ("Set the password by a mailed link", Tone::Changed),
        ("password_reset.started", _) => ("A link to choose a new password was asked for", Tone::Plain),
        ("refresh_token.reused", _) => ("A session was ended: somebody had a copy of its token", Tone::Refused),
        ("session.ended", _) => match detail("why") {
            Some("signed_out") => ("Signed out", Tone::Plain),
            Some("replaced") => return None,
            _ => ("A session was ended", Tone::Plain),
        },
        ("user.other_sessions_ended", _) => ("Signed out everywhere else", Tone::Plain),
        ("user.sessions_ended", _) => ("Signed out everywhere", Tone::Plain),
        ("sign_in.reported", _) => ("A sign-in was reported as somebody else's", Tone::Refused),
        ("user.avatar_set", _) => ("Set the picture", Tone::Plain),
        ("user.avatar_removed", _) => ("Removed the picture", Tone::Plain),
        ("user.locked", _) => ("Locked for unknown devices for a while, after too many wrong passwords", Tone::Refused),
        ("user.unlocked", _) => ("The lock was taken off", Tone::Plain),
        ("email.requested", _) => ("Asked to add an address", Tone::Plain),
        ("email.withdrawn", _) => ("Withdrew an address that waited", Tone::Plain),
        ("email.added" | "email.removed" | "email.primary_set", _) => return Some((changed_address(event), Tone::Changed)),
        ("email.verified", true) => ("Verified an address", Tone::Plain),
        ("email.verified", false) => ("An address was not verified", Tone::Refused),
        ("api_key.created", _) => return Some((made_key(event), Tone::Changed)),
        ("api_key.revoked", _) => ("Revoked an API key", Tone::Plain),
        _ => return Some((standing(event)?, Tone::Plain)),
    };
    Some((what.to_owned(), tone))
}

/// Whoever reads it has shown that the account is theirs.
fn refused_sign_in(refusal: Option<&str>) -> &'static str {
    match refusal {
        Some("credentials") => "Sign-in refused: wrong password",
        Some("passkey") => "Sign-in refused: the passkey did not fit",
        Some("locked") => "Sign-in refused: too many wrong passwords before",
        Some("network") => "Sign-in refused: too many wrong passwords from that network",
        Some("second_factor") => "Sign-in refused: right password, wrong code",
        Some("second_factor_locked") => "Sign-in refused: right password, too many wrong codes before",
        _ => "Sign-in refused",
    }
}

fn made_key(event: &AuditEvent) -> String {
    let name =
        audit::fields(&event.changes).into_iter().find(|(field, ..)| *field == "name").and_then(|(_, _, name)| name.as_str());
    name.map_or_else(|| "Made an API key".to_owned(), |name| format!("Made the API key {name}"))
}

/// Names the address, as long as it is known which it was.
fn changed_address(event: &AuditEvent) -> String {
    let sides = audit::fields(&event.changes).into_iter().find(|(field, ..)| *field == "emails");
    let (before, after) = sides.map(|(_, before, after)| (addresses(before), addresses(after))).unwrap_or_default();
    let not_in = |these: &[(&str, bool)], others: &[(&str, bool)]| {
        let found = these.iter().find(|(address, _)| !others.iter().any(|(other, _)| other == address));
        found.map_or_else(String::new, |(address, _)| (*address).to_owned())
    };
    let primary = after.iter().find(|(_, is_primary)| *is_primary).map_or("", |(address, _)| address);
    let what = match event.action.as_str() {
        "email.added" => format!("Added an address: {}", not_in(&after, &before)),
        "email.removed" => format!("Removed an address: {}", not_in(&before, &after)),
        _ => format!("Chose another primary address: {primary}"),
    };
    what.trim_end_matches(": ").to_owned()
}

/// The addresses of a user as an event has them, and whether each was the primary one.
fn addresses(emails: &Value) -> Vec<(&str, bool)> {
    let emails = emails.as_array().into_iter().flatten();
    emails.filter_map(|email| Some((email["address"].as_str()?, email["primary"] == true))).collect()
}

/// What has happened to the person as a user.
fn standing(event: &AuditEvent) -> Option<String> {
    let what = match event.action.as_str() {
        "user.created" | "server.set_up" => "The account was made",
        "user.registered" => "Signed up",
        "user.activated" => "The account was activated",
        "user.suspended" => "The account was suspended",
        "user.reactivated" => "The account was reactivated",
        "user.deleted" => "The account was deleted",
        "user.restored" => "The account was restored",
        "user.inactivity_warned" => "A mail warned that the account was not used",
        "user.data_read" => "Downloaded all data",
        "approval.requested" => "Asked for professional status",
        "approval.withdrawn" => "Withdrew the request for professional status",
        "approval.approved" => "The request for professional status was approved",
        "approval.declined" => "The request for professional status was declined",
        "user.professional_set" => "The professional status was changed",
        "user.roles_set" | "user.role_granted" | "user.role_taken" | "user.role_expired" => "The roles were changed",
        "group.member_put" => "Put into a group",
        "group.member_removed" | "group.member_expired" => "Taken out of a group",
        "user.updated" => return updated(event),
        _ => return None,
    };
    Some(what.to_owned())
}

/// Names the fields, not what is in them.
fn updated(event: &AuditEvent) -> Option<String> {
    let names: Vec<&str> = audit::fields(&event.changes).into_iter().map(|(field, ..)| field).collect();
    if names.contains(&"username") {
        return Some("Changed the user name".to_owned());
    }
    (!names.is_empty()).then(|| "Changed the profile".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(action: &str, outcome: &str, changes: Value) -> AuditEvent {
        AuditEvent {
            id: uuid::Uuid::nil(),
            occurred_at: jiff::Timestamp::UNIX_EPOCH,
            action: action.to_owned(),
            outcome: outcome.to_owned(),
            actor_kind: "user".to_owned(),
            actor_id: None,
            target_kind: None,
            target_id: None,
            reason: None,
            request_id: None,
            address: None,
            user_agent: None,
            api_key_id: None,
            change_id: None,
            changes,
            erased: false,
        }
    }

    #[test]
    fn each_action_that_is_looked_for_has_words() {
        for action in ACTIONS {
            let changes = json!({ "bio": { "before": null, "after": "x" } });
            for outcome in ["success", "failure"] {
                assert!(tell(&event(action, outcome, changes.clone())).is_some(), "{action}");
            }
        }
    }

    #[test]
    fn addresses_are_named_as_long_as_they_are_known() {
        let email = |address: &str, primary: bool| json!({ "address": address, "primary": primary });
        let one = json!([email("a@example.org", true)]);
        let two = json!([email("a@example.org", false), email("b@example.org", true)]);
        let told = |action, before: &Value, after: &Value| {
            tell(&event(action, "success", json!({ "emails": { "before": before, "after": after } }))).unwrap().0
        };
        assert_eq!(told("email.added", &one, &two), "Added an address: b@example.org");
        assert_eq!(told("email.removed", &two, &one), "Removed an address: b@example.org");
        assert_eq!(told("email.primary_set", &one, &two), "Chose another primary address: b@example.org");
        assert_eq!(tell(&event("email.added", "success", json!({}))).unwrap().0, "Added an address");
    }

    #[test]
    fn an_event_whose_details_are_erased_is_told_all_the_same() {
        for action in ["sign_in", "api_key.created", "session.ended"] {
            assert!(tell(&event(action, "failure", json!({}))).is_some(), "{action}");
        }
        assert!(tell(&event("session.ended", "success", json!({ "why": "replaced" }))).is_none(), "the person goes on");
    }
}
