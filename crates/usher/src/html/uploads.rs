//! A form with a file in it, of somebody who is signed in.

use std::collections::BTreeMap;
use std::io::Read;
use std::time::Duration;

use anyhow::Context;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, header};
use multer::Multipart;
use tokio::task::JoinHandle;

use super::forms::{self, Members, TOKEN};
use super::signed_in::SignedIn;
use crate::app::App;
use crate::error::{AppError, AppResult};
use crate::http::body;
use crate::http::layers::Deadline;
use crate::http::upload::{Rest, UploadReader};
use crate::secret::SecretText;

const FORM: &str = "multipart/form-data";
/// Largest file, in bytes.
const FILE_MAX: usize = 5 * 1024 * 1024;
/// What stands around it.
const AROUND_MAX: usize = 16 * 1024;
/// Its token, its file, a reason, and what a browser may add.
const PARTS_MAX: usize = 4;

/// Members of a form beside a large file: two for each column that it may have, and some more.
const MEMBERS_MAX: usize = 1100;
/// What they may hold together, in bytes, and how long they may take.
const MEMBERS_BYTES_MAX: usize = 256 * 1024;
const MEMBERS_WITHIN: Duration = Duration::from_secs(30);

/// What was sent, if its token was good.
pub struct SignedUpload {
    pub signed_in: SignedIn,
    pub members: Members,
    /// Empty when none was chosen. Or why it can't be taken: the page says so at its field.
    pub file: AppResult<Bytes>,
}

impl FromRequest<App> for SignedUpload {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Self::Rejection> {
        let (mut parts, body) = request.into_parts();
        // Nothing as large is read of a stranger.
        let signed_in = SignedIn::from_request_parts(&mut parts, app).await?;
        let read = Self::read(app, Request::from_parts(parts, body), signed_in).await;
        read.map_err(IntoResponse::into_response)
    }
}

impl SignedUpload {
    /// Reads what somebody has sent who may send it.
    pub async fn read(app: &App, request: Request, signed_in: SignedIn) -> AppResult<Self> {
        body::require_media_type(&request, &[FORM])?;
        let headers = request.headers().clone();
        let bytes = match body::read_file(request, FILE_MAX + AROUND_MAX).await {
            Ok(bytes) => bytes,
            // Nothing is done: its token need not be looked at.
            Err(error) if error.code() == Some("body_too_large") => {
                return Ok(Self { signed_in, members: Members::named(Texts::new()), file: Err(error) });
            }
            Err(error) => return Err(error),
        };
        let (mut members, file) = take_apart(&headers, bytes).await?;
        signed_in.require_token(app, members.remove(TOKEN).as_ref())?;
        Ok(Self { signed_in, members: Members::named(members), file: Ok(file) })
    }
}

/// The members and the file.
async fn take_apart(headers: &HeaderMap, bytes: Bytes) -> AppResult<(Texts, Bytes)> {
    let malformed = |_| forms::malformed();
    let boundary = boundary(headers)?;
    let whole = stream::once(std::future::ready(Ok::<_, std::convert::Infallible>(bytes)));
    let mut form = Multipart::new(whole, boundary);
    let (mut members, mut file) = (Texts::new(), Bytes::new());
    for _ in 0..PARTS_MAX {
        let Some(part) = form.next_field().await.map_err(malformed)? else { return Ok((members, file)) };
        let (name, is_file) = (part.name().unwrap_or_default().to_owned(), part.file_name().is_some());
        let bytes = part.bytes().await.map_err(malformed)?;
        if is_file {
            file = bytes;
        } else {
            let text = String::from_utf8(bytes.into()).map_err(|_| forms::malformed())?;
            members.insert(name, SecretText::new(text));
        }
    }
    Err(forms::malformed().into())
}

fn boundary(headers: &HeaderMap) -> AppResult<String> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Ok(multer::parse_boundary(kind).map_err(|_| forms::malformed())?)
}

/// A form whose last field is a file that may be large: it is read while it comes.
pub struct StreamedForm {
    pub members: Members,
    /// Nothing when none was chosen.
    pub file: Option<SentFile>,
}

/// A file on its way.
pub struct SentFile {
    pub name: String,
    pub reader: UploadReader,
    /// Done when the browser has sent all of it, whoever reads it: before that it shows no answer.
    pub sending: JoinHandle<()>,
}

impl SentFile {
    /// All of a small file, once the browser has sent it. Nothing when it is larger than so many bytes.
    pub async fn read(self, most: u64) -> AppResult<Option<Vec<u8>>> {
        let Self { reader, sending, .. } = self;
        let reading = tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::new();
            reader.take(most + 1).read_to_end(&mut bytes).map(|_| bytes)
        });
        let read = reading.await.context("reading a file that was sent")?;
        // It ends by its own bounds; whether it failed is known by what was read.
        let _ = sending.await;
        let bytes = read.map_err(|error| {
            let own = error.into_inner().and_then(|inner| inner.downcast::<AppError>().ok());
            own.map_or_else(|| forms::malformed().into(), |own| *own)
        })?;
        Ok(Some(bytes).filter(|bytes| bytes.len() as u64 <= most))
    }
}

impl StreamedForm {
    /// Reads what somebody has sent who may send it.
    pub async fn read(app: &App, request: Request, signed_in: &SignedIn) -> AppResult<Self> {
        body::require_media_type(&request, &[FORM])?;
        let boundary = boundary(request.headers())?;
        let deadline = request.extensions().get::<Deadline>().cloned();
        let form = Multipart::new(request.into_body().into_data_stream(), boundary);
        let read = tokio::time::timeout(MEMBERS_WITHIN, read_members(form)).await;
        let (mut members, file) = read.unwrap_or_else(|_| Err(forms::malformed().into()))?;
        signed_in.require_token(app, members.remove(TOKEN).as_ref())?;
        // Its pieces have bounds of their own.
        if let Some(deadline) = deadline.filter(|_| file.is_some()) {
            deadline.lift();
        }
        let file = file.map(|file| {
            let name = file.file_name().unwrap_or_default().to_owned();
            let (reader, sending) = UploadReader::begin(file, Rest::Dropped);
            SentFile { name, reader, sending }
        });
        Ok(Self { members: Members::named(members), file })
    }
}

type Texts = BTreeMap<String, SecretText>;

/// The members up to the file. What a form has after it is not read.
async fn read_members(mut form: Multipart<'static>) -> AppResult<(Texts, Option<multer::Field<'static>>)> {
    let malformed = |_| forms::malformed();
    let (mut members, mut left) = (BTreeMap::new(), MEMBERS_BYTES_MAX);
    for _ in 0..MEMBERS_MAX {
        let Some(mut part) = form.next_field().await.map_err(malformed)? else { return Ok((members, None)) };
        match part.file_name() {
            // So a browser says that none was chosen.
            Some("") => continue,
            Some(_) => return Ok((members, Some(part))),
            None => {}
        }
        let name = part.name().unwrap_or_default().to_owned();
        let mut text = Vec::new();
        while let Some(piece) = part.chunk().await.map_err(malformed)? {
            left = left.checked_sub(piece.len()).ok_or_else(forms::malformed)?;
            text.extend_from_slice(&piece);
        }
        let text = String::from_utf8(text).map_err(|_| forms::malformed())?;
        if members.insert(name, SecretText::new(text)).is_some() {
            return Err(forms::malformed().into());
        }
    }
    Err(forms::malformed().into())
}
