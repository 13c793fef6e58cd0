//! Addresses, for people and for administrators.

use axum::extract::State;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::lock_own;
use crate::app::App;
use crate::caller::{Caller, Permission, Person};
use crate::db::{Origin, Tx};
use crate::emails::{self, EmailAddress, PendingEmail};
use crate::error::AppResult;
use crate::http::api::{Access, Op, Routes};
use crate::http::body::Json;
use crate::http::etag::IfMatch;
use crate::http::limits;
use crate::http::output::{Accepted, Answer, NoContent, Tagged};
use crate::http::params::Path;
use crate::id::{EmailId, UserId};
use crate::secret::SecretText;
use crate::users::{self, User, UserEmail};

const WRITE: Access = Access::Holding(Permission::UsersWrite);
const OUTRANKED: &str = "The user holds permissions that the caller lacks (`target_outranks_caller`).";
const TOO_MANY: &str = "There are 10 addresses already, or it is one of them (`too_many_emails`, `email_taken`).";
const IS_PRIMARY: &str = "It is the primary address (`invalid_state`).";
const BY_OTHERS: &str = "The person confirms it by a link that is mailed to it: nobody else can. Meanwhile it belongs to nobody. A newer request \
     takes the place of an older one.";

pub fn router() -> Routes {
    let op = |method, path, access, summary| Op::new(method, path, access, "Addresses", summary);
    Routes::new()
        .op(op(Method::GET, "/v1/me/emails", Access::SignedIn, "List your addresses"), list_my_emails)
        .op(
            op(Method::POST, "/v1/me/emails", Access::Fresh, "Add an address")
                .limited_to(limits::MAILING)
                .description(
                    "A link goes to the address, and a notice to the primary one. Until the link is used the address belongs to \
                     nobody. The answer does not tell whether it is somebody else's; its owner is told by mail. One address can be \
                     waiting: a newer request takes the place of an older one.",
                )
                .fails(409, TOO_MANY),
            add_my_email,
        )
        .op(
            op(Method::POST, "/v1/me/emails/confirm", Access::Public, "Confirm an address with the token from the mail")
                .limited_to(limits::PASSWORDS)
                .fails(422, "The token is unknown, used or expired, or another address was asked for since (`invalid_token`).")
                .fails(409, "Somebody has the address by now, or there are 10 already (`email_taken`, `too_many_emails`)."),
            confirm_email,
        )
        .op(
            op(Method::PUT, "/v1/me/emails/{id}/primary", Access::Fresh, "Choose the primary address")
                .description("Mail goes to it from now on. Links that were mailed before stop working. Both addresses are told."),
            set_my_primary_email,
        )
        .op(
            op(Method::DELETE, "/v1/me/emails/{id}", Access::Fresh, "Remove an address")
                .description("Or withdraw the one that waits to be confirmed.")
                .fails(409, IS_PRIMARY),
            remove_my_email,
        )
        .op(
            op(Method::POST, "/v1/users/{id}/emails", WRITE, "Add an address of a user")
                .description(BY_OTHERS)
                .fails(403, OUTRANKED)
                .fails(409, TOO_MANY)
                .fails(409, "Somebody else has it, or the user is not active (`email_taken`, `invalid_state`)."),
            add_user_email,
        )
        .op(
            op(Method::PUT, "/v1/users/{id}/emails/{email_id}/primary", WRITE, "Choose a user's primary address")
                .fails(403, OUTRANKED)
                .fails(409, "The user is deleted (`invalid_state`)."),
            set_user_primary_email,
        )
        .op(
            op(Method::DELETE, "/v1/users/{id}/emails/{email_id}", WRITE, "Remove an address of a user")
                .fails(403, OUTRANKED)
                .fails(409, IS_PRIMARY),
            remove_user_email,
        )
}

#[derive(Deserialize, JsonSchema)]
struct EmailPath {
    /// The address's id.
    id: EmailId,
}

#[derive(Deserialize, JsonSchema)]
struct UserPath {
    /// The user's id.
    id: UserId,
}

#[derive(Deserialize, JsonSchema)]
struct UserEmailPath {
    /// The user's id.
    id: UserId,
    /// The address's id.
    email_id: EmailId,
}

/// An address to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewEmail {
    email: EmailAddress,
}

/// The token from the mail.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ConfirmEmailBody")]
struct ConfirmBody {
    token: SecretText,
}

/// A person's addresses.
#[derive(Debug, Serialize, JsonSchema)]
struct Emails {
    /// The primary one first.
    items: Vec<UserEmail>,
    /// What waits to be confirmed.
    pending: Option<PendingEmail>,
}

/// What has happened or will happen.
#[derive(Debug, Serialize, JsonSchema)]
struct EmailStatus {
    /// `confirmation_sent` or `confirmed`.
    status: &'static str,
}

async fn list_my_emails(person: Person, State(app): State<App>) -> AppResult<Answer<Emails>> {
    let mut tx = app.begin(&person.origin).await?;
    let items = users::read(&mut tx, person.user_id).await?.emails;
    let pending = emails::find_pending(&mut tx, person.user_id).await?;
    tx.commit().await?;
    Ok(Answer(Emails { items, pending }))
}

async fn add_my_email(person: Person, State(app): State<App>, Json(body): Json<NewEmail>) -> AppResult<Accepted<EmailStatus>> {
    let (mut tx, user) = lock_own(&app, &person).await?;
    super::request(&mut tx, &user, &body.email).await?;
    tx.commit().await?;
    Accepted::new(&EmailStatus { status: "confirmation_sent" })
}

async fn confirm_email(State(app): State<App>, origin: Origin, Json(body): Json<ConfirmBody>) -> AppResult<Answer<EmailStatus>> {
    let mut tx = app.begin(&origin).await?;
    super::confirm(&mut tx, &body.token).await?;
    tx.commit().await?;
    Ok(Answer(EmailStatus { status: "confirmed" }))
}

async fn set_my_primary_email(
    person: Person,
    State(app): State<App>,
    Path(path): Path<EmailPath>,
    if_match: IfMatch,
) -> AppResult<Tagged<User>> {
    let (mut tx, before) = lock_own(&app, &person).await?;
    if_match.require(before.version)?;
    let user = super::set_primary(&mut tx, &before, path.id).await?;
    tx.commit().await?;
    Ok(Tagged { version: user.version, body: user })
}

async fn remove_my_email(
    person: Person,
    State(app): State<App>,
    Path(path): Path<EmailPath>,
    if_match: IfMatch,
) -> AppResult<NoContent> {
    let (mut tx, before) = lock_own(&app, &person).await?;
    if_match.require(before.version)?;
    super::remove(&mut tx, &before, path.id).await?;
    tx.commit().await?;
    Ok(NoContent)
}

async fn add_user_email(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<UserPath>,
    Json(body): Json<NewEmail>,
) -> AppResult<Accepted<EmailStatus>> {
    let (mut tx, user) = lock(&app, &caller, path.id).await?;
    super::request_for(&mut tx, &user, &body.email).await?;
    tx.commit().await?;
    Accepted::new(&EmailStatus { status: "confirmation_sent" })
}

async fn set_user_primary_email(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<UserEmailPath>,
    if_match: IfMatch,
) -> AppResult<Tagged<User>> {
    let (mut tx, before) = lock(&app, &caller, path.id).await?;
    if_match.require(before.version)?;
    let user = super::set_primary(&mut tx, &before, path.email_id).await?;
    tx.commit().await?;
    Ok(Tagged { version: user.version, body: user })
}

async fn remove_user_email(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<UserEmailPath>,
    if_match: IfMatch,
) -> AppResult<NoContent> {
    let (mut tx, before) = lock(&app, &caller, path.id).await?;
    if_match.require(before.version)?;
    super::remove(&mut tx, &before, path.email_id).await?;
    tx.commit().await?;
    Ok(NoContent)
}

async fn lock(app: &App, caller: &Caller, user_id: UserId) -> AppResult<(Tx, User)> {
    let mut tx = app.begin(&caller.origin).await?;
    let user = users::lock(&mut tx, caller.authority(), user_id).await?;
    Ok((tx, user))
}
