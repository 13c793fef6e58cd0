//! `usher config` and `usher openapi`: what works without a database.

use clap::Subcommand;

use super::{Failure, Outcome, output};
use crate::config::{self, Config};
use crate::router;

#[derive(Subcommand)]
pub enum Command {
    /// Say what is wrong with the configuration, or that nothing is
    Check,
    /// Show every setting, its value and where it comes from; secrets are masked
    Print,
    /// Print docs/configuration.md
    Docs,
}

pub fn run(command: &Command, json: bool) -> Outcome {
    if let Command::Docs = command {
        output::say(config::markdown().trim_end());
        return Ok(());
    }
    let (_, report) = Config::load().map_err(Failure::usage)?;
    match command {
        Command::Print if json => output::json(&report)?,
        Command::Print => output::say(report.to_string().trim_end()),
        _ if json => output::json(&report.warnings)?,
        _ => {
            for warning in &report.warnings {
                output::complain(&format!("{}: {}", warning.variable, warning.message));
            }
            output::say("The configuration is good.");
        }
    }
    Ok(())
}

/// The document does not depend on the configuration, so that everybody makes the same one.
pub fn print_openapi() -> Outcome {
    let document = router::document();
    output::json(&document)?;
    Ok(())
}
