//! What a change of the schema leaves to be done: checking the users, renaming and removing attributes, building and dropping
//! indexes, and putting in force what waits. One process at a time does it, under a lock of the session of its own connection:
//! when the process ends, so does the session, and another one goes on from where it was.

use tokio_postgres::Client;

use super::checking::check_batch;
use super::{Rules, assemble, changes, indexes, migration, store};
use crate::app::App;
use crate::audit::{self, Event};
use crate::db::{Actor, DbResult};
use crate::error::AppResult;

/// "attribut" in ASCII.
const LOCK: i64 = 0x6174_7472_6962_7574;

/// Does whatever there is to do. Returns false, and at once, when another process is at it.
pub async fn tend(app: &App) -> AppResult<bool> {
    loop {
        let before = standing(app).await?;
        let client = app.db.dedicated().await?;
        if !try_lock(&client).await? {
            return Ok(false);
        }
        let outcome = work(app, &client).await;
        let unlocked = unlock(&client).await;
        outcome?;
        unlocked?;
        // Who has changed the schema while the lock was still held has left it to this process.
        let after = standing(app).await?;
        if after.mark == before.mark {
            return Ok(true);
        }
    }
}

async fn try_lock(client: &Client) -> DbResult<bool> {
    client.batch_execute("set statement_timeout = 0; set lock_timeout = 0; set idle_in_transaction_session_timeout = 0").await?;
    Ok(client.query_one("select pg_try_advisory_lock($1)", &[&LOCK]).await?.get(0))
}

async fn unlock(client: &Client) -> DbResult<()> {
    client.query_one("select pg_advisory_unlock($1)", &[&LOCK]).await?;
    Ok(())
}

async fn standing(app: &App) -> AppResult<std::sync::Arc<Rules>> {
    let mut tx = app.begin_as(Actor::System).await?;
    let rules = assemble(store::list_standing(&mut tx).await?)?;
    tx.commit().await?;
    Ok(rules)
}

/// One round.
async fn work(app: &App, client: &Client) -> AppResult<()> {
    let rules = standing(app).await?;
    if rules.is_moving() {
        migration::go_on(app, &rules.in_force).await?;
    }
    if let Some(pending) = &rules.pending
        && !rules.pending_is_checked
    {
        check(app, pending).await?;
    }
    indexes::build(app, client).await?;
    put_in_force(app).await?;
    indexes::drop_unwanted(app, client).await
}

/// Checks all users against the version that waits, and refuses it when one does not fit.
async fn check(app: &App, schema: &super::Schema) -> AppResult<()> {
    let mut tx = app.begin_as(Actor::System).await?;
    store::update_total(&mut tx, schema.version).await?;
    tx.commit().await?;
    loop {
        let mut tx = app.begin_as(Actor::System).await?;
        let Some(mut progress) = store::lock_progress(&mut tx, schema.version).await? else { return Ok(()) };
        if let Some(fixes) = check_batch(&mut tx, schema, &mut progress).await? {
            fixes.write(&mut tx).await?;
            store::update_progress(&mut tx, schema.version, &progress).await?;
            tx.commit().await?;
            continue;
        }
        tx.commit().await?;
        if progress.violating > 0 {
            return refuse(app, schema.version, progress.violating, &progress.offenders).await;
        }
        let mut tx = app.begin_as(Actor::System).await?;
        store::lock_state(&mut tx).await?;
        store::update_done(&mut tx, schema.version).await?;
        store::update_mark(&mut tx, crate::id::new_uuid(app.clock.now())).await?;
        tx.commit().await?;
        return Ok(());
    }
}

/// The version that waits does not come into force.
pub async fn refuse(app: &App, version: i64, violating: i64, offenders: &[super::Offender]) -> AppResult<()> {
    let mut tx = app.begin_as(Actor::System).await?;
    store::lock_state(&mut tx).await?;
    let offenders = serde_json::to_value(offenders)?;
    if store::update_to_refused(&mut tx, version, violating, &offenders).await? {
        changes::note_change(&mut tx).await?;
        let event = Event::failure("attribute_schema.applied").on("attribute_schema", version);
        audit::record(&mut tx, event.detail("violating", violating)).await?;
        tracing::warn!(version, violating, "a schema of attributes was refused: see GET /v1/attribute-schema");
    }
    tx.commit().await?;
    Ok(())
}

/// Puts the version that waits in force when nothing is left to wait for.
async fn put_in_force(app: &App) -> AppResult<()> {
    let mut tx = app.begin_as(Actor::System).await?;
    let rules = changes::lock_for_change(&mut tx).await?;
    let Some(pending) = rules.pending.as_ref().filter(|_| rules.pending_is_checked) else { return Ok(()) };
    if !indexes::are_enforced(&mut tx, pending).await? {
        return Ok(());
    }
    store::update_to_in_force(&mut tx, pending.version).await?;
    changes::note_change(&mut tx).await?;
    audit::record(&mut tx, Event::success("attribute_schema.applied").on("attribute_schema", pending.version)).await?;
    tx.commit().await?;
    Ok(())
}
