//! What people may see and change of themselves.

use axum::extract::State;
use http::Method;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::data::OwnData;
use super::profile::MePatch;
use crate::app::App;
use crate::attributes;
use crate::caller::Person;
use crate::db::Origin;
use crate::error::AppResult;
use crate::http::api::{Access, Op, Routes};
use crate::http::body::{Json, MergePatch};
use crate::http::etag::IfMatch;
use crate::http::limits;
use crate::http::output::{Answer, NoContent, Tagged};
use crate::secret::SecretText;
use crate::sessions::Tokens;
use crate::users::{self, User};

pub fn router() -> Routes {
    let op = |method, summary| Op::new(method, "/v1/me", Access::SignedIn, "Me", summary);
    Routes::new()
        .op(op(Method::GET, "Read your profile"), read_me)
        .op(
            op(Method::PATCH, "Change your profile")
                .description("A user name also signs in: changing it needs a fresh sign-in, and a mail tells of it.")
                .fails(401, "The user name shall change, and the sign-in is too long ago (`fresh_authentication_required`).")
                .fails(409, "Somebody has the user name, or a value that is unique (`username_taken`, `attribute_taken`)."),
            update_me,
        )
        .op(
            Op::new(Method::GET, "/v1/me/data", Access::SignedIn, "Me", "Everything that is known of you")
                .description(
                    "In one answer: you as `GET /v1/me` shows you, addresses, sessions, devices, API keys, second factors, groups, mails, \
                     invitations, and what has happened to your account, newest first. Lists end after 10,000 items: `truncated` names \
                     those that did. That you asked is noted there, too.",
                ),
            read_my_data,
        )
        .op(
            Op::new(Method::PUT, "/v1/me/password", Access::Fresh, "Me", "Change your password")
                .description(
                    "Every session ends, this one too: go on with the tokens of the answer. Links that were mailed before stop working. \
                     A user without a password sets their first one, and leaves `current_password` out.",
                )
                .fails(422, "The current password is wrong (`wrong_password`).")
                .fails(429, "Too many wrong passwords; see `Retry-After` (`too_many_requests`)."),
            change_password,
        )
        .op(
            Op::new(Method::DELETE, "/v1/me", Access::Fresh, "Me", "Delete yourself")
                .description(
                    "Into the recycle bin, for 30 days; every session ends at once. A mail brings a link that undoes it. `X-Reason` says \
                     why, for the audit trail.",
                )
                .fails(409, "You are the last active administrator (`last_admin`)."),
            delete_me,
        )
        .op(
            Op::new(Method::POST, "/v1/undo-deletion", Access::Public, "Me", "Undo your deletion with the token from the mail")
                .limited_to(limits::PASSWORDS)
                .description("Only for who deleted themselves, and as long as nobody else has deleted them too. Sign in afterwards.")
                .fails(422, "The token is unknown, used or expired (`invalid_token`)."),
            undo_deletion,
        )
}

/// You.
#[derive(Serialize, JsonSchema)]
struct Me {
    #[serde(flatten)]
    user: User,
    /// By when you must bind a second factor; left out when nothing asks you for one, or when you have one. The entity
    /// tag is that of the profile and does not change with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    second_factor_due_at: Option<Timestamp>,
}

/// The present password, and the one that shall take its place.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("example" = serde_json::json!({
    "current_password": "plum kettle orbit lantern", "password": "seven quiet herons wading"
})))]
struct PasswordBody {
    current_password: Option<SecretText>,
    /// At least 15 characters, if no other number is set; a few unrelated words do well.
    password: SecretText,
}

/// The token from the mail.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct UndoBody {
    token: SecretText,
}

/// What has happened.
#[derive(Debug, Serialize, JsonSchema)]
struct DeletionStatus {
    /// Always `restored`.
    status: &'static str,
}

async fn read_me(person: Person, State(app): State<App>) -> AppResult<Tagged<Me>> {
    let user = users::look_up(app.db.read(), person.user_id, app.clock.now()).await?;
    shown(&app, &person, user).await
}

async fn update_me(
    person: Person,
    State(app): State<App>,
    if_match: IfMatch,
    MergePatch(changes): MergePatch<MePatch>,
) -> AppResult<Tagged<Me>> {
    if changes.username.is_some() {
        person.require_proof(app.clock.now())?;
    }
    let mut tx = app.begin(&person.origin).await?;
    let before = users::lock(&mut tx, person.authority(), person.user_id).await?;
    if_match.require(before.version)?;
    let user = super::profile::change(&mut tx, &before, changes).await?;
    tx.commit().await?;
    shown(&app, &person, user).await
}

/// People do not see those of their attributes that are for administrators.
async fn shown(app: &App, person: &Person, mut user: User) -> AppResult<Tagged<Me>> {
    user.attributes = attributes::cached(app).await?.own(&user.attributes);
    let second_factor_due_at = person.duty.map(|duty| duty.due_at);
    Ok(Tagged { version: user.version, body: Me { user, second_factor_due_at } })
}

async fn change_password(person: Person, State(app): State<App>, Json(body): Json<PasswordBody>) -> AppResult<Answer<Tokens>> {
    super::password::change(&app, &person, body.current_password.as_ref(), &body.password).await.map(Answer)
}

async fn read_my_data(person: Person, State(app): State<App>) -> AppResult<Answer<OwnData>> {
    super::data::gather(&app, &person).await.map(Answer)
}

async fn delete_me(person: Person, State(app): State<App>) -> AppResult<NoContent> {
    let mut tx = app.begin(&person.origin).await?;
    super::deletion::delete(&mut tx, &person).await?;
    tx.commit().await?;
    Ok(NoContent)
}

async fn undo_deletion(State(app): State<App>, origin: Origin, Json(body): Json<UndoBody>) -> AppResult<Answer<DeletionStatus>> {
    let mut tx = app.begin(&origin).await?;
    super::deletion::undo(&mut tx, &body.token).await?;
    tx.commit().await?;
    Ok(Answer(DeletionStatus { status: "restored" }))
}
