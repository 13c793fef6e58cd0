//! The time. Nothing else in the house asks the system for it, so a test can hold it still and move it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

/// Tells the time, to the microsecond (the precision PostgreSQL keeps).
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// Microseconds since the epoch, when the clock is held still.
    held: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands at `at` until it is moved.
    pub fn held(at: Timestamp) -> Self {
        Self { held: Some(Arc::new(AtomicI64::new(at.as_microsecond()))) }
    }

    pub fn now(&self) -> Timestamp {
        let micros = match &self.held {
            Some(held) => held.load(Ordering::SeqCst),
            None => Timestamp::now().as_microsecond(),
        };
        Timestamp::from_microsecond(micros).expect("a clock reading is within the range of a timestamp")
    }

    /// Moves a held clock; the system's clock is not ours to move.
    pub fn advance(&self, by: SignedDuration) {
        if let Some(held) = &self.held {
            let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
            held.fetch_add(micros, Ordering::SeqCst);
        }
    }
}

/// A running stopwatch for durations, which the wall clock must not decide.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    pub fn elapsed(&self) -> std::time::Duration {
        self.0.elapsed()
    }
}
