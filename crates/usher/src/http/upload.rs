//! Large bodies: read piece by piece, never whole, and by whoever must wait for them on a thread of its own.

use std::io::{self, Read};
use std::time::Duration;

use aide::generate::GenContext;
use aide::openapi::{MediaType, Operation, ReferenceOr, RequestBody, Response as ApiResponse, StatusCode as ApiStatus};
use aide::operation::OperationInput;
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use bytes::{Buf, Bytes};
use futures_util::{Stream, StreamExt};
use http::{StatusCode, header};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::api::problem_response;
use super::body;
use super::layers::Deadline;
use crate::app::App;
use crate::clock::Stopwatch;
use crate::error::{AppError, Rejection};

/// Largest body, in bytes as they are sent.
pub const UPLOAD_MAX: u64 = 256 * 1024 * 1024;
/// As much is read of what is too large, so that a browser comes to its answer.
const DROPPED_MAX: u64 = UPLOAD_MAX + UPLOAD_MAX / 4;
/// How long the next piece may take, and all of them.
const PIECE_WITHIN: Duration = Duration::from_secs(30);
const ALL_WITHIN: Duration = Duration::from_mins(30);
/// Pieces that wait to be read.
const WAITING_MAX: usize = 4;

/// A file of rows.
pub struct Upload {
    body: Body,
    pub format: Format,
}

/// What the media type says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Csv,
    Ndjson,
    Json,
}

const MEDIA_TYPES: [(&str, Format); 3] =
    [("text/csv", Format::Csv), ("application/x-ndjson", Format::Ndjson), ("application/json", Format::Json)];

impl FromRequest<App> for Upload {
    type Rejection = AppError;

    async fn from_request(request: Request, _: &App) -> Result<Self, Self::Rejection> {
        let format = read_head(&request)?;
        // Its pieces have bounds of their own.
        if let Some(deadline) = request.extensions().get::<Deadline>() {
            deadline.lift();
        }
        Ok(Self { body: request.into_body(), format })
    }
}

fn read_head(request: &Request) -> Result<Format, AppError> {
    let fitting = MEDIA_TYPES.iter().find(|(name, _)| body::require_media_type(request, &[name]).is_ok());
    let Some((_, format)) = fitting else {
        return Err(body::require_media_type(request, &MEDIA_TYPES.map(|(name, _)| name)).err().unwrap_or_else(unreadable));
    };
    let encoding = request.headers().get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap_or_default());
    if !encoding.is_none_or(|encoding| ["gzip", "identity"].iter().any(|known| encoding.eq_ignore_ascii_case(known))) {
        let detail = "Send the body as it is, or with `Content-Encoding: gzip`.";
        return Err(Rejection::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail).into());
    }
    Ok(*format)
}

fn unreadable() -> AppError {
    Rejection::bad_request("malformed_request", "The request body ended before its time.").into()
}

impl Upload {
    /// The body as something that a thread reads which may wait; the pieces come from a task.
    pub fn into_reader(self) -> UploadReader {
        UploadReader::begin(self.body.into_data_stream(), Rest::Left).0
    }
}

/// What becomes of pieces that nobody reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Programs are told at once, and stop sending.
    Left,
    /// A browser shows no answer before it has sent everything.
    Dropped,
}

async fn pump<E: Send>(
    mut pieces: impl Stream<Item = Result<Bytes, E>> + Unpin,
    sender: mpsc::Sender<io::Result<Bytes>>,
    rest: Rest,
) {
    let (began, mut bytes, mut is_read) = (Stopwatch::start(), 0, true);
    loop {
        let piece = match tokio::time::timeout(PIECE_WITHIN, pieces.next()).await {
            Ok(Some(Ok(piece))) if began.elapsed() < ALL_WITHIN => piece,
            Ok(None) => return,
            _ => {
                let _ = sender.send(Err(io::Error::other(unreadable()))).await;
                return;
            }
        };
        bytes += u64::try_from(piece.len()).unwrap_or(u64::MAX);
        if is_read && bytes > UPLOAD_MAX {
            let detail = format!("The file is larger than {UPLOAD_MAX} bytes: compress it, or use `usher import users`.");
            let rejection = Rejection::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail);
            let _ = sender.send(Err(io::Error::other(AppError::from(rejection)))).await;
            is_read = false;
        } else if is_read {
            is_read = sender.send(Ok(piece)).await.is_ok();
        }
        if !is_read && (rest == Rest::Left || bytes > DROPPED_MAX) {
            return;
        }
    }
}

/// Reads what is sent; not within a task of the runtime. A failure holds the [`AppError`] that says why.
pub struct UploadReader {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

impl UploadReader {
    /// Reads these pieces, which a task takes until they end or nobody reads them.
    pub fn begin<E: Send + 'static>(
        pieces: impl Stream<Item = Result<Bytes, E>> + Send + Unpin + 'static,
        rest: Rest,
    ) -> (Self, JoinHandle<()>) {
        let (sender, received) = mpsc::channel(WAITING_MAX);
        let taking = tokio::spawn(pump(pieces, sender, rest));
        (Self { pieces: received, piece: Bytes::new() }, taking)
    }
}

impl Read for UploadReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let length = into.len().min(self.piece.len());
        self.piece.copy_to_slice(&mut into[..length]);
        Ok(length)
    }
}

impl OperationInput for Upload {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        let content = MEDIA_TYPES.map(|(name, _)| (name.to_owned(), MediaType::default()));
        operation.request_body = Some(ReferenceOr::Item(RequestBody {
            content: content.into_iter().collect(),
            required: true,
            ..RequestBody::default()
        }));
    }
    fn inferred_early_responses(context: &mut GenContext, _: &mut Operation) -> Vec<(Option<ApiStatus>, ApiResponse)> {
        [
            (413, "The body is larger than 256 MiB (`body_too_large`)."),
            (415, "The body is neither CSV nor JSON, or compressed otherwise than with gzip (`unsupported_media_type`)."),
        ]
        .map(|(status, when)| (Some(ApiStatus::Code(status)), problem_response(context, when)))
        .into()
    }
}
