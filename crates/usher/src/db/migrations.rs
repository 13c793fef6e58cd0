//! Embedded, forward-only migrations, applied under an advisory lock so that any number of processes may start at once.

use anyhow::{Context, bail};

use super::Db;

mod embedded {
    refinery::embed_migrations!("../../migrations");
}

/// Arbitrary, but the same in every process: "usher" in ASCII.
const LOCK: i64 = 0x75_73_68_65_72;

/// A migration and whether it has been applied.
#[derive(Debug, serde::Serialize)]
pub struct MigrationState {
    pub version: i32,
    pub name: String,
    pub applied: bool,
}

/// The newest schema version this binary knows.
pub fn newest() -> i32 {
    embedded::migrations::runner().get_migrations().iter().map(refinery::Migration::version).max().unwrap_or(0)
}

/// Applies what is missing. Returns the names of what was applied.
pub async fn apply(db: &Db) -> anyhow::Result<Vec<String>> {
    let mut client = db.dedicated().await?;
    // Creating an index on a large table takes longer than a request may.
    client.batch_execute("set statement_timeout = 0; set lock_timeout = '30s'").await?;
    client.execute("select pg_advisory_lock($1)", &[&LOCK]).await.context("waiting for another process that migrates")?;
    refuse_newer(&client).await?;
    let report = embedded::migrations::runner().run_async(&mut client).await.context("applying the migrations")?;
    client.execute("select pg_advisory_unlock($1)", &[&LOCK]).await?;
    Ok(report.applied_migrations().iter().map(ToString::to_string).collect())
}

/// Every migration this binary knows, and whether the database has it.
pub async fn status(db: &Db) -> anyhow::Result<Vec<MigrationState>> {
    let client = db.dedicated().await?;
    refuse_newer(&client).await?;
    let current = current(&client).await?;
    let mut states: Vec<_> = embedded::migrations::runner()
        .get_migrations()
        .iter()
        .map(|migration| MigrationState {
            version: migration.version(),
            name: migration.name().to_owned(),
            applied: migration.version() <= current,
        })
        .collect();
    states.sort_by_key(|state| state.version);
    Ok(states)
}

/// Fails unless the database has exactly the schema this binary was made for.
pub async fn check(db: &Db) -> anyhow::Result<()> {
    let missing: Vec<_> = status(db).await?.into_iter().filter(|state| !state.applied).map(|state| state.name).collect();
    if !missing.is_empty() {
        bail!("the database lacks the migrations {}: run `usher migrate`, or set USHER_MIGRATE=true", missing.join(", "));
    }
    Ok(())
}

async fn refuse_newer(client: &tokio_postgres::Client) -> anyhow::Result<()> {
    let current = current(client).await?;
    if current > newest() {
        bail!(
            "the database has schema version {current}, this binary knows {}: run a release at least as new as the one that migrated it",
            newest()
        );
    }
    Ok(())
}

async fn current(client: &tokio_postgres::Client) -> anyhow::Result<i32> {
    let exists: bool = client.query_one("select to_regclass('refinery_schema_history') is not null", &[]).await?.get(0);
    if !exists {
        return Ok(0);
    }
    let version: Option<i32> = client.query_one("select max(version) from refinery_schema_history", &[]).await?.get(0);
    Ok(version.unwrap_or(0))
}
