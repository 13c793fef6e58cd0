//! Reads the rows of a file, one in memory at a time: CSV, a JSON object a line, or a JSON array; compressed with gzip or not.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use flate2::bufread::MultiGzDecoder;
use serde_json::{Map, Value};

use super::columns::Columns;
use super::options::{FileFormat, Options};
use super::{Fault, json_array};
use crate::cells;
use crate::error::{AppError, AppResult, Rejection};

/// The largest row, in bytes.
pub const ROW_MAX: usize = 256 * 1024;
/// What a reader takes from the file at once.
const BUFFER: usize = 64 * 1024;
/// What may be read before the end of a row comes.
pub const ROW_READ_MAX: usize = ROW_MAX + BUFFER;

/// A row as it stands in the file: texts of cells by their columns, or the members of an object.
pub struct Raw {
    /// Where it begins; 1 is the first.
    pub line: u64,
    pub members: Result<Map<String, Value>, Fault>,
}

/// Gives each row to `each` until that says no more. `false` from `each` ends the reading without a failure.
pub fn read_rows(
    from: impl Read + 'static,
    options: &Options,
    columns: &Columns,
    each: &mut dyn FnMut(Raw) -> AppResult<bool>,
) -> AppResult<()> {
    let (from, left) = open(from)?;
    let allow = |bytes: usize| left.set(bytes);
    match options.format {
        FileFormat::Csv => read_csv(from, options, columns, &allow, each),
        FileFormat::Ndjson => read_lines(from, &allow, each),
        FileFormat::Json => json_array::read(from, &allow, each),
    }
}

/// What the columns are called: in the first line, or in the first object.
pub fn read_names(from: impl Read + 'static, options: &Options) -> AppResult<Vec<String>> {
    let (from, left) = open(from)?;
    let allow = |bytes: usize| left.set(bytes);
    let mut names = Vec::new();
    let mut first = |raw: Raw| {
        names = raw.members.unwrap_or_default().into_iter().map(|(name, _)| name).collect();
        Ok(false)
    };
    match options.format {
        FileFormat::Csv => return read_header(&mut csv_reader(from, options)),
        FileFormat::Ndjson => read_lines(from, &allow, &mut first)?,
        FileFormat::Json => json_array::read(from, &allow, &mut first)?,
    }
    Ok(names)
}

/// A file, plain whatever it was packed in.
type Plain = BufReader<Bounded<Box<dyn Read>>>;

/// The text of a file, as much as the first row may have, and what lets more of it through.
fn open(from: impl Read + 'static) -> AppResult<(Plain, Rc<Cell<usize>>)> {
    let left = Rc::new(Cell::new(ROW_READ_MAX));
    let plain = plain(from).map_err(failed)?;
    let mut from = BufReader::with_capacity(BUFFER, Bounded { from: plain, left: Rc::clone(&left) });
    skip_mark(&mut from).map_err(failed)?;
    Ok((from, left))
}

/// Takes the compression away, if there is one: the file says so itself.
fn plain(from: impl Read + 'static) -> io::Result<Box<dyn Read>> {
    let mut from = BufReader::with_capacity(BUFFER, from);
    let is_gzip = from.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    Ok(if is_gzip { Box::new(MultiGzDecoder::new(from)) } else { Box::new(from) })
}

/// Leaves a byte order mark out, and refuses what is not UTF-8 by its own mark.
fn skip_mark(from: &mut impl BufRead) -> io::Result<()> {
    let begin = from.fill_buf()?;
    if begin.starts_with(&[0xff, 0xfe]) || begin.starts_with(&[0xfe, 0xff]) {
        let detail = "The file is UTF-16: save it as UTF-8.";
        return Err(io::Error::other(AppError::from(unreadable(detail))));
    }
    if begin.starts_with(&[0xef, 0xbb, 0xbf]) {
        from.consume(3);
    }
    Ok(())
}

/// Lets so many bytes through until it is allowed more: no row can fill the memory, whatever quote was left open.
struct Bounded<R> {
    from: R,
    left: Rc<Cell<usize>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.left.get() == 0 {
            let detail = format!("A row is larger than {ROW_MAX} bytes. Is a quote left open?");
            return Err(io::Error::other(AppError::from(unreadable(detail))));
        }
        let most = into.len().min(self.left.get());
        let read = self.from.read(&mut into[..most])?;
        self.left.set(self.left.get() - read);
        Ok(read)
    }
}

pub fn unreadable(detail: impl Into<String>) -> Rejection {
    Rejection::unprocessable("unreadable_file", Vec::new(), detail)
}

/// What a failure of reading means: it may carry its own words.
pub fn failed(error: io::Error) -> AppError {
    let text = error.to_string();
    let own = error.into_inner().and_then(|inner| inner.downcast::<AppError>().ok());
    match own {
        Some(error) => *error,
        None => unreadable(format!("The file can't be read: {text}.")).into(),
    }
}

fn read_csv(
    from: impl Read,
    options: &Options,
    columns: &Columns,
    allow: &dyn Fn(usize),
    each: &mut dyn FnMut(Raw) -> AppResult<bool>,
) -> AppResult<()> {
    let mut reader = csv_reader(from, options);
    let header = read_header(&mut reader)?;
    columns.check_header(&header)?;
    let mut record = csv::ByteRecord::new();
    loop {
        allow(ROW_READ_MAX);
        if !reader.read_byte_record(&mut record).map_err(no_csv)? {
            return Ok(());
        }
        let line = record.position().map_or(0, csv::Position::line);
        if record.len() == 1 && record.get(0).is_some_and(<[u8]>::is_empty) && header.len() > 1 {
            continue;
        }
        if !each(Raw { line, members: cells_of(&record, &header) })? {
            return Ok(());
        }
    }
}

fn csv_reader<R: Read>(from: R, options: &Options) -> csv::Reader<R> {
    let delimiter = u8::try_from(options.delimiter.unwrap_or(',')).unwrap_or(b',');
    csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).has_headers(false).buffer_capacity(BUFFER).from_reader(from)
}

fn read_header<R: Read>(reader: &mut csv::Reader<R>) -> AppResult<Vec<String>> {
    let mut record = csv::ByteRecord::new();
    if !reader.read_byte_record(&mut record).map_err(no_csv)? {
        return Err(unreadable("The file is empty: its first line must name the columns.").into());
    }
    let header: Option<Vec<String>> = record.iter().map(text).collect();
    Ok(header.ok_or_else(|| unreadable("The first line is not UTF-8: save the file as UTF-8."))?)
}

fn no_csv(error: csv::Error) -> AppError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => failed(error),
        _ => unreadable("The file is no CSV.").into(),
    }
}

fn text(cell: &[u8]) -> Option<String> {
    std::str::from_utf8(cell).ok().map(|cell| cells::original(cell).to_owned())
}

fn cells_of(record: &csv::ByteRecord, header: &[String]) -> Result<Map<String, Value>, Fault> {
    if record.len() != header.len() {
        let detail = format!("The row has {} cells, and the header {}.", record.len(), header.len());
        return Err(Fault::new("", "columns", detail));
    }
    if record.as_slice().len() > ROW_MAX {
        return Err(Fault::new("", "max_bytes", format!("The row is larger than {ROW_MAX} bytes.")));
    }
    let mut members = Map::new();
    for (name, cell) in header.iter().zip(record) {
        let cell = text(cell).ok_or_else(|| Fault::new(name, "not_utf8", "The text is not UTF-8."))?;
        members.insert(name.clone(), Value::String(cell));
    }
    Ok(members)
}

fn read_lines(mut from: impl BufRead, allow: &dyn Fn(usize), each: &mut dyn FnMut(Raw) -> AppResult<bool>) -> AppResult<()> {
    let mut bytes = Vec::new();
    for line in 1.. {
        allow(ROW_READ_MAX);
        bytes.clear();
        if from.read_until(b'\n', &mut bytes).map_err(failed)? == 0 {
            break;
        }
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        if !each(Raw { line, members: object(&bytes) })? {
            break;
        }
    }
    Ok(())
}

fn object(bytes: &[u8]) -> Result<Map<String, Value>, Fault> {
    if bytes.len() > ROW_MAX {
        return Err(Fault::new("", "max_bytes", format!("The row is larger than {ROW_MAX} bytes.")));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Fault::new("", "not_utf8", "The line is not UTF-8."))?;
    // The library's message may repeat input; where it went wrong is enough. A line that ends too early is wrong at its end, and
    // not where the next one begins.
    serde_json::from_str(text.trim_end())
        .map_err(|error| Fault::new("", "malformed_json", format!("The line is no JSON object (column {}).", error.column())))
}
