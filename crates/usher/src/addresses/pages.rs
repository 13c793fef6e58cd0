//! The page behind the link that confirms an address: opening it changes nothing, pressing the button does.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use minijinja::context;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::app::App;
use crate::db::Origin;
use crate::error::{AppError, AppResult};
use crate::html::{self, Form, LinkQuery};
use crate::secret::SecretText;

const PAGE: &str = "addresses/page.html";

pub fn router() -> Router<App> {
    Router::new().route("/confirm-email", get(show_confirmation).post(submit_confirmation))
}

/// The form of the page.
#[derive(Deserialize, JsonSchema)]
struct TokenForm {
    token: SecretText,
}

async fn show_confirmation(LinkQuery(token): LinkQuery) -> AppResult<Response> {
    html::page(PAGE, context! { state => "confirm", token => token })
}

async fn submit_confirmation(State(app): State<App>, origin: Origin, Form(form): Form<TokenForm>) -> AppResult<Response> {
    let mut tx = app.begin(&origin).await?;
    let state = match super::confirm(&mut tx, &form.token).await {
        Ok(()) => {
            tx.commit().await?;
            "done"
        }
        Err(AppError::Rejected(rejection)) => match rejection.code {
            "invalid_token" => "failed",
            "email_taken" => "taken",
            "too_many_emails" => "full",
            _ => return Err(AppError::Rejected(rejection)),
        },
        Err(error) => return Err(error),
    };
    html::page(PAGE, context! { state => state, token => "" })
}
