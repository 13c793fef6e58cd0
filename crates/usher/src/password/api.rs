//! What the policy says of a password, for forms that help while somebody types.

use axum::extract::State;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::policy::Reason;
use super::strength::{Strength, estimate};
use crate::app::App;
use crate::error::AppResult;
use crate::http::api::{Access, Op, Routes};
use crate::http::body::Json;
use crate::http::output::Answer;
use crate::languages::now;
use crate::secret::SecretText;

pub fn router() -> Routes {
    Routes::new().op(
        Op::new(Method::POST, "/v1/password/check", Access::Public, "Password", "Check a password before it is chosen").description(
            "Says whether the password would be taken, by the same rules as everywhere, and how hard it is to guess. Nothing of it is \
             kept. The strength is advice, estimated by zxcvbn from at most the first 100 characters: no password is refused for it.",
        ),
        check_password,
    )
}

/// A password, and whose it would be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("example" = serde_json::json!({
    "password": "plum kettle orbit lantern", "email": "ann@example.com", "display_name": "Ann"
})))]
struct CheckBody {
    password: SecretText,
    #[serde(default)]
    email: Option<Word>,
    #[serde(default)]
    username: Option<Word>,
    #[serde(default)]
    given_name: Option<Word>,
    #[serde(default)]
    family_name: Option<Word>,
    #[serde(default)]
    display_name: Option<Word>,
}

/// Any text, since a form may be half filled in.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
struct Word(#[schemars(length(max = 254))] String);

impl CheckBody {
    fn about(&self) -> Vec<&str> {
        let words = [&self.email, &self.username, &self.given_name, &self.family_name, &self.display_name];
        words.into_iter().flatten().map(|word| word.0.as_str()).collect()
    }
}

/// What there is to say of a password.
#[derive(Debug, Serialize, JsonSchema)]
struct PasswordReport {
    /// Whether it would be taken.
    acceptable: bool,
    /// Why not.
    reasons: Vec<Reason>,
    strength: Strength,
    /// What would make it better, in the language of the request.
    suggestions: Vec<String>,
}

async fn check_password(State(app): State<App>, Json(body): Json<CheckBody>) -> AppResult<Answer<PasswordReport>> {
    let password = super::normalised(&body.password);
    let mut reasons = super::examine(&app, &password, &body.about()).await?;
    for reason in &mut reasons {
        reason.detail = now().fault(reason.code, &reason.detail).unwrap_or_else(|| std::mem::take(&mut reason.detail));
    }
    // It may take some milliseconds, for which other requests should not wait.
    let estimated = tokio::task::spawn_blocking(move || estimate(password.reveal(), &body.about())).await;
    let (strength, advice) = estimated.map_err(anyhow::Error::from)?;
    let suggestions = advice.into_iter().map(|key| now().word(key)).collect();
    Ok(Answer(PasswordReport { acceptable: reasons.is_empty(), reasons, strength, suggestions }))
}
