//! Setting the server up.

use axum::extract::State;
use http::Method;
use schemars::JsonSchema;
use serde::Deserialize;

use super::FirstAdmin;
use crate::app::App;
use crate::db::Origin;
use crate::emails::EmailAddress;
use crate::error::{AppResult, LogAndIgnore};
use crate::http::api::{Access, Op, Routes};
use crate::http::idempotency::Creating;
use crate::http::output::Created;
use crate::secret::SecretText;
use crate::users::{Profile, User, Username};

pub fn router() -> Routes {
    Routes::new().op(
        Op::new(Method::POST, "/v1/setup", Access::Public, "Setup", "Create the first administrator")
            .description("Needs the setup token that the server's operator has: `cargo xtask up` prints it, `usher setup-token` makes one.")
            .fails(409, "There is an administrator already (`setup_done`).")
            .fails(422, "The token is unknown, used or expired (`invalid_token`)."),
        setup,
    )
}

/// The first administrator.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("example" = serde_json::json!({
    "token": "ush_setup_...", "email": "grace@example.com", "password": "plum kettle orbit lantern", "display_name": "Grace"
})))]
struct SetupBody {
    token: SecretText,
    email: EmailAddress,
    /// At least 15 characters, if no other number is set; a few unrelated words do well.
    password: SecretText,
    username: Option<Username>,
    display_name: Option<crate::users::Name>,
}

async fn setup(State(app): State<App>, origin: Origin, request: Creating<SetupBody>) -> AppResult<Created<User>> {
    let body = &request.body;
    let profile = Profile { display_name: body.display_name.clone(), ..Profile::default() };
    let first = FirstAdmin { email: &body.email, password: &body.password, username: body.username.as_ref(), profile: &profile };
    let phc = super::prepare(&app, origin.network(), &first).await?;
    let mut tx = app.begin(&origin).await?;
    if let Some(answer) = request.replay(&app, &mut tx).await? {
        return Ok(answer);
    }
    let user = super::set_up(&mut tx, &body.token, &first, &phc).await?;
    let answer = Created::new(format!("/v1/users/{}", user.id), user.version, &user)?;
    request.keep(&app, &mut tx, &answer.0).await?;
    tx.commit().await?;
    super::forget_token_file(&app).await.log_and_ignore("the token in it has been used up");
    Ok(answer)
}
