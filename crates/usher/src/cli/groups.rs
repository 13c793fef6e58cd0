//! `usher group`.

use std::collections::HashMap;

use clap::{Args, Subcommand};

use super::following::{Followed, LISTED_MAX};
use super::{Failure, Outcome, boot, output, read_time, users};
use crate::app::App;
use crate::caller::Authority;
use crate::config::Config;
use crate::db::Tx;
use crate::db::page::Limit;
use crate::error::AppResult;
use crate::groups::{self, Group, GroupRolesBody, Member, NewGroup, ParentsBody};
use crate::http::body;
use crate::id::GroupId;
use crate::roles::RoleName;
use crate::users::Name;

#[derive(Subcommand)]
pub enum Command {
    /// List the groups by their names
    List,
    /// Show a group
    Show(Which),
    /// Create a group
    Create(Create),
    /// Give a group another name or description
    Update(Update),
    /// Delete a group that nobody is in and that is no other's parent
    Delete(Which),
    /// Let a group carry exactly these roles; its members have them at once
    SetRoles(SetRoles),
    /// Put a group below exactly these groups; its members have their roles too
    SetParents(SetParents),
    /// List who is in a group
    ListMembers(ListMembers),
    /// Put a user into a group, for good or until a time; who is in it gets this end
    AddMember(AddMember),
    /// Take a user out of a group
    RemoveMember(OfMember),
}

#[derive(Args)]
pub struct Create {
    name: String,
    #[arg(long, default_value = "")]
    description: String,
    /// A role that its members shall have; may be given several times
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
}

#[derive(Args)]
pub struct Which {
    /// Id or name
    group: String,
    /// Why; kept in the audit trail
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Args)]
pub struct Update {
    #[command(flatten)]
    which: Which,
    /// The new name
    #[arg(long, required_unless_present = "description")]
    name: Option<String>,
    #[arg(long)]
    description: Option<String>,
}

#[derive(Args)]
pub struct SetRoles {
    #[command(flatten)]
    which: Which,
    /// May be given several times; none takes all away
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
}

#[derive(Args)]
pub struct SetParents {
    #[command(flatten)]
    which: Which,
    /// Id or name; may be given several times; none takes all away
    #[arg(long = "parent", value_name = "GROUP")]
    parents: Vec<String>,
}

#[derive(Args)]
pub struct ListMembers {
    /// Id or name
    group: String,
    /// At most so many, up to 100000
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=LISTED_MAX))]
    limit: u32,
}

#[derive(Args)]
pub struct OfMember {
    /// Id or name
    group: String,
    /// Id, user name or address
    user: String,
    /// Why; kept in the audit trail
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Args)]
pub struct AddMember {
    #[command(flatten)]
    of: OfMember,
    /// When the membership ends by itself, such as 2030-01-02T03:04:05Z
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

pub async fn run(config: Config, command: Command, json: bool) -> Outcome {
    let running = boot::ready(config).await?;
    let outcome = act(&running.app, command, json).await;
    running.stop().await;
    outcome
}

async fn act(app: &App, command: Command, json: bool) -> Outcome {
    match command {
        Command::List => list(app, json).await,
        Command::Show(which) => {
            let mut tx = app.begin(&boot::operator(None)).await?;
            let group = find(&mut tx, &which.group).await?;
            show(&mut tx, &group, json).await
        }
        Command::Create(new) => create(app, new, json).await,
        Command::Update(changes) => update(app, changes, json).await,
        Command::Delete(which) => {
            let (mut tx, group) = lock(app, which).await?;
            groups::delete(&mut tx, &group).await?;
            tx.commit().await?;
            output::say(format!("The group {} is gone.", group.name));
            Ok(())
        }
        Command::SetRoles(SetRoles { which, roles }) => {
            let GroupRolesBody { roles } = body::from_value(serde_json::json!({ "roles": roles }))?;
            let (mut tx, before) = lock(app, which).await?;
            let group = groups::set_roles(&mut tx, Authority::operator(), &before, &roles).await?;
            finish(tx, &group, json).await
        }
        Command::SetParents(SetParents { which, parents }) => {
            let (mut tx, before) = lock(app, which).await?;
            let mut ids = Vec::new();
            for parent in &parents {
                ids.push(find(&mut tx, parent).await?.id);
            }
            let ParentsBody { parents } = body::from_value(serde_json::json!({ "parents": ids }))?;
            let group = groups::set_parents(&mut tx, Authority::operator(), &before, &parents).await?;
            finish(tx, &group, json).await
        }
        Command::ListMembers(ListMembers { group, limit }) => list_members(app, &group, limit, json).await,
        Command::AddMember(wish) => add_member(app, wish, json).await,
        Command::RemoveMember(of) => remove_member(app, of).await,
    }
}

async fn add_member(app: &App, AddMember { of, until }: AddMember, json: bool) -> Outcome {
    let until = until.as_deref().map(|until| read_time("until", until)).transpose()?;
    let mut tx = app.begin(&boot::operator(of.reason)).await?;
    let (group, user) = (find(&mut tx, &of.group).await?, users::find(&mut tx, &of.user).await?);
    let member = groups::put_member(&mut tx, Authority::operator(), group.id, user.id, until).await?;
    tx.commit().await?;
    if json {
        return Ok(output::json(&member)?);
    }
    let end = output::time_or(member.expires_at, "it is taken away");
    output::say(format!("{} is in {} until {end}.", user.username, group.name));
    Ok(())
}

async fn remove_member(app: &App, OfMember { group, user, reason }: OfMember) -> Outcome {
    let mut tx = app.begin(&boot::operator(reason)).await?;
    let (group, user) = (find(&mut tx, &group).await?, users::find(&mut tx, &user).await?);
    let removed = groups::remove_member(&mut tx, Authority::operator(), group.id, user.id).await;
    if removed.as_ref().is_err_and(|error| error.code() == Some("not_found")) {
        return Err(anyhow::anyhow!("{} is not in {}", user.username, group.name).into());
    }
    removed?;
    tx.commit().await?;
    output::say(format!("{} is not in {} any more.", user.username, group.name));
    Ok(())
}

async fn create(app: &App, new: Create, json: bool) -> Outcome {
    let NewGroup { name, description } = read(&new.name, &new.description)?;
    let roles: Vec<RoleName> = new.roles.iter().map(|name| RoleName::from(name.as_str())).collect();
    let mut tx = app.begin(&boot::operator(None)).await?;
    let mut group = groups::create(&mut tx, &name, &description).await?;
    if !roles.is_empty() {
        group = groups::set_roles(&mut tx, Authority::operator(), &group, &roles).await?;
    }
    finish(tx, &group, json).await
}

async fn update(app: &App, changes: Update, json: bool) -> Outcome {
    let (mut tx, before) = lock(app, changes.which).await?;
    let name = changes.name.as_deref().unwrap_or(&before.name);
    let description = changes.description.as_deref().unwrap_or(&before.description);
    let NewGroup { name, description } = read(name, description)?;
    let group = groups::update(&mut tx, &before, Some(&name), Some(&description)).await?;
    finish(tx, &group, json).await
}

/// By the limits of the API.
fn read(name: &str, description: &str) -> Result<NewGroup, Failure> {
    let name = Name::parse(name).map_err(|why| Failure::usage(format!("the name {why}")))?;
    body::from_value(serde_json::json!({ "name": name.0, "description": description })).map_err(Failure::usage)
}

async fn finish(mut tx: Tx, group: &Group, json: bool) -> Outcome {
    let parents = names_above(&mut tx, group).await?;
    tx.commit().await?;
    print(group, &parents, json)
}

async fn lock(app: &App, which: Which) -> AppResult<(Tx, Group)> {
    let mut tx = app.begin(&boot::operator(which.reason)).await?;
    let group = find(&mut tx, &which.group).await?;
    let group = groups::lock(&mut tx, Authority::operator(), group.id).await?;
    Ok((tx, group))
}

async fn list_members(app: &App, group: &str, limit: u32, json: bool) -> Outcome {
    let mut tx = app.begin(&boot::operator(None)).await?;
    let group = find(&mut tx, group).await?;
    let mut found: Followed<Member> = Followed::new(limit);
    while let Some((limit, cursor)) = found.ask() {
        let by = Authority::operator();
        found.take(groups::list_members(&mut tx, by, group.id, limit, cursor.as_deref()).await?);
    }
    tx.commit().await?;
    if json {
        return Ok(output::json(&found.items)?);
    }
    let row = |member: &Member| {
        let user = &member.user;
        vec![
            user.id.to_string(),
            user.username.clone(),
            user.status.as_str().to_owned(),
            output::time(member.granted_at),
            output::time_or(member.expires_at, "-"),
        ]
    };
    let rows = found.items.iter().map(row).collect();
    let columns = ["id", "user name", "status", "since", "until"];
    output::table(&columns, rows, &format!("Nobody is in {}.", group.name));
    if found.is_cut() {
        output::say(format!("(the first {}; --limit shows more)", found.items.len()));
    }
    Ok(())
}

async fn list(app: &App, json: bool) -> Outcome {
    let most = Limit::new(Limit::MAX).unwrap_or_default();
    let mut all: Vec<Group> = Vec::new();
    let mut cursor: Option<String> = None;
    let mut tx = app.begin(&boot::operator(None)).await?;
    loop {
        let page = groups::list(&mut tx, most, cursor.as_deref()).await?;
        all.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    tx.commit().await?;
    if json {
        return Ok(output::json(&all)?);
    }
    let names: HashMap<GroupId, &str> = all.iter().map(|group| (group.id, group.name.as_str())).collect();
    let row = |group: &Group| {
        let parents: Vec<&str> = group.parents.iter().filter_map(|parent| names.get(parent).copied()).collect();
        vec![group.id.to_string(), group.name.clone(), group.roles.join(" "), parents.join(", "), group.description.clone()]
    };
    let rows = all.iter().map(row).collect();
    output::table(&["id", "name", "roles", "parents", "description"], rows, "There are no groups.");
    Ok(())
}

/// By id or name.
async fn find(tx: &mut Tx, which: &str) -> AppResult<Group> {
    let id: Option<GroupId> = match which.parse() {
        Ok(id) => Some(id),
        Err(_) => groups::find_by_name(tx, which).await?,
    };
    let unknown = || anyhow::anyhow!("there is no group {which}");
    let found = groups::read(tx, id.ok_or_else(unknown)?).await;
    found.map_err(|error| if error.code() == Some("not_found") { unknown().into() } else { error })
}

async fn show(tx: &mut Tx, group: &Group, json: bool) -> Outcome {
    let parents = names_above(tx, group).await?;
    print(group, &parents, json)
}

/// The names of the groups right above.
async fn names_above(tx: &mut Tx, group: &Group) -> AppResult<Vec<String>> {
    let above = groups::list_refs(tx, &group.parents).await?;
    Ok(above.into_iter().filter(|above| group.parents.contains(&above.id)).map(|above| above.name).collect())
}

fn print(group: &Group, parents: &[String], json: bool) -> Outcome {
    if json {
        return Ok(output::json(group)?);
    }
    let or_dash = |text: String| if text.is_empty() { "-".to_owned() } else { text };
    output::fields(&[
        ("id", group.id.to_string()),
        ("name", group.name.clone()),
        ("description", or_dash(group.description.clone())),
        ("roles", or_dash(group.roles.join(" "))),
        ("parents", or_dash(parents.join(", "))),
        ("created", output::time(group.created_at)),
    ]);
    Ok(())
}
