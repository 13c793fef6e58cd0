//! A request, as it is asked, kept and shown.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, api};
use crate::db::page::Limit;
use crate::id::{ApprovalRequestId, UserId};

/// What a person asks for.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewApprovalRequest", extend("example" = serde_json::json!({
    "kind": "professional", "message": "I have worked as a translator for ten years."
})))]
pub struct NewRequest {
    pub kind: Kind,
    /// For whoever decides.
    #[serde(default)]
    #[schemars(length(min = 1, max = 2000))]
    pub message: Option<String>,
}

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ApprovalState")]
pub enum State {
    Waiting,
    Approved,
    Declined,
    /// By the person who asked.
    Withdrawn,
}

impl State {
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Approved, Self::Declined, Self::Withdrawn];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Declined => "declined",
            Self::Withdrawn => "withdrawn",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// Who asks.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "ApprovalRequester")]
pub struct Requester {
    pub id: UserId,
    pub username: String,
    pub display_name: Option<String>,
}

/// What somebody has asked for, and what became of it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(extend("example" = api::example()))]
pub struct ApprovalRequest {
    pub id: ApprovalRequestId,
    pub kind: Kind,
    pub user: Requester,
    pub state: State,
    pub message: Option<String>,
    pub created_at: Timestamp,
    /// When it stopped waiting.
    pub decided_at: Option<Timestamp>,
    /// The user who decided; `null` of a program, of the operator, and of who is gone.
    pub decided_by: Option<UserId>,
    /// What the person was told with the decision.
    pub reason: Option<String>,
    /// Raised by every change; the `ETag`.
    pub version: i64,
}

/// What the person is told with what they asked for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ApproveRequest", extend("example" = serde_json::json!({ "reason": "Welcome among the professionals." })))]
pub struct Approving {
    #[serde(default)]
    #[schemars(length(min = 1, max = 1000))]
    pub reason: Option<String>,
}

/// Why the person does not get what they asked for. They are told it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "DeclineRequest", extend("example" = serde_json::json!({ "reason": "Please name your employer in your profile." })))]
pub struct Declining {
    #[schemars(length(min = 1, max = 1000))]
    pub reason: String,
}

/// Which requests.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ApprovalRequestFilter")]
pub struct Wanted {
    /// At most so many items.
    #[serde(default)]
    pub limit: Limit,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// Only those in this state.
    pub state: Option<State>,
    /// Only those of this kind.
    pub kind: Option<Kind>,
    /// Only those of this user.
    pub user_id: Option<UserId>,
}
