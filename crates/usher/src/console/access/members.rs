//! Who is in a group: one more, until a day or for good, and one less.

use axum::extract::State;
use axum::response::Response;
use fluent_bundle::FluentArgs;
use minijinja::context;
use serde::Deserialize;

use super::super::faults;
use super::super::roles::read_until;
use super::super::staff::{Staff, StaffForm};
use super::super::{events, user};
use super::groups::{GroupPath, HERE, look_up, look_up_to_change, way, way_by_proof};
use crate::app::App;
use crate::caller::Permission;
use crate::error::{AppError, AppResult, Rejection};
use crate::groups;
use crate::html::{self, Faults, Field, Members, Notice};
use crate::http::params::Path;
use crate::id::{GroupId, UserId};
use crate::languages::now;
use crate::users;

const ADD_PAGE: &str = "console/access/member_add.html";
const ACT_PAGE: &str = "console/access/act.html";

fn in_fields(staff: &Staff, error: AppError) -> AppResult<Faults> {
    let now = now();
    let fields = [
        Field { name: "user", subject: &now.word("member-subject"), missing: &now.word("member-missing") },
        Field { name: "until", subject: &now.word("member-until-subject"), missing: "" },
    ];
    faults::of(staff, as_until(error), &fields, "user")
}

#[derive(Deserialize)]
pub struct MemberPath {
    id: GroupId,
    user_id: UserId,
}

fn add_way(id: GroupId) -> String {
    format!("{}/members/add", way(id))
}

fn remove_way(path: &MemberPath) -> String {
    format!("{}/members/{}/remove", way(path.id), path.user_id)
}

pub async fn show_add(staff: Staff, Path(path): Path<GroupPath>, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::RolesAssign)?;
    let group = look_up_to_change(&app, &staff, path.id).await?;
    if let Some(proof) = way_by_proof(&app, &staff, path.id, &add_way(path.id)).await? {
        return Ok(proof);
    }
    ask(&app, &staff, &group, None, &Faults::default())
}

pub async fn submit_add(Path(path): Path<GroupPath>, State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::RolesAssign)?;
    match add(&app, &staff, path.id, &members).await {
        Ok(()) => html::done(&app, &way(path.id), Notice::Saved),
        Err(error) => {
            let group = look_up(&app, &staff, path.id).await?;
            let faults = in_fields(&staff, error)?;
            ask(&app, &staff, &group, Some(&members), &faults)
        }
    }
}

async fn add(app: &App, staff: &Staff, id: GroupId, members: &Members) -> AppResult<()> {
    let who = members.text("user").trim();
    let until = read_until(members.text("until").trim())?;
    let mut tx = staff.begin_because(app, members).await?;
    // Whether somebody has a name or an address is for those to know who may list users.
    let found = if staff.may(Permission::UsersRead) { users::find_by_any(&mut tx, who).await? } else { who.parse().ok() };
    let put = match found {
        Some(user_id) => groups::put_member(&mut tx, staff.authority(), id, user_id, until).await,
        None => Err(unknown(who).into()),
    };
    // That there is the group is looked at before the form is shown again.
    put.map_err(|error| if error.code() == Some("not_found") { unknown(who).into() } else { error })?;
    tx.commit().await?;
    Ok(())
}

fn unknown(who: &str) -> Rejection {
    let code = if who.is_empty() { "required" } else { "unknown_user" };
    Rejection::invalid_field("/user", code, now().word("member-unknown"))
}

/// The end of a membership is a day in the form.
fn as_until(error: AppError) -> AppError {
    let AppError::Rejected(mut rejection) = error else { return error };
    for fault in rejection.errors.iter_mut().filter(|fault| fault.pointer.as_deref() == Some("/expires_at")) {
        fault.pointer = Some("/until".to_owned());
    }
    AppError::Rejected(rejection)
}

fn ask(app: &App, staff: &Staff, group: &groups::Group, members: Option<&Members>, faults: &Faults) -> AppResult<Response> {
    let said = |name| members.map(|members| members.text(name)).unwrap_or_default();
    let values = context! {
        group_name => group.name.as_str(), back => way(group.id), action => add_way(group.id),
        user => said("user"), until => said("until"), reason => said("reason"),
    };
    staff.page(app, HERE, ADD_PAGE, values, faults)
}

pub async fn show_remove(staff: Staff, Path(path): Path<MemberPath>, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::RolesAssign)?;
    staff.require(Permission::UsersRead)?;
    look_up_to_change(&app, &staff, path.id).await?;
    if let Some(proof) = way_by_proof(&app, &staff, path.id, &remove_way(&path)).await? {
        return Ok(proof);
    }
    ask_to_remove(&app, &staff, &path, &Faults::default()).await
}

pub async fn submit_remove(Path(path): Path<MemberPath>, State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::RolesAssign)?;
    staff.require(Permission::UsersRead)?;
    let removed: AppResult<()> = async {
        let mut tx = staff.begin_because(&app, &members).await?;
        groups::remove_member(&mut tx, staff.authority(), path.id, path.user_id).await?;
        tx.commit().await?;
        Ok(())
    }
    .await;
    match removed {
        Ok(()) => html::done(&app, &way(path.id), Notice::Removed),
        Err(error) => ask_to_remove(&app, &staff, &path, &faults::of(&staff, error, &[], "reason")?).await,
    }
}

async fn ask_to_remove(app: &App, staff: &Staff, path: &MemberPath, faults: &Faults) -> AppResult<Response> {
    let group = look_up(app, staff, path.id).await?;
    let user = user::look_up(app, staff, path.user_id).await?;
    let mut tx = staff.begin(app).await?;
    let memberships = groups::list_memberships(&mut tx, user.id).await?;
    tx.commit().await?;
    if !memberships.iter().any(|membership| membership.group.id == group.id) {
        return Err(Rejection::not_found().into());
    }
    let (back, now) = (way(group.id), now());
    let values = context! {
        list => HERE, list_name => now.word("console-place-groups"), of => group.name.as_str(), button => now.word("member-remove"),
        subject => events::name_of(&user), about => user.username.as_str(),
        means => now.say("member-remove-means", &FluentArgs::from_iter([("group", group.name.as_str())])),
        looks => (), action => remove_way(path), back => back.as_str(), version => (),
    };
    staff.page(app, HERE, ACT_PAGE, values, faults)
}
