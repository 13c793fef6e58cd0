//! The seal of the audit trail: how far it is, and whether what is there still fits it, a part at a time.

use axum::extract::State;
use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;

use super::audit::HERE;
use super::staff::{Staff, StaffForm};
use crate::app::App;
use crate::audit;
use crate::audit::log::{self, Misfit, Part, Unverified, Verified};
use crate::caller::Permission;
use crate::db::Tx;
use crate::error::{AppResult, Rejection};
use crate::html::Faults;

const PAGE: &str = "console/audit_seal.html";

/// What was found, for the template.
#[derive(Default, Serialize)]
struct Found {
    /// `good`, `changed`, or why nothing can be said.
    outcome: &'static str,
    part: Option<Good>,
    /// What does not fit, in the words of `usher audit verify`.
    said: String,
    /// The page about the event that does not fit, if it is there still.
    event: Option<String>,
}

#[derive(Serialize)]
struct Good {
    /// The first and the last event, counted from 0.
    first: i64,
    last: i64,
    size: i64,
    /// So many before the first, and after the last.
    before: i64,
    after: i64,
    events: u64,
    erased: u64,
    dropped: u64,
    checkpoints: u64,
    other_keys: u64,
    beside: Option<i64>,
}

impl Good {
    fn of(part: &Part) -> Self {
        let Part { from, until, size, beside, ref summary } = *part;
        Self {
            first: from,
            last: until - 1,
            size,
            before: from,
            after: size - until,
            events: summary.events,
            erased: summary.erased,
            dropped: summary.dropped,
            checkpoints: summary.checkpoints,
            other_keys: summary.other_keys,
            beside,
        }
    }
}

pub async fn show(staff: Staff, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::AuditRead)?;
    show_seal(&app, &staff, None).await
}

/// Changes nothing. It is a form since reading so much is not to happen by following a link.
pub async fn verify(State(app): State<App>, StaffForm { staff, members }: StaffForm) -> AppResult<Response> {
    staff.require(Permission::AuditRead)?;
    let until = Some(members.text("until")).filter(|until| !until.is_empty());
    let until = until.map(str::parse::<i64>).transpose().map_err(|_| Rejection::not_found())?;
    let mut tx = staff.begin(&app).await?;
    let verified = log::verify_part(&app, &mut tx, until).await?;
    let found = found(&mut tx, &verified).await?;
    tx.commit().await?;
    show_seal(&app, &staff, Some(found)).await
}

async fn found(tx: &mut Tx, verified: &Verified) -> AppResult<Found> {
    Ok(match verified {
        Verified::Good(part) => Found { outcome: "good", part: Some(Good::of(part)), ..Found::default() },
        Verified::Changed(Misfit { said, event_id }) => {
            let is_there = match event_id {
                Some(id) => !audit::find(tx, &[*id]).await?.is_empty(),
                None => false,
            };
            let event = event_id.filter(|_| is_there).map(|id| format!("{HERE}/{id}"));
            Found { outcome: "changed", said: said.clone(), event, ..Found::default() }
        }
        Verified::Not(Unverified::NothingSealed) => Found { outcome: "nothing", ..Found::default() },
        Verified::Not(Unverified::OtherKey) => Found { outcome: "other-key", ..Found::default() },
        Verified::Not(Unverified::FarApart) => Found { outcome: "far-apart", ..Found::default() },
    })
}

async fn show_seal(app: &App, staff: &Staff, found: Option<Found>) -> AppResult<Response> {
    let (sealed, progress) = (log::last(app).await?, log::progress(app).await?);
    // A checkpoint says whose it is, how many events it seals, and their root.
    let root = sealed.as_ref().and_then(|sealed| sealed.checkpoint.lines().nth(2)).map(ToOwned::to_owned);
    let values = context! {
        root => root, sealed => Serde(sealed), waiting => progress.waiting, waits_since => Serde(progress.waits_since),
        found => Serde(found),
    };
    staff.page(app, HERE, PAGE, values, &Faults::default())
}
