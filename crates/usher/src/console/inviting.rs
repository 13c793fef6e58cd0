//! Inviting one, by mail or by a link that is shown this once, and inviting many out of a text or a file.

use axum::extract::State;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fluent_bundle::FluentArgs;
use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;
use serde_json::{Map, Value};

use super::invitations::{HERE, way};
use super::roles;
use super::staff::{Staff, StaffForm, StaffStream};
use crate::app::App;
use crate::caller::Permission;
use crate::error::{AppError, AppResult, Rejection};
use crate::html::{self, Faults, Field, Members, Notice, SentFile};
use crate::http::body;
use crate::invitations::rows::{self, COLUMNS, Row, Rows, Wrong};
use crate::invitations::{self, AT_ONCE_MAX, Issued, Judged, NewInvitation};
use crate::languages::now;
use crate::qr_code;

const NEW: &str = "/admin/invitations/new";
const NEW_PAGE: &str = "console/invite.html";
const LINK_PAGE: &str = "console/invitation_link.html";
const MANY_PAGE: &str = "console/invite_many.html";
const JUDGED_PAGE: &str = "console/invited_many.html";
/// Largest file, in bytes: what is refused of it comes again as a member of a form.
const FILE_MAX: u64 = 128 * 1024;

pub async fn show_new(staff: Staff, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::InvitationsWrite)?;
    ask(&app, &staff, None, &Faults::default()).await
}

pub async fn submit_new(State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::InvitationsWrite)?;
    match invite(&app, &staff, &members).await {
        Ok(issued) => answer(&app, &staff, &issued),
        Err(error) => ask(&app, &staff, Some(&members), &in_fields(error)?).await,
    }
}

async fn invite(app: &App, staff: &Staff, members: &Members) -> AppResult<Issued> {
    let new: NewInvitation = body::from_value(Value::Object(wanted(staff, members)))?;
    let mut tx = staff.begin_because(app, members).await?;
    let created = invitations::create(app, &mut tx, staff.authority(), &new).await;
    let (tx, issued) = invitations::or_note(tx, created).await?;
    tx.commit().await?;
    Ok(issued)
}

/// The form as the API has it.
fn wanted(staff: &Staff, members: &Members) -> Map<String, Value> {
    let mut body = Map::new();
    for name in ["email", "display_name", "message", "forward_to", "delivery"] {
        let said = members.text(name).replace("\r\n", "\n");
        if !said.trim().is_empty() {
            body.insert(name.to_owned(), said.trim().into());
        }
    }
    let days = members.text("expires_in_days");
    if !days.is_empty() {
        body.insert("expires_in_days".to_owned(), days.parse::<i64>().map_or_else(|_| days.into(), Value::from));
    }
    if staff.may(Permission::RolesAssign) {
        body.insert("roles".to_owned(), roles::chosen(members).into());
    }
    body
}

/// What the rules find wrong, at the field it is about.
fn in_fields(error: AppError) -> AppResult<Faults> {
    let AppError::Rejected(rejection) = error else { return Err(error) };
    let now = now();
    if rejection.code == "attributes_required" {
        return Ok(Faults::at("email", now.problem(rejection.code, &rejection.detail)));
    }
    if let Some(said) = roles::fault_of_chosen(&rejection) {
        return Ok(Faults::at("roles", said));
    }
    let fields = [
        Field { name: "email", subject: &now.word("invite-email-subject"), missing: &now.word("invite-email-missing") },
        Field { name: "display_name", subject: &now.word("invite-name-subject"), missing: "" },
        Field { name: "message", subject: &now.word("invite-message-subject"), missing: "" },
        Field { name: "forward_to", subject: &now.word("invite-forward-subject"), missing: "" },
        Field { name: "expires_in_days", subject: &now.word("invite-days-subject"), missing: "" },
    ];
    Faults::of(AppError::Rejected(rejection), &fields)
}

async fn ask(app: &App, staff: &Staff, members: Option<&Members>, faults: &Faults) -> AppResult<Response> {
    let said = |name: &str| members.map(|members| members.text(name)).unwrap_or_default().to_owned();
    let or = |name: &str, usual: &str| Some(said(name)).filter(|said| !said.is_empty()).unwrap_or_else(|| usual.to_owned());
    let boxes = roles::list_boxes(app, staff, members).await?;
    let sites: Vec<String> = app.config.server.invitation_forward_to.iter().map(ToString::to_string).collect();
    let values = context! {
        email => said("email"), display_name => said("display_name"), message => said("message"), forward_to => said("forward_to"),
        days => or("expires_in_days", "7"), delivery => or("delivery", "mail"), role_names => or("roles", crate::roles::USER),
        reason => said("reason"), proof => boxes.as_ref().and_then(|boxes| boxes.proof(app, NEW)),
        boxes => Serde(boxes.map(|boxes| boxes.roles)), may_assign => staff.may(Permission::RolesAssign), sites => sites,
    };
    staff.page(app, HERE, NEW_PAGE, values, faults)
}

/// A mail is on its way; a link is shown here and nowhere else.
pub fn answer(app: &App, staff: &Staff, issued: &Issued) -> AppResult<Response> {
    let id = issued.invitation.id;
    let Some(link) = &issued.link else { return html::done(app, &way(id), Notice::Sent) };
    let picture = qr_code::draw(link)?;
    let values = context! {
        invitation => Serde(&issued.invitation), link => link, back => way(id), png => STANDARD.encode(picture.png()?),
        side => picture.side, path => picture.path,
    };
    staff.page(app, HERE, LINK_PAGE, values, &Faults::default())
}

pub async fn show_many(staff: Staff, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::InvitationsWrite)?;
    ask_many(&app, &staff, None, &Faults::default())
}

/// What became of a row.
#[derive(Serialize)]
struct Told {
    line: u64,
    email: String,
    way: Option<String>,
    why: Option<String>,
}

pub async fn submit_many(State(app): State<App>, form: StaffStream) -> AppResult<Response> {
    let StaffStream { staff, members, file } = form;
    staff.require(Permission::InvitationsWrite)?;
    let text = find_text(&members, file).await?;
    let Rows { heading, rows } = match text.as_ref().map_err(Clone::clone).and_then(Text::read) {
        Ok(found) => found,
        Err(faults) => return ask_many(&app, &staff, Some(&members), &faults),
    };
    let message = members.text("message").replace("\r\n", "\n");
    let new = rows.iter().map(|row| body::from_value(Value::Object(with_message(row, message.trim())))).collect();
    let mut tx = staff.begin_because(&app, &members).await?;
    let judged = invitations::create_many(&app, &mut tx, staff.authority(), new).await?;
    tx.commit().await?;
    let refused = rows.iter().zip(&judged).filter(|(_, judged)| judged.is_err()).map(|(row, _)| row.text);
    let again: Vec<&str> = heading.into_iter().chain(refused).collect();
    let told: Vec<Told> = rows.iter().zip(judged).map(|(row, judged)| tell(row, judged)).collect();
    let invited = told.iter().filter(|one| one.way.is_some()).count();
    let values = context! {
        told => Serde(&told), invited => invited, refused => told.len() - invited, again => again.join("\n"), message => message,
        reason => members.text("reason"), again_max => FILE_MAX,
    };
    staff.page(&app, HERE, JUDGED_PAGE, values, &Faults::default())
}

/// Whom to invite, and the field that says it.
struct Text {
    field: &'static str,
    text: String,
}

/// What was pasted, or is in the file.
async fn find_text(members: &Members, file: Option<SentFile>) -> AppResult<Result<Text, Faults>> {
    let pasted = members.text("people");
    let Some(file) = file else { return Ok(Ok(Text { field: "people", text: pasted.to_owned() })) };
    let fault = |why: String| Faults::at("file", why);
    Ok(match file.read(FILE_MAX).await? {
        _ if !pasted.trim().is_empty() => Err(fault(now().word("invite-many-both"))),
        None => Err(fault(now().word("invite-many-file-too-large"))),
        Some(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Text { field: "file", text }),
            Err(_) => Err(fault(now().word("invite-many-file-encoding"))),
        },
    })
}

impl Text {
    fn read(&self) -> Result<Rows<'_>, Faults> {
        let fault = |why: String| Faults::at(self.field, why);
        let found = rows::read(&self.text).map_err(|why| fault(told(why)))?;
        match found.rows.len() {
            0 if self.field == "file" => Err(fault(now().word("invite-many-file-empty"))),
            0 => Err(fault(now().word("invite-many-nobody"))),
            count if count > AT_ONCE_MAX => {
                let values = FluentArgs::from_iter([("count", count), ("most", AT_ONCE_MAX)]);
                Err(fault(now().say("invite-many-too-many", &values)))
            }
            _ => Ok(found),
        }
    }
}

fn told(why: Wrong) -> String {
    match why {
        Wrong::Cells { line } => now().say("invite-many-cells", &FluentArgs::from_iter([("line", line)])),
        Wrong::Column(name) => {
            let values = FluentArgs::from_iter([("column", name), ("columns", COLUMNS.join(", "))]);
            now().say("invite-many-column", &values)
        }
        Wrong::Unreadable(error) => error.to_string(),
    }
}

fn with_message(row: &Row<'_>, message: &str) -> Map<String, Value> {
    let mut members = row.members.clone();
    if !message.is_empty() {
        members.entry("message").or_insert_with(|| message.into());
    }
    members
}

fn tell(row: &Row<'_>, judged: Judged) -> Told {
    let email = row.members.get("email").and_then(Value::as_str).unwrap_or_default().to_owned();
    match judged {
        Ok(id) => Told { line: row.line, email, way: Some(way(id)), why: None },
        Err(rejection) => Told { line: row.line, email, way: None, why: Some(in_words(*rejection)) },
    }
}

fn in_words(rejection: Rejection) -> String {
    let detail = now().problem(rejection.code, &rejection.detail);
    in_fields(rejection.into()).map_or(detail, |faults| faults.sentences().collect::<Vec<_>>().join(" "))
}

fn ask_many(app: &App, staff: &Staff, members: Option<&Members>, faults: &Faults) -> AppResult<Response> {
    let said = |name: &str| members.map(|members| members.text(name)).unwrap_or_default();
    let values = context! {
        people => said("people"), message => said("message"), reason => said("reason"), most => AT_ONCE_MAX,
        may_assign => staff.may(Permission::RolesAssign),
    };
    staff.page(app, HERE, MANY_PAGE, values, faults)
}
