//! The published keys, for anybody; how they stand and their rotation, for whoever looks after the server.

use aide::generate::GenContext;
use aide::openapi::{Operation, Response as ApiResponse, StatusCode as ApiStatus};
use aide::operation::OperationOutput;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{Method, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use usher_oidc::jose::JwkSet;

use super::{Begin, CACHE_LIFETIME, SigningKeyState};
use crate::app::App;
use crate::caller::{Caller, Permission};
use crate::error::{AppResult, Rejection};
use crate::http::api::{Access, Op, Routes, media_type};
use crate::http::body::Json;
use crate::http::output::Answer;

pub fn router() -> Routes {
    let op = |method, path, access, summary| Op::new(method, path, access, "Operations", summary);
    Routes::new()
        .op(
            op(Method::GET, "/.well-known/jwks.json", Access::Public, "The keys that verify access tokens (RFC 7517)").description(
                "A new key is here one cache lifetime before it signs; an old one stays until its last token has expired.",
            ),
            show_jwks,
        )
        .op(
            op(Method::GET, "/v1/keys", Access::Holding(Permission::SystemRead), "List signing keys")
                .description("The newest first, and those that have expired for 30 days more. Private halves are shown nowhere."),
            list_keys,
        )
        .op(
            op(Method::POST, "/v1/keys/rotate", Access::Holding(Permission::SystemWrite), "Rotate the signing key")
                .description(
                    "Makes a key that takes the place of the present one. A key set that others have cached knows it when it begins \
                     after it was published; `now` is for a key that is compromised, and others may refuse good tokens for 5 minutes.",
                )
                .fails(401, "The sign-in is longer ago than 10 minutes (`fresh_authentication_required`).")
                .fails(403, "Only a person in a session may do this (`session_required`)."),
            rotate_keys,
        )
}

/// What the documentation shows.
pub fn example() -> Value {
    json!({
        "kid": "kRk2yTzUNt7Q", "algorithm": "EdDSA", "created_at": "2026-01-02T03:04:05Z", "active_at": "2026-01-02T03:10:05Z",
        "retired_at": null, "expires_at": null, "duty": "signing",
    })
}

/// All signing keys.
#[derive(Serialize, JsonSchema)]
struct SigningKeys {
    items: Vec<SigningKeyState>,
}

/// When the new key begins.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("example" = serde_json::json!({ "begin": "published_ahead" })))]
struct Rotation {
    begin: Begin,
}

async fn list_keys(caller: Caller, State(app): State<App>) -> AppResult<Answer<SigningKeys>> {
    let mut tx = app.begin(&caller.origin).await?;
    let items = super::list(&mut tx).await?;
    tx.commit().await?;
    Ok(Answer(SigningKeys { items }))
}

async fn rotate_keys(caller: Caller, State(app): State<App>, Json(body): Json<Rotation>) -> AppResult<Answer<SigningKeyState>> {
    let person = caller.person().ok_or_else(Rejection::session_required)?;
    person.require_proof(app.clock.now())?;
    Ok(Answer(super::rotate(&app, &caller.origin, body.begin).await?))
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
