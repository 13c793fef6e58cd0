//! Verifying an address, for programs.

use axum::extract::State;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::jobs::{RESEND, Resend};
use crate::app::App;
use crate::db::Origin;
use crate::emails::EmailAddress;
use crate::error::{AppError, AppResult, Rejection};
use crate::http::api::{Access, Op, Routes};
use crate::http::body::Json;
use crate::http::limits;
use crate::http::output::{Accepted, Answer};
use crate::jobs;
use crate::secret::SecretText;

pub fn router() -> Routes {
    let op = |path, summary| Op::new(Method::POST, path, Access::Public, "Sign-up", summary);
    Routes::new()
        .op(
            op("/v1/verify-email", "Verify an address with the token from the mail")
                .limited_to(limits::PASSWORDS)
                .description(
                    "Whoever reads the mail repeats the `password` of the sign-up, and everything stands. Who does not know it chooses a \
                     `new_password`: then nothing of the sign-up stays but the address, since somebody else may have signed up with it.",
                )
                .fails(422, "The token is unknown, used or expired (`invalid_token`).")
                .fails(422, "The password is not that of the sign-up; after five of them only a new one does (`wrong_password`, `new_password_required`)."),
            verify_email,
        )
        .op(
            op("/v1/verify-email/resend", "Send the verification mail again")
                .limited_to(limits::MAILING)
                .description("The answer does not tell whether there is such an address. Links sent before stop working."),
            resend_verification,
        )
}

/// The token from the mail, and either the password of the sign-up or a new one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("example" = serde_json::json!({ "token": "ush_verify_...", "password": "plum kettle orbit lantern" })))]
struct VerifyBody {
    token: SecretText,
    /// The one that was chosen at sign-up.
    password: Option<SecretText>,
    /// At least 15 characters, if no other number is set; takes the place of the one from the sign-up.
    new_password: Option<SecretText>,
}

/// Whose verification mail shall be sent again.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AddressBody {
    email: EmailAddress,
}

/// What has happened or will happen.
#[derive(Debug, Serialize, JsonSchema)]
struct VerificationStatus {
    /// `verified` or `verification_sent`.
    status: &'static str,
}

async fn verify_email(
    State(app): State<App>,
    origin: Origin,
    Json(body): Json<VerifyBody>,
) -> AppResult<Answer<VerificationStatus>> {
    match (&body.password, &body.new_password) {
        (Some(password), None) => super::confirm(&app, &origin, &body.token, password).await?,
        (None, Some(new)) => super::start_over(&app, &origin, &body.token, new).await.map_err(at_new_password)?,
        _ => {
            let detail = "give the password of the sign-up, or a new one as `new_password`; one of both";
            return Err(Rejection::invalid_field("/password", "required", detail).into());
        }
    }
    Ok(Answer(VerificationStatus { status: "verified" }))
}

async fn resend_verification(
    State(app): State<App>,
    origin: Origin,
    Json(body): Json<AddressBody>,
) -> AppResult<Accepted<VerificationStatus>> {
    let mut tx = app.begin(&origin).await?;
    let address = body.email.normal().to_owned();
    jobs::enqueue(&mut tx, RESEND, &Resend { address }).await?;
    tx.commit().await?;
    Accepted::new(&VerificationStatus { status: "verification_sent" })
}

/// The policy's faults are at the field that this body has the new password in.
fn at_new_password(error: AppError) -> AppError {
    let AppError::Rejected(mut rejection) = error else { return error };
    for fault in rejection.errors.iter_mut().filter(|fault| fault.pointer.as_deref() == Some("/password")) {
        fault.pointer = Some("/new_password".to_owned());
    }
    AppError::Rejected(rejection)
}
