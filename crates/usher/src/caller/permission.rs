//! The closed list of permissions. Roles are rows that name some of these; nothing else grants anything.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

/// What a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Permission {
    UsersRead,
    UsersWrite,
    UsersDelete,
    UsersPurge,
    RolesRead,
    RolesWrite,
    RolesAssign,
    AuditRead,
    ServiceAccountsRead,
    ServiceAccountsWrite,
    SignInsRead,
    AttributesWrite,
    AnalyticsRead,
    InactivityRead,
    InactivityWrite,
    SecondFactorsReset,
    InvitationsRead,
    InvitationsWrite,
    SystemRead,
    SystemWrite,
}

impl Permission {
    pub const ALL: [Self; 20] = [
        Self::UsersRead,
        Self::UsersWrite,
        Self::UsersDelete,
        Self::UsersPurge,
        Self::RolesRead,
        Self::RolesWrite,
        Self::RolesAssign,
        Self::AuditRead,
        Self::ServiceAccountsRead,
        Self::ServiceAccountsWrite,
        Self::SignInsRead,
        Self::AttributesWrite,
        Self::AnalyticsRead,
        Self::InactivityRead,
        Self::InactivityWrite,
        Self::SecondFactorsReset,
        Self::InvitationsRead,
        Self::InvitationsWrite,
        Self::SystemRead,
        Self::SystemWrite,
    ];

    /// Each opens a part of the console.
    pub const OF_STAFF: [Self; 9] = [
        Self::UsersRead,
        Self::AnalyticsRead,
        Self::AuditRead,
        Self::RolesRead,
        Self::AttributesWrite,
        Self::ServiceAccountsRead,
        Self::InactivityRead,
        Self::InvitationsRead,
        Self::SystemRead,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::UsersRead => "users:read",
            Self::UsersWrite => "users:write",
            Self::UsersDelete => "users:delete",
            Self::UsersPurge => "users:purge",
            Self::RolesRead => "roles:read",
            Self::RolesWrite => "roles:write",
            Self::RolesAssign => "roles:assign",
            Self::AuditRead => "audit:read",
            Self::ServiceAccountsRead => "service_accounts:read",
            Self::ServiceAccountsWrite => "service_accounts:write",
            Self::SignInsRead => "signins:read",
            Self::AttributesWrite => "attributes:write",
            Self::AnalyticsRead => "analytics:read",
            Self::InactivityRead => "inactivity:read",
            Self::InactivityWrite => "inactivity:write",
            Self::SecondFactorsReset => "second_factors:reset",
            Self::InvitationsRead => "invitations:read",
            Self::InvitationsWrite => "invitations:write",
            Self::SystemRead => "system:read",
            Self::SystemWrite => "system:write",
        }
    }

    pub fn description(self) -> &'static str {
        match self {
            Self::UsersRead => "List users, read one, see their sessions and API keys.",
            Self::UsersWrite => {
                "Create and edit users and their addresses, suspend, reactivate and unlock them, end their sessions and API keys, start a reset of their password, set their professional status."
            }
            Self::UsersDelete => "Delete users and restore them.",
            Self::UsersPurge => "Remove users for good who are in the recycle bin, before their time has passed.",
            Self::RolesRead => "List roles and permissions.",
            Self::RolesWrite => "Create, edit and delete roles.",
            Self::RolesAssign => "Give roles to users and take them away.",
            Self::AuditRead => "Read the audit events.",
            Self::ServiceAccountsRead => "List service accounts and their API keys.",
            Self::ServiceAccountsWrite => "Create, edit, suspend and delete service accounts, make and revoke their API keys.",
            Self::SignInsRead => "See the attempts of users to sign in, and why each went as it did.",
            Self::AttributesWrite => "Set the schema of the users' attributes, rename and remove attributes.",
            Self::AnalyticsRead => "See how many people sign up, are active and sign in.",
            Self::InactivityRead => "See the rules on users who are not active, and whom they would hit.",
            Self::InactivityWrite => "Create, edit and delete rules on users who are not active.",
            Self::SecondFactorsReset => "Take the second factors of other users away who have lost them.",
            Self::InvitationsRead => "See who was invited, by whom, and what came of it.",
            Self::InvitationsWrite => "Invite people, send invitations again and revoke them.",
            Self::SystemRead => {
                "See the settings in force, the health of the server, its signing keys and its mails; never a secret."
            }
            Self::SystemWrite => "Rotate signing keys, send mails again that were given up, change the words of mails.",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|permission| permission.name() == name)
    }

    fn bit(self) -> u64 {
        1 << (self as u8)
    }
}

impl Serialize for Permission {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Permission {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::parse(&name).ok_or_else(|| serde::de::Error::custom("is not a permission: see GET /v1/permissions"))
    }
}

impl JsonSchema for Permission {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Permission".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<_> = Self::ALL.iter().map(|permission| permission.name()).collect();
        schemars::json_schema!({ "type": "string", "enum": names })
    }
}

/// A set of permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PermissionSet(u64);

impl PermissionSet {
    pub fn all() -> Self {
        Permission::ALL.into_iter().collect()
    }

    /// Reads the names a role's row holds; names this release does not know grant nothing.
    pub fn from_names<S: AsRef<str>>(names: &[S]) -> Self {
        names.iter().filter_map(|name| Permission::parse(name.as_ref())).collect()
    }

    pub fn contains(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// The permissions that are in both sets.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub fn names(self) -> Vec<&'static str> {
        self.iter().map(Permission::name).collect()
    }

    /// The permissions that are not in this set.
    #[must_use]
    pub fn complement(self) -> Self {
        Self(Self::all().0 & !self.0)
    }

    /// What the built-in role `manager` grants.
    pub fn of_manager() -> Self {
        use Permission::{InvitationsRead, InvitationsWrite, RolesRead, UsersRead, UsersWrite};
        [UsersRead, UsersWrite, RolesRead, InvitationsRead, InvitationsWrite].into_iter().collect()
    }

    /// Whether there is more in it than that: then it makes somebody an administrator.
    pub fn exceeds_manager(self) -> bool {
        !Self::of_manager().covers(self)
    }

    /// Whether they open a part of the console.
    pub fn opens_console(self) -> bool {
        Permission::OF_STAFF.into_iter().any(|permission| self.contains(permission))
    }

    /// Whether every permission of `other` is in this set.
    pub fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.into_iter().filter(move |permission| self.contains(*permission))
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().fold(0, |set, permission| set | permission.bit()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_cover_their_subsets_only() {
        let manager: PermissionSet = [Permission::UsersRead, Permission::UsersWrite].into_iter().collect();
        assert!(PermissionSet::all().covers(manager));
        assert!(!manager.covers(PermissionSet::all()));
        assert!(manager.covers(PermissionSet::default()));
        assert_eq!(manager.complement().intersection(manager), PermissionSet::default());
        assert_eq!(manager.complement().complement(), manager);
        assert_eq!(PermissionSet::from_names(&["users:read", "users:write", "of:tomorrow"]), manager);
    }
}
