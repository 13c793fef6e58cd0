//! What was changed by whom, and undoing it: first a page that says what would come of it, then the button.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use minijinja::context;
use minijinja::value::Serde;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::events;
use super::parameters::{Parameters, address};
use super::staff::{Staff, StaffForm};
use super::whom::find_actor;
use crate::app::{App, Ask};
use crate::audit::{self, Wanted};
use crate::bulk::{self, Undoing};
use crate::caller::Permission;
use crate::changes::{self, Conflict};
use crate::db::page::{self, Limit, Page};
use crate::error::{AppError, AppResult};
use crate::html::{self, Faults, Notice, see_other};
use crate::http::params::Path;
use crate::languages::now;

const HERE: &str = "/admin/changes";
const LIST_PAGE: &str = "console/changes.html";
const PAGE: &str = "console/change.html";
const UNDO_PAGE: &str = "console/undo.html";
/// So many are shown on a page.
const SHOWN: u16 = 30;
/// So many conflicts are listed.
const CONFLICTS_SHOWN: usize = 50;

#[derive(Deserialize)]
pub struct ChangePath {
    id: Uuid,
}

fn way(id: Uuid) -> String {
    format!("{HERE}/{id}")
}

fn limit() -> Limit {
    Limit::new(SHOWN).unwrap_or_default()
}

pub async fn list(staff: Staff, parameters: Parameters, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::AuditRead)?;
    let mut faults = Faults::default();
    let actor = parameters.get("actor").unwrap_or_default();
    let actor_id = find_actor(&app, &staff, parameters.get("actor")).await?.unwrap_or_else(|wrong| {
        faults = wrong;
        None
    });
    let wanted = Asked {
        actor_id,
        action: parameters.get("action").map(ToOwned::to_owned),
        before: parameters.get("cursor").map(page::decode).transpose()?,
    };
    let ask: Ask<Asked, _> = |tx, asked| {
        Box::pin(async {
            let Asked { actor_id, action, before } = asked.clone();
            let wanted = Wanted { actor_id, action, heads: true, before, limit: limit().and_one(), ..Wanted::default() };
            Ok(audit::list(tx, wanted).await?)
        })
    };
    let found = if faults.is_empty() { app.read_list(&staff.person().origin, &wanted, ask).await? } else { Vec::new() };
    let page = Page::cut(found, limit(), |event| event.id);
    let mut tx = staff.begin(&app).await?;
    let shown = events::show(&mut tx, &staff, &page.items).await?;
    tx.commit().await?;
    let action = wanted.action.as_deref().unwrap_or_default();
    let narrowing = [("actor", actor), ("action", action)];
    let values = context! {
        changes => Serde(shown), actor => actor, action => action, is_found => faults.is_empty(),
        next => page.next.as_deref().map(|next| address(HERE, narrowing.into_iter().chain([("cursor", next)]))),
        first => wanted.before.map(|_| address(HERE, narrowing)),
    };
    staff.page(&app, HERE, LIST_PAGE, values, &faults)
}

/// Which changes.
#[derive(Clone)]
struct Asked {
    actor_id: Option<Uuid>,
    action: Option<String>,
    before: Option<Uuid>,
}

pub async fn show(
    staff: Staff,
    Path(path): Path<ChangePath>,
    parameters: Parameters,
    State(app): State<App>,
) -> AppResult<Response> {
    staff.require(Permission::AuditRead)?;
    let before: Option<Uuid> = parameters.get("cursor").map(page::decode).transpose()?;
    let mut tx = staff.begin(&app).await?;
    let head = changes::find_head(&mut tx, path.id).await?;
    let undone_by = changes::list_undoing(&mut tx, path.id).await?;
    let members = changes::list_members(&mut tx, path.id, before, limit().and_one()).await?;
    let members = Page::cut(members, limit(), |event| event.id);
    let shown = events::show(&mut tx, &staff, &members.items).await?;
    let head = events::show(&mut tx, &staff, &[head]).await?.pop();
    tx.commit().await?;
    let values = context! {
        undone_by => undone_by.into_iter().map(way).collect::<Vec<_>>(),
        undo => staff.may(Permission::UsersWrite).then(|| format!("{}/undo", way(path.id))),
        next => members.next.as_deref().map(|next| address(&way(path.id), [("cursor", next)])),
        members => Serde(shown), head => Serde(head),
    };
    staff.page(&app, HERE, PAGE, values, &Faults::default())
}

/// A field that can't be changed back.
#[derive(Serialize)]
struct ShownConflict {
    field: String,
    detail: String,
    after: String,
    now: String,
    user: Option<String>,
}

impl ShownConflict {
    fn of(conflict: &Conflict) -> Self {
        Self {
            field: if conflict.field.is_empty() { now().word("undo-all") } else { events::field_name(&conflict.field) },
            detail: now().problem(conflict.code, &conflict.detail),
            after: events::text(&conflict.after),
            now: events::text(&conflict.now),
            user: conflict.user_id.map(super::user::way),
        }
    }
}

pub async fn show_undo(staff: Staff, Path(path): Path<ChangePath>, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::UsersWrite)?;
    ask(&app, &staff, path.id, &Faults::default()).await
}

/// What would come of it is found out by doing it, in a transaction that is dropped.
async fn ask(app: &App, staff: &Staff, id: Uuid, faults: &Faults) -> AppResult<Response> {
    let mut tx = staff.begin(app).await?;
    let (undoing, refusal) = match bulk::undo_change(app, &mut tx, staff.authority(), id, false).await {
        Ok(undoing) => (Some(undoing), None),
        Err(AppError::Rejected(rejection)) if rejection.status == StatusCode::CONFLICT => {
            (None, Some(now().problem(rejection.code, &rejection.detail)))
        }
        Err(error) => return Err(error),
    };
    drop(tx);
    let conflicts: Vec<ShownConflict> =
        undoing.iter().flat_map(|undoing| &undoing.conflicts).take(CONFLICTS_SHOWN).map(ShownConflict::of).collect();
    let back = if staff.may(Permission::AuditRead) { way(id) } else { "/admin/users".to_owned() };
    let values = context! {
        back => back, action => format!("{}/undo", way(id)), refusal => refusal, conflicts => Serde(conflicts),
        undone => undoing.as_ref().map(|undoing| undoing.undone),
        unchanged => undoing.as_ref().map(|undoing| undoing.unchanged),
        conflict_count => undoing.as_ref().map(|undoing| undoing.conflicts.len()),
        run_total => undoing.as_ref().and_then(|undoing| undoing.run.as_ref()).map(|run| run.total),
    };
    staff.page(app, HERE, UNDO_PAGE, values, faults)
}

pub async fn submit_undo(Path(path): Path<ChangePath>, State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::UsersWrite)?;
    let skip_conflicts = members.has("skip_conflicts");
    let mut tx = staff.begin_because(&app, &members).await?;
    let undoing = match bulk::undo_change(&app, &mut tx, staff.authority(), path.id, skip_conflicts).await {
        Ok(undoing) => undoing,
        Err(error) if is_conflict(&error) => {
            drop(tx);
            return ask(&app, &staff, path.id, &Faults::default()).await;
        }
        Err(error) => return Err(error),
    };
    if !undoing.conflicts.is_empty() && !skip_conflicts {
        drop(tx);
        return ask(&app, &staff, path.id, &Faults::at("skip_conflicts", now().word("undo-fault"))).await;
    }
    let after = whereto(&staff, path.id, &undoing);
    if undoing.undone == 0 && undoing.conflicts.is_empty() && undoing.run.is_none() {
        return html::done(&app, &after, Notice::NothingToUndo);
    }
    tx.commit().await?;
    match undoing.run {
        Some(run) => Ok(see_other(&format!("/admin/bulk/{}", run.id))),
        None => html::done(&app, &after, Notice::ChangeUndone),
    }
}

fn is_conflict(error: &AppError) -> bool {
    matches!(error, AppError::Rejected(rejection) if rejection.status == StatusCode::CONFLICT)
}

/// The change that undoes it, which can be undone itself.
fn whereto(staff: &Staff, id: Uuid, undoing: &Undoing) -> String {
    if !staff.may(Permission::AuditRead) {
        return "/admin/users".to_owned();
    }
    // Of an event with a conflict the other fields are changed back, if that was wished.
    let is_done = undoing.undone > 0 || !undoing.conflicts.is_empty() || undoing.run.is_some();
    way(undoing.change_id.filter(|_| is_done).unwrap_or(id))
}
