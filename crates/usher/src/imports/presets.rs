//! What other products call the fields of a user, and what of theirs must be rewritten first. Nothing of a preset grants a role: who
//! was an administrator elsewhere is made one here by hand.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::columns::{PASSWORD_HASH, Target};
use super::options::Options;
use super::record::read_time;
use super::{Fault, auth0_hash};

/// Whose export the file is. Columns that mean nothing here are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "ImportPreset")]
pub enum Preset {
    /// The JSON of a realm, or of its users.
    Keycloak,
    /// A JSON object a line.
    Auth0,
    /// The JSON of `firebase auth:export`.
    Firebase,
    /// `auth.users` as CSV.
    Supabase,
    /// The table `user` as CSV.
    FastapiUsers,
    /// The table `auth_user` as CSV.
    Django,
    /// The table `users` as CSV.
    Devise,
}

/// The row in our words, and what is mapped by hand as it is. A ban that is over by `now` is none.
pub fn prepare(
    theirs: Map<String, Value>,
    options: &Options,
    map: &BTreeMap<String, Target>,
    now: Timestamp,
    faults: &mut Vec<Fault>,
) -> Map<String, Value> {
    let Some(preset) = options.preset else { return theirs };
    let theirs = Theirs(theirs);
    let mut ours = match preset {
        Preset::Keycloak => keycloak(&theirs),
        Preset::Auth0 => auth0(&theirs, faults),
        Preset::Firebase => firebase(&theirs, options.hash_config.as_deref(), faults),
        Preset::Supabase => supabase(&theirs, now),
        Preset::FastapiUsers => fastapi_users(&theirs),
        Preset::Django => django(&theirs),
        Preset::Devise => devise(&theirs),
    };
    ours.retain(|_, value| !value.is_null());
    ours.extend(theirs.0.into_iter().filter(|(name, _)| map.contains_key(name.trim())));
    ours
}

/// The hash, or a fault that says why there is none.
fn usable(hash: Option<Result<String, &'static str>>, faults: &mut Vec<Fault>) -> Value {
    match hash {
        Some(Ok(hash)) => hash.into(),
        Some(Err(why)) => {
            faults.push(Fault::new(PASSWORD_HASH, "unusable_hash", format!("can't be used: {why}")));
            Value::Null
        }
        None => Value::Null,
    }
}

/// Products write nothing in several ways.
fn says_something(text: &str) -> bool {
    !["", "NULL", "null", "\\N"].contains(&text.trim())
}

/// A row as the other product has written it.
struct Theirs(Map<String, Value>);

impl Theirs {
    fn get(&self, name: &str) -> Value {
        self.0.get(name).cloned().unwrap_or_default()
    }

    /// Text that says something.
    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str().map(str::trim).filter(|text| says_something(text))
    }

    fn value(&self, name: &str) -> Value {
        self.text(name).into()
    }

    /// The first of these that says something.
    fn first(&self, names: &[&str]) -> Value {
        names.iter().find_map(|name| self.text(name)).into()
    }

    /// `true` and `false` as products write them; `None` when it is neither.
    fn flag(&self, name: &str) -> Option<bool> {
        match self.0.get(name)? {
            Value::Bool(flag) => Some(*flag),
            Value::Number(number) => Some(number.as_i64() != Some(0)),
            Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "t" | "1" | "yes" => Some(true),
                "false" | "f" | "0" | "no" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    fn time(&self, name: &str) -> Value {
        let value = self.get(name);
        let value = value.get("$date").cloned().unwrap_or(value);
        let milliseconds = match &value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        match (milliseconds.and_then(|at| Timestamp::from_millisecond(at).ok()), value.as_str()) {
            (Some(at), _) => at.to_string().into(),
            (None, Some(text)) if says_something(text) => {
                read_time(text).map_or_else(|| value.clone(), |at| at.to_string().into())
            }
            _ => Value::Null,
        }
    }

    /// JSON, or text that is JSON.
    fn object(&self, name: &str) -> Map<String, Value> {
        match self.get(name) {
            Value::Object(members) => members,
            Value::String(text) => serde_json::from_str(&text).unwrap_or_default(),
            _ => Map::new(),
        }
    }
}

fn row<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn suspended(is: bool) -> Value {
    if is { "suspended".into() } else { Value::Null }
}

fn some_attributes(members: Map<String, Value>) -> Value {
    if members.is_empty() { Value::Null } else { Value::Object(members) }
}

/// A name that is a user name here, too.
fn handle(text: Option<&str>) -> Value {
    text.filter(|text| !text.contains('@')).into()
}

fn keycloak(theirs: &Theirs) -> Map<String, Value> {
    let mut attributes = theirs.object("attributes");
    for value in attributes.values_mut() {
        // Each is a list, mostly of one.
        if let Value::Array(items) = value
            && items.len() == 1
        {
            *value = items.remove(0);
        }
    }
    let locale = attributes.remove("locale").unwrap_or_default();
    row([
        ("id", theirs.value("id")),
        ("username", handle(theirs.text("username"))),
        ("email", theirs.value("email")),
        ("email_verified", theirs.flag("emailVerified").into()),
        ("given_name", theirs.value("firstName")),
        ("family_name", theirs.value("lastName")),
        ("locale", locale),
        ("status", suspended(theirs.flag("enabled") == Some(false))),
        ("attributes", some_attributes(attributes)),
        ("created_at", theirs.time("createdTimestamp")),
        ("password_hash", keycloak_hash(&theirs.get("credentials")).into()),
    ])
}

/// Keycloak keeps the parts of a hash as JSON within JSON.
fn keycloak_hash(credentials: &Value) -> Option<String> {
    let credential = credentials.as_array()?.iter().find(|credential| credential["type"] == "password")?;
    let inner = |name: &str| serde_json::from_str::<Value>(credential[name].as_str().unwrap_or_default()).ok();
    let (secret, how) = (inner("secretData")?, inner("credentialData")?);
    let bare = |value: &Value| value.as_str().map(|text| text.trim_end_matches('=').to_owned());
    let (salt, hash) = (bare(&secret["salt"])?, bare(&secret["value"])?);
    let iterations = how["hashIterations"].as_u64()?;
    let more = |name: &str| how["additionalParameters"][name][0].as_str().map(ToOwned::to_owned);
    match how["algorithm"].as_str()? {
        "argon2" => {
            let (kind, memory, lanes) = (more("type")?, more("memory")?, more("parallelism")?);
            Some(format!("$argon2{kind}$v=19$m={memory},t={iterations},p={lanes}${salt}${hash}"))
        }
        name @ ("pbkdf2-sha256" | "pbkdf2-sha512") => Some(format!("${name}${iterations}${salt}${hash}")),
        "pbkdf2" => Some(format!("$pbkdf2-sha1${iterations}${salt}${hash}")),
        other => Some(other.to_owned()),
    }
}

fn auth0(theirs: &Theirs, faults: &mut Vec<Fault>) -> Map<String, Value> {
    let plain = theirs.text("passwordHash").or_else(|| theirs.text("password_hash"));
    let custom = theirs.object("custom_password_hash");
    let hash = match plain {
        Some(hash) => Some(Ok(hash.to_owned())),
        None if custom.is_empty() => None,
        None => Some(auth0_hash::read(&Value::Object(custom))),
    };
    row([
        ("username", handle(theirs.text("username"))),
        ("email", theirs.value("email")),
        ("email_verified", theirs.flag("email_verified").into()),
        ("given_name", theirs.value("given_name")),
        ("family_name", theirs.value("family_name")),
        // Where nothing else is known, the name is the address.
        ("display_name", theirs.text("name").filter(|name| !name.contains('@')).into()),
        ("picture_url", theirs.value("picture")),
        ("status", suspended(theirs.flag("blocked") == Some(true))),
        ("attributes", some_attributes(theirs.object("user_metadata"))),
        ("created_at", theirs.time("created_at")),
        ("last_sign_in_at", theirs.time("last_login")),
        ("password_hash", usable(hash, faults)),
    ])
}

fn firebase(theirs: &Theirs, hash_config: Option<&str>, faults: &mut Vec<Fault>) -> Map<String, Value> {
    let hash = theirs.text("passwordHash").zip(theirs.text("salt")).map(|(hash, salt)| {
        let parts: Vec<&str> = hash_config.unwrap_or_default().split(',').map(str::trim).collect();
        match parts.as_slice() {
            [key, separator, rounds, memory] => {
                Ok(format!("$firebase-scrypt$ln={memory},r={rounds},ss={separator},sk={key}${salt}${hash}"))
            }
            _ => Err("the parameters of the project are missing: see hash_config"),
        }
    });
    row([
        ("email", theirs.value("email")),
        ("email_verified", theirs.flag("emailVerified").into()),
        ("display_name", theirs.value("displayName")),
        ("picture_url", theirs.value("photoUrl")),
        ("status", suspended(theirs.flag("disabled") == Some(true))),
        ("attributes", some_attributes(theirs.object("customAttributes"))),
        ("created_at", theirs.time("createdAt")),
        ("last_sign_in_at", theirs.time("lastSignedInAt")),
        ("password_hash", usable(hash, faults)),
    ])
}

fn supabase(theirs: &Theirs, now: Timestamp) -> Map<String, Value> {
    let mut about = theirs.object("raw_user_meta_data");
    let mut take = |names: &[&str]| names.iter().find_map(|name| about.remove(*name)).unwrap_or_default();
    let (name, picture) = (take(&["full_name", "name"]), take(&["avatar_url", "picture"]));
    // These say again what the columns say.
    for repeated in ["email", "email_verified", "phone_verified", "sub", "iss", "provider_id"] {
        about.remove(repeated);
    }
    // A time that can't be read, such as `infinity`, is taken for one that has not come.
    let until = theirs.text("banned_until").filter(|until| *until != "-infinity");
    let is_banned = until.is_some_and(|until| read_time(until).is_none_or(|until| until > now));
    row([
        ("id", theirs.value("id")),
        ("email", theirs.value("email")),
        ("email_verified", theirs.text("email_confirmed_at").is_some().into()),
        ("display_name", name),
        ("picture_url", picture),
        ("status", suspended(is_banned || theirs.text("deleted_at").is_some())),
        ("attributes", some_attributes(about)),
        ("created_at", theirs.time("created_at")),
        ("last_sign_in_at", theirs.time("last_sign_in_at")),
        ("password_hash", theirs.value("encrypted_password")),
    ])
}

fn fastapi_users(theirs: &Theirs) -> Map<String, Value> {
    row([
        ("id", theirs.value("id")),
        ("email", theirs.value("email")),
        ("email_verified", theirs.flag("is_verified").into()),
        ("status", suspended(theirs.flag("is_active") == Some(false))),
        ("password_hash", theirs.value("hashed_password")),
    ])
}

fn django(theirs: &Theirs) -> Map<String, Value> {
    row([
        ("username", handle(theirs.text("username"))),
        ("email", theirs.value("email")),
        ("given_name", theirs.value("first_name")),
        ("family_name", theirs.value("last_name")),
        ("status", suspended(theirs.flag("is_active") == Some(false))),
        ("created_at", theirs.time("date_joined")),
        ("last_sign_in_at", theirs.time("last_login")),
        // What begins so is no hash: nobody can sign in with it.
        ("password_hash", theirs.text("password").filter(|hash| !hash.starts_with('!')).into()),
    ])
}

fn devise(theirs: &Theirs) -> Map<String, Value> {
    row([
        ("username", handle(theirs.text("username"))),
        ("email", theirs.value("email")),
        ("email_verified", theirs.0.contains_key("confirmed_at").then(|| theirs.text("confirmed_at").is_some()).into()),
        ("given_name", theirs.first(&["first_name", "given_name"])),
        ("family_name", theirs.first(&["last_name", "family_name"])),
        ("display_name", theirs.value("name")),
        ("created_at", theirs.time("created_at")),
        (
            "last_sign_in_at",
            theirs.time(if theirs.text("current_sign_in_at").is_some() { "current_sign_in_at" } else { "last_sign_in_at" }),
        ),
        ("password_hash", theirs.value("encrypted_password")),
    ])
}
