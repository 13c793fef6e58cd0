//! What other products call the fields of a user, and what of theirs must be rewritten first.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Whose export the file is. Columns that mean nothing here are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    Keycloak,
    Auth0,
    Firebase,
    Supabase,
    FastapiUsers,
    Django,
    Devise,
}

impl Preset {
    pub fn field(self, _: &str) -> Option<&'static str> {
        None
    }
}

/// The row with what must be rewritten in our words.
pub fn prepare(_: Preset, members: Map<String, Value>, _: Option<&str>) -> Map<String, Value> {
    members
}
