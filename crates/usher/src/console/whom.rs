//! Whom a list is narrowed down to: by an id, or by the name or address of a user for those who may look users up.

use uuid::Uuid;

use super::staff::Staff;
use crate::app::App;
use crate::audit::{self, Wanted};
use crate::caller::Permission;
use crate::db::{DbResult, Tx};
use crate::error::AppResult;
use crate::html::Faults;
use crate::languages::now;
use crate::users;

/// Who has done it: a user or a program.
pub async fn find_actor(app: &App, staff: &Staff, said: Option<&str>) -> AppResult<Result<Option<Uuid>, Faults>> {
    let Some(said) = said else { return Ok(Ok(None)) };
    if let Ok(id) = said.parse() {
        return Ok(Ok(Some(id)));
    }
    let mut tx = staff.begin(app).await?;
    let found = find_user(&mut tx, staff, said).await?;
    tx.commit().await?;
    let fault = if staff.may(Permission::UsersRead) { now().word("changes-unknown") } else { now().word("changes-by-fault") };
    Ok(found.map(Some).ok_or_else(|| Faults::at("actor", fault)))
}

/// What it happened to. A role, say, has a name for its id: that counts before the name of a user.
pub async fn find_target(app: &App, staff: &Staff, said: Option<&str>) -> AppResult<Result<Option<String>, Faults>> {
    let Some(said) = said else { return Ok(Ok(None)) };
    if let Ok(id) = said.parse::<Uuid>() {
        return Ok(Ok(Some(id.to_string())));
    }
    let said = said.to_owned();
    if !staff.may(Permission::UsersRead) {
        return Ok(Ok(Some(said)));
    }
    let mut tx = staff.begin(app).await?;
    let wanted = Wanted { target_id: Some(said.clone()), limit: 1, ..Wanted::default() };
    let is_target = !audit::list(&mut tx, wanted).await?.is_empty();
    let user = if is_target { None } else { find_user(&mut tx, staff, &said).await? };
    tx.commit().await?;
    Ok(match user {
        Some(id) => Ok(Some(id.to_string())),
        None if is_target => Ok(Some(said)),
        None => Err(Faults::at("target", now().word("changes-unknown"))),
    })
}

/// The user of this name or address, as far as whoever looks may see them.
async fn find_user(tx: &mut Tx, staff: &Staff, said: &str) -> DbResult<Option<Uuid>> {
    if !staff.may(Permission::UsersRead) {
        return Ok(None);
    }
    let Some(id) = users::find_by_any(tx, said).await? else { return Ok(None) };
    let user = users::find(tx, id).await?.filter(|user| staff.authority().over(user.permissions).is_ok());
    Ok(user.map(|user| user.id.uuid()))
}
