//! How long somebody may wait for a thread. A rush is served to its end, as long as it takes no longer than a moment. But when there has
//! always been somebody waiting for longer than a rush lasts, or more have come than can be served in that moment, more is asked for than
//! can be done: then who waits longer than for a password or two is sent away, so that those who are served are served soon, and whoever
//! would wait for longer is not even looked up. That goes on until nobody waits and nobody has had to be sent away for a while.

use std::time::Duration;

/// Longest wait in a rush.
const WAIT_MAX: Duration = Duration::from_millis(400);
/// From then on it is no rush.
const RUSH_MAX: Duration = Duration::from_millis(250);
/// Longest wait after that, or as long as a password takes where that is longer.
const WAIT_OVERLOADED: Duration = Duration::from_millis(20);
/// Nobody waits because everybody is sent away, unless nobody has been for so long.
const CALM: Duration = Duration::from_millis(500);
/// A new measure counts so much of the mean.
const SHARE: u32 = 16;

#[derive(Debug, Default)]
pub struct Load {
    /// Since when somebody has been waiting all the time, on the pool's watch.
    crowded_since: Option<Duration>,
    /// When somebody was sent away, since the last time that there was nobody to be.
    refused_at: Option<Duration>,
    waiting: usize,
    /// What a password takes.
    mean: Duration,
}

impl Load {
    /// So many wait from now on.
    pub fn note_waiting(&mut self, now: Duration, waiting: usize) {
        let nobody_waits = waiting == 0 || self.waiting == 0;
        if nobody_waits && self.refused_at.is_none_or(|at| now.saturating_sub(at) > CALM) {
            (self.crowded_since, self.refused_at) = (None, None);
        }
        if waiting > 0 {
            self.crowded_since.get_or_insert(now);
        }
        self.waiting = waiting;
    }

    /// Somebody is sent away.
    pub fn note_refused(&mut self, now: Duration) {
        self.refused_at = Some(now);
    }

    pub fn note_done(&mut self, took: Duration) {
        self.mean = if self.mean.is_zero() { took } else { self.mean * (SHARE - 1) / SHARE + took / SHARE };
    }

    /// Who comes now may wait for so long.
    pub fn wait_max(&self, now: Duration) -> Duration {
        if self.is_overloaded(now) { WAIT_OVERLOADED.max(self.mean) } else { WAIT_MAX }
    }

    /// Whether it is no use to wait for so many turns of others.
    pub fn is_hopeless(&self, now: Duration, turns: usize, threads: usize) -> bool {
        let before = u32::try_from(turns / threads.max(1)).unwrap_or(u32::MAX);
        self.mean.saturating_mul(before) > self.wait_max(now)
    }

    fn is_overloaded(&self, now: Duration) -> bool {
        let is_no_rush = self.crowded_since.is_some_and(|since| now.saturating_sub(since) > RUSH_MAX);
        is_no_rush || self.refused_at.is_some()
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
        for now in [500, 600, 750] {
            load.note_waiting(at(now), 40);
            assert_eq!(load.wait_max(at(now)), WAIT_MAX, "{now}");
            assert!(!load.is_hopeless(at(now), 80, 2), "{now}");
        }
        // Between two rushes nobody waits.
        load.note_waiting(at(750), 0);
        load.note_waiting(at(751), 80);
        assert_eq!(load.wait_max(at(1000)), WAIT_MAX);
    }

    #[test]
    fn a_rush_that_would_take_too_long_is_none() {
        let mut load = Load::default();
        load.note_done(at(10));
        load.note_waiting(at(500), 82);
        assert!(load.is_hopeless(at(500), 82, 2), "41 turns of 10 ms");
        load.note_refused(at(500));
        assert_eq!(load.wait_max(at(501)), WAIT_OVERLOADED);
    }

    #[test]
    fn who_comes_while_too_much_is_asked_is_served_soon_or_sent_away() {
        let mut load = Load::default();
        load.note_done(at(10));
        load.note_waiting(at(0), 1);
        load.note_waiting(at(251), 20);
        assert_eq!(load.wait_max(at(251)), WAIT_OVERLOADED);
        assert!(load.is_hopeless(at(251), 6, 2), "three turns of 10 ms");
        assert!(!load.is_hopeless(at(251), 4, 2), "two turns of 10 ms");
        assert!(!load.is_hopeless(at(251), 1, 2), "one network floods, and another one has its turn");
        load.note_waiting(at(252), 0);
        assert_eq!(load.wait_max(at(252)), WAIT_MAX);
        assert!(!load.is_hopeless(at(252), 80, 2));
    }

    #[test]
    fn where_passwords_take_longer_somebody_still_waits_for_the_one_before() {
        let mut load = Load::default();
        load.note_done(at(50));
        load.note_waiting(at(0), 1);
        assert_eq!(load.wait_max(at(251)), at(50));
        assert!(!load.is_hopeless(at(251), 3, 2), "one turn");
        assert!(load.is_hopeless(at(251), 4, 2), "two turns");
    }

    #[test]
    fn where_nobody_waits_because_all_are_sent_away_it_is_not_over() {
        let mut load = Load::default();
        load.note_waiting(at(0), 1);
        load.note_refused(at(300));
        load.note_waiting(at(301), 0);
        assert_eq!(load.wait_max(at(301)), WAIT_OVERLOADED);
        load.note_refused(at(350));
        load.note_waiting(at(850), 1);
        load.note_waiting(at(850), 0);
        assert_eq!(load.wait_max(at(850)), WAIT_OVERLOADED, "500 ms after the last who was sent away");
        // Much later, whoever comes first is the first of a rush.
        load.note_waiting(at(9000), 1);
        assert_eq!(load.wait_max(at(9000)), WAIT_MAX);
        assert_eq!(load.wait_max(at(9251)), WAIT_OVERLOADED);
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
