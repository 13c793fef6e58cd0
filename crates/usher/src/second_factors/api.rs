//! One's own second factors, and for administrators taking away those that somebody has lost.

use axum::extract::State;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Credentials, Enrolment, SecondFactors, passkeys};
use crate::app::App;
use crate::caller::{self, Caller, Permission, Person};
use crate::error::AppResult;
use crate::http::api::{Access, Op, Routes};
use crate::http::body::Json;
use crate::http::limits;
use crate::http::output::{Answer, NoContent};
use crate::http::params::Path;
use crate::id::UserId;
use crate::secret::SecretText;
use crate::sessions::Tokens;

const NOT_BOUND: &str = "There is no second factor (`second_factor_not_bound`).";
const OUTRANKED: &str = "The user holds permissions that the caller lacks (`target_outranks_caller`).";
pub(super) const LAST: &str = "You need a second factor, and this is the only one (`second_factor_required`).";

pub fn router() -> Routes {
    let op = |method, path, access, summary| Op::new(method, path, access, "Second factors", summary);
    Routes::new()
        .op(op(Method::GET, "/v1/me/second-factors", Access::SignedIn, "See your second factors"), read_my_second_factors)
        .op(
            op(Method::POST, "/v1/me/second-factors/totp", Access::Fresh, "Make a secret for an authenticator app")
                .description(
                    "For an app that shows codes by time (RFC 6238: SHA-1, six digits, 30 seconds). Nothing changes until a code of the \
                     app has confirmed it, within an hour; until then each request makes another secret.",
                )
                .fails(409, "There is an app already (`second_factor_bound`)."),
            start_totp,
        )
        .op(
            op(Method::POST, "/v1/me/second-factors/totp/confirm", Access::Fresh, "Confirm an authenticator app")
                .limited_to(limits::PASSWORDS)
                .description(
                    "From here on each sign-in and each fresh proof asks for a code. A new session begins in the place of the present one, \
                     the others end, and a mail tells of it. The recovery codes are shown this once: each stands once for a code of the app.",
                )
                .fails(409, "No app waits to be confirmed (`second_factor_not_started`).")
                .fails(422, "The code is wrong (`wrong_code` at `/code`).")
                .fails(429, "Too many codes were wrong (`too_many_requests`)."),
            confirm_totp,
        )
        .op(
            op(Method::DELETE, "/v1/me/second-factors/totp", Access::Fresh, "Remove your authenticator app")
                .description("And the recovery codes with it, if it is the last second factor. A mail tells of it.")
                .fails(409, NOT_BOUND)
                .fails(409, LAST),
            remove_totp,
        )
        .op(
            op(Method::POST, "/v1/me/second-factors/recovery-codes", Access::Fresh, "Make new recovery codes")
                .description("They are shown this once. Those before open nothing any more. A mail tells of it.")
                .fails(409, NOT_BOUND),
            renew_recovery_codes,
        )
        .op(
            Op::new(Method::GET, "/v1/users/{id}/credentials", Access::Holding(Permission::UsersRead), "Users", "See with what a user signs in")
                .description(
                    "Since when there is a password, what second factors there are, and which devices are spared them. API keys are listed \
                     by themselves.",
                )
                .fails(403, OUTRANKED),
            read_user_credentials,
        )
        .op(
            op(
                Method::DELETE,
                "/v1/users/{id}/second-factors",
                Access::Holding(Permission::SecondFactorsReset),
                "Take away a user's second factors",
            )
            .description(
                "For who has lost them, once it is certain who asks. `X-Reason` says why, for the audit trail. From then on the password \
                 alone signs the user in; a mail tells them. Nobody does it for themselves.",
            )
            .after_proof()
            .fails(403, "It is the caller (`own_second_factors`), or the user holds permissions that the caller lacks (`target_outranks_caller`).")
            .fails(409, NOT_BOUND),
            reset_user_second_factors,
        )
        .merge(passkeys::router())
}

/// What the authenticator app shows.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TotpCode", extend("example" = serde_json::json!({ "code": "123456" })))]
struct CodeBody {
    code: SecretText,
}

/// Recovery codes, shown this once.
#[derive(Serialize, JsonSchema)]
struct RecoveryCodes {
    /// Ten; each works once.
    recovery_codes: Vec<String>,
}

/// An authenticator app that is bound now.
#[derive(Serialize, JsonSchema)]
struct ConfirmedTotp {
    #[serde(flatten)]
    tokens: Tokens,
    #[serde(flatten)]
    codes: RecoveryCodes,
}

#[derive(Deserialize, JsonSchema)]
struct UserPath {
    /// The user's id.
    id: UserId,
}

async fn read_my_second_factors(person: Person, State(app): State<App>) -> AppResult<Answer<SecondFactors>> {
    let mut tx = app.begin(&person.origin).await?;
    let found = super::find(&mut tx, person.user_id).await?;
    tx.commit().await?;
    Ok(Answer(found))
}

async fn start_totp(person: Person, State(app): State<App>) -> AppResult<Answer<Enrolment>> {
    let mut tx = app.begin(&person.origin).await?;
    let enrolment = super::start(&app, &mut tx, &person).await?;
    tx.commit().await?;
    Ok(Answer(enrolment))
}

async fn confirm_totp(person: Person, State(app): State<App>, Json(body): Json<CodeBody>) -> AppResult<Answer<ConfirmedTotp>> {
    let (tokens, recovery_codes) = super::confirm(&app, &person, &body.code).await?;
    Ok(Answer(ConfirmedTotp { tokens, codes: RecoveryCodes { recovery_codes } }))
}

async fn remove_totp(person: Person, State(app): State<App>) -> AppResult<NoContent> {
    let mut tx = app.begin(&person.origin).await?;
    super::remove(&mut tx, &person).await?;
    tx.commit().await?;
    Ok(NoContent)
}

async fn renew_recovery_codes(person: Person, State(app): State<App>) -> AppResult<Answer<RecoveryCodes>> {
    let mut tx = app.begin(&person.origin).await?;
    let recovery_codes = super::renew_codes(&mut tx, &person).await?;
    tx.commit().await?;
    Ok(Answer(RecoveryCodes { recovery_codes }))
}

async fn read_user_credentials(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<UserPath>,
) -> AppResult<Answer<Credentials>> {
    let mut tx = app.begin(&caller.origin).await?;
    caller::require_rank(&mut tx, &caller, path.id).await?;
    let found = super::find_credentials(&app, &mut tx, path.id).await?;
    tx.commit().await?;
    Ok(Answer(found))
}

async fn reset_user_second_factors(caller: Caller, State(app): State<App>, Path(path): Path<UserPath>) -> AppResult<NoContent> {
    let mut tx = app.begin(&caller.origin).await?;
    super::reset(&mut tx, caller.authority(), path.id).await?;
    tx.commit().await?;
    Ok(NoContent)
}
