//! The mail queue. A mail is asked for in the transaction of the change that causes it; a job looks the address up, makes the
//! link and renders; another delivers. So an answer takes as long for an unknown address as for a known one, and a mail goes
//! only to an address from the database: the one of the day, or, for a notice without a link, one that the user had until the change
//! . Only an invitation goes to an address that is nobody's yet.

mod api;
mod jobs;
pub mod outbox;
mod render;
mod store;
pub mod texts;

#[cfg(test)]
mod tests;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

pub use api::router;
pub use jobs::register;

use crate::app::App;
use crate::audit::{self, Event};
use crate::db::{Actor, DbResult, Tx};
use crate::error::{AppResult, Rejection};
use crate::id::{MailId, UserId, new_uuid};
use crate::seal::Resealed;
use crate::secret::{Purpose, SecretText};

const RESEAL_AT_ONCE: i64 = 100;

/// What a mail is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Template {
    VerifyEmail,
    AlreadyRegistered,
    ResetPassword,
    Welcome,
    PasswordChanged,
    NewDevice,
    ApiKeyCreated,
    ConfirmEmail,
    EmailRequested,
    AddressInUse,
    PrimaryChanged,
    EmailRemoved,
    UsernameChanged,
    UndoDeletion,
    ProfessionalGranted,
    ProfessionalDeclined,
    ProfessionalWithdrawn,
    InactivityWarning,
    SecondFactorChanged,
    Invitation,
}

impl Template {
    pub const ALL: [Self; 20] = [
        Self::VerifyEmail,
        Self::AlreadyRegistered,
        Self::ResetPassword,
        Self::Welcome,
        Self::PasswordChanged,
        Self::NewDevice,
        Self::ApiKeyCreated,
        Self::ConfirmEmail,
        Self::EmailRequested,
        Self::AddressInUse,
        Self::PrimaryChanged,
        Self::EmailRemoved,
        Self::UsernameChanged,
        Self::UndoDeletion,
        Self::ProfessionalGranted,
        Self::ProfessionalDeclined,
        Self::ProfessionalWithdrawn,
        Self::InactivityWarning,
        Self::SecondFactorChanged,
        Self::Invitation,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::AlreadyRegistered => "already_registered",
            Self::ResetPassword => "reset_password",
            Self::Welcome => "welcome",
            Self::PasswordChanged => "password_changed",
            Self::NewDevice => "new_device",
            Self::ApiKeyCreated => "api_key_created",
            Self::ConfirmEmail => "confirm_email",
            Self::EmailRequested => "email_requested",
            Self::AddressInUse => "address_in_use",
            Self::PrimaryChanged => "primary_changed",
            Self::EmailRemoved => "email_removed",
            Self::UsernameChanged => "username_changed",
            Self::UndoDeletion => "undo_deletion",
            Self::ProfessionalGranted => "professional_granted",
            Self::ProfessionalDeclined => "professional_declined",
            Self::ProfessionalWithdrawn => "professional_withdrawn",
            Self::InactivityWarning => "inactivity_warning",
            Self::SecondFactorChanged => "second_factor_changed",
            Self::Invitation => "invitation",
        }
    }

    /// The page its link opens, and what the link's token is for.
    fn link(self) -> Option<(&'static str, Purpose)> {
        match self {
            Self::VerifyEmail => Some(("/verify", Purpose::VerifyEmail)),
            Self::ResetPassword => Some(("/reset-password", Purpose::ResetPassword)),
            Self::Welcome => Some(("/reset-password", Purpose::SetPassword)),
            Self::NewDevice => Some(("/not-me", Purpose::ReportSignIn)),
            Self::ConfirmEmail => Some(("/confirm-email", Purpose::ConfirmEmail)),
            Self::UndoDeletion => Some(("/undo-deletion", Purpose::UndoDeletion)),
            Self::Invitation => Some(("/invitation", Purpose::Invitation)),
            _ => None,
        }
    }

    /// Whether its link comes as a QR code too: read at one screen, it is often opened on another.
    fn shows_code(self) -> bool {
        self == Self::Invitation
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
    /// What the QR code says that comes with it. It is drawn when the mail is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// What a mail tells of the event that caused it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct About {
    pub at: Option<Timestamp>,
    /// The network address it came from.
    pub address: Option<String>,
    pub user_agent: Option<String>,
    #[serde(default)]
    pub unused: Option<Unused>,
    #[serde(default)]
    pub factor: Option<FactorChange>,
    #[serde(default)]
    pub invited: Option<Invited>,
    /// What whoever decided says.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Who invites somebody, and what they say.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Invited {
    /// Nobody, when it was the operator.
    pub by: Option<String>,
    pub message: Option<String>,
}

/// What has happened to somebody's second factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactorChange {
    Added,
    Removed,
    /// By an administrator or the operator.
    Reset,
    CodesRenewed,
    CodeUsed,
    PasskeyAdded,
    PasskeyRemoved,
}

impl FactorChange {
    fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Reset => "reset",
            Self::CodesRenewed => "codes_renewed",
            Self::CodeUsed => "code_used",
            Self::PasskeyAdded => "passkey_added",
            Self::PasskeyRemoved => "passkey_removed",
        }
    }
}

/// That nobody has used an account, and what comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unused {
    /// The last day on which somebody did.
    pub since: Date,
    /// What is done to it then or later, unless somebody does.
    pub ends: Option<(Ending, Date)>,
}

/// What becomes of an account that nobody uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    Suspended,
    Deleted,
}

impl Ending {
    fn as_str(self) -> &'static str {
        match self {
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
        }
    }
}

impl About {
    /// What is known of whoever asks in this transaction.
    pub fn of(tx: &Tx) -> Self {
        let origin = tx.origin();
        Self {
            at: Some(tx.now()),
            address: origin.address.map(|address| address.to_string()),
            user_agent: origin.user_agent.clone(),
            ..Self::default()
        }
    }
}

/// Asks for a mail to a user's primary address; that which confirms an address goes to the pending one. It is made and sent after
/// the commit.
pub async fn request(tx: &mut Tx, template: Template, user_id: UserId) -> AppResult<()> {
    enqueue(tx, jobs::Compose { template, user_id, about: About::default(), address: None }).await
}

/// The same, for a mail that tells of an event.
pub async fn request_about(tx: &mut Tx, template: Template, user_id: UserId, about: About) -> AppResult<()> {
    enqueue(tx, jobs::Compose { template, user_id, about, address: None }).await
}

/// Asks for a notice, without a link, to an address that was the user's until now.
pub async fn request_to_former(tx: &mut Tx, template: Template, user_id: UserId, address: &str) -> AppResult<()> {
    enqueue(tx, jobs::Compose { template, user_id, about: About::default(), address: Some(address.to_owned()) }).await
}

/// A mail to an address that is nobody's yet.
pub struct Letter<'a> {
    pub template: Template,
    pub address: &'a str,
    /// How to greet; may be empty.
    pub name: &'a str,
    /// The token of its link.
    pub secret: &'a SecretText,
    pub lifetime: SignedDuration,
    pub about: &'a About,
}

/// Renders it and queues its delivery. False when the address has had too many of its kind: then there is none.
pub async fn send(app: &App, tx: &mut Tx, letter: Letter<'_>) -> AppResult<bool> {
    jobs::send(app, tx, letter).await
}

async fn enqueue(tx: &mut Tx, compose: jobs::Compose) -> AppResult<()> {
    crate::jobs::enqueue(tx, jobs::COMPOSE, &compose).await
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

/// How many mails have not been sent.
#[derive(Clone, Copy, Debug)]
pub struct Queue {
    pub waiting: i64,
    /// There is no mail server.
    pub held: i64,
    pub given_up: i64,
}

pub async fn count(tx: &mut Tx) -> DbResult<Queue> {
    store::count_mails(tx).await
}

/// Seals the bodies of waiting mails anew that are not under the present secret key.
pub async fn reseal(app: &App) -> AppResult<Resealed> {
    let mut done = Resealed::default();
    let mut after = MailId::from_uuid(Uuid::nil());
    loop {
        let mut tx = app.begin_as(Actor::Cli).await?;
        let stale = store::list_stale(&mut tx, app.sealer.mark(), after, RESEAL_AT_ONCE).await?;
        for (id, sealed) in &stale {
            match app.sealer.reseal(&jobs::bound_to(*id), sealed) {
                Ok(anew) => done.resealed += store::update_sealed(&mut tx, *id, sealed, &anew).await?,
                Err(_) => done.unopened += 1,
            }
        }
        tx.commit().await?;
        match stale.last() {
            Some((last, _)) => after = *last,
            None => return Ok(done),
        }
    }
}

/// Under which secret keys bodies are sealed.
pub async fn count_by_mark(tx: &mut Tx) -> DbResult<Vec<(Vec<u8>, i64)>> {
    store::count_by_mark(tx).await
}

/// Puts mails that are held or were given up back into the queue: all of them, or one. Returns how many.
pub async fn retry(app: &App, tx: &mut Tx, id: Option<MailId>) -> AppResult<usize> {
    if app.mailer.holds() {
        let detail = "There is no SMTP server to send it: set USHER_SMTP_URL.";
        return Err(Rejection::conflict("no_smtp_server", detail).into());
    }
    let queued = store::update_mails_to_queued(tx, id).await?;
    for (at, (id, status)) in queued.iter().enumerate() {
        crate::jobs::enqueue(tx, jobs::DELIVER, &jobs::Deliver { mail_id: *id }).await?;
        let event = Event::success("mail.retried").on("mail", id);
        let event = event.changed(&json!({ "status": status }), &json!({ "status": "queued" }));
        // All of them are one change, which the first begins.
        if at == 0 {
            let change = new_uuid(tx.now());
            audit::begin_change(tx, change, event).await?;
        } else {
            audit::record(tx, event).await?;
        }
    }
    Ok(queued.len())
}
