//! API keys: what a program shows with every request, for the user or the service account that holds it.
//!
//! A key may do what it was made for, as far as its holder may do it at that moment; nobody makes one for more than they may do
//! themselves. It is shown once and stored as a hash. What ends all sessions of a user ends their keys.

mod api;
pub mod form;
mod jobs;
mod pages;
mod store;

#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::pin::Pin;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

pub use api::router;
pub use jobs::register;
pub use pages::router as pages;

use crate::activity;
use crate::app::App;
use crate::audit::{self, Event};
use crate::caller::{Authority, KeyUse, Permission, PermissionSet, Person, Subject};
use crate::db::page::{self, Limit, Page};
use crate::db::{DbResult, Tx};
use crate::error::{AppResult, LogAndIgnore, Rejection};
use crate::id::{ApiKeyId, ServiceAccountId, UserId};
use crate::mails::{self, About, Template};
use crate::secret::{Purpose, SecretText, new_bearer_and_hash};
use crate::users::{self, Name};

/// Living keys that one user or service account may hold.
const HELD_MAX: i64 = 50;
/// How long a key is good when nobody says.
const LIFETIME: SignedDuration = SignedDuration::from_hours(90 * 24);
/// How much of the secret is kept to tell keys apart; 220 of its 256 bits stay unknown.
const HINT_CHARACTERS: usize = 6;

/// A key, without its secret.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(extend("example" = api::example()))]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub name: String,
    /// What the key begins with.
    pub prefix: String,
    /// What it was made for; it may do as much of that as its holder may.
    pub permissions: Vec<Permission>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    /// To the minute.
    pub last_used_at: Option<Timestamp>,
    /// Where it was used from then.
    #[schemars(with = "Option<String>")]
    pub last_used_address: Option<IpAddr>,
}

/// A key that has just been made.
#[derive(Serialize, JsonSchema)]
pub struct NewApiKey {
    /// For `Authorization: Bearer`. It is shown this once.
    pub key: String,
    #[serde(flatten)]
    pub api_key: ApiKey,
}

/// A key to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("example" = serde_json::json!({ "name": "Nightly report", "permissions": ["users:read"] })))]
pub struct KeyWish {
    /// What it is for.
    pub name: Name,
    /// Left out: none for a person's key, all of the account's for a service account's.
    #[serde(default)]
    #[schemars(with = "Vec<Permission>", length(max = 100))]
    pub permissions: Option<Vec<Permission>>,
    /// 90 days from now when left out; the deployment has a limit (`USHER_API_KEY_LIFETIME_MAX_DAYS`).
    #[serde(default)]
    #[schemars(with = "Timestamp")]
    pub expires_at: Option<Timestamp>,
}

/// For whom a key is made.
#[derive(Clone, Copy, Debug)]
pub enum Holder {
    /// In this epoch of theirs: if it is over by the time the key is there, the key opens nothing.
    User {
        id: UserId,
        auth_epoch: i64,
    },
    ServiceAccount(ServiceAccountId),
}

impl Holder {
    fn subject(self) -> Subject {
        match self {
            Self::User { id, .. } => Subject::User(id),
            Self::ServiceAccount(id) => Subject::ServiceAccount(id),
        }
    }

    fn auth_epoch(self) -> Option<i64> {
        match self {
            Self::User { auth_epoch, .. } => Some(auth_epoch),
            Self::ServiceAccount(_) => None,
        }
    }
}

/// Makes a key for a holder who is locked, so that no other one is made for them meanwhile.
pub async fn create(
    app: &App,
    tx: &mut Tx,
    by: Authority,
    holder: Holder,
    permissions: PermissionSet,
    wish: &KeyWish,
) -> AppResult<NewApiKey> {
    by.to_grant(permissions)?;
    let expires_at = expiry(app, tx.now(), wish.expires_at)?;
    if store::count_living(tx, holder.subject()).await? >= HELD_MAX {
        let detail = format!("There are {HELD_MAX} living keys already. Revoke one first.");
        return Err(Rejection::conflict("too_many_api_keys", detail).into());
    }
    let (secret, hash) = new_bearer_and_hash(Purpose::ApiKey);
    let api_key = ApiKey {
        id: ApiKeyId::new(tx.now()),
        name: wish.name.0.clone(),
        prefix: hint(&secret),
        permissions: permissions.iter().collect(),
        created_at: tx.now(),
        expires_at,
        last_used_at: None,
        last_used_address: None,
    };
    store::insert_key(tx, holder, &api_key, &hash).await?;
    let event = Event::success("api_key.created").changed(&(), &api_key);
    audit::record(tx, about(event, api_key.id, holder.subject())).await?;
    Ok(NewApiKey { key: secret.reveal().to_owned(), api_key })
}

/// Makes a key for the person who asks. A mail tells them of it.
pub async fn create_own(app: &App, tx: &mut Tx, person: &Person, wish: &KeyWish) -> AppResult<NewApiKey> {
    let user = users::lock(tx, person.authority(), person.user_id).await?;
    let permissions: PermissionSet = wish.permissions.iter().flatten().copied().collect();
    let holder = Holder::User { id: user.id, auth_epoch: person.auth_epoch };
    let made = create(app, tx, person.authority(), holder, permissions, wish).await?;
    let about = About::of(tx);
    mails::request_about(tx, Template::ApiKeyCreated, user.id, about).await?;
    Ok(made)
}

/// One page of a holder's living keys, the newest first.
pub async fn list(tx: &mut Tx, holder: Subject, limit: Limit, cursor: Option<&str>) -> AppResult<Page<ApiKey>> {
    let before: Option<ApiKeyId> = cursor.map(page::decode).transpose()?;
    let keys = store::list_living(tx, holder, before, limit.and_one()).await?;
    Ok(Page::cut(keys, limit, |key| key.id))
}

/// A living key of this holder, of the newest that fill a page; another's is none of theirs.
pub async fn read(tx: &mut Tx, holder: Subject, id: ApiKeyId) -> AppResult<ApiKey> {
    let keys = list(tx, holder, Limit::default(), None).await?;
    Ok(keys.items.into_iter().find(|key| key.id == id).ok_or_else(Rejection::not_found)?)
}

/// Revokes a living key of this holder; another's is none of theirs.
pub async fn revoke(tx: &mut Tx, holder: Subject, id: ApiKeyId) -> AppResult<()> {
    if !store::update_to_revoked(tx, holder, id).await? {
        return Err(Rejection::not_found().into());
    }
    let event = Event::success("api_key.revoked").changed(&(), &json!({ "revoked_at": tx.now() }));
    audit::record(tx, about(event, id, holder)).await?;
    Ok(())
}

/// Revokes every key of everybody, and says how many.
pub async fn revoke_everything(tx: &mut Tx) -> DbResult<u64> {
    store::revoke_everything(tx).await
}

/// Notes when and where from a key was used. The request goes on whether or not that can be written.
pub fn note_use(app: App, used: KeyUse) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move { write_use(&app, used).await.log_and_ignore("the next use is noted") })
}

/// The day of a person comes first: what fails is done at the next use as long as the key does not say that it was used.
async fn write_use(app: &App, used: KeyUse) -> DbResult<()> {
    let now = app.clock.now();
    if let Subject::User(user_id) = used.holder {
        activity::note_use(app.db.counters(), user_id, used.last_used_at, now).await?;
    }
    store::update_used(app.db.counters(), used.id, now, used.address).await
}

fn expiry(app: &App, now: Timestamp, wish: Option<Timestamp>) -> Result<Timestamp, Rejection> {
    let latest = now + app.config.tokens.api_key_lifetime_max;
    match wish {
        None => Ok((now + LIFETIME).min(latest)),
        Some(at) if at <= now => Err(Rejection::invalid_field("/expires_at", "in_the_past", "must be a time to come")),
        Some(at) if at > latest => {
            let detail = format!("must be at most {} days from now", app.config.tokens.api_key_lifetime_max.as_secs() / 86_400);
            Err(Rejection::invalid_field("/expires_at", "too_late", detail))
        }
        Some(at) => Ok(at),
    }
}

/// The beginning of a key, by which people recognise it.
fn hint(secret: &SecretText) -> String {
    secret.reveal().chars().take(Purpose::ApiKey.prefix().len() + HINT_CHARACTERS).collect()
}

fn about(event: Event, id: ApiKeyId, holder: Subject) -> Event {
    let event = event.on("api_key", id);
    match holder {
        Subject::User(id) => event.about(id),
        Subject::ServiceAccount(id) => event.detail("service_account_id", id.to_string()),
    }
}
