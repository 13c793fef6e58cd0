//! The page that asks for a link, which answers alike for everybody, and the pages behind the links in mails: opening them
//! changes nothing, sending their forms does.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use minijinja::context;
use schemars::JsonSchema;
use serde::Deserialize;

use super::is_welcome;
use crate::app::App;
use crate::db::Origin;
use crate::emails::EmailAddress;
use crate::error::{AppError, AppResult};
use crate::html::{self, Faults, Form, LinkQuery, Visitor, VisitorForm, link_to, new_password_faults, newcomer_faults};
use crate::secret::SecretText;

const PAGE: &str = "recovery/page.html";
const ASK_PAGE: &str = "recovery/ask.html";
const REPORT_PAGE: &str = "recovery/report.html";

pub fn router() -> Router<App> {
    Router::new()
        .route("/reset-password", get(show_reset).post(submit_reset))
        .route("/not-me", get(show_report).post(submit_report))
}

/// What causes a mail.
pub fn asking() -> Router<App> {
    Router::new().route("/recover", get(show_recovery).post(submit_recovery))
}

/// Who has forgotten their password.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RecoveryForm {
    email: EmailAddress,
}

async fn show_recovery(visitor: Visitor, State(app): State<App>) -> AppResult<Response> {
    visitor.page(&app, ASK_PAGE, context! { state => "form", email => "" }, &Faults::default())
}

async fn submit_recovery(State(app): State<App>, form: VisitorForm) -> AppResult<Response> {
    let VisitorForm { visitor, members } = form;
    let (state, faults) = match members.parse::<RecoveryForm>() {
        Ok(form) => {
            super::ask(&app, &visitor.origin, &form.email).await?;
            ("sent", Faults::default())
        }
        Err(error) => ("form", newcomer_faults(error, &[])?),
    };
    visitor.page(&app, ASK_PAGE, context! { state => state, email => members.text("email") }, &faults)
}

/// The form of the page.
#[derive(Deserialize, JsonSchema)]
struct ResetForm {
    token: SecretText,
    password: SecretText,
}

async fn show_reset(State(app): State<App>, origin: Origin, LinkQuery(token): LinkQuery) -> AppResult<Response> {
    choose(&app, &origin, &SecretText::new(token), None).await
}

async fn submit_reset(State(app): State<App>, origin: Origin, Form(form): Form<ResetForm>) -> AppResult<Response> {
    match super::redeem(&app, &origin, &form.token, &form.password).await {
        Ok(()) => html::page(PAGE, context! { state => "done", welcome => is_welcome(form.token.reveal()) }),
        Err(AppError::Rejected(rejection)) if rejection.code == "invalid_token" => {
            html::page(PAGE, context! { state => "failed" })
        }
        Err(AppError::Rejected(rejection)) if rejection.code == "invalid_body" => {
            let faults = new_password_faults(AppError::Rejected(rejection))?;
            choose(&app, &origin, &form.token, faults.said("password")).await
        }
        Err(error) => Err(error),
    }
}

async fn choose(app: &App, origin: &Origin, token: &SecretText, error: Option<&str>) -> AppResult<Response> {
    let values = context! {
        state => "choose",
        token => token.reveal(),
        address => super::address(app, origin, token).await?,
        welcome => is_welcome(token.reveal()),
        min_length => app.config.password.min_length,
        error => error,
        came_by => link_to("/reset-password", token),
    };
    html::page(PAGE, values)
}

/// The form of the page about a sign-in.
#[derive(Deserialize, JsonSchema)]
struct ReportForm {
    token: SecretText,
}

async fn show_report(LinkQuery(token): LinkQuery) -> AppResult<Response> {
    html::page(REPORT_PAGE, context! { state => "confirm", token => token })
}

async fn submit_report(State(app): State<App>, origin: Origin, Form(form): Form<ReportForm>) -> AppResult<Response> {
    let state = match super::report(&app, &origin, &form.token).await {
        Ok(()) => "done",
        Err(AppError::Rejected(rejection)) if rejection.code == "invalid_token" => "failed",
        Err(error) => return Err(error),
    };
    html::page(REPORT_PAGE, context! { state => state, token => "" })
}
