//! Invitations, for those who invite and, in one operation, for those who were invited.

use std::collections::BTreeMap;

use axum::extract::{OriginalUri, State};
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{AT_ONCE_MAX, Acceptance, Counts, Invitation, Issued, Judged, NewInvitation, Wanted};
use crate::app::{App, Ask};
use crate::attributes;
use crate::caller::{Caller, Permission};
use crate::db::{Origin, Tx};
use crate::error::{AppResult, FieldError};
use crate::http::api::{Access, Op, PROOF_TO_GRANT, Routes};
use crate::http::body::{self, Json};
use crate::http::etag::IfMatch;
use crate::http::idempotency::Creating;
use crate::http::limits;
use crate::http::output::{Accepted, Answer, Created, Listed, NoContent, Tagged};
use crate::http::params::{Path, Query};
use crate::id::InvitationId;
use crate::secret::SecretText;
use crate::users::{Name, User, Username};

const READ: Access = Access::Holding(Permission::InvitationsRead);
const WRITE: Access = Access::Holding(Permission::InvitationsWrite);
const ONE: &str = "/v1/invitations/{id}";
const EXCEEDS: &str =
    "A role grants what the caller lacks, or is none that they may assign (`grant_exceeds_caller`, `forbidden`).";
const QUOTA: &str =
    "As many were sent as one may in a day, or this one too often; see `Retry-After` (`invitation_quota`, `too_many_requests`).";
const STATE: &str =
    "It has been accepted or revoked, or the address was invited anew or is somebody's (`invalid_state`, `email_taken`).";

pub fn router() -> Routes {
    let op = |method, path, access, summary| Op::new(method, path, access, "Invitations", summary);
    Routes::new()
        .op(
            op(Method::GET, "/v1/invitations", READ, "List invitations")
                .description("Newest first. Those that ended more than 90 days ago are forgotten."),
            list_invitations,
        )
        .op(
            op(Method::POST, "/v1/invitations", WRITE, "Invite somebody")
                .description(
                    "A mail with a link goes to the address. With `delivery` `link` no mail goes out: the answer has the link and a QR code of \
                     it, this once, and who accepts it verifies the address afterwards.",
                )
                .fails(401, PROOF_TO_GRANT)
                .fails(403, EXCEEDS)
                .fails(409, "The address is somebody's, or has an open invitation (`email_taken`, `already_invited`).")
                .fails(409, "Users need attributes that an invitation does not give (`attributes_required`).")
                .fails(429, QUOTA),
            create_invitation,
        )
        .op(
            op(Method::POST, "/v1/invitations/batch", WRITE, "Invite many")
                .description("Up to 500, by mail. Each is judged alone: the answer says in the order of the body what became of each.")
                .fails(401, PROOF_TO_GRANT),
            create_invitations,
        )
        .op(op(Method::GET, "/v1/invitations/counts", READ, "Count invitations"), count_invitations)
        .op(
            op(Method::POST, "/v1/invitations/accept", Access::Public, "Accept an invitation with the token of its link")
                .limited_to(limits::PASSWORDS)
                .description(
                    "Makes the account; nobody is signed in by it. After an invitation by mail it is active. After one by a link it is pending, \
                     and a mail goes to the address to verify it.",
                )
                .fails(409, "Somebody has the user name, or users need attributes now (`username_taken`, `attributes_required`).")
                .fails(422, "The token is unknown, used, expired or revoked (`invalid_token`)."),
            accept_invitation,
        )
        .op(op(Method::GET, ONE, READ, "Read an invitation"), read_invitation)
        .op(
            op(Method::POST, "/v1/invitations/{id}/resend", WRITE, "Send an invitation again")
                .description("With a new link: those before stop working. It works as long as the first one did.")
                .fails(403, EXCEEDS)
                .fails(409, STATE)
                .fails(429, QUOTA),
            resend_invitation,
        )
        .op(
            op(Method::DELETE, ONE, WRITE, "Revoke an invitation")
                .description("Its link opens nothing any more. It stays in the list.")
                .fails(403, EXCEEDS)
                .fails(409, STATE),
            revoke_invitation,
        )
}

/// What the documentation shows.
pub fn example() -> Value {
    json!({
        "id": "0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d", "email": "ann@example.com", "display_name": "Ann Baker",
        "message": "Welcome to the team!", "roles": ["user"], "forward_to": null, "delivery": "mail", "state": "waiting",
        "invited_by": { "kind": "user", "id": "0193e4a1-7c1e-7b52-9d0c-4a2d5b6c7d8e", "name": "Bob Miller" },
        "created_at": "2026-01-02T03:04:05Z", "sent_at": "2026-01-02T03:04:06Z", "times_sent": 1, "opened_at": null,
        "accepted_at": null, "accepted_by": null, "revoked_at": null, "expires_at": "2026-01-09T03:04:05Z", "version": 2,
    })
}

#[derive(Deserialize, JsonSchema)]
struct InvitationPath {
    /// The invitation's id.
    id: InvitationId,
}

/// People to be invited.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewInvitations", extend("example" = serde_json::json!({ "invitations": [{ "email": "ann@example.com" }] })))]
struct Batch {
    /// Each like the body of `POST /v1/invitations`, without `delivery`.
    #[schemars(length(min = 1, max = AT_ONCE_MAX))]
    invitations: Vec<BTreeMap<String, Value>>,
    /// For each that has none of its own.
    #[serde(default)]
    #[schemars(length(min = 1, max = 1000))]
    message: Option<String>,
}

impl Batch {
    fn read(&self) -> Vec<AppResult<NewInvitation>> {
        let read = |row: &BTreeMap<String, Value>| {
            let mut members: Map<String, Value> = row.clone().into_iter().collect();
            if let Some(message) = &self.message {
                members.entry("message").or_insert_with(|| message.clone().into());
            }
            body::from_value(Value::Object(members))
        };
        self.invitations.iter().map(read).collect()
    }
}

/// What became of each.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "JudgedInvitations")]
struct Outcomes {
    created: usize,
    refused: usize,
    /// In the order of the body.
    items: Vec<Outcome>,
}

/// What became of one.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "JudgedInvitation")]
struct Outcome {
    /// `created` or `refused`.
    status: &'static str,
    id: Option<InvitationId>,
    /// Why it was refused: the `code` of the problem that it would have been alone.
    code: Option<&'static str>,
    detail: Option<String>,
    errors: Vec<FieldError>,
}

impl From<Judged> for Outcome {
    fn from(judged: Judged) -> Self {
        match judged {
            Ok(id) => Self { status: "created", id: Some(id), code: None, detail: None, errors: Vec::new() },
            Err(why) => Self { status: "refused", id: None, code: Some(why.code), detail: Some(why.detail), errors: why.errors },
        }
    }
}

/// The token of the link, and the account to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AcceptInvitation", extend("example" = serde_json::json!({
    "token": "ush_invite_...", "password": "plum kettle orbit lantern", "display_name": "Ann"
})))]
struct AcceptBody {
    token: SecretText,
    /// At least 15 characters, if no other number is set; a few unrelated words do well.
    password: SecretText,
    /// Made up when left out.
    username: Option<Username>,
    /// That of the invitation when left out.
    display_name: Option<Name>,
}

async fn list_invitations(
    caller: Caller,
    State(app): State<App>,
    OriginalUri(here): OriginalUri,
    Query(wanted): Query<Wanted>,
) -> AppResult<Listed<Invitation>> {
    let ask: Ask<_, _> = |tx, wanted: &Wanted| Box::pin(super::list(tx, wanted));
    let page = app.read_list(&caller.origin, &wanted, ask).await?;
    Ok(Listed { page, here })
}

async fn create_invitation(
    caller: Caller,
    State(app): State<App>,
    request: Creating<NewInvitation>,
) -> AppResult<Created<Issued>> {
    let mut tx = app.begin(&caller.origin).await?;
    if let Some(answer) = request.replay(&app, &mut tx).await? {
        return Ok(answer);
    }
    let created = super::create(&app, &mut tx, caller.authority(), &request.body).await;
    let (mut tx, issued) = super::or_note(tx, created).await?;
    let location = format!("/v1/invitations/{}", issued.invitation.id);
    let answer = Created::new(location, issued.invitation.version, &issued)?;
    request.keep(&app, &mut tx, &answer.0).await?;
    tx.commit().await?;
    Ok(answer)
}

async fn create_invitations(caller: Caller, State(app): State<App>, request: Creating<Batch>) -> AppResult<Accepted<Outcomes>> {
    let mut tx = app.begin(&caller.origin).await?;
    if let Some(answer) = request.replay(&app, &mut tx).await? {
        return Ok(answer);
    }
    let judged = super::create_many(&app, &mut tx, caller.authority(), request.body.read()).await?;
    let created = judged.iter().filter(|one| one.is_ok()).count();
    let refused = judged.len() - created;
    let answer = Accepted::new(&Outcomes { created, refused, items: judged.into_iter().map(Outcome::from).collect() })?;
    request.keep(&app, &mut tx, &answer.0).await?;
    tx.commit().await?;
    Ok(answer)
}

async fn count_invitations(caller: Caller, State(app): State<App>) -> AppResult<Answer<Counts>> {
    let mut tx = app.begin(&caller.origin).await?;
    let counts = super::count(&mut tx).await?;
    tx.commit().await?;
    Ok(Answer(counts))
}

async fn accept_invitation(State(app): State<App>, origin: Origin, Json(body): Json<AcceptBody>) -> AppResult<Created<User>> {
    let AcceptBody { token, password, username, display_name } = body;
    let acceptance = Acceptance { token: &token, password: &password, username: username.as_ref(), display_name };
    let mut user = super::accept(&app, &origin, acceptance).await?.user;
    user.attributes = attributes::cached(&app).await?.own(&user.attributes);
    Created::new("/v1/me".to_owned(), user.version, &user)
}

async fn read_invitation(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<InvitationPath>,
) -> AppResult<Tagged<Invitation>> {
    let mut tx = app.begin(&caller.origin).await?;
    let invitation = super::read(&mut tx, path.id).await?;
    tx.commit().await?;
    Ok(Tagged { version: invitation.version, body: invitation })
}

async fn resend_invitation(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<InvitationPath>,
    if_match: IfMatch,
) -> AppResult<Tagged<Issued>> {
    let (mut tx, before) = lock(&app, &caller, &path, &if_match).await?;
    let renewed = super::resend(&app, &mut tx, &before).await;
    let (tx, issued) = super::or_note(tx, renewed).await?;
    tx.commit().await?;
    Ok(Tagged { version: issued.invitation.version, body: issued })
}

async fn revoke_invitation(
    caller: Caller,
    State(app): State<App>,
    Path(path): Path<InvitationPath>,
    if_match: IfMatch,
) -> AppResult<NoContent> {
    let (mut tx, before) = lock(&app, &caller, &path, &if_match).await?;
    super::revoke(&mut tx, &before).await?;
    tx.commit().await?;
    Ok(NoContent)
}

/// Every change begins so: the invitation locked, the caller entitled, the precondition met.
async fn lock(app: &App, caller: &Caller, path: &InvitationPath, if_match: &IfMatch) -> AppResult<(Tx, Invitation)> {
    let mut tx = app.begin(&caller.origin).await?;
    let invitation = super::lock(&mut tx, caller.authority(), path.id).await?;
    if_match.require(invitation.version)?;
    Ok((tx, invitation))
}
