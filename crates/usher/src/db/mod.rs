//! PostgreSQL: three lanes to it, transactions that know who asks, migrations, notifications, and the private server.
//!
//! * the *read lane* ([`lanes::ReadLane`]) gathers look-ups by key that wait at the same time into one statement;
//! * the *pipelined lane* ([`lanes::Pipeline`]) sends other single statements over a few shared connections, and another such
//!   lane those that count;
//! * the *transaction lane* is a pool of at most twice the cores; [`Tx`] is its unit.

pub mod error;
pub mod grants;
pub mod lanes;
pub mod listen;
pub mod migrations;
pub mod page;
pub mod preview;
pub mod private;
pub mod programs;
mod pulse;
pub mod restore;
mod tx;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use tokio_postgres::config::{Host, SslMode};

pub use error::{DbError, DbResult, OnConstraint};
pub use tx::{Actor, Origin, Tx};

const KEEPALIVE: Duration = Duration::from_secs(10);

/// How to reach the database, and the bounds on every use of it.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    pub postgres: tokio_postgres::Config,
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
            pool_size: cores * 2,
            connect_timeout: Duration::from_millis(1500),
            statement_timeout: Duration::from_secs(15),
            lock_timeout: Duration::from_secs(5),
            idle_transaction_timeout: Duration::from_secs(15),
        }
    }

    fn prepared(&self) -> tokio_postgres::Config {
        let mut config = self.postgres.clone();
        let local = config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
        // `prefer` would fall back to plain text without saying so, and would refuse the self-made certificate that many
        // servers carry: TLS is either asked for (`sslmode=require`, verified) or not used.
        if local || config.get_ssl_mode() != SslMode::Require {
            config.ssl_mode(SslMode::Disable);
        }
        let own = format!(
            "-c statement_timeout={} -c lock_timeout={} -c idle_in_transaction_session_timeout={} -c timezone=UTC",
            self.statement_timeout.as_millis(),
            self.lock_timeout.as_millis(),
            self.idle_transaction_timeout.as_millis()
        );
        let options = match config.get_options() {
            Some(given) => format!("{given} {own}"),
            None => own,
        };
        config.options(options);
        config.application_name("usher");
        config.connect_timeout(self.connect_timeout);
        // A server whose machine has gone without a word is noticed also by a connection that only listens.
        config.keepalives_idle(KEEPALIVE).keepalives_interval(KEEPALIVE).keepalives_retries(3);
        config
    }
}

/// The way to the database. Cheap to clone.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

struct Inner {
    pool: Pool,
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
        let config = options.prepared();
        let connector = Arc::new(lanes::Connector::new(config.clone(), options.connect_timeout, options.statement_timeout)?);
        let manager = Manager::from_config(config, connector.tls(), ManagerConfig { recycling_method: RecyclingMethod::Fast });
        let pool = Pool::builder(manager)
            .max_size(options.pool_size)
            .wait_timeout(Some(options.connect_timeout))
            .create_timeout(Some(options.connect_timeout))
            .runtime(Runtime::Tokio1)
            .build()?;
        let pulse = Arc::new(pulse::Pulse::new(&connector));
        Ok(Self(Arc::new(Inner {
            pool,
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
        let connection = self.0.pool.get().await?;
        Tx::begin(tx::Lent::new(connection, &self.0.pulse, self.0.wait), origin, now).await
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
        let (client, connection) = self.0.connector.connect().await?;
        tokio::spawn(connection);
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

    /// Connections of the transaction lane: (in use, all).
    pub fn pool_use(&self) -> (usize, usize) {
        let status = self.0.pool.status();
        (status.size.saturating_sub(status.available), status.max_size)
    }

    /// Closes the transaction lane, before the database itself is stopped.
    pub fn close(&self) {
        self.0.pool.close();
    }
}
