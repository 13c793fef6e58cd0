//! A user as a row, such as the importer reads it.

use serde_json::{Map, Value};

use crate::cells::Lines;
use crate::error::AppResult;
use crate::users::User;

/// Every field, in the order of the columns.
pub const FIELDS: [&str; 23] = [
    "id",
    "username",
    "email",
    "email_verified",
    "other_emails",
    "unverified_emails",
    "status",
    "given_name",
    "family_name",
    "display_name",
    "bio",
    "picture_url",
    "website_url",
    "github_url",
    "linkedin_url",
    "locale",
    "time_zone",
    "professional_at",
    "roles",
    "role_ends",
    "attributes",
    "created_at",
    "last_sign_in_at",
];
/// The one that is there only if it is asked for.
pub const PASSWORD_HASH: &str = "password_hash";

/// Writes the user at the end of `into`, as a line with an object.
pub fn write_object(fields: &[&str], user: &User, hash: Option<&str>, into: &mut Vec<u8>) -> AppResult<()> {
    let object: Map<String, Value> =
        values(fields, user, hash)?.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    serde_json::to_writer(&mut *into, &object)?;
    into.push(b'\n');
    Ok(())
}

/// Adds the user as a line of CSV.
pub fn add_line(fields: &[&str], user: &User, hash: Option<&str>, to: &mut Lines) -> AppResult<()> {
    let texts: Vec<String> = values(fields, user, hash)?.into_iter().map(|(name, value)| text(name, value)).collect();
    to.add(texts.iter().map(String::as_str));
    Ok(())
}

fn values<'a>(fields: &[&'a str], user: &User, hash: Option<&str>) -> AppResult<Vec<(&'a str, Value)>> {
    let mut members = members(user, hash)?;
    Ok(fields.iter().map(|field| (*field, members.remove(*field).unwrap_or(Value::Null))).collect())
}

/// Every field, and some more.
pub fn members(user: &User, hash: Option<&str>) -> AppResult<Map<String, Value>> {
    let Value::Object(mut members) = serde_json::to_value(user)? else { return Ok(Map::new()) };
    let others = |verified: bool| -> Value {
        let others = user.emails.iter().filter(|email| !email.primary && email.verified_at.is_some() == verified);
        let mut addresses: Vec<&str> = others.map(|email| email.address.as_str()).collect();
        addresses.sort_unstable();
        addresses.into()
    };
    members.insert("other_emails".to_owned(), others(true));
    members.insert("unverified_emails".to_owned(), others(false));
    members.insert(PASSWORD_HASH.to_owned(), hash.into());
    Ok(members)
}

/// A value as the text of a cell.
fn text(name: &str, value: Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text,
        Value::Array(items) => {
            // No address has a blank in it, but some have a semicolon.
            let between = if name == "roles" { ";" } else { " " };
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(between)
        }
        other => other.to_string(),
    }
}
