//! Users as the text or the bytes of a file.

use tokio_postgres::Row;

use super::{Format, parquet, row, store};
use crate::cells::{self, Lines};
use crate::error::AppResult;

/// What makes the file, a batch of users at a time.
pub struct Writer {
    format: Format,
    fields: Vec<&'static str>,
    /// The first line of CSV is still to be written.
    head: bool,
    parquet: Option<parquet::File>,
}

impl Writer {
    /// Who goes on with a file has its first line.
    pub fn new(format: Format, fields: Vec<&'static str>, goes_on: bool) -> AppResult<Self> {
        let parquet = (format == Format::Parquet).then(|| parquet::File::begin(&fields)).transpose()?;
        Ok(Self { head: format == Format::Csv && !goes_on, format, fields, parquet })
    }

    /// What the file has more with these users.
    pub fn add(&mut self, rows: &[Row]) -> AppResult<Vec<u8>> {
        let mut piece = self.begin();
        let mut lines = Lines::begin();
        for row in rows {
            let (user, hash) = store::read_user(row);
            match (self.format, &mut self.parquet) {
                (_, Some(file)) => file.add(&row::members(&user, hash.as_deref())?, &mut piece)?,
                (Format::Ndjson, None) => row::write_object(&self.fields, &user, hash.as_deref(), &mut piece)?,
                (Format::Csv | Format::Parquet, None) => row::add_line(&self.fields, &user, hash.as_deref(), &mut lines)?,
            }
        }
        piece.extend(lines.finish());
        Ok(piece)
    }

    /// The end of the file.
    pub fn finish(&mut self) -> AppResult<Vec<u8>> {
        let mut piece = self.begin();
        if let Some(file) = &mut self.parquet {
            file.finish(&mut piece)?;
        }
        Ok(piece)
    }

    fn begin(&mut self) -> Vec<u8> {
        if std::mem::take(&mut self.head) { cells::line(self.fields.iter().copied()) } else { Vec::new() }
    }
}
