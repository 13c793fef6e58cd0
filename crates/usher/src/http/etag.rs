//! Entity tags (RFC 9110, section 8.8.3): the version of a resource, so that nobody overwrites what they have not seen.

use aide::generate::GenContext;
use aide::openapi::{Operation, Response as ApiResponse, StatusCode as ApiStatus};
use aide::operation::OperationInput;
use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::api::problem_response;
use super::params::describe_header;
use crate::app::App;
use crate::error::{AppError, FieldError, Rejection};

/// The strong entity tag of a version.
pub fn of(version: i64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\"")).expect("a number in quotes is a header value")
}

/// The precondition of a change.
#[derive(Clone, Debug, Default)]
pub struct IfMatch(Option<Vec<String>>);

impl IfMatch {
    /// Fails with 412 unless the version is one the caller has seen. No header, or `*`, is no precondition.
    pub fn require(&self, version: i64) -> Result<(), Rejection> {
        match &self.0 {
            Some(tags) if !tags.iter().any(|tag| *tag == version.to_string()) => Err(Rejection::new(
                StatusCode::PRECONDITION_FAILED,
                "precondition_failed",
                format!("The resource has changed: its entity tag is \"{version}\". Read it again and decide anew."),
            )),
            _ => Ok(()),
        }
    }
}

impl FromRequestParts<App> for IfMatch {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Self::Rejection> {
        Ok(Self::read(&parts.headers)?)
    }
}

impl IfMatch {
    pub(crate) fn read(headers: &HeaderMap) -> Result<Self, Rejection> {
        let mut tags = Vec::new();
        for value in headers.get_all(header::IF_MATCH) {
            let value = value.to_str().map_err(|_| malformed())?;
            if value.trim() == "*" {
                return Ok(Self(None));
            }
            for tag in value.split(',') {
                // A weak tag never matches here (RFC 9110, section 13.1.1), which is not the same as a malformed one.
                let tag = tag.trim();
                let strong = tag.strip_prefix("W/").unwrap_or(tag);
                let inner = strong.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or_else(malformed)?;
                tags.push(if strong == tag { inner.to_owned() } else { String::new() });
            }
        }
        Ok(Self((!tags.is_empty()).then_some(tags)))
    }
}

/// `*`, or entity tags (RFC 9110, section 8.8.3).
const PATTERN: &str = r#"^(\*|(W/)?"[!#-~]*"(, ?(W/)?"[!#-~]*")*)$"#;

fn malformed() -> Rejection {
    let error = FieldError::at_header("If-Match", "invalid", "must be `*` or entity tags as given in `ETag`, such as \"3\"");
    Rejection { errors: vec![error], ..Rejection::bad_request("malformed_request", "The header If-Match can't be read.") }
}

impl OperationInput for IfMatch {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        let text = "The `ETag` of the version that the change is meant for. When the resource has changed since: 412.";
        describe_header(context, operation, "If-Match", PATTERN, text);
    }
    fn inferred_early_responses(context: &mut GenContext, _: &mut Operation) -> Vec<(Option<ApiStatus>, ApiResponse)> {
        let when = "The resource is not in the version named by `If-Match` (`precondition_failed`).";
        vec![(Some(ApiStatus::Code(412)), problem_response(context, when))]
    }
}
