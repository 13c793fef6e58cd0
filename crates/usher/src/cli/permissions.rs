//! `usher permission`.

use clap::{Args, Subcommand};

use super::following::{Followed, LISTED_MAX};
use super::{Failure, Outcome, boot, output};
use crate::app::App;
use crate::caller::{Authority, Permission};
use crate::config::Config;
use crate::grants::{self, Holder, Through};
use crate::groups::GroupRef;

#[derive(Subcommand)]
pub enum Command {
    /// List the permissions and what each allows
    List,
    /// List who has a permission, and through what
    Holders(Holders),
}

#[derive(Args)]
pub struct Holders {
    /// Such as users:write
    permission: String,
    /// At most so many users, up to 100000
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=LISTED_MAX))]
    limit: u32,
}

pub async fn run(config: Config, command: Command, json: bool) -> Outcome {
    let Holders { permission, limit } = match command {
        Command::List => return list(json),
        Command::Holders(holders) => holders,
    };
    let permission = parse(&permission)?;
    let running = boot::ready(config).await?;
    let outcome = holders(&running.app, permission, limit, json).await;
    running.stop().await;
    outcome
}

fn list(json: bool) -> Outcome {
    if json {
        let all = Permission::ALL
            .map(|permission| serde_json::json!({ "name": permission.name(), "description": permission.description() }));
        return Ok(output::json(&all)?);
    }
    let row = |permission: Permission| vec![permission.name().to_owned(), permission.description().to_owned()];
    output::table(&["permission", "allows"], Permission::ALL.map(row).to_vec(), "There are no permissions.");
    Ok(())
}

async fn holders(app: &App, permission: Permission, limit: u32, json: bool) -> Outcome {
    let mut tx = app.begin(&boot::operator(None)).await?;
    let mut found: Followed<Holder> = Followed::new(limit);
    while let Some((limit, cursor)) = found.ask() {
        let by = Authority::operator();
        found.take(grants::list_holders(&mut tx, by, permission, limit, cursor.as_deref()).await?);
    }
    tx.commit().await?;
    if json {
        return Ok(output::json(&found.items)?);
    }
    let rows = found.items.iter().flat_map(|holder| {
        let user = &holder.user;
        let who = vec![user.id.to_string(), user.username.clone(), user.status.as_str().to_owned()];
        holder.through.iter().map(move |way| [who.clone(), through(way)].concat())
    });
    let columns = ["id", "user name", "status", "by role", "through", "until"];
    output::table(&columns, rows.collect(), &format!("Nobody has {}.", permission.name()));
    if found.is_cut() {
        output::say(format!("(the first {}; --limit shows more)", found.items.len()));
    }
    Ok(())
}

/// The role, the groups on the way to it, and when it ends.
pub(super) fn through(way: &Through) -> Vec<String> {
    let groups: Vec<&str> = way.groups.iter().map(|group: &GroupRef| group.name.as_str()).collect();
    let groups = if groups.is_empty() { "granted to them".to_owned() } else { groups.join(" < ") };
    vec![way.role.clone(), groups, output::time_or(way.expires_at, "-")]
}

/// The permission of this name.
pub(super) fn parse(name: &str) -> Result<Permission, Failure> {
    let known = || Permission::ALL.map(Permission::name).join(", ");
    Permission::parse(name).ok_or_else(|| Failure::usage(format!("there is no permission {name}; there are {}", known())))
}
