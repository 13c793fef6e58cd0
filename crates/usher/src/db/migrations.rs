//! Embedded, forward-only migrations. A release works with the schema it was made for and, until a contract ends it, with newer ones.

mod run;

use anyhow::{Context, bail};
pub use refinery::Migration;
use tokio_postgres::Client;

use super::Db;

pub use run::{apply, apply_alone};

mod embedded {
    refinery::embed_migrations!("../../migrations");
}

/// A migration and whether it has been applied.
#[derive(Debug, serde::Serialize)]
pub struct MigrationState {
    pub version: i32,
    pub name: String,
    pub applied: bool,
    /// Whether this binary has it; a newer one has applied it otherwise.
    pub known: bool,
}

/// How the schema of the database stands to this binary, when it is one that this binary can use or bring up to date.
#[derive(Debug, PartialEq, Eq)]
pub enum Standing {
    Same,
    Older {
        missing: Vec<String>,
    },
    /// A newer binary has migrated it, and this one still works with it.
    Newer {
        version: i32,
    },
}

/// The migrations that this binary has, in their order.
pub fn known() -> Vec<Migration> {
    let mut known = embedded::migrations::runner().get_migrations().clone();
    known.sort();
    known
}

/// The newest schema version this binary knows.
pub fn newest() -> i32 {
    known().last().map_or(0, Migration::version)
}

/// The indexes that this binary's schema has everywhere.
pub fn indexes() -> Vec<String> {
    let known = known();
    usher_migrations::indexes(known.iter().filter_map(Migration::sql))
}

/// The migrations that the database lacks.
pub async fn pending(client: &Client) -> anyhow::Result<Vec<Migration>> {
    let current = current(client).await?;
    Ok(known().into_iter().filter(|migration| migration.version() > current).collect())
}

/// Every migration this binary knows or the database has.
pub async fn status(db: &Db) -> anyhow::Result<Vec<MigrationState>> {
    let client = db.dedicated().await?;
    let current = current(&client).await?;
    let mut states: Vec<_> = known()
        .iter()
        .map(|migration| MigrationState {
            version: migration.version(),
            name: migration.name().to_owned(),
            applied: migration.version() <= current,
            known: true,
        })
        .collect();
    if current > newest() {
        let sql = "select version, name from refinery_schema_history where version > $1 order by version";
        let rows = client.query(sql, &[&newest()]).await?;
        states.extend(rows.iter().map(|row| MigrationState {
            version: row.get(0),
            name: row.get(1),
            applied: true,
            known: false,
        }));
    }
    Ok(states)
}

/// How the schema stands to this binary. Fails when a contract has ended what this binary needs.
pub async fn standing(client: &Client) -> anyhow::Result<Standing> {
    let current = current(client).await?;
    if current <= newest() {
        let missing = pending(client).await?;
        let missing: Vec<_> = missing.iter().map(|migration| migration.name().to_owned()).collect();
        return Ok(if missing.is_empty() { Standing::Same } else { Standing::Older { missing } });
    }
    let exists: bool = client.query_one("select to_regclass('schema_compatibility') is not null", &[]).await?.get(0);
    let sql = "select oldest_version from schema_compatibility";
    let oldest: Option<i32> = if exists { client.query_opt(sql, &[]).await?.map(|row| row.get(0)) } else { None };
    match oldest {
        Some(oldest) if oldest <= newest() => Ok(Standing::Newer { version: current }),
        _ => bail!(
            "the database has schema version {current}, which works with releases from version {} on; this binary knows {}: \
             run a newer release",
            oldest.unwrap_or(current),
            newest()
        ),
    }
}

/// Fails unless this binary can work with the schema as it is.
pub async fn check(db: &Db) -> anyhow::Result<Standing> {
    let client = db.dedicated().await?;
    let standing = standing(&client).await?;
    if let Standing::Older { missing } = &standing {
        bail!("the database lacks the migrations {}: run `usher migrate`, or set USHER_MIGRATE=true", missing.join(", "));
    }
    Ok(standing)
}

/// The schema version of the database; 0 when it has none.
pub async fn current(client: &Client) -> anyhow::Result<i32> {
    let exists: bool = client.query_one("select to_regclass('refinery_schema_history') is not null", &[]).await?.get(0);
    if !exists {
        return Ok(0);
    }
    let version = client.query_one("select max(version) from refinery_schema_history", &[]).await;
    let version: Option<i32> = version.context("reading which migrations were applied")?.get(0);
    Ok(version.unwrap_or(0))
}
