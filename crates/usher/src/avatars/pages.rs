//! The page of one's picture, and the files of everybody's. Whoever has the URL of a file may keep it for ever.

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use data_encoding::HEXLOWER;
use http::{HeaderName, header};
use minijinja::context;

use super::Sent;
use crate::app::App;
use crate::error::{AppError, AppResult, Rejection};
use crate::html::{self, Faults, Notice, SignedForm, SignedIn, SignedUpload};
use crate::languages::now;
use crate::pictures;
use crate::users;

const PAGE: &str = "avatars/page.html";
const HERE: &str = "/account/avatar";
const FIELD: &str = "picture";

const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// What opens one as a page gets a picture and nothing else.
const FILE_POLICY: &str = "default-src 'none'; sandbox";
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

pub fn router() -> Router<App> {
    Router::new()
        .route("/account/avatar", get(show_avatar).post(submit_avatar))
        .route("/account/avatar/remove", post(submit_removal))
        .route("/avatars/identicon/{file}", get(show_pattern))
        .route("/avatars/{file}", get(show_file))
}

async fn show_avatar(signed_in: SignedIn, State(app): State<App>) -> AppResult<Response> {
    ask(&app, &signed_in, &Faults::default()).await
}

async fn ask(app: &App, signed_in: &SignedIn, faults: &Faults) -> AppResult<Response> {
    let user = users::look_up(app.db.read(), signed_in.person.user_id, app.clock.now()).await?;
    let values = context! { has_avatar => user.avatar.is_some(), is_kept => app.config.avatars.is_some() };
    signed_in.page(app, "/account", PAGE, values, faults)
}

async fn submit_avatar(State(app): State<App>, form: SignedUpload) -> AppResult<Response> {
    let SignedUpload { signed_in, file, .. } = form;
    let person = &signed_in.person;
    let taken = match file.and_then(sent) {
        Ok(sent) => super::set(&app, &person.origin, person.authority(), person.user_id, sent).await,
        Err(error) => Err(error),
    };
    match taken {
        Ok(_) => html::done(&app, HERE, Notice::AvatarSaved),
        Err(error) => ask(&app, &signed_in, &faults(error)?).await,
    }
}

/// What a form sends in its field `picture`.
pub fn sent(bytes: Bytes) -> AppResult<Sent> {
    if bytes.is_empty() {
        return Err(Rejection::invalid_field("/picture", "required", no_file()).into());
    }
    Sent::of(bytes)
}

fn no_file() -> String {
    now().word("avatar-missing")
}

/// What is to be mended, at the field `picture`.
pub fn faults(error: AppError) -> AppResult<Faults> {
    let AppError::Rejected(rejection) = error else { return Err(error) };
    match rejection.code {
        "invalid_body" => Ok(Faults::at(FIELD, no_file())),
        "body_too_large" => Ok(Faults::at(FIELD, now().word("avatar-too-large"))),
        "invalid_image" | "image_too_large" | "image_too_small" => {
            Ok(Faults::at(FIELD, now().problem(rejection.code, &rejection.detail)))
        }
        _ => Err(AppError::Rejected(rejection)),
    }
}

async fn submit_removal(State(app): State<App>, SignedForm { signed_in, .. }: SignedForm) -> AppResult<Response> {
    let person = &signed_in.person;
    let mut tx = app.begin(&person.origin).await?;
    let before = users::lock(&mut tx, person.authority(), person.user_id).await?;
    super::remove(&mut tx, &before).await?;
    tx.commit().await?;
    html::done(&app, HERE, Notice::AvatarRemoved)
}

async fn show_file(State(app): State<App>, path: Result<Path<String>, PathRejection>) -> AppResult<Response> {
    let Ok(Path(file)) = path else { return Err(Rejection::not_found().into()) };
    let (bytes, media_type) = super::find_file(&app, &file).await?.ok_or_else(Rejection::not_found)?;
    Ok(picture(media_type, bytes))
}

async fn show_pattern(path: Result<Path<String>, PathRejection>) -> AppResult<Response> {
    let hash = path.ok().and_then(|Path(file)| {
        let hash = HEXLOWER.decode(file.strip_suffix(".svg")?.as_bytes()).ok()?;
        hash.try_into().ok()
    });
    let hash = hash.ok_or_else(Rejection::not_found)?;
    Ok(picture("image/svg+xml", pictures::pattern(hash).into()))
}

/// Other sites of the house may show it: nothing of whoever looks at it is sent along.
fn picture(media_type: &'static str, bytes: Bytes) -> Response {
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CACHE_CONTROL, IMMUTABLE),
        (header::CONTENT_SECURITY_POLICY, FILE_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (RESOURCE_POLICY, "cross-origin"),
    ];
    (headers, bytes).into_response()
}
