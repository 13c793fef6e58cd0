//! Service accounts: programs that act in their own name. They have no password and no session, only API keys, and hold permissions
//! directly. Nobody gives one more than they hold, and nobody acts on one that holds what they lack (R-203).

mod api;
mod store;

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use api::router;

use crate::api_keys::{self, Holder, KeyWish, NewApiKey};
use crate::app::App;
use crate::audit::{self, Event};
use crate::caller::{Authority, Permission, PermissionSet, Subject};
use crate::db::page::{self, Limit, Page};
use crate::db::{DbResult, OnConstraint, Tx};
use crate::error::{AppResult, FieldError, Rejection};
use crate::id::ServiceAccountId;

/// Where a service account stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ServiceAccountStatus")]
pub enum Status {
    Active,
    /// Its keys open nothing meanwhile.
    Suspended,
}

impl Status {
    /// As stored in PostgreSQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }
}

/// A program.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(extend("example" = api::example()))]
pub struct ServiceAccount {
    pub id: ServiceAccountId,
    pub name: String,
    pub description: String,
    pub status: Status,
    /// What its keys may hold at most.
    pub permissions: Vec<Permission>,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl ServiceAccount {
    fn permission_set(&self) -> PermissionSet {
        self.permissions.iter().copied().collect()
    }
}

/// The name of a service account: a lower-case letter, then lower-case letters, digits, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("example" = "nightly-report"))]
pub struct ServiceAccountName(#[schemars(regex(pattern = r"^[a-z][a-z0-9_-]{0,62}$"), length(min = 1, max = 63))] String);

impl ServiceAccountName {
    /// Or what is wrong with it, as the end of a sentence.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let mut letters = text.bytes();
        let begins_well = letters.next().is_some_and(|first| first.is_ascii_lowercase());
        let goes_on_well = letters.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte));
        if begins_well && goes_on_well && text.len() <= 63 {
            return Ok(Self(text.to_owned()));
        }
        Err("must have at most 63 characters: a lower-case letter, then lower-case letters, digits, `-` and `_`")
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Creates a service account with permissions that its creator holds.
pub async fn create(
    tx: &mut Tx,
    by: Authority,
    name: &ServiceAccountName,
    description: &str,
    permissions: PermissionSet,
) -> AppResult<ServiceAccount> {
    let id = ServiceAccountId::new(tx.now());
    insert(tx, by, id, name, description, permissions).await
}

/// Makes an account under this id: one that was deleted comes back under its own. It is active, and has no key: those it had are gone
/// for good.
pub async fn insert(
    tx: &mut Tx,
    by: Authority,
    id: ServiceAccountId,
    name: &ServiceAccountName,
    description: &str,
    permissions: PermissionSet,
) -> AppResult<ServiceAccount> {
    by.to_grant(permissions)?;
    store::insert_account(tx, id, name.as_str(), description, permissions)
        .await
        .on_constraint("service_accounts_pkey", || Rejection::conflict("invalid_state", "It is being undone already."))
        .on_constraint("service_accounts_name_key", name_taken)?;
    let account = read(tx, id).await?;
    audit::record(tx, Event::success("service_account.created").on("service_account", id).changed(&(), &account)).await?;
    Ok(account)
}

/// One page of the accounts that the caller may act on, the newest first.
pub async fn list(tx: &mut Tx, by: Authority, limit: Limit, cursor: Option<&str>) -> AppResult<Page<ServiceAccount>> {
    let before: Option<ServiceAccountId> = cursor.map(page::decode).transpose()?;
    let accounts = store::list_accounts(tx, by.permissions, before, limit.and_one()).await?;
    Ok(Page::cut(accounts, limit, |account| account.id))
}

/// The account of this name, if there is one.
pub async fn find_by_name(tx: &mut Tx, name: &str) -> DbResult<Option<ServiceAccountId>> {
    store::find_by_name(tx, name).await
}

/// The account, or a refusal: there is no such resource.
pub async fn read(tx: &mut Tx, id: ServiceAccountId) -> AppResult<ServiceAccount> {
    store::find_account(tx, id).await?.ok_or_else(|| Rejection::not_found().into())
}

/// The account for somebody who may see it.
pub async fn read_as(tx: &mut Tx, by: Authority, id: ServiceAccountId) -> AppResult<ServiceAccount> {
    let account = read(tx, id).await?;
    outranked(by, &account)?;
    Ok(account)
}

/// Locks the account for a change by somebody who may act on it.
pub async fn lock(tx: &mut Tx, by: Authority, id: ServiceAccountId) -> AppResult<ServiceAccount> {
    store::lock_account(tx, id).await?;
    read_as(tx, by, id).await
}

fn outranked(by: Authority, account: &ServiceAccount) -> Result<(), Rejection> {
    by.over(account.permission_set())
        .map_err(|refused| Rejection { detail: "This service account holds permissions that you lack.".into(), ..refused })
}

/// What is to be different about an account; `None` stays.
#[derive(Debug, Default)]
pub struct Changes {
    pub name: Option<ServiceAccountName>,
    pub description: Option<String>,
    pub permissions: Option<PermissionSet>,
}

/// Changes an account that is locked. What it loses, its keys lose at their next request.
pub async fn update(tx: &mut Tx, by: Authority, before: &ServiceAccount, changes: Changes) -> AppResult<ServiceAccount> {
    let name = changes.name.as_ref().map_or(before.name.as_str(), ServiceAccountName::as_str);
    let description = changes.description.as_deref().unwrap_or(&before.description);
    let permissions = changes.permissions.unwrap_or_else(|| before.permission_set());
    by.to_grant(permissions)?;
    let update = store::update_account(tx, before.id, name, description, permissions).await;
    update.on_constraint("service_accounts_name_key", name_taken)?;
    finish(tx, "service_account.updated", before).await
}

/// Suspends an account, or lets it go on. One that is there already changes nothing.
pub async fn set_status(tx: &mut Tx, before: &ServiceAccount, status: Status) -> AppResult<ServiceAccount> {
    if before.status == status {
        return Ok(before.clone());
    }
    store::update_status(tx, before.id, status).await?;
    let action = match status {
        Status::Active => "service_account.reactivated",
        Status::Suspended => "service_account.suspended",
    };
    finish(tx, action, before).await
}

/// Whether it has a key that is good.
pub async fn has_keys(tx: &mut Tx, id: ServiceAccountId) -> AppResult<bool> {
    let keys = api_keys::list(tx, Subject::ServiceAccount(id), Limit::default(), None).await?;
    Ok(!keys.items.is_empty())
}

/// Deletes an account and its keys. What it did stays in the audit trail.
pub async fn delete(tx: &mut Tx, account: &ServiceAccount) -> AppResult<()> {
    store::delete_account(tx, account.id).await?;
    let event = Event::success("service_account.deleted").on("service_account", account.id);
    audit::record(tx, event.changed(account, &())).await?;
    Ok(())
}

/// Makes a key of an account that is locked: for all that the account holds, unless the wish says less.
pub async fn create_key(app: &App, tx: &mut Tx, by: Authority, account: &ServiceAccount, wish: &KeyWish) -> AppResult<NewApiKey> {
    let held = account.permission_set();
    let permissions = wish.permissions.as_ref().map_or(held, |wished| wished.iter().copied().collect());
    if !held.covers(permissions) {
        let detail = "The service account lacks some of these permissions. Give them to it first.";
        return Err(Rejection { code: "grant_exceeds_holder", ..Rejection::forbidden(detail) }.into());
    }
    api_keys::create(app, tx, by, Holder::ServiceAccount(account.id), permissions, wish).await
}

async fn finish(tx: &mut Tx, action: &'static str, before: &ServiceAccount) -> AppResult<ServiceAccount> {
    let after = read(tx, before.id).await?;
    audit::record(tx, Event::success(action).on("service_account", before.id).changed(before, &after)).await?;
    Ok(after)
}

fn name_taken() -> Rejection {
    let detail = "There is a service account of this name.";
    let error = FieldError::at_pointer("/name", "service_account_name_taken", detail);
    Rejection { errors: vec![error], ..Rejection::conflict("service_account_name_taken", detail) }
}
