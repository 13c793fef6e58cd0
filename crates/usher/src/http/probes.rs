//! Whether the process lives, whether it can serve, and what it measures.

use std::time::Duration;

use aide::generate::GenContext;
use aide::openapi::{Operation, Response as ApiResponse, StatusCode as ApiStatus};
use aide::operation::OperationOutput;
use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderValue, Method, StatusCode, header};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::watch;

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

/// How long a request waits for a server that starts. A start takes less than a second, and a few on a machine that is busy: a process
/// that is restarted refuses nobody.
const START_WITHIN: Duration = Duration::from_secs(8);

/// While the server starts: it lives, and requests wait for the router that `ready` gives them. When that takes long they are told to
/// come back. Connections are closed, so that the next request finds the real router.
pub fn starting_router(ready: watch::Receiver<Option<Router>>) -> Router {
    let live = || async { ([(header::CONNECTION, "close")], axum::Json(OK)) };
    let wait = |request: Request| async move {
        let mut response = match tokio::time::timeout(START_WITHIN, given(ready)).await {
            Ok(Some(router)) => TowerToHyperService::new(router).call(request).await.unwrap_or_else(|never| match never {}),
            _ => not_yet(),
        };
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        response
    };
    Router::new().route("/livez", get(live)).route("/readyz", get(|| async { not_yet() })).fallback(wait)
}

async fn given(mut ready: watch::Receiver<Option<Router>>) -> Option<Router> {
    ready.wait_for(Option::is_some).await.ok()?.clone()
}

fn not_yet() -> Response {
    let rejection = Rejection::unavailable("database_unavailable", "The server is starting. Try again shortly.", 1);
    let request_id = new_uuid(Clock::system().now()).to_string();
    let mut response = problem::render(rejection.into_response(), &request_id, false);
    layers::add_request_id(response.headers_mut(), &request_id);
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Metrics and probes, for a listener of their own.
pub fn metrics_router(app: &App) -> Router {
    Router::new()
        .route("/metrics", get(show_metrics))
        .route("/livez", get(show_liveness))
        .route("/readyz", get(show_readiness))
        .with_state(app.clone())
}

fn render_metrics(app: &App) -> String {
    let pool = app.db.pool_use();
    let number = |value: usize| f64::from(u32::try_from(value).unwrap_or(u32::MAX));
    for (state, count) in [("used", pool.used), ("idle", pool.idle)] {
        metrics::gauge!("db_client_connection_count", "db_client_connection_state" => state).set(number(count));
    }
    metrics::gauge!("db_client_connection_max").set(number(pool.max));
    metrics::gauge!("usher_password_hash_queue_limit").set(number(app.config.password.hash_queue));
    metrics_process::Collector::default().collect();
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
