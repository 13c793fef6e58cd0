//! Undoing a change of a service account. Its keys are no part of it: they are secrets, of which nothing brings one back.

use serde::Deserialize;

use super::Undone;
use super::definitions::{found, of_another_release, read, target};
use super::three_ways::{Back, Turn};
use crate::audit::AuditEvent;
use crate::caller::{Authority, Permission, PermissionSet};
use crate::db::Tx;
use crate::error::AppResult;
use crate::id::ServiceAccountId;
use crate::service_accounts::{self, Changes, ServiceAccount, ServiceAccountName, Status};

/// What an account was; nothing where that was not changed.
#[derive(Deserialize)]
struct Former {
    name: Option<ServiceAccountName>,
    description: Option<String>,
    permissions: Option<Vec<Permission>>,
    status: Option<Status>,
}

/// Field by field. One that was deleted comes back without keys; one that was made goes unless it has one.
pub async fn undo(tx: &mut Tx, by: Authority, event: &AuditEvent, skip_conflicts: bool) -> AppResult<Undone> {
    let Some(id) = target(event) else { return Ok(Undone::Unchanged) };
    let now = found(service_accounts::lock(tx, by, id).await)?;
    let mut back = Back::of(event, now.as_ref())?;
    if matches!(back.turn(skip_conflicts), Turn::Goes) && service_accounts::has_keys(tx, id).await? {
        back.refuse("api_keys", "It has API keys by now: revoke them first.");
    }
    match (back.turn(skip_conflicts), &now) {
        (Turn::Stays, _) => return Ok(back.stays()),
        (Turn::Goes, Some(account)) => {
            service_accounts::delete(tx, account).await?;
            return Ok(back.done());
        }
        _ => {}
    }
    let Some(former) = read::<Former>(back.members()) else { return Ok(of_another_release()) };
    let account = match now {
        Some(account) => change(tx, by, account, &former).await?,
        None => make_again(tx, by, id, &former).await?,
    };
    if let Some(status) = former.status {
        service_accounts::set_status(tx, &account, status).await?;
    }
    Ok(back.done())
}

/// Whoever makes an account has proved lately who they are, and so whoever makes one again.
async fn make_again(tx: &mut Tx, by: Authority, id: ServiceAccountId, former: &Former) -> AppResult<ServiceAccount> {
    by.require_proof(tx.now())?;
    let name = former.name.as_ref().ok_or_else(|| anyhow::anyhow!("a service account without a name was deleted"))?;
    let description = former.description.as_deref().unwrap_or_default();
    service_accounts::insert(tx, by, id, name, description, former.permission_set().unwrap_or_default()).await
}

async fn change(tx: &mut Tx, by: Authority, account: ServiceAccount, former: &Former) -> AppResult<ServiceAccount> {
    let Former { name, description, .. } = former;
    let changes = Changes { name: name.clone(), description: description.clone(), permissions: former.permission_set() };
    if changes.name.is_none() && changes.description.is_none() && changes.permissions.is_none() {
        return Ok(account);
    }
    service_accounts::update(tx, by, &account, changes).await
}

impl Former {
    fn permission_set(&self) -> Option<PermissionSet> {
        self.permissions.as_ref().map(|permissions| permissions.iter().copied().collect())
    }
}
