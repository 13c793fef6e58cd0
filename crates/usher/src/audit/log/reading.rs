//! Reading the log from the database, page by page: to verify it, and to write it down so that others can.

use std::collections::VecDeque;

use anyhow::Context;
use usher_log::{Edge, Fault, Line, SignedCheckpoint, Summary, Verifier, VerifierKey};
use uuid::Uuid;

use super::store::{self, Leaf};
use super::{Dropped, Sealed, last, last_dropped};
use crate::app::App;
use crate::db::{Actor, Tx};
use crate::error::AppResult;

/// Rows that are in memory at a time.
const PAGE: i64 = 2_000;

/// What is not as it was sealed.
#[derive(Debug, thiserror::Error)]
#[error("{said}")]
pub struct Misfit {
    /// Where, and what is wrong there.
    pub said: String,
    /// The event, where it is one.
    pub event_id: Option<Uuid>,
}

impl Misfit {
    pub(super) fn of(said: impl Into<String>) -> Self {
        Self { said: said.into(), event_id: None }
    }

    fn of_event(id: Uuid, said: impl Into<String>) -> Self {
        Self { said: said.into(), event_id: Some(id) }
    }
}

impl From<Fault> for Misfit {
    fn from(fault: Fault) -> Self {
        let event_id = match &fault {
            Fault::EventChanged { id, .. } | Fault::DetailsChanged { id, .. } => id.parse().ok(),
            _ => None,
        };
        Self { said: fault.to_string(), event_id }
    }
}

/// Verifies the whole log: every event against its hash, every checkpoint against the events and the key, and that no event is
/// without a place. Fails with the first fault.
pub async fn verify(app: &App, key: VerifierKey, saved: Option<&SignedCheckpoint>) -> AppResult<Summary> {
    let mut verifier = Verifier::begin(key, Edge::default(), saved).map_err(anyhow::Error::from)?;
    // What is sealed while this reads is left to the next time.
    let until = last(app).await?.map_or(0, |sealed| sealed.tree_size);
    let mut tx = app.begin_as(Actor::Cli).await?;
    tx.lift_statement_timeout().await?;
    read_on(&mut tx, &mut verifier, until, PAGE).await?;
    let summary = verifier.finish().map_err(anyhow::Error::from)?;
    if let Some(id) = store::find_stray_event(&mut tx).await? {
        return Err(stray(id).into());
    }
    look_beside(&mut tx, until).await?;
    tx.commit().await?;
    Ok(summary)
}

/// Reads the leaves that follow up to before `until`, and the checkpoints on the way; so many rows at a time.
pub(super) async fn read_on(tx: &mut Tx, verifier: &mut Verifier, until: i64, rows: i64) -> AppResult<()> {
    let dropped = last_dropped(tx).await?;
    let after = i64::try_from(verifier.size()).context("counting leaves")?;
    let mut checkpoints = Checkpoints { after, until, read: VecDeque::new() };
    let mut next = checkpoints.next(tx, rows).await?;
    loop {
        let from = i64::try_from(verifier.size()).context("counting leaves")?;
        let page = store::list_leaves(tx, from, until, rows).await?;
        if page.is_empty() {
            break;
        }
        for leaf in page {
            add(verifier, leaf, dropped.as_ref())?;
            while let Some((sealed, edge)) = next.take_if(|(sealed, _)| is_at(sealed, verifier)) {
                confirm(verifier, &sealed, &edge)?;
                next = checkpoints.next(tx, rows).await?;
            }
        }
    }
    // Whatever is left has no leaves.
    if let Some((sealed, edge)) = next {
        confirm(verifier, &sealed, &edge)?;
    }
    Ok(())
}

/// What the tree does not show: events that are in no leaf.
pub(super) fn stray(id: Uuid) -> anyhow::Error {
    Misfit::of_event(id, format!("event {id} is neither sealed nor waits for it: it was put in, or held back")).into()
}

/// The same of events that are not there any more, and leaves that no checkpoint signs.
pub(super) async fn look_beside(tx: &mut Tx, until: i64) -> anyhow::Result<()> {
    if let Some(id) = store::find_lost_event(tx).await? {
        return Err(Misfit::of_event(id, format!("event {id} was removed before it was sealed")).into());
    }
    let (leaves, sealed) = store::count_leaves(tx).await?;
    if leaves > sealed || sealed < until {
        let said = format!("there are {leaves} leaves and {sealed} of them are sealed: some were put in");
        return Err(Misfit::of(said).into());
    }
    Ok(())
}

fn is_at(sealed: &Sealed, verifier: &Verifier) -> bool {
    i64::try_from(verifier.size()) == Ok(sealed.tree_size)
}

fn add(verifier: &mut Verifier, leaf: Leaf, dropped: Option<&Dropped>) -> anyhow::Result<()> {
    let (leaf_index, id) = (leaf.index, leaf.event_id);
    let changed = |why: String| Misfit::of_event(id, format!("leaf {leaf_index} was changed: {why}"));
    if leaf.event.is_none() && dropped.is_some_and(|dropped| dropped.covers(id)) {
        let hash = leaf.hash.try_into().map_err(|_| changed("it has a hash that is none".to_owned()))?;
        return Ok(verifier.dropped(leaf_index.unsigned_abs(), hash).map_err(Misfit::from)?);
    }
    if leaf.event.is_none() {
        return Err(changed(format!("event {id} was removed")).into());
    }
    if leaf.details.is_none() && !leaf.may_be_erased {
        let why = format!("the details of event {id} were removed, and nobody of whom they tell was purged");
        return Err(changed(why).into());
    }
    let entry = leaf.entry().ok_or_else(|| changed(format!("event {id} has a hash or salt that is none")))?;
    Ok(verifier.entry(&entry).map_err(Misfit::from)?)
}

fn confirm(verifier: &mut Verifier, sealed: &Sealed, edge: &[u8]) -> anyhow::Result<()> {
    let size = sealed.tree_size;
    let note = SignedCheckpoint::parse(&sealed.checkpoint).ok();
    let note = note.filter(|note| i64::try_from(note.checkpoint.size) == Ok(size));
    let note = note.ok_or_else(|| Misfit::of(format!("checkpoint {size} was changed: it can't be read")))?;
    verifier.checkpoint(&note).map_err(Misfit::from)?;
    if verifier.edge().to_bytes() != edge {
        return Err(Misfit::of(format!("checkpoint {size} was changed: its edge is not that of the leaves")).into());
    }
    Ok(())
}

/// Checkpoints one after another.
struct Checkpoints {
    after: i64,
    until: i64,
    read: VecDeque<(Sealed, Vec<u8>)>,
}

impl Checkpoints {
    async fn next(&mut self, tx: &mut Tx, rows: i64) -> AppResult<Option<(Sealed, Vec<u8>)>> {
        if self.read.is_empty() {
            self.read = store::list_checkpoints(tx, self.after, self.until, rows).await?.into();
        }
        let next = self.read.pop_front();
        self.after = next.as_ref().map_or(self.after, |(sealed, _)| sealed.tree_size);
        Ok(next)
    }
}

/// Writes down what is sealed, from the leaf `after` on, as lines that `usher audit verify --file` reads. Says how many events.
pub async fn export(app: &App, after: u64, mut write: impl FnMut(&str) -> std::io::Result<()>) -> AppResult<u64> {
    let Some(sealed) = last(app).await? else {
        return Err(anyhow::anyhow!("nothing has been sealed yet: is `usher serve` or `usher worker` running?").into());
    };
    let until = sealed.tree_size;
    let after = i64::try_from(after).ok().filter(|after| *after <= until);
    let after = after.with_context(|| format!("--after lies beyond the {until} events that are sealed"))?;
    let mut put = |line: &Line| -> anyhow::Result<()> { write(&line.to_text()?).context("writing the export") };
    let mut tx = app.begin_as(Actor::Cli).await?;
    if let Some(dropped) = last_dropped(&mut tx).await? {
        let first = store::find_first_kept(&mut tx, dropped.before_id).await?;
        if after < first {
            let Dropped { before, .. } = dropped;
            return Err(anyhow::anyhow!("events before {before} were dropped by retention: export with --after {first}").into());
        }
    }
    put(&Line::Header(edge_at(&mut tx, after).await?))?;
    let mut from = after;
    while from < until {
        let page = store::list_leaves(&mut tx, from, until, PAGE).await?;
        for leaf in &page {
            ensure_next(leaf, from)?;
            from += 1;
        }
        if page.is_empty() {
            return Err(anyhow::anyhow!("leaf {from} is missing: `usher audit verify` tells more").into());
        }
        for leaf in page {
            let id = leaf.event_id;
            put(&Line::Entry(Box::new(leaf.entry().with_context(|| changed(id))?)))?;
        }
    }
    put(&Line::Checkpoint(sealed.checkpoint))?;
    tx.commit().await?;
    Ok((until - after).unsigned_abs())
}

/// The edge of the tree of the first `size` leaves: from the last checkpoint before, and the leaves between.
async fn edge_at(tx: &mut Tx, size: i64) -> anyhow::Result<Edge> {
    let known = match store::find_checkpoint_before(tx, size).await? {
        Some((sealed, edge)) => Edge::from_bytes(sealed.tree_size.unsigned_abs(), &edge),
        None => Some(Edge::default()),
    };
    let mut edge = known.context("a checkpoint was changed: `usher audit verify` tells more")?;
    loop {
        let from = i64::try_from(edge.size())?;
        let page = store::list_leaves(tx, from, size, PAGE).await?;
        if page.is_empty() {
            return Ok(edge);
        }
        for leaf in page {
            ensure_next(&leaf, i64::try_from(edge.size())?)?;
            let hash = leaf.hash.try_into().ok().with_context(|| changed(leaf.event_id))?;
            edge.push(hash);
        }
    }
}

fn ensure_next(leaf: &Leaf, expected: i64) -> anyhow::Result<()> {
    anyhow::ensure!(leaf.index == expected, "leaf {expected} is missing: `usher audit verify` tells more");
    Ok(())
}

fn changed(id: Uuid) -> String {
    format!("event {id} was changed or removed: `usher audit verify` tells more")
}
