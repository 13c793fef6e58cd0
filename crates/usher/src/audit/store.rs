//! The SQL of the audit trail.

use jiff::{SignedDuration, Timestamp};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{AuditEvent, Content, Row};
use crate::db::{Conditions, DbResult, Tx, values};
use crate::id::{UserId, first_uuid};

pub async fn insert_event(tx: &mut Tx, row: Row) -> DbResult<()> {
    let now = tx.now();
    let origin = tx.origin().clone();
    let hash = row.details.hash();
    let (target_kind, target_id) = row.event.target.unzip();
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
        ),
        change as (
            insert into audit_changes (event_id, change_id)
            select $1, $14
            where $14::uuid is not null
        )
        insert into audit_unsealed (event_id)
        values ($1)";
    let values = values![
        row.id,
        now,
        row.event.action,
        row.event.outcome.as_str(),
        origin.actor.kind(),
        origin.actor.id(),
        target_kind,
        target_id,
        row.event.subject,
        origin.request_id,
        hash.to_vec(),
        row.details.salt.to_vec(),
        row.details.content,
        row.change,
    ];
    tx.execute_later(sql, values).await
}

/// The same for many, which have actor and time in common.
pub async fn insert_events(tx: &mut Tx, rows: &[Row]) -> DbResult<()> {
    let now = tx.now();
    let origin = tx.origin().clone();
    let of = |part: fn(&Row) -> Option<&str>| rows.iter().map(part).collect::<Vec<_>>();
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let actions: Vec<&str> = rows.iter().map(|row| row.event.action).collect();
    let outcomes: Vec<&str> = rows.iter().map(|row| row.event.outcome.as_str()).collect();
    let kinds = of(|row| row.event.target.as_ref().map(|(kind, _)| *kind));
    let targets = of(|row| row.event.target.as_ref().map(|(_, id)| id.as_str()));
    let subjects: Vec<Option<Uuid>> = rows.iter().map(|row| row.event.subject).collect();
    let changes: Vec<Option<Uuid>> = rows.iter().map(|row| row.change).collect();
    let hashes: Vec<Vec<u8>> = rows.iter().map(|row| row.details.hash().to_vec()).collect();
    let salts: Vec<&[u8]> = rows.iter().map(|row| row.details.salt.as_slice()).collect();
    let contents: Vec<&str> = rows.iter().map(|row| row.details.content.as_str()).collect();
    let sql = "
        with rows as (
            select *
            from unnest(
                $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[], $10::uuid[], $11::uuid[], $12::bytea[], $13::bytea[],
                $14::text[]
            ) as row (id, action, outcome, target_kind, target_id, subject_id, change_id, details_hash, salt, content)
        ),
        events as (
            insert into audit_events (
                id, occurred_at, action, outcome, actor_kind, actor_id, target_kind, target_id, subject_id, request_id, details_hash
            )
            select id, $1, action, outcome, $2, $3, target_kind, target_id, subject_id, $4, details_hash
            from rows
        ),
        changes as (
            insert into audit_changes (event_id, change_id)
            select id, change_id
            from rows
            where change_id is not null
        ),
        details as (
            insert into audit_details (event_id, salt, content)
            select id, salt, content
            from rows
        )
        insert into audit_unsealed (event_id)
        select id
        from rows";
    let params: [&(dyn ToSql + Sync); 14] = [
        &now,
        &origin.actor.kind(),
        &origin.actor.id(),
        &origin.request_id,
        &ids,
        &actions,
        &outcomes,
        &kinds,
        &targets,
        &subjects,
        &changes,
        &hashes,
        &salts,
        &contents,
    ];
    tx.execute(sql, &params).await?;
    Ok(())
}

/// Says how many there were.
pub async fn delete_details(tx: &mut Tx, user_ids: &[UserId], limit: i64) -> DbResult<u64> {
    let sql = "
        delete from audit_details
        where event_id in (
            select d.event_id
            from audit_events e
            join audit_details d on d.event_id = e.id
            where e.actor_id = any($1)
            union
            select d.event_id
            from audit_events e
            join audit_details d on d.event_id = e.id
            where e.subject_id = any($1)
            limit $2
        )";
    tx.execute(sql, &[&user_ids, &limit]).await
}

/// What begins a run or an import has its id from the preview, which is good for a day at most.
const HAS_ITS_ID_FOR: SignedDuration = SignedDuration::from_hours(25);

/// Which events, newest first.
#[derive(Default)]
pub struct Wanted {
    pub actor_id: Option<Uuid>,
    pub target_id: Option<String>,
    /// Only what concerned this person, whoever did it.
    pub subject_id: Option<Uuid>,
    pub action: Option<String>,
    /// Only these.
    pub actions: Option<Vec<String>>,
    /// Only what begins a change set.
    pub heads: bool,
    /// Only what belongs to this change set and does not begin it.
    pub change_id: Option<Uuid>,
    pub before: Option<Uuid>,
    /// Only what has happened later.
    pub since: Option<Timestamp>,
    /// Only what has happened at this time or later.
    pub from: Option<Timestamp>,
    /// Only what has happened earlier.
    pub until: Option<Timestamp>,
    pub limit: i64,
}

/// Each of the few texts that come of it has its index.
pub async fn list_events(tx: &mut Tx, wanted: Wanted) -> DbResult<Vec<AuditEvent>> {
    let mut conditions = Conditions::default();
    conditions.require_if("e.id < {}", wanted.before);
    conditions.require_if("e.occurred_at > {}", wanted.since);
    // Says the same by the key, so that older partitions are left alone.
    conditions.require_if("e.id >= {}", wanted.since.map(first_uuid));
    conditions.require_if("e.occurred_at >= {}", wanted.from);
    conditions.require_if("e.id >= {}", wanted.from.map(|from| first_uuid(from - HAS_ITS_ID_FOR)));
    conditions.require_if("e.occurred_at < {}", wanted.until);
    // Ids of one millisecond are not in the order of their times.
    let after = |until: Timestamp| until.checked_add(SignedDuration::from_millis(1)).map_or(until, |after| after);
    conditions.require_if("e.id < {}", wanted.until.map(|until| first_uuid(after(until))));
    conditions.require_if("e.actor_id = {}", wanted.actor_id);
    conditions.require_if("e.target_id = {}", wanted.target_id);
    conditions.require_if("e.subject_id = {}", wanted.subject_id);
    conditions.require_if("e.action = {}", wanted.action);
    conditions.require_if("e.action = any({})", wanted.actions);
    conditions.require_if("c.change_id = {} and c.change_id <> c.event_id", wanted.change_id);
    if wanted.heads {
        conditions.require("c.change_id = c.event_id");
    }
    let limit = conditions.bind(wanted.limit);
    let sql = format!("{SELECT_EVENTS} where {} order by e.id desc limit {limit}", conditions.sql());
    Ok(tx.query(&sql, &conditions.params()).await?.iter().map(audit_event).collect())
}

pub async fn find_events(tx: &mut Tx, ids: &[Uuid]) -> DbResult<Vec<AuditEvent>> {
    let sql = format!("{SELECT_EVENTS} where e.id = any($1)");
    Ok(tx.query(&sql, &[&ids]).await?.iter().map(audit_event).collect())
}

/// Events are read until one does it, each by one look into one partition, and as JSON if it can be one. Earlier releases wrote beside
/// the fields which role it was of which the end was moved.
pub async fn exists_moved_role(tx: &mut Tx, change: Uuid, roles: &[&str]) -> DbResult<bool> {
    // One statement for millions.
    tx.lift_statement_timeout().await?;
    let sql = r#"
        select exists (
            select
            from audit_changes c
            join lateral (
                select e.id
                from audit_events e
                where e.id = c.event_id and e.target_kind = 'user' and e.action <> 'user.created'
                offset 0
            ) e on true
            join lateral (
                select d.content::jsonb -> 'changes' as changes
                from audit_details d
                where d.event_id = e.id and d.content like '%"role%'
                offset 0
            ) d on true
            where c.change_id = $1 and c.change_id <> c.event_id
                and exists (
                    select
                    from unnest($2::text[]) as r (name)
                    where (d.changes #> '{roles,before}' ? r.name) is distinct from (d.changes #> '{roles,after}' ? r.name)
                        or (d.changes #>> array['role_ends', 'before', r.name])
                            is distinct from (d.changes #>> array['role_ends', 'after', r.name])
                        or d.changes ->> 'role' = r.name
                )
        )"#;
    Ok(tx.query_one(sql, &[&change, &roles]).await?.get(0))
}

/// The attributes of the schema in force that it does not call personal.
pub async fn list_plain_attributes(tx: &mut Tx) -> DbResult<Vec<String>> {
    let sql = "
        select p.name
        from attribute_schema v
        cross join json_each(v.document -> 'properties') as p (name, rule)
        where v.state = 'in_force' and coalesce(p.rule ->> 'pii', 'false') <> 'true'";
    Ok(tx.query(sql, &[]).await?.iter().map(|row| row.get("name")).collect())
}

const SELECT_EVENTS: &str = "
    select e.id, e.occurred_at, e.action, e.outcome, e.actor_kind, e.actor_id, e.target_kind, e.target_id, e.request_id, c.change_id,
        d.content
    from audit_events e
    left join audit_changes c on c.event_id = e.id
    left join audit_details d on d.event_id = e.id";

fn audit_event(row: &tokio_postgres::Row) -> AuditEvent {
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
        change_id: row.get("change_id"),
        changes: read.changes,
        erased: content.is_none(),
    }
}
