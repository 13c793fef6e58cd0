//! Something small that all processes go by and that rarely changes: kept in memory until word comes that it has changed, and no longer
//! than a process may be wrong.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::listen::{Heard, Listener};

/// A process that can't hear of changes looks so often.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What a process keeps of it.
pub struct Followed<T> {
    has_follower: AtomicBool,
    /// Raised by every change that was heard of.
    epoch: AtomicU64,
    /// And the epoch in which it was read.
    last: Mutex<Option<(u64, Arc<T>)>>,
}

impl<T> Default for Followed<T> {
    fn default() -> Self {
        Self { has_follower: AtomicBool::default(), epoch: AtomicU64::default(), last: Mutex::default() }
    }
}

impl<T: Send + Sync + 'static> Followed<T> {
    /// What is kept; where nothing is, or nobody follows the changes, it is read.
    pub async fn get<E>(&self, read: impl Future<Output = Result<Arc<T>, E>>) -> Result<Arc<T>, E> {
        let epoch = self.epoch.load(Ordering::SeqCst);
        // Who does not follow the changes would never learn of them.
        let has_follower = self.has_follower.load(Ordering::SeqCst);
        if has_follower && let Some((_, value)) = self.lock().clone().filter(|(read_in, _)| *read_in == epoch) {
            return Ok(value);
        }
        let value = read.await?;
        *self.lock() = Some((epoch, Arc::clone(&value)));
        Ok(value)
    }

    /// What was read last, be it out of date.
    pub fn last(&self) -> Option<Arc<T>> {
        self.lock().clone().map(|(_, value)| value)
    }

    /// It has changed.
    pub fn forget(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
    }

    /// Forgets it when it has changed, as long as the process lives.
    pub fn follow(self: Arc<Self>, listener: &Listener, channel: &'static str) {
        let mut heard = listener.subscribe();
        tokio::spawn(async move {
            self.has_follower.store(true, Ordering::SeqCst);
            loop {
                changed_or_over(&mut heard, channel).await;
                self.forget();
            }
        });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<(u64, Arc<T>)>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for word of a change, and no longer than a process may be wrong.
async fn changed_or_over(heard: &mut Receiver<Heard>, wanted: &str) {
    let mut over = pin!(tokio::time::sleep(LOOK_EVERY));
    loop {
        tokio::select! {
            () = &mut over => return,
            heard = heard.recv() => match heard {
                Ok(Heard::Notification { channel }) if channel != wanted => {}
                // Without a sender there is nothing to hear until the time is over.
                Err(RecvError::Closed) => return over.await,
                _ => return,
            },
        }
    }
}
