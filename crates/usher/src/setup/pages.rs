//! The page by which the first administrator is made.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use minijinja::context;
use schemars::JsonSchema;
use serde::Deserialize;

use super::FirstAdmin;
use crate::app::App;
use crate::db::Origin;
use crate::emails::EmailAddress;
use crate::error::{AppError, AppResult, LogAndIgnore};
use crate::html::{Faults, Field, Members, Visitor, VisitorForm, newcomer_faults};
use crate::languages::now;
use crate::secret::SecretText;
use crate::users::{Name, Profile};

const PAGE: &str = "setup/page.html";

pub fn router() -> Router<App> {
    Router::new().route("/setup", get(show_setup).post(submit_setup))
}

/// The first administrator.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SetupForm {
    token: SecretText,
    email: EmailAddress,
    display_name: Option<Name>,
    password: SecretText,
}

async fn show_setup(visitor: Visitor, State(app): State<App>) -> AppResult<Response> {
    let state = if super::is_done(&app, &visitor.origin).await? { "over" } else { "form" };
    respond(&app, &visitor, state, None, &Faults::default())
}

async fn submit_setup(State(app): State<App>, form: VisitorForm) -> AppResult<Response> {
    let VisitorForm { visitor, members } = form;
    match set_up(&app, &visitor.origin, &members).await {
        Ok(()) => respond(&app, &visitor, "done", None, &Faults::default()),
        Err(AppError::Rejected(rejection)) if rejection.code == "setup_done" => {
            respond(&app, &visitor, "over", None, &Faults::default())
        }
        Err(AppError::Rejected(rejection)) if rejection.code == "invalid_token" => {
            let faults = Faults::at("token", now().word("setup-token-refused"));
            respond(&app, &visitor, "form", Some(&members), &faults)
        }
        Err(error) => respond(&app, &visitor, "form", Some(&members), &faults_of(error)?),
    }
}

/// What a refusal finds wrong with the fields of the form.
fn faults_of(error: AppError) -> AppResult<Faults> {
    let (subject, missing) = (now().word("setup-token-subject"), now().word("setup-token-missing"));
    newcomer_faults(error, &[Field { name: "token", subject: &subject, missing: &missing }])
}

async fn set_up(app: &App, origin: &Origin, members: &Members) -> AppResult<()> {
    let form: SetupForm = members.parse()?;
    let profile = Profile { display_name: form.display_name, ..Profile::default() };
    let first = FirstAdmin { email: &form.email, password: &form.password, username: None, profile: &profile };
    let phc = super::prepare(app, origin.network(), &first).await?;
    let mut tx = app.begin(origin).await?;
    super::set_up(&mut tx, &form.token, &first, &phc).await?;
    tx.commit().await?;
    super::forget_token_file(app).await.log_and_ignore("the token in it has been used up");
    Ok(())
}

/// What was sent comes again, but for the password.
fn respond(app: &App, visitor: &Visitor, state: &str, sent: Option<&Members>, faults: &Faults) -> AppResult<Response> {
    let text = |name: &str| sent.map(|members| members.text(name)).unwrap_or_default();
    let values = context! {
        state => state,
        token => text("token"),
        email => text("email"),
        display_name => text("display_name"),
        min_length => app.config.password.min_length,
    };
    visitor.page(app, PAGE, values, faults)
}
