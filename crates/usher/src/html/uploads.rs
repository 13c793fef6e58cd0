//! A form with a file in it, of somebody who is signed in.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, header};
use multer::Multipart;

use super::forms::{self, TOKEN};
use super::signed_in::SignedIn;
use crate::app::App;
use crate::error::AppResult;
use crate::http::body;
use crate::secret::SecretText;

const FORM: &str = "multipart/form-data";
/// Largest file, in bytes.
const FILE_MAX: usize = 5 * 1024 * 1024;
/// What stands around it.
const AROUND_MAX: usize = 16 * 1024;
/// Its token, its file, and what a browser may add.
const PARTS_MAX: usize = 4;

/// What was sent, if its token was good.
pub struct SignedUpload {
    pub signed_in: SignedIn,
    /// Empty when none was chosen. Or why it can't be taken: the page says so at its field.
    pub file: AppResult<Bytes>,
}

impl FromRequest<App> for SignedUpload {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Self::Rejection> {
        let (mut parts, body) = request.into_parts();
        // Nothing as large is read of a stranger.
        let signed_in = SignedIn::from_request_parts(&mut parts, app).await?;
        let headers = parts.headers.clone();
        let request = Request::from_parts(parts, body);
        body::require_media_type(&request, &[FORM]).map_err(IntoResponse::into_response)?;
        let bytes = match body::read_file(request, FILE_MAX + AROUND_MAX).await {
            Ok(bytes) => bytes,
            // Nothing is done: its token need not be looked at.
            Err(error) if error.code() == Some("body_too_large") => return Ok(Self { signed_in, file: Err(error) }),
            Err(error) => return Err(error.into_response()),
        };
        let (token, file) = take_apart(&headers, bytes).await.map_err(IntoResponse::into_response)?;
        signed_in.require_token(app, token.as_ref()).map_err(IntoResponse::into_response)?;
        Ok(Self { signed_in, file: Ok(file) })
    }
}

/// The token and the file.
async fn take_apart(headers: &HeaderMap, bytes: Bytes) -> AppResult<(Option<SecretText>, Bytes)> {
    let malformed = |_| forms::malformed();
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let boundary = multer::parse_boundary(kind).map_err(malformed)?;
    let whole = stream::once(std::future::ready(Ok::<_, std::convert::Infallible>(bytes)));
    let mut form = Multipart::new(whole, boundary);
    let (mut token, mut file) = (None, Bytes::new());
    for _ in 0..PARTS_MAX {
        let Some(part) = form.next_field().await.map_err(malformed)? else { return Ok((token, file)) };
        let (is_token, is_file) = (part.name() == Some(TOKEN), part.file_name().is_some());
        let bytes = part.bytes().await.map_err(malformed)?;
        if is_token {
            token = String::from_utf8(bytes.into()).ok().map(SecretText::new);
        } else if is_file {
            file = bytes;
        }
    }
    Err(forms::malformed().into())
}
