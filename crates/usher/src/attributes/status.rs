//! How the schema stands: what is in force, what waits for what, and which indexes there are.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::store::{self, IndexRow, VersionRow};
use super::{Document, Offender, Operation, assemble, sql};
use crate::db::Tx;
use crate::error::AppResult;

/// How the schema of attributes stands.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "AttributeSchemaStatus")]
pub struct Status {
    pub in_force: Version,
    /// The version that waits, or the one that was refused last. What waits binds every write already.
    pub pending: Option<Waiting>,
    /// What is being renamed and removed.
    pub migration: Option<Migration>,
    pub indexes: Vec<IndexState>,
    /// Raised by every change of what is in force or waits; the `ETag`.
    pub revision: i64,
}

impl Status {
    /// What shall be in force: the version that waits, or else the one that is.
    pub fn latest(&self) -> &Document {
        let pending = self.pending.as_ref().filter(|pending| pending.state != WaitingFor::Refused);
        pending.map_or(&self.in_force.schema, |pending| &pending.version.schema)
    }
}

/// A version of the schema.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "AttributeSchemaVersion")]
#[expect(clippy::struct_field_names, reason = "it is the number of the version")]
pub struct Version {
    pub version: i64,
    pub schema: Document,
    pub created_at: Timestamp,
}

/// A version that is not in force.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "AttributeSchemaWaiting")]
pub struct Waiting {
    #[serde(flatten)]
    pub version: Version,
    pub state: WaitingFor,
    /// How many users have been checked.
    pub checked: i64,
    /// How many there were when that began.
    pub total: Option<i64>,
    /// How many do not fit.
    pub violating: i64,
    /// The first of them.
    pub offenders: Vec<Offender>,
}

/// What a version waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AttributeSchemaWaitingFor")]
pub enum WaitingFor {
    /// Users are looked through.
    Checking,
    /// Indexes that make properties unique are built.
    BuildingIndexes,
    /// Nothing: users do not fit.
    Refused,
}

/// A migration that is under way.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "AttributeMigrationStatus")]
pub struct Migration {
    pub operations: Vec<Operation>,
    /// How many users have been moved.
    pub moved: i64,
    pub total: Option<i64>,
}

/// An index on a property.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "AttributeIndex")]
pub struct IndexState {
    pub name: String,
    pub property: String,
    pub state: BuildState,
    /// Why it could not be built; it is tried again now and then.
    pub detail: Option<String>,
    /// Who has the same value of a property that shall be unique.
    pub offenders: Vec<Offender>,
}

/// How an index stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AttributeIndexState")]
pub enum BuildState {
    Building,
    Ready,
    Failed,
}

/// How the schema stands now.
pub async fn status(tx: &mut Tx) -> AppResult<Status> {
    let rules = assemble(store::list_standing(tx).await?)?;
    let rows = store::list_indexes(tx).await?;
    let (mut pending, mut migration, mut in_force) = (None, None, None);
    for row in store::list_versions(tx).await? {
        if row.state == "in_force" {
            migration = under_way(&row);
            in_force = Some(version(row)?);
        } else {
            pending = Some(waiting(row)?);
        }
    }
    let schemas = [Some(&rules.in_force), rules.pending.as_ref()];
    let mut indexes: Vec<_> =
        schemas.into_iter().flatten().flat_map(|schema| schema.properties()).filter_map(sql::index).collect();
    indexes.sort_by(|one, other| one.name.cmp(&other.name));
    indexes.dedup();
    Ok(Status {
        in_force: in_force.ok_or_else(|| anyhow::anyhow!("there is no schema of attributes in force"))?,
        pending,
        migration,
        indexes: indexes.into_iter().map(|index| index_state(index, &rows)).collect(),
        revision: rules.revision,
    })
}

fn version(row: VersionRow) -> AppResult<Version> {
    Ok(Version { version: row.version, schema: serde_json::from_value(row.document)?, created_at: row.created_at })
}

fn waiting(row: VersionRow) -> AppResult<Waiting> {
    let state = match (row.state.as_str(), row.done_at) {
        ("refused", _) => WaitingFor::Refused,
        (_, None) => WaitingFor::Checking,
        (_, Some(_)) => WaitingFor::BuildingIndexes,
    };
    Ok(Waiting {
        state,
        checked: row.checked,
        total: row.total,
        violating: row.violating,
        offenders: row.offenders.clone(),
        version: version(row)?,
    })
}

fn under_way(row: &VersionRow) -> Option<Migration> {
    let operations = row.operations.clone().filter(|_| row.done_at.is_none())?;
    Some(Migration { operations: serde_json::from_value(operations).ok()?, moved: row.checked, total: row.total })
}

fn index_state(index: sql::Index, rows: &[IndexRow]) -> IndexState {
    let row = rows.iter().find(|row| row.name == index.name);
    IndexState {
        state: match row.map(|row| row.state.as_str()) {
            Some("ready") => BuildState::Ready,
            Some("failed") => BuildState::Failed,
            _ => BuildState::Building,
        },
        detail: row.and_then(|row| row.detail.clone()),
        offenders: row.map(|row| row.offenders.clone()).unwrap_or_default(),
        name: index.name,
        property: index.property,
    }
}
