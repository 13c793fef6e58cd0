//! What can be done to many users.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::Consequence;
use crate::caller::{Permission, PermissionSet};
use crate::error::{FieldError, Rejection};
use crate::roles::RoleName;
use crate::users::{ChangeOfMany, ChangeOfStanding};

/// What is done to each user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    Suspend,
    Reactivate,
    Delete,
    Restore,
    /// For good, whoever is in the recycle bin.
    Purge,
    SignOut,
    /// Who has the role keeps it as it is.
    AssignRole {
        role: RoleName,
    },
    /// Who has the role gets this end. Kept under a name of its own: a release that does not know the end must not grant for good.
    AssignRoleUntil {
        role: RoleName,
        expires_at: Timestamp,
    },
    RemoveRole {
        role: RoleName,
    },
    SetAttributes {
        attributes: Map<String, Value>,
    },
    RequirePasswordReset,
    /// Mails whoever has not been active that their account is unused, and what comes next; for a rule on inactivity only.
    WarnInactive {
        rule: Uuid,
        then: Vec<Consequence>,
    },
    /// Changes back what a change set has changed.
    Undo,
}

impl Action {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Suspend => "suspend",
            Self::Reactivate => "reactivate",
            Self::Delete => "delete",
            Self::Restore => "restore",
            Self::Purge => "purge",
            Self::SignOut => "sign_out",
            Self::AssignRole { .. } | Self::AssignRoleUntil { .. } => "assign_role",
            Self::RemoveRole { .. } => "remove_role",
            Self::SetAttributes { .. } => "set_attributes",
            Self::RequirePasswordReset => "require_password_reset",
            Self::WarnInactive { .. } => "warn_inactive",
            Self::Undo => "undo",
        }
    }

    /// What doing it to one user takes.
    pub(super) fn permission(&self) -> Permission {
        match self {
            Self::Delete | Self::Restore => Permission::UsersDelete,
            Self::Purge => Permission::UsersPurge,
            Self::AssignRole { .. } | Self::AssignRoleUntil { .. } | Self::RemoveRole { .. } => Permission::RolesAssign,
            Self::Suspend
            | Self::Reactivate
            | Self::SignOut
            | Self::SetAttributes { .. }
            | Self::RequirePasswordReset
            | Self::WarnInactive { .. }
            | Self::Undo => Permission::UsersWrite,
        }
    }

    /// The change that is made of many users at once, if it is one.
    pub(super) fn change(&self) -> Option<ChangeOfMany> {
        Some(match self {
            Self::Suspend => ChangeOfMany::Standing(ChangeOfStanding::Suspend),
            Self::Reactivate => ChangeOfMany::Standing(ChangeOfStanding::Reactivate),
            Self::Delete => ChangeOfMany::Standing(ChangeOfStanding::Delete),
            Self::Restore => ChangeOfMany::Standing(ChangeOfStanding::Restore),
            Self::Purge => ChangeOfMany::Purge,
            Self::SignOut => ChangeOfMany::Standing(ChangeOfStanding::SignOut),
            Self::AssignRole { role } => ChangeOfMany::GrantRole(role.clone()),
            Self::AssignRoleUntil { role, expires_at } => ChangeOfMany::GrantRoleUntil(role.clone(), Some(*expires_at)),
            Self::RemoveRole { role } => ChangeOfMany::TakeRole(role.clone()),
            Self::SetAttributes { attributes } => ChangeOfMany::Attributes(attributes.clone()),
            Self::RequirePasswordReset | Self::WarnInactive { .. } | Self::Undo => return None,
        })
    }

    /// The role that it gives or takes, if it is one.
    pub(super) fn role(&self) -> Option<&RoleName> {
        match self {
            Self::AssignRole { role } | Self::AssignRoleUntil { role, .. } | Self::RemoveRole { role } => Some(role),
            _ => None,
        }
    }

    /// When what it gives ends by itself, if it does.
    pub(super) fn end(&self) -> Option<Timestamp> {
        match self {
            Self::AssignRoleUntil { expires_at, .. } => Some(*expires_at),
            _ => None,
        }
    }

    /// Whether each user gets a mail.
    pub(super) fn mails(&self) -> bool {
        matches!(self, Self::RequirePasswordReset | Self::WarnInactive { .. })
    }

    pub(super) fn require(&self, permissions: PermissionSet) -> Result<(), Rejection> {
        let needed = self.permission();
        if permissions.contains(needed) {
            return Ok(());
        }
        Err(Rejection::forbidden(format!("This needs the permission {}.", needed.name())))
    }
}

/// As PostgreSQL keeps it: a finer time would never be the one that a user has then.
fn as_kept(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}

/// The action that a body names, or what is wrong with it.
pub fn read_action(
    name: &str,
    role: Option<&RoleName>,
    expires_at: Option<Timestamp>,
    attributes: Option<&Map<String, Value>>,
) -> Result<Action, Rejection> {
    let missing = |field: &str| {
        Rejection::invalid_body(vec![FieldError::at_pointer(format!("/{field}"), "required", format!("is needed by `{name}`"))])
    };
    let action = match name {
        "suspend" => Action::Suspend,
        "reactivate" => Action::Reactivate,
        "delete" => Action::Delete,
        "restore" => Action::Restore,
        "purge" => Action::Purge,
        "sign_out" => Action::SignOut,
        "require_password_reset" => Action::RequirePasswordReset,
        "assign_role" => {
            let role = role.cloned().ok_or_else(|| missing("role"))?;
            match expires_at {
                Some(expires_at) => Action::AssignRoleUntil { role, expires_at: as_kept(expires_at) },
                None => Action::AssignRole { role },
            }
        }
        "remove_role" => Action::RemoveRole { role: role.cloned().ok_or_else(|| missing("role"))? },
        _ => Action::SetAttributes { attributes: attributes.cloned().ok_or_else(|| missing("attributes"))? },
    };
    let takes_attributes = matches!(action, Action::SetAttributes { .. });
    for (given, taken, field) in [
        (role.is_some(), action.role().is_some(), "/role"),
        (expires_at.is_some(), action.end().is_some(), "/expires_at"),
        (attributes.is_some(), takes_attributes, "/attributes"),
    ] {
        if given && !taken {
            return Err(Rejection::invalid_field(field, "unexpected", format!("is nothing that `{name}` takes")));
        }
    }
    Ok(action)
}
