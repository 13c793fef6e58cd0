//! What is asked before users are selected, so that the statement says only what matters: constants lead PostgreSQL to an index where
//! a join would make it read everybody.

use std::sync::Arc;

use jiff::Timestamp;

use super::Filter;
use crate::attributes::{self, Schema};
use crate::caller::{Authority, PermissionSet};
use crate::db::Tx;
use crate::error::AppResult;
use crate::roles;

/// Where a selection takes place.
pub struct Surroundings {
    /// What a filter may ask of the attributes.
    pub schema: Option<Arc<Schema>>,
    /// The roles that hold a permission which the caller lacks.
    pub outranking: Vec<String>,
    /// Whether anybody can have a role by a group.
    pub groups_carry_roles: bool,
    pub now: Timestamp,
}

impl Surroundings {
    pub async fn look(tx: &mut Tx, by: Authority, filter: &Filter) -> AppResult<Self> {
        let now = tx.now();
        let schema = if filter.filter.is_some() { Some(attributes::current(tx).await?) } else { None };
        let sees_all = by.permissions == PermissionSet::all();
        if sees_all && filter.filter.is_none() && filter.role.is_none() {
            return Ok(Self { schema, outranking: Vec::new(), groups_carry_roles: false, now });
        }
        let (outranking, groups_carry_roles) = roles::survey(tx, by.permissions.complement()).await?;
        Ok(Self { schema, outranking, groups_carry_roles, now })
    }
}
