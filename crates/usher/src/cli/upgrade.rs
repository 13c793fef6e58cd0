//! `usher upgrade check`: what the pending migrations will do, from a copy of the schema. The database itself is only read.

use std::collections::BTreeMap;

use clap::Subcommand;
use serde::Serialize;
use usher_migrations::{Harm, Kind, Migration as Text};

use super::{Failure, Outcome, boot, output};
use crate::config::Config;
use crate::db::migrations::{self, Migration, Standing};
use crate::db::preview::{self, Copy, Measured, Table};
use crate::db::programs;

#[derive(Subcommand)]
pub enum Command {
    /// Run the pending migrations on a copy of the schema, and say which locks they take on which tables
    Check,
}

/// Whether a migration may run beside requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Fine,
    NeedsWindow,
    Fails,
}

#[derive(Serialize)]
struct Checked {
    migration: String,
    kind: Option<String>,
    verdict: Verdict,
    /// Why it is not fine.
    reasons: Vec<String>,
    #[serde(flatten)]
    measured: Measured,
}

#[derive(Serialize)]
struct Report {
    migrations: Vec<Checked>,
    /// The tables that are locked or written anew, as they are in the database.
    tables: BTreeMap<String, Table>,
}

pub async fn check(config: Config, json: bool) -> Outcome {
    let running = boot::connect(config).await?;
    let checked = examine(&running).await;
    running.stop().await;
    let report = checked?;
    if json {
        output::json(&report)?;
    } else {
        print(&report);
    }
    let wanting = report.migrations.iter().filter(|checked| checked.verdict != Verdict::Fine).count();
    if wanting > 0 {
        let message = format!("{wanting} of {} migrations should not run beside requests", report.migrations.len());
        return Err(Failure { code: 1, message });
    }
    Ok(())
}

async fn examine(running: &boot::Running) -> anyhow::Result<Report> {
    let client = running.app.db.dedicated().await?;
    let mut report = Report { migrations: Vec::new(), tables: BTreeMap::new() };
    let Standing::Older { .. } = migrations::standing(&client).await? else { return Ok(report) };
    let (pending, current) = (migrations::pending(&client).await?, migrations::current(&client).await?);
    let tables = preview::tables(&client).await?;
    let pg_bin = running.app.config.database.pg_bin.as_deref();
    let found = programs::find(pg_bin, "pg_dump", programs::server_major(&client).await?).await;
    let (pg_dump, _) = found.map_err(anyhow::Error::msg)?;
    let copy = Copy::make(&running.app.db, &running.postgres, &pg_dump).await?;
    // The copy must go, also when the operator has seen enough.
    let measured = tokio::select! {
        measured = measure(&copy, &pending) => measured,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
    };
    copy.remove().await?;
    for (migration, measured) in pending.iter().zip(measured?) {
        report.migrations.push(judge(migration, current, measured, &tables));
    }
    let concerned = |name: &String| {
        let mut all = report.migrations.iter().map(|checked| &checked.measured);
        all.any(|m| m.locks.iter().any(|lock| lock.table == *name) || m.rewrites.iter().any(|rewrite| rewrite.table == *name))
    };
    report.tables = tables.into_iter().filter(|(name, _)| concerned(name)).collect();
    Ok(report)
}

/// One after the other, up to the first that fails.
async fn measure(copy: &Copy, pending: &[Migration]) -> anyhow::Result<Vec<Measured>> {
    let mut all = Vec::new();
    for migration in pending {
        let measured = preview::measure(&copy.client, migration).await?;
        let failed = measured.error.is_some();
        all.push(measured);
        if failed {
            break;
        }
    }
    Ok(all)
}

fn judge(migration: &Migration, current: i32, measured: Measured, tables: &BTreeMap<String, Table>) -> Checked {
    let text = Text::read(migration.sql().unwrap_or_default());
    let is_filled = |name: &String| tables.get(name).is_some_and(|table| !table.empty);
    let mut reasons: Vec<String> = measured.error.iter().cloned().collect();
    let rewritten = measured.rewrites.iter().filter(|rewrite| is_filled(&rewrite.table));
    reasons.extend(rewritten.map(|rewrite| format!("line {}: writes every row of {} anew", rewrite.line, rewrite.table)));
    for finding in usher_migrations::check(&text) {
        let named = finding.table.as_ref();
        let harmless = finding.harm == Harm::Locks && named.is_some_and(|table| !is_filled(table));
        if !harmless {
            let table = named.map_or_else(String::new, |table| format!("{table}: "));
            reasons.push(format!("line {}: {table}{}", finding.line, finding.sentence));
        }
    }
    if let Some(oldest) = text.oldest().and_then(|oldest| i32::try_from(oldest).ok()).filter(|oldest| *oldest > current) {
        reasons.push(format!("releases that know no version {oldest} do not work any more: stop them first"));
    }
    let verdict = match (&measured.error, reasons.is_empty()) {
        (Some(_), _) => Verdict::Fails,
        (None, true) => Verdict::Fine,
        (None, false) => Verdict::NeedsWindow,
    };
    let kind = text.kind.map(|kind: Kind| kind.to_string());
    Checked { migration: migration.to_string(), kind, verdict, reasons, measured }
}

fn print(report: &Report) {
    if report.migrations.is_empty() {
        return output::say("No migration is pending.");
    }
    output::say("On a copy of the schema, without rows; the database was not changed.");
    for checked in &report.migrations {
        let word = match checked.verdict {
            Verdict::Fine => "fine beside requests",
            Verdict::NeedsWindow => "NEEDS A MAINTENANCE WINDOW",
            Verdict::Fails => "FAILS",
        };
        let kind = checked.kind.as_ref().map_or_else(String::new, |kind| format!(" ({kind})"));
        output::say(format!("\n{}{kind}: {word}; took {} ms", checked.migration, checked.measured.milliseconds));
        for reason in &checked.reasons {
            output::say(format!("  {reason}"));
        }
        let rows: Vec<Vec<String>> = checked.measured.locks.iter().map(|lock| row(lock, &report.tables)).collect();
        if !rows.is_empty() {
            output::table(&["lock", "table", "rows", "size", "held", "from line"], rows, "");
        }
    }
    output::say("\nA lock is held to the end of its migration. One that is not had within 2 s is given up and asked for again.");
}

fn row(lock: &preview::Lock, tables: &BTreeMap<String, Table>) -> Vec<String> {
    let table = tables.get(&lock.table);
    let rows = table.and_then(|table| table.rows).map_or_else(|| "unknown".to_owned(), |rows| rows.to_string());
    vec![
        lock.mode.to_owned(),
        lock.table.clone(),
        rows,
        table.map_or_else(String::new, |table| output::bytes(table.bytes)),
        format!("{} ms", lock.held_milliseconds),
        format!("{}: {}", lock.line, lock.statement),
    ]
}
