//! Signing in with a passkey.

use axum::extract::State;
use http::Method;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::app::App;
use crate::caller::Person;
use crate::db::Origin;
use crate::error::AppResult;
use crate::http::api::{Access, Op, Routes};
use crate::http::body::{Json, OptionalJson};
use crate::http::limits;
use crate::http::output::Answer;
use crate::second_factors::passkeys::{self, Ceremony};
use crate::secret::SecretText;
use crate::sessions::{Begun, Tokens};

const UNAVAILABLE: &str = "The public URL is no name, or not https (`passkeys_unavailable`).";

pub fn router() -> Routes {
    let op = |path, access, summary| Op::new(Method::POST, path, access, "Sign-in", summary);
    Routes::new()
        .op(
            op("/v1/login/passkey/options", Access::Public, "Begin a sign-in with a passkey")
                .description(
                    "What a browser is to ask the authenticator for, with a challenge that is answered once and within five minutes. The \
                     authenticator knows who its owner is. With a `pending_token` of `POST /v1/login` it is asked for one of that user's.",
                )
                .fails(401, "The sign-in is unknown, was used, or took too long (`sign_in_over`).")
                .fails(409, UNAVAILABLE),
            start_passkey_sign_in,
        )
        .op(
            op("/v1/login/passkey", Access::Public, "Sign in with a passkey")
                .limited_to(limits::PASSWORDS)
                .description(
                    "It stands for two factors: no password is asked for, and no code. What does not fit gets the same answer as a wrong \
                     password, whatever the reason.",
                )
                .fails(401, "The passkey does not open an account, or the challenge was over (`invalid_credentials`).")
                .fails(409, UNAVAILABLE),
            sign_in_with_passkey,
        )
        .op(
            op("/v1/reauthenticate/passkey", Access::SignedIn, "Prove again who you are, with a passkey")
                .limited_to(limits::PASSWORDS)
                .description("As `POST /v1/reauthenticate`, with the answer to a challenge of `POST /v1/login/passkey/options`.")
                .fails(401, "The passkey is not yours, or the challenge was over (`invalid_credentials`).")
                .fails(409, UNAVAILABLE),
            reauthenticate_with_passkey,
        )
}

/// A sign-in that waits for the second factor, if there is one.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PasskeyWanted")]
struct WantedBody {
    pending_token: Option<SecretText>,
}

/// The answer of an authenticator.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PasskeyAnswer")]
struct AnswerBody {
    ceremony: SecretText,
    /// An `AuthenticationResponseJSON` (WebAuthn Level 3), as `toJSON()` gives it.
    credential: Map<String, Value>,
    /// What an earlier sign-in answered with on this device.
    device_token: Option<SecretText>,
}

/// The answer of an authenticator, of who is signed in.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PasskeyProof")]
struct ProofBody {
    ceremony: SecretText,
    /// An `AuthenticationResponseJSON` (WebAuthn Level 3), as `toJSON()` gives it.
    credential: Map<String, Value>,
}

async fn start_passkey_sign_in(
    State(app): State<App>,
    origin: Origin,
    OptionalJson(body): OptionalJson<WantedBody>,
) -> AppResult<Answer<Ceremony>> {
    super::ask(&app, &origin, body.pending_token.as_ref()).await.map(Answer)
}

async fn sign_in_with_passkey(State(app): State<App>, origin: Origin, Json(body): Json<AnswerBody>) -> AppResult<Answer<Begun>> {
    let answer = passkeys::Answer { ceremony: &body.ceremony, credential: body.credential };
    super::sign_in(&app, &origin, answer, body.device_token.as_ref()).await.map(Answer)
}

async fn reauthenticate_with_passkey(
    person: Person,
    State(app): State<App>,
    Json(body): Json<ProofBody>,
) -> AppResult<Answer<Tokens>> {
    let answer = passkeys::Answer { ceremony: &body.ceremony, credential: body.credential };
    super::again(&app, &person, answer).await.map(Answer)
}
