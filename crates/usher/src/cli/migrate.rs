//! `usher migrate`.

use clap::Subcommand;

use super::{Outcome, boot, output};
use crate::config::Config;
use crate::db::migrations;

#[derive(Subcommand)]
pub enum Command {
    /// List the migrations, and which of them the database has
    Status,
}

pub async fn run(config: Config, command: Option<&Command>, json: bool) -> Outcome {
    let running = boot::connect(config).await?;
    let db = &running.app.db;
    if command.is_none() {
        let applied = migrations::apply(db).await?;
        match applied.len() {
            _ if json => output::json(&applied)?,
            0 => output::say("The database is up to date."),
            count => output::say(format!("Applied {count}: {}.", applied.join(", "))),
        }
    } else {
        let states = migrations::status(db).await?;
        if json {
            output::json(&states)?;
        } else {
            let row = |state: &migrations::MigrationState| {
                vec![state.version.to_string(), state.name.clone(), if state.applied { "applied" } else { "missing" }.to_owned()]
            };
            output::table(&["version", "name", "state"], states.iter().map(row).collect(), "There are no migrations.");
        }
    }
    running.stop().await;
    Ok(())
}
