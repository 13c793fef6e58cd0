//! Successful answers. Their types say status, headers and body, to the client and to the document.

use std::marker::PhantomData;

use aide::generate::GenContext;
use aide::openapi::{
    Header, HeaderStyle, Operation, ParameterSchemaOrContent, ReferenceOr, Response as ApiResponse, SchemaObject,
    StatusCode as ApiStatus,
};
use aide::operation::OperationOutput;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::api::media_type;
use super::etag;
use crate::db::page::Page;
use crate::error::AppResult;

/// 200 with a JSON body.
pub struct Answer<T>(pub T);

/// 200 with a JSON body and its entity tag.
pub struct Tagged<T> {
    pub version: i64,
    pub body: T,
}

/// 200 with what was asked for, or 202 with what is needed first.
pub enum Either<T, N> {
    Done(T),
    Needed(N),
}

/// 204.
pub struct NoContent;

/// 200 with a page of a list and a link to the next one (RFC 8288).
pub struct Listed<T> {
    pub page: Page<T>,
    /// Path and query of this request.
    pub here: http::Uri,
}

/// An answer to a creating request: kept under its idempotency key, and sent again as it was.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Fixed {
    pub status: u16,
    pub location: Option<String>,
    pub version: Option<i64>,
    pub body: Vec<u8>,
    #[serde(skip)]
    pub replayed: bool,
}

/// 201 with the new resource, its address and its entity tag.
pub struct Created<T>(pub Fixed, PhantomData<fn() -> T>);

/// 202: what was asked for will be done.
pub struct Accepted<T>(pub Fixed, PhantomData<fn() -> T>);

impl<T: Serialize> Created<T> {
    /// Of a resource that is never changed.
    pub fn unversioned(location: String, body: &T) -> AppResult<Self> {
        let body = serde_json::to_vec(body)?;
        Ok(Fixed { status: 201, location: Some(location), version: None, body, replayed: false }.into())
    }

    pub fn new(location: String, version: i64, body: &T) -> AppResult<Self> {
        let body = serde_json::to_vec(body)?;
        Ok(Fixed { status: 201, location: Some(location), version: Some(version), body, replayed: false }.into())
    }
}

impl<T: Serialize> Accepted<T> {
    pub fn new(body: &T) -> AppResult<Self> {
        let body = serde_json::to_vec(body)?;
        Ok(Fixed { status: 202, location: None, version: None, body, replayed: false }.into())
    }
}

impl<T> From<Fixed> for Created<T> {
    fn from(fixed: Fixed) -> Self {
        Self(fixed, PhantomData)
    }
}

impl<T> From<Fixed> for Accepted<T> {
    fn from(fixed: Fixed) -> Self {
        Self(fixed, PhantomData)
    }
}

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

impl<T: Serialize, N: Serialize> IntoResponse for Either<T, N> {
    fn into_response(self) -> Response {
        match self {
            Self::Done(body) => axum::Json(body).into_response(),
            Self::Needed(body) => (StatusCode::ACCEPTED, axum::Json(body)).into_response(),
        }
    }
}

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        ([(header::ETAG, etag::of(self.version))], axum::Json(self.body)).into_response()
    }
}

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl<T: Serialize> IntoResponse for Listed<T> {
    fn into_response(self) -> Response {
        let link = self.page.next.as_deref().and_then(|cursor| next_link(&self.here, cursor));
        let mut response = axum::Json(self.page).into_response();
        if let Some(link) = link {
            response.headers_mut().insert(header::LINK, link);
        }
        response
    }
}

/// The same request with the next cursor.
fn next_link(here: &http::Uri, cursor: &str) -> Option<HeaderValue> {
    let others =
        here.query().unwrap_or_default().split('&').filter(|member| !member.is_empty() && !member.starts_with("cursor="));
    let query: Vec<String> = others.map(ToOwned::to_owned).chain([format!("cursor={cursor}")]).collect();
    HeaderValue::from_str(&format!("<{}?{}>; rel=\"next\"", here.path(), query.join("&"))).ok()
}

impl IntoResponse for Fixed {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let mut response = (status, [(header::CONTENT_TYPE, "application/json")], self.body).into_response();
        let headers = response.headers_mut();
        if let Some(location) = self.location.and_then(|location| HeaderValue::from_str(&location).ok()) {
            headers.insert(header::LOCATION, location);
        }
        if let Some(version) = self.version {
            headers.insert(header::ETAG, etag::of(version));
        }
        if self.replayed {
            headers.insert(HeaderName::from_static("idempotency-replayed"), HeaderValue::from_static("true"));
        }
        response
    }
}

impl<T> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl<T> IntoResponse for Accepted<T> {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

/// What an operation is documented to answer with.
pub type Inferred = Vec<(Option<ApiStatus>, ApiResponse)>;

/// A documented answer with a JSON body and these header fields.
pub fn with_body<T: JsonSchema>(context: &mut GenContext, status: u16, description: &str, headers: &[(&str, &str)]) -> Inferred {
    let schema = context.schema.subschema_for::<T>();
    let response = ApiResponse {
        description: description.to_owned(),
        content: std::iter::once(("application/json".to_owned(), media_type(schema))).collect(),
        headers: headers.iter().map(|(name, text)| ((*name).to_owned(), ReferenceOr::Item(text_header(text)))).collect(),
        ..ApiResponse::default()
    };
    vec![(Some(ApiStatus::Code(status)), response)]
}

fn text_header(description: &str) -> Header {
    Header {
        description: Some(description.to_owned()),
        style: HeaderStyle::Simple,
        required: false,
        deprecated: None,
        format: ParameterSchemaOrContent::Schema(SchemaObject {
            json_schema: schemars::json_schema!({ "type": "string" }),
            external_docs: None,
            example: None,
        }),
        example: None,
        examples: indexmap::IndexMap::default(),
        extensions: indexmap::IndexMap::default(),
    }
}

const ETAG: (&str, &str) = ("ETag", "The version of the resource, for `If-Match`.");

impl<T: JsonSchema> OperationOutput for Answer<T> {
    type Inner = T;
    fn inferred_responses(context: &mut GenContext, _: &mut Operation) -> Inferred {
        with_body::<T>(context, 200, "Done.", &[])
    }
}

impl<T: JsonSchema, N: JsonSchema> OperationOutput for Either<T, N> {
    type Inner = T;
    fn inferred_responses(context: &mut GenContext, _: &mut Operation) -> Inferred {
        let mut answers = with_body::<T>(context, 200, "Done.", &[]);
        answers.extend(with_body::<N>(context, 202, "Something is needed first.", &[]));
        answers
    }
}

impl<T: JsonSchema> OperationOutput for Tagged<T> {
    type Inner = T;
    fn inferred_responses(context: &mut GenContext, _: &mut Operation) -> Inferred {
        with_body::<T>(context, 200, "The resource as it is now.", &[ETAG])
    }
}

impl<T: JsonSchema> OperationOutput for Listed<T> {
    type Inner = Page<T>;
    fn inferred_responses(context: &mut GenContext, _: &mut Operation) -> Inferred {
        with_body::<Page<T>>(context, 200, "One page.", &[("Link", "The next page, `rel=\"next\"`; not on the last page.")])
    }
}

impl<T: JsonSchema> OperationOutput for Created<T> {
    type Inner = T;
    fn inferred_responses(context: &mut GenContext, _: &mut Operation) -> Inferred {
        with_body::<T>(context, 201, "Created.", &[("Location", "Where the new resource is."), ETAG])
    }
}

impl<T: JsonSchema> OperationOutput for Accepted<T> {
    type Inner = T;
    fn inferred_responses(context: &mut GenContext, _: &mut Operation) -> Inferred {
        with_body::<T>(context, 202, "It will be done.", &[])
    }
}

impl OperationOutput for NoContent {
    type Inner = ();
    fn inferred_responses(_: &mut GenContext, _: &mut Operation) -> Inferred {
        let response = ApiResponse { description: "Done.".to_owned(), ..ApiResponse::default() };
        vec![(Some(ApiStatus::Code(204)), response)]
    }
}
