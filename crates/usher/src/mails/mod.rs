//! The mail queue. A mail is asked for in the transaction of the change that causes it; a job looks the address up, makes the
//! link and renders; another delivers. So an answer takes as long for an unknown address as for a known one, and a mail goes
//! only to an address from the database: the one of the day, or, for a notice without a link, one that the user had until the change
//!

mod jobs;
mod render;
mod store;

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use jobs::register;

use crate::app::App;
use crate::audit::{self, Event};
use crate::db::{DbResult, Tx};
use crate::error::{AppResult, Rejection};
use crate::id::{MailId, UserId};
use crate::secret::Purpose;

/// What a mail is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Template {
    VerifyEmail,
    AlreadyRegistered,
    ResetPassword,
    Welcome,
    PasswordChanged,
    ConfirmEmail,
    EmailRequested,
    AddressInUse,
    PrimaryChanged,
    EmailRemoved,
    UndoDeletion,
    ProfessionalGranted,
    ProfessionalWithdrawn,
}

impl Template {
    pub const ALL: [Self; 13] = [
        Self::VerifyEmail,
        Self::AlreadyRegistered,
        Self::ResetPassword,
        Self::Welcome,
        Self::PasswordChanged,
        Self::ConfirmEmail,
        Self::EmailRequested,
        Self::AddressInUse,
        Self::PrimaryChanged,
        Self::EmailRemoved,
        Self::UndoDeletion,
        Self::ProfessionalGranted,
        Self::ProfessionalWithdrawn,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::AlreadyRegistered => "already_registered",
            Self::ResetPassword => "reset_password",
            Self::Welcome => "welcome",
            Self::PasswordChanged => "password_changed",
            Self::ConfirmEmail => "confirm_email",
            Self::EmailRequested => "email_requested",
            Self::AddressInUse => "address_in_use",
            Self::PrimaryChanged => "primary_changed",
            Self::EmailRemoved => "email_removed",
            Self::UndoDeletion => "undo_deletion",
            Self::ProfessionalGranted => "professional_granted",
            Self::ProfessionalWithdrawn => "professional_withdrawn",
        }
    }

    /// The page its link opens, and what the link's token is for.
    fn link(self) -> Option<(&'static str, Purpose)> {
        match self {
            Self::VerifyEmail => Some(("/verify", Purpose::VerifyEmail)),
            Self::ResetPassword => Some(("/reset-password", Purpose::ResetPassword)),
            Self::Welcome => Some(("/reset-password", Purpose::SetPassword)),
            Self::ConfirmEmail => Some(("/confirm-email", Purpose::ConfirmEmail)),
            Self::UndoDeletion => Some(("/undo-deletion", Purpose::UndoDeletion)),
            _ => None,
        }
    }
}

/// A mail in the queue, without its body.
#[derive(Debug, Serialize)]
pub struct Mail {
    pub id: MailId,
    pub user_id: Option<UserId>,
    pub template: String,
    pub recipient: String,
    pub subject: String,
    /// `held`, `queued`, `sent` or `failed`.
    pub status: String,
    pub attempts: i32,
    pub last_error: Option<String>,
    pub created_at: Timestamp,
    pub sent_at: Option<Timestamp>,
}

/// The two renderings of a mail.
#[derive(Debug, Serialize, Deserialize)]
pub struct Body {
    pub text: String,
    pub html: String,
}

/// Asks for a mail to a user's primary address; that which confirms an address goes to the pending one. It is made and sent after
/// the commit.
pub async fn request(tx: &mut Tx, template: Template, user_id: UserId) -> AppResult<()> {
    crate::jobs::enqueue(tx, jobs::COMPOSE, &jobs::Compose { template, user_id, address: None }).await
}

/// Asks for a notice, without a link, to an address that was the user's until now.
pub async fn request_to_former(tx: &mut Tx, template: Template, user_id: UserId, address: &str) -> AppResult<()> {
    let address = Some(address.to_owned());
    crate::jobs::enqueue(tx, jobs::COMPOSE, &jobs::Compose { template, user_id, address }).await
}

/// The newest mails.
pub async fn list(tx: &mut Tx, limit: i64) -> DbResult<Vec<Mail>> {
    store::list_mails(tx, limit).await
}

/// One mail and its body, which is gone once the mail has been sent.
pub async fn show(app: &App, tx: &mut Tx, id: MailId) -> AppResult<Option<(Mail, Option<Body>)>> {
    let Some((mail, sealed)) = store::find_mail(tx, id).await? else { return Ok(None) };
    let body = sealed.map(|sealed| jobs::open(app, id, &sealed)).transpose()?;
    Ok(Some((mail, body)))
}

/// Mails that are held and mails that were given up.
pub async fn count_stuck(tx: &mut Tx) -> DbResult<(i64, i64)> {
    store::count_stuck_mails(tx).await
}

/// Puts mails that are held or were given up back into the queue: all of them, or one. Returns how many.
pub async fn retry(app: &App, tx: &mut Tx, id: Option<MailId>) -> AppResult<usize> {
    if app.mailer.holds() {
        let detail = "There is no SMTP server to send it: set USHER_SMTP_URL.";
        return Err(Rejection::conflict("no_smtp_server", detail).into());
    }
    let ids = store::update_mails_to_queued(tx, id).await?;
    for id in &ids {
        crate::jobs::enqueue(tx, jobs::DELIVER, &jobs::Deliver { mail_id: *id }).await?;
        audit::record(tx, Event::success("mail.retried").on("mail", id)).await?;
    }
    Ok(ids.len())
}
