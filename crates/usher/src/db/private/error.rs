//! Why the private PostgreSQL could not start or stop, in sentences that say what to mend.

use std::{io, path::PathBuf};

use thiserror::Error;

/// Why there is no private PostgreSQL. The text is for the person who started usher.
#[derive(Debug, Error)]
pub enum StartError {
    /// No directory holds both `postgres` and `initdb`.
    #[error(
        "PostgreSQL's server programs (postgres and initdb) were not found. Install PostgreSQL 15 to 18 \
         (Debian, Ubuntu: apt-get install postgresql; Fedora, RHEL: dnf install postgresql-server; \
         Alpine: apk add postgresql; macOS: brew install postgresql@17), \
         or name the directory they are in with USHER_PG_BIN, \
         or set USHER_DATABASE_URL to a PostgreSQL that runs already"
    )]
    BinariesMissing,

    /// `USHER_PG_BIN` points to a place without usable server programs.
    #[error(
        "USHER_PG_BIN is {}, but {problem}; it must be the directory that holds PostgreSQL's postgres and initdb",
        place.display()
    )]
    PgBinUnusable { place: PathBuf, problem: String },

    /// The programs are of a PostgreSQL that usher is not tested with.
    #[error(
        "found PostgreSQL {found}, but usher works with PostgreSQL 15 to 18: install one of these, \
         name its directory with USHER_PG_BIN, or set USHER_DATABASE_URL"
    )]
    UnsupportedVersion { found: String },

    /// The cluster is of a PostgreSQL that usher is not tested with.
    #[error(
        "the database cluster in {} was made by PostgreSQL {version}, but usher works with PostgreSQL 15 to 18: \
         move its data to one of these with pg_upgrade or pg_dump, or give usher another USHER_DATA_DIR",
        cluster.display()
    )]
    UnsupportedCluster { cluster: PathBuf, version: String },

    /// A cluster can only be opened by the major version that made it.
    #[error(
        "the database cluster in {} was made by PostgreSQL {version}, but found only PostgreSQL {found}: \
         install PostgreSQL {version} or name its directory with USHER_PG_BIN, \
         or move the data to the other version with pg_upgrade",
        cluster.display()
    )]
    OtherMajor { cluster: PathBuf, version: u32, found: String },

    /// The cluster's place is taken by something else.
    #[error(
        "{} is not empty, but it is no PostgreSQL cluster (it has no PG_VERSION): \
         move it away, or give usher another USHER_DATA_DIR",
        directory.display()
    )]
    NotACluster { directory: PathBuf },

    /// As root we need somebody else to be.
    #[error(
        "PostgreSQL refuses to run as root, and this system has neither a user postgres nor a user nobody in \
         /etc/passwd: make a user postgres, run usher as an ordinary user, or set USHER_DATABASE_URL"
    )]
    NoAccount,

    /// The user that runs PostgreSQL can't reach its files.
    #[error(
        "PostgreSQL runs as the user {account}, who may not enter {}: run `chmod o+x {}`, \
         or give usher a USHER_DATA_DIR that every user may reach, such as /var/lib/usher",
        directory.display(),
        directory.display()
    )]
    NotTraversable { directory: PathBuf, account: String },

    /// PostgreSQL only opens a cluster that belongs to the user it runs as.
    #[error(
        "{} belongs to the user {owner}, but PostgreSQL would run as {wanted}: run usher as {owner}, \
         or hand the directory over with `chown -R {wanted} {}`",
        directory.display(),
        directory.display()
    )]
    WrongOwner { directory: PathBuf, owner: String, wanted: String },

    /// Somebody made or copied the cluster as root.
    #[error(
        "{} belongs to root, but PostgreSQL refuses to be root and would run as {wanted}: \
         hand the directory over with `chown -R {wanted} {}`",
        directory.display(),
        directory.display()
    )]
    OwnedByRoot { directory: PathBuf, wanted: String },

    /// The directory of the socket is not ours alone.
    #[error(
        "{} is to hold PostgreSQL's socket, but {problem}: remove it, \
         or give usher a USHER_DATA_DIR with a shorter path",
        directory.display()
    )]
    SocketDirectory { directory: PathBuf, problem: &'static str },

    /// `initdb` failed.
    #[error("initdb could not make a database cluster in {}:\n{output}", directory.display())]
    Initdb { directory: PathBuf, output: String },

    /// `postgres` ended before it took connections.
    #[error("PostgreSQL ended while it started ({status}); the end of {} says:\n{tail}", log.display())]
    Exited { status: String, log: PathBuf, tail: String },

    /// Nothing took connections in time.
    #[error(
        "PostgreSQL took no connection within {seconds} s ({last}); its log is {}. {hint}",
        log.display()
    )]
    TimedOut { seconds: u64, last: String, log: PathBuf, hint: String },

    /// The system refused something.
    #[error("could not {doing}")]
    Io {
        doing: String,
        #[source]
        source: io::Error,
    },
}

impl StartError {
    /// For `map_err`: names what was being done when the system refused.
    pub(super) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}

/// Why the private PostgreSQL was not stopped.
#[derive(Debug, Error)]
pub enum StopError {
    /// It is still writing its last checkpoint, or hangs.
    #[error("PostgreSQL (process {pid}) was asked to stop, but still runs after {seconds} s")]
    TimedOut { pid: i32, seconds: u64 },

    /// The system refused something.
    #[error("could not {doing}")]
    Io {
        doing: &'static str,
        #[source]
        source: io::Error,
    },

    /// The background task was lost, so nobody could ask PostgreSQL to stop.
    #[error("the task that looks after PostgreSQL ended early")]
    TaskLost(#[source] tokio::task::JoinError),
}
