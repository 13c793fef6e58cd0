//! Password hashing off the async threads: a few threads that own their memory, and a bounded queue in front of them.
//!
//! Argon2id (RFC 9106) in PHC strings. When the queue is full, or the wait has passed a second, the caller is told to come
//! back: the server's memory is `threads x memory` whatever the number of sign-ins.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use subtle::ConstantTimeEq;
use tokio::sync::oneshot;

use crate::clock::Stopwatch;
use crate::error::{AppResult, Rejection};
use crate::secret::{SecretText, random_bytes};

/// Longest wait for a thread before the caller is told to come back.
const WAIT_MAX: Duration = Duration::from_secs(1);
const SALT_BYTES: usize = 16;
const OUTPUT_BYTES: usize = 32;
/// A stored hash that asks for more is not computed: it would be the end of the memory.
const MEMORY_KIB_MAX: u32 = 256 * 1024;
const PASSES_MAX: u32 = 32;

/// Cost of a hash. The lanes are always one: our threads are the parallelism.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    pub memory_kib: u32,
    pub passes: u32,
}

impl Cost {
    /// The floor of R-008 (OWASP Password Storage).
    pub const POLICY: Self = Self { memory_kib: 19_456, passes: 2 };
    /// As cheap as the algorithm allows, for tests of everything but hashing.
    #[cfg(test)]
    pub const CHEAP: Self = Self { memory_kib: 8, passes: 1 };

    fn params(self) -> Params {
        Params::new(self.memory_kib, self.passes, 1, Some(OUTPUT_BYTES)).expect("the cost is within Argon2's bounds")
    }
}

enum Work {
    Hash,
    Verify { phc: String },
}

enum Outcome {
    Hashed(String),
    Verified(bool),
}

struct Job {
    password: SecretText,
    work: Work,
    waiting: Stopwatch,
    reply: oneshot::Sender<Outcome>,
}

/// The pool of hashing threads.
pub struct Hasher {
    queue: SyncSender<Job>,
    cost: Cost,
    /// What missing users are verified against, so that they cost what existing ones do.
    dummy: String,
}

impl Hasher {
    /// Starts as many threads as the cores and the memory allow (at least one). The threads end with the hasher.
    pub fn start(cost: Cost, memory_mib: usize, queue: usize) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let affordable = memory_mib * 1024 / cost.memory_kib as usize;
        let (sender, receiver) = sync_channel(queue);
        let receiver = Arc::new(Mutex::new(receiver));
        for number in 0..cores.min(affordable).max(1) {
            let receiver = Arc::clone(&receiver);
            std::thread::Builder::new()
                .name(format!("hash-{number}"))
                .spawn(move || work(&receiver, cost))
                .expect("the system starts a thread");
        }
        let salt = random_bytes::<SALT_BYTES>();
        let output = random_bytes::<OUTPUT_BYTES>();
        Self { queue: sender, cost, dummy: phc_string(cost, &salt, &output) }
    }

    /// Hashes a password into a PHC string.
    pub async fn hash(&self, password: &SecretText) -> AppResult<String> {
        match self.run(password, Work::Hash).await? {
            Outcome::Hashed(phc) => Ok(phc),
            Outcome::Verified(_) => Err(anyhow::anyhow!("a hash job answered with a verification").into()),
        }
    }

    /// Whether the password is the one behind the PHC string. `None` costs the same and is never right.
    pub async fn verify(&self, password: &SecretText, phc: Option<&str>) -> AppResult<bool> {
        let against = phc.unwrap_or(&self.dummy).to_owned();
        match self.run(password, Work::Verify { phc: against }).await? {
            Outcome::Verified(right) => Ok(right && phc.is_some()),
            Outcome::Hashed(_) => Err(anyhow::anyhow!("a verification answered with a hash").into()),
        }
    }

    /// Whether a stored hash costs less than today's policy and should be made anew.
    pub fn is_outdated(&self, phc: &str) -> bool {
        cost_of(phc).is_none_or(|cost| cost.memory_kib < self.cost.memory_kib || cost.passes < self.cost.passes)
    }

    async fn run(&self, password: &SecretText, work: Work) -> AppResult<Outcome> {
        let (reply, answer) = oneshot::channel();
        let job = Job { password: password.clone(), work, waiting: Stopwatch::start(), reply };
        match self.queue.try_send(job) {
            Ok(()) => answer.await.map_err(|_| overloaded().into()),
            Err(TrySendError::Full(_)) => Err(overloaded().into()),
            Err(TrySendError::Disconnected(_)) => Err(anyhow::anyhow!("the hashing threads have ended").into()),
        }
    }
}

fn overloaded() -> Rejection {
    metrics::counter!("usher_password_hash_refused_total").increment(1);
    Rejection::unavailable("overloaded", "Too many passwords are being checked. Try again shortly.", 1)
}

fn work(receiver: &Mutex<Receiver<Job>>, cost: Cost) {
    // Filled at the first password: a server that nobody has signed in to yet is small.
    let mut memory = Vec::new();
    loop {
        let job = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        if job.waiting.elapsed() > WAIT_MAX {
            // Dropping the reply tells the waiting side that it was given up.
            continue;
        }
        let outcome = match &job.work {
            Work::Hash => Outcome::Hashed(hash(&job.password, cost, &mut memory)),
            Work::Verify { phc } => Outcome::Verified(verify(&job.password, phc, cost, &mut memory)),
        };
        // The request may have gone away meanwhile.
        let _ = job.reply.send(outcome);
    }
}

fn hash(password: &SecretText, cost: Cost, memory: &mut Vec<Block>) -> String {
    let salt = random_bytes::<SALT_BYTES>();
    let mut output = [0; OUTPUT_BYTES];
    let blocks = blocks(memory, &cost.params());
    Argon2::new(Algorithm::Argon2id, Version::V0x13, cost.params())
        .hash_password_into_with_memory(password.reveal().as_bytes(), &salt, &mut output, blocks)
        .expect("salt and output have lengths that Argon2 takes");
    phc_string(cost, &salt, &output)
}

/// The part of the thread's memory that these parameters need.
fn blocks<'a>(memory: &'a mut Vec<Block>, params: &Params) -> &'a mut [Block] {
    let count = params.block_count();
    if memory.len() < count {
        memory.resize(count, Block::default());
    }
    &mut memory[..count]
}

fn phc_string(cost: Cost, salt: &[u8], output: &[u8]) -> String {
    format!(
        "$argon2id$v=19$m={},t={},p=1${}${}",
        cost.memory_kib,
        cost.passes,
        STANDARD_NO_PAD.encode(salt),
        STANDARD_NO_PAD.encode(output)
    )
}

fn cost_of(phc: &str) -> Option<Cost> {
    let parsed = PasswordHash::new(phc).ok()?;
    let params = Params::try_from(&parsed).ok()?;
    let ours = parsed.algorithm == Algorithm::Argon2id.ident() && params.p_cost() == 1;
    ours.then(|| Cost { memory_kib: params.m_cost(), passes: params.t_cost() })
}

/// Verifies with the parameters the string itself names; a string that is not Argon2id is never right.
fn verify(password: &SecretText, phc: &str, cost: Cost, memory: &mut Vec<Block>) -> bool {
    let Ok(parsed) = PasswordHash::new(phc) else { return false };
    let (Ok(params), Some(salt), Some(expected)) = (Params::try_from(&parsed), parsed.salt, parsed.hash) else {
        return false;
    };
    if parsed.algorithm != Algorithm::Argon2id.ident() || params.m_cost() > MEMORY_KIB_MAX || params.t_cost() > PASSES_MAX {
        return false;
    }
    // More than the policy's memory is borrowed for this one hash and given back.
    let mut larger = Vec::new();
    let own = if params.block_count() > memory.capacity().max(cost.params().block_count()) { &mut larger } else { memory };
    let blocks = blocks(own, &params);
    let mut output = vec![0; expected.len()];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(password.reveal().as_bytes(), &salt, &mut output, blocks)
        .is_ok_and(|()| output.ct_eq(expected.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretText {
        SecretText::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_hash_verifies_its_own_password_only() {
        let hasher = Hasher::start(Cost::CHEAP, 1, 8);
        let phc = hasher.hash(&secret("correct horse battery")).await.unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
        assert!(hasher.verify(&secret("correct horse battery"), Some(&phc)).await.unwrap());
        assert!(!hasher.verify(&secret("correct horse battery "), Some(&phc)).await.unwrap());
        assert!(!hasher.verify(&secret("correct horse battery"), None).await.unwrap());
        assert!(!hasher.verify(&secret("x"), Some("not a hash")).await.unwrap());
        assert!(!hasher.is_outdated(&phc));
        assert!(!hasher.is_outdated("$argon2id$v=19$m=16,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo"));
        let weaker = Hasher::start(Cost { memory_kib: 16, passes: 2 }, 1, 8);
        assert!(weaker.is_outdated(&phc));
        // A hash that would take the machine's memory is refused, not computed.
        let huge = "$argon2id$v=19$m=4294967295,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA";
        assert!(!hasher.verify(&secret("x"), Some(huge)).await.unwrap());
    }

    #[tokio::test]
    async fn r008_the_policy_hash_verifies_and_salts_differ() {
        let hasher = Hasher::start(Cost::POLICY, 20, 8);
        let first = hasher.hash(&secret("correct horse battery")).await.unwrap();
        let second = hasher.hash(&secret("correct horse battery")).await.unwrap();
        assert_ne!(first, second);
        assert!(hasher.verify(&secret("correct horse battery"), Some(&first)).await.unwrap());
    }

    #[tokio::test]
    async fn r002_long_passwords_are_not_truncated() {
        let hasher = Hasher::start(Cost::CHEAP, 1, 8);
        let long = "é".repeat(511);
        let phc = hasher.hash(&secret(&format!("{long}a"))).await.unwrap();
        assert!(!hasher.verify(&secret(&format!("{long}b")), Some(&phc)).await.unwrap());
    }

    #[tokio::test]
    async fn r011_a_full_queue_answers_503_with_retry_after() {
        let hasher = Arc::new(Hasher::start(Cost { memory_kib: 65_536, passes: 8 }, 64, 1));
        let asked: Vec<_> = (0..8)
            .map(|_| {
                let hasher = Arc::clone(&hasher);
                tokio::spawn(async move { hasher.hash(&secret("correct horse battery")).await })
            })
            .collect();
        let mut refused = 0;
        for answer in asked {
            if let Err(error) = answer.await.unwrap() {
                assert_eq!(error.code(), Some("overloaded"));
                refused += 1;
            }
        }
        assert!(refused >= 1, "a queue of one took eight");
    }
}
