//! Verifies a log as it is read, entry by entry, in constant memory. It stops at the first fault and says where it is.

use crate::entry::Entry;
use crate::note::{Checkpoint, Signature, SignedCheckpoint, VerifierKey};
use crate::tree::{Edge, Hash};

/// What was found good.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Summary {
    /// Events that were verified.
    pub events: u64,
    /// Of those, the ones whose details were erased.
    pub erased: u64,
    /// Leaves whose events were dropped because of their age: their hashes are signed, what they were is not there.
    pub dropped: u64,
    pub checkpoints: u64,
    /// Checkpoints that other keys have signed: their trees fit, their signatures could not be looked at.
    pub other_keys: u64,
    /// Leaves of the whole log.
    pub size: u64,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("leaf {expected} is not where it belongs: leaf {found} follows leaf {before}", before = before(*expected))]
    OutOfPlace { expected: u64, found: u64 },
    #[error("leaf {leaf_index} was changed: event {id} is not as it was sealed")]
    EventChanged { leaf_index: u64, id: String },
    #[error("leaf {leaf_index} was changed: the details of event {id} are not as they were sealed")]
    DetailsChanged { leaf_index: u64, id: String },
    #[error(
        "leaves {from} to {to} are not what checkpoint {size} has signed: one of them was changed, replaced, swapped, added or removed",
        to = before(*size)
    )]
    RootDiffers { from: u64, size: u64 },
    #[error("checkpoint {size} was changed: its signature does not fit")]
    SignatureBad { size: u64 },
    #[error("checkpoint {size}, the last one, is not signed by the key {key}")]
    SignatureMissing { size: u64, key: String },
    #[error("checkpoint {size} stands after {at} leaves: some are missing, or it was moved")]
    CheckpointOutOfPlace { size: u64, at: u64 },
    #[error("no checkpoint signs what follows leaf {leaf}: the end is missing or was put there")]
    EndNotSigned { leaf: u64 },
    #[error("there is no checkpoint: nothing was sealed yet, or the log was emptied")]
    NoCheckpoint,
    #[error("the end was cut off: the saved checkpoint has {saved} leaves, the log {size}")]
    CutOff { saved: u64, size: u64 },
    #[error("the first {size} leaves are not those of the saved checkpoint: the log was written anew")]
    SavedDiffers { size: u64 },
    #[error("the saved checkpoint is not signed by the key {key}")]
    SavedNotSigned { key: String },
    #[error("the saved checkpoint has {saved} leaves and can't be compared with what begins after {after}")]
    SavedEarlier { saved: u64, after: u64 },
}

fn before(leaf_index: u64) -> u64 {
    leaf_index.saturating_sub(1)
}

/// Reads a log.
#[derive(Debug)]
pub struct Verifier {
    key: VerifierKey,
    edge: Edge,
    saved: Option<Checkpoint>,
    /// Leaves up to the last checkpoint.
    signed: u64,
    last: Option<Signature>,
    summary: Summary,
}

impl Verifier {
    /// Begins after the leaves of `edge`. `saved` is a checkpoint that was kept elsewhere.
    pub fn begin(key: VerifierKey, edge: Edge, saved: Option<&SignedCheckpoint>) -> Result<Self, Fault> {
        if saved.is_some_and(|saved| saved.verify(&key) != Signature::Good) {
            return Err(Fault::SavedNotSigned { key: key.name().to_owned() });
        }
        let saved = saved.map(|saved| saved.checkpoint.clone());
        if let Some(saved) = saved.as_ref().filter(|saved| saved.size < edge.size()) {
            return Err(Fault::SavedEarlier { saved: saved.size, after: edge.size() });
        }
        let verifier = Self { key, signed: edge.size(), edge, saved, last: None, summary: Summary::default() };
        verifier.compare_saved()?;
        Ok(verifier)
    }

    /// The number of leaves so far.
    pub fn size(&self) -> u64 {
        self.edge.size()
    }

    /// The edge of what was read, to compare with one that was kept.
    pub fn edge(&self) -> &Edge {
        &self.edge
    }

    /// The next entry.
    pub fn entry(&mut self, entry: &Entry) -> Result<(), Fault> {
        let leaf_index = entry.leaf_index;
        if leaf_index != self.edge.size() {
            return Err(Fault::OutOfPlace { expected: self.edge.size(), found: leaf_index });
        }
        let leaf = entry.event.leaf_hash();
        if leaf != entry.leaf_hash {
            return Err(Fault::EventChanged { leaf_index, id: entry.event.id.clone() });
        }
        match &entry.details {
            Some(details) if details.hash() != entry.event.details_hash => {
                return Err(Fault::DetailsChanged { leaf_index, id: entry.event.id.clone() });
            }
            Some(_) => {}
            None => self.summary.erased += 1,
        }
        self.edge.push(leaf);
        self.summary.events += 1;
        self.compare_saved()
    }

    /// The next leaf, of an event that was dropped because of its age. Only whoever knows which those are may say so.
    pub fn dropped(&mut self, leaf_index: u64, leaf_hash: Hash) -> Result<(), Fault> {
        if leaf_index != self.edge.size() {
            return Err(Fault::OutOfPlace { expected: self.edge.size(), found: leaf_index });
        }
        self.edge.push(leaf_hash);
        self.summary.dropped += 1;
        self.compare_saved()
    }

    /// A checkpoint of what was read so far.
    pub fn checkpoint(&mut self, note: &SignedCheckpoint) -> Result<(), Fault> {
        let Checkpoint { size, root, .. } = note.checkpoint;
        if size != self.edge.size() {
            return Err(Fault::CheckpointOutOfPlace { size, at: self.edge.size() });
        }
        let signature = note.verify(&self.key);
        if signature == Signature::Bad {
            return Err(Fault::SignatureBad { size });
        }
        if root != self.edge.root() {
            return Err(Fault::RootDiffers { from: self.signed, size });
        }
        self.summary.checkpoints += 1;
        self.summary.other_keys += u64::from(signature == Signature::Missing);
        self.signed = size;
        self.last = Some(signature);
        Ok(())
    }

    /// There is no more.
    pub fn finish(mut self) -> Result<Summary, Fault> {
        let size = self.edge.size();
        if let Some(saved) = self.saved.as_ref().filter(|saved| saved.size > size) {
            return Err(Fault::CutOff { saved: saved.size, size });
        }
        match self.last {
            None if self.summary.events == 0 => return Err(Fault::NoCheckpoint),
            _ if self.signed < size => return Err(Fault::EndNotSigned { leaf: before(self.signed) }),
            Some(Signature::Good) => {}
            _ => return Err(Fault::SignatureMissing { size, key: self.key.name().to_owned() }),
        }
        self.summary.size = size;
        Ok(self.summary)
    }

    fn compare_saved(&self) -> Result<(), Fault> {
        match &self.saved {
            Some(saved) if saved.size == self.edge.size() && saved.root != self.edge.root() => {
                Err(Fault::SavedDiffers { size: saved.size })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
#[path = "verify_tests.rs"]
pub(crate) mod tests;
