//! What goes on, as far as whoever looks may know: who comes, who signs in, where users stand, and what waits.

use axum::extract::State;
use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;

use super::analytics::{Kind, draw, draw_second_factors};
use super::chart::{self, Amount, Amounts};
use super::events;
use super::parameters::{Parameters, address};
use super::staff::Staff;
use super::words;
use crate::activity;
use crate::analytics::{self, By, Range};
use crate::app::App;
use crate::audit::{self, Wanted};
use crate::caller::{Permission, UserStatus};
use crate::db::Tx;
use crate::db::page::{Limit, Total};
use crate::error::AppResult;
use crate::html::Faults;
use crate::languages::now;
use crate::{jobs, mails, users};

const PAGE: &str = "console/dashboard.html";
const NEWEST: i64 = 6;

pub async fn show(staff: Staff, parameters: Parameters, State(app): State<App>) -> AppResult<Response> {
    let by = parameters.get("by").and_then(By::parse).unwrap_or_default();
    // The script of the page asks for what moves, and spares the rest.
    let whole = parameters.get("part") != Some("queues");
    let (mut counted, mut too_much) = (None, false);
    if whole && staff.may(Permission::AnalyticsRead) {
        let range = Range::read(activity::day_of(app.clock.now()), None, None, by)?;
        match analytics::recent(&app, &staff.person().origin, range).await {
            Ok(found) => counted = Some(found),
            Err(error) if error.code() == Some("too_much_to_count") => too_much = true,
            Err(error) => return Err(error),
        }
    }
    let mut tx = staff.begin(&app).await?;
    let standings = if whole && staff.may(Permission::UsersRead) { list_standings(&mut tx, &staff).await? } else { Vec::new() };
    let waiting = if staff.may(Permission::AnalyticsRead) { list_waiting(&mut tx).await? } else { Vec::new() };
    let newest = if whole && staff.may(Permission::AuditRead) {
        let found = audit::list(&mut tx, Wanted { heads: true, limit: NEWEST, ..Wanted::default() }).await?;
        events::show(&mut tx, &staff, &found).await?
    } else {
        Vec::new()
    };
    tx.commit().await?;
    let values = context! {
        by => by.as_str(),
        charts => Serde(counted.as_ref().map(|counted| draw(counted, &[Kind::SignUps, Kind::ActiveUsers, Kind::SignIns]))),
        second_factors => Serde(counted.as_ref().map(|counted| draw_second_factors(counted))),
        inactive => Serde(counted.as_ref().map(|counted| &counted.inactive)),
        counted_at => counted.as_ref().map(|counted| counted.counted_at.to_string()),
        too_much, standings => Serde(standings), newest => Serde(newest),
        queues => Serde(draw_queues(&waiting)), waiting => Serde(waiting),
    };
    staff.page(&app, "/admin", PAGE, values, &Faults::default())
}

/// How many users stand somewhere, and the way to them.
#[derive(Serialize)]
struct Standing {
    status: UserStatus,
    total: Option<Total>,
    way: String,
}

async fn list_standings(tx: &mut Tx, staff: &Staff) -> AppResult<Vec<Standing>> {
    let mut standings = Vec::new();
    for status in [UserStatus::Active, UserStatus::Pending, UserStatus::Suspended, UserStatus::Deleted] {
        let limit = Limit::new(1);
        let filter = users::Filter { status: Some(status), count: true, limit, ..users::Filter::default() };
        let total = users::list(tx, staff.authority(), &filter).await?.total;
        let way = match status {
            UserStatus::Deleted => "/admin/recycle-bin".to_owned(),
            other => address("/admin/users", [("status", other.as_str())]),
        };
        standings.push(Standing { status, total, way });
    }
    Ok(standings)
}

/// What after-work has not been done.
#[derive(Serialize)]
struct Waiting {
    /// The end of the key of its words.
    name: &'static str,
    count: i64,
    /// Somebody must look.
    alarming: bool,
    /// Where there is more of it, for those who may see the system.
    way: &'static str,
}

async fn list_waiting(tx: &mut Tx) -> AppResult<Vec<Waiting>> {
    let (jobs, mails) = (jobs::count(tx).await?, mails::count(tx).await?);
    let waiting = |name, count, way| Waiting { name, count, alarming: false, way };
    let alarming = |name, count, way| Waiting { name, count, alarming: count > 0, way };
    Ok(vec![
        waiting("jobs-waiting", jobs.waiting, "/admin/system"),
        alarming("jobs-given-up", jobs.given_up, "/admin/system"),
        waiting("mails-waiting", mails.waiting, "/admin/mails?status=queued"),
        alarming("mails-held", mails.held, "/admin/mails?status=held"),
        alarming("mails-given-up", mails.given_up, "/admin/mails?status=failed"),
    ])
}

fn draw_queues(waiting: &[Waiting]) -> Amounts {
    let amount = |one: &Waiting| Amount { name: words::of("dashboard-work-", one.name), count: one.count, is_bad: one.alarming };
    chart::draw_amounts("queues", now().word("dashboard-queues"), waiting.iter().map(amount).collect(), None)
}
