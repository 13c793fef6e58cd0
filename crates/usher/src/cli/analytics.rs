//! `usher analytics`.

use clap::Args;
use jiff::civil::Date;

use super::{Failure, Outcome, boot, output};
use crate::activity;
use crate::analytics::{self, Analytics, By, Range};
use crate::app::{App, Ask};
use crate::config::Config;
use crate::error::AppError;

#[derive(Args)]
pub struct Command {
    /// The first day (of UTC), such as 2026-01-31; 30 days, 26 weeks or a year back when left out
    #[arg(long, value_name = "DAY")]
    from: Option<Date>,
    /// The last day, counted too; today when left out
    #[arg(long, value_name = "DAY")]
    to: Option<Date>,
    /// day, week (from Monday) or month
    #[arg(long, default_value = "day")]
    by: String,
}

pub async fn run(config: Config, command: Command, json: bool) -> Outcome {
    let by = By::parse(&command.by).ok_or_else(|| Failure::usage("--by must be day, week or month"))?;
    let running = boot::ready(config).await?;
    let outcome = count(&running.app, &command, by, json).await;
    running.stop().await;
    outcome
}

async fn count(app: &App, command: &Command, by: By, json: bool) -> Outcome {
    let today = activity::day_of(app.clock.now());
    let range = Range::read(today, command.from, command.to, by).map_err(|why| Failure::usage(AppError::from(why)))?;
    let ask: Ask<Range, _> = |tx, range| Box::pin(analytics::count(tx, range));
    let counted = app.read_list(&boot::operator(None), &range, ask).await?;
    if json {
        return Ok(output::json(&counted)?);
    }
    show(&counted);
    Ok(())
}

fn show(counted: &Analytics) {
    let row = |period: &analytics::Period| {
        vec![
            period.from.to_string(),
            period.to.to_string(),
            period.sign_ups.to_string(),
            period.active_users.to_string(),
            period.sign_ins.succeeded.to_string(),
            period.sign_ins.failed.to_string(),
            period.invitations.created.to_string(),
            period.invitations.accepted.to_string(),
        ]
    };
    let header = ["from", "to", "sign-ups", "active", "signed in", "failed", "invited", "accepted"];
    output::table(&header, counted.periods.iter().map(row).collect(), "There are no periods.");
    output::say("");
    let since = counted.inactive.since.iter().map(|since| vec![since.days.to_string(), since.users.to_string()]).collect();
    output::table(&["inactive for days", &format!("of {} users", counted.inactive.users)], since, "");
    output::say("");
    let bound = counted.second_factors;
    let factors = [("an app", bound.app), ("a passkey", bound.passkey), ("either", bound.any)];
    let factors = factors.map(|(name, users)| vec![name.to_owned(), users.to_string()]).to_vec();
    output::table(&["second factor", &format!("of {} users", counted.inactive.users)], factors, "");
    output::say("");
    let cohort = |cohort: &analytics::Cohort| {
        let active: Vec<String> = cohort.active.iter().map(ToString::to_string).collect();
        vec![cohort.month.strftime("%Y-%m").to_string(), cohort.sign_ups.to_string(), active.join(" ")]
    };
    let header = ["signed up in", "users", "active in that month and those after it"];
    output::table(&header, counted.cohorts.iter().map(cohort).collect(), "");
}
