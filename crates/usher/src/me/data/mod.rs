//! Everything that is known of a person and theirs to see, in one piece.

pub(super) mod pages;

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
use crate::password;
use crate::second_factors::passkeys::{self, Passkey};
use crate::second_factors::{self, SecondFactors};
use crate::sessions::{self, Session};
use crate::users::{self, User};

/// Longest list in it; of more, the newest.
const ITEMS_MAX: usize = 10_000;

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
    /// What has happened to the account. Of what others did, only that it was done.
    pub history: Vec<AuditEvent>,
}

/// Puts it together, out of one transaction, and notes that the person has asked for it.
pub async fn gather(app: &App, person: &Person) -> AppResult<OwnData> {
    let id = person.user_id;
    let schema = attributes::cached(app).await?;
    let mut tx = app.begin(&person.origin).await?;
    let mut user = users::read(&mut tx, id).await?;
    user.attributes = schema.own(&user.attributes);
    let data = OwnData {
        made_at: tx.now(),
        user,
        pending_email: emails::find_pending(&mut tx, id).await?,
        groups: list_groups(&mut tx, person).await?,
        password_changed_at: password::find_changed_at(&mut tx, id).await?,
        second_factors: second_factors::find(&mut tx, id).await?,
        passkeys: passkeys::list(&mut tx, id).await?,
        sessions: list_sessions(&mut tx, person).await?,
        devices: devices::list(&mut tx, id).await?,
        trusted_devices: devices::list_trusted(&mut tx, id, app.config.tokens.trusted_device).await?,
        api_keys: list_keys(&mut tx, person).await?,
        approval_requests: list_requests(&mut tx, person).await?,
        history: list_history(&mut tx, person).await?,
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

/// Adds a page to what was read. Returns where the next one begins, if there is one and room for it.
fn add<T>(items: &mut Vec<T>, page: Page<T>) -> Option<String> {
    items.extend(page.items);
    page.next.filter(|_| items.len() < ITEMS_MAX)
}

async fn list_sessions(tx: &mut Tx, person: &Person) -> AppResult<Vec<Session>> {
    let (mut sessions, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page = sessions::list(tx, person.user_id, Some(person.session_id), most(), cursor.as_deref()).await?;
        cursor = add(&mut sessions, page);
        if cursor.is_none() {
            return Ok(sessions);
        }
    }
}

async fn list_requests(tx: &mut Tx, person: &Person) -> AppResult<Vec<ApprovalRequest>> {
    let mut wanted = approvals::Wanted { limit: most(), ..approvals::Wanted::default() };
    let mut requests = Vec::new();
    loop {
        wanted.cursor = add(&mut requests, approvals::list_own(tx, person.user_id, &wanted).await?);
        if wanted.cursor.is_none() {
            return Ok(requests);
        }
    }
}

async fn list_keys(tx: &mut Tx, person: &Person) -> AppResult<Vec<ApiKey>> {
    let (mut keys, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page = api_keys::list(tx, Subject::User(person.user_id), most(), cursor.as_deref()).await?;
        cursor = add(&mut keys, page);
        if cursor.is_none() {
            return Ok(keys);
        }
    }
}

async fn list_history(tx: &mut Tx, person: &Person) -> AppResult<Vec<AuditEvent>> {
    let most = i64::try_from(ITEMS_MAX).unwrap_or(i64::MAX);
    let events = history::events(tx, person.user_id, None, most).await?;
    Ok(events.into_iter().map(|event| theirs(event, person)).collect())
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
