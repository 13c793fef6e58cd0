//! `usher change`.

use clap::{Args, Subcommand};
use uuid::Uuid;

use super::{Failure, Outcome, boot, bulk, output, read_moment};
use crate::app::App;
use crate::audit::{self, AuditEvent, Wanted};
use crate::bulk::undo_change;
use crate::caller::Authority;
use crate::changes;
use crate::config::Config;

#[derive(Subcommand)]
pub enum Command {
    /// List administrative changes, newest first
    List(List),
    /// Show a change, field by field
    Show(Which),
    /// Change back what nobody has changed since
    Undo(Undo),
}

#[derive(Args)]
pub struct List {
    /// Only changes by this user or service account
    #[arg(long)]
    actor: Option<Uuid>,
    /// Only this action, such as user.suspended
    #[arg(long)]
    action: Option<String>,
    /// Only what was changed on this day (of UTC) or later, such as 2026-01-31, or from a time on, such as 2026-01-31T03:04:05Z
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only what was changed up to the end of this day (of UTC), or before a time
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// At most so many, up to 200
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=200))]
    limit: i64,
}

#[derive(Args)]
pub struct Which {
    /// The change's id
    id: Uuid,
}

#[derive(Args)]
pub struct Undo {
    /// The change's id
    id: Uuid,
    /// Only say what would come of it
    #[arg(long)]
    dry_run: bool,
    /// Change back what nobody has changed since, and leave the rest
    #[arg(long)]
    skip_conflicts: bool,
    /// Why; kept in the audit trail
    #[arg(long)]
    reason: Option<String>,
}

pub async fn run(config: Config, command: Command, json: bool) -> Outcome {
    let running = boot::ready(config).await?;
    let outcome = match command {
        Command::List(wanted) => list(&running.app, wanted, json).await,
        Command::Show(Which { id }) => show(&running.app, id, json).await,
        Command::Undo(command) => undo(&running.app, command, json).await,
    };
    running.stop().await;
    outcome
}

async fn list(app: &App, list: List, json: bool) -> Outcome {
    let wanted = wanted(list)?;
    let mut tx = app.begin(&boot::operator(None)).await?;
    let heads = audit::list(&mut tx, wanted).await?;
    tx.commit().await?;
    if json {
        return Ok(output::json(&heads)?);
    }
    let row = |head: &AuditEvent| {
        vec![
            head.id.to_string(),
            output::time(head.occurred_at),
            head.action.clone(),
            head.target_id.clone().unwrap_or_default(),
            head.actor_id.map_or_else(|| head.actor_kind.clone(), |id| id.to_string()),
            head.reason.clone().unwrap_or_default(),
        ]
    };
    let columns = ["id", "when", "action", "what", "by", "reason"];
    output::table(&columns, heads.iter().map(row).collect(), "There are no such changes.");
    Ok(())
}

fn wanted(list: List) -> Result<Wanted, Failure> {
    let List { actor, action, from, to, limit } = list;
    let from = from.map(|from| read_moment("from", &from)).transpose()?.map(|(start, _)| start);
    let until = to.map(|to| read_moment("to", &to)).transpose()?.map(|(_, end)| end);
    Ok(Wanted { actor_id: actor, action, heads: true, from, until, limit, ..Wanted::default() })
}

async fn show(app: &App, id: Uuid, json: bool) -> Outcome {
    let mut tx = app.begin(&boot::operator(None)).await?;
    let head = changes::find_head(&mut tx, id).await?;
    let members = changes::list_members(&mut tx, id, None, 20).await?;
    tx.commit().await?;
    if json {
        return Ok(output::json(&head)?);
    }
    output::fields(&[
        ("id", head.id.to_string()),
        ("when", output::time(head.occurred_at)),
        ("action", head.action.clone()),
        ("what", format!("{} {}", head.target_kind.as_deref().unwrap_or("-"), head.target_id.as_deref().unwrap_or_default())),
        ("by", head.actor_id.map_or_else(|| head.actor_kind.clone(), |id| format!("{} {id}", head.actor_kind))),
        ("reason", head.reason.clone().unwrap_or_else(|| "-".to_owned())),
    ]);
    let of = |event: &AuditEvent| -> Vec<Vec<String>> {
        let target = event.target_id.clone().unwrap_or_default();
        let field = |(name, before, after): (&str, &serde_json::Value, &serde_json::Value)| {
            vec![target.clone(), name.to_owned(), before.to_string(), after.to_string()]
        };
        audit::fields(&event.changes).into_iter().map(field).collect()
    };
    let rows: Vec<Vec<String>> = std::iter::once(&head).chain(&members).flat_map(of).collect();
    if !rows.is_empty() {
        output::say("");
        output::table(&["what", "field", "before", "after"], rows, "");
    }
    if members.len() == 20 {
        output::say(format!("(the newest 20; GET /v1/changes/{id}/members has all)"));
    }
    Ok(())
}

async fn undo(app: &App, command: Undo, json: bool) -> Outcome {
    let Undo { id, dry_run, skip_conflicts, reason } = command;
    let mut tx = app.begin(&boot::operator(reason)).await?;
    let undoing = undo_change(app, &mut tx, Authority::operator(), id, skip_conflicts).await?;
    let stands = dry_run || (!undoing.conflicts.is_empty() && !skip_conflicts);
    if stands {
        drop(tx);
    } else {
        tx.commit().await?;
    }
    if let (Some(run), false) = (&undoing.run, stands) {
        return bulk::finish(app, run.id, json).await;
    }
    if json {
        output::json(&undoing)?;
    } else {
        for conflict in &undoing.conflicts {
            let whose = conflict.user_id.map(|id| format!("user {id}: ")).unwrap_or_default();
            output::say(format!("{whose}{} is now {}: {}", conflict.field, conflict.now, conflict.detail));
        }
        match &undoing.run {
            Some(run) => output::say(format!(
                "A run would look at {} changes, undo them, and leave out users who were changed since. Nothing was done.",
                run.total
            )),
            None if stands => output::say(format!(
                "would be changed back: {}, so already: {}, conflicts: {}. Nothing was done.",
                undoing.undone,
                undoing.unchanged,
                undoing.conflicts.len()
            )),
            None => output::say(format!("changed back: {}, so already: {}", undoing.undone, undoing.unchanged)),
        }
    }
    if stands && !dry_run {
        return Err(Failure::from(anyhow::anyhow!(
            "nothing was changed back; --skip-conflicts leaves out what was changed since"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_day_is_counted_too_and_a_time_is_not() {
        let bounds = |from: &str, to: &str| {
            let list = List { actor: None, action: None, from: Some(from.to_owned()), to: Some(to.to_owned()), limit: 1 };
            let wanted = wanted(list).ok().unwrap();
            (wanted.from.unwrap().to_string(), wanted.until.unwrap().to_string())
        };
        let day = ("2026-01-31T00:00:00Z".to_owned(), "2026-02-01T00:00:00Z".to_owned());
        assert_eq!(bounds("2026-01-31", "2026-01-31"), day);
        assert_eq!(bounds("2026-01-31T01:00:00+01:00", "2026-02-01T00:00:00Z"), day);
        let list = List { actor: None, action: None, from: None, to: Some("soon".to_owned()), limit: 1 };
        assert!(wanted(list).is_err());
    }
}
