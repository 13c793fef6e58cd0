//! How often operations may be called. Public ones are limited by network, the others by caller; what is not an operation of the
//! API (probes, pages that only read, documentation) is for the proxy to limit.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, Method};

use super::api::Access;
use crate::app::App;
use crate::caller::{Caller, Person};
use crate::db::{Actor, Origin};
use crate::error::{AppResult, Rejection};
use crate::throttle::{self, Limit, Taken};

/// Public operations, unless they say otherwise.
const PER_NETWORK: Limit = Limit::per_minutes("network", 300, 1);
/// Everything that needs a credential.
const PER_CALLER: Limit = Limit::per_minutes("caller", 1200, 1);
/// Operations that may cause a mail.
pub const MAILING: Limit = Limit::per_minutes("mailing", 60, 10);
/// Operations that check a password.
pub const PASSWORDS: Limit = Limit::per_minutes("passwords", 300, 10);

const POLICY_FIELD: HeaderName = HeaderName::from_static("ratelimit-policy");
const FIELD: HeaderName = HeaderName::from_static("ratelimit");

/// What holds for an operation that says nothing else. Public ones that only read are documents and probes.
pub fn usual(method: &Method, access: Access) -> Option<Limit> {
    match access {
        Access::Public if *method == Method::GET => None,
        Access::Public => Some(PER_NETWORK),
        _ => Some(PER_CALLER),
    }
}

/// Takes one for the network that a public request comes from.
pub async fn take_of_network(app: &App, limit: Option<Limit>, origin: &Origin) -> AppResult<Option<Taken>> {
    match limit {
        Some(limit) if !throttle::is_exempt(app, origin.address) => {
            Ok(Some(throttle::take(app, limit, &origin.network().to_string()).await?))
        }
        _ => Ok(None),
    }
}

/// Takes one for the subject that calls, whatever number of sessions it has.
pub async fn take_of_caller(app: &App, limit: Option<Limit>, caller: &Caller) -> AppResult<Option<Taken>> {
    match limit {
        Some(limit) if !throttle::is_exempt(app, caller.origin.address) => {
            Ok(Some(app.portions.take(app, limit, &caller.cleared.subject().id().to_string()).await?))
        }
        _ => Ok(None),
    }
}

/// Takes one of what everybody who is recognised may ask for, or says when to come back.
pub async fn admit(app: &App, caller: &Caller) -> AppResult<()> {
    require(take_of_caller(app, Some(PER_CALLER), caller).await?)
}

/// Takes one of the mails that a person may cause, or says when to come back: by a page it is the same one as by the API.
pub async fn admit_to_mail(app: &App, person: &Person) -> AppResult<()> {
    if throttle::is_exempt(app, person.origin.address) {
        return Ok(());
    }
    require(Some(app.portions.take(app, MAILING, &person.user_id.uuid().to_string()).await?))
}

/// Refuses when the limit is met.
pub fn require(taken: Option<Taken>) -> AppResult<()> {
    match taken {
        Some(taken) if !taken.granted => Err(Rejection::too_many_requests(taken.seconds).into()),
        _ => Ok(()),
    }
}

/// Forms of pages cost what the operations behind them cost.
pub async fn guard_forms(State(app): State<App>, request: Request, next: Next) -> Response {
    guard(app, PASSWORDS, request, next).await
}

/// Those that may cause a mail.
pub async fn guard_mailing_forms(State(app): State<App>, request: Request, next: Next) -> Response {
    guard(app, MAILING, request, next).await
}

async fn guard(app: App, limit: Limit, request: Request, next: Next) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    let origin = request.extensions().get::<Origin>().cloned().unwrap_or_else(|| Origin::of(Actor::Anonymous));
    let taken = match take_of_network(&app, Some(limit), &origin).await {
        Ok(taken) => taken,
        Err(error) => return error.into_response(),
    };
    let response = match require(taken) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    };
    tell(response, Some(limit), taken)
}

/// The `RateLimit` fields (draft-ietf-httpapi-ratelimit-headers).
pub fn tell(mut response: Response, limit: Option<Limit>, taken: Option<Taken>) -> Response {
    let (Some(limit), Some(taken)) = (limit, taken) else { return response };
    let policy = format!("\"{}\";q={};w={}", limit.name, limit.quota, limit.window.as_secs());
    let state = format!("\"{}\";r={};t={}", limit.name, taken.remaining, taken.seconds);
    for (name, value) in [(POLICY_FIELD, policy), (FIELD, state)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
