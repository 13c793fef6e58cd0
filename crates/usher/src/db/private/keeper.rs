//! Who looks after the server when several programs of usher share it.
//!
//! Two lock files in the data directory decide; both fall with the process that holds them, however it ends.
//! `keeper.lock` belongs to the one that starts, watches and stops PostgreSQL. `clients.lock` is shared by all that use
//! it, so a keeper that ends leaves a server in use to the next: whoever is left takes the keeper's lock over.

use std::{
    fs::{File, OpenOptions},
    os::unix::fs::OpenOptionsExt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rustix::fs::{FlockOperation, flock};
use tokio::{
    process::Child,
    sync::oneshot,
    time::{sleep, timeout},
};

use crate::clock::Stopwatch;

use super::{
    cluster::Cluster,
    error::{StartError, StopError},
    postmaster::{self, Answer, PidFile},
};

/// How long a start may go without a sign of life.
const START_TIME_MAX: Duration = Duration::from_secs(30);
/// A start that takes longer than this recovers from something.
const START_IS_USUAL: Duration = Duration::from_millis(500);
/// How long a server may recover after a crash; it says that it does.
const RECOVERY_TIME_MAX: Duration = Duration::from_mins(5);
/// How long PostgreSQL may take to stop.
const STOP_TIME_MAX: Duration = Duration::from_secs(30);
/// Between two looks at a server that starts or stops.
const STEP: Duration = Duration::from_millis(10);
/// Between two looks at a server or a keeper that should go on.
const WATCH_EVERY: Duration = Duration::from_millis(250);
/// Before the first and between later attempts to start a server that keeps dying.
const BACK_OFF_MIN: Duration = Duration::from_millis(100);
const BACK_OFF_MAX: Duration = Duration::from_secs(10);
/// A server that has lived this long is well, so its death starts a new count.
const WELL_AFTER: Duration = Duration::from_mins(1);
/// Processes of a killed postmaster see that it is gone within a moment; until then no other can start.
const ORPHAN_WAITS_MAX: u32 = 40;

/// Holds this process's locks, and the server if it is the keeper.
pub(super) struct Keeper {
    pub cluster: Cluster,
    /// Locked together with all other users of the cluster.
    clients: File,
    /// Locked alone; present in the keeper.
    sole: Option<File>,
    /// Whether `sole` is there, for others to see.
    keeps: Arc<AtomicBool>,
    /// The server, if this process started it and has not seen it end.
    child: Option<Child>,
    /// How long the log was when the server was started.
    log_length: u64,
}

impl Keeper {
    /// Joins those that use the cluster. Waits while a keeper is stopping the server.
    pub async fn join(cluster: Cluster) -> Result<Self, StartError> {
        let clients = open_lock(&cluster, "clients.lock")?;
        let patience = Patience::new(&cluster);
        while !lock_shared(&clients) {
            patience.wait(STEP, "another usher is stopping it", "").await?;
        }
        Ok(Self { cluster, clients, sole: None, keeps: Arc::default(), child: None, log_length: 0 })
    }

    /// A flag that follows whether this process is the keeper.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.keeps)
    }

    /// Waits for the server that a keeper looks after, or becomes the keeper and brings one up.
    /// Returns its version.
    pub async fn find_server(&mut self) -> Result<(u32, u32), StartError> {
        let mut patience = Patience::new(&self.cluster);
        loop {
            if self.try_keep()? {
                return self.bring_up().await;
            }
            let hint = "Another usher looks after it: see what that one logs";
            match self.ask().await {
                Answer::Ready(version) => return Ok(version),
                Answer::Busy(words) => patience.wait_longer(&words, hint).await?,
                Answer::Silent(words) => patience.wait(STEP, &words, hint).await?,
            }
        }
    }

    /// As the keeper: adopts the server if one lives, else starts one, and waits until it takes connections.
    async fn bring_up(&mut self) -> Result<(u32, u32), StartError> {
        let mut patience = Patience::new(&self.cluster);
        let mut orphan_waits = 0;
        loop {
            let mut hint = String::new();
            if let Some(child) = &mut self.child {
                let ended = child.try_wait().map_err(StartError::io("look after PostgreSQL"))?;
                if let Some(status) = ended {
                    self.child = None;
                    let tail = postmaster::tail(&self.cluster.log(), self.log_length);
                    if !tail.contains("pre-existing shared memory block") || orphan_waits == ORPHAN_WAITS_MAX {
                        return Err(StartError::Exited { status: status.to_string(), log: self.cluster.log(), tail });
                    }
                    orphan_waits += 1;
                    sleep(WATCH_EVERY).await;
                }
            } else if let Some(left) = PidFile::living(&self.cluster.directory()) {
                hint = format!("postmaster.pid says that process {} is PostgreSQL: if it is not, remove that file", left.pid);
            } else {
                let (child, log_length) = self.cluster.launch().await?;
                self.log_length = log_length;
                self.child = Some(child);
                patience = Patience::new(&self.cluster);
            }
            match self.ask().await {
                Answer::Ready(version) => return Ok(version),
                Answer::Busy(words) => patience.wait_longer(&words, &hint).await?,
                Answer::Silent(words) => patience.wait(STEP, &words, &hint).await?,
            }
        }
    }

    /// Asks the living server at the place that it has noted in the cluster, and remembers the place if it answers.
    ///
    /// The usual place is not tried unless noted: below the temporary directory it could be somebody else's trap.
    async fn ask(&mut self) -> Answer {
        let directory = self.cluster.directory();
        let noted = PidFile::living(&directory).and_then(|file| file.socket_dir);
        let Some(socket_dir) = noted else {
            return Answer::Silent("it has opened no socket".to_owned());
        };
        let answer = postmaster::ask(&socket_dir, &directory).await;
        if matches!(answer, Answer::Ready(_)) {
            self.cluster.socket_dir = socket_dir;
        }
        answer
    }

    /// Looks after the server until told to stop. When the other end of `told` is dropped instead, lets go of all and
    /// leaves the server running.
    pub async fn look_after(mut self, mut told: oneshot::Receiver<()>) -> Result<(), StopError> {
        let mut back_off = BACK_OFF_MIN;
        loop {
            tokio::select! {
                told = &mut told => {
                    return match told {
                        Ok(()) => self.leave().await,
                        Err(_) => Ok(()),
                    };
                }
                () = self.keep_up(&mut back_off) => {}
            }
        }
    }

    /// Waits until the keeper or the server is gone, and makes up for it. May be dropped at any point.
    async fn keep_up(&mut self, back_off: &mut Duration) {
        if self.sole.is_none() {
            sleep(WATCH_EVERY).await;
            match self.try_keep() {
                Ok(true) => tracing::info!("took over looking after PostgreSQL"),
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(%error, "could not try to look after PostgreSQL");
                    return;
                }
            }
        } else {
            let watched = Stopwatch::start();
            self.wait_for_end().await;
            if watched.elapsed() > WELL_AFTER {
                *back_off = BACK_OFF_MIN;
            }
            tracing::warn!("PostgreSQL ended unasked, starting it again");
            sleep(*back_off).await;
            *back_off = (*back_off * 2).min(BACK_OFF_MAX);
        }
        match self.bring_up().await {
            Ok(_) => tracing::info!("PostgreSQL serves"),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "could not start PostgreSQL again");
            }
        }
    }

    /// Waits until the server is gone.
    async fn wait_for_end(&mut self) {
        if let Some(child) = &mut self.child {
            // It can only fail when it was waited for already.
            child.wait().await.ok();
            self.child = None;
        }
        let directory = self.cluster.directory();
        while PidFile::living(&directory).is_some() {
            sleep(WATCH_EVERY).await;
        }
    }

    /// Leaves the cluster, and stops the server unless somebody else uses it.
    ///
    /// Those that leave at the same time must not each count on the other. So everybody first ceases to be a client and
    /// then tries to be the keeper, and a keeper that found a client looks once more after it has let go.
    async fn leave(mut self) -> Result<(), StopError> {
        unlock(&self.clients);
        loop {
            if !self.try_keep().unwrap_or(false) {
                return Ok(());
            }
            if lock_alone(&self.clients) {
                return self.stop_server().await;
            }
            self.sole = None;
            self.keeps.store(false, Ordering::Relaxed);
            if !lock_alone(&self.clients) {
                return Ok(());
            }
            unlock(&self.clients);
        }
    }

    /// Ends what a failed start has left. Its own error matters more than one from here.
    pub async fn abandon(mut self) {
        if self.child.is_some() {
            self.stop_server().await.ok();
        }
    }

    async fn stop_server(&mut self) -> Result<(), StopError> {
        let started = self.child.as_ref().and_then(Child::id);
        let pid =
            started.and_then(|pid| i32::try_from(pid).ok()).or_else(|| Some(PidFile::living(&self.cluster.directory())?.pid));
        let Some(pid) = pid else {
            return Ok(());
        };
        postmaster::ask_to_stop(pid).map_err(|source| StopError::Io { doing: "ask PostgreSQL to stop", source })?;
        let ended = async {
            if let Some(child) = &mut self.child {
                child.wait().await.ok();
            }
            while PidFile::living(&self.cluster.directory()).is_some() {
                sleep(STEP).await;
            }
        };
        timeout(STOP_TIME_MAX, ended).await.map_err(|_| StopError::TimedOut { pid, seconds: STOP_TIME_MAX.as_secs() })
    }

    /// Takes the keeper's lock if nobody has it; true if this process has it now.
    fn try_keep(&mut self) -> Result<bool, StartError> {
        if self.sole.is_none() {
            let lock = open_lock(&self.cluster, "keeper.lock")?;
            if lock_alone(&lock) {
                self.sole = Some(lock);
                self.keeps.store(true, Ordering::Relaxed);
            }
        }
        Ok(self.sole.is_some())
    }
}

fn open_lock(cluster: &Cluster, name: &str) -> Result<File, StartError> {
    let path = cluster.lock(name);
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(StartError::io(format!("open {} (it belongs to the user that usher ran as first)", path.display())))
}

fn lock_alone(file: &File) -> bool {
    flock(file, FlockOperation::NonBlockingLockExclusive).is_ok()
}

fn lock_shared(file: &File) -> bool {
    flock(file, FlockOperation::NonBlockingLockShared).is_ok()
}

fn unlock(file: &File) {
    // Can't fail on an open file; closing it would do the same.
    flock(file, FlockOperation::Unlock).ok();
}

/// The end of a wait.
struct Patience {
    since: Stopwatch,
    limit: Duration,
    log: std::path::PathBuf,
}

impl Patience {
    fn new(cluster: &Cluster) -> Self {
        Self { since: Stopwatch::start(), limit: START_TIME_MAX, log: cluster.log() }
    }

    /// Waits for `step`, or says that it has been long enough.
    async fn wait(&self, step: Duration, last: &str, hint: &str) -> Result<(), StartError> {
        if self.since.elapsed() >= self.limit {
            return Err(StartError::TimedOut {
                seconds: self.limit.as_secs(),
                last: last.to_owned(),
                log: self.log.clone(),
                hint: hint.to_owned(),
            });
        }
        sleep(step).await;
        Ok(())
    }

    /// As `wait`, for a server that says it is at work: recovery takes as long as it takes. Each question leaves a line
    /// in the server's log, so one that takes its time is asked less often.
    async fn wait_longer(&mut self, last: &str, hint: &str) -> Result<(), StartError> {
        if self.since.elapsed() < START_IS_USUAL {
            return self.wait(STEP, last, hint).await;
        }
        if self.limit < RECOVERY_TIME_MAX {
            self.limit = RECOVERY_TIME_MAX;
            tracing::info!(answer = last, "waiting for PostgreSQL");
        }
        self.wait(STEP * 10, last, hint).await
    }
}
