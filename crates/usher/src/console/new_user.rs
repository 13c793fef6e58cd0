//! One user more, by the rules of `POST /v1/users`: a mail with a link to choose their password goes to the address.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;
use serde_json::{Map, Value};

use super::profile_form::{ATTRIBUTE, FIELDS, Wrong, attribute_fields, editable, value_of};
use super::roles;
use super::staff::{Staff, StaffForm};
use super::user::{HERE, way};
use crate::app::App;
use crate::attributes::{self, Schema};
use crate::caller::Permission;
use crate::error::{AppError, AppResult};
use crate::html::{self, Faults, Members, Notice};
use crate::http::body;
use crate::id::UserId;
use crate::languages::now;
use crate::users::{self, NewUserBody};

const NEW: &str = "/admin/users/new";
const PAGE: &str = "console/new_user.html";
const EMAIL: &str = "email";

fn names() -> Vec<&'static str> {
    [&[EMAIL], &FIELDS[..]].concat()
}

pub async fn show(staff: Staff, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::UsersWrite)?;
    ask(&app, &staff, None, Wrong::default()).await
}

pub async fn submit(State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::UsersWrite)?;
    match create(&app, &staff, &members).await {
        Ok(id) => {
            // Who may create may not look, if their role is an odd one.
            let there = if staff.may(Permission::UsersRead) { way(id) } else { NEW.to_owned() };
            html::done(&app, &there, Notice::UserCreated)
        }
        Err(error) => ask(&app, &staff, Some(&members), in_fields(&staff, error)?).await,
    }
}

async fn create(app: &App, staff: &Staff, members: &Members) -> AppResult<UserId> {
    let schema = attributes::cached(app).await?;
    let body: NewUserBody = body::from_value(Value::Object(wanted(staff, &schema, members)))?;
    if !body.is_ordinary() {
        staff.require(Permission::RolesAssign)?;
    }
    let mut tx = staff.begin_because(app, members).await?;
    let user = users::create_and_welcome(&mut tx, staff.authority(), &body).await?;
    tx.commit().await?;
    Ok(user.id)
}

/// The form as the API has it. What is empty is left out.
fn wanted(staff: &Staff, schema: &Schema, members: &Members) -> Map<String, Value> {
    let mut body = Map::new();
    for name in names() {
        let said = members.text(name).replace("\r\n", "\n");
        if !said.trim().is_empty() {
            body.insert(name.to_owned(), said.trim().into());
        }
    }
    let attributes = editable(schema).filter_map(|property| {
        let said = members.text(&format!("{ATTRIBUTE}{}", property.name)).trim();
        (!said.is_empty()).then(|| (property.name.clone(), value_of(property.kind, said)))
    });
    body.insert("attributes".to_owned(), Value::Object(attributes.collect()));
    let roles = roles::chosen(members);
    // A form that offers roles and has none chosen says that there be none.
    if staff.may(Permission::RolesAssign) || !roles.is_empty() {
        body.insert("roles".to_owned(), roles.into());
    }
    body
}

/// What the rules find wrong, at the field it is about.
fn in_fields(staff: &Staff, error: AppError) -> AppResult<Wrong> {
    let AppError::Rejected(rejection) = error else { return Err(error) };
    let of_roles = |said| Wrong { own: Faults::at("roles", said), ..Wrong::default() };
    if rejection.code == "grant_exceeds_caller" {
        staff.refuse(rejection.code);
        return Ok(of_roles(now().problem(rejection.code, &rejection.detail)));
    }
    let said = roles::fault_of_chosen(&rejection);
    match (Wrong::of(AppError::Rejected(rejection), &names()), said) {
        (Ok(mut wrong), Some(said)) => {
            wrong.own.add("roles", said);
            Ok(wrong)
        }
        (Err(_), Some(said)) => Ok(of_roles(said)),
        (found, None) => found,
    }
}

async fn ask(app: &App, staff: &Staff, members: Option<&Members>, wrong: Wrong) -> AppResult<Response> {
    let schema = attributes::cached(app).await?;
    let said = |name: &str| members.map(|members| members.text(name)).unwrap_or_default().to_owned();
    let own: BTreeMap<&str, String> = names().into_iter().map(|name| (name, said(name))).collect();
    let boxes = roles::list_boxes(app, staff, members).await?;
    let values = context! {
        is_new => true, own => Serde(own),
        attribute_fields => Serde(attribute_fields(&schema, &Map::new(), members)), attribute_faults => Serde(wrong.attributes),
        proof => boxes.as_ref().and_then(|boxes| boxes.proof(app, NEW)), boxes => Serde(boxes.map(|boxes| boxes.roles)),
        may_assign => staff.may(Permission::RolesAssign),
        role_names => members.map_or(crate::roles::USER, |members| members.text("roles")), reason => said("reason"),
    };
    staff.page(app, HERE, PAGE, values, &wrong.own)
}
