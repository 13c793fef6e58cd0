//! What migrations will do to the database, measured on a copy of its schema in another database of the same server: which locks each
//! statement takes on tables that are there, what it writes anew, and how long it takes where there are no rows.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use serde::Serialize;
use tokio::io::BufReader;
use tokio_postgres::Client;
use usher_migrations::Migration as Text;

use super::migrations::Migration;
use super::programs;
use super::restore;
use super::{ConnectOptions, Db};
use crate::clock::{Clock, Stopwatch};

/// The modes of locks on tables, the weakest first (PostgreSQL's manual, "Explicit Locking").
const MODES: [(&str, &str); 8] = [
    ("AccessShareLock", "ACCESS SHARE"),
    ("RowShareLock", "ROW SHARE"),
    ("RowExclusiveLock", "ROW EXCLUSIVE"),
    ("ShareUpdateExclusiveLock", "SHARE UPDATE EXCLUSIVE"),
    ("ShareLock", "SHARE"),
    ("ShareRowExclusiveLock", "SHARE ROW EXCLUSIVE"),
    ("ExclusiveLock", "EXCLUSIVE"),
    ("AccessExclusiveLock", "ACCESS EXCLUSIVE"),
];
/// From here on somebody waits: writers, and at the strongest readers too.
const BLOCKS_FROM: usize = 4;

const RELATIONS: &str = "
    select
        c.oid,
        c.relname,
        c.relkind,
        pg_relation_filenode(c.oid) as file,
        c.reltuples::float8 as rows,
        pg_total_relation_size(c.oid) as bytes,
        pg_relation_size(c.oid) = 0 as empty
    from pg_class c
    where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p', 'm')";

/// A table as it is in the database that will be migrated.
#[derive(Clone, Debug, Serialize)]
pub struct Table {
    /// An estimate, once the table has been analyzed.
    pub rows: Option<u64>,
    pub bytes: u64,
    pub empty: bool,
}

/// What a migration did to the copy.
#[derive(Debug, Serialize)]
pub struct Measured {
    pub milliseconds: u64,
    pub locks: Vec<Lock>,
    /// Tables whose every row was written anew, and where.
    pub rewrites: Vec<Rewrite>,
    /// Why it failed.
    pub error: Option<String>,
}

/// A lock that makes others wait, on a table that was there before; it is held to the end of the migration.
#[derive(Clone, Debug, Serialize)]
pub struct Lock {
    pub table: String,
    pub mode: &'static str,
    pub line: usize,
    pub statement: String,
    /// From this statement on to the end of the migration, on the copy.
    pub held_milliseconds: u64,
    #[serde(skip)]
    rank: usize,
    #[serde(skip)]
    since: u64,
}

#[derive(Debug, Serialize)]
pub struct Rewrite {
    pub table: String,
    pub line: usize,
}

/// The tables of the database, by their names.
pub async fn tables(client: &Client) -> anyhow::Result<BTreeMap<String, Table>> {
    let rows = client.query(RELATIONS, &[]).await?;
    let table = |row: &tokio_postgres::Row| {
        let (estimate, bytes): (f64, i64) = (row.get("rows"), row.get("bytes"));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate, and not below zero")]
        let rows = (estimate >= 0.0).then_some(estimate as u64);
        (row.get("relname"), Table { rows, bytes: u64::try_from(bytes).unwrap_or_default(), empty: row.get("empty") })
    };
    Ok(rows.iter().map(table).collect())
}

/// A database beside the one that is looked at, with its schema and without its rows.
pub struct Copy {
    live: Client,
    name: String,
    pub client: Client,
}

impl Copy {
    /// `pg_dump` is the program of that name.
    ///
    /// # Errors
    /// Also when the role may not create databases; the sentence says how to mend that.
    pub async fn make(db: &Db, postgres: &tokio_postgres::Config, pg_dump: &std::path::Path) -> anyhow::Result<Self> {
        let live = db.dedicated().await?;
        let may = "select rolcreatedb or rolsuper, rolname from pg_roles where rolname = current_user";
        let row = live.query_one(may, &[]).await?;
        let (may, role): (bool, String) = (row.get(0), row.get(1));
        if !may {
            bail!(
                "the role {role} may not create the database for the copy: let it for as long as this takes, `alter role {role} createdb`"
            );
        }
        let id = crate::id::new_uuid(Clock::system().now()).simple().to_string();
        let name = format!("usher_upgrade_check_{id}");
        let create = "
            select format(
                'create database %I template template0 encoding %L lc_collate %L lc_ctype %L',
                $1::text, pg_encoding_to_char(encoding), datcollate, datctype
            )
            from pg_database
            where datname = current_database()";
        let create: String = live.query_one(create, &[&name]).await?.get(0);
        live.batch_execute(&create).await.context("making a database for the copy")?;
        let mut config = postgres.clone();
        config.dbname(&name);
        let made = async {
            let client = Db::new(&ConnectOptions::new(config))?.dedicated().await?;
            fill(&live, &client, postgres, pg_dump).await?;
            anyhow::Ok(client)
        };
        match made.await {
            Ok(client) => Ok(Self { live, name, client }),
            Err(error) => {
                drop_database(&live, &name).await?;
                Err(error.context("copying the schema"))
            }
        }
    }

    pub async fn remove(self) -> anyhow::Result<()> {
        drop(self.client);
        drop_database(&self.live, &self.name).await
    }
}

async fn drop_database(live: &Client, name: &str) -> anyhow::Result<()> {
    let removed = live.batch_execute(&format!("drop database if exists {name} with (force)")).await;
    removed.with_context(|| format!("dropping the copy: run `drop database {name}`"))
}

async fn fill(live: &Client, copy: &Client, postgres: &tokio_postgres::Config, pg_dump: &std::path::Path) -> anyhow::Result<()> {
    let mut command = programs::command(pg_dump, postgres);
    command.args(["--schema-only", "--no-owner", "--no-privileges", "--no-password", "--lock-wait-timeout=5000"]);
    let mut dump = programs::Running::start(command)?;
    let from = dump.child.stdout.take().context("a program's standard output is ours")?;
    let loaded = restore::load(copy, BufReader::new(from)).await;
    // What it complains of comes before what we made of its half a script.
    dump.finish().await?;
    loaded?;
    copy.batch_execute("set statement_timeout = 0; set idle_in_transaction_session_timeout = 0").await?;
    for (table, columns) in
        [("refinery_schema_history", "version, name, applied_on, checksum"), ("schema_compatibility", "oldest_version")]
    {
        let exists = "select exists (select from pg_class where oid = to_regclass($1) and relkind = 'r')";
        let exists = copy.query_one(exists, &[&table]).await?.get::<_, bool>(0);
        if exists {
            let rows = format!("select coalesce(json_agg(r), '[]')::text from (select {columns} from {table}) r");
            let rows: String = live.query_one(&rows, &[]).await?.get(0);
            let insert = format!(
                "insert into {table} ({columns}) select {columns} from json_populate_recordset(null::{table}, $1::text::json)"
            );
            copy.execute(&insert, &[&rows]).await?;
        }
    }
    Ok(())
}

/// Runs a migration on the copy and watches it.
pub async fn measure(copy: &Client, migration: &Migration) -> anyhow::Result<Measured> {
    let text = Text::read(migration.sql().context("an embedded migration has its text")?);
    let measured = measure_text(copy, &text).await?;
    Ok(measured)
}

async fn measure_text(copy: &Client, text: &Text<'_>) -> anyhow::Result<Measured> {
    let before = files(copy).await?;
    let mut files_now = before.clone();
    let mut measured = Measured { milliseconds: 0, locks: Vec::new(), rewrites: Vec::new(), error: None };
    if !text.outside {
        copy.batch_execute("begin").await?;
    }
    let took = Stopwatch::start();
    let milliseconds = || u64::try_from(took.elapsed().as_millis()).unwrap_or(u64::MAX);
    for statement in &text.statements {
        let since = milliseconds();
        if let Err(error) = copy.batch_execute(statement.sql).await {
            let why = error.as_db_error().map_or_else(|| error.to_string(), |error| error.message().to_owned());
            measured.error = Some(format!("line {}: {why}", statement.line));
            break;
        }
        if text.outside {
            continue;
        }
        for (oid, rank) in locks(copy).await? {
            let Some((table, _)) = before.get(&oid) else { continue };
            let held = measured.locks.iter().any(|lock| lock.table == *table && lock.rank >= rank);
            if rank >= BLOCKS_FROM && !held {
                measured.locks.push(Lock {
                    table: table.clone(),
                    mode: MODES[rank].1,
                    line: statement.line,
                    statement: statement.title(),
                    held_milliseconds: 0,
                    rank,
                    since,
                });
            }
        }
        let after = files(copy).await?;
        for (oid, (table, file)) in &after {
            if files_now.get(oid).is_some_and(|(_, was)| was != file) && before.contains_key(oid) {
                measured.rewrites.push(Rewrite { table: table.clone(), line: statement.line });
            }
        }
        files_now = after;
    }
    measured.milliseconds = milliseconds();
    for lock in &mut measured.locks {
        lock.held_milliseconds = measured.milliseconds.saturating_sub(lock.since);
    }
    if !text.outside {
        copy.batch_execute(if measured.error.is_none() { "commit" } else { "rollback" }).await?;
    }
    Ok(measured)
}

/// The tables and the file that each is kept in: another file means that all rows were written anew.
async fn files(client: &Client) -> anyhow::Result<BTreeMap<u32, (String, Option<u32>)>> {
    let rows = client.query(RELATIONS, &[]).await?;
    Ok(rows.iter().map(|row| (row.get("oid"), (row.get("relname"), row.get("file")))).collect())
}

/// The tables that this transaction holds locks on, and the place of each in [`MODES`].
async fn locks(client: &Client) -> anyhow::Result<Vec<(u32, usize)>> {
    let sql = "
        select l.relation, l.mode
        from pg_locks l
        where l.pid = pg_backend_pid() and l.locktype = 'relation' and l.granted
        order by l.relation";
    let rows = client.query(sql, &[]).await?;
    let rank = |mode: &str| MODES.iter().position(|(name, _)| *name == mode);
    Ok(rows.iter().filter_map(|row| Some((row.get(0), rank(row.get(1))?))).collect())
}

#[cfg(test)]
#[path = "tests/preview.rs"]
mod tests;
