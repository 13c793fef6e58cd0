//! The page of one's password, and the one behind the link that undoes a deletion: opening it changes nothing, pressing the button
//! does. The other pages of an account stand beside their rules.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use minijinja::context;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{data, deletion, history, password, profile};
use crate::app::App;
use crate::caller::Assurance;
use crate::db::Origin;
use crate::error::{AppError, AppResult};
use crate::html::{self, Cookie, Faults, Field, Form, LinkQuery, Notice, SignedForm, SignedIn, cookies, see_other};
use crate::languages;
use crate::secret::SecretText;
use crate::sessions::BrowserSession;

const PAGE: &str = "me/undo.html";
const PASSWORD_PAGE: &str = "me/password.html";

pub fn router() -> Router<App> {
    Router::new()
        .route("/", get(lead_to_account))
        .route("/account/password", get(show_password).post(submit_password))
        .route("/.well-known/change-password", get(lead_to_password))
        .route("/undo-deletion", get(show_undo).post(submit_undo))
}

/// What checks no secret.
pub fn account() -> Router<App> {
    profile::pages::router().merge(history::pages::router()).merge(data::pages::router())
}

/// Mails name the site alone.
async fn lead_to_account() -> Response {
    see_other("/account")
}

/// Where password managers send people (W3C, A Well-Known URL for Changing Passwords).
async fn lead_to_password() -> Response {
    see_other("/account/password")
}

/// The present password, and the one that shall take its place.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PasswordForm {
    current_password: SecretText,
    password: SecretText,
}

/// Of who has two factors the password alone is no proof.
fn way_by_both(app: &App, signed_in: &SignedIn) -> Option<Response> {
    if signed_in.person.assurance == Assurance::OneFactor {
        return None;
    }
    signed_in.way_by_proof(app, "/account/password")
}

async fn show_password(signed_in: SignedIn, State(app): State<App>) -> AppResult<Response> {
    if let Some(proof) = way_by_both(&app, &signed_in) {
        return Ok(proof);
    }
    ask_for_password(&app, &signed_in, &Faults::default())
}

async fn submit_password(State(app): State<App>, form: SignedForm) -> AppResult<Response> {
    let SignedForm { signed_in, members } = form;
    if let Some(proof) = way_by_both(&app, &signed_in) {
        return Ok(proof);
    }
    let changed: AppResult<BrowserSession> = match members.parse::<PasswordForm>() {
        Ok(form) => password::change_in_browser(&app, &signed_in.person, &form.current_password, &form.password).await,
        Err(error) => Err(error),
    };
    match changed {
        Ok(session) => {
            let mut response = html::done(&app, "/account", Notice::PasswordChanged)?;
            cookies::set(&app, &mut response, Cookie::Session, session.secret.reveal(), Some(session.lasts))?;
            Ok(response)
        }
        Err(error) => ask_for_password(&app, &signed_in, &refusal(error)?),
    }
}

fn refusal(error: AppError) -> AppResult<Faults> {
    let now = languages::now();
    let present = Field {
        name: "current_password",
        subject: &now.word("account-password-present-subject"),
        missing: &now.word("account-password-present-missing"),
    };
    let new = Field {
        name: "password",
        subject: &now.word("account-password-new-subject"),
        missing: &now.word("account-password-new-missing"),
    };
    Faults::of(error, &[present, new])
}

fn ask_for_password(app: &App, signed_in: &SignedIn, faults: &Faults) -> AppResult<Response> {
    let values = context! { min_length => app.config.password.min_length };
    signed_in.page(app, "/account/password", PASSWORD_PAGE, values, faults)
}

/// The form of the page.
#[derive(Deserialize, JsonSchema)]
struct TokenForm {
    token: SecretText,
}

async fn show_undo(LinkQuery(token): LinkQuery) -> AppResult<Response> {
    html::page(PAGE, context! { state => "confirm", token => token })
}

async fn submit_undo(State(app): State<App>, origin: Origin, Form(form): Form<TokenForm>) -> AppResult<Response> {
    let mut tx = app.begin(&origin).await?;
    match deletion::undo(&mut tx, &form.token).await {
        Ok(()) => {
            tx.commit().await?;
            html::page(PAGE, context! { state => "done", token => "" })
        }
        Err(AppError::Rejected(rejection)) if rejection.code == "invalid_token" => {
            html::page(PAGE, context! { state => "failed", token => "" })
        }
        Err(error) => Err(error),
    }
}
