//! What `attributes` of a user may hold: a JSON Schema that operators set, one version of which is in force. Whatever is
//! written fits it, and fits the version that waits to come into force too: so once the rows that are there have been checked,
//! nothing can be left that does not fit.
//!
//! Who writes attributes locks the one row of the schema's state for share ([`lock`]), who changes the schema locks it for update:
//! no write goes by a schema that is not in force any more.

mod api;
mod changes;
mod checking;
mod claims;
mod document;
mod indexes;
mod inspect;
mod jobs;
pub mod migration;
mod moving;
mod schema;
pub mod sql;
mod status;
mod store;
mod tend;

#[cfg(test)]
mod tests;

use std::sync::{Arc, PoisonError, RwLock};

use anyhow::Context;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

pub use api::router;
pub use changes::{Outcome, lock_for_change, put, refuse_moving, try_again};
pub use document::{Document, Format, Rule, Type, Visibility};
#[cfg(any(test, fuzzing))]
pub use inspect::inspect as inspect_document;
pub use jobs::register;
pub use migration::Operation;
pub use moving::move_first;
pub use schema::{Kind, Property, Schema, normal_text};
pub use status::{BuildState, IndexState, Status, WaitingFor, status};
pub use store::update_many;
pub use tend::tend;

use crate::app::App;
use crate::db::followed::Followed;
use crate::db::listen::Listener;
use crate::db::{DbError, Tx};
use crate::error::{AppError, AppResult, FieldError, Rejection};
use crate::id::UserId;
use crate::patch::Patch;

/// States of the schema that are kept in memory, ready for use.
const COMPILED_MAX: usize = 8;

/// A user whose attributes do not fit, and where.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Offender {
    pub user_id: UserId,
    pub username: String,
    /// As in a request that would set it: `/attributes/department`.
    pub pointer: String,
    pub code: String,
    pub detail: String,
}

/// All that decides whether attributes fit: the schema in force, and the one that waits.
#[derive(Debug)]
pub struct Rules {
    mark: Uuid,
    /// Raised by every change of the schema; the entity tag.
    pub revision: i64,
    pub in_force: Arc<Schema>,
    pub pending: Option<Arc<Schema>>,
    /// The rows have been checked against the one that waits.
    pending_is_checked: bool,
}

/// The schema in force. The caller's transaction writes nothing by it: for that there is [`lock`].
pub async fn current(tx: &mut Tx) -> AppResult<Arc<Schema>> {
    let rules = assemble(store::list_standing(tx).await?)?;
    Ok(Arc::clone(&rules.in_force))
}

/// The schema in force as this process knows it: at most a moment old. For reading.
pub async fn cached(app: &App) -> AppResult<Arc<Schema>> {
    let read = async {
        let rules = assemble(store::look_up_standing(app.db.pipeline()).await?)?;
        Ok(Arc::clone(&rules.in_force))
    };
    app.kept::<Followed<Schema>>().get(read).await
}

/// The rules for a write of attributes in this transaction: no others come into force until it is over.
pub async fn lock(tx: &mut Tx) -> AppResult<Arc<Rules>> {
    let mark = store::lock_mark_for_share(tx).await?;
    if let Some(rules) = compiled(mark) {
        return Ok(rules);
    }
    assemble(store::list_standing(tx).await?)
}

impl Rules {
    /// What shall be in force: the schema that waits, or else the one that is.
    pub fn latest(&self) -> &Document {
        &self.pending.as_ref().unwrap_or(&self.in_force).document
    }

    /// Whether a migration may not have come to all users.
    pub fn is_moving(&self) -> bool {
        self.in_force.is_moving()
    }

    /// The attributes as they are to be kept, or every fault of theirs.
    pub fn fit(&self, mut attributes: Map<String, Value>) -> Result<Map<String, Value>, Rejection> {
        self.in_force.normalize(&mut attributes);
        let mut faults = self.in_force.faults(&attributes);
        if let Some(pending) = &self.pending {
            pending.normalize(&mut attributes);
            for fault in pending.faults(&attributes) {
                if !faults.iter().any(|known| known.pointer == fault.pointer && known.code == fault.code) {
                    faults.push(fault);
                }
            }
        }
        if faults.is_empty() { Ok(attributes) } else { Err(Rejection::invalid_body(faults)) }
    }

    /// The attributes of a row under the names of the schema in force: a migration may not have come to it yet.
    pub fn moved(&self, attributes: &Map<String, Value>) -> Map<String, Value> {
        self.in_force.moved(attributes)
    }

    /// What people change of their own attributes. Clearing all of them clears those that are theirs to change.
    pub fn own_changes(&self, changes: Patch<Map<String, Value>>) -> Result<Patch<Map<String, Value>>, Rejection> {
        let changes = match changes {
            Patch::Keep => return Ok(Patch::Keep),
            Patch::Clear => {
                let own = self.in_force.properties().iter().filter(|property| property.self_editable);
                return Ok(Patch::Set(own.map(|property| (property.name.clone(), Value::Null)).collect()));
            }
            Patch::Set(changes) => changes,
        };
        let is_own = |name: &str| self.in_force.exact(name).is_some_and(|property| property.self_editable);
        let foreign = changes.keys().filter(|name| !is_own(name)).take(32).map(|name| {
            // The same for what is hidden and for what is unknown.
            let pointer = format!("/attributes/{}", name.replace('~', "~0").replace('/', "~1"));
            FieldError::at_pointer(pointer, "unknown_field", "is unknown or can't be set here")
        });
        let faults: Vec<_> = foreign.collect();
        if faults.is_empty() { Ok(Patch::Set(changes)) } else { Err(Rejection::invalid_body(faults)) }
    }

    /// What a failed write means: somebody else has a value that is to be unique.
    pub fn explain(&self, error: impl Into<AppError>) -> AppError {
        let error = error.into();
        let Some(name) = constraint(&error).filter(|name| name.starts_with(sql::PREFIX)) else { return error };
        let properties = self.pending.iter().chain([&self.in_force]).flat_map(|schema| schema.properties());
        // Without a property of its own it is an index that is about to be dropped.
        let index = properties.filter_map(sql::index).find(|index| index.name == name);
        taken(&index.map_or_else(String::new, |index| format!("/{}", index.property))).into()
    }
}

fn taken(pointer: &str) -> Rejection {
    let detail = "This value belongs to somebody else.";
    let fault = FieldError::at_pointer(format!("/attributes{pointer}"), "attribute_taken", detail);
    Rejection { errors: vec![fault], ..Rejection::conflict("attribute_taken", detail) }
}

/// The constraint that has refused a write.
fn constraint(error: &AppError) -> Option<&str> {
    let AppError::Internal(error) = error else { return None };
    match error.downcast_ref()? {
        DbError::Constraint { name, .. } => Some(name),
        _ => None,
    }
}

/// Keeps the schema in memory and forgets it when it has changed.
pub fn follow(app: &App, listener: &Listener) {
    app.kept::<Followed<Schema>>().follow(listener, "usher_attributes");
}

/// States of the schema by their marks. A mark is never given twice, so nothing in here is ever out of date.
static COMPILED: RwLock<Vec<Arc<Rules>>> = RwLock::new(Vec::new());

fn compiled(mark: Uuid) -> Option<Arc<Rules>> {
    let known = COMPILED.read().unwrap_or_else(PoisonError::into_inner);
    known.iter().find(|rules| rules.mark == mark).cloned()
}

/// The rules from their rows.
fn assemble(rows: Vec<store::StandingRow>) -> AppResult<Arc<Rules>> {
    let (mark, revision) = rows.first().map(|row| (row.mark, row.revision)).context("there is no schema of attributes")?;
    if let Some(rules) = compiled(mark) {
        return Ok(rules);
    }
    let (mut in_force, mut pending, mut pending_is_checked) = (None, None, false);
    for row in rows {
        let is_ready = |name: &str| row.ready.iter().any(|ready| ready == name);
        let document = serde_json::from_value(row.document).context("reading the schema of attributes")?;
        let mut schema = Schema::new(row.version, document, is_ready)?;
        if row.is_pending {
            (pending, pending_is_checked) = (Some(Arc::new(schema)), row.is_done);
        } else {
            schema.moving = if row.is_done { Vec::new() } else { row.operations };
            in_force = Some(Arc::new(schema));
        }
    }
    let in_force = in_force.context("there is no schema of attributes in force")?;
    let rules = Arc::new(Rules { mark, revision, in_force, pending, pending_is_checked });
    let mut known = COMPILED.write().unwrap_or_else(PoisonError::into_inner);
    if known.len() >= COMPILED_MAX {
        known.remove(0);
    }
    known.push(Arc::clone(&rules));
    Ok(rules)
}
