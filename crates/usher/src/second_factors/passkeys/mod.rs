//! Passkeys (WebAuthn Level 3): key pairs that an authenticator unlocks for this origin alone, by a finger, a face or a PIN. That is asked
//! for always, so a passkey stands for two factors by itself.
//!
//! What an authenticator says is judged by webauthn-rs: type, challenge, origin, relying party, presence, verification, algorithm,
//! signature, and the count of signatures. Whose passkey it is, and that a challenge is answered once, is judged here.

mod api;
mod ceremony;
mod pages;
mod store;

#[cfg(test)]
mod tests;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};
use url::Host;
use uuid::Builder;
use webauthn_rs::prelude::{
    DiscoverableAuthentication, Passkey as Credential, PasskeyRegistration, PublicKeyCredential, RegisterPublicKeyCredential,
    WebauthnError,
};
use webauthn_rs::{Webauthn, WebauthnBuilder};

pub use api::router;
pub use ceremony::{Ceremony, register};
pub use pages::router as pages;

use super::{Asked, codes, is_bound, require_none_owed, settle, tell};
use crate::app::App;
use crate::audit::{self, Event};
use crate::caller::{self, Act, Assurance, Cleared, Person};
use crate::db::{DbResult, Tx};
use crate::error::{AppResult, Rejection};
use crate::id::{PasskeyId, UserId};
use crate::mails::FactorChange;
use crate::secret::{SecretText, random_bytes};
use crate::sessions::{self, BrowserSession, Tokens};
use crate::users::{self, Name};
use ceremony::{Kind, Waiting};

/// What a session is begun with for which somebody has shown a passkey: that they hold a key, and two factors (RFC 8176).
pub const METHODS: [&str; 2] = ["pop", Assurance::MANY];
/// The member of what is kept of a challenge that says when the sign-in has asked for a second factor that it is for.
const ASKED_AT: &str = "asked_at";
/// How many a user may have.
const MOST: usize = 20;
/// WebAuthn, section 7.1, step 26.
const CREDENTIAL_ID_BYTES_MAX: usize = 1023;

/// A passkey of somebody's.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(extend("example" = json!({
    "id": "0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d", "name": "Phone", "is_backed_up": true,
    "created_at": "2026-01-02T03:04:05Z", "last_used_at": "2026-02-03T01:00:00Z",
})))]
pub struct Passkey {
    pub id: PasskeyId,
    /// What the person calls it.
    pub name: String,
    /// Whether it is kept in more than one place, as by a password manager that copies it to other devices.
    pub is_backed_up: bool,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

/// What an authenticator has answered, and to what.
pub struct Answer<'a> {
    pub ceremony: &'a SecretText,
    pub credential: Map<String, Value>,
}

/// What came of an answer to the challenge of a sign-in.
pub enum Proof {
    Right(UserId),
    /// Of the passkey of this user, if it is anybody's.
    Wrong(Option<UserId>),
}

/// The same, and which sign-in of theirs it goes on with.
pub struct Judged {
    pub proof: Proof,
    /// When that has asked for a second factor, if the challenge was made for one that waits.
    pub asked_at: Option<Timestamp>,
}

/// Whether browsers make passkeys for this deployment: they do for a name, over https or on the machine itself.
pub fn are_available(app: &App) -> bool {
    let url = &app.config.server.public_url;
    match url.url().host() {
        Some(Host::Domain(name)) => url.is_https() || name == "localhost" || name.ends_with(".localhost"),
        _ => false,
    }
}

/// For whom authenticators keep passkeys: the one origin under which people reach usher, and no other.
fn relying_party(app: &App) -> AppResult<Webauthn> {
    let origin = app.config.server.public_url.url();
    let name = origin.host_str().filter(|_| are_available(app)).ok_or_else(|| {
        Rejection::conflict("passkeys_unavailable", "Passkeys need a name in the public URL, and https. This site has none.")
    })?;
    Ok(WebauthnBuilder::new(name, origin).and_then(WebauthnBuilder::build).map_err(anyhow::Error::from)?)
}

pub async fn list(tx: &mut Tx, user_id: UserId) -> DbResult<Vec<Passkey>> {
    store::list_passkeys(tx, user_id).await
}

async fn find(tx: &mut Tx, user_id: UserId, id: PasskeyId) -> AppResult<Passkey> {
    Ok(store::find_passkey(tx, user_id, id).await?.ok_or_else(Rejection::not_found)?)
}

/// Asks for a new passkey of the person's. One that a person can be found by, so that they need not say who they are.
async fn start(app: &App, tx: &mut Tx, person: &Person) -> AppResult<Ceremony> {
    let party = relying_party(app)?;
    let user = users::lock(tx, person.authority(), person.user_id).await?;
    let known = store::list_credential_ids(tx, user.id).await?;
    if known.len() >= MOST {
        let detail = format!("There are {MOST} passkeys already. Remove one first.");
        return Err(Rejection::conflict("too_many_passkeys", detail).into());
    }
    let handle = Builder::from_random_bytes(random_bytes()).into_uuid();
    let handle = store::ensure_handle(tx, user.id, handle).await?;
    let called = user.profile.display_name.as_ref().map_or(user.username.as_str(), |name| &name.0);
    let started = party.start_passkey_registration(handle, &user.username, called, Some(known));
    let (asked, state) = started.map_err(anyhow::Error::from)?;
    let mut options = serde_json::to_value(asked).map_err(anyhow::Error::from)?["publicKey"].take();
    options["authenticatorSelection"]["residentKey"] = json!("required");
    options["authenticatorSelection"]["requireResidentKey"] = json!(true);
    let state = serde_json::to_value(state).map_err(anyhow::Error::from)?;
    let waiting = Waiting { user_id: Some(user.id), session_id: Some(person.session_id), state };
    ceremony::begin(tx, Kind::Register, &waiting, options).await
}

/// What has come of a new passkey: recovery codes, if it is the first second factor.
struct Added {
    passkey: Passkey,
    recovery_codes: Vec<String>,
}

/// Adds a passkey. A new session of two factors begins in the place of the present one. Begins its transactions itself: a challenge is
/// used up also by an answer that is refused.
async fn add(app: &App, person: &Person, answer: Answer<'_>, name: &Name) -> AppResult<(Tokens, Added)> {
    let (mut tx, cleared, added) = bind(app, person, answer, name).await?;
    let tokens = sessions::strengthen(app, &mut tx, cleared, person.session_id, &METHODS).await?;
    tx.commit().await?;
    Ok((tokens, added))
}

/// The same in a browser.
async fn add_in_browser(app: &App, person: &Person, answer: Answer<'_>, name: &Name) -> AppResult<(BrowserSession, Added)> {
    let (mut tx, cleared, added) = bind(app, person, answer, name).await?;
    let session = sessions::strengthen_in_browser(app, &mut tx, cleared, person.session_id, &METHODS).await?;
    tx.commit().await?;
    Ok((session, added))
}

/// The change, in a transaction in which the new session is to begin.
async fn bind(app: &App, person: &Person, answer: Answer<'_>, name: &Name) -> AppResult<(Tx, Cleared, Added)> {
    let (party, id) = (relying_party(app)?, person.user_id);
    let mut tx = app.begin(&person.origin).await?;
    users::lock(&mut tx, person.authority(), id).await?;
    let waiting = ceremony::take(&mut tx, Kind::Register, answer.ceremony).await?;
    let is_theirs = |waiting: &Waiting| waiting.user_id == Some(id) && waiting.session_id == Some(person.session_id);
    let Some(waiting) = waiting.filter(is_theirs) else {
        tx.commit().await?;
        return Err(ceremony::over().into());
    };
    let Some(credential) = judge_new(&party, waiting.state, answer.credential)? else {
        return refuse(tx, id, wrong()).await;
    };
    let is_first = !is_bound(&mut tx, id).await?;
    let stored = serde_json::to_value(&credential).map_err(anyhow::Error::from)?;
    let now = tx.now();
    let passkey = Passkey {
        id: PasskeyId::new(now),
        name: name.0.clone(),
        is_backed_up: stored["cred"]["backup_state"].as_bool().unwrap_or_default(),
        created_at: now,
        last_used_at: None,
    };
    if !store::insert_passkey(&mut tx, id, &passkey, credential.cred_id(), &stored).await? {
        return refuse(tx, id, Rejection::conflict("passkey_taken", "This passkey is registered already.")).await;
    }
    let recovery_codes = if is_first { codes::renew(&mut tx, id).await? } else { Vec::new() };
    if is_first {
        sessions::end_others(&mut tx, id, person.session_id).await?;
    }
    let event = Event::success("passkey.added").on("user", id).detail("passkey_id", passkey.id.to_string());
    audit::record(&mut tx, event.detail("name", passkey.name.as_str())).await?;
    tell(&mut tx, id, FactorChange::PasskeyAdded).await?;
    let cleared = caller::ask(&mut tx, id, Act::BeginAnew { assurance: Assurance::TwoFactors }).await?;
    Ok((tx, cleared.map_err(|_| Rejection::token_refused())?, Added { passkey, recovery_codes }))
}

/// Notes that a passkey was not added, and that the challenge is used up.
async fn refuse<T>(mut tx: Tx, id: UserId, rejection: Rejection) -> AppResult<T> {
    audit::record(&mut tx, Event::failure("passkey.added").on("user", id)).await?;
    tx.commit().await?;
    Err(rejection.into())
}

fn judge_new(party: &Webauthn, state: Value, answer: Map<String, Value>) -> AppResult<Option<Credential>> {
    let state: PasskeyRegistration = serde_json::from_value(state).map_err(anyhow::Error::from)?;
    let Ok(answer) = serde_json::from_value::<RegisterPublicKeyCredential>(answer.into()) else { return Ok(None) };
    let judged = party.finish_passkey_registration(&answer, &state);
    Ok(judged.ok().filter(|credential| (1..=CREDENTIAL_ID_BYTES_MAX).contains(&credential.cred_id().len())))
}

fn wrong() -> Rejection {
    Rejection::unprocessable_field("/credential", "wrong_passkey", "What the authenticator has answered does not fit.")
}

async fn rename(tx: &mut Tx, person: &Person, id: PasskeyId, name: &Name) -> AppResult<Passkey> {
    users::lock(tx, person.authority(), person.user_id).await?;
    let before = find(tx, person.user_id, id).await?;
    store::update_name(tx, person.user_id, id, &name.0).await?;
    let after = Passkey { name: name.0.clone(), ..before.clone() };
    let event = Event::success("passkey.renamed").on("user", person.user_id).changed(&before, &after);
    audit::record(tx, event.detail("passkey_id", id.to_string())).await?;
    Ok(after)
}

/// Removes one. With the last second factor the recovery codes go too.
async fn remove(tx: &mut Tx, person: &Person, id: PasskeyId) -> AppResult<()> {
    let user = users::lock(tx, person.authority(), person.user_id).await?;
    let passkey = find(tx, user.id, id).await?;
    store::delete_passkey(tx, user.id, id).await?;
    settle(tx, user.id).await?;
    require_none_owed(tx, user.id).await?;
    let event = Event::success("passkey.removed").on("user", user.id).detail("passkey_id", id.to_string());
    audit::record(tx, event.detail("name", passkey.name)).await?;
    tell(tx, user.id, FactorChange::PasskeyRemoved).await
}

/// Removes all of a user's. How many there were.
pub(super) async fn forget(tx: &mut Tx, user_id: UserId) -> DbResult<u64> {
    store::delete_all_passkeys(tx, user_id).await
}

/// Asks for a passkey to sign in with: for one of whoever waits to show a second factor, or for any, so that nobody learns which there
/// are.
pub async fn ask(app: &App, tx: &mut Tx, asked: Option<Asked>) -> AppResult<Ceremony> {
    let (user_id, asked_at) = (asked.map(|asked| asked.user_id), asked.and_then(|asked| asked.at));
    let (wanted, state) = relying_party(app)?.start_discoverable_authentication().map_err(anyhow::Error::from)?;
    let mut options = serde_json::to_value(wanted).map_err(anyhow::Error::from)?["publicKey"].take();
    // It asks how somebody was verified, which only few browsers tell and nobody here looks at.
    if let Some(options) = options.as_object_mut() {
        options.remove("extensions");
    }
    if let Some(id) = user_id {
        let known = store::list_credential_ids(tx, id).await?;
        let wanted = known.iter().map(|id| json!({ "type": "public-key", "id": URL_SAFE_NO_PAD.encode(id) }));
        options["allowCredentials"] = wanted.collect();
    }
    let mut state = serde_json::to_value(state).map_err(anyhow::Error::from)?;
    // Beside what webauthn-rs has written, which overlooks it.
    state[ASKED_AT] = json!(asked_at);
    ceremony::begin(tx, Kind::SignIn, &Waiting { user_id, session_id: None, state }, options).await
}

/// Judges the answer. What it comes to, and that the challenge is used up, is in the transaction, which is to be committed either way.
pub async fn prove(app: &App, tx: &mut Tx, answer: Answer<'_>) -> AppResult<Judged> {
    let party = relying_party(app)?;
    let Some(waiting) = ceremony::take(tx, Kind::SignIn, answer.ceremony).await? else {
        return Ok(Judged { proof: Proof::Wrong(None), asked_at: None });
    };
    let (user_id, asked_at) = (waiting.user_id, waiting.state[ASKED_AT].as_str().and_then(|at| at.parse().ok()));
    let proof = judge(&party, tx, waiting, answer.credential).await?;
    let (Proof::Right(shown) | Proof::Wrong(Some(shown))) = proof else { return Ok(Judged { proof, asked_at: None }) };
    // Whoever shows a passkey of somebody else's goes on with no sign-in of theirs.
    Ok(Judged { proof, asked_at: asked_at.filter(|_| user_id == Some(shown)) })
}

async fn judge(party: &Webauthn, tx: &mut Tx, waiting: Waiting, credential: Map<String, Value>) -> AppResult<Proof> {
    let state: DiscoverableAuthentication = serde_json::from_value(waiting.state).map_err(anyhow::Error::from)?;
    let Ok(answer) = serde_json::from_value::<PublicKeyCredential>(credential.into()) else {
        return Ok(Proof::Wrong(None));
    };
    let Some(shown) = store::lock_credential(tx, answer.get_credential_id()).await? else { return Ok(Proof::Wrong(None)) };
    // The authenticator names its owner. Where they were named before, it need not.
    let is_owner = match party.identify_discoverable_authentication(&answer) {
        Ok((handle, _)) => handle == shown.handle && waiting.user_id.is_none_or(|id| id == shown.user_id),
        Err(_) => waiting.user_id == Some(shown.user_id) && answer.response.user_handle.is_none(),
    };
    if !is_owner {
        return Ok(Proof::Wrong(Some(shown.user_id)));
    }
    let mut credential: Credential = serde_json::from_value(shown.credential).map_err(anyhow::Error::from)?;
    let result = match party.finish_discoverable_authentication_v2(&answer, state, &credential) {
        Ok(result) => result,
        Err(error) => {
            if matches!(error, WebauthnError::CredentialPossibleCompromise) {
                // Somebody may have a copy of the key.
                let event = Event::failure("passkey.copied").on("user", shown.user_id);
                audit::record(tx, event.detail("passkey_id", shown.id.to_string())).await?;
            }
            return Ok(Proof::Wrong(Some(shown.user_id)));
        }
    };
    credential.update_credential(&result);
    let credential = serde_json::to_value(&credential).map_err(anyhow::Error::from)?;
    store::note_use(tx, shown.id, &credential, result.backup_state()).await?;
    Ok(Proof::Right(shown.user_id))
}
