//! Doing a run, batch by batch.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{Action, Running, State, store, warning};
use crate::activity;
use crate::app::App;
use crate::attempts::{self, Authenticator};
use crate::audit::{self, AuditEvent, Event};
use crate::caller::{self, Authority, PermissionSet};
use crate::changes;
use crate::db::{Actor, Tx};
use crate::error::{AppError, AppResult, LogAndIgnore, Rejection};
use crate::id::UserId;
use crate::recovery;
use crate::users::{self, ChangeOfMany, Outcome, User};

/// Users that one transaction does: enough that the statements are few, and not so many that anybody waits long for a row.
const BATCH: i64 = 500;

/// Whether there is more to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    More,
    /// Somebody else does a batch of it at this moment, and may go away before the end.
    Busy,
    Over,
}

/// An item whose turn it is.
pub struct Due {
    pub position: i64,
    pub user_id: UserId,
    pub event_id: Option<Uuid>,
}

/// What came of it.
pub struct Did {
    pub position: i64,
    pub outcome: &'static str,
    pub code: Option<String>,
    pub detail: Option<String>,
}

impl Did {
    fn new(position: i64, outcome: &'static str) -> Self {
        Self { position, outcome, code: None, detail: None }
    }

    pub fn of(position: i64, outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::new(position, "done"),
            Outcome::Unchanged => Self::new(position, "unchanged"),
            Outcome::Refused(rejection) => Self::refused(position, rejection.code, &rejection.detail),
        }
    }

    fn refused(position: i64, code: &str, detail: &str) -> Self {
        Self { position, outcome: "refused", code: Some(code.to_owned()), detail: Some(detail.to_owned()) }
    }

    pub fn gone(due: &Due) -> Self {
        Self::refused(due.position, "not_found", super::explain("not_found"))
    }
}

/// Does the next batch. What fails for all is tried one by one, so that one user does not hold up the others.
pub async fn step(app: &App, id: Uuid) -> AppResult<Step> {
    let failure = match batch(app, id, BATCH).await {
        Err(AppError::Internal(error)) => error,
        other => return other,
    };
    tracing::warn!(run = %id, error = %failure, "a batch of a run failed; its users are done one by one");
    for _ in 0..BATCH {
        match batch(app, id, 1).await {
            Ok(Step::More) => {}
            Ok(other) => return Ok(other),
            Err(AppError::Internal(error)) => skip(app, id, &error).await?,
            Err(rejected) => return Err(rejected),
        }
    }
    Ok(Step::More)
}

async fn batch(app: &App, id: Uuid, size: i64) -> AppResult<Step> {
    let mut tx = app.begin_as(Actor::System).await?;
    let Some(run) = store::find_running(&mut tx, id, true).await?.filter(|run| run.state == State::Running) else {
        let goes_on = store::find_state(&mut tx, id).await? == Some(State::Running);
        return Ok(if goes_on { Step::Busy } else { Step::Over });
    };
    let Some(by) = authority(&mut tx, &run).await? else {
        let why = "whoever began it may not do this any more";
        store::update_to_ended(&mut tx, id, State::Failed, Some(why)).await?;
        audit::record(&mut tx, Event::failure("bulk.finished").on("bulk", id).detail("why", why)).await?;
        tx.commit().await?;
        return Ok(Step::Over);
    };
    let now = tx.now();
    tx.go_on_for(run.origin(), now);
    let due = store::list_due(&mut tx, id, run.position, size).await?;
    let Some(last) = due.last().map(|due| due.position) else {
        finish(&mut tx, &run).await?;
        tx.commit().await?;
        return Ok(Step::Over);
    };
    let did = match (&run.action, run.action.change()) {
        (_, Some(change)) => change_users(&mut tx, by, &run, &due, &change).await?,
        (Action::Undo, None) => undo(&mut tx, by, &due).await?,
        (Action::WarnInactive { rule, then }, None) => warning::warn(&mut tx, by, &run, &due, (*rule, then)).await?,
        (_, None) => require_resets(&mut tx, by, &due).await?,
    };
    store::update_items(&mut tx, id, &did).await?;
    store::update_position(&mut tx, id, last, run.counts.map(|counts| counts.after(&did))).await?;
    tx.commit().await?;
    Ok(Step::More)
}

/// What the run may do now: as much as whoever began it might do then and may do still.
async fn authority(tx: &mut Tx, run: &Running) -> AppResult<Option<Authority>> {
    let Some(subject) = run.subject() else {
        // usher itself does what a rule says, and may what its writer might.
        let permissions = if run.actor == Actor::System { run.permissions } else { PermissionSet::all() };
        return Ok(Some(Authority::without_session(permissions, None)));
    };
    let held = caller::find_active_permissions(tx, subject).await?;
    let permissions = held.map(|held| held.intersection(run.permissions));
    let authority = permissions.map(|permissions| Authority::without_session(permissions, subject.user_id()));
    Ok(authority.filter(|authority| run.action.require(authority.permissions).is_ok()))
}

async fn finish(tx: &mut Tx, run: &Running) -> AppResult<()> {
    store::update_to_ended(tx, run.id, State::Finished, None).await?;
    let mut event = Event::success("bulk.finished").on("bulk", run.id);
    // Items that would have to be counted now may be too many for a statement: the run ends all the same.
    if let Some(counts) = run.counts {
        event = event.detail("counts", serde_json::to_value(counts)?);
    }
    audit::record(tx, event).await?;
    Ok(())
}

/// The next item can't be done, and not for a reason of its own: it is noted, and the run goes on.
async fn skip(app: &App, id: Uuid, error: &anyhow::Error) -> AppResult<()> {
    tracing::error!(run = %id, %error, "a user of a run was left out");
    let mut tx = app.begin_as(Actor::System).await?;
    let Some(run) = store::find_running(&mut tx, id, true).await? else { return Ok(()) };
    if let Some(due) = store::list_due(&mut tx, id, run.position, 1).await?.pop() {
        let detail = Some("The server failed; its log says why.".to_owned());
        let did = [Did { detail, code: Some("internal".to_owned()), ..Did::new(due.position, "failed") }];
        store::update_items(&mut tx, id, &did).await?;
        store::update_position(&mut tx, id, due.position, run.counts.map(|counts| counts.after(&did))).await?;
    }
    tx.commit().await.log_and_ignore("the item is tried again");
    Ok(())
}

async fn change_users(tx: &mut Tx, by: Authority, run: &Running, due: &[Due], change: &ChangeOfMany) -> AppResult<Vec<Did>> {
    let ids: Vec<UserId> = due.iter().map(|due| due.user_id).collect();
    let mut users = users::lock_many(tx, &ids).await?;
    let active = list_active_again(tx, run, &ids).await?;
    users.retain(|user| !active.contains(&user.id));
    let now = tx.now();
    let outcomes = if run.action.end().is_some_and(|end| end <= now) {
        // It was paused for longer than the grants last.
        let too_late = Outcome::Refused(Rejection::conflict("in_the_past", super::explain("in_the_past")));
        vec![too_late; users.len()]
    } else {
        users::change_many(tx, by, &users, change).await?
    };
    let spared = || Outcome::Refused(Rejection::conflict("active_again", super::explain("active_again")));
    let mut found: HashMap<UserId, Outcome> = active.into_iter().map(|id| (id, spared())).collect();
    found.extend(users.iter().map(|user| user.id).zip(outcomes));
    let did =
        |due: &Due| found.get(&due.user_id).map_or_else(|| Did::gone(due), |outcome| Did::of(due.position, outcome.clone()));
    Ok(due.iter().map(did).collect())
}

/// Of users who are locked, those who were active when they should not have been.
async fn list_active_again(tx: &mut Tx, run: &Running, ids: &[UserId]) -> AppResult<HashSet<UserId>> {
    let Some(before) = run.inactive_before else { return Ok(HashSet::new()) };
    let last_days = activity::list_last_days(tx, ids).await?;
    Ok(last_days.into_iter().filter(|(_, day)| *day >= before).map(|(id, _)| id).collect())
}

/// Nobody gets in with the present password any more, and everybody gets a link to choose another.
async fn require_resets(tx: &mut Tx, by: Authority, due: &[Due]) -> AppResult<Vec<Did>> {
    let ids: Vec<UserId> = due.iter().map(|due| due.user_id).collect();
    let users = users::lock_many(tx, &ids).await?;
    let mut did = Vec::with_capacity(due.len());
    for due in due {
        let Some(user) = users.iter().find(|user| user.id == due.user_id) else {
            did.push(Did::gone(due));
            continue;
        };
        did.push(match require_reset(tx, by, user).await {
            Ok(()) => Did::new(due.position, "done"),
            Err(AppError::Rejected(rejection)) => Did::refused(due.position, rejection.code, &rejection.detail),
            Err(error) => return Err(error),
        });
    }
    Ok(did)
}

/// What may refuse it comes before what changes anything.
async fn require_reset(tx: &mut Tx, by: Authority, user: &User) -> AppResult<()> {
    by.over(user.permissions)?;
    recovery::start(tx, user).await?;
    attempts::disable(tx, Authenticator::Password, user.id).await?;
    users::end_all_sessions(tx, user.id).await?;
    Ok(())
}

async fn undo(tx: &mut Tx, by: Authority, due: &[Due]) -> AppResult<Vec<Did>> {
    let ids: Vec<Uuid> = due.iter().filter_map(|due| due.event_id).collect();
    let found: HashMap<Uuid, AuditEvent> = audit::find(tx, &ids).await?.into_iter().map(|event| (event.id, event)).collect();
    let event = |due: &Due| due.event_id.and_then(|id| found.get(&id));
    let events: Vec<&AuditEvent> = due.iter().filter_map(event).collect();
    let mut outcomes = changes::undo_many(tx, by, &events).await?.into_iter();
    let did = |due: &Due| match event(due).and_then(|_| outcomes.next()) {
        Some(outcome) => Did::of(due.position, outcome),
        None => Did::gone(due),
    };
    Ok(due.iter().map(did).collect())
}
