//! Recovery, for programs.

use axum::extract::State;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::caller::{Caller, Permission};
use crate::db::Origin;
use crate::emails::EmailAddress;
use crate::error::AppResult;
use crate::http::api::{Access, Op, Routes};
use crate::http::body::Json;
use crate::http::limits;
use crate::http::output::{Accepted, Answer};
use crate::http::params::Path;
use crate::id::UserId;
use crate::secret::SecretText;
use crate::users;

pub fn router() -> Routes {
    let op = |path, summary| Op::new(Method::POST, path, Access::Public, "Password", summary);
    Routes::new()
        .op(
            op("/v1/password/forgot", "Ask for a link to choose a new password").limited_to(limits::MAILING).description(
                "The answer does not tell whether there is such an address. Nothing changes until the link is used.",
            ),
            forgot_password,
        )
        .op(
            op("/v1/password/reset", "Choose a new password with the token from the mail")
                .limited_to(limits::PASSWORDS)
                .description("Ends every session. Nobody is signed in by it: sign in with the new password.")
                .fails(422, "The token is unknown, used or expired (`invalid_token`)."),
            reset_password,
        )
        .op(
            op("/v1/report-sign-in", "Say that a sign-in was somebody else's, with the token from the mail")
                .limited_to(limits::MAILING)
                .description(
                    "Ends every session, forgets all devices, stops the password from working, and mails a link to choose a new one.",
                )
                .fails(422, "The token is unknown, used or expired (`invalid_token`)."),
            report_sign_in,
        )
        .op(
            Op::new(
                Method::POST,
                "/v1/users/{id}/reset-password",
                Access::Holding(Permission::UsersWrite),
                "Users",
                "Mail a user a link to choose a new password",
            )
            .description("Nothing changes until the person uses the link; nobody else learns or chooses a password of theirs.")
            .fails(403, "The user holds permissions that the caller lacks (`target_outranks_caller`).")
            .fails(409, "The user is suspended or deleted (`invalid_state`)."),
            reset_user_password,
        )
}

#[derive(Deserialize, JsonSchema)]
struct UserPath {
    /// The user's id.
    id: UserId,
}

/// The token from the mail.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ReportBody {
    token: SecretText,
}

/// Who has forgotten their password.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ForgotBody {
    email: EmailAddress,
}

/// The token from the mail, and the new password.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ResetBody {
    token: SecretText,
    /// At least 15 characters, if no other number is set; a few unrelated words do well.
    password: SecretText,
}

/// What has happened or will happen.
#[derive(Debug, Serialize, JsonSchema)]
struct RecoveryStatus {
    /// `reset_sent`, `password_set` or `reported`.
    status: &'static str,
}

async fn forgot_password(
    State(app): State<App>,
    origin: Origin,
    Json(body): Json<ForgotBody>,
) -> AppResult<Accepted<RecoveryStatus>> {
    super::ask(&app, &origin, &body.email).await?;
    Accepted::new(&RecoveryStatus { status: "reset_sent" })
}

async fn reset_password(
    State(app): State<App>,
    origin: Origin,
    Json(body): Json<ResetBody>,
) -> AppResult<Answer<RecoveryStatus>> {
    super::redeem(&app, &origin, &body.token, &body.password).await?;
    Ok(Answer(RecoveryStatus { status: "password_set" }))
}

async fn report_sign_in(
    State(app): State<App>,
    origin: Origin,
    Json(body): Json<ReportBody>,
) -> AppResult<Answer<RecoveryStatus>> {
    super::report(&app, &origin, &body.token).await?;
    Ok(Answer(RecoveryStatus { status: "reported" }))
}

async fn reset_user_password(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<UserPath>,
) -> AppResult<Accepted<RecoveryStatus>> {
    let mut tx = app.begin(&caller.origin).await?;
    let user = users::lock(&mut tx, caller.authority(), path.id).await?;
    super::start(&mut tx, &user).await?;
    tx.commit().await?;
    Accepted::new(&RecoveryStatus { status: "reset_sent" })
}
