//! The addresses of the console. Each refusal at one is noted in the audit trail, as it is by the API.

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;

use super::staff::Asker;
use super::{
    acts, analytics, audit, audit_seal, branding, bulk, changes, dashboard, edit, export, import_new, imports, invitations,
    inviting, live, mail_texts, mails, new_user, recycle_bin, requests, roles, service_account_acts, service_accounts, settings,
    signing_keys, system, user, user_emails, user_keys, user_picture, users,
};
use crate::app::App;
use crate::caller::Denial;
use crate::html::{proof_page, see_other};
use crate::http::problem;

pub fn router(app: &App) -> Router<App> {
    Router::new()
        .route("/admin", get(dashboard::show))
        .route("/admin/events", get(live::show))
        .route("/admin/analytics", get(analytics::show))
        .route("/admin/users", get(users::show).post(users::choose))
        .route("/admin/users/new", get(new_user::show).post(new_user::submit))
        .route("/admin/users/{id}", get(user::show))
        .route("/admin/users/{id}/edit", get(edit::show).post(edit::submit))
        .route("/admin/users/{id}/picture", get(user_picture::show).post(user_picture::submit))
        .route("/admin/users/{id}/act/{act}", get(acts::show).post(acts::submit))
        .route("/admin/users/{id}/api-keys/{key_id}/revoke", get(user_keys::show_revoke).post(user_keys::submit_revoke))
        .route("/admin/users/{id}/sessions/{session_id}/end", get(acts::show_end).post(acts::submit_end))
        .route("/admin/users/{id}/emails/add", get(user_emails::show_add).post(user_emails::submit_add))
        .route("/admin/users/{id}/emails/{email_id}/primary", get(user_emails::show_primary).post(user_emails::submit_primary))
        .route("/admin/users/{id}/emails/{email_id}/remove", get(user_emails::show_remove).post(user_emails::submit_remove))
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
        .route("/admin/bulk/new", get(bulk::show_new).post(bulk::show_chosen))
        .route("/admin/bulk/{id}", get(bulk::show))
        .route("/admin/bulk/{id}/run", post(bulk::run))
        .route("/admin/bulk/{id}/pause", post(bulk::pause))
        .route("/admin/bulk/{id}/resume", post(bulk::resume))
        .route("/admin/imports", get(imports::list))
        .route("/admin/imports/new", get(import_new::show).post(import_new::submit))
        .route("/admin/imports/{id}", get(imports::show))
        .route("/admin/imports/{id}/report", get(imports::report))
        .route("/admin/imports/{id}/apply", post(imports::apply))
        .route("/admin/imports/{id}/pause", post(imports::pause))
        .route("/admin/imports/{id}/resume", post(imports::resume))
        .route("/admin/export", get(export::show).post(export::submit))
        .route("/admin/changes", get(changes::list))
        .route("/admin/changes/{id}", get(changes::show))
        .route("/admin/changes/{id}/undo", get(changes::show_undo).post(changes::submit_undo))
        .route("/admin/audit", get(audit::list))
        .route("/admin/audit/seal", get(audit_seal::show).post(audit_seal::verify))
        .route("/admin/audit/{id}", get(audit::show))
        .route("/admin/recycle-bin", get(recycle_bin::show))
        .merge(access())
        .merge(of_attributes())
        .merge(of_inactivity())
        .merge(of_service_accounts())
        .merge(of_the_system())
        .route("/admin/mails/texts", get(mail_texts::list))
        .route("/admin/mails/texts/{name}/{language}", get(mail_texts::show).post(mail_texts::submit))
        .route("/admin/mails/texts/{name}/{language}/preview", get(mail_texts::show_preview).post(mail_texts::submit_preview))
        .route("/admin/mails/texts/{name}/{language}/test", post(mail_texts::submit_test))
        .route("/admin/mails/texts/{name}/{language}/restore", get(mail_texts::show_restore).post(mail_texts::submit_restore))
        .layer(from_fn_with_state(app.clone(), note_refusals))
}

fn access() -> Router<App> {
    use super::access::{group, groups, members, permissions, role, roles};

    Router::new()
        .route("/admin/roles", get(roles::list))
        .route("/admin/roles/new", get(role::show_new).post(role::submit_new))
        .route("/admin/roles/{name}", get(roles::show))
        .route("/admin/roles/{name}/edit", get(role::show_edit).post(role::submit_edit))
        .route("/admin/roles/{name}/delete", get(roles::show_delete).post(roles::submit_delete))
        .route("/admin/permissions", get(permissions::list))
        .route("/admin/permissions/{permission}", get(permissions::show))
        .route("/admin/groups", get(groups::list))
        .route("/admin/groups/new", get(group::show_new).post(group::submit_new))
        .route("/admin/groups/{id}", get(groups::show))
        .route("/admin/groups/{id}/edit", get(group::show_edit).post(group::submit_edit))
        .route("/admin/groups/{id}/roles", get(group::show_roles).post(group::submit_roles))
        .route("/admin/groups/{id}/parents", get(group::show_parents).post(group::submit_parents))
        .route("/admin/groups/{id}/delete", get(groups::show_delete).post(groups::submit_delete))
        .route("/admin/groups/{id}/members/add", get(members::show_add).post(members::submit_add))
        .route("/admin/groups/{id}/members/{user_id}/remove", get(members::show_remove).post(members::submit_remove))
}

fn of_attributes() -> Router<App> {
    use super::attributes::{list, migrations, property, whole};

    Router::new()
        .route("/admin/attributes", get(list::show))
        .route("/admin/attributes/new", get(property::show_new).post(property::submit_new))
        .route("/admin/attributes/schema", get(whole::show).post(whole::submit))
        .route("/admin/attributes/indexes", post(list::submit_again))
        .route("/admin/attributes/rename", get(migrations::show_rename).post(migrations::submit_rename))
        .route("/admin/attributes/remove", get(migrations::show_remove).post(migrations::submit_remove))
        .route("/admin/attributes/{name}/edit", get(property::show_edit).post(property::submit_edit))
}

fn of_inactivity() -> Router<App> {
    use super::inactivity::{list, preview, show, show_act, show_edit, show_new, submit_act, submit_edit, submit_new};

    Router::new()
        .route("/admin/inactivity", get(list))
        .route("/admin/inactivity/new", get(show_new).post(submit_new))
        .route("/admin/inactivity/{id}", get(show))
        .route("/admin/inactivity/{id}/edit", get(show_edit).post(submit_edit))
        .route("/admin/inactivity/{id}/act/{act}", get(show_act).post(submit_act))
        .route("/admin/inactivity/{id}/preview", post(preview))
}

fn of_service_accounts() -> Router<App> {
    use service_account_acts as acts;
    use service_accounts as accounts;

    Router::new()
        .route("/admin/service-accounts", get(accounts::list))
        .route("/admin/service-accounts/new", get(accounts::show_new).post(accounts::submit_new))
        .route("/admin/service-accounts/{id}", get(accounts::show))
        .route("/admin/service-accounts/{id}/edit", get(accounts::show_edit).post(accounts::submit_edit))
        .route("/admin/service-accounts/{id}/act/{act}", get(acts::show).post(acts::submit))
        .route("/admin/service-accounts/{id}/keys/new", get(acts::show_new_key).post(acts::submit_new_key))
        .route("/admin/service-accounts/{id}/keys/{key_id}/revoke", get(acts::show_revoke).post(acts::submit_revoke))
}

fn of_the_system() -> Router<App> {
    Router::new()
        .route("/admin/mails", get(mails::list))
        .route("/admin/mails/retry", get(mails::show_retry_all).post(mails::submit_retry_all))
        .route("/admin/mails/{id}", get(mails::show))
        .route("/admin/mails/{id}/retry", get(mails::show_retry).post(mails::submit_retry))
        .route("/admin/keys", get(signing_keys::show))
        .route("/admin/keys/rotate", get(signing_keys::show_rotate).post(signing_keys::submit_rotate))
        .route("/admin/branding", get(branding::show).post(branding::submit))
        .route("/admin/branding/preview", post(branding::submit_preview))
        .route("/admin/branding/preview.css", get(branding::show_styles))
        .route("/admin/branding/logo", post(branding::submit_logo))
        .route("/admin/branding/logo/remove", get(branding::show_removal).post(branding::submit_removal))
        .route("/admin/branding/restore", get(branding::show_restore).post(branding::submit_restore))
        .route("/admin/settings", get(settings::show))
        .route("/admin/system", get(system::show))
}

async fn note_refusals(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let asker = Asker::default();
    request.extensions_mut().insert(asker.clone());
    let here = request.uri().path().to_owned();
    let response = next.run(request).await;
    if problem::code(&response) == "fresh_authentication_required" {
        // What gives much is found out when it is sent. The form stands where it was sent to.
        return see_other(&proof_page(&app, &here));
    }
    if response.status() == StatusCode::FORBIDDEN
        && let Some(origin) = asker.origin()
    {
        let refused = || Denial::Refused(asker.refused().unwrap_or_else(|| problem::code(&response)));
        let denial = asker.lacks().map_or_else(refused, Denial::Lacks);
        (app.on_denied)(app.clone(), origin, denial).await;
    }
    response
}
