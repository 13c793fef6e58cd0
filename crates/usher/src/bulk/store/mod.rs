//! The SQL of runs.

mod attributes;
mod freezing;
mod warnings;

use jiff::Timestamp;
use jiff::civil::Date;
use tokio_postgres::Row;
use tokio_postgres::types::{Json, ToSql};
use uuid::Uuid;

pub use attributes::spare_a_unique_value;
pub use freezing::{freeze, freeze_events, spare_the_last_admin};
pub use warnings::{list_warned, update_warnings_to_sent, upsert_warnings};

use super::counts::Kept;
use super::work::{Did, Due};
use super::{Action, Asked, Counts, Item, PREVIEW_LASTS, Refusals, Run, Running, Selection, State};
use crate::caller::{Authority, PermissionSet};
use crate::db::{Conditions, DbResult, Tx};
use crate::error::AppResult;
use crate::id::UserId;

/// How long what came of a run is kept. Its change set stays.
const KEPT_DAYS: i32 = 90;

pub async fn insert_run(
    tx: &mut Tx,
    id: Uuid,
    by: Authority,
    action: &Action,
    selection: &Selection,
    token: &str,
) -> AppResult<()> {
    insert(tx, id, by, action, selection.shown(), Some(token), State::Previewed, None).await
}

/// A run that undoes a change set: it needs no preview.
pub async fn insert_undoing_run(tx: &mut Tx, id: Uuid, by: Authority, undoes: Uuid) -> AppResult<()> {
    insert(tx, id, by, &Action::Undo, (None, None), None, State::Running, Some(undoes)).await
}

#[expect(clippy::too_many_arguments, reason = "the columns of one row")]
async fn insert(
    tx: &mut Tx,
    id: Uuid,
    by: Authority,
    action: &Action,
    (filter, inactive_before): (Option<String>, Option<Date>),
    token: Option<&str>,
    state: State,
    undoes: Option<Uuid>,
) -> AppResult<()> {
    let now = tx.now();
    let origin = tx.origin().clone();
    let asked = Asked::of(&origin);
    let token_hash = token.map(|token| crate::secret::sha256(token.as_bytes()).to_vec());
    let started_at = (state == State::Running).then_some(now);
    let sql = "
        insert into bulk_runs (
            id, action, argument, filter, state, total, token_hash, actor_kind, actor_id, api_key_id, permissions, origin, undoes,
            created_at, expires_at, started_at, inactive_before
        )
        values ($1, $2, $3, $4, $5, 0, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    let params: [&(dyn ToSql + Sync); 16] = [
        &id,
        &action.name(),
        &Json(action),
        &filter,
        &state.as_str(),
        &token_hash,
        &origin.actor.kind(),
        &origin.actor.id(),
        &origin.api_key,
        &by.permissions.names(),
        &Json(asked),
        &undoes,
        &now,
        &(now + PREVIEW_LASTS),
        &started_at,
        &inactive_before,
    ];
    tx.execute(sql, &params).await?;
    Ok(())
}

/// How many are in the set, and what would come of them.
pub async fn update_total(tx: &mut Tx, id: Uuid, counts: Counts) -> DbResult<()> {
    let sql = "update bulk_runs set total = $2, counts = $3 where id = $1";
    tx.execute(sql, &[&id, &counts.total(), &Json(Kept::at(0, counts))]).await?;
    Ok(())
}

/// From here on it is the run of whoever begins it. False when there is no preview, or not of this token, or not any more.
pub async fn update_to_begun(tx: &mut Tx, id: Uuid, by: Authority, token: &str) -> DbResult<bool> {
    let now = tx.now();
    let origin = tx.origin().clone();
    let (kind, actor, key) = (origin.actor.kind(), origin.actor.id(), origin.api_key);
    let hash = crate::secret::sha256(token.as_bytes()).to_vec();
    let sql = "
        update bulk_runs
        set state = 'running', started_at = $3, token_hash = null, actor_kind = $4, actor_id = $5, api_key_id = $6, permissions = $7,
            origin = $8
        where id = $1 and state = 'previewed' and token_hash = $2 and expires_at > $3";
    let (permissions, asked) = (by.permissions.names(), Json(Asked::of(&origin)));
    let params: [&(dyn ToSql + Sync); 8] = [&id, &hash, &now, &kind, &actor, &key, &permissions, &asked];
    Ok(tx.execute(sql, &params).await? == 1)
}

pub async fn update_state(tx: &mut Tx, id: Uuid, from: State, to: State) -> DbResult<bool> {
    let sql = "update bulk_runs set state = $3 where id = $1 and state = $2";
    Ok(tx.execute(sql, &[&id, &from.as_str(), &to.as_str()]).await? == 1)
}

pub async fn find_state(tx: &mut Tx, id: Uuid) -> DbResult<Option<State>> {
    let row = tx.query_opt("select state from bulk_runs where id = $1", &[&id]).await?;
    Ok(row.map(|row| State::parse(row.get(0))))
}

pub async fn update_to_ended(tx: &mut Tx, id: Uuid, state: State, error: Option<&str>) -> DbResult<()> {
    let now = tx.now();
    let sql = "update bulk_runs set state = $2, error = $3, finished_at = $4 where id = $1";
    tx.execute(sql, &[&id, &state.as_str(), &error, &now]).await?;
    Ok(())
}

/// With `lock`, nothing while somebody else works on it.
pub async fn find_running(tx: &mut Tx, id: Uuid, lock: bool) -> AppResult<Option<Running>> {
    let columns = "id, argument, state, position, counts, actor_kind, actor_id, api_key_id, permissions, inactive_before, origin";
    let locking = if lock { " for update skip locked" } else { "" };
    let row = tx.query_opt(&format!("select {columns} from bulk_runs where id = $1{locking}"), &[&id]).await?;
    let Some(row) = row else { return Ok(None) };
    let permissions: Vec<&str> = row.get("permissions");
    Ok(Some(Running {
        id: row.get("id"),
        action: serde_json::from_value(row.get("argument"))?,
        state: State::parse(row.get("state")),
        position: row.get("position"),
        counts: kept(&row),
        actor: super::actor(row.get("actor_kind"), row.get("actor_id")),
        api_key: row.get("api_key_id"),
        permissions: PermissionSet::from_names(&permissions),
        inactive_before: row.get("inactive_before"),
        asked: serde_json::from_value(row.get("origin"))?,
    }))
}

pub async fn list_due(tx: &mut Tx, id: Uuid, after: i64, limit: i64) -> DbResult<Vec<Due>> {
    let sql = "
        select position, user_id, event_id
        from bulk_items
        where run_id = $1 and position > $2 and outcome is null
        order by position
        limit $3";
    let rows = tx.query(sql, &[&id, &after, &limit]).await?;
    let due = |row: &Row| Due { position: row.get(0), user_id: row.get(1), event_id: row.get(2) };
    Ok(rows.iter().map(due).collect())
}

pub async fn update_items(tx: &mut Tx, id: Uuid, did: &[Did]) -> DbResult<()> {
    let positions: Vec<i64> = did.iter().map(|did| did.position).collect();
    let outcomes: Vec<&str> = did.iter().map(|did| did.outcome).collect();
    let codes: Vec<Option<&str>> = did.iter().map(|did| did.code.as_deref()).collect();
    let details: Vec<Option<&str>> = did.iter().map(|did| did.detail.as_deref()).collect();
    let sql = "
        update bulk_items i
        set outcome = did.outcome, code = did.code, detail = did.detail
        from unnest($2::bigint[], $3::text[], $4::text[], $5::text[]) as did (position, outcome, code, detail)
        where i.run_id = $1 and i.position = did.position";
    tx.execute(sql, &[&id, &positions, &outcomes, &codes, &details]).await?;
    Ok(())
}

/// Together with the counts: this is the transaction that has changed the items.
pub async fn update_position(tx: &mut Tx, id: Uuid, position: i64, counts: Option<Counts>) -> DbResult<()> {
    let kept = counts.map(|counts| Json(Kept::at(position, counts)));
    tx.execute("update bulk_runs set position = $2, counts = $3 where id = $1", &[&id, &position, &kept]).await?;
    Ok(())
}

pub async fn find_run(tx: &mut Tx, id: Uuid) -> DbResult<Option<Run>> {
    let Some(row) = tx.query_opt(&format!("{SELECT_RUNS} where id = $1"), &[&id]).await? else { return Ok(None) };
    Ok(Some(run(tx, &row).await?))
}

/// Newest first.
pub async fn list_runs(tx: &mut Tx, before: Option<(Timestamp, Uuid)>, limit: i64) -> DbResult<Vec<Run>> {
    let mut conditions = Conditions::default();
    if let Some((at, id)) = before {
        let (at, id) = (conditions.bind(at), conditions.bind(id));
        conditions.require(format!("(created_at, id) < ({at}, {id})"));
    }
    let limit = conditions.bind(limit);
    let sql = format!("{SELECT_RUNS} where {} order by created_at desc, id desc limit {limit}", conditions.sql());
    let rows = tx.query(&sql, &conditions.params()).await?;
    let mut runs = Vec::with_capacity(rows.len());
    for row in &rows {
        runs.push(run(tx, row).await?);
    }
    Ok(runs)
}

const SELECT_RUNS: &str = "
    select id, action, argument, filter, inactive_before, state, total, position, counts, actor_kind, actor_id, origin, undoes, error,
        created_at, expires_at, started_at, finished_at
    from bulk_runs";

async fn run(tx: &mut Tx, row: &Row) -> DbResult<Run> {
    let counts = match kept(row) {
        Some(counts) => counts,
        None => count_items(tx, row.get("id")).await?,
    };
    let asked: Option<Asked> = serde_json::from_value(row.get("origin")).ok();
    let mut argument: serde_json::Value = row.get("argument");
    if let Some(members) = argument.as_object_mut() {
        members.remove("action");
    }
    Ok(Run {
        id: row.get("id"),
        action: row.get("action"),
        argument,
        filter: row.get("filter"),
        inactive_before: row.get("inactive_before"),
        state: State::parse(row.get("state")),
        total: row.get("total"),
        counts,
        actor_kind: row.get("actor_kind"),
        actor_id: row.get("actor_id"),
        reason: asked.and_then(|asked| asked.reason),
        undoes: row.get("undoes"),
        error: row.get("error"),
        created_at: row.get("created_at"),
        expires_at: row.get("expires_at"),
        started_at: row.get("started_at"),
        finished_at: row.get("finished_at"),
    })
}

/// The counts that are kept with a run, if they are true.
fn kept(run: &Row) -> Option<Counts> {
    Kept::read(run.get("counts"), run.get("position"))
}

/// Counts the items of a run that the release before has worked on: each of them is read.
async fn count_items(tx: &mut Tx, id: Uuid) -> DbResult<Counts> {
    let sql = "select outcome, count(*) from bulk_items where run_id = $1 group by outcome";
    let mut counts = Counts::default();
    for row in tx.query(sql, &[&id]).await? {
        *counts.of(row.get(0)) = row.get(1);
    }
    Ok(counts)
}

pub async fn count_refusals(tx: &mut Tx, id: Uuid) -> DbResult<Vec<Refusals>> {
    let sql = "
        select code, count(*)
        from bulk_items
        where run_id = $1 and outcome = 'refused'
        group by code
        order by count(*) desc, code";
    let refusals = |row: &Row| {
        let code: String = row.get(0);
        Refusals { detail: super::explain(&code).to_owned(), code, count: row.get(1) }
    };
    Ok(tx.query(sql, &[&id]).await?.iter().map(refusals).collect())
}

/// In their order, and of one outcome only if so wished.
pub async fn list_items(tx: &mut Tx, id: Uuid, outcome: Option<&str>, after: Option<i64>, limit: i64) -> DbResult<Vec<Item>> {
    let mut conditions = Conditions::default();
    conditions.require_if("i.run_id = {}", Some(id));
    match outcome {
        Some("to_do") => conditions.require("i.outcome is null"),
        outcome => conditions.require_if("i.outcome = {}", outcome.map(ToOwned::to_owned)),
    }
    conditions.require_if("i.position > {}", after);
    let limit = conditions.bind(limit);
    let sql = format!(
        "select i.position, i.user_id, u.username, i.outcome, i.code, i.detail
        from bulk_items i
        left join users u on u.id = i.user_id
        where {}
        order by i.position
        limit {limit}",
        conditions.sql()
    );
    let item = |row: &Row| {
        let code: Option<String> = row.get("code");
        let detail: Option<String> = row.get("detail");
        Item {
            position: row.get("position"),
            user_id: row.get::<_, UserId>("user_id"),
            username: row.get("username"),
            outcome: row.get("outcome"),
            detail: detail.or_else(|| code.as_deref().map(|code| super::explain(code).to_owned())),
            code,
        }
    };
    Ok(tx.query(&sql, &conditions.params()).await?.iter().map(item).collect())
}

/// Deletes some of what is left of old runs, the items before the run; false when nothing is. A run has up to a million items, and a
/// statement little time.
pub async fn delete_of_old_runs(tx: &mut Tx, limit: i64) -> DbResult<bool> {
    let now = tx.now();
    let sql = "
        select id
        from bulk_runs
        where (state = 'previewed' and expires_at < $1)
            or (state in ('finished', 'failed') and created_at < $1 - make_interval(days => $2))
        order by created_at, id
        limit 1
        for update skip locked";
    let Some(id) = tx.query_opt(sql, &[&now, &KEPT_DAYS]).await?.map(|row| row.get::<_, Uuid>(0)) else { return Ok(false) };
    if delete_items(tx, id, limit).await? == 0 {
        delete_run(tx, id).await?;
    }
    Ok(true)
}

/// With its items, if there are any. No foreign key does that: it would be looked up for each of a million users.
async fn delete_run(tx: &mut Tx, id: Uuid) -> DbResult<()> {
    let sql = "
        with items as (delete from bulk_items where run_id = $1)
        delete from bulk_runs
        where id = $1";
    tx.execute(sql, &[&id]).await?;
    Ok(())
}

async fn delete_items(tx: &mut Tx, id: Uuid, limit: i64) -> DbResult<u64> {
    let sql = "
        delete from bulk_items
        where run_id = $1
            and position in (
                select position
                from bulk_items
                where run_id = $1
                order by position
                limit $2
            )";
    tx.execute(sql, &[&id, &limit]).await
}
