//! Undoing a change of what is no user: a role, a group, the schema of attributes, the look of the service, the words of a mail, a
//! service account, a rule on inactivity.

use std::str::FromStr;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::three_ways::{Back, Turn};
use super::undo::refused;
use super::{Conflict, Undone, inactivity_rules, mail_texts, service_accounts};
use crate::app::App;
use crate::audit::{self, AuditEvent};
use crate::caller::{Authority, Permission};
use crate::db::Tx;
use crate::error::AppResult;
use crate::groups::{self, Group};
use crate::id::GroupId;
use crate::roles::{self, NewRole, RoleName, RolePatch};
use crate::users::Name;
use crate::{attributes, brand, branding};

/// What an event is about.
#[derive(Clone, Copy)]
enum Kind {
    Role,
    Group,
    AttributeSchema,
    Branding,
    MailText,
    ServiceAccount,
    InactivityRule,
}

impl Kind {
    fn of(event: &AuditEvent) -> Option<Self> {
        match (event.action.as_str(), event.target_kind.as_deref()) {
            ("branding.changed", _) => Some(Self::Branding),
            ("attribute_schema.set", _) => Some(Self::AttributeSchema),
            (_, Some("role")) => Some(Self::Role),
            (_, Some("group")) => Some(Self::Group),
            (_, Some("mail_text")) => Some(Self::MailText),
            (_, Some("service_account")) => Some(Self::ServiceAccount),
            (_, Some("inactivity_rule")) => Some(Self::InactivityRule),
            _ => None,
        }
    }

    /// To undo something takes what doing it takes.
    fn permission(self) -> Permission {
        match self {
            Self::Role | Self::Group => Permission::RolesWrite,
            Self::AttributeSchema => Permission::AttributesWrite,
            Self::Branding | Self::MailText => Permission::SystemWrite,
            Self::ServiceAccount => Permission::ServiceAccountsWrite,
            Self::InactivityRule => Permission::InactivityWrite,
        }
    }
}

pub fn is_one(event: &AuditEvent) -> bool {
    Kind::of(event).is_some() && !audit::fields(&event.changes).is_empty()
}

/// Field by field, as with a user. What was made is deleted, and what was deleted is made again, as a whole or not at all.
pub async fn undo(app: &App, tx: &mut Tx, by: Authority, event: &AuditEvent, skip_conflicts: bool) -> AppResult<Undone> {
    let Some(kind) = Kind::of(event) else { return Ok(Undone::Unchanged) };
    by.require(kind.permission())?;
    match kind {
        Kind::Role => {
            by.require_proof(tx.now())?;
            undo_role(tx, by, event, skip_conflicts).await
        }
        Kind::Group => undo_group(tx, by, event, skip_conflicts).await,
        Kind::AttributeSchema => undo_schema(tx, event, skip_conflicts).await,
        Kind::Branding => undo_branding(tx, event, skip_conflicts).await,
        Kind::MailText => mail_texts::undo(app, tx, event).await,
        Kind::ServiceAccount => service_accounts::undo(tx, by, event, skip_conflicts).await,
        Kind::InactivityRule => inactivity_rules::undo(tx, by, event, skip_conflicts).await,
    }
}

/// The id of what was changed.
pub fn target<T: FromStr>(event: &AuditEvent) -> Option<T> {
    event.target_id.as_deref()?.parse().ok()
}

async fn undo_role(tx: &mut Tx, by: Authority, event: &AuditEvent, skip_conflicts: bool) -> AppResult<Undone> {
    let name = &RoleName::from(event.target_id.as_deref().unwrap_or_default());
    let now = found(roles::lock(tx, name.as_str()).await)?;
    let back = Back::of(event, now.as_ref())?;
    match (back.turn(skip_conflicts), now) {
        (Turn::Comes, _) => {
            let Some(role) = read::<NewRole>(back.members()) else { return Ok(of_another_release()) };
            roles::create(tx, by, name, &role.description, &role.permissions, role.second_factor).await?;
        }
        (Turn::Goes, Some(role)) => roles::delete(tx, by, &role).await?,
        (Turn::Changes, Some(role)) => {
            let Some(patch) = read::<RolePatch>(back.members()) else { return Ok(of_another_release()) };
            roles::update(tx, by, &role, patch.description, patch.permissions, patch.second_factor).await?;
        }
        (Turn::Stays, _) | (_, None) => return Ok(back.stays()),
    }
    Ok(back.done())
}

async fn undo_group(tx: &mut Tx, by: Authority, event: &AuditEvent, skip_conflicts: bool) -> AppResult<Undone> {
    let Some(id) = target(event) else { return Ok(Undone::Unchanged) };
    let now = found(groups::lock(tx, by, id).await)?;
    let mut back = Back::of(event, now.as_ref())?;
    leave_out_what_is_gone(tx, &mut back).await?;
    let group = match (back.turn(skip_conflicts), now) {
        (Turn::Comes, _) => {
            let name = Name(back.text("name").unwrap_or_default());
            groups::restore(tx, id, &name, &back.text("description").unwrap_or_default()).await?
        }
        (Turn::Goes, Some(group)) => {
            groups::delete(tx, &group).await?;
            return Ok(back.done());
        }
        (Turn::Changes, Some(group)) => rename(tx, group, &back).await?,
        (Turn::Stays, _) | (_, None) => return Ok(back.stays()),
    };
    carry(tx, by, group, &back).await?;
    Ok(back.done())
}

async fn rename(tx: &mut Tx, group: Group, back: &Back) -> AppResult<Group> {
    let (name, description) = (back.text("name").map(Name), back.text("description"));
    if name.is_none() && description.is_none() {
        return Ok(group);
    }
    groups::update(tx, &group, name.as_ref(), description.as_deref()).await
}

/// Roles and parents as they were.
async fn carry(tx: &mut Tx, by: Authority, mut group: Group, back: &Back) -> AppResult<()> {
    if let Some(roles) = back.list("roles").filter(|roles| *roles != group.roles) {
        let roles: Vec<RoleName> = roles.iter().map(|role| RoleName::from(role.as_str())).collect();
        group = groups::set_roles(tx, by, &group, &roles).await?;
    }
    if let Some(parents) = back.list("parents") {
        let parents: Vec<GroupId> = parents.iter().filter_map(|parent| parent.parse().ok()).collect();
        if parents != group.parents {
            groups::set_parents(tx, by, &group, &parents).await?;
        }
    }
    Ok(())
}

/// Roles that a group carried, and groups that it was below, may have been deleted since.
async fn leave_out_what_is_gone(tx: &mut Tx, back: &mut Back) -> AppResult<()> {
    for role in back.list("roles").unwrap_or_default() {
        if found(roles::find(tx, &role).await)?.is_none() {
            back.refuse("roles", "A role that it carried has been deleted.");
        }
    }
    for parent in back.list("parents").unwrap_or_default() {
        let is_there = match parent.parse() {
            Ok(id) => found(groups::read(tx, id).await)?.is_some(),
            Err(_) => false,
        };
        if !is_there {
            back.refuse("parents", "A group that it was below has been deleted.");
        }
    }
    Ok(())
}

/// Property by property. What it comes to is set like any schema: it may be refused for the users that it does not fit, and may wait.
async fn undo_schema(tx: &mut Tx, event: &AuditEvent, skip_conflicts: bool) -> AppResult<Undone> {
    let rules = attributes::lock_for_change(tx).await?;
    let now = rules.latest().to_value();
    let back = Back::of_members(event, &now, &["properties"]);
    if matches!(back.turn(skip_conflicts), Turn::Stays) {
        return Ok(back.stays());
    }
    let Some(document) = read(back.applied_to(&now)) else { return Ok(of_another_release()) };
    attributes::put(tx, &rules, document).await?;
    Ok(back.done())
}

async fn undo_branding(tx: &mut Tx, event: &AuditEvent, skip_conflicts: bool) -> AppResult<Undone> {
    let standing = brand::lock(tx).await?;
    let now = serde_json::to_value(&standing.chosen)?;
    let back = Back::of_members(event, &now, &[]);
    if matches!(back.turn(skip_conflicts), Turn::Stays) {
        return Ok(back.stays());
    }
    let Some(chosen) = read(back.applied_to(&now)) else { return Ok(of_another_release()) };
    branding::set(tx, standing, chosen).await?;
    Ok(back.done())
}

/// What may be gone.
pub fn found<T>(result: AppResult<T>) -> AppResult<Option<T>> {
    match result {
        Err(error) if error.code() == Some("not_found") => Ok(None),
        result => result.map(Some),
    }
}

pub fn read<T: DeserializeOwned>(members: Map<String, Value>) -> Option<T> {
    serde_json::from_value(Value::Object(members)).ok()
}

/// Nothing was changed because of this.
pub fn stands(conflict: Conflict) -> Undone {
    Undone::Conflicts(vec![conflict])
}

pub fn of_another_release() -> Undone {
    stands(refused(None, "", "This release knows no such thing any more: set it by hand."))
}
