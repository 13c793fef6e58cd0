//! A person's passkeys: a new one, another name, and the end of one. Making one takes a script, since only that reaches the authenticator;
//! the rest works without.

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use minijinja::context;
use minijinja::value::Serde;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Answer, Passkey};
use crate::app::App;
use crate::error::{AppError, AppResult, Rejection};
use crate::html::{self, Cookie, Faults, Field, Notice, SignedForm, SignedIn, cookies, see_other};
use crate::id::PasskeyId;
use crate::languages::now;
use crate::second_factors::pages::show_codes;
use crate::secret::SecretText;
use crate::users::Name;

const NEW_PAGE: &str = "second_factors/passkeys/new.html";
const ONE_PAGE: &str = "second_factors/passkeys/one.html";
const HERE: &str = "/account/second-factors";
const NEW: &str = "/account/passkeys/new";

pub fn router() -> Router<App> {
    Router::new()
        .route("/account/passkeys/new", get(show_new).post(submit_new))
        .route("/account/passkeys/{id}", get(show_one).post(submit_name))
        .route("/account/passkeys/{id}/remove", post(submit_remove))
}

async fn show_new(signed_in: SignedIn, State(app): State<App>) -> AppResult<Response> {
    ask(&app, &signed_in, "", &Faults::default()).await
}

/// Each time the page is shown it has a challenge of its own.
async fn ask(app: &App, signed_in: &SignedIn, name: &str, faults: &Faults) -> AppResult<Response> {
    if let Some(proof) = signed_in.way_by_proof(app, NEW) {
        return Ok(proof);
    }
    let mut tx = app.begin(&signed_in.person.origin).await?;
    let ceremony = match super::start(app, &mut tx, &signed_in.person).await {
        Ok(ceremony) => ceremony,
        // The page that leads here says so.
        Err(error) if matches!(error.code(), Some("passkeys_unavailable" | "too_many_passkeys")) => return Ok(see_other(HERE)),
        Err(error) => return Err(error),
    };
    tx.commit().await?;
    let values = context! { name => name, ceremony => ceremony.ceremony, options => ceremony.options.to_string() };
    signed_in.page(app, HERE, NEW_PAGE, values, faults)
}

/// A passkey that the browser has made.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewForm {
    name: Name,
    ceremony: SecretText,
    credential: String,
}

async fn submit_new(State(app): State<App>, form: SignedForm) -> AppResult<Response> {
    let SignedForm { signed_in, members } = form;
    if let Some(proof) = signed_in.way_by_proof(&app, NEW) {
        return Ok(proof);
    }
    let added = match members.parse::<NewForm>() {
        Ok(form) => {
            let credential = serde_json::from_str(&form.credential).unwrap_or_default();
            let answer = Answer { ceremony: &form.ceremony, credential };
            super::add_in_browser(&app, &signed_in.person, answer, &form.name).await
        }
        Err(error) => Err(error),
    };
    let name = members.text("name");
    let (session, added) = match added {
        Ok(done) => done,
        Err(AppError::Rejected(rejection)) if ["passkey_ceremony_over", "passkey_taken"].contains(&rejection.code) => {
            let said = now().problem(rejection.code, &rejection.detail);
            return ask(&app, &signed_in, name, &Faults::at("credential", said)).await;
        }
        Err(error) => return ask(&app, &signed_in, name, &mended(error)?).await,
    };
    let mut response = if added.recovery_codes.is_empty() {
        html::done(&app, HERE, Notice::PasskeyAdded)?
    } else {
        show_codes(&app, &signed_in.renewed(&session.secret), "passkey", added.recovery_codes)?
    };
    cookies::set(&app, &mut response, Cookie::Session, session.secret.reveal(), Some(session.lasts))?;
    Ok(response)
}

/// What is to be mended, at its field.
fn mended(error: AppError) -> AppResult<Faults> {
    let (name, nameless) = (now().word("factors-passkey-name-subject"), now().word("factors-passkey-name-missing"));
    let (passkey, missing) = (now().word("factors-passkey-subject"), now().word("factors-passkey-missing"));
    let fields = [
        Field { name: "name", subject: &name, missing: &nameless },
        Field { name: "credential", subject: &passkey, missing: &missing },
    ];
    Faults::of(error, &fields)
}

fn id_in(path: Result<Path<String>, PathRejection>) -> Result<PasskeyId, Rejection> {
    path.ok().and_then(|Path(id)| id.parse().ok()).ok_or_else(Rejection::not_found)
}

async fn show_one(signed_in: SignedIn, State(app): State<App>, path: Result<Path<String>, PathRejection>) -> AppResult<Response> {
    let id = id_in(path)?;
    let mut tx = app.begin(&signed_in.person.origin).await?;
    let passkey = super::find(&mut tx, signed_in.person.user_id, id).await?;
    tx.commit().await?;
    let name = passkey.name.clone();
    show(&app, &signed_in, passkey, &name, &Faults::default())
}

fn show(app: &App, signed_in: &SignedIn, passkey: Passkey, name: &str, faults: &Faults) -> AppResult<Response> {
    signed_in.page(app, HERE, ONE_PAGE, context! { passkey => Serde(passkey), name => name }, faults)
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NameForm {
    name: Name,
}

async fn submit_name(State(app): State<App>, path: Result<Path<String>, PathRejection>, form: SignedForm) -> AppResult<Response> {
    let (SignedForm { signed_in, members }, id) = (form, id_in(path)?);
    let mut tx = app.begin(&signed_in.person.origin).await?;
    let passkey = super::find(&mut tx, signed_in.person.user_id, id).await?;
    match members.parse::<NameForm>() {
        Ok(form) => {
            super::rename(&mut tx, &signed_in.person, id, &form.name).await?;
            tx.commit().await?;
            html::done(&app, HERE, Notice::PasskeyRenamed)
        }
        Err(error) => show(&app, &signed_in, passkey, members.text("name"), &mended(error)?),
    }
}

async fn submit_remove(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
    SignedForm { signed_in, .. }: SignedForm,
) -> AppResult<Response> {
    let id = id_in(path)?;
    if let Some(proof) = signed_in.way_by_proof(&app, &format!("/account/passkeys/{id}")) {
        return Ok(proof);
    }
    let mut tx = app.begin(&signed_in.person.origin).await?;
    match super::remove(&mut tx, &signed_in.person, id).await {
        Ok(()) => {
            tx.commit().await?;
            html::done(&app, HERE, Notice::PasskeyRemoved)
        }
        // It was removed since the page was shown. The list says what is left.
        Err(error) if error.code() == Some("not_found") => Ok(see_other(HERE)),
        Err(error) => Err(error),
    }
}
