//! What the users API takes. Bodies are allow-lists: what is not named here can't be set.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Profile, ProfilePatch, User, Username};
use crate::db::page::Page;
use crate::emails::EmailAddress;
use crate::error::{AppResult, FieldError, Rejection};
use crate::patch::Patch;
use crate::roles::{self, RoleName};

/// A person to be. They get a mail with a link to choose their password; until then they are `pending`.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, extend("example" = serde_json::json!({
    "email": "ann@example.com", "display_name": "Ann Baker", "roles": ["user"]
})))]
pub struct NewUserBody {
    pub email: EmailAddress,
    /// Made up when left out.
    pub username: Option<Username>,
    #[serde(flatten)]
    pub profile: Profile,
    /// At most 16 KiB as JSON.
    #[serde(default)]
    pub attributes: Map<String, Value>,
    /// `["user"]` when left out. The caller must hold what these roles grant.
    #[schemars(length(max = 50))]
    pub roles: Option<Vec<RoleName>>,
}

impl NewUserBody {
    /// Whoever may create users makes ordinary ones; other roles are given by those who may assign roles.
    pub fn is_ordinary(&self) -> bool {
        self.roles.as_deref().is_none_or(|roles| roles == [RoleName::from(roles::USER)])
    }
}

/// Changes of a user: a field that is left out stays, `null` clears it (RFC 7396).
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields, extend("example" = serde_json::json!({ "display_name": "Ann", "bio": null })))]
pub struct UserPatch {
    /// Can't be cleared.
    #[serde(default)]
    #[schemars(with = "Username")]
    pub username: Option<Username>,
    #[serde(flatten)]
    pub profile: ProfilePatch,
    /// Merged into the present ones, member by member; `null` clears them all. At most 16 KiB as JSON.
    #[serde(default)]
    pub attributes: Patch<Map<String, Value>>,
}

/// A user in a list.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "UserListing")]
pub enum Listing {
    Whole(Box<User>),
    Part(UserPart),
}

/// The members of a user that `fields` names.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct UserPart(Map<String, Value>);

/// Users as they are listed.
pub fn listings(page: Page<User>, fields: Option<&str>) -> AppResult<Page<Listing>> {
    let Page { items, next, total } = page;
    let Some(fields) = fields else {
        let items = items.into_iter().map(|user| Listing::Whole(Box::new(user))).collect();
        return Ok(Page { items, next, total });
    };
    let fields: Vec<&str> = fields.split(',').map(str::trim).collect();
    let known = super::api::example();
    if let Some(unknown) = fields.iter().find(|field| known.get(**field).is_none()) {
        let detail = format!("`{unknown}` is no member of a user");
        return Err(Rejection::invalid_query(vec![FieldError::at_parameter("fields", "invalid", detail)]).into());
    }
    let part = |user: &User| -> AppResult<Listing> {
        let Value::Object(mut members) = serde_json::to_value(user)? else { return Ok(Listing::Part(UserPart(Map::new()))) };
        members.retain(|name, _| fields.contains(&name.as_str()));
        Ok(Listing::Part(UserPart(members)))
    };
    let items = items.iter().map(part).collect::<AppResult<_>>()?;
    Ok(Page { items, next, total })
}

/// Why; kept in the audit trail.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// Up to 500 characters. `X-Reason` does the same.
    #[schemars(length(max = 500))]
    pub reason: Option<String>,
}

/// The roles a user shall hold: these and no others.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("example" = serde_json::json!({ "roles": ["user", "manager"] })))]
pub struct RolesBody {
    #[schemars(length(max = 50))]
    pub roles: Vec<RoleName>,
}

/// Whether the person is recognised as a professional.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfessionalBody {
    pub professional: bool,
}
