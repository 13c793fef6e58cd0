//! The form of a rule: a new one, which does nothing until it is enabled, or one that is there.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;
use serde_json::{Map, Value, json};

use super::super::staff::{Staff, StaffForm};
use super::super::{faults, words};
use super::{HERE, RulePath, look_up, way};
use crate::app::App;
use crate::caller::Permission;
use crate::error::{AppError, AppResult};
use crate::html::{self, Faults, Field, Members, Notice};
use crate::http::body;
use crate::http::params::Path;
use crate::id::InactivityRuleId;
use crate::inactivity::{self, NewRule, Rule, RuleAction, Terms};
use crate::languages::now;

const PAGE: &str = "console/inactivity/form.html";
const FIELDS: [&str; 6] = ["name", "action", "after_days", "warned_days", "filter", "exempt"];
const NUMBERS: [&str; 2] = ["after_days", "warned_days"];

pub async fn show_new(staff: Staff, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::InactivityWrite)?;
    ask(&app, &staff, None, None, &Faults::default())
}

pub async fn submit_new(State(app): State<App>, StaffForm { staff, members }: StaffForm) -> AppResult<Response> {
    staff.require(Permission::InactivityWrite)?;
    match create(&app, &staff, &members).await {
        Ok(rule) => html::done(&app, &way(rule.id), Notice::Made),
        Err(error) => ask(&app, &staff, None, Some(&members), &in_fields(&staff, error)?),
    }
}

async fn create(app: &App, staff: &Staff, members: &Members) -> AppResult<Rule> {
    let terms = terms(staff, members)?;
    let mut tx = staff.begin_because(app, members).await?;
    let rule = inactivity::create(&mut tx, staff.authority(), terms).await?;
    tx.commit().await?;
    Ok(rule)
}

pub async fn show_edit(staff: Staff, Path(path): Path<RulePath>, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::InactivityWrite)?;
    let rule = look_up(&app, &staff, path.id).await?;
    staff.require(rule.action.permission())?;
    ask(&app, &staff, Some(&rule), None, &Faults::default())
}

pub async fn submit_edit(
    Path(path): Path<RulePath>,
    State(app): State<App>,
    StaffForm { staff, members }: StaffForm,
) -> AppResult<Response> {
    staff.require(Permission::InactivityWrite)?;
    match change(&app, &staff, path.id, &members).await {
        Ok(()) => html::done(&app, &way(path.id), Notice::Saved),
        Err(error) => {
            let rule = look_up(&app, &staff, path.id).await?;
            staff.require(rule.action.permission())?;
            ask(&app, &staff, Some(&rule), Some(&members), &in_fields(&staff, error)?)
        }
    }
}

async fn change(app: &App, staff: &Staff, id: InactivityRuleId, members: &Members) -> AppResult<()> {
    let terms = terms(staff, members)?;
    let mut tx = staff.begin_because(app, members).await?;
    let before = inactivity::lock(&mut tx, staff.authority(), id).await?;
    faults::require_version(before.version, members, || now().word("inactivity-changed"))?;
    // Whether it does anything has a page of its own.
    let terms = Terms { enabled: before.enabled, ..terms };
    inactivity::update(&mut tx, staff.authority(), &before, terms).await?;
    tx.commit().await?;
    Ok(())
}

/// What the form says, within the bounds of the operation that makes a rule.
fn terms(staff: &Staff, members: &Members) -> AppResult<Terms> {
    let mut said = Map::new();
    for name in FIELDS {
        let text = members.text(name).replace(['\r', '\n'], " ");
        let text = text.trim();
        if !text.is_empty() {
            let number = text.parse::<i64>().ok().filter(|_| NUMBERS.contains(&name));
            said.insert(name.to_owned(), number.map_or_else(|| json!(text), Value::from));
        }
    }
    let terms = Terms::from(body::from_value::<NewRule>(Value::Object(said))?);
    staff.require(terms.action.permission())?;
    Ok(terms)
}

fn in_fields(staff: &Staff, error: AppError) -> AppResult<Faults> {
    let said = FIELDS.map(|name| {
        let missing = words::find("inactivity-missing-", name).unwrap_or_default();
        (words::of("inactivity-subject-", name), missing)
    });
    let fields: Vec<Field<'_>> =
        FIELDS.iter().zip(&said).map(|(name, (subject, missing))| Field { name, subject, missing }).collect();
    faults::of(staff, worded(error), &fields, "name")
}

/// What the schema and the rules say in words of the API.
fn worded(error: AppError) -> AppError {
    let AppError::Rejected(mut rejection) = error else { return error };
    for fault in &mut rejection.errors {
        let word = match (fault.pointer.as_deref(), fault.code.as_ref()) {
            (Some("/after_days" | "/warned_days"), "type") => now().word("inactivity-no-number"),
            (Some("/warned_days"), "unexpected") => now().word("inactivity-warned-unexpected"),
            _ => continue,
        };
        fault.code = "spelled_out".into();
        fault.detail = word;
    }
    AppError::Rejected(rejection)
}

/// The form, of a new rule or of one that is there. Nobody is offered what they may not do themselves.
fn ask(app: &App, staff: &Staff, rule: Option<&Rule>, sent: Option<&Members>, faults: &Faults) -> AppResult<Response> {
    let is = |name: &str| rule.map(|rule| written(rule, name)).unwrap_or_default();
    let said = |name: &str| sent.map_or_else(|| is(name), |sent| sent.text(name).to_owned());
    let offered = RuleAction::ALL.into_iter().filter(|action| staff.may(action.permission()));
    let actions: Vec<_> = offered.map(|action| (action.as_str(), words::of("inactivity-action-", action.as_str()))).collect();
    let values = context! {
        rule_name => rule.map(|rule| rule.name.as_str()), actions => Serde(actions),
        back => rule.map_or_else(|| HERE.to_owned(), |rule| way(rule.id)),
        action => rule.map_or_else(|| format!("{HERE}/new"), |rule| format!("{}/edit", way(rule.id))),
        version => said("version"), reason => said("reason"),
        said => Serde(BTreeMap::from(FIELDS.map(|name| (name, said(name))))),
    };
    staff.page(app, HERE, PAGE, values, faults)
}

/// A field of a rule as the form shows it.
fn written(rule: &Rule, name: &str) -> String {
    match name {
        "name" => rule.name.clone(),
        "action" => rule.action.as_str().to_owned(),
        "after_days" => rule.after_days.to_string(),
        "warned_days" => rule.warned_days.map(|days| days.to_string()).unwrap_or_default(),
        "filter" => rule.filter.clone().unwrap_or_default(),
        "exempt" => rule.exempt.clone().unwrap_or_default(),
        "version" => rule.version.to_string(),
        _ => String::new(),
    }
}
