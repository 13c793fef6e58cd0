//! The queue of mails, for whoever looks after the server.

use axum::extract::{OriginalUri, State};
use http::Method;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::outbox::{self, Envelope, Status};
use crate::app::{App, Ask};
use crate::caller::{self, Authority, Caller, Permission};
use crate::db::page::Limit;
use crate::error::AppResult;
use crate::http::api::{Access, Op, Routes};
use crate::http::output::{Answer, Listed};
use crate::http::params::{Part, Path, Query};
use crate::id::{MailId, UserId};

const READ: Access = Access::Holding(Permission::SystemRead);
const WRITE: Access = Access::Holding(Permission::SystemWrite);

pub fn router() -> Routes {
    let op = |method, path, access, summary| Op::new(method, path, access, "Operations", summary);
    Routes::new()
        .op(
            op(Method::GET, "/v1/mails", READ, "List mails").description(
                "The newest first; those of the last 30 days. Their texts and links are shown nowhere. Without `users:read`, and of \
                 users who hold permissions that the caller lacks, addresses are masked.",
            ),
            list_mails,
        )
        .op(
            Op::new(Method::GET, "/v1/users/{id}/mails", Access::Holding(Permission::UsersRead), "Users", "List the mails to a user")
                .description("The newest first; those of the last 30 days, how far each is, and what the mail server said. Their texts are shown nowhere.")
                .fails(403, "The user holds permissions that the caller lacks (`target_outranks_caller`)."),
            list_user_mails,
        )
        .op(op(Method::GET, "/v1/mails/{id}", READ, "Read how far a mail is"), read_mail)
        .op(
            op(Method::POST, "/v1/mails/{id}/retry", WRITE, "Send a mail again")
                .description("One that was given up or is held goes back into the queue. Its link ends when it would have ended.")
                .fails(409, "It has been sent or waits already (`invalid_state`), or there is no mail server (`no_smtp_server`)."),
            retry_mail,
        )
}

/// What the documentation shows.
pub fn example() -> Value {
    json!({
        "id": "0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d", "kind": "reset_password", "user_id": null, "recipient": "a…@example.org",
        "status": "failed", "attempts": 12, "last_error": "550 no such mailbox", "created_at": "2026-01-02T03:04:05Z",
        "sent_at": null,
    })
}

#[derive(Deserialize, JsonSchema)]
struct MailPath {
    /// The mail's id.
    id: MailId,
}

#[derive(Deserialize, JsonSchema)]
struct UserPath {
    /// The user's id.
    id: UserId,
}

/// Which mails.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "MailListParameters")]
struct Wanted {
    /// Only those that are so far.
    status: Option<Status>,
    /// At most so many items.
    #[serde(default)]
    limit: Limit,
    /// `next` of the page before.
    cursor: Option<String>,
}

async fn list_mails(
    caller: Caller,
    State(app): State<App>,
    OriginalUri(here): OriginalUri,
    Query(wanted): Query<Wanted>,
) -> AppResult<Listed<Envelope>> {
    let ask: Ask<(Authority, Wanted), _> =
        |tx, (by, wanted)| Box::pin(outbox::list(tx, *by, wanted.status, wanted.limit, wanted.cursor.as_deref()));
    let page = app.read_list(&caller.origin, &(caller.authority(), wanted), ask).await?;
    Ok(Listed { page, here })
}

async fn list_user_mails(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<UserPath>,
    OriginalUri(here): OriginalUri,
    Query(part): Query<Part>,
) -> AppResult<Listed<Envelope>> {
    let mut tx = app.begin(&caller.origin).await?;
    caller::require_rank(&mut tx, &caller, path.id).await?;
    let page = outbox::list_to(&mut tx, path.id, part.limit, part.cursor.as_deref()).await?;
    tx.commit().await?;
    Ok(Listed { page, here })
}

async fn read_mail(caller: Caller, State(app): State<App>, Path(path): Path<MailPath>) -> AppResult<Answer<Envelope>> {
    let mut tx = app.begin(&caller.origin).await?;
    let mail = outbox::read(&mut tx, caller.authority(), path.id).await?;
    tx.commit().await?;
    Ok(Answer(mail))
}

async fn retry_mail(caller: Caller, State(app): State<App>, Path(path): Path<MailPath>) -> AppResult<Answer<Envelope>> {
    let mut tx = app.begin(&caller.origin).await?;
    let mail = outbox::retry(&app, &mut tx, caller.authority(), path.id).await?;
    tx.commit().await?;
    Ok(Answer(mail))
}
