//! Warning users that their account is unused: a mail, once for each rule and each time that they stay away.

use std::collections::HashMap;

use jiff::ToSpan;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::work::{Did, Due};
use super::{Running, explain, store};
use crate::activity;
use crate::audit::{self, Event};
use crate::caller::{Authority, UserStatus};
use crate::db::{DbResult, Tx};
use crate::error::{AppResult, Rejection};
use crate::id::UserId;
use crate::mails::{self, About, Ending, Template, Unused};
use crate::users::{self, Outcome, User};

/// What a rule does to whoever stays away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consequence {
    pub ending: Ending,
    pub after_days: i32,
    pub warned_days: Option<i32>,
}

impl Consequence {
    /// The first night that can hit somebody who was active on this day last and is warned today.
    fn first_day(&self, last_day: Date, today: Date) -> Date {
        let of_inactivity = last_day.saturating_add((self.after_days + 1).days());
        let of_warning = today.saturating_add((self.warned_days.unwrap_or(0) + 1).days());
        of_inactivity.max(of_warning)
    }
}

/// What comes first; of two on the same day that which takes more.
fn first(then: &[Consequence], last_day: Date, today: Date) -> Option<(Ending, Date)> {
    let found = then.iter().map(|one| (one.ending, one.first_day(last_day, today)));
    found.min_by_key(|(ending, day)| (*day, *ending != Ending::Deleted))
}

/// Warns those whose turn it is.
pub async fn warn(
    tx: &mut Tx,
    by: Authority,
    run: &Running,
    due: &[Due],
    (rule, then): (Uuid, &[Consequence]),
) -> AppResult<Vec<Did>> {
    let ids: Vec<UserId> = due.iter().map(|due| due.user_id).collect();
    let users: HashMap<UserId, User> = users::lock_many(tx, &ids).await?.into_iter().map(|user| (user.id, user)).collect();
    let last_days = activity::list_last_days(tx, &ids).await?;
    let warned: HashMap<UserId, Date> = store::list_warned(tx, rule, &ids).await?.into_iter().collect();
    let today = activity::day_of(tx.now());
    let mut done = Vec::new();
    let mut did = Vec::with_capacity(due.len());
    for due in due {
        let (Some(user), Some(last_day)) = (users.get(&due.user_id), last_days.get(&due.user_id).copied()) else {
            did.push(Did::gone(due));
            continue;
        };
        let outcome = judge(by, run, user, last_day, warned.get(&user.id).copied());
        if matches!(outcome, Outcome::Done) {
            done.push((user.id, last_day));
        }
        did.push(Did::of(due.position, outcome));
    }
    store::upsert_warnings(tx, rule, &done).await?;
    let event = |(id, last_day): &(UserId, Date)| {
        Event::success("user.inactivity_warned").on("user", id).detail("last_day", last_day.to_string())
    };
    audit::record_all(tx, done.iter().map(event).collect()).await?;
    for (id, last_day) in done {
        let unused = Unused { since: last_day, ends: first(then, last_day, today) };
        mails::request_about(tx, Template::InactivityWarning, id, About { unused: Some(unused), ..About::default() }).await?;
    }
    Ok(did)
}

fn judge(by: Authority, run: &Running, user: &User, last_day: Date, warned: Option<Date>) -> Outcome {
    if let Err(refused) = by.over(user.permissions) {
        return Outcome::Refused(refused);
    }
    let refused = |code: &'static str| Outcome::Refused(Rejection::conflict(code, explain(code)));
    if user.status != UserStatus::Active {
        return refused("invalid_state");
    }
    if run.inactive_before.is_some_and(|before| last_day >= before) {
        return refused("active_again");
    }
    if warned.is_some_and(|day| day >= last_day) {
        return Outcome::Unchanged;
    }
    if user.email_verified { Outcome::Done } else { refused("no_address") }
}

/// Notes which warnings a mail server has taken since the last look: from then on they count.
pub async fn note_warnings_sent(tx: &mut Tx) -> DbResult<()> {
    store::update_warnings_to_sent(tx, Template::InactivityWarning.name()).await
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn what_comes_first_is_told_and_never_before_its_warning_counts() {
        let one = |ending, after_days, warned_days| Consequence { ending, after_days, warned_days };
        let (suspend, delete) = (one(Ending::Suspended, 40, None), one(Ending::Deleted, 60, Some(10)));
        let (last_day, today) = (date(2026, 1, 1), date(2026, 1, 31));
        assert_eq!(first(&[delete, suspend], last_day, today), Some((Ending::Suspended, date(2026, 2, 11))));
        assert_eq!(first(&[delete], last_day, today), Some((Ending::Deleted, date(2026, 3, 3))));
        // Long after their time they are warned first, and have the time that follows a warning.
        assert_eq!(first(&[delete], last_day, date(2027, 1, 1)), Some((Ending::Deleted, date(2027, 1, 12))));
        assert_eq!(first(&[suspend], last_day, date(2027, 1, 1)), Some((Ending::Suspended, date(2027, 1, 2))));
        let same = one(Ending::Suspended, 60, None);
        assert_eq!(first(&[same, delete], last_day, today), Some((Ending::Deleted, date(2026, 3, 3))));
        assert_eq!(first(&[], last_day, today), None);
    }
}
