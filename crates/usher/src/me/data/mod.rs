//! Everything that is known of a person and theirs to see, in one piece.

pub(super) mod pages;
mod store;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::history;
use crate::api_keys::{self, ApiKey};
use crate::app::App;
use crate::approvals::{self, ApprovalRequest};
use crate::attributes;
use crate::audit::{self, AuditEvent, Event};
use crate::caller::{Person, Subject};
use crate::db::Tx;
use crate::db::page::{Limit, Page};
use crate::devices::{self, KnownDevice, TrustedDevice};
use crate::emails::{self, PendingEmail};
use crate::error::AppResult;
use crate::groups::{self, Membership};
use crate::id::InvitationId;
use crate::mails::Template;
use crate::mails::outbox::{self, OwnMail};
use crate::password;
use crate::second_factors::passkeys::{self, Passkey};
use crate::second_factors::{self, SecondFactors};
use crate::sessions::{self, Session};
use crate::users::{self, User};

/// Longest list in it; of more, the newest.
const ITEMS_MAX: usize = 10_000;
/// Tells whether there are more.
const ONE_MORE: i64 = 10_001;

/// The names of lists that are not whole.
type Cut = Vec<&'static str>;

/// Everything that is known of a person and theirs to see.
#[derive(Serialize, JsonSchema)]
pub struct OwnData {
    /// When it was put together.
    pub made_at: Timestamp,
    pub user: User,
    /// The address that waits to be confirmed.
    pub pending_email: Option<PendingEmail>,
    pub groups: Vec<Membership>,
    pub password_changed_at: Option<Timestamp>,
    pub second_factors: SecondFactors,
    pub passkeys: Vec<Passkey>,
    pub sessions: Vec<Session>,
    pub devices: Vec<KnownDevice>,
    /// Those of them on which the second factor is not asked for.
    pub trusted_devices: Vec<TrustedDevice>,
    pub api_keys: Vec<ApiKey>,
    /// What the person has asked for, and what became of it.
    pub approval_requests: Vec<ApprovalRequest>,
    /// What was mailed to the person in the last 30 days. One that asks to confirm an address is there when the address is theirs:
    /// before, it would tell whether somebody else has it.
    pub mails: Vec<OwnMail>,
    /// Those that the person has sent, and the one that they came by, as long as they are kept.
    pub invitations: Vec<OwnInvitation>,
    /// What has happened to the account. Of what others did, only that it was done.
    pub history: Vec<AuditEvent>,
    /// The lists that hold the newest 10,000 items and not all.
    pub truncated: Vec<&'static str>,
}

/// An invitation, for who has sent it or came by it. Who else did is none of their business.
#[derive(Serialize, JsonSchema)]
pub struct OwnInvitation {
    pub id: InvitationId,
    /// Whether the person has sent it; if not, they came by it.
    pub sent_by_you: bool,
    pub email: String,
    pub display_name: Option<String>,
    pub message: Option<String>,
    pub roles: Vec<String>,
    pub forward_to: Option<String>,
    /// `mail` or `link`.
    pub delivery: String,
    /// `waiting`, `expired`, `accepted` or `revoked`.
    pub state: String,
    pub created_at: Timestamp,
    /// When the newest link was made.
    pub sent_at: Option<Timestamp>,
    pub times_sent: i32,
    pub opened_at: Option<Timestamp>,
    pub accepted_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    pub expires_at: Timestamp,
}

/// Puts it together, out of one transaction, and notes that the person has asked for it.
pub async fn gather(app: &App, person: &Person) -> AppResult<OwnData> {
    let id = person.user_id;
    let schema = attributes::cached(app).await?;
    let mut tx = app.begin(&person.origin).await?;
    let mut user = users::read(&mut tx, id).await?;
    user.attributes = schema.own(&user.attributes);
    let mut cut = Vec::new();
    let mails = list_mails(&mut tx, &user, &mut cut).await?;
    let data = OwnData {
        made_at: tx.now(),
        user,
        pending_email: emails::find_pending(&mut tx, id).await?,
        groups: list_groups(&mut tx, person).await?,
        password_changed_at: password::find_changed_at(&mut tx, id).await?,
        second_factors: second_factors::find(&mut tx, id).await?,
        passkeys: passkeys::list(&mut tx, id).await?,
        sessions: list_sessions(&mut tx, person, &mut cut).await?,
        devices: devices::list(&mut tx, id).await?,
        trusted_devices: devices::list_trusted(&mut tx, id, app.config.tokens.trusted_device).await?,
        api_keys: list_keys(&mut tx, person, &mut cut).await?,
        approval_requests: list_requests(&mut tx, person, &mut cut).await?,
        mails,
        invitations: whole_or_cut("invitations", store::list_invitations(&mut tx, id, ONE_MORE).await?, &mut cut),
        history: list_history(&mut tx, person, &mut cut).await?,
        truncated: cut,
    };
    audit::record(&mut tx, Event::success("user.data_read").on("user", id)).await?;
    tx.commit().await?;
    Ok(data)
}

/// Who has put them there is none of the person's business.
async fn list_groups(tx: &mut Tx, person: &Person) -> AppResult<Vec<Membership>> {
    let memberships = groups::list_memberships(tx, person.user_id).await?;
    Ok(memberships.into_iter().map(|membership| Membership { granted_by: None, ..membership }).collect())
}

/// As many as one page may hold.
fn most() -> Limit {
    Limit::new(Limit::MAX).unwrap_or_default()
}

/// Adds a page to what was read of a list. Returns where the next one begins, if there is one and room for it.
fn add<T>(name: &'static str, items: &mut Vec<T>, page: Page<T>, cut: &mut Cut) -> Option<String> {
    items.extend(page.items);
    if items.len() < ITEMS_MAX || items.len() == ITEMS_MAX && page.next.is_none() {
        return page.next;
    }
    items.truncate(ITEMS_MAX);
    cut.push(name);
    None
}

/// What was read at once, with one more than there may be.
fn whole_or_cut<T>(name: &'static str, mut items: Vec<T>, cut: &mut Cut) -> Vec<T> {
    if items.len() > ITEMS_MAX {
        items.truncate(ITEMS_MAX);
        cut.push(name);
    }
    items
}

async fn list_sessions(tx: &mut Tx, person: &Person, cut: &mut Cut) -> AppResult<Vec<Session>> {
    let (mut sessions, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page = sessions::list(tx, person.user_id, Some(person.session_id), most(), cursor.as_deref()).await?;
        cursor = add("sessions", &mut sessions, page, cut);
        if cursor.is_none() {
            return Ok(sessions);
        }
    }
}

async fn list_requests(tx: &mut Tx, person: &Person, cut: &mut Cut) -> AppResult<Vec<ApprovalRequest>> {
    let mut wanted = approvals::Wanted { limit: most(), ..approvals::Wanted::default() };
    let mut requests = Vec::new();
    loop {
        let page = approvals::list_own(tx, person.user_id, &wanted).await?;
        wanted.cursor = add("approval_requests", &mut requests, page, cut);
        if wanted.cursor.is_none() {
            return Ok(requests);
        }
    }
}

async fn list_keys(tx: &mut Tx, person: &Person, cut: &mut Cut) -> AppResult<Vec<ApiKey>> {
    let (mut keys, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page = api_keys::list(tx, Subject::User(person.user_id), most(), cursor.as_deref()).await?;
        cursor = add("api_keys", &mut keys, page, cut);
        if cursor.is_none() {
            return Ok(keys);
        }
    }
}

async fn list_mails(tx: &mut Tx, user: &User, cut: &mut Cut) -> AppResult<Vec<OwnMail>> {
    let (mut mails, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let mut page = outbox::list_own(tx, user.id, most(), cursor.as_deref()).await?;
        page.items.retain(|mail| is_told(mail, user));
        cursor = add("mails", &mut mails, page, cut);
        if cursor.is_none() {
            return Ok(mails);
        }
    }
}

/// No link goes out to an address that somebody else has: that one went out is not told before the address is theirs.
fn is_told(mail: &OwnMail, user: &User) -> bool {
    let is_theirs = || user.emails.iter().any(|email| email.address.eq_ignore_ascii_case(&mail.recipient));
    mail.kind != Template::ConfirmEmail.name() || is_theirs()
}

async fn list_history(tx: &mut Tx, person: &Person, cut: &mut Cut) -> AppResult<Vec<AuditEvent>> {
    let events = history::events(tx, person.user_id, None, ONE_MORE).await?;
    Ok(whole_or_cut("history", events, cut).into_iter().map(|event| theirs(event, person)).collect())
}

/// Of what others did, only that they did it: who they are, where they sit, why and with what words is none of the person's business.
/// Attributes may be for administrators alone, whoever has changed them.
fn theirs(mut event: AuditEvent, person: &Person) -> AuditEvent {
    if let Value::Object(changes) = &mut event.changes {
        changes.remove("attributes");
    }
    if event.actor_kind == "anonymous" || event.actor_id == Some(person.user_id.uuid()) {
        return event;
    }
    AuditEvent {
        actor_id: None,
        reason: None,
        request_id: None,
        address: None,
        user_agent: None,
        api_key_id: None,
        change_id: None,
        changes: Value::Object(Map::new()),
        ..event
    }
}
