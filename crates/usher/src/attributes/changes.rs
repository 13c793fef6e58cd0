//! Setting the schema: at once where that can be said at once, else by way of a version that waits.

use std::sync::Arc;

use super::checking::{self, check_batch};
use super::store::Progress;
use super::{Document, Rules, Schema, assemble, indexes, inspect, jobs, sql, store};
use crate::audit::{self, Event};
use crate::db::Tx;
use crate::error::{AppResult, Rejection};
use crate::id::new_uuid;

/// So many users are checked while the caller waits.
pub const AT_ONCE_MAX: i64 = 10_000;

/// What has become of a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    InForce,
    /// Every write fits it from here on. It comes into force when the rows have been checked and the unique indexes are there.
    Pending,
}

/// The rules, for a change of theirs: nobody writes attributes until the transaction is over.
pub async fn lock_for_change(tx: &mut Tx) -> AppResult<Arc<Rules>> {
    store::lock_state(tx).await?;
    assemble(store::list_standing(tx).await?)
}

/// Sets the schema. The rules have been locked for it. A version that waits is given up for this one.
pub async fn put(tx: &mut Tx, rules: &Rules, document: Document) -> AppResult<Outcome> {
    inspect::inspect(&document)?;
    refuse_moving(rules)?;
    if rules.pending.is_none() && rules.in_force.document == document {
        return Ok(Outcome::InForce);
    }
    store::update_pending_to_superseded(tx).await?;
    let value = document.to_value();
    let says_the_same = document.constraints() == rules.in_force.document.constraints();
    let version = store::insert_version(tx, &value, None).await?;
    let schema = Schema::new(version, document, |_| false)?;
    let is_checked = says_the_same || check_now(tx, &schema).await?;
    if is_checked {
        store::update_done(tx, version).await?;
    }
    let outcome = if is_checked && indexes::are_enforced(tx, &schema).await? {
        store::update_to_in_force(tx, version).await?;
        Outcome::InForce
    } else {
        Outcome::Pending
    };
    store::delete_failed_indexes(tx).await?;
    note_change(tx).await?;
    let before = rules.in_force.document.to_value();
    let event = Event::success("attribute_schema.set").on("attribute_schema", version).changed(&before, &value);
    audit::record(tx, event.detail("in_force", outcome == Outcome::InForce)).await?;
    jobs::request(tx).await?;
    Ok(outcome)
}

/// Checks every user now, if there are few. False: a job has to.
async fn check_now(tx: &mut Tx, schema: &Schema) -> AppResult<bool> {
    if store::count_users_up_to(tx, AT_ONCE_MAX + 1).await? > AT_ONCE_MAX {
        return Ok(false);
    }
    let mut progress = Progress { checked: 0, position: None, violating: 0, offenders: Vec::new() };
    let mut is_ready = true;
    while let Some(fixes) = check_batch(tx, schema, &mut progress).await? {
        // Writing rows while the state is locked could wait for somebody who waits for the state.
        is_ready &= fixes.is_empty();
    }
    if progress.violating > 0 {
        return Err(checking::violated(progress.violating, &progress.offenders).into());
    }
    for index in schema.properties().iter().filter_map(sql::index).filter(|index| index.unique) {
        let (violating, offenders) = indexes::duplicates(tx.connection().await?, schema, &index).await?;
        if violating > 0 {
            return Err(checking::violated(violating, &offenders).into());
        }
    }
    Ok(is_ready)
}

/// Has indexes that could not be built tried again now, and not when their time has come.
pub async fn try_again(tx: &mut Tx) -> AppResult<()> {
    store::delete_failed_indexes(tx).await?;
    audit::record(tx, Event::success("attribute_schema.indexes_retried")).await?;
    jobs::request(tx).await
}

/// The schema has changed: the entity tag, and what processes keep in memory.
pub async fn note_change(tx: &mut Tx) -> AppResult<()> {
    store::raise_revision(tx).await?;
    let mark = new_uuid(tx.now());
    store::update_mark(tx, mark).await?;
    Ok(())
}

/// While users are moved nothing else is.
pub fn refuse_moving(rules: &Rules) -> Result<(), Rejection> {
    if rules.is_moving() { Err(under_way()) } else { Ok(()) }
}

pub fn under_way() -> Rejection {
    let detail =
        "Attributes are being renamed or removed. GET /v1/attribute-schema says how far that is; set the schema afterwards.";
    Rejection::conflict("attribute_migration_under_way", detail)
}
