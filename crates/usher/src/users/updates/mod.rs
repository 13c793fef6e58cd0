//! Changes of profiles that differ from user to user, with one statement for all of them.

mod store;

use serde_json::{Map, Value};

use super::{ProfilePatch, User, check_attributes, merge_into, refuse_deleted};
use crate::attributes::{self, Rules};
use crate::audit::{self, Event};
use crate::db::Tx;
use crate::error::{AppResult, Rejection};
use crate::patch::Patch;

/// The user with another profile and other attributes.
pub fn updated(
    before: &User,
    profile: ProfilePatch,
    attributes: Patch<Map<String, Value>>,
    rules: &Rules,
) -> Result<User, Rejection> {
    refuse_deleted(before)?;
    let mut after = before.clone();
    profile.apply(&mut after.profile);
    after.attributes = match attributes {
        // As they are: they are looked at when they are written.
        Patch::Keep => before.attributes.clone(),
        Patch::Clear => rules.fit(Map::new())?,
        Patch::Set(patch) => {
            let merged = rules.fit(merge_into(rules.moved(&before.attributes), patch))?;
            check_attributes(&merged)?;
            merged
        }
    };
    Ok(after)
}

/// Users whose attributes are about to be written, and who are locked for it, as a migration that is under way makes them; what it
/// changes of them is written first, since it is no part of the change that comes next. `None`: there is none.
pub async fn move_first(tx: &mut Tx, rules: &Rules, users: &[User]) -> AppResult<Option<Vec<User>>> {
    if !rules.is_moving() {
        return Ok(None);
    }
    let held: Vec<_> = users.iter().map(|user| (user.id, user.attributes.clone())).collect();
    attributes::move_first(tx, rules, &held).await?;
    let moved = |user: &User| User { attributes: rules.moved(&user.attributes), ..user.clone() };
    Ok(Some(users.iter().map(moved).collect()))
}

/// Writes what [`updated`] has made of users who are locked for it: each before and after.
pub async fn update_many(tx: &mut Tx, rules: &Rules, updates: &[(&User, User)]) -> AppResult<()> {
    if updates.is_empty() {
        return Ok(());
    }
    let after: Vec<&User> = updates.iter().map(|(_, after)| after).collect();
    store::update_profiles(tx, &after).await.map_err(|error| rules.explain(error))?;
    let event = |(before, after): &(&User, User)| Event::success("user.updated").on("user", before.id).changed(*before, after);
    audit::record_all(tx, updates.iter().map(event).collect()).await?;
    Ok(())
}
