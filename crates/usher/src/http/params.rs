//! Path and query parameters, with failures that say which parameter and why.

use std::collections::BTreeSet;

use aide::generate::GenContext;
use aide::openapi::{Operation, Response as ApiResponse, StatusCode as ApiStatus};
use aide::operation::{OperationInput, ParamLocation, add_parameters, parameters_from_schema};
use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::api::problem_response;
use crate::app::App;
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

/// Query parameters. Unknown ones are refused: a misspelt filter must not return everything.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Self::Rejection> {
        let query = parts.uri.query().unwrap_or_default();
        let members: Vec<(String, String)> = serde_html_form::from_str(query)
            .map_err(|_| Rejection::bad_request("malformed_request", "The query string is not well-formed."))?;
        let mut names = BTreeSet::new();
        for (name, value) in &members {
            let fault = |code, detail: &str| Rejection::invalid_query(vec![FieldError::at_parameter(name, code, detail)]);
            if value.contains('\0') {
                return Err(fault("invalid", "must not contain the character U+0000").into());
            }
            if !names.insert(name) {
                return Err(fault("repeated", "is given more than once").into());
            }
        }
        deserialize(query).map(Self).map_err(Into::into)
    }
}

fn deserialize<T: DeserializeOwned>(query: &str) -> Result<T, Rejection> {
    let deserializer = serde_html_form::Deserializer::from_bytes(query.as_bytes());
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let text = error.inner().to_string();
        // The unknown name is in the message, not in the path.
        let unknown = text.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
        let (name, code) = match unknown {
            Some(name) => (name.to_owned(), "unknown_parameter"),
            None => (error.path().to_string(), "invalid"),
        };
        Rejection::invalid_query(vec![FieldError::at_parameter(name, code, text)])
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
        vec![(Some(ApiStatus::Code(422)), problem_response(context, when))]
    }
}

/// Documents a request header.
pub(super) fn describe_header(context: &mut GenContext, operation: &mut Operation, name: &str, description: &str) {
    let schema =
        schemars::json_schema!({ "type": "object", "properties": { name: { "type": "string", "description": description } } });
    let parameters = parameters_from_schema(context, schema, ParamLocation::Header);
    add_parameters(context, operation, parameters);
}
