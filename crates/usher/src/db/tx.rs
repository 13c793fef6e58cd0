//! One transaction: who asked for it, when, and the statements in it. Dropped without a commit, it is rolled back.

use std::net::IpAddr;

use deadpool_postgres::Object;
use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::error::DbResult;
use crate::id::UserId;
use crate::network::Network;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    Anonymous,
    User(UserId),
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
}

/// Where a request comes from; every audit row of its transaction says so.
#[derive(Clone, Debug)]
pub struct Origin {
    pub actor: Actor,
    pub request_id: Option<String>,
    pub address: Option<IpAddr>,
    pub user_agent: Option<String>,
    pub reason: Option<String>,
}

impl Origin {
    pub fn of(actor: Actor) -> Self {
        Self { actor, request_id: None, address: None, user_agent: None, reason: None }
    }

    /// The network it comes from, for limits.
    pub fn network(&self) -> Network {
        Network::of(self.address)
    }

    /// The same origin after the person has shown who they are.
    #[must_use]
    pub fn as_user(mut self, id: UserId) -> Self {
        self.actor = Actor::User(id);
        self
    }
}

/// A transaction at the isolation level READ COMMITTED.
pub struct Tx {
    connection: Option<Object>,
    origin: Origin,
    now: Timestamp,
}

impl Tx {
    pub(super) async fn begin(connection: Object, origin: Origin, now: Timestamp) -> DbResult<Self> {
        let tx = Self { connection: Some(connection), origin, now };
        tx.connection().batch_execute("begin").await?;
        Ok(tx)
    }

    /// The time of everything in this transaction.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// From here on the transaction acts as this user: they have just proved who they are.
    pub fn act_as(&mut self, id: UserId) {
        self.origin.actor = Actor::User(id);
    }

    pub async fn query(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> DbResult<Vec<Row>> {
        let statement = self.connection().prepare_cached(sql).await?;
        Ok(self.connection().query(&statement, params).await?)
    }

    pub async fn query_opt(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> DbResult<Option<Row>> {
        let statement = self.connection().prepare_cached(sql).await?;
        Ok(self.connection().query_opt(&statement, params).await?)
    }

    pub async fn query_one(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> DbResult<Row> {
        let statement = self.connection().prepare_cached(sql).await?;
        Ok(self.connection().query_one(&statement, params).await?)
    }

    /// Runs a statement and says how many rows it touched.
    pub async fn execute(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> DbResult<u64> {
        let statement = self.connection().prepare_cached(sql).await?;
        Ok(self.connection().execute(&statement, params).await?)
    }

    /// Makes everything in the transaction last. Only after this has returned may anybody be told.
    pub async fn commit(mut self) -> DbResult<()> {
        let connection = self.connection.take().expect("a transaction is committed once");
        connection.batch_execute("commit").await?;
        Ok(())
    }

    fn connection(&self) -> &Object {
        self.connection.as_ref().expect("the connection leaves a transaction only at its end")
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        // The connection goes back to the pool only after the roll-back; if that fails it is closed and never reused.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(async move {
                    if connection.batch_execute("rollback").await.is_err() {
                        drop(Object::take(connection));
                    }
                });
            }
            Err(_) => drop(Object::take(connection)),
        }
    }
}
