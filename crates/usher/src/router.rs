//! The roof over the features' routers: every operation, every page, the documentation, and the layers around them all.

use axum::Router;
use serde_json::Value;

use crate::app::App;
use crate::http::api::Routes;
use crate::http::{docs, layers, probes};
use crate::jobs::Registry;
use crate::{audit, html, keys, mails, me, password, recovery, registration, roles, setup, sign_in, users, verification};

/// Every operation of the API.
fn operations(with_metrics: bool) -> Routes {
    Routes::new()
        .merge(setup::router())
        .merge(registration::router())
        .merge(verification::router())
        .merge(sign_in::router())
        .merge(recovery::router())
        .merge(password::router())
        .merge(me::router())
        .merge(users::router())
        .merge(roles::router())
        .merge(audit::router())
        .merge(keys::router())
        .merge(probes::router(with_metrics))
}

/// The OpenAPI document, without a running server.
pub fn document() -> Value {
    docs::finish(operations(true)).1
}

/// Everything that answers requests.
pub fn router(app: &App) -> Router {
    let with_metrics = app.config.server.metrics_listen.is_none();
    let (operations, document) = docs::finish(operations(with_metrics));
    let pages = html::router().merge(verification::pages()).merge(recovery::pages());
    layers::wrap(operations.merge(docs::router(&document)).merge(pages), app)
}

/// Every kind of job.
pub fn jobs() -> Registry {
    let mut registry = Registry::default();
    mails::register(&mut registry);
    verification::register(&mut registry);
    recovery::register(&mut registry);
    users::register(&mut registry);
    registry
}
