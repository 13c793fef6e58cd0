//! The pictures API.

use aide::generate::GenContext;
use aide::openapi::{MediaType, Operation, ReferenceOr, RequestBody, Response as ApiResponse, StatusCode as ApiStatus};
use aide::operation::OperationInput;
use axum::extract::{FromRequest, Request, State};
use http::Method;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Format, SENT_MAX, Sent};
use crate::app::App;
use crate::attributes;
use crate::caller::{Authority, Caller, Permission, Person};
use crate::db::Origin;
use crate::error::{AppError, AppResult};
use crate::http::api::{Access, Op, Routes, problem_response};
use crate::http::body;
use crate::http::output::{NoContent, Tagged};
use crate::http::params::Path;
use crate::id::UserId;
use crate::throttle::Limit;
use crate::users::{self, User};

const WRITE: Access = Access::Holding(Permission::UsersWrite);
/// Drawing a picture is work.
const DRAWN: Limit = Limit::per_minutes("avatars", 30, 10);
const ABOUT: &str = "PNG, JPEG or WebP of at most 5 MiB and 25 megapixels. The square in the middle is kept, drawn anew in 512 and 128 \
                     pixels: nothing else of the file is, neither where it was taken nor by what camera. `avatar_url` leads to the large \
                     one; with `-128` in place of `-512` to the small one.";
const NOT_KEPT: &str = "The server keeps no pictures (`avatars_not_kept`).";
const NO_PICTURE: &str = "It is no picture of the type that it is said to be, is damaged, or has too many pixels or too few (`invalid_image`, \
                          `image_too_large`, `image_too_small`).";
const OUTRANKED: &str = "The user holds permissions that the caller lacks (`target_outranks_caller`).";

pub fn router() -> Routes {
    let of_me = |method, summary| Op::new(method, "/v1/me/avatar", Access::SignedIn, "Me", summary);
    let of_user = |method, summary| Op::new(method, "/v1/users/{id}/avatar", WRITE, "Users", summary);
    let sending = |op: Op| op.limited_to(DRAWN).description(ABOUT).fails(409, NOT_KEPT).fails(422, NO_PICTURE);
    let deleted = "The user is deleted (`invalid_state`).";
    Routes::new()
        .op(sending(of_me(Method::PUT, "Set your picture")), set_my_avatar)
        .op(of_me(Method::DELETE, "Remove your picture").description("Its files go at once."), remove_my_avatar)
        .op(sending(of_user(Method::PUT, "Set a user's picture")).fails(403, OUTRANKED).fails(409, deleted), set_user_avatar)
        .op(
            of_user(Method::DELETE, "Remove a user's picture")
                .description("Its files go at once.")
                .fails(403, OUTRANKED)
                .fails(409, deleted),
            remove_user_avatar,
        )
}

#[derive(Deserialize, JsonSchema)]
struct UserPath {
    /// The user's id.
    id: UserId,
}

impl FromRequest<App> for Sent {
    type Rejection = AppError;

    async fn from_request(request: Request, _: &App) -> Result<Self, Self::Rejection> {
        let fitting = Format::ALL.iter().find(|(name, _)| body::require_media_type(&request, &[name]).is_ok());
        let fits = body::require_media_type(&request, &Format::ALL.map(|(name, _)| name));
        // One of another type is read too, so that the connection can go on.
        let bytes = body::read_file(request, SENT_MAX).await;
        fits?;
        let format = fitting.map(|(_, format)| *format).ok_or_else(super::images::unreadable)?;
        Ok(Self { bytes: bytes?, format })
    }
}

impl OperationInput for Sent {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        operation.request_body = Some(ReferenceOr::Item(RequestBody {
            content: Format::ALL.map(|(name, _)| (name.to_owned(), MediaType::default())).into_iter().collect(),
            required: true,
            ..RequestBody::default()
        }));
    }

    fn inferred_early_responses(context: &mut GenContext, _: &mut Operation) -> Vec<(Option<ApiStatus>, ApiResponse)> {
        [
            (413, "The body is larger than 5 MiB (`body_too_large`)."),
            (415, "The body is said to be neither PNG, JPEG nor WebP (`unsupported_media_type`)."),
        ]
        .map(|(status, when)| (Some(ApiStatus::Code(status)), problem_response(context, when)))
        .into()
    }
}

async fn set_my_avatar(person: Person, State(app): State<App>, sent: Sent) -> AppResult<Tagged<User>> {
    let mut user = super::set(&app, &person.origin, person.authority(), person.user_id, sent).await?;
    user.attributes = attributes::cached(&app).await?.own(&user.attributes);
    Ok(tagged(user))
}

async fn remove_my_avatar(person: Person, State(app): State<App>) -> AppResult<NoContent> {
    remove(&app, &person.origin, person.authority(), person.user_id).await
}

async fn set_user_avatar(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<UserPath>,
    sent: Sent,
) -> AppResult<Tagged<User>> {
    super::set(&app, &caller.origin, caller.authority(), path.id, sent).await.map(tagged)
}

async fn remove_user_avatar(caller: Caller, State(app): State<App>, Path(path): Path<UserPath>) -> AppResult<NoContent> {
    remove(&app, &caller.origin, caller.authority(), path.id).await
}

async fn remove(app: &App, origin: &Origin, by: Authority, id: UserId) -> AppResult<NoContent> {
    let mut tx = app.begin(origin).await?;
    let before = users::lock(&mut tx, by, id).await?;
    super::remove(&mut tx, &before).await?;
    tx.commit().await?;
    Ok(NoContent)
}

fn tagged(user: User) -> Tagged<User> {
    Tagged { version: user.version, body: user }
}
