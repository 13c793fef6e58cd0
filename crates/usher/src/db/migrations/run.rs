//! Applying migrations: one process at a time, each migration in its transaction, and none waits long for a lock, since whoever asks
//! for the same table later waits behind it.

use std::time::Duration;

use anyhow::{Context, ensure};
use refinery::{Migration, Target};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;
use usher_migrations::Migration as Text;

use super::super::Db;
use super::{Standing, embedded, pending, standing};

/// Arbitrary, but the same in every process: "usher" in ASCII.
const LOCK: i64 = 0x75_73_68_65_72;

/// Statements may take as long as they need; locks are asked for again and again, and in between the requests go through.
const SETTINGS: &str = "
    set statement_timeout = 0;
    set idle_in_transaction_session_timeout = 0;
    set lock_timeout = '2s'";
const TRIES_MAX: u32 = 30;
const PAUSE: Duration = Duration::from_secs(1);

/// How long another process may migrate, and how often it is looked for.
const OTHERS_WITHIN: Duration = Duration::from_mins(10);
const LOOK: Duration = Duration::from_millis(200);

/// Applies what is missing. Returns the names of what was applied.
pub async fn apply(db: &Db) -> anyhow::Result<Vec<String>> {
    let mut client = db.dedicated().await?;
    client.batch_execute(SETTINGS).await?;
    wait_for_turn(&client).await?;
    let mut applied = Vec::new();
    if let Standing::Older { .. } = standing(&client).await? {
        for migration in pending(&client).await? {
            run(&mut client, &migration).await?;
            applied.push(migration.to_string());
        }
    }
    client.execute("select pg_advisory_unlock($1)", &[&LOCK]).await?;
    Ok(applied)
}

/// Applies what is missing within the transaction that the connection is in, where nobody else uses the tables.
pub async fn apply_alone(client: &Client) -> anyhow::Result<Vec<String>> {
    let mut applied = Vec::new();
    for migration in pending(client).await? {
        let sql = migration.sql().context("an embedded migration has its text")?;
        client.batch_execute(&Text::alone(sql)).await.with_context(|| format!("applying {migration}"))?;
        let note = "insert into refinery_schema_history (version, name, applied_on, checksum) values ($1, $2, $3, $4)";
        // As refinery writes it.
        let at = crate::clock::Clock::system().now().strftime("%Y-%m-%dT%H:%M:%S.%fZ").to_string();
        let (version, name, checksum) = (migration.version(), migration.name(), migration.checksum().to_string());
        client.execute(note, &[&version, &name, &at, &checksum]).await?;
        applied.push(migration.to_string());
    }
    Ok(applied)
}

/// Whoever waited in PostgreSQL would be waited for by an index that is made concurrently: so we ask again and again.
async fn wait_for_turn(client: &Client) -> anyhow::Result<()> {
    let waited = crate::clock::Stopwatch::start();
    while !client.query_one("select pg_try_advisory_lock($1)", &[&LOCK]).await?.get::<_, bool>(0) {
        ensure!(waited.elapsed() < OTHERS_WITHIN, "another process has been migrating for {} s", OTHERS_WITHIN.as_secs());
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

/// Runs one migration, and again while it does not get its locks.
async fn run(client: &mut Client, migration: &Migration) -> anyhow::Result<()> {
    let sql = migration.sql().context("an embedded migration has its text")?;
    let text = Text::read(sql);
    for tried in 1.. {
        let outcome = if text.outside { outside(client, &text, migration).await } else { inside(client, migration).await };
        let Err(error) = outcome else { break };
        if !is_locked_out(&error) {
            return Err(error.context(format!("applying {migration}")));
        }
        if tried == TRIES_MAX {
            let why = "a table that it changes is in use: is a transaction open for long (pg_stat_activity)?";
            return Err(error.context(why).context(format!("applying {migration}, in {TRIES_MAX} tries")));
        }
        tracing::info!(%migration, tried, "a table is in use: the migration is tried again");
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

async fn inside(client: &mut Client, migration: &Migration) -> anyhow::Result<()> {
    embedded::migrations::runner().set_target(Target::Version(migration.version())).run_async(client).await?;
    Ok(())
}

/// Statement by statement. Each can be repeated, so a run that was cut short begins from the start.
async fn outside(client: &mut Client, text: &Text<'_>, migration: &Migration) -> anyhow::Result<()> {
    for statement in &text.statements {
        client.batch_execute(statement.sql).await.with_context(|| format!("line {}", statement.line))?;
    }
    let noted = embedded::migrations::runner().set_target(Target::FakeVersion(migration.version()));
    noted.run_async(client).await?;
    Ok(())
}

fn is_locked_out(error: &anyhow::Error) -> bool {
    let passing = [SqlState::LOCK_NOT_AVAILABLE, SqlState::T_R_DEADLOCK_DETECTED];
    let codes = error.chain().filter_map(|cause| cause.downcast_ref::<tokio_postgres::Error>()).filter_map(|error| error.code());
    codes.into_iter().any(|code| passing.contains(code))
}
