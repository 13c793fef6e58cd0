//! Files of users and texts of invitations, whoever has made them.

use serde_json::Value;

use crate::cells;
use crate::error::AppError;
use crate::imports::{FileFormat, Options, Preset, Record, read_all};
use crate::invitations::rows as invited;

const FORMATS: [FileFormat; 3] = [FileFormat::Csv, FileFormat::Ndjson, FileFormat::Json];
const PRESETS: [Option<Preset>; 8] = [
    None,
    Some(Preset::Keycloak),
    Some(Preset::Auth0),
    Some(Preset::Firebase),
    Some(Preset::Supabase),
    Some(Preset::FastapiUsers),
    Some(Preset::Django),
    Some(Preset::Devise),
];

/// The first byte says how the others are read.
pub(super) fn rows(data: &[u8]) {
    let Some((how, file)) = data.split_first() else { return };
    let format = FORMATS[usize::from(how % 3)];
    let preset = PRESETS[usize::from(how / 3 % 8)];
    let options = Options { format, preset, hash_config: Some("a2V5,Bw==,8,14".to_owned()), ..Options::default() };
    match read_all(file.to_vec(), &options) {
        Ok(rows) => rows.into_iter().for_each(|row| match row {
            Ok(record) => assert_is_normal(&record),
            Err(faults) => assert!(!faults.is_empty(), "a row is refused for a reason"),
        }),
        Err(AppError::Rejected(rejection)) => assert!(rejection.status.is_client_error() && rejection.errors.len() <= 32),
        Err(AppError::Internal(error)) => unreachable!("a bad file became a failure of the server: {error:?}"),
    }
    let text = super::text(file);
    assert_eq!(cells::original(&cells::neutral(&text)), text, "a cell reads as something else");
}

pub(super) fn invitations(data: &[u8]) {
    let text = super::text(data);
    let Ok(found) = invited::read(&text) else { return };
    let lines = text.split('\n').count() as u64;
    let mut last = 1;
    for row in &found.rows {
        assert!((last..=lines).contains(&row.line), "line {} of {lines} follows line {last}", row.line);
        last = row.line;
        assert!(!row.text.is_empty() && text.contains(row.text), "{:?} stands nowhere", row.text);
        let is_known = |name: &String| invited::COLUMNS.contains(&name.as_str());
        assert!(!row.members.is_empty() && row.members.keys().all(is_known), "{:?}", row.members);
    }
    assert!(found.heading.is_none_or(|heading| heading.contains("email")));
}

/// What is staged reads as the same record, and PostgreSQL can hold it.
fn assert_is_normal(record: &Record) {
    let staged = serde_json::to_value(record).expect("a record is plain data");
    let again: Record = serde_json::from_value(staged.clone()).expect("what was staged is read again");
    assert_eq!(serde_json::to_value(&again).unwrap_or(Value::Null), staged, "a record has two normal forms");
    assert!(!has_nul(&staged), "no text may hold U+0000");
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(members) => members.iter().any(|(name, member)| name.contains('\0') || has_nul(member)),
        _ => false,
    }
}
