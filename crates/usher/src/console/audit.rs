//! The audit trail: what has happened, narrowed down in the address; and one event with its place in the sealed log.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use jiff::civil::Date;
use minijinja::context;
use minijinja::value::Serde;
use serde::Deserialize;
use uuid::Uuid;

use super::events;
use super::parameters::{Parameters, address};
use super::staff::Staff;
use super::whom::{find_actor, find_target};
use crate::app::{App, Ask};
use crate::audit::{self, Wanted, log};
use crate::caller::Permission;
use crate::db::page::{self, Limit, Page};
use crate::error::{AppResult, Rejection};
use crate::html::Faults;
use crate::http::params::Path;
use crate::languages::{now, zone_here};

pub const HERE: &str = "/admin/audit";
const LIST_PAGE: &str = "console/audit.html";
const PAGE: &str = "console/audit_event.html";
/// So many are shown on a page.
const SHOWN: u16 = 50;
/// What narrows the list down.
const NARROWING: [&str; 5] = ["actor", "action", "target", "from", "to"];

#[derive(Deserialize)]
pub struct EventPath {
    id: Uuid,
}

/// Which events.
#[derive(Clone, Default)]
struct Asked {
    actor_id: Option<Uuid>,
    target_id: Option<String>,
    action: Option<String>,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    /// The last event of the page before.
    before: Option<Uuid>,
}

impl Asked {
    async fn read(app: &App, staff: &Staff, parameters: &Parameters) -> AppResult<Result<Self, Faults>> {
        let actor_id = match find_actor(app, staff, parameters.get("actor")).await? {
            Ok(actor_id) => actor_id,
            Err(faults) => return Ok(Err(faults)),
        };
        let target_id = find_target(app, staff, parameters.get("target")).await?;
        Ok(target_id.and_then(|target_id| Self { actor_id, target_id, ..Self::default() }.within(parameters)))
    }

    /// Of the days that are said.
    fn within(self, parameters: &Parameters) -> Result<Self, Faults> {
        let day = |name: &str| parameters.get(name).map(|written| bounds_of(name, written)).transpose();
        let from = day("from")?.map(|(start, _)| start);
        let until = day("to")?.map(|(_, end)| end);
        if from.zip(until).is_some_and(|(from, until)| from >= until) {
            return Err(Faults::at("to", now().word("analytics-fault-after-to")));
        }
        Ok(Self { action: parameters.get("action").map(ToOwned::to_owned), from, until, ..self })
    }

    fn wanted(self) -> Wanted {
        let Self { actor_id, target_id, action, from, until, before } = self;
        Wanted { actor_id, target_id, action, from, until, before, limit: limit().and_one(), ..Wanted::default() }
    }
}

/// The first moment of the day, where whoever looks is, and that of the day after.
fn bounds_of(name: &str, day: &str) -> Result<(Timestamp, Timestamp), Faults> {
    let start = |date: Date| Some(date.to_zoned(zone_here()).ok()?.timestamp());
    let read = || {
        let date: Date = day.parse().ok().filter(|_| day.len() == 10)?;
        Some((start(date)?, start(date.tomorrow().ok()?)?))
    };
    read().ok_or_else(|| Faults::at(name, now().word("console-error-day")))
}

fn limit() -> Limit {
    Limit::new(SHOWN).unwrap_or_default()
}

pub async fn list(staff: Staff, parameters: Parameters, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::AuditRead)?;
    let cursor: Option<Uuid> = parameters.get("cursor").map(page::decode).transpose()?;
    let ask: Ask<Asked, _> = |tx, asked| Box::pin(async { Ok(audit::list(tx, asked.clone().wanted()).await?) });
    let (found, faults) = match Asked::read(&app, &staff, &parameters).await? {
        Ok(mut asked) => {
            asked.before = cursor;
            (app.read_list(&staff.person().origin, &asked, ask).await?, Faults::default())
        }
        Err(faults) => (Vec::new(), faults),
    };
    let page = Page::cut(found, limit(), |event| event.id);
    let mut tx = staff.begin(&app).await?;
    let shown = events::show(&mut tx, &staff, &page.items).await?;
    tx.commit().await?;
    let said = |name| (name, parameters.get(name).unwrap_or_default());
    let narrowing = NARROWING.map(said);
    let values = context! {
        events => Serde(shown), is_found => faults.is_empty(),
        is_narrowed => narrowing.iter().any(|(_, value)| !value.is_empty()),
        next => page.next.as_deref().map(|next| address(HERE, narrowing.into_iter().chain([("cursor", next)]))),
        first => cursor.map(|_| address(HERE, narrowing)),
        asked => Serde(BTreeMap::from(narrowing)),
    };
    staff.page(&app, HERE, LIST_PAGE, values, &faults)
}

pub async fn show(staff: Staff, Path(path): Path<EventPath>, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::AuditRead)?;
    let mut tx = staff.begin(&app).await?;
    let event = audit::find(&mut tx, &[path.id]).await?.pop().ok_or_else(Rejection::not_found)?;
    let place = log::find_place(&mut tx, path.id).await?;
    let shown = events::show(&mut tx, &staff, std::slice::from_ref(&event)).await?.pop();
    tx.commit().await?;
    let (actor, target) = (event.actor_id.map(|id| id.to_string()).unwrap_or_default(), event.target_id.unwrap_or_default());
    let values = context! {
        event => Serde(shown), place => place, action => event.action.as_str(),
        api_key => event.api_key_id.map(|id| id.to_string()),
        change => event.change_id.map(|id| format!("/admin/changes/{id}")),
        by_the_same => (!actor.is_empty()).then(|| address(HERE, [("actor", actor.as_str())])),
        of_the_same => (!target.is_empty()).then(|| address(HERE, [("target", target.as_str())])),
        like_it => address(HERE, [("action", event.action.as_str())]),
    };
    staff.page(&app, HERE, PAGE, values, &Faults::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_with_its_first_moment_and_ends_before_the_next() {
        let (start, end) = bounds_of("from", "2026-02-28").ok().unwrap();
        assert_eq!((start.to_string().as_str(), end.to_string().as_str()), ("2026-02-28T00:00:00Z", "2026-03-01T00:00:00Z"));
        for day in ["2026-02-30", "yesterday", "9999-12-31", "-009999-01-03"] {
            assert_eq!(bounds_of("to", day).err().unwrap().said("to"), Some("Write the day as in 2026-12-31."), "{day}");
        }
    }
}
