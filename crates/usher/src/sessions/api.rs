//! Seeing and ending sessions: one's own, and for administrators those of others.

use axum::extract::{OriginalUri, State};
use http::Method;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Session;
use crate::app::App;
use crate::caller::{self, Caller, Permission, Person};
use crate::error::AppResult;
use crate::http::api::{Access, Op, Routes};
use crate::http::output::{Listed, NoContent};
use crate::http::params::{Part, Path, Query};
use crate::id::{SessionId, UserId};

const READ: Access = Access::Holding(Permission::UsersRead);
const WRITE: Access = Access::Holding(Permission::UsersWrite);
const OUTRANKED: &str = "The user holds permissions that the caller lacks (`target_outranks_caller`).";

pub fn router() -> Routes {
    let op = |method, path, access, summary| Op::new(method, path, access, "Sessions", summary);
    Routes::new()
        .op(
            op(Method::GET, "/v1/me/sessions", Access::SignedIn, "List your sessions")
                .description("Those that can still be used, the newest first."),
            list_my_sessions,
        )
        .op(
            op(Method::DELETE, "/v1/me/sessions/{id}", Access::SignedIn, "End one of your sessions")
                .description(
                    "Its tokens are refused from the next request on. Ending another one than your own needs a fresh sign-in.",
                )
                .fails(401, "It is another session, and the sign-in is too long ago (`fresh_authentication_required`)."),
            end_my_session,
        )
        .op(
            op(Method::POST, "/v1/me/sessions/revoke-others", Access::Fresh, "End all your sessions but this one"),
            end_my_other_sessions,
        )
        .op(op(Method::GET, "/v1/users/{id}/sessions", READ, "List a user's sessions").fails(403, OUTRANKED), list_user_sessions)
        .op(
            op(Method::DELETE, "/v1/users/{id}/sessions/{session_id}", WRITE, "End a user's session").fails(403, OUTRANKED),
            end_user_session,
        )
}

/// What the documentation shows.
pub fn example() -> Value {
    json!({
        "id": "0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d", "current": true, "device": "Firefox on Linux",
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "address": "192.0.2.7",
        "amr": ["pwd"], "created_at": "2026-01-02T03:04:05Z", "last_seen_at": "2026-01-02T08:04:05Z",
        "expires_at": "2026-04-02T03:04:05Z",
    })
}

#[derive(Deserialize, JsonSchema)]
struct SessionPath {
    /// The session's id.
    id: SessionId,
}

#[derive(Deserialize, JsonSchema)]
struct UserPath {
    /// The user's id.
    id: UserId,
}

#[derive(Deserialize, JsonSchema)]
struct UserSessionPath {
    /// The user's id.
    id: UserId,
    /// The session's id.
    session_id: SessionId,
}

async fn list_my_sessions(
    person: Person,
    State(app): State<App>,
    OriginalUri(here): OriginalUri,
    Query(part): Query<Part>,
) -> AppResult<Listed<Session>> {
    let mut tx = app.begin(&person.origin).await?;
    let cursor = part.cursor.as_deref();
    let page = super::list(&mut tx, person.user_id, Some(person.session_id), part.limit, cursor).await?;
    tx.commit().await?;
    Ok(Listed { page, here })
}

async fn end_my_session(person: Person, State(app): State<App>, Path(path): Path<SessionPath>) -> AppResult<NoContent> {
    if path.id != person.session_id {
        person.require_proof(app.clock.now())?;
    }
    let why = if path.id == person.session_id { "signed_out" } else { "ended_from_another" };
    let mut tx = app.begin(&person.origin).await?;
    super::end_of(&mut tx, person.user_id, path.id, why).await?;
    tx.commit().await?;
    Ok(NoContent)
}

async fn end_my_other_sessions(person: Person, State(app): State<App>) -> AppResult<NoContent> {
    let mut tx = app.begin(&person.origin).await?;
    super::end_others(&mut tx, person.user_id, person.session_id).await?;
    tx.commit().await?;
    Ok(NoContent)
}

async fn list_user_sessions(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<UserPath>,
    OriginalUri(here): OriginalUri,
    Query(part): Query<Part>,
) -> AppResult<Listed<Session>> {
    let own = caller.person().map(|person| person.session_id);
    let mut tx = app.begin(&caller.origin).await?;
    caller::require_rank(&mut tx, &caller, path.id).await?;
    let page = super::list(&mut tx, path.id, own, part.limit, part.cursor.as_deref()).await?;
    tx.commit().await?;
    Ok(Listed { page, here })
}

async fn end_user_session(caller: Caller, State(app): State<App>, Path(path): Path<UserSessionPath>) -> AppResult<NoContent> {
    let mut tx = app.begin(&caller.origin).await?;
    caller::require_rank(&mut tx, &caller, path.id).await?;
    super::end_of(&mut tx, path.id, path.session_id, "ended_by_administrator").await?;
    tx.commit().await?;
    Ok(NoContent)
}
