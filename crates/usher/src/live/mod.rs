//! What moves while somebody looks: runs, imports, queues. However many follow, one statement a second looks for all of them in this
//! process, and each hears of a change only. Who may follow what is for the caller to judge.

mod store;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use uuid::Uuid;

use crate::app::App;
use crate::error::Rejection;
use crate::id::SessionId;

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Counting takes longer than looking up, so queues are counted at each such look only.
const QUEUES_EVERY: u32 = 5;
/// As many connections as a browser makes to a host by HTTP/1.
const PER_SESSION_MAX: usize = 6;
const PER_PROCESS_MAX: usize = 500;
/// When who was one too many may ask again.
const AGAIN_AFTER_SECONDS: u32 = 10;

/// What can be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Followed {
    Run(Uuid),
    /// The newest runs.
    Runs,
    Import(Uuid),
    /// The newest imports.
    Imports,
    /// Jobs and mails that wait or were given up.
    Queues,
}

impl Followed {
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            Some(("bulk", id)) => id.parse().ok().map(Self::Run),
            Some(("import", id)) => id.parse().ok().map(Self::Import),
            Some(_) => None,
            None => [Self::Runs, Self::Imports, Self::Queues].into_iter().find(|one| one.to_string() == text),
        }
    }
}

impl fmt::Display for Followed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(id) => write!(formatter, "bulk:{id}"),
            Self::Runs => formatter.write_str("bulk"),
            Self::Import(id) => write!(formatter, "import:{id}"),
            Self::Imports => formatter.write_str("imports"),
            Self::Queues => formatter.write_str("queues"),
        }
    }
}

/// How far something is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Another one whenever something has changed.
    pub mark: String,
    /// Of a single run or import.
    pub progress: Option<Progress>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    pub state: String,
    pub position: i64,
    pub total: i64,
}

/// Who follows what in this process.
#[derive(Default)]
struct Board(Mutex<Open>);

#[derive(Default)]
struct Open {
    followed: HashMap<Followed, watch::Sender<Option<Standing>>>,
    sessions: HashMap<SessionId, usize>,
    /// Whether somebody looks already.
    is_looked_at: bool,
}

impl Board {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is followed still. Where nothing is, nobody looks any longer.
    fn list_followed(&self) -> Option<Vec<Followed>> {
        let mut open = self.open();
        open.followed.retain(|_, sender| sender.receiver_count() > 0);
        open.is_looked_at = !open.followed.is_empty();
        open.is_looked_at.then(|| open.followed.keys().copied().collect())
    }

    fn tell(&self, found: &HashMap<String, Standing>) {
        let open = self.open();
        for (followed, sender) in &open.followed {
            let Some(standing) = found.get(&followed.to_string()) else { continue };
            sender.send_if_modified(|known| {
                let is_news = known.as_ref() != Some(standing);
                if is_news {
                    *known = Some(standing.clone());
                }
                is_news
            });
        }
    }
}

/// Somebody who follows, until this is dropped.
pub struct Following {
    board: Arc<Board>,
    session: SessionId,
    heard: watch::Receiver<Option<Standing>>,
}

impl Following {
    /// How it stands, as soon as that is known and has not been told yet.
    pub async fn next(&mut self) -> Option<Standing> {
        loop {
            self.heard.changed().await.ok()?;
            if let Some(standing) = self.heard.borrow_and_update().clone() {
                return Some(standing);
            }
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let mut open = self.board.open();
        if let Some(count) = open.sessions.get_mut(&self.session) {
            *count -= 1;
            if *count == 0 {
                open.sessions.remove(&self.session);
            }
        }
    }
}

/// Follows it in a session, which can't do that as often as it likes.
pub fn follow(app: &App, session: SessionId, followed: Followed) -> Result<Following, Rejection> {
    let board = app.kept::<Board>();
    let mut open = board.open();
    if open.sessions.values().sum::<usize>() >= PER_PROCESS_MAX {
        let detail = "Too many pages are followed just now. Look again shortly.";
        return Err(Rejection::unavailable("overloaded", detail, AGAIN_AFTER_SECONDS));
    }
    let mine = open.sessions.entry(session).or_default();
    if *mine >= PER_SESSION_MAX {
        return Err(Rejection::too_many_requests(AGAIN_AFTER_SECONDS));
    }
    *mine += 1;
    let mut heard = open.followed.entry(followed).or_insert_with(|| watch::channel(None).0).subscribe();
    // What others know already is news to who has just come.
    heard.mark_changed();
    if !open.is_looked_at {
        open.is_looked_at = true;
        tokio::spawn(look(app.clone(), Arc::clone(&board)));
    }
    drop(open);
    Ok(Following { board, session, heard })
}

/// How many follow something in this process.
#[cfg(test)]
pub fn count_followers(app: &App) -> usize {
    app.kept::<Board>().open().sessions.values().sum()
}

/// Looks as long as somebody follows.
async fn look(app: App, board: Arc<Board>) {
    let mut turn: u32 = 0;
    while let Some(mut followed) = board.list_followed() {
        if !turn.is_multiple_of(QUEUES_EVERY) {
            followed.retain(|one| *one != Followed::Queues);
        }
        if !followed.is_empty() {
            match store::list_standings(app.db.pipeline(), &followed).await {
                Ok(found) => board.tell(&found),
                // The next look may do better; pages are as they were until then.
                Err(error) => tracing::debug!(%error, "could not look how far things are"),
            }
        }
        turn = turn.wrapping_add(1);
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
