//! What people may see and change of themselves.

use axum::extract::State;
use http::Method;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::app::App;
use crate::caller::Person;
use crate::error::AppResult;
use crate::http::api::{Access, Op, Routes};
use crate::http::body::MergePatch;
use crate::http::etag::IfMatch;
use crate::http::output::Tagged;
use crate::patch::Patch;
use crate::users::{self, ProfilePatch, User, Username};

pub fn router() -> Routes {
    let op = |method, summary| Op::new(method, "/v1/me", Access::SignedIn, "Me", summary);
    Routes::new()
        .op(op(Method::GET, "Read your profile"), read_me)
        .op(op(Method::PATCH, "Change your profile").fails(409, "Somebody has the user name (`username_taken`)."), update_me)
}

/// Changes of your own profile: a field that is left out stays, `null` clears it (RFC 7396).
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, extend("example" = serde_json::json!({ "display_name": "Ann", "time_zone": "Europe/Vienna" })))]
struct MePatch {
    /// Can't be cleared.
    #[serde(default)]
    #[schemars(with = "Username")]
    username: Option<Username>,
    #[serde(flatten)]
    profile: ProfilePatch,
}

async fn read_me(person: Person, State(app): State<App>) -> AppResult<Tagged<User>> {
    let user = users::look_up(app.db.read(), person.user_id).await?;
    Ok(Tagged { version: user.version, body: user })
}

async fn update_me(
    person: Person,
    State(app): State<App>,
    if_match: IfMatch,
    MergePatch(changes): MergePatch<MePatch>,
) -> AppResult<Tagged<User>> {
    let mut tx = app.begin(&person.origin).await?;
    let before = users::lock(&mut tx, person.authority(), person.user_id).await?;
    if_match.require(before.version)?;
    let user = users::update(&mut tx, &before, changes.username.as_ref(), changes.profile, Patch::Keep).await?;
    tx.commit().await?;
    Ok(Tagged { version: user.version, body: user })
}
