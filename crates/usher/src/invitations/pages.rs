//! The page behind the link of an invitation. Opening it changes nothing that counts, since programs that scan mail open links too;
//! sending its form makes the account.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use minijinja::context;
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::judging::may_lead_to;
use super::{Acceptance, Accepted, Delivery, Invitation, acceptance};
use crate::app::App;
use crate::db::Origin;
use crate::error::{AppError, AppResult, FieldError};
use crate::html::{Faults, Field, LinkQuery, Members, Visitor, VisitorForm, link_to};
use crate::languages::now;
use crate::secret::SecretText;
use crate::users::{Name, Username};

const PAGE: &str = "invitations/page.html";

pub fn router() -> Router<App> {
    Router::new().route("/invitation", get(show_invitation).post(submit_invitation))
}

/// The account to be.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AcceptanceForm {
    token: SecretText,
    display_name: Option<Name>,
    username: Option<Username>,
    password: SecretText,
}

async fn show_invitation(visitor: Visitor, State(app): State<App>, LinkQuery(token): LinkQuery) -> AppResult<Response> {
    let found = acceptance::open(&app, &visitor.origin, &SecretText::new(token.clone())).await?;
    let Some(invitation) = found else { return failed(&app, &visitor) };
    let display_name = invitation.display_name.clone().unwrap_or_default();
    form(&app, &visitor, &invitation, (&token, &display_name, ""), &Faults::default())
}

async fn submit_invitation(State(app): State<App>, form_sent: VisitorForm) -> AppResult<Response> {
    let VisitorForm { visitor, members } = form_sent;
    let error = match accept(&app, &visitor.origin, &members).await {
        Ok(accepted) => return done(&app, &visitor, &accepted),
        Err(AppError::Rejected(rejection)) if rejection.code == "invalid_token" => return failed(&app, &visitor),
        Err(error) => in_words(error),
    };
    let faults = faults_of(error)?;
    let token = members.text("token");
    match acceptance::open(&app, &visitor.origin, &SecretText::new(token.to_owned())).await? {
        Some(invitation) => {
            let sent = (token, members.text("display_name"), members.text("username"));
            form(&app, &visitor, &invitation, sent, &faults)
        }
        None => failed(&app, &visitor),
    }
}

/// What a refusal finds wrong with the fields of the form.
fn faults_of(error: AppError) -> AppResult<Faults> {
    Faults::of(
        error,
        &[
            Field {
                name: "display_name",
                subject: &now().word("arrival-subject-name"),
                missing: &now().word("arrival-missing-name"),
            },
            Field {
                name: "username",
                subject: &now().word("invited-username-subject"),
                missing: &now().word("invited-username-missing"),
            },
            Field {
                name: "password",
                subject: &now().word("arrival-subject-password"),
                missing: &now().word("arrival-missing-password"),
            },
        ],
    )
}

async fn accept(app: &App, origin: &Origin, members: &Members) -> AppResult<Accepted> {
    let AcceptanceForm { token, display_name, username, password } = members.parse()?;
    let acceptance = Acceptance { token: &token, password: &password, username: username.as_ref(), display_name };
    super::accept(app, origin, acceptance).await
}

/// What the schema says of a user name is for programs.
fn in_words(error: AppError) -> AppError {
    let AppError::Rejected(mut rejection) = error else { return error };
    let is_shape = |fault: &&mut FieldError| {
        fault.pointer.as_deref() == Some("/username") && ["pattern", "min_length", "max_length"].contains(&fault.code.as_ref())
    };
    for fault in rejection.errors.iter_mut().filter(is_shape) {
        // A code of its own, so that no general sentence of another language takes its place.
        fault.code = "username_shape".into();
        fault.detail = now().word("invited-username-shape");
    }
    AppError::Rejected(rejection)
}

fn form(app: &App, visitor: &Visitor, invitation: &Invitation, sent: (&str, &str, &str), faults: &Faults) -> AppResult<Response> {
    let values = context! {
        state => "form",
        token => sent.0,
        came_by => link_to("/invitation", &SecretText::new(sent.0.to_owned())),
        email => &invitation.email,
        inviter => &invitation.invited_by.name,
        message => &invitation.message,
        by_mail => invitation.delivery == Delivery::Mail,
        display_name => sent.1,
        username => sent.2,
        min_length => app.config.password.min_length,
    };
    visitor.page(app, PAGE, values, faults)
}

/// Where they go on is a link that they follow themselves, if it still may lead there.
fn done(app: &App, visitor: &Visitor, accepted: &Accepted) -> AppResult<Response> {
    let Accepted { user, invitation } = accepted;
    let forward_to = invitation.forward_to.as_deref().filter(|url| may_lead_to(app, url));
    let site = forward_to.and_then(|url| Url::parse(url).ok()).and_then(|url| url.host_str().map(str::to_owned));
    let values = context! {
        state => if user.email_verified { "done" } else { "sent" },
        email => &invitation.email,
        username => &user.username,
        forward_to => forward_to,
        site => site,
    };
    visitor.page(app, PAGE, values, &Faults::default())
}

fn failed(app: &App, visitor: &Visitor) -> AppResult<Response> {
    visitor.page(app, PAGE, context! { state => "failed" }, &Faults::default())
}
