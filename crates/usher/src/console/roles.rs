//! Granting a user a role, until a day or for good, and taking one away; and the roles in forms about somebody to be.

use axum::extract::State;
use axum::response::Response;
use fluent_bundle::FluentArgs;
use jiff::Timestamp;
use jiff::civil::Date;
use minijinja::context;
use minijinja::value::Serde;
use serde::{Deserialize, Serialize};

use super::access::roles::in_words;
use super::events;
use super::staff::{Staff, StaffForm};
use super::user::{HERE, UserPath, look_up, way};
use crate::app::App;
use crate::caller::Permission;
use crate::error::{AppError, AppResult, FieldError, Rejection};
use crate::html::{self, Faults, Members, Notice};
use crate::http::params::Path;
use crate::id::UserId;
use crate::languages::{now, zone_here};
use crate::roles::{self, Role};
use crate::users;

const GRANT_PAGE: &str = "console/grant.html";
const TAKE_PAGE: &str = "console/take.html";

/// A role that can be granted.
#[derive(Serialize)]
pub struct Offered {
    pub name: String,
    pub description: String,
}

/// What can be granted now.
pub struct Grantable<T> {
    pub roles: Vec<T>,
    /// There is more for who proves who they are.
    withholds: bool,
}

impl<T> Grantable<T> {
    /// The page of the proof, if there is more; it leads back to the form.
    pub fn proof(&self, app: &App, form: &str) -> Option<String> {
        self.withholds.then(|| html::proof_page(app, form))
    }
}

/// What the names of the boxes for roles begin with.
const BOX: &str = "role.";

/// A role that somebody to be can be given, as a box.
#[derive(Serialize)]
pub struct RoleBox {
    name: String,
    about: String,
    chosen: bool,
}

#[derive(Deserialize)]
pub struct RolePath {
    id: UserId,
    role: String,
}

pub async fn show_grant(staff: Staff, Path(path): Path<UserPath>, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::RolesAssign)?;
    ask(&app, &staff, path.id, None, &Faults::default()).await
}

pub async fn submit_grant(Path(path): Path<UserPath>, State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::RolesAssign)?;
    match grant(&app, &staff, path.id, &members).await {
        Ok(()) => html::done(&app, &way(path.id), Notice::ChangeMade),
        Err(error) => {
            let faults = in_fields(error)?;
            ask(&app, &staff, path.id, Some(&members), &faults).await
        }
    }
}

async fn grant(app: &App, staff: &Staff, id: UserId, members: &Members) -> AppResult<()> {
    let role = members.text("role");
    if role.is_empty() {
        return Err(Rejection::invalid_field("/role", "required", "Choose a role.").into());
    }
    let until = read_until(members.text("until"))?;
    let mut tx = staff.begin_because(app, members).await?;
    let user = users::lock(&mut tx, staff.authority(), id).await?;
    users::grant_role(&mut tx, staff.authority(), &user, role, until).await?;
    tx.commit().await?;
    Ok(())
}

/// The end of the day, where whoever typed it is.
pub fn read_until(day: &str) -> Result<Option<Timestamp>, Rejection> {
    if day.is_empty() {
        return Ok(None);
    }
    let read = || day.parse::<Date>().ok()?.tomorrow().ok()?.to_zoned(zone_here()).ok();
    let end = read().ok_or_else(|| Rejection::invalid_field("/until", "invalid", "Write the day as in 2026-12-31."))?;
    Ok(Some(end.timestamp()))
}

/// What the rules find wrong, at the field it is about.
fn in_fields(error: AppError) -> AppResult<Faults> {
    let AppError::Rejected(rejection) = error else { return Err(error) };
    let of_the_day = |fault: &&FieldError| matches!(fault.pointer.as_deref(), Some("/expires_at" | "/until"));
    if let Some(FieldError { code, detail, .. }) = rejection.errors.iter().find(of_the_day) {
        let whole = detail.starts_with(char::is_uppercase);
        let said = now().fault(code, detail);
        let sentence = || now().say("roles-until-fault", &FluentArgs::from_iter([("why", detail.as_str())]));
        let said = said.unwrap_or_else(|| if whole { detail.clone() } else { sentence() });
        return Ok(Faults::at("until", said));
    }
    match rejection.code {
        // That there is such a user is looked at before the form is shown again.
        "not_found" => Ok(Faults::at("role", now().word("roles-unknown"))),
        "invalid_body" | "last_admin" | "invalid_state" | "too_many_roles" => {
            let said = rejection.errors.first().map_or_else(
                || now().problem(rejection.code, &rejection.detail),
                |fault| now().fault(&fault.code, &fault.detail).unwrap_or_else(|| fault.detail.clone()),
            );
            Ok(Faults::at("role", said))
        }
        _ => Err(AppError::Rejected(rejection)),
    }
}

async fn ask(app: &App, staff: &Staff, id: UserId, members: Option<&Members>, faults: &Faults) -> AppResult<Response> {
    let user = look_up(app, staff, id).await?;
    let offered = list_grantable(app, staff).await?;
    let said = |name: &str| members.map(|members| members.text(name)).unwrap_or_default();
    let action = format!("{}/roles/grant", way(id));
    let values = context! {
        name => events::name_of(&user), back => way(id), proof => offered.as_ref().and_then(|offered| offered.proof(app, &action)),
        action => action, offered => Serde(offered.map(|offered| offered.roles)), role => said("role"), until => said("until"), reason => said("reason"), user => Serde(user),
    };
    staff.page(app, HERE, GRANT_PAGE, values, faults)
}

/// The boxes of a form about somebody to be; none for those who may give no roles, nor for those who may not list them.
pub async fn list_boxes(app: &App, staff: &Staff, members: Option<&Members>) -> AppResult<Option<Grantable<RoleBox>>> {
    if !staff.may(Permission::RolesAssign) {
        return Ok(None);
    }
    let is_chosen = |name: &str| members.map_or(name == roles::USER, |members| members.has(&format!("{BOX}{name}")));
    let of_role = |role: Offered| RoleBox { chosen: is_chosen(&role.name), name: role.name, about: role.description };
    let grantable = list_grantable(app, staff).await?;
    Ok(grantable.map(|Grantable { roles, withholds }| Grantable { roles: roles.into_iter().map(of_role).collect(), withholds }))
}

/// The roles of such a form: those that are ticked, or written down with spaces between them.
pub fn chosen(members: &Members) -> Vec<&str> {
    members.ticked(BOX).chain(members.text("roles").split_whitespace()).collect()
}

/// What is wrong with them.
pub fn fault_of_chosen(rejection: &Rejection) -> Option<String> {
    let of_roles = |pointer: &str| pointer.starts_with("/roles");
    let fault = rejection.errors.iter().find(|fault| fault.pointer.as_deref().is_some_and(of_roles))?;
    let said = || match fault.pointer.as_deref() {
        _ if fault.code == "unknown_role" => fault.detail.clone(),
        Some("/roles") => format!("Choose a role: the list {}.", fault.detail),
        _ => format!("A role {}.", fault.detail),
    };
    Some(now().fault(&fault.code, &fault.detail).unwrap_or_else(said))
}

/// The roles that hold no more than whoever looks, as far as they can be given without a proof that is wanting; nothing for those who may
/// not list roles, and write one down.
pub async fn list_grantable(app: &App, staff: &Staff) -> AppResult<Option<Grantable<Offered>>> {
    let Some(all) = list(app, staff).await? else { return Ok(None) };
    let (by, now) = (staff.authority(), app.clock.now());
    let held = all.into_iter().filter(|role| by.to_grant(role.permission_set()).is_ok());
    let (offered, withheld): (Vec<Role>, Vec<Role>) = held.partition(|role| by.to_grant_now(role.permission_set(), now).is_ok());
    let roles = offered.into_iter().map(|role| Offered { name: role.name, description: role.description }).collect();
    Ok(Some(Grantable { roles, withholds: !withheld.is_empty() }))
}

/// All roles, for those who may list them.
pub async fn list(app: &App, staff: &Staff) -> AppResult<Option<Vec<Role>>> {
    if !staff.may(Permission::RolesRead) {
        return Ok(None);
    }
    let mut tx = staff.begin(app).await?;
    let all = roles::list(&mut tx).await?;
    tx.commit().await?;
    Ok(Some(all.into_iter().map(in_words).collect()))
}

pub async fn show_take(staff: Staff, Path(path): Path<RolePath>, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::RolesAssign)?;
    if let Some(proof) = way_by_proof(&app, &staff, &path).await? {
        return Ok(proof);
    }
    ask_to_take(&app, &staff, &path, "", &Faults::default()).await
}

pub async fn submit_take(Path(path): Path<RolePath>, State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::RolesAssign)?;
    let taken: AppResult<()> = async {
        let mut tx = staff.begin_because(&app, &members).await?;
        let user = users::lock(&mut tx, staff.authority(), path.id).await?;
        users::take_role(&mut tx, staff.authority(), &user, &path.role).await?;
        tx.commit().await?;
        Ok(())
    }
    .await;
    match taken {
        Ok(()) => html::done(&app, &way(path.id), Notice::ChangeMade),
        Err(error) => ask_to_take(&app, &staff, &path, members.text("reason"), &in_fields(error)?).await,
    }
}

/// Before the page is filled in. That the role is there and theirs is for the page to say.
async fn way_by_proof(app: &App, staff: &Staff, path: &RolePath) -> AppResult<Option<Response>> {
    let mut tx = staff.begin(app).await?;
    let taken = match roles::find(&mut tx, &path.role).await {
        Ok(role) => role.permission_set(),
        Err(error) if error.code() == Some("not_found") => return Ok(None),
        Err(error) => return Err(error),
    };
    tx.commit().await?;
    Ok(staff.way_by_proof_of(app, taken, &take_way(path)))
}

fn take_way(path: &RolePath) -> String {
    format!("{}/roles/{}/take", way(path.id), path.role)
}

async fn ask_to_take(app: &App, staff: &Staff, path: &RolePath, reason: &str, faults: &Faults) -> AppResult<Response> {
    let user = look_up(app, staff, path.id).await?;
    if !user.roles.contains(&path.role) {
        return Err(Rejection::not_found().into());
    }
    let values = context! {
        name => events::name_of(&user), back => way(path.id), action => take_way(path), role => path.role.as_str(), reason => reason, user => Serde(user),
    };
    staff.page(app, HERE, TAKE_PAGE, values, faults)
}
