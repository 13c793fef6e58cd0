//! Reads from a streaming replica that has everything which was acknowledged before they were asked for. Nobody has to remember what
//! they have written: what the database had flushed to its log when a read begins, the replica must have replayed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use deadpool_postgres::{Object, Pool};
use jiff::Timestamp;
use tokio_postgres::types::PgLsn;

use super::error::{DbError, DbResult};
use super::lanes::{Connector, Pipeline};
use super::pulse::Pulse;
use super::tx::{self, Origin, Tx};
use super::{ConnectOptions, pool};
use crate::clock::Stopwatch;

/// How long a read waits for the replica; then the database answers it.
const PATIENCE: Duration = Duration::from_millis(100);
const LOOK_EVERY: Duration = Duration::from_millis(4);
/// How long nobody asks a replica that was too late or away: each of them would wait in vain.
const REST: Duration = Duration::from_secs(1);
/// How long the first who asks again may take, while nobody else does.
const TRIAL: Duration = Duration::from_secs(2);

/// A standby, and when to ask it again.
pub(super) struct Replica {
    pool: Pool,
    pulse: Arc<Pulse>,
    patience: Duration,
    started: Stopwatch,
    /// Milliseconds since `started`; zero while it serves.
    rests_until: AtomicU64,
}

/// A place in the log of a cluster.
struct Place {
    cluster: i64,
    flushed: PgLsn,
}

impl Replica {
    pub fn new(options: &ConnectOptions) -> anyhow::Result<Self> {
        let connector = Arc::new(Connector::new(options)?);
        Ok(Self {
            pool: pool(options, &connector)?,
            pulse: Arc::new(Pulse::new(&connector)),
            patience: options.connect_timeout,
            started: Stopwatch::start(),
            rests_until: AtomicU64::new(0),
        })
    }

    /// A transaction that reads what the database has, if the replica can give one now.
    pub async fn begin(&self, primary: &Pipeline, origin: Origin, now: Timestamp) -> DbResult<Option<Tx>> {
        if !self.may_ask() {
            return Ok(None);
        }
        // Before all else: what is written from here on may be missing.
        let place = find_place(primary).await?;
        match self.catch_up(&place).await {
            Ok(Some(connection)) => {
                self.rests_until.store(0, Ordering::Relaxed);
                let lent = tx::Lent::new(connection, &self.pulse, self.patience);
                Ok(Some(Tx::begin(lent, origin, now)))
            }
            Ok(None) => {
                self.rest();
                tracing::debug!("the replica is behind; the database itself is read");
                Ok(None)
            }
            Err(error) => {
                self.rest();
                tracing::warn!(%error, "the replica can't be read; the database itself is");
                Ok(None)
            }
        }
    }

    async fn catch_up(&self, place: &Place) -> DbResult<Option<Object>> {
        let connection = self.pool.get().await?;
        let waited = Stopwatch::start();
        loop {
            let lag = match self.pulse.watch(find_lag(&connection, place)).await {
                Ok(lag) => lag?,
                Err(silent) => {
                    drop(Object::take(connection));
                    return Err(silent);
                }
            };
            if lag == Some(0) {
                return Ok(Some(connection));
            }
            if waited.elapsed() > PATIENCE {
                return Ok(None);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// After a rest one tries it for all.
    fn may_ask(&self) -> bool {
        let (now, until) = (self.millis_with(Duration::ZERO), self.rests_until.load(Ordering::Relaxed));
        let tried_by_us =
            || self.rests_until.compare_exchange(until, self.millis_with(TRIAL), Ordering::Relaxed, Ordering::Relaxed).is_ok();
        until == 0 || (now >= until && tried_by_us())
    }

    fn rest(&self) {
        self.rests_until.store(self.millis_with(REST), Ordering::Relaxed);
    }

    /// Since the start, and so much more.
    fn millis_with(&self, more: Duration) -> u64 {
        u64::try_from((self.started.elapsed() + more).as_millis()).unwrap_or(u64::MAX)
    }

    /// What keeps it from being read, for whoever looks for what is wrong; the lag in bytes otherwise.
    pub async fn examine(&self, primary: &Pipeline) -> DbResult<i64> {
        let place = find_place(primary).await?;
        let lag = find_lag(&self.pool.get().await?, &place).await?;
        Ok(lag.unwrap_or_default())
    }
}

/// A commit is acknowledged after it was flushed, so it lies before this.
async fn find_place(primary: &Pipeline) -> DbResult<Place> {
    let sql = "select system_identifier, pg_current_wal_flush_lsn() from pg_control_system()";
    let row = primary.query_opt(sql, &[]).await?;
    let row = row.ok_or_else(|| DbError::Unavailable("the database did not say how far its log is".to_owned()))?;
    Ok(Place { cluster: row.get(0), flushed: row.get(1) })
}

/// How many bytes of the log up to this place the standby has not replayed; not known while it has replayed nothing.
async fn find_lag(connection: &Object, place: &Place) -> DbResult<Option<i64>> {
    let sql = "
        select pg_is_in_recovery() and (select system_identifier from pg_control_system()) = $1,
            case when pg_last_wal_replay_lsn() >= $2 then 0 else pg_wal_lsn_diff($2, pg_last_wal_replay_lsn())::int8 end";
    let row = connection.query_one(&connection.prepare_cached(sql).await?, &[&place.cluster, &place.flushed]).await?;
    if !row.get::<_, bool>(0) {
        return Err(DbError::Unavailable("USHER_DATABASE_READ_URL leads to no standby of the database".to_owned()));
    }
    Ok(row.get(1))
}
