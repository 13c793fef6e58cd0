//! Two kinds of failure: a [`Rejection`] is what the caller can mend, everything else is ours and shows only a request id.

use std::borrow::Cow;
use std::fmt;

use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

/// What an operation or a handler fails with.
#[derive(Debug)]
pub enum AppError {
    Rejected(Box<Rejection>),
    Internal(anyhow::Error),
}

pub type AppResult<T> = Result<T, AppError>;

/// An answer that tells the caller what to mend (RFC 9457).
#[derive(Clone, Debug)]
pub struct Rejection {
    pub status: StatusCode,
    /// Stable, `snake_case`; clients may match on it.
    pub code: &'static str,
    /// For people. May change.
    pub detail: String,
    pub errors: Vec<FieldError>,
    pub retry_after_seconds: Option<u32>,
    /// What `WWW-Authenticate` says, when the status is 401.
    pub challenge: Challenge,
    /// Members of the body beside those of every problem (RFC 9457, section 3.2).
    pub more: Option<Box<Map<String, Value>>>,
}

/// What a bearer is told in `WWW-Authenticate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// No token was presented.
    TokenMissing,
    /// A token was presented and refused (RFC 6750, section 3.1).
    TokenRefused,
    /// The token is good, but the person must prove again who they are (RFC 9470).
    ProofTooOld { age_seconds_max: i64 },
}

/// One fault of the request, and where it is.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the request body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// Name of the query parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// Name of the request header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// Stable, `snake_case`.
    pub code: Cow<'static, str>,
    /// What to mend.
    pub detail: String,
}

impl FieldError {
    pub fn at_pointer(pointer: impl Into<String>, code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self { pointer: Some(pointer.into()), parameter: None, header: None, code: code.into(), detail: detail.into() }
    }

    pub fn at_parameter(name: impl Into<String>, code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self { pointer: None, parameter: Some(name.into()), header: None, code: code.into(), detail: detail.into() }
    }

    /// `password must have at least 15 characters`; a whole sentence stands for itself.
    fn in_words(&self) -> String {
        let place = self.pointer.as_deref().or(self.parameter.as_deref()).or(self.header.as_deref()).unwrap_or_default();
        let name = place.trim_start_matches('/').split('/').next().unwrap_or_default();
        if name.is_empty() || self.detail.starts_with(char::is_uppercase) {
            return self.detail.clone();
        }
        format!("{name} {}", self.detail)
    }

    pub fn at_header(name: impl Into<String>, code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self { pointer: None, parameter: None, header: Some(name.into()), code: code.into(), detail: detail.into() }
    }
}

impl Rejection {
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after_seconds: None,
            challenge: Challenge::TokenMissing,
            more: None,
        }
    }

    /// With a member of its own in the body.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.get_or_insert_default().insert(name.to_owned(), value.into());
        self
    }

    pub fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "Send a valid access token or API key: `Authorization: Bearer <token>`.",
        )
    }

    /// An access token or API key that does not open anything (any more).
    pub fn token_refused() -> Self {
        Self { challenge: Challenge::TokenRefused, ..Self::unauthorized() }
    }

    /// The operation is a person's own: a key does not do.
    pub fn session_required() -> Self {
        Self::new(StatusCode::FORBIDDEN, "session_required", "Only a person who has signed in may do this; an API key may not.")
    }

    pub fn second_factor_required() -> Self {
        let detail = "You need a second factor. Bind one first: at /account/second-factors, or by \
                      `POST /v1/me/second-factors/totp` in a session.";
        Self::new(StatusCode::FORBIDDEN, "second_factor_required", detail)
    }

    pub fn fresh_authentication_required(age_seconds_max: i64) -> Self {
        let detail = "This needs a fresh proof of who you are: `POST /v1/reauthenticate`, then ask again with the new token.";
        let challenge = Challenge::ProofTooOld { age_seconds_max };
        Self { challenge, ..Self::new(StatusCode::UNAUTHORIZED, "fresh_authentication_required", detail) }
    }

    /// Who somebody says they are, or the token they hold, did not convince.
    pub fn unauthenticated(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, detail)
    }

    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is nothing at this address.")
    }

    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    pub fn invalid_body(errors: Vec<FieldError>) -> Self {
        let detail = "The request body does not fit; `errors` says where and how.";
        Self { errors, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_body", detail) }
    }

    /// The body is well-formed, but what it says can't be done.
    pub fn unprocessable(code: &'static str, errors: Vec<FieldError>, detail: impl Into<String>) -> Self {
        Self { errors, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail) }
    }

    /// One thing at one field of a well-formed body that can't be done; the code is the fault's.
    pub fn unprocessable_field(pointer: &str, code: &'static str, detail: &'static str) -> Self {
        Self::unprocessable(code, vec![FieldError::at_pointer(pointer, code, detail)], detail)
    }

    /// One fault at one field of the body.
    pub fn invalid_field(pointer: &str, code: &'static str, detail: impl Into<String>) -> Self {
        Self::invalid_body(vec![FieldError::at_pointer(pointer, code, detail)])
    }

    pub fn invalid_query(errors: Vec<FieldError>) -> Self {
        let detail = "The query string does not fit; `errors` says where and how.";
        Self { errors, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_query", detail) }
    }

    /// What is wrong with a parameter is wrong with the member of the body that has its name.
    #[must_use]
    pub fn of_a_body(self) -> Self {
        let named =
            |error: FieldError| FieldError { pointer: error.parameter.map(|name| format!("/{name}")), parameter: None, ..error };
        Self::invalid_body(self.errors.into_iter().map(named).collect())
    }

    /// The same for the member of this name, which is no parameter.
    #[must_use]
    pub fn of_member(self, name: &str) -> Self {
        let named = |error: FieldError| FieldError { pointer: Some(format!("/{name}")), parameter: None, ..error };
        Self::invalid_body(self.errors.into_iter().map(named).collect())
    }

    /// Asked too often or guessed too often; nobody is told which, nor whether there is such an account.
    pub fn too_many_requests(retry_after_seconds: u32) -> Self {
        let detail = "Too many attempts. Wait as long as `Retry-After` says, then try again.";
        let retry_after_seconds = Some(retry_after_seconds);
        Self { retry_after_seconds, ..Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail) }
    }

    pub fn unavailable(code: &'static str, detail: impl Into<String>, retry_after_seconds: u32) -> Self {
        Self { retry_after_seconds: Some(retry_after_seconds), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail) }
    }
}

impl AppError {
    /// The rejection's code, if it is one.
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Self::Rejected(rejection) => Some(rejection.code),
            Self::Internal(_) => None,
        }
    }

    /// Whether nothing is wrong but that whoever asks has not proved lately who they are.
    pub fn asks_for_proof(&self) -> bool {
        self.code() == Some("fresh_authentication_required")
    }
}

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(rejection) => {
                // At the command line there is no body to point into: the faults alone say it.
                let faults: Vec<String> = rejection.errors.iter().map(FieldError::in_words).collect();
                if faults.is_empty() { f.write_str(&rejection.detail) } else { f.write_str(&faults.join("\n")) }
            }
            Self::Internal(error) => write!(f, "{error:#}"),
        }
    }
}

impl std::error::Error for AppError {}

impl From<Rejection> for AppError {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(Box::new(rejection))
    }
}

impl From<anyhow::Error> for AppError {
    fn from(error: anyhow::Error) -> Self {
        Self::Internal(error)
    }
}

impl From<serde_json::Error> for AppError {
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(error.into())
    }
}

/// For results whose failure must not stop the caller: says so in the log instead of dropping it silently.
pub trait LogAndIgnore {
    fn log_and_ignore(self, why: &str);
}

impl<T, E: fmt::Display> LogAndIgnore for Result<T, E> {
    fn log_and_ignore(self, why: &str) {
        if let Err(error) = self {
            tracing::warn!(%error, why, "ignored a failure");
        }
    }
}
