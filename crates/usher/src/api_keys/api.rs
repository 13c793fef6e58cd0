//! The keys of people: one's own, and for administrators those of others.

use axum::extract::{OriginalUri, State};
use http::Method;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ApiKey, KeyWish, NewApiKey};
use crate::app::App;
use crate::caller::{self, Caller, Permission, Person, Subject};
use crate::error::AppResult;
use crate::http::api::{Access, Op, Routes};
use crate::http::idempotency::Creating;
use crate::http::output::{Created, Listed, NoContent};
use crate::http::params::{Part, Path, Query};
use crate::id::{ApiKeyId, UserId};

const READ: Access = Access::Holding(Permission::UsersRead);
const WRITE: Access = Access::Holding(Permission::UsersWrite);
const OUTRANKED: &str = "The user holds permissions that the caller lacks (`target_outranks_caller`).";

pub fn router() -> Routes {
    let op = |method, path, access, summary| Op::new(method, path, access, "API keys", summary);
    Routes::new()
        .op(
            op(Method::GET, "/v1/me/api-keys", Access::SignedIn, "List your API keys")
                .description("Those that are good, the newest first. The keys themselves are not kept."),
            list_my_api_keys,
        )
        .op(
            op(Method::POST, "/v1/me/api-keys", Access::Fresh, "Make an API key")
                .description(
                    "For a program that acts for you: it may do what you give the key, as far as you may do it yourself at that moment. \
                     The answer shows the key this once. It ends with whatever ends all your sessions, such as a new password; for a \
                     program that must outlive that, there are service accounts. A mail tells you of it.",
                )
                .fails(403, "The key would hold what you lack (`grant_exceeds_caller`).")
                .fails(409, "There are 50 living keys already (`too_many_api_keys`)."),
            create_my_api_key,
        )
        .op(
            op(Method::DELETE, "/v1/me/api-keys/{id}", Access::SignedIn, "Revoke one of your API keys")
                .description("It opens nothing from the next request on."),
            revoke_my_api_key,
        )
        .op(op(Method::GET, "/v1/users/{id}/api-keys", READ, "List a user's API keys").fails(403, OUTRANKED), list_user_api_keys)
        .op(
            op(Method::DELETE, "/v1/users/{id}/api-keys/{key_id}", WRITE, "Revoke a user's API key").fails(403, OUTRANKED),
            revoke_user_api_key,
        )
}

/// What the documentation shows.
pub fn example() -> Value {
    json!({
        "id": "0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d", "name": "Nightly report", "prefix": "ush_key_Zk3x9a",
        "permissions": ["users:read"], "created_at": "2026-01-02T03:04:05Z", "expires_at": "2026-04-02T03:04:05Z",
        "last_used_at": "2026-02-03T01:00:00Z", "last_used_address": "192.0.2.7",
    })
}

#[derive(Deserialize, JsonSchema)]
struct KeyPath {
    /// The key's id.
    id: ApiKeyId,
}

#[derive(Deserialize, JsonSchema)]
struct UserPath {
    /// The user's id.
    id: UserId,
}

#[derive(Deserialize, JsonSchema)]
struct UserKeyPath {
    /// The user's id.
    id: UserId,
    /// The key's id.
    key_id: ApiKeyId,
}

async fn list_my_api_keys(
    person: Person,
    State(app): State<App>,
    OriginalUri(here): OriginalUri,
    Query(part): Query<Part>,
) -> AppResult<Listed<ApiKey>> {
    let mut tx = app.begin(&person.origin).await?;
    let page = super::list(&mut tx, Subject::User(person.user_id), part.limit, part.cursor.as_deref()).await?;
    tx.commit().await?;
    Ok(Listed { page, here })
}

async fn create_my_api_key(person: Person, State(app): State<App>, request: Creating<KeyWish>) -> AppResult<Created<NewApiKey>> {
    let mut tx = app.begin(&person.origin).await?;
    if let Some(answer) = request.replay(&app, &mut tx).await? {
        return Ok(answer);
    }
    let made = super::create_own(&app, &mut tx, &person, &request.body).await?;
    let answer = Created::unversioned(format!("/v1/me/api-keys/{}", made.api_key.id), &made)?;
    request.keep(&app, &mut tx, &answer.0).await?;
    tx.commit().await?;
    Ok(answer)
}

async fn revoke_my_api_key(person: Person, State(app): State<App>, Path(path): Path<KeyPath>) -> AppResult<NoContent> {
    let mut tx = app.begin(&person.origin).await?;
    super::revoke(&mut tx, Subject::User(person.user_id), path.id).await?;
    tx.commit().await?;
    Ok(NoContent)
}

async fn list_user_api_keys(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<UserPath>,
    OriginalUri(here): OriginalUri,
    Query(part): Query<Part>,
) -> AppResult<Listed<ApiKey>> {
    let mut tx = app.begin(&caller.origin).await?;
    caller::require_rank(&mut tx, &caller, path.id).await?;
    let page = super::list(&mut tx, Subject::User(path.id), part.limit, part.cursor.as_deref()).await?;
    tx.commit().await?;
    Ok(Listed { page, here })
}

async fn revoke_user_api_key(caller: Caller, State(app): State<App>, Path(path): Path<UserKeyPath>) -> AppResult<NoContent> {
    let mut tx = app.begin(&caller.origin).await?;
    caller::require_rank(&mut tx, &caller, path.id).await?;
    super::revoke(&mut tx, Subject::User(path.id), path.key_id).await?;
    tx.commit().await?;
    Ok(NoContent)
}
