//! The groups API.

use axum::extract::{OriginalUri, State};
use http::Method;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Group, Member, Membership};
use crate::app::{App, Ask};
use crate::caller::{self, Caller, Permission};
use crate::db::Tx;
use crate::error::AppResult;
use crate::http::api::{Access, Op, PROOF_TO_GRANT, Routes};
use crate::http::body::{Json, MergePatch, OptionalJson};
use crate::http::etag::IfMatch;
use crate::http::idempotency::Creating;
use crate::http::output::{Answer, Created, Listed, NoContent, Tagged};
use crate::http::params::{Part, Path, Query};
use crate::id::{GroupId, UserId};
use crate::roles::RoleName;
use crate::users::Name;

const READ: Access = Access::Holding(Permission::RolesRead);
const WRITE: Access = Access::Holding(Permission::RolesWrite);
const ASSIGN: Access = Access::Holding(Permission::RolesAssign);
const USERS: Access = Access::Holding(Permission::UsersRead);
const ONE: &str = "/v1/groups/{id}";
const MEMBER: &str = "/v1/groups/{id}/members/{user_id}";
const EXCEEDS: &str = "The group gives what the caller lacks (`grant_exceeds_caller`).";
const OUTRANKED: &str = "The user holds permissions that the caller lacks (`target_outranks_caller`).";
const TAKEN: &str = "There is a group of this name (`group_name_taken`).";
const LAST_ADMIN: &str = "No active administrator would remain whose rights do not end by themselves (`last_admin`).";

pub fn router() -> Routes {
    let op = |method, path, access, summary| Op::new(method, path, access, "Groups", summary);
    let routes = Routes::new()
        .op(op(Method::GET, "/v1/groups", READ, "List groups").description("By their names."), list_groups)
        .op(
            op(Method::POST, "/v1/groups", WRITE, "Create a group")
                .description("It carries no roles yet, and nobody is in it.")
                .fails(409, TAKEN)
                .fails(409, "There are 1,000 groups already (`too_many_groups`)."),
            create_group,
        )
        .op(op(Method::GET, ONE, READ, "Read a group"), read_group)
        .op(op(Method::PATCH, ONE, WRITE, "Change a group").fails(403, EXCEEDS).fails(409, TAKEN), update_group)
        .op(
            op(Method::DELETE, ONE, WRITE, "Delete a group")
                .fails(403, EXCEEDS)
                .fails(409, "Users are in the group, or it is another's parent (`group_in_use`)."),
            delete_group,
        )
        .op(
            op(Method::PUT, "/v1/groups/{id}/roles", ASSIGN, "Set a group's roles")
                .description("It carries these and no others. The members have them from the next request on.")
                .fails(401, PROOF_TO_GRANT)
                .fails(403, EXCEEDS)
                .fails(409, LAST_ADMIN),
            set_group_roles,
        )
        .op(
            op(Method::PUT, "/v1/groups/{id}/parents", ASSIGN, "Set a group's parents")
                .description("Its members have the roles of these groups too, and of what is above them.")
                .fails(401, PROOF_TO_GRANT)
                .fails(403, EXCEEDS)
                .fails(
                    409,
                    "The group would be above itself, or more than eight above one another (`group_circle`, `groups_too_deep`).",
                )
                .fails(409, LAST_ADMIN),
            set_group_parents,
        );
    member_routes(routes)
}

fn member_routes(routes: Routes) -> Routes {
    let op = |method, path, access, summary| Op::new(method, path, access, "Groups", summary);
    routes
        .op(
            op(Method::GET, "/v1/groups/{id}/members", USERS, "List a group's members").description(
                "Who is in this very group, without those who hold permissions that the caller lacks. Needs `roles:read` too.",
            ),
            list_group_members,
        )
        .op(
            op(Method::PUT, MEMBER, ASSIGN, "Put a user into a group")
                .description("Until a time or for good; who is in it gets this end.")
                .fails(401, PROOF_TO_GRANT)
                .fails(403, OUTRANKED)
                .fails(403, EXCEEDS)
                .fails(409, "The user is deleted, or in 100 groups already (`invalid_state`, `too_many_groups`).")
                .fails(409, LAST_ADMIN),
            put_group_member,
        )
        .op(
            op(Method::DELETE, MEMBER, ASSIGN, "Take a user out of a group")
                .fails(401, PROOF_TO_GRANT)
                .fails(403, OUTRANKED)
                .fails(403, EXCEEDS)
                .fails(409, LAST_ADMIN),
            remove_group_member,
        )
        .op(op(Method::GET, "/v1/users/{id}/groups", USERS, "List a user's groups").fails(403, OUTRANKED), list_user_groups)
}

/// What the documentation shows.
pub fn example() -> Value {
    json!({
        "id": "0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d", "name": "Support", "description": "Answers questions.",
        "roles": ["support"], "parents": ["0193e4a1-7c1e-7b52-9d0c-4a2d5b6c7d8e"], "version": 3,
        "created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:05Z",
    })
}

#[derive(Deserialize, JsonSchema)]
struct GroupPath {
    /// The group's id.
    id: GroupId,
}

#[derive(Deserialize, JsonSchema)]
struct MemberPath {
    /// The group's id.
    id: GroupId,
    /// The user's id.
    user_id: UserId,
}

#[derive(Deserialize, JsonSchema)]
struct UserPath {
    /// The user's id.
    id: UserId,
}

/// A group to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("example" = serde_json::json!({ "name": "Support", "description": "Answers questions." })))]
pub struct NewGroup {
    pub name: Name,
    #[serde(default)]
    #[schemars(length(max = 500))]
    pub description: String,
}

/// Changes of a group: a field that is left out stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GroupPatch {
    #[serde(default)]
    #[schemars(with = "Name")]
    name: Option<Name>,
    #[serde(default)]
    #[schemars(with = "String", length(max = 500))]
    description: Option<String>,
}

/// The roles a group shall carry: these and no others.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("example" = serde_json::json!({ "roles": ["support"] })))]
pub struct GroupRolesBody {
    #[schemars(length(max = super::ROLES_MAX))]
    pub roles: Vec<RoleName>,
}

/// The parents a group shall have: these and no others.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("example" = serde_json::json!({ "parents": ["0193e4a1-7c1e-7b52-9d0c-4a2d5b6c7d8e"] })))]
pub struct ParentsBody {
    #[schemars(length(max = super::PARENTS_MAX))]
    pub parents: Vec<GroupId>,
}

/// When what is given ends by itself.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("example" = serde_json::json!({ "expires_at": "2030-01-02T03:04:05Z" })))]
pub struct Until {
    /// Must be still to come. Left out or `null`: it does not end by itself.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
}

/// All groups of a user.
#[derive(Serialize, JsonSchema)]
struct Memberships {
    items: Vec<Membership>,
}

async fn list_groups(
    caller: Caller,
    State(app): State<App>,
    OriginalUri(here): OriginalUri,
    Query(part): Query<Part>,
) -> AppResult<Listed<Group>> {
    let ask: Ask<Part, _> = |tx, part| Box::pin(super::list(tx, part.limit, part.cursor.as_deref()));
    let page = app.read_list(&caller.origin, &part, ask).await?;
    Ok(Listed { page, here })
}

async fn create_group(caller: Caller, State(app): State<App>, request: Creating<NewGroup>) -> AppResult<Created<Group>> {
    let mut tx = app.begin(&caller.origin).await?;
    if let Some(answer) = request.replay(&app, &mut tx).await? {
        return Ok(answer);
    }
    let group = super::create(&mut tx, &request.body.name, &request.body.description).await?;
    let answer = Created::new(format!("/v1/groups/{}", group.id), group.version, &group)?;
    request.keep(&app, &mut tx, &answer.0).await?;
    tx.commit().await?;
    Ok(answer)
}

async fn read_group(caller: Caller, State(app): State<App>, Path(path): Path<GroupPath>) -> AppResult<Tagged<Group>> {
    let mut tx = app.begin(&caller.origin).await?;
    let group = super::read(&mut tx, path.id).await?;
    tx.commit().await?;
    Ok(tagged(group))
}

async fn update_group(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<GroupPath>,
    if_match: IfMatch,
    MergePatch(changes): MergePatch<GroupPatch>,
) -> AppResult<Tagged<Group>> {
    let (mut tx, before) = lock(&app, &caller, &path, &if_match).await?;
    let group = super::update(&mut tx, &before, changes.name.as_ref(), changes.description.as_deref()).await?;
    tx.commit().await?;
    Ok(tagged(group))
}

async fn delete_group(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<GroupPath>,
    if_match: IfMatch,
) -> AppResult<NoContent> {
    let (mut tx, group) = lock(&app, &caller, &path, &if_match).await?;
    super::delete(&mut tx, &group).await?;
    tx.commit().await?;
    Ok(NoContent)
}

async fn set_group_roles(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<GroupPath>,
    if_match: IfMatch,
    Json(body): Json<GroupRolesBody>,
) -> AppResult<Tagged<Group>> {
    let (mut tx, before) = lock(&app, &caller, &path, &if_match).await?;
    let group = super::set_roles(&mut tx, caller.authority(), &before, &body.roles).await?;
    tx.commit().await?;
    Ok(tagged(group))
}

async fn set_group_parents(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<GroupPath>,
    if_match: IfMatch,
    Json(body): Json<ParentsBody>,
) -> AppResult<Tagged<Group>> {
    let (mut tx, before) = lock(&app, &caller, &path, &if_match).await?;
    let group = super::set_parents(&mut tx, caller.authority(), &before, &body.parents).await?;
    tx.commit().await?;
    Ok(tagged(group))
}

async fn list_group_members(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<GroupPath>,
    OriginalUri(here): OriginalUri,
    Query(part): Query<Part>,
) -> AppResult<Listed<Member>> {
    caller.require(Permission::RolesRead)?;
    let ask: Ask<(_, GroupId, Part), _> =
        |tx, (by, id, part)| Box::pin(super::list_members(tx, *by, *id, part.limit, part.cursor.as_deref()));
    let page = app.read_list(&caller.origin, &(caller.authority(), path.id, part), ask).await?;
    Ok(Listed { page, here })
}

async fn put_group_member(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<MemberPath>,
    OptionalJson(until): OptionalJson<Until>,
) -> AppResult<Answer<Member>> {
    let mut tx = app.begin(&caller.origin).await?;
    let member = super::put_member(&mut tx, caller.authority(), path.id, path.user_id, until.expires_at).await?;
    tx.commit().await?;
    Ok(Answer(member))
}

async fn remove_group_member(caller: Caller, State(app): State<App>, Path(path): Path<MemberPath>) -> AppResult<NoContent> {
    let mut tx = app.begin(&caller.origin).await?;
    super::remove_member(&mut tx, caller.authority(), path.id, path.user_id).await?;
    tx.commit().await?;
    Ok(NoContent)
}

async fn list_user_groups(caller: Caller, State(app): State<App>, Path(path): Path<UserPath>) -> AppResult<Answer<Memberships>> {
    let mut tx = app.begin(&caller.origin).await?;
    caller::require_rank(&mut tx, &caller, path.id).await?;
    let items = super::list_memberships(&mut tx, path.id).await?;
    tx.commit().await?;
    Ok(Answer(Memberships { items }))
}

/// Every change begins so: the groups locked, the caller entitled, the precondition met.
async fn lock(app: &App, caller: &Caller, path: &GroupPath, if_match: &IfMatch) -> AppResult<(Tx, Group)> {
    let mut tx = app.begin(&caller.origin).await?;
    let group = super::lock(&mut tx, caller.authority(), path.id).await?;
    if_match.require(group.version)?;
    Ok((tx, group))
}

fn tagged(group: Group) -> Tagged<Group> {
    Tagged { version: group.version, body: group }
}
