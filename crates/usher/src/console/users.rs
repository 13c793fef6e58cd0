//! The list of users: searched, filtered, sorted, in columns of one's choice, and all of it in the address.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;
use serde_json::Value;

use super::choice::Choice;
use super::parameters::{Parameters, address, query};
use super::staff::{Staff, StaffForm};
use super::{events, filter, roles, words};
use crate::app::App;
use crate::attributes::{self, Schema};
use crate::caller::Permission;
use crate::db::page::Page;
use crate::error::{AppError, AppResult};
use crate::html::{Faults, Members, see_other};
use crate::http::params::read_query;
use crate::users::{self, Filter, User};

const PAGE: &str = "console/users.html";
const HERE: &str = "/admin/users";
/// So many on a page: as many as can be looked over.
const LIMIT: &str = "25";
/// What narrows the list down, and what it is sorted by; so are the fields called.
const NARROWING: [&str; 5] = ["q", "filter", "status", "role", "sort"];

/// What a column shows.
const COLUMNS: [&str; 10] =
    ["email", "status", "roles", "last_sign_in_at", "created_at", "updated_at", "username", "locale", "time_zone", "id"];
const USUAL: [&str; 4] = ["email", "status", "roles", "last_sign_in_at"];

#[derive(Serialize)]
struct Column {
    key: String,
    label: String,
    shown: bool,
}

#[derive(Serialize)]
struct Row {
    id: String,
    name: String,
    username: String,
    avatar_url: String,
    is_chosen: bool,
    cells: Vec<Cell>,
}

#[derive(Serialize)]
struct Cell {
    key: String,
    label: String,
    text: String,
}

pub async fn show(staff: Staff, parameters: Parameters, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::UsersRead)?;
    let schema = attributes::cached(&app).await?;
    if let Some(filter) = filter::build(&parameters, &schema) {
        return Ok(see_other(&address(
            HERE,
            kept(&parameters, &["q", "status", "role", "sort", "columns"]).chain([("filter", filter.as_str())]),
        )));
    }
    list(&app, &staff, &parameters, &schema, &Choice::default()).await
}

/// The list for a form that carries a choice on. It changes nothing.
pub async fn choose(parameters: Parameters, State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::UsersRead)?;
    let schema = attributes::cached(&app).await?;
    let choice = Choice::of(&members)?;
    let mut parameters = parameters.and(said(&members));
    if let Some(filter) = filter::build(&parameters, &schema) {
        parameters = parameters.with("filter", filter);
    }
    list(&app, &staff, &parameters, &schema, &choice).await
}

/// What a form says of the list. No name stands in it twice, so each column has one of its own.
fn said(members: &Members) -> Vec<(String, String)> {
    let columns = members.ticked("columns.").map(|key| ("columns".to_owned(), key.to_owned()));
    let names = NARROWING.map(ToOwned::to_owned).into_iter().chain(filter::fields());
    let said = names.map(|name| {
        let value = members.text(&name).to_owned();
        (name, value)
    });
    said.chain(columns).collect()
}

async fn list(app: &App, staff: &Staff, parameters: &Parameters, schema: &Schema, choice: &Choice) -> AppResult<Response> {
    let columns = columns(parameters, schema);
    let (page, faults) = match read(app, staff, parameters).await {
        Ok(page) => (Some(page), Faults::default()),
        Err(AppError::Rejected(rejection)) if rejection.code == "invalid_query" => {
            let faults = words::faults(rejection.clone().of_a_body().into(), "users", &NARROWING);
            (None, faults.map_err(|_| AppError::Rejected(rejection))?)
        }
        Err(error) => return Err(error),
    };
    let rows: Vec<Row> =
        page.iter().flat_map(|page| &page.items).map(|user| row(user, &columns, schema, choice)).collect::<AppResult<_>>()?;
    let next = page.as_ref().and_then(|page| page.next.as_deref());
    let asked: BTreeMap<&str, &str> = NARROWING.map(|name| (name, parameters.get(name).unwrap_or_default())).into();
    let everything = [&NARROWING[..], &["columns"]].concat();
    let at_fault = faults.said("filter").and_then(|fault| filter::split_at_fault(parameters.get("filter")?, fault));
    let values = context! {
        asked => Serde(asked),
        columns => Serde(&columns), rows => Serde(rows), at_fault => Serde(at_fault),
        total => Serde(page.as_ref().and_then(|page| page.total)),
        is_found => page.is_some(),
        narrowed => parameters.get("q").is_some() || whom(parameters).is_some(),
        next => next.map(|next| address(HERE, kept(parameters, &everything).chain([("cursor", next)]))),
        first => parameters.get("cursor").is_some().then(|| address(HERE, kept(parameters, &everything))),
        same_list => address(HERE, kept(parameters, &[&everything[..], &["cursor"]].concat())),
        chosen => Serde(choice.show(app, staff).await?),
        role_names => Serde(role_names(app, staff).await?),
        builder => Serde(filter::offer(schema)),
        all_that_fit => all_that_fit(parameters),
        may_act => may_act(staff),
    };
    staff.page(app, HERE, PAGE, values, &faults)
}

/// Whether there is anything that they may do to many.
fn may_act(staff: &Staff) -> bool {
    use Permission::{RolesAssign, UsersDelete, UsersWrite};
    [UsersWrite, UsersDelete, RolesAssign].into_iter().any(|permission| staff.may(permission))
}

fn kept<'a>(parameters: &'a Parameters, names: &'a [&'a str]) -> impl Iterator<Item = (&'a str, &'a str)> {
    names.iter().flat_map(|name| parameters.all(name).map(move |value| (*name, value)))
}

/// What is asked for is what the API would be asked for, and refused as there.
async fn read(app: &App, staff: &Staff, parameters: &Parameters) -> AppResult<Page<User>> {
    let asked = NARROWING.iter().chain([&"cursor"]).filter_map(|name| Some((*name, parameters.get(name)?)));
    let filter: Filter = read_query(&query(asked.chain([("limit", LIMIT), ("count", "true")])))?;
    let wanted = (staff.authority(), filter);
    app.read_list(&staff.person().origin, &wanted, |tx, (by, filter)| Box::pin(users::list(tx, *by, filter))).await
}

/// Those who may not list roles write one down.
async fn role_names(app: &App, staff: &Staff) -> AppResult<Option<Vec<String>>> {
    let all = roles::list(app, staff).await?;
    Ok(all.map(|roles| roles.into_iter().map(|role| role.name).collect()))
}

fn columns(parameters: &Parameters, schema: &Schema) -> Vec<Column> {
    let mut chosen: Vec<&str> = parameters.all("columns").flat_map(|names| names.split(',')).map(str::trim).collect();
    if chosen.is_empty() {
        chosen = USUAL.to_vec();
    }
    let own = COLUMNS.iter().map(|key| ((*key).to_owned(), words::of("users-column-", key)));
    let attributes = schema.properties().iter().map(|property| (format!("attributes.{}", property.name), property.name.clone()));
    own.chain(attributes).map(|(key, label)| Column { shown: chosen.contains(&key.as_str()), key, label }).collect()
}

fn row(user: &User, columns: &[Column], schema: &Schema, choice: &Choice) -> AppResult<Row> {
    let members = serde_json::to_value(user)?;
    let cell = |column: &Column| {
        let text = match column.key.strip_prefix("attributes.") {
            Some(name) => events::of_attribute(schema, name, user.attributes.get(name).unwrap_or(&Value::Null)),
            None => events::text(&members[&column.key]),
        };
        Cell { key: column.key.clone(), label: column.label.clone(), text }
    };
    Ok(Row {
        id: user.id.to_string(),
        name: events::name_of(user),
        username: user.username.clone(),
        avatar_url: user.avatar_url.clone(),
        is_chosen: choice.has(user.id),
        cells: columns.iter().filter(|column| column.shown).map(cell).collect(),
    })
}

/// What narrows the list down as one filter.
fn whom(parameters: &Parameters) -> Option<String> {
    let status = parameters.get("status").map(|status| format!("status eq {}", filter::quoted(status)));
    let role = parameters.get("role").map(|role| format!("roles eq {}", filter::quoted(role)));
    let own = parameters.get("filter").map(|filter| format!("({filter})"));
    let parts: Vec<String> = [status, role, own].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" and "))
}

/// The way to act on all who fit. A search is no filter: for that there is none.
fn all_that_fit(parameters: &Parameters) -> Option<String> {
    if parameters.get("q").is_some() {
        return None;
    }
    let filter = whom(parameters).unwrap_or_else(|| "id pr".to_owned());
    Some(address("/admin/bulk/new", [("filter", filter.as_str())]))
}
