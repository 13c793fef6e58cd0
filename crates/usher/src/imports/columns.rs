//! Which column of a file is which field of a user.

use std::collections::BTreeMap;

use super::options::Options;
use super::presets::Preset;
use crate::config::suggest::nearest;
use crate::error::{FieldError, Rejection};

/// Columns that a file may have at most.
const COLUMNS_MAX: usize = 500;
/// Faults that are told at once.
const FAULTS_MAX: usize = 32;

/// How the text of a cell is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An empty cell says nothing.
    Text,
    /// An empty cell clears the field.
    Clearable,
    Flag,
    Time,
    ClearableTime,
    /// Words between semicolons.
    Words,
    /// Addresses between blanks.
    Addresses,
    /// JSON.
    Object,
    /// JSON: times by names. An empty cell has none.
    Ends,
}

/// Every field that a row may have, in the order of an export.
pub const FIELDS: [(&str, Kind); 23] = [
    ("id", Kind::Text),
    ("username", Kind::Text),
    ("email", Kind::Text),
    ("email_verified", Kind::Flag),
    ("other_emails", Kind::Addresses),
    ("unverified_emails", Kind::Addresses),
    ("status", Kind::Text),
    ("given_name", Kind::Clearable),
    ("family_name", Kind::Clearable),
    ("display_name", Kind::Clearable),
    ("bio", Kind::Clearable),
    ("picture_url", Kind::Clearable),
    ("website_url", Kind::Clearable),
    ("github_url", Kind::Clearable),
    ("linkedin_url", Kind::Clearable),
    ("locale", Kind::Clearable),
    ("time_zone", Kind::Clearable),
    ("professional_at", Kind::ClearableTime),
    ("roles", Kind::Words),
    ("role_ends", Kind::Ends),
    ("attributes", Kind::Object),
    ("created_at", Kind::Time),
    ("last_sign_in_at", Kind::Time),
];
/// The one that only an administrator's export has.
pub const PASSWORD_HASH: &str = "password_hash";
const ATTRIBUTE: &str = "attributes.";
/// In the place of a field.
pub const LEFT_OUT: &str = "-";

/// What becomes of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Field(&'static str, Kind),
    /// One attribute.
    Attribute(String),
    Ignored,
}

/// A column that a file has.
#[derive(Clone, Debug)]
pub struct Column {
    pub name: String,
    /// Nothing if nobody knows it, or only a preset does.
    pub target: Option<Target>,
    pub fault: Option<FieldError>,
}

impl Target {
    /// As a map names it.
    pub fn name(&self) -> String {
        match self {
            Self::Field(name, _) => (*name).to_owned(),
            Self::Attribute(name) => format!("{ATTRIBUTE}{name}"),
            Self::Ignored => LEFT_OUT.to_owned(),
        }
    }
}

/// The columns of a file.
pub struct Columns {
    pub map: BTreeMap<String, Target>,
    preset: Option<Preset>,
}

fn field(name: &str) -> Option<Target> {
    if let Some(attribute) = name.strip_prefix(ATTRIBUTE).filter(|attribute| !attribute.is_empty()) {
        return Some(Target::Attribute(attribute.to_owned()));
    }
    if name == PASSWORD_HASH {
        return Some(Target::Field(PASSWORD_HASH, Kind::Text));
    }
    FIELDS.iter().find(|(known, _)| *known == name).map(|(name, kind)| Target::Field(name, *kind))
}

/// `Given Name` is `given_name`.
fn normal(header: &str) -> String {
    let header = header.trim();
    // What an attribute is called is not for us to say.
    if header.get(..ATTRIBUTE.len()).is_some_and(|start| start.eq_ignore_ascii_case(ATTRIBUTE)) {
        return format!("{ATTRIBUTE}{}", &header[ATTRIBUTE.len()..]);
    }
    header.to_lowercase().replace([' ', '-'], "_")
}

fn meant(name: &str) -> String {
    let names = FIELDS.iter().map(|(name, _)| *name).chain([PASSWORD_HASH]);
    nearest(&normal(name), names).map_or_else(String::new, |nearest| format!(" Did you mean `{nearest}`?"))
}

impl Columns {
    /// Or which pair of the map names no field.
    pub fn new(options: &Options) -> Result<Self, Rejection> {
        let mut map = BTreeMap::new();
        let mut faults = Vec::new();
        for (header, name) in &options.map {
            let target = if name == LEFT_OUT { Some(Target::Ignored) } else { field(name) };
            match target {
                Some(target) => {
                    map.insert(header.clone(), target);
                }
                None => faults.push(FieldError::at_parameter(
                    "map",
                    "unknown_field",
                    format!("`{name}` is no field of a user.{}", meant(name)),
                )),
            }
        }
        if faults.is_empty() { Ok(Self { map, preset: options.preset }) } else { Err(refuse(faults)) }
    }

    /// What the column is; `None` if nobody knows it.
    pub fn target(&self, name: &str) -> Option<Target> {
        if let Some(target) = self.map.get(name.trim()) {
            return Some(target.clone());
        }
        match self.preset {
            // By now, what the preset knows is in our words.
            Some(_) => Some(field(name.trim()).unwrap_or(Target::Ignored)),
            None => field(&normal(name)),
        }
    }

    /// What each column of a header is taken for.
    pub fn read_header(&self, header: &[String]) -> Vec<Column> {
        let mut seen: Vec<Target> = Vec::new();
        let mut column = |name: &String| {
            let fault = |code: &'static str, detail: String| Some(FieldError::at_parameter("map", code, detail));
            let target = self.target(name);
            let fault = match &target {
                None => fault("unknown_column", unknown(name, header.len() == 1)),
                Some(Target::Ignored) => None,
                Some(target) if seen.contains(target) => {
                    fault("repeated_column", format!("Column `{}` is a field that is there already.", shown(name)))
                }
                Some(target) => {
                    seen.push(target.clone());
                    None
                }
            };
            Column { name: name.trim().to_owned(), target, fault }
        };
        header.iter().take(COLUMNS_MAX).map(&mut column).collect()
    }

    /// All that is wrong with a header.
    pub fn check_header(&self, header: &[String]) -> Result<(), Rejection> {
        let fault = |code: &'static str, detail: String| FieldError::at_parameter("map", code, detail);
        let mut faults = Vec::new();
        if header.len() > COLUMNS_MAX {
            faults.push(fault("max_columns", format!("The file has more than {COLUMNS_MAX} columns.")));
        }
        let columns = self.read_header(header);
        faults.extend(columns.iter().filter_map(|column| column.fault.clone()));
        for name in self.map.keys().filter(|name| !header.iter().any(|header| header.trim() == **name)) {
            faults.push(fault("unknown_column", format!("The file has no column `{}`, which is mapped.", shown(name))));
        }
        let is_said = |column: &Column| column.target.as_ref().is_some_and(|target| *target != Target::Ignored);
        if faults.is_empty() && !columns.iter().any(is_said) {
            faults.push(fault("no_columns", "The file has no column that is a field of a user.".to_owned()));
        }
        if faults.is_empty() { Ok(()) } else { Err(refuse(faults)) }
    }
}

/// A stranger's text, at a length that can be read.
fn shown(name: &str) -> String {
    name.trim().chars().filter(|c| !c.is_control()).take(60).collect()
}

pub fn unknown(name: &str, is_only: bool) -> String {
    let delimiter = if is_only && name.contains([';', '\t', '|']) { " Is another `delimiter` between the columns?" } else { "" };
    let name = shown(name);
    format!("Column `{name}` is unknown.{}{delimiter} Map it: `{name}=<field>`, or leave it out: `{name}=-`.", meant(&name))
}

fn refuse(mut errors: Vec<FieldError>) -> Rejection {
    errors.truncate(FAULTS_MAX);
    let detail = "The columns of the file do not fit; `errors` says which.";
    Rejection::unprocessable("invalid_columns", errors, detail)
}
