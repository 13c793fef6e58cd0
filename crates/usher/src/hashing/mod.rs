//! Passwords to hashes and back: Argon2id (RFC 9106) in PHC strings, in a few threads of their own with a fair bounded queue in
//! front, behind an optional pepper.
//!
//! The server's memory for it is bounded whatever the number of sign-ins; when the queue is full, or the wait has become too long,
//! the caller is told to come back. Hashes that other programs made verify, and are outdated.

mod argon;
mod bcrypt;
mod crypt;
mod fields;
mod load;
mod memory;
mod pbkdf2;
mod pepper;
mod pool;
mod queue;
mod scheme;
mod scrypt;

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tracing::Instrument;
use zeroize::Zeroizing;

pub use argon::Cost;
pub use pepper::{Pepper, Peppers};
pub use scheme::{Obstacle, Scheme, recognise};

pub use pool::Admitted;

use pool::{Outcome, Pool, Work};
use scheme::Stored;

use crate::error::{AppResult, Rejection};
use crate::network::Network;
use crate::secret::SecretText;
use crate::telemetry;

/// Who is refused is told so after this time.
const TOLD_AFTER: Duration = Duration::from_millis(100);

/// Hashes and verifies passwords.
pub struct Hasher {
    pool: Pool,
    cost: Cost,
    peppers: Peppers,
    /// Whether somebody has been told of a hash under a pepper that nobody knows.
    told_of_pepper: AtomicBool,
}

impl Hasher {
    /// Starts the threads, which end with the hasher. `queue` is how many passwords may wait.
    pub fn start(cost: Cost, memory_mib: usize, queue: usize) -> Self {
        let pool = Pool::start(cost, memory_mib, queue);
        Self { pool, cost, peppers: Peppers::default(), told_of_pepper: AtomicBool::new(false) }
    }

    /// The same with peppers.
    #[must_use]
    pub fn peppered(self, peppers: Peppers) -> Self {
        Self { peppers, ..self }
    }

    /// Refuses what is going to be refused, before anything is looked up for it. Who is admitted is on the way until they drop it. Who is
    /// refused hears of it a moment later: whoever comes back at once would take the time of those who are served.
    pub async fn admit(&self, from: Network) -> AppResult<Admitted> {
        let admitted = self.pool.admit(from);
        if admitted.is_none() {
            tokio::time::sleep(TOLD_AFTER).await;
        }
        Ok(admitted.ok_or_else(overloaded)?)
    }

    /// Hashes a password into a PHC string.
    pub async fn hash(&self, password: &SecretText, from: Network) -> AppResult<String> {
        let key_id = self.peppers.current_id();
        let password = self.peppers.apply(key_id, password.reveal().as_bytes());
        let password = password.ok_or_else(|| anyhow::anyhow!("the current pepper is not known"))?;
        match self.run(password, Work::Hash(key_id), from).await? {
            Outcome::Hashed(phc) => Ok(phc),
            Outcome::Verified(_) => Err(anyhow::anyhow!("a hash job answered with a verification").into()),
        }
    }

    /// Whether the password is the one behind the hash. No hash, and one that can't be verified, cost what a hash of the policy
    /// costs and are never right. A hash under a pepper that is not configured is a failure of ours.
    pub async fn verify(&self, password: &SecretText, phc: Option<&str>, from: Network) -> AppResult<bool> {
        let stored = phc.and_then(|phc| Stored::parse(phc).ok()).filter(|stored| self.pool.has_memory_for(stored));
        let key_id = stored.as_ref().map_or(self.peppers.current_id(), key_id);
        let Some(password) = self.peppers.apply(key_id, password.reveal().as_bytes()) else {
            return Err(self.other_pepper().into());
        };
        match self.run(password, stored.map_or(Work::Nothing, Work::Verify), from).await? {
            Outcome::Verified(right) => Ok(right),
            Outcome::Hashed(_) => Err(anyhow::anyhow!("a verification answered with a hash").into()),
        }
    }

    /// Whether a stored hash is not what today's policy would make of the password, or more, and should be made anew.
    pub fn is_outdated(&self, phc: &str) -> bool {
        match Stored::parse(phc) {
            Ok(Stored::Argon2(hash)) => !hash.is_worth(self.cost) || hash.key_id() != self.peppers.current_id(),
            _ => true,
        }
    }

    /// What [`recognise`] says, and whether a hash can be verified under these settings.
    pub fn recognise(&self, text: &str) -> Option<Scheme> {
        let scheme = recognise(text)?;
        let obstacle = scheme.obstacle.or_else(|| match Stored::parse(text) {
            Ok(stored) if key_id(&stored).is_some_and(|id| !self.peppers.know(id)) => Some(Obstacle::OtherPepper),
            Ok(stored) => (!self.pool.has_memory_for(&stored)).then_some(Obstacle::TooCostly),
            Err(obstacle) => Some(obstacle),
        });
        Some(Scheme { obstacle, ..scheme })
    }

    async fn run(&self, password: Zeroizing<Vec<u8>>, work: Work, from: Network) -> AppResult<Outcome> {
        let outcome = self.pool.run(password, work, from).instrument(telemetry::hashing()).await;
        Ok(outcome.ok_or_else(overloaded)?)
    }

    fn other_pepper(&self) -> Rejection {
        if !self.told_of_pepper.swap(true, Ordering::Relaxed) {
            tracing::error!(
                "a stored password names a pepper that is neither USHER_PASSWORD_PEPPER nor USHER_PASSWORD_PEPPER_PREVIOUS: \
                 who has it can't sign in until the pepper is configured"
            );
        }
        Rejection::unavailable("unavailable", "This password can't be checked at the moment. Try again later.", 60)
    }
}

fn overloaded() -> Rejection {
    metrics::counter!("usher_password_hash_refused_total").increment(1);
    Rejection::unavailable("overloaded", "Too many passwords are being checked. Try again shortly.", 1)
}

fn key_id(stored: &Stored) -> Option<pepper::KeyId> {
    match stored {
        Stored::Argon2(hash) => hash.key_id(),
        Stored::Foreign(_) => None,
    }
}
