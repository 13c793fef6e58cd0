//! Many people in one text: CSV whose first row names the columns, or without such a row an address and perhaps a name in each line.

use serde_json::{Map, Value};
use thiserror::Error;

pub const COLUMNS: [&str; 4] = ["email", "display_name", "roles", "message"];
/// Those of a text that names none.
const UNNAMED: [&str; 2] = ["email", "display_name"];

/// What such a text holds.
pub struct Rows<'a> {
    /// The row that names the columns.
    pub heading: Option<&'a str>,
    pub rows: Vec<Row<'a>>,
}

/// Somebody to be invited.
pub struct Row<'a> {
    /// 1 is the first.
    pub line: u64,
    /// As the API has them.
    pub members: Map<String, Value>,
    /// As it was written.
    pub text: &'a str,
}

/// What is wrong with a text, as the end of a sentence.
#[derive(Debug, Error)]
pub enum Wrong {
    #[error("has more cells than columns in line {line}; put a cell with a separator in it between quotes")]
    Cells { line: u64 },
    #[error("has a column {0:?}; there may be {columns}", columns = COLUMNS.join(", "))]
    Column(String),
    #[error(transparent)]
    Unreadable(#[from] csv::Error),
}

/// Takes the text apart, or says what is wrong with it.
pub fn read(text: &str) -> Result<Rows<'_>, Wrong> {
    let text = text.trim_start_matches('\u{feff}');
    let mut builder = csv::ReaderBuilder::new();
    builder.has_headers(false).flexible(true).trim(csv::Trim::All).delimiter(separator(text));
    let mut reader = builder.from_reader(text.as_bytes());
    let mut found = Rows { heading: None, rows: Vec::new() };
    let mut columns: Vec<String> = UNNAMED.map(str::to_owned).into();
    let mut record = csv::StringRecord::new();
    loop {
        let begin = reader.position().clone();
        if !reader.read_record(&mut record)? {
            return Ok(found);
        }
        if record.iter().all(str::is_empty) {
            continue;
        }
        let written = between(text, begin.byte(), reader.position().byte());
        let from = written.trim_start_matches(['\r', '\n']);
        // Empty lines stand before it.
        let empty = written[..written.len() - from.len()].matches('\n').count();
        let line = begin.line() + empty as u64;
        let row = from.trim_end_matches(['\r', '\n']);
        if found.rows.is_empty() && found.heading.is_none() && record.iter().any(|cell| cell == "email") {
            columns = named(&record)?;
            found.heading = Some(row);
            continue;
        }
        if record.len() > columns.len() {
            return Err(Wrong::Cells { line });
        }
        found.rows.push(Row { line, members: members(&columns, &record), text: row });
    }
}

/// The first line says it: a tab, or a semicolon where there is no comma.
fn separator(text: &str) -> u8 {
    let first = text.trim_start().lines().next().unwrap_or_default();
    match first {
        _ if first.contains('\t') => b'\t',
        _ if first.contains(';') && !first.contains(',') => b';',
        _ => b',',
    }
}

fn between(text: &str, begin: u64, end: u64) -> &str {
    let at = |byte: u64| usize::try_from(byte).unwrap_or(usize::MAX);
    text.get(at(begin)..at(end)).unwrap_or_default()
}

fn named(record: &csv::StringRecord) -> Result<Vec<String>, Wrong> {
    match record.iter().find(|name| !COLUMNS.contains(name)) {
        Some(unknown) => Err(Wrong::Column(unknown.to_owned())),
        None => Ok(record.iter().map(str::to_owned).collect()),
    }
}

fn members(columns: &[String], record: &csv::StringRecord) -> Map<String, Value> {
    let filled = columns.iter().zip(record).filter(|(_, cell)| !cell.is_empty());
    let member = |(name, cell): (&String, &str)| match name.as_str() {
        "roles" => (name.clone(), cell.split_whitespace().collect::<Vec<_>>().into()),
        _ => (name.clone(), cell.into()),
    };
    filled.map(member).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lines(text: &str) -> Vec<(u64, String, Value)> {
        let rows = read(text).unwrap().rows;
        rows.into_iter().map(|row| (row.line, row.text.to_owned(), Value::Object(row.members))).collect()
    }

    #[test]
    fn lines_and_tables_are_read_with_where_they_stand() {
        assert_eq!(
            lines("\u{feff}ann@example.org\r\n\r\nbob@example.org, Bob Miller\n"),
            [
                (1, "ann@example.org".to_owned(), json!({ "email": "ann@example.org" })),
                (
                    3,
                    "bob@example.org, Bob Miller".to_owned(),
                    json!({ "email": "bob@example.org", "display_name": "Bob Miller" })
                ),
            ]
        );
        let table = "\nemail;roles;message\nann@example.org;user  manager;\"Hello;\nAnn\"\n;x;\n";
        assert_eq!(
            lines(table),
            [
                (
                    3,
                    "ann@example.org;user  manager;\"Hello;\nAnn\"".to_owned(),
                    json!({ "email": "ann@example.org", "roles": ["user", "manager"], "message": "Hello;\nAnn" })
                ),
                (5, ";x;".to_owned(), json!({ "roles": ["x"] })),
            ]
        );
        assert_eq!(read(table).unwrap().heading, Some("email;roles;message"));
        assert_eq!(lines("a@b.c\tA, B")[0].2, json!({ "email": "a@b.c", "display_name": "A, B" }));
        assert!(lines("").is_empty() && lines("\n \n,,\n").is_empty());
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let why = |text| read(text).err().unwrap().to_string();
        assert_eq!(why("email,colour\na@b.c,red"), "has a column \"colour\"; there may be email, display_name, roles, message");
        assert!(why("a@b.c\n\nb@b.c, Baker, Bob").starts_with("has more cells than columns in line 3;"));
    }
}
