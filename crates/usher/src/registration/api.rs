//! Sign-up, for programs.

use axum::extract::State;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SignUp;
use crate::app::App;
use crate::db::Origin;
use crate::emails::EmailAddress;
use crate::error::AppResult;
use crate::http::api::{Access, Op, Routes};
use crate::http::idempotency::Creating;
use crate::http::limits;
use crate::http::output::Accepted;
use crate::secret::SecretText;
use crate::users::{Profile, Username};

pub fn router() -> Routes {
    Routes::new().op(
        Op::new(Method::POST, "/v1/register", Access::Public, "Sign-up", "Sign up")
            .limited_to(limits::MAILING)
            .description(
                "A mail with a link goes to the address. The answer does not tell whether the address is known already; its owner is \
                 told by mail. A user name that is taken is replaced by a made-up one, which can be changed later.",
            )
            .fails(403, "Sign-up is switched off (`registration_closed`)."),
        register,
    )
}

/// Somebody who signs up.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, extend("example" = serde_json::json!({
    "email": "ann@example.com", "password": "plum kettle orbit lantern", "display_name": "Ann"
})))]
struct RegisterBody {
    email: EmailAddress,
    /// At least 15 characters, if no other number is set; a few unrelated words do well. No rules about kinds of characters.
    password: SecretText,
    /// A wish: made up when left out or taken.
    username: Option<Username>,
    #[serde(flatten)]
    profile: Profile,
}

/// What will happen.
#[derive(Debug, Serialize, JsonSchema)]
struct Registered {
    /// Always `verification_sent`.
    status: &'static str,
}

async fn register(State(app): State<App>, origin: Origin, request: Creating<RegisterBody>) -> AppResult<Accepted<Registered>> {
    super::require_open(&app)?;
    let body = &request.body;
    let sign_up =
        SignUp { email: &body.email, password: &body.password, username: body.username.as_ref(), profile: &body.profile };
    let phc = super::prepare(&app, origin.network(), &sign_up).await?;
    let mut tx = app.begin(&origin).await?;
    if let Some(answer) = request.replay(&app, &mut tx).await? {
        return Ok(answer);
    }
    super::request(&mut tx, &sign_up, phc).await?;
    let answer = Accepted::new(&Registered { status: "verification_sent" })?;
    request.keep(&app, &mut tx, &answer.0).await?;
    tx.commit().await?;
    Ok(answer)
}
