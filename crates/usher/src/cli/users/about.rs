//! What is known about one user beside what they are: their history, how they were, how signing in went, and why they may what they may.

use clap::Args;
use serde_json::Value;
use uuid::Uuid;

use super::super::{Outcome, boot, output, permissions, read_time};
use super::find;
use crate::app::App;
use crate::audit::{self, AuditEvent, Wanted};
use crate::caller::{Authority, UserStatus};
use crate::grants::{self, Held};
use crate::sign_in::{self, Attempt};
use crate::users::{self, User};

#[derive(Args)]
pub struct Past {
    /// Id, user name or address
    user: String,
    /// At most so many, up to 200
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=200))]
    limit: i64,
    /// Only what was before the event of this id, to see older ones
    #[arg(long, value_name = "ID")]
    before: Option<Uuid>,
}

#[derive(Args)]
pub struct Permissions {
    /// Id, user name or address
    user: String,
    /// Also say by which role and which groups
    #[arg(long)]
    explain: bool,
}

/// How a user was at this time.
pub async fn as_of(app: &App, who: &str, at: &str) -> Result<User, super::Failure> {
    let at = read_time("as-of", at)?;
    let mut tx = app.begin(&boot::operator(None)).await?;
    let user = find(&mut tx, who).await?;
    match users::as_of(&mut tx, user.id, at).await {
        Err(error) if error.code() == Some("not_found") => {
            let created = output::time(user.created_at);
            Err(anyhow::anyhow!("there was no user {} at {}: they were created at {created}", user.username, output::time(at))
                .into())
        }
        was => Ok(was?),
    }
}

pub async fn history(app: &App, past: Past, json: bool) -> Outcome {
    let mut tx = app.begin(&boot::operator(None)).await?;
    let user = find(&mut tx, &past.user).await?;
    let wanted = Wanted { target_id: Some(user.id.to_string()), before: past.before, limit: past.limit + 1, ..Wanted::default() };
    let mut events = audit::list(&mut tx, wanted).await?;
    tx.commit().await?;
    let older = cut(&mut events, past.limit);
    if json {
        return Ok(output::json(&events)?);
    }
    let row = |event: &AuditEvent| {
        let failure = if event.outcome == "success" { "" } else { " (failed)" };
        vec![
            output::time(event.occurred_at),
            format!("{}{failure}", event.action),
            by(event, &user),
            event.reason.clone().unwrap_or_default(),
            told(event),
        ]
    };
    let rows = events.iter().map(row).collect();
    output::table(&["when", "what", "by", "reason", "changed"], rows, "Nothing is known of that time.");
    say_older(older.then(|| events.last().map(|event| event.id)).flatten());
    Ok(())
}

/// Takes away what was only asked for to see whether there is more.
fn cut<T>(items: &mut Vec<T>, limit: i64) -> bool {
    let limit = usize::try_from(limit).unwrap_or_default();
    let more = items.len() > limit;
    items.truncate(limit);
    more
}

fn say_older(last: Option<Uuid>) {
    if let Some(last) = last {
        output::say(format!("(older ones: --before {last})"));
    }
}

fn by(event: &AuditEvent, user: &User) -> String {
    match event.actor_id {
        Some(id) if id == user.id.uuid() => "themselves".to_owned(),
        Some(id) => format!("{} {id}", event.actor_kind),
        None => event.actor_kind.clone(),
    }
}

/// A line for each field and each detail.
fn told(event: &AuditEvent) -> String {
    if event.erased {
        return "erased with a person who was purged".to_owned();
    }
    let fields = audit::fields(&event.changes);
    let mut lines: Vec<String> = fields.iter().map(|(name, before, after)| format!("{name}: {before} -> {after}")).collect();
    if let Value::Object(members) = &event.changes {
        let details = members.iter().filter(|(name, _)| !fields.iter().any(|(field, ..)| field == name));
        lines.extend(details.map(|(name, value)| format!("{name}: {value}")));
    }
    lines.join("\n")
}

pub async fn sign_ins(app: &App, past: Past, json: bool) -> Outcome {
    let mut tx = app.begin(&boot::operator(None)).await?;
    let user = find(&mut tx, &past.user).await?;
    let mut attempts = sign_in::list_attempts(&mut tx, user.id, past.before, past.limit + 1, false).await?;
    tx.commit().await?;
    let older = cut(&mut attempts, past.limit);
    if json {
        return Ok(output::json(&attempts)?);
    }
    let row = |attempt: &Attempt| {
        let decisions = attempt.decisions.iter().map(|decision| format!("{} {}", decision.about, decision.result));
        let locked = attempt.locked_until.map(|until| format!(" Locked until {}.", output::time(until))).unwrap_or_default();
        vec![
            output::time(attempt.at),
            attempt.refusal.clone().unwrap_or_else(|| "signed in".to_owned()),
            format!("{}{locked}", attempt.explanation),
            decisions.collect::<Vec<_>>().join(", ").replace('_', " "),
            attempt.address.clone().unwrap_or_default(),
            attempt.user_agent.clone().unwrap_or_default(),
        ]
    };
    let rows = attempts.iter().map(row).collect();
    let nobody = "Nobody tried to sign in as them in the last 30 days.";
    output::table(&["when", "outcome", "why", "decided", "from", "with"], rows, nobody);
    say_older(older.then(|| attempts.last().map(|attempt| attempt.id)).flatten());
    Ok(())
}

pub async fn list_permissions(app: &App, asked: Permissions, json: bool) -> Outcome {
    let mut tx = app.begin(&boot::operator(None)).await?;
    let user = find(&mut tx, &asked.user).await?;
    let held = grants::list_permissions(&mut tx, Authority::operator(), user.id, asked.explain).await?;
    tx.commit().await?;
    if json {
        return Ok(output::json(&held)?);
    }
    let nothing = format!("{} has no permissions.", user.username);
    if asked.explain {
        let rows = held.iter().flat_map(|held| {
            let through = held.through.iter().flatten();
            through.map(|through| [vec![held.permission.name().to_owned()], permissions::through(through)].concat())
        });
        output::table(&["permission", "by role", "through", "until"], rows.collect(), &nothing);
    } else {
        let row = |held: &Held| vec![held.permission.name().to_owned(), held.permission.description().to_owned()];
        output::table(&["permission", "allows"], held.iter().map(row).collect(), &nothing);
    }
    if user.status != UserStatus::Active && !held.is_empty() {
        output::say(format!("(their status is {}: while it is so, they may do nothing of this)", user.status.as_str()));
    }
    Ok(())
}
