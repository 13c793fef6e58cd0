//! `usher restore`: all or nothing, in one transaction, and without bringing back what had been ended.
//!
//! A backup holds sessions, keys and links as they were. Some of them have been ended since, and would open doors again: so all of
//! them end with the restoration, unless the operator wants otherwise.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, bail, ensure};
use clap::Args;
use serde::Serialize;
use tokio::io::BufReader;
use tokio_postgres::Client;

use super::file::{Manifest, Verified};
use super::open;
use crate::audit::{self, Event};
use crate::cli::{Failure, Outcome, boot, output, secret_key};
use crate::config::Config;
use crate::db::{Tx, migrations, programs, restore as database};
use crate::seal::Sealer;
use crate::{api_keys, invitations, one_time_tokens, sessions, sign_in};

#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Restore {
    /// The backup
    file: PathBuf,
    /// Drop what the database holds
    #[arg(long)]
    replace: bool,
    /// Let sessions go on that were living at the time of the backup, also those that have been ended since
    #[arg(long)]
    keep_sessions: bool,
    /// Let API keys go on that were living at the time of the backup, also those that have been revoked since
    #[arg(long)]
    keep_api_keys: bool,
    /// Verify the backup and say what it holds; the database is not touched
    #[arg(long, conflicts_with_all = ["replace", "keep_sessions", "keep_api_keys"])]
    check: bool,
}

/// What was done.
#[derive(Serialize)]
struct Restored {
    #[serde(flatten)]
    manifest: Manifest,
    migrations_applied: Vec<String>,
    ended: Ended,
}

#[derive(Clone, Copy, Serialize)]
struct Ended {
    sessions: u64,
    api_keys: u64,
    links: u64,
}

pub async fn run(config: Config, restore: &Restore, json: bool) -> Outcome {
    let file = open(&restore.file)?;
    let told = |read| output::progress(&format!("verifying: {} ...", output::bytes(read)));
    let verified = Verified::read(&restore.file, &file, told)?;
    output::progress("");
    let sealer = sealer_for(&config, &verified)?;
    prove(&verified, &sealer)?;
    if restore.check {
        return check(&verified.manifest, json);
    }
    let newest = migrations::newest();
    if verified.manifest.schema_version > newest {
        return Err(Failure::usage(format!(
            "the backup has schema version {} (usher {}), this binary knows {newest}: restore it with that release or a newer one",
            verified.manifest.schema_version, verified.manifest.usher
        )));
    }
    let running = boot::open(config).await?;
    let restored = put_back(&running, restore, verified.manifest, file).await;
    running.stop().await;
    report(&restored?, restore, json)
}

/// The configured secret key. One is not made here: a new one would not open the backup.
fn sealer_for(config: &Config, verified: &Verified) -> Result<Sealer, Failure> {
    if config.secret_key.is_none() && !secret_key::is_there(&config.data_dir) {
        return Err(Failure::usage(format!(
            "the backup opens with the secret key {}, and there is none here: set USHER_SECRET_KEY (or _FILE), \
             or put the file `secret-key` of that installation into {}",
            verified.manifest.secret_keys.join(", "),
            config.data_dir.display()
        )));
    }
    Ok(boot::sealer(config)?)
}

fn prove(verified: &Verified, sealer: &Sealer) -> Outcome {
    let missing = verified.missing_keys(sealer);
    if !missing.is_empty() {
        return Err(Failure::usage(format!(
            "the backup opens with the secret key {}, and the one here is {}: give the key of that installation as \
             USHER_SECRET_KEY, or as USHER_SECRET_KEY_PREVIOUS",
            missing.join(", "),
            super::file::key_id(sealer.mark())
        )));
    }
    if !verified.is_ours(sealer) {
        return Err(Failure::usage("the backup was changed: its last line does not prove what it says of itself"));
    }
    Ok(())
}

fn check(manifest: &Manifest, json: bool) -> Outcome {
    if json {
        output::json(manifest)?;
        return Ok(());
    }
    output::say(format!("The backup is good: {}.", manifest.content()));
    output::say(format!(
        "It was made by usher {} from PostgreSQL {}, and opens with the secret key here.",
        manifest.usher, manifest.postgres
    ));
    Ok(())
}

async fn put_back(
    running: &boot::Running,
    restore: &Restore,
    manifest: Manifest,
    file: std::fs::File,
) -> Result<Restored, Failure> {
    let app = &running.app;
    let client = app.db.dedicated().await?;
    // The only connection of this process, so that every other is somebody else's.
    let others = database::others(&client).await?;
    if !others.is_empty() {
        let others = others.join(", ");
        return Err(Failure::usage(format!("the database is in use by {others}: stop usher everywhere first")));
    }
    if !restore.replace && !database::is_empty(&client).await? {
        return Err(Failure::usage(format!(
            "the database is not empty ({}): --replace drops what it holds",
            held(&client).await?
        )));
    }
    let server = programs::server_major(&client).await?;
    if server < manifest.postgres {
        return Err(Failure::usage(format!(
            "the backup is from PostgreSQL {}, this server is {server}: restore it into {} or newer",
            manifest.postgres, manifest.postgres
        )));
    }
    drop(client);
    let pg_bin = app.config.database.pg_bin.as_deref();
    let (program, _) = programs::find(pg_bin, "pg_restore", manifest.pg_dump).await.map_err(anyhow::Error::msg)?;
    // It only writes a script, and needs no way to the database.
    let mut command = programs::command(&program, &tokio_postgres::Config::new());
    command.args(["--no-owner", "--no-privileges", "--file=-"]).stdin(rewound(file)?);
    let script = programs::Running::start(command)?;

    let mut tx = app.begin(&boot::operator(None)).await?;
    if restore.replace {
        database::wipe(tx.connection().await?).await?;
    }
    load(&mut tx, script, &manifest).await?;
    let migrations_applied = migrations::apply_alone(tx.connection().await?).await?;
    let ended = end(&mut tx, restore).await?;
    note(&mut tx, &manifest, &migrations_applied, ended).await?;
    tx.commit().await?;
    Ok(Restored { manifest, migrations_applied, ended })
}

fn rewound(mut file: std::fs::File) -> anyhow::Result<Stdio> {
    std::io::Seek::rewind(&mut file)?;
    Ok(Stdio::from(file))
}

/// What would be lost.
async fn held(client: &Client) -> anyhow::Result<String> {
    let rows = database::count_rows(client).await?;
    Ok(match rows.get("users") {
        Some(users) => format!("it has {users} users"),
        None => format!("it has {} tables, none of them usher's", rows.len()),
    })
}

async fn load(tx: &mut Tx, mut script: programs::Running, manifest: &Manifest) -> anyhow::Result<()> {
    let client = tx.connection().await?;
    let unbound = "set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0";
    client.batch_execute(unbound).await?;
    let from = script.child.stdout.take().context("a program's standard output is ours")?;
    let loaded = database::load(client, BufReader::with_capacity(256 * 1024, from)).await;
    // Its own complaint is the better one: what it could not read, we have not got.
    match loaded {
        Ok(()) => script.finish().await?,
        Err(error) => {
            drop(script.child.kill().await);
            return Err(error.context("putting the backup into the database"));
        }
    }
    client.batch_execute(unbound).await?;
    let rows = database::count_rows(client).await?;
    for (table, expected) in &manifest.rows {
        let found = rows.get(table).copied().unwrap_or_default();
        ensure!(found == *expected, "the table {table} should have {expected} rows and has {found}");
    }
    if !rows.contains_key("users") {
        bail!("the backup holds no users table");
    }
    Ok(())
}

async fn end(tx: &mut Tx, restore: &Restore) -> anyhow::Result<Ended> {
    let sessions = if restore.keep_sessions { 0 } else { sessions::end_everything(tx, "restored").await? };
    let api_keys = if restore.keep_api_keys { 0 } else { api_keys::revoke_everything(tx).await? };
    // A link that was used since would work once more; whoever still needs one asks for another.
    let links = one_time_tokens::expire_everything(tx).await? + invitations::end_every_link(tx).await?;
    sign_in::end_every_pending(tx).await?;
    Ok(Ended { sessions, api_keys, links })
}

async fn note(tx: &mut Tx, manifest: &Manifest, applied: &[String], ended: Ended) -> anyhow::Result<()> {
    if !applied.is_empty() {
        audit::record(tx, Event::success("database.migrated").detail("migrations", applied.to_vec())).await?;
    }
    let event = Event::success("database.restored")
        .detail("made_at", manifest.made_at.to_string())
        .detail("usher", manifest.usher.clone())
        .detail("schema_version", manifest.schema_version)
        .detail("sha256", manifest.dump_sha256.clone())
        .detail("ended", serde_json::to_value(ended)?);
    audit::record(tx, event).await?;
    Ok(())
}

fn report(restored: &Restored, restore: &Restore, json: bool) -> Outcome {
    if json {
        output::json(restored)?;
        return Ok(());
    }
    output::say(format!("Restored: {}.", restored.manifest.content()));
    if !restored.migrations_applied.is_empty() {
        output::say(format!("Applied: {}.", restored.migrations_applied.join(", ")));
    }
    let Ended { sessions, api_keys, links } = restored.ended;
    output::say(format!("Ended: {sessions} sessions, {api_keys} API keys, {links} links."));
    if restore.keep_sessions || restore.keep_api_keys {
        output::say("What was kept may have been ended since the backup: see who signed in, and end what should not go on.");
    }
    output::say(
        "Passwords, roles, suspensions and deletions are as they were then: what was changed since has to be changed again.",
    );
    output::say("Now: `usher doctor`, `usher audit verify`, then start usher.");
    Ok(())
}
