//! What an operator would look at first: `usher doctor`, `GET /v1/checks` and a page of the console. A check looks and changes nothing.

mod api;
mod database;
pub mod sealed;
#[cfg(test)]
mod tests;

use std::time::Duration;

use fluent_bundle::{FluentArgs, FluentValue};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::timeout;

pub use api::router;

use crate::app::App;
use crate::audit::log;
use crate::config::{Problem, Report};
use crate::db::Actor;
use crate::db::migrations::{self, Standing};
use crate::languages::now;
use crate::{jobs, keys, mails, roles};

/// All checks together take no longer. Each statement has the limit of every statement besides.
const WITHIN: Duration = Duration::from_secs(20);

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Ok,
    Warning,
    Failed,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(extend("example" = api::example()))]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    pub verdict: Verdict,
    /// What was found.
    pub detail: String,
    /// What to do, unless all is well.
    pub advice: Option<String>,
}

/// In the language of who asks, as what was found is.
fn finding(check: &'static str, verdict: Verdict, detail: impl Into<String>) -> Finding {
    let advice = (verdict != Verdict::Ok).then(|| now().word(&format!("health-do-{}", check.replace(' ', "-"))));
    Finding { check, verdict, detail: detail.into(), advice }
}

fn failed(check: &'static str, error: &anyhow::Error) -> Finding {
    finding(check, Verdict::Failed, format!("{error:#}"))
}

/// What there is to say of settings that could be read.
pub fn examine_settings(report: &Report) -> Vec<Finding> {
    let mut findings = vec![finding("configuration", Verdict::Ok, now().word("health-settings-good"))];
    let unwise = |warning: &Problem| {
        let message = now().setting_warning(&warning.message).unwrap_or_else(|| warning.message.clone());
        finding("configuration", Verdict::Warning, format!("{}: {message}", warning.variable))
    };
    findings.extend(report.warnings.iter().map(unwise));
    findings
}

/// That there is no database to look at.
pub fn no_database(error: &anyhow::Error) -> Finding {
    failed("database", error)
}

/// All checks of a process that has connected. What was found before it took too long is there.
pub async fn examine(app: &App) -> Vec<Finding> {
    let mut findings = examine_settings(&app.config.report);
    let examined = timeout(WITHIN, examine_database(app, &mut findings)).await;
    match examined {
        Ok(Ok(())) => {}
        Ok(Err(error)) => findings.push(no_database(&error)),
        Err(_) => {
            let detail = now().say("health-given-up", &FluentArgs::from_iter([("seconds", WITHIN.as_secs())]));
            findings.push(finding("database", Verdict::Failed, detail));
        }
    }
    findings
}

async fn examine_database(app: &App, findings: &mut Vec<Finding>) -> anyhow::Result<()> {
    let row = app.db.pipeline().query_opt("select current_setting('server_version_num')::int, clock_timestamp()", &[]).await?;
    let Some(row) = row else { anyhow::bail!("the database gave no answer") };
    let version: i32 = row.get(0);
    let supported = (150_000..190_000).contains(&version);
    let verdict = if supported { Verdict::Ok } else { Verdict::Warning };
    let release = format!("{}.{}", version / 10_000, version % 10_000);
    findings.push(finding("database", verdict, now().say("health-release", &FluentArgs::from_iter([("release", release)]))));
    let skew = app.clock.now().duration_since(row.get(1)).abs();
    let verdict = if skew.as_secs() < 2 { Verdict::Ok } else { Verdict::Warning };
    let apart = FluentArgs::from_iter([("milliseconds", skew.as_millis().to_string())]);
    findings.push(finding("clock", verdict, now().say("health-skew", &apart)));

    let standing = match app.db.dedicated().await {
        Ok(client) => migrations::standing(&client).await,
        Err(error) => Err(error.into()),
    };
    let is_newer = matches!(standing, Ok(Standing::Newer { .. }));
    findings.push(match standing {
        Ok(Standing::Same) => finding("migrations", Verdict::Ok, now().word("health-migrated")),
        Ok(Standing::Newer { version }) => {
            let detail = now().say("health-newer", &FluentArgs::from_iter([("version", version.to_string())]));
            finding("migrations", Verdict::Warning, detail)
        }
        Ok(Standing::Older { missing }) => {
            let detail = now().say("health-unmigrated", &FluentArgs::from_iter([("count", missing.len())]));
            findings.push(finding("migrations", Verdict::Failed, detail));
            return Ok(());
        }
        Err(error) => {
            findings.push(failed("migrations", &error));
            return Ok(());
        }
    });
    findings.extend(examine_replica(app).await);
    let trigram = app.db.pipeline().query("select 1 from pg_extension where extname = 'pg_trgm'", &[]).await?;
    findings.push(if trigram.is_empty() {
        finding("search", Verdict::Warning, now().word("health-no-trigrams"))
    } else {
        finding("search", Verdict::Ok, now().word("health-trigrams"))
    });
    findings.extend(database::examine(app, is_newer).await?);
    examine_content(app, findings).await
}

async fn examine_replica(app: &App) -> Option<Finding> {
    Some(match app.db.examine_replica().await? {
        Ok(behind) => {
            let bytes = FluentArgs::from_iter([("bytes", behind.to_string())]);
            finding("replica", Verdict::Ok, now().say("health-replica", &bytes))
        }
        Err(error) => {
            let why = FluentArgs::from_iter([("error", error.to_string())]);
            finding("replica", Verdict::Warning, now().say("health-no-replica", &why))
        }
    })
}

async fn examine_content(app: &App, findings: &mut Vec<Finding>) -> anyhow::Result<()> {
    findings.push(match keys::load(app).await {
        Ok(()) => finding("keys", Verdict::Ok, now().word("health-keys-open")),
        Err(error) => {
            let why = FluentArgs::from_iter([("error", error.to_string())]);
            finding("keys", Verdict::Failed, now().say("health-keys-closed", &why))
        }
    });
    findings.push(examine_sealed(app).await?);
    let mut tx = app.begin_as(Actor::System).await?;
    findings.push(if roles::exists_admin(&mut tx).await? {
        finding("administrator", Verdict::Ok, now().word("health-administrator"))
    } else {
        finding("administrator", Verdict::Warning, now().word("health-no-administrator"))
    });
    let jobs = jobs::count(&mut tx).await?;
    let verdict = if jobs.given_up > 0 { Verdict::Warning } else { Verdict::Ok };
    let counts = FluentArgs::from_iter([("waiting", jobs.waiting), ("given_up", jobs.given_up)]);
    findings.push(finding("jobs", verdict, now().say("health-jobs", &counts)));
    findings.push(examine_log(app).await?);
    let mails::Queue { held, given_up, .. } = mails::count(&mut tx).await?;
    let verdict = if held + given_up > 0 { Verdict::Warning } else { Verdict::Ok };
    let server = if app.mailer.holds() { "none" } else { "set" };
    let counts: [(&str, FluentValue<'_>); 3] = [("server", server.into()), ("held", held.into()), ("given_up", given_up.into())];
    findings.push(finding("mail", verdict, now().say("health-mails", &FluentArgs::from_iter(counts))));
    tx.commit().await?;
    Ok(())
}

/// Whether the previous secret key is still needed, and whether one is missing.
async fn examine_sealed(app: &App) -> anyhow::Result<Finding> {
    let census = sealed::census(app).await?;
    Ok(match (census.unknown, census.previous) {
        (0, 0) if app.sealer.has_previous() => finding("sealing", Verdict::Ok, now().word("health-resealed")),
        (0, 0) => finding("sealing", Verdict::Ok, now().word("health-sealed")),
        (0, previous) => {
            let count = FluentArgs::from_iter([("count", previous)]);
            finding("sealing", Verdict::Warning, now().say("health-sealed-before", &count))
        }
        (unknown, _) => {
            let count = FluentArgs::from_iter([("count", unknown)]);
            finding("sealing", Verdict::Warning, now().say("health-sealed-unknown", &count))
        }
    })
}

/// Whether the sealer keeps up. Beside commands that were run alone nothing seals until a server or worker runs again.
async fn examine_log(app: &App) -> anyhow::Result<Finding> {
    let progress = log::progress(app).await?;
    let behind = progress.behind(app.clock.now());
    let verdict = if behind.as_secs() < 60 { Verdict::Ok } else { Verdict::Warning };
    let mut counts = FluentArgs::from_iter([("sealed", progress.sealed), ("waiting", progress.waiting)]);
    counts.set("seconds", behind.as_secs());
    let detail = match progress.waits_since {
        None => now().say("health-audit-sealed", &counts),
        Some(_) if verdict == Verdict::Ok => now().say("health-audit-waiting", &counts),
        Some(_) => now().say("health-audit-late", &counts),
    };
    Ok(finding("audit", verdict, detail))
}
