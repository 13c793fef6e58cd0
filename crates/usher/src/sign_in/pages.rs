//! Signing in by a browser: first who it is, then the password. The page that asks for the password, and the one that refuses it, are
//! the same whether or not there is such an account.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use jiff::SignedDuration;
use minijinja::context;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{BegunInBrowser, Credentials};
use crate::app::App;
use crate::config::Registration;
use crate::error::{AppError, AppResult};
use crate::html::{Cookie, Faults, Field, Members, ReturnTo, SignedForm, SignedIn, Visitor, VisitorForm, cookies, see_other};
use crate::secret::SecretText;
use crate::sessions::BrowserSession;

const PAGE: &str = "sign_in/page.html";
const AGAIN_PAGE: &str = "sign_in/again.html";
/// As long as browsers keep a cookie.
const DEVICE_KEPT_FOR: SignedDuration = SignedDuration::from_hours(400 * 24);
const NO_PASSWORD: &str = "Enter your password.";

const FIELDS: [Field; 2] = [
    Field { name: "identifier", subject: "It", missing: "Enter your e-mail address or your user name." },
    Field { name: "password", subject: "The password", missing: NO_PASSWORD },
];

pub fn router() -> Router<App> {
    Router::new()
        .route("/sign-in", get(show_sign_in).post(submit_sign_in))
        .route("/reauthenticate", get(show_again).post(submit_again))
}

/// Who somebody says they are, and the proof if they have been asked for it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SignInForm {
    #[schemars(length(min = 1, max = 254))]
    identifier: String,
    password: Option<SecretText>,
    #[serde(default)]
    #[expect(dead_code, reason = "it is read before the others are looked at")]
    return_to: Option<String>,
}

/// The proof of who somebody is who is signed in.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AgainForm {
    password: SecretText,
    #[serde(default)]
    #[expect(dead_code, reason = "it is read before the others are looked at")]
    return_to: Option<String>,
}

/// Who is signed in has nothing to do here.
async fn show_sign_in(visitor: Visitor, State(app): State<App>, return_to: ReturnTo) -> AppResult<Response> {
    if visitor.signed_in.is_some() {
        return Ok(see_other(return_to.path()));
    }
    ask(&app, &visitor, "identifier", "", &return_to, &Faults::default())
}

async fn submit_sign_in(State(app): State<App>, form: VisitorForm) -> AppResult<Response> {
    let VisitorForm { visitor, members } = form;
    let return_to = carried(&app, &members);
    let sent: SignInForm = match members.parse() {
        Ok(sent) => sent,
        Err(error) => {
            let faults = Faults::of(error, &FIELDS)?;
            return ask(&app, &visitor, "identifier", members.text("identifier"), &return_to, &faults);
        }
    };
    let identifier = sent.identifier.trim();
    let Some(password) = sent.password else {
        let faults = if members.has("password") { Faults::at("password", NO_PASSWORD) } else { Faults::default() };
        return ask(&app, &visitor, "password", identifier, &return_to, &faults);
    };
    let credentials = Credentials { identifier, password: &password, device_token: visitor.device_token.as_ref() };
    let before = visitor.signed_in.as_ref().map(|before| before.person.session_id);
    match super::in_browser(&app, &visitor.origin, credentials, before).await {
        Ok(begun) => enter(&app, &begun, &return_to),
        Err(AppError::Rejected(rejection)) if rejection.code == "invalid_credentials" => {
            ask(&app, &visitor, "password", identifier, &return_to, &Faults::at("password", rejection.detail))
        }
        Err(error) => Err(error),
    }
}

fn carried(app: &App, members: &Members) -> ReturnTo {
    ReturnTo::parse(members.text("return_to"), &app.config.server.public_url)
}

fn ask(
    app: &App,
    visitor: &Visitor,
    state: &str,
    identifier: &str,
    return_to: &ReturnTo,
    faults: &Faults,
) -> AppResult<Response> {
    let values = context! {
        state => state,
        identifier => identifier,
        return_to => return_to.as_str(),
        begin_again => return_to.by_way_of("/sign-in"),
        may_register => app.config.server.registration == Registration::Open,
    };
    visitor.page(app, PAGE, values, faults)
}

fn enter(app: &App, begun: &BegunInBrowser, return_to: &ReturnTo) -> AppResult<Response> {
    let mut response = go_on(app, &begun.session, return_to)?;
    if let Some(token) = &begun.device_token {
        cookies::set(app, &mut response, Cookie::Device, token.reveal(), Some(DEVICE_KEPT_FOR))?;
    }
    Ok(response)
}

fn go_on(app: &App, session: &BrowserSession, return_to: &ReturnTo) -> AppResult<Response> {
    let mut response = see_other(return_to.path());
    cookies::set(app, &mut response, Cookie::Session, session.secret.reveal(), Some(session.lasts))?;
    Ok(response)
}

async fn show_again(signed_in: SignedIn, State(app): State<App>, return_to: ReturnTo) -> AppResult<Response> {
    ask_again(&app, &signed_in, &return_to, &Faults::default())
}

async fn submit_again(State(app): State<App>, form: SignedForm) -> AppResult<Response> {
    let SignedForm { signed_in, members } = form;
    let return_to = carried(&app, &members);
    let sent: AppResult<AgainForm> = members.parse();
    let proven = match sent {
        Ok(sent) => super::again_in_browser(&app, &signed_in.person, &sent.password).await,
        Err(error) => Err(error),
    };
    match proven {
        Ok(session) => go_on(&app, &session, &return_to),
        Err(error) => ask_again(&app, &signed_in, &return_to, &Faults::of(error, &FIELDS)?),
    }
}

fn ask_again(app: &App, signed_in: &SignedIn, return_to: &ReturnTo, faults: &Faults) -> AppResult<Response> {
    signed_in.page(app, "", AGAIN_PAGE, context! { return_to => return_to.path() }, faults)
}
