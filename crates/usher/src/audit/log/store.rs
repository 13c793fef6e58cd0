//! The SQL of the log.

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use usher_log::{Details, Edge, Entry, Event, Hash};
use uuid::Uuid;

use super::dropping::Dropped;
use super::{Progress, Sealed};
use crate::db::lanes::Pipeline;
use crate::db::{DbResult, Tx};

/// Arbitrary, but the same in every process: "ushaud" in ASCII.
const LOCK: i64 = 0x7573_6861_7564;

/// An event that waits to be sealed.
pub struct Unsealed {
    pub id: Uuid,
    pub event: Event,
}

/// A leaf as it is in the database.
pub struct Leaf {
    pub index: i64,
    pub event_id: Uuid,
    pub hash: Vec<u8>,
    pub event: Option<Event>,
    /// Salt and content.
    pub details: Option<(Vec<u8>, String)>,
    /// Somebody whom the event concerns is not there any more.
    pub may_be_erased: bool,
}

impl Leaf {
    /// `None` when a hash or a salt has not its length: it was changed.
    pub fn entry(self) -> Option<Entry> {
        let details = self.details.map(|(salt, content)| Some(Details { salt: salt.try_into().ok()?, content }));
        Some(Entry {
            leaf_index: u64::try_from(self.index).ok()?,
            leaf_hash: self.hash.try_into().ok()?,
            event: self.event?,
            details: match details {
                Some(details) => Some(details?),
                None => None,
            },
        })
    }
}

/// The event of a row with all columns of `audit_events`.
fn event(row: &Row) -> Event {
    let uuid = |name| row.get::<_, Option<Uuid>>(name).map(|id| id.to_string());
    Event {
        id: row.get::<_, Uuid>("id").to_string(),
        occurred_at: row.get::<_, Timestamp>("occurred_at").strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
        action: row.get("action"),
        outcome: row.get("outcome"),
        actor_kind: row.get("actor_kind"),
        actor_id: uuid("actor_id"),
        target_kind: row.get("target_kind"),
        target_id: row.get("target_id"),
        subject_id: uuid("subject_id"),
        request_id: row.get("request_id"),
        // The schema holds it to 32 bytes; other bytes are no hash of anything.
        details_hash: row.get::<_, &[u8]>("details_hash").try_into().unwrap_or_default(),
    }
}

fn sealed(row: &Row) -> (Sealed, Vec<u8>) {
    let sealed = Sealed {
        tree_size: row.get("tree_size"),
        checkpoint: row.get("note"),
        verifier_key: row.get("verifier_key"),
        sealed_at: row.get("sealed_at"),
    };
    (sealed, row.get("edge"))
}

/// One process at a time seals; the others do not wait.
pub async fn try_lock(tx: &mut Tx) -> DbResult<bool> {
    Ok(tx.query_one("select pg_try_advisory_xact_lock($1)", &[&LOCK]).await?.get(0))
}

/// Takes events whose transactions are over, and no earlier one is open. A number that this database has not given out yet comes
/// from another one, by a dump: its transaction is over, too.
pub async fn take_unsealed(tx: &mut Tx, limit: i64) -> DbResult<Vec<Unsealed>> {
    let sql = "
        with taken as (
            delete from audit_unsealed
            where (xid, event_id) in (
                select u.xid, u.event_id
                from audit_unsealed u
                join lateral (select from audit_events e where e.id = u.event_id offset 0) e on true
                where u.xid < pg_snapshot_xmin(pg_current_snapshot()) or u.xid >= pg_snapshot_xmax(pg_current_snapshot())
                order by u.xid, u.event_id
                limit $1
            )
            returning xid, event_id
        )
        select e.*
        from taken t
        join lateral (select * from audit_events e where e.id = t.event_id offset 0) e on true
        order by t.xid, t.event_id";
    let rows = tx.query(sql, &[&limit]).await?;
    Ok(rows.iter().map(|row| Unsealed { id: row.get("id"), event: event(row) }).collect())
}

pub async fn insert_leaves(tx: &mut Tx, first: u64, events: &[Unsealed], leaves: &[Hash]) -> DbResult<()> {
    let first = i64::try_from(first).unwrap_or(i64::MAX);
    let ids: Vec<Uuid> = events.iter().map(|unsealed| unsealed.id).collect();
    let hashes: Vec<&[u8]> = leaves.iter().map(Hash::as_slice).collect();
    let sql = "
        insert into audit_leaves (leaf_index, event_id, leaf_hash)
        select $1 + leaf.place - 1, leaf.event_id, leaf.leaf_hash
        from unnest($2::uuid[], $3::bytea[]) with ordinality as leaf (event_id, leaf_hash, place)";
    tx.execute(sql, &[&first, &ids, &hashes]).await?;
    Ok(())
}

pub async fn insert_checkpoint(tx: &mut Tx, edge: &Edge, note: &str, verifier_key: &str) -> DbResult<()> {
    let now = tx.now();
    let size = i64::try_from(edge.size()).unwrap_or(i64::MAX);
    let sql = "
        insert into audit_checkpoints (tree_size, note, verifier_key, edge, sealed_at)
        values ($1, $2, $3, $4, $5)";
    let params: [&(dyn ToSql + Sync); 5] = [&size, &note, &verifier_key, &edge.to_bytes(), &now];
    tx.execute(sql, &params).await?;
    Ok(())
}

const LAST_CHECKPOINT: &str = "
    select tree_size, note, verifier_key, edge, sealed_at
    from audit_checkpoints
    order by tree_size desc
    limit 1";

pub async fn find_last_checkpoint(pipeline: &Pipeline) -> DbResult<Option<(Sealed, Vec<u8>)>> {
    Ok(pipeline.query_opt(LAST_CHECKPOINT, &[]).await?.as_ref().map(sealed))
}

pub async fn find_last_checkpoint_in(tx: &mut Tx) -> DbResult<Option<(Sealed, Vec<u8>)>> {
    Ok(tx.query_opt(LAST_CHECKPOINT, &[]).await?.as_ref().map(sealed))
}

/// The last checkpoint of a tree with at most so many leaves.
pub async fn find_checkpoint_before(tx: &mut Tx, size: i64) -> DbResult<Option<(Sealed, Vec<u8>)>> {
    let sql = "
        select tree_size, note, verifier_key, edge, sealed_at
        from audit_checkpoints
        where tree_size <= $1
        order by tree_size desc
        limit 1";
    Ok(tx.query_opt(sql, &[&size]).await?.as_ref().map(sealed))
}

/// Those after a size up to another, smallest first.
pub async fn list_checkpoints(tx: &mut Tx, after: i64, until: i64, limit: i64) -> DbResult<Vec<(Sealed, Vec<u8>)>> {
    let sql = "
        select tree_size, note, verifier_key, edge, sealed_at
        from audit_checkpoints
        where tree_size > $1 and tree_size <= $2
        order by tree_size
        limit $3";
    Ok(tx.query(sql, &[&after, &until, &limit]).await?.iter().map(sealed).collect())
}

/// From one leaf on to before another, in order. `offset 0` keeps it at one look into one partition for each leaf.
pub async fn list_leaves(tx: &mut Tx, from: i64, until: i64, limit: i64) -> DbResult<Vec<Leaf>> {
    let sql = "
        select l.leaf_index, l.event_id, l.leaf_hash, e.*, d.salt, d.content,
            case when d.event_id is null then
                (e.actor_id is not null and not exists (select from users u where u.id = e.actor_id))
                or (e.subject_id is not null and not exists (select from users u where u.id = e.subject_id))
            else false end as may_be_erased
        from audit_leaves l
        left join lateral (select * from audit_events e where e.id = l.event_id offset 0) e on true
        left join lateral (select * from audit_details d where d.event_id = l.event_id offset 0) d on true
        where l.leaf_index >= $1 and l.leaf_index < $2
        order by l.leaf_index
        limit $3";
    let rows = tx.query(sql, &[&from, &until, &limit]).await?;
    let details = |row: &Row| row.get::<_, Option<Vec<u8>>>("salt").map(|salt| (salt, row.get("content")));
    Ok(rows
        .iter()
        .map(|row| Leaf {
            index: row.get("leaf_index"),
            event_id: row.get("event_id"),
            hash: row.get("leaf_hash"),
            event: row.get::<_, Option<Uuid>>("id").map(|_| event(row)),
            details: details(row),
            may_be_erased: row.get("may_be_erased"),
        })
        .collect())
}

pub async fn find_leaf_index(tx: &mut Tx, event_id: Uuid) -> DbResult<Option<i64>> {
    let sql = "select leaf_index from audit_leaves where event_id = $1";
    Ok(tx.query_opt(sql, &[&event_id]).await?.map(|row| row.get(0)))
}

/// The number of leaves, and how many of them the last checkpoint has signed: at any moment all.
pub async fn count_leaves(tx: &mut Tx) -> DbResult<(i64, i64)> {
    let sql = "
        select
            (select coalesce(max(leaf_index) + 1, 0) from audit_leaves),
            (select coalesce(max(tree_size), 0) from audit_checkpoints)";
    let row = tx.query_one(sql, &[]).await?;
    Ok((row.get(0), row.get(1)))
}

/// An event that is neither sealed nor waits for it.
pub async fn find_stray_event(tx: &mut Tx) -> DbResult<Option<Uuid>> {
    let sql = "
        select e.id
        from audit_events e
        where not exists (select from audit_leaves l where l.event_id = e.id)
            and not exists (select from audit_unsealed u where u.event_id = e.id)
        limit 1";
    Ok(tx.query_opt(sql, &[]).await?.map(|row| row.get(0)))
}

/// The same of the newest events only.
pub async fn find_stray_among_newest(tx: &mut Tx, limit: i64) -> DbResult<Option<Uuid>> {
    let sql = "
        select e.id
        from (select id from audit_events order by id desc limit $1) e
        where not exists (select from audit_leaves l where l.event_id = e.id)
            and not exists (select from audit_unsealed u where u.event_id = e.id)
        limit 1";
    Ok(tx.query_opt(sql, &[&limit]).await?.map(|row| row.get(0)))
}

/// An event that waits to be sealed and is not there.
pub async fn find_lost_event(tx: &mut Tx) -> DbResult<Option<Uuid>> {
    let sql = "
        select u.event_id
        from audit_unsealed u
        where not exists (select from audit_events e where e.id = u.event_id)
        limit 1";
    Ok(tx.query_opt(sql, &[]).await?.map(|row| row.get(0)))
}

pub async fn find_progress(pipeline: &Pipeline) -> DbResult<Progress> {
    let sql = "
        select
            coalesce((select max(tree_size) from audit_checkpoints), 0) as sealed,
            (select count(*) from audit_unsealed) as waiting,
            (select event_id from audit_unsealed order by xid, event_id limit 1) as first_waiting";
    let row = pipeline.query_opt(sql, &[]).await?;
    let first: Option<Uuid> = row.as_ref().and_then(|row| row.get("first_waiting"));
    Ok(Progress {
        sealed: row.as_ref().map_or(0, |row| row.get("sealed")),
        waiting: row.as_ref().map_or(0, |row| row.get("waiting")),
        // The id of an event tells its time, also when somebody has removed the event.
        waits_since: first.and_then(|id| id.get_timestamp()).and_then(|at| {
            let (seconds, nanos) = at.to_unix();
            Timestamp::new(i64::try_from(seconds).ok()?, i32::try_from(nanos).ok()?).ok()
        }),
    })
}

/// One process at a time makes keys.
pub async fn lock_keys(tx: &mut Tx) -> DbResult<()> {
    tx.execute("lock table audit_keys in share row exclusive mode", &[]).await?;
    Ok(())
}

/// Name and sealed private half of the newest key.
pub async fn find_key(tx: &mut Tx) -> DbResult<Option<(String, Vec<u8>)>> {
    let sql = "
        select name, private_key_sealed
        from audit_keys
        order by created_at desc
        limit 1";
    Ok(tx.query_opt(sql, &[]).await?.map(|row| (row.get(0), row.get(1))))
}

pub async fn insert_key(tx: &mut Tx, name: &str, private_key_sealed: &[u8]) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        insert into audit_keys (name, private_key_sealed, created_at)
        values ($1, $2, $3)";
    tx.execute(sql, &[&name, &private_key_sealed, &now]).await?;
    Ok(())
}

/// Private halves that are not sealed under the key with this mark.
pub async fn list_stale_keys(tx: &mut Tx, mark: &[u8]) -> DbResult<Vec<(String, Vec<u8>)>> {
    let sql = "
        select name, private_key_sealed
        from audit_keys
        where substring(private_key_sealed for 5) <> $1
        for update";
    Ok(tx.query(sql, &[&mark]).await?.iter().map(|row| (row.get(0), row.get(1))).collect())
}

pub async fn update_sealed_key(tx: &mut Tx, name: &str, before: &[u8], after: &[u8]) -> DbResult<u64> {
    let sql = "
        update audit_keys
        set private_key_sealed = $3
        where name = $1 and private_key_sealed = $2";
    tx.execute(sql, &[&name, &before, &after]).await
}

pub async fn count_keys_by_mark(tx: &mut Tx) -> DbResult<Vec<(Vec<u8>, i64)>> {
    let sql = "
        select substring(private_key_sealed for 5) as mark, count(*)
        from audit_keys
        group by mark";
    Ok(tx.query(sql, &[]).await?.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// How old the owner of the tables has said that the trail must be. `None`: it is kept.
pub async fn find_kept_days(tx: &mut Tx) -> DbResult<Option<i32>> {
    let sql = "
        select kept_days
        from partitioned_tables
        where name = 'audit_events'";
    Ok(tx.query_opt(sql, &[]).await?.and_then(|row| row.get(0)))
}

pub async fn may_write_partitioned_tables(tx: &mut Tx) -> DbResult<bool> {
    Ok(tx.query_one("select has_table_privilege('partitioned_tables', 'update')", &[]).await?.get(0))
}

pub async fn update_kept_days(tx: &mut Tx, days: Option<i32>) -> DbResult<()> {
    let sql = "
        update partitioned_tables
        set kept_days = $1
        where guarded and kept_days is distinct from $1";
    tx.execute(sql, &[&days]).await?;
    Ok(())
}

/// Drops the months that are older and wholly sealed; says which partitions those were.
pub async fn drop_partitions(tx: &mut Tx, days: i32) -> DbResult<Vec<String>> {
    let now = tx.now();
    Ok(tx.query_one("select drop_audit_partitions($1, $2)", &[&now, &days]).await?.get(0))
}

pub async fn find_last_drop(tx: &mut Tx) -> DbResult<Option<Dropped>> {
    let sql = "
        select before_at, before_id
        from audit_drops
        order by before_id desc
        limit 1";
    Ok(tx.query_opt(sql, &[]).await?.map(|row| Dropped { before: row.get(0), before_id: row.get(1) }))
}

/// The first leaf after those of the events below this id.
pub async fn find_first_kept(tx: &mut Tx, before_id: Uuid) -> DbResult<i64> {
    let sql = "
        select coalesce(max(leaf_index) + 1, 0)
        from audit_leaves
        where event_id < $1";
    Ok(tx.query_one(sql, &[&before_id]).await?.get(0))
}
