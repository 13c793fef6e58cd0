//! All properties of the schema, how their indexes stand, what waits, and what has happened to it.

use axum::extract::State;
use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;

use super::super::events;
use super::super::parameters::address;
use super::super::staff::{Staff, StaffForm};
use super::rule::{self, Shown};
use super::{HERE, ShownOffender, require_writing, shown, words};
use crate::app::App;
use crate::attributes::migration::{Operation, Rename};
use crate::attributes::{self, BuildState, IndexState, Rule, Status, WaitingFor};
use crate::audit::{self, Wanted};
use crate::caller::Permission;
use crate::error::AppResult;
use crate::html::{self, Faults, Notice};
use crate::languages::now;

const PAGE: &str = "console/attributes/list.html";
/// What happens to the schema, as the audit trail calls it.
const ACTIONS: [&str; 5] = [
    "attribute_schema.set",
    "attribute_schema.applied",
    "attribute_schema.migration_begun",
    "attribute_schema.migrated",
    "attribute_schema.indexes_retried",
];
const EVENTS_MAX: i64 = 10;

#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    kind: &'static str,
    limits: Vec<String>,
    rule: Shown<'a>,
    required: bool,
    /// It is not in force as yet, or not as it stands here.
    waits: bool,
    indexes: Vec<Index>,
    /// The page of the users who have it.
    holders: Option<String>,
}

#[derive(Serialize)]
struct Index {
    state: BuildState,
    why: Option<String>,
    offenders: Vec<ShownOffender>,
}

impl Index {
    fn of(index: &IndexState) -> Self {
        let why = index.detail.as_deref().map(|detail| now().problem("index_failed", detail));
        Self { state: index.state, why, offenders: shown(&index.offenders) }
    }
}

pub async fn show(staff: Staff, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::UsersRead)?;
    let mut tx = staff.begin(&app).await?;
    let status = attributes::status(&mut tx).await?;
    let history = if staff.may(Permission::AuditRead) {
        let actions = ACTIONS.map(ToOwned::to_owned).to_vec();
        let found = audit::list(&mut tx, Wanted { actions: Some(actions), limit: EVENTS_MAX, ..Wanted::default() }).await?;
        events::show(&mut tx, &staff, &found).await?
    } else {
        Vec::new()
    };
    tx.commit().await?;
    let pending = status.pending.as_ref();
    let values = context! {
        rows => Serde(rows(&status)), allows_others => status.latest().additional_properties, version => status.in_force.version,
        created_at => Serde(status.in_force.created_at), pending => Serde(pending), migration => Serde(status.migration.as_ref()),
        goes_on => status.migration.is_some() || pending.is_some_and(|pending| pending.state != WaitingFor::Refused),
        moves => Serde(moves(&status)), share => share(&status),
        offenders => Serde(pending.map(|pending| shown(&pending.offenders))),
        may_write => staff.may(Permission::AttributesWrite), history => Serde(history),
        has_failed => status.indexes.iter().any(|index| index.state == BuildState::Failed),
    };
    staff.page(&app, HERE, PAGE, values, &Faults::default())
}

fn rows(status: &Status) -> Vec<Row<'_>> {
    let latest = status.latest();
    latest.properties.iter().map(|(name, rule)| row(status, name, rule)).collect()
}

fn row<'a>(status: &'a Status, name: &'a str, rule: &'a Rule) -> Row<'a> {
    let indexes: Vec<&IndexState> = status.indexes.iter().filter(|index| index.property == name).collect();
    let waits = status.in_force.schema.properties.get(name) != Some(rule);
    let is_ready = !waits && indexes.iter().any(|index| index.state == BuildState::Ready);
    Row {
        name,
        kind: rule::kind_of(rule),
        limits: words::limits(rule),
        rule: Shown::of(rule),
        required: status.latest().required.iter().any(|required| required == name),
        waits,
        indexes: indexes.into_iter().map(Index::of).collect(),
        holders: is_ready.then(|| address("/admin/users", [("filter", format!("attributes.{name} pr").as_str())])),
    }
}

/// An attribute that users are being moved from, and to which one.
#[derive(Serialize)]
struct Move<'a> {
    from: &'a str,
    to: Option<&'a str>,
}

fn moves(status: &Status) -> Vec<Move<'_>> {
    let operations = status.migration.iter().flat_map(|migration| &migration.operations);
    let one = |operation| match operation {
        &Operation::Rename(Rename { ref from, ref to }) => Move { from, to: Some(to) },
        Operation::Remove(name) => Move { from: name, to: None },
    };
    operations.map(one).collect()
}

/// How far what goes on is, in percent.
fn share(status: &Status) -> Option<i64> {
    let of_migration = status.migration.as_ref().map(|migration| (migration.moved, migration.total));
    let (done, total) = of_migration.or(status.pending.as_ref().map(|pending| (pending.checked, pending.total)))?;
    total.filter(|total| *total > 0).map(|total| (100 * done / total).min(100))
}

/// Indexes that could not be built are tried again.
pub async fn submit_again(State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    require_writing(&form.staff)?;
    let mut tx = form.staff.begin_because(&app, &form.members).await?;
    attributes::try_again(&mut tx).await?;
    tx.commit().await?;
    html::done(&app, HERE, Notice::Sent)
}
