//! What people say of themselves: the fields of the profile, the attributes that are theirs to change, and their user name.

mod inputs;
pub(super) mod pages;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::attributes;
use crate::db::Tx;
use crate::error::AppResult;
use crate::patch::Patch;
use crate::users::{self, ProfilePatch, User, Username};

/// Changes of your own profile: a field that is left out stays, `null` clears it (RFC 7396).
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, extend("example" = serde_json::json!({ "display_name": "Ann", "time_zone": "Europe/Vienna" })))]
pub struct MePatch {
    /// Can't be cleared.
    #[serde(default)]
    #[schemars(with = "Username")]
    pub username: Option<Username>,
    #[serde(flatten)]
    pub profile: ProfilePatch,
    /// Those of your attributes that are yours to change, member by member; `null` clears them all. At most 16 KiB as JSON.
    #[serde(default)]
    pub attributes: Patch<Map<String, Value>>,
}

/// Changes the profile of a person who has been locked for it.
pub async fn change(tx: &mut Tx, before: &User, changes: MePatch) -> AppResult<User> {
    let attributes = attributes::lock(tx).await?.own_changes(changes.attributes)?;
    users::update(tx, before, changes.username.as_ref(), changes.profile, attributes).await
}
