//! The turn of a rule: whom it is about today, and the run that does it.

use jiff::ToSpan;
use jiff::civil::Date;
use uuid::Uuid;

use crate::activity;
use crate::app::App;
use crate::audit::{self, Event};
use crate::bulk::{self, Action, Consequence, Inactive, Selection};
use crate::caller::Authority;
use crate::db::{Actor, Tx};
use crate::error::{AppError, AppResult, Rejection};
use crate::id::InactivityRuleId;
use crate::inactivity_rules::{self, Rule, RuleAction};
use crate::mails::Ending;

/// What a turn came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It was not its turn: it is disabled, had its turn today, or its last run has not ended.
    Not,
    /// There is nobody to do it to.
    Nobody,
    Begun(Uuid),
    Failed,
}

/// Freezes whom the rule is about now, as far as the caller may act on them. Returns what is done, the run and the token to begin it with.
pub async fn preview(tx: &mut Tx, by: Authority, rule: &Rule) -> AppResult<(Action, (Uuid, String))> {
    let reason = tx.origin().reason.clone();
    tx.act_because(reason.or_else(|| Some(format!("Inactivity rule \"{}\"", rule.name))));
    bulk::note_warnings_sent(tx).await?;
    let by = by.within(rule.permission_set());
    let action = action(tx, rule).await?;
    let ago = |days: i32| today(tx).saturating_sub(days.days());
    let who = Inactive {
        before: ago(rule.after_days),
        filter: rule.filter.clone(),
        exempt: rule.exempt.clone(),
        warned_before: rule.warned_days.map(ago),
    };
    let previewed = bulk::preview(tx, by, &action, &Selection::Inactive(who)).await?;
    Ok((action, previewed))
}

/// Gives the rule its turn of today, if it has one: one for each day, however many ask.
pub async fn apply(app: &App, id: InactivityRuleId) -> AppResult<Turn> {
    let mut tx = app.begin_as(Actor::System).await?;
    let today = today(&tx);
    if !inactivity_rules::take_turn(&mut tx, id, today).await? {
        return Ok(Turn::Not);
    }
    let rule = inactivity_rules::read(&mut tx, id).await?;
    tx.execute("savepoint turn", &[]).await?;
    let begun = begin(&mut tx, &rule).await;
    if !matches!(begun, Ok(Some(_))) {
        tx.execute("rollback to savepoint turn", &[]).await?;
    }
    let turn = match begun {
        Ok(Some(run)) => {
            inactivity_rules::note_run(&mut tx, id, run).await?;
            Turn::Begun(run)
        }
        Ok(None) => Turn::Nobody,
        Err(AppError::Rejected(rejection)) => {
            fail(&mut tx, id, *rejection).await?;
            Turn::Failed
        }
        Err(error) => return Err(error),
    };
    tx.commit().await?;
    Ok(turn)
}

/// `None` when there is nobody to do it to.
async fn begin(tx: &mut Tx, rule: &Rule) -> AppResult<Option<Uuid>> {
    let by = Authority::without_session(rule.permission_set(), None);
    let (_, (id, token)) = preview(tx, by, rule).await?;
    if bulk::read(tx, id).await?.counts.to_do == 0 {
        return Ok(None);
    }
    bulk::begin(tx, by, id, &token).await?;
    Ok(Some(id))
}

/// Such as a filter that asks for an attribute which the schema does not have any more. Tomorrow it is tried again.
async fn fail(tx: &mut Tx, id: InactivityRuleId, rejection: Rejection) -> AppResult<()> {
    let why = AppError::from(rejection).to_string();
    tracing::warn!(rule = %id, why, "a rule on inactivity began no run: see `usher inactivity list`");
    inactivity_rules::note_error(tx, id, &why).await?;
    let event = Event::failure("inactivity_rule.applied").on("inactivity_rule", id).detail("why", why);
    audit::record(tx, event).await?;
    Ok(())
}

async fn action(tx: &mut Tx, rule: &Rule) -> AppResult<Action> {
    Ok(match rule.action {
        RuleAction::Suspend => Action::Suspend,
        RuleAction::Delete => Action::Delete,
        RuleAction::Warn => {
            let rules = inactivity_rules::list(tx).await?;
            Action::WarnInactive { rule: rule.id.uuid(), then: consequences(rule, &rules) }
        }
    })
}

/// What is sure to come of staying away: by the enabled rules that are about everybody whom this one is about.
fn consequences(warning: &Rule, rules: &[Rule]) -> Vec<Consequence> {
    let covers = |rule: &&Rule| {
        rule.enabled
            && (rule.filter.is_none() || rule.filter == warning.filter)
            && (rule.exempt.is_none() || rule.exempt == warning.exempt)
    };
    let consequence = |rule: &Rule| {
        let ending = match rule.action {
            RuleAction::Warn => return None,
            RuleAction::Suspend => Ending::Suspended,
            RuleAction::Delete => Ending::Deleted,
        };
        Some(Consequence { ending, after_days: rule.after_days, warned_days: rule.warned_days })
    };
    rules.iter().filter(covers).filter_map(consequence).collect()
}

fn today(tx: &Tx) -> Date {
    activity::day_of(tx.now())
}
