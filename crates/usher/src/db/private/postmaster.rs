//! The running server: whether one lives, whether it is ours, and what it answers.

use std::{
    fs,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio::time::timeout;
use tokio_postgres::{Client, Config, Error, NoTls, error::SqlState};

use super::{DATABASE, PORT, SUPERUSER};

/// How long a server may take to answer one attempt.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(5);
/// As much of the log as an error shows.
const TAIL_BYTES_MAX: u64 = 4096;
const TAIL_LINES_MAX: usize = 15;

/// `postmaster.pid`, which PostgreSQL keeps in the cluster while it runs.
#[derive(Debug)]
pub(super) struct PidFile {
    pub pid: i32,
    /// Missing for a moment while the server starts.
    pub socket_dir: Option<PathBuf>,
    text: String,
}

impl PidFile {
    /// Reads the file of the cluster in `directory`, if there is one.
    pub fn read(directory: &Path) -> Option<Self> {
        let text = fs::read_to_string(directory.join("postmaster.pid")).ok()?;
        let mut lines = text.lines();
        // PostgreSQL in single-user mode notes its number below zero.
        let pid = lines.next()?.trim().parse::<i32>().ok()?.checked_abs()?;
        let socket_dir = lines.nth(3).filter(|line| !line.is_empty());
        Some(Self { pid, socket_dir: socket_dir.map(PathBuf::from), text })
    }

    /// The file's text with another process in it.
    pub fn with_pid(&self, pid: u32) -> String {
        let rest = self.text.split_once('\n').map_or("", |(_, rest)| rest);
        format!("{pid}\n{rest}")
    }

    /// The postmaster of the cluster in `directory`, if it seems to live.
    ///
    /// The number may since have gone to another program. Where the system doesn't tell (it has no /proc), any living
    /// process is taken for a postmaster; what it answers decides.
    pub fn living(directory: &Path) -> Option<Self> {
        let file = Self::read(directory)?;
        let pid = Pid::from_raw(file.pid)?;
        // Being refused also shows that there is somebody.
        let lives = !matches!(test_kill_process(pid), Err(rustix::io::Errno::SRCH));
        (lives && may_be_postmaster(file.pid, directory)).then_some(file)
    }
}

/// Whether process `pid` may run the cluster in `directory`, judged by how it was called.
fn may_be_postmaster(pid: i32, directory: &Path) -> bool {
    let line = match fs::read(format!("/proc/{pid}/cmdline")) {
        Ok(line) => line,
        Err(error) => return error.kind() != io::ErrorKind::NotFound || !Path::new("/proc/self").exists(),
    };
    let mut words = line.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    let program = words.next().unwrap_or_default();
    // The children of a postmaster call themselves "postgres: checkpointer" and the like; the dead have no words.
    if !matches!(Path::new(&*program).file_name().and_then(std::ffi::OsStr::to_str), Some("postgres" | "postmaster")) {
        return false;
    }
    match words.skip_while(|word| word != "-D").nth(1) {
        Some(named) => fs::canonicalize(&*named).map_or(true, |named| named == directory),
        None => true,
    }
}

/// Asks a process to stop: PostgreSQL ends its sessions, writes a checkpoint and goes.
pub(super) fn ask_to_stop(pid: i32) -> io::Result<()> {
    let Some(pid) = Pid::from_raw(pid) else {
        return Ok(());
    };
    match kill_process(pid, Signal::INT) {
        // It has gone already.
        Err(rustix::io::Errno::SRCH) => Ok(()),
        result => Ok(result?),
    }
}

/// What came back from an attempt to connect.
#[derive(Debug)]
pub(super) enum Answer {
    /// It serves. The version is major and minor.
    Ready((u32, u32)),
    /// It says that it is starting, recovering or stopping.
    Busy(String),
    /// Nobody answers, or not as ours would.
    Silent(String),
}

/// How to reach `database` through the socket in `socket_dir`.
pub(super) fn config(socket_dir: &Path, database: &str) -> Config {
    let mut config = Config::new();
    config.host_path(socket_dir).port(PORT).user(SUPERUSER).dbname(database).connect_timeout(ANSWER_TIME_MAX);
    config
}

/// Asks the server behind `socket_dir` whether it serves the cluster in `directory`, and makes usher's database
/// when it is missing.
pub(super) async fn ask(socket_dir: &Path, directory: &Path) -> Answer {
    match timeout(ANSWER_TIME_MAX, ask_patiently(socket_dir, directory)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) if error.code() == Some(&SqlState::CANNOT_CONNECT_NOW) => Answer::Busy(in_words(&error)),
        Ok(Err(error)) => Answer::Silent(in_words(&error)),
        Err(_) => Answer::Silent("it does not answer".to_owned()),
    }
}

async fn ask_patiently(socket_dir: &Path, directory: &Path) -> Result<Answer, Error> {
    let client = match connect(socket_dir, DATABASE).await {
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_DATABASE) => {
            create_database(socket_dir).await?;
            connect(socket_dir, DATABASE).await?
        }
        result => result?,
    };
    let row =
        client.query_one("select current_setting('data_directory'), current_setting('server_version_num')::int4", &[]).await?;
    let serves: String = row.get(0);
    if fs::canonicalize(&serves).map_or(true, |serves| serves != directory) {
        return Ok(Answer::Silent(format!("a PostgreSQL of {serves} answers at its socket")));
    }
    let version = u32::try_from(row.get::<_, i32>(1)).unwrap_or_default();
    Ok(Answer::Ready((version / 10_000, version % 10_000)))
}

async fn create_database(socket_dir: &Path) -> Result<(), Error> {
    let client = connect(socket_dir, "postgres").await?;
    match client.batch_execute(&format!("create database {DATABASE}")).await {
        // Another usher was quicker; the two may also meet at the unique index.
        Err(error) if [Some(&SqlState::DUPLICATE_DATABASE), Some(&SqlState::UNIQUE_VIOLATION)].contains(&error.code()) => Ok(()),
        result => result,
    }
}

async fn connect(socket_dir: &Path, database: &str) -> Result<Client, Error> {
    let (client, connection) = config(socket_dir, database).connect(NoTls).await?;
    // It ends with the client; what broke it reaches the client's calls.
    tokio::spawn(connection);
    Ok(client)
}

/// The message of the server, or of the system when there was no server.
fn in_words(error: &Error) -> String {
    if let Some(error) = error.as_db_error() {
        return error.message().to_owned();
    }
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

/// The last lines that the log in `path` got after its first `from` bytes.
pub(super) fn tail(path: &Path, from: u64) -> String {
    let read = || {
        let mut log = fs::File::open(path)?;
        let length = log.metadata()?.len();
        log.seek(SeekFrom::Start(from.max(length.saturating_sub(TAIL_BYTES_MAX))))?;
        let mut bytes = Vec::new();
        log.take(TAIL_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok::<_, io::Error>(bytes)
    };
    let bytes = read().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES_MAX)..].join("\n")
}
