//! The log under the audit trail: events are sealed, a moment after their transactions, into a Merkle tree whose states are signed.
//! A changed, removed or moved event no longer fits what was signed.
//!
//! Business transactions know nothing of it but one row in `audit_unsealed`. What is hashed and signed is spelled in `usher-log`.

mod dropping;
pub mod key;
mod part;
mod reading;
mod sealing;
mod store;

#[cfg(test)]
#[path = "../tests/dropping.rs"]
mod dropping_tests;
#[cfg(test)]
#[path = "../tests/parts.rs"]
mod part_tests;
#[cfg(test)]
#[path = "../tests/sealing.rs"]
pub mod sealing_tests;
#[cfg(test)]
#[path = "../tests/tampering.rs"]
pub mod tampering_tests;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

pub use dropping::{Dropped, allow as allow_dropping, last as last_dropped, register};
pub use key::{find as find_key, find_or_make as find_or_make_key};
pub use part::{Part, Unverified, Verified, verify_part};
pub use reading::{Misfit, export, verify};
pub use sealing::{Sealing, seal};

use crate::app::App;
use crate::db::{DbResult, Tx};

/// A sealed state of the log.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditCheckpoint")]
pub struct Sealed {
    /// Events in the tree.
    pub tree_size: i64,
    /// The signed checkpoint (C2SP tlog-checkpoint), to be kept as it is.
    pub checkpoint: String,
    /// The key that signed it (C2SP signed-note). Keep the first one you see: it changes only when the operator changes the key.
    pub verifier_key: String,
    pub sealed_at: Timestamp,
}

/// How far the sealer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub sealed: i64,
    pub waiting: i64,
    /// When the first of those that wait happened.
    pub waits_since: Option<Timestamp>,
}

impl Progress {
    /// How long the first of those that wait has waited.
    pub fn behind(&self, now: Timestamp) -> SignedDuration {
        self.waits_since.map_or(SignedDuration::ZERO, |since| now.duration_since(since))
    }
}

/// The newest checkpoint, if anything has been sealed.
pub async fn last(app: &App) -> DbResult<Option<Sealed>> {
    Ok(store::find_last_checkpoint(app.db.pipeline()).await?.map(|(sealed, _)| sealed))
}

/// The place of an event in the tree, once it is sealed.
pub async fn find_place(tx: &mut Tx, event_id: Uuid) -> DbResult<Option<i64>> {
    store::find_leaf_index(tx, event_id).await
}

pub async fn progress(app: &App) -> DbResult<Progress> {
    store::find_progress(app.db.pipeline()).await
}
