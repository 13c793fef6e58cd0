//! What has happened to a person's account, in plain words: read from the audit trail, which keeps it.

pub(super) mod pages;
mod words;

use std::net::IpAddr;

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use crate::audit::{self, AuditEvent, Wanted};
use crate::db::Tx;
use crate::db::page::{self, Limit, Page};
use crate::error::AppResult;
use crate::id::UserId;
use crate::network::Network;
use crate::sessions;

/// Something that has happened, as it is told to whom it concerns.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    pub at: Timestamp,
    /// A sentence.
    pub what: String,
    pub tone: Tone,
    /// Who did it, when it was somebody else.
    pub by: Option<String>,
    /// From what and where, when it was the person or somebody who has not shown who they are.
    pub device: Option<String>,
    pub network: Option<String>,
}

/// How much it is to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    Plain,
    /// It was refused.
    Refused,
    /// What opens the account has changed.
    Changed,
}

/// One page of what has happened to the person's account, the newest first.
pub async fn list(tx: &mut Tx, user_id: UserId, limit: Limit, cursor: Option<&str>) -> AppResult<Page<Entry>> {
    let before: Option<Uuid> = cursor.map(page::decode).transpose()?;
    let page = Page::cut(events(tx, user_id, before, limit.and_one()).await?, limit, |event| event.id);
    let items = page.items.iter().filter_map(|event| entry(event, user_id)).collect();
    Ok(Page { items, next: page.next, total: page.total })
}

/// The events behind it.
pub async fn events(tx: &mut Tx, user_id: UserId, before: Option<Uuid>, limit: i64) -> AppResult<Vec<AuditEvent>> {
    let actions = words::ACTIONS.map(ToOwned::to_owned).to_vec();
    let wanted = Wanted { subject_id: Some(user_id.uuid()), actions: Some(actions), before, limit, ..Wanted::default() };
    Ok(audit::list(tx, wanted).await?)
}

fn entry(event: &AuditEvent, user_id: UserId) -> Option<Entry> {
    let (what, tone) = words::tell(event)?;
    let is_own = event.actor_id == Some(user_id.uuid());
    // Where administrators sit is none of the person's business.
    let is_shown = is_own || event.actor_kind == "anonymous";
    Some(Entry {
        at: event.occurred_at,
        what,
        tone,
        by: words::by(&event.actor_kind).filter(|_| !is_own),
        device: event.user_agent.as_deref().filter(|_| is_shown).map(sessions::device_label),
        network: event.address.as_deref().filter(|_| is_shown).and_then(coarse),
    })
}

/// The network of an address: enough to tell home from abroad.
fn coarse(address: &str) -> Option<String> {
    let address: IpAddr = address.parse().ok()?;
    Some(Network::of(Some(address)).to_string())
}
