//! The users API.

use axum::extract::{OriginalUri, State};
use http::Method;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::bodies::{Listing, NewUserBody, ProfessionalBody, Reason, RolesBody, UserPatch, listings};
use super::history;
use super::{ChangeOfStanding as Standing, Filter, User};
use crate::app::{App, Ask};
use crate::caller::{Caller, Permission};
use crate::db::Tx;
use crate::error::{AppResult, Rejection};
use crate::faults;
use crate::http::api::{Access, Op, PROOF_TO_GRANT, Routes};
use crate::http::body::{Json, MergePatch, OptionalJson};
use crate::http::etag::IfMatch;
use crate::http::idempotency::Creating;
use crate::http::output::{Created, Listed, NoContent, Tagged};
use crate::http::params::{Path, Query, time};
use crate::id::UserId;

const READ: Access = Access::Holding(Permission::UsersRead);
const WRITE: Access = Access::Holding(Permission::UsersWrite);
const DELETE: Access = Access::Holding(Permission::UsersDelete);
const OUTRANKED: &str = "The user holds permissions that the caller lacks (`target_outranks_caller`).";
const EXCEEDS: &str = "A role grants what the caller lacks (`grant_exceeds_caller`).";
const STATE: &str = "The user is not in a state that allows it (`invalid_state`).";
const LAST_ADMIN: &str = "The user is the last active administrator (`last_admin`).";

pub fn router() -> Routes {
    let op = |method, path, access, summary| Op::new(method, path, access, "Users", summary);
    Routes::new()
        .op(
            op(Method::GET, "/v1/users", READ, "List users")
                .description("Pages of users, without those who hold permissions that the caller lacks."),
            list_users,
        )
        .op(
            op(Method::POST, "/v1/users", WRITE, "Create a user")
                .description("The person gets a mail with a link to choose their password, which also verifies the address.")
                .fails(409, "Somebody has the address, the user name or a value that is unique (`email_taken`, `username_taken`, `attribute_taken`).")
                .fails(401, PROOF_TO_GRANT)
                .fails(403, EXCEEDS),
            create_user,
        )
        .op(
            op(Method::GET, "/v1/users/{id}", READ, "Read a user")
                .description("With `as_of`, as they were then; version and entity tag are those of now.")
                .fails(403, OUTRANKED)
                .fails(409, "What they were then is not known any more (`history_unknown`)."),
            read_user,
        )
        .op(
            op(Method::PATCH, "/v1/users/{id}", WRITE, "Change a user")
                .fails(403, OUTRANKED)
                .fails(409, "Somebody has the user name or a value that is unique, or the user is deleted (`username_taken`, `attribute_taken`, `invalid_state`)."),
            update_user,
        )
        .op(
            op(Method::DELETE, "/v1/users/{id}", DELETE, "Delete a user")
                .description("Into the recycle bin, for 30 days; every session ends at once. A run in bulk with the action `purge` removes them for good before that.")
                .fails(403, OUTRANKED)
                .fails(409, LAST_ADMIN),
            delete_user,
        )
        .merge(standing())
}

/// Where a user stands, and their rights.
fn standing() -> Routes {
    let op = |method, path, access, summary| Op::new(method, path, access, "Users", summary);
    Routes::new()
        .op(
            op(Method::POST, "/v1/users/{id}/restore", DELETE, "Restore a deleted user").fails(403, OUTRANKED).fails(409, STATE),
            restore_user,
        )
        .op(
            op(Method::POST, "/v1/users/{id}/suspend", WRITE, "Suspend a user")
                .description("They can't sign in, and every session ends at once: their tokens are refused at the next request.")
                .fails(403, OUTRANKED)
                .fails(409, STATE)
                .fails(409, LAST_ADMIN),
            suspend_user,
        )
        .op(
            op(Method::POST, "/v1/users/{id}/reactivate", WRITE, "Reactivate a suspended user")
                .fails(403, OUTRANKED)
                .fails(409, STATE),
            reactivate_user,
        )
        .op(
            op(Method::POST, "/v1/users/{id}/unlock", WRITE, "End the lock after wrong passwords")
                .fails(403, OUTRANKED)
                .fails(409, STATE),
            unlock_user,
        )
        .op(
            op(Method::POST, "/v1/users/{id}/sign-out-everywhere", WRITE, "End every session of a user").fails(403, OUTRANKED),
            sign_out_user,
        )
        .op(
            op(Method::PUT, "/v1/users/{id}/roles", Access::Holding(Permission::RolesAssign), "Set a user's roles")
                .fails(401, PROOF_TO_GRANT)
                .fails(403, OUTRANKED)
                .fails(403, EXCEEDS)
                .fails(409, LAST_ADMIN)
                .fails(409, STATE),
            set_user_roles,
        )
        .op(
            op(Method::PUT, "/v1/users/{id}/professional", WRITE, "Set a user's professional status")
                .description("The person is told by mail.")
                .fails(403, OUTRANKED),
            set_user_professional,
        )
}

#[derive(Deserialize, JsonSchema)]
struct UserPath {
    /// The user's id.
    id: UserId,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ReadUser {
    /// A time since the user was created, such as `2026-01-02T03:04:05Z`.
    #[serde(default, deserialize_with = "time")]
    #[schemars(with = "Option<Timestamp>")]
    as_of: Option<Timestamp>,
}

/// What the documentation shows.
pub fn example() -> Value {
    json!({
        "id": "0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d", "username": "calm-otter-7f3k9x", "status": "active", "email": "ann@example.com",
        "email_verified": true,
        "emails": [{ "id": "0193e4a1-7c1e-7b52-9d0c-4a2d5b6c7d8e", "address": "ann@example.com", "primary": true, "verified_at": "2026-01-02T03:04:05Z" }],
        "avatar_url": "/avatars/5b0f2c91d8e34a7f9c06b1e2d3f4a586-512.jpg",
        "given_name": "Ann", "family_name": "Baker", "display_name": "Ann Baker", "bio": null, "picture_url": null,
        "website_url": "https://example.com/ann", "github_url": null, "linkedin_url": null, "locale": "en-GB",
        "time_zone": "Europe/Vienna", "professional_at": null, "attributes": { "department": "Sales" }, "roles": ["support", "user"],
        "role_ends": { "support": "2030-01-02T03:04:05Z" }, "locked_until": null, "last_sign_in_at": "2026-01-02T03:04:05Z", "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-02T03:04:05Z", "deleted_at": null, "purge_after": null, "version": 3,
    })
}

async fn list_users(
    caller: Caller,
    State(app): State<App>,
    OriginalUri(here): OriginalUri,
    Query(filter): Query<Filter>,
) -> AppResult<Listed<Listing>> {
    let wanted = (caller.authority(), filter);
    let page = app.read_list(&caller.origin, &wanted, |tx, (by, filter)| Box::pin(super::list(tx, *by, filter))).await?;
    Ok(Listed { page: listings(page, wanted.1.fields.as_deref())?, here })
}

async fn create_user(caller: Caller, State(app): State<App>, request: Creating<NewUserBody>) -> AppResult<Created<User>> {
    if !request.body.is_ordinary() && !caller.permissions.contains(Permission::RolesAssign) {
        return Err(Rejection::forbidden("Roles other than `user` need the permission roles:assign.").into());
    }
    let mut tx = app.begin(&caller.origin).await?;
    if let Some(answer) = request.replay(&app, &mut tx).await? {
        return Ok(answer);
    }
    let user = super::create_and_welcome(&mut tx, caller.authority(), &request.body).await?;
    faults::mail_early(&app, request.body.email.as_str()).await;
    let answer = Created::new(format!("/v1/users/{}", user.id), user.version, &user)?;
    request.keep(&app, &mut tx, &answer.0).await?;
    faults::commit(tx).await?;
    Ok(answer)
}

async fn read_user(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<UserPath>,
    Query(query): Query<ReadUser>,
) -> AppResult<Tagged<User>> {
    let mut user = super::look_up(app.db.read(), path.id, app.clock.now()).await?;
    caller.authority().over(user.permissions)?;
    if let Some(at) = query.as_of {
        let ask: Ask<_, _> = |tx, (id, at)| Box::pin(history::as_of(tx, *id, *at));
        user = app.read_list(&caller.origin, &(user.id, at), ask).await?;
    }
    Ok(tagged(user))
}

async fn update_user(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<UserPath>,
    if_match: IfMatch,
    MergePatch(changes): MergePatch<UserPatch>,
) -> AppResult<Tagged<User>> {
    let (mut tx, before) = lock(&app, &caller, &path, &if_match).await?;
    let user = super::update(&mut tx, &before, changes.username.as_ref(), changes.profile, changes.attributes).await?;
    tx.commit().await?;
    Ok(tagged(user))
}

async fn delete_user(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<UserPath>,
    if_match: IfMatch,
) -> AppResult<NoContent> {
    let (mut tx, before) = lock(&app, &caller, &path, &if_match).await?;
    super::change_standing(&mut tx, &before, Standing::Delete).await?;
    tx.commit().await?;
    Ok(NoContent)
}

async fn restore_user(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<UserPath>,
    if_match: IfMatch,
    OptionalJson(why): OptionalJson<Reason>,
) -> AppResult<Tagged<User>> {
    change_standing(&app, because(caller, why), &path, &if_match, Standing::Restore).await
}

async fn suspend_user(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<UserPath>,
    if_match: IfMatch,
    OptionalJson(why): OptionalJson<Reason>,
) -> AppResult<Tagged<User>> {
    change_standing(&app, because(caller, why), &path, &if_match, Standing::Suspend).await
}

async fn reactivate_user(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<UserPath>,
    if_match: IfMatch,
    OptionalJson(why): OptionalJson<Reason>,
) -> AppResult<Tagged<User>> {
    change_standing(&app, because(caller, why), &path, &if_match, Standing::Reactivate).await
}

async fn unlock_user(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<UserPath>,
    if_match: IfMatch,
    OptionalJson(why): OptionalJson<Reason>,
) -> AppResult<Tagged<User>> {
    change_standing(&app, because(caller, why), &path, &if_match, Standing::Unlock).await
}

async fn sign_out_user(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<UserPath>,
    if_match: IfMatch,
    OptionalJson(why): OptionalJson<Reason>,
) -> AppResult<NoContent> {
    change_standing(&app, because(caller, why), &path, &if_match, Standing::SignOut).await?;
    Ok(NoContent)
}

async fn change_standing(
    app: &App,
    caller: Caller,
    path: &UserPath,
    if_match: &IfMatch,
    change: Standing,
) -> AppResult<Tagged<User>> {
    let (mut tx, before) = lock(app, &caller, path, if_match).await?;
    let user = super::change_standing(&mut tx, &before, change).await?;
    tx.commit().await?;
    Ok(tagged(user))
}

async fn set_user_roles(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<UserPath>,
    if_match: IfMatch,
    Json(body): Json<RolesBody>,
) -> AppResult<Tagged<User>> {
    let (mut tx, before) = lock(&app, &caller, &path, &if_match).await?;
    let user = super::set_roles(&mut tx, caller.authority(), &before, &body.roles).await?;
    tx.commit().await?;
    Ok(tagged(user))
}

async fn set_user_professional(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<UserPath>,
    if_match: IfMatch,
    Json(body): Json<ProfessionalBody>,
) -> AppResult<Tagged<User>> {
    let (mut tx, before) = lock(&app, &caller, &path, &if_match).await?;
    let user = super::recognise(&mut tx, &before, body.professional).await?;
    tx.commit().await?;
    Ok(tagged(user))
}

/// Every change begins so: the user locked, the caller entitled, the precondition met.
async fn lock(app: &App, caller: &Caller, path: &UserPath, if_match: &IfMatch) -> AppResult<(Tx, User)> {
    let mut tx = app.begin(&caller.origin).await?;
    let user = super::lock(&mut tx, caller.authority(), path.id).await?;
    if_match.require(user.version)?;
    Ok((tx, user))
}

fn because(mut caller: Caller, why: Reason) -> Caller {
    if let Some(reason) = why.reason {
        caller.origin.reason = Some(reason);
    }
    caller
}

fn tagged(user: User) -> Tagged<User> {
    Tagged { version: user.version, body: user }
}
