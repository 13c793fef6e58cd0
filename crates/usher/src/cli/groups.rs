//! `usher group`.

use std::collections::HashMap;

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::{Failure, Outcome, boot, output, users};
use crate::app::App;
use crate::caller::Authority;
use crate::config::Config;
use crate::db::Tx;
use crate::db::page::Limit;
use crate::error::AppResult;
use crate::groups::{self, Group};
use crate::id::GroupId;
use crate::roles::RoleName;
use crate::users::Name;

#[derive(Subcommand)]
pub enum Command {
    /// List the groups by their names
    List,
    /// Create a group
    Create(Create),
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
        Command::Create(new) => show(&create(app, new).await?, json),
        Command::AddMember(AddMember { of, until }) => {
            let until: Option<Timestamp> = until.as_deref().map(str::parse).transpose().map_err(|_| unreadable_time())?;
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
        Command::RemoveMember(OfMember { group, user, reason }) => {
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
    }
}

async fn create(app: &App, new: Create) -> Result<Group, Failure> {
    let name = Name::parse(&new.name).map_err(|why| Failure::usage(format!("the name {why}")))?;
    let roles: Vec<RoleName> = new.roles.iter().map(|name| RoleName::from(name.as_str())).collect();
    let mut tx = app.begin(&boot::operator(None)).await?;
    let mut group = groups::create(&mut tx, &name, &new.description).await?;
    if !roles.is_empty() {
        group = groups::set_roles(&mut tx, Authority::operator(), &group, &roles).await?;
    }
    tx.commit().await?;
    Ok(group)
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

fn show(group: &Group, json: bool) -> Outcome {
    if json {
        return Ok(output::json(group)?);
    }
    output::fields(&[
        ("id", group.id.to_string()),
        ("name", group.name.clone()),
        ("description", group.description.clone()),
        ("roles", group.roles.join(" ")),
        ("created", output::time(group.created_at)),
    ]);
    Ok(())
}

fn unreadable_time() -> Failure {
    Failure::usage("--until must be a time, such as 2030-01-02T03:04:05Z")
}
