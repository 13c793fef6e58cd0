//! Whether the database answers at all. A statement may take its time; a server that accepts connections and then says nothing
//! to anybody is away. The difference is found out by asking it, and only once a statement has been silent for a while.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::error::{DbError, DbResult};
use super::lanes::Connector;
use crate::clock::Stopwatch;

/// How long a statement may be silent before the server is asked whether it is there. With the time that connecting may take it
/// stays under two seconds.
const SILENCE_MAX: Duration = Duration::from_millis(700);
/// How long one finding serves all that ask.
const KNOWN_FOR: Duration = Duration::from_millis(500);

/// Watches over answers that are waited for.
pub(super) struct Pulse {
    connector: Arc<Connector>,
    /// What was found out last, and when. Those who ask meanwhile wait for the same finding.
    found: Mutex<Option<(Stopwatch, bool)>>,
}

impl Pulse {
    pub fn new(connector: &Arc<Connector>) -> Self {
        Self { connector: Arc::clone(connector), found: Mutex::new(None) }
    }

    /// Waits for an answer as long as it may take, but not once the server has stopped answering anybody.
    pub fn watch<'a, A: Future + 'a>(&'a self, answer: A) -> impl Future<Output = DbResult<A::Output>> + use<'a, A> {
        // Boxed, since it is waited for beside something else, and would make every future above it twice as large.
        let mut answer = Box::pin(answer);
        let waited = Stopwatch::start();
        async move {
            loop {
                let beats = async {
                    tokio::time::sleep(SILENCE_MAX).await;
                    self.beats().await
                };
                tokio::select! {
                    answer = &mut answer => return Ok(answer),
                    beats = beats => if !beats || waited.elapsed() > self.connector.answers_within() {
                        return Err(DbError::Unavailable("the database does not answer".to_owned()));
                    },
                }
            }
        }
    }

    async fn beats(&self) -> bool {
        let mut found = self.found.lock().await;
        if let Some((since, beats)) = *found
            && since.elapsed() < KNOWN_FOR
        {
            return beats;
        }
        let beats = self.connector.is_answered().await;
        *found = Some((Stopwatch::start(), beats));
        beats
    }
}
