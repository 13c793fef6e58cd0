//! Signing in by a browser: first who it is, then the password, then the second factor if there is one. The page that asks for the
//! password, and the one that refuses it, are the same whether or not there is such an account.

use axum::Router;
use axum::extract::{OriginalUri, State};
use axum::response::Response;
use axum::routing::get;
use jiff::SignedDuration;
use minijinja::context;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{BegunInBrowser, Credentials, NextTime, Step, passkeys, pending};
use crate::app::App;
use crate::config::Registration;
use crate::error::{AppError, AppResult};
use crate::html::{
    self, Cookie, Faults, Field, Members, ReturnTo, SignedForm, SignedIn, Visitor, VisitorForm, cookies, languages, see_other,
};
use crate::languages::{Language, now, turn_to};
use crate::second_factors::{self, SecondFactors, passkeys as factors};
use crate::secret::SecretText;
use crate::sessions::BrowserSession;

const PAGE: &str = "sign_in/page.html";
const AGAIN_PAGE: &str = "sign_in/again.html";
const FACTOR_PAGE: &str = "sign_in/second_factor.html";
const FACTOR: &str = "/sign-in/second-factor";
/// As long as browsers keep a cookie.
const DEVICE_KEPT_FOR: SignedDuration = SignedDuration::from_hours(400 * 24);

pub fn router() -> Router<App> {
    Router::new()
        .route("/sign-in", get(show_sign_in).post(submit_sign_in))
        .route("/sign-in/second-factor", get(show_second_factor).post(submit_second_factor))
        .route("/reauthenticate", get(show_again).post(submit_again))
        .merge(passkeys::pages())
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
    #[serde(default)]
    #[expect(dead_code, reason = "it is read before the others are looked at")]
    language: Option<String>,
}

/// The proof of who somebody is who is signed in.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AgainForm {
    password: SecretText,
    code: Option<SecretText>,
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

/// The page that asks for the password comes again in another language by this form too, since nothing else knows who was named.
async fn submit_sign_in(State(app): State<App>, form: VisitorForm) -> AppResult<Response> {
    let VisitorForm { visitor, members } = form;
    let Some(language) = Language::of(members.text("language")) else { return sign_in(&app, &visitor, &members).await };
    turn_to(language);
    let mut response = sign_in(&app, &visitor, &members).await?;
    languages::remember(&app, &mut response, language)?;
    Ok(response)
}

async fn sign_in(app: &App, visitor: &Visitor, members: &Members) -> AppResult<Response> {
    let return_to = carried(app, members);
    let sent: SignInForm = match members.parse() {
        Ok(sent) => sent,
        Err(error) => {
            let faults = faults_of(error)?;
            return ask(app, visitor, "identifier", members.text("identifier"), &return_to, &faults);
        }
    };
    let identifier = sent.identifier.trim();
    let Some(password) = sent.password else {
        let faults = if members.has("password") {
            Faults::at("password", now().word("sign-in-missing-password"))
        } else {
            Faults::default()
        };
        return ask(app, visitor, "password", identifier, &return_to, &faults);
    };
    let credentials = Credentials { identifier, password: &password, device_token: visitor.device_token.as_ref() };
    let before = visitor.signed_in.as_ref().map(|before| before.person.session_id);
    match super::in_browser(app, &visitor.origin, credentials, before).await {
        Ok(Step::Begun(begun)) => enter(app, &begun, &return_to),
        Ok(Step::SecondFactor(pending)) => {
            let mut response = see_other(&return_to.by_way_of(FACTOR));
            cookies::set(app, &mut response, Cookie::Pending, pending.token.reveal(), Some(pending::LIFETIME))?;
            Ok(response)
        }
        Err(error) if error.code() == Some("invalid_credentials") => {
            let faults = Faults::at("password", now().word("sign-in-refused"));
            ask(app, visitor, "password", identifier, &return_to, &faults)
        }
        Err(error) => Err(error),
    }
}

/// What a refusal finds wrong with the fields of the form.
fn faults_of(error: AppError) -> AppResult<Faults> {
    Faults::of(
        error,
        &[
            Field {
                name: "identifier",
                subject: &now().word("sign-in-subject-identifier"),
                missing: &now().word("sign-in-missing-identifier"),
            },
            Field {
                name: "password",
                subject: &now().word("sign-in-subject-password"),
                missing: &now().word("sign-in-missing-password"),
            },
            Field { name: "code", subject: &now().word("sign-in-subject-code"), missing: &now().word("sign-in-missing-code") },
        ],
    )
}

pub(super) fn carried(app: &App, members: &Members) -> ReturnTo {
    ReturnTo::parse(members.text("return_to"), &app.config.server.public_url)
}

pub(super) fn ask(
    app: &App,
    visitor: &Visitor,
    state: &str,
    identifier: &str,
    return_to: &ReturnTo,
    faults: &Faults,
) -> AppResult<Response> {
    let asked_again = (state == "password").then(|| {
        let members = [("identifier", identifier), ("return_to", return_to.as_str())];
        context! { path => "/sign-in", members => members.map(|(name, value)| [name.to_owned(), value.to_owned()].to_vec()).to_vec() }
    });
    let values = context! {
        state => state,
        identifier => identifier,
        return_to => return_to.as_str(),
        begin_again => return_to.by_way_of("/sign-in"),
        came_by => return_to.by_way_of("/sign-in"),
        asked_again => asked_again,
        may_register => app.config.server.registration == Registration::Open,
        has_passkeys => factors::are_available(app),
    };
    visitor.page(app, PAGE, values, faults)
}

pub(super) fn enter(app: &App, begun: &BegunInBrowser, return_to: &ReturnTo) -> AppResult<Response> {
    let mut response = go_on(app, &begun.session, return_to)?;
    if let Some(token) = &begun.device_token {
        cookies::set(app, &mut response, Cookie::Device, token.reveal(), Some(DEVICE_KEPT_FOR))?;
    }
    Ok(response)
}

pub(super) fn go_on(app: &App, session: &BrowserSession, return_to: &ReturnTo) -> AppResult<Response> {
    let mut response = see_other(return_to.path());
    cookies::set(app, &mut response, Cookie::Session, session.secret.reveal(), Some(session.lasts))?;
    Ok(response)
}

/// The code of the second factor.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FactorForm {
    code: SecretText,
    trust_device: Option<String>,
    #[serde(default)]
    #[expect(dead_code, reason = "it is read before the others are looked at")]
    return_to: Option<String>,
    #[serde(default)]
    #[expect(dead_code, reason = "it is read before the others are looked at")]
    with: Option<String>,
}

/// By which of the two people want to go on; the page for the app has a keyboard of digits.
fn way(with: &str) -> &'static str {
    if with == "recovery" { "recovery" } else { "code" }
}

/// A sign-in that is over leads to its beginning.
async fn show_second_factor(
    visitor: Visitor,
    State(app): State<App>,
    OriginalUri(uri): OriginalUri,
    return_to: ReturnTo,
) -> AppResult<Response> {
    if visitor.pending.is_none() {
        return Ok(see_other(&return_to.by_way_of("/sign-in")));
    }
    let with = html::parameter(uri.query().unwrap_or_default(), "with");
    ask_for_code(&app, &visitor, way(&with), &return_to, None).await
}

async fn submit_second_factor(State(app): State<App>, form: VisitorForm) -> AppResult<Response> {
    let VisitorForm { visitor, members } = form;
    let return_to = carried(&app, &members);
    let before = visitor.signed_in.as_ref().map(|before| before.person.session_id);
    let begun = match (&visitor.pending, members.parse::<FactorForm>()) {
        (Some(pending), Ok(sent)) => {
            let next_time = if sent.trust_device.is_some() { NextTime::TrustDevice } else { NextTime::Ask };
            super::by_second_factor_in_browser(&app, &visitor.origin, pending, &sent.code, next_time, before).await
        }
        (None, _) => Err(pending::over().into()),
        (Some(_), Err(error)) => Err(error),
    };
    match begun {
        Ok(begun) => {
            let mut response = enter(&app, &begun, &return_to)?;
            cookies::forget(&app, &mut response, Cookie::Pending)?;
            Ok(response)
        }
        Err(error) if error.code() == Some("sign_in_over") => {
            let mut response = ask_for_code(&app, &visitor, "over", &return_to, None).await?;
            cookies::forget(&app, &mut response, Cookie::Pending)?;
            Ok(response)
        }
        Err(error) => {
            let sent = Some((&members, faults_of(error)?));
            ask_for_code(&app, &visitor, way(members.text("with")), &return_to, sent).await
        }
    }
}

/// With what was sent, if there is something to be mended.
async fn ask_for_code(
    app: &App,
    visitor: &Visitor,
    state: &str,
    return_to: &ReturnTo,
    sent: Option<(&Members, Faults)>,
) -> AppResult<Response> {
    let trusts = sent.as_ref().is_some_and(|(members, _)| members.has("trust_device"));
    let faults = sent.map(|(_, faults)| faults).unwrap_or_default();
    let has = find_factors(app, visitor).await?;
    // Who has no app is asked for their passkey.
    let has_passkeys = has.as_ref().is_some_and(|has| has.passkeys > 0) && factors::are_available(app);
    let has_app = has.is_none_or(|has| has.totp_since.is_some());
    let state = if state == "code" && has_passkeys && !has_app { "passkey" } else { state };
    let here = return_to.by_way_of(FACTOR);
    let mark = if here.contains('?') { '&' } else { '?' };
    let by_code = format!("{here}{mark}with=code");
    let by_recovery_code = format!("{here}{mark}with=recovery");
    let (came_by, other_way) = if state == "recovery" { (by_recovery_code, by_code) } else { (by_code, by_recovery_code) };
    let values = context! {
        state => state,
        return_to => return_to.as_str(),
        begin_again => return_to.by_way_of("/sign-in"),
        came_by => came_by,
        other_way => other_way,
        trust_days => app.config.tokens.trusted_device.as_secs() / (24 * 60 * 60),
        trusts => trusts,
        has_app => has_app,
        has_passkeys => has_passkeys,
    };
    visitor.page(app, FACTOR_PAGE, values, &faults)
}

/// What the person has bound whose sign-in waits.
async fn find_factors(app: &App, visitor: &Visitor) -> AppResult<Option<SecondFactors>> {
    let Some(pending) = &visitor.pending else { return Ok(None) };
    let mut tx = app.begin(&visitor.origin).await?;
    let found = match pending::find(&mut tx, pending).await? {
        Some(who) => Some(second_factors::find(&mut tx, who.user_id).await?),
        None => None,
    };
    tx.commit().await?;
    Ok(found)
}

async fn show_again(signed_in: SignedIn, State(app): State<App>, return_to: ReturnTo) -> AppResult<Response> {
    ask_again(&app, &signed_in, &return_to, &Faults::default()).await
}

async fn submit_again(State(app): State<App>, form: SignedForm) -> AppResult<Response> {
    let SignedForm { signed_in, members } = form;
    let return_to = carried(&app, &members);
    let sent: AppResult<AgainForm> = members.parse();
    let proven = match sent {
        Ok(sent) => super::again_in_browser(&app, &signed_in.person, &sent.password, sent.code.as_ref()).await,
        Err(error) => Err(error),
    };
    match proven {
        Ok(session) => go_on(&app, &session, &return_to),
        Err(error) => ask_again(&app, &signed_in, &return_to, &faults_of(error)?).await,
    }
}

async fn ask_again(app: &App, signed_in: &SignedIn, return_to: &ReturnTo, faults: &Faults) -> AppResult<Response> {
    let mut tx = app.begin(&signed_in.person.origin).await?;
    let has = second_factors::find(&mut tx, signed_in.person.user_id).await?;
    tx.commit().await?;
    let values = context! {
        return_to => return_to.path(),
        came_by => return_to.by_way_of("/reauthenticate"),
        has_app => has.totp_since.is_some(),
        has_second_factor => has.totp_since.is_some() || has.passkeys > 0,
        has_passkeys => has.passkeys > 0 && factors::are_available(app),
        by_passkey => return_to.by_way_of("/reauthenticate/passkey"),
    };
    signed_in.page(app, "", AGAIN_PAGE, values, faults)
}
