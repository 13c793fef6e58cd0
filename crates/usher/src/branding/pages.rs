//! What pages load of how the service looks. Whoever has the URL of a file may keep it for ever.

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header;

use crate::app::App;
use crate::brand;
use crate::error::{AppResult, Rejection};
use crate::html;

const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// Of the styles that were, which a page names that is open while they change.
const CHANGING: &str = "no-cache";
/// What opens a picture as a page gets that and nothing else.
const FILE_POLICY: &str = "default-src 'none'; sandbox";

pub fn router() -> Router<App> {
    Router::new().route("/branding.css", get(show_styles)).route("/branding/logo/{file}", get(show_logo))
}

async fn show_styles(State(app): State<App>, RawQuery(query): RawQuery) -> AppResult<Response> {
    let brand = brand::in_force(&app).await;
    let (text, hash) = brand.styles().ok_or_else(Rejection::not_found)?;
    let is_known = html::parameter(query.as_deref().unwrap_or_default(), "v") == hash;
    let lasts = if is_known { IMMUTABLE } else { CHANGING };
    Ok(([(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, lasts)], text.to_owned()).into_response())
}

async fn show_logo(State(app): State<App>, path: Result<Path<String>, PathRejection>) -> AppResult<Response> {
    let Ok(Path(file)) = path else { return Err(Rejection::not_found().into()) };
    let hash = file.strip_suffix(".png").ok_or_else(Rejection::not_found)?;
    let png = super::find_logo(&app, hash).await?.ok_or_else(Rejection::not_found)?;
    let headers = [
        (header::CONTENT_TYPE, "image/png"),
        (header::CACHE_CONTROL, IMMUTABLE),
        (header::CONTENT_SECURITY_POLICY, FILE_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, png).into_response())
}
