//! What can be asked for, what it takes, and what comes of it. A further kind is a further arm here, and its mails.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::app::App;
use crate::db::Tx;
use crate::error::{AppResult, Rejection};
use crate::mails::Template;
use crate::users::{self, User};

/// What somebody asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ApprovalKind")]
pub enum Kind {
    /// To be recognised as a professional.
    Professional,
}

impl Kind {
    pub const ALL: [Self; 1] = [Self::Professional];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Professional => "professional",
        }
    }

    /// Whether people can ask for it in this deployment.
    pub fn is_offered(self, app: &App) -> bool {
        self.required(app).is_some()
    }

    /// The fields of the profile that it takes.
    pub fn required(self, app: &App) -> Option<&[&'static str]> {
        match self {
            Self::Professional => app.config.server.professional_requires.as_deref(),
        }
    }

    /// Those of them that are still empty.
    pub fn missing(self, app: &App, user: &User) -> AppResult<Vec<&'static str>> {
        let shown = serde_json::to_value(user)?;
        let is_empty = |field: &&&'static str| shown.get(**field).is_none_or(|value| value.is_null() || *value == "");
        Ok(self.required(app).unwrap_or_default().iter().filter(is_empty).copied().collect())
    }

    pub(super) fn require_profile(self, app: &App, user: &User) -> AppResult<()> {
        let missing = self.missing(app, user)?;
        if missing.is_empty() {
            return Ok(());
        }
        let detail = format!("Fill in your profile first: {}.", missing.join(", "));
        Err(Rejection::conflict("profile_incomplete", detail).with("missing", json!(missing)).into())
    }

    pub fn is_held_by(self, user: &User) -> bool {
        match self {
            Self::Professional => user.professional_at.is_some(),
        }
    }

    pub(super) async fn grant(self, tx: &mut Tx, user: &User) -> AppResult<()> {
        match self {
            Self::Professional => users::set_professional(tx, user, true).await.map(drop),
        }
    }

    pub(super) fn granted_mail(self) -> Template {
        match self {
            Self::Professional => Template::ProfessionalGranted,
        }
    }

    pub(super) fn declined_mail(self) -> Template {
        match self {
            Self::Professional => Template::ProfessionalDeclined,
        }
    }
}
