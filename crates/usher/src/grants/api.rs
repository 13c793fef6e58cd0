//! The API of who may do what, and of single roles.

use axum::extract::{OriginalUri, State};
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Held, Holder};
use crate::app::{App, Ask};
use crate::caller::{self, Caller, Permission};
use crate::db::Tx;
use crate::error::AppResult;
use crate::groups::Until;
use crate::http::api::{Access, Op, PROOF_TO_GRANT, Routes};
use crate::http::body::OptionalJson;
use crate::http::etag::IfMatch;
use crate::http::output::{Answer, Listed, NoContent, Tagged};
use crate::http::params::{Part, Path, Query};
use crate::id::UserId;
use crate::roles::{self, Grant};
use crate::users::{self, User};

const READ: Access = Access::Holding(Permission::UsersRead);
const ASSIGN: Access = Access::Holding(Permission::RolesAssign);
const OUTRANKED: &str = "The user holds permissions that the caller lacks (`target_outranks_caller`).";
const EXCEEDS: &str = "The role grants what the caller lacks (`grant_exceeds_caller`).";
const LAST_ADMIN: &str = "No active administrator would remain whose rights do not end by themselves (`last_admin`).";
const STATE: &str = "The user is deleted, or holds 50 roles already (`invalid_state`, `too_many_roles`).";

pub fn router() -> Routes {
    let op = |method, path, access, summary| Op::new(method, path, access, "Roles", summary);
    Routes::new()
        .op(
            op(Method::GET, "/v1/permissions/{permission}/holders", READ, "List who has a permission")
                .description(
                    "Users who are not deleted, with what gives it to them; without those who hold permissions that the caller lacks. \
                     Needs `roles:read` too.",
                ),
            list_permission_holders,
        )
        .op(
            op(Method::GET, "/v1/users/{id}/permissions", READ, "List what a user may do")
                .description("By roles that were granted to them and by their groups; with `explain=true` each permission with its reasons.")
                .fails(403, OUTRANKED),
            list_user_permissions,
        )
        .op(
            op(Method::GET, "/v1/users/{id}/roles", READ, "List the roles that were granted to a user")
                .description("With when, by whom and until when; without those of their groups.")
                .fails(403, OUTRANKED),
            list_user_roles,
        )
        .op(
            op(Method::PUT, "/v1/users/{id}/roles/{role}", ASSIGN, "Grant a user a role")
                .description("Until a time or for good; a role that they hold gets this end.")
                .fails(401, PROOF_TO_GRANT)
                .fails(403, OUTRANKED)
                .fails(403, EXCEEDS)
                .fails(409, LAST_ADMIN)
                .fails(409, STATE),
            grant_user_role,
        )
        .op(
            op(Method::DELETE, "/v1/users/{id}/roles/{role}", ASSIGN, "Take a role from a user")
                .fails(401, PROOF_TO_GRANT)
                .fails(403, OUTRANKED)
                .fails(403, EXCEEDS)
                .fails(409, LAST_ADMIN)
                .fails(409, STATE),
            take_user_role,
        )
}

#[derive(Deserialize, JsonSchema)]
struct PermissionPath {
    /// The permission's name.
    permission: Permission,
}

#[derive(Deserialize, JsonSchema)]
struct UserPath {
    /// The user's id.
    id: UserId,
}

#[derive(Deserialize, JsonSchema)]
struct UserRolePath {
    /// The user's id.
    id: UserId,
    /// The role's name.
    role: String,
}

/// How much to say.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Explaining {
    /// Whether to say what gives each permission.
    #[serde(default)]
    explain: bool,
}

/// All that a user may do.
#[derive(Serialize, JsonSchema)]
struct HeldPermissions {
    items: Vec<Held>,
}

/// All roles that were granted to a user.
#[derive(Serialize, JsonSchema)]
struct Grants {
    items: Vec<Grant>,
}

async fn list_permission_holders(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<PermissionPath>,
    OriginalUri(here): OriginalUri,
    Query(part): Query<Part>,
) -> AppResult<Listed<Holder>> {
    caller.require(Permission::RolesRead)?;
    let ask: Ask<(_, Permission, Part), _> =
        |tx, (by, permission, part)| Box::pin(super::list_holders(tx, *by, *permission, part.limit, part.cursor.as_deref()));
    let page = app.read_list(&caller.origin, &(caller.authority(), path.permission, part), ask).await?;
    Ok(Listed { page, here })
}

async fn list_user_permissions(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<UserPath>,
    Query(how): Query<Explaining>,
) -> AppResult<Answer<HeldPermissions>> {
    let mut tx = app.begin(&caller.origin).await?;
    let items = super::list_permissions(&mut tx, caller.authority(), path.id, how.explain).await?;
    tx.commit().await?;
    Ok(Answer(HeldPermissions { items }))
}

async fn list_user_roles(caller: Caller, State(app): State<App>, Path(path): Path<UserPath>) -> AppResult<Answer<Grants>> {
    let mut tx = app.begin(&caller.origin).await?;
    caller::require_rank(&mut tx, &caller, path.id).await?;
    let items = roles::list_grants(&mut tx, path.id).await?;
    tx.commit().await?;
    Ok(Answer(Grants { items }))
}

async fn grant_user_role(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<UserRolePath>,
    if_match: IfMatch,
    OptionalJson(until): OptionalJson<Until>,
) -> AppResult<Tagged<User>> {
    let (mut tx, before) = lock(&app, &caller, &path, &if_match).await?;
    let user = users::grant_role(&mut tx, caller.authority(), &before, &path.role, until.expires_at).await?;
    tx.commit().await?;
    Ok(Tagged { version: user.version, body: user })
}

async fn take_user_role(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<UserRolePath>,
    if_match: IfMatch,
) -> AppResult<NoContent> {
    let (mut tx, before) = lock(&app, &caller, &path, &if_match).await?;
    users::take_role(&mut tx, caller.authority(), &before, &path.role).await?;
    tx.commit().await?;
    Ok(NoContent)
}

/// Every change begins so: the user locked, the caller entitled, the precondition met.
async fn lock(app: &App, caller: &Caller, path: &UserRolePath, if_match: &IfMatch) -> AppResult<(Tx, User)> {
    let mut tx = app.begin(&caller.origin).await?;
    let user = users::lock(&mut tx, caller.authority(), path.id).await?;
    if_match.require(user.version)?;
    Ok((tx, user))
}
