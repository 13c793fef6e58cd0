//! The words for what has happened. What has none is for administrators.

use fluent_bundle::FluentArgs;
use serde_json::Value;

use super::Tone;
use crate::audit::{self, AuditEvent};
use crate::languages;

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
pub fn by(actor_kind: &str) -> Option<String> {
    let who = match actor_kind {
        "user" => "actor-user",
        "service_account" => "actor-service-account",
        "cli" => "actor-cli",
        "system" => "actor-system",
        _ => return None,
    };
    Some(word(who))
}

/// The sentence, and how much it is to be looked at.
pub fn tell(event: &AuditEvent) -> Option<(String, Tone)> {
    let is_done = event.outcome == "success";
    let detail = |name: &str| event.changes.get(name).and_then(Value::as_str);
    let (what, tone) = match (event.action.as_str(), is_done) {
        ("sign_in", true) => ("sign-in", Tone::Plain),
        ("sign_in", false) => (refused_sign_in(detail("refusal")), Tone::Refused),
        ("second_factor.asked", _) => ("second-factor-asked", Tone::Plain),
        ("second_factor.started", _) => ("second-factor-started", Tone::Plain),
        ("second_factor.added", true) => ("second-factor-added", Tone::Changed),
        ("second_factor.added", false) => ("second-factor-added-not", Tone::Refused),
        ("second_factor.removed", _) => ("second-factor-removed", Tone::Changed),
        ("second_factor.reset", _) => ("second-factor-reset", Tone::Changed),
        ("device.trusted", _) => ("device-trusted", Tone::Changed),
        ("device.distrusted", _) => ("device-distrusted", Tone::Plain),
        ("passkey.added", true) => ("passkey-added", Tone::Changed),
        ("passkey.added", false) => ("passkey-added-not", Tone::Refused),
        ("passkey.copied", _) => ("passkey-copied", Tone::Refused),
        ("passkey.removed", _) => ("passkey-removed", Tone::Changed),
        ("passkey.renamed", _) => ("passkey-renamed", Tone::Plain),
        ("recovery_code.used", _) => ("recovery-code-used", Tone::Changed),
        ("recovery_codes.renewed", _) => ("recovery-codes-renewed", Tone::Changed),
        ("password.changed", _) => ("password-changed", Tone::Changed),
        ("password.set", _) => ("password-set", Tone::Changed),
        ("password_reset.started", _) => ("password-reset-started", Tone::Plain),
        ("refresh_token.reused", _) => ("refresh-token-reused", Tone::Refused),
        ("session.ended", _) => match detail("why") {
            Some("signed_out") => ("signed-out", Tone::Plain),
            Some("replaced") => return None,
            _ => ("session-ended", Tone::Plain),
        },
        ("user.other_sessions_ended", _) => ("user-other-sessions-ended", Tone::Plain),
        ("user.sessions_ended", _) => ("user-sessions-ended", Tone::Plain),
        ("sign_in.reported", _) => ("sign-in-reported", Tone::Refused),
        ("user.avatar_set", _) => ("user-avatar-set", Tone::Plain),
        ("user.avatar_removed", _) => ("user-avatar-removed", Tone::Plain),
        ("user.locked", _) => ("user-locked", Tone::Refused),
        ("user.unlocked", _) => ("user-unlocked", Tone::Plain),
        ("email.requested", _) => ("email-requested", Tone::Plain),
        ("email.withdrawn", _) => ("email-withdrawn", Tone::Plain),
        ("email.added" | "email.removed" | "email.primary_set", _) => return Some((changed_address(event), Tone::Changed)),
        ("email.verified", true) => ("email-verified", Tone::Plain),
        ("email.verified", false) => ("email-verified-not", Tone::Refused),
        ("api_key.created", _) => return Some((made_key(event), Tone::Changed)),
        ("api_key.revoked", _) => ("api-key-revoked", Tone::Plain),
        _ => (standing(event)?, Tone::Plain),
    };
    Some((word(what), tone))
}

/// What the catalogues say of it.
fn word(what: &str) -> String {
    languages::now().say(&format!("history-{what}"), &FluentArgs::new())
}

/// The same of something that has a name.
fn named(what: &str, value: &'static str, name: &str) -> String {
    languages::now().say(&format!("history-{what}-named"), &FluentArgs::from_iter([(value, name)]))
}

/// Whoever reads it has shown that the account is theirs.
fn refused_sign_in(refusal: Option<&str>) -> &'static str {
    match refusal {
        Some("credentials") => "sign-in-refused-credentials",
        Some("passkey") => "sign-in-refused-passkey",
        Some("locked") => "sign-in-refused-locked",
        Some("network") => "sign-in-refused-network",
        Some("second_factor") => "sign-in-refused-second-factor",
        Some("second_factor_locked") => "sign-in-refused-second-factor-locked",
        _ => "sign-in-refused",
    }
}

fn made_key(event: &AuditEvent) -> String {
    let name =
        audit::fields(&event.changes).into_iter().find(|(field, ..)| *field == "name").and_then(|(_, _, name)| name.as_str());
    name.map_or_else(|| word("api-key-created"), |name| named("api-key-created", "name", name))
}

/// Names the address, as long as it is known which it was.
fn changed_address(event: &AuditEvent) -> String {
    let sides = audit::fields(&event.changes).into_iter().find(|(field, ..)| *field == "emails");
    let (before, after) = sides.map(|(_, before, after)| (addresses(before), addresses(after))).unwrap_or_default();
    let not_in = |these: &[(&str, bool)], others: &[(&str, bool)]| {
        let found = these.iter().find(|(address, _)| !others.iter().any(|(other, _)| other == address));
        found.map_or_else(String::new, |(address, _)| (*address).to_owned())
    };
    let primary = || after.iter().find(|(_, is_primary)| *is_primary).map_or("", |(address, _)| address).to_owned();
    let (what, address) = match event.action.as_str() {
        "email.added" => ("email-added", not_in(&after, &before)),
        "email.removed" => ("email-removed", not_in(&before, &after)),
        _ => ("email-primary-set", primary()),
    };
    if address.is_empty() { word(what) } else { named(what, "address", &address) }
}

/// The addresses of a user as an event has them, and whether each was the primary one.
fn addresses(emails: &Value) -> Vec<(&str, bool)> {
    let emails = emails.as_array().into_iter().flatten();
    emails.filter_map(|email| Some((email["address"].as_str()?, email["primary"] == true))).collect()
}

/// What has happened to the person as a user.
fn standing(event: &AuditEvent) -> Option<&'static str> {
    Some(match event.action.as_str() {
        "user.created" | "server.set_up" => "user-created",
        "user.registered" => "user-registered",
        "user.activated" => "user-activated",
        "user.suspended" => "user-suspended",
        "user.reactivated" => "user-reactivated",
        "user.deleted" => "user-deleted",
        "user.restored" => "user-restored",
        "user.inactivity_warned" => "user-inactivity-warned",
        "user.data_read" => "user-data-read",
        "approval.requested" => "approval-requested",
        "approval.withdrawn" => "approval-withdrawn",
        "approval.approved" => "approval-approved",
        "approval.declined" => "approval-declined",
        "user.professional_set" => "user-professional-set",
        "user.roles_set" | "user.role_granted" | "user.role_taken" | "user.role_expired" => "user-roles-set",
        "group.member_put" => "group-joined",
        "group.member_removed" | "group.member_expired" => "group-left",
        "user.updated" => return updated(event),
        _ => return None,
    })
}

/// Names the fields, not what is in them.
fn updated(event: &AuditEvent) -> Option<&'static str> {
    let names: Vec<&str> = audit::fields(&event.changes).into_iter().map(|(field, ..)| field).collect();
    if names.contains(&"username") {
        return Some("username-changed");
    }
    (!names.is_empty()).then_some("profile-changed")
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
                let (told, _) = tell(&event(action, outcome, changes.clone())).unwrap();
                assert!(!told.starts_with("history-"), "no catalogue has {told} of {action}");
            }
        }
        for refusal in ["credentials", "passkey", "locked", "network", "second_factor", "second_factor_locked"] {
            let (told, _) = tell(&event("sign_in", "failure", json!({ "refusal": refusal }))).unwrap();
            assert!(told.starts_with("Sign-in refused: "), "{refusal}: {told}");
        }
        for kind in ["user", "service_account", "cli", "system"] {
            assert!(!by(kind).unwrap().starts_with("history-"), "{kind}");
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
        let key = json!({ "name": { "before": null, "after": "Night" } });
        assert_eq!(tell(&event("api_key.created", "success", key)).unwrap().0, "Made the API key Night");
    }

    #[test]
    fn an_event_whose_details_are_erased_is_told_all_the_same() {
        for action in ["sign_in", "api_key.created", "session.ended"] {
            assert!(tell(&event(action, "failure", json!({}))).is_some(), "{action}");
        }
        assert!(tell(&event("session.ended", "success", json!({ "why": "replaced" }))).is_none(), "the person goes on");
    }
}
