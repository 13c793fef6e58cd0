//! A person's API keys: which there are, a new one, which is shown by the answer to its form and nowhere again, and their end.

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{OriginalUri, Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use fluent_bundle::FluentArgs;
use jiff::{SignedDuration, Timestamp};
use minijinja::context;
use minijinja::value::Serde;

use super::{NewApiKey, form};
use crate::app::App;
use crate::caller::{PermissionSet, Subject};
use crate::db::page::Limit;
use crate::error::{AppResult, Rejection};
use crate::html::{self, Faults, Members, Notice, SignedForm, SignedIn, see_other};
use crate::id::ApiKeyId;
use crate::users;
use crate::languages;
use crate::users::{self, Name};

const PAGE: &str = "api_keys/page.html";
const NEW_PAGE: &str = "api_keys/new.html";
const HERE: &str = "/account/api-keys";
const NEW: &str = "/account/api-keys/new";

/// What a name of a permission is preceded by in the form: each is a box of its own.
const BOX: &str = "permission.";
/// How long a key may be wanted for, in days, as far as the deployment allows it.
const LIFETIMES: [i64; 5] = [7, 30, 90, 180, 365];
const HOURS_A_DAY: i64 = 24;

pub fn router() -> Router<App> {
    Router::new()
        .route("/account/api-keys", get(show_api_keys))
        .route("/account/api-keys/new", get(show_new).post(submit_new))
        .route("/account/api-keys/{id}/revoke", post(submit_revoke))
}

async fn show_api_keys(signed_in: SignedIn, State(app): State<App>, OriginalUri(uri): OriginalUri) -> AppResult<Response> {
    let person = &signed_in.person;
    let cursor = html::cursor(&uri);
    let zone = users::look_up(app.db.read(), person.user_id, app.clock.now()).await?.profile.time_zone;
    let mut tx = app.begin(&person.origin).await?;
    let page = super::list(&mut tx, Subject::User(person.user_id), Limit::default(), cursor.as_deref()).await?;
    tx.commit().await?;
    let values = context! {
        keys => Serde(page.items),
        older => html::next_page(HERE, page.next.as_deref()),
        is_first => cursor.is_none(),
        zone => Serde(zone),
    };
    signed_in.page(&app, HERE, PAGE, values, &Faults::default())
}

async fn show_new(signed_in: SignedIn, State(app): State<App>) -> AppResult<Response> {
    if let Some(proof) = signed_in.way_by_proof(&app, NEW) {
        return Ok(proof);
    }
    ask(&app, &signed_in, None, &Faults::default())
}

async fn submit_new(State(app): State<App>, SignedForm { signed_in, members }: SignedForm) -> AppResult<Response> {
    if let Some(proof) = signed_in.way_by_proof(&app, NEW) {
        return Ok(proof);
    }
    let wish = match form::read(&members, app.clock.now()) {
        Ok(wish) => wish,
        Err(error) => return ask(&app, &signed_in, Some(&members), &form::in_fields(error)?),
        Err(error) => return ask(&app, &signed_in, Some(&members), &misfit(error)?),
    };
    let mut tx = app.begin(&signed_in.person.origin).await?;
    match super::create_own(&app, &mut tx, &signed_in.person, &wish).await {
        Ok(made) => {
            tx.commit().await?;
            show_made(&app, &signed_in, &made)
        }
        Err(error) => ask(&app, &signed_in, Some(&members), &form::in_fields(error)?),
        Err(error) => ask(&app, &signed_in, Some(&members), &refusal(error)?),
    }
}

fn wish(members: &Members, now: Timestamp) -> AppResult<KeyWish> {
    let form: KeyForm = members.parse()?;
    let invalid = || languages::now().say("api-keys-days-invalid", &FluentArgs::new());
    let days: i64 = form.days.parse().map_err(|_| Rejection::invalid_field("/days", "invalid", invalid()))?;
    let permissions = Permission::ALL.into_iter().filter(|permission| members.has(&format!("{BOX}{}", permission.name())));
    Ok(KeyWish {
        name: form.name,
        permissions: Some(permissions.collect()),
        expires_at: Some(now + SignedDuration::from_hours(days * HOURS_A_DAY)),
    })
}

/// What the form itself lacks.
fn misfit(error: AppError) -> AppResult<Faults> {
    let (now, none) = (languages::now(), FluentArgs::new());
    let name = Field {
        name: "name",
        subject: &now.say("api-keys-name-subject", &none),
        missing: &now.say("api-keys-name-missing", &none),
    };
    let days = Field {
        name: "days",
        subject: &now.say("api-keys-days-subject", &none),
        missing: &now.say("api-keys-days-missing", &none),
    };
    Faults::of(error, &[name, days])
}

/// What the rules refuse, at the fields of the form.
fn refusal(error: AppError) -> AppResult<Faults> {
    match error {
        AppError::Rejected(rejection) if rejection.code == "too_many_api_keys" => Ok(Faults::at("name", rejection.detail)),
        AppError::Rejected(rejection) if rejection.code == "grant_exceeds_caller" => {
            Ok(Faults::at("permissions", rejection.detail))
        }
        AppError::Rejected(rejection) if rejection.errors.iter().any(|fault| fault.pointer.as_deref() == Some("/expires_at")) => {
            Ok(Faults::at("days", languages::now().say("api-keys-days-too-late", &FluentArgs::new())))
        }
        error => Err(error),
    }
}

/// The key is shown by the answer itself: it is not kept, so there is no page to come back to.
fn show_made(app: &App, signed_in: &SignedIn, made: &NewApiKey) -> AppResult<Response> {
    let values = context! {
        state => "made",
        key => made.key.as_str(),
        key_name => made.api_key.name.as_str(),
        expires_at => made.api_key.expires_at.to_string(),
    };
    signed_in.page(app, HERE, NEW_PAGE, values, &Faults::default())
}

fn ask(app: &App, signed_in: &SignedIn, sent: Option<&Members>, faults: &Faults) -> AppResult<Response> {
    let choices = form::choices(app, sent, signed_in.person.permissions, PermissionSet::default());
    signed_in.page(app, HERE, NEW_PAGE, context! { state => "form", ..choices }, faults)
    let latest = i64::try_from(app.config.tokens.api_key_lifetime_max.as_secs() / 86_400).unwrap_or(i64::MAX);
    let days =
        sent.map_or_else(|| (LIFETIME.as_hours() / HOURS_A_DAY).min(latest).to_string(), |sent| sent.text("days").to_owned());
    let mut lifetimes: Vec<i64> = LIFETIMES.into_iter().filter(|days| *days < latest).collect();
    lifetimes.extend(LIFETIMES.last().is_some_and(|most| latest <= *most).then_some(latest));
    let chosen = |permission: Permission| sent.is_some_and(|sent| sent.has(&format!("{BOX}{}", permission.name())));
    let permissions = signed_in.person.permissions.iter().map(|permission| {
        context! { name => permission.name(), about => about(permission), chosen => chosen(permission) }
    });
    let values = context! {
        state => "form",
        key_name => sent.map(|sent| sent.text("name")).unwrap_or_default(),
        days => days,
        lifetimes => lifetimes.iter().map(|days| (days.to_string(), in_days(*days))).collect::<Vec<_>>(),
        permissions => permissions.collect::<Vec<_>>(),
    };
    signed_in.page(app, HERE, NEW_PAGE, values, faults)
}

/// What a permission allows, in words.
pub(super) fn about(permission: Permission) -> String {
    let key = format!("permission-{}", permission.name().replace([':', '_'], "-"));
    languages::now().say(&key, &FluentArgs::new())
}

fn in_days(days: i64) -> String {
    languages::now().say("api-keys-in-days", &FluentArgs::from_iter([("count", days)]))
}

async fn submit_revoke(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
    SignedForm { signed_in, .. }: SignedForm,
) -> AppResult<Response> {
    let id: ApiKeyId = path.ok().and_then(|Path(id)| id.parse().ok()).ok_or_else(Rejection::not_found)?;
    let mut tx = app.begin(&signed_in.person.origin).await?;
    match super::revoke(&mut tx, Subject::User(signed_in.person.user_id), id).await {
        Ok(()) => {
            tx.commit().await?;
            html::done(&app, HERE, Notice::KeyRevoked)
        }
        // It has ended since the page was shown. The list says what is left.
        Err(error) if error.code() == Some("not_found") => Ok(see_other(HERE)),
        Err(error) => Err(error),
    }
}
