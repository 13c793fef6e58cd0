//! `usher inactivity`.

use clap::{Args, Subcommand, ValueEnum};

use super::bulk::How;
use super::{Failure, Outcome, boot, bulk, output};
use crate::app::App;
use crate::caller::Authority;
use crate::config::Config;
use crate::db::Tx;
use crate::inactivity::{self, Rule, RuleAction, Terms};
use crate::users::Name;

#[derive(Subcommand)]
pub enum Command {
    /// List the rules
    List,
    /// Make a rule, or change what is said of one; it does nothing until it is enabled
    Set(Box<Set>),
    /// Show what a rule would do today; nothing is done
    Preview {
        /// The rule's name
        name: String,
    },
    /// Show what a rule would do today, ask, and do it, whether it is enabled or not
    Run {
        /// The rule's name
        name: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// Why; kept in the audit trail
        #[arg(long)]
        reason: Option<String>,
    },
    /// Delete a rule
    Remove {
        /// The rule's name
        name: String,
        /// Why; kept in the audit trail
        #[arg(long)]
        reason: Option<String>,
    },
}

#[derive(Args)]
pub struct Set {
    /// The rule's name
    name: String,
    #[arg(long, value_enum)]
    action: Option<ActionName>,
    /// Since so many whole days they must not have been active
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i32).range(1..=3650))]
    after_days: Option<i32>,
    /// Whom it is about: a filter such as 'roles eq "user"'; an empty one is everybody
    #[arg(long)]
    filter: Option<String>,
    /// Whom it is not about: a filter; an empty one is nobody
    #[arg(long, value_name = "FILTER")]
    exempt: Option<String>,
    /// Only who was warned so many days ago and was not active since; delete needs it
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i32).range(1..=365))]
    warned_days: Option<i32>,
    /// Let it do what it says, every day
    #[arg(long, conflicts_with = "disable")]
    enable: bool,
    #[arg(long)]
    disable: bool,
    /// Why; kept in the audit trail
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum ActionName {
    Warn,
    Suspend,
    Delete,
}

impl From<ActionName> for RuleAction {
    fn from(name: ActionName) -> Self {
        match name {
            ActionName::Warn => Self::Warn,
            ActionName::Suspend => Self::Suspend,
            ActionName::Delete => Self::Delete,
        }
    }
}

pub async fn run(config: Config, command: Command, json: bool) -> Outcome {
    let running = boot::ready(config).await?;
    let outcome = Box::pin(act(&running.app, command, json)).await;
    running.stop().await;
    outcome
}

async fn act(app: &App, command: Command, json: bool) -> Outcome {
    match command {
        Command::List => list(app, json).await,
        Command::Set(wish) => show(&set(app, *wish).await?, json),
        Command::Preview { name } => carry_out(app, &name, None, How { dry_run: true, yes: false, json }).await,
        Command::Run { name, yes, reason } => carry_out(app, &name, reason, How { dry_run: false, yes, json }).await,
        Command::Remove { name, reason } => {
            let (mut tx, rule) = lock(app, &name, reason).await?;
            inactivity::delete(&mut tx, &rule).await?;
            tx.commit().await?;
            output::say(format!("The rule {} is gone.", rule.name));
            Ok(())
        }
    }
}

async fn set(app: &App, wish: Set) -> Result<Rule, Failure> {
    let name = Name::parse(&wish.name).map_err(|why| Failure::usage(format!("the name {why}")))?.0;
    let by = Authority::operator();
    let mut tx = app.begin(&boot::operator(wish.reason.clone())).await?;
    let rule = if let Some(id) = inactivity::find_by_name(&mut tx, &name).await? {
        let before = inactivity::lock(&mut tx, by, id).await?;
        let terms = wished(Terms::of(&before), &wish);
        inactivity::update(&mut tx, by, &before, terms).await?
    } else {
        let (Some(action), Some(after_days)) = (wish.action, wish.after_days) else {
            return Err(Failure::usage(format!("there is no rule {name}; a new one needs --action and --after-days")));
        };
        let action = action.into();
        let terms = Terms { name, action, after_days, filter: None, exempt: None, warned_days: None, enabled: false };
        inactivity::create(&mut tx, by, wished(terms, &wish)).await?
    };
    tx.commit().await?;
    Ok(rule)
}

/// What is left out stays.
fn wished(terms: Terms, wish: &Set) -> Terms {
    let filter = |wish: &Option<String>, present: Option<String>| match wish.as_deref().map(str::trim) {
        None => present,
        Some("") => None,
        Some(text) => Some(text.to_owned()),
    };
    let action = wish.action.map_or(terms.action, RuleAction::from);
    // A rule that comes to warn waits for no warning any more.
    let kept = terms.warned_days.filter(|_| action != RuleAction::Warn);
    Terms {
        action,
        after_days: wish.after_days.unwrap_or(terms.after_days),
        filter: filter(&wish.filter, terms.filter),
        exempt: filter(&wish.exempt, terms.exempt),
        warned_days: wish.warned_days.or(kept),
        enabled: (terms.enabled || wish.enable) && !wish.disable,
        name: terms.name,
    }
}

async fn carry_out(app: &App, name: &str, reason: Option<String>, how: How) -> Outcome {
    let (mut tx, rule) = lock(app, name, reason).await?;
    let (action, previewed) = inactivity::preview(&mut tx, Authority::operator(), &rule).await?;
    bulk::carry_out(app, tx, &action, previewed, how).await
}

async fn lock(app: &App, name: &str, reason: Option<String>) -> Result<(Tx, Rule), Failure> {
    let mut tx = app.begin(&boot::operator(reason)).await?;
    let Some(id) = inactivity::find_by_name(&mut tx, name).await? else {
        return Err(anyhow::anyhow!("there is no rule {name}: see `usher inactivity list`").into());
    };
    let rule = inactivity::lock(&mut tx, Authority::operator(), id).await?;
    Ok((tx, rule))
}

async fn list(app: &App, json: bool) -> Outcome {
    let mut tx = app.begin(&boot::operator(None)).await?;
    let rules = inactivity::list(&mut tx).await?;
    tx.commit().await?;
    if json {
        return Ok(output::json(&rules)?);
    }
    let row = |rule: &Rule| {
        vec![
            rule.name.clone(),
            rule.action.as_str().to_owned(),
            rule.after_days.to_string(),
            rule.warned_days.map_or_else(|| "-".to_owned(), |days| days.to_string()),
            if rule.enabled { "enabled" } else { "disabled" }.to_owned(),
            last_run(rule),
        ]
    };
    let header = ["name", "action", "after days", "warned days", "state", "last turn"];
    output::table(&header, rules.iter().map(row).collect(), "There are no rules.");
    Ok(())
}

/// When it had its turn, and why nothing came of it if something should have.
fn last_run(rule: &Rule) -> String {
    let on = rule.last_run_on.map_or_else(|| "-".to_owned(), |day| day.to_string());
    rule.last_error.as_ref().map_or_else(|| on.clone(), |error| format!("{on}: {error}"))
}

fn show(rule: &Rule, json: bool) -> Outcome {
    if json {
        return Ok(output::json(rule)?);
    }
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    output::fields(&[
        ("id", rule.id.to_string()),
        ("name", rule.name.clone()),
        ("action", rule.action.as_str().to_owned()),
        ("after days", rule.after_days.to_string()),
        ("filter", or_dash(rule.filter.clone())),
        ("exempt", or_dash(rule.exempt.clone())),
        ("warned days", or_dash(rule.warned_days.map(|days| days.to_string()))),
        ("state", if rule.enabled { "enabled" } else { "disabled" }.to_owned()),
        ("last turn", last_run(rule)),
        ("last run", or_dash(rule.last_run_id.map(|id| id.to_string()))),
    ]);
    if !rule.enabled {
        output::say(format!("It does nothing by itself yet. To see what it would do: usher inactivity preview '{}'", rule.name));
    }
    Ok(())
}
