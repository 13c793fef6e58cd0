//! One's own passkeys.

use axum::extract::State;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::api::LAST;
use super::{Answer, Ceremony, Passkey};
use crate::app::App;
use crate::caller::Person;
use crate::error::AppResult;
use crate::http::api::{Access, Op, Routes};
use crate::http::body::{Json, MergePatch};
use crate::http::output::{self, NoContent};
use crate::http::params::Path;
use crate::id::PasskeyId;
use crate::secret::SecretText;
use crate::sessions::Tokens;
use crate::users::Name;

const UNAVAILABLE: &str =
    "The public URL is no name, or not https (`passkeys_unavailable`), or there are 20 (`too_many_passkeys`).";

pub fn router() -> Routes {
    let op = |method, path, access, summary| Op::new(method, path, access, "Second factors", summary);
    Routes::new()
        .op(op(Method::GET, "/v1/me/passkeys", Access::SignedIn, "List your passkeys"), list_my_passkeys)
        .op(
            op(Method::POST, "/v1/me/passkeys/options", Access::Fresh, "Begin to add a passkey")
                .description(
                    "What a browser is to ask the authenticator for, with a challenge that is answered once and within five minutes, in \
                     this session.",
                )
                .fails(409, UNAVAILABLE),
            start_passkey,
        )
        .op(
            op(Method::POST, "/v1/me/passkeys", Access::Fresh, "Add a passkey")
                .description(
                    "From here on each sign-in and each fresh proof takes a passkey, or a second factor beside the password. A new session \
                     begins in the place of the present one, and a mail tells of it. With the first second factor the others end, and the \
                     recovery codes are shown this once.",
                )
                .fails(409, "The challenge is over (`passkey_ceremony_over`), or the passkey is registered already (`passkey_taken`).")
                .fails(422, "The answer does not fit (`wrong_passkey` at `/credential`)."),
            add_passkey,
        )
        .op(op(Method::PATCH, "/v1/me/passkeys/{id}", Access::SignedIn, "Rename a passkey"), rename_passkey)
        .op(
            op(Method::DELETE, "/v1/me/passkeys/{id}", Access::Fresh, "Remove a passkey")
                .description("With the last second factor the recovery codes go too. A mail tells of it.")
                .fails(409, LAST),
            remove_passkey,
        )
}

/// The answer of an authenticator, and what to call it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewPasskey")]
struct NewPasskeyBody {
    ceremony: SecretText,
    /// A `RegistrationResponseJSON` (WebAuthn Level 3), as `toJSON()` gives it.
    credential: Map<String, Value>,
    name: Name,
}

/// A new passkey, in a new session.
#[derive(Serialize, JsonSchema)]
struct AddedPasskey {
    passkey: Passkey,
    /// Ten, with the first second factor; else none.
    recovery_codes: Vec<String>,
    #[serde(flatten)]
    tokens: Tokens,
}

/// What to call it from now on.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PasskeyName")]
struct NameBody {
    name: Name,
}

#[derive(Deserialize, JsonSchema)]
struct PasskeyPath {
    /// The passkey's id.
    id: PasskeyId,
}

/// All of them: there are twenty at most.
#[derive(Serialize, JsonSchema)]
struct Passkeys {
    items: Vec<Passkey>,
}

async fn list_my_passkeys(person: Person, State(app): State<App>) -> AppResult<output::Answer<Passkeys>> {
    let mut tx = app.begin(&person.origin).await?;
    let items = super::list(&mut tx, person.user_id).await?;
    tx.commit().await?;
    Ok(output::Answer(Passkeys { items }))
}

async fn start_passkey(person: Person, State(app): State<App>) -> AppResult<output::Answer<Ceremony>> {
    let mut tx = app.begin(&person.origin).await?;
    let ceremony = super::start(&app, &mut tx, &person).await?;
    tx.commit().await?;
    Ok(output::Answer(ceremony))
}

async fn add_passkey(
    person: Person,
    State(app): State<App>,
    Json(body): Json<NewPasskeyBody>,
) -> AppResult<output::Answer<AddedPasskey>> {
    let answer = Answer { ceremony: &body.ceremony, credential: body.credential };
    let (tokens, added) = super::add(&app, &person, answer, &body.name).await?;
    Ok(output::Answer(AddedPasskey { passkey: added.passkey, recovery_codes: added.recovery_codes, tokens }))
}

async fn rename_passkey(
    person: Person,
    State(app): State<App>,
    Path(path): Path<PasskeyPath>,
    MergePatch(body): MergePatch<NameBody>,
) -> AppResult<output::Answer<Passkey>> {
    let mut tx = app.begin(&person.origin).await?;
    let passkey = super::rename(&mut tx, &person, path.id, &body.name).await?;
    tx.commit().await?;
    Ok(output::Answer(passkey))
}

async fn remove_passkey(person: Person, State(app): State<App>, Path(path): Path<PasskeyPath>) -> AppResult<NoContent> {
    let mut tx = app.begin(&person.origin).await?;
    super::remove(&mut tx, &person, path.id).await?;
    tx.commit().await?;
    Ok(NoContent)
}
