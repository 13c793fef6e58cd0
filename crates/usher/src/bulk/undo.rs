//! Undoing a change set: a small one at once, a large one by a run.

use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use super::{Action, Counts, Run, State, jobs, store};
use crate::app::App;
use crate::audit::{self, AuditEvent, Event};
use crate::caller::Authority;
use crate::changes::{self, Conflict, Migration, UNDONE, Undone};
use crate::db::{OnConstraint, Tx};
use crate::error::{AppResult, Rejection};
use crate::id::new_uuid;
use crate::roles::{self, Role};

/// So many events are undone in one transaction; more of them by a run.
const AT_ONCE_MAX: i64 = 50;
/// What these have ended does not come back, however many they were of; what each is called where it is done to one.
const ENDING: [(Action, &str); 2] =
    [(Action::SignOut, "user.sessions_ended"), (Action::RequirePasswordReset, "password_reset.started")];

/// What undoing a change set came to.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Undoing {
    /// The change set that undoes it, which can be undone itself; `null` if nothing was changed.
    pub change_id: Option<Uuid>,
    /// Events that were changed back.
    pub undone: u64,
    /// Events of which everything is as it was before them.
    pub unchanged: u64,
    /// What has been changed since, or can't be changed back.
    pub conflicts: Vec<Conflict>,
    /// The run that does it, where there is much to do.
    pub run: Option<Run>,
}

impl Undoing {
    fn new(change_id: Option<Uuid>) -> Self {
        Self { change_id, undone: 0, unchanged: 0, conflicts: Vec::new(), run: None }
    }

    fn add(&mut self, undone: Undone) {
        match undone {
            Undone::Reverted => self.undone += 1,
            Undone::Unchanged => self.unchanged += 1,
            Undone::Conflicts(conflicts) => self.conflicts.extend(conflicts),
        }
    }
}

/// Changes back what the change set has changed and nobody has changed since. With a conflict nothing is changed, unless
/// `skip_conflicts`; a run leaves out the events that have one.
pub async fn undo_change(app: &App, tx: &mut Tx, by: Authority, id: Uuid, skip_conflicts: bool) -> AppResult<Undoing> {
    let head = changes::find_head(tx, id).await?;
    if head.changes["action"] == Action::Purge.name() {
        return Err(Rejection::conflict("not_undoable", "Who was purged is gone for good.").into());
    }
    if head.changes["action"] == "warn_inactive" {
        return Err(Rejection::conflict("not_undoable", "A warning that was mailed can't be taken back.").into());
    }
    if let Some((_, action)) = ENDING.iter().find(|(ending, _)| head.changes["action"] == ending.name()) {
        return Err(Rejection::conflict("not_undoable", changes::instead_of(action)).into());
    }
    if let Some(migration) = Migration::of(&head) {
        return undo_migration(tx, by, id, &migration, skip_conflicts).await;
    }
    let members = changes::list_members(tx, id, None, AT_ONCE_MAX + 1).await?;
    if i64::try_from(members.len()).unwrap_or(i64::MAX) > AT_ONCE_MAX {
        require_roles(tx, by, &head).await?;
        return begin_run(tx, by, id).await;
    }
    let refusal = nothing(&head);
    let mut events: Vec<AuditEvent> = members;
    events.push(head);
    events.retain(|event| changes::is_undoable(event) || event.erased);
    if events.is_empty() {
        return Err(refusal.into());
    }
    let undoing = new_uuid(tx.now());
    audit::begin_change(tx, undoing, Event::success(UNDONE).on("change", id)).await?;
    let mut result = Undoing::new(Some(undoing));
    for event in &events {
        result.add(changes::undo(app, tx, by, event, skip_conflicts).await?);
    }
    Ok(result)
}

/// Renames first: they move all users. When there are none, or they are undone, what was removed has its turn.
async fn undo_migration(
    tx: &mut Tx,
    by: Authority,
    id: Uuid,
    migration: &Migration<'_>,
    skip_conflicts: bool,
) -> AppResult<Undoing> {
    let back = changes::way_back(tx, by, migration).await?;
    if !back.operations.is_empty() && (back.conflicts.is_empty() || skip_conflicts) {
        let undoing = new_uuid(tx.now());
        let head = Event::success(UNDONE).on("change", id).detail("operations", serde_json::to_value(&back.operations)?);
        audit::begin_change(tx, undoing, head).await?;
        changes::rename_back(tx, &back.operations).await?;
        return Ok(Undoing { undone: 1, conflicts: back.conflicts, ..Undoing::new(Some(undoing)) });
    }
    if !back.operations.is_empty() || !migration.has_removed() {
        let unchanged = u64::from(back.conflicts.is_empty());
        return Ok(Undoing { unchanged, conflicts: back.conflicts, ..Undoing::new(None) });
    }
    changes::require_values(migration)?;
    let mut result = if changes::list_members(tx, id, None, 1).await?.is_empty() {
        let undoing = new_uuid(tx.now());
        audit::begin_change(tx, undoing, Event::success(UNDONE).on("change", id)).await?;
        Undoing::new(Some(undoing))
    } else {
        // Users are written in other transactions than the schema: who writes one waits for it with that user locked.
        begin_run(tx, by, id).await?
    };
    result.add(changes::put_back(tx, migration).await?);
    result.conflicts.extend(back.conflicts);
    Ok(result)
}

/// Whoever gives or takes by it what makes somebody an administrator has proved lately who they are. The role of a run that gave
/// or took one is theirs to give; of others it is judged user by user.
async fn require_roles(tx: &mut Tx, by: Authority, head: &AuditEvent) -> AppResult<()> {
    let all = roles::list(tx).await?;
    if let Some(role) = all.iter().find(|role| head.changes["argument"]["role"] == role.name) {
        by.to_grant(role.permission_set())?;
    }
    // Who has proved it, or is asked for no proof, need not wait until the changes are read, which may be millions.
    let Err(refusal) = by.require_proof(tx.now()) else { return Ok(()) };
    let gives_much = |role: &&Role| role.permission_set().exceeds_manager();
    let much: Vec<&str> = all.iter().filter(gives_much).map(|role| role.name.as_str()).collect();
    if changes::moves_roles(tx, head.id, &much).await? {
        return Err(refusal.into());
    }
    Ok(())
}

/// There is nothing in it that can be changed back. Says what to do instead.
fn nothing(head: &AuditEvent) -> Rejection {
    let instead = if changes::is_rename_only(&head.changes) { changes::RENAMED } else { changes::instead_of(&head.action) };
    Rejection::conflict("not_undoable", instead)
}

async fn begin_run(tx: &mut Tx, by: Authority, id: Uuid) -> AppResult<Undoing> {
    let run_id = new_uuid(tx.now());
    store::insert_undoing_run(tx, run_id, by, id)
        .await
        .on_constraint("bulk_runs_undoes_key", || Rejection::conflict("invalid_state", "It is being undone already."))?;
    let total = store::freeze_events(tx, run_id, id).await?;
    store::update_total(tx, run_id, Counts { to_do: total, ..Counts::default() }).await?;
    audit::begin_change(tx, run_id, Event::success(UNDONE).on("change", id).detail("total", total)).await?;
    jobs::enqueue(tx, run_id).await?;
    let run = super::read(tx, run_id).await?;
    debug_assert_eq!(run.state, State::Running);
    Ok(Undoing { run: Some(run), ..Undoing::new(Some(run_id)) })
}
