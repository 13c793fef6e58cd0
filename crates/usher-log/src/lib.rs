//! A log that can't be changed without being found out: a Merkle tree over the entries (RFC 9162, section 2), its root signed in
//! checkpoints (C2SP tlog-checkpoint and signed-note), and a verifier that reads the entries as a stream.
//!
//! Pure: no clock, no files, no randomness of its own, no async. What is hashed is spelled here and nowhere else.

mod base64_text;
mod entry;
mod export;
mod note;
mod tree;
mod verify;

pub use entry::{Details, Entry, Event, SALT_LEN, details_hash};
pub use export::{Header, Line, LineError};
pub use note::{Checkpoint, KeyError, NoteError, Signature, SignedCheckpoint, SigningKey, VerifierKey, newest};
pub use tree::{Edge, Hash, leaf_hash};
pub use verify::{Fault, Summary, Verifier};
