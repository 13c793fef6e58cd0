//! `usher static`: the files that pages load, for a web server in front.

use std::path::PathBuf;

use clap::Subcommand;

use super::{Failure, Outcome, output};
use crate::assets;

#[derive(Subcommand)]
pub enum Command {
    /// Write the styles, scripts and images to DIR/assets, each also compressed with gzip and brotli
    Export {
        /// The folder that the web server serves; it is made when it is missing
        dir: PathBuf,
    },
}

pub fn run(command: &Command, json: bool) -> Outcome {
    let Command::Export { dir } = command;
    if dir.exists() && !dir.is_dir() {
        return Err(Failure::usage(format!("{} is not a folder", dir.display())));
    }
    let written = assets::export(dir)?;
    if json {
        return Ok(output::json(&written)?);
    }
    output::say(format!(
        "{} files are below {}; those of other releases were left there.",
        written.len(),
        dir.join("assets").display()
    ));
    Ok(())
}
