//! Sign-in, refresh and sign-out.

use axum::extract::{OriginalUri, State};
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::trace::{self, Attempt};
use super::{Credentials, NextTime, Step, passkeys, pending};
use crate::app::App;
use crate::caller::{Caller, Permission, Person, require_rank};
use crate::db::Origin;
use crate::db::page::{self, Page};
use crate::error::AppResult;
use crate::http::api::{Access, Op, Routes};
use crate::http::body::Json;
use crate::http::limits;
use crate::http::output::{Answer, Either, Listed, NoContent};
use crate::http::params::{Part, Path, Query};
use crate::id::UserId;
use crate::secret::SecretText;
use crate::sessions::{self, Begun, Tokens};

pub fn router() -> Routes {
    let op = |path, access, summary| Op::new(Method::POST, path, access, "Sign-in", summary);
    Routes::new()
        .op(
            op("/v1/login", Access::Public, "Sign in with a password")
                .limited_to(limits::PASSWORDS)
                .description(
                    "Wrong, unknown, unverified, suspended and deleted accounts get the same answer. After ten wrong passwords at an \
                     account (also at one that does not exist) the answer is 429 for a while; a device that sends its `device_token` \
                     is not kept out by the guesses of others. Who has a second factor gets 202 with a `pending_token` for \
                     `POST /v1/login/second-factor`, unless the device is trusted. Who needs a second factor and has none is told \
                     by when (`second_factor_due_at`); from then on they can bind one, and nothing else.",
                )
                .fails(429, "Too many passwords for this account, or from this network, were wrong (`too_many_requests`).")
                .fails(401, "The credentials do not open an account (`invalid_credentials`)."),
            login,
        )
        .op(
            op("/v1/login/second-factor", Access::Public, "Go on with a sign-in by the second factor")
                .limited_to(limits::PASSWORDS)
                .description(
                    "With a code of the authenticator app, or a recovery code. The `pending_token` opens nothing else, and works for five \
                     minutes; a wrong code does not use it up. No code is good twice. With `trust_device` the next sign-ins that show \
                     the `device_token` of the answer are spared the code for a while.",
                )
                .fails(429, "Too many codes for this account were wrong (`too_many_requests`).")
                .fails(401, "The sign-in is unknown, was used, or took too long (`sign_in_over`).")
                .fails(422, "The code is wrong (`wrong_code` at `/code`)."),
            show_second_factor,
        )
        .op(
            op("/v1/refresh", Access::Public, "Exchange a refresh token for new tokens")
                .description("A refresh token works once. One that is used a second time ends the session: somebody has a copy.")
                .fails(401, "The refresh token does not work (`invalid_refresh_token`)."),
            refresh,
        )
        .op(
            op("/v1/reauthenticate", Access::SignedIn, "Prove again who you are")
                .limited_to(limits::PASSWORDS)
                .description(
                    "What changes how an account is entered needs a proof that is at most 10 minutes old. A new session begins in the \
                     place of the present one, with tokens of its own. Who has a second factor shows it too.",
                )
                .fails(429, "Too many passwords for this account were wrong (`too_many_requests`).")
                .fails(422, "The password or the code is wrong (`wrong_password` at `/password`, `wrong_code` at `/code`)."),
            reauthenticate,
        )
        .op(
            Op::new(
                Method::GET,
                "/v1/users/{id}/sign-ins",
                Access::Holding(Permission::SignInsRead),
                "Users",
                "List a user's attempts to sign in, and why each went as it did",
            )
            .description(
                "Of the last 30 days, newest first. One whose password was right and for which no second factor was shown has the refusal \
                 `second_factor_missing`; once something was shown, that is the attempt. Attempts with names that belong to nobody are \
                 in the audit trail only. Addresses are shortened to their network for callers without the permission `users:read`.",
            )
            .fails(403, "The user holds permissions that the caller lacks (`target_outranks_caller`)."),
            list_user_sign_ins,
        )
        .op(op("/v1/logout", Access::SignedIn, "End the session of the access token"), logout)
        .merge(passkeys::router())
}

/// Who somebody says they are, and the proof.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("example" = serde_json::json!({ "identifier": "ann@example.com", "password": "plum kettle orbit lantern" })))]
#[schemars(rename = "Credentials")]
struct LoginBody {
    /// E-mail address or user name.
    #[schemars(length(min = 1, max = 254))]
    identifier: String,
    password: SecretText,
    /// What an earlier sign-in answered with on this device.
    device_token: Option<SecretText>,
}

/// The proof of who somebody is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Proof {
    password: SecretText,
    /// Of the authenticator app, or a recovery code; of who has a second factor.
    code: Option<SecretText>,
}

/// The password was right, and there is a second factor.
#[derive(Serialize, JsonSchema)]
#[schemars(extend("example" = serde_json::json!({ "second_factor": "required", "pending_token": "ush_pending_...", "expires_in": 300 })))]
struct SecondFactorNeeded {
    /// Always `required`.
    second_factor: &'static str,
    /// For `POST /v1/login/second-factor`.
    pending_token: String,
    /// Seconds until the token expires.
    expires_in: i64,
}

/// A sign-in that waits, and the code.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SecondFactorCode", extend("example" = serde_json::json!({ "pending_token": "ush_pending_...", "code": "123456" })))]
struct SecondFactorBody {
    /// What the sign-in has answered with.
    pending_token: SecretText,
    /// Of the authenticator app, or a recovery code.
    code: SecretText,
    /// Do not ask for a code again on this device, for as long as the server allows (30 days, or less).
    #[serde(default)]
    trust_device: bool,
}

/// A refresh token.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RefreshBody {
    refresh_token: SecretText,
}

async fn login(
    State(app): State<App>,
    origin: Origin,
    Json(body): Json<LoginBody>,
) -> AppResult<Either<Begun, SecondFactorNeeded>> {
    let credentials =
        Credentials { identifier: &body.identifier, password: &body.password, device_token: body.device_token.as_ref() };
    Ok(match super::by_password(&app, &origin, credentials).await? {
        Step::Begun(begun) => Either::Done(begun),
        Step::SecondFactor(pending) => Either::Needed(SecondFactorNeeded {
            second_factor: "required",
            pending_token: pending.token.reveal().to_owned(),
            expires_in: pending::LIFETIME.as_secs(),
        }),
    })
}

async fn show_second_factor(
    State(app): State<App>,
    origin: Origin,
    Json(body): Json<SecondFactorBody>,
) -> AppResult<Answer<Begun>> {
    let next_time = if body.trust_device { NextTime::TrustDevice } else { NextTime::Ask };
    super::by_second_factor(&app, &origin, &body.pending_token, &body.code, next_time).await.map(Answer)
}

async fn reauthenticate(person: Person, State(app): State<App>, Json(body): Json<Proof>) -> AppResult<Answer<Tokens>> {
    super::again(&app, &person, &body.password, body.code.as_ref()).await.map(Answer)
}

async fn refresh(State(app): State<App>, origin: Origin, Json(body): Json<RefreshBody>) -> AppResult<Answer<Tokens>> {
    sessions::refresh(&app, &origin, &body.refresh_token).await.map(Answer)
}

#[derive(Deserialize, JsonSchema)]
struct UserPath {
    /// The user's id.
    id: UserId,
}

async fn list_user_sign_ins(
    caller: Caller,
    State(app): State<App>,
    OriginalUri(here): OriginalUri,
    Path(path): Path<UserPath>,
    Query(part): Query<Part>,
) -> AppResult<Listed<Attempt>> {
    let before: Option<Uuid> = part.cursor.as_deref().map(page::decode).transpose()?;
    let masked = !caller.permissions.contains(Permission::UsersRead);
    let mut tx = app.begin(&caller.origin).await?;
    require_rank(&mut tx, &caller, path.id).await?;
    let attempts = trace::list(&mut tx, path.id, before, part.limit.and_one(), masked).await?;
    tx.commit().await?;
    Ok(Listed { page: Page::cut(attempts, part.limit, |attempt| attempt.id), here })
}

async fn logout(person: Person, State(app): State<App>) -> AppResult<NoContent> {
    let mut tx = app.begin(&person.origin).await?;
    sessions::end(&mut tx, person.session_id, "signed_out").await?;
    tx.commit().await?;
    Ok(NoContent)
}
