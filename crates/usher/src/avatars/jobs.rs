//! Removing files that nobody has as their picture any more: of a picture that was replaced or removed at once, and every hour of
//! people who were purged and of uploads that were given up on the way.

use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::storage::Storage;
use super::{file_of, store};
use crate::app::App;
use crate::clock::Stopwatch;
use crate::db::{Actor, Tx};
use crate::error::AppResult;
use crate::jobs::{self, Registry};
use crate::pictures::{LARGE, SMALL};

const REMOVE: &str = "remove_avatar";
const SWEEP: &str = "sweep_avatars";
const AT_ONCE: i64 = 100;
/// A job must end within its time; the next one goes on.
const WITHIN: Duration = Duration::from_secs(10);
/// An upload that has begun is over by then.
const UPLOADED_WITHIN: SignedDuration = SignedDuration::from_hours(1);

#[derive(Serialize, Deserialize)]
struct Unused {
    name: String,
}

pub fn register(registry: &mut Registry) {
    registry.outside(REMOVE, |app, payload| {
        Box::pin(async move {
            let Unused { name } = serde_json::from_value(payload)?;
            remove(app, &name).await
        })
    });
    registry.every_long(Duration::from_hours(1), SWEEP, |app, _| Box::pin(sweep(app)));
}

/// After the transaction that lets the picture go.
pub async fn enqueue(tx: &mut Tx, name: &str) -> AppResult<()> {
    jobs::enqueue(tx, REMOVE, &Unused { name: name.to_owned() }).await
}

async fn sweep(app: &App) -> AppResult<()> {
    let worked = Stopwatch::start();
    let mut tx = app.begin_as(Actor::System).await?;
    let before = tx.now() - UPLOADED_WITHIN;
    let unused = store::list_unused(&mut tx, before, AT_ONCE).await?;
    tx.commit().await?;
    for name in &unused {
        if worked.elapsed() > WITHIN {
            break;
        }
        remove(app, name).await?;
    }
    Ok(())
}

/// Files first: as long as one may be there, its row is. Without a storage both stay until there is one again.
async fn remove(app: &App, name: &str) -> AppResult<()> {
    if app.config.avatars.is_none() {
        return Ok(());
    }
    let mut tx = app.begin_as(Actor::System).await?;
    let is_unused = store::is_unused(&mut tx, name).await?;
    tx.commit().await?;
    if !is_unused {
        return Ok(());
    }
    let storage = Storage::open(app).await?;
    for side in [LARGE, SMALL] {
        storage.remove(&file_of(name, side)).await?;
    }
    let mut tx = app.begin_as(Actor::System).await?;
    store::delete_avatar(&mut tx, name).await?;
    tx.commit().await?;
    Ok(())
}
