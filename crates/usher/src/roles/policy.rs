//! Whether a role asks for a second factor of whoever has it. When somebody must have one follows from it, and is written down nowhere:
//! the gate asks at every request.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether who has the role must have a second factor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SecondFactorPolicy", extend("example" = serde_json::json!({ "required": true, "grace_days": 14 })))]
pub struct SecondFactorPolicy {
    pub required: bool,
    /// For so many days they go on without one: from when the role began to ask, or from when they got the role if that is later.
    #[serde(default)]
    #[schemars(range(min = 0, max = 90))]
    pub grace_days: i32,
}

/// Changes of it: a member that is left out stays.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SecondFactorPolicyPatch")]
pub struct SecondFactorPatch {
    #[serde(default)]
    #[schemars(with = "bool")]
    required: Option<bool>,
    #[serde(default)]
    #[schemars(with = "i32", range(min = 0, max = 90))]
    grace_days: Option<i32>,
}

impl SecondFactorPatch {
    pub(super) fn apply(self, to: SecondFactorPolicy) -> SecondFactorPolicy {
        SecondFactorPolicy {
            required: self.required.unwrap_or(to.required),
            grace_days: self.grace_days.unwrap_or(to.grace_days),
        }
    }
}
