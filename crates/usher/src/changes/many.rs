//! Undoing many events at once, each of a user.

use std::collections::{HashMap, HashSet};

use super::undo::{Plan, undo_of_user};
use super::{Conflict, Undone, memberships};
use crate::audit::AuditEvent;
use crate::caller::Authority;
use crate::db::Tx;
use crate::error::{AppError, AppResult, Rejection};
use crate::id::UserId;
use crate::users::{self, ChangeOfMany, Outcome, User};

/// Changes back what many events have changed of users, with a few statements for those that come to the same change. A conflict leaves
/// out its event.
pub async fn undo_many(tx: &mut Tx, by: Authority, events: &[&AuditEvent]) -> AppResult<Vec<Outcome>> {
    let ids: Vec<Option<UserId>> = events.iter().map(|event| event.target_id.as_deref().and_then(|id| id.parse().ok())).collect();
    let known: Vec<UserId> = ids.iter().copied().flatten().collect();
    let users: HashMap<UserId, User> = users::lock_many(tx, &known).await?.into_iter().map(|user| (user.id, user)).collect();
    let mut outcomes = Vec::with_capacity(events.len());
    let mut groups: Vec<(ChangeOfMany, Vec<usize>)> = Vec::new();
    let mut alone = Vec::new();
    let mut seen = HashSet::new();
    for (at, event) in events.iter().enumerate() {
        outcomes.push(Outcome::Unchanged);
        let by_itself = event.erased || memberships::is_one(event);
        let user = ids[at].and_then(|id| users.get(&id)).filter(|user| seen.insert(user.id) && !by_itself);
        let Some(user) = user else {
            alone.push(at);
            continue;
        };
        let plan = Plan::of(event, user, tx.now())?;
        if !plan.conflicts.is_empty() {
            outcomes[at] = Outcome::Refused(conflict(&plan.conflicts));
        } else if let Err(rejection) = plan.require_permissions(by) {
            outcomes[at] = Outcome::Refused(rejection);
        } else if let Some(change) = plan.as_one_change() {
            match groups.iter_mut().find(|(known, _)| *known == change) {
                Some((_, members)) => members.push(at),
                None => groups.push((change, vec![at])),
            }
        } else if !plan.is_empty() {
            alone.push(at);
        }
    }
    for (change, members) in groups {
        let together: Vec<User> = members.iter().filter_map(|at| users.get(&ids[*at]?).cloned()).collect();
        let came_of_it = users::change_many(tx, by, &together, &change).await?;
        for (at, outcome) in members.into_iter().zip(came_of_it) {
            outcomes[at] = outcome;
        }
    }
    for at in alone {
        outcomes[at] = undo_alone(tx, by, events[at]).await?;
    }
    Ok(outcomes)
}

/// Refused, it leaves no trace in the transaction.
async fn undo_alone(tx: &mut Tx, by: Authority, event: &AuditEvent) -> AppResult<Outcome> {
    tx.execute("savepoint one", &[]).await?;
    let outcome = match undo_of_user(tx, by, event, false).await {
        Ok(Undone::Reverted) => Outcome::Done,
        Ok(Undone::Unchanged) => Outcome::Unchanged,
        Ok(Undone::Conflicts(conflicts)) => Outcome::Refused(conflict(&conflicts)),
        Err(AppError::Rejected(rejection)) => {
            tx.execute("rollback to savepoint one", &[]).await?;
            Outcome::Refused(*rejection)
        }
        Err(error) => return Err(error),
    };
    tx.execute("release savepoint one", &[]).await?;
    Ok(outcome)
}

/// What stands in the way of an event, in one sentence.
fn conflict(conflicts: &[Conflict]) -> Rejection {
    let fields = conflicts.iter().map(|conflict| conflict.field.as_str()).filter(|field| !field.is_empty());
    let fields = fields.collect::<Vec<_>>().join(", ");
    let detail = conflicts.first().map_or("", |conflict| conflict.detail.as_str());
    let detail = if fields.is_empty() { detail.to_owned() } else { format!("{fields}: {detail}") };
    Rejection::conflict("undo_conflict", detail)
}
