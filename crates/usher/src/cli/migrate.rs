//! `usher migrate`.

use clap::Subcommand;

use super::{Outcome, boot, output};
use crate::config::Config;
use crate::db::{Actor, grants, migrations};

#[derive(Subcommand)]
pub enum Command {
    /// List the migrations, and which of them the database has
    Status,
}

pub async fn run(config: Config, grant_to: Option<&str>, json: bool) -> Outcome {
    let running = boot::connect(config).await?;
    let applied = boot::migrate(&running.app, Actor::Cli).await?;
    if let Some(role) = grant_to {
        grants::grant_to(&running.app.db, role).await?;
    }
    match applied.len() {
        _ if json => output::json(&applied)?,
        0 => output::say("The database is up to date."),
        count => output::say(format!("Applied {count}: {}.", applied.join(", "))),
    }
    if let Some(role) = grant_to.filter(|_| !json) {
        output::say(format!("The role {role} may do what usher needs."));
    }
    running.stop().await;
    Ok(())
}

pub async fn status(config: Config, json: bool) -> Outcome {
    let running = boot::connect(config).await?;
    let states = migrations::status(&running.app.db).await?;
    if json {
        output::json(&states)?;
    } else {
        let row = |state: &migrations::MigrationState| {
            let word = match (state.applied, state.known) {
                (_, false) => "applied by a newer release",
                (true, true) => "applied",
                (false, true) => "missing",
            };
            vec![state.version.to_string(), state.name.clone(), word.to_owned()]
        };
        output::table(&["version", "name", "state"], states.iter().map(row).collect(), "There are no migrations.");
    }
    running.stop().await;
    Ok(())
}
