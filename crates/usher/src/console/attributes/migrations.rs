//! Renaming and removing attributes: what it would come to, and then the button.

use axum::extract::State;
use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;
use serde_json::Value;

use super::super::parameters::Parameters;
use super::super::staff::{Staff, StaffForm};
use super::super::{events, user};
use super::rule::Shown;
use super::{HERE, Wrong, changed_meanwhile, read, require_writing};
use crate::app::App;
use crate::attributes;
use crate::attributes::migration::{self, Operation, Rename};
use crate::db::Tx;
use crate::error::{AppError, AppResult, Rejection};
use crate::html::{self, Faults, Notice};
use crate::languages::now;
use crate::users;

const RENAME_PAGE: &str = "console/attributes/rename.html";
const REMOVE_PAGE: &str = "console/attributes/remove.html";
/// Longest name that is asked about.
const NAME_MAX: usize = 200;

/// What an operation would come to.
#[derive(Serialize)]
struct Preview {
    users: i64,
    sample: Vec<Holder>,
}

/// A user who has the attribute, and what they have.
#[derive(Serialize)]
struct Holder {
    name: String,
    way: String,
    value: String,
}

pub async fn show_rename(staff: Staff, parameters: Parameters, State(app): State<App>) -> AppResult<Response> {
    require_writing(&staff)?;
    let rename = Rename { from: asked(&parameters, "name")?, to: parameters.get("to").unwrap_or_default().to_owned() };
    ask_to_rename(&app, &staff, rename, Faults::default()).await
}

pub async fn submit_rename(State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    require_writing(&form.staff)?;
    let said = |name: &str| form.members.text(name).trim().to_owned();
    let rename = Rename { from: said("name"), to: said("to") };
    match begin(&app, &form, Operation::Rename(rename.clone())).await {
        Ok(()) => html::done(&app, HERE, Notice::Saved),
        Err(error) => {
            let wrong = Wrong::of(error, |rejection| at(rejection, "to"))?;
            ask_to_rename(&app, &form.staff, rename, wrong.faults).await
        }
    }
}

pub async fn show_remove(staff: Staff, parameters: Parameters, State(app): State<App>) -> AppResult<Response> {
    require_writing(&staff)?;
    let name = asked(&parameters, "name")?;
    ask_to_remove(&app, &staff, name, Faults::default()).await
}

pub async fn submit_remove(State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    require_writing(&form.staff)?;
    let name = form.members.text("name").to_owned();
    match begin(&app, &form, Operation::Remove(name.clone())).await {
        Ok(()) => html::done(&app, HERE, Notice::Removed),
        Err(error) => {
            let wrong = Wrong::of(error, |rejection| at(rejection, "reason"))?;
            ask_to_remove(&app, &form.staff, name, wrong.faults).await
        }
    }
}

/// The attribute that the address names.
fn asked(parameters: &Parameters, name: &str) -> Result<String, Rejection> {
    let named = parameters.get(name).filter(|name| name.chars().count() <= NAME_MAX);
    named.map(ToOwned::to_owned).ok_or_else(Rejection::not_found)
}

async fn begin(app: &App, form: &StaffForm, operation: Operation) -> AppResult<()> {
    let operations = [operation];
    let mut tx = form.staff.begin_because(app, &form.members).await?;
    let rules = attributes::lock_for_change(&mut tx).await?;
    if form.members.text("version") != rules.revision.to_string() {
        return Err(changed_meanwhile().into());
    }
    migration::begin(&mut tx, &rules, &operations).await?;
    tx.commit().await?;
    Ok(())
}

/// What is wrong with an operation, at the one field that there is.
fn at(rejection: Rejection, field: &str) -> AppResult<Faults> {
    let Some(fault) = rejection.errors.first() else { return Err(AppError::Rejected(Box::new(rejection))) };
    let in_english = || format!("“{}” {}.", now().word("schema-label-to"), fault.detail);
    Ok(Faults::at(field, now().fault(&fault.code, &fault.detail).unwrap_or_else(in_english)))
}

async fn ask_to_rename(app: &App, staff: &Staff, rename: Rename, faults: Faults) -> AppResult<Response> {
    let status = read(app, staff).await?;
    let rule = status.latest().properties.get(&rename.from).ok_or_else(Rejection::not_found)?;
    let (preview, found) = if rename.to.is_empty() {
        (None, Faults::default())
    } else {
        look(app, staff, Operation::Rename(rename.clone()), "to").await?
    };
    let values = context! {
        name => rename.from.as_str(), to => rename.to.as_str(), rule => Serde(Shown::of(rule)),
        preview => Serde(preview), version => status.revision,
    };
    staff.page(app, HERE, RENAME_PAGE, values, if found.is_empty() { &faults } else { &found })
}

async fn ask_to_remove(app: &App, staff: &Staff, name: String, faults: Faults) -> AppResult<Response> {
    let status = read(app, staff).await?;
    let (preview, found) = look(app, staff, Operation::Remove(name.clone()), "reason").await?;
    let rule = status.latest().properties.get(&name);
    let values = context! {
        name => name.as_str(), rule => rule.map(|rule| Serde(Shown::of(rule))), preview => Serde(preview),
        version => status.revision,
        is_required => status.latest().required.contains(&name),
    };
    staff.page(app, HERE, REMOVE_PAGE, values, if found.is_empty() { &faults } else { &found })
}

/// What an operation would come to, or what stands in its way.
async fn look(app: &App, staff: &Staff, operation: Operation, field: &str) -> AppResult<(Option<Preview>, Faults)> {
    let name = match &operation {
        Operation::Rename(rename) => rename.from.clone(),
        Operation::Remove(name) => name.clone(),
    };
    let mut tx = staff.begin(app).await?;
    match migration::preview(&mut tx, &[operation]).await {
        Ok(previews) => {
            let mut shown = Preview { users: 0, sample: Vec::new() };
            for preview in previews {
                shown.users += preview.users;
                shown.sample.extend(holders(&mut tx, staff, &preview.sample, &name).await?);
            }
            tx.commit().await?;
            Ok((Some(shown), Faults::default()))
        }
        Err(error) => {
            let wrong = Wrong::of(error, |rejection| at(rejection, field))?;
            // There is no other field while there is nothing to confirm.
            Ok((None, Faults::at(field, wrong.faults.sentences().collect::<Vec<_>>().join(" "))))
        }
    }
}

/// Those of them whom whoever looks may see, and what they have.
async fn holders(tx: &mut Tx, staff: &Staff, sample: &[migration::Holder], name: &str) -> AppResult<Vec<Holder>> {
    let ids: Vec<_> = sample.iter().map(|holder| holder.user_id).collect();
    let found = users::find_many(tx, &ids).await?.into_iter().filter(|user| staff.authority().over(user.permissions).is_ok());
    let holder = |user: users::User| Holder {
        name: events::name_of(&user),
        way: user::way(user.id),
        value: events::text(user.attributes.get(name).unwrap_or(&Value::Null)),
    };
    Ok(found.map(holder).collect())
}
