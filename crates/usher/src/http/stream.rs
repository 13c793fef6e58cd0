//! Answers that are written while they are read. One that fails in the middle cuts the connection: a body that ends is whole.

use std::io;
use std::time::Duration;

use aide::generate::GenContext;
use aide::openapi::{MediaType, Operation, Response as ApiResponse, StatusCode as ApiStatus};
use aide::operation::OperationOutput;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, header};
use tokio::sync::mpsc;

use super::output::Inferred;
use crate::error::AppResult;

/// Pieces that wait for the client.
const WAITING_MAX: usize = 4;
/// How long a client may take for a piece: what it waits for holds a snapshot of the database.
const PIECE_WITHIN: Duration = Duration::from_mins(1);

/// 200 with rows, written piece by piece.
pub struct Streamed {
    media_type: &'static str,
    file_name: &'static str,
    pieces: mpsc::Receiver<io::Result<Bytes>>,
}

/// Where the pieces go.
pub struct Pieces(mpsc::Sender<io::Result<Bytes>>);

impl Pieces {
    /// Fails when the client has gone, or is too slow.
    pub async fn send(&self, piece: Vec<u8>) -> AppResult<()> {
        if piece.is_empty() {
            return Ok(());
        }
        match tokio::time::timeout(PIECE_WITHIN, self.0.send(Ok(piece.into()))).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(anyhow::anyhow!("the client has gone, or takes too long").into()),
        }
    }
}

impl Streamed {
    /// An answer whose pieces `write` makes, in a task of its own.
    pub fn new<F>(media_type: &'static str, file_name: &'static str, write: impl FnOnce(Pieces) -> F) -> Self
    where
        F: Future<Output = AppResult<()>> + Send + 'static,
    {
        let (sender, pieces) = mpsc::channel(WAITING_MAX);
        let cut = sender.clone();
        let writing = write(Pieces(sender));
        tokio::spawn(async move {
            if let Err(error) = writing.await {
                tracing::warn!(%error, "an answer was cut off");
                let _ = cut.send(Err(io::Error::other("cut off"))).await;
            }
        });
        Self { media_type, file_name, pieces }
    }
}

impl IntoResponse for Streamed {
    fn into_response(self) -> Response {
        let pieces = stream::unfold(self.pieces, async |mut pieces| Some((pieces.recv().await?, pieces)));
        let mut response = Body::from_stream(pieces).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        // A browser saves it and shows nothing of it.
        if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{}\"", self.file_name)) {
            headers.insert(header::CONTENT_DISPOSITION, value);
        }
        response
    }
}

impl OperationOutput for Streamed {
    type Inner = ();
    fn inferred_responses(_: &mut GenContext, _: &mut Operation) -> Inferred {
        let content = ["text/csv", "application/x-ndjson"].map(|name| (name.to_owned(), MediaType::default()));
        let description = "The rows. A body that is cut off is not whole.".to_owned();
        let response = ApiResponse { description, content: content.into_iter().collect(), ..ApiResponse::default() };
        vec![(Some(ApiStatus::Code(200)), response)]
    }
}
