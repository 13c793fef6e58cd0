//! The roof over the features' routers: every operation, every page, the documentation, and the layers around them all.

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use serde_json::Value;

use crate::app::App;
use crate::db::partitions;
use crate::http::api::Routes;
use crate::http::{docs, layers, limits, probes};
use crate::jobs::Registry;
use crate::{
    activity, addresses, analytics, api_keys, approvals, assets, attempts, attributes, audit, authz, avatars, branding, bulk,
    changes, console, devices, doctor, exports, grants, groups, html, imports, inactivity, invitations, keys, mails, me,
    password, recovery, registration, roles, second_factors, service_accounts, sessions, settings, setup, sign_in, throttle,
    users, verification,
};

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
        .merge(addresses::router())
        .merge(avatars::router())
        .merge(branding::router())
        .merge(sessions::router())
        .merge(second_factors::router())
        .merge(devices::router())
        .merge(api_keys::router())
        .merge(users::router())
        .merge(attributes::router())
        .merge(service_accounts::router())
        .merge(roles::router())
        .merge(groups::router())
        .merge(grants::router())
        .merge(authz::router())
        .merge(changes::router())
        .merge(bulk::router())
        .merge(imports::router())
        .merge(inactivity::router())
        .merge(invitations::router())
        .merge(approvals::router())
        .merge(exports::router())
        .merge(analytics::router())
        .merge(audit::router())
        .merge(keys::router())
        .merge(mails::router())
        .merge(settings::router())
        .merge(doctor::router())
        .merge(mails::texts::router())
        .merge(probes::router(with_metrics))
}

/// The OpenAPI document, without a running server.
pub fn document() -> Value {
    docs::document(operations(true))
}

/// Everything that answers requests.
pub fn router(app: &App) -> Router {
    let with_metrics = app.config.server.metrics_listen.is_none();
    let document = move || docs::document(operations(with_metrics));
    let forms = verification::pages()
        .merge(recovery::pages())
        .merge(addresses::pages())
        .merge(me::pages())
        .merge(sign_in::pages())
        .merge(second_factors::pages())
        .merge(invitations::pages())
        .merge(setup::pages());
    let mailing = registration::pages().merge(recovery::asking());
    let pages = Router::new()
        .route("/assets/{*path}", get(assets::show))
        .merge(html::pages())
        .merge(sessions::pages())
        .merge(approvals::pages())
        .merge(devices::pages())
        .merge(me::account())
        .merge(addresses::account())
        .merge(avatars::pages())
        .merge(branding::pages())
        .merge(api_keys::pages())
        .merge(console::pages(app))
        .merge(forms.layer(from_fn_with_state(app.clone(), limits::guard_forms)))
        .merge(mailing.layer(from_fn_with_state(app.clone(), limits::guard_mailing_forms)));
    layers::wrap(operations(with_metrics).into_router().merge(docs::router(document)).merge(pages), app)
}

/// Every kind of job.
pub fn jobs() -> Registry {
    let mut registry = Registry::default();
    partitions::register(&mut registry);
    audit::register(&mut registry);
    activity::register(&mut registry);
    mails::register(&mut registry);
    verification::register(&mut registry);
    registration::register(&mut registry);
    recovery::register(&mut registry);
    users::register(&mut registry);
    attributes::register(&mut registry);
    attempts::register(&mut registry);
    second_factors::register(&mut registry);
    sign_in::register(&mut registry);
    devices::register(&mut registry);
    api_keys::register(&mut registry);
    grants::register(&mut registry);
    throttle::register(&mut registry);
    keys::register(&mut registry);
    bulk::register(&mut registry);
    imports::register(&mut registry);
    inactivity::register(&mut registry);
    invitations::register(&mut registry);
    avatars::register(&mut registry);
    registry
}
