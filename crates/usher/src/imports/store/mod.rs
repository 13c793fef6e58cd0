//! The SQL of imports.

mod counting;
mod forgetting;
mod rows;

use std::collections::HashMap;
use std::ops::Range;

use jiff::Timestamp;
use tokio_postgres::Row as SqlRow;
use tokio_postgres::types::{Json, ToSql};
use uuid::Uuid;

pub use forgetting::delete_of_old_imports;
pub use rows::{list_faulty, list_rows, list_rows_counted_as};

use super::counts::Kept;
use super::judge::{Holder, Known};
use super::record::Record;
use super::{Asked, Class, Counts, Fault, Import, Options, PREVIEW_LASTS, Running, State};
use crate::caller::{Authority, Permission, PermissionSet};
use crate::db::{Conditions, DbResult, Tx, values};
use crate::error::AppResult;
use crate::id::UserId;

/// A row that is to be judged or applied.
pub struct Due {
    pub position: i64,
    pub record: Record,
    /// As what it was judged for the preview.
    pub class: Option<Class>,
    /// Whether the preview says that it changes a user name.
    pub renames: bool,
}

/// What was found out about a row.
pub struct Judged {
    pub position: i64,
    pub class: Option<Class>,
    pub user_id: Option<UserId>,
    pub changes: Option<serde_json::Value>,
    pub faults: Vec<Fault>,
    pub outcome: Option<&'static str>,
}

pub async fn insert_import(tx: &mut Tx, id: Uuid, by: Authority, options: &Options, source: &str) -> DbResult<()> {
    let now = tx.now();
    let origin = tx.origin().clone();
    let sql = "
        insert into imports (
            id, source, options, state, actor_kind, actor_id, api_key_id, permissions, origin, created_at, expires_at
        )
        values ($1, $2, $3, 'staging', $4, $5, $6, $7, $8, $9, $10)";
    let params: [&(dyn ToSql + Sync); 10] = [
        &id,
        &source,
        &Json(options),
        &origin.actor.kind(),
        &origin.actor.id(),
        &origin.api_key,
        &by.permissions.names(),
        &Json(Asked::of(&origin)),
        &now,
        &(now + PREVIEW_LASTS),
    ];
    tx.execute(sql, &params).await?;
    Ok(())
}

/// False when the import was taken away meanwhile, because it took so long.
pub async fn update_to_staged(tx: &mut Tx, id: Uuid, counts: Counts) -> DbResult<bool> {
    let sql = "
        update imports
        set state = 'classifying', total = $2, position = 0, counts = $3
        where id = $1 and state = 'staging'";
    Ok(tx.execute(sql, &[&id, &counts.total(), &Json(Kept::staged(counts))]).await? == 1)
}

pub async fn update_to_ready(tx: &mut Tx, id: Uuid, token: &str) -> DbResult<()> {
    tx.execute("update imports set state = 'ready', token = $2, position = total where id = $1", &[&id, &token]).await?;
    Ok(())
}

/// Beside those that are noted already.
pub async fn update_roles(tx: &mut Tx, id: Uuid, roles: Vec<String>) -> DbResult<()> {
    let sql = "
        update imports
        set roles = array(select unnest(roles) union select unnest($2::text[]) order by 1)
        where id = $1";
    tx.execute_later(sql, values![id, roles]).await
}

/// What the roles grant that come or go with its rows. One that is not there any more grants nothing.
pub async fn find_granted(tx: &mut Tx, id: Uuid) -> DbResult<PermissionSet> {
    let sql = "
        select p.name
        from imports i
        join roles r on r.name = any(i.roles)
        cross join unnest(r.permissions) as p (name)
        where i.id = $1";
    let names: Vec<String> = tx.query(sql, &[&id]).await?.iter().map(|row| row.get(0)).collect();
    Ok(PermissionSet::from_names(&names))
}

/// With its rows and keys. No foreign key does that: one that is looked up for each of millions of rows takes as long as writing them.
pub async fn delete_import(tx: &mut Tx, id: Uuid) -> DbResult<()> {
    let sql = "
        with rows as (delete from import_rows where import_id = $1),
            keys as (delete from import_keys where import_id = $1)
        delete from imports
        where id = $1";
    tx.execute(sql, &[&id]).await?;
    Ok(())
}

/// From here on it is the import of whoever begins it. False when it is not ready, or not of this token, or not any more.
pub async fn update_to_begun(tx: &mut Tx, id: Uuid, by: Authority, token: &str) -> DbResult<bool> {
    let now = tx.now();
    let origin = tx.origin().clone();
    let sql = "
        update imports
        set state = 'running', position = 0, started_at = $3, token = null, actor_kind = $4, actor_id = $5, api_key_id = $6,
            permissions = $7, origin = $8
        where id = $1 and state = 'ready' and token = $2 and expires_at > $3";
    let (kind, actor, key) = (origin.actor.kind(), origin.actor.id(), origin.api_key);
    let (permissions, asked) = (by.permissions.names(), Json(Asked::of(&origin)));
    let params: [&(dyn ToSql + Sync); 8] = [&id, &token, &now, &kind, &actor, &key, &permissions, &asked];
    Ok(tx.execute(sql, &params).await? == 1)
}

pub async fn update_state(tx: &mut Tx, id: Uuid, from: State, to: State) -> DbResult<bool> {
    let sql = "update imports set state = $3 where id = $1 and state = $2";
    Ok(tx.execute(sql, &[&id, &from.as_str(), &to.as_str()]).await? == 1)
}

pub async fn update_to_ended(tx: &mut Tx, id: Uuid, state: State, error: Option<&str>) -> DbResult<()> {
    let now = tx.now();
    let sql = "update imports set state = $2, error = $3, finished_at = $4 where id = $1";
    tx.execute(sql, &[&id, &state.as_str(), &error, &now]).await?;
    Ok(())
}

/// With the row locked: of several who work on an import, each does a batch in turn.
pub async fn lock_running(tx: &mut Tx, id: Uuid) -> AppResult<Option<Running>> {
    let sql = "
        select id, options, state, position, total, started_at, counts, actor_kind, actor_id, api_key_id, permissions, roles, origin
        from imports
        where id = $1
        for update";
    let Some(row) = tx.query_opt(sql, &[&id]).await? else { return Ok(None) };
    let permissions: Vec<&str> = row.get("permissions");
    Ok(Some(Running {
        id: row.get("id"),
        options: serde_json::from_value(row.get("options"))?,
        state: State::parse(row.get("state")),
        position: row.get("position"),
        total: row.get("total"),
        has_begun: row.get::<_, Option<Timestamp>>("started_at").is_some(),
        kept: counting::kept(&row),
        actor: super::actor(row.get("actor_kind"), row.get("actor_id")),
        api_key: row.get("api_key_id"),
        permissions: PermissionSet::from_names(&permissions),
        roles: row.get("roles"),
        asked: serde_json::from_value(row.get("origin"))?,
    }))
}

/// The rows of this window that are not judged. A window is bounded by its positions, whatever PostgreSQL expects of its rows: an import
/// is judged and applied from its first position to its last, and no row of it is looked at with every batch.
pub async fn list_unjudged(tx: &mut Tx, id: Uuid, window: Range<i64>) -> AppResult<Vec<Due>> {
    let sql = "
        select position, record, class, false
        from import_rows
        where import_id = $1 and position >= $2 and position < $3 and class is null
        order by position";
    let now = tx.now();
    due(&tx.query(sql, &[&id, &window.start, &window.end]).await?, now)
}

/// The first rows of this window that are to be applied.
pub async fn list_due(tx: &mut Tx, id: Uuid, window: Range<i64>, limit: i64) -> AppResult<Vec<Due>> {
    let sql = "
        select position, record, class, coalesce(changes ? 'username', false)
        from import_rows
        where import_id = $1 and position >= $2 and position < $3 and class in ('create', 'update') and outcome is null
        order by position
        limit $4";
    let now = tx.now();
    due(&tx.query(sql, &[&id, &window.start, &window.end, &limit]).await?, now)
}

fn due(rows: &[SqlRow], now: Timestamp) -> AppResult<Vec<Due>> {
    let due = |row: &SqlRow| {
        let Json(mut record): Json<Record> = row.try_get(1).map_err(anyhow::Error::from)?;
        record.forget_ended_roles(now);
        let class = row.get::<_, Option<&str>>(2).and_then(Class::parse);
        Ok(Due { position: row.get(0), record, class, renames: row.get(3) })
    };
    rows.iter().map(due).collect()
}

/// Planned for each batch: a plan that was kept from the first rows of a move into an empty server reads all users for every batch
/// after them.
pub async fn list_holders(tx: &mut Tx, normals: &[&str]) -> DbResult<HashMap<String, Holder>> {
    let sql = "
        select e.address_normal, e.user_id,
            e.is_primary and e.verified_at is null and u.status = 'pending'
                and exists (select from password_credentials p where p.user_id = u.id) as gives_way
        from unnest($1::text[]) as n (address)
        join lateral (
            select e.address_normal, e.user_id, e.is_primary, e.verified_at
            from emails e
            where e.address_normal = n.address
            offset 0
        ) e on true
        join lateral (
            select u.id, u.status
            from users u
            where u.id = e.user_id
            offset 0
        ) u on true";
    let holder = |row: &SqlRow| (row.get(0), Holder { user_id: row.get(1), gives_way: row.get(2) });
    Ok(tx.query_once(sql, &[&normals]).await?.iter().map(holder).collect())
}

/// Planned for each batch, as [`list_holders`] is.
pub async fn list_usernames(tx: &mut Tx, normals: &[String]) -> DbResult<HashMap<String, UserId>> {
    let sql = "
        select username_normal, id
        from users
        where username_normal = any($1)";
    Ok(tx.query_once(sql, &[&normals]).await?.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// All roles with what they grant.
pub async fn fill_roles(tx: &mut Tx, known: &mut Known) -> DbResult<()> {
    for row in tx.query("select name, permissions from roles", &[]).await? {
        let permissions: Vec<&str> = row.get(1);
        known.roles.insert(row.get(0), PermissionSet::from_names(&permissions));
    }
    Ok(())
}

/// Writes what was found out. What a row comes to takes the hash of the password from it; of one that is done nothing stays but whose it
/// was, so that it tells of nobody who is purged later.
pub async fn update_rows(tx: &mut Tx, id: Uuid, judged: &[Judged]) -> DbResult<()> {
    let positions: Vec<i64> = judged.iter().map(|row| row.position).collect();
    let classes: Vec<Option<&str>> = judged.iter().map(|row| row.class.map(Class::as_str)).collect();
    let users: Vec<Option<UserId>> = judged.iter().map(|row| row.user_id).collect();
    let changes: Vec<Option<Json<&serde_json::Value>>> = judged.iter().map(|row| row.changes.as_ref().map(Json)).collect();
    let faults: Vec<Option<Json<&[Fault]>>> =
        judged.iter().map(|row| (!row.faults.is_empty()).then_some(Json(row.faults.as_slice()))).collect();
    let outcomes: Vec<Option<&str>> = judged.iter().map(|row| row.outcome).collect();
    let sql = "
        update import_rows r
        set class = coalesce(n.class, r.class), user_id = coalesce(n.user_id, r.user_id), changes = case when n.outcome is distinct from 'done' then coalesce(n.changes, r.changes) end,
            faults = n.faults, outcome = n.outcome,
            record = case
                when n.outcome = 'done' then '{}'
                when n.outcome is not null or n.class not in ('create', 'update') then r.record - 'password_hash'
                else r.record
            end
        from unnest($2::bigint[], $3::text[], $4::uuid[], $5::jsonb[], $6::jsonb[], $7::text[])
            as n (position, class, user_id, changes, faults, outcome)
        where r.import_id = $1 and r.position = n.position";
    tx.execute(sql, &[&id, &positions, &classes, &users, &changes, &faults, &outcomes]).await?;
    Ok(())
}

pub async fn find_progress(tx: &mut Tx, id: Uuid) -> DbResult<Option<(i64, i64)>> {
    let row = tx.query_opt("select position, total from imports where id = $1", &[&id]).await?;
    Ok(row.map(|row| (row.get(0), row.get(1))))
}

/// What the import was allowed to do.
pub async fn find_permissions(tx: &mut Tx, id: Uuid) -> DbResult<Option<PermissionSet>> {
    let row = tx.query_opt("select permissions from imports where id = $1", &[&id]).await?;
    Ok(row.map(|row| PermissionSet::from_names(&row.get::<_, Vec<&str>>(0))))
}

/// Together with what is kept of the counts: this is the transaction that has changed the rows.
pub async fn update_position(tx: &mut Tx, id: Uuid, position: i64, kept: Option<Kept>) -> DbResult<()> {
    let sql = "update imports set position = $2, counts = $3 where id = $1";
    tx.execute(sql, &[&id, &position, &kept.map(Json)]).await?;
    Ok(())
}

const SELECT_IMPORTS: &str = "
    select id, source, options, state, total, position, counts, token, actor_kind, actor_id, permissions, origin, error,
        created_at, expires_at, started_at, finished_at
    from imports";

/// The import and what it was allowed to do.
pub async fn find_import(tx: &mut Tx, id: Uuid) -> AppResult<Option<(Import, PermissionSet)>> {
    let Some(row) = tx.query_opt(&format!("{SELECT_IMPORTS} where id = $1"), &[&id]).await? else { return Ok(None) };
    let permissions: Vec<&str> = row.get("permissions");
    let permissions = PermissionSet::from_names(&permissions);
    let mut import = import(&row)?;
    match counting::kept(&row) {
        Some(kept) => (import.counts, import.mails) = (kept.counts, kept.mails),
        // Of a file that is being read, no row is there yet.
        None if import.state == State::Staging => {}
        None => counting::count_rows(tx, &mut import).await?,
    }
    Ok(Some((import, permissions)))
}

/// Newest first, without what comes of their rows.
pub async fn list_imports(tx: &mut Tx, by: Authority, before: Option<(Timestamp, Uuid)>, limit: i64) -> AppResult<Vec<Import>> {
    let mut conditions = Conditions::default();
    if let Some((at, id)) = before {
        let (at, id) = (conditions.bind(at), conditions.bind(id));
        conditions.require(format!("(created_at, id) < ({at}, {id})"));
    }
    let known: Vec<&'static str> = Permission::ALL.iter().map(|permission| permission.name()).collect();
    let (known, held) = (conditions.bind(known), conditions.bind(by.permissions.names()));
    conditions.require(format!("not exists (select from unnest(permissions) as p where p = any({known}) and p <> all({held}))"));
    let limit = conditions.bind(limit);
    let sql = format!("{SELECT_IMPORTS} where {} order by created_at desc, id desc limit {limit}", conditions.sql());
    tx.query(&sql, &conditions.params()).await?.iter().map(import).collect()
}

fn import(row: &SqlRow) -> AppResult<Import> {
    let asked: Option<Asked> = serde_json::from_value(row.get("origin")).ok();
    Ok(Import {
        id: row.get("id"),
        source: row.get("source"),
        options: serde_json::from_value(row.get("options"))?,
        state: State::parse(row.get("state")),
        total: row.get("total"),
        position: row.get("position"),
        counts: Counts::default(),
        mails: 0,
        token: row.get("token"),
        actor_kind: row.get("actor_kind"),
        actor_id: row.get("actor_id"),
        reason: asked.and_then(|asked| asked.reason),
        error: row.get("error"),
        created_at: row.get("created_at"),
        expires_at: row.get("expires_at"),
        started_at: row.get("started_at"),
        finished_at: row.get("finished_at"),
    })
}
