//! Reading the audit trail.

use axum::extract::{OriginalUri, State};
use http::Method;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::log::{self, Sealed};
use super::store;
use crate::app::{App, Ask};
use crate::caller::{Caller, Permission};
use crate::db::page::{self, Limit, Page};
use crate::error::{AppResult, Rejection};
use crate::http::api::{Access, Op, Routes};
use crate::http::output::{Answer, Listed};
use crate::http::params::Query;
use crate::id::ApiKeyId;

pub fn router() -> Routes {
    Routes::new().op(
        Op::new(Method::GET, "/v1/audit-events", Access::Holding(Permission::AuditRead), "Operations", "List audit events")
            .description("Newest first. Every change and every sign-in has one; it says who, what, when, from where, and field by field what changed."),
        list_audit_events,
    )
    .op(
        Op::new(Method::GET, "/v1/audit/checkpoint", Access::Holding(Permission::AuditRead), "Operations", "The newest checkpoint of the audit log")
            .description("The signed state of the Merkle tree over the audit events. Whoever keeps these elsewhere can tell later whether the log was cut off or written anew: `usher audit verify --checkpoint`.")
            .fails(404, "Nothing has been sealed yet."),
        show_audit_checkpoint,
    )
}

/// Which audit events, and how many.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AuditFilter")]
pub struct Filter {
    /// At most so many items.
    #[serde(default)]
    pub limit: Option<Limit>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// Only what this user or service account did.
    pub actor_id: Option<Uuid>,
    /// Only what happened to the resource with this id.
    pub target_id: Option<String>,
    /// Only this action, such as `user.suspended`.
    pub action: Option<String>,
}

/// Something that happened.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AuditEvent {
    pub id: Uuid,
    pub occurred_at: Timestamp,
    /// `<resource>.<past participle>`, such as `user.created`.
    pub action: String,
    /// `success` or `failure`.
    pub outcome: String,
    /// `user`, `service_account`, `anonymous`, `cli` (an operator at the command line) or `system` (usher itself).
    pub actor_kind: String,
    pub actor_id: Option<Uuid>,
    pub target_kind: Option<String>,
    pub target_id: Option<String>,
    /// What the caller gave as `X-Reason`.
    pub reason: Option<String>,
    pub request_id: Option<String>,
    /// The client's network address.
    pub address: Option<String>,
    pub user_agent: Option<String>,
    /// The API key that the actor has shown.
    pub api_key_id: Option<ApiKeyId>,
    /// Member by member: `{"bio": {"before": null, "after": "Gardener"}}`.
    pub changes: Value,
    /// A person whom it concerned was purged, and with them reason, address, user agent and changes.
    pub erased: bool,
}

async fn list_audit_events(
    caller: Caller,
    State(app): State<App>,
    OriginalUri(here): OriginalUri,
    Query(filter): Query<Filter>,
) -> AppResult<Listed<AuditEvent>> {
    let after: Option<Uuid> = filter.cursor.as_deref().map(page::decode).transpose()?;
    let limit = filter.limit;
    let ask: Ask<_, _> = |tx, (filter, after)| Box::pin(async { Ok(store::list_events(tx, filter, *after).await?) });
    let events = app.read_list(&caller.origin, &(filter, after), ask).await?;
    let page = Page::cut(events, limit.unwrap_or_default(), |event| event.id);
    Ok(Listed { page, here })
}

async fn show_audit_checkpoint(State(app): State<App>) -> AppResult<Answer<Sealed>> {
    let sealed = log::last(&app).await?;
    Ok(Answer(sealed.ok_or_else(Rejection::not_found)?))
}
