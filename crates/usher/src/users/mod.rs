//! Users: who they are and where they stand. Every change raises the version (the entity tag) and writes its audit row; nobody
//! acts on a user who holds permissions that they lack themselves.

mod api;
mod arrivals;
mod bodies;
mod columns;
mod few;
mod fields;
mod filter;
mod granting;
mod history;
mod jobs;
mod lifecycle;
mod list;
mod many;
mod merge;
mod search;
mod store;
mod surroundings;
mod updates;
mod username;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

pub use api::router;
pub use arrivals::{Arrival, Arrived, create_many};
pub use bodies::{Listing, NewUserBody, UserPatch, listings};
pub use fields::{Name, Profile, ProfilePatch, WebUrl};
pub use filter::{Written, canonical as canonical_filter, compile_opposite as compile_opposite_of_filter};
pub use granting::{grant_role, note_roles_expired, set_roles, set_roles_with_ends, take_role};
pub use history::as_of;
pub use jobs::register;
pub use lifecycle::{
    ChangeOfStanding, KEPT_FOR, activate, change_standing, clear_lock, create_and_welcome, end_all_sessions, lock_sign_in,
    note_sign_in, recognise, wrong_state,
};
pub use list::{Filter, Sort, list, outranks, select};
pub use many::{ChangeOfMany, Outcome, change_many, lock_many, may_take_admins};
pub use merge::merged;
pub(crate) use search::escape_pattern;
pub use store::{read_record, select_records};
pub use surroundings::Surroundings;
pub use updates::{move_first, update_many, updated};
pub use username::Username;

use merge::merge_into;

use crate::attributes;
use crate::audit::{self, Event};
use crate::caller::{Authority, PermissionSet, UserStatus};
use crate::db::lanes::ReadLane;
use crate::db::{DbResult, OnConstraint, Tx};
use crate::emails::{self, EmailAddress};
use crate::error::{AppResult, FieldError, Rejection};
use crate::id::{EmailId, UserId};
use crate::mails::{self, Template};
use crate::patch::Patch;
use crate::roles::{self, RoleEnds, RoleName};

/// Attributes of a user, as JSON.
const ATTRIBUTES_BYTES_MAX: usize = 16 * 1024;

/// A person.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("example" = api::example()))]
pub struct User {
    pub id: UserId,
    /// Public handle, safe in a URL.
    pub username: String,
    pub status: UserStatus,
    /// The primary address.
    pub email: Option<String>,
    /// Whether the person has shown that they read mail to the primary address.
    pub email_verified: bool,
    pub emails: Vec<UserEmail>,
    /// Their picture, or the pattern that stands for it: a path below the public URL, never used for another picture.
    pub avatar_url: String,
    #[serde(flatten)]
    pub profile: Profile,
    /// When the person was recognised as a professional.
    pub professional_at: Option<Timestamp>,
    /// What the deployment wants to know of a person.
    pub attributes: Map<String, Value>,
    /// Names of the roles that were granted to the person; those of their groups are not among them.
    pub roles: Vec<String>,
    /// When roles among these end by themselves; left out when none does.
    #[serde(default, deserialize_with = "null_is_empty", skip_serializing_if = "BTreeMap::is_empty")]
    pub role_ends: RoleEnds,
    /// Too many wrong passwords: sign-in is refused until then.
    pub locked_until: Option<Timestamp>,
    pub last_sign_in_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// When the person was put into the recycle bin.
    pub deleted_at: Option<Timestamp>,
    /// From then on the recycle bin forgets them for good.
    pub purge_after: Option<Timestamp>,
    /// The name of their picture's files without the size, if they have one.
    #[serde(skip)]
    pub avatar: Option<String>,
    /// What restoring them brings back.
    #[serde(skip)]
    pub status_before_deletion: Option<UserStatus>,
    /// Raised by every change; the `ETag`.
    pub version: i64,
    /// Names of all roles the person has, by their groups too.
    #[serde(skip)]
    pub effective_roles: Vec<String>,
    /// What the person may do; decides who may act on them.
    #[serde(skip)]
    pub permissions: PermissionSet,
}

impl User {
    /// What everybody who knows the person would try first as their password.
    pub fn words(&self) -> Vec<&str> {
        let mut words = vec![self.username.as_str()];
        words.extend(self.emails.iter().map(|email| email.address.as_str()));
        words.extend(self.profile.names());
        words
    }
}

/// An address of a person.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct UserEmail {
    pub id: EmailId,
    pub address: String,
    /// Mail goes to the primary address.
    pub primary: bool,
    pub verified_at: Option<Timestamp>,
}

/// The audit trail says `null` of what is left out.
fn null_is_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RoleEnds, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A person to be.
pub struct NewUser<'a> {
    pub email: &'a EmailAddress,
    /// Whether the address is known to be theirs.
    pub verified: bool,
    pub username: Option<&'a Username>,
    /// What becomes of a user name that is taken.
    pub if_username_taken: IfTaken,
    pub profile: &'a Profile,
    pub attributes: &'a Map<String, Value>,
    pub roles: &'a [RoleName],
}

/// What becomes of a user name that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfTaken {
    /// The caller is told.
    Refuse,
    /// A generated one takes its place: at sign-up nobody shall learn who is registered.
    Generate,
}

/// Creates a user: active when the address is verified, else pending.
pub async fn create(tx: &mut Tx, by: Authority, new: NewUser<'_>) -> AppResult<User> {
    free_address(tx, new.email).await?;
    let id = UserId::new(tx.now());
    let status = if new.verified { UserStatus::Active } else { UserStatus::Pending };
    let rules = attributes::lock(tx).await?;
    let attributes = rules.fit(new.attributes.clone())?;
    let new = NewUser { attributes: &attributes, ..new };
    insert_with_username(tx, id, status, &new).await.map_err(|error| rules.explain(error))?;
    emails::add_primary(tx, id, new.email, new.verified).await?;
    roles::assign(tx, by, id, new.roles).await?;
    let user = read(tx, id).await?;
    audit::record(tx, Event::success("user.created").on("user", id).changed(&(), &user)).await?;
    Ok(user)
}

/// Before an address is given to a user: a sign-up that was never verified gives no rights to it.
pub async fn free_address(tx: &mut Tx, address: &EmailAddress) -> AppResult<()> {
    emails::lock(tx, address).await?;
    discard_unverified(tx, &[address.normal()]).await
}

/// Removes sign-ups that wait for the verification of these addresses, which are locked.
async fn discard_unverified(tx: &mut Tx, addresses: &[&str]) -> AppResult<()> {
    for discarded in store::delete_unverified(tx, addresses).await? {
        audit::erase(tx, &[discarded]).await?;
        audit::record(tx, Event::success("user.purged").on("user", discarded).detail("why", "never_verified")).await?;
    }
    Ok(())
}

/// The user's addresses have been changed: raises the version and writes what is different.
pub async fn note_emails_changed(tx: &mut Tx, before: &User, action: &'static str) -> AppResult<User> {
    store::touch_users(tx, &[before.id]).await?;
    finish(tx, action, before).await
}

/// Names are tried until one is free; the unique index decides, not a look before.
async fn insert_with_username(tx: &mut Tx, id: UserId, status: UserStatus, new: &NewUser<'_>) -> AppResult<()> {
    let mut wanted = new.username.cloned();
    for _ in 0..8 {
        let given = wanted.take();
        let is_wish = given.is_some();
        let username = given.unwrap_or_else(Username::generate);
        if store::insert_user(tx, id, &username, status, new.profile, new.attributes).await? {
            return Ok(());
        }
        if is_wish && new.if_username_taken == IfTaken::Refuse {
            return Err(username_taken().into());
        }
    }
    Err(anyhow::anyhow!("eight generated user names were taken").into())
}

fn username_taken() -> Rejection {
    let detail = "This user name belongs to somebody else.";
    let error = FieldError::at_pointer("/username", "username_taken", detail);
    Rejection { errors: vec![error], ..Rejection::conflict("username_taken", detail) }
}

/// The user, if there is one.
pub async fn find(tx: &mut Tx, id: UserId) -> DbResult<Option<User>> {
    Ok(store::find_users(tx, &[id]).await?.into_iter().next())
}

/// These users, in the order of their ids; who is not there is left out.
pub async fn find_many(tx: &mut Tx, ids: &[UserId]) -> DbResult<Vec<User>> {
    store::find_users(tx, ids).await
}

/// The user, or a refusal: there is no such resource.
pub async fn read(tx: &mut Tx, id: UserId) -> AppResult<User> {
    find(tx, id).await?.ok_or_else(|| Rejection::not_found().into())
}

/// The user, read without a transaction, together with others that are asked for at the same time.
pub async fn look_up(lane: &ReadLane, id: UserId, at: Timestamp) -> AppResult<User> {
    store::look_up_user(lane, id, at).await?.ok_or_else(|| Rejection::not_found().into())
}

/// The user of this id, address or user name, if there is one.
pub async fn find_by_any(tx: &mut Tx, who: &str) -> DbResult<Option<UserId>> {
    match (who.parse(), EmailAddress::parse(who)) {
        (Ok(id), _) => Ok(find(tx, id).await?.map(|user| user.id)),
        (_, Ok(address)) => Ok(emails::find(tx, &address).await?.map(|email| email.user_id)),
        _ => match Username::parse(who) {
            Ok(username) => store::find_by_username(tx, username.as_str()).await,
            Err(_) => Ok(None),
        },
    }
}

/// Locks the user for a change by somebody who may act on them.
pub async fn lock(tx: &mut Tx, by: Authority, id: UserId) -> AppResult<User> {
    if !store::lock_user(tx, id).await? {
        return Err(Rejection::not_found().into());
    }
    let user = read(tx, id).await?;
    by.over(user.permissions)?;
    Ok(user)
}

/// Changes the profile.
pub async fn update(
    tx: &mut Tx,
    before: &User,
    username: Option<&Username>,
    profile: ProfilePatch,
    attributes: Patch<Map<String, Value>>,
) -> AppResult<User> {
    let rules = attributes::lock(tx).await?;
    let moved = match attributes {
        Patch::Keep => None,
        _ => move_first(tx, &rules, std::slice::from_ref(before)).await?,
    };
    let before = moved.iter().flatten().next().unwrap_or(before);
    let after = updated(before, profile, attributes, &rules)?;
    let username = username.map_or(before.username.as_str(), Username::as_str);
    let written = store::update_user(tx, before.id, username, &after.profile, &Value::Object(after.attributes)).await;
    written.on_constraint("users_username_key", username_taken).map_err(|error| rules.explain(error))?;
    if username != before.username {
        mails::request(tx, Template::UsernameChanged, before.id).await?;
    }
    finish(tx, "user.updated", before).await
}

/// Another sign-up for an address that was never verified: user name and profile are those of the new one.
pub async fn start_afresh(tx: &mut Tx, id: UserId, wish: Option<&Username>, profile: &Profile) -> AppResult<()> {
    store::lock_user(tx, id).await?;
    let before = read(tx, id).await?;
    let mut username = Username::generate();
    if let Some(wish) = wish
        && store::find_by_username(tx, wish.as_str()).await?.is_none_or(|owner| owner == id)
    {
        username = wish.clone();
    }
    let rules = attributes::lock(tx).await?;
    // What the schema requires can't be taken away.
    let attributes = rules.fit(Map::new()).unwrap_or_else(|_| before.attributes.clone());
    let changed = store::update_user(tx, id, username.as_str(), profile, &Value::Object(attributes)).await;
    // Somebody took the name in this very moment; saying so would tell who is registered.
    changed.on_constraint("users_username_key", || Rejection::unavailable("overloaded", "Try again in a moment.", 1))?;
    finish(tx, "user.updated", &before).await?;
    Ok(())
}

/// Somebody else may have signed up with the address of who reads its mail: user name and profile of the sign-up are forgotten.
pub async fn wipe_sign_up(tx: &mut Tx, id: UserId) -> AppResult<()> {
    start_afresh(tx, id, None, &Profile::default()).await
}

/// Recognises the person as a professional, or no longer.
pub async fn set_professional(tx: &mut Tx, before: &User, professional: bool) -> AppResult<User> {
    refuse_deleted(before)?;
    if before.professional_at.is_some() == professional {
        return Ok(before.clone());
    }
    let at = professional.then_some(tx.now());
    store::update_professional(tx, before.id, at).await?;
    finish(tx, "user.professional_set", before).await
}

/// Gives the person a picture whose files are there already, or takes theirs away.
pub async fn set_avatar(tx: &mut Tx, before: &User, avatar: Option<&str>) -> AppResult<User> {
    refuse_deleted(before)?;
    store::update_avatar(tx, before.id, avatar).await?;
    finish(tx, if avatar.is_some() { "user.avatar_set" } else { "user.avatar_removed" }, before).await
}

/// Gives the recognition as a professional back, with its time.
pub async fn restore_professional(tx: &mut Tx, before: &User, at: Option<Timestamp>) -> AppResult<User> {
    refuse_deleted(before)?;
    store::update_professional(tx, before.id, at).await?;
    finish(tx, "user.professional_set", before).await
}

/// A deleted user stays as they are until they are restored.
pub fn refuse_deleted(user: &User) -> Result<(), Rejection> {
    if user.status == UserStatus::Deleted {
        return Err(wrong_state("A deleted user can't be changed: restore them first."));
    }
    Ok(())
}

/// Reads the user again and writes the audit row of what changed.
async fn finish(tx: &mut Tx, action: &'static str, before: &User) -> AppResult<User> {
    let after = read(tx, before.id).await?;
    audit::record(tx, Event::success(action).on("user", before.id).changed(before, &after)).await?;
    Ok(after)
}

/// Refuses attributes that are too large.
pub fn check_attributes(attributes: &Map<String, Value>) -> Result<(), Rejection> {
    let bytes = serde_json::to_vec(attributes).map_or(usize::MAX, |json| json.len());
    if bytes > ATTRIBUTES_BYTES_MAX {
        let detail = format!("must have at most {ATTRIBUTES_BYTES_MAX} bytes as JSON");
        return Err(Rejection::invalid_field("/attributes", "max_bytes", detail));
    }
    Ok(())
}
