//! Access tokens that were verified before: somebody who works sends the same one with every request, and its signature does not
//! change. What may change meanwhile is looked at every time: here its times, and by the gate its session and its user.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest as hash};

use super::{Bearer, LEEWAY_SECONDS};

/// Tokens are kept in two generations of so many at the most; the older one goes as a whole.
const GENERATION_MAX: usize = 2048;

pub type Digest = [u8; 32];

/// What stands for a token: whoever reads this memory finds none.
pub fn digest(token: &str) -> Digest {
    hash(&SHA256, token.as_bytes()).as_ref().try_into().expect("SHA-256 has 32 bytes")
}

#[derive(Clone, Copy)]
pub struct Verified {
    pub bearer: Bearer,
    /// In seconds since the Unix epoch, as the token says.
    pub issued_at: i64,
    pub expires_at: i64,
}

impl Verified {
    fn counts(&self, now: i64) -> bool {
        self.issued_at <= now.saturating_add(LEEWAY_SECONDS) && now.saturating_sub(LEEWAY_SECONDS) < self.expires_at
    }
}

#[derive(Default)]
pub struct VerifiedTokens(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: HashMap<Digest, Verified>,
    old: HashMap<Digest, Verified>,
}

impl VerifiedTokens {
    /// Whose token it is, if it was verified and counts now.
    pub fn find(&self, token: &Digest, now: i64) -> Option<Bearer> {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = generations.young.get(token).copied();
        if found.is_none() {
            found = generations.old.remove(token);
            if let Some(verified) = found {
                generations.put(*token, verified);
            }
        }
        found.filter(|found| found.counts(now)).map(|found| found.bearer)
    }

    pub fn insert(&self, token: Digest, verified: Verified) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).put(token, verified);
    }
}

impl Generations {
    fn put(&mut self, token: Digest, verified: Verified) {
        if self.young.len() >= GENERATION_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(token, verified);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{SessionId, UserId};

    fn verified() -> Verified {
        let bearer =
            Bearer { user_id: UserId::from_uuid(uuid::Uuid::nil()), session_id: SessionId::from_uuid(uuid::Uuid::nil()) };
        Verified { bearer, issued_at: 1_000, expires_at: 1_300 }
    }

    #[test]
    fn r125_a_known_token_counts_in_its_time_only() {
        let tokens = VerifiedTokens::default();
        let known = digest("known");
        tokens.insert(known, verified());
        let counts: Vec<_> = [994, 995, 1_000, 1_304, 1_305].map(|now| tokens.find(&known, now).is_some()).into();
        assert_eq!(counts, [false, true, true, true, false]);
        assert!(tokens.find(&digest("known "), 1_000).is_none());
    }

    #[test]
    fn what_is_used_stays_and_what_is_kept_is_bounded() {
        let tokens = VerifiedTokens::default();
        let used = digest("used");
        tokens.insert(used, verified());
        for number in 0..5 * GENERATION_MAX {
            tokens.insert(digest(&number.to_string()), verified());
            assert!(tokens.find(&used, 1_000).is_some(), "{number}");
        }
        assert!(tokens.find(&digest("0"), 1_000).is_none());
        let generations = tokens.0.lock().unwrap();
        assert!(generations.young.len() + generations.old.len() <= 2 * GENERATION_MAX);
    }
}
