//! The queue for those who look after the server: which mails wait, were given up or sent, to whom and why not. Never what is in one.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Mail, api, store};
use crate::app::App;
use crate::caller::{Authority, Permission, PermissionSet};
use crate::db::page::{self, Limit, Page};
use crate::db::{DbResult, Tx};
use crate::error::{AppResult, Rejection};
use crate::id::{MailId, UserId, first_uuid};
use crate::mail::masked;
use crate::telemetry;

/// How far back mails are counted that have been sent.
const LATELY: SignedDuration = SignedDuration::from_hours(24);

/// How far a mail is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "MailStatus")]
pub enum Status {
    /// It waits for a mail server.
    Held,
    /// It waits for its turn, or for the next attempt.
    Queued,
    Sent,
    /// It was given up.
    Failed,
}

impl Status {
    pub const ALL: [Self; 4] = [Self::Queued, Self::Held, Self::Failed, Self::Sent];

    /// As stored in PostgreSQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// A mail from outside.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Mail", extend("example" = api::example()))]
pub struct Envelope {
    pub id: MailId,
    /// What it is about, such as `reset_password`.
    pub kind: String,
    /// Whom it is for; nobody, if that is no user yet or whoever asks may not see them.
    pub user_id: Option<UserId>,
    /// The address; of somebody whom whoever asks may not see only its beginning and its domain.
    pub recipient: String,
    pub status: Status,
    pub attempts: i32,
    /// What the mail server said at the last attempt, without addresses.
    pub last_error: Option<String>,
    pub created_at: Timestamp,
    pub sent_at: Option<Timestamp>,
}

/// A mail to whoever asks, from outside.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct OwnMail {
    pub id: MailId,
    /// What it is about, such as `reset_password`.
    pub kind: String,
    /// The address.
    pub recipient: String,
    pub subject: String,
    pub status: Status,
    pub created_at: Timestamp,
    pub sent_at: Option<Timestamp>,
}

/// How many there are.
#[derive(Clone, Copy, Debug)]
pub struct Counts {
    pub waiting: i64,
    pub held: i64,
    pub given_up: i64,
    /// Of those that were made within the last day.
    pub sent_lately: i64,
}

/// One page of mails, the newest first.
pub async fn list(
    tx: &mut Tx,
    by: Authority,
    status: Option<Status>,
    limit: Limit,
    cursor: Option<&str>,
) -> AppResult<Page<Envelope>> {
    let before: Option<MailId> = cursor.map(page::decode).transpose()?;
    let mails = store::list_addressed(tx, status.map(Status::as_str), before, limit.and_one()).await?;
    let mails = mails.into_iter().map(|(mail, permissions)| envelope(mail, is_seen(by, permissions))).collect();
    Ok(Page::cut(mails, limit, |mail: &Envelope| mail.id))
}

/// One page of those to a user, whom whoever asks may see.
pub async fn list_to(tx: &mut Tx, user_id: UserId, limit: Limit, cursor: Option<&str>) -> AppResult<Page<Envelope>> {
    let before: Option<MailId> = cursor.map(page::decode).transpose()?;
    let mails = store::list_to(tx, user_id, before, limit.and_one()).await?;
    let mails = mails.into_iter().map(|mail| envelope(mail, true)).collect();
    Ok(Page::cut(mails, limit, |mail: &Envelope| mail.id))
}

/// One page of those to the person who asks.
pub async fn list_own(tx: &mut Tx, user_id: UserId, limit: Limit, cursor: Option<&str>) -> AppResult<Page<OwnMail>> {
    let before: Option<MailId> = cursor.map(page::decode).transpose()?;
    let mails = store::list_to(tx, user_id, before, limit.and_one()).await?;
    let mails = mails.into_iter().map(own).collect();
    Ok(Page::cut(mails, limit, |mail: &OwnMail| mail.id))
}

/// The mail, or a refusal: there is no such resource.
pub async fn read(tx: &mut Tx, by: Authority, id: MailId) -> AppResult<Envelope> {
    let (mail, permissions) = store::find_addressed(tx, id).await?.ok_or_else(Rejection::not_found)?;
    Ok(envelope(mail, is_seen(by, permissions)))
}

/// Puts one that was given up or is held back into the queue.
pub async fn retry(app: &App, tx: &mut Tx, by: Authority, id: MailId) -> AppResult<Envelope> {
    let before = read(tx, by, id).await?;
    if super::retry(app, tx, Some(before.id)).await? == 0 {
        let detail = "It has been sent, or waits to be sent already.";
        return Err(Rejection::conflict("invalid_state", detail).into());
    }
    read(tx, by, id).await
}

pub async fn count(tx: &mut Tx) -> DbResult<Counts> {
    let super::Queue { waiting, held, given_up } = super::count(tx).await?;
    let since = first_uuid(tx.now() - LATELY);
    let sent_lately = store::count_sent(tx, since).await?;
    Ok(Counts { waiting, held, given_up, sent_lately })
}

/// Whether somebody may see whom a mail is for; `permissions` are that user's.
fn is_seen(by: Authority, permissions: PermissionSet) -> bool {
    by.permissions.contains(Permission::UsersRead) && by.over(permissions).is_ok()
}

fn envelope(mail: Mail, is_seen: bool) -> Envelope {
    Envelope {
        id: mail.id,
        kind: mail.template,
        user_id: mail.user_id.filter(|_| is_seen),
        recipient: if is_seen { mail.recipient } else { masked(&mail.recipient) },
        status: known(&mail.status),
        attempts: mail.attempts,
        last_error: mail.last_error.map(|error| telemetry::without_addresses(&error)),
        created_at: mail.created_at,
        sent_at: mail.sent_at,
    }
}

fn own(mail: Mail) -> OwnMail {
    OwnMail {
        id: mail.id,
        kind: mail.template,
        recipient: mail.recipient,
        subject: mail.subject,
        status: known(&mail.status),
        created_at: mail.created_at,
        sent_at: mail.sent_at,
    }
}

/// What a later release calls otherwise has not been sent.
fn known(status: &str) -> Status {
    Status::parse(status).unwrap_or(Status::Queued)
}
