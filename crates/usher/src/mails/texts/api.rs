//! The administration of the words of mails.

use axum::extract::State;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{MailText, MailTextEntry, Preview, Which};
use crate::app::App;
use crate::caller::{Caller, Permission};
use crate::error::{AppResult, Rejection};
use crate::http::api::{Access, Op, Routes};
use crate::http::body::{Json, OptionalJson};
use crate::http::etag::IfMatch;
use crate::http::output::{Accepted, Answer, NoContent, Tagged};
use crate::http::params::Path;

const READ: Access = Access::Holding(Permission::SystemRead);
const WRITE: Access = Access::Holding(Permission::SystemWrite);
const ONE: &str = "/v1/mail-texts/{name}/{language}";

pub fn router() -> Routes {
    let op = |method, path, access, summary| Op::new(method, path, access, "Mail texts", summary);
    Routes::new()
        .op(
            op(Method::GET, "/v1/mail-texts", READ, "List the texts of mails")
                .description("Every mail in every language, edited or not; without the texts themselves."),
            list_mail_texts,
        )
        .op(op(Method::GET, ONE, READ, "Read the text of a mail"), read_mail_text)
        .op(
            op(Method::PUT, ONE, WRITE, "Edit the text of a mail").description(
                "It counts from the next mail on. A text from which a mail can't be made is refused: the fault at `/text` says in which \
                 line, and why.",
            ),
            edit_mail_text,
        )
        .op(
            op(Method::DELETE, ONE, WRITE, "Restore the text of a mail")
                .description("The text counts again that usher comes with. Nothing happens where it does already."),
            restore_mail_text,
        )
        .op(
            op(Method::POST, "/v1/mail-texts/{name}/{language}/preview", READ, "Preview a mail")
                .description("The mail that a text would make, with example values; without a body, that of the text in force."),
            preview_mail_text,
        )
        .op(
            op(Method::POST, "/v1/mail-texts/{name}/{language}/test", WRITE, "Send a mail to oneself as a test")
                .description(
                    "To the caller's own primary address, with example values and a link that leads nowhere; 20 an hour. Without a body, \
                     made from the text in force.",
                )
                .fails(403, "It is not a person in a session who asks (`session_required`)."),
            test_mail_text,
        )
}

/// What the documentation shows.
pub fn example() -> Value {
    json!({
        "name": "welcome", "language": "en", "about": "To whom an administrator has made an account, to choose a password.",
        "edited": true, "version": 3, "updated_at": "2026-01-02T03:04:05Z", "updated_by": "0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d",
        "text": TEXT, "shipped": TEXT, "values": ["lifetime", "link", "name", "product", "public_url"],
    })
}

const TEXT: &str = "Subject: Your account at {{ product }}\nHeading: Welcome\nPreheader: Choose a password to start.\n\
                    Button: Choose a password\n\nHello{% if name %} {{ name }}{% endif %},\n\nchoose a password:\n\n{{ link }}\n";

#[derive(Deserialize, JsonSchema)]
struct TextPath {
    /// Which mail, such as `verify_email`.
    name: String,
    /// The tag of a language that usher speaks, such as `en`.
    language: String,
}

impl TextPath {
    fn which(&self) -> Result<Which, Rejection> {
        Which::parse(&self.name, &self.language)
    }
}

/// All mails in all languages.
#[derive(Serialize, JsonSchema)]
struct MailTexts {
    items: Vec<MailTextEntry>,
}

/// A text to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewMailText", extend("example" = json!({ "text": TEXT })))]
struct NewText {
    /// At most 16 KiB.
    #[schemars(length(min = 1, max = 16384))]
    text: String,
}

/// A text to be tried; the one in force if it is left out.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "MailTextToTry", extend("example" = json!({ "text": TEXT })))]
struct TextToTry {
    /// At most 16 KiB.
    #[serde(default)]
    #[schemars(with = "String", length(min = 1, max = 16384))]
    text: Option<String>,
}

/// Where a test goes.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "MailTest")]
struct Sent {
    recipient: String,
}

async fn list_mail_texts(caller: Caller, State(app): State<App>) -> AppResult<Answer<MailTexts>> {
    let mut tx = app.begin(&caller.origin).await?;
    let items = super::list(&mut tx).await?;
    tx.commit().await?;
    Ok(Answer(MailTexts { items }))
}

async fn read_mail_text(caller: Caller, State(app): State<App>, Path(path): Path<TextPath>) -> AppResult<Tagged<MailText>> {
    let mut tx = app.begin(&caller.origin).await?;
    let text = super::read(&mut tx, path.which()?).await?;
    tx.commit().await?;
    Ok(tagged(text))
}

async fn edit_mail_text(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<TextPath>,
    if_match: IfMatch,
    Json(new): Json<NewText>,
) -> AppResult<Tagged<MailText>> {
    let which = path.which()?;
    let mut tx = app.begin(&caller.origin).await?;
    let before = super::lock(&mut tx, which).await?;
    if_match.require(before.entry.version)?;
    let text = super::edit(&app, &mut tx, which, before, &new.text).await?;
    tx.commit().await?;
    Ok(tagged(text))
}

async fn restore_mail_text(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<TextPath>,
    if_match: IfMatch,
) -> AppResult<NoContent> {
    let which = path.which()?;
    let mut tx = app.begin(&caller.origin).await?;
    let before = super::lock(&mut tx, which).await?;
    if_match.require(before.entry.version)?;
    super::restore(&mut tx, which, &before).await?;
    tx.commit().await?;
    Ok(NoContent)
}

async fn preview_mail_text(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<TextPath>,
    OptionalJson(wanted): OptionalJson<TextToTry>,
) -> AppResult<Answer<Preview>> {
    let which = path.which()?;
    let mut tx = app.begin(&caller.origin).await?;
    let in_force = super::read(&mut tx, which).await?;
    tx.commit().await?;
    Ok(Answer(super::preview(&app, which, &wanted.text.unwrap_or(in_force.text)).await?))
}

async fn test_mail_text(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<TextPath>,
    OptionalJson(wanted): OptionalJson<TextToTry>,
) -> AppResult<Accepted<Sent>> {
    let which = path.which()?;
    let person = caller.person().ok_or_else(Rejection::session_required)?;
    let mut tx = app.begin(&caller.origin).await?;
    let in_force = super::read(&mut tx, which).await?;
    let text = wanted.text.unwrap_or(in_force.text);
    let recipient = super::send_test(&app, &mut tx, which, &text, person.user_id).await?;
    tx.commit().await?;
    Accepted::new(&Sent { recipient })
}

fn tagged(text: MailText) -> Tagged<MailText> {
    Tagged { version: text.entry.version, body: text }
}
