//! Refreshes that wait at the same time are made in one transaction: what each writes is little beside what a transaction of its own
//! costs. Whoever comes alone waits for nobody.
//!
//! A token or a session that somebody else holds is not waited for here, and nothing is refused: such a refresh is made by itself.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::refreshing::{Refreshed, invalid, kept_successor, refresh_alone};
use super::store::{self, Found, Rotation};
use super::{Tokens, answer, refresh_expires_at};
use crate::activity;
use crate::app::App;
use crate::caller::{self, Act, may_act};
use crate::db::{Actor, Origin};
use crate::error::{AppError, AppResult, Rejection};
use crate::faults::{self, Fault};
use crate::id::UserId;
use crate::secret::{Purpose, SecretText, bearer_hash, new_bearer_and_hash};

/// Refreshes that one transaction makes at the most.
const TOGETHER_MAX: usize = 64;
/// Transactions of them at the same time: while one waits for the disk another works.
const AT_ONCE: usize = 2;

/// Those that wait in this process.
#[derive(Default)]
struct Refreshes(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    asked: Vec<Asked>,
    at_work: usize,
}

struct Asked {
    presented: SecretText,
    hash: [u8; 32],
    address: Option<IpAddr>,
    reply: oneshot::Sender<AppResult<Option<Tokens>>>,
}

impl Refreshes {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True when somebody has to begin to work.
    fn put(&self, asked: Asked) -> bool {
        let mut waiting = self.lock();
        waiting.asked.push(asked);
        let begins = waiting.at_work < AT_ONCE;
        waiting.at_work += usize::from(begins);
        begins
    }
}

/// Somebody who works, and is counted as such.
struct AtWork {
    refreshes: Arc<Refreshes>,
    counted: bool,
}

impl AtWork {
    /// Some of those that wait. When there are none this work has ended, in the same moment: who comes next begins another.
    fn take(&mut self) -> Option<Vec<Asked>> {
        let mut waiting = self.refreshes.lock();
        if waiting.asked.is_empty() {
            waiting.at_work -= 1;
            self.counted = false;
            return None;
        }
        let count = waiting.asked.len().min(TOGETHER_MAX);
        Some(waiting.asked.drain(..count).collect())
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.refreshes.lock().at_work -= usize::from(self.counted);
    }
}

/// Exchanges a refresh token for new tokens.
pub async fn refresh(app: &App, origin: &Origin, presented: &SecretText) -> AppResult<Tokens> {
    let hash = bearer_hash(Purpose::Refresh, presented).ok_or_else(invalid)?;
    if !faults::planted(Fault::RefreshRace)
        && let Some(tokens) = refresh_together(app, origin, presented, hash).await?
    {
        return Ok(tokens);
    }
    let mut tx = app.begin(origin).await?;
    let outcome = refresh_alone(app, &mut tx, presented, &hash).await?;
    tx.commit().await?;
    match outcome {
        Refreshed::Tokens(tokens) => Ok(*tokens),
        Refreshed::Refused(rejection) => Err(rejection.into()),
    }
}

/// `None` when it must be made by itself.
async fn refresh_together(app: &App, origin: &Origin, presented: &SecretText, hash: [u8; 32]) -> AppResult<Option<Tokens>> {
    let refreshes = app.kept::<Refreshes>();
    let (reply, answer) = oneshot::channel();
    if refreshes.put(Asked { presented: presented.clone(), hash, address: origin.address, reply }) {
        // Whoever asked may go away: the others still want theirs.
        tokio::spawn(work(app.clone(), AtWork { refreshes, counted: true }));
    }
    // Who waits behind others must not wait for all of them to be given up.
    let answer = app.db.watch(answer).await?;
    answer.unwrap_or_else(|_| Err(Rejection::unavailable("overloaded", "The refresh was lost. Try again shortly.", 1).into()))
}

async fn work(app: App, mut at_work: AtWork) {
    while let Some(mut asked) = at_work.take() {
        // Who has gone away has not used their token.
        asked.retain(|asked| !asked.reply.is_closed());
        if !asked.is_empty() {
            make(&app, asked).await;
        }
    }
}

/// Makes those that can be made together, and tells the others.
async fn make(app: &App, asked: Vec<Asked>) {
    match rotate(app, &asked).await {
        Ok(mut granted) => {
            for Asked { hash, reply, .. } in asked {
                // Of two who show the same token the first has it.
                let _ = reply.send(Ok(granted.remove(&hash)));
            }
        }
        // Whether the tokens were used may not be known: nobody tries them again.
        Err(error) => {
            for Asked { reply, .. } in asked {
                let _ = reply.send(Err(same(&error)));
            }
        }
    }
}

fn same(error: &AppError) -> AppError {
    match error {
        AppError::Rejected(rejection) => AppError::Rejected(rejection.clone()),
        AppError::Internal(error) => anyhow::anyhow!("{error:#}").into(),
    }
}

/// The new tokens by the hashes of the old ones.
async fn rotate(app: &App, asked: &[Asked]) -> AppResult<HashMap<[u8; 32], Tokens>> {
    let mut tx = app.begin_as(Actor::System).await?;
    tx.find_by_indexes().await?;
    let hashes: Vec<&[u8]> = asked.iter().map(|asked| asked.hash.as_slice()).collect();
    let mut unused = store::lock_unused(&mut tx, &hashes).await?;
    let users: Vec<UserId> = unused.values().map(|unused| unused.found.user_id).collect();
    let standings = caller::find_standings(&mut tx, &users).await?;
    let (mut granted, mut rotations, mut newly_active) = (HashMap::new(), Vec::new(), HashSet::new());
    for asked in asked {
        let Some(unused) = unused.remove(asked.hash.as_slice()) else { continue };
        let Found { session, user_id, last_seen_at } = &unused.found;
        let act = Act::GoOn(session);
        // What is refused is noted by whoever makes it by itself.
        let Some(Ok(cleared)) = standings.get(user_id).map(|standing| may_act(standing, act, tx.now())) else { continue };
        let (secret, hash) = new_bearer_and_hash(Purpose::Refresh);
        let expires_at = refresh_expires_at(app, tx.now(), session.expires_at);
        let tokens = answer(app, &mut tx, cleared, &unused.bearer, &secret, expires_at).await?;
        rotations.push(Rotation {
            used: asked.hash,
            session_id: session.id,
            address: asked.address,
            successor: kept_successor(app, &asked.presented, &tokens.refresh_token),
            hash,
            expires_at,
        });
        if !activity::is_noted(*last_seen_at, tx.now()) {
            newly_active.insert(*user_id);
        }
        granted.insert(asked.hash, tokens);
    }
    if !rotations.is_empty() {
        store::rotate(&mut tx, rotations).await?;
        activity::note_many(&mut tx, newly_active.into_iter().collect()).await?;
    }
    tx.commit().await?;
    Ok(granted)
}
