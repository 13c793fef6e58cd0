//! A user's profile and attributes in a form. Only what is different is changed, by the rules of `PATCH /v1/users/{id}`, and only if
//! nobody else has changed the user since the form was shown.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::staff::{Staff, StaffForm};
use super::user::{HERE, UserPath, lock_as_seen, look_up, way};
use super::{events, words};
use crate::app::App;
use crate::attributes::{self, Kind, Property, Schema};
use crate::caller::Permission;
use crate::error::{AppError, AppResult};
use crate::html::{self, Faults, Members, Notice};
use crate::http::body;
use crate::http::params::Path;
use crate::languages::now;
use crate::users::{self, User, UserPatch};

const PAGE: &str = "console/edit.html";
/// What the names of attributes begin with, as members of the form.
const ATTRIBUTE: &str = "attributes.";

const FIELDS: [&str; 11] = [
    "username",
    "display_name",
    "given_name",
    "family_name",
    "bio",
    "locale",
    "time_zone",
    "picture_url",
    "website_url",
    "github_url",
    "linkedin_url",
];

/// A field of an attribute.
#[derive(Serialize)]
struct AttributeField {
    name: String,
    label: String,
    hint: String,
    /// `text`, `date`, `number`, `choice` or `list`.
    kind: &'static str,
    options: Vec<String>,
    required: bool,
    value: String,
}

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
            let wrong = Wrong::of(error)?;
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
    for property in schema.properties().iter().filter(|property| is_editable(property)) {
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

pub(super) fn is_editable(property: &Property) -> bool {
    property.kind != Kind::Other
}

/// An attribute as a form holds it: a list has an item in each line.
pub(super) fn written(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(written).collect::<Vec<_>>().join("\n"),
        other => other.to_string(),
    }
}

/// What a form says as a value; what is none is left to the schema to refuse.
pub(super) fn value_of(kind: Kind, said: &str) -> Value {
    if said.is_empty() {
        return Value::Null;
    }
    match kind {
        Kind::Number => serde_json::from_str(said).unwrap_or_else(|_| said.into()),
        Kind::Boolean => said.parse::<bool>().map_or_else(|_| said.into(), Value::from),
        Kind::TextList => json!(said.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>()),
        Kind::Text | Kind::Time | Kind::Date | Kind::Other => said.into(),
    }
}

/// What is wrong with the form: with the fields that every user has, and with attributes, whose names the schema says.
#[derive(Default)]
struct Wrong {
    own: Faults,
    attributes: BTreeMap<String, String>,
}

impl Wrong {
    fn of(error: AppError) -> AppResult<Self> {
        let AppError::Rejected(rejection) = error else { return Err(error) };
        if ["changed_meanwhile", "invalid_state"].contains(&rejection.code) {
            return Ok(Self { own: Faults::at("reason", now().problem(rejection.code, &rejection.detail)), ..Self::default() });
        }
        let attribute = |pointer: &str| Some(pointer.strip_prefix("/attributes")?.trim_start_matches('/').to_owned());
        let mut attributes = BTreeMap::new();
        for fault in &rejection.errors {
            let Some(name) = fault.pointer.as_deref().and_then(attribute) else { continue };
            let name = name.split('/').next().unwrap_or_default();
            let whole = fault.detail.starts_with(char::is_uppercase);
            let sentence = now()
                .fault(&fault.code, &fault.detail)
                .unwrap_or_else(|| if whole { fault.detail.clone() } else { format!("“{name}” {}.", fault.detail) });
            attributes.insert(format!("{ATTRIBUTE}{name}"), sentence);
        }
        match words::faults(AppError::Rejected(rejection), "edit", &FIELDS) {
            Ok(own) => Ok(Self { own, attributes }),
            Err(_) if !attributes.is_empty() => {
                Ok(Self { own: Faults::at("attributes", now().word("edit-attributes")), attributes })
            }
            Err(error) => Err(error),
        }
    }
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
    let fields = schema.properties().iter().filter(|property| is_editable(property));
    let fields: Vec<AttributeField> = fields.map(|property| attribute_field(property, &schema, user, members)).collect();
    let values = context! {
        name => events::name_of(user), back => way(user.id), action => format!("{}/edit", way(user.id)),
        version => members.map_or_else(|| user.version.to_string(), |members| members.text("version").to_owned()),
        own => Serde(own), attribute_fields => Serde(fields), attribute_faults => Serde(wrong.attributes),
        reason => members.map(|members| members.text("reason")).unwrap_or_default(),
    };
    staff.page(app, HERE, PAGE, values, &wrong.own)
}

fn attribute_field(property: &Property, schema: &Schema, user: &User, members: Option<&Members>) -> AttributeField {
    let rule = schema.document.properties.get(&property.name);
    let name = format!("{ATTRIBUTE}{}", property.name);
    let options: Vec<String> = match property.kind {
        Kind::Boolean => vec!["true".to_owned(), "false".to_owned()],
        Kind::Text | Kind::Number => rule.and_then(|rule| rule.options.as_ref()).into_iter().flatten().map(written).collect(),
        Kind::Time | Kind::Date | Kind::TextList | Kind::Other => Vec::new(),
    };
    let kind = match property.kind {
        _ if !options.is_empty() => "choice",
        Kind::TextList => "list",
        Kind::Date => "date",
        Kind::Number => "number",
        Kind::Text | Kind::Time | Kind::Boolean | Kind::Other => "text",
    };
    let value = members.map_or_else(
        || user.attributes.get(&property.name).map(written).unwrap_or_default(),
        |members| members.text(&name).to_owned(),
    );
    AttributeField {
        label: rule.and_then(|rule| rule.title.clone()).unwrap_or_else(|| property.name.clone()),
        hint: rule.and_then(|rule| rule.description.clone()).unwrap_or_default(),
        required: schema.document.required.contains(&property.name),
        name,
        kind,
        options,
        value,
    }
}
