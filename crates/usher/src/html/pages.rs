//! Where the languages below every page lead. It changes nothing but words, so the form needs no token.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use schemars::JsonSchema;
use serde::Deserialize;

use super::forms::Form;
use super::return_to::ReturnTo;
use super::{languages, see_other};
use crate::app::App;
use crate::error::AppResult;
use crate::languages::Language;

#[derive(Deserialize, JsonSchema)]
struct Choice {
    language: String,
    #[serde(default)]
    return_to: String,
}

pub fn router() -> Router<App> {
    Router::new().route("/language", post(choose))
}

async fn choose(State(app): State<App>, Form(choice): Form<Choice>) -> AppResult<Response> {
    let mut response = see_other(ReturnTo::parse(&choice.return_to, &app.config.server.public_url).path());
    if let Some(language) = Language::of(&choice.language) {
        languages::remember(&app, &mut response, language)?;
    }
    Ok(response)
}
