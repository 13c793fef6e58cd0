//! The forms of a group: its name, the roles that it carries, and the groups that it stands below.

use axum::extract::State;
use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::faults;
use super::super::staff::{Staff, StaffForm};
use super::groups::{GroupPath, HERE, lock_as_seen, look_up, look_up_to_change, way};
use super::roles::in_words;
use crate::app::App;
use crate::caller::Permission;
use crate::error::{AppError, AppResult};
use crate::groups::{self, Group, GroupRolesBody, NewGroup, ParentsBody};
use crate::html::{self, Faults, Field, Members, Notice};
use crate::http::body;
use crate::http::params::Path;
use crate::id::GroupId;
use crate::languages::now;
use crate::roles;

const PAGE: &str = "console/access/group_form.html";
const SET_PAGE: &str = "console/access/group_set.html";

fn in_fields(staff: &Staff, error: AppError) -> AppResult<Faults> {
    let now = now();
    let fields = [
        Field { name: "name", subject: &now.word("role-name-subject"), missing: &now.word("group-name-missing") },
        Field { name: "description", subject: &now.word("role-description-subject"), missing: "" },
    ];
    faults::of(staff, error, &fields, "name")
}

pub async fn show_new(staff: Staff, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::RolesWrite)?;
    ask(&app, &staff, None, None, &Faults::default())
}

pub async fn submit_new(State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::RolesWrite)?;
    match create(&app, &staff, &members).await {
        Ok(id) => html::done(&app, &way(id), Notice::Made),
        Err(error) => ask(&app, &staff, None, Some(&members), &in_fields(&staff, error)?),
    }
}

async fn create(app: &App, staff: &Staff, members: &Members) -> AppResult<GroupId> {
    let new: NewGroup = body::from_value(said(members))?;
    let mut tx = staff.begin_because(app, members).await?;
    let group = groups::create(&mut tx, &new.name, &new.description).await?;
    tx.commit().await?;
    Ok(group.id)
}

pub async fn show_edit(staff: Staff, Path(path): Path<GroupPath>, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::RolesWrite)?;
    let group = look_up_to_change(&app, &staff, path.id).await?;
    ask(&app, &staff, Some(&group), None, &Faults::default())
}

pub async fn submit_edit(Path(path): Path<GroupPath>, State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::RolesWrite)?;
    match update(&app, &staff, path.id, &members).await {
        Ok(()) => html::done(&app, &way(path.id), Notice::Saved),
        Err(error) => {
            let faults = in_fields(&staff, error)?;
            let group = look_up(&app, &staff, path.id).await?;
            ask(&app, &staff, Some(&group), Some(&members), &faults)
        }
    }
}

async fn update(app: &App, staff: &Staff, id: GroupId, members: &Members) -> AppResult<()> {
    let mut tx = staff.begin_because(app, members).await?;
    let before = lock_as_seen(&mut tx, staff, id, members).await?;
    let said: NewGroup = body::from_value(said(members))?;
    groups::update(&mut tx, &before, Some(&said.name), Some(&said.description)).await?;
    tx.commit().await?;
    Ok(())
}

/// What is left empty is left out, and the name is missed then.
fn said(members: &Members) -> Value {
    let mut said = json!({ "description": members.text("description").trim() });
    let name = members.text("name").trim();
    if !name.is_empty() {
        said["name"] = name.into();
    }
    said
}

fn ask(app: &App, staff: &Staff, group: Option<&Group>, members: Option<&Members>, faults: &Faults) -> AppResult<Response> {
    let kept = |of_group: fn(&Group) -> String, name: &str| {
        members.map_or_else(|| group.map(of_group).unwrap_or_default(), |members| members.text(name).to_owned())
    };
    let values = context! {
        is_new => group.is_none(), back => group.map_or_else(|| HERE.to_owned(), |group| way(group.id)),
        action => group.map_or_else(|| format!("{HERE}/new"), |group| format!("{}/edit", way(group.id))),
        group_name => group.map(|group| group.name.as_str()), name => kept(|group| group.name.clone(), "name"),
        version => kept(|group| group.version.to_string(), "version"),
        description => kept(|group| group.description.clone(), "description"),
        reason => kept(|_| String::new(), "reason"),
    };
    staff.page(app, HERE, PAGE, values, faults)
}

/// What a group has several of, chosen out of all there are.
#[derive(Clone, Copy)]
enum Set {
    Roles,
    Parents,
}

/// One of them.
#[derive(Serialize)]
struct Choice {
    key: String,
    name: String,
    about: String,
    chosen: bool,
    /// It gives what whoever looks lacks.
    exceeds: bool,
}

pub async fn show_roles(staff: Staff, Path(path): Path<GroupPath>, State(app): State<App>) -> AppResult<Response> {
    show_set(&app, &staff, path.id, Set::Roles).await
}

pub async fn submit_roles(Path(path): Path<GroupPath>, State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    submit_set(&app, form, path.id, Set::Roles).await
}

pub async fn show_parents(staff: Staff, Path(path): Path<GroupPath>, State(app): State<App>) -> AppResult<Response> {
    show_set(&app, &staff, path.id, Set::Parents).await
}

pub async fn submit_parents(Path(path): Path<GroupPath>, State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    submit_set(&app, form, path.id, Set::Parents).await
}

impl Set {
    /// As in the address, in the body, and in the form.
    fn name(self) -> &'static str {
        match self {
            Self::Roles => "roles",
            Self::Parents => "parents",
        }
    }

    /// What a sentence about the choice begins with.
    fn subject(self) -> String {
        match self {
            Self::Roles => now().word("group-roles-subject"),
            Self::Parents => now().word("group-parents-subject"),
        }
    }

    /// All there are, those that the group has first.
    async fn list(self, app: &App, staff: &Staff, group: &Group) -> AppResult<Vec<Choice>> {
        let mut tx = staff.begin(app).await?;
        let mut all: Vec<Choice> = match self {
            Self::Roles => {
                let roles = roles::list(&mut tx).await?.into_iter().map(in_words);
                let choice = |role: roles::Role| Choice {
                    chosen: group.roles.contains(&role.name),
                    exceeds: staff.authority().to_grant(role.permission_set()).is_err(),
                    key: role.name.clone(),
                    name: role.name,
                    about: role.description,
                };
                roles.map(choice).collect()
            }
            Self::Parents => {
                let others = groups::list_all_refs(&mut tx).await?.into_iter().filter(|other| other.id != group.id);
                let choice = |other: groups::GroupRef| Choice {
                    chosen: group.parents.contains(&other.id),
                    exceeds: false,
                    key: other.id.to_string(),
                    name: other.name,
                    about: String::new(),
                };
                others.map(choice).collect()
            }
        };
        tx.commit().await?;
        all.sort_by_key(|choice| !choice.chosen);
        Ok(all)
    }

    /// Gives the group what the form says, and nothing else.
    async fn write(self, app: &App, staff: &Staff, id: GroupId, members: &Members) -> AppResult<()> {
        let prefix = self.prefix();
        let wanted: Vec<&str> = members.ticked(&prefix).collect();
        let mut tx = staff.begin_because(app, members).await?;
        let before = lock_as_seen(&mut tx, staff, id, members).await?;
        match self {
            Self::Roles => {
                let body: GroupRolesBody = body::from_value(json!({ "roles": wanted }))?;
                groups::set_roles(&mut tx, staff.authority(), &before, &body.roles).await?;
            }
            Self::Parents => {
                let body: ParentsBody = body::from_value(json!({ "parents": wanted }))?;
                groups::set_parents(&mut tx, staff.authority(), &before, &body.parents).await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }

    /// Each is a box of its own, and its name is preceded by this.
    fn prefix(self) -> String {
        format!("{}.", self.name())
    }
}

async fn show_set(app: &App, staff: &Staff, id: GroupId, set: Set) -> AppResult<Response> {
    staff.require(Permission::RolesAssign)?;
    // Before much is ticked by who may give much.
    if let Some(proof) = staff.way_by_proof_of(app, staff.authority().permissions, &format!("{}/{}", way(id), set.name())) {
        return Ok(proof);
    }
    let group = look_up_to_change(app, staff, id).await?;
    ask_for_set(app, staff, &group, set, None, &Faults::default()).await
}

async fn submit_set(app: &App, form: StaffForm, id: GroupId, set: Set) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::RolesAssign)?;
    match set.write(app, &staff, id, &members).await {
        Ok(()) => html::done(app, &way(id), Notice::Saved),
        Err(error) => {
            let field = Field { name: set.name(), subject: &set.subject(), missing: "" };
            let faults = faults::of(&staff, error, &[field], set.name())?;
            let group = look_up(app, &staff, id).await?;
            ask_for_set(app, &staff, &group, set, Some(&members), &faults).await
        }
    }
}

async fn ask_for_set(
    app: &App,
    staff: &Staff,
    group: &Group,
    set: Set,
    members: Option<&Members>,
    faults: &Faults,
) -> AppResult<Response> {
    let mut choices = set.list(app, staff, group).await?;
    if let Some(members) = members {
        for choice in &mut choices {
            choice.chosen = members.has(&format!("{}{}", set.prefix(), choice.key));
        }
    }
    let values = context! {
        set => set.name(), group_name => group.name.as_str(), back => way(group.id), choices => Serde(choices),
        action => format!("{}/{}", way(group.id), set.name()),
        version => members.map_or_else(|| group.version.to_string(), |members| members.text("version").to_owned()),
        reason => members.map(|members| members.text("reason")).unwrap_or_default(),
    };
    staff.page(app, HERE, SET_PAGE, values, faults)
}
