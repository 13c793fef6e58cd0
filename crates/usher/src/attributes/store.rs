//! The SQL of the schema of attributes.

use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio_postgres::Row;
use uuid::Uuid;

use super::moving::Held;
use super::{Offender, Operation};
use crate::db::lanes::Pipeline;
use crate::db::{DbResult, Tx, values};
use crate::id::UserId;

/// All that decides whether attributes fit, as of one moment.
const STANDING: &str = "
    select s.mark, s.revision, v.version, v.document, v.state, v.operations, v.done_at,
        array(select i.name from attribute_indexes i where i.state = 'ready' order by i.name) as ready
    from attribute_schema_state s
    cross join attribute_schema v
    where v.state in ('in_force', 'pending')
    order by v.state";

/// A version that counts.
pub struct StandingRow {
    pub mark: Uuid,
    pub revision: i64,
    pub version: i64,
    pub document: Value,
    pub is_pending: bool,
    pub operations: Vec<Operation>,
    pub is_done: bool,
    pub ready: Vec<String>,
}

/// Arbitrary, but the same in every process: "schema" in ASCII. No lock of the row: each of those who share one would write it.
const LOCK: i64 = 0x7363_6865_6d61;

/// Whoever writes attributes holds this to their commit: no schema comes into force meanwhile.
pub async fn lock_mark_for_share(tx: &mut Tx) -> DbResult<Uuid> {
    tx.execute_later("select pg_advisory_xact_lock_shared($1)", values![LOCK]).await?;
    // A statement of its own: it sees what was committed while the lock was waited for.
    Ok(tx.query_one("select mark from attribute_schema_state", &[]).await?.get(0))
}

/// Waits for all who are writing attributes, and lets no others begin.
pub async fn lock_state(tx: &mut Tx) -> DbResult<()> {
    tx.query("select pg_advisory_xact_lock($1) as schema_lock", &[&LOCK]).await?;
    Ok(())
}

pub async fn list_standing(tx: &mut Tx) -> DbResult<Vec<StandingRow>> {
    Ok(tx.query(STANDING, &[]).await?.iter().map(standing).collect())
}

pub async fn look_up_standing(lane: &Pipeline) -> DbResult<Vec<StandingRow>> {
    Ok(lane.query(STANDING, &[]).await?.iter().map(standing).collect())
}

fn standing(row: &Row) -> StandingRow {
    let operations: Option<Value> = row.get("operations");
    StandingRow {
        mark: row.get("mark"),
        revision: row.get("revision"),
        version: row.get("version"),
        document: row.get("document"),
        is_pending: row.get::<_, &str>("state") == "pending",
        operations: operations.and_then(|operations| serde_json::from_value(operations).ok()).unwrap_or_default(),
        is_done: row.get::<_, Option<Timestamp>>("done_at").is_some(),
        ready: row.get("ready"),
    }
}

/// What processes keep in memory is out of date: another mark, and word of it.
pub async fn update_mark(tx: &mut Tx, mark: Uuid) -> DbResult<()> {
    let sql = "
        with marked as (
            update attribute_schema_state
            set mark = $1
        )
        select pg_notify('usher_attributes', '')";
    tx.query(sql, &[&mark]).await?;
    Ok(())
}

pub async fn raise_revision(tx: &mut Tx) -> DbResult<()> {
    tx.execute("update attribute_schema_state set revision = revision + 1", &[]).await?;
    Ok(())
}

pub async fn insert_version(tx: &mut Tx, document: &Value, operations: Option<&Value>) -> DbResult<i64> {
    let now = tx.now();
    let by = tx.origin().actor.user_id();
    let sql = "
        insert into attribute_schema (version, document, state, operations, created_at, created_by)
        select max(version) + 1, $1, 'pending', $2, $3, $4
        from attribute_schema
        returning version";
    Ok(tx.query_one(sql, &[document, &operations, &now, &by]).await?.get(0))
}

pub async fn update_pending_to_superseded(tx: &mut Tx) -> DbResult<()> {
    tx.execute("update attribute_schema set state = 'superseded' where state = 'pending'", &[]).await?;
    Ok(())
}

/// False when the version does not wait any more.
pub async fn update_to_in_force(tx: &mut Tx, version: i64) -> DbResult<bool> {
    tx.execute("update attribute_schema set state = 'superseded' where state = 'in_force'", &[]).await?;
    let sql = "
        update attribute_schema
        set state = 'in_force'
        where version = $1 and state = 'pending'";
    Ok(tx.execute(sql, &[&version]).await? == 1)
}

/// False when the version does not wait any more.
pub async fn update_to_refused(tx: &mut Tx, version: i64, violating: i64, offenders: &Value) -> DbResult<bool> {
    let sql = "
        update attribute_schema
        set state = 'refused', violating = $2, offenders = $3
        where version = $1 and state = 'pending'";
    Ok(tx.execute(sql, &[&version, &violating, offenders]).await? == 1)
}

/// How far checking, or moving, is.
pub struct Progress {
    pub checked: i64,
    pub position: Option<UserId>,
    pub violating: i64,
    pub offenders: Vec<Offender>,
}

/// `None` when it is done, or the version counts no more. Locked: one process at a time goes on.
pub async fn lock_progress(tx: &mut Tx, version: i64) -> DbResult<Option<Progress>> {
    let sql = "
        select checked, position, violating, offenders
        from attribute_schema
        where version = $1 and state in ('pending', 'in_force') and done_at is null
        for update";
    Ok(tx.query_opt(sql, &[&version]).await?.map(|row| Progress {
        checked: row.get("checked"),
        position: row.get("position"),
        violating: row.get("violating"),
        offenders: serde_json::from_value(row.get("offenders")).unwrap_or_default(),
    }))
}

pub async fn update_progress(tx: &mut Tx, version: i64, progress: &Progress) -> DbResult<()> {
    let offenders = serde_json::to_value(&progress.offenders).unwrap_or_default();
    let sql = "
        update attribute_schema
        set checked = $2, position = $3, violating = $4, offenders = $5
        where version = $1";
    tx.execute(sql, &[&version, &progress.checked, &progress.position, &progress.violating, &offenders]).await?;
    Ok(())
}

/// Notes how many users there are to check, if that is not known yet.
pub async fn update_total(tx: &mut Tx, version: i64) -> DbResult<()> {
    let sql = "
        update attribute_schema
        set total = (select count(*) from users)
        where version = $1 and total is null";
    tx.execute(sql, &[&version]).await?;
    Ok(())
}

pub async fn update_done(tx: &mut Tx, version: i64) -> DbResult<()> {
    let now = tx.now();
    tx.execute("update attribute_schema set done_at = $2 where version = $1", &[&version, &now]).await?;
    Ok(())
}

/// A version as people see it.
pub struct VersionRow {
    pub version: i64,
    pub document: Value,
    pub state: String,
    pub operations: Option<Value>,
    pub checked: i64,
    pub total: Option<i64>,
    pub done_at: Option<Timestamp>,
    pub violating: i64,
    pub offenders: Vec<Offender>,
    pub created_at: Timestamp,
}

/// The one in force, the one that waits, and what was refused since.
pub async fn list_versions(tx: &mut Tx) -> DbResult<Vec<VersionRow>> {
    let sql = "
        select version, document, state, operations, checked, total, done_at, violating, offenders, created_at
        from attribute_schema
        where state in ('in_force', 'pending')
            or (state = 'refused' and version = (select max(version) from attribute_schema))
        order by version";
    Ok(tx
        .query(sql, &[])
        .await?
        .iter()
        .map(|row| VersionRow {
            version: row.get("version"),
            document: row.get("document"),
            state: row.get("state"),
            operations: row.get("operations"),
            checked: row.get("checked"),
            total: row.get("total"),
            done_at: row.get("done_at"),
            violating: row.get("violating"),
            offenders: serde_json::from_value(row.get("offenders")).unwrap_or_default(),
            created_at: row.get("created_at"),
        })
        .collect())
}

/// How many users there are, counted no further than `limit`.
pub async fn count_users_up_to(tx: &mut Tx, limit: i64) -> DbResult<i64> {
    let sql = "
        select count(*)
        from (select from users limit $1) as counted";
    Ok(tx.query_one(sql, &[&limit]).await?.get(0))
}

pub struct UserRow {
    pub id: UserId,
    pub username: String,
    pub attributes: Map<String, Value>,
}

/// The next users by id, those in the recycle bin too: they can come back.
pub async fn list_users(tx: &mut Tx, after: Option<UserId>, limit: i64) -> DbResult<Vec<UserRow>> {
    let sql = "
        select id, username, attributes
        from users
        where $1::uuid is null or id > $1
        order by id
        limit $2";
    Ok(tx
        .query(sql, &[&after, &limit])
        .await?
        .iter()
        .map(|row| UserRow { id: row.get("id"), username: row.get("username"), attributes: members(row.get("attributes")) })
        .collect())
}

fn members(attributes: Value) -> Map<String, Value> {
    match attributes {
        Value::Object(attributes) => attributes,
        _ => Map::new(),
    }
}

/// Writes attributes in another form, where nobody has changed them meanwhile.
pub async fn update_normalized(tx: &mut Tx, ids: &[UserId], before: &[Value], after: &[Value]) -> DbResult<u64> {
    let now = tx.now();
    let sql = "
        update users u
        set attributes = n.after, version = u.version + 1, updated_at = $4
        from unnest($1::uuid[], $2::jsonb[], $3::jsonb[]) as n (id, before, after)
        where u.id = n.id and u.attributes = n.before";
    tx.execute(sql, &[&ids, &before, &after, &now]).await
}

/// The last of the next users by id.
pub async fn find_end_of_batch(tx: &mut Tx, after: Option<UserId>, limit: i64) -> DbResult<Option<(UserId, i64)>> {
    let sql = "
        select id, count(*) over () as count
        from (
            select id
            from users
            where $1::uuid is null or id > $1
            order by id
            limit $2
        ) as batch
        order by id desc
        limit 1";
    Ok(tx.query_opt(sql, &[&after, &limit]).await?.map(|row| (row.get("id"), row.get("count"))))
}

/// The users after the one and up to the other who have one of these attributes: locked, in the order in which everybody does.
pub async fn lock_holders(tx: &mut Tx, after: Option<UserId>, up_to: UserId, names: &[&str]) -> DbResult<Vec<Held>> {
    let sql = "
        select id, attributes
        from users
        where ($1::uuid is null or id > $1) and id <= $2 and attributes ?| $3::text[]
        order by id
        for no key update";
    let rows = tx.query(sql, &[&after, &up_to, &names]).await?;
    Ok(rows.iter().map(|row| (row.get("id"), members(row.get("attributes")))).collect())
}

/// Writes the attributes of users who are locked for it.
pub async fn update_many(tx: &mut Tx, ids: &[UserId], attributes: &[Value]) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        update users u
        set attributes = n.attributes, version = u.version + 1, updated_at = $3
        from unnest($1::uuid[], $2::jsonb[]) as n (id, attributes)
        where u.id = n.id";
    tx.execute(sql, &[&ids, &attributes, &now]).await?;
    Ok(())
}

pub async fn count_holders(tx: &mut Tx, name: &str) -> DbResult<i64> {
    Ok(tx.query_one("select count(*) from users where attributes ? $1::text", &[&name]).await?.get(0))
}

pub async fn exists_holder(tx: &mut Tx, name: &str) -> DbResult<bool> {
    Ok(tx.query_one("select exists (select from users where attributes ? $1::text)", &[&name]).await?.get(0))
}

pub async fn list_holders(tx: &mut Tx, name: &str, limit: i64) -> DbResult<Vec<(UserId, String)>> {
    let sql = "
        select id, username
        from users
        where attributes ? $1::text
        order by id
        limit $2";
    Ok(tx.query(sql, &[&name, &limit]).await?.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// An index as the builder has left it.
pub struct IndexRow {
    pub name: String,
    pub state: String,
    pub detail: Option<String>,
    pub offenders: Vec<Offender>,
    pub changed_at: Timestamp,
}

pub async fn list_indexes(tx: &mut Tx) -> DbResult<Vec<IndexRow>> {
    let sql = "
        select name, state, detail, offenders, changed_at
        from attribute_indexes
        order by name";
    Ok(tx
        .query(sql, &[])
        .await?
        .iter()
        .map(|row| IndexRow {
            name: row.get("name"),
            state: row.get("state"),
            detail: row.get("detail"),
            offenders: serde_json::from_value(row.get("offenders")).unwrap_or_default(),
            changed_at: row.get("changed_at"),
        })
        .collect())
}

pub async fn upsert_index(
    tx: &mut Tx,
    name: &str,
    property: &str,
    state: &str,
    detail: Option<&str>,
    offenders: &[Offender],
) -> DbResult<()> {
    let now = tx.now();
    let offenders = serde_json::to_value(offenders).unwrap_or_default();
    let sql = "
        insert into attribute_indexes (name, property, state, detail, offenders, changed_at)
        values ($1, $2, $3, $4, $5, $6)
        on conflict (name) do update
        set state = excluded.state, detail = excluded.detail, offenders = excluded.offenders, changed_at = excluded.changed_at";
    tx.execute(sql, &[&name, &property, &state, &detail, &offenders, &now]).await?;
    Ok(())
}

pub async fn delete_index(tx: &mut Tx, name: &str) -> DbResult<()> {
    tx.execute("delete from attribute_indexes where name = $1", &[&name]).await?;
    Ok(())
}

/// They are tried again.
pub async fn delete_failed_indexes(tx: &mut Tx) -> DbResult<()> {
    tx.execute("delete from attribute_indexes where state = 'failed'", &[]).await?;
    Ok(())
}

/// The indexes on attributes that PostgreSQL has, and whether they are complete.
pub async fn list_built(tx: &mut Tx, prefix: &str) -> DbResult<Vec<(String, bool)>> {
    let sql = "
        select c.relname::text, i.indisvalid
        from pg_index i
        join pg_class c on c.oid = i.indexrelid
        where i.indrelid = 'users'::regclass and starts_with(c.relname::text, $1)
        order by c.relname";
    Ok(tx.query(sql, &[&prefix]).await?.iter().map(|row| (row.get(0), row.get(1))).collect())
}
