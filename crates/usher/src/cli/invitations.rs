//! `usher invitation`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Failure, Outcome, boot, output};
use crate::app::App;
use crate::caller::Authority;
use crate::config::Config;
use crate::db::Tx;
use crate::db::page::Limit;
use crate::error::AppResult;
use crate::http::body;
use crate::id::InvitationId;
use crate::invitations::rows::Rows;
use crate::invitations::{self, Delivery, Invitation, Issued, NewInvitation, State, Wanted};

/// The largest file, in bytes.
const FILE_MAX: u64 = 64 * 1024 * 1024;

#[derive(Subcommand)]
pub enum Command {
    /// Invite somebody by mail, or by a link that is printed this once
    Create(Box<Create>),
    /// List invitations, newest first
    List(List),
    /// Show an invitation
    Show(Which),
    /// Send an invitation again, with a new link; those before stop working
    Resend(Which),
    /// Take an invitation back: its link opens nothing any more
    Revoke(Which),
    /// Invite everybody in a CSV file with the columns `email`, `display_name`, `roles` (with spaces between them) and `message`
    Import(Import),
}

#[derive(Args)]
pub struct Create {
    /// The e-mail address
    #[arg(long)]
    email: String,
    /// How to address them
    #[arg(long)]
    display_name: Option<String>,
    /// Plain text, shown to them
    #[arg(long)]
    message: Option<String>,
    /// May be given several times; `user` when left out
    #[arg(long = "role")]
    roles: Vec<String>,
    /// Where they go on when they have accepted
    #[arg(long, value_name = "URL")]
    forward_to: Option<String>,
    /// How long the link works; 7 when left out
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..=30))]
    days: Option<i64>,
    /// Send no mail and print the link; the address is verified when it was accepted
    #[arg(long)]
    link: bool,
    /// Why; kept in the audit trail
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Args)]
pub struct List {
    /// waiting, expired, accepted or revoked
    #[arg(long)]
    state: Option<String>,
    /// A part of the address
    #[arg(long)]
    q: Option<String>,
    /// At most so many, up to 200
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=200))]
    limit: u16,
}

#[derive(Args)]
pub struct Which {
    /// The invitation's id
    id: InvitationId,
    /// Why; kept in the audit trail
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Args)]
pub struct Import {
    /// The file
    file: PathBuf,
    /// Why; kept in the audit trail
    #[arg(long)]
    reason: Option<String>,
}

/// What became of a row.
#[derive(Serialize)]
struct Told {
    line: u64,
    email: String,
    id: Option<InvitationId>,
    error: Option<String>,
}

pub async fn run(config: Config, command: Command, json: bool) -> Outcome {
    let running = boot::ready(config).await?;
    let outcome = act(&running.app, command, json).await;
    running.stop().await;
    outcome
}

async fn act(app: &App, command: Command, json: bool) -> Outcome {
    match command {
        Command::Create(wish) => show_issued(&create(app, *wish).await?, json),
        Command::List(wish) => list(app, wish, json).await,
        Command::Show(which) => {
            let (_, invitation) = lock(app, which).await?;
            show(&invitation, json)
        }
        Command::Resend(which) => {
            let (mut tx, before) = lock(app, which).await?;
            let issued = invitations::resend(app, &mut tx, &before).await?;
            tx.commit().await?;
            show_issued(&issued, json)
        }
        Command::Revoke(which) => {
            let (mut tx, before) = lock(app, which).await?;
            invitations::revoke(&mut tx, &before).await?;
            let invitation = invitations::read(&mut tx, before.id).await?;
            tx.commit().await?;
            show(&invitation, json)
        }
        Command::Import(import) => import_file(app, import, json).await,
    }
}

async fn create(app: &App, wish: Create) -> Result<Issued, Failure> {
    let mut members = Map::new();
    let mut put = |name: &str, value: Option<Value>| members.extend(value.map(|value| (name.to_owned(), value)));
    put("email", Some(wish.email.into()));
    put("display_name", wish.display_name.map(Value::from));
    put("message", wish.message.map(Value::from));
    put("roles", (!wish.roles.is_empty()).then(|| wish.roles.into()));
    put("forward_to", wish.forward_to.map(Value::from));
    put("expires_in_days", wish.days.map(Value::from));
    put("delivery", wish.link.then(|| "link".into()));
    let new: NewInvitation = body::from_value(Value::Object(members)).map_err(Failure::usage)?;
    let mut tx = app.begin(&boot::operator(wish.reason)).await?;
    let issued = invitations::create(app, &mut tx, Authority::operator(), &new).await?;
    tx.commit().await?;
    Ok(issued)
}

async fn lock(app: &App, which: Which) -> AppResult<(Tx, Invitation)> {
    let mut tx = app.begin(&boot::operator(which.reason)).await?;
    let invitation = invitations::lock(&mut tx, Authority::operator(), which.id).await?;
    Ok((tx, invitation))
}

async fn list(app: &App, wish: List, json: bool) -> Outcome {
    let unknown = || Failure::usage("--state is one of waiting, expired, accepted, revoked");
    let state = wish.state.as_deref().map(|text| State::parse(text).ok_or_else(unknown)).transpose()?;
    let limit = Limit::new(wish.limit).unwrap_or_default();
    let mut tx = app.begin(&boot::operator(None)).await?;
    let page = invitations::list(&mut tx, &Wanted { limit, state, q: wish.q, ..Wanted::default() }).await?;
    tx.commit().await?;
    if json {
        return Ok(output::json(&page.items)?);
    }
    let row = |invitation: &Invitation| {
        vec![
            invitation.id.to_string(),
            invitation.email.clone(),
            invitation.state.as_str().to_owned(),
            invitation.roles.join(" "),
            inviter(invitation),
            output::time_or(invitation.sent_at, "-"),
            output::time(invitation.expires_at),
        ]
    };
    let header = ["id", "address", "state", "roles", "invited by", "sent", "works until"];
    output::table(&header, page.items.iter().map(row).collect(), "There are no such invitations.");
    if page.next.is_some() {
        output::say(format!("(the newest {}; narrow the list with --q or --state)", page.items.len()));
    }
    Ok(())
}

/// Rows that can't be invited leave the others as they are, and are told with their line.
async fn import_file(app: &App, import: Import, json: bool) -> Outcome {
    let text = read(&import.file)?;
    let unreadable = |why: &str| Failure::usage(format!("{}: {why}", import.file.display()));
    let Rows { heading, rows } = invitations::rows::read(&text).map_err(|why| unreadable(&why.to_string()))?;
    if heading.is_none() {
        return Err(unreadable("has no column email"));
    }
    let mut told = Vec::with_capacity(rows.len());
    for some in rows.chunks(invitations::AT_ONCE_MAX) {
        let mut tx = app.begin(&boot::operator(import.reason.clone())).await?;
        let new = some.iter().map(|row| body::from_value(Value::Object(row.members.clone()))).collect();
        let judged = invitations::create_many(app, &mut tx, Authority::operator(), new).await?;
        tx.commit().await?;
        for (row, judged) in some.iter().zip(judged) {
            let email = row.members.get("email").and_then(Value::as_str).unwrap_or_default().to_owned();
            let error = judged.as_ref().err().map(|why| crate::error::AppError::Rejected(why.clone()).to_string());
            told.push(Told { line: row.line, email, id: judged.ok(), error });
        }
    }
    report(&told, json)
}

fn report(told: &[Told], json: bool) -> Outcome {
    let refused: Vec<&Told> = told.iter().filter(|row| row.error.is_some()).collect();
    let invited = told.len() - refused.len();
    if json {
        output::json(&json!({ "created": invited, "refused": refused.len(), "items": told }))?;
    } else {
        for row in &refused {
            let why = row.error.as_deref().unwrap_or_default().replace('\n', "; ");
            output::say(format!("line {}: {}: {why}", row.line, row.email));
        }
        output::say(format!("{invited} invited, {} not.", refused.len()));
    }
    if refused.is_empty() {
        return Ok(());
    }
    let message =
        "not everybody could be invited; mend these rows and import them again: who is invited already is left as they are";
    Err(anyhow::anyhow!(message).into())
}

fn read(file: &Path) -> Result<String, Failure> {
    let unreadable = |why: String| Failure::usage(format!("{}: {why}", file.display()));
    let size = std::fs::metadata(file).map_err(|error| unreadable(error.to_string()))?.len();
    if size > FILE_MAX {
        return Err(unreadable(format!("is larger than {FILE_MAX} bytes; split it")));
    }
    std::fs::read_to_string(file).map_err(|error| unreadable(error.to_string()))
}

fn show_issued(issued: &Issued, json: bool) -> Outcome {
    if json {
        return Ok(output::json(issued)?);
    }
    show(&issued.invitation, false)?;
    match &issued.link {
        Some(link) => output::say(format!("The link is shown this once, and is for {} alone:\n{link}", issued.invitation.email)),
        None => output::say("A mail with the link is on its way."),
    }
    Ok(())
}

fn inviter(invitation: &Invitation) -> String {
    let by = &invitation.invited_by;
    match (by.kind.as_str(), &by.name) {
        ("cli", _) => "the operator".to_owned(),
        (_, Some(name)) => name.clone(),
        (_, None) => "somebody who is gone".to_owned(),
    }
}

fn show(invitation: &Invitation, json: bool) -> Outcome {
    if json {
        return Ok(output::json(invitation)?);
    }
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    output::fields(&[
        ("id", invitation.id.to_string()),
        ("address", invitation.email.clone()),
        ("name", or_dash(&invitation.display_name)),
        ("state", invitation.state.as_str().to_owned()),
        ("roles", invitation.roles.join(" ")),
        ("invited by", inviter(invitation)),
        ("delivery", if invitation.delivery == Delivery::Mail { "by mail" } else { "by a link" }.to_owned()),
        ("forward to", or_dash(&invitation.forward_to)),
        ("sent", format!("{} ({} times)", output::time_or(invitation.sent_at, "-"), invitation.times_sent)),
        ("opened", output::time_or(invitation.opened_at, "-")),
        ("accepted", output::time_or(invitation.accepted_at, "-")),
        ("by user", invitation.accepted_by.map_or_else(|| "-".to_owned(), |id| id.to_string())),
        ("revoked", output::time_or(invitation.revoked_at, "-")),
        ("works until", output::time(invitation.expires_at)),
    ]);
    Ok(())
}
