//! A person's second factors: binding an app, with a picture to scan, and the recovery codes, shown once and fit for printing. What
//! shows a secret or changes something asks for a fresh proof.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use minijinja::context;
use minijinja::value::Serde;
use schemars::JsonSchema;
use serde::Deserialize;

use super::passkeys;
use crate::app::App;
use crate::caller;
use crate::devices;
use crate::error::{AppError, AppResult};
use crate::html::{self, Cookie, Faults, Field, Notice, SignedForm, SignedIn, cookies, see_other};
use crate::languages::now;
use crate::qr_code;
use crate::secret::SecretText;

const PAGE: &str = "second_factors/page.html";
const APP_PAGE: &str = "second_factors/app.html";
const CODES_PAGE: &str = "second_factors/codes.html";
const HERE: &str = "/account/second-factors";
const APP: &str = "/account/second-factors/app";

pub fn router() -> Router<App> {
    Router::new()
        .route("/account/second-factors", get(show_second_factors))
        .route("/account/second-factors/start", post(submit_start))
        .route("/account/second-factors/app", get(show_app).post(submit_app))
        .route("/account/second-factors/recovery-codes", post(submit_recovery_codes))
        .route("/account/second-factors/remove", post(submit_remove))
        .merge(passkeys::pages())
}

async fn show_second_factors(signed_in: SignedIn, State(app): State<App>) -> AppResult<Response> {
    let mut tx = app.begin(&signed_in.person.origin).await?;
    let id = signed_in.person.user_id;
    let factors = super::find(&mut tx, id).await?;
    let passkeys = passkeys::list(&mut tx, id).await?;
    let required = caller::is_second_factor_required(&mut tx, id).await?;
    let trusted = devices::list_trusted(&mut tx, id, app.config.tokens.trusted_device).await?;
    tx.commit().await?;
    let values = context! {
        factors => Serde(factors),
        passkeys => Serde(passkeys),
        has_room => passkeys::are_available(&app),
        required => required,
        trusted => Serde(trusted),
    };
    signed_in.page(&app, HERE, PAGE, values, &Faults::default())
}

async fn submit_start(State(app): State<App>, SignedForm { signed_in, .. }: SignedForm) -> AppResult<Response> {
    if let Some(proof) = signed_in.way_by_proof(&app, HERE) {
        return Ok(proof);
    }
    let mut tx = app.begin(&signed_in.person.origin).await?;
    match super::start(&app, &mut tx, &signed_in.person).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_other(APP))
        }
        // It was bound since the page was shown; the page says so.
        Err(error) if error.code() == Some("second_factor_bound") => Ok(see_other(HERE)),
        Err(error) => Err(error),
    }
}

/// The picture is shown as often as the page is opened, until the app is confirmed.
async fn show_app(signed_in: SignedIn, State(app): State<App>) -> AppResult<Response> {
    ask_for_code(&app, &signed_in, &Faults::default()).await
}

async fn ask_for_code(app: &App, signed_in: &SignedIn, faults: &Faults) -> AppResult<Response> {
    if let Some(proof) = signed_in.way_by_proof(app, APP) {
        return Ok(proof);
    }
    let mut tx = app.begin(&signed_in.person.origin).await?;
    let started = super::find_started(app, &mut tx, signed_in.person.user_id).await?;
    tx.commit().await?;
    let Some(enrolment) = started else { return Ok(see_other(HERE)) };
    let picture = qr_code::draw(&enrolment.uri)?;
    let values = context! { secret => in_groups(&enrolment.secret), side => picture.side, path => picture.path };
    signed_in.page(app, HERE, APP_PAGE, values, faults)
}

/// What the authenticator app shows.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CodeForm {
    code: SecretText,
}

async fn submit_app(State(app): State<App>, form: SignedForm) -> AppResult<Response> {
    let SignedForm { signed_in, members } = form;
    if let Some(proof) = signed_in.way_by_proof(&app, APP) {
        return Ok(proof);
    }
    let confirmed = match members.parse::<CodeForm>() {
        Ok(form) => super::confirm_in_browser(&app, &signed_in.person, &form.code).await,
        Err(error) => Err(error),
    };
    match confirmed {
        Ok((session, codes)) => {
            let mut response = show_codes(&app, &signed_in.renewed(&session.secret), "added", codes)?;
            cookies::set(&app, &mut response, Cookie::Session, session.secret.reveal(), Some(session.lasts))?;
            Ok(response)
        }
        Err(error) if error.code() == Some("second_factor_not_started") => Ok(see_other(HERE)),
        Err(error) => ask_for_code(&app, &signed_in, &mended(error)?).await,
    }
}

/// What is to be mended, at the field.
fn mended(error: AppError) -> AppResult<Faults> {
    let (subject, missing) = (now().word("factors-app-code-subject"), now().word("factors-app-code-missing"));
    Faults::of(error, &[Field { name: "code", subject: &subject, missing: &missing }])
}

async fn submit_recovery_codes(State(app): State<App>, SignedForm { signed_in, .. }: SignedForm) -> AppResult<Response> {
    if let Some(proof) = signed_in.way_by_proof(&app, HERE) {
        return Ok(proof);
    }
    let mut tx = app.begin(&signed_in.person.origin).await?;
    match super::renew_codes(&mut tx, &signed_in.person).await {
        Ok(codes) => {
            tx.commit().await?;
            show_codes(&app, &signed_in, "renewed", codes)
        }
        Err(error) => back_if_gone(error),
    }
}

/// The codes are shown by the answer itself: they are not kept, so there is no page to come back to.
pub(super) fn show_codes(app: &App, signed_in: &SignedIn, state: &str, codes: Vec<String>) -> AppResult<Response> {
    let values = context! { state => state, codes => codes, site => app.config.server.public_url.as_str() };
    signed_in.page(app, HERE, CODES_PAGE, values, &Faults::default())
}

async fn submit_remove(State(app): State<App>, SignedForm { signed_in, .. }: SignedForm) -> AppResult<Response> {
    if let Some(proof) = signed_in.way_by_proof(&app, HERE) {
        return Ok(proof);
    }
    let mut tx = app.begin(&signed_in.person.origin).await?;
    match super::remove(&mut tx, &signed_in.person).await {
        Ok(()) => {
            tx.commit().await?;
            html::done(&app, HERE, Notice::SecondFactorRemoved)
        }
        Err(error) => back_if_gone(error),
    }
}

/// It was removed since the page was shown, or a role asks for it since; the page says so.
fn back_if_gone(error: AppError) -> AppResult<Response> {
    if matches!(error.code(), Some("second_factor_not_bound" | "second_factor_required")) {
        Ok(see_other(HERE))
    } else {
        Err(error)
    }
}

/// `ABCD EFGH ...`, as people type it.
fn in_groups(secret: &str) -> String {
    let characters: Vec<char> = secret.chars().collect();
    characters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}
