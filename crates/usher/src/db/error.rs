//! What PostgreSQL's failures mean to the house: away for now, a constraint that speaks, or a fault of ours.

use deadpool_postgres::PoolError;
use tokio_postgres::error::SqlState;

use crate::error::{AppError, Rejection};

pub type DbResult<T> = Result<T, DbError>;

/// A failure of the database or of a statement.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// Away, starting, full, read-only after a failover, or the transaction lost a race: trying again may work.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// A named constraint of the schema refused the change.
    #[error("constraint {name} refused the change")]
    Constraint { name: String, source: tokio_postgres::Error },
    #[error("the statement failed")]
    Statement(#[source] tokio_postgres::Error),
}

/// SQLSTATEs after which the same request may succeed.
const PASSING: &[SqlState] = &[
    SqlState::ADMIN_SHUTDOWN,
    SqlState::CRASH_SHUTDOWN,
    SqlState::CANNOT_CONNECT_NOW,
    SqlState::TOO_MANY_CONNECTIONS,
    SqlState::READ_ONLY_SQL_TRANSACTION,
    SqlState::T_R_SERIALIZATION_FAILURE,
    SqlState::T_R_DEADLOCK_DETECTED,
    SqlState::LOCK_NOT_AVAILABLE,
    SqlState::QUERY_CANCELED,
    SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
    SqlState::DISK_FULL,
    SqlState::OUT_OF_MEMORY,
];

impl DbError {
    /// Whether the statement took longer than it may.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Unavailable(why) if why.ends_with(&format!("({})", SqlState::QUERY_CANCELED.code())))
    }
}

impl From<tokio_postgres::Error> for DbError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(answer) = error.as_db_error() else {
            // No answer from the server: the connection is gone or was never there, or the parameters did not fit.
            return if error.to_string().contains("serializing parameter") || error.to_string().contains("deserializing") {
                Self::Statement(error)
            } else {
                Self::Unavailable(error.to_string())
            };
        };
        let state = answer.code();
        if PASSING.contains(state) || state.code().starts_with("08") {
            return Self::Unavailable(format!("{} ({})", answer.message(), state.code()));
        }
        match answer.constraint() {
            Some(name) if state.code().starts_with("23") => Self::Constraint { name: name.to_owned(), source: error },
            _ => Self::Statement(error),
        }
    }
}

impl From<PoolError> for DbError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => error.into(),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

impl From<DbError> for AppError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Unavailable(why) => {
                tracing::warn!(why, "the database is not available");
                Rejection::unavailable("database_unavailable", "The database is not available. Try again shortly.", 2).into()
            }
            other => Self::Internal(other.into()),
        }
    }
}

/// Turns a named constraint's refusal into an answer for the caller.
pub trait OnConstraint<T> {
    fn on_constraint(self, name: &str, answer: impl FnOnce() -> Rejection) -> Result<T, AppError>;
}

impl<T, E: Into<AppError> + AsDb> OnConstraint<T> for Result<T, E> {
    fn on_constraint(self, name: &str, answer: impl FnOnce() -> Rejection) -> Result<T, AppError> {
        self.map_err(|error| if error.is_constraint(name) { answer().into() } else { error.into() })
    }
}

/// Errors that may hold a constraint's refusal.
pub trait AsDb {
    fn is_constraint(&self, name: &str) -> bool;
}

impl AsDb for DbError {
    fn is_constraint(&self, wanted: &str) -> bool {
        matches!(self, Self::Constraint { name, .. } if name == wanted)
    }
}

impl AsDb for AppError {
    fn is_constraint(&self, wanted: &str) -> bool {
        match self {
            Self::Internal(error) => error.downcast_ref::<DbError>().is_some_and(|error| error.is_constraint(wanted)),
            Self::Rejected(_) => false,
        }
    }
}
