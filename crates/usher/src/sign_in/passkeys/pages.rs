//! The forms in which a script sends what an authenticator has answered, and the page that asks for it as a fresh proof.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use minijinja::context;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::app::App;
use crate::error::AppResult;
use crate::html::{Cookie, Faults, ReturnTo, SignedForm, SignedIn, VisitorForm, cookies, see_other};
use crate::languages::now;
use crate::second_factors::passkeys::Answer;
use crate::secret::SecretText;
use crate::sign_in::pages::{ask as ask_who, carried, enter, go_on};

const AGAIN_PAGE: &str = "sign_in/passkeys/again.html";

pub fn router() -> Router<App> {
    Router::new()
        .route("/sign-in/passkey", post(submit_passkey))
        .route("/reauthenticate/passkey", get(show_again).post(submit_again))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PasskeyForm {
    ceremony: SecretText,
    credential: String,
    #[serde(default)]
    #[expect(dead_code, reason = "it is read before the others are looked at")]
    return_to: Option<String>,
}

impl PasskeyForm {
    fn answer(&self) -> Answer<'_> {
        Answer { ceremony: &self.ceremony, credential: serde_json::from_str(&self.credential).unwrap_or_default() }
    }
}

async fn submit_passkey(State(app): State<App>, form: VisitorForm) -> AppResult<Response> {
    let VisitorForm { visitor, members } = form;
    let return_to = carried(&app, &members);
    let before = visitor.signed_in.as_ref().map(|before| before.person.session_id);
    let held = super::Held { device: visitor.device_token.as_ref(), pending: visitor.pending.as_ref() };
    let begun = match members.parse::<PasskeyForm>() {
        Ok(form) => super::sign_in_in_browser(&app, &visitor.origin, form.answer(), held, before).await,
        Err(error) => Err(error),
    };
    match begun {
        Ok(begun) => {
            let mut response = enter(&app, &begun, &return_to)?;
            cookies::forget(&app, &mut response, Cookie::Pending)?;
            Ok(response)
        }
        Err(error) if is_refused(error.code()) => ask_who(&app, &visitor, "identifier", "", &return_to, &refused()),
        Err(error) => Err(error),
    }
}

fn refused() -> Faults {
    Faults::at("passkey", now().word("sign-in-passkey-refused"))
}

fn is_refused(code: Option<&str>) -> bool {
    matches!(code, Some("invalid_credentials" | "invalid_body"))
}

async fn show_again(signed_in: SignedIn, State(app): State<App>, return_to: ReturnTo) -> AppResult<Response> {
    ask_again(&app, &signed_in, &return_to, &Faults::default()).await
}

async fn submit_again(State(app): State<App>, form: SignedForm) -> AppResult<Response> {
    let SignedForm { signed_in, members } = form;
    let return_to = carried(&app, &members);
    let proven = match members.parse::<PasskeyForm>() {
        Ok(form) => super::again_in_browser(&app, &signed_in.person, form.answer()).await,
        Err(error) => Err(error),
    };
    match proven {
        Ok(session) => go_on(&app, &session, &return_to),
        Err(error) if is_refused(error.code()) => ask_again(&app, &signed_in, &return_to, &refused()).await,
        Err(error) => Err(error),
    }
}

async fn ask_again(app: &App, signed_in: &SignedIn, return_to: &ReturnTo, faults: &Faults) -> AppResult<Response> {
    let other_way = return_to.by_way_of("/reauthenticate");
    if !super::has_any(app, &signed_in.person.origin, signed_in.person.user_id).await? {
        return Ok(see_other(&other_way));
    }
    let values = context! {
        return_to => return_to.path(),
        came_by => return_to.by_way_of("/reauthenticate/passkey"),
        other_way => other_way,
    };
    signed_in.page(app, "", AGAIN_PAGE, values, faults)
}
