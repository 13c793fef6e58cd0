//! The memory of all hashing threads together. What Argon2id under the policy works in is an arena: it is kept and used again by
//! whichever thread comes next, since fresh memory costs more than a tenth of a hash. Other hashes borrow what they need for as
//! long as they run; idle arenas are given back to the system for them. Arenas and loans never exceed the budget.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::argon::{Arena, Engine};

/// The budget, and who has what of it.
pub struct Memory {
    state: Mutex<State>,
    changed: Condvar,
    arena_kib: usize,
}

struct State {
    free_kib: usize,
    idle: Vec<Arena>,
    /// Who asks is served in the order of asking, so that a large loan is not overtaken for ever.
    next_ticket: u64,
    serving: u64,
}

impl Memory {
    /// A budget of which one arena takes `arena_kib`.
    pub fn new(budget_kib: usize, arena_kib: usize) -> Self {
        let state = State { free_kib: budget_kib, idle: Vec::new(), next_ticket: 0, serving: 0 };
        Self { state: Mutex::new(state), changed: Condvar::new(), arena_kib }
    }

    /// Runs with an arena, when there is memory for one.
    pub fn with_arena<R>(&self, run: impl FnOnce(&mut Arena) -> R) -> R {
        let mut state = self.wait_for(|state| !state.idle.is_empty() || state.free_kib >= self.arena_kib);
        let mut arena = state.idle.pop().unwrap_or_else(|| {
            state.free_kib -= self.arena_kib;
            Arena::new(Engine::chosen())
        });
        drop(state);
        let result = run(&mut arena);
        self.lock().idle.push(arena);
        self.changed.notify_all();
        result
    }

    /// Runs while so much memory is set aside for it. It must not be more than the budget.
    pub fn with_loan<R>(&self, kib: usize, run: impl FnOnce() -> R) -> R {
        if kib == 0 {
            return run();
        }
        let mut state = self.wait_for(|state| state.free_kib + state.idle.len() * self.arena_kib >= kib);
        while state.free_kib < kib && state.idle.pop().is_some() {
            state.free_kib += self.arena_kib;
        }
        state.free_kib -= kib;
        drop(state);
        let result = run();
        self.lock().free_kib += kib;
        self.changed.notify_all();
        result
    }

    fn wait_for(&self, ready: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        while state.serving != ticket || !ready(&state) {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.serving += 1;
        self.changed.notify_all();
        state
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn r011_arenas_and_loans_never_exceed_the_budget() {
        let memory = Memory::new(100, 20);
        let (used, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let note = |kib: usize| {
            most.fetch_max(used.fetch_add(kib, Ordering::SeqCst) + kib, Ordering::SeqCst);
            std::thread::yield_now();
            used.fetch_sub(kib, Ordering::SeqCst);
        };
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (memory, note) = (&memory, &note);
                scope.spawn(move || {
                    for round in 0..200 {
                        match (thread + round) % 4 {
                            0 => memory.with_loan(100, || note(100)),
                            1 => memory.with_loan(33, || note(33)),
                            2 => memory.with_loan(0, || ()),
                            _ => memory.with_arena(|_| note(20)),
                        }
                    }
                });
            }
        });
        assert_eq!(most.load(Ordering::SeqCst), 100);
        let state = memory.lock();
        assert_eq!(state.free_kib + state.idle.len() * 20, 100, "memory was lost or found");
    }

    #[test]
    fn an_arena_is_used_again_and_given_back_for_a_loan() {
        let memory = Memory::new(50, 20);
        let idle_and_free = || {
            let state = memory.lock();
            (state.idle.len(), state.free_kib)
        };
        for _ in 0..3 {
            memory.with_arena(|_| ());
        }
        assert_eq!(idle_and_free(), (1, 30));
        memory.with_loan(25, || assert_eq!(idle_and_free(), (1, 5)));
        memory.with_loan(45, || assert_eq!(idle_and_free(), (0, 5)));
        assert_eq!(idle_and_free(), (0, 50));
    }
}
