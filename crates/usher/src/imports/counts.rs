//! What the rows of an import come to, in numbers. They are kept with the import and changed in the transaction that changes its rows: to
//! count millions of them takes longer than a statement may.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::record::Record;
use super::store::{Due, Judged};
use super::{Class, Options};

/// So many rows are this, or have come to this.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ImportCounts")]
pub struct Counts {
    /// Not judged yet.
    pub waiting: i64,
    pub create: i64,
    pub update: i64,
    pub unchanged: i64,
    pub conflict: i64,
    pub invalid: i64,
    /// Created or changed.
    pub done: i64,
    /// A fault of the server.
    pub failed: i64,
}

impl Counts {
    /// Where a row is counted. What it has come to goes before what was found out about it.
    pub(super) fn of(&mut self, class: Option<Class>, outcome: Option<&str>) -> &mut i64 {
        match (class, outcome) {
            (_, Some("done")) => &mut self.done,
            (_, Some("failed")) => &mut self.failed,
            (_, Some("conflict")) | (Some(Class::Conflict), None) => &mut self.conflict,
            (_, Some(_)) | (Some(Class::Unchanged), None) => &mut self.unchanged,
            (None, None) => &mut self.waiting,
            (Some(Class::Create), None) => &mut self.create,
            (Some(Class::Update), None) => &mut self.update,
            (Some(Class::Invalid), None) => &mut self.invalid,
        }
    }

    pub(super) fn total(&self) -> i64 {
        let Self { waiting, create, update, unchanged, conflict, invalid, done, failed } = self;
        waiting + create + update + unchanged + conflict + invalid + done + failed
    }
}

/// The counts as they are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Where the import was when they were true ([`passed`]). The release before goes on and leaves them as they are.
    passed: i64,
    /// Mails that applying what is left sends.
    pub mails: i64,
    #[serde(flatten)]
    pub counts: Counts,
}

/// Positions that were judged, and then those that were applied: whatever changes a row raises it, and nothing lowers it.
pub fn passed(position: i64, total: i64, has_begun: bool) -> i64 {
    if has_begun { total + position } else { position }
}

impl Kept {
    /// Of a file that was read to its end.
    pub fn staged(counts: Counts) -> Self {
        Self { passed: 0, mails: 0, counts }
    }

    /// What is kept, if it is true of an import that has passed so many positions.
    pub fn read(kept: Option<Value>, passed: i64) -> Option<Self> {
        serde_json::from_value(kept?).ok().filter(|kept: &Self| kept.passed == passed)
    }

    /// What is kept when these rows were judged, or have come to something, and so many positions are passed.
    pub fn after(mut self, options: &Options, due: &[Due], judged: &[Judged], passed: i64) -> Self {
        let judged: HashMap<i64, &Judged> = judged.iter().map(|row| (row.position, row)).collect();
        for due in due {
            let Some(row) = judged.get(&due.position) else { continue };
            *self.counts.of(due.class, None) -= 1;
            self.mails -= mails(options, due.class, &due.record, due.renames);
            *self.counts.of(row.class.or(due.class), row.outcome) += 1;
            if row.outcome.is_none() {
                let renames = row.changes.as_ref().is_some_and(|changes| changes.get("username").is_some());
                self.mails += mails(options, row.class, &due.record, renames);
            }
        }
        self.passed = passed;
        self
    }
}

/// The mails that applying a row of this class sends.
fn mails(options: &Options, class: Option<Class>, record: &Record, renames: bool) -> i64 {
    let sends = match class {
        Some(Class::Create) => options.invite && record.password_hash.is_none(),
        Some(Class::Update) => renames,
        Some(Class::Unchanged | Class::Conflict | Class::Invalid) | None => false,
    };
    i64::from(sends)
}
