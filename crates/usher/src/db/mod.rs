//! PostgreSQL: three lanes to it, transactions that know who asks, migrations, notifications, and the private server.
//!
//! * the *read lane* ([`lanes::ReadLane`]) gathers look-ups by key that wait at the same time into one statement;
//! * the *pipelined lane* ([`lanes::Pipeline`]) sends other single statements over a few shared connections, and another such
//!   lane those that count;
//! * the *transaction lane* is a pool of at most twice the cores; [`Tx`] is its unit.

mod conditions;
pub mod error;
pub mod followed;
pub mod grants;
pub mod lanes;
pub mod listen;
pub mod migrations;
pub mod page;
pub mod partitions;
pub mod parts;
pub mod preview;
pub mod private;
pub mod programs;
mod pulse;
mod replica;
pub mod restore;
mod tx;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime};
use tokio_postgres::config::{Host, LoadBalanceHosts, SslMode, TargetSessionAttrs};

pub use conditions::Conditions;
pub use error::{DbError, DbResult, OnConstraint};
pub(crate) use tx::values;
pub use tx::{Actor, Origin, Tx, Value};

use crate::clock::Stopwatch;

const KEEPALIVE: Duration = Duration::from_secs(10);

/// How to reach the database, and the bounds on every use of it.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    pub postgres: tokio_postgres::Config,
    /// A standby of it, for lists.
    pub replica: Option<tokio_postgres::Config>,
    pub pool_size: usize,
    pub connect_timeout: Duration,
    pub statement_timeout: Duration,
    pub lock_timeout: Duration,
    pub idle_transaction_timeout: Duration,
}

impl ConnectOptions {
    /// Bounds that suit a server; the address is the caller's.
    pub fn new(postgres: tokio_postgres::Config) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            postgres,
            replica: None,
            pool_size: cores * 2,
            connect_timeout: Duration::from_millis(1500),
            statement_timeout: Duration::from_secs(15),
            lock_timeout: Duration::from_secs(5),
            idle_transaction_timeout: Duration::from_secs(15),
        }
    }

    /// How to reach the standby, under the same bounds.
    fn replica(&self) -> Option<Self> {
        let postgres = self.replica.clone()?;
        Some(Self { postgres, replica: None, ..self.clone() })
    }

    /// What a session begins with. Sent as a statement: a pooler drops, or refuses, what is asked for while connecting.
    fn bounds(&self) -> String {
        format!(
            "set statement_timeout = {}; set lock_timeout = {}; set idle_in_transaction_session_timeout = {}; set timezone = 'UTC'; set jit = off; set max_parallel_workers_per_gather = 0",
            self.statement_timeout.as_millis(),
            self.lock_timeout.as_millis(),
            self.idle_transaction_timeout.as_millis()
        )
    }

    fn prepared(&self) -> tokio_postgres::Config {
        let mut config = self.postgres.clone();
        let local = config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
        // `prefer` would fall back to plain text without saying so, and would refuse the self-made certificate that many
        // servers carry: TLS is either asked for (`sslmode=require`, verified) or not used.
        if local || config.get_ssl_mode() != SslMode::Require {
            config.ssl_mode(SslMode::Disable);
        }
        // Of several servers one may be silent: who asked for the one that writes must not always begin with that.
        if config.get_hosts().len() > 1 && config.get_target_session_attrs() == TargetSessionAttrs::ReadWrite {
            config.load_balance_hosts(LoadBalanceHosts::Random);
        }
        config.application_name("usher");
        config.connect_timeout(self.connect_timeout);
        // A server whose machine has gone without a word is noticed also by a connection that only listens.
        config.keepalives_idle(KEEPALIVE).keepalives_interval(KEEPALIVE).keepalives_retries(3);
        config
    }
}

/// How many connections of the transaction lane there are.
#[derive(Clone, Copy, Debug)]
pub struct PoolUse {
    pub used: usize,
    pub idle: usize,
    pub max: usize,
}

/// The transaction lane.
fn pool(options: &ConnectOptions, connector: &lanes::Connector) -> anyhow::Result<Pool> {
    let bounds: Arc<str> = options.bounds().into();
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let pool = Pool::builder(Manager::from_config(options.prepared(), connector.tls(), recycling))
        .max_size(options.pool_size)
        .wait_timeout(Some(options.connect_timeout))
        .create_timeout(Some(options.connect_timeout))
        .post_create(Hook::async_fn(move |client, _| {
            let bounds = Arc::clone(&bounds);
            Box::pin(async move { client.batch_execute(&bounds).await.map_err(HookError::Backend) })
        }))
        .runtime(Runtime::Tokio1);
    Ok(pool.build()?)
}

/// The way to the database. Cheap to clone.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

struct Inner {
    pool: Pool,
    replica: Option<replica::Replica>,
    read: lanes::ReadLane,
    pipeline: lanes::Pipeline,
    counters: lanes::Pipeline,
    connector: Arc<lanes::Connector>,
    pulse: Arc<pulse::Pulse>,
    wait: Duration,
}

impl Db {
    /// Prepares the lanes. Connections are made when they are first needed, so this works while the database is away.
    pub fn new(options: &ConnectOptions) -> anyhow::Result<Self> {
        let connector = Arc::new(lanes::Connector::new(options)?);
        metrics::counter!("db_client_connection_timeouts_total").absolute(0);
        let pulse = Arc::new(pulse::Pulse::new(&connector));
        Ok(Self(Arc::new(Inner {
            pool: pool(options, &connector)?,
            replica: options.replica().map(|options| replica::Replica::new(&options)).transpose()?,
            read: lanes::ReadLane::start(&connector, &pulse),
            pipeline: lanes::Pipeline::new(&connector, &pulse),
            counters: lanes::Pipeline::new(&connector, &pulse),
            connector,
            pulse,
            wait: options.connect_timeout,
        })))
    }

    /// Begins a transaction for `origin`; `now` is the time of everything in it.
    pub async fn begin(&self, origin: Origin, now: jiff::Timestamp) -> DbResult<Tx> {
        let waited = Stopwatch::start();
        let connection = self.0.pool.get().await;
        metrics::histogram!("db_client_connection_wait_time_seconds").record(waited.elapsed().as_secs_f64());
        if let Err(PoolError::Timeout(_)) = connection {
            metrics::counter!("db_client_connection_timeouts_total").increment(1);
        }
        let connection = connection?;
        Ok(Tx::begin(tx::Lent::new(connection, &self.0.pulse, self.0.wait), origin, now))
    }

    /// Waits for what others ask the database for, but not once it has stopped answering anybody.
    pub async fn watch<A: Future>(&self, answer: A) -> DbResult<A::Output> {
        self.0.pulse.watch(answer).await
    }

    /// Begins a transaction on the replica, if there is one that has everything which was acknowledged before.
    pub async fn begin_on_replica(&self, origin: Origin, now: jiff::Timestamp) -> DbResult<Option<Tx>> {
        match &self.0.replica {
            Some(replica) => replica.begin(&self.0.pipeline, origin, now).await,
            None => Ok(None),
        }
    }

    /// How many bytes of the log the replica lacks, or what is wrong with it. `None` without one.
    pub async fn examine_replica(&self) -> Option<DbResult<i64>> {
        Some(self.0.replica.as_ref()?.examine(&self.0.pipeline).await)
    }

    /// The look-up lane.
    pub fn read(&self) -> &lanes::ReadLane {
        &self.0.read
    }

    /// The lane for single statements that only read.
    pub fn pipeline(&self) -> &lanes::Pipeline {
        &self.0.pipeline
    }

    /// The lane for single statements that count: they write, and nothing else hangs on them.
    pub fn counters(&self) -> &lanes::Pipeline {
        &self.0.counters
    }

    /// A connection of its own, outside the lanes: for LISTEN, migrations and advisory locks.
    pub async fn dedicated(&self) -> DbResult<tokio_postgres::Client> {
        let (client, _) = self.0.connector.connect().await?;
        Ok(client)
    }

    pub(crate) fn connector(&self) -> &Arc<lanes::Connector> {
        &self.0.connector
    }

    /// Answers when the database does.
    pub async fn ping(&self) -> DbResult<()> {
        let ask = self.0.pipeline.query("select 1", &[]);
        match tokio::time::timeout(self.0.wait, ask).await {
            Ok(answer) => answer.map(|_| ()),
            Err(_) => Err(DbError::Unavailable("the database did not answer in time".to_owned())),
        }
    }

    /// Connections of the transaction lane.
    pub fn pool_use(&self) -> PoolUse {
        let status = self.0.pool.status();
        PoolUse { used: status.size.saturating_sub(status.available), idle: status.available, max: status.max_size }
    }

    /// Closes the transaction lane, before the database itself is stopped.
    pub fn close(&self) {
        self.0.pool.close();
    }
}
