//! The lanes for statements outside transactions: look-ups gathered by key, and single reads pipelined over shared connections.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use deadpool_postgres::ClientWrapper;
use jiff::Timestamp;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Config, Row};
use tokio_postgres_rustls::MakeRustlsConnect;
use tracing::Instrument;
use uuid::Uuid;

use super::ConnectOptions;
use super::error::{DbError, DbResult};
use super::pulse::Pulse;
use crate::telemetry::statement;

/// Look-ups that one statement answers at the most.
const GATHER_MAX: usize = 64;
/// Look-ups that may wait; beyond, the caller is told to come back.
const WAITING_MAX: usize = 4096;
const PIPELINE_CONNECTIONS: usize = 2;

/// Makes connections.
pub struct Connector {
    config: Config,
    tls: MakeRustlsConnect,
    /// What every session begins with.
    bounds: String,
    /// How long connecting may take, from the first packet to the session.
    within: Duration,
    /// How long a single statement outside a transaction may take: a little longer than PostgreSQL lets it.
    answers_within: Duration,
}

impl Connector {
    pub(super) fn new(options: &ConnectOptions) -> anyhow::Result<Self> {
        let config = options.prepared();
        let mut roots = rustls::RootCertStore::empty();
        if config.get_ssl_mode() == SslMode::Require {
            let found = rustls_native_certs::load_native_certs();
            anyhow::ensure!(!found.certs.is_empty(), "sslmode=require needs the system's certificates, and none were found");
            roots.add_parsable_certificates(found.certs);
        }
        // Without `require` the connector is never used, and trusts nobody.
        let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let tls = MakeRustlsConnect::new(tls);
        Ok(Self {
            config,
            tls,
            bounds: options.bounds(),
            within: options.connect_timeout,
            answers_within: options.statement_timeout + Duration::from_secs(1),
        })
    }

    pub(super) fn answers_within(&self) -> Duration {
        self.answers_within
    }

    /// Whether the server answers anybody: a refusal is an answer too. A statement is put, since a pooler lets in by itself.
    pub(super) async fn is_answered(&self) -> bool {
        let ask = async {
            let (client, connection) = match self.config.connect(self.tls()).await {
                Ok(made) => made,
                Err(error) => return error.as_db_error().is_some(),
            };
            // A pooler says by a connection exception that it got no further.
            let is_refusal = |error: &tokio_postgres::Error| error.code().is_some_and(|code| !code.code().starts_with("08"));
            tokio::select! {
                answer = client.simple_query("select 1") => answer.map_or_else(|error| is_refusal(&error), |_| true),
                _ = connection => false,
            }
        };
        tokio::time::timeout(self.within, ask).await.unwrap_or(false)
    }

    pub(super) fn tls(&self) -> MakeRustlsConnect {
        self.tls.clone()
    }

    /// A new connection, and the task that drives it.
    pub(super) async fn connect(&self) -> DbResult<(tokio_postgres::Client, JoinHandle<()>)> {
        let (client, connection) = self.connect_raw().await?;
        let driver = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to the database ended");
            }
        });
        match tokio::time::timeout(self.within, client.batch_execute(&self.bounds)).await {
            Ok(done) => done?,
            Err(_) => return Err(DbError::Unavailable("the database does not answer".to_owned())),
        }
        Ok((client, driver))
    }

    /// A connection whose notifications the caller reads.
    pub(super) async fn connect_raw(
        &self,
    ) -> DbResult<(
        tokio_postgres::Client,
        tokio_postgres::Connection<
            tokio_postgres::Socket,
            <MakeRustlsConnect as tokio_postgres::tls::MakeTlsConnect<tokio_postgres::Socket>>::Stream,
        >,
    )> {
        match tokio::time::timeout(self.within, self.config.connect(self.tls())).await {
            Ok(made) => Ok(made?),
            Err(_) => Err(DbError::Unavailable("the database does not answer".to_owned())),
        }
    }
}

/// One connection that many callers use at once; made anew when it has ended.
struct Shared {
    connector: Arc<Connector>,
    pulse: Arc<Pulse>,
    current: Mutex<Option<Arc<ClientWrapper>>>,
}

impl Shared {
    fn new(connector: &Arc<Connector>, pulse: &Arc<Pulse>) -> Self {
        Self { connector: Arc::clone(connector), pulse: Arc::clone(pulse), current: Mutex::new(None) }
    }

    async fn client(&self) -> DbResult<Arc<ClientWrapper>> {
        let mut current = self.current.lock().await;
        if let Some(client) = current.as_ref().filter(|client| !client.is_closed()) {
            return Ok(Arc::clone(client));
        }
        let (client, driver) = self.connector.connect().await?;
        let client = Arc::new(ClientWrapper::new(client, driver));
        *current = Some(Arc::clone(&client));
        Ok(client)
    }

    async fn query(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> DbResult<Vec<Row>> {
        let ask = async {
            let client = self.client().await?;
            let statement = client.prepare_cached(sql).await?;
            Ok(client.query(&statement, params).await?)
        };
        match self.pulse.watch(ask).await {
            Ok(answer) => answer,
            Err(silent) => {
                // The next caller begins with a connection of its own.
                *self.current.lock().await = None;
                Err(silent)
            }
        }
    }
}

/// Single statements that only read, over a few shared connections. PostgreSQL sees them back to back.
pub struct Pipeline {
    connections: Vec<Shared>,
    next: AtomicUsize,
}

impl Pipeline {
    pub(super) fn new(connector: &Arc<Connector>, pulse: &Arc<Pulse>) -> Self {
        let connections = (0..PIPELINE_CONNECTIONS).map(|_| Shared::new(connector, pulse)).collect();
        Self { connections, next: AtomicUsize::new(0) }
    }

    pub async fn query(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> DbResult<Vec<Row>> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.connections.len();
        self.connections[turn].query(sql, params).instrument(statement(sql)).await
    }

    pub async fn query_opt(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> DbResult<Option<Row>> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }
}

struct LookUp {
    sql: &'static str,
    key: Uuid,
    at: Timestamp,
    reply: oneshot::Sender<DbResult<Option<Arc<Row>>>>,
}

/// Look-ups by key. Those that wait while another is on its way travel together as one `= any($1)`; a lone one waits for nothing.
pub struct ReadLane {
    sender: mpsc::Sender<LookUp>,
    pulse: Arc<Pulse>,
}

impl ReadLane {
    pub(super) fn start(connector: &Arc<Connector>, pulse: &Arc<Pulse>) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        let receiver = Arc::new(Mutex::new(receiver));
        let lanes = std::thread::available_parallelism().map_or(2, usize::from).min(4);
        for _ in 0..lanes {
            tokio::spawn(serve(Shared::new(connector, pulse), Arc::clone(&receiver)));
        }
        Self { sender, pulse: Arc::clone(pulse) }
    }

    /// The row with this key, as it is at a time. `sql` takes the keys as `$1` (`uuid[]`) and the time as `$2`, and its first column
    /// is the key. Those that travel together are answered as of the latest of their times.
    pub async fn find(&self, sql: &'static str, key: Uuid, at: Timestamp) -> DbResult<Option<Arc<Row>>> {
        let (reply, answer) = oneshot::channel();
        self.sender
            .try_send(LookUp { sql, key, at, reply })
            .map_err(|_| DbError::Unavailable("too many look-ups are waiting".to_owned()))?;
        // Watched here too: one who waits behind others must not wait for all of them to be given up.
        self.pulse
            .watch(answer)
            .instrument(statement(sql))
            .await?
            .unwrap_or_else(|_| Err(DbError::Unavailable("the look-up was lost".to_owned())))
    }
}

async fn serve(connection: Shared, receiver: Arc<Mutex<mpsc::Receiver<LookUp>>>) {
    let mut waiting = Vec::with_capacity(GATHER_MAX);
    loop {
        waiting.clear();
        if receiver.lock().await.recv_many(&mut waiting, GATHER_MAX).await == 0 {
            return;
        }
        while let Some(first) = waiting.first() {
            let sql = first.sql;
            let (same, rest): (Vec<_>, Vec<_>) = waiting.drain(..).partition(|look_up| std::ptr::eq(look_up.sql, sql));
            waiting = rest;
            answer_together(&connection, sql, same).await;
        }
    }
}

async fn answer_together(connection: &Shared, sql: &'static str, mut look_ups: Vec<LookUp>) {
    if look_ups.len() == 1
        && let Some(look_up) = look_ups.pop()
    {
        return answer_alone(connection, sql, look_up).await;
    }
    let mut keys: Vec<Uuid> = look_ups.iter().map(|look_up| look_up.key).collect();
    keys.sort_unstable();
    keys.dedup();
    let at = look_ups.iter().map(|look_up| look_up.at).max();
    match connection.query(sql, &[&keys, &at]).await {
        Ok(rows) => {
            let rows: HashMap<Uuid, Arc<Row>> = rows.into_iter().map(|row| (row.get(0), Arc::new(row))).collect();
            for look_up in look_ups {
                let _ = look_up.reply.send(Ok(rows.get(&look_up.key).cloned()));
            }
        }
        Err(DbError::Statement(error)) => {
            // One bad member must not fail its companions.
            tracing::debug!(%error, "retrying gathered look-ups one by one");
            for look_up in look_ups {
                answer_alone(connection, sql, look_up).await;
            }
        }
        Err(error) => {
            let why = error.to_string();
            for look_up in look_ups {
                let _ = look_up.reply.send(Err(DbError::Unavailable(why.clone())));
            }
        }
    }
}

async fn answer_alone(connection: &Shared, sql: &'static str, look_up: LookUp) {
    let answer = connection.query(sql, &[&vec![look_up.key], &look_up.at]).await;
    // A caller that has gone away no longer wants its answer.
    let _ = look_up.reply.send(answer.map(|rows| rows.into_iter().next().map(Arc::new)));
}
