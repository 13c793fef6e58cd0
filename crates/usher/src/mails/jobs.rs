//! Composing and delivering.

use std::time::Duration;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::Instrument;

use super::render::{Context, Rendered};
use super::store::{self, Recipient};
use super::{About, Body, Letter, Mail, Template, texts};
use crate::app::App;
use crate::audit::{self, Event};
use crate::brand;
use crate::db::{Actor, DbResult, Tx};
use crate::error::AppResult;
use crate::id::{MailId, UserId};
use crate::jobs::{self, Registry, enqueue};
use crate::languages::Language;
use crate::mail::Message;
use crate::one_time_tokens::{self, Subject};
use crate::qr_code;
use crate::telemetry;
use crate::throttle::{self, Limit};

pub const COMPOSE: &str = "compose_mail";
pub const DELIVER: &str = "deliver_mail";
const FORGET: &str = "forget_mails";

/// Deliveries tried before a mail is given up. The job's back-off stretches them over about five hours.
const ATTEMPTS_MAX: i32 = 12;
/// Mails of one kind to one address; beyond, none is made, and nobody who asks for them is told.
const PER_RECIPIENT: Limit = Limit::per_minutes("mails", 6, 60);
/// How long the queue remembers a mail.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

#[derive(Serialize, Deserialize)]
pub struct Compose {
    pub template: Template,
    pub user_id: UserId,
    #[serde(default)]
    pub about: About,
    /// Where a notice goes that is not for the address of the day.
    #[serde(default)]
    pub address: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub struct Deliver {
    pub mail_id: MailId,
}

pub fn register(registry: &mut Registry) {
    registry.in_tx(COMPOSE, |app, tx, payload| Box::pin(compose(app, tx, payload)));
    registry.outside(DELIVER, |app, payload| Box::pin(deliver(app, payload)));
    registry.every_long(Duration::from_hours(24), FORGET, |app, _| Box::pin(forget(app)));
}

/// Looks the address up as it is now, makes the link, renders, and queues the delivery.
async fn compose(app: &App, tx: &mut Tx, payload: Value) -> AppResult<()> {
    let wanted: Compose = serde_json::from_value(payload)?;
    let about = wanted.about.clone();
    // The person may have been deleted since.
    let Some((template, recipient)) = find_recipient(tx, wanted).await? else { return Ok(()) };
    if !admit(app, tx, template, &recipient).await? {
        return Ok(());
    }
    let (link, lifetime) = match template.link() {
        Some((page, purpose)) => {
            let secret = one_time_tokens::issue(tx, purpose, recipient.subject).await?;
            (Some(link(app, page, secret.reveal())), Some(one_time_tokens::lifetime(purpose)))
        }
        None => (None, None),
    };
    let rendered = texts::render(tx, template, &context(app, &recipient, link, lifetime, &about).await).await?;
    queue(app, tx, template, recipient, rendered).await
}

/// What is filled in for somebody: in their language and their time, as far as they have named them.
async fn context<'a>(
    app: &'a App,
    recipient: &'a Recipient,
    link: Option<String>,
    lifetime: Option<SignedDuration>,
    about: &'a About,
) -> Context<'a> {
    let zone = recipient.time_zone.as_deref().and_then(|zone| TimeZone::get(zone).ok());
    Context {
        language: recipient.locale.as_deref().and_then(Language::of).unwrap_or(app.config.server.language),
        zone: zone.unwrap_or(TimeZone::UTC),
        name: &recipient.name,
        link,
        lifetime,
        public_url: app.config.server.public_url.as_str(),
        brand: brand::in_force(app).await,
        about,
    }
}

/// The same for a letter, whose link is made already.
pub async fn send(app: &App, tx: &mut Tx, letter: Letter<'_>) -> AppResult<bool> {
    let Letter { template, address, name, secret, lifetime, about } = letter;
    // Nobody knows yet which language they speak.
    let (name, address) = (name.to_owned(), address.to_owned());
    let recipient = Recipient { name, locale: None, time_zone: None, address, subject: Subject::default() };
    if !admit(app, tx, template, &recipient).await? {
        return Ok(false);
    }
    let link = template.link().map(|(page, _)| link(app, page, secret.reveal()));
    let rendered = texts::render(tx, template, &context(app, &recipient, link, Some(lifetime), about).await).await?;
    queue(app, tx, template, recipient, rendered).await?;
    Ok(true)
}

/// Whether the address may have one more mail of this kind.
async fn admit(app: &App, tx: &mut Tx, template: Template, recipient: &Recipient) -> AppResult<bool> {
    let whose = format!("{} {}", template.name(), app.sealer.pseudonym(recipient.address.as_bytes()));
    if throttle::take(app, PER_RECIPIENT, &whose).await?.granted {
        return Ok(true);
    }
    let event = Event::failure("mail.withheld").detail("template", template.name());
    let event = match recipient.subject.user_id {
        Some(user_id) => event.on("user", user_id),
        None => event,
    };
    audit::record(tx, event).await?;
    Ok(false)
}

pub fn link(app: &App, page: &str, token: &str) -> String {
    let mut url = app.config.server.public_url.join(page);
    url.query_pairs_mut().append_pair("token", token);
    url.to_string()
}

/// A user, at their primary address.
pub async fn find_person(tx: &mut Tx, user_id: UserId) -> DbResult<Option<Recipient>> {
    store::find_recipient(tx, user_id, false).await
}

pub async fn queue(app: &App, tx: &mut Tx, template: Template, recipient: Recipient, rendered: Rendered) -> AppResult<()> {
    let holds = app.mailer.holds();
    let mail = Mail {
        id: MailId::new(tx.now()),
        user_id: recipient.subject.user_id,
        template: template.name().to_owned(),
        recipient: recipient.address,
        subject: rendered.subject,
        status: if holds { "held" } else { "queued" }.to_owned(),
        attempts: 0,
        last_error: None,
        created_at: tx.now(),
        sent_at: None,
    };
    let sealed = app.sealer.seal(&bound_to(mail.id), &serde_json::to_vec(&rendered.body)?);
    let mail_id = mail.id;
    store::insert_mail(tx, mail, sealed).await?;
    if !holds {
        enqueue(tx, DELIVER, &Deliver { mail_id }).await?;
    }
    Ok(())
}

/// Whom the mail is for, and which one it is: who asks to add an address that is somebody's gets the same answer as anybody, and its
/// owner is told instead.
async fn find_recipient(tx: &mut Tx, wanted: Compose) -> DbResult<Option<(Template, Recipient)>> {
    let Compose { template, user_id, address, .. } = wanted;
    let recipient = match (template, address) {
        (_, Some(address)) => store::find_former(tx, user_id, address).await?,
        (Template::ConfirmEmail, None) => match store::find_holder_of_pending(tx, user_id).await? {
            Some(holder) => return Ok(Some((Template::AddressInUse, holder))),
            None => store::find_pending(tx, user_id).await?,
        },
        (Template::UndoDeletion, None) => store::find_self_deleted(tx, user_id).await?,
        (_, None) => store::find_recipient(tx, user_id, template.link().is_some()).await?,
    };
    Ok(recipient.map(|recipient| (template, recipient)))
}

/// Hands the mail to the SMTP server; no transaction is open meanwhile. If usher dies between hand-over and note, the mail is
/// sent again, with the same `Message-ID`.
async fn deliver(app: &App, payload: Value) -> AppResult<()> {
    let Deliver { mail_id } = serde_json::from_value(payload)?;
    let mut tx = app.begin_as(Actor::System).await?;
    let found = store::find_mail(&mut tx, mail_id).await?;
    tx.commit().await?;
    let Some((mail, Some(sealed))) = found else { return Ok(()) };
    let Body { text, html, code } = open(app, mail_id, &sealed)?;
    let picture = code.map(|code| qr_code::draw(&code)?.png()).transpose()?;
    let message = Message { id: mail_id.to_string(), to: mail.recipient, subject: mail.subject, text, html, picture };
    let sent = app.mailer.send(&message).instrument(telemetry::mail(&mail.template)).await;
    let outcome = if sent.is_ok() { "sent" } else { "failed" };
    metrics::counter!("usher_mails_total", "template" => mail.template, "outcome" => outcome).increment(1);
    let mut tx = app.begin_as(Actor::System).await?;
    let gave_up = sent.is_err() && mail.attempts + 1 >= ATTEMPTS_MAX;
    match &sent {
        Ok(()) => store::update_mail_to_sent(&mut tx, mail_id).await?,
        Err(error) => store::update_mail_attempt(&mut tx, mail_id, &format!("{error:#}"), gave_up).await?,
    }
    tx.commit().await?;
    match sent {
        // The mail itself stays to be seen, and to be sent again by an operator: its job is done.
        Err(error) if gave_up => {
            let error = telemetry::without_addresses(&format!("{error:#}"));
            tracing::warn!(mail.id = %mail_id, error, "gave up a mail: see `usher mail list`");
            Ok(())
        }
        sent => sent.map_err(|error| error.context("delivering a mail").into()),
    }
}

async fn forget(app: &App) -> AppResult<()> {
    jobs::part_by_part(app, FORGET, |tx| Box::pin(forget_some(tx))).await
}

async fn forget_some(tx: &mut Tx) -> AppResult<bool> {
    let before = tx.now() - KEPT_FOR;
    Ok(store::delete_old_mails(tx, before).await? || one_time_tokens::forget_ended(tx).await?)
}

pub fn open(app: &App, id: MailId, sealed: &[u8]) -> AppResult<Body> {
    let opened = app.sealer.open(&bound_to(id), sealed).map_err(anyhow::Error::from)?;
    Ok(serde_json::from_slice(&opened)?)
}

pub fn bound_to(id: MailId) -> String {
    format!("mail:{id}")
}
