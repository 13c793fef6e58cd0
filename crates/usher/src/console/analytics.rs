//! Who comes and stays: counts over time, what has come of invitations, who has bound a second factor, and whom of a month came back.

use axum::extract::State;
use axum::response::Response;
use jiff::civil::Date;
use minijinja::context;
use minijinja::value::Serde;

use super::chart::{self, Amount, Amounts, Chart, Series};
use super::parameters::Parameters;
use super::staff::Staff;
use crate::activity;
use crate::analytics::{self, Analytics, By, Cohort, Period, Range};
use crate::app::App;
use crate::caller::Permission;
use crate::error::{AppError, AppResult, Rejection};
use crate::html::Faults;
use crate::languages::now;

const PAGE: &str = "console/analytics.html";
const HERE: &str = "/admin/analytics";

/// What a chart shows.
#[derive(Clone, Copy)]
pub enum Kind {
    SignUps,
    ActiveUsers,
    SignIns,
    Invitations,
}

impl Kind {
    fn series(self, counted: &Analytics) -> Series {
        let periods =
            |counts: fn(&Period) -> Vec<i64>| counted.periods.iter().map(|period| (period.from, counts(period))).collect();
        let of = |id, title: String, names, periods| Series { id, title, names, periods, adds_up: true };
        match self {
            Self::SignUps => {
                let title = now().word("chart-sign-ups");
                of("sign-ups", title.clone(), vec![title], periods(|period| vec![period.sign_ups]))
            }
            Self::ActiveUsers => {
                let title = now().word("chart-active-users");
                let counts = periods(|period| vec![period.active_users]);
                Series { adds_up: false, ..of("active", title.clone(), vec![title], counts) }
            }
            Self::SignIns => {
                let names = vec![now().word("chart-sign-ins-succeeded"), now().word("chart-sign-ins-failed")];
                let counts = periods(|period| vec![period.sign_ins.succeeded, period.sign_ins.failed]);
                of("sign-ins", now().word("chart-sign-ins"), names, counts)
            }
            Self::Invitations => {
                let names = vec![now().word("chart-invitations-accepted"), now().word("chart-invitations-not-accepted")];
                let counts =
                    periods(|Period { invitations, .. }| vec![invitations.accepted, invitations.created - invitations.accepted]);
                of("invitations", now().word("chart-invitations"), names, counts)
            }
        }
    }
}

pub fn draw(counted: &Analytics, kinds: &[Kind]) -> Vec<Chart> {
    kinds.iter().map(|kind| chart::draw(kind.series(counted))).collect()
}

/// Who has a second factor, of all users.
pub fn draw_second_factors(counted: &Analytics) -> Amounts {
    let (of, factors) = (counted.inactive.users, counted.second_factors);
    let amount = |name, count| Amount { name, count, is_bad: false };
    let amounts = vec![
        amount(now().word("chart-factor-app"), factors.app),
        amount(now().word("chart-factor-passkey"), factors.passkey),
        amount(now().word("chart-factor-any"), factors.any),
        amount(now().word("chart-factor-none"), (of - factors.any).max(0)),
    ];
    chart::draw_amounts("second-factors", now().word("place-second-factors"), amounts, Some(of))
}

/// Which days; what does not fit is said at its field.
fn read(app: &App, parameters: &Parameters, by: By) -> Result<Range, Faults> {
    let day = |name: &str| {
        let read = |written: &str| written.parse::<Date>().map_err(|_| Faults::at(name, now().word("console-error-day")));
        parameters.get(name).map(read).transpose()
    };
    let (from, to) = (day("from")?, day("to")?);
    Range::read(activity::day_of(app.clock.now()), from, to, by).map_err(|rejection| at_field(&rejection))
}

fn at_field(rejection: &Rejection) -> Faults {
    let fault = rejection.errors.first();
    let name = fault.and_then(|fault| fault.parameter.clone()).unwrap_or_default();
    let said = match fault.map_or("", |fault| &fault.code) {
        "after_to" => now().word("analytics-fault-after-to"),
        "too_many_periods" => now().word("analytics-fault-too-many-periods"),
        "too_long" => now().word("analytics-fault-too-long"),
        _ => now().word("analytics-fault-years"),
    };
    Faults::at(name, said)
}

pub async fn show(staff: Staff, parameters: Parameters, State(app): State<App>) -> AppResult<Response> {
    staff.require(Permission::AnalyticsRead)?;
    let by = parameters.get("by").and_then(By::parse).unwrap_or(By::Month);
    let (mut counted, mut faults, mut too_much) = (None, Faults::default(), false);
    match read(&app, &parameters, by) {
        Ok(range) => match analytics::read(&app, &staff.person().origin, range).await {
            Ok(found) => counted = Some(found),
            Err(error) if error.code() == Some("too_much_to_count") => too_much = true,
            Err(error) => return Err::<Response, AppError>(error),
        },
        Err(found) => faults = found,
    }
    let all = [Kind::SignUps, Kind::ActiveUsers, Kind::SignIns, Kind::Invitations];
    let day = |name: &str, counted: Option<Date>| {
        parameters.get(name).map(ToOwned::to_owned).or_else(|| Some(counted?.to_string())).unwrap_or_default()
    };
    let values = context! {
        by => by.as_str(), too_much,
        from => day("from", counted.as_ref().map(|counted| counted.from)), to => day("to", counted.as_ref().map(|counted| counted.to)),
        charts => Serde(counted.as_ref().map(|counted| draw(counted, &all))),
        inactive => Serde(counted.as_ref().map(|counted| &counted.inactive)),
        second_factors => Serde(counted.as_ref().map(draw_second_factors)),
        cohorts => Serde(counted.as_ref().map(|counted| counted.cohorts.iter().map(in_percent).collect::<Vec<_>>())),
        months => counted.as_ref().map(|counted| counted.cohorts.len()),
    };
    staff.page(&app, HERE, PAGE, values, &faults)
}

/// For the template: the month, how many signed up, and of them how many came in each month since, with the share in percent.
fn in_percent(cohort: &Cohort) -> (String, i64, Vec<(i64, i64)>) {
    let share = |active: &i64| (*active, if cohort.sign_ups == 0 { 0 } else { 100 * active / cohort.sign_ups });
    (now().month(cohort.month), cohort.sign_ups, cohort.active.iter().map(share).collect())
}
