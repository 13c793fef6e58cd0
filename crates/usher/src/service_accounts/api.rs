//! The administration of service accounts and their keys.

use axum::extract::{OriginalUri, State};
use http::Method;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Changes, ServiceAccount, ServiceAccountName, Status};
use crate::api_keys::{self, ApiKey, KeyWish, NewApiKey};
use crate::app::{App, Ask};
use crate::caller::{Caller, Permission, Subject};
use crate::db::Tx;
use crate::error::AppResult;
use crate::http::api::{Access, Op, Routes};
use crate::http::body::MergePatch;
use crate::http::etag::IfMatch;
use crate::http::idempotency::Creating;
use crate::http::output::{Created, Listed, NoContent, Tagged};
use crate::http::params::{Part, Path, Query};
use crate::id::{ApiKeyId, ServiceAccountId};

const READ: Access = Access::Holding(Permission::ServiceAccountsRead);
const WRITE: Access = Access::Holding(Permission::ServiceAccountsWrite);
const ONE: &str = "/v1/service-accounts/{id}";
const KEYS: &str = "/v1/service-accounts/{id}/keys";
const OUTRANKED: &str = "The account holds permissions that the caller lacks (`target_outranks_caller`).";
const EXCEEDS: &str = "The account would hold what the caller lacks (`grant_exceeds_caller`).";
const TAKEN: &str = "There is a service account of this name (`service_account_name_taken`).";

pub fn router() -> Routes {
    let op = |method, path, access, summary| Op::new(method, path, access, "Service accounts", summary);
    Routes::new()
        .op(
            op(Method::GET, "/v1/service-accounts", READ, "List service accounts")
                .description("The newest first; only those that hold nothing the caller lacks."),
            list_service_accounts,
        )
        .op(
            op(Method::POST, "/v1/service-accounts", WRITE, "Create a service account")
                .description(
                    "For a program that acts in its own name. It holds what its creator holds, and no more. Make it a key next.",
                )
                .after_proof()
                .fails(403, EXCEEDS)
                .fails(409, TAKEN),
            create_service_account,
        )
        .op(op(Method::GET, ONE, READ, "Read a service account").fails(403, OUTRANKED), read_service_account)
        .op(
            op(Method::PATCH, ONE, WRITE, "Change a service account")
                .description("What the account loses, its keys lose at their next request.")
                .fails(403, OUTRANKED)
                .fails(403, EXCEEDS)
                .fails(409, TAKEN),
            update_service_account,
        )
        .op(
            op(Method::DELETE, ONE, WRITE, "Delete a service account")
                .description(
                    "With its keys, for good: undone, it is there again without them. What it did stays in the audit trail.",
                )
                .fails(403, OUTRANKED),
            delete_service_account,
        )
        .op(
            op(Method::POST, "/v1/service-accounts/{id}/suspend", WRITE, "Suspend a service account")
                .description("Its keys open nothing from the next request on, until it is reactivated.")
                .fails(403, OUTRANKED),
            suspend_service_account,
        )
        .op(
            op(Method::POST, "/v1/service-accounts/{id}/reactivate", WRITE, "Reactivate a service account").fails(403, OUTRANKED),
            reactivate_service_account,
        )
        .op(
            op(Method::GET, KEYS, READ, "List a service account's API keys")
                .description("Those that are good, the newest first. The keys themselves are not kept.")
                .fails(403, OUTRANKED),
            list_service_account_keys,
        )
        .op(
            op(Method::POST, KEYS, WRITE, "Make an API key of a service account")
                .description("The answer shows the key this once. It may do what it is given, as far as the account may.")
                .after_proof()
                .fails(403, OUTRANKED)
                .fails(
                    403,
                    "The key would hold what the account or the caller lacks (`grant_exceeds_holder`, `grant_exceeds_caller`).",
                )
                .fails(409, "There are 50 living keys already (`too_many_api_keys`)."),
            create_service_account_key,
        )
        .op(
            op(Method::DELETE, "/v1/service-accounts/{id}/keys/{key_id}", WRITE, "Revoke an API key of a service account")
                .description("It opens nothing from the next request on.")
                .fails(403, OUTRANKED),
            revoke_service_account_key,
        )
}

/// What the documentation shows.
pub fn example() -> Value {
    json!({
        "id": "0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d", "name": "nightly-report", "description": "Counts sign-ups.",
        "status": "active", "permissions": ["users:read"], "version": 1, "created_at": "2026-01-02T03:04:05Z",
        "updated_at": "2026-01-02T03:04:05Z",
    })
}

#[derive(Deserialize, JsonSchema)]
struct AccountPath {
    /// The service account's id.
    id: ServiceAccountId,
}

#[derive(Deserialize, JsonSchema)]
struct AccountKeyPath {
    /// The service account's id.
    id: ServiceAccountId,
    /// The key's id.
    key_id: ApiKeyId,
}

/// A service account to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("example" = serde_json::json!({
    "name": "nightly-report", "description": "Counts sign-ups.", "permissions": ["users:read"]
})))]
struct NewServiceAccount {
    name: ServiceAccountName,
    #[serde(default)]
    #[schemars(length(max = 500))]
    description: String,
    #[schemars(length(max = 100))]
    permissions: Vec<Permission>,
}

/// Changes of a service account: a field that is left out stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ServiceAccountPatch {
    #[serde(default)]
    #[schemars(with = "ServiceAccountName")]
    name: Option<ServiceAccountName>,
    #[serde(default)]
    #[schemars(with = "String", length(max = 500))]
    description: Option<String>,
    #[serde(default)]
    #[schemars(with = "Vec<Permission>", length(max = 100))]
    permissions: Option<Vec<Permission>>,
}

async fn list_service_accounts(
    caller: Caller,
    State(app): State<App>,
    OriginalUri(here): OriginalUri,
    Query(part): Query<Part>,
) -> AppResult<Listed<ServiceAccount>> {
    let ask: Ask<(_, Part), _> = |tx, (by, part)| Box::pin(super::list(tx, *by, part.limit, part.cursor.as_deref()));
    let page = app.read_list(&caller.origin, &(caller.authority(), part), ask).await?;
    Ok(Listed { page, here })
}

async fn create_service_account(
    caller: Caller,
    State(app): State<App>,
    request: Creating<NewServiceAccount>,
) -> AppResult<Created<ServiceAccount>> {
    let mut tx = app.begin(&caller.origin).await?;
    if let Some(answer) = request.replay(&app, &mut tx).await? {
        return Ok(answer);
    }
    let new = &request.body;
    let permissions = new.permissions.iter().copied().collect();
    let account = super::create(&mut tx, caller.authority(), &new.name, &new.description, permissions).await?;
    let answer = Created::new(format!("/v1/service-accounts/{}", account.id), account.version, &account)?;
    request.keep(&app, &mut tx, &answer.0).await?;
    tx.commit().await?;
    Ok(answer)
}

async fn read_service_account(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<AccountPath>,
) -> AppResult<Tagged<ServiceAccount>> {
    let mut tx = app.begin(&caller.origin).await?;
    let account = super::read_as(&mut tx, caller.authority(), path.id).await?;
    tx.commit().await?;
    Ok(tagged(account))
}

async fn update_service_account(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<AccountPath>,
    if_match: IfMatch,
    MergePatch(body): MergePatch<ServiceAccountPatch>,
) -> AppResult<Tagged<ServiceAccount>> {
    let (mut tx, before) = lock(&app, &caller, &path, &if_match).await?;
    let permissions = body.permissions.map(|permissions| permissions.into_iter().collect());
    let changes = Changes { name: body.name, description: body.description, permissions };
    let account = super::update(&mut tx, caller.authority(), &before, changes).await?;
    tx.commit().await?;
    Ok(tagged(account))
}

async fn delete_service_account(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<AccountPath>,
    if_match: IfMatch,
) -> AppResult<NoContent> {
    let (mut tx, account) = lock(&app, &caller, &path, &if_match).await?;
    super::delete(&mut tx, &account).await?;
    tx.commit().await?;
    Ok(NoContent)
}

async fn suspend_service_account(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<AccountPath>,
    if_match: IfMatch,
) -> AppResult<Tagged<ServiceAccount>> {
    set_status(&app, &caller, &path, &if_match, Status::Suspended).await
}

async fn reactivate_service_account(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<AccountPath>,
    if_match: IfMatch,
) -> AppResult<Tagged<ServiceAccount>> {
    set_status(&app, &caller, &path, &if_match, Status::Active).await
}

async fn set_status(
    app: &App,
    caller: &Caller,
    path: &AccountPath,
    if_match: &IfMatch,
    status: Status,
) -> AppResult<Tagged<ServiceAccount>> {
    let (mut tx, before) = lock(app, caller, path, if_match).await?;
    let account = super::set_status(&mut tx, &before, status).await?;
    tx.commit().await?;
    Ok(tagged(account))
}

async fn list_service_account_keys(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<AccountPath>,
    OriginalUri(here): OriginalUri,
    Query(part): Query<Part>,
) -> AppResult<Listed<ApiKey>> {
    let mut tx = app.begin(&caller.origin).await?;
    let account = super::read_as(&mut tx, caller.authority(), path.id).await?;
    let page = api_keys::list(&mut tx, Subject::ServiceAccount(account.id), part.limit, part.cursor.as_deref()).await?;
    tx.commit().await?;
    Ok(Listed { page, here })
}

async fn create_service_account_key(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<AccountPath>,
    request: Creating<KeyWish>,
) -> AppResult<Created<NewApiKey>> {
    let mut tx = app.begin(&caller.origin).await?;
    if let Some(answer) = request.replay(&app, &mut tx).await? {
        return Ok(answer);
    }
    let account = super::lock(&mut tx, caller.authority(), path.id).await?;
    let made = super::create_key(&app, &mut tx, caller.authority(), &account, &request.body).await?;
    let location = format!("/v1/service-accounts/{}/keys/{}", account.id, made.api_key.id);
    let answer = Created::unversioned(location, &made)?;
    request.keep(&app, &mut tx, &answer.0).await?;
    tx.commit().await?;
    Ok(answer)
}

async fn revoke_service_account_key(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<AccountKeyPath>,
) -> AppResult<NoContent> {
    let mut tx = app.begin(&caller.origin).await?;
    let account = super::read_as(&mut tx, caller.authority(), path.id).await?;
    api_keys::revoke(&mut tx, Subject::ServiceAccount(account.id), path.key_id).await?;
    tx.commit().await?;
    Ok(NoContent)
}

/// Every change begins so: the account locked, the caller entitled, the precondition met.
async fn lock(app: &App, caller: &Caller, path: &AccountPath, if_match: &IfMatch) -> AppResult<(Tx, ServiceAccount)> {
    let mut tx = app.begin(&caller.origin).await?;
    let account = super::lock(&mut tx, caller.authority(), path.id).await?;
    if_match.require(account.version)?;
    Ok((tx, account))
}

fn tagged(account: ServiceAccount) -> Tagged<ServiceAccount> {
    Tagged { version: account.version, body: account }
}
