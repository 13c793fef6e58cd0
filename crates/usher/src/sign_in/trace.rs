//! Why a sign-in went as it did: every attempt at an account leaves what was decided in its audit event, in the order in which it is
//! decided. For those who help people in; nobody who is refused learns any of it.
//!
//! An attempt whose password was right may stop at the second factor. That it was asked for is an event; so is what was shown then, which says
//! what it answers. The asking stands for the attempt until something was shown, and not beside it.

use std::collections::HashSet;
use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::pending::Pending;
use super::proof::Who;
use super::store;
use crate::audit::{self, AuditEvent, Event, Wanted};
use crate::db::{DbResult, Tx};
use crate::error::AppResult;
use crate::id::{DeviceId, UserId};
use crate::network::Network;
use crate::second_factors;

/// Attempts are shown for so long. The audit trail has older ones.
const SHOWN_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);
const SIGN_IN: &str = "sign_in";
const ASKED: &str = "second_factor.asked";
/// A sign-in waits for five minutes, then a passkey's challenge may for as long, and the answer may be on its way.
const ANSWERED_WITHIN: SignedDuration = SignedDuration::from_mins(11);

/// An attempt to sign in.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SignInAttempt")]
pub struct Attempt {
    /// Of the audit event.
    pub id: Uuid,
    pub at: Timestamp,
    pub signed_in: bool,
    /// What it failed at: `locked`, `network`, `credentials`, `passkey`, `second_factor`, `second_factor_locked`, `second_factor_missing` (it was
    /// asked for and none was shown, or not yet), or what the gate said, such as `suspended`.
    pub refusal: Option<String>,
    /// The same in words.
    pub explanation: &'static str,
    /// What was decided, in its order; what came after a refusal was not looked at.
    pub decisions: Vec<Decision>,
    /// When the password was right and a second factor was asked for, if one was. What was shown for it in several tries has the same.
    pub asked_at: Option<Timestamp>,
    /// Until when the failure has locked the account for unknown devices.
    pub locked_until: Option<Timestamp>,
    /// The client's address; without the permission `users:read` its network only.
    pub address: Option<String>,
    pub user_agent: Option<String>,
    pub request_id: Option<String>,
}

/// One thing that was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "SignInDecision")]
pub struct Decision {
    /// `device`, `lock`, `network`, `password`, `standing`, or `second_factor` where one was asked for; of a sign-in with a passkey alone
    /// `device`, `passkey`, `standing`.
    pub about: &'static str,
    /// Of a device `known` or `unknown`, of a passkey `right` or `wrong`, of a password `right`, `wrong` or `none` (the user has none), of a second factor `right`, `wrong`,
    /// `locked` or `missing` (none was shown), else `passed` or `refused`.
    pub result: &'static str,
}

/// Notes in the event what the attempt came from.
pub fn note_device(event: Event, device: Option<DeviceId>) -> Event {
    event.detail("device", if device.is_some() { "known" } else { "unknown" })
}

/// Notes in the event what the attempt came from, and which asking for a second factor it answers.
pub fn note(event: Event, who: Who) -> Event {
    second_factors::note_asked(note_device(event, who.device), who.asked_at)
}

/// The password was right, and the second factor is asked for.
pub fn asked(who: Who, pending: &Pending) -> Event {
    let event = Event::success("second_factor.asked").on("user", who.user_id);
    note(event.detail("expires_at", pending.expires_at.to_string()), who)
}

/// The attempts of a user that began before this event, newest first.
pub async fn list(tx: &mut Tx, user_id: UserId, mut before: Option<Uuid>, limit: i64, masked: bool) -> AppResult<Vec<Attempt>> {
    let most = usize::try_from(limit).unwrap_or_default();
    let mut attempts = Vec::new();
    loop {
        let wanted = Wanted {
            target_id: Some(user_id.to_string()),
            actions: Some(vec![SIGN_IN.to_owned(), ASKED.to_owned()]),
            since: Some(tx.now() - SHOWN_FOR),
            before,
            limit,
            ..Wanted::default()
        };
        let mut events = audit::list(tx, wanted).await?;
        let are_all = events.len() < most;
        before = events.last().map(|event| event.id);
        leave_out_answered(tx, user_id, &mut events).await?;
        attempts.extend(events.into_iter().map(|event| attempt(event, masked)));
        if are_all || attempts.len() >= most {
            attempts.truncate(most);
            return Ok(attempts);
        }
    }
}

/// Leaves out each asking for which something was shown: that is the attempt. And those of earlier releases, since what was shown for them
/// does not say so; an asking of theirs does not say how long it waits.
async fn leave_out_answered(tx: &mut Tx, user_id: UserId, events: &mut Vec<AuditEvent>) -> DbResult<()> {
    events.retain(|event| event.action != ASKED || event.changes.get("expires_at").is_some());
    let asked: Vec<Timestamp> = events.iter().filter(|event| event.action == ASKED).map(|event| event.occurred_at).collect();
    if asked.is_empty() {
        return Ok(());
    }
    let answered = store::list_answered(tx, user_id, &asked, ANSWERED_WITHIN).await?;
    let answered: HashSet<Timestamp> = answered.into_iter().collect();
    events.retain(|event| event.action != ASKED || !answered.contains(&event.occurred_at));
    Ok(())
}

fn attempt(event: AuditEvent, masked: bool) -> Attempt {
    let detail = |name: &str| event.changes.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
    let is_asking = event.action == ASKED;
    let refusal = if is_asking { Some("second_factor_missing".to_owned()) } else { detail("refusal") };
    let (device, password) = (detail("device"), detail("password"));
    let asked_at = if is_asking { Some(event.occurred_at) } else { detail("asked_at").and_then(|at| at.parse().ok()) };
    let second = detail("second_factor");
    // After a password it is a second factor like any other.
    let by_passkey = second.as_deref() == Some("passkey") && asked_at.is_none();
    let address = if masked { event.address.as_deref().map(mask) } else { event.address.clone() };
    Attempt {
        id: event.id,
        at: event.occurred_at,
        signed_in: event.outcome == "success" && !is_asking,
        explanation: if by_passkey {
            explain_passkey(refusal.as_deref())
        } else {
            explain(refusal.as_deref(), password.as_deref())
        },
        decisions: if by_passkey {
            decisions_by_passkey(refusal.as_deref(), device.as_deref())
        } else {
            decisions(refusal.as_deref(), device.as_deref(), password.as_deref(), second.is_some())
        },
        asked_at,
        locked_until: detail("locked_until").and_then(|until| until.parse().ok()),
        refusal,
        address,
        user_agent: event.user_agent,
        request_id: event.request_id,
    }
}

fn mask(address: &str) -> String {
    Network::of(address.parse::<IpAddr>().ok()).to_string()
}

fn known(device: Option<&str>) -> &'static str {
    if device == Some("known") { "known" } else { "unknown" }
}

fn decisions_by_passkey(refusal: Option<&str>, device: Option<&str>) -> Vec<Decision> {
    let mut decisions = vec![Decision { about: "device", result: known(device) }];
    let is_wrong = refusal == Some("passkey");
    decisions.push(Decision { about: "passkey", result: if is_wrong { "wrong" } else { "right" } });
    if !is_wrong {
        decisions.push(Decision { about: "standing", result: if refusal.is_some() { "refused" } else { "passed" } });
    }
    decisions
}

fn decisions(refusal: Option<&str>, device: Option<&str>, password: Option<&str>, has_second: bool) -> Vec<Decision> {
    let mut decisions = vec![Decision { about: "device", result: known(device) }];
    for about in ["lock", "network", "password", "standing"] {
        let fails = match refusal {
            Some("locked") => about == "lock",
            Some("network") => about == "network",
            Some("credentials") => about == "password",
            Some("second_factor" | "second_factor_locked" | "second_factor_missing" | "passkey") | None => false,
            Some(_) => about == "standing",
        };
        let result = match (about, fails) {
            ("password", true) if password == Some("none") => "none",
            ("password", true) => "wrong",
            ("password", false) => "right",
            (_, true) => "refused",
            (_, false) => "passed",
        };
        decisions.push(Decision { about, result });
        if fails {
            return decisions;
        }
    }
    let shown = match refusal {
        Some("second_factor" | "passkey") => Some("wrong"),
        Some("second_factor_locked") => Some("locked"),
        Some("second_factor_missing") => Some("missing"),
        _ => has_second.then_some("right"),
    };
    decisions.extend(shown.map(|result| Decision { about: "second_factor", result }));
    decisions
}

fn explain_passkey(refusal: Option<&str>) -> &'static str {
    match refusal {
        None => "They signed in with a passkey.",
        Some("passkey") => "The passkey was known, but its answer did not fit.",
        Some("pending") => "The passkey was right, but the user has not verified their address yet.",
        Some("suspended") => "The passkey was right, but the user is suspended.",
        Some("deleted") => "The passkey was right, but the user is deleted.",
        Some("locked") => "The passkey was right, but too many wrong passwords have locked the account for unknown devices.",
        Some(_) => "The passkey was right, but the user may not sign in.",
    }
}

fn explain(refusal: Option<&str>, password: Option<&str>) -> &'static str {
    match (refusal, password) {
        (None, _) => "They signed in.",
        (Some("credentials"), Some("none")) => "The user has no password: they have never chosen one.",
        (Some("credentials"), _) => "The password was wrong.",
        (Some("locked"), _) => "Too many wrong passwords came before; nobody looked at this one.",
        (Some("network"), _) => {
            "Too many wrong passwords came from this network, at whatever accounts; nobody looked at this one."
        }
        (Some("second_factor"), _) => "The password was right, but the code of the second factor was not.",
        (Some("second_factor_locked"), _) => {
            "The password was right, but too many wrong codes came before; nobody looked at this one."
        }
        (Some("second_factor_missing"), _) => "The password was right, and the second factor was asked for: none has been shown.",
        (Some("passkey"), _) => "The password was right, but the passkey that was shown then did not fit.",
        (Some("pending"), _) => "The password was right, but the user has not verified their address yet.",
        (Some("suspended"), _) => "The password was right, but the user is suspended.",
        (Some("deleted"), _) => "The password was right, but the user is deleted.",
        (Some("unverified"), _) => "The password was right, but the primary address is not verified.",
        (Some("epoch_passed"), _) => "The password was changed while it was being verified.",
        (Some(_), _) => "The password was right, but the user may not sign in.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_end_with_the_one_that_refuses() {
        let names = |refusal, password| -> Vec<_> {
            decisions(refusal, Some("known"), password, false).iter().map(|decision| (decision.about, decision.result)).collect()
        };
        assert_eq!(names(Some("locked"), None), [("device", "known"), ("lock", "refused")]);
        assert_eq!(names(Some("credentials"), Some("none")).last(), Some(&("password", "none")));
        assert_eq!(names(Some("suspended"), None).last(), Some(&("standing", "refused")));
        assert_eq!(names(None, None).len(), 5);
        assert_eq!(names(Some("second_factor"), None).last(), Some(&("second_factor", "wrong")));
        assert_eq!(names(Some("second_factor_locked"), None).last(), Some(&("second_factor", "locked")));
        assert_eq!(names(Some("second_factor_missing"), None).last(), Some(&("second_factor", "missing")));
        assert_eq!(names(Some("passkey"), None).last(), Some(&("second_factor", "wrong")));
        let by_passkey = |refusal| decisions_by_passkey(refusal, None).last().map(|decision| (decision.about, decision.result));
        assert_eq!(by_passkey(Some("passkey")), Some(("passkey", "wrong")));
        assert_eq!(
            (by_passkey(Some("suspended")), by_passkey(None)),
            (Some(("standing", "refused")), Some(("standing", "passed")))
        );
        assert_eq!(decisions(None, None, None, true).last().unwrap().about, "second_factor");
    }

    #[test]
    fn a_masked_address_is_its_network() {
        assert_eq!((mask("203.0.113.7").as_str(), mask("2001:db8::1:2").as_str()), ("203.0.113.0/24", "2001:db8::/64"));
    }
}
