//! Sign-up by a browser. What comes after the form is the same whoever has the address already.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use minijinja::context;
use schemars::JsonSchema;
use serde::Deserialize;

use super::SignUp;
use crate::app::App;
use crate::config::Registration;
use crate::db::Origin;
use crate::emails::EmailAddress;
use crate::error::AppResult;
use crate::html::{Faults, Members, Visitor, VisitorForm, newcomer_faults};
use crate::languages::now;
use crate::secret::SecretText;
use crate::users::{Name, Profile};

const PAGE: &str = "registration/page.html";

pub fn router() -> Router<App> {
    Router::new().route("/register", get(show_registration).post(submit_registration))
}

/// Somebody who signs up.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RegistrationForm {
    email: EmailAddress,
    display_name: Option<Name>,
    password: SecretText,
}

async fn show_registration(visitor: Visitor, State(app): State<App>) -> AppResult<Response> {
    respond(&app, &visitor, "form", ("", ""), &Faults::default())
}

async fn submit_registration(State(app): State<App>, form: VisitorForm) -> AppResult<Response> {
    let VisitorForm { visitor, members } = form;
    if super::require_open(&app).is_err() {
        return respond(&app, &visitor, "form", ("", ""), &Faults::default());
    }
    let sent = (members.text("email"), members.text("display_name"));
    match sign_up(&app, &visitor.origin, &members).await {
        Ok(()) => respond(&app, &visitor, "sent", sent, &Faults::default()),
        Err(error) => respond(&app, &visitor, "form", sent, &newcomer_faults(error, &[])?),
    }
}

async fn sign_up(app: &App, origin: &Origin, members: &Members) -> AppResult<()> {
    let form: RegistrationForm = members.parse()?;
    let profile = Profile { display_name: form.display_name, ..Profile::default() };
    let sign_up = SignUp { email: &form.email, password: &form.password, username: None, profile: &profile };
    let phc = super::prepare(app, origin.network(), &sign_up).await?;
    let mut tx = app.begin(origin).await?;
    super::request(&mut tx, &sign_up, phc).await?;
    tx.commit().await?;
    Ok(())
}

/// Where sign-up is closed, the page says so and has no form.
fn respond(app: &App, visitor: &Visitor, state: &str, sent: (&str, &str), faults: &Faults) -> AppResult<Response> {
    let closed = match app.config.server.registration {
        Registration::Open => None,
        Registration::Invite => Some(now().word("register-closed-invite")),
        Registration::Closed => Some(now().word("register-closed")),
    };
    let values = context! {
        state => if closed.is_some() { "closed" } else { state },
        why => closed.unwrap_or_default(),
        email => sent.0,
        display_name => sent.1,
        min_length => app.config.password.min_length,
    };
    visitor.page(app, PAGE, values, faults)
}
