//! The page of one's account, and the forms of profile and user name.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use fluent_bundle::FluentArgs;
use jiff::tz::{self, TimeZone};
use minijinja::context;
use minijinja::value::Serde;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::inputs::{self, Input};
use super::{MePatch, change};
use crate::app::App;
use crate::approvals;
use crate::attributes;
use crate::db::page::Limit;
use crate::error::{AppError, AppResult};
use crate::html::{self, Faults, Field, Members, Notice, SignedForm, SignedIn};
use crate::http::body;
use crate::languages::{self, Language};
use crate::patch::Patch;
use crate::sessions;
use crate::users::{self, ProfilePatch, User, Username};

const PAGE: &str = "me/profile/account.html";
const PROFILE_PAGE: &str = "me/profile/page.html";
const USERNAME_PAGE: &str = "me/profile/username.html";
const HERE: &str = "/account";
const USERNAME: &str = "/account/username";
/// What has this code says all there is to say already.
const SPELLED_OUT: &str = "spelled_out";

/// The fields of the profile in their order on the page. None is required.
const FIELDS: [&str; 10] = [
    "display_name",
    "given_name",
    "family_name",
    "bio",
    "locale",
    "time_zone",
    "website_url",
    "picture_url",
    "github_url",
    "linkedin_url",
];

/// Languages to choose from, in their own words; any other tag can be typed.
const LANGUAGES: [(&str, &str); 20] = [
    ("cs", "Čeština"),
    ("da", "Dansk"),
    ("de", "Deutsch"),
    ("de-AT", "Deutsch (Österreich)"),
    ("de-CH", "Deutsch (Schweiz)"),
    ("en", "English"),
    ("en-GB", "English (United Kingdom)"),
    ("en-US", "English (United States)"),
    ("es", "Español"),
    ("fr", "Français"),
    ("it", "Italiano"),
    ("nl", "Nederlands"),
    ("pl", "Polski"),
    ("pt-BR", "Português (Brasil)"),
    ("sv", "Svenska"),
    ("tr", "Türkçe"),
    ("uk", "Українська"),
    ("ar", "العربية"),
    ("ja", "日本語"),
    ("zh-Hans", "简体中文"),
];

/// Parts of the world by which the time zones are grouped. What else the database has are older names of the same zones.
const REGIONS: [&str; 10] =
    ["Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"];

/// Time zones by region, each with what to call it.
static ZONES: LazyLock<BTreeMap<&'static str, Vec<(String, String)>>> = LazyLock::new(|| {
    let mut zones: BTreeMap<&str, Vec<(String, String)>> = BTreeMap::new();
    for name in tz::db().available() {
        let Some((region, place)) = name.as_str().split_once('/') else { continue };
        let Some(region) = REGIONS.into_iter().find(|known| *known == region) else { continue };
        zones.entry(region).or_default().push((name.as_str().to_owned(), place.replace('_', " ").replace('/', ", ")));
    }
    for places in zones.values_mut() {
        places.sort();
    }
    zones
});

/// The same, each region as it is called in the language of who asks.
fn zones() -> BTreeMap<String, &'static [(String, String)]> {
    let called = |region: &str| word(&format!("profile-region-{}", region.to_lowercase()));
    ZONES.iter().map(|(region, places)| (called(region), places.as_slice())).collect()
}

fn word(key: &str) -> String {
    languages::now().say(key, &FluentArgs::new())
}

pub fn router() -> Router<App> {
    Router::new()
        .route("/account", get(show_account))
        .route("/account/profile", get(show_profile).post(submit_profile))
        .route("/account/username", get(show_username).post(submit_username))
}

async fn show_account(signed_in: SignedIn, State(app): State<App>) -> AppResult<Response> {
    let person = &signed_in.person;
    let user = users::look_up(app.db.read(), person.user_id, app.clock.now()).await?;
    let mut tx = app.begin(&person.origin).await?;
    let password_changed_at = crate::password::find_changed_at(&mut tx, person.user_id).await?;
    let sessions = sessions::list(&mut tx, person.user_id, Some(person.session_id), Limit::default(), None).await?;
    tx.commit().await?;
    let schema = attributes::cached(&app).await?;
    let values = context! {
        facts => inputs::facts(&schema, &user, &zone(&user)),
        offers_professional => approvals::Kind::Professional.is_offered(&app),
        user => Serde(user),
        password_changed_at => Serde(password_changed_at),
        others => sessions.items.iter().filter(|session| !session.current).count(),
        more_others => sessions.next.is_some(),
    };
    signed_in.page(&app, HERE, PAGE, values, &Faults::default())
}

fn zone(user: &User) -> TimeZone {
    let named = user.profile.time_zone.as_ref().and_then(|zone| TimeZone::get(&zone.0).ok());
    named.unwrap_or(TimeZone::UTC)
}

async fn show_profile(signed_in: SignedIn, State(app): State<App>) -> AppResult<Response> {
    let user = users::look_up(app.db.read(), signed_in.person.user_id, app.clock.now()).await?;
    ask(&app, &signed_in, &user, None, &Faults::default()).await
}

/// The form with what was sent, or else with what is known.
async fn ask(app: &App, signed_in: &SignedIn, user: &User, sent: Option<&Members>, faults: &Faults) -> AppResult<Response> {
    let profile = serde_json::to_value(&user.profile)?;
    let known = |name: &str| profile[name].as_str().unwrap_or_default().to_owned();
    let shown = |name: &str, known: String| sent.filter(|sent| sent.has(name)).map_or(known, |sent| sent.text(name).to_owned());
    let fields: BTreeMap<&str, String> = FIELDS.map(|name| (name, shown(name, known(name)))).into();
    let schema = attributes::cached(app).await?;
    let mut inputs = inputs::inputs(&schema, user, &zone(user));
    for input in &mut inputs {
        input.value = shown(&input.name, std::mem::take(&mut input.value));
    }
    let time_zone = &fields["time_zone"];
    let is_listed = time_zone.is_empty() || ZONES.values().flatten().any(|(name, _)| name == time_zone);
    let values = context! {
        other_zone => if is_listed { "" } else { time_zone.as_str() },
        zones => Serde(zones()),
        languages => LANGUAGES,
        inputs => Serde(inputs),
        version => user.version,
        fields => fields,
    };
    signed_in.page(app, HERE, PROFILE_PAGE, values, faults)
}

async fn submit_profile(State(app): State<App>, form: SignedForm) -> AppResult<Response> {
    let SignedForm { signed_in, members } = form;
    let mut tx = app.begin(&signed_in.person.origin).await?;
    let before = users::lock(&mut tx, signed_in.person.authority(), signed_in.person.user_id).await?;
    if members.text("version") != before.version.to_string() {
        tx.commit().await?;
        let faults = Faults::at("profile", languages::now().word("profile-changed-meanwhile"));
        return ask(&app, &signed_in, &before, Some(&members), &faults).await;
    }
    let zone = zone(&before);
    let schema = attributes::current(&mut tx).await?;
    let inputs = inputs::inputs(&schema, &before, &zone);
    let changed = match body::from_value::<MePatch>(patch(&members, &inputs, &zone)) {
        Ok(changes) => change(&mut tx, &before, changes).await,
        Err(error) => Err(error),
    };
    match changed {
        Ok(user) => {
            tx.commit().await?;
            let mut response = html::done(&app, HERE, Notice::ProfileSaved)?;
            if let Some(language) = other_language(&before, &user) {
                html::languages::remember(&app, &mut response, language)?;
            }
            Ok(response)
        }
        Err(error) => {
            drop(tx);
            let faults = refusal(error, &inputs)?;
            ask(&app, &signed_in, &before, Some(&members), &faults).await
        }
    }
}

/// What pages are to speak from now on, if another language has been named that they can speak.
fn other_language(before: &User, after: &User) -> Option<Language> {
    let named = |user: &User| user.profile.locale.as_ref().map(|locale| locale.0.clone());
    named(after).filter(|_| named(after) != named(before)).as_deref().and_then(Language::of)
}

/// The form as `PATCH /v1/me` would take it: a field that was left empty is cleared.
fn patch(members: &Members, inputs: &[Input], zone: &TimeZone) -> Value {
    let sent = FIELDS.into_iter().filter(|name| members.has(name));
    let value = |name: &str| match members.text(name).replace("\r\n", "\n") {
        text if text.trim().is_empty() => Value::Null,
        text => text.into(),
    };
    let mut patch: Map<String, Value> = sent.map(|name| (name.to_owned(), value(name))).collect();
    let attributes = inputs::changes(inputs, zone, |name| members.has(name).then(|| members.text(name)));
    if !attributes.is_empty() {
        patch.insert("attributes".to_owned(), attributes.into());
    }
    patch.into()
}

/// What is wrong, at the fields of the form.
fn refusal(error: AppError, inputs: &[Input]) -> AppResult<Faults> {
    let AppError::Rejected(mut rejection) = error else { return Err(error) };
    for fault in &mut rejection.errors {
        let name = fault.pointer.as_deref().and_then(inputs::name_of);
        if let Some(name) = name {
            fault.pointer = Some(format!("/{name}"));
        }
        // The words for a pattern are for programs.
        if fault.pointer.as_deref() == Some("/locale") {
            fault.code = SPELLED_OUT.into();
            fault.detail = languages::now().word("profile-locale-invalid");
        }
    }
    let missing = languages::now().word("profile-missing");
    let subjects = FIELDS.map(|name| (name, word(&format!("profile-subject-{}", name.replace('_', "-")))));
    let of_profile = subjects.iter().map(|(name, subject)| Field { name, subject, missing: &missing });
    let of_attributes = inputs.iter().map(|input| Field { name: &input.name, subject: &input.label, missing: &missing });
    let fields: Vec<Field<'_>> = of_profile.chain(of_attributes).collect();
    // What is wrong with something that has no field here is said of the form.
    let is_ours = rejection.status == http::StatusCode::UNPROCESSABLE_ENTITY;
    match Faults::of(AppError::Rejected(rejection), &fields) {
        Err(AppError::Rejected(_)) if is_ours => Ok(Faults::at("profile", languages::now().word("profile-elsewhere"))),
        faults => faults,
    }
}

async fn show_username(signed_in: SignedIn, State(app): State<App>) -> AppResult<Response> {
    if let Some(proof) = signed_in.way_by_proof(&app, USERNAME) {
        return Ok(proof);
    }
    let user = users::look_up(app.db.read(), signed_in.person.user_id, app.clock.now()).await?;
    ask_for_username(&app, &signed_in, &user.username, &Faults::default())
}

fn ask_for_username(app: &App, signed_in: &SignedIn, username: &str, faults: &Faults) -> AppResult<Response> {
    signed_in.page(app, HERE, USERNAME_PAGE, context! { username => username }, faults)
}

/// The name that is to take the place of theirs.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct UsernameForm {
    username: Username,
}

async fn submit_username(State(app): State<App>, form: SignedForm) -> AppResult<Response> {
    let SignedForm { signed_in, members } = form;
    if let Some(proof) = signed_in.way_by_proof(&app, USERNAME) {
        return Ok(proof);
    }
    let changed = match members.parse::<UsernameForm>() {
        Ok(form) => rename(&app, &signed_in, form.username).await,
        Err(error) => Err(spelled_out(error)),
    };
    match changed {
        Ok(()) => html::done(&app, HERE, Notice::UsernameChanged),
        Err(error) => ask_for_username(&app, &signed_in, members.text("username"), &refused_name(error)?),
    }
}

fn refused_name(error: AppError) -> AppResult<Faults> {
    let now = languages::now();
    let (subject, missing) = (now.word("username-subject"), now.word("username-missing"));
    Faults::of(error, &[Field { name: "username", subject: &subject, missing: &missing }])
}

async fn rename(app: &App, signed_in: &SignedIn, username: Username) -> AppResult<()> {
    let mut tx = app.begin(&signed_in.person.origin).await?;
    let before = users::lock(&mut tx, signed_in.person.authority(), signed_in.person.user_id).await?;
    let changes = MePatch { username: Some(username), profile: ProfilePatch::default(), attributes: Patch::Keep };
    change(&mut tx, &before, changes).await?;
    tx.commit().await?;
    Ok(())
}

/// A name that does not fit in the words of a person: those of a pattern are for programs.
fn spelled_out(error: AppError) -> AppError {
    let AppError::Rejected(mut rejection) = error else { return error };
    for fault in &mut rejection.errors {
        if fault.code != "required" {
            fault.code = SPELLED_OUT.into();
            fault.detail = languages::now().word("username-invalid");
        }
    }
    AppError::Rejected(rejection)
}
