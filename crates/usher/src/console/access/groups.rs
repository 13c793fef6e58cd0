//! Groups: all of them, one with what it gives and who is in it, and its end.

use axum::extract::State;
use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;
use serde::{Deserialize, Serialize};

use super::super::faults;
use super::super::parameters::{Parameters, address};
use super::super::staff::{Staff, StaffForm};
use crate::app::{App, Ask};
use crate::caller::Permission;
use crate::db::Tx;
use crate::db::page::{Limit, Page};
use crate::error::AppResult;
use crate::groups::{self, Group, GroupRef, Member};
use crate::html::{self, Faults, Members, Notice};
use crate::http::params::Path;
use crate::id::GroupId;
use crate::languages::now;

pub const HERE: &str = "/admin/groups";
const LIST_PAGE: &str = "console/access/groups.html";
const PAGE: &str = "console/access/group.html";
const ACT_PAGE: &str = "console/access/act.html";
/// So many groups, or members of one, are shown on a page.
const SHOWN: u16 = 25;

#[derive(Deserialize)]
pub struct GroupPath {
    pub id: GroupId,
}

/// The page about a group.
pub fn way(id: GroupId) -> String {
    format!("{HERE}/{id}")
}

fn limit() -> Limit {
    Limit::new(SHOWN).unwrap_or_default()
}

#[derive(Serialize)]
struct Row {
    way: String,
    parents: Vec<GroupRef>,
    group: Group,
}

pub async fn list(staff: Staff, parameters: Parameters, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::RolesRead)?;
    let cursor = parameters.get("cursor").map(ToOwned::to_owned);
    let ask: Ask<Option<String>, _> = |tx, cursor| Box::pin(groups::list(tx, limit(), cursor.as_deref()));
    let page = app.read_list(&staff.person().origin, &cursor, ask).await?;
    let parents: Vec<GroupId> = page.items.iter().flat_map(|group| group.parents.iter().copied()).collect();
    let mut tx = staff.begin(&app).await?;
    let named = list_named(&mut tx, &parents).await?;
    tx.commit().await?;
    let row = |group: Group| Row { way: way(group.id), parents: refs(&named, &group.parents), group };
    let values = context! {
        rows => Serde(page.items.into_iter().map(row).collect::<Vec<_>>()),
        next => page.next.as_deref().map(|next| address(HERE, [("cursor", next)])),
        first => cursor.map(|_| HERE),
    };
    staff.page(&app, HERE, LIST_PAGE, values, &Faults::default())
}

/// By their names.
async fn list_named(tx: &mut Tx, ids: &[GroupId]) -> AppResult<Vec<GroupRef>> {
    let mut named = groups::list_refs(tx, ids).await?;
    named.sort_by_cached_key(|group| group.name.to_lowercase());
    Ok(named)
}

fn refs(named: &[GroupRef], ids: &[GroupId]) -> Vec<GroupRef> {
    named.iter().filter(|group| ids.contains(&group.id)).cloned().collect()
}

pub async fn look_up(app: &App, staff: &Staff, id: GroupId) -> AppResult<Group> {
    staff.require(Permission::RolesRead)?;
    let mut tx = staff.begin(app).await?;
    let group = groups::read(&mut tx, id).await?;
    tx.commit().await?;
    Ok(group)
}

/// The group, for a form that changes it: of one that gives more than they hold there is none.
pub async fn look_up_to_change(app: &App, staff: &Staff, id: GroupId) -> AppResult<Group> {
    let group = look_up(app, staff, id).await?;
    let mut tx = staff.begin(app).await?;
    let (given, _) = groups::find_grants(&mut tx, id).await?;
    tx.commit().await?;
    staff.authority().to_grant(given)?;
    Ok(group)
}

/// The way by a fresh proof and back, before a form that gives what the group gives, or takes it.
pub async fn way_by_proof(app: &App, staff: &Staff, id: GroupId, back: &str) -> AppResult<Option<Response>> {
    let mut tx = staff.begin(app).await?;
    let (given, _) = groups::find_grants(&mut tx, id).await?;
    tx.commit().await?;
    Ok(staff.way_by_proof_of(app, given, back))
}

/// Locks the groups for a change, if the form was shown of how this one is now.
pub async fn lock_as_seen(tx: &mut Tx, staff: &Staff, id: GroupId, members: &Members) -> AppResult<Group> {
    let group = groups::lock(tx, staff.authority(), id).await?;
    faults::require_version(group.version, members, || now().word("group-changed"))?;
    Ok(group)
}

pub async fn show(
    staff: Staff,
    Path(path): Path<GroupPath>,
    parameters: Parameters,
    State(app): State<App>,
) -> AppResult<Response> {
    let group = look_up(&app, &staff, path.id).await?;
    let mut tx = staff.begin(&app).await?;
    let (given, roles) = groups::find_grants(&mut tx, group.id).await?;
    let parents = refs(&list_named(&mut tx, &group.parents).await?, &group.parents);
    tx.commit().await?;
    let cursor = parameters.get("cursor").map(ToOwned::to_owned);
    let first = cursor.is_some();
    let page = list_members(&app, &staff, group.id, cursor).await?;
    let mut inherited: Vec<String> = roles.into_iter().filter(|role| !group.roles.contains(role)).collect();
    inherited.sort();
    let way = way(group.id);
    let values = context! {
        exceeds => staff.authority().to_grant(given).is_err(), parents => Serde(parents), inherited => inherited,
        next => page.as_ref().and_then(|page| page.next.as_deref()).map(|next| address(&way, [("cursor", next)]) + "#members"),
        first => first.then(|| format!("{way}#members")),
        members => Serde(page.map(|page| page.items)), way => way.as_str(), group => Serde(group),
    };
    staff.page(&app, HERE, PAGE, values, &Faults::default())
}

/// Nothing for those who may not list users.
async fn list_members(app: &App, staff: &Staff, id: GroupId, cursor: Option<String>) -> AppResult<Option<Page<Member>>> {
    if !staff.may(Permission::UsersRead) {
        return Ok(None);
    }
    let ask: Ask<(_, GroupId, Option<String>), _> =
        |tx, (by, id, cursor)| Box::pin(groups::list_members(tx, *by, *id, limit(), cursor.as_deref()));
    Ok(Some(app.read_list(&staff.person().origin, &(staff.authority(), id, cursor), ask).await?))
}

pub async fn show_delete(staff: Staff, Path(path): Path<GroupPath>, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::RolesWrite)?;
    let group = look_up_to_change(&app, &staff, path.id).await?;
    ask(&app, &staff, &group, &group.version.to_string(), &Faults::default())
}

pub async fn submit_delete(Path(path): Path<GroupPath>, State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::RolesWrite)?;
    let deleted: AppResult<()> = async {
        let mut tx = staff.begin_because(&app, &members).await?;
        let group = lock_as_seen(&mut tx, &staff, path.id, &members).await?;
        groups::delete(&mut tx, &group).await?;
        tx.commit().await?;
        Ok(())
    }
    .await;
    match deleted {
        Ok(()) => html::done(&app, HERE, Notice::Removed),
        Err(error) => {
            let faults = faults::of(&staff, error, &[], "reason")?;
            let group = look_up(&app, &staff, path.id).await?;
            ask(&app, &staff, &group, members.text("version"), &faults)
        }
    }
}

fn ask(app: &App, staff: &Staff, group: &Group, version: &str, faults: &Faults) -> AppResult<Response> {
    let back = way(group.id);
    let values = context! {
        list => HERE, list_name => now().word("console-place-groups"), of => group.name.as_str(), button => now().word("group-delete"),
        subject => group.name.as_str(), about => group.description.as_str(),
        means => now().word("group-delete-means"), looks => (), action => format!("{back}/delete"), back => back.as_str(), version => version,
    };
    staff.page(app, HERE, ACT_PAGE, values, faults)
}
