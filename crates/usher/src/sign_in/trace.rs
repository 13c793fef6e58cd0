//! Why a sign-in went as it did: every attempt at an account leaves what was decided in its audit event, in the order in which it is
//! decided. For those who help people in; nobody who is refused learns any of it.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::audit::{self, AuditEvent, Event, Wanted};
use crate::db::Tx;
use crate::error::AppResult;
use crate::id::{DeviceId, UserId};
use crate::network::Network;

/// Attempts are shown for so long. The audit trail has older ones.
const SHOWN_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

/// An attempt to sign in.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SignInAttempt")]
pub struct Attempt {
    /// Of the audit event.
    pub id: Uuid,
    pub at: Timestamp,
    pub signed_in: bool,
    /// What it failed at: `locked`, `network`, `credentials`, `passkey`, `second_factor`, `second_factor_locked`, or what the gate said, such as
    /// `suspended`.
    pub refusal: Option<String>,
    /// The same in words.
    pub explanation: &'static str,
    /// What was decided, in its order; what came after a refusal was not looked at.
    pub decisions: Vec<Decision>,
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
    /// `device`, `lock`, `network`, `password`, `standing`, or `second_factor` where one was shown; of a sign-in with a passkey `device`,
    /// `passkey`, `standing`.
    pub about: &'static str,
    /// Of a device `known` or `unknown`, of a passkey `right` or `wrong`, of a password `right`, `wrong` or `none` (the user has none), of a second factor `right`, `wrong`
    /// or `locked`, else `passed` or `refused`.
    pub result: &'static str,
}

/// Notes in the event what the attempt came from.
pub fn note_device(event: Event, device: Option<DeviceId>) -> Event {
    event.detail("device", if device.is_some() { "known" } else { "unknown" })
}

/// The attempts of a user that began before this event, newest first.
pub async fn list(tx: &mut Tx, user_id: UserId, before: Option<Uuid>, limit: i64, masked: bool) -> AppResult<Vec<Attempt>> {
    let wanted = Wanted {
        target_id: Some(user_id.to_string()),
        action: Some("sign_in".to_owned()),
        since: Some(tx.now() - SHOWN_FOR),
        before,
        limit,
        ..Wanted::default()
    };
    Ok(audit::list(tx, wanted).await?.into_iter().map(|event| attempt(event, masked)).collect())
}

fn attempt(event: AuditEvent, masked: bool) -> Attempt {
    let detail = |name: &str| event.changes.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
    let (refusal, device, password) = (detail("refusal"), detail("device"), detail("password"));
    let second = detail("second_factor");
    let by_passkey = second.as_deref() == Some("passkey");
    let address = if masked { event.address.as_deref().map(mask) } else { event.address.clone() };
    Attempt {
        id: event.id,
        at: event.occurred_at,
        signed_in: event.outcome == "success",
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
            Some("second_factor" | "second_factor_locked") | None => false,
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
        Some("second_factor") => Some("wrong"),
        Some("second_factor_locked") => Some("locked"),
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
