//! The bulk API, and undo, which is one.

use axum::extract::{OriginalUri, State as AxumState};
use http::{Method, StatusCode};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::undo::Undoing;
use super::{Item, Preview, Run, Selection};
use crate::app::App;
use crate::caller::{Caller, Permission};
use crate::db::page::{self, Limit, Page};
use crate::error::{AppResult, FieldError, Rejection};
use crate::http::api::{Access, Op, PROOF_TO_GRANT, Routes};
use crate::http::body::{Json, OptionalJson};
use crate::http::output::{Accepted, Answer, Created, Listed};
use crate::http::params::{Part, Path, Query};
use crate::id::UserId;
use crate::roles::RoleName;

const READ: Access = Access::Holding(Permission::UsersRead);

pub fn router() -> Routes {
    let op = |method, path, summary| Op::new(method, path, READ, "Bulk", summary);
    let needs = "The caller lacks the permission that the action needs (`forbidden`).";
    Routes::new()
        .op(
            op(Method::POST, "/v1/bulk", "Preview an action on many users")
                .description("Freezes who fits and says what would come of it; nothing is done. Run it within an hour, with its token.")
                .fails(403, needs),
            preview_bulk,
        )
        .op(op(Method::GET, "/v1/bulk", "List runs in bulk").description("Newest first."), list_bulk)
        .op(op(Method::GET, "/v1/bulk/{id}", "Read a run in bulk").description("Its state, and what came of how many."), read_bulk)
        .op(
            op(Method::GET, "/v1/bulk/{id}/items", "List what came of the users of a run").description("In the order in which they are done."),
            list_bulk_items,
        )
        .op(
            op(Method::POST, "/v1/bulk/{id}/run", "Run what was previewed")
                .description(
                    "In the background; `GET /v1/bulk/{id}` shows how far it is. Every user is judged again when their turn comes. All it changes is the change set of the same id.",
                )
                .fails(401, "It purges, and the sign-in is longer ago than 10 minutes (`fresh_authentication_required`).")
                .fails(401, PROOF_TO_GRANT)
                .fails(403, needs)
                .fails(409, "It has been begun already (`invalid_state`)."),
            run_bulk,
        )
        .op(
            op(Method::POST, "/v1/bulk/{id}/pause", "Pause a run").fails(403, needs).fails(409, "It is not going on (`invalid_state`)."),
            pause_bulk,
        )
        .op(
            op(Method::POST, "/v1/bulk/{id}/resume", "Let a paused run go on")
                .fails(403, needs)
                .fails(409, "It is not paused (`invalid_state`)."),
            resume_bulk,
        )
        .op(
            Op::new(
                Method::POST,
                "/v1/changes/{id}/undo",
                Access::Holding(Permission::UsersWrite),
                "Changes",
                "Undo a change",
            )
            .description(
                "Changes back what nobody has changed since. Other fields are conflicts: they are listed, and nothing is changed (`dry_run` and `skip_conflicts` say otherwise). It is a change itself. One of more than 50 users is undone by a run, which leaves out users with conflicts.",
            )
            .fails(401, PROOF_TO_GRANT)
            .fails(401, "It changes a role or makes a service account again, and the sign-in is longer ago than 10 minutes (`fresh_authentication_required`).")
            .fails(403, "The user holds permissions that the caller lacks, or undoing needs a permission that they lack (`target_outranks_caller`, `grant_exceeds_caller`, `forbidden`).")
            .fails(409, "Something has been changed since, or can't be changed back (`undo_conflict`, `not_undoable`); or the state forbids it (`invalid_state`, `last_admin`, `username_taken`, `role_in_use`, `group_in_use`, `service_account_name_taken`, `rule_name_taken`, `attribute_migration_under_way`)."),
            undo_change,
        )
}

#[derive(Deserialize, JsonSchema)]
struct RunPath {
    /// The run's id.
    id: Uuid,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ActionName {
    Suspend,
    Reactivate,
    Delete,
    Restore,
    Purge,
    SignOut,
    AssignRole,
    RemoveRole,
    SetAttributes,
    RequirePasswordReset,
}

impl ActionName {
    fn as_str(self) -> &'static str {
        match self {
            Self::Suspend => "suspend",
            Self::Reactivate => "reactivate",
            Self::Delete => "delete",
            Self::Restore => "restore",
            Self::Purge => "purge",
            Self::SignOut => "sign_out",
            Self::AssignRole => "assign_role",
            Self::RemoveRole => "remove_role",
            Self::SetAttributes => "set_attributes",
            Self::RequirePasswordReset => "require_password_reset",
        }
    }
}

/// An action on many users: either those whom a filter fits, or these.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "BulkBody", extend("example" = serde_json::json!({
    "action": "suspend", "filter": "lastSignInAt lt \"2025-01-01T00:00:00Z\" and not (roles eq \"admin\")"
})))]
struct Body {
    action: ActionName,
    /// As in `GET /v1/users`; `id pr` fits everybody. Deleted users only if it asks for `status` or `deletedAt`, or to restore or purge them.
    #[schemars(length(min = 1, max = 8192))]
    filter: Option<String>,
    #[schemars(length(min = 1, max = 1000))]
    ids: Option<Vec<UserId>>,
    /// For `assign_role` and `remove_role`.
    role: Option<RoleName>,
    /// For `assign_role`: when the grants end by themselves; who has the role gets this end. Must be still to come. Left out or `null`:
    /// they do not end, and who has the role keeps it as it is.
    expires_at: Option<Timestamp>,
    /// For `set_attributes`: a merge patch (RFC 7396).
    attributes: Option<Map<String, Value>>,
    /// Why; kept in the audit trail. `X-Reason` does the same.
    #[schemars(length(max = 500))]
    reason: Option<String>,
}

/// What shows that the preview was seen.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "BulkToken")]
struct Token {
    #[schemars(length(min = 1, max = 100))]
    token: String,
}

/// How to undo.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "UndoBody")]
struct UndoBody {
    /// Only say what would come of it.
    #[serde(default)]
    dry_run: bool,
    /// Change back the fields without conflict.
    #[serde(default)]
    skip_conflicts: bool,
    /// Why; kept in the audit trail. `X-Reason` does the same.
    #[schemars(length(max = 500))]
    reason: Option<String>,
}

/// Which items.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "BulkItemFilter")]
struct ItemFilter {
    /// At most so many items.
    #[serde(default)]
    limit: Limit,
    /// `next` of the page before.
    cursor: Option<String>,
    /// Only these.
    outcome: Option<OutcomeName>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum OutcomeName {
    ToDo,
    Done,
    Unchanged,
    Refused,
    Failed,
}

async fn preview_bulk(mut caller: Caller, AxumState(app): AxumState<App>, Json(body): Json<Body>) -> AppResult<Created<Preview>> {
    let action = super::read_action(body.action.as_str(), body.role.as_ref(), body.expires_at, body.attributes.as_ref())?;
    let selection = match (body.filter, body.ids) {
        (Some(filter), None) => Selection::Filter(filter),
        (None, Some(ids)) => Selection::Ids(ids),
        _ => {
            let fault = FieldError::at_pointer("/filter", "required", "either `filter` or `ids` says whom it is about, not both");
            return Err(Rejection::invalid_body(vec![fault]).into());
        }
    };
    caller.origin.reason = body.reason.or(caller.origin.reason);
    let mut tx = app.begin(&caller.origin).await?;
    let previewed = super::preview(&mut tx, caller.authority(), &action, &selection).await?;
    let preview = super::show_preview(&mut tx, &action, previewed).await?;
    tx.commit().await?;
    Created::unversioned(format!("/v1/bulk/{}", preview.run.id), &preview)
}

async fn list_bulk(
    caller: Caller,
    AxumState(app): AxumState<App>,
    OriginalUri(here): OriginalUri,
    Query(part): Query<Part>,
) -> AppResult<Listed<Run>> {
    let before: Option<(Timestamp, Uuid)> = part.cursor.as_deref().map(page::decode).transpose()?;
    let mut tx = app.begin(&caller.origin).await?;
    let runs = super::list(&mut tx, before, part.limit.and_one()).await?;
    tx.commit().await?;
    Ok(Listed { page: Page::cut(runs, part.limit, |run| (run.created_at, run.id)), here })
}

async fn read_bulk(caller: Caller, AxumState(app): AxumState<App>, Path(path): Path<RunPath>) -> AppResult<Answer<Run>> {
    let mut tx = app.begin(&caller.origin).await?;
    let run = super::read(&mut tx, path.id).await?;
    tx.commit().await?;
    Ok(Answer(run))
}

async fn list_bulk_items(
    caller: Caller,
    AxumState(app): AxumState<App>,
    OriginalUri(here): OriginalUri,
    Path(path): Path<RunPath>,
    Query(filter): Query<ItemFilter>,
) -> AppResult<Listed<Item>> {
    let after: Option<i64> = filter.cursor.as_deref().map(page::decode).transpose()?;
    let outcome = filter.outcome.map(|outcome| match outcome {
        OutcomeName::ToDo => "to_do",
        OutcomeName::Done => "done",
        OutcomeName::Unchanged => "unchanged",
        OutcomeName::Refused => "refused",
        OutcomeName::Failed => "failed",
    });
    let mut tx = app.begin(&caller.origin).await?;
    let items = super::list_items(&mut tx, path.id, outcome, after, filter.limit.and_one()).await?;
    tx.commit().await?;
    Ok(Listed { page: Page::cut(items, filter.limit, |item| item.position), here })
}

async fn run_bulk(
    caller: Caller,
    AxumState(app): AxumState<App>,
    Path(path): Path<RunPath>,
    Json(body): Json<Token>,
) -> AppResult<Accepted<Run>> {
    let mut tx = app.begin(&caller.origin).await?;
    let run = super::begin(&mut tx, caller.authority(), path.id, &body.token).await?;
    tx.commit().await?;
    Accepted::new(&run)
}

async fn pause_bulk(caller: Caller, AxumState(app): AxumState<App>, Path(path): Path<RunPath>) -> AppResult<Answer<Run>> {
    set_paused(&app, &caller, path.id, true).await
}

async fn resume_bulk(caller: Caller, AxumState(app): AxumState<App>, Path(path): Path<RunPath>) -> AppResult<Answer<Run>> {
    set_paused(&app, &caller, path.id, false).await
}

async fn set_paused(app: &App, caller: &Caller, id: Uuid, paused: bool) -> AppResult<Answer<Run>> {
    let mut tx = app.begin(&caller.origin).await?;
    let run = super::set_paused(&mut tx, caller.authority(), id, paused).await?;
    tx.commit().await?;
    Ok(Answer(run))
}

async fn undo_change(
    mut caller: Caller,
    AxumState(app): AxumState<App>,
    Path(path): Path<RunPath>,
    OptionalJson(body): OptionalJson<UndoBody>,
) -> AppResult<Answer<Undoing>> {
    caller.origin.reason = body.reason.or(caller.origin.reason);
    let mut tx = app.begin(&caller.origin).await?;
    let mut undoing = super::undo_change(&app, &mut tx, caller.authority(), path.id, body.skip_conflicts).await?;
    if body.dry_run {
        undoing.change_id = None;
        return Ok(Answer(undoing));
    }
    if !undoing.conflicts.is_empty() && !body.skip_conflicts {
        return Err(refuse(&undoing).into());
    }
    if undoing.undone == 0 && undoing.conflicts.is_empty() && undoing.run.is_none() {
        undoing.change_id = None;
        return Ok(Answer(undoing));
    }
    tx.commit().await?;
    Ok(Answer(undoing))
}

/// Nothing was changed; what stands in the way is named field by field.
fn refuse(undoing: &Undoing) -> Rejection {
    let detail = "Something has been changed since, or can't be changed back. `skip_conflicts` undoes the rest.";
    let errors = undoing.conflicts.iter().map(|conflict| {
        let whose = conflict.user_id.map(|id| format!(" of user {id}")).unwrap_or_default();
        let pointer = format!("/{}", conflict.field.replace('.', "/"));
        FieldError::at_pointer(pointer, conflict.code, format!("{}{whose}: {}", conflict.field, conflict.detail))
    });
    Rejection { errors: errors.collect(), ..Rejection::new(StatusCode::CONFLICT, "undo_conflict", detail) }
}
