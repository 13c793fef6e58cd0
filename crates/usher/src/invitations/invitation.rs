//! What an invitation is, and what is said of one.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::api;
use crate::db::page::Limit;
use crate::emails::EmailAddress;
use crate::error::AppResult;
use crate::formats;
use crate::id::{InvitationId, UserId};
use crate::roles::RoleName;
use crate::users::{Name, WebUrl};

/// How the link gets to whom it is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "InvitationDelivery")]
pub enum Delivery {
    /// By mail to the address. Nobody else sees it.
    #[default]
    Mail,
    /// By the inviter, who gets it in the answer. The address is verified afterwards.
    Link,
}

impl Delivery {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Link => "link",
        }
    }
}

/// Where an invitation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "InvitationState")]
pub enum State {
    Waiting,
    Expired,
    Accepted,
    Revoked,
}

impl State {
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Expired, Self::Accepted, Self::Revoked];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Expired => "expired",
            Self::Accepted => "accepted",
            Self::Revoked => "revoked",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// Somebody to be invited.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("example" = serde_json::json!({
    "email": "ann@example.com", "display_name": "Ann Baker", "message": "Welcome to the team!", "roles": ["user"]
})))]
pub struct NewInvitation {
    pub email: EmailAddress,
    /// How to address them; they may change it.
    #[serde(default)]
    pub display_name: Option<Name>,
    /// Plain text, shown to them as yours.
    #[serde(default)]
    #[schemars(length(min = 1, max = 1000), extend("format" = formats::PARAGRAPHS))]
    pub message: Option<String>,
    /// `["user"]` when left out. The caller must hold what these roles grant.
    #[serde(default)]
    #[schemars(length(min = 1, max = 50))]
    pub roles: Option<Vec<RoleName>>,
    /// Where they go on when they have accepted; its origin must be one of `USHER_INVITATION_FORWARD_TO`.
    #[serde(default)]
    pub forward_to: Option<WebUrl>,
    /// How long the link works.
    #[serde(default = "week")]
    #[schemars(range(min = 1, max = 30))]
    pub expires_in_days: i32,
    #[serde(default)]
    pub delivery: Delivery,
}

fn week() -> i32 {
    7
}

/// Who has invited.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Inviter")]
pub struct Inviter {
    /// `user`, `service_account` or `cli` (the operator).
    pub kind: String,
    /// `null` of the operator, and of who is gone.
    pub id: Option<Uuid>,
    /// What they are called.
    pub name: Option<String>,
}

/// An invitation.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(extend("example" = api::example()))]
pub struct Invitation {
    pub id: InvitationId,
    pub email: String,
    pub display_name: Option<String>,
    pub message: Option<String>,
    pub roles: Vec<String>,
    pub forward_to: Option<String>,
    pub delivery: Delivery,
    /// How long it works from when it is sent.
    #[serde(skip)]
    pub lifetime_days: i32,
    pub state: State,
    /// It had expired when another was made for the address.
    #[serde(skip)]
    pub(super) replaced: bool,
    pub invited_by: Inviter,
    pub created_at: Timestamp,
    /// When the newest link was made.
    pub sent_at: Option<Timestamp>,
    pub times_sent: i32,
    /// When its page was first opened, perhaps by a program that looks into mail.
    pub opened_at: Option<Timestamp>,
    pub accepted_at: Option<Timestamp>,
    /// The user who came of it.
    pub accepted_by: Option<UserId>,
    pub revoked_at: Option<Timestamp>,
    pub expires_at: Timestamp,
    /// Raised by every change; the `ETag`.
    pub version: i64,
}

impl Invitation {
    /// Whether it can be sent again and taken back.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Waiting | State::Expired) && !self.replaced
    }

    pub(super) fn address(&self) -> AppResult<EmailAddress> {
        Ok(EmailAddress::parse(&self.email).map_err(|why| anyhow::anyhow!("an invited address {why}"))?)
    }

    pub(super) fn lifetime(&self) -> SignedDuration {
        super::lifetime(self.lifetime_days)
    }
}

/// An invitation that was just made or renewed, and what is shown of its link this once.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "IssuedInvitation")]
pub struct Issued {
    #[serde(flatten)]
    pub invitation: Invitation,
    /// With `delivery` `link`: for the invited person alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The link as a QR code: an SVG file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qr_svg: Option<String>,
}

/// How many invitations there are, of the last months.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "InvitationCounts")]
pub struct Counts {
    pub sent: i64,
    pub opened: i64,
    pub accepted: i64,
    pub expired: i64,
    pub revoked: i64,
}

/// Which invitations.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "InvitationFilter")]
pub struct Wanted {
    /// At most so many items.
    #[serde(default)]
    pub limit: Limit,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// Only those in this state.
    pub state: Option<State>,
    /// A part of the address.
    #[schemars(length(max = 254))]
    pub q: Option<String>,
    /// Only those that this user has sent.
    pub invited_by: Option<UserId>,
}
