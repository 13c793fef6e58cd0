//! The whole schema as JSON.

use axum::extract::State;
use axum::response::Response;
use fluent_bundle::FluentArgs;
use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;
use serde_json::Value;

use super::super::staff::{Staff, StaffForm};
use super::{HERE, Wrong, read, require_writing, sentence, set};
use crate::app::App;
use crate::attributes::Document;
use crate::error::{AppError, AppResult, FieldError, Rejection};
use crate::html::{self, Faults, Members, Notice};
use crate::http::body;
use crate::languages::now;

const PAGE: &str = "console/attributes/whole.html";
/// Longest schema that is sent by a form, in characters. Escaped it takes three times as many bytes at most of the
/// [`body::BODY_MAX`] that there are.
const TEXT_MAX: usize = 20_000;

/// A fault of the schema, and where it is.
#[derive(Serialize)]
struct Place {
    pointer: String,
    what: String,
}

pub async fn show(staff: Staff, State(app): State<App>) -> AppResult<Response> {
    require_writing(&staff)?;
    ask(&app, &staff, None, Wrong::default(), &[]).await
}

pub async fn submit(State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    require_writing(&form.staff)?;
    let Err(error) = set(&app, &form, |_| parse(form.members.text("schema"))).await else {
        return html::done(&app, HERE, Notice::Saved);
    };
    let mut places = Vec::new();
    let wrong = Wrong::of(error, |rejection| {
        places = places_of(&rejection);
        match (places.as_slice(), rejection.code) {
            ([], "malformed_json") => Ok(Faults::at("schema", rejection.detail)),
            ([], _) => Err(AppError::Rejected(Box::new(rejection))),
            _ => Ok(Faults::at("schema", now().word("schema-whole-wrong"))),
        }
    })?;
    ask(&app, &form.staff, Some(&form.members), wrong, &places).await
}

fn parse(text: &str) -> AppResult<Document> {
    let value: Value = serde_json::from_str(text).map_err(|error| {
        let place = FluentArgs::from_iter([("line", error.line()), ("column", error.column())]);
        Rejection::bad_request("malformed_json", now().say("schema-whole-malformed", &place))
    })?;
    body::from_value(value)
}

fn places_of(rejection: &Rejection) -> Vec<Place> {
    let place = |fault: &FieldError| Place {
        pointer: fault.pointer.clone().filter(|pointer| !pointer.is_empty()).unwrap_or_else(|| "/".to_owned()),
        what: sentence(&fault.code, &fault.detail),
    };
    rejection.errors.iter().map(place).collect()
}

async fn ask(app: &App, staff: &Staff, sent: Option<&Members>, wrong: Wrong, places: &[Place]) -> AppResult<Response> {
    let status = read(app, staff).await?;
    let latest = serde_json::to_string_pretty(status.latest())?;
    let text = sent.map_or(latest.as_str(), |members| members.text("schema"));
    let values = context! {
        is_too_long => latest.chars().count() > TEXT_MAX, most => TEXT_MAX, version => status.revision, schema => text,
        rows => text.lines().count().clamp(12, 32), reason => sent.map(|sent| sent.text("reason")).unwrap_or_default(),
        places => Serde(places), violation => Serde(wrong.violation),
    };
    staff.page(app, HERE, PAGE, values, &wrong.faults)
}
