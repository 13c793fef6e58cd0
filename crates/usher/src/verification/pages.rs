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
use crate::html::{self, Form, LinkQuery, link_to, new_password_faults};
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

async fn show_verification(State(app): State<App>, origin: Origin, LinkQuery(token): LinkQuery) -> AppResult<Response> {
    ask(&app, &origin, "confirm", &SecretText::new(token), None).await
}

async fn submit_verification(State(app): State<App>, origin: Origin, Form(form): Form<VerificationForm>) -> AppResult<Response> {
    let outcome = match (&form.password, &form.new_password) {
        (_, Some(new_password)) => super::start_over(&app, &origin, &form.token, new_password).await,
        (Some(password), None) => super::confirm(&app, &origin, &form.token, password).await,
        (None, None) => return ask(&app, &origin, "choose", &form.token, None).await,
    };
    match outcome {
        Ok(()) => html::page(PAGE, context! { state => "done" }),
        Err(AppError::Rejected(rejection)) => refused(&app, &origin, &form.token, *rejection).await,
        Err(error) => Err(error),
    }
}

async fn refused(app: &App, origin: &Origin, token: &SecretText, rejection: Rejection) -> AppResult<Response> {
    match rejection.code {
        "invalid_token" => html::page(PAGE, context! { state => "failed" }),
        "wrong_password" => ask(app, origin, "confirm", token, Some(&now().word("verify-wrong"))).await,
        "new_password_required" => ask(app, origin, "choose", token, Some(&now().word("verify-too-many"))).await,
        "invalid_body" => {
            let faults = new_password_faults(rejection.into())?;
            ask(app, origin, "choose", token, faults.said("password")).await
        }
        _ => Err(rejection.into()),
    }
}

async fn ask(app: &App, origin: &Origin, state: &str, token: &SecretText, error: Option<&str>) -> AppResult<Response> {
    let values = context! {
        state => state,
        token => token.reveal(),
        address => super::address(app, origin, token).await?,
        min_length => app.config.password.min_length,
        error => error,
        came_by => link_to("/verify", token),
    };
    html::page(PAGE, values)
}
