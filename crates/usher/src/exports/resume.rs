//! Where a file goes on whose export was cut off: behind the row of a user. What comes after that row is exported anew.

use std::io::{BufRead, BufReader, Read};

use serde_json::{Map, Value};

use super::Format;
use crate::cells;
use crate::error::{AppResult, Rejection};
use crate::id::UserId;

/// No row of an export is longer, in bytes: what is, is something else.
const ROW_MAX: usize = 4 * 1024 * 1024;

/// How many bytes of the file stay.
pub fn place(from: impl Read, format: Format, fields: &[&str], after: UserId) -> AppResult<u64> {
    let refuse = |detail: &str| Rejection::conflict("invalid_state", detail.to_owned());
    if format == Format::Parquet {
        let detail = "A Parquet file has at its end where its rows are: one that was cut off can't go on. Export the rest into \
                      another file, or all users again.";
        return Err(refuse(detail).into());
    }
    if !fields.contains(&"id") {
        return Err(refuse("The file has no ids, so nothing says where it goes on.").into());
    }
    let mut rows = Rows { from: BufReader::new(from), quotes: format == Format::Csv, row: Vec::new(), at: 0 };
    if format == Format::Csv && !(rows.next()? && rows.row == cells::line(fields.iter().copied())) {
        return Err(refuse("The first line of the file is not that of this export: name the same fields.").into());
    }
    let id = after.to_string();
    let mut last = None;
    while rows.next()? {
        let found = rows.id(format).ok_or_else(|| refuse("The file is no export of this format."))?;
        if found == id {
            if format == Format::Ndjson && !rows.has(fields) {
                return Err(refuse("The rows of the file have not the fields of this export: name the same.").into());
            }
            return Ok(rows.at);
        }
        last = Some(found);
    }
    // The row that was cut off may be the one that is named.
    let told = last.map_or_else(|| "it has none".to_owned(), |last| format!("the last one is that of {last}"));
    Err(refuse(&format!("The file has no whole row of the user {id}; {told}.")).into())
}

/// The rows of a file, one in memory at a time.
struct Rows<R> {
    from: BufReader<R>,
    /// Between quotes the end of a line is none of a row.
    quotes: bool,
    row: Vec<u8>,
    /// Where the row ends.
    at: u64,
}

impl<R: Read> Rows<R> {
    /// Whether there is one more that is whole.
    fn next(&mut self) -> AppResult<bool> {
        self.row.clear();
        let mut is_open = false;
        loop {
            let before = self.row.len();
            let left = (ROW_MAX - before) as u64;
            (&mut self.from).take(left).read_until(b'\n', &mut self.row).map_err(anyhow::Error::from)?;
            let piece = &self.row[before..];
            is_open ^= self.quotes && piece.iter().fold(false, |odd, byte| odd ^ (*byte == b'"'));
            if !piece.ends_with(b"\n") {
                return Ok(false);
            }
            if !is_open {
                self.at += self.row.len() as u64;
                return Ok(true);
            }
        }
    }

    /// The id of the user, which is the first cell of a line of CSV.
    fn id(&self, format: Format) -> Option<String> {
        match format {
            Format::Csv => {
                let end = self.row.iter().position(|byte| [b',', b'\r'].contains(byte))?;
                String::from_utf8(self.row[..end].to_vec()).ok()
            }
            _ => Some(self.object()?.get("id")?.as_str()?.to_owned()),
        }
    }

    fn object(&self) -> Option<Map<String, Value>> {
        serde_json::from_slice(&self.row).ok()
    }

    fn has(&self, fields: &[&str]) -> bool {
        let object = self.object().unwrap_or_default();
        object.len() == fields.len() && fields.iter().all(|field| object.contains_key(*field))
    }
}
