//! What is begun here goes on by itself: after each step a job does the next.

use std::io::Read;

use uuid::Uuid;

use super::{Import, Options, jobs};
use crate::app::App;
use crate::caller::Authority;
use crate::db::{Origin, Tx};
use crate::error::AppResult;

/// Stages a file; its rows are judged then.
pub async fn upload(
    app: &App,
    by: Authority,
    origin: &Origin,
    options: Options,
    source: &str,
    from: impl Read + Send + 'static,
) -> AppResult<Import> {
    let id = super::stage(app, by, origin, options, source, from).await?;
    let mut tx = app.begin(origin).await?;
    jobs::enqueue(&mut tx, id).await?;
    let import = super::read(&mut tx, by, id).await?;
    tx.commit().await?;
    Ok(import)
}

/// Begins to apply what was previewed.
pub async fn apply(tx: &mut Tx, by: Authority, id: Uuid, token: &str) -> AppResult<Import> {
    let import = super::begin(tx, by, id, token).await?;
    jobs::enqueue(tx, id).await?;
    Ok(import)
}

/// Lets a paused import go on.
pub async fn resume(tx: &mut Tx, by: Authority, id: Uuid) -> AppResult<Import> {
    let import = super::set_paused(tx, by, id, false).await?;
    jobs::enqueue(tx, id).await?;
    Ok(import)
}
