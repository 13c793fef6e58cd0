//! The SQL of the audit trail.

use jiff::Timestamp;
use tokio_postgres::types::ToSql;
use usher_log::Details;
use uuid::Uuid;

use super::api::{AuditEvent, Filter};
use super::{Content, Event};
use crate::db::{DbResult, Tx};
use crate::id::{UserId, new_uuid};

pub async fn insert_event(tx: &mut Tx, event: &Event, details: &Details) -> DbResult<()> {
    let now = tx.now();
    let origin = tx.origin().clone();
    let (target_kind, target_id) = event.target.as_ref().map(|(kind, id)| (*kind, id.as_str())).unzip();
    let sql = "
        with event as (
            insert into audit_events (
                id, occurred_at, action, outcome, actor_kind, actor_id, target_kind, target_id, subject_id, request_id, details_hash
            )
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ),
        details as (
            insert into audit_details (event_id, salt, content)
            values ($1, $12, $13)
        )
        insert into audit_unsealed (event_id)
        values ($1)";
    let hash = details.hash();
    let params: [&(dyn ToSql + Sync); 13] = [
        &new_uuid(now),
        &now,
        &event.action,
        &event.outcome.as_str(),
        &origin.actor.kind(),
        &origin.actor.id(),
        &target_kind,
        &target_id,
        &event.subject,
        &origin.request_id,
        &hash.as_slice(),
        &details.salt.as_slice(),
        &details.content,
    ];
    tx.execute(sql, &params).await?;
    Ok(())
}

/// Says how many there were.
pub async fn delete_details(tx: &mut Tx, user_id: UserId, limit: i64) -> DbResult<u64> {
    let sql = "
        delete from audit_details
        where event_id in (
            select d.event_id
            from audit_events e
            join audit_details d on d.event_id = e.id
            where e.actor_id = $1
            union
            select d.event_id
            from audit_events e
            join audit_details d on d.event_id = e.id
            where e.subject_id = $1
            limit $2
        )";
    tx.execute(sql, &[&user_id, &limit]).await
}

pub async fn list_events(tx: &mut Tx, filter: &Filter, after: Option<Uuid>) -> DbResult<Vec<AuditEvent>> {
    let limit = filter.limit.unwrap_or_default().and_one();
    let sql = "
        select e.id, e.occurred_at, e.action, e.outcome, e.actor_kind, e.actor_id, e.target_kind, e.target_id, e.request_id,
            d.content
        from audit_events e
        left join audit_details d on d.event_id = e.id
        where ($1::uuid is null or e.id < $1)
            and ($2::uuid is null or e.actor_id = $2)
            and ($3::text is null or e.target_id = $3)
            and ($4::text is null or e.action = $4)
        order by e.id desc
        limit $5";
    let rows = tx.query(sql, &[&after, &filter.actor_id, &filter.target_id, &filter.action, &limit]).await?;
    Ok(rows
        .iter()
        .map(|row| {
            let content: Option<&str> = row.get("content");
            let read: Content = content.and_then(|content| serde_json::from_str(content).ok()).unwrap_or_else(Content::erased);
            AuditEvent {
                id: row.get("id"),
                occurred_at: row.get::<_, Timestamp>("occurred_at"),
                action: row.get("action"),
                outcome: row.get("outcome"),
                actor_kind: row.get("actor_kind"),
                actor_id: row.get("actor_id"),
                target_kind: row.get("target_kind"),
                target_id: row.get("target_id"),
                reason: read.reason,
                request_id: row.get("request_id"),
                address: read.address.map(|address| address.to_string()),
                user_agent: read.user_agent,
                api_key_id: read.api_key_id,
                changes: read.changes,
                erased: content.is_none(),
            }
        })
        .collect())
}
