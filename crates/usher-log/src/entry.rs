//! What is sealed: an event with a commitment to its details. The details can be erased, and the event still has its hash.

use serde::{Deserialize, Serialize};

use crate::base64_text;
use crate::tree::{Hash, leaf_hash, sha256};

/// Bytes of a salt, which keeps erased details from being guessed by their hash.
pub const SALT_LEN: usize = 16;

/// An event as it is hashed: this JSON object, members in this order, without white space. Absent values are `null`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    pub id: String,
    /// UTC, to the microsecond: `2026-01-01T00:00:00.000000Z`.
    pub occurred_at: String,
    pub action: String,
    pub outcome: String,
    pub actor_kind: String,
    pub actor_id: Option<String>,
    pub target_kind: Option<String>,
    pub target_id: Option<String>,
    /// Whose data the details may hold, beside the actor's.
    pub subject_id: Option<String>,
    pub request_id: Option<String>,
    /// [`details_hash`].
    #[serde(with = "base64_text")]
    pub details_hash: Hash,
}

impl Event {
    pub fn leaf_hash(&self) -> Hash {
        leaf_hash(&serde_json::to_vec(self).expect("texts and a hash are JSON"))
    }
}

/// What may be erased: where it came from, why, and what it changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Details {
    pub salt: [u8; SALT_LEN],
    /// A JSON object, byte by byte as it was hashed.
    pub content: String,
}

impl Details {
    pub fn hash(&self) -> Hash {
        details_hash(&self.salt, &self.content)
    }
}

/// `SHA-256(salt || content)`: binds to the details and tells nothing of them.
pub fn details_hash(salt: &[u8; SALT_LEN], content: &str) -> Hash {
    sha256(&[salt, content.as_bytes()])
}

/// An event in its place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub leaf_index: u64,
    /// As it was sealed, to tell which event was changed; the tree decides.
    pub leaf_hash: Hash,
    pub event: Event,
    /// `None` when erased.
    pub details: Option<Details>,
}
