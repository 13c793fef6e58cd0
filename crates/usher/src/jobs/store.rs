//! The SQL of the job queue.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{Job, Queue};
use crate::db::{DbResult, Tx, values};
use crate::id::{JobId, new_uuid};

/// A job in a worker's hands.
#[derive(Debug)]
pub struct Claimed {
    pub id: Uuid,
    pub kind: String,
    pub payload: Value,
    pub attempts: i32,
    pub is_periodic: bool,
}

pub async fn insert_job(tx: &mut Tx, kind: &'static str, payload: Value) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        with added as (
            insert into jobs (id, kind, payload, run_at, created_at)
            values ($1, $2, $3, $4, $4)
        )
        select pg_notify('usher_jobs', '')";
    tx.execute_later(sql, values![new_uuid(now), kind, payload, now]).await
}

pub async fn insert_periodic_job(tx: &mut Tx, kind: &str, run_at: Timestamp) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        insert into jobs (id, kind, payload, unique_key, run_at, created_at)
        values ($1, $2, '{}', $2, $3, $4)
        on conflict (unique_key) do nothing";
    tx.execute(sql, &[&new_uuid(now), &kind, &run_at, &now]).await?;
    Ok(())
}

/// What a worker can take.
pub struct Room<'a> {
    pub jobs: i64,
    /// How many of them may be of these kinds.
    pub long: i64,
    pub long_kinds: &'a [&'a str],
    /// How many of these kinds it can take beside them.
    pub outside: i64,
    pub outside_kinds: &'a [&'a str],
}

pub async fn claim_jobs(tx: &mut Tx, claimed_until: Timestamp, room: &Room<'_>) -> DbResult<Vec<Claimed>> {
    let now = tx.now();
    let sql = "
        with ready as materialized (
            select id, run_at, kind = any($5) as is_long, kind = any($7) as is_outside
            from jobs
            where dead_at is null and run_at <= $1 and (claimed_until is null or claimed_until <= $1)
                and ($3::bigint > 0 or kind = any($7))
                and ($4::bigint > 0 or kind <> all($5::text[]))
                and ($6::bigint > 0 or kind <> all($7::text[]))
            order by run_at
            limit $3 + $6
            for update skip locked
        ), placed as (
            select id, is_long, is_outside,
                row_number() over (partition by is_outside order by run_at, id) as place,
                row_number() over (partition by is_outside, is_long order by run_at, id) as place_of_kind
            from ready
        )
        update jobs
        set claimed_until = $2, attempts = attempts + 1
        where id in (
            select id
            from placed
            where case when is_outside then place <= $6 else place <= $3 and (not is_long or place_of_kind <= $4) end
        )
        returning id, kind, payload, attempts, unique_key is not null as is_periodic";
    let Room { jobs, long, long_kinds, outside, outside_kinds } = room;
    let rows = tx.query(sql, &[&now, &claimed_until, jobs, long, long_kinds, outside, outside_kinds]).await?;
    Ok(rows
        .iter()
        .map(|row| Claimed {
            id: row.get("id"),
            kind: row.get("kind"),
            payload: row.get("payload"),
            attempts: row.get("attempts"),
            is_periodic: row.get("is_periodic"),
        })
        .collect())
}

/// False when the claim was lost: another worker has it, and this one's effect must not last.
pub async fn delete_job(tx: &mut Tx, id: Uuid, attempts: i32) -> DbResult<bool> {
    Ok(tx.execute("delete from jobs where id = $1 and attempts = $2", &[&id, &attempts]).await? == 1)
}

/// False when the claim was lost, as for [`delete_job`].
pub async fn update_job_to_next(tx: &mut Tx, job: &Claimed, run_at: Timestamp) -> DbResult<bool> {
    let sql = "
        update jobs
        set run_at = $2, attempts = 0, claimed_until = null, last_error = null
        where id = $1 and attempts = $3";
    Ok(tx.execute(sql, &[&job.id, &run_at, &job.attempts]).await? == 1)
}

/// Does nothing when the claim was lost meanwhile.
pub async fn update_job_to_retry(tx: &mut Tx, job: &Claimed, delay: SignedDuration, error: &str) -> DbResult<()> {
    let run_at = tx.now() + delay;
    let sql = "
        update jobs
        set run_at = $2, claimed_until = null, last_error = $3
        where id = $1 and attempts = $4";
    tx.execute(sql, &[&job.id, &run_at, &error, &job.attempts]).await?;
    Ok(())
}

/// Does nothing when the claim was lost meanwhile.
pub async fn update_job_to_dead(tx: &mut Tx, job: &Claimed, error: &str) -> DbResult<()> {
    let now = tx.now();
    let sql = "
        update jobs
        set dead_at = $2, claimed_until = null, unique_key = null, last_error = $3
        where id = $1 and attempts = $4";
    tx.execute(sql, &[&job.id, &now, &error, &job.attempts]).await?;
    Ok(())
}

pub async fn count_jobs(tx: &mut Tx) -> DbResult<Queue> {
    let now = tx.now();
    let sql = "
        select count(*) filter (where dead_at is null and unique_key is null) as waiting,
            count(*) filter (where ready) as ready,
            min(run_at) filter (where ready) as oldest_ready,
            count(*) filter (where dead_at is not null) as given_up
        from (
            select unique_key, run_at, dead_at,
                dead_at is null and run_at <= $1 and (claimed_until is null or claimed_until <= $1) as ready
            from jobs
        ) as jobs";
    let row = tx.query_one(sql, &[&now]).await?;
    Ok(Queue {
        waiting: row.get("waiting"),
        ready: row.get("ready"),
        oldest_ready: row.get("oldest_ready"),
        given_up: row.get("given_up"),
    })
}

pub async fn list_given_up_jobs(tx: &mut Tx, limit: i64) -> DbResult<Vec<Job>> {
    let sql = "
        select id, kind, created_at, attempts, run_at, claimed_until, dead_at, last_error
        from jobs
        where dead_at is not null
        order by dead_at desc, id desc
        limit $1";
    Ok(tx.query(sql, &[&limit]).await?.iter().map(job).collect())
}

pub async fn list_live_jobs(tx: &mut Tx, limit: i64) -> DbResult<Vec<Job>> {
    let sql = "
        select id, kind, created_at, attempts, run_at, dead_at, last_error,
            case when claimed_until > $2 then claimed_until end as claimed_until
        from jobs
        where dead_at is null
        order by run_at, id
        limit $1";
    let now = tx.now();
    Ok(tx.query(sql, &[&limit, &now]).await?.iter().map(job).collect())
}

fn job(row: &Row) -> Job {
    Job {
        id: row.get("id"),
        kind: row.get("kind"),
        created_at: row.get("created_at"),
        attempts: row.get("attempts"),
        run_at: row.get("run_at"),
        claimed_until: row.get("claimed_until"),
        given_up_at: row.get("dead_at"),
        last_error: row.get("last_error"),
    }
}

/// All that were given up, or one of them. Returns them with their kinds.
pub async fn update_jobs_to_tried_again(tx: &mut Tx, id: Option<JobId>) -> DbResult<Vec<(JobId, String)>> {
    let now = tx.now();
    let sql = "
        with again as (
            update jobs
            set dead_at = null, attempts = 0, claimed_until = null, run_at = $2
            where dead_at is not null and ($1::uuid is null or id = $1)
            returning id, kind
        ), told as (
            select pg_notify('usher_jobs', '')
            where exists (select from again)
        )
        select again.id, again.kind
        from again left join told on true
        order by again.id";
    Ok(tx.query(sql, &[&id, &now]).await?.iter().map(|row| (row.get("id"), row.get("kind"))).collect())
}

/// Returns its kind, or `None` when none of this id was given up.
pub async fn delete_given_up_job(tx: &mut Tx, id: JobId) -> DbResult<Option<String>> {
    let sql = "
        delete from jobs
        where id = $1 and dead_at is not null
        returning kind";
    Ok(tx.query_opt(sql, &[&id]).await?.map(|row| row.get("kind")))
}
