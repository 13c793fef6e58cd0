//! `usher keys`.

use clap::Subcommand;

use super::{Outcome, boot, output};
use crate::config::Config;
use crate::keys::{self, Begin, KeyState};

#[derive(Subcommand)]
pub enum Command {
    /// List the keys that sign and verify tokens
    List,
    /// Make a new key; it begins to sign when everybody can know it
    Rotate {
        /// Begin to sign at once: when the present key is compromised. Verifiers with a cached key set fail for up to 5 minutes
        #[arg(long)]
        now: bool,
    },
}

pub async fn run(config: Config, command: &Command, json: bool) -> Outcome {
    let running = boot::ready(config).await?;
    let mut tx = running.app.begin(&boot::operator(None)).await?;
    let rotated = match command {
        Command::List => None,
        Command::Rotate { now } => {
            let begin = if *now { Begin::Now } else { Begin::PublishedAhead };
            Some(keys::rotate(&running.app, &mut tx, begin).await?)
        }
    };
    let states = keys::list(&mut tx).await?;
    tx.commit().await?;
    running.stop().await;
    match (rotated, json) {
        (Some(state), true) => output::json(&state)?,
        (None, true) => output::json(&states)?,
        (rotated, false) => {
            if let Some(state) = rotated {
                output::say(format!("Made the key {}; it signs from {}.", state.kid, output::time(state.active_at)));
            }
            let row = |key: &KeyState| {
                vec![
                    key.kid.clone(),
                    key.algorithm.clone(),
                    output::time(key.active_at),
                    output::time_or(key.retired_at, "-"),
                    output::time_or(key.expires_at, "-"),
                ]
            };
            output::table(
                &["kid", "algorithm", "signs from", "until", "published until"],
                states.iter().map(row).collect(),
                "There are no keys.",
            );
        }
    }
    Ok(())
}
