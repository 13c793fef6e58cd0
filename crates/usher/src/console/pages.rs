//! The addresses of the console. Each refusal at one is noted in the audit trail, as it is by the API.

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;

use super::staff::Asker;
use super::{acts, audit, bulk, changes, dashboard, edit, invitations, inviting, recycle_bin, requests, roles, user, users};
use crate::app::App;
use crate::caller::Denial;
use crate::http::problem;

pub fn router(app: &App) -> Router<App> {
    Router::new()
        .route("/admin", get(dashboard::show))
        .route("/admin/users", get(users::show))
        .route("/admin/users/{id}", get(user::show))
        .route("/admin/users/{id}/edit", get(edit::show).post(edit::submit))
        .route("/admin/users/{id}/act/{act}", get(acts::show).post(acts::submit))
        .route("/admin/users/{id}/sessions/{session_id}/end", get(acts::show_end).post(acts::submit_end))
        .route("/admin/users/{id}/roles/grant", get(roles::show_grant).post(roles::submit_grant))
        .route("/admin/users/{id}/roles/{role}/take", get(roles::show_take).post(roles::submit_take))
        .route("/admin/invitations", get(invitations::list))
        .route("/admin/invitations/new", get(inviting::show_new).post(inviting::submit_new))
        .route("/admin/invitations/many", get(inviting::show_many).post(inviting::submit_many))
        .route("/admin/invitations/{id}", get(invitations::show))
        .route("/admin/invitations/{id}/resend", get(invitations::show_resend).post(invitations::submit_resend))
        .route("/admin/invitations/{id}/revoke", get(invitations::show_revoke).post(invitations::submit_revoke))
        .route("/admin/requests", get(requests::list))
        .route("/admin/requests/{id}", get(requests::show))
        .route("/admin/requests/{id}/approve", get(requests::show_approve).post(requests::submit_approve))
        .route("/admin/requests/{id}/decline", get(requests::show_decline).post(requests::submit_decline))
        .route("/admin/bulk", get(bulk::list).post(bulk::preview))
        .route("/admin/bulk/new", get(bulk::show_new))
        .route("/admin/bulk/{id}", get(bulk::show))
        .route("/admin/bulk/{id}/run", post(bulk::run))
        .route("/admin/bulk/{id}/pause", post(bulk::pause))
        .route("/admin/bulk/{id}/resume", post(bulk::resume))
        .route("/admin/changes", get(changes::list))
        .route("/admin/changes/{id}", get(changes::show))
        .route("/admin/changes/{id}/undo", get(changes::show_undo).post(changes::submit_undo))
        .route("/admin/audit", get(audit::list))
        .route("/admin/audit/seal", get(audit::show_seal))
        .route("/admin/audit/{id}", get(audit::show))
        .route("/admin/recycle-bin", get(recycle_bin::show))
        .layer(from_fn_with_state(app.clone(), note_refusals))
}

async fn note_refusals(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let asker = Asker::default();
    request.extensions_mut().insert(asker.clone());
    let response = next.run(request).await;
    if response.status() == StatusCode::FORBIDDEN
        && let Some(origin) = asker.origin()
    {
        let denial = asker.lacks().map_or_else(|| Denial::Refused(problem::code(&response)), Denial::Lacks);
        (app.on_denied)(app.clone(), origin, denial).await;
    }
    response
}
