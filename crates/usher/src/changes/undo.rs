//! Undoing one event: the plan, and what carries it out.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::held::{self, Held, Turn};
use super::{Conflict, DERIVED, FOR_GOOD, Undone, definitions, memberships, migrations, primary};
use crate::addresses;
use crate::app::App;
use crate::audit::{self, AuditEvent};
use crate::caller::{Authority, Permission, UserStatus};
use crate::db::Tx;
use crate::error::{AppResult, Rejection};
use crate::id::{EmailId, UserId};
use crate::patch::Patch;
use crate::roles::{self, RoleEnds, RoleName};
use crate::users::{self, ChangeOfMany, ChangeOfStanding, ProfilePatch, User, Username};

/// Role by role.
const ROLES: [&str; 2] = ["roles", "role_ends"];

/// What is to be changed back.
#[derive(Default)]
pub(super) struct Plan {
    standing: Option<ChangeOfStanding>,
    username: Option<String>,
    profile: Map<String, Value>,
    attributes: Map<String, Value>,
    /// What becomes of each; `None` is taken.
    roles: BTreeMap<String, Option<Held>>,
    professional_at: Option<Value>,
    /// The address that is the primary one again.
    primary: Option<EmailId>,
    pub conflicts: Vec<Conflict>,
}

/// Changes back what the event has changed, as far as nobody has changed it since. With a conflict nothing is changed, unless
/// `skip_conflicts`: then the other fields are.
pub async fn undo(app: &App, tx: &mut Tx, by: Authority, event: &AuditEvent, skip_conflicts: bool) -> AppResult<Undone> {
    if definitions::is_one(event) {
        return definitions::undo(app, tx, by, event, skip_conflicts).await;
    }
    undo_of_user(tx, by, event, skip_conflicts).await
}

/// The same for what an event has changed of a user.
pub(super) async fn undo_of_user(tx: &mut Tx, by: Authority, event: &AuditEvent, skip_conflicts: bool) -> AppResult<Undone> {
    if event.erased {
        return Ok(Undone::Conflicts(vec![refused(None, "", "Its details were erased with a person who was purged.")]));
    }
    let Some(id) = event.target_id.as_deref().filter(|_| super::is_of_a_user(event)).and_then(|id| id.parse().ok()) else {
        return Ok(Undone::Unchanged);
    };
    let of_group = memberships::is_one(event);
    if of_group {
        roles::lock_groups_shared(tx).await?;
    }
    let user = match users::lock(tx, by, id).await {
        Err(error) if error.code() == Some("not_found") => {
            return Ok(Undone::Conflicts(vec![refused(Some(id), "", "The user has been purged.")]));
        }
        user => user?,
    };
    if of_group {
        return memberships::undo(tx, by, event, &user).await;
    }
    let plan = Plan::of(event, &user, tx.now())?;
    if !plan.conflicts.is_empty() && (!skip_conflicts || plan.is_empty()) {
        return Ok(Undone::Conflicts(plan.conflicts));
    }
    if plan.is_empty() {
        return Ok(Undone::Unchanged);
    }
    plan.require_permissions(by)?;
    let conflicts = plan.carry_out(tx, by, user).await?;
    Ok(if conflicts.is_empty() { Undone::Reverted } else { Undone::Conflicts(conflicts) })
}

pub(super) fn refused(user_id: Option<UserId>, field: &str, detail: &str) -> Conflict {
    Conflict {
        user_id,
        field: field.to_owned(),
        code: "not_undoable",
        detail: detail.to_owned(),
        after: Value::Null,
        now: Value::Null,
    }
}

impl Plan {
    pub fn of(event: &AuditEvent, user: &User, at: Timestamp) -> AppResult<Self> {
        let mut plan = Self::default();
        let now = serde_json::to_value(user)?;
        let fields = audit::fields(&event.changes);
        if fields.iter().any(|(name, before, _)| *name == "id" && before.is_null()) {
            plan.undo_creation(user, &now, &fields, held::left_of_creation(&event.changes, at));
            return Ok(plan);
        }
        plan.undo_roles(&event.changes, user, at);
        let renamed = migrations::renamed(&event.changes);
        for (name, before, after) in fields {
            let is = now.get(name).unwrap_or(&Value::Null);
            match name {
                _ if DERIVED.contains(&name) || ROLES.contains(&name) || FOR_GOOD.contains(&name) => {}
                "attributes" => plan.undo_attributes(user.id, before, after, is, &renamed),
                "emails" => plan.undo_primary(user, before, after),
                _ if is == before => {}
                _ if is != after => plan.conflicts.push(changed_since(Some(user.id), name, after, is)),
                "status" => plan.undo_status(user, before, after),
                "username" => plan.username = before.as_str().map(ToOwned::to_owned),
                "professional_at" => plan.professional_at = Some(before.clone()),
                _ => {
                    plan.profile.insert(name.to_owned(), before.clone());
                }
            }
        }
        let stays_deleted = user.status == UserStatus::Deleted && plan.standing != Some(ChangeOfStanding::Restore);
        if stays_deleted && !plan.is_empty() {
            let conflict = refused(Some(user.id), "status", "The user is deleted: restore them first.");
            plan = Self { conflicts: vec![conflict], ..Self::default() };
        }
        Ok(plan)
    }

    /// Whom nobody has changed since goes to the recycle bin.
    fn undo_creation(
        &mut self,
        user: &User,
        now: &Value,
        fields: &[(&str, &Value, &Value)],
        (roles, role_ends): (Vec<String>, RoleEnds),
    ) {
        if user.status == UserStatus::Deleted {
            return;
        }
        for (name, _, after) in fields {
            let is = now.get(*name).unwrap_or(&Value::Null);
            let follows = DERIVED.contains(name) || (*name == "status" && **after == json!("pending"));
            if !follows && !ROLES.contains(name) && is != *after {
                self.conflicts.push(changed_since(Some(user.id), name, after, is));
            }
        }
        if roles != user.roles {
            self.conflicts.push(changed_since(Some(user.id), "roles", &json!(roles), &json!(user.roles)));
        }
        if role_ends != user.role_ends {
            self.conflicts.push(changed_since(Some(user.id), "role_ends", &json!(role_ends), &json!(user.role_ends)));
        }
        self.standing = Some(ChangeOfStanding::Delete);
    }

    fn undo_status(&mut self, user: &User, before: &Value, after: &Value) {
        self.standing = match (before.as_str().unwrap_or_default(), after.as_str().unwrap_or_default()) {
            ("active" | "pending", "suspended") => Some(ChangeOfStanding::Reactivate),
            ("suspended", "active" | "pending") => Some(ChangeOfStanding::Suspend),
            (_, "deleted") => Some(ChangeOfStanding::Restore),
            ("deleted", _) => Some(ChangeOfStanding::Delete),
            _ => {
                self.conflicts.push(refused(Some(user.id), "status", "An address that was verified stays so."));
                None
            }
        };
    }

    fn undo_primary(&mut self, user: &User, before: &Value, after: &Value) {
        match primary::turn(user, before, after) {
            primary::Turn::Nothing => {}
            primary::Turn::Becomes(id) => self.primary = Some(id),
            primary::Turn::Conflict(conflict) => self.conflicts.push(*conflict),
        }
    }

    /// Attribute by attribute, but for those that a migration has renamed.
    fn undo_attributes(&mut self, user: UserId, before: &Value, after: &Value, is: &Value, renamed: &[String]) {
        let members = |value: &Value| value.as_object().cloned().unwrap_or_default();
        let (before, after, is) = (members(before), members(after), members(is));
        let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
        names.dedup();
        for name in names {
            let (was, made, now) = (value_of(&before, name), value_of(&after, name), value_of(&is, name));
            if was == made || now == was || renamed.contains(name) {
                continue;
            }
            if now == made {
                self.attributes.insert(name.clone(), merge_patch(&now, &was));
            } else if !self.conflicts.iter().any(|conflict| conflict.field == format!("attributes.{name}")) {
                self.conflicts.push(changed_since(Some(user), &format!("attributes.{name}"), &made, &now));
            }
        }
    }

    /// Role by role: what was given is taken and what was taken is given with the end it had, whatever else the user holds by now.
    fn undo_roles(&mut self, changes: &Value, user: &User, now: Timestamp) {
        for (role, (was, made)) in held::roles_of(changes) {
            let (is, field) = (held::of_user(user, &role), format!("roles.{role}"));
            match held::turn(was, made, is, now) {
                Turn::Nothing => {}
                Turn::Becomes(held) => _ = self.roles.insert(role, held),
                Turn::ChangedSince => {
                    self.conflicts.push(changed_since(Some(user.id), &field, &held::shown(made), &held::shown(is)));
                }
                Turn::Ended => {
                    self.conflicts.push(refused(Some(user.id), &field, "The grant would have ended by itself by now."));
                }
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        let Self { standing, username, profile, attributes, roles, professional_at, primary, .. } = self;
        standing.is_none()
            && username.is_none()
            && profile.is_empty()
            && attributes.is_empty()
            && roles.is_empty()
            && professional_at.is_none()
            && primary.is_none()
    }

    /// The change of one kind that the plan comes to, if it does: many can be made at once.
    pub fn as_one_change(&self) -> Option<ChangeOfMany> {
        let Self { standing, username, profile, attributes, roles, professional_at, primary, .. } = self;
        if username.is_some() || !profile.is_empty() || professional_at.is_some() || primary.is_some() {
            return None;
        }
        let mut roles = roles.iter();
        match (standing, attributes.is_empty(), roles.next(), roles.next()) {
            (Some(change), true, None, _) => Some(ChangeOfMany::Standing(*change)),
            (None, false, None, _) => Some(ChangeOfMany::Attributes(attributes.clone())),
            (None, true, Some((role, held)), None) => {
                let role = RoleName::from(role.as_str());
                Some(match held {
                    Some(held) => ChangeOfMany::GrantRoleUntil(role, held.until),
                    None => ChangeOfMany::TakeRole(role),
                })
            }
            _ => None,
        }
    }

    /// To undo something takes what doing it takes.
    pub fn require_permissions(&self, by: Authority) -> Result<(), Rejection> {
        let bins = matches!(self.standing, Some(ChangeOfStanding::Delete | ChangeOfStanding::Restore));
        let suspends = self.standing.is_some() && !bins;
        let writes = suspends
            || self.username.is_some()
            || !self.profile.is_empty()
            || !self.attributes.is_empty()
            || self.professional_at.is_some()
            || self.primary.is_some();
        let needs = [
            (bins, Permission::UsersDelete),
            (writes, Permission::UsersWrite),
            (!self.roles.is_empty(), Permission::RolesAssign),
        ];
        needs.into_iter().filter(|(needed, _)| *needed).try_for_each(|(_, permission)| by.require(permission))
    }

    async fn carry_out(self, tx: &mut Tx, by: Authority, mut user: User) -> AppResult<Vec<Conflict>> {
        let (first, last) = match self.standing {
            Some(ChangeOfStanding::Restore) => (self.standing, None),
            other => (None, other),
        };
        if let Some(change) = first {
            user = users::change_standing(tx, &user, change).await?;
        }
        if self.username.is_some() || !self.profile.is_empty() || !self.attributes.is_empty() {
            let username = self.username.as_deref().map(Username::parse).transpose().map_err(anyhow::Error::msg)?;
            let profile: ProfilePatch = serde_json::from_value(Value::Object(self.profile))?;
            let attributes = if self.attributes.is_empty() { Patch::Keep } else { Patch::Set(self.attributes) };
            user = users::update(tx, &user, username.as_ref(), profile, attributes).await?;
        }
        if !self.roles.is_empty() {
            user = set_roles(tx, by, &user, self.roles).await?;
        }
        if let Some(at) = self.professional_at {
            user = users::restore_professional(tx, &user, serde_json::from_value(at)?).await?;
        }
        if let Some(id) = self.primary {
            user = addresses::set_primary(tx, &user, id).await?;
        }
        if let Some(change) = last {
            users::change_standing(tx, &user, change).await?;
        }
        Ok(self.conflicts)
    }
}

/// These roles as they are to be, the others as they are.
async fn set_roles(tx: &mut Tx, by: Authority, user: &User, changed: BTreeMap<String, Option<Held>>) -> AppResult<User> {
    let (mut ends, mut names) = (user.role_ends.clone(), BTreeSet::from_iter(user.roles.clone()));
    for (role, held) in changed {
        ends.remove(&role);
        ends.extend(held.and_then(|held| Some((role.clone(), held.until?))));
        if held.is_some() {
            names.insert(role)
        } else {
            names.remove(&role)
        };
    }
    let names: Vec<RoleName> = names.iter().map(|name| RoleName::from(name.as_str())).collect();
    users::set_roles_with_ends(tx, by, user, &names, &ends).await
}

pub(super) fn changed_since(user_id: Option<UserId>, field: &str, after: &Value, now: &Value) -> Conflict {
    Conflict {
        user_id,
        field: field.to_owned(),
        code: "changed_since",
        detail: "It has been changed since.".to_owned(),
        after: after.clone(),
        now: now.clone(),
    }
}

pub(super) fn value_of(members: &Map<String, Value>, name: &str) -> Value {
    members.get(name).cloned().unwrap_or(Value::Null)
}

/// The merge patch (RFC 7396) that makes the one out of the other.
fn merge_patch(from: &Value, to: &Value) -> Value {
    let (Value::Object(from), Value::Object(to)) = (from, to) else { return to.clone() };
    let gone = from.keys().filter(|name| !to.contains_key(*name)).map(|name| (name.clone(), Value::Null));
    let set = to.iter().filter(|(name, value)| from.get(*name) != Some(value));
    let set =
        set.map(|(name, value)| (name.clone(), from.get(name).map_or_else(|| value.clone(), |old| merge_patch(old, value))));
    Value::Object(gone.chain(set).collect())
}
