//! A row in normal form: the parsers are those of the API. What a row does not say stays unsaid.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Fault;
use super::columns::{self, Columns, Kind, PASSWORD_HASH, Target};
use super::options::Options;
use super::presets;
use crate::emails::EmailAddress;
use crate::error::{AppError, FieldError};
use crate::hashing::Scheme;
use crate::http::body;
use crate::http::params::is_storable;
use crate::id::UserId;
use crate::patch::Patch;
use crate::roles::{RoleEnds, RoleName};
use crate::users::{self, Profile, ProfilePatch, Username};

/// Addresses of one user, beside the primary one.
const ADDRESSES_MAX: usize = 50;

/// Of a cell that is not.
const NO_ENDS: &str = "must be a JSON object of times by roles, such as {\"support\": \"2030-01-02T03:04:05Z\"}";

/// Says what scheme a password hash is of.
pub type Recognise<'a> = &'a dyn Fn(&str) -> Option<Scheme>;

/// Where a user shall stand. Whether they are active or pending follows from their address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Active,
    Pending,
    Suspended,
}

/// A row in normal form.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Record {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<Username>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<EmailAddress>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_emails: Vec<EmailAddress>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unverified_emails: Vec<EmailAddress>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// The fields that the row has; `null` clears one.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub profile: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub professional_at: Patch<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<String>>,
    /// When roles of the row end by themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_ends: Option<RoleEnds>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes: Option<Map<String, Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_sign_in_at: Option<Timestamp>,
}

/// What a row may say beside the profile, with the bounds of the API.
#[derive(Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Body {
    id: Option<UserId>,
    username: Option<Username>,
    email: Option<EmailAddress>,
    email_verified: Option<bool>,
    #[schemars(length(max = ADDRESSES_MAX))]
    #[serde(default)]
    other_emails: Vec<EmailAddress>,
    #[schemars(length(max = ADDRESSES_MAX))]
    #[serde(default)]
    unverified_emails: Vec<EmailAddress>,
    status: Option<Status>,
    #[serde(default)]
    professional_at: Patch<Timestamp>,
    #[schemars(length(max = 50))]
    roles: Option<Vec<RoleName>>,
    role_ends: Option<RoleEnds>,
    attributes: Option<Map<String, Value>>,
    password_hash: Option<String>,
    created_at: Option<Timestamp>,
    last_sign_in_at: Option<Timestamp>,
}

impl Record {
    /// Reads what stands in a row, or says all that is wrong with it.
    pub fn read(
        members: Map<String, Value>,
        options: &Options,
        columns: &Columns,
        recognise: Recognise<'_>,
        now: Timestamp,
    ) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let members = presets::prepare(members, options, &columns.map, now, &mut faults);
        let (fields, profile) = shape(members, columns, &mut faults);
        let profile = read_profile(profile).map_err(|more| faults.extend(more)).unwrap_or_default();
        let body = body::from_value::<Body>(Value::Object(fields)).map_err(|error| faults.extend(in_words(error)));
        let Ok(body) = body else { return Err(faults) };
        let mut record = Self {
            id: body.id,
            username: body.username,
            email: body.email,
            email_verified: body.email_verified.or(options.assume_verified.then_some(true)),
            other_emails: body.other_emails,
            unverified_emails: body.unverified_emails,
            status: body.status,
            profile,
            professional_at: body.professional_at,
            roles: body.roles.map(|roles| roles.iter().map(|role| role.as_str().to_owned()).collect()),
            role_ends: body.role_ends,
            attributes: body.attributes,
            password_hash: body.password_hash.filter(|hash| !hash.is_empty()),
            created_at: body.created_at,
            last_sign_in_at: body.last_sign_in_at,
        };
        record.settle(options, recognise, &mut faults);
        if faults.is_empty() { Ok(record) } else { Err(faults) }
    }

    /// What no schema can say.
    fn settle(&mut self, options: &Options, recognise: Recognise<'_>, faults: &mut Vec<Fault>) {
        let given = match options.matching.field() {
            "username" => self.username.is_some(),
            "id" => self.id.is_some(),
            _ => self.email.is_some(),
        };
        if !given {
            faults.push(Fault::new(options.matching.field(), "required", "is missing: rows are matched by it"));
        }
        if let Some(roles) = &mut self.roles {
            roles.sort();
            roles.dedup();
        }
        let roles = self.roles.as_deref().unwrap_or_default();
        if let Some(name) = self.role_ends.iter().flat_map(RoleEnds::keys).find(|name| !roles.contains(name)) {
            faults.push(Fault::new("role_ends", "inconsistent", format!("has an end of `{name}`, which is not in `roles`")));
        }
        if let Some(Err(rejection)) = self.attributes.as_ref().map(users::check_attributes) {
            faults.extend(in_words(rejection.into()));
        }
        if let Some(hash) = &self.password_hash {
            let why = match recognise(hash) {
                Some(Scheme { obstacle: None, .. }) => None,
                Some(Scheme { name, obstacle: Some(obstacle) }) => Some(format!("it looks like {name}, but {obstacle}")),
                None => Some("it is of no scheme that usher knows; docs/operations.md lists them".to_owned()),
            };
            faults.extend(why.map(|why| Fault::new(PASSWORD_HASH, "unusable_hash", format!("can't be used: {why}"))));
        }
        let verified = self.email_verified.unwrap_or(false);
        if self.status == Some(Status::Active) && self.email_verified == Some(false) {
            faults.push(Fault::new("status", "inconsistent", "is `active`, but the address is not verified: see email_verified"));
        }
        if self.status == Some(Status::Pending) && verified {
            faults.push(Fault::new("status", "inconsistent", "is `pending`, but the address is verified: see email_verified"));
        }
        let mut seen = Vec::new();
        for address in self.addresses() {
            if seen.contains(&address.normal()) {
                faults.push(Fault::new("other_emails", "repeated", "has an address that the row has already"));
                break;
            }
            seen.push(address.normal());
        }
    }

    /// All addresses, the primary one first.
    pub fn addresses(&self) -> impl Iterator<Item = &EmailAddress> {
        self.email.iter().chain(&self.other_emails).chain(&self.unverified_emails)
    }

    /// What has ended by now is given to nobody.
    pub fn forget_ended_roles(&mut self, now: Timestamp) {
        let (Some(roles), Some(ends)) = (&mut self.roles, &mut self.role_ends) else { return };
        roles.retain(|role| ends.get(role).is_none_or(|end| *end > now));
        ends.retain(|_, end| *end > now);
    }

    /// Whether the row says more than an administrator of users could do by hand: that an address is somebody's, or a password.
    pub fn vouches(&self) -> bool {
        self.email_verified == Some(true)
            || !self.other_emails.is_empty()
            || !self.unverified_emails.is_empty()
            || self.password_hash.is_some()
    }

    /// What the row says of the profile, as changes of it.
    pub fn profile_patch(&self) -> ProfilePatch {
        serde_json::from_value(Value::Object(self.profile.clone())).unwrap_or_default()
    }
}

/// The members as fields, those of the profile apart.
fn shape(members: Map<String, Value>, columns: &Columns, faults: &mut Vec<Fault>) -> (Map<String, Value>, Map<String, Value>) {
    let (mut fields, mut profile, mut attributes) = (Map::new(), Map::new(), Map::new());
    for (name, value) in members {
        match columns.target(&name) {
            None => faults.push(Fault::new(&name, "unknown_column", columns::unknown(&name, false))),
            Some(Target::Ignored) => {}
            Some(Target::Attribute(attribute)) => {
                if value != Value::String(String::new()) {
                    attributes.insert(attribute, value);
                }
            }
            Some(Target::Field(field, kind)) => match read_cell(kind, value) {
                Ok(None) => {}
                Ok(Some(value)) if kind == Kind::Clearable => _ = profile.insert(field.to_owned(), value),
                Ok(Some(value)) => _ = fields.insert(field.to_owned(), value),
                Err(detail) => faults.push(Fault::new(field, "invalid", detail)),
            },
        }
    }
    if !attributes.is_empty() {
        let all = fields.entry("attributes").or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(all) = all {
            all.extend(attributes);
        }
    }
    (fields, profile)
}

/// A cell, or a member that is text where it may be more, as the field has it; `None` says nothing.
fn read_cell(kind: Kind, value: Value) -> Result<Option<Value>, &'static str> {
    let clearable = matches!(kind, Kind::Clearable | Kind::ClearableTime);
    let text = match value {
        Value::Null if kind == Kind::Ends => return Ok(Some(Value::Object(Map::new()))),
        Value::Null => return Ok(clearable.then_some(Value::Null)),
        Value::Object(ends) if kind == Kind::Ends => return read_ends(ends).map(Some),
        Value::String(text) => text,
        Value::Number(number) if kind == Kind::Flag => number.to_string(),
        other => return Ok(Some(other)),
    };
    if text.is_empty() && clearable {
        return Ok(Some(Value::Null));
    }
    if text.is_empty() && kind == Kind::Ends {
        return Ok(Some(Value::Object(Map::new())));
    }
    if text.is_empty() && !matches!(kind, Kind::Words) {
        return Ok(None);
    }
    Ok(Some(match kind {
        Kind::Text | Kind::Clearable => Value::String(text),
        Kind::Flag => match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "1" => true.into(),
            "false" | "f" | "no" | "n" | "0" => false.into(),
            _ => return Err("must be true or false"),
        },
        Kind::Time | Kind::ClearableTime => {
            read_time(&text).ok_or("must be a time, such as 2026-01-02T03:04:05Z")?.to_string().into()
        }
        Kind::Words => {
            let words = text.split([';', ',', ' ']).map(str::trim).filter(|word| !word.is_empty());
            words.map(ToOwned::to_owned).collect::<Vec<_>>().into()
        }
        Kind::Addresses => addresses(&text).into(),
        Kind::Object => serde_json::from_str(&text).map_err(|_| "must be a JSON object")?,
        Kind::Ends => read_ends(serde_json::from_str(&text).map_err(|_| NO_ENDS)?)?,
    }))
}

/// The ends of roles, their times in normal form.
fn read_ends(given: Map<String, Value>) -> Result<Value, &'static str> {
    let mut ends = Map::new();
    for (role, end) in given {
        let end = end.as_str().and_then(read_time).ok_or(NO_ENDS)?;
        ends.insert(role, end.to_string().into());
    }
    Ok(Value::Object(ends))
}

/// No address has a blank in it; one in quotes may have any other sign.
fn addresses(text: &str) -> Vec<String> {
    let pieces = text.split_whitespace();
    let split = pieces.flat_map(|piece| if piece.contains('"') { vec![piece] } else { piece.split([';', ',']).collect() });
    split.filter(|piece| !piece.is_empty()).map(ToOwned::to_owned).collect()
}

/// A time, to the microsecond. One without an offset is UTC.
pub fn read_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let time = text.parse::<Timestamp>().ok();
    let time = time.or_else(|| text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp()))?;
    let time = Timestamp::from_microsecond(time.as_microsecond()).ok()?;
    Some(time).filter(is_storable)
}

/// The fields in their normal form.
fn read_profile(given: Map<String, Value>) -> Result<Map<String, Value>, Vec<Fault>> {
    if given.is_empty() {
        return Ok(given);
    }
    let names: Vec<String> = given.keys().cloned().collect();
    let (mut whole, mut faults) = (Profile::default(), Vec::new());
    for (name, value) in given {
        let one = Value::Object(Map::from_iter([(name.clone(), value)]));
        match body::from_value::<ProfilePatch>(one) {
            Ok(patch) => patch.apply(&mut whole),
            Err(error) => faults.extend(in_words(error).into_iter().map(|fault| Fault { field: name.clone(), ..fault })),
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let Ok(Value::Object(mut whole)) = serde_json::to_value(whole) else { return Ok(Map::new()) };
    whole.retain(|name, _| names.contains(name));
    Ok(whole)
}

/// What is wrong, field by field.
fn in_words(error: AppError) -> Vec<Fault> {
    let AppError::Rejected(rejection) = error else { return vec![Fault::new("", "invalid", "The row can't be read.")] };
    let fault = |error: &FieldError| {
        let field = error.pointer.as_deref().unwrap_or_default().trim_start_matches('/').replace('/', ".");
        Fault { field, code: error.code.clone().into_owned(), detail: error.detail.clone() }
    };
    if rejection.errors.is_empty() {
        return vec![Fault::new("", rejection.code, rejection.detail)];
    }
    rejection.errors.iter().map(fault).collect()
}

/// Reads a whole file into memory, for the fuzzer.
#[cfg(any(test, fuzzing))]
pub(crate) fn read_all(file: Vec<u8>, options: &Options) -> crate::error::AppResult<Vec<Result<Record, Vec<Fault>>>> {
    let columns = Columns::new(options)?;
    let mut rows = Vec::new();
    super::reader::read_rows(std::io::Cursor::new(file), options, &columns, &mut |raw| {
        let members = raw.members.map_err(|fault| vec![fault]);
        rows.push(
            members
                .and_then(|members| Record::read(members, options, &columns, &crate::hashing::recognise, Timestamp::UNIX_EPOCH)),
        );
        Ok(true)
    })?;
    Ok(rows)
}
