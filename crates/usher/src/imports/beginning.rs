//! The beginning of a file, and the columns in it: for people who say what each of them is.

use std::io::{Cursor, Read};

use super::Options;
use super::columns::{Column, Columns};
use super::reader::{self, failed};
use crate::error::AppResult;

/// What is kept of a file, in bytes. A longer first row is not shown.
const BEGINNING_MAX: u64 = 64 * 1024;

/// The beginning of a file that is read somewhere else.
pub struct Beginning(Vec<u8>);

/// Takes the beginning of a file, and gives back the whole.
pub async fn look_at<R: Read + Send + 'static>(mut file: R) -> AppResult<(Beginning, impl Read + Send + 'static)> {
    let reading = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        file.by_ref().take(BEGINNING_MAX).read_to_end(&mut bytes).map(|_| (bytes, file))
    });
    let (bytes, rest) = reading.await.map_err(anyhow::Error::from)?.map_err(failed)?;
    Ok((Beginning(bytes.clone()), Cursor::new(bytes).chain(rest)))
}

impl Beginning {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The columns, and what each is taken for.
    pub fn columns(self, options: &Options) -> AppResult<Vec<Column>> {
        let names = reader::read_names(Cursor::new(self.0), options)?;
        let mut columns = Columns::new(options)?.read_header(&names);
        if options.preset.is_some() {
            // What is not mapped by hand is what the preset makes of it.
            for column in columns.iter_mut().filter(|column| !options.map.contains_key(&column.name)) {
                column.target = None;
            }
        }
        Ok(columns)
    }
}
