//! Verifying a part of the log, as much as a request may: the newest events, and step by step those before. A part reaches from one
//! checkpoint to another. That the leaves between lead from the edge of the first to the root that the last one signs proves both.

use usher_log::{Edge, Fault, Signature, SignedCheckpoint, Summary, Verifier, VerifierKey};

use super::reading::{Misfit, look_beside, read_on, stray};
use super::sealing::continued;
use super::{Sealed, key, store};
use crate::app::App;
use crate::db::Tx;
use crate::error::{AppError, AppResult, Rejection};

/// So many events at least, if there are as many: a part begins with a checkpoint.
const EVENTS: i64 = 5_000;
/// More than so many times as many are not read. The sealer's checkpoints stand closer.
const REACH: i64 = 4;
/// Rows that are in memory at a time; between them others have their turn.
const ROWS: i64 = 500;

/// What came of it.
#[derive(Debug)]
pub enum Verified {
    Good(Part),
    /// Something is not as it was sealed. What follows it was not looked at.
    Changed(Misfit),
    Not(Unverified),
}

/// Why nothing can be said of a part by itself; verifying the whole log can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unverified {
    NothingSealed,
    /// Its last checkpoint is signed by another key than the one in use.
    OtherKey,
    /// There is no checkpoint near enough to begin with.
    FarApart,
}

/// What was verified and found good.
#[derive(Debug)]
pub struct Part {
    /// The first leaf, and the one after the last.
    pub from: i64,
    pub until: i64,
    /// Leaves of the whole log.
    pub size: i64,
    pub summary: Summary,
    /// Among so many of the newest events none was found that is in no leaf, and none that waits is missing. `None`: not looked for.
    pub beside: Option<i64>,
}

/// Verifies the newest events, or those before a checkpoint of `until` leaves, with the key in use.
pub async fn verify_part(app: &App, tx: &mut Tx, until: Option<i64>) -> AppResult<Verified> {
    verify_at_least(app, tx, until, EVENTS).await
}

pub(super) async fn verify_at_least(app: &App, tx: &mut Tx, until: Option<i64>, events: i64) -> AppResult<Verified> {
    match verify(app, tx, until, events).await {
        Err(AppError::Internal(error)) => error.downcast().map(Verified::Changed).map_err(AppError::Internal),
        verified => verified,
    }
}

async fn verify(app: &App, tx: &mut Tx, until: Option<i64>, events: i64) -> AppResult<Verified> {
    let size = store::find_last_checkpoint_in(tx).await?.map_or(0, |(sealed, _)| sealed.tree_size);
    if until.is_none() {
        if let Some(id) = store::find_stray_among_newest(tx, events).await? {
            return Err(stray(id).into());
        }
        look_beside(tx, size).await?;
    }
    let Some(key) = key::find(app, tx).await?.filter(|_| size > 0) else {
        return Ok(Verified::Not(Unverified::NothingSealed));
    };
    let end = until.unwrap_or(size);
    let last = store::find_checkpoint_before(tx, end).await?.filter(|(sealed, _)| sealed.tree_size == end);
    last.ok_or_else(Rejection::not_found)?;
    let first = store::find_checkpoint_before(tx, end.saturating_sub(events)).await?;
    let from = first.as_ref().map_or(0, |(sealed, _)| sealed.tree_size);
    if end - from > REACH * events {
        return Ok(Verified::Not(Unverified::FarApart));
    }
    let key = key.verifier();
    let edge = first.map_or_else(|| Ok(Edge::default()), |(sealed, edge)| edge_of(key, &sealed, &edge))?;
    let mut verifier = Verifier::begin(key.clone(), edge, None).map_err(Misfit::from).map_err(anyhow::Error::from)?;
    read_on(tx, &mut verifier, end, ROWS).await?;
    match verifier.finish() {
        Ok(summary) => Ok(Verified::Good(Part { from, until: end, size, summary, beside: until.is_none().then_some(events) })),
        Err(Fault::SignatureMissing { .. }) => Ok(Verified::Not(Unverified::OtherKey)),
        Err(fault) => Ok(Verified::Changed(fault.into())),
    }
}

/// The tree to begin with. The signature is looked at where it is one of this key.
fn edge_of(key: &VerifierKey, sealed: &Sealed, edge: &[u8]) -> anyhow::Result<Edge> {
    let edge = continued(sealed, edge).map_err(|error| Misfit::of(error.to_string()))?;
    let note = SignedCheckpoint::parse(&sealed.checkpoint)?;
    if note.verify(key) == Signature::Bad {
        return Err(Misfit::from(Fault::SignatureBad { size: edge.size() }).into());
    }
    Ok(edge)
}
