//! What people may do: roles, who has which permission and by which way, and groups.

pub mod group;
pub mod groups;
pub mod members;
pub mod permissions;
pub mod role;
pub mod roles;
