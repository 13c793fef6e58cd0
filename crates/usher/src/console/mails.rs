//! The queue of mails: what waits, what was given up and why, and sending it again. What is in a mail is shown nowhere.

use axum::extract::State;
use axum::response::Response;
use fluent_bundle::FluentArgs;
use minijinja::context;
use minijinja::value::Serde;
use serde::{Deserialize, Serialize};

use super::acts::as_fault;
use super::parameters::{Parameters, address};
use super::question::Question;
use super::staff::{Staff, StaffForm};
use super::words;
use crate::app::{App, Ask};
use crate::caller::{Authority, Permission};
use crate::db::page::Limit;
use crate::error::AppResult;
use crate::html::{self, Faults, Notice, see_other};
use crate::http::params::Path;
use crate::id::MailId;
use crate::languages::now;
use crate::mails;
use crate::mails::outbox::{self, Counts, Envelope, Status};

const HERE: &str = "/admin/mails";
const RETRY_ALL: &str = "/admin/mails/retry";
const LIST_PAGE: &str = "console/mails.html";
const PAGE: &str = "console/mail.html";

#[derive(Deserialize)]
pub struct MailPath {
    id: MailId,
}

fn way(id: MailId) -> String {
    format!("{HERE}/{id}")
}

/// How many mails are so far, and the way to them.
#[derive(Serialize)]
struct Tile {
    name: String,
    count: i64,
    alarming: bool,
    way: String,
    is_chosen: bool,
}

fn tiles(counts: Counts, chosen: Option<Status>) -> Vec<Tile> {
    let now = now();
    let tile = |name: String, count, status: Status| Tile {
        name,
        count,
        alarming: count > 0 && matches!(status, Status::Held | Status::Failed),
        way: address(HERE, [("status", status.as_str())]),
        is_chosen: chosen == Some(status),
    };
    vec![
        tile(now.word("mail-status-queued"), counts.waiting, Status::Queued),
        tile(now.word("mails-tile-held"), counts.held, Status::Held),
        tile(now.word("mail-status-failed"), counts.given_up, Status::Failed),
        tile(now.word("mails-tile-sent"), counts.sent_lately, Status::Sent),
    ]
}

/// What a mail is called by its kind.
pub fn title(kind: &str) -> String {
    words::of("mail-title-", kind)
}

/// A mail with its kind as words.
#[derive(Serialize)]
pub struct Shown {
    #[serde(flatten)]
    mail: Envelope,
    title: String,
    way: String,
}

pub fn shown(mail: Envelope) -> Shown {
    Shown { title: title(&mail.kind), way: way(mail.id), mail }
}

fn can_go_again(status: Status) -> bool {
    matches!(status, Status::Held | Status::Failed)
}

pub async fn list(staff: Staff, parameters: Parameters, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::SystemRead)?;
    let status = parameters.get("status").and_then(Status::parse);
    let cursor = parameters.get("cursor").map(ToOwned::to_owned);
    let ask: Ask<(Authority, Option<Status>, Option<String>), _> =
        |tx, (by, status, cursor)| Box::pin(outbox::list(tx, *by, *status, Limit::default(), cursor.as_deref()));
    let page = app.read_list(&staff.person().origin, &(staff.authority(), status, cursor.clone()), ask).await?;
    let mut tx = staff.begin(&app).await?;
    let counts = outbox::count(&mut tx).await?;
    tx.commit().await?;
    let chosen = ("status", status.map(Status::as_str).unwrap_or_default());
    let values = context! {
        tiles => Serde(tiles(counts, status)), status => chosen.1,
        mails => Serde(page.items.into_iter().map(shown).collect::<Vec<_>>()),
        next => page.next.as_deref().map(|next| address(HERE, [chosen, ("cursor", next)])),
        first => cursor.map(|_| address(HERE, [chosen])),
        holds => app.mailer.holds(), unsent => counts.held + counts.given_up,
    };
    staff.page(&app, HERE, LIST_PAGE, values, &Faults::default())
}

async fn look_up(app: &App, staff: &Staff, id: MailId) -> AppResult<Envelope> {
    let mut tx = staff.begin(app).await?;
    let mail = outbox::read(&mut tx, staff.authority(), id).await?;
    tx.commit().await?;
    Ok(mail)
}

pub async fn show(staff: Staff, Path(path): Path<MailPath>, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::SystemRead)?;
    let mail = look_up(&app, &staff, path.id).await?;
    let values = context! { can_go_again => can_go_again(mail.status), mail => Serde(shown(mail)) };
    staff.page(&app, HERE, PAGE, values, &Faults::default())
}

pub async fn show_retry(staff: Staff, Path(path): Path<MailPath>, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::SystemWrite)?;
    ask(&app, &staff, path.id, &Faults::default()).await
}

pub async fn submit_retry(
    Path(path): Path<MailPath>,
    State(app): State<App>,
    StaffForm { staff, members }: StaffForm,
) -> AppResult<Response> {
    staff.require(Permission::SystemWrite)?;
    let mut tx = staff.begin_because(&app, &members).await?;
    match outbox::retry(&app, &mut tx, staff.authority(), path.id).await {
        Ok(_) => {
            tx.commit().await?;
            html::done(&app, &way(path.id), Notice::Sent)
        }
        Err(error) => {
            drop(tx);
            ask(&app, &staff, path.id, &as_fault(error)?).await
        }
    }
}

async fn ask(app: &App, staff: &Staff, id: MailId, faults: &Faults) -> AppResult<Response> {
    let mail = look_up(app, staff, id).await?;
    let title = title(&mail.kind);
    let question = Question {
        trail: vec![(HERE.to_owned(), now().word("console-place-mails")), (way(id), title.clone())],
        button: now().word("mail-retry-button"),
        subject: title,
        detail: now().say("mail-retry-to", &FluentArgs::from_iter([("address", mail.recipient)])),
        means: now().word("mail-retry-means"),
        action: format!("{}/retry", way(id)),
        ..Question::default()
    };
    question.ask(app, staff, HERE, faults)
}

pub async fn show_retry_all(staff: Staff, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::SystemWrite)?;
    ask_for_all(&app, &staff, &Faults::default()).await
}

pub async fn submit_retry_all(State(app): State<App>, StaffForm { staff, members }: StaffForm) -> AppResult<Response> {
    staff.require(Permission::SystemWrite)?;
    let mut tx = staff.begin_because(&app, &members).await?;
    match mails::retry(&app, &mut tx, None).await {
        Ok(0) => Ok(see_other(HERE)),
        Ok(_) => {
            tx.commit().await?;
            html::done(&app, HERE, Notice::Sent)
        }
        Err(error) => {
            drop(tx);
            ask_for_all(&app, &staff, &as_fault(error)?).await
        }
    }
}

async fn ask_for_all(app: &App, staff: &Staff, faults: &Faults) -> AppResult<Response> {
    let mut tx = staff.begin(app).await?;
    let Counts { held, given_up, .. } = outbox::count(&mut tx).await?;
    tx.commit().await?;
    let question = Question {
        trail: vec![(HERE.to_owned(), now().word("console-place-mails"))],
        button: now().word("mails-retry-all-button"),
        subject: now().say("mails-count", &FluentArgs::from_iter([("count", held + given_up)])),
        detail: now().say("mails-retry-all-detail", &FluentArgs::from_iter([("given_up", given_up), ("held", held)])),
        means: now().word("mails-retry-all-means"),
        action: RETRY_ALL.to_owned(),
        ..Question::default()
    };
    question.ask(app, staff, HERE, faults)
}
