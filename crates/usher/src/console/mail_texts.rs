//! The words of mails: edited for each language, seen as the mails that they make, tried, and restored. What is drawn of a mail is a
//! document of its own in a frame, where nothing runs.

use std::collections::HashSet;

use axum::extract::State;
use axum::response::Response;
use fluent_bundle::FluentArgs;
use minijinja::context;
use minijinja::value::Serde;
use serde::{Deserialize, Serialize};

use super::events;
use super::mails::title;
use super::parameters::Parameters;
use super::staff::{Staff, StaffForm};
use super::words;
use crate::app::App;
use crate::caller::Permission;
use crate::db::{DbResult, Tx};
use crate::error::{AppError, AppResult, FieldError, Rejection};
use crate::html::{self, Faults, Field, Members, Notice, see_other};
use crate::http::params::Path;
use crate::id::UserId;
use crate::languages::{Language, now};
use crate::mails::texts::{self, MailText, MailTextEntry, Which};
use crate::users;

const HERE: &str = "/admin/mails/texts";
const LIST_PAGE: &str = "console/mail_texts.html";
const PAGE: &str = "console/mail_text.html";
const RESTORE_PAGE: &str = "console/mail_text_restore.html";
/// Said by the page itself, in the language that it is in.
const CHANGED: &str = "changed_since_opened";

/// What is wrong with a text stands in a line of it, and is said in the words of what has read it.
fn in_fields(error: AppError) -> AppResult<Faults> {
    let AppError::Rejected(rejection) = error else { return Err(error) };
    if let Some(fault) = rejection.errors.iter().find(|fault| fault.code == "invalid") {
        return Ok(Faults::at("text", said(fault)));
    }
    let (subject, missing) = (now().word("mail-text-subject"), now().word("mail-text-missing"));
    Faults::of(AppError::Rejected(rejection), &[Field { name: "text", subject: &subject, missing: &missing }])
}

fn said(fault: &FieldError) -> String {
    match fault.code.as_ref() {
        "invalid" => now().say("mail-text-wrong", &FluentArgs::from_iter([("why", fault.detail.as_str())])),
        _ => now().fault(&fault.code, &fault.detail).unwrap_or_else(|| fault.detail.clone()),
    }
}

#[derive(Deserialize)]
pub struct TextPath {
    name: String,
    language: String,
}

impl TextPath {
    fn which(&self) -> Result<Which, Rejection> {
        Which::parse(&self.name, &self.language)
    }
}

/// A mail, and in which languages it is.
#[derive(Serialize)]
struct Row {
    title: String,
    about: String,
    languages: Vec<Place>,
}

/// The page of a text in one language.
#[derive(Serialize)]
struct Place {
    tag: &'static str,
    name: String,
    way: String,
    edited: bool,
}

impl Place {
    fn of(name: &str, language: Language, edited: bool) -> Self {
        Self { tag: language.tag(), name: language.name(), way: format!("{HERE}/{name}/{}", language.tag()), edited }
    }
}

#[derive(Serialize)]
struct ShownValue<'a> {
    name: &'a str,
    meaning: String,
}

/// Who has edited a text.
#[derive(Serialize)]
struct Editor {
    name: String,
    way: String,
}

/// When a mail is sent.
fn about(name: &str) -> String {
    words::of("mail-about-", name)
}

/// What a value stands for.
fn meaning(value: &str) -> String {
    words::of("mail-value-", value)
}

fn way(which: Which) -> String {
    format!("{HERE}/{}/{}", which.template.name(), which.language.tag())
}

pub async fn list(staff: Staff, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::SystemRead)?;
    let mut tx = staff.begin(&app).await?;
    let entries = texts::list(&mut tx).await?;
    tx.commit().await?;
    let row = |entries: &[MailTextEntry]| Row {
        title: entries.first().map(|entry| title(&entry.name)).unwrap_or_default(),
        about: entries.first().map(|entry| about(&entry.name)).unwrap_or_default(),
        languages: entries
            .iter()
            .filter_map(|entry| Some(Place::of(&entry.name, Language::of(&entry.language)?, entry.edited)))
            .collect(),
    };
    let rows: Vec<Row> = entries.chunk_by(|one, other| one.name == other.name).map(row).collect();
    let values = context! {
        mails => Serde(rows), total => entries.len(), edited => entries.iter().filter(|entry| entry.edited).count(),
    };
    staff.page(&app, HERE, LIST_PAGE, values, &Faults::default())
}

pub async fn show(staff: Staff, Path(path): Path<TextPath>, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::SystemRead)?;
    ask(&app, &staff, path.which()?, None, &Faults::default()).await
}

/// A form that comes again.
struct Again<'a> {
    members: &'a Members,
    /// Where a test has gone to that was made from it.
    test_sent: Option<String>,
}

pub async fn submit(Path(path): Path<TextPath>, State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::SystemWrite)?;
    let which = path.which()?;
    let mut tx = staff.begin_because(&app, &members).await?;
    let before = texts::lock(&mut tx, which).await?;
    let outcome = if members.text("version") == before.entry.version.to_string() {
        texts::edit(&app, &mut tx, which, before, members.text("text")).await.map(|_| ())
    } else {
        Err(Rejection::invalid_field("/text", CHANGED, now().word("mail-text-changed")).into())
    };
    match outcome {
        Ok(()) => {
            tx.commit().await?;
            html::done(&app, &way(which), Notice::Saved)
        }
        Err(error) => {
            drop(tx);
            let faults = in_fields(error)?;
            ask(&app, &staff, which, Some(Again { members: &members, test_sent: None }), &faults).await
        }
    }
}

/// What is not saved is not lost by a test of it: the form comes again.
pub async fn submit_test(Path(path): Path<TextPath>, State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::SystemWrite)?;
    let which = path.which()?;
    let mut tx = staff.begin_because(&app, &members).await?;
    let in_force = texts::read(&mut tx, which).await?;
    let text = members.text("text");
    match texts::send_test(&app, &mut tx, which, text, staff.person().user_id).await {
        Ok(address) => {
            tx.commit().await?;
            if text.replace("\r\n", "\n").trim_end() == in_force.text.trim_end() {
                return html::done(&app, &way(which), Notice::Sent);
            }
            let again = Again { members: &members, test_sent: Some(address) };
            ask(&app, &staff, which, Some(again), &Faults::default()).await
        }
        Err(error) => {
            drop(tx);
            let faults = in_fields(error)?;
            ask(&app, &staff, which, Some(Again { members: &members, test_sent: None }), &faults).await
        }
    }
}

async fn ask(app: &App, staff: &Staff, which: Which, again: Option<Again<'_>>, faults: &Faults) -> AppResult<Response> {
    let mut tx = staff.begin(app).await?;
    let MailText { entry, text, shipped, values } = texts::read(&mut tx, which).await?;
    let editor = find_editor(&mut tx, staff, entry.updated_by).await?;
    tx.commit().await?;
    let still: HashSet<&str> = text.lines().collect();
    let shipped: Vec<(&str, bool)> = shipped.lines().map(|line| (line, !line.is_empty() && !still.contains(line))).collect();
    let values: Vec<ShownValue<'_>> = values.iter().map(|name| ShownValue { name, meaning: meaning(name) }).collect();
    let languages: Vec<Place> = Language::all().map(|language| Place::of(&entry.name, language, false)).collect();
    let members = again.as_ref().map(|again| again.members);
    let values = context! {
        title => title(&entry.name), about => about(&entry.name), way => way(which), language => entry.language,
        languages => Serde(languages), is_edited => entry.edited, updated_at => Serde(entry.updated_at),
        editor => editor.map(Serde), version => entry.version, most => texts::TEXT_MAX, values => Serde(values),
        text => members.map_or(text.as_str(), |members| members.text("text")), shipped => Serde(shipped),
        reason => members.map(|members| members.text("reason")).unwrap_or_default(),
        may_edit => staff.may(Permission::SystemWrite), test_sent => again.as_ref().and_then(|again| again.test_sent.as_deref()),
    };
    staff.page(app, HERE, PAGE, values, faults)
}

/// Who has edited it, if whoever looks may see them.
async fn find_editor(tx: &mut Tx, staff: &Staff, id: Option<UserId>) -> DbResult<Option<Editor>> {
    let Some(id) = id.filter(|_| staff.may(Permission::UsersRead)) else { return Ok(None) };
    let found = users::find_many(tx, &[id]).await?.into_iter().find(|user| staff.authority().over(user.permissions).is_ok());
    Ok(found.map(|user| Editor { name: events::name_of(&user), way: super::user::way(id) }))
}

/// What the text in force makes.
pub async fn show_preview(
    staff: Staff,
    Path(path): Path<TextPath>,
    parameters: Parameters,
    State(app): State<App>,
) -> AppResult<Response> {
    staff.require(Permission::SystemRead)?;
    let which = path.which()?;
    let mut tx = staff.begin(&app).await?;
    let in_force = texts::read(&mut tx, which).await?;
    tx.commit().await?;
    draw(&app, which, &in_force.text, parameters.get("as")).await
}

/// What the text makes that stands in the form. Nothing is changed.
pub async fn submit_preview(Path(path): Path<TextPath>, State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::SystemRead)?;
    draw(&app, path.which()?, members.text("text"), Some(members.text("as"))).await
}

async fn draw(app: &App, which: Which, text: &str, shape: Option<&str>) -> AppResult<Response> {
    match texts::preview(app, which, text).await {
        Ok(mail) if shape == Some("plain") => html::framed_text(format!("{}\n\n{}", mail.subject, mail.text)),
        Ok(mail) => html::framed(mail.html),
        Err(AppError::Rejected(rejection)) => {
            let why: Vec<String> = rejection.errors.iter().map(said).collect();
            html::framed_text(format!("{}\n\n{}", now().word("mail-text-no-mail"), why.join("\n")))
        }
        Err(error) => Err(error),
    }
}

pub async fn show_restore(staff: Staff, Path(path): Path<TextPath>, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::SystemWrite)?;
    let which = path.which()?;
    let mut tx = staff.begin(&app).await?;
    let text = texts::read(&mut tx, which).await?;
    tx.commit().await?;
    if !text.entry.edited {
        return Ok(see_other(&way(which)));
    }
    let values = context! {
        title => title(&text.entry.name), way => way(which), language => text.entry.language,
        language_name => which.language.name(),
    };
    staff.page(&app, HERE, RESTORE_PAGE, values, &Faults::default())
}

pub async fn submit_restore(Path(path): Path<TextPath>, State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::SystemWrite)?;
    let which = path.which()?;
    let mut tx = staff.begin_because(&app, &members).await?;
    let before = texts::lock(&mut tx, which).await?;
    texts::restore(&mut tx, which, &before).await?;
    tx.commit().await?;
    html::done(&app, &way(which), Notice::Removed)
}
