//! The page behind the link that undoes a deletion: opening it changes nothing, pressing the button does.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use minijinja::context;
use schemars::JsonSchema;
use serde::Deserialize;

use super::deletion;
use crate::app::App;
use crate::db::Origin;
use crate::error::{AppError, AppResult};
use crate::html::{self, Form, LinkQuery};
use crate::secret::SecretText;

const PAGE: &str = "me/undo.html";

pub fn router() -> Router<App> {
    Router::new().route("/undo-deletion", get(show_undo).post(submit_undo))
}

/// The form of the page.
#[derive(Deserialize, JsonSchema)]
struct TokenForm {
    token: SecretText,
}

async fn show_undo(LinkQuery(token): LinkQuery) -> AppResult<Response> {
    html::page(PAGE, context! { state => "confirm", token => token })
}

async fn submit_undo(State(app): State<App>, origin: Origin, Form(form): Form<TokenForm>) -> AppResult<Response> {
    let mut tx = app.begin(&origin).await?;
    match deletion::undo(&mut tx, &form.token).await {
        Ok(()) => {
            tx.commit().await?;
            html::page(PAGE, context! { state => "done", token => "" })
        }
        Err(AppError::Rejected(rejection)) if rejection.code == "invalid_token" => {
            html::page(PAGE, context! { state => "failed", token => "" })
        }
        Err(error) => Err(error),
    }
}
