//! The SQL of the audit trail.

use std::net::IpAddr;

use jiff::Timestamp;
use serde_json::Value;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::api::{AuditEvent, Filter};
use crate::db::lanes::Pipeline;
use crate::db::{DbResult, Tx};
use crate::id::new_uuid;

pub async fn insert_event(
    tx: &mut Tx,
    action: &str,
    outcome: &str,
    target_kind: Option<&str>,
    target_id: Option<&str>,
    changes: &Value,
) -> DbResult<()> {
    let now = tx.now();
    let origin = tx.origin().clone();
    let sql = "
        insert into audit_events (
            id, occurred_at, action, outcome, actor_kind, actor_id, target_kind, target_id, reason, request_id, address,
            user_agent, changes
        )
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    let params: [&(dyn ToSql + Sync); 13] = [
        &new_uuid(now),
        &now,
        &action,
        &outcome,
        &origin.actor.kind(),
        &origin.actor.user_id(),
        &target_kind,
        &target_id,
        &origin.reason,
        &origin.request_id,
        &origin.address,
        &origin.user_agent,
        changes,
    ];
    tx.execute(sql, &params).await?;
    Ok(())
}

pub async fn list_events(pipeline: &Pipeline, filter: &Filter, after: Option<Uuid>) -> DbResult<Vec<AuditEvent>> {
    let limit = filter.limit.unwrap_or_default().and_one();
    let sql = "
        select id, occurred_at, action, outcome, actor_kind, actor_id, target_kind, target_id, reason, request_id, address,
            user_agent, changes
        from audit_events
        where ($1::uuid is null or id < $1)
            and ($2::uuid is null or actor_id = $2)
            and ($3::text is null or target_id = $3)
            and ($4::text is null or action = $4)
        order by id desc
        limit $5";
    let rows = pipeline.query(sql, &[&after, &filter.actor_id, &filter.target_id, &filter.action, &limit]).await?;
    Ok(rows
        .iter()
        .map(|row| AuditEvent {
            id: row.get("id"),
            occurred_at: row.get::<_, Timestamp>("occurred_at"),
            action: row.get("action"),
            outcome: row.get("outcome"),
            actor_kind: row.get("actor_kind"),
            actor_id: row.get("actor_id"),
            target_kind: row.get("target_kind"),
            target_id: row.get("target_id"),
            reason: row.get("reason"),
            request_id: row.get("request_id"),
            address: row.get::<_, Option<IpAddr>>("address").map(|address| address.to_string()),
            user_agent: row.get("user_agent"),
            changes: row.get("changes"),
        })
        .collect())
}
