//! How long somebody may wait for a thread. A rush is served to its end, as long as nobody waits for over a second. But when there has
//! always been somebody waiting for that long, more is asked for than can be done: then who waits longer than a moment is sent away, so
//! that those who are served are served soon, and whoever would wait for longer is not even looked up.

use std::time::Duration;

/// Longest wait in a rush.
const WAIT_MAX: Duration = Duration::from_secs(1);
/// From then on it is no rush.
const RUSH_MAX: Duration = Duration::from_secs(1);
/// Longest wait after that: a few passwords.
const WAIT_OVERLOADED: Duration = Duration::from_millis(35);
/// A new measure counts so much of the mean.
const SHARE: u32 = 16;

#[derive(Debug, Default)]
pub struct Load {
    /// Since when somebody has been waiting all the time, on the pool's watch.
    crowded_since: Option<Duration>,
    /// What a password takes.
    mean: Duration,
}

impl Load {
    /// So many wait from now on.
    pub fn note_waiting(&mut self, now: Duration, waiting: usize) {
        self.crowded_since = match self.crowded_since {
            _ if waiting == 0 => None,
            None => Some(now),
            since => since,
        };
    }

    pub fn note_done(&mut self, took: Duration) {
        self.mean = if self.mean.is_zero() { took } else { self.mean * (SHARE - 1) / SHARE + took / SHARE };
    }

    /// Who has waited for longer is sent away.
    pub fn wait_max(&self, now: Duration) -> Duration {
        if self.is_overloaded(now) { WAIT_OVERLOADED } else { WAIT_MAX }
    }

    /// Whether it is no use to wait behind so many networks, each of which has its turn first.
    pub fn is_hopeless(&self, now: Duration, networks: impl FnOnce() -> usize, threads: usize) -> bool {
        let before = || u32::try_from(networks() / threads.max(1)).unwrap_or(u32::MAX);
        self.is_overloaded(now) && self.mean.saturating_mul(before()) > WAIT_OVERLOADED
    }

    fn is_overloaded(&self, now: Duration) -> bool {
        self.crowded_since.is_some_and(|since| now.saturating_sub(since) > RUSH_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_rush_is_served_to_its_end() {
        let mut load = Load::default();
        load.note_done(at(10));
        load.note_waiting(at(500), 80);
        for now in [500, 900, 1500] {
            load.note_waiting(at(now), 40);
            assert_eq!(load.wait_max(at(now)), WAIT_MAX, "{now}");
            assert!(!load.is_hopeless(at(now), || 80, 2), "{now}");
        }
        // Between two rushes nobody waits.
        load.note_waiting(at(1500), 0);
        load.note_waiting(at(1501), 80);
        assert_eq!(load.wait_max(at(2500)), WAIT_MAX);
    }

    #[test]
    fn who_comes_while_too_much_is_asked_is_served_soon_or_sent_away() {
        let mut load = Load::default();
        load.note_done(at(10));
        load.note_waiting(at(0), 1);
        load.note_waiting(at(1001), 20);
        assert_eq!(load.wait_max(at(1001)), WAIT_OVERLOADED);
        assert!(load.is_hopeless(at(1001), || 8, 2), "four turns of 10 ms");
        assert!(!load.is_hopeless(at(1001), || 6, 2), "three turns of 10 ms");
        assert!(!load.is_hopeless(at(1001), || 1, 2), "one network floods, and another one has its turn");
        load.note_waiting(at(1002), 0);
        assert_eq!(load.wait_max(at(1002)), WAIT_MAX);
        assert!(!load.is_hopeless(at(1002), || 100, 2));
    }

    #[test]
    fn the_mean_follows_what_passwords_take() {
        let mut load = Load::default();
        load.note_done(at(10));
        assert_eq!(load.mean, at(10));
        for _ in 0..200 {
            load.note_done(at(40));
        }
        assert!(load.mean > at(35), "{:?}", load.mean);
    }
}
