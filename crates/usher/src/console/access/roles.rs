//! Roles: all of them, one, and its end.

use axum::extract::State;
use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;
use serde::Deserialize;

use super::super::faults;
use super::super::staff::{Staff, StaffForm};
use super::super::words;
use super::{groups, permissions};
use crate::app::App;
use crate::caller::Permission;
use crate::error::{AppError, AppResult};
use crate::html::{self, Faults, Members, Notice};
use crate::http::params::Path;
use crate::languages::now;
use crate::roles::{self, Role};

pub const HERE: &str = "/admin/roles";
const LIST_PAGE: &str = "console/access/roles.html";
const PAGE: &str = "console/access/role.html";
const ACT_PAGE: &str = "console/access/act.html";

#[derive(Deserialize)]
pub struct RolePath {
    pub name: String,
}

/// The page about a role.
pub fn way(name: &str) -> String {
    format!("{HERE}/{name}")
}

/// A role that comes with usher is described in the language of the page.
pub fn in_words(mut role: Role) -> Role {
    if role.built_in {
        role.description = words::of("role-about-", &role.name);
    }
    role
}

pub async fn look_up(app: &App, staff: &Staff, name: &str) -> AppResult<Role> {
    staff.require(Permission::RolesRead)?;
    let mut tx = staff.begin(app).await?;
    let role = roles::find(&mut tx, name).await?;
    tx.commit().await?;
    Ok(in_words(role))
}

pub async fn list(staff: Staff, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::RolesRead)?;
    let mut tx = staff.begin(&app).await?;
    let all: Vec<Role> = roles::list(&mut tx).await?.into_iter().map(in_words).collect();
    tx.commit().await?;
    let values = context! { roles => Serde(all), permissions => Permission::ALL.len() };
    staff.page(&app, HERE, LIST_PAGE, values, &Faults::default())
}

pub async fn show(staff: Staff, Path(path): Path<RolePath>, State(app): State<App>) -> AppResult<Response> {
    let role = look_up(&app, &staff, &path.name).await?;
    let set = role.permission_set();
    let values = context! {
        way => way(&role.name), areas => Serde(permissions::by_area(set.iter(), set, staff.authority().permissions)),
        exceeds => staff.authority().to_grant(set).is_err(), role => Serde(role),
    };
    staff.page(&app, HERE, PAGE, values, &Faults::default())
}

pub async fn show_delete(staff: Staff, Path(path): Path<RolePath>, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::RolesWrite)?;
    if let Some(proof) = staff.way_by_proof(&app, &delete_way(&path.name)) {
        return Ok(proof);
    }
    let role = look_up(&app, &staff, &path.name).await?;
    staff.authority().to_grant(role.permission_set())?;
    ask(&app, &staff, &role, &role.version.to_string(), &Faults::default())
}

pub async fn submit_delete(Path(path): Path<RolePath>, State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::RolesWrite)?;
    if let Some(proof) = staff.way_by_proof(&app, &delete_way(&path.name)) {
        return Ok(proof);
    }
    match delete(&app, &staff, &path.name, &members).await {
        Ok(()) => html::done(&app, HERE, Notice::Removed),
        Err(error) => {
            let faults = refused(&staff, error)?;
            let role = look_up(&app, &staff, &path.name).await?;
            ask(&app, &staff, &role, members.text("version"), &faults)
        }
    }
}

fn delete_way(name: &str) -> String {
    format!("{}/delete", way(name))
}

async fn delete(app: &App, staff: &Staff, name: &str, members: &Members) -> AppResult<()> {
    let mut tx = staff.begin_because(app, members).await?;
    let role = roles::lock(&mut tx, name).await?;
    faults::require_version(role.version, members, || now().word("role-changed"))?;
    roles::delete(&mut tx, staff.authority(), &role).await?;
    tx.commit().await?;
    Ok(())
}

/// The words of the API name its operations; the page has ways to what it speaks of.
fn refused(staff: &Staff, error: AppError) -> AppResult<Faults> {
    match error.code() {
        Some("role_in_use") => Ok(Faults::at("reason", now().word("role-in-use"))),
        _ => faults::of(staff, error, &[], "reason"),
    }
}

fn ask(app: &App, staff: &Staff, role: &Role, version: &str, faults: &Faults) -> AppResult<Response> {
    let (back, now) = (way(&role.name), now());
    let users = format!("/admin/users?role={}", role.name);
    let users = staff.may(Permission::UsersRead).then(|| [users, now.word("role-look-users")]);
    let looks: Vec<_> = users.into_iter().chain([[groups::HERE.to_owned(), now.word("role-look-groups")]]).collect();
    let values = context! {
        list => HERE, list_name => now.word("console-place-roles"), of => role.name.as_str(), button => now.word("role-delete"),
        subject => role.name.as_str(), about => role.description.as_str(),
        means => now.word("role-delete-means"), looks => looks,
        action => delete_way(&role.name), back => back.as_str(), version => version,
    };
    staff.page(app, HERE, ACT_PAGE, values, faults)
}
