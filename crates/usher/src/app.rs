//! What a request has at hand: the database, the time, the configuration, the mailer, the keys.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use crate::caller::{Denial, KeyUse, SessionUse};
use crate::clock::Clock;
use crate::config::Config;
use crate::db::{Actor, Db, DbResult, Origin, Tx};
use crate::error::{AppResult, LogAndIgnore};
use crate::hashing::Hasher;
use crate::http::serve::Draining;
use crate::keyring::Keyring;
use crate::mail::Mailer;
use crate::password_filter::Filter;
use crate::seal::Sealer;
use crate::throttle::Portions;

/// Cheap to clone; every clone is the same app.
#[derive(Clone)]
pub struct App(Arc<Whole>);

struct Whole {
    parts: Parts,
    kept: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

/// The parts of an [`App`].
pub struct Parts {
    pub db: Db,
    pub clock: Clock,
    pub config: Config,
    pub mailer: Mailer,
    pub keyring: Keyring,
    pub sealer: Sealer,
    pub hasher: Hasher,
    /// Whether this process is about to stop.
    pub draining: Draining,
    /// What this process has drawn of its callers' limits.
    pub portions: Portions,
    /// The operator's list of breached passwords.
    pub password_filter: Option<Arc<Filter>>,
    /// Notes that somebody was refused.
    pub on_denied: OnDenied,
    /// Looks for new keys, since somebody presents a token under a key that this process does not know.
    pub on_unknown_key: OnUnknownKey,
    /// Notes that an API key was used, and from where.
    pub on_key_used: OnKeyUsed,
    /// Notes that a browser has shown its session.
    pub on_session_seen: OnSessionSeen,
}

/// Called with who was refused, and why.
pub type OnDenied = fn(App, Origin, Denial) -> Pin<Box<dyn Future<Output = ()> + Send>>;

pub type OnUnknownKey = fn(App) -> Pin<Box<dyn Future<Output = AppResult<()>> + Send>>;

pub type OnKeyUsed = fn(App, KeyUse) -> Pin<Box<dyn Future<Output = ()> + Send>>;

pub type OnSessionSeen = fn(App, SessionUse) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// Reads what is wanted.
pub type Ask<W, T> = for<'a> fn(&'a mut Tx, &'a W) -> Pin<Box<dyn Future<Output = AppResult<T>> + Send + 'a>>;

impl App {
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(Whole { parts, kept: Mutex::default() }))
    }

    /// What a feature keeps in memory for this process; made when it is first asked for. A type of the feature's own is the key.
    pub fn kept<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        let mut kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let one = kept.entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(T::default()));
        Arc::clone(one).downcast().expect("the key is the type")
    }

    /// Begins a transaction that happens now.
    pub async fn begin(&self, origin: &Origin) -> DbResult<Tx> {
        self.begin_for(origin.clone()).await
    }

    /// Reads a list: on the replica if there is one that has all it needs, and where that fails on the database itself.
    /// What to ask for is given beside the question: a closure that borrowed it could not be sent between threads.
    pub async fn read_list<W, T>(&self, origin: &Origin, wanted: &W, ask: Ask<W, T>) -> AppResult<T> {
        let read = |from: &'static str| metrics::counter!("usher_database_reads_total", "from" => from).increment(1);
        if let Some(tx) = self.db.begin_on_replica(origin.clone(), self.clock.now()).await? {
            let mut tx = tx.under(&self.config.password);
            // A standby ends a read that stands in the way of its replay.
            if let Ok(answer) = ask(&mut tx, wanted).await {
                tx.commit().await.log_and_ignore("what was read is there");
                read("replica");
                return Ok(answer);
            }
        }
        let mut tx = self.begin(origin).await?;
        let answer = ask(&mut tx, wanted).await?;
        tx.commit().await?;
        read("primary");
        Ok(answer)
    }

    /// Begins a transaction of usher's own.
    pub async fn begin_as(&self, actor: Actor) -> DbResult<Tx> {
        self.begin_for(Origin::of(actor)).await
    }

    async fn begin_for(&self, origin: Origin) -> DbResult<Tx> {
        Ok(self.db.begin(origin, self.clock.now()).await?.under(&self.config.password))
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0.parts
    }
}
