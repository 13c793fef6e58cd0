//! The roles API.

use axum::extract::State;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Role, RoleName, SecondFactorPatch, SecondFactorPolicy};
use crate::app::App;
use crate::caller::{Caller, Permission};
use crate::error::AppResult;
use crate::http::api::{Access, Op, Routes};
use crate::http::body::MergePatch;
use crate::http::etag::IfMatch;
use crate::http::idempotency::Creating;
use crate::http::output::{Answer, Created, NoContent, Tagged};
use crate::http::params::Path;

const READ: Access = Access::Holding(Permission::RolesRead);
const WRITE: Access = Access::Holding(Permission::RolesWrite);
const BUILT_IN: &str = "The role is built in, and more than `second_factor` was to change (`role_built_in`).";
const EXCEEDS: &str = "The role grants what the caller lacks (`grant_exceeds_caller`).";

pub fn router() -> Routes {
    let op = |method, path, access, summary| Op::new(method, path, access, "Roles", summary);
    Routes::new()
        .op(op(Method::GET, "/v1/roles", READ, "List roles"), list_roles)
        .op(
            op(Method::POST, "/v1/roles", WRITE, "Create a role")
                .description("A role grants what its creator holds, and no more.")
                .after_proof()
                .fails(403, EXCEEDS)
                .fails(409, "There is a role of this name (`role_name_taken`)."),
            create_role,
        )
        .op(op(Method::GET, "/v1/roles/{name}", READ, "Read a role"), read_role)
        .op(
            op(Method::PATCH, "/v1/roles/{name}", WRITE, "Change a role")
                .description(
                    "What the role asks for and gives counts from the next request on, for everybody who has it. A policy on second factors \
                     that goes on counts from when it began, whatever becomes of its days.",
                )
                .after_proof()
                .fails(403, EXCEEDS)
                .fails(409, BUILT_IN),
            update_role,
        )
        .op(
            op(Method::DELETE, "/v1/roles/{name}", WRITE, "Delete a role")
                .after_proof()
                .fails(403, EXCEEDS)
                .fails(409, "The role is built in (`role_built_in`).")
                .fails(409, "Somebody holds the role (`role_in_use`)."),
            delete_role,
        )
        .op(op(Method::GET, "/v1/permissions", READ, "List permissions"), list_permissions)
}

#[derive(Deserialize, JsonSchema)]
struct RolePath {
    /// The role's name.
    name: String,
}

/// All roles.
#[derive(Serialize, JsonSchema)]
struct Roles {
    items: Vec<Role>,
}

/// All permissions.
#[derive(Serialize, JsonSchema)]
struct Permissions {
    items: Vec<PermissionState>,
}

/// A permission and what it allows.
#[derive(Serialize, JsonSchema)]
struct PermissionState {
    name: Permission,
    description: &'static str,
}

/// A role to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("example" = serde_json::json!({
    "name": "support", "description": "Answers questions.", "permissions": ["users:read"]
})))]
pub struct NewRole {
    pub name: RoleName,
    #[serde(default)]
    #[schemars(length(max = 500))]
    pub description: String,
    #[schemars(length(max = 100))]
    pub permissions: Vec<Permission>,
    #[serde(default)]
    pub second_factor: SecondFactorPolicy,
}

/// Changes of a role: a field that is left out stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RolePatch {
    #[serde(default)]
    #[schemars(with = "String", length(max = 500))]
    pub description: Option<String>,
    #[serde(default)]
    #[schemars(with = "Vec<Permission>", length(max = 100))]
    pub permissions: Option<Vec<Permission>>,
    #[serde(default)]
    #[schemars(with = "SecondFactorPatch")]
    pub second_factor: Option<SecondFactorPatch>,
}

async fn list_roles(caller: Caller, State(app): State<App>) -> AppResult<Answer<Roles>> {
    let mut tx = app.begin(&caller.origin).await?;
    let items = super::list(&mut tx).await?;
    tx.commit().await?;
    Ok(Answer(Roles { items }))
}

async fn create_role(caller: Caller, State(app): State<App>, request: Creating<NewRole>) -> AppResult<Created<Role>> {
    let mut tx = app.begin(&caller.origin).await?;
    if let Some(answer) = request.replay(&app, &mut tx).await? {
        return Ok(answer);
    }
    let new = &request.body;
    let role =
        super::create(&mut tx, caller.authority(), &new.name, &new.description, &new.permissions, new.second_factor).await?;
    let answer = Created::new(format!("/v1/roles/{}", role.name), role.version, &role)?;
    request.keep(&app, &mut tx, &answer.0).await?;
    tx.commit().await?;
    Ok(answer)
}

async fn read_role(caller: Caller, State(app): State<App>, Path(path): Path<RolePath>) -> AppResult<Tagged<Role>> {
    let mut tx = app.begin(&caller.origin).await?;
    let role = super::find(&mut tx, &path.name).await?;
    tx.commit().await?;
    Ok(Tagged { version: role.version, body: role })
}

async fn update_role(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<RolePath>,
    if_match: IfMatch,
    MergePatch(changes): MergePatch<RolePatch>,
) -> AppResult<Tagged<Role>> {
    let mut tx = app.begin(&caller.origin).await?;
    let before = super::lock(&mut tx, &path.name).await?;
    if_match.require(before.version)?;
    let role =
        super::update(&mut tx, caller.authority(), &before, changes.description, changes.permissions, changes.second_factor)
            .await?;
    tx.commit().await?;
    Ok(Tagged { version: role.version, body: role })
}

async fn delete_role(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<RolePath>,
    if_match: IfMatch,
) -> AppResult<NoContent> {
    let mut tx = app.begin(&caller.origin).await?;
    let role = super::lock(&mut tx, &path.name).await?;
    if_match.require(role.version)?;
    super::delete(&mut tx, caller.authority(), &role).await?;
    tx.commit().await?;
    Ok(NoContent)
}

async fn list_permissions() -> Answer<Permissions> {
    let items =
        Permission::ALL.iter().map(|permission| PermissionState { name: *permission, description: permission.description() });
    Answer(Permissions { items: items.collect() })
}
