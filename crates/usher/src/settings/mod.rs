//! The settings in force, as the operator has given them. They come from the environment and are changed there; a secret is never shown.

mod api;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

pub use api::router;

use crate::config::{self, Config, Entry, Fallback, Origin, Setting};

/// Where the value of a setting comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "SettingSource")]
pub enum Source {
    /// A variable of the process.
    Environment,
    /// The file `.env` in the working directory.
    DotEnv,
    /// The file that `NAME_FILE` names.
    File,
    Default,
}

/// A setting as it is in force.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Setting", extend("example" = api::example()))]
pub struct InForce {
    pub name: &'static str,
    /// The chapter of the documentation.
    pub section: &'static str,
    /// Markdown.
    pub description: &'static str,
    /// It is a secret, whose value is shown nowhere.
    pub secret: bool,
    /// Whether somebody has set it.
    pub given: bool,
    /// `null`: it is a secret, or what holds is no value.
    pub value: Option<String>,
    /// The value that holds when nobody sets it.
    pub default: Option<&'static str>,
    /// What holds then, in Markdown, where that is no value.
    pub default_told: Option<&'static str>,
    /// Another value holds than when nobody sets it.
    pub changed: bool,
    pub source: Source,
    /// The file it comes from.
    #[schemars(with = "Option<String>")]
    pub file: Option<PathBuf>,
}

/// All settings, section by section.
pub fn list(config: &Config) -> Vec<InForce> {
    let entry = |setting: &Setting| config.report.entries.iter().find(|entry| entry.name == setting.name);
    config::settings().filter_map(|setting| Some(in_force(setting, entry(setting)?))).collect()
}

fn in_force(setting: &Setting, entry: &Entry) -> InForce {
    let given = entry.origin != Origin::Default;
    let value = entry.value.clone().filter(|_| !setting.secret);
    let (default, default_told) = match setting.default {
        Fallback::Value(value) => (Some(value), None),
        Fallback::Told(told) => (None, Some(told)),
    };
    let (source, file) = match &entry.origin {
        Origin::Environment => (Source::Environment, None),
        Origin::DotEnv => (Source::DotEnv, None),
        Origin::File(path) => (Source::File, Some(path.clone())),
        Origin::Default => (Source::Default, None),
    };
    let changed = given && (setting.secret || value.as_deref() != default);
    let (name, section, description, secret) = (setting.name, setting.section.title(), setting.description, setting.secret);
    InForce { name, section, description, secret, given, value, default, default_told, changed, source, file }
}
