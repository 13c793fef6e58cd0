//! Failures as `application/problem+json` (RFC 9457). Rendered in one place, with the request id, whoever refused.

use aide::generate::GenContext;
use aide::openapi::{Operation, Response as ApiResponse, StatusCode as ApiStatus};
use aide::operation::OperationOutput;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::error::{AppError, Challenge, FieldError, Rejection};
use crate::languages::{self, Language};
use crate::{html, telemetry};

pub const CONTENT_TYPE: &str = "application/problem+json";

/// What went wrong and what to mend (RFC 9457).
#[derive(Debug, Serialize, JsonSchema)]
pub struct Problem {
    /// Always `about:blank`: the `code` tells kinds apart.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// Stable name of the kind of failure, in `snake_case`.
    pub code: &'static str,
    /// What to mend, for people; may change.
    pub detail: String,
    /// Names this request in the server's log.
    pub request_id: String,
    /// Every fault of the request, and where it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// What some kinds of failure say beside.
    #[serde(flatten)]
    #[schemars(skip)]
    pub more: Map<String, Value>,
}

/// A refusal on its way out; [`render`] makes the body.
#[derive(Clone)]
struct Pending(Rejection);

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        match self {
            Self::Rejected(rejection) => rejection.into_response(),
            Self::Internal(error) => {
                let text = telemetry::without_addresses(&format!("{error:#}"));
                tracing::error!(error = text, "a request failed");
                let detail = "The server failed. The request id names this failure in its log.";
                Rejection::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail).into_response()
            }
        }
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(Pending(self));
        response
    }
}

/// The code of a refusal that is on its way out.
pub fn code(response: &Response) -> &'static str {
    response.extensions().get::<Pending>().map_or("", |pending| pending.0.code)
}

/// Gives every failure its problem body. Refusals of the router and of layers (404, 405, 413 ...) get theirs here too.
pub fn render(response: Response, request_id: &str, wants_html: bool) -> Response {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let rejection = match parts.extensions.remove::<Pending>() {
        Some(Pending(rejection)) => rejection,
        // A page or a probe that renders its own failures.
        None if parts.headers.contains_key(header::CONTENT_TYPE) && has_own_body(&parts.headers) => {
            return Response::from_parts(parts, body);
        }
        None => from_status(status),
    };
    let language = languages::now();
    let (rejection, title) = (in_words(rejection, language), title(status, language));
    if wants_html && let Some(mut page) = html::problem(&rejection, &title, request_id) {
        if let Some(seconds) = rejection.retry_after_seconds {
            page.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        return page;
    }
    let problem = Problem {
        kind: "about:blank",
        title,
        status: status.as_u16(),
        code: rejection.code,
        detail: rejection.detail,
        request_id: request_id.to_owned(),
        errors: rejection.errors,
        more: rejection.more.map(|more| *more).unwrap_or_default(),
    };
    let json = serde_json::to_vec(&problem).expect("a problem is plain data");
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    parts.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if language != Language::ENGLISH {
        parts.headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
    }
    if status == StatusCode::UNAUTHORIZED {
        parts.headers.insert(header::WWW_AUTHENTICATE, challenge(rejection.challenge));
    }
    if let Some(seconds) = rejection.retry_after_seconds {
        parts.headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    Response::from_parts(parts, Body::from(json))
}

fn has_own_body(headers: &http::HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type.starts_with("text/html") || content_type.starts_with("application/json")
}

/// RFC 6750, section 3; RFC 9470, section 3.
fn challenge(challenge: Challenge) -> HeaderValue {
    match challenge {
        Challenge::TokenMissing => HeaderValue::from_static("Bearer realm=\"usher\""),
        Challenge::TokenRefused => HeaderValue::from_static("Bearer realm=\"usher\", error=\"invalid_token\""),
        Challenge::ProofTooOld { age_seconds_max } => {
            let text =
                format!("Bearer realm=\"usher\", error=\"insufficient_user_authentication\", max_age=\"{age_seconds_max}\"");
            HeaderValue::from_str(&text).expect("a number in ASCII text is a header's value")
        }
    }
}

/// In the language of who asks, as far as it has words for it.
fn in_words(rejection: Rejection, language: Language) -> Rejection {
    let detail = language.problem(rejection.code, &rejection.detail);
    let fault = |error: FieldError| {
        let said = language.fault(&error.code, &error.detail);
        FieldError { detail: said.unwrap_or(error.detail), ..error }
    };
    Rejection { detail, errors: rejection.errors.into_iter().map(fault).collect(), ..rejection }
}

fn title(status: StatusCode, language: Language) -> String {
    let english = match status {
        // RFC 9110's words; the library still has older ones.
        StatusCode::UNPROCESSABLE_ENTITY => "Unprocessable Content",
        StatusCode::PAYLOAD_TOO_LARGE => "Content Too Large",
        other => other.canonical_reason().unwrap_or("Error"),
    };
    language.title(status.as_u16()).unwrap_or_else(|| english.to_owned())
}

fn from_status(status: StatusCode) -> Rejection {
    let (code, detail) = match status {
        StatusCode::NOT_FOUND => return Rejection::not_found(),
        StatusCode::METHOD_NOT_ALLOWED => {
            ("method_not_allowed", "This address does not take this method; `Allow` names those it takes.")
        }
        StatusCode::PAYLOAD_TOO_LARGE => ("body_too_large", "The request body is larger than this address takes."),
        StatusCode::URI_TOO_LONG => ("uri_too_long", "The address of the request is longer than 8 KiB."),
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            ("headers_too_large", "The request's headers are larger than 16 KiB or more than 100.")
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ("unsupported_media_type", "Send `Content-Type: application/json`."),
        StatusCode::MISDIRECTED_REQUEST => {
            ("misdirected_request", "This server does not answer for the host named in the request.")
        }
        StatusCode::SERVICE_UNAVAILABLE => ("overloaded", "The server could not answer in time. Try again shortly."),
        _ if status.is_client_error() => ("malformed_request", "The request does not fit this address."),
        _ => ("internal", "The server failed. The request id names this failure in its log."),
    };
    Rejection {
        retry_after_seconds: (status == StatusCode::SERVICE_UNAVAILABLE).then_some(1),
        ..Rejection::new(status, code, detail)
    }
}

impl OperationOutput for AppError {
    type Inner = Problem;

    /// Which statuses an operation may fail with is declared with it; see [`super::api`].
    fn inferred_responses(_: &mut GenContext, _: &mut Operation) -> Vec<(Option<ApiStatus>, ApiResponse)> {
        Vec::new()
    }
}
