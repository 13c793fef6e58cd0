//! Reading changes. What undoes them is beside the changes in bulk, which a large one becomes.

use axum::extract::{OriginalUri, State};
use http::Method;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::app::{App, Ask};
use crate::audit::{self, AuditEvent, Wanted};
use crate::caller::{Caller, Permission, PermissionSet, require_rank};
use crate::db::page::{self, Limit, Page};
use crate::error::AppResult;
use crate::http::api::{Access, Op, Routes};
use crate::http::output::{Answer, Listed};
use crate::http::params::{Part, Path, Query, time};
use crate::id::UserId;

const READ: Access = Access::Holding(Permission::AuditRead);

pub fn router() -> Routes {
    let op = |path, access, summary| Op::new(Method::GET, path, access, "Changes", summary);
    Routes::new()
        .op(
            op("/v1/changes", READ, "List administrative changes").description(
                "Newest first: what somebody has changed that is not their own, by whom, why, and field by field from what to what. What a run in bulk has changed is one. Without `users:read`, addresses and personal attributes are masked.",
            ),
            list_changes,
        )
        .op(op("/v1/changes/{id}", READ, "Read a change"), read_change)
        .op(
            op("/v1/changes/{id}/members", READ, "List what belongs to a change")
                .description("Newest first. A change of one thing is whole by itself and has none."),
            list_change_members,
        )
        .op(
            op("/v1/users/{id}/history", Access::Holding(Permission::UsersRead), "List what has happened to a user")
                .description("Newest first. Each item with fields of the user in `changes` can be undone by its id.")
                .fails(403, "The user holds permissions that the caller lacks (`target_outranks_caller`)."),
            list_user_history,
        )
}

#[derive(Deserialize, JsonSchema)]
struct ChangePath {
    /// The change's id.
    id: Uuid,
}

#[derive(Deserialize, JsonSchema)]
struct UserPath {
    /// The user's id.
    id: UserId,
}

/// Which changes, and how many.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ChangeFilter")]
struct Filter {
    /// At most so many items.
    #[serde(default)]
    limit: Limit,
    /// `next` of the page before.
    cursor: Option<String>,
    /// Only what this user or service account changed.
    actor_id: Option<Uuid>,
    /// Only changes of the resource with this id, and not what a run in bulk has changed of it.
    target_id: Option<String>,
    /// Only this action, such as `user.suspended`.
    action: Option<String>,
    /// Only what was changed at this time or later.
    #[serde(default, deserialize_with = "time")]
    #[schemars(with = "Option<Timestamp>")]
    occurred_after: Option<Timestamp>,
    /// Only what was changed before this time.
    #[serde(default, deserialize_with = "time")]
    #[schemars(with = "Option<Timestamp>")]
    occurred_before: Option<Timestamp>,
}

/// A change set.
#[derive(Debug, Serialize, JsonSchema)]
struct ChangeSet {
    #[serde(flatten)]
    head: AuditEvent,
    /// The changes that have undone it, or a part of it; newest first.
    undone_by: Vec<Uuid>,
}

async fn list_changes(
    caller: Caller,
    State(app): State<App>,
    OriginalUri(here): OriginalUri,
    Query(filter): Query<Filter>,
) -> AppResult<Listed<AuditEvent>> {
    let before: Option<Uuid> = filter.cursor.as_deref().map(page::decode).transpose()?;
    let limit = filter.limit;
    let ask: Ask<_, _> = |tx, (filter, before, permissions): &(Filter, Option<Uuid>, PermissionSet)| {
        Box::pin(async {
            let wanted = Wanted {
                actor_id: filter.actor_id,
                target_id: filter.target_id.clone(),
                action: filter.action.clone(),
                from: filter.occurred_after,
                until: filter.occurred_before,
                heads: true,
                before: *before,
                limit: filter.limit.and_one(),
                ..Wanted::default()
            };
            let found = audit::list(tx, wanted).await?;
            Ok(audit::seen_by(tx, *permissions, found).await?)
        })
    };
    let events = app.read_list(&caller.origin, &(filter, before, caller.permissions), ask).await?;
    Ok(Listed { page: Page::cut(events, limit, |event| event.id), here })
}

async fn read_change(caller: Caller, State(app): State<App>, Path(path): Path<ChangePath>) -> AppResult<Answer<ChangeSet>> {
    let mut tx = app.begin(&caller.origin).await?;
    let found = super::find_head(&mut tx, path.id).await?;
    let head = audit::seen_by(&mut tx, caller.permissions, vec![found]).await?.remove(0);
    let undone_by = super::list_undoing(&mut tx, path.id).await?;
    tx.commit().await?;
    Ok(Answer(ChangeSet { head, undone_by }))
}

async fn list_change_members(
    caller: Caller,
    State(app): State<App>,
    OriginalUri(here): OriginalUri,
    Path(path): Path<ChangePath>,
    Query(part): Query<Part>,
) -> AppResult<Listed<AuditEvent>> {
    let before: Option<Uuid> = part.cursor.as_deref().map(page::decode).transpose()?;
    let mut tx = app.begin(&caller.origin).await?;
    super::find_head(&mut tx, path.id).await?;
    let members = super::list_members(&mut tx, path.id, before, part.limit.and_one()).await?;
    let members = audit::seen_by(&mut tx, caller.permissions, members).await?;
    tx.commit().await?;
    Ok(Listed { page: Page::cut(members, part.limit, |event| event.id), here })
}

async fn list_user_history(
    caller: Caller,
    State(app): State<App>,
    OriginalUri(here): OriginalUri,
    Path(path): Path<UserPath>,
    Query(part): Query<Part>,
) -> AppResult<Listed<AuditEvent>> {
    let before: Option<Uuid> = part.cursor.as_deref().map(page::decode).transpose()?;
    let mut tx = app.begin(&caller.origin).await?;
    require_rank(&mut tx, &caller, path.id).await?;
    let wanted = Wanted { target_id: Some(path.id.to_string()), before, limit: part.limit.and_one(), ..Wanted::default() };
    let events = audit::list(&mut tx, wanted).await?;
    tx.commit().await?;
    Ok(Listed { page: Page::cut(events, part.limit, |event| event.id), here })
}
