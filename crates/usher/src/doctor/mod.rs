//! What an operator would look at first: `usher doctor`, `GET /v1/checks` and a page of the console. A check looks and changes nothing.

mod api;
mod database;
pub mod sealed;

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::timeout;

pub use api::router;

use crate::app::App;
use crate::audit::log;
use crate::config::{Problem, Report};
use crate::db::Actor;
use crate::db::migrations::{self, Standing};
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
    pub advice: Option<&'static str>,
}

/// What helps with which check.
const ADVICE: [(&str, &str); 17] = [
    ("configuration", "Change the setting where it comes from, then restart every process."),
    ("database", "See that PostgreSQL answers, and that its release is one that is supported."),
    ("clock", "Have both clocks set by NTP: how long tokens and links are good is counted by them."),
    ("migrations", "Run `usher migrate` of the newest release, and replace the processes of older ones."),
    ("replica", "See whether the replica runs and replays. Until then the database itself answers."),
    ("search", "Have the owner of the database run `create extension pg_trgm`."),
    ("bloat", "Let autovacuum come to these tables more often, or run `vacuum` on them."),
    ("indexes", "Build what is missing or invalid anew, as docs/operations.md says."),
    ("transactions", "See what these sessions do, and end those that were forgotten."),
    ("replication slots", "Drop a slot that nobody needs, before it fills the disk."),
    ("partitions", "See that a server or worker runs: its daily job makes them."),
    ("keys", "Give the secret key they were made with as USHER_SECRET_KEY, or as USHER_SECRET_KEY_PREVIOUS."),
    ("sealing", "Run `usher keys reseal`, with every secret key configured that something is sealed under."),
    ("administrator", "Make the first one with the token that `usher setup-token` prints."),
    ("jobs", "Look in the log for why they failed. The table `jobs` has them until they are deleted."),
    ("audit", "See that a server or worker runs, and that no transaction stays open for long."),
    ("mail", "See why they were not sent, set USHER_SMTP_URL if there is no mail server, then send them again."),
];

fn finding(check: &'static str, verdict: Verdict, detail: impl Into<String>) -> Finding {
    let known = ADVICE.into_iter().find(|(name, _)| *name == check);
    let advice = known.map(|(_, advice)| advice).filter(|_| verdict != Verdict::Ok);
    Finding { check, verdict, detail: detail.into(), advice }
}

/// What there is to say of settings that could be read.
pub fn examine_settings(report: &Report) -> Vec<Finding> {
    let mut findings = vec![finding("configuration", Verdict::Ok, "every setting is good")];
    let unwise =
        |warning: &Problem| finding("configuration", Verdict::Warning, format!("{}: {}", warning.variable, warning.message));
    findings.extend(report.warnings.iter().map(unwise));
    findings
}

/// That there is no database to look at.
pub fn no_database(error: &anyhow::Error) -> Finding {
    finding("database", Verdict::Failed, format!("{error:#}"))
}

/// All checks of a process that has connected. What was found before it took too long is there.
pub async fn examine(app: &App) -> Vec<Finding> {
    let mut findings = examine_settings(&app.config.report);
    let examined = timeout(WITHIN, examine_database(app, &mut findings)).await;
    match examined {
        Ok(Ok(())) => {}
        Ok(Err(error)) => findings.push(no_database(&error)),
        Err(_) => {
            let detail =
                format!("the checks were given up after {} s; those that are missing here were not done", WITHIN.as_secs());
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
    let mut tx = app.begin_as(Actor::System).await?;
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
