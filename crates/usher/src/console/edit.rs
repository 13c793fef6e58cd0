//! A user's profile and attributes in a form. Only what is different is changed, by the rules of `PATCH /v1/users/{id}`, and only if
//! nobody else has changed the user since the form was shown.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;
use serde_json::{Map, Value};

use super::events;
use super::profile_form::{ATTRIBUTE, FIELDS, Wrong, attribute_fields, editable, value_of, written};
use super::staff::{Staff, StaffForm};
use super::user::{HERE, UserPath, lock_as_seen, look_up, way};
use crate::app::App;
use crate::attributes::{self, Schema};
use crate::caller::Permission;
use crate::error::AppResult;
use crate::html::{self, Members, Notice};
use crate::http::body;
use crate::http::params::Path;
use crate::users::{self, User, UserPatch};

const PAGE: &str = "console/edit.html";
pub async fn show(staff: Staff, Path(path): Path<UserPath>, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::UsersWrite)?;
    let user = look_up(&app, &staff, path.id).await?;
    ask(&app, &staff, &user, None, Wrong::default()).await
}

pub async fn submit(Path(path): Path<UserPath>, State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::UsersWrite)?;
    match change(&app, &staff, &path, &members).await {
        Ok(()) => html::done(&app, &way(path.id), Notice::ChangeMade),
        Err(error) => {
            let wrong = Wrong::of(error, &FIELDS)?;
            let user = look_up(&app, &staff, path.id).await?;
            ask(&app, &staff, &user, Some(&members), wrong).await
        }
    }
}

async fn change(app: &App, staff: &Staff, path: &UserPath, members: &Members) -> AppResult<()> {
    let schema = attributes::cached(app).await?;
    let mut tx = staff.begin_because(app, members).await?;
    let before = lock_as_seen(&mut tx, staff, path.id, members.text("version")).await?;
    let changes: UserPatch = body::from_value(differences(&before, &schema, members)?)?;
    let user = users::update(&mut tx, &before, changes.username.as_ref(), changes.profile, changes.attributes).await?;
    users::check_attributes(&user.attributes)?;
    tx.commit().await?;
    Ok(())
}

/// What the form says otherwise than it is, as a merge patch.
fn differences(before: &User, schema: &Schema, members: &Members) -> AppResult<Value> {
    let is = serde_json::to_value(before)?;
    let mut patch = Map::new();
    for name in FIELDS {
        let said = members.text(name).replace("\r\n", "\n");
        let said = said.trim();
        if members.has(name) && said != is[name].as_str().unwrap_or_default() {
            let cleared = said.is_empty() && name != "username";
            patch.insert(name.to_owned(), if cleared { Value::Null } else { said.into() });
        }
    }
    let mut changed = Map::new();
    for property in editable(schema) {
        let name = format!("{ATTRIBUTE}{}", property.name);
        let now = before.attributes.get(&property.name).unwrap_or(&Value::Null);
        let said = members.text(&name).trim();
        if members.has(&name) && said != written(now) {
            changed.insert(property.name.clone(), value_of(property.kind, said));
        }
    }
    if !changed.is_empty() {
        patch.insert("attributes".to_owned(), Value::Object(changed));
    }
    Ok(Value::Object(patch))
}

async fn ask(app: &App, staff: &Staff, user: &User, members: Option<&Members>, wrong: Wrong) -> AppResult<Response> {
    users::refuse_deleted(user)?;
    let schema = attributes::cached(app).await?;
    let is = serde_json::to_value(user)?;
    let own: BTreeMap<&str, String> = FIELDS
        .iter()
        .map(|name| {
            let said = members.map_or_else(|| is[*name].as_str().unwrap_or_default(), |members| members.text(name));
            (*name, said.to_owned())
        })
        .collect();
    let fields = attribute_fields(&schema, &user.attributes, members);
    let values = context! {
        is_new => false, name => events::name_of(user), back => way(user.id), action => format!("{}/edit", way(user.id)),
        version => members.map_or_else(|| user.version.to_string(), |members| members.text("version").to_owned()),
        own => Serde(own), attribute_fields => Serde(fields), attribute_faults => Serde(wrong.attributes),
        reason => members.map(|members| members.text("reason")).unwrap_or_default(),
    };
    staff.page(app, HERE, PAGE, values, &wrong.own)
}
