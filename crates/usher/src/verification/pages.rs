//! The page behind the link in the mail. Opening it changes nothing, since mail scanners open links too; pressing the button does.

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

pub fn router() -> Router<App> {
    Router::new().route("/verify", get(show_verification).post(submit_verification))
}

/// The form of the page.
#[derive(Deserialize, JsonSchema)]
struct TokenForm {
    token: SecretText,
}

async fn show_verification(LinkQuery(token): LinkQuery) -> AppResult<Response> {
    html::page("verification/page.html", context! { state => "confirm", token => token })
}

async fn submit_verification(State(app): State<App>, origin: Origin, Form(form): Form<TokenForm>) -> AppResult<Response> {
    let mut tx = app.begin(&origin).await?;
    match super::redeem(&mut tx, &form.token).await {
        Ok(()) => {
            tx.commit().await?;
            html::page("verification/page.html", context! { state => "done", token => "" })
        }
        Err(AppError::Rejected(rejection)) if rejection.code == "invalid_token" => {
            html::page("verification/page.html", context! { state => "failed", token => "" })
        }
        Err(error) => Err(error),
    }
}
