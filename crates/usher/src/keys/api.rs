//! The published keys.

use aide::generate::GenContext;
use aide::openapi::{Operation, Response as ApiResponse, StatusCode as ApiStatus};
use aide::operation::OperationOutput;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{Method, header};
use usher_oidc::jose::JwkSet;

use super::CACHE_LIFETIME;
use crate::app::App;
use crate::http::api::{Access, Op, Routes, media_type};

pub fn router() -> Routes {
    Routes::new().op(
        Op::new(
            Method::GET,
            "/.well-known/jwks.json",
            Access::Public,
            "Operations",
            "The keys that verify access tokens (RFC 7517)",
        )
        .description("A new key is here one cache lifetime before it signs; an old one stays until its last token has expired."),
        show_jwks,
    )
}

/// The public keys.
pub struct Published(JwkSet);

async fn show_jwks(State(app): State<App>) -> Published {
    Published(app.keyring.published())
}

impl IntoResponse for Published {
    fn into_response(self) -> Response {
        let cache = format!("public, max-age={}", CACHE_LIFETIME.as_secs());
        ([(header::CACHE_CONTROL, cache)], axum::Json(self.0)).into_response()
    }
}

impl OperationOutput for Published {
    type Inner = JwkSet;

    fn inferred_responses(_: &mut GenContext, _: &mut Operation) -> Vec<(Option<ApiStatus>, ApiResponse)> {
        let schema = schemars::json_schema!({
            "type": "object",
            "required": ["keys"],
            "properties": { "keys": { "type": "array", "items": { "type": "object" } } },
        });
        let response = ApiResponse {
            description: "The key set.".to_owned(),
            content: std::iter::once(("application/json".to_owned(), media_type(schema))).collect(),
            ..ApiResponse::default()
        };
        vec![(Some(ApiStatus::Code(200)), response)]
    }
}
