//! How many people sign up, come and stay: counts over users, their days of activity and their attempts to sign in. Nothing is
//! stored for it: every answer is counted from the rows as they are, each kind in one pass. Only for a dashboard each process remembers
//! what it counted a moment ago.
//!
//! A day is one of UTC, a week begins on Monday (ISO 8601). A period that the range cuts counts as far as it is in the range.

mod api;
mod recent;
mod store;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::civil::{Date, Weekday};
use jiff::{SignedDuration, Timestamp, ToSpan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use api::router;
pub use recent::recent;

use crate::activity;
use crate::app::{App, Ask};
use crate::db::{DbError, Origin, Tx};
use crate::error::{AppError, AppResult, FieldError, Rejection};

/// Three years, one of them a leap year.
const DAYS_MAX: i32 = 3 * 365 + 1;
/// Rows of an answer.
const PERIODS_MAX: usize = 400;
/// Who has not been active for more than so many days.
const INACTIVE_DAYS: [i32; 5] = [1, 2, 7, 30, 365];

/// What a period is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AnalyticsPeriodLength")]
pub enum By {
    #[default]
    Day,
    /// From Monday to Sunday (ISO 8601).
    Week,
    Month,
}

impl By {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Day, Self::Week, Self::Month].into_iter().find(|by| by.as_str() == text)
    }

    /// The first day of the period that this day is in.
    fn start(self, day: Date) -> Date {
        match self {
            Self::Day => day,
            Self::Week => day.saturating_sub(i64::from(day.weekday().since(Weekday::Monday)).days()),
            Self::Month => day.first_of_month(),
        }
    }

    fn next(self, start: Date) -> Date {
        match self {
            Self::Day => start.saturating_add(1.day()),
            Self::Week => start.saturating_add(1.week()),
            Self::Month => start.saturating_add(1.month()),
        }
    }

    /// So far back the range goes when nobody says.
    fn days(self) -> i64 {
        match self {
            Self::Day => 30,
            Self::Week => 26 * 7,
            Self::Month => 365,
        }
    }
}

/// What is counted, after its bounds were looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Range {
    from: Date,
    /// The last day; counted too.
    to: Date,
    by: By,
}

impl Range {
    pub fn read(today: Date, from: Option<Date>, to: Option<Date>, by: By) -> Result<Self, Rejection> {
        let to = to.unwrap_or(today);
        let from = from.unwrap_or_else(|| to.saturating_sub((by.days() - 1).days()));
        let fault = |name: &'static str, code: &'static str, detail: String| {
            Err(Rejection::invalid_query(vec![FieldError::at_parameter(name, code, detail)]))
        };
        for (name, day) in [("to", to), ("from", from)] {
            if !(2000..=2999).contains(&day.year()) {
                return fault(name, "out_of_range", "must be a day of the years 2000 to 2999".to_owned());
            }
        }
        if from > to {
            return fault("from", "after_to", "must not be after `to`".to_owned());
        }
        if (to - from).get_days() >= DAYS_MAX {
            return fault("from", "too_long", format!("the range may have {DAYS_MAX} days at most"));
        }
        let range = Self { from, to, by };
        if range.periods().len() > PERIODS_MAX {
            let detail = format!("an answer has at most {PERIODS_MAX} periods: take a shorter range, or `by=week`");
            return fault("by", "too_many_periods", detail);
        }
        Ok(range)
    }

    /// The first day of each period, which may be before the range, and the days in the range.
    fn periods(&self) -> Vec<(Date, Period)> {
        let mut periods = Vec::new();
        let mut start = self.by.start(self.from);
        while start <= self.to {
            let next = self.by.next(start);
            let (from, to) = (start.max(self.from), next.saturating_sub(1.day()).min(self.to));
            periods.push((
                start,
                Period {
                    from,
                    to,
                    sign_ups: 0,
                    active_users: 0,
                    sign_ins: SignIns::default(),
                    invitations: Invitations::default(),
                },
            ));
            start = next;
        }
        periods
    }

    /// From the first moment of the range to the first after it.
    fn moments(&self) -> (Timestamp, Timestamp) {
        (midnight(self.from), midnight(self.to.saturating_add(1.day())))
    }
}

fn midnight(day: Date) -> Timestamp {
    let since = day - Date::constant(1970, 1, 1);
    Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * i64::from(since.get_days()))
}

/// What was counted.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(extend("example" = api::example()))]
pub struct Analytics {
    pub from: Date,
    /// The last day; counted too.
    pub to: Date,
    pub by: By,
    /// When it was counted.
    pub counted_at: Timestamp,
    pub periods: Vec<Period>,
    pub inactive: Inactive,
    pub second_factors: SecondFactors,
    /// Whoever signed up in the range, by the month of it.
    pub cohorts: Vec<Cohort>,
}

/// A day, a week or a month, as far as it is in the range.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "AnalyticsPeriod")]
pub struct Period {
    pub from: Date,
    /// The last day; counted too.
    pub to: Date,
    /// Users who were created then and are not deleted.
    pub sign_ups: i64,
    /// Users who were active on one of its days, whoever has been deleted since among them.
    pub active_users: i64,
    pub sign_ins: SignIns,
    pub invitations: Invitations,
}

/// Attempts to sign in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "AnalyticsSignIns")]
pub struct SignIns {
    pub succeeded: i64,
    /// Whatever the reason, and for unknown addresses too.
    pub failed: i64,
}

/// What has come of the invitations that were made in a period, as far as they are not forgotten: 90 days after their end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "AnalyticsInvitations")]
pub struct Invitations {
    pub created: i64,
    /// So many of them were opened since.
    pub opened: i64,
    /// So many of them were accepted since.
    pub accepted: i64,
}

/// Who has not been active of late, now.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "AnalyticsInactive")]
pub struct Inactive {
    /// Users who are not deleted.
    pub users: i64,
    pub since: Vec<InactiveSince>,
}

/// So many users have not been active for so long.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "AnalyticsInactiveSince")]
pub struct InactiveSince {
    /// 1, 2, 7, 30 and 365: more than so many whole days lie between their last day and today.
    pub days: i32,
    pub users: i64,
}

/// How many users have bound a second factor, now; of `inactive.users`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "AnalyticsSecondFactors")]
pub struct SecondFactors {
    /// An authenticator app that is confirmed.
    pub app: i64,
    /// One passkey or more.
    pub passkey: i64,
    /// Either.
    pub any: i64,
}

/// Users who signed up in a month.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "AnalyticsCohort")]
pub struct Cohort {
    /// The first day of it.
    pub month: Date,
    /// So many, and not deleted.
    pub sign_ups: i64,
    /// So many of them were active in that month, in the month after it, and so on to the end of the range.
    pub active: Vec<i64>,
}

/// Counts, on the replica if there is one.
pub async fn read(app: &App, origin: &Origin, range: Range) -> AppResult<Analytics> {
    let ask: Ask<Range, _> = |tx, range| Box::pin(count(tx, range));
    app.read_list(origin, &range, ask).await
}

/// Counts. What takes the database too long is told so.
pub async fn count(tx: &mut Tx, range: &Range) -> AppResult<Analytics> {
    let mut periods: BTreeMap<Date, Period> = range.periods().into_iter().collect();
    for (start, count) in store::count_sign_ups(tx, range.moments(), range.by).await.map_err(explain)? {
        periods.entry(start).and_modify(|period| period.sign_ups = count);
    }
    for (start, count) in store::count_active(tx, (range.from, range.to), range.by).await.map_err(explain)? {
        periods.entry(start).and_modify(|period| period.active_users = count);
    }
    for (start, succeeded, count) in store::count_sign_ins(tx, range.moments(), range.by).await.map_err(explain)? {
        let count_in = |period: &mut Period| {
            if succeeded {
                period.sign_ins.succeeded = count;
            } else {
                period.sign_ins.failed = count;
            }
        };
        periods.entry(start).and_modify(count_in);
    }
    for (start, invitations) in store::count_invitations(tx, range.moments(), range.by).await.map_err(explain)? {
        periods.entry(start).and_modify(|period| period.invitations = invitations);
    }
    let today = activity::day_of(tx.now());
    let (users, inactive) = store::count_inactive(tx, today, &INACTIVE_DAYS).await.map_err(explain)?;
    let since = INACTIVE_DAYS.into_iter().zip(inactive).map(|(days, users)| InactiveSince { days, users }).collect();
    Ok(Analytics {
        from: range.from,
        to: range.to,
        by: range.by,
        counted_at: tx.now(),
        periods: periods.into_values().collect(),
        inactive: Inactive { users, since },
        second_factors: store::count_second_factors(tx).await.map_err(explain)?,
        cohorts: count_cohorts(tx, range).await?,
    })
}

async fn count_cohorts(tx: &mut Tx, range: &Range) -> AppResult<Vec<Cohort>> {
    let mut cohorts: BTreeMap<Date, Cohort> = BTreeMap::new();
    let months = Range { by: By::Month, ..*range }.periods();
    for (at, (month, _)) in months.iter().enumerate() {
        cohorts.insert(*month, Cohort { month: *month, sign_ups: 0, active: vec![0; months.len() - at] });
    }
    for (month, count) in store::count_sign_ups(tx, range.moments(), By::Month).await.map_err(explain)? {
        cohorts.entry(month).and_modify(|cohort| cohort.sign_ups = count);
    }
    for (month, later, count) in store::count_returns(tx, range.moments(), (range.from, range.to)).await.map_err(explain)? {
        if let Some(active) = cohorts.get_mut(&month).and_then(|cohort| cohort.active.get_mut(usize::try_from(later).ok()?)) {
            *active = count;
        }
    }
    Ok(cohorts.into_values().collect())
}

fn explain(error: DbError) -> AppError {
    if !error.is_timeout() {
        return error.into();
    }
    let detail =
        "Counting took longer than a statement may (`USHER_DATABASE_STATEMENT_TIMEOUT_SECONDS`). Ask for a shorter range.";
    Rejection::unavailable("too_much_to_count", detail, 60).into()
}
