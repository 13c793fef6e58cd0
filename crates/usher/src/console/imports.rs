//! Imports: what would come of each row, how far they are, and what came of them.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::response::Response;
use fluent_bundle::FluentArgs;
use jiff::Timestamp;
use minijinja::context;
use minijinja::value::Serde;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::events::{self, Named};
use super::parameters::{Parameters, address};
use super::staff::{Staff, StaffForm};
use super::words;
use crate::app::App;
use crate::caller::Permission;
use crate::db::page::{self, Limit, Page};
use crate::error::{AppResult, Rejection};
use crate::html::{self, Faults, Notice, see_other};
use crate::http::params::Path;
use crate::http::stream::Streamed;
use crate::imports::{self, Counts, Fault, FileFormat, Import, Report, Row, State as Standing};
use crate::languages::now;
use crate::live::Followed;

pub const HERE: &str = "/admin/imports";
const LIST_PAGE: &str = "console/imports.html";
const PAGE: &str = "console/import.html";
/// So many on a page.
const SHOWN: u16 = 25;
/// A longer address is none to come back to.
const ADDRESS_MAX: usize = 2000;

#[derive(Deserialize)]
pub struct ImportPath {
    id: Uuid,
}

pub fn way(id: Uuid) -> String {
    format!("{HERE}/{id}")
}

/// The same with the reason that was typed, if an address holds it.
fn way_back(id: Uuid, reason: &str) -> String {
    let address = address(&way(id), [("reason", reason)]);
    if address.len() > ADDRESS_MAX { way(id) } else { address }
}

fn limit() -> Limit {
    Limit::new(SHOWN).unwrap_or_default()
}

/// An import in the list.
#[derive(Serialize)]
struct Listed {
    way: String,
    by: Named,
    import: Import,
}

pub async fn list(staff: Staff, parameters: Parameters, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::UsersWrite)?;
    let before: Option<(Timestamp, Uuid)> = parameters.get("cursor").map(page::decode).transpose()?;
    let mut tx = staff.begin(&app).await?;
    let found = imports::list(&mut tx, staff.authority(), before, limit().and_one()).await?;
    let page = Page::cut(found, limit(), |import| (import.created_at, import.id));
    let people = events::names_of(&mut tx, &staff, page.items.iter().filter_map(user_of).collect()).await?;
    tx.commit().await?;
    let listed = page.items.into_iter().map(|import| Listed {
        way: way(import.id),
        by: events::actor(&import.actor_kind, import.actor_id, &people),
        import,
    });
    let values = context! {
        imports => Serde(listed.collect::<Vec<_>>()), first => before.map(|_| HERE),
        next => page.next.as_deref().map(|next| address(HERE, [("cursor", next)])),
    };
    staff.page(&app, HERE, LIST_PAGE, values, &Faults::default())
}

/// The user who began it, if it was one.
fn user_of(import: &Import) -> Option<Uuid> {
    import.actor_id.filter(|_| import.actor_kind == "user")
}

/// So many rows are this, and the way to them.
#[derive(Serialize)]
struct Tile {
    count: i64,
    label: String,
    is_bad: bool,
    way: String,
}

/// What a row counts as.
const COUNTED: [&str; 8] = ["create", "update", "done", "unchanged", "conflict", "invalid", "failed", "waiting"];

/// What rows count as in words, before they are applied and then.
fn label(counted: &str, begun: bool) -> String {
    words::of(if begun { "import-then-" } else { "import-before-" }, counted)
}

fn tiles(import: &Import) -> Vec<Tile> {
    let Counts { waiting, create, update, unchanged, conflict, invalid, done, failed } = import.counts;
    let counts = [create, update, done, unchanged, conflict, invalid, failed, waiting];
    let begun = import.started_at.is_some();
    let tile = |(name, count): (&str, i64)| Tile {
        count,
        label: label(name, begun),
        is_bad: count > 0 && ["conflict", "invalid", "failed"].contains(&name),
        way: format!("{}#rows", address(&way(import.id), [("rows", name)])),
    };
    // What can't be, or is over, is shown only if there is some.
    let shown = |name: &str, count: i64| match name {
        "create" | "update" => !begun || count > 0,
        "done" | "failed" => begun,
        "waiting" => count > 0,
        _ => true,
    };
    let all = COUNTED.into_iter().zip(counts).filter(|(name, count)| shown(name, *count));
    all.map(tile).collect()
}

/// A row of the file.
#[derive(Serialize)]
struct ShownRow {
    /// `Line 12`.
    place: String,
    name: String,
    way: Option<String>,
    counts_as: String,
    label: String,
    faults: Vec<(String, String)>,
    fields: Vec<events::Field>,
}

fn shown(row: Row, import: &Import, links: bool) -> ShownRow {
    let counts_as = row.outcome.or(row.class).unwrap_or_else(|| "waiting".to_owned());
    let at = |field: &str| if field.is_empty() { now().word("import-the-row") } else { events::field_name(field) };
    let number = FluentArgs::from_iter([("number", row.line)]);
    // An array has no lines: its elements are counted.
    let is_array = import.options.format == FileFormat::Json;
    ShownRow {
        place: if is_array { now().say("import-element", &number) } else { now().say("import-line", &number) },
        name: row.email.or(row.username).unwrap_or_default(),
        way: row.user_id.filter(|_| links).map(|id| format!("/admin/users/{id}")),
        faults: row.faults.into_iter().map(|fault| (at(&fault.field), said(fault))).collect(),
        fields: row.changes.as_ref().map(events::differences).unwrap_or_default(),
        label: label(&counts_as, import.started_at.is_some()),
        counts_as,
    }
}

fn said(fault: Fault) -> String {
    now().fault(&fault.code, &fault.detail).unwrap_or(fault.detail)
}

pub async fn show(
    staff: Staff,
    Path(path): Path<ImportPath>,
    parameters: Parameters,
    State(app): State<App>,
) -> AppResult<Response> {
    staff.require(Permission::UsersWrite)?;
    let counted = parameters.get("rows").and_then(|asked| COUNTED.into_iter().find(|name| *name == asked));
    let after: Option<i64> = parameters.get("cursor").map(page::decode).transpose()?;
    let mut tx = staff.begin(&app).await?;
    let import = imports::read(&mut tx, staff.authority(), path.id).await?;
    let (from, most) = (after.unwrap_or(0), limit().and_one());
    let rows = match counted {
        Some(name) => imports::list_rows_counted_as(&mut tx, path.id, name, from, most).await?,
        None => imports::list_rows(&mut tx, path.id, None, from, most).await?,
    };
    let people = events::names_of(&mut tx, &staff, user_of(&import).into_iter().collect::<BTreeSet<_>>()).await?;
    tx.commit().await?;
    let begun = import.started_at.is_some();
    let page = Page::cut(rows, limit(), |row| row.position);
    let narrowing = [("rows", counted.unwrap_or_default())];
    let here = way(import.id);
    let links = staff.may(Permission::UsersRead);
    let to_do = import.counts.create + import.counts.update;
    let values = context! {
        rows => Serde(page.items.into_iter().map(|row| shown(row, &import, links)).collect::<Vec<_>>()),
        next => page.next.as_deref().map(|next| format!("{}#rows", address(&here, narrowing.into_iter().chain([("cursor", next)])))),
        first => after.map(|_| format!("{}#rows", address(&here, narrowing))),
        narrowed_to => counted.map(|counted| label(&format!("rows-{counted}"), begun)),
        tiles => Serde(tiles(&import)), by => Serde(events::actor(&import.actor_kind, import.actor_id, &people)),
        share => if import.total > 0 { import.position * 100 / import.total } else { 0 },
        follow => (!matches!(import.state, Standing::Finished | Standing::Failed)).then(|| Followed::Import(import.id).to_string()),
        lives => matches!(import.state, Standing::Staging | Standing::Classifying | Standing::Running),
        faulty => import.counts.conflict + import.counts.invalid + import.counts.failed,
        said => parameters.get("reason"), to_do => to_do, may_undo => begun && import.counts.done > 0, way => here,
        otherwise => address("/admin/imports/new", [("like", import.id.to_string().as_str())]),
        import => Serde(import),
    };
    staff.page(&app, HERE, PAGE, values, &Faults::default())
}

pub async fn report(staff: Staff, Path(path): Path<ImportPath>, State(app): State<App>) -> AppResult<Streamed> {
    staff.require(Permission::UsersWrite)?;
    let mut tx = staff.begin(&app).await?;
    imports::read(&mut tx, staff.authority(), path.id).await?;
    tx.commit().await?;
    let origin = staff.person().origin.clone();
    Ok(Report::of(path.id).into_answer(app, origin))
}

pub async fn apply(Path(path): Path<ImportPath>, State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::UsersWrite)?;
    let mut tx = staff.begin_because(&app, &members).await?;
    match imports::apply(&mut tx, staff.authority(), path.id, members.text("token")).await {
        Ok(import) => {
            tx.commit().await?;
            Ok(see_other(&way(import.id)))
        }
        Err(error) if error.code() == Some("invalid_body") => {
            Err(Rejection::conflict("preview_outdated", now().word("import-preview-outdated")).into())
        }
        Err(error) if error.asks_for_proof() => {
            Ok(see_other(&html::proof_page(&app, &way_back(path.id, members.text("reason").trim()))))
        }
        // Sent twice: the page says how far it is.
        Err(error) if error.code() == Some("invalid_state") => Ok(see_other(&way(path.id))),
        Err(error) => Err(error),
    }
}

pub async fn pause(Path(path): Path<ImportPath>, State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::UsersWrite)?;
    let mut tx = staff.begin_because(&app, &members).await?;
    let paused = imports::set_paused(&mut tx, staff.authority(), path.id, true).await.map(|_| Notice::RunPaused);
    steered(&app, tx, path.id, paused).await
}

pub async fn resume(Path(path): Path<ImportPath>, State(app): State<App>, form: StaffForm) -> AppResult<Response> {
    let StaffForm { staff, members } = form;
    staff.require(Permission::UsersWrite)?;
    let mut tx = staff.begin_because(&app, &members).await?;
    let resumed = imports::resume(&mut tx, staff.authority(), path.id).await.map(|_| Notice::RunResumed);
    steered(&app, tx, path.id, resumed).await
}

async fn steered(app: &App, tx: crate::db::Tx, id: Uuid, notice: AppResult<Notice>) -> AppResult<Response> {
    match notice {
        Ok(notice) => {
            tx.commit().await?;
            html::done(app, &way(id), notice)
        }
        // It has ended meanwhile.
        Err(error) if error.code() == Some("invalid_state") => Ok(see_other(&way(id))),
        Err(error) => Err(error),
    }
}
