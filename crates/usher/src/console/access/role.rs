//! The form of a role: a new one, or one that is there. Of one that comes with usher only the policy on second factors can be changed.

use axum::extract::State;
use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;
use serde_json::{Value, json};

use super::super::faults;
use super::super::staff::{Staff, StaffForm};
use super::permissions;
use super::roles::{HERE, RolePath, look_up, way};
use crate::api_keys::form;
use crate::app::App;
use crate::caller::{Permission, PermissionSet};
use crate::error::{AppError, AppResult};
use crate::html::{self, Faults, Field, Members, Notice};
use crate::http::body;
use crate::http::params::Path;
use crate::languages::now;
use crate::roles::{self, NewRole, Role, RolePatch};

const NEW: &str = "/admin/roles/new";
const PAGE: &str = "console/access/role_form.html";

/// What a name looks like is said by the page itself: the schema says it as a pattern.
const SPELLED_OUT: &str = "spelled_out";

fn in_fields(staff: &Staff, error: AppError, whole: &str) -> AppResult<Faults> {
    let now = now();
    let fields = [
        Field { name: "name", subject: &now.word("role-name-subject"), missing: &now.word("role-name-missing") },
        Field { name: "description", subject: &now.word("role-description-subject"), missing: "" },
        Field { name: "permissions", subject: &now.word("role-permissions-subject"), missing: "" },
        Field { name: "grace_days", subject: &now.word("role-grace-subject"), missing: "" },
    ];
    faults::of(staff, error, &fields, whole)
}

pub async fn show_new(staff: Staff, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::RolesWrite)?;
    if let Some(proof) = staff.way_by_proof(&app, NEW) {
        return Ok(proof);
    }
    ask(&app, &staff, None, None, &Faults::default())
}

pub async fn submit_new(State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::RolesWrite)?;
    if let Some(proof) = staff.way_by_proof(&app, NEW) {
        return Ok(proof);
    }
    match create(&app, &staff, &members).await {
        Ok(role) => html::done(&app, &way(&role.name), Notice::Made),
        Err(error) => ask(&app, &staff, None, Some(&members), &in_fields(&staff, worded(error), "permissions")?),
    }
}

async fn create(app: &App, staff: &Staff, members: &Members) -> AppResult<Role> {
    let mut said = json!({
        "description": description(members), "permissions": form::permissions(members).names(), "second_factor": policy(members),
    });
    let name = members.text("name").trim();
    if !name.is_empty() {
        said["name"] = name.into();
    }
    let new: NewRole = body::from_value(said)?;
    let mut tx = staff.begin_because(app, members).await?;
    let NewRole { name, description, permissions, second_factor } = new;
    let role = roles::create(&mut tx, staff.authority(), &name, &description, &permissions, second_factor).await?;
    tx.commit().await?;
    Ok(role)
}

pub async fn show_edit(staff: Staff, Path(path): Path<RolePath>, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::RolesWrite)?;
    if let Some(proof) = staff.way_by_proof(&app, &edit_way(&path.name)) {
        return Ok(proof);
    }
    let role = look_up(&app, &staff, &path.name).await?;
    staff.authority().to_grant(role.permission_set())?;
    ask(&app, &staff, Some(&role), None, &Faults::default())
}

pub async fn submit_edit(Path(path): Path<RolePath>, State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::RolesWrite)?;
    if let Some(proof) = staff.way_by_proof(&app, &edit_way(&path.name)) {
        return Ok(proof);
    }
    match update(&app, &staff, &path.name, &members).await {
        Ok(()) => html::done(&app, &way(&path.name), Notice::Saved),
        Err(error) => {
            let role = look_up(&app, &staff, &path.name).await?;
            let whole = if role.built_in { "required" } else { "permissions" };
            let faults = in_fields(&staff, error, whole)?;
            ask(&app, &staff, Some(&role), Some(&members), &faults)
        }
    }
}

async fn update(app: &App, staff: &Staff, name: &str, members: &Members) -> AppResult<()> {
    let mut tx = staff.begin_because(app, members).await?;
    let before = roles::lock(&mut tx, name).await?;
    faults::require_version(before.version, members, || now().word("role-changed"))?;
    let mut said = json!({ "second_factor": policy(members) });
    if !before.built_in {
        said["description"] = description(members).into();
        said["permissions"] = form::permissions(members).names().into();
    }
    let RolePatch { description, permissions, second_factor } = body::from_value(said)?;
    roles::update(&mut tx, staff.authority(), &before, description, permissions, second_factor).await?;
    tx.commit().await?;
    Ok(())
}

fn edit_way(name: &str) -> String {
    format!("{}/edit", way(name))
}

fn description(members: &Members) -> &str {
    members.text("description").trim()
}

/// Days that are no number are left to the schema to refuse.
fn policy(members: &Members) -> Value {
    let days = members.text("grace_days").trim();
    let days = if days.is_empty() { json!(0) } else { days.parse::<i64>().map_or_else(|_| json!(days), Value::from) };
    json!({ "required": members.has("required"), "grace_days": days })
}

fn worded(error: AppError) -> AppError {
    let AppError::Rejected(mut rejection) = error else { return error };
    let about_name = |pointer: Option<&str>, code: &str| pointer == Some("/name") && code == "pattern";
    for fault in rejection.errors.iter_mut().filter(|fault| about_name(fault.pointer.as_deref(), &fault.code)) {
        fault.code = SPELLED_OUT.into();
        fault.detail = now().word("role-name-invalid");
    }
    AppError::Rejected(rejection)
}

fn ask(app: &App, staff: &Staff, role: Option<&Role>, members: Option<&Members>, faults: &Faults) -> AppResult<Response> {
    let own = staff.authority().permissions;
    let ticked = members.map_or_else(|| role.map(Role::permission_set).unwrap_or_default(), form::permissions);
    let built_in = role.is_some_and(|role| role.built_in);
    let shown = if built_in { Vec::new() } else { Permission::ALL.to_vec() };
    let kept = |of_role: fn(&Role) -> String, name: &str| {
        members.map_or_else(|| role.map(of_role).unwrap_or_default(), |members| members.text(name).to_owned())
    };
    let values = context! {
        is_new => role.is_none(), built_in => built_in, back => role.map_or_else(|| HERE.to_owned(), |role| way(&role.name)),
        action => role.map_or_else(|| NEW.to_owned(), |role| edit_way(&role.name)),
        role_name => role.map(|role| role.name.as_str()), name => kept(|role| role.name.clone(), "name"),
        version => kept(|role| role.version.to_string(), "version"),
        description => kept(|role| role.description.clone(), "description"),
        grace_days => kept(|role| role.second_factor.grace_days.to_string(), "grace_days"),
        required => members.map_or_else(
            || role.is_some_and(|role| role.second_factor.required),
            |members| members.has("required"),
        ),
        reason => kept(|_| String::new(), "reason"),
        areas => Serde(permissions::by_area(shown, ticked, own)), has_lacked => own != PermissionSet::all(),
    };
    staff.page(app, HERE, PAGE, values, faults)
}
