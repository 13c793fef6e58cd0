//! `usher keys`.

use clap::Subcommand;
use serde_json::json;

use super::{Failure, Outcome, boot, output, secret_key};
use crate::app::App;
use crate::audit::{self, Event};
use crate::config::Config;
use crate::doctor::sealed;
use crate::keys::{self, Begin, Duty, SigningKeyState};

#[derive(Subcommand)]
pub enum Command {
    /// List the keys that sign and verify tokens
    List,
    /// Make a new key; it begins to sign when everybody can know it
    Rotate {
        /// Begin to sign within seconds: when the present key is compromised. Others with a cached key set may fail for 5 minutes
        #[arg(long)]
        now: bool,
    },
    /// Replace the generated secret key in the data directory; then restart usher, and reseal
    NewSecretKey,
    /// Seal everything anew that is sealed under the previous secret key
    Reseal,
}

pub async fn run(config: Config, command: &Command, json: bool) -> Outcome {
    if let Command::NewSecretKey = command {
        return new_secret_key(&config, json);
    }
    let running = boot::ready(config).await?;
    let app = &running.app;
    match command {
        Command::List => list(app, json).await?,
        Command::Rotate { now } => {
            let begin = if *now { Begin::Now } else { Begin::PublishedAhead };
            let state = keys::rotate(app, &boot::operator(None), begin).await?;
            if json {
                output::json(&state)?;
            } else {
                output::say(format!("Made the key {}; it signs from {}.", state.key.kid, output::time(state.key.active_at)));
                list(app, false).await?;
            }
        }
        Command::Reseal => reseal(app, json).await?,
        Command::NewSecretKey => {}
    }
    running.stop().await;
    Ok(())
}

async fn list(app: &App, json: bool) -> Outcome {
    let mut tx = app.begin(&boot::operator(None)).await?;
    let states = keys::list(&mut tx).await?;
    tx.commit().await?;
    if json {
        return Ok(output::json(&states)?);
    }
    output::table(
        &["kid", "algorithm", "state", "signs from", "until", "published until"],
        states.iter().map(row).collect(),
        "There are no keys.",
    );
    Ok(())
}

fn row(SigningKeyState { key, duty }: &SigningKeyState) -> Vec<String> {
    let state = match duty {
        Duty::Next => "published, will sign",
        Duty::Signing => "signs",
        Duty::Verifying => "verifies what it signed",
        Duty::Expired => "expired",
    };
    vec![
        key.kid.clone(),
        key.algorithm.clone(),
        state.to_owned(),
        output::time(key.active_at),
        output::time_or(key.retired_at, "-"),
        output::time_or(key.expires_at, "-"),
    ]
}

fn new_secret_key(config: &Config, json: bool) -> Outcome {
    if config.secret_key.is_some() {
        let how = "the secret key is configured: set USHER_SECRET_KEY to a new one and USHER_SECRET_KEY_PREVIOUS to this one";
        return Err(Failure::usage(how));
    }
    secret_key::replace(&config.data_dir)?;
    if json {
        output::json(&json!({ "replaced": true }))?;
    } else {
        output::say("Made a new secret key; the previous one opens what it has sealed.");
        output::say("Now restart every process of usher, then run `usher keys reseal`.");
    }
    Ok(())
}

async fn reseal(app: &App, json: bool) -> Outcome {
    let columns = sealed::reseal(app).await?;
    let resealed: u64 = columns.iter().map(|(_, done)| done.resealed).sum();
    let unopened: u64 = columns.iter().map(|(_, done)| done.unopened).sum();
    let mut tx = app.begin(&boot::operator(None)).await?;
    let event = Event::success("secret_key.resealed").detail("resealed", resealed).detail("unopened", unopened);
    audit::record(&mut tx, event).await?;
    tx.commit().await?;
    if json {
        let by_column: serde_json::Map<_, _> = columns.iter().map(|(column, done)| ((*column).to_owned(), json!(done))).collect();
        output::json(&json!({ "resealed": resealed, "unopened": unopened, "columns": by_column }))?;
        return Ok(());
    }
    let row = |(column, done): &(&str, crate::seal::Resealed)| {
        vec![(*column).to_owned(), done.resealed.to_string(), done.unopened.to_string()]
    };
    output::table(&["column", "sealed anew", "not opened"], columns.iter().map(row).collect(), "");
    if unopened > 0 {
        output::say(format!(
            "{unopened} values are damaged or sealed under a key that is not configured; they are left as they are."
        ));
    }
    output::say("Nothing needs the previous secret key any more, if every process of usher was restarted before.");
    Ok(())
}
