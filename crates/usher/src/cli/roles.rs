//! `usher role`.

use clap::Subcommand;

use super::{Outcome, boot, output};
use crate::caller::Permission;
use crate::config::Config;
use crate::roles::{self, Role};

#[derive(Subcommand)]
pub enum Command {
    /// List the roles and what they grant
    List,
}

pub async fn run(config: Config, _: &Command, json: bool) -> Outcome {
    let running = boot::ready(config).await?;
    let mut tx = running.app.begin(&boot::operator(None)).await?;
    let roles = roles::list(&mut tx).await?;
    tx.commit().await?;
    running.stop().await;
    if json {
        return Ok(output::json(&roles)?);
    }
    let row = |role: &Role| {
        let permissions: Vec<_> = role.permissions.iter().map(|permission| Permission::name(*permission)).collect();
        vec![
            role.name.clone(),
            if role.built_in { "built in" } else { "custom" }.to_owned(),
            permissions.join(" "),
            role.description.clone(),
        ]
    };
    output::table(&["name", "kind", "permissions", "description"], roles.iter().map(row).collect(), "There are no roles.");
    Ok(())
}
