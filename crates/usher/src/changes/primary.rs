//! Which address of a user is the primary one, changed back: three values decide, of the address. Addresses themselves come and go by
//! hand, since who owns one may have changed.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Conflict;
use super::undo::{changed_since, refused};
use crate::id::EmailId;
use crate::users::{User, UserEmail};

const FIELD: &str = "email";

/// What undoing makes of a user's addresses.
pub enum Turn {
    Nothing,
    /// This one is the primary one again.
    Becomes(EmailId),
    Conflict(Box<Conflict>),
}

/// Of the addresses as they were, as the change made them, and of those that the user has.
pub fn turn(user: &User, before: &Value, after: &Value) -> Turn {
    let (was, made) = (Addresses::read(before), Addresses::read(after));
    if was.verified_at() != made.verified_at() {
        return of_addresses(user, before, after);
    }
    let (was, made, is) = (was.primary(), made.primary(), user.email.as_deref());
    if is == was {
        return Turn::Nothing;
    }
    if is != made {
        return Turn::Conflict(Box::new(changed_since(Some(user.id), FIELD, &json!(made), &json!(is))));
    }
    let again = user.emails.iter().find(|email| Some(email.address.as_str()) == was && email.verified_at.is_some());
    again.map_or_else(
        || {
            let detail = "The address that was the primary one is no verified one of the user any more: add it again first.";
            Turn::Conflict(Box::new(refused(Some(user.id), FIELD, detail)))
        },
        |email| Turn::Becomes(email.id),
    )
}

/// One was added, removed or verified.
fn of_addresses(user: &User, before: &Value, after: &Value) -> Turn {
    let is = json!(user.emails);
    if is == *before {
        return Turn::Nothing;
    }
    let conflict = if is == *after {
        let detail = "Addresses are added and removed by hand: who owns one may have changed.";
        refused(Some(user.id), "emails", detail)
    } else {
        changed_since(Some(user.id), "emails", after, &is)
    };
    Turn::Conflict(Box::new(conflict))
}

struct Addresses(Vec<UserEmail>);

impl Addresses {
    fn read(side: &Value) -> Self {
        Self(serde_json::from_value(side.clone()).unwrap_or_default())
    }

    fn primary(&self) -> Option<&str> {
        self.0.iter().find(|email| email.primary).map(|email| email.address.as_str())
    }

    /// Each with when it was verified, in one order: the primary one comes first in events.
    fn verified_at(&self) -> Vec<(EmailId, Option<Timestamp>)> {
        let mut all: Vec<_> = self.0.iter().map(|email| (email.id, email.verified_at)).collect();
        all.sort_by_key(|(id, _)| id.uuid());
        all
    }
}
