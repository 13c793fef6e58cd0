//! What the users of a run come to, in numbers. They are kept with the run and changed in the transaction that changes its items: a run
//! that undoes an import has millions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::work::Did;

/// So many users came to this.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "BulkCounts")]
pub struct Counts {
    pub to_do: i64,
    pub done: i64,
    /// They were so already.
    pub unchanged: i64,
    pub refused: i64,
    /// A fault of the server.
    pub failed: i64,
}

impl Counts {
    /// Where a user of this outcome is counted.
    pub(super) fn of(&mut self, outcome: Option<&str>) -> &mut i64 {
        match outcome {
            None => &mut self.to_do,
            Some("done") => &mut self.done,
            Some("unchanged") => &mut self.unchanged,
            Some("refused") => &mut self.refused,
            Some(_) => &mut self.failed,
        }
    }

    pub(super) fn total(&self) -> i64 {
        let Self { to_do, done, unchanged, refused, failed } = self;
        to_do + done + unchanged + refused + failed
    }

    /// After these were to be done and have come to something.
    pub(super) fn after(mut self, did: &[Did]) -> Self {
        for did in did {
            self.to_do -= 1;
            *self.of(Some(did.outcome)) += 1;
        }
        self
    }
}

/// The counts as they are kept.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Kept {
    /// Where the run was when they were true. The release before goes on and leaves them as they are.
    position: i64,
    #[serde(flatten)]
    counts: Counts,
}

impl Kept {
    pub fn at(position: i64, counts: Counts) -> Self {
        Self { position, counts }
    }

    /// What is kept, if it is true of a run that is at this position.
    pub fn read(kept: Option<Value>, position: i64) -> Option<Counts> {
        let kept: Self = serde_json::from_value(kept?).ok()?;
        (kept.position == position).then_some(kept.counts)
    }
}
