//! Requests, for those who ask and for those who decide.

use axum::extract::{OriginalUri, State as Extension};
use http::Method;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ApprovalRequest, Approving, Declining, NewRequest, Wanted};
use crate::app::{App, Ask};
use crate::caller::{Caller, Permission, Person};
use crate::db::Tx;
use crate::error::AppResult;
use crate::http::api::{Access, Op, Routes};
use crate::http::body::Json;
use crate::http::etag::IfMatch;
use crate::http::idempotency::Creating;
use crate::http::output::{Created, Listed, NoContent, Tagged};
use crate::http::params::{Part, Path, Query};
use crate::id::ApprovalRequestId;

const READ: Access = Access::Holding(Permission::UsersRead);
const WRITE: Access = Access::Holding(Permission::UsersWrite);
const OUTRANKED: &str =
    "The user holds permissions that the caller lacks, or is the caller (`target_outranks_caller`, `forbidden`).";
const DECIDED: &str = "It has been decided or withdrawn already (`invalid_state`).";

pub fn router() -> Routes {
    let op = |method, path, access, summary| Op::new(method, path, access, "Approvals", summary);
    Routes::new()
        .op(
            op(Method::GET, "/v1/me/approval-requests", Access::SignedIn, "List what you have asked for").description("Newest first."),
            list_my_requests,
        )
        .op(
            op(Method::POST, "/v1/me/approval-requests", Access::SignedIn, "Ask for something that somebody approves")
                .description(
                    "Such as professional status, where `USHER_PROFESSIONAL_REQUIRES` offers it. A mail tells you what was decided. \
                     Five times in 24 hours.",
                )
                .fails(409, "You have it, or have asked already, or can't ask here (`already_granted`, `already_requested`, `not_offered`).")
                .fails(409, "Your profile lacks what it takes: `missing` names the fields (`profile_incomplete`).")
                .fails(429, "You have asked too often; see `Retry-After` (`too_many_requests`)."),
            create_my_request,
        )
        .op(
            op(Method::DELETE, "/v1/me/approval-requests/{id}", Access::SignedIn, "Withdraw what you have asked for")
                .description("As long as nobody has decided. It stays in the list.")
                .fails(409, DECIDED),
            withdraw_my_request,
        )
        .op(op(Method::GET, "/v1/approval-requests", READ, "List requests").description("Newest first."), list_requests)
        .op(op(Method::GET, "/v1/approval-requests/{id}", READ, "Read a request"), read_request)
        .op(
            op(Method::POST, "/v1/approval-requests/{id}/approve", WRITE, "Approve a request")
                .description("The person has at once what they asked for, and a mail tells them.")
                .fails(403, OUTRANKED)
                .fails(409, DECIDED),
            approve_request,
        )
        .op(
            op(Method::POST, "/v1/approval-requests/{id}/decline", WRITE, "Decline a request")
                .description("A mail tells the person, with the reason. They may ask again.")
                .fails(403, OUTRANKED)
                .fails(409, DECIDED),
            decline_request,
        )
}

/// What the documentation shows.
pub fn example() -> Value {
    json!({
        "id": "0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d", "kind": "professional",
        "user": { "id": "0193e4a1-7c1e-7b52-9d0c-4a2d5b6c7d8e", "username": "ann", "display_name": "Ann Baker" },
        "state": "waiting", "message": "I have worked as a translator for ten years.", "created_at": "2026-01-02T03:04:05Z",
        "decided_at": null, "decided_by": null, "reason": null, "version": 1,
    })
}

#[derive(Deserialize, JsonSchema)]
struct RequestPath {
    /// The request's id.
    id: ApprovalRequestId,
}

async fn list_my_requests(
    person: Person,
    Extension(app): Extension<App>,
    OriginalUri(here): OriginalUri,
    Query(part): Query<Part>,
) -> AppResult<Listed<ApprovalRequest>> {
    let wanted = Wanted { limit: part.limit, cursor: part.cursor, ..Wanted::default() };
    let mut tx = app.begin(&person.origin).await?;
    let page = super::list_own(&mut tx, person.user_id, &wanted).await?;
    tx.commit().await?;
    Ok(Listed { page, here })
}

async fn create_my_request(
    person: Person,
    Extension(app): Extension<App>,
    request: Creating<NewRequest>,
) -> AppResult<Created<ApprovalRequest>> {
    let mut tx = app.begin(&person.origin).await?;
    if let Some(answer) = request.replay(&app, &mut tx).await? {
        return Ok(answer);
    }
    let asked = super::ask(&app, &mut tx, &person, &request.body).await?;
    let answer = Created::new(format!("/v1/me/approval-requests/{}", asked.id), asked.version, &asked)?;
    request.keep(&app, &mut tx, &answer.0).await?;
    tx.commit().await?;
    Ok(answer)
}

async fn withdraw_my_request(
    person: Person,
    Extension(app): Extension<App>,
    Path(path): Path<RequestPath>,
) -> AppResult<NoContent> {
    let mut tx = app.begin(&person.origin).await?;
    super::withdraw(&mut tx, &person, path.id).await?;
    tx.commit().await?;
    Ok(NoContent)
}

async fn list_requests(
    caller: Caller,
    Extension(app): Extension<App>,
    OriginalUri(here): OriginalUri,
    Query(wanted): Query<Wanted>,
) -> AppResult<Listed<ApprovalRequest>> {
    let ask: Ask<_, _> = |tx, wanted: &Wanted| Box::pin(super::list(tx, wanted));
    let page = app.read_list(&caller.origin, &wanted, ask).await?;
    Ok(Listed { page, here })
}

async fn read_request(
    caller: Caller,
    Extension(app): Extension<App>,
    Path(path): Path<RequestPath>,
) -> AppResult<Tagged<ApprovalRequest>> {
    let mut tx = app.begin(&caller.origin).await?;
    let request = super::read(&mut tx, path.id).await?;
    tx.commit().await?;
    Ok(Tagged { version: request.version, body: request })
}

async fn approve_request(
    caller: Caller,
    Extension(app): Extension<App>,
    Path(path): Path<RequestPath>,
    if_match: IfMatch,
    Json(body): Json<Approving>,
) -> AppResult<Tagged<ApprovalRequest>> {
    let (mut tx, before) = lock(&app, &caller, &path, &if_match).await?;
    let request = super::approve(&mut tx, caller.authority(), &before, body.reason.as_deref()).await?;
    tx.commit().await?;
    Ok(Tagged { version: request.version, body: request })
}

async fn decline_request(
    caller: Caller,
    Extension(app): Extension<App>,
    Path(path): Path<RequestPath>,
    if_match: IfMatch,
    Json(body): Json<Declining>,
) -> AppResult<Tagged<ApprovalRequest>> {
    let (mut tx, before) = lock(&app, &caller, &path, &if_match).await?;
    let request = super::decline(&mut tx, caller.authority(), &before, &body.reason).await?;
    tx.commit().await?;
    Ok(Tagged { version: request.version, body: request })
}

/// Every decision begins so: the request locked, the precondition met.
async fn lock(app: &App, caller: &Caller, path: &RequestPath, if_match: &IfMatch) -> AppResult<(Tx, ApprovalRequest)> {
    let mut tx = app.begin(&caller.origin).await?;
    let request = super::lock(&mut tx, path.id).await?;
    if_match.require(request.version)?;
    Ok((tx, request))
}
