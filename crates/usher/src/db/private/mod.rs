//! The private PostgreSQL of the zero-config default.
//!
//! Without `USHER_DATABASE_URL` usher runs its own PostgreSQL in its data directory, reachable only through a Unix socket
//! in a directory that nobody else may enter. It makes the cluster once, starts the server, starts it again should it
//! die, and stops it at the end. Several programs of usher may share one: the first is its keeper, and when that one
//! ends another goes on. A server that was left behind by a killed usher is adopted.
//!
//! Invariants: at most one keeper per data directory; nothing is ever written to a half-made cluster; PostgreSQL never
//! runs as root and never sees usher's environment.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{sync::oneshot, task::JoinHandle};
use tokio_postgres::Config;

mod account;
mod binaries;
mod cluster;
mod error;
mod initdb;
mod keeper;
mod postmaster;
#[cfg(test)]
mod tests;

pub use self::binaries::client_program;
pub use self::error::{StartError, StopError};
use self::{cluster::Cluster, keeper::Keeper};

/// The database that usher keeps its tables in.
const DATABASE: &str = "usher";
/// The one role of the cluster.
const SUPERUSER: &str = "usher";
/// No port is opened; the number is part of the socket's name.
const PORT: u16 = 5432;

/// Where the private PostgreSQL is, and how careful it is.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// usher's data directory; made if it is missing.
    pub data_dir: &'a Path,
    /// The directory of `postgres` and `initdb`; `None` looks in the usual places.
    pub pg_bin: Option<&'a Path>,
    /// False only in tests: then a crash of the machine may lose what was written.
    pub durable: bool,
}

/// A running private PostgreSQL, and this process's part in it.
///
/// End it with [`Private::stop`]. One that is dropped leaves the server running, and the next usher adopts it.
#[derive(Debug)]
pub struct Private {
    socket_dir: PathBuf,
    version: (u32, u32),
    is_keeper: Arc<AtomicBool>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), StopError>>,
}

impl Private {
    /// Connects to the private PostgreSQL if another usher looks after it, else starts or adopts it and looks after it
    /// from now on. Returns when it takes connections and has usher's database. If this is cancelled, the server may be
    /// left running for the next usher.
    ///
    /// # Errors
    /// A sentence that says what to mend, when there are no usable server programs, the cluster is not of their
    /// version, the directories are out of reach, or PostgreSQL does not start within 30 s (5 min if it says that it
    /// recovers).
    pub async fn start(options: &Options<'_>) -> Result<Self, StartError> {
        let mut keeper = Keeper::join(Cluster::open(options)?).await?;
        let version = match keeper.find_server().await {
            Ok(version) => version,
            Err(error) => {
                keeper.abandon().await;
                return Err(error);
            }
        };
        let socket_dir = keeper.cluster.socket_dir.clone();
        let is_keeper = keeper.flag();
        let (stop, told) = oneshot::channel();
        let task = tokio::spawn(keeper.look_after(told));
        Ok(Self { socket_dir, version, is_keeper, stop, task })
    }

    /// How to reach usher's database.
    #[must_use]
    pub fn config(&self) -> Config {
        self.config_for(DATABASE)
    }

    /// How to reach another database of the same cluster.
    #[must_use]
    pub fn config_for(&self, database: &str) -> Config {
        postmaster::config(&self.socket_dir, database)
    }

    /// The directory of the socket, for programs such as psql: `psql -h <socket_dir> -U usher usher`.
    #[must_use]
    pub fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    /// The server's version, major and minor.
    #[must_use]
    pub fn version(&self) -> (u32, u32) {
        self.version
    }

    /// Whether this process looks after the server now. Another's part falls to it when that one ends.
    #[must_use]
    pub fn is_keeper(&self) -> bool {
        self.is_keeper.load(Ordering::Relaxed)
    }

    /// Ends this process's part. Stops the server, which ends its sessions, unless another usher uses it.
    ///
    /// # Errors
    /// When the server has not stopped within 30 s.
    pub async fn stop(self) -> Result<(), StopError> {
        // The task only ends before it is told when it has panicked, and then awaiting it says so.
        self.stop.send(()).ok();
        self.task.await.map_err(StopError::TaskLost)?
    }
}
