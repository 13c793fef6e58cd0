//! The page behind the link in the mail. Opening it changes nothing, since mail scanners open links too; sending its form does.
//! It asks for the password of the sign-up, or for a new one from who has not chosen or does not remember it.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use minijinja::context;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::app::App;
use crate::db::Origin;
use crate::error::{AppError, AppResult, Rejection};
use crate::html::{self, Form, LinkQuery, new_password_faults};
use crate::languages::now;
use crate::secret::SecretText;

const PAGE: &str = "verification/page.html";

pub fn router() -> Router<App> {
    Router::new().route("/verify", get(show_verification).post(submit_verification))
}

/// The form of the page: with a password of one of both kinds, or with none to be asked for a new one.
#[derive(Deserialize, JsonSchema)]
struct VerificationForm {
    token: SecretText,
    password: Option<SecretText>,
    new_password: Option<SecretText>,
}

async fn show_verification(State(app): State<App>, LinkQuery(token): LinkQuery) -> AppResult<Response> {
    respond(&app, "confirm", &token, None)
}

async fn submit_verification(State(app): State<App>, origin: Origin, Form(form): Form<VerificationForm>) -> AppResult<Response> {
    let token = form.token.reveal();
    let outcome = match (&form.password, &form.new_password) {
        (_, Some(new_password)) => super::start_over(&app, &origin, &form.token, new_password).await,
        (Some(password), None) => super::confirm(&app, &origin, &form.token, password).await,
        (None, None) => return respond(&app, "choose", token, None),
    };
    match outcome {
        Ok(()) => respond(&app, "done", "", None),
        Err(AppError::Rejected(rejection)) => refused(&app, token, *rejection),
        Err(error) => Err(error),
    }
}

fn refused(app: &App, token: &str, rejection: Rejection) -> AppResult<Response> {
    match rejection.code {
        "invalid_token" => respond(app, "failed", "", None),
        "wrong_password" => respond(app, "confirm", token, Some(&now().word("verify-wrong"))),
        "new_password_required" => respond(app, "choose", token, Some(&now().word("verify-too-many"))),
        "invalid_body" => {
            let faults = new_password_faults(rejection.into())?;
            respond(app, "choose", token, faults.said("password"))
        }
        _ => Err(rejection.into()),
    }
}

fn respond(app: &App, state: &str, token: &str, error: Option<&str>) -> AppResult<Response> {
    let min_length = app.config.password.min_length;
    html::page(PAGE, context! { state => state, token => token, min_length => min_length, error => error })
}
