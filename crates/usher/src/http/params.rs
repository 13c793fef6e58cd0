//! Path and query parameters, with failures that say which parameter and why.

use std::collections::BTreeSet;

use aide::generate::GenContext;
use aide::openapi::{Operation, Response as ApiResponse, StatusCode as ApiStatus};
use aide::operation::{OperationInput, ParamLocation, add_parameters, parameters_from_schema};
use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::api::problem_response;
use crate::app::App;
use crate::db::page::Limit;
use crate::error::{AppError, FieldError, Rejection};

/// Path parameters. One that does not parse names nothing: 404, like a resource that does not exist.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Path<T> {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let params = RawPathParams::from_request_parts(parts, app).await.map_err(|_| Rejection::not_found())?;
        let members: Vec<(&str, &str)> = params.iter().collect();
        if members.iter().any(|(_, value)| value.contains('\0')) {
            return Err(Rejection::not_found().into());
        }
        let object = members.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        let value = serde_json::from_value(serde_json::Value::Object(object)).map_err(|_| Rejection::not_found())?;
        Ok(Self(value))
    }
}

impl<T: JsonSchema> OperationInput for Path<T> {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        let schema = context.schema.subschema_for::<T>();
        let parameters = parameters_from_schema(context, schema, ParamLocation::Path);
        add_parameters(context, operation, parameters);
    }
    fn inferred_early_responses(context: &mut GenContext, _: &mut Operation) -> Vec<(Option<ApiStatus>, ApiResponse)> {
        vec![(Some(ApiStatus::Code(404)), problem_response(context, "There is no such resource (`not_found`)."))]
    }
}

/// Which part of a list.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ListPart")]
pub struct Part {
    /// At most so many items.
    #[serde(default)]
    pub limit: Limit,
    /// `next` of the page before.
    pub cursor: Option<String>,
}

/// Query parameters. Unknown ones are refused: a misspelt filter must not return everything.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Self::Rejection> {
        Ok(Self(read_query(parts.uri.query().unwrap_or_default())?))
    }
}

/// Reads a query string.
pub(crate) fn read_query<T: DeserializeOwned>(query: &str) -> Result<T, Rejection> {
    let members: Vec<(String, String)> = serde_html_form::from_str(query)
        .map_err(|_| Rejection::bad_request("malformed_request", "The query string is not well-formed."))?;
    let mut names = BTreeSet::new();
    for (name, value) in &members {
        let fault = |code, detail: &str| Rejection::invalid_query(vec![FieldError::at_parameter(name, code, detail)]);
        if value.contains('\0') {
            return Err(fault("invalid", "must not contain the character U+0000"));
        }
        if !names.insert(name) {
            return Err(fault("repeated", "is given more than once"));
        }
    }
    deserialize(query)
}

fn deserialize<T: DeserializeOwned>(query: &str) -> Result<T, Rejection> {
    let deserializer = serde_html_form::Deserializer::from_bytes(query.as_bytes());
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let text = error.inner().to_string();
        let expected = text.split_once(", expected ").map(|(_, expected)| expected);
        // The unknown name is in the message, not in the path.
        let unknown = text.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
        let fault = match (unknown, expected) {
            (Some(name), Some(expected)) => {
                FieldError::at_parameter(name, "unknown_parameter", format!("is unknown here; there is {expected}"))
            }
            (None, Some(expected)) if text.starts_with("unknown variant") => {
                FieldError::at_parameter(error.path().to_string(), "enum", format!("must be {expected}"))
            }
            _ => FieldError::at_parameter(error.path().to_string(), "invalid", text),
        };
        Rejection::invalid_query(vec![fault])
    })
}

impl<T: JsonSchema> OperationInput for Query<T> {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        let schema = context.schema.subschema_for::<T>();
        let parameters = parameters_from_schema(context, schema, ParamLocation::Query);
        add_parameters(context, operation, parameters);
    }
    fn inferred_early_responses(context: &mut GenContext, _: &mut Operation) -> Vec<(Option<ApiStatus>, ApiResponse)> {
        let when = "A query parameter does not fit; `errors` names it (`invalid_query`).";
        let too_long = "Path and query have more than 8 KiB (`uri_too_long`).";
        vec![
            (Some(ApiStatus::Code(422)), problem_response(context, when)),
            (Some(ApiStatus::Code(414)), problem_response(context, too_long)),
        ]
    }
}

/// Reads a time, and says what one looks like.
pub fn time<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<jiff::Timestamp>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let time: Option<jiff::Timestamp> = text.parse().ok().filter(is_storable);
    time.map(Some).ok_or_else(|| serde::de::Error::custom("must be a time, such as 2026-01-02T03:04:05Z"))
}

/// PostgreSQL's times begin later than RFC 3339's can be made to.
pub fn is_storable(time: &jiff::Timestamp) -> bool {
    time.as_second() >= -62_135_596_800
}

/// Documents a request header: its name, the pattern of what it takes, and what it is for.
pub(super) fn describe_header(context: &mut GenContext, operation: &mut Operation, name: &str, pattern: &str, description: &str) {
    let header = serde_json::json!({ "type": "string", "pattern": pattern, "description": description });
    let schema = schemars::json_schema!({ "type": "object", "properties": { name: header } });
    let parameters = parameters_from_schema(context, schema, ParamLocation::Header);
    add_parameters(context, operation, parameters);
}
