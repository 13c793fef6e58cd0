//! Drawing a limit in portions. A process takes a twentieth of the quota at once and spends it in memory; what it does not spend
//! is lost when the window is over. So no number of processes grants more than the quota.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use super::{Limit, Taken, take_many};
use crate::app::App;
use crate::db::DbResult;

const OWNERS_MAX: usize = 20_000;
const PORTIONS_PER_QUOTA: u32 = 20;

#[derive(Clone, Copy)]
struct Portion {
    left: u32,
    /// What the bucket had left when this was drawn.
    beside: u32,
    seconds: u32,
    until: Timestamp,
}

/// What this process has drawn and not spent.
#[derive(Default)]
pub struct Portions {
    drawn: Mutex<HashMap<String, Portion>>,
}

impl Portions {
    /// Takes one from the bucket of `whose`, or from what was drawn of it before.
    pub async fn take(&self, app: &App, limit: Limit, whose: &str) -> DbResult<Taken> {
        let (now, key) = (app.clock.now(), limit.key(whose));
        if let Some(taken) = self.spend(&key, now) {
            return Ok(taken);
        }
        let size = (limit.quota / PORTIONS_PER_QUOTA).max(1);
        let taken = take_many(app, limit, whose, size).await?;
        if !taken.granted {
            return Ok(taken);
        }
        let portion = Portion { left: size - 1, beside: taken.remaining, seconds: taken.seconds, until: now + limit.window };
        self.keep(key, portion, now);
        Ok(Taken { remaining: portion.beside + portion.left, ..taken })
    }

    fn spend(&self, key: &str, now: Timestamp) -> Option<Taken> {
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        let portion = drawn.get_mut(key).filter(|portion| portion.left > 0 && portion.until > now)?;
        portion.left -= 1;
        Some(Taken { granted: true, remaining: portion.beside + portion.left, seconds: portion.seconds })
    }

    fn keep(&self, key: String, portion: Portion, now: Timestamp) {
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        if drawn.len() >= OWNERS_MAX {
            drawn.retain(|_, portion| portion.left > 0 && portion.until > now);
        }
        if drawn.len() >= OWNERS_MAX {
            // Forgetting costs the owners a part of their quota and the database a few statements.
            drawn.clear();
        }
        // Two requests may have drawn at the same time.
        let unspent = drawn.get(&key).filter(|other| other.until > now).map_or(0, |other| other.left);
        drawn.insert(key, Portion { left: portion.left + unspent, ..portion });
    }
}
