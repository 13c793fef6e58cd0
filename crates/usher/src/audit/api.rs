//! Reading the audit trail.

use axum::extract::{OriginalUri, State};
use http::Method;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use super::log::{self, Sealed};
use super::{AuditEvent, Wanted};
use crate::app::{App, Ask};
use crate::caller::{Caller, Permission, PermissionSet};
use crate::db::page::{self, Limit, Page};
use crate::error::{AppResult, Rejection};
use crate::http::api::{Access, Op, Routes};
use crate::http::output::{Answer, Listed};
use crate::http::params::{Query, time};

pub fn router() -> Routes {
    Routes::new().op(
        Op::new(Method::GET, "/v1/audit-events", Access::Holding(Permission::AuditRead), "Operations", "List audit events")
            .description("Newest first. Every change and every sign-in has one; it says who, what, when, from where, and field by field what changed. Without `users:read`, addresses and personal attributes are masked."),
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
    /// Only what has happened at this time or later.
    #[serde(default, deserialize_with = "time")]
    #[schemars(with = "Option<Timestamp>")]
    pub occurred_after: Option<Timestamp>,
    /// Only what has happened before this time.
    #[serde(default, deserialize_with = "time")]
    #[schemars(with = "Option<Timestamp>")]
    pub occurred_before: Option<Timestamp>,
}

async fn list_audit_events(
    caller: Caller,
    State(app): State<App>,
    OriginalUri(here): OriginalUri,
    Query(filter): Query<Filter>,
) -> AppResult<Listed<AuditEvent>> {
    let before: Option<Uuid> = filter.cursor.as_deref().map(page::decode).transpose()?;
    let limit = filter.limit.unwrap_or_default();
    let ask: Ask<_, _> = |tx, (filter, before, permissions): &(Filter, Option<Uuid>, PermissionSet)| {
        Box::pin(async {
            let wanted = Wanted {
                actor_id: filter.actor_id,
                target_id: filter.target_id.clone(),
                action: filter.action.clone(),
                from: filter.occurred_after,
                until: filter.occurred_before,
                before: *before,
                limit: filter.limit.unwrap_or_default().and_one(),
                ..Wanted::default()
            };
            let found = super::list(tx, wanted).await?;
            Ok(super::seen_by(tx, *permissions, found).await?)
        })
    };
    let events = app.read_list(&caller.origin, &(filter, before, caller.permissions), ask).await?;
    let page = Page::cut(events, limit, |event| event.id);
    Ok(Listed { page, here })
}

async fn show_audit_checkpoint(State(app): State<App>) -> AppResult<Answer<Sealed>> {
    let sealed = log::last(&app).await?;
    Ok(Answer(sealed.ok_or_else(Rejection::not_found)?))
}
