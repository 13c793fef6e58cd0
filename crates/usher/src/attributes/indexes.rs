//! The indexes that the schema asks for, built and dropped without blocking writes. What PostgreSQL has is the truth: an index that
//! a lost session has left incomplete is dropped and built again.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::checking::NAMED_MAX;
use super::sql::{self, Index};
use super::{Offender, Rules, Schema, assemble, store, tend};
use crate::app::App;
use crate::db::{Actor, DbError, DbResult, Tx};
use crate::error::AppResult;
use crate::id::new_uuid;

/// What could not be built is tried again after this time, or when the schema is set.
const AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(10);

/// Whether every index that makes a property of the schema unique is there.
pub async fn are_enforced(tx: &mut Tx, schema: &Schema) -> DbResult<bool> {
    let built = store::list_built(tx, sql::PREFIX).await?;
    let mut unique = schema.properties().iter().filter_map(sql::index).filter(|index| index.unique);
    Ok(unique.all(|index| built.contains(&(index.name, true))))
}

/// Builds what is missing, one after the other.
pub async fn build(app: &App, client: &Client) -> AppResult<()> {
    let (rules, built) = look(app).await?;
    let mut is_new = false;
    for (index, schema) in wanted(&rules).into_values() {
        let is_complete = built.get(&index.name).copied();
        let known = known(app, &index).await?;
        if is_complete == Some(true) {
            if known.as_deref() != Some("ready") {
                note(app, &index, "ready", None, &[]).await?;
            }
            continue;
        }
        if known.as_deref() == Some("failed") {
            continue;
        }
        note(app, &index, "building", None, &[]).await?;
        if is_complete == Some(false) {
            drop_index(client, &index.name).await?;
        }
        is_new |= build_one(app, client, &index, schema).await?;
    }
    if is_new {
        client.batch_execute("analyze users").await.map_err(DbError::from)?;
    }
    Ok(())
}

/// False when it could not be built.
async fn build_one(app: &App, client: &Client, index: &Index, schema: &Schema) -> AppResult<bool> {
    // An index that is being built refuses writes of who has the same value already: it is not begun in vain.
    if index.unique && give_up(app, client, index, schema).await? {
        return Ok(false);
    }
    tracing::info!(index = index.name, "building an index on an attribute");
    let built = match client.batch_execute(&index.create).await {
        Ok(()) => client.batch_execute(&index.describe).await,
        Err(error) => Err(error),
    };
    match built {
        Ok(()) => note(app, index, "ready", None, &[]).await?,
        Err(error) => {
            failed(app, client, index, schema, error).await?;
            return Ok(false);
        }
    }
    Ok(true)
}

/// Notes that users have the same value, if they do. The version that waits for the index is refused.
async fn give_up(app: &App, client: &Client, index: &Index, schema: &Schema) -> AppResult<bool> {
    let (violating, offenders) = duplicates(client, schema, index).await?;
    if violating > 0 {
        note(app, index, "failed", Some("several users have the same value"), &offenders).await?;
        tend::refuse(app, schema.version, violating, &offenders).await?;
    }
    Ok(violating > 0)
}

/// Drops what neither the schema in force nor the one that waits asks for.
pub async fn drop_unwanted(app: &App, client: &Client) -> AppResult<()> {
    let (rules, built) = look(app).await?;
    let schemas = [Some(&rules.in_force), rules.pending.as_ref()];
    let wanted: Vec<String> = schemas
        .into_iter()
        .flatten()
        .flat_map(|schema| schema.properties())
        .filter_map(sql::index)
        .map(|index| index.name)
        .collect();
    let mut tx = app.begin_as(Actor::System).await?;
    let known = store::list_indexes(&mut tx).await?;
    tx.commit().await?;
    let names = built.into_keys().chain(known.into_iter().map(|row| row.name));
    for name in names.filter(|name| !wanted.contains(name)) {
        drop_index(client, &name).await?;
        let mut tx = app.begin_as(Actor::System).await?;
        store::delete_index(&mut tx, &name).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Who has a value of this property that somebody else has too: how many, and the first of them.
pub async fn duplicates(client: &Client, schema: &Schema, index: &Index) -> DbResult<(i64, Vec<Offender>)> {
    let Some(property) = schema.property(&index.property) else { return Ok((0, Vec::new())) };
    let value = sql::expression(property);
    let sql = format!(
        "select u.id, u.username, count(*) over () as violating
        from users u
        where {value} in (select {value} from users u where {value} is not null group by {value} having count(*) > 1)
        order by {value}, u.id
        limit $1"
    );
    let rows = client.query(&sql, &[&i64::try_from(NAMED_MAX).unwrap_or(i64::MAX)]).await?;
    let offender = |row: &tokio_postgres::Row| Offender {
        user_id: row.get("id"),
        username: row.get("username"),
        pointer: format!("/attributes/{}", property.name),
        code: "attribute_taken".to_owned(),
        detail: "somebody else has the same value".to_owned(),
    };
    Ok((rows.first().map_or(0, |row| row.get("violating")), rows.iter().map(offender).collect()))
}

/// The rules, and which indexes there are: by name, whether complete.
async fn look(app: &App) -> AppResult<(std::sync::Arc<Rules>, BTreeMap<String, bool>)> {
    let mut tx = app.begin_as(Actor::System).await?;
    let rules = assemble(store::list_standing(&mut tx).await?)?;
    let built = store::list_built(&mut tx, sql::PREFIX).await?;
    tx.commit().await?;
    Ok((rules, built.into_iter().collect()))
}

/// The indexes to build by name, each with the schema that asks for it; those of the one that waits when it has been checked.
fn wanted(rules: &Rules) -> BTreeMap<String, (Index, &Schema)> {
    let pending = rules.pending.as_ref().filter(|_| rules.pending_is_checked);
    // Where both ask for one, it is the version that waits for it.
    let schemas = [&rules.in_force].into_iter().chain(pending);
    let indexes = schemas.flat_map(|schema| schema.properties().iter().filter_map(sql::index).map(|index| (index, &**schema)));
    indexes.map(|(index, schema)| (index.name.clone(), (index, schema))).collect()
}

/// What was noted of it; nothing when it failed so long ago that it is tried again.
async fn known(app: &App, index: &Index) -> AppResult<Option<String>> {
    let mut tx = app.begin_as(Actor::System).await?;
    let rows = store::list_indexes(&mut tx).await?;
    tx.commit().await?;
    let row = rows.into_iter().find(|row| row.name == index.name);
    let again_from = app.clock.now() - AGAIN_AFTER;
    Ok(row.filter(|row| row.state != "failed" || row.changed_at > again_from).map(|row| row.state))
}

/// Notes how an index stands. Processes learn that it can be used, or no longer.
async fn note(app: &App, index: &Index, state: &str, detail: Option<&str>, offenders: &[Offender]) -> AppResult<()> {
    let mut tx = app.begin_as(Actor::System).await?;
    store::lock_state(&mut tx).await?;
    store::upsert_index(&mut tx, &index.name, &index.property, state, detail, offenders).await?;
    let mark = new_uuid(tx.now());
    store::update_mark(&mut tx, mark).await?;
    tx.commit().await?;
    Ok(())
}

/// An index could not be built. What it has left is dropped; a version that waits for it and can't have it is refused.
async fn failed(app: &App, client: &Client, index: &Index, schema: &Schema, error: tokio_postgres::Error) -> AppResult<()> {
    let error = DbError::from(error);
    let Some((state, detail)) = reason(&error) else { return Err(error.into()) };
    tracing::warn!(index = index.name, detail, "an index on an attribute could not be built");
    // What was begun has left an index that is incomplete.
    if look(app).await?.1.contains_key(&index.name) {
        drop_index(client, &index.name).await?;
    }
    let is_duplicate = state == SqlState::UNIQUE_VIOLATION;
    if !(is_duplicate && give_up(app, client, index, schema).await?) {
        note(app, index, "failed", Some(&detail), &[]).await?;
    }
    Ok(())
}

/// Why, without any value; `None` for what may pass by itself.
fn reason(error: &DbError) -> Option<(SqlState, String)> {
    let (DbError::Constraint { source, .. } | DbError::Statement(source)) = error else { return None };
    let answer = source.as_db_error()?;
    let detail = match *answer.code() {
        SqlState::UNIQUE_VIOLATION => "several users have the same value".to_owned(),
        SqlState::INSUFFICIENT_PRIVILEGE => {
            "usher's role does not own the table users: run `usher attributes tend` as the role that does".to_owned()
        }
        _ => format!("PostgreSQL refused it ({})", answer.code().code()),
    };
    Some((answer.code().clone(), detail))
}

async fn drop_index(client: &Client, name: &str) -> DbResult<()> {
    let quoted = name.replace('"', "\"\"");
    client.batch_execute(&format!("drop index concurrently if exists \"{quoted}\"")).await?;
    client.batch_execute(&format!("drop statistics if exists \"{quoted}\"")).await?;
    Ok(())
}
