//! Limits on how often something may be asked for, kept in PostgreSQL and so the same for any number of processes.
//!
//! A bucket holds a quota and empties steadily within its window (the generic cell rate algorithm): one conditional statement
//! takes from it. Limits that are met at every request are drawn in portions, so that most requests cost no statement.

mod portions;
mod store;

#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

pub use portions::Portions;

use crate::app::App;
use crate::db::DbResult;
use crate::jobs::{self, Registry};

const FORGET: &str = "forget_rate_limits";

/// How much of something may be asked for within a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Stable; part of the bucket's key and of the `RateLimit` field.
    pub name: &'static str,
    pub quota: u32,
    pub window: SignedDuration,
}

/// What came of taking from a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    pub granted: bool,
    /// What may still be taken now.
    pub remaining: u32,
    /// When everything that was taken is back or, after a refusal, when asking again may work.
    pub seconds: u32,
}

impl Limit {
    pub const fn per_minutes(name: &'static str, quota: u32, minutes: i64) -> Self {
        Self { name, quota, window: SignedDuration::from_mins(minutes) }
    }

    fn seconds_each(self) -> f64 {
        self.window.as_secs_f64() / f64::from(self.quota.max(1))
    }

    fn key(self, whose: &str) -> String {
        format!("{} {whose}", self.name)
    }
}

/// Takes one from the bucket of `whose`.
pub async fn take(app: &App, limit: Limit, whose: &str) -> DbResult<Taken> {
    take_many(app, limit, whose, 1).await
}

/// Puts one back: what it was taken for has not happened.
pub async fn give_back(app: &App, limit: Limit, whose: &str) -> DbResult<()> {
    store::refund(app.db.counters(), &limit.key(whose), limit.seconds_each()).await
}

async fn take_many(app: &App, limit: Limit, whose: &str, count: u32) -> DbResult<Taken> {
    let (now, key) = (app.clock.now(), limit.key(whose));
    let cost = limit.seconds_each() * f64::from(count);
    let window = limit.window.as_secs_f64();
    let counters = app.db.counters();
    if let Some(filled_until) = store::fill(counters, &key, now, cost, window).await? {
        return Ok(granted(limit, now, filled_until));
    }
    let filled_until = store::find_filled_until(counters, &key).await?.unwrap_or(now);
    let wait = filled_until.duration_since(now).as_secs_f64() + cost - window;
    metrics::counter!("usher_rate_limited_total", "limit" => limit.name).increment(1);
    Ok(Taken { granted: false, remaining: 0, seconds: whole(wait).max(1) })
}

fn granted(limit: Limit, now: Timestamp, filled_until: Timestamp) -> Taken {
    let filled = filled_until.duration_since(now).as_secs_f64().max(0.0);
    let free = (limit.window.as_secs_f64() - filled).max(0.0);
    // The statement counts in microseconds; a rounding must not hide the last one.
    let remaining = whole_down(free / limit.seconds_each() + 1e-3).min(limit.quota);
    Taken { granted: true, remaining, seconds: whole(filled) }
}

/// Networks that the operator has exempted, and usher's own work, are not limited.
pub fn is_exempt(app: &App, address: Option<IpAddr>) -> bool {
    address.is_none_or(|address| {
        let address = address.to_canonical();
        app.config.server.rate_limit_exempt.iter().any(|network| network.contains(&address))
    })
}

pub fn register(registry: &mut Registry) {
    registry.every_long(Duration::from_hours(1), FORGET, |app, _| Box::pin(forget(app)));
}

async fn forget(app: &App) -> crate::error::AppResult<()> {
    jobs::part_by_part(app, FORGET, |tx| Box::pin(async { Ok(store::delete_empty(tx).await?) })).await
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the range before")]
fn whole(seconds: f64) -> u32 {
    seconds.ceil().clamp(0.0, f64::from(u32::MAX)) as u32
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the range before")]
fn whole_down(count: f64) -> u32 {
    count.floor().clamp(0.0, f64::from(u32::MAX)) as u32
}
