//! What somebody holds until a time or for good: a role, or a membership. Three values decide what undo makes of it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::audit;
use crate::roles::RoleEnds;
use crate::users::User;

/// How it is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// `None`: it does not end by itself.
    pub until: Option<Timestamp>,
}

impl Held {
    fn has_ended(self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

/// What undo makes of it.
#[derive(Debug, PartialEq, Eq)]
pub enum Turn {
    /// It is as it was, or the change was of something else.
    Nothing,
    Becomes(Option<Held>),
    ChangedSince,
    /// Given back, it would have ended by now.
    Ended,
}

/// What it was, what the change made of it, and what it is. Nobody has changed what ended by itself.
pub fn turn(was: Option<Held>, made: Option<Held>, is: Option<Held>, now: Timestamp) -> Turn {
    if was == made || was == is {
        Turn::Nothing
    } else if is != made.filter(|made| !made.has_ended(now)) {
        Turn::ChangedSince
    } else if was.is_some_and(|was| was.has_ended(now)) {
        Turn::Ended
    } else {
        Turn::Becomes(was)
    }
}

/// As a conflict tells it; `null` for what is not held.
pub fn shown(held: Option<Held>) -> Value {
    held.map_or(Value::Null, |held| json!({ "expires_at": held.until }))
}

/// A field of an event, before and after.
pub fn sides<T: DeserializeOwned + Default>(changes: &Value, field: &str) -> Option<(T, T)> {
    let (_, before, after) = audit::fields(changes).into_iter().find(|(name, _, _)| *name == field)?;
    let read = |value: &Value| serde_json::from_value(value.clone()).unwrap_or_default();
    Some((read(before), read(after)))
}

/// The roles that an event names, each as it was and as the event has made it.
pub fn roles_of(changes: &Value) -> BTreeMap<String, (Option<Held>, Option<Held>)> {
    let roles: Option<(Vec<String>, Vec<String>)> = sides(changes, "roles");
    let (ends_before, ends) = role_ends(changes);
    let mut names: BTreeSet<&String> = ends_before.keys().chain(ends.keys()).collect();
    names.extend(roles.iter().flat_map(|(before, after)| before.iter().chain(after)));
    // Where roles are no field they were the same before and after.
    let held = |names: Option<&Vec<String>>, ends: &RoleEnds, name: &String| {
        names.is_none_or(|names| names.contains(name)).then(|| Held { until: ends.get(name).copied() })
    };
    let both = |name: &String| {
        let (before, after) = (roles.as_ref().map(|sides| &sides.0), roles.as_ref().map(|sides| &sides.1));
        (name.clone(), (held(before, &ends_before, name), held(after, &ends, name)))
    };
    names.into_iter().map(both).collect()
}

fn role_ends(changes: &Value) -> (RoleEnds, RoleEnds) {
    // Earlier releases wrote the end of a single role only, beside the fields.
    let one = |detail: &str| -> RoleEnds {
        let end = changes[detail].as_str().and_then(|end| end.parse().ok());
        changes["role"].as_str().map(ToOwned::to_owned).zip(end).into_iter().collect()
    };
    sides(changes, "role_ends").unwrap_or_else(|| (one("ends_before"), one("ends")))
}

/// The roles that a user was created with, without what has ended by itself.
pub fn left_of_creation(changes: &Value, now: Timestamp) -> (Vec<String>, RoleEnds) {
    let made = roles_of(changes).into_iter().filter_map(|(name, (_, made))| Some((name, made?)));
    let left: Vec<(String, Held)> = made.filter(|(_, made)| !made.has_ended(now)).collect();
    let ends = left.iter().filter_map(|(name, held)| Some((name.clone(), held.until?))).collect();
    (left.into_iter().map(|(name, _)| name).collect(), ends)
}

/// How a user holds a role.
pub fn of_user(user: &User, role: &str) -> Option<Held> {
    user.roles.iter().any(|held| held == role).then(|| Held { until: user.role_ends.get(role).copied() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_values_decide_and_what_ended_by_itself_was_changed_by_nobody() {
        let now = Timestamp::UNIX_EPOCH;
        let second = |at: i64| Some(Held { until: Timestamp::from_second(at).ok() });
        let (past, soon, late, ever) = (second(-1), second(1), second(2), Some(Held { until: None }));
        for (was, made, is, turned) in [
            (soon, None, None, Turn::Becomes(soon)),
            (None, soon, soon, Turn::Becomes(None)),
            (soon, late, late, Turn::Becomes(soon)),
            (ever, past, None, Turn::Becomes(ever)),
            (None, past, None, Turn::Nothing),
            (soon, soon, None, Turn::Nothing),
            (soon, None, soon, Turn::Nothing),
            (None, soon, late, Turn::ChangedSince),
            (soon, None, ever, Turn::ChangedSince),
            (None, soon, ever, Turn::ChangedSince),
            (past, None, None, Turn::Ended),
            (past, late, late, Turn::Ended),
        ] {
            assert_eq!(turn(was, made, is, now), turned, "{was:?} {made:?} {is:?}");
        }
    }

    #[test]
    fn events_of_earlier_releases_tell_the_end_of_a_single_role() {
        let (end, other) = ("2030-01-02T03:04:05Z", "2031-01-02T03:04:05Z");
        let until = |end: &str| Some(Held { until: end.parse().ok() });
        let roles = json!({ "before": ["reader", "user"], "after": ["user"] });
        let taken = json!({ "roles": roles, "role": "reader", "ends_before": end });
        let read = roles_of(&taken);
        assert_eq!(read["reader"], (until(end), None));
        assert_eq!(read["user"].0, read["user"].1);
        let moved = json!({ "role_ends": { "before": { "reader": end }, "after": { "reader": other } } });
        assert_eq!(roles_of(&moved)["reader"], (until(end), until(other)));
    }
}
