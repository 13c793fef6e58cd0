//! The form of a property: a new one, or one that is there.

use axum::extract::State;
use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;
use serde::Deserialize;

use super::super::parameters::address;
use super::super::staff::{Staff, StaffForm};
use super::rule::{self, FIELDS, Filled, KINDS, VISIBILITIES};
use super::{HERE, Wrong, place_of, read, require_writing, set};
use crate::app::App;
use crate::attributes::{Rule, Status};
use crate::error::{AppError, AppResult, FieldError, Rejection};
use crate::html::{self, Faults, Field, Members, Notice};
use crate::http::params::Path;
use crate::languages::now;

const PAGE: &str = "console/attributes/property.html";

#[derive(Deserialize)]
pub struct PropertyPath {
    name: String,
}

pub async fn show_new(staff: Staff, State(app): State<App>) -> AppResult<Response> {
    require_writing(&staff)?;
    let status = read(&app, &staff).await?;
    ask(&app, &staff, &status, None, None, Wrong::default())
}

pub async fn submit_new(State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    require_writing(&form.staff)?;
    let name = form.members.text("name").trim().to_owned();
    let made = set(&app, &form, |document| {
        if name.is_empty() {
            return Err(Rejection::invalid_field("/name", "required", "is missing").into());
        }
        if document.properties.contains_key(&name) {
            return Err(Rejection::invalid_field("/name", "duplicate", now().word("schema-name-taken")).into());
        }
        rule::changed(document, &name, &form.members)
    })
    .await;
    match made {
        Ok(()) => html::done(&app, HERE, Notice::Made),
        Err(error) => {
            let wrong = Wrong::of(error, |rejection| in_fields(rejection, "name"))?;
            let status = read(&app, &form.staff).await?;
            ask(&app, &form.staff, &status, None, Some(&form.members), wrong)
        }
    }
}

pub async fn show_edit(staff: Staff, Path(path): Path<PropertyPath>, State(app): State<App>) -> AppResult<Response> {
    require_writing(&staff)?;
    let status = read(&app, &staff).await?;
    ask(&app, &staff, &status, Some(&path.name), None, Wrong::default())
}

pub async fn submit_edit(Path(path): Path<PropertyPath>, State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    require_writing(&form.staff)?;
    let saved = set(&app, &form, |document| {
        if !document.properties.contains_key(&path.name) {
            return Err(Rejection::not_found().into());
        }
        rule::changed(document, &path.name, &form.members)
    })
    .await;
    match saved {
        Ok(()) => html::done(&app, HERE, Notice::Saved),
        Err(error) => {
            let wrong = Wrong::of(error, |rejection| in_fields(rejection, "kind"))?;
            let status = read(&app, &form.staff).await?;
            ask(&app, &form.staff, &status, Some(&path.name), Some(&form.members), wrong)
        }
    }
}

/// Faults of the schema at the fields of the property; what is about its name is shown at `named`.
fn in_fields(mut rejection: Rejection, named: &str) -> AppResult<Faults> {
    for fault in &mut rejection.errors {
        if fault.code == "name" {
            fault.detail = now().word("schema-name-wrong");
        } else if fault.code == "type" {
            // Every field that has a type of its own holds a number.
            fault.code = "no_number".into();
            fault.detail = now().word("schema-no-number");
        }
        let field = match (place_of(fault), fault.pointer.as_deref()) {
            (Some((_, "")), _) | (_, Some("/name" | "/properties" | "")) if fault.code != "invalid" => named,
            (Some((_, place)), _) => rule::field_at(place),
            _ => "kind",
        };
        fault.pointer = Some(format!("/{}", indexed(fault).unwrap_or(field)));
    }
    let subjects = FIELDS.map(|name| format!("“{}”", now().word(&label(name))));
    let missing =
        FIELDS.map(|name| if name == "name" { now().word("schema-name-missing") } else { now().word("schema-kind-missing") });
    let fields: Vec<Field<'_>> =
        (0..FIELDS.len()).map(|at| Field { name: FIELDS[at], subject: &subjects[at], missing: &missing[at] }).collect();
    Faults::of(AppError::Rejected(Box::new(rejection)), &fields)
}

/// That too many properties have an index is said at the box that asks for it.
fn indexed(fault: &FieldError) -> Option<&'static str> {
    (fault.pointer.as_deref() == Some("/properties") && fault.code == "max_items").then_some("searchable")
}

fn label(field: &str) -> String {
    format!("schema-label-{}", field.replace('_', "-"))
}

/// The form, of a new property or of the one of this name.
fn ask(
    app: &App,
    staff: &Staff,
    status: &Status,
    name: Option<&str>,
    sent: Option<&Members>,
    wrong: Wrong,
) -> AppResult<Response> {
    let latest = status.latest();
    let is = name.map(|name| latest.properties.get(name).ok_or_else(Rejection::not_found)).transpose()?;
    let is_required = name.is_some_and(|name| latest.required.iter().any(|required| required == name));
    let filled = match (sent, is) {
        (Some(members), _) => rule::sent(members),
        (None, Some(is)) => rule::filled(is, is_required),
        (None, None) => new(),
    };
    let action = name.map_or_else(|| format!("{HERE}/new"), |name| format!("{HERE}/{name}/edit"));
    let way = |act: &str| name.map(|name| address(&format!("{HERE}/{act}"), [("name", name)]));
    let named = |beginning: &str, key: &str| (key.to_owned(), now().word(&format!("schema-{beginning}-{key}")));
    let values = context! {
        name => name, action => action, rename => way("rename"), remove => way("remove"), version => status.revision,
        filled => Serde(filled), kinds => kinds(is).map(|kind| named("kind", kind)).collect::<Vec<_>>(),
        visibilities => VISIBILITIES.map(|visibility| named("visibility", visibility)).to_vec(),
        has_fields => is.is_none_or(|is| KINDS.contains(&rule::kind_of(is))),
        unshown => is.map(rule::unshown).unwrap_or_default().join(", "),
        reason => sent.map(|sent| sent.text("reason")).unwrap_or_default(), violation => Serde(wrong.violation),
    };
    staff.page(app, HERE, PAGE, values, &wrong.faults)
}

/// A form that nobody has filled in.
fn new() -> Filled {
    let mut filled: Filled = FIELDS.into_iter().map(|field| (field, String::new())).collect();
    filled.insert("visibility", VISIBILITIES[0].to_owned());
    filled
}

/// What can be chosen: of what the form has no fields for, that it stays so.
fn kinds(is: Option<&Rule>) -> impl Iterator<Item = &'static str> {
    let own = is.map(rule::kind_of).filter(|kind| !KINDS.contains(kind));
    own.into_iter().chain(KINDS.into_iter().filter(move |_| own.is_none()))
}
