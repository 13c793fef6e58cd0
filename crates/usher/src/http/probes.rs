//! Whether the process lives, whether it can serve, and what it measures.

use aide::generate::GenContext;
use aide::openapi::{Operation, Response as ApiResponse, StatusCode as ApiStatus};
use aide::operation::OperationOutput;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderValue, Method, StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;

use super::api::{Access, Op, Routes, media_type};
use super::output::Answer;
use super::{layers, problem};
use crate::app::App;
use crate::clock::Clock;
use crate::error::{AppResult, Rejection};
use crate::id::new_uuid;

/// The operator's operations. `/metrics` is elsewhere when it has a listener of its own.
pub fn router(with_metrics: bool) -> Routes {
    let routes = Routes::new()
        .op(
            Op::new(Method::GET, "/livez", Access::Public, "Operations", "Is the process alive?")
                .description("Says nothing of the database: a process that waits for it must not be restarted."),
            show_liveness,
        )
        .op(
            Op::new(Method::GET, "/readyz", Access::Public, "Operations", "Can requests be served?")
                .description("503 while the database is away or the process is about to stop, so that a load balancer sends requests elsewhere."),
            show_readiness,
        );
    if !with_metrics {
        return routes;
    }
    routes
        .op(Op::new(Method::GET, "/metrics", Access::Public, "Operations", "Metrics in the Prometheus text format"), show_metrics)
}

/// An answer to a probe.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Health {
    /// Always `ok`; anything else is an error status.
    status: &'static str,
    /// The release.
    version: &'static str,
}

const OK: Health = Health { status: "ok", version: env!("CARGO_PKG_VERSION") };

async fn show_liveness() -> Answer<Health> {
    Answer(OK)
}

async fn show_readiness(State(app): State<App>) -> AppResult<Answer<Health>> {
    if app.draining.has_begun() {
        return Err(Rejection::unavailable("stopping", "This process is about to stop.", 2).into());
    }
    match app.db.ping().await {
        Ok(()) => Ok(Answer(OK)),
        Err(_) => Err(Rejection::unavailable("database_unavailable", "The database does not answer.", 2).into()),
    }
}

/// The metrics of this process.
pub struct Metrics(String);

async fn show_metrics(State(app): State<App>) -> Metrics {
    Metrics(render_metrics(&app))
}

/// While the server starts: it lives, and can't serve yet. Connections are closed, so that the next request finds the real router.
pub fn starting_router() -> Router {
    let live = || async { ([(header::CONNECTION, "close")], axum::Json(OK)) };
    let wait = || async {
        let rejection = Rejection::unavailable("database_unavailable", "The server is starting. Try again shortly.", 1);
        let request_id = new_uuid(Clock::system().now()).to_string();
        let mut response = problem::render(rejection.into_response(), &request_id, false);
        layers::add_request_id(response.headers_mut(), &request_id);
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        response
    };
    Router::new().route("/livez", get(live)).fallback(wait)
}

/// The metrics alone, for a listener of their own.
pub fn metrics_router(app: &App) -> Router {
    Router::new().route("/metrics", get(show_metrics)).with_state(app.clone())
}

fn render_metrics(app: &App) -> String {
    let (used, all) = app.db.pool_use();
    let gauge = |name: &'static str, value: usize| metrics::gauge!(name).set(f64::from(u32::try_from(value).unwrap_or(u32::MAX)));
    gauge("usher_database_connections_used", used);
    gauge("usher_database_connections_max", all);
    crate::telemetry::metrics().render()
}

impl IntoResponse for Metrics {
    fn into_response(self) -> Response {
        (StatusCode::OK, [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], self.0).into_response()
    }
}

impl OperationOutput for Metrics {
    type Inner = String;
    fn inferred_responses(context: &mut GenContext, _: &mut Operation) -> Vec<(Option<ApiStatus>, ApiResponse)> {
        let schema = context.schema.subschema_for::<String>();
        let response = ApiResponse {
            description: "Metrics.".to_owned(),
            content: std::iter::once(("text/plain".to_owned(), media_type(schema))).collect(),
            ..ApiResponse::default()
        };
        vec![(Some(ApiStatus::Code(200)), response)]
    }
}
