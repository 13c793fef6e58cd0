//! The words of mails, edited: a text stands in the place of the one that usher comes with, for one mail in one language, until that is
//! restored. Each is tried with everything a mail may have to say before it is taken. One that does not render all the same, after an
//! upgrade for example, is passed over for the one that usher comes with: no mail is lost for its words.

mod api;
mod examples;
mod store;
mod words;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

pub use api::router;

use super::render::{self, Context, Rendered, Wrong};
use super::{Template, jobs};
use crate::app::App;
use crate::audit::{self, Event};
use crate::brand;
use crate::db::{DbResult, Tx};
use crate::error::{AppResult, FieldError, Rejection};
use crate::id::UserId;
use crate::languages::Language;
use crate::mail;
use crate::throttle::{self, Limit};

/// Longest text, in bytes.
pub const TEXT_MAX: usize = 16 * 1024;
/// What every text may name; the others are those that the one usher comes with names.
const ALWAYS: [&str; 2] = ["product", "public_url"];
/// Tests that one person has sent to themselves.
const TESTS: Limit = Limit::per_minutes("mail_tests", 20, 60);

/// A mail in a language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Which {
    pub template: Template,
    pub language: Language,
}

/// A text in the place of another, as it is kept.
struct Edit {
    template: String,
    language: String,
    text: String,
    version: i64,
    updated_at: Timestamp,
    updated_by: Option<UserId>,
}

/// The words of a mail in one language, without the words themselves.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MailTextEntry {
    /// Which mail, such as `verify_email`.
    pub name: String,
    /// The tag of the language (BCP 47).
    pub language: String,
    /// When the mail is sent.
    pub about: &'static str,
    /// Whether the text is another than the one usher comes with.
    pub edited: bool,
    /// 0 while it is not edited.
    pub version: i64,
    pub updated_at: Option<Timestamp>,
    /// The user who edited it; `null` for a program, and when they are gone.
    pub updated_by: Option<UserId>,
}

/// The words of a mail in one language.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(extend("example" = api::example()))]
pub struct MailText {
    #[serde(flatten)]
    pub entry: MailTextEntry,
    /// What mails are made from now.
    pub text: String,
    /// What usher comes with.
    pub shipped: String,
    /// What may be named in it, as `{{ value }}`.
    pub values: Vec<String>,
}

/// A mail as it would be.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "MailPreview")]
pub struct Preview {
    pub subject: String,
    pub text: String,
    pub html: String,
}

impl Which {
    /// The mail and the language of these names.
    pub fn parse(name: &str, tag: &str) -> Result<Self, Rejection> {
        let template = Template::ALL.into_iter().find(|template| template.name() == name);
        let language = Language::all().find(|language| language.tag() == tag);
        template.zip(language).map(|(template, language)| Self { template, language }).ok_or_else(Rejection::not_found)
    }

    /// As the audit trail names it.
    fn id(self) -> String {
        format!("{}/{}", self.template.name(), self.language.tag())
    }

    fn shipped(self) -> AppResult<String> {
        let text = self.language.mail(self.template.name());
        Ok(text.ok_or_else(|| anyhow::anyhow!("usher has no text for the mail {}", self.template.name()))?)
    }

    /// What its text may name. A mail that strangers can have sent to others names nothing that they have typed, and no other text
    /// makes it do so.
    fn values(self) -> AppResult<BTreeSet<String>> {
        let mut values = render::named(&self.shipped()?).map_err(anyhow::Error::from)?;
        values.extend(ALWAYS.map(ToOwned::to_owned));
        Ok(values)
    }

    fn entry(self, edit: Option<&Edit>) -> MailTextEntry {
        MailTextEntry {
            name: self.template.name().to_owned(),
            language: self.language.tag().to_owned(),
            about: words::about(self.template),
            edited: edit.is_some(),
            version: edit.map_or(0, |edit| edit.version),
            updated_at: edit.map(|edit| edit.updated_at),
            updated_by: edit.and_then(|edit| edit.updated_by),
        }
    }
}

/// All mails in all languages.
pub async fn list(tx: &mut Tx) -> DbResult<Vec<MailTextEntry>> {
    let edits = store::list_texts(tx).await?;
    let entry = |template: Template, language: Language| {
        let edit = edits.iter().find(|edit| edit.template == template.name() && edit.language == language.tag());
        Which { template, language }.entry(edit)
    };
    Ok(Template::ALL
        .into_iter()
        .flat_map(|template| Language::all().map(move |language| (template, language)))
        .map(|(template, language)| entry(template, language))
        .collect())
}

pub async fn read(tx: &mut Tx, which: Which) -> AppResult<MailText> {
    let edit = store::find_text(tx, which).await?;
    let entry = which.entry(edit.as_ref());
    let shipped = which.shipped()?;
    let text = edit.map_or_else(|| shipped.clone(), |edit| edit.text);
    Ok(MailText { entry, text, shipped, values: which.values()?.into_iter().collect() })
}

/// The same, for a change of it.
pub async fn lock(tx: &mut Tx, which: Which) -> AppResult<MailText> {
    store::lock_texts(tx).await?;
    read(tx, which).await
}

/// Puts a text in the place of the one that counts now.
pub async fn edit(app: &App, tx: &mut Tx, which: Which, before: MailText, text: &str) -> AppResult<MailText> {
    let text = judge(app, which, text)?;
    if before.entry.edited && before.text == text {
        return Ok(before);
    }
    store::upsert_text(tx, which, &text).await?;
    record(tx, "mail_text.edited", which, (&before.text, before.entry.edited), (&text, true)).await?;
    read(tx, which).await
}

/// Lets the text count again that usher comes with.
pub async fn restore(tx: &mut Tx, which: Which, before: &MailText) -> AppResult<()> {
    if before.entry.edited {
        store::delete_text(tx, which).await?;
        record(tx, "mail_text.restored", which, (&before.text, true), (&before.shipped, false)).await?;
    }
    Ok(())
}

/// Each text with whether it is an edited one: the one that usher comes with may be another by the time somebody wants it back.
async fn record(tx: &mut Tx, action: &'static str, which: Which, before: (&str, bool), after: (&str, bool)) -> DbResult<()> {
    let said = |(text, edited): (&str, bool)| json!({ "text": text, "edited": edited });
    audit::record(tx, Event::success(action).on("mail_text", which.id()).changed(&said(before), &said(after))).await
}

/// The mail that a text would make, with example values.
pub async fn preview(app: &App, which: Which, text: &str) -> AppResult<Preview> {
    let text = judge(app, which, text)?;
    let about = examples::full(app.clock.now());
    let context = Context { brand: brand::in_force(app).await, ..examples::context(app, which, examples::NAME, &about) };
    let Rendered { subject, body } = render::text(which.template, &text, &context).map_err(|wrong| refused(&wrong))?;
    // The picture comes with a mail only: of a page it shows its words.
    let html = body.html.replace(&format!(" src=\"cid:{}\"", mail::PICTURE), "");
    Ok(Preview { subject, text: body.text, html })
}

/// Sends the mail that a text would make to a user's primary address, and says which that is. Its link leads nowhere.
pub async fn send_test(app: &App, tx: &mut Tx, which: Which, text: &str, user_id: UserId) -> AppResult<String> {
    let text = judge(app, which, text)?;
    let taken = throttle::take(app, TESTS, &user_id.to_string()).await?;
    if !taken.granted {
        return Err(Rejection::too_many_requests(taken.seconds).into());
    }
    let recipient = jobs::find_person(tx, user_id).await?.ok_or_else(Rejection::not_found)?;
    let about = examples::full(tx.now());
    let context = Context { brand: brand::in_force(app).await, ..examples::context(app, which, &recipient.name, &about) };
    let mut rendered = render::text(which.template, &text, &context).map_err(|wrong| refused(&wrong))?;
    rendered.subject.insert_str(0, "[Test] ");
    let address = recipient.address.clone();
    jobs::queue(app, tx, which.template, recipient, rendered).await?;
    audit::record(tx, Event::success("mail_text.tested").on("mail_text", which.id())).await?;
    Ok(address)
}

/// Makes a mail: out of the edited text if there is one, and of the one usher comes with if there is none or it fails.
pub async fn render(tx: &mut Tx, template: Template, values: &Context<'_>) -> AppResult<Rendered> {
    let which = Which { template, language: values.language };
    let Some(edit) = store::find_text(tx, which).await? else { return render::mail(template, values) };
    match render::text(template, &edit.text, values) {
        Ok(rendered) => Ok(rendered),
        Err(wrong) => {
            tracing::warn!(mail_text = which.id(), %wrong, "passed over an edited text of a mail: see /admin/mails/texts");
            render::mail(template, values)
        }
    }
}

/// The text as it is kept, if every mail can be made from it.
fn judge(app: &App, which: Which, text: &str) -> AppResult<String> {
    let text = format!("{}\n", text.replace("\r\n", "\n").trim_end());
    if text.len() > TEXT_MAX {
        let detail = "The text has more than 16 KiB.";
        return Err(Rejection::invalid_body(vec![FieldError::at_pointer("/text", "max_bytes", detail)]).into());
    }
    find_wrong(app, which, &which.values()?, &text).map_err(|wrong| refused(&wrong))?;
    Ok(text)
}

fn find_wrong(app: &App, which: Which, values: &BTreeSet<String>, text: &str) -> Result<(), Wrong> {
    let is_hidden = |c: char| c.is_control() && c != '\n';
    if text.contains(is_hidden) {
        return Err(Wrong::where_fits(text, |line| line.contains(is_hidden), "there is a character that nobody can see"));
    }
    if let Some(unknown) = render::named(text)?.difference(values).next() {
        return Err(Wrong::where_fits(text, |line| render::names(line, unknown), format!("this mail has no value “{unknown}”")));
    }
    for example in examples::all(app.clock.now()) {
        render::text(which.template, text, &example.context(app, which))?;
    }
    Ok(())
}

fn refused(wrong: &Wrong) -> Rejection {
    Rejection::invalid_field("/text", "invalid", wrong.to_string())
}
