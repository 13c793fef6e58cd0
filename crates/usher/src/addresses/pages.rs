//! A person's addresses, and the page behind the link that confirms one: opening it changes nothing, pressing the button does.
//! Whatever changes them asks for a fresh proof.

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use minijinja::context;
use minijinja::value::Serde;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{ADDRESSES_MAX, lock_own};
use crate::app::App;
use crate::caller::Person;
use crate::db::Origin;
use crate::emails::{self, EmailAddress};
use crate::error::{AppError, AppResult, Rejection};
use crate::html::{self, Faults, Field, Form, LinkQuery, Notice, SignedForm, SignedIn, see_other};
use crate::http::limits;
use crate::id::EmailId;
use crate::languages;
use crate::secret::SecretText;
use crate::users;

const PAGE: &str = "addresses/page.html";
const LIST_PAGE: &str = "addresses/list.html";
const NEW_PAGE: &str = "addresses/new.html";
const HERE: &str = "/account/addresses";
const NEW: &str = "/account/addresses/new";

pub fn router() -> Router<App> {
    Router::new().route("/confirm-email", get(show_confirmation).post(submit_confirmation))
}

/// For people who are signed in.
pub fn account() -> Router<App> {
    Router::new()
        .route("/account/addresses", get(show_addresses))
        .route("/account/addresses/new", get(show_new).post(submit_new))
        .route("/account/addresses/resend", post(submit_resend))
        .route("/account/addresses/{id}/primary", post(submit_primary))
        .route("/account/addresses/{id}/remove", post(submit_remove))
}

async fn show_addresses(signed_in: SignedIn, State(app): State<App>) -> AppResult<Response> {
    let mut tx = app.begin(&signed_in.person.origin).await?;
    let user = users::read(&mut tx, signed_in.person.user_id).await?;
    let pending = emails::find_pending(&mut tx, signed_in.person.user_id).await?;
    tx.commit().await?;
    let values = context! {
        has_room => user.emails.len() < ADDRESSES_MAX,
        most => ADDRESSES_MAX,
        emails => Serde(user.emails),
        pending => Serde(pending),
    };
    signed_in.page(&app, HERE, LIST_PAGE, values, &Faults::default())
}

async fn show_new(signed_in: SignedIn, State(app): State<App>) -> AppResult<Response> {
    if let Some(proof) = signed_in.way_by_proof(&app, NEW) {
        return Ok(proof);
    }
    ask(&app, &signed_in, "", &Faults::default())
}

fn ask(app: &App, signed_in: &SignedIn, email: &str, faults: &Faults) -> AppResult<Response> {
    signed_in.page(app, HERE, NEW_PAGE, context! { email => email }, faults)
}

/// An address to be.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AddressForm {
    email: EmailAddress,
}

async fn submit_new(State(app): State<App>, form: SignedForm) -> AppResult<Response> {
    let SignedForm { signed_in, members } = form;
    if let Some(proof) = signed_in.way_by_proof(&app, NEW) {
        return Ok(proof);
    }
    let requested = match members.parse::<AddressForm>() {
        Ok(form) => request(&app, &signed_in.person, &form.email).await,
        Err(error) => Err(error),
    };
    match requested {
        Ok(()) => html::done(&app, HERE, Notice::AddressRequested),
        Err(error) if error.code() == Some("email_taken") => {
            let taken = languages::now().word("addresses-new-taken");
            ask(&app, &signed_in, members.text("email"), &Faults::at("email", taken))
        }
        Err(AppError::Rejected(rejection)) if rejection.code == "too_many_emails" => {
            let said = languages::now().problem(rejection.code, &rejection.detail);
            ask(&app, &signed_in, members.text("email"), &Faults::at("email", said))
        }
        Err(error) => ask(&app, &signed_in, members.text("email"), &refusal(error)?),
    }
}

fn refusal(error: AppError) -> AppResult<Faults> {
    let now = languages::now();
    let (subject, missing) = (now.word("addresses-new-subject"), now.word("addresses-new-missing"));
    Faults::of(error, &[Field { name: "email", subject: &subject, missing: &missing }])
}

async fn request(app: &App, person: &Person, address: &EmailAddress) -> AppResult<()> {
    limits::admit_to_mail(app, person).await?;
    let (mut tx, user) = lock_own(app, person).await?;
    super::request(&mut tx, &user, address).await?;
    tx.commit().await?;
    Ok(())
}

/// Asks once more for the address that waits: the link that was sent before does not work then.
async fn submit_resend(State(app): State<App>, SignedForm { signed_in, .. }: SignedForm) -> AppResult<Response> {
    if let Some(proof) = signed_in.way_by_proof(&app, HERE) {
        return Ok(proof);
    }
    limits::admit_to_mail(&app, &signed_in.person).await?;
    let (mut tx, user) = lock_own(&app, &signed_in.person).await?;
    // It was confirmed or withdrawn since the page was shown; the page says so.
    let Some(pending) = emails::find_pending(&mut tx, user.id).await? else { return Ok(see_other(HERE)) };
    let address = EmailAddress::parse(&pending.address).map_err(|why| anyhow::anyhow!("a pending address {why}"))?;
    super::request(&mut tx, &user, &address).await?;
    tx.commit().await?;
    html::done(&app, HERE, Notice::AddressRequested)
}

async fn submit_primary(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
    SignedForm { signed_in, .. }: SignedForm,
) -> AppResult<Response> {
    let id = address_id(path)?;
    if let Some(proof) = signed_in.way_by_proof(&app, HERE) {
        return Ok(proof);
    }
    let (mut tx, before) = lock_own(&app, &signed_in.person).await?;
    match super::set_primary(&mut tx, &before, id).await {
        Ok(_) => {
            tx.commit().await?;
            html::done(&app, HERE, Notice::PrimaryChosen)
        }
        Err(error) => back_if_gone(error),
    }
}

async fn submit_remove(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
    SignedForm { signed_in, .. }: SignedForm,
) -> AppResult<Response> {
    let id = address_id(path)?;
    if let Some(proof) = signed_in.way_by_proof(&app, HERE) {
        return Ok(proof);
    }
    let (mut tx, before) = lock_own(&app, &signed_in.person).await?;
    let was_theirs = before.emails.iter().any(|email| email.id == id);
    match super::remove(&mut tx, &before, id).await {
        Ok(()) => {
            tx.commit().await?;
            html::done(&app, HERE, if was_theirs { Notice::AddressRemoved } else { Notice::AddressWithdrawn })
        }
        Err(error) => back_if_gone(error),
    }
}

fn address_id(path: Result<Path<String>, PathRejection>) -> Result<EmailId, Rejection> {
    path.ok().and_then(|Path(id)| id.parse().ok()).ok_or_else(Rejection::not_found)
}

/// The addresses have changed since the page was shown; the page says how they are.
fn back_if_gone(error: AppError) -> AppResult<Response> {
    if matches!(error.code(), Some("not_found" | "invalid_state")) { Ok(see_other(HERE)) } else { Err(error) }
}

/// The form of the page.
#[derive(Deserialize, JsonSchema)]
struct TokenForm {
    token: SecretText,
}

async fn show_confirmation(LinkQuery(token): LinkQuery) -> AppResult<Response> {
    html::page(PAGE, context! { state => "confirm", token => token })
}

async fn submit_confirmation(State(app): State<App>, origin: Origin, Form(form): Form<TokenForm>) -> AppResult<Response> {
    let mut tx = app.begin(&origin).await?;
    let state = match super::confirm(&mut tx, &form.token).await {
        Ok(()) => {
            tx.commit().await?;
            "done"
        }
        Err(AppError::Rejected(rejection)) => match rejection.code {
            "invalid_token" => "failed",
            "email_taken" => "taken",
            "too_many_emails" => "full",
            _ => return Err(AppError::Rejected(rejection)),
        },
        Err(error) => return Err(error),
    };
    html::page(PAGE, context! { state => state, token => "" })
}
