//! Request bodies: JSON that is limited, well-formed, fits its schema, and then becomes a typed value.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use aide::generate::GenContext;
use aide::openapi::{Operation, ReferenceOr, RequestBody, Response as ApiResponse, StatusCode as ApiStatus};
use aide::operation::OperationInput;
use axum::body::{Body, HttpBody};
use axum::extract::{FromRequest, Request};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::{StatusCode, header};
use hyper::body::{Frame, SizeHint};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::api::{media_type, problem_response};
use super::layers::Deadline;
use super::validate;
use crate::app::App;
use crate::error::{AppError, AppResult, FieldError, Rejection};

/// Largest body of an ordinary request, in bytes.
pub const BODY_MAX: usize = 64 * 1024;
/// How long a file may take that is kept in memory.
const FILE_WITHIN: Duration = Duration::from_mins(2);
/// How many times the length that it may have it is read before the connection is given up.
const DROPPED_TIMES: usize = 4;
/// How long an answer waits for a body that is on its way and that nobody wants.
const DISCARD_WITHIN: Duration = Duration::from_millis(500);

/// A JSON body.
pub struct Json<T>(pub T);

/// A JSON merge patch (RFC 7396): `application/merge-patch+json`, or plain JSON.
pub struct MergePatch<T>(pub T);

/// A JSON body that may be left out.
pub struct OptionalJson<T>(pub T);

impl<T: DeserializeOwned + JsonSchema + 'static> FromRequest<App> for Json<T> {
    type Rejection = AppError;

    async fn from_request(request: Request, _: &App) -> Result<Self, Self::Rejection> {
        parse(&read_as(request, &["application/json"]).await?).map(Self)
    }
}

impl<T: DeserializeOwned + JsonSchema + 'static> FromRequest<App> for MergePatch<T> {
    type Rejection = AppError;

    async fn from_request(request: Request, _: &App) -> Result<Self, Self::Rejection> {
        parse(&read_as(request, &["application/json", "application/merge-patch+json"]).await?).map(Self)
    }
}

impl<T: DeserializeOwned + JsonSchema + Default + 'static> FromRequest<App> for OptionalJson<T> {
    type Rejection = AppError;

    async fn from_request(request: Request, _: &App) -> Result<Self, Self::Rejection> {
        let media_type = require_media_type(&request, &["application/json"]);
        let body = read(request.into_body()).await?;
        if body.is_empty() {
            return Ok(Self(T::default()));
        }
        media_type?;
        parse(&body).map(Self)
    }
}

/// Reads a body of one of these media types. A body of another type is read too, so that the connection can go on.
pub async fn read_as(request: Request, accepted: &[&str]) -> AppResult<Bytes> {
    let fits = require_media_type(&request, accepted);
    let body = read(request.into_body()).await?;
    fits.map(|()| body)
}

/// Only JSON opens an operation: forms and plain text, which other sites can send, do not.
pub fn require_media_type(request: &Request, accepted: &[&str]) -> AppResult<()> {
    let given = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if accepted.iter().any(|accepted| essence.eq_ignore_ascii_case(accepted)) {
        return Ok(());
    }
    let detail = format!("Send `Content-Type: {}`.", accepted.join("` or `"));
    Err(Rejection::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail).into())
}

/// Reads a body up to [`BODY_MAX`].
pub async fn read(body: Body) -> AppResult<Bytes> {
    Ok(gather(body, BODY_MAX, BODY_MAX).await?)
}

/// Reads a file of at most so many bytes. A larger one is read on for a while and dropped, or who sends it would not hear why it is
/// refused. It has bounds of its own, and lifts those of the request.
pub async fn read_file(request: Request, most: usize) -> AppResult<Bytes> {
    if let Some(deadline) = request.extensions().get::<Deadline>() {
        deadline.lift();
    }
    let reading = gather(request.into_body(), most, DROPPED_TIMES * most);
    Ok(tokio::time::timeout(FILE_WITHIN, reading).await.unwrap_or_else(|_| Err(ended_early()))?)
}

/// Gathers a body of at most so many bytes. What is longer is dropped, and given up beyond `dropped_max`.
async fn gather(body: Body, most: usize, dropped_max: usize) -> Result<Bytes, Rejection> {
    let mut pieces = body.into_data_stream();
    let (mut gathered, mut length) = (BytesMut::new(), 0);
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| ended_early())?;
        length += piece.len();
        if length <= most {
            gathered.extend_from_slice(&piece);
        } else if length > dropped_max {
            break;
        }
    }
    if length > most { Err(too_large(most)) } else { Ok(gathered.freeze()) }
}

fn too_large(most: usize) -> Rejection {
    let detail = format!("The request body is larger than {most} bytes.");
    Rejection::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
}

fn ended_early() -> Rejection {
    Rejection::bad_request("malformed_request", "The request body ended before its time.")
}

/// The body of a request, at hand even when its handler has not read it.
#[derive(Clone)]
pub struct Kept(Arc<Mutex<Body>>);

impl Kept {
    /// Of a request that has a body.
    pub fn of(request: Request) -> (Request, Option<Self>) {
        if request.body().is_end_stream() {
            return (request, None);
        }
        let (parts, body) = request.into_parts();
        let kept = Self(Arc::new(Mutex::new(body)));
        (Request::from_parts(parts, Body::new(kept.clone())), Some(kept))
    }

    /// Reads what nobody has read, if it is there and not large. False: the connection can't carry another request.
    pub async fn discard(self) -> bool {
        matches!(tokio::time::timeout(DISCARD_WITHIN, read(Body::new(self))).await, Ok(Ok(_)))
    }

    fn lock(&self) -> MutexGuard<'_, Body> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpBody for Kept {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut *self.lock()).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.lock().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.lock().size_hint()
    }
}

/// Parses and checks a body.
pub fn parse<T: DeserializeOwned + JsonSchema + 'static>(body: &[u8]) -> AppResult<T> {
    let value: Value = serde_json::from_slice(body).map_err(|error| {
        // The library's message may repeat input; where it went wrong is enough.
        let at = format!("The body is not well-formed JSON (line {}, column {}).", error.line(), error.column());
        Rejection::bad_request("malformed_json", at)
    })?;
    from_value(value)
}

/// Checks JSON and makes the typed value of it.
pub fn from_value<T: DeserializeOwned + JsonSchema + 'static>(value: Value) -> AppResult<T> {
    validate::check::<T>(&value)?;
    serde_path_to_error::deserialize(value).map_err(|error| {
        let pointer = pointer(error.path());
        let detail = error.inner().to_string();
        Rejection::invalid_body(vec![FieldError::at_pointer(pointer, "invalid", detail)]).into()
    })
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } | Segment::Enum { variant: key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Unknown => "/?".to_owned(),
        })
        .collect()
}

/// Documents a JSON body and the failures it brings.
pub(super) fn describe_body<T: JsonSchema>(
    context: &mut GenContext,
    operation: &mut Operation,
    media_types: &[&str],
    required: bool,
) {
    let schema = context.schema.subschema_for::<T>();
    operation.request_body = Some(ReferenceOr::Item(RequestBody {
        content: media_types.iter().map(|name| ((*name).to_owned(), media_type(schema.clone()))).collect(),
        required,
        ..RequestBody::default()
    }));
}

/// The failures of every operation that reads a body.
pub(super) fn body_failures(context: &mut GenContext) -> Vec<(Option<ApiStatus>, ApiResponse)> {
    [
        (413, "The body is larger than 64 KiB (`body_too_large`)."),
        (415, "The body is not JSON (`unsupported_media_type`)."),
        (422, "The body does not fit; `errors` names every fault (`invalid_body`)."),
    ]
    .map(|(status, when)| (Some(ApiStatus::Code(status)), problem_response(context, when)))
    .into()
}

impl<T: JsonSchema> OperationInput for Json<T> {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        describe_body::<T>(context, operation, &["application/json"], true);
    }
    fn inferred_early_responses(context: &mut GenContext, _: &mut Operation) -> Vec<(Option<ApiStatus>, ApiResponse)> {
        body_failures(context)
    }
}

impl<T: JsonSchema> OperationInput for MergePatch<T> {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        describe_body::<T>(context, operation, &["application/merge-patch+json", "application/json"], true);
    }
    fn inferred_early_responses(context: &mut GenContext, _: &mut Operation) -> Vec<(Option<ApiStatus>, ApiResponse)> {
        body_failures(context)
    }
}

impl<T: JsonSchema> OperationInput for OptionalJson<T> {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        describe_body::<T>(context, operation, &["application/json"], false);
    }
    fn inferred_early_responses(context: &mut GenContext, _: &mut Operation) -> Vec<(Option<ApiStatus>, ApiResponse)> {
        body_failures(context)
    }
}
