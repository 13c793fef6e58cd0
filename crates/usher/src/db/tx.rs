//! One transaction: who asked for it, when, and the statements in it. Dropped without a commit, it is rolled back.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::Object;
use futures_util::future::try_join_all;
use jiff::Timestamp;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Statement};
use tracing::Instrument;
use uuid::Uuid;

use super::error::{DbError, DbResult};
use super::pulse::Pulse;
use crate::config;
use crate::id::{ApiKeyId, ServiceAccountId, UserId};
use crate::network::Network;
use crate::telemetry::statement;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    Anonymous,
    User(UserId),
    ServiceAccount(ServiceAccountId),
    /// An operator at the command line.
    Cli,
    /// usher itself: jobs and schedules.
    System,
}

impl Actor {
    /// As stored in PostgreSQL.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::User(_) => "user",
            Self::ServiceAccount(_) => "service_account",
            Self::Cli => "cli",
            Self::System => "system",
        }
    }

    pub fn user_id(&self) -> Option<UserId> {
        match self {
            Self::User(id) => Some(*id),
            _ => None,
        }
    }

    /// The id of whoever has one.
    pub fn id(&self) -> Option<Uuid> {
        match self {
            Self::User(id) => Some(id.uuid()),
            Self::ServiceAccount(id) => Some(id.uuid()),
            Self::Anonymous | Self::Cli | Self::System => None,
        }
    }
}

/// Where a request comes from; every audit row of its transaction says so.
#[derive(Clone, Debug)]
pub struct Origin {
    pub actor: Actor,
    /// The key that a program has shown.
    pub api_key: Option<ApiKeyId>,
    pub request_id: Option<String>,
    pub address: Option<IpAddr>,
    pub user_agent: Option<String>,
    pub reason: Option<String>,
    /// The change set that all of it belongs to; without one, each change is a set of its own.
    pub change: Option<Uuid>,
}

impl Origin {
    pub fn of(actor: Actor) -> Self {
        Self { actor, api_key: None, request_id: None, address: None, user_agent: None, reason: None, change: None }
    }

    /// The network it comes from, for limits.
    pub fn network(&self) -> Network {
        Network::of(self.address)
    }

    /// The same origin after whoever asks has shown who they are.
    #[must_use]
    pub fn by(mut self, actor: Actor) -> Self {
        self.actor = actor;
        self
    }
}

/// So many statements wait for the next one at the most.
const WAITING_MAX: usize = 16;

/// A value of a statement that goes out later.
pub type Value = Box<dyn ToSql + Sync + Send>;

/// The values of a statement that goes out later.
macro_rules! values {
    ($($value:expr),* $(,)?) => {
        vec![$(Box::new($value) as $crate::db::Value),*]
    };
}
pub(crate) use values;

/// What goes out with the next question: PostgreSQL works at all of it in its order, and nobody waits in between.
enum Waiting {
    Begin,
    Statement { sql: &'static str, values: Vec<Value> },
}

impl Waiting {
    async fn prepare(&self, connection: &Object) -> Result<Option<Statement>, tokio_postgres::Error> {
        match self {
            Self::Begin => Ok(None),
            Self::Statement { sql, .. } => connection.prepare_cached(sql).await.map(Some),
        }
    }

    async fn send(&self, connection: &Object, prepared: Option<&Statement>, patience: Duration) -> Result<(), Stop> {
        match (self, prepared) {
            (Self::Statement { sql, values }, Some(prepared)) => {
                let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect();
                connection.execute(prepared, &values).instrument(statement(sql)).await?;
            }
            // Nothing can make this wait but a server that does not answer.
            _ => tokio::time::timeout(patience, connection.batch_execute("begin")).await.map_err(|_| Stop::Silent)??,
        }
        Ok(())
    }
}

/// Why there is no answer to what was sent together.
enum Stop {
    Failed(tokio_postgres::Error),
    Silent,
}

impl From<tokio_postgres::Error> for Stop {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Failed(error)
    }
}

/// A connection that a transaction has from the pool. It goes back only in a state that is known to be good.
pub(super) struct Lent {
    connection: Option<Object>,
    pulse: Arc<Pulse>,
    /// How long ending a transaction that is given up may take.
    patience: Duration,
    spoilt: bool,
    /// What the transaction began with has failed: nothing may run on the connection any more as if it had begun.
    failed: bool,
}

impl Lent {
    pub fn new(connection: Object, pulse: &Arc<Pulse>, patience: Duration) -> Self {
        Self { connection: Some(connection), pulse: Arc::clone(pulse), patience, spoilt: false, failed: false }
    }

    fn connection(&self) -> &Object {
        self.connection.as_ref().expect("the connection is there until it is given back")
    }

    /// Waits for the answer to a question that was put to this connection.
    async fn answer<T>(&mut self, ask: impl AsyncFnOnce(&Object) -> Result<T, tokio_postgres::Error>) -> DbResult<T> {
        match self.pulse.watch(ask(self.connection())).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                // After a failover this server, or this session of it, may never write again.
                self.spoilt |= error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION);
                Err(error.into())
            }
            Err(silent) => {
                self.spoilt = true;
                Err(silent)
            }
        }
    }

    /// Sends what waits, and the question after it. The first of them that fails has gone wrong; the others only follow it.
    async fn answer_after<T>(
        &mut self,
        waiting: Vec<Waiting>,
        ask: impl AsyncFnOnce(&Object) -> Result<T, tokio_postgres::Error>,
    ) -> DbResult<T> {
        if self.failed {
            return Err(DbError::Unavailable("the transaction has failed before".to_owned()));
        }
        if waiting.is_empty() {
            return self.answer(ask).await;
        }
        // Until there is an answer: a statement that can't be prepared keeps the beginning from being sent.
        self.failed = matches!(waiting[..], [Waiting::Begin, ..]);
        let patience = self.patience;
        let all = async |connection: &Object| {
            let mut prepared = Vec::with_capacity(waiting.len());
            for one in &waiting {
                prepared.push(one.prepare(connection).await?);
            }
            let before = try_join_all(
                waiting.iter().zip(&prepared).map(|(one, prepared)| one.send(connection, prepared.as_ref(), patience)),
            );
            let question = async { Ok(ask(connection).await?) };
            match futures_util::try_join!(before, question) {
                Ok((_, answer)) => Ok(Some(answer)),
                Err(Stop::Failed(error)) => Err(error),
                Err(Stop::Silent) => Ok(None),
            }
        };
        let answer = self.answer(all).await?.ok_or_else(|| {
            self.spoilt = true;
            DbError::Unavailable("the database does not answer".to_owned())
        })?;
        self.failed = false;
        Ok(answer)
    }

    fn take(&mut self) -> Option<Object> {
        let connection = self.connection.take()?;
        if self.spoilt {
            drop(Object::take(connection));
            return None;
        }
        Some(connection)
    }
}

/// A transaction at the isolation level READ COMMITTED. Its beginning goes out with its first statement.
pub struct Tx {
    lent: Lent,
    waiting: Vec<Waiting>,
    origin: Origin,
    now: Timestamp,
    /// Read by the gate.
    all_need_second_factor: bool,
}

impl Tx {
    pub(super) fn begin(lent: Lent, origin: Origin, now: Timestamp) -> Self {
        Self { lent, waiting: vec![Waiting::Begin], origin, now, all_need_second_factor: false }
    }

    /// The time of everything in this transaction.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Whether everybody must have a second factor here, whatever their roles ask for.
    pub fn all_need_second_factor(&self) -> bool {
        self.all_need_second_factor
    }

    /// Here, that is under these rules.
    #[must_use]
    pub fn under(mut self, rules: &config::Password) -> Self {
        self.all_need_second_factor = rules.needs_second_factor();
        self
    }

    /// From here on the transaction acts as this user: they have just proved who they are.
    pub fn act_as(&mut self, id: UserId) {
        self.origin.actor = Actor::User(id);
    }

    /// What happens from here on happens for this reason.
    pub fn act_because(&mut self, reason: Option<String>) {
        self.origin.reason = reason;
    }

    /// From here on, what is changed belongs to this change set.
    pub fn belong_to(&mut self, change: Uuid) {
        self.origin.change = Some(change);
    }

    /// What a request has asked for is done in this transaction: by whom, where from and when is as it was then.
    pub fn go_on_for(&mut self, origin: Origin, asked_at: Timestamp) {
        self.origin = origin;
        self.now = asked_at;
    }

    /// Puts a question, after all that waits.
    async fn ask<T>(&mut self, sql: &str, ask: impl AsyncFnOnce(&Object) -> Result<T, tokio_postgres::Error>) -> DbResult<T> {
        let waiting = std::mem::take(&mut self.waiting);
        self.lent.answer_after(waiting, ask).instrument(statement(sql)).await
    }

    pub async fn query(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> DbResult<Vec<Row>> {
        self.ask(sql, async |connection| connection.query(&connection.prepare_cached(sql).await?, params).await).await
    }

    /// From here to its end each statement takes the time it takes.
    pub async fn lift_statement_timeout(&mut self) -> DbResult<()> {
        self.execute_once("set local statement_timeout = 0", &[]).await?;
        Ok(())
    }

    /// Runs a statement whose text is made for this one time: it is planned for its values, and nobody keeps it.
    pub async fn query_once(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> DbResult<Vec<Row>> {
        self.ask(sql, async |connection| connection.query(sql, params).await).await
    }

    /// The same for a statement that returns no rows: it says how many it touched.
    pub async fn execute_once(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> DbResult<u64> {
        self.ask(sql, async |connection| connection.execute(sql, params).await).await
    }

    pub async fn query_opt(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> DbResult<Option<Row>> {
        self.ask(sql, async |connection| connection.query_opt(&connection.prepare_cached(sql).await?, params).await).await
    }

    pub async fn query_one(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> DbResult<Row> {
        self.ask(sql, async |connection| connection.query_one(&connection.prepare_cached(sql).await?, params).await).await
    }

    /// Runs a statement and says how many rows it touched.
    pub async fn execute(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> DbResult<u64> {
        self.ask(sql, async |connection| connection.execute(&connection.prepare_cached(sql).await?, params).await).await
    }

    /// Has a statement run before the next one, or before the commit, and lets nobody wait for it. If it fails, what comes next does.
    pub async fn execute_later(&mut self, sql: &'static str, values: Vec<Value>) -> DbResult<()> {
        self.waiting.push(Waiting::Statement { sql, values });
        if self.waiting.len() < WAITING_MAX {
            return Ok(());
        }
        self.send_waiting().await
    }

    /// From here to its end statements are planned to find rows by indexes. Where many keys are looked for at once, a table that was empty
    /// when a statement was planned would be read through long after it has grown.
    pub async fn find_by_indexes(&mut self) -> DbResult<()> {
        let sql = "
            select set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
                set_config('enable_mergejoin', 'off', true)";
        self.execute_later(sql, values![]).await
    }

    async fn send_waiting(&mut self) -> DbResult<()> {
        let waiting = std::mem::take(&mut self.waiting);
        self.lent.answer_after(waiting, async |_| Ok(())).await
    }

    /// The connection, for what is no single statement. What is asked of it is part of the transaction.
    pub async fn connection(&mut self) -> DbResult<&tokio_postgres::Client> {
        self.send_waiting().await?;
        Ok(self.lent.connection())
    }

    /// Makes everything in the transaction last. Only after this has returned may anybody be told. A failure may mean that the
    /// answer was lost and not the transaction: only a repetition under the same idempotency key tells.
    pub async fn commit(mut self) -> DbResult<()> {
        if !matches!(self.waiting[..], [Waiting::Begin]) {
            self.ask("commit", async |connection| connection.batch_execute("commit").await).await?;
        }
        // There is nothing left to roll back.
        drop(self.lent.take());
        Ok(())
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        let patience = self.lent.patience;
        let Some(connection) = self.lent.take() else { return };
        if matches!(self.waiting[..], [Waiting::Begin, ..]) {
            return;
        }
        // The connection goes back to the pool only after the roll-back; if that fails it is closed and never reused.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(async move {
                    let rolled_back = tokio::time::timeout(patience, connection.batch_execute("rollback")).await;
                    if !matches!(rolled_back, Ok(Ok(()))) {
                        drop(Object::take(connection));
                    }
                });
            }
            Err(_) => drop(Object::take(connection)),
        }
    }
}
