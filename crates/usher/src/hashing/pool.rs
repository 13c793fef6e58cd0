//! The hashing threads: as many as cores and memory allow, below the priority of everything else, with a fair bounded queue in
//! front. Whoever has waited for too long, or gone away, is not served any more.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::argon::{Argon2Hash, Cost};
use super::load::Load;
use super::memory::Memory;
use super::pepper::KeyId;
use super::queue::FairQueue;
use super::scheme::Stored;
use crate::clock::Stopwatch;
use crate::network::Network;
use crate::secret::random_bytes;

const SALT_BYTES: usize = 16;
const OUTPUT_BYTES: usize = 32;

/// What to do with a password.
pub enum Work {
    /// Hash it under the policy; the result names this pepper, which has been applied already.
    Hash(Option<KeyId>),
    Verify(Stored),
    /// Cost what verifying a hash of the policy costs.
    Nothing,
}

/// What came of it.
pub enum Outcome {
    Hashed(String),
    Verified(bool),
}

struct Job {
    password: Zeroizing<Vec<u8>>,
    work: Work,
    waiting: Stopwatch,
    wait_max: Duration,
    reply: oneshot::Sender<Outcome>,
}

/// Somebody on the way to the queue, as long as it lives.
pub struct Admitted {
    shared: Arc<Shared>,
    from: Network,
}

/// The threads and their queue. The threads end with the pool.
pub struct Pool(Arc<Shared>);

struct Shared {
    queue: Mutex<Waiting>,
    arrived: Condvar,
    memory: Memory,
    cost: Cost,
    budget_kib: usize,
    threads: usize,
    watch: Stopwatch,
}

struct Waiting {
    jobs: FairQueue<Job>,
    /// Who was admitted and has not come to the queue yet, by network.
    on_the_way: HashMap<Network, usize>,
    load: Load,
    closed: bool,
}

impl Pool {
    /// Starts as many threads as the cores and the memory allow, at least one.
    pub fn start(cost: Cost, memory_mib: usize, queue: usize) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let arena_kib = cost.memory_kib as usize;
        let threads = cores.min(memory_mib * 1024 / arena_kib).max(1);
        let budget_kib = (memory_mib * 1024).max(arena_kib);
        let shared = Arc::new(Shared {
            queue: Mutex::new(Waiting {
                jobs: FairQueue::new(queue),
                on_the_way: HashMap::new(),
                load: Load::default(),
                closed: false,
            }),
            arrived: Condvar::new(),
            memory: Memory::new(budget_kib, arena_kib),
            cost,
            budget_kib,
            threads,
            watch: Stopwatch::start(),
        });
        // There from the start: what is not measured yet can't be scaled by, and a first count is a rise from nothing.
        note_depth(0);
        metrics::counter!("usher_password_hash_refused_total").absolute(0);
        for number in 0..threads {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new()
                .name(format!("hash-{number}"))
                .spawn(move || shared.work())
                .expect("the system starts a thread");
        }
        Self(shared)
    }

    /// Whether verifying a hash stays within the memory of all threads.
    pub fn has_memory_for(&self, stored: &Stored) -> bool {
        stored.memory_kib() <= self.0.budget_kib
    }

    /// Lets somebody come with a password, unless they would wait for too long: behind those who wait, and those who are on the way.
    pub fn admit(&self, from: Network) -> Option<Admitted> {
        self.admit_at(self.0.watch.elapsed(), from)
    }

    fn admit_at(&self, now: Duration, from: Network) -> Option<Admitted> {
        let mut waiting = self.0.lock();
        if waiting.load.is_hopeless(now, waiting.turns_before(from), self.0.threads) {
            waiting.load.note_refused(now);
            return None;
        }
        *waiting.on_the_way.entry(from).or_default() += 1;
        Some(Admitted { shared: Arc::clone(&self.0), from })
    }

    /// Waits for a thread to do it. `None` when there is no place in the queue or the wait was too long.
    pub async fn run(&self, password: Zeroizing<Vec<u8>>, work: Work, from: Network) -> Option<Outcome> {
        let (reply, answer) = oneshot::channel();
        {
            let now = self.0.watch.elapsed();
            let mut waiting = self.0.lock();
            let wait_max = waiting.load.wait_max(now);
            let job = Job { password, work, waiting: Stopwatch::start(), wait_max, reply };
            if !waiting.jobs.push(from, job) {
                waiting.load.note_refused(now);
                return None;
            }
            self.0.note_waiting(&mut waiting);
        }
        self.0.arrived.notify_one();
        answer.await.ok()
    }
}

impl Waiting {
    /// Who wait or are on the way.
    fn ahead(&self, network: Network) -> usize {
        self.jobs.held_by(network) + self.on_the_way.get(&network).copied().unwrap_or_default()
    }

    /// How many get their turn before one more of this network, since networks take turns.
    fn turns_before(&self, from: Network) -> usize {
        let own = self.ahead(from);
        let coming = self.on_the_way.keys().copied().filter(|network| self.jobs.held_by(*network) == 0);
        let others = self.jobs.networks().chain(coming).filter(|network| *network != from);
        own + others.map(|network| self.ahead(network).min(own + 1)).sum::<usize>()
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut waiting = self.shared.lock();
        if let Entry::Occupied(mut count) = waiting.on_the_way.entry(self.from) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.arrived.notify_all();
    }
}

impl Shared {
    fn work(&self) {
        step_back();
        while let Some(job) = self.next() {
            let waited = job.waiting.elapsed();
            metrics::histogram!("usher_password_hash_wait_seconds").record(waited.as_secs_f64());
            if waited > job.wait_max {
                // Dropping the reply tells the waiting side that it was given up.
                self.lock().load.note_refused(self.watch.elapsed());
                continue;
            }
            if job.reply.is_closed() {
                continue;
            }
            let begun = Stopwatch::start();
            let outcome = match &job.work {
                Work::Hash(key_id) => Outcome::Hashed(self.hash(&job.password, *key_id)),
                Work::Verify(stored) => Outcome::Verified(self.verify(&job.password, stored)),
                Work::Nothing => {
                    self.hash(&job.password, None);
                    Outcome::Verified(false)
                }
            };
            self.lock().load.note_done(begun.elapsed());
            // The request may have gone away meanwhile.
            let _ = job.reply.send(outcome);
        }
    }

    /// Waits for a job; `None` when the pool is gone.
    fn next(&self) -> Option<Job> {
        let mut waiting = self.lock();
        loop {
            if waiting.closed {
                return None;
            }
            if let Some(job) = waiting.jobs.pop() {
                self.note_waiting(&mut waiting);
                return Some(job);
            }
            waiting = self.arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn hash(&self, password: &[u8], key_id: Option<KeyId>) -> String {
        let salt = random_bytes::<SALT_BYTES>();
        let mut output = [0; OUTPUT_BYTES];
        let done = self.memory.with_arena(|arena| arena.argon2id(self.cost, password, &salt, &mut output));
        assert!(done, "cost, salt and output are what Argon2 takes");
        Argon2Hash::new(self.cost, key_id, salt.to_vec(), output.to_vec()).to_phc()
    }

    /// A wrong password for a hash that is below the policy costs what the policy costs on top: otherwise it would be answered
    /// sooner than one for an account that does not exist. A right one is paid for by making the hash anew.
    fn verify(&self, password: &[u8], stored: &Stored) -> bool {
        let (right, policy) = match stored {
            Stored::Argon2(hash) if hash.is_plain() && hash.memory_kib() <= self.cost.memory_kib => {
                let right = self.memory.with_arena(|arena| hash.verify_in(arena, password));
                (right, hash.is_worth(self.cost))
            }
            Stored::Argon2(hash) => {
                let right = self.memory.with_loan(stored.memory_kib(), || hash.verify(password));
                (right, hash.is_worth(self.cost))
            }
            Stored::Foreign(hash) => (self.memory.with_loan(stored.memory_kib(), || hash.verify(password)), false),
        };
        if !right && !policy {
            self.hash(password, None);
        }
        right
    }

    fn note_waiting(&self, waiting: &mut Waiting) {
        let count = waiting.jobs.len();
        waiting.load.note_waiting(self.watch.elapsed(), count);
        note_depth(count);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn note_depth(waiting: usize) {
    metrics::gauge!("usher_password_hash_queue_depth").set(f64::from(u32::try_from(waiting).unwrap_or(u32::MAX)));
}

/// Lets others go before: at nice 7 a busy core gives a thread about a fifth of what it gives to them. On Linux niceness is a
/// thread's own; elsewhere it would be the whole process's.
fn step_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(7) {
        tracing::debug!(%error, "a hashing thread keeps its priority");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_on_the_way_counts_like_who_waits() {
        let pool = Pool::start(Cost::CHEAP, 1, 8);
        let network = |number: u16| Network::of(Some([10, number.to_be_bytes()[0], number.to_be_bytes()[1], 1].into()));
        let admit = |number| pool.admit_at(Duration::from_secs(2), network(number));
        {
            let mut waiting = pool.0.lock();
            waiting.load.note_done(Duration::from_millis(10));
            waiting.load.note_waiting(Duration::ZERO, 1);
        }
        assert!(pool.admit_at(Duration::from_millis(249), network(0)).is_some(), "a rush is served to its end");
        let turns = u16::try_from(3 * pool.0.threads).unwrap();
        let mut admitted: Vec<_> = (1..turns).map(|number| admit(number).unwrap()).collect();
        admitted.push(admit(0).unwrap());
        assert!(admit(turns).is_none(), "three turns of 10 ms");
        admitted.truncate(2);
        let more = admit(turns).expect("those who went away are in nobody's way");
        drop((admitted, more));
        // One network waits for itself, and is in nobody's way for more than a turn.
        let of_one: Vec<_> = (0..turns).map(|_| admit(0).unwrap()).collect();
        assert!(admit(0).is_none());
        let of_another = admit(1).unwrap();
        drop((of_one, of_another));
        assert!(pool.0.lock().on_the_way.is_empty());
    }

    #[test]
    fn the_threads_end_with_the_pool() {
        let pool = Pool::start(Cost::CHEAP, 1, 8);
        let shared = Arc::downgrade(&pool.0);
        drop(pool);
        let watch = Stopwatch::start();
        while shared.strong_count() > 0 {
            assert!(watch.elapsed() < Duration::from_mins(1), "a thread goes on without its pool");
            std::thread::yield_now();
        }
    }
}
