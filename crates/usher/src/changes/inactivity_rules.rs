//! Undoing a change of a rule on inactivity. What it may do is no part of that: it may do what whoever undoes the change may do.

use super::Undone;
use super::definitions::{found, of_another_release, read, stands, target};
use super::three_ways::{Back, Turn};
use super::undo::refused;
use crate::audit::{self, AuditEvent};
use crate::caller::Authority;
use crate::db::Tx;
use crate::error::AppResult;
use crate::inactivity_rules::{self, Terms};

/// Follow from who wrote the rule last, and from its turns.
const FOLLOWING: [&str; 4] = ["permissions", "last_run_on", "last_run_id", "last_error"];

/// Field by field. One that was deleted comes back under its id: whom it has warned stays warned.
pub async fn undo(tx: &mut Tx, by: Authority, event: &AuditEvent, skip_conflicts: bool) -> AppResult<Undone> {
    let Some(id) = target(event) else { return Ok(Undone::Unchanged) };
    if audit::fields(&event.changes).iter().all(|(name, ..)| FOLLOWING.contains(name)) {
        let detail = "What a rule may do follows from who has written it last: save it anew by hand.";
        return Ok(stands(refused(None, "permissions", detail)));
    }
    let now = found(inactivity_rules::lock(tx, by, id).await)?;
    let mut back = Back::of(event, now.as_ref())?;
    for field in FOLLOWING {
        back.leave_out(field);
    }
    match (back.turn(skip_conflicts), &now) {
        (Turn::Stays, _) => return Ok(back.stays()),
        (Turn::Goes, Some(rule)) => {
            inactivity_rules::delete(tx, rule).await?;
            return Ok(back.done());
        }
        _ => {}
    }
    let members = match &now {
        Some(rule) => back.applied_to(&serde_json::to_value(rule)?),
        None => back.members(),
    };
    let Some(terms) = read::<Terms>(members) else { return Ok(of_another_release()) };
    let written = match &now {
        Some(rule) => inactivity_rules::update(tx, by, rule, terms).await,
        None => inactivity_rules::insert(tx, by, id, terms).await,
    };
    match written {
        Err(error) if error.code() == Some("invalid_body") => {
            let detail = "The rule can't be written as it was any more, such as for an attribute that is gone: write it by hand.";
            Ok(stands(refused(None, "", detail)))
        }
        written => written.map(|_| back.done()),
    }
}
