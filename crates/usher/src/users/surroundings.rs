//! What is asked before users are selected, so that the statement says only what matters: constants lead PostgreSQL to an index where
//! a join would make it read everybody.

use std::sync::Arc;

use jiff::Timestamp;

use super::Filter;
use super::filter::{GroupWay, look_at_groups};
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
    /// The groups, where a filter asks for them.
    pub groups: Option<Vec<GroupWay>>,
    pub now: Timestamp,
}

impl Surroundings {
    pub async fn look(tx: &mut Tx, by: Authority, filter: &Filter) -> AppResult<Self> {
        let texts: Vec<&str> = filter.filter.as_deref().into_iter().collect();
        Self::look_for(tx, by, &texts, filter.role.is_some()).await
    }

    /// Of a selection by several filters at once.
    pub async fn look_for_all(tx: &mut Tx, by: Authority, filters: &[&str]) -> AppResult<Self> {
        Self::look_for(tx, by, filters, false).await
    }

    async fn look_for(tx: &mut Tx, by: Authority, filters: &[&str], asks_for_role: bool) -> AppResult<Self> {
        let now = tx.now();
        let schema = if filters.is_empty() { None } else { Some(attributes::current(tx).await?) };
        let sees_all = by.permissions == PermissionSet::all();
        if sees_all && filters.is_empty() && !asks_for_role {
            return Ok(Self { schema, outranking: Vec::new(), groups_carry_roles: false, groups: None, now });
        }
        let (outranking, groups_carry_roles) = roles::survey(tx, by.permissions.complement()).await?;
        Ok(Self { schema, outranking, groups_carry_roles, groups: look_at_groups(tx, filters).await?, now })
    }
}
