//! `usher doctor`: what an operator would look at first.

mod database;

use serde::Serialize;

use super::{Failure, Outcome, boot, output, sealed};
use crate::app::App;
use crate::audit::log;
use crate::config::{Config, Report};
use crate::db::Actor;
use crate::db::migrations::{self, Standing};
use crate::{jobs, keys, mails, roles};

/// How a check went.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    Warning,
    Failed,
}

#[derive(Serialize)]
struct Finding {
    check: &'static str,
    verdict: Verdict,
    detail: String,
}

pub async fn run(config: Config, report: &Report, json: bool) -> Outcome {
    let mut findings: Vec<Finding> = vec![finding("configuration", Verdict::Ok, "every setting is good")];
    for warning in &report.warnings {
        findings.push(finding("configuration", Verdict::Warning, format!("{}: {}", warning.variable, warning.message)));
    }
    match boot::connect(config).await {
        Ok(running) => {
            if let Err(error) = examine(&running.app, &mut findings).await {
                findings.push(finding("database", Verdict::Failed, format!("{error:#}")));
            }
            running.stop().await;
        }
        Err(error) => findings.push(finding("database", Verdict::Failed, format!("{error:#}"))),
    }
    let failed = findings.iter().filter(|finding| finding.verdict == Verdict::Failed).count();
    if json {
        output::json(&findings)?;
    } else {
        let row = |finding: &Finding| {
            let verdict = match finding.verdict {
                Verdict::Ok => "ok",
                Verdict::Warning => "WARNING",
                Verdict::Failed => "FAILED",
            };
            vec![verdict.to_owned(), finding.check.to_owned(), finding.detail.clone()]
        };
        output::table(&["verdict", "check", "detail"], findings.iter().map(row).collect(), "");
    }
    if failed > 0 {
        return Err(Failure { code: 1, message: format!("{failed} checks failed") });
    }
    Ok(())
}

fn finding(check: &'static str, verdict: Verdict, detail: impl Into<String>) -> Finding {
    Finding { check, verdict, detail: detail.into() }
}

async fn examine(app: &App, findings: &mut Vec<Finding>) -> anyhow::Result<()> {
    let row = app.db.pipeline().query_opt("select current_setting('server_version_num')::int, clock_timestamp()", &[]).await?;
    let Some(row) = row else { anyhow::bail!("the database gave no answer") };
    let version: i32 = row.get(0);
    let supported = (150_000..190_000).contains(&version);
    let verdict = if supported { Verdict::Ok } else { Verdict::Warning };
    findings.push(finding(
        "database",
        verdict,
        format!("PostgreSQL {}.{} (15 to 18 are supported)", version / 10_000, version % 10_000),
    ));
    let skew = app.clock.now().duration_since(row.get(1)).abs();
    let verdict = if skew.as_secs() < 2 { Verdict::Ok } else { Verdict::Warning };
    findings.push(finding("clock", verdict, format!("{} ms from the database's", skew.as_millis())));

    let standing = match app.db.dedicated().await {
        Ok(client) => migrations::standing(&client).await,
        Err(error) => Err(error.into()),
    };
    let is_newer = matches!(standing, Ok(Standing::Newer { .. }));
    findings.push(match standing {
        Ok(Standing::Same) => finding("migrations", Verdict::Ok, "all are applied"),
        Ok(Standing::Newer { version }) => {
            let detail =
                format!("a newer release has migrated to version {version}; this one works with it until it is replaced");
            finding("migrations", Verdict::Warning, detail)
        }
        Ok(Standing::Older { missing }) => {
            let detail = format!("{} are missing: run `usher migrate`", missing.len());
            findings.push(finding("migrations", Verdict::Failed, detail));
            return Ok(());
        }
        Err(error) => {
            findings.push(finding("migrations", Verdict::Failed, format!("{error:#}")));
            return Ok(());
        }
    });
    findings.extend(examine_replica(app).await);
    let trigram = app.db.pipeline().query("select 1 from pg_extension where extname = 'pg_trgm'", &[]).await?;
    findings.push(if trigram.is_empty() {
        finding("search", Verdict::Warning, "without the extension pg_trgm a search reads all users")
    } else {
        finding("search", Verdict::Ok, "pg_trgm is there")
    });
    findings.extend(database::examine(app, is_newer).await?);
    examine_content(app, findings).await
}

async fn examine_replica(app: &App) -> Option<Finding> {
    Some(match app.db.examine_replica().await? {
        Ok(behind) => finding("replica", Verdict::Ok, format!("{behind} bytes of the log behind the database")),
        Err(error) => finding("replica", Verdict::Warning, format!("the database answers for it: {error}")),
    })
}

async fn examine_content(app: &App, findings: &mut Vec<Finding>) -> anyhow::Result<()> {
    findings.push(match keys::load(app).await {
        Ok(()) => finding("keys", Verdict::Ok, "the signing key opens"),
        Err(error) => finding("keys", Verdict::Failed, format!("{error}: is USHER_SECRET_KEY the one they were made with?")),
    });
    findings.push(examine_sealed(app).await?);
    let mut tx = app.begin_as(Actor::Cli).await?;
    findings.push(if roles::exists_admin(&mut tx).await? {
        finding("administrator", Verdict::Ok, "there is one")
    } else {
        finding("administrator", Verdict::Warning, "there is none yet: see `usher setup-token`")
    });
    let jobs = jobs::count(&mut tx).await?;
    let verdict = if jobs.given_up > 0 { Verdict::Warning } else { Verdict::Ok };
    findings.push(finding("jobs", verdict, format!("{} waiting, {} given up", jobs.waiting, jobs.given_up)));
    findings.push(examine_log(app).await?);
    let mails::Queue { held, given_up, .. } = mails::count(&mut tx).await?;
    let verdict = if held + given_up > 0 { Verdict::Warning } else { Verdict::Ok };
    let smtp = if app.mailer.holds() { "no SMTP server is set" } else { "an SMTP server is set" };
    findings.push(finding("mail", verdict, format!("{smtp}; {held} held, {given_up} given up")));
    tx.commit().await?;
    Ok(())
}

/// Whether the previous secret key is still needed, and whether one is missing.
async fn examine_sealed(app: &App) -> anyhow::Result<Finding> {
    let census = sealed::census(app).await?;
    Ok(match (census.unknown, census.previous) {
        (0, 0) if app.sealer.has_previous() => {
            finding("sealing", Verdict::Ok, "all is sealed under the secret key; the previous one can be removed")
        }
        (0, 0) => finding("sealing", Verdict::Ok, "all is sealed under the secret key"),
        (0, previous) => {
            let detail = format!("{previous} values are sealed under the previous secret key: run `usher keys reseal`");
            finding("sealing", Verdict::Warning, detail)
        }
        (unknown, _) => {
            let detail = format!("{unknown} values are sealed under a secret key that is not configured, and can't be opened");
            finding("sealing", Verdict::Warning, detail)
        }
    })
}

/// Whether the sealer keeps up. Beside commands that were run alone nothing seals until a server or worker runs again.
async fn examine_log(app: &App) -> anyhow::Result<Finding> {
    let progress = log::progress(app).await?;
    let behind = progress.behind(app.clock.now());
    let verdict = if behind.as_secs() < 60 { Verdict::Ok } else { Verdict::Warning };
    let (sealed, waiting) = (progress.sealed, progress.waiting);
    let detail = match progress.waits_since {
        None => format!("{sealed} events are sealed, none waits"),
        Some(_) => format!("{sealed} events are sealed, {waiting} wait, the first for {} s", behind.as_secs()),
    };
    let hint = if verdict == Verdict::Ok { "" } else { ": is a server or worker running, or a transaction open for long?" };
    Ok(finding("audit", verdict, detail + hint))
}
