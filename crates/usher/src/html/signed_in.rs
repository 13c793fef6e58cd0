//! Somebody who is signed in. Whether their session lives is judged by the gate for every page, and without one they are led to the
//! sign-in and back. What they send is bound to their session.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, Method};
use minijinja::value::Serde;
use minijinja::{Value, context};

use super::cookies::{self, Cookie, Cookies};
use super::forms::{self, Faults, Members};
use super::languages::heed_profile;
use super::return_to::ReturnTo;
use super::see_other;
use crate::app::App;
use crate::caller::{self, Person, Presence, Recognised};
use crate::db::Origin;
use crate::error::{AppResult, Rejection};
use crate::http::limits;
use crate::secret::SecretText;

/// Where a second factor is bound.
const BINDING: &str = "/account/second-factors";

/// What has just happened, for the page that people come to then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    ProfileSaved,
    UsernameChanged,
    UserCreated,
    AddressRequested,
    AddressWithdrawn,
    PrimaryChosen,
    AddressRemoved,
    ChangeMade,
    LinkMailed,
    ChangeUndone,
    NothingToUndo,
    RunPaused,
    RunResumed,
    Made,
    Saved,
    Removed,
    Revoked,
    Sent,
    PasswordChanged,
    SessionEnded,
    OthersEnded,
    SecondFactorRemoved,
    DeviceDistrusted,
    DevicesDistrusted,
    KeyRevoked,
    ApprovalAsked,
    ApprovalWithdrawn,
    AvatarSaved,
    AvatarRemoved,
    PasskeyAdded,
    PasskeyRenamed,
    PasskeyRemoved,
}

pub(super) const NOTICES: [Notice; 32] = [
    Notice::ProfileSaved,
    Notice::UsernameChanged,
    Notice::UserCreated,
    Notice::AddressRequested,
    Notice::AddressWithdrawn,
    Notice::PrimaryChosen,
    Notice::AddressRemoved,
    Notice::ChangeMade,
    Notice::LinkMailed,
    Notice::ChangeUndone,
    Notice::NothingToUndo,
    Notice::RunPaused,
    Notice::RunResumed,
    Notice::Made,
    Notice::Saved,
    Notice::Removed,
    Notice::Revoked,
    Notice::Sent,
    Notice::PasswordChanged,
    Notice::SessionEnded,
    Notice::OthersEnded,
    Notice::SecondFactorRemoved,
    Notice::DeviceDistrusted,
    Notice::DevicesDistrusted,
    Notice::KeyRevoked,
    Notice::ApprovalAsked,
    Notice::ApprovalWithdrawn,
    Notice::AvatarSaved,
    Notice::AvatarRemoved,
    Notice::PasskeyAdded,
    Notice::PasskeyRenamed,
    Notice::PasskeyRemoved,
];

impl Notice {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::ProfileSaved => "profile_saved",
            Self::UsernameChanged => "username_changed",
            Self::UserCreated => "user_created",
            Self::AddressRequested => "address_requested",
            Self::AddressWithdrawn => "address_withdrawn",
            Self::PrimaryChosen => "primary_chosen",
            Self::AddressRemoved => "address_removed",
            Self::ChangeMade => "change_made",
            Self::LinkMailed => "link_mailed",
            Self::ChangeUndone => "change_undone",
            Self::NothingToUndo => "nothing_to_undo",
            Self::RunPaused => "run_paused",
            Self::RunResumed => "run_resumed",
            Self::Made => "made",
            Self::Saved => "saved",
            Self::Removed => "removed",
            Self::Revoked => "revoked",
            Self::Sent => "sent",
            Self::PasswordChanged => "password_changed",
            Self::SessionEnded => "session_ended",
            Self::OthersEnded => "others_ended",
            Self::SecondFactorRemoved => "second_factor_removed",
            Self::DeviceDistrusted => "device_distrusted",
            Self::DevicesDistrusted => "devices_distrusted",
            Self::KeyRevoked => "key_revoked",
            Self::ApprovalAsked => "approval_asked",
            Self::ApprovalWithdrawn => "approval_withdrawn",
            Self::AvatarSaved => "avatar_saved",
            Self::AvatarRemoved => "avatar_removed",
            Self::PasskeyAdded => "passkey_added",
            Self::PasskeyRenamed => "passkey_renamed",
            Self::PasskeyRemoved => "passkey_removed",
        }
    }
}

/// Who opens the page.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub person: Person,
    /// What to call them.
    pub name: String,
    /// The URL of their picture.
    avatar_url: String,
    /// The one that their profile names. Times are in it; in UTC, if there is none.
    time_zone: Option<String>,
    secret: SecretText,
    notice: Option<Notice>,
}

impl SignedIn {
    /// Whose session the browser shows, if it lives. They may ask as often as by the API.
    pub(super) async fn recognise(app: &App, cookies: &Cookies, origin: Origin, presence: Presence) -> AppResult<Option<Self>> {
        let Some(secret) = cookies.get(Cookie::Session) else { return Ok(None) };
        let found = caller::recognise_browser(app, secret, origin, presence).await?;
        let Some(Recognised { caller, name, avatar_url, locale, time_zone }) = found else { return Ok(None) };
        heed_profile(cookies, locale.as_deref(), time_zone.as_deref());
        limits::admit(app, &caller).await?;
        let person = caller.person().ok_or_else(|| anyhow::anyhow!("a session in a browser is a person's"))?;
        let shown = cookies.get(Cookie::Notice).map(SecretText::reveal);
        let notice = NOTICES.into_iter().find(|notice| Some(notice.as_str()) == shown);
        Ok(Some(Self { person, name, avatar_url, time_zone, secret: secret.clone(), notice }))
    }

    /// A page of theirs. `here` is its path, as the navigation names it.
    pub fn page(&self, app: &App, here: &str, name: &str, values: Value, faults: &Faults) -> AppResult<Response> {
        let own = context! {
            here => here,
            person_name => self.name.as_str(),
            person_avatar => self.avatar_url.as_str(),
            zone => self.time_zone.as_deref(),
            form_token => forms::token(app, &self.secret),
            notice => self.notice.map(Notice::as_str),
            opens_console => self.person.permissions.opens_console(),
            duty => self.person.duty.map(|duty| context! { due_at => Serde(duty.due_at), is_overdue => duty.is_overdue }),
        };
        let mut response = super::page_with(name, context! { ..own, ..values }, faults)?;
        if self.notice.is_some() {
            cookies::forget(app, &mut response, Cookie::Notice)?;
        }
        Ok(response)
    }

    /// The same person in the session that has taken the place of theirs: what is shown to them now is bound to that one.
    #[must_use]
    pub fn renewed(&self, secret: &SecretText) -> Self {
        Self { secret: secret.clone(), ..self.clone() }
    }

    /// The same person as they stand now, if they may go on; for what goes on while nobody may be there.
    pub async fn again(&self, app: &App) -> AppResult<Option<Self>> {
        let origin = self.person.origin.clone();
        let found = caller::recognise_browser(app, &self.secret, origin, Presence::Perhaps).await?;
        let person = found.and_then(|found| found.caller.person()).filter(|person| !person.owes_second_factor());
        Ok(person.map(|person| Self { person, ..self.clone() }))
    }

    /// Refuses what was sent without a token of theirs.
    pub(super) fn require_token(&self, app: &App, token: Option<&SecretText>) -> Result<(), Rejection> {
        forms::require_token(app, Some(&self.secret), token)
    }

    /// The way by their password and back, if what they want to do needs a fresh proof of who they are.
    pub fn way_by_proof(&self, app: &App, back: &str) -> Option<Response> {
        self.person.require_proof(app.clock.now()).err()?;
        Some(see_other(&proof_page(app, back)))
    }
}

/// The page that asks for the proof and leads on to `back`.
pub fn proof_page(app: &App, back: &str) -> String {
    ReturnTo::parse(back, &app.config.server.public_url).by_way_of("/reauthenticate")
}

/// On to a page that says what has happened.
pub fn done(app: &App, path: &str, notice: Notice) -> AppResult<Response> {
    let mut response = see_other(path);
    cookies::set(app, &mut response, Cookie::Notice, notice.as_str(), None)?;
    Ok(response)
}

impl FromRequestParts<App> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let found = async {
            let cookies = Cookies::read(&parts.headers, app.config.server.public_url.is_https())?;
            let origin = parts.extensions.get::<Origin>().cloned();
            let origin = origin.ok_or_else(|| anyhow::anyhow!("the layer that notes the origin is missing"))?;
            Self::recognise(app, &cookies, origin, presence(&parts.headers)).await
        };
        match found.await {
            Ok(Some(signed_in)) if signed_in.person.owes_second_factor() && !is_open_to_owing(parts.uri.path()) => {
                Err(see_other(BINDING))
            }
            Ok(Some(signed_in)) => Ok(signed_in),
            Ok(None) => Err(see_other(&way_back(app, parts).by_way_of("/sign-in"))),
            Err(error) => Err(error.into_response()),
        }
    }
}

/// A browser says that a page is opened or a form sent by `navigate`; anything else is asked for by a script.
pub(super) fn presence(headers: &HeaderMap) -> Presence {
    let is_there = headers.get("sec-fetch-mode").is_none_or(|mode| mode == "navigate");
    if is_there { Presence::There } else { Presence::Perhaps }
}

/// Whether a page is open to who owes a second factor: it binds one, proves who they are, or leads out.
fn is_open_to_owing(path: &str) -> bool {
    path.starts_with(BINDING)
        || path.starts_with("/account/passkeys")
        || ["/reauthenticate", "/reauthenticate/passkey", "/sign-out"].contains(&path)
}

/// A page that was opened is come back to; what was sent is not sent again.
fn way_back(app: &App, parts: &Parts) -> ReturnTo {
    if parts.method != Method::GET {
        return ReturnTo::default();
    }
    let here = parts.uri.path_and_query().map_or("", http::uri::PathAndQuery::as_str);
    ReturnTo::parse(here, &app.config.server.public_url)
}

/// A form of such a page that was sent.
pub struct SignedForm {
    pub signed_in: SignedIn,
    pub members: Members,
}

impl FromRequest<App> for SignedForm {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Self::Rejection> {
        let (mut parts, body) = request.into_parts();
        let signed_in = SignedIn::from_request_parts(&mut parts, app).await;
        let bytes = Members::read(Request::from_parts(parts, body)).await.map_err(IntoResponse::into_response)?;
        let signed_in = signed_in?;
        let members = Members::of(app, &bytes, Some(&signed_in.secret)).map_err(Rejection::into_response)?;
        Ok(Self { signed_in, members })
    }
}
