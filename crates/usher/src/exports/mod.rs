//! All users as a file, written while it is read: one snapshot, a cursor, and never more than two batches in memory.
//!
//! Rows are in the order of their ids. What the importer reads of them makes the same users again, and an export of those the same
//! bytes. Whom the caller may not act on is left out, as in lists.

mod answer;
mod api;
mod parquet;
mod resume;
mod row;
mod store;
mod writer;

#[cfg(test)]
mod tests;

use std::io::Read;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Semaphore;
use tokio_postgres::Row;

pub use api::router;
pub use row::{FIELDS, PASSWORD_HASH};
use writer::Writer;

use crate::app::App;
use crate::audit::{self, Event};
use crate::caller::{Authority, PermissionSet};
use crate::db::{Conditions, Origin, Tx};
use crate::error::{AppResult, FieldError, Rejection};
use crate::id::UserId;
use crate::users::{self, Filter, Written};

/// Users that are in memory at once.
const BATCH: i64 = 500;
/// Exports that a process makes at once: each holds a connection, and a snapshot that the database must keep.
static WRITING: Semaphore = Semaphore::const_new(if cfg!(test) { 1000 } else { 1 });
/// How long an export waits for whoever reads it before the database ends it.
const READ_WITHIN: Duration = Duration::from_mins(2);

/// What the file is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ExportFormat")]
pub enum Format {
    #[default]
    Csv,
    Ndjson,
    Parquet,
}

impl Format {
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "csv" => Self::Csv,
            "ndjson" => Self::Ndjson,
            "parquet" => Self::Parquet,
            _ => return None,
        })
    }
}

/// What is exported.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub format: Format,
    /// As in lists.
    pub filter: Option<String>,
    /// Only these fields.
    pub fields: Option<String>,
    pub password_hashes: bool,
    /// Only users after this one: an export that was cut off goes on.
    pub after: Option<UserId>,
}

/// An export that has been begun: the audit trail says so.
pub struct Export {
    tx: Tx,
    format: Format,
    pub count: i64,
    written: u64,
    /// Until the file is whole.
    writer: Option<Writer>,
    /// Who comes next, read while those before them were written.
    ahead: Option<Vec<Row>>,
    _permit: tokio::sync::SemaphorePermit<'static>,
}

/// Finds out what there is to export, and notes it in the audit trail before anything leaves.
pub async fn begin(app: &App, by: Authority, origin: &Origin, wanted: Wanted) -> AppResult<Export> {
    if wanted.password_hashes && by.permissions != PermissionSet::all() {
        return Err(Rejection::forbidden("Password hashes are exported for administrators only.").into());
    }
    let fields = fields(&wanted)?;
    let mut conditions = Conditions::default();
    let filter = Filter { filter: wanted.filter.clone(), ..Filter::default() };
    let mut look = app.begin(origin).await?;
    let around = users::Surroundings::look(&mut look, by, &filter).await?;
    users::select(&filter, &around, Written::ForMany, &mut conditions)?;
    look.commit().await?;
    conditions.require_if("u.id > {}", wanted.after);
    let busy = || Rejection::unavailable("overloaded", "Another export is being made: try again in a moment.", 10);
    let permit = WRITING.try_acquire().map_err(|_| busy())?;
    let mut tx = app.begin(origin).await?;
    store::begin_snapshot(&mut tx, READ_WITHIN).await?;
    let count = store::count_users(&mut tx, &conditions).await?;
    store::declare_cursor(&mut tx, conditions, wanted.password_hashes).await?;
    let mut note = app.begin(origin).await?;
    let event = Event::success("users.exported")
        .detail("format", serde_json::to_value(wanted.format)?)
        .detail("filter", wanted.filter.clone())
        .detail("fields", Value::from(fields.iter().map(|field| Value::from(*field)).collect::<Vec<_>>()))
        .detail("password_hashes", wanted.password_hashes)
        .detail("after", wanted.after.map(|id| id.to_string()))
        .detail("count", count);
    audit::record(&mut note, event).await?;
    note.commit().await?;
    let writer = Some(Writer::new(wanted.format, fields, wanted.after.is_some())?);
    Ok(Export { tx, format: wanted.format, count, written: 0, writer, ahead: None, _permit: permit })
}

/// How many bytes of a file stay that such an export wrote, before it was cut off, when it goes on.
pub fn find_place(wanted: &Wanted, from: impl Read) -> AppResult<u64> {
    let Some(after) = wanted.after else { return Ok(0) };
    resume::place(from, wanted.format, &fields(wanted)?, after)
}

/// The fields that are wanted, in their order in the file.
fn fields(wanted: &Wanted) -> Result<Vec<&'static str>, Rejection> {
    let all = FIELDS.iter().copied();
    let known = || all.clone().chain(wanted.password_hashes.then_some(PASSWORD_HASH));
    let Some(names) = &wanted.fields else { return Ok(known().collect()) };
    let names: Vec<&str> = names.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    if let Some(unknown) = names.iter().find(|name| !known().any(|known| known == **name)) {
        let detail = match *unknown {
            PASSWORD_HASH => "`password_hash` needs `include_password_hashes`".to_owned(),
            _ => format!("there is no such field; there are {}", FIELDS.join(", ")),
        };
        return Err(Rejection::invalid_query(vec![FieldError::at_parameter("fields", "invalid", detail)]));
    }
    Ok(known().filter(|known| names.contains(known)).collect())
}

impl Export {
    /// The next piece of the file; `None` when it is whole. While some users are written the next are read.
    pub async fn next(&mut self) -> AppResult<Option<Vec<u8>>> {
        while let Some(mut writer) = self.writer.take() {
            let rows = match self.ahead.take() {
                Some(rows) => rows,
                None => store::fetch_users(&mut self.tx, BATCH).await?,
            };
            let piece = if rows.is_empty() {
                writer.finish()?
            } else {
                self.written += u64::try_from(rows.len()).unwrap_or_default();
                let writing = tokio::task::spawn_blocking(move || writer.add(&rows).map(|piece| (writer, piece)));
                let (ahead, written) = tokio::join!(store::fetch_users(&mut self.tx, BATCH), writing);
                let (writer, piece) = written.map_err(anyhow::Error::from)??;
                (self.ahead, self.writer) = (Some(ahead?), Some(writer));
                piece
            };
            // A row group is written when it is whole.
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }

    /// So many users are written.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Ends the snapshot, and says how many users the file has.
    pub async fn finish(self) -> AppResult<u64> {
        self.tx.commit().await?;
        Ok(self.written)
    }
}
