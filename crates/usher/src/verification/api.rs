//! Verifying an address, for programs.

use axum::extract::State;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::jobs::{RESEND, Resend};
use crate::app::App;
use crate::db::Origin;
use crate::emails::EmailAddress;
use crate::error::AppResult;
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
                .fails(422, "The token is unknown, used or expired (`invalid_token`)."),
            verify_email,
        )
        .op(
            op("/v1/verify-email/resend", "Send the verification mail again")
                .limited_to(limits::MAILING)
                .description("The answer does not tell whether there is such an address. Links sent before stop working."),
            resend_verification,
        )
}

/// The token from the mail.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TokenBody {
    token: SecretText,
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
    Json(body): Json<TokenBody>,
) -> AppResult<Answer<VerificationStatus>> {
    let mut tx = app.begin(&origin).await?;
    super::redeem(&mut tx, &body.token).await?;
    tx.commit().await?;
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
