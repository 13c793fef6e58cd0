//! The cluster on disk: its place, its settings, and how its programs are run.
//!
//! In usher's data directory lie `postgres/` (the cluster), `run/` (its socket) and `postgres.log`.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::process::{Child, Command};

use super::{
    Options, PORT,
    account::Account,
    binaries::{Binaries, SUPPORTED},
    error::StartError,
    postmaster::PidFile,
};

/// Linux takes 107 bytes for the path of a socket, macOS 103.
const SOCKET_PATH_BYTES_MAX: usize = 100;
/// A log that has grown beyond this is set aside at the next start.
const LOG_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What each `postgres` is started with, beside the socket and durability.
///
/// They are arguments rather than lines of `postgresql.conf`, so that they always are what this version of usher needs.
/// `log_error_verbosity` leaves out the details of an error, where addresses and names of people would be.
const SETTINGS: [&str; 17] = [
    "listen_addresses=",
    "unix_socket_permissions=0700",
    "max_connections=50",
    "shared_buffers=128MB",
    "restart_after_crash=on",
    "jit=off",
    // Hardly anybody has disks any more that turn.
    "random_page_cost=1.1",
    "timezone=UTC",
    "log_timezone=UTC",
    "lc_messages=C",
    "logging_collector=off",
    "log_destination=stderr",
    "log_line_prefix=%m [%p] ",
    "log_min_messages=warning",
    "log_error_verbosity=terse",
    "log_checkpoints=off",
    "log_statement=none",
];
const DURABLE: [&str; 3] = ["fsync=on", "synchronous_commit=on", "full_page_writes=on"];
/// For tests, whose data nobody misses.
const FLEETING: [&str; 3] = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"];

/// The place of a cluster and who runs it.
#[derive(Debug)]
pub(super) struct Cluster {
    pub data_dir: PathBuf,
    pg_bin: Option<PathBuf>,
    pub durable: bool,
    account: Option<Account>,
    /// Where the socket is made. A postmaster that was left by another usher may have it elsewhere.
    pub socket_dir: PathBuf,
}

impl Cluster {
    /// Makes the data directory when it is missing, and finds out who must run PostgreSQL.
    pub fn open(options: &Options<'_>) -> Result<Self, StartError> {
        let data_dir = make_data_dir(options.data_dir)?;
        let account = Account::for_cluster(&data_dir.join("postgres"))?;
        if let Some(account) = &account {
            account.check_reach(&data_dir)?;
        }
        let pg_bin = options.pg_bin.map(|place| {
            fs::canonicalize(place)
                .map_err(|error| StartError::PgBinUnusable { place: place.to_owned(), problem: error.to_string() })
        });
        Ok(Self { pg_bin: pg_bin.transpose()?, durable: options.durable, account, socket_dir: socket_dir(&data_dir), data_dir })
    }

    pub fn directory(&self) -> PathBuf {
        self.data_dir.join("postgres")
    }

    pub fn log(&self) -> PathBuf {
        self.data_dir.join("postgres.log")
    }

    pub fn lock(&self, name: &str) -> PathBuf {
        self.data_dir.join(name)
    }

    pub fn pg_bin(&self) -> Option<&Path> {
        self.pg_bin.as_deref()
    }

    /// A command that runs `program` as the cluster's user.
    ///
    /// It gets none of usher's environment, which holds secrets, and a process group of its own, so that a Ctrl-C in
    /// the terminal reaches usher alone and PostgreSQL stops when the last request is done.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("LC_ALL", "C")
            .current_dir("/")
            .stdin(Stdio::null())
            .process_group(0);
        if let Some(account) = &self.account {
            account.apply(&mut command);
        }
        command
    }

    /// Starts `postgres`, after making the cluster if there is none yet. Returns it with the length that its log had.
    ///
    /// Only for the keeper, and only when no postmaster of this cluster lives.
    pub async fn launch(&self) -> Result<(Child, u64), StartError> {
        let made_by = self.made_by()?;
        let binaries = Binaries::find(self, made_by).await?;
        if made_by.is_none() {
            self.make(&binaries).await?;
        }
        self.prepare_socket_dir()?;
        self.disown_stale_files();
        let (log, log_length) = self.open_log()?;
        let errors = log.try_clone().map_err(StartError::io("share the log"))?;
        let mut socket_dir = OsString::from("unix_socket_directories=");
        socket_dir.push(quoted(&self.socket_dir));
        let durability = if self.durable { DURABLE } else { FLEETING };
        let mut command = self.command(&binaries.directory.join("postgres"));
        command.arg("-D").arg(self.directory());
        command.arg("-p").arg(PORT.to_string());
        command.arg("-c").arg(socket_dir);
        for setting in SETTINGS.iter().chain(&durability) {
            command.arg("-c").arg(setting);
        }
        command.stdout(log).stderr(errors);
        let child = command.spawn().map_err(StartError::io(format!("run {}/postgres", binaries.directory.display())))?;
        Ok((child, log_length))
    }

    /// The major version that made this cluster; `None` if there is no cluster yet.
    fn made_by(&self) -> Result<Option<u32>, StartError> {
        let directory = self.directory();
        match fs::read_to_string(directory.join("PG_VERSION")) {
            Ok(text) => match text.trim().parse() {
                Ok(major) if SUPPORTED.contains(&major) => Ok(Some(major)),
                _ => Err(StartError::UnsupportedCluster { cluster: directory, version: text.trim().to_owned() }),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let is_empty = fs::read_dir(&directory).map_or(true, |mut entries| entries.next().is_none());
                if is_empty { Ok(None) } else { Err(StartError::NotACluster { directory }) }
            }
            Err(error) => Err(StartError::io(format!("read {}", directory.display()))(error)),
        }
    }

    pub fn make_private_dir(&self, directory: &Path) -> Result<(), StartError> {
        DirBuilder::new()
            .mode(0o700)
            .create(directory)
            .and_then(|()| self.own(directory))
            .map_err(StartError::io(format!("make {}", directory.display())))
    }

    /// Makes the directory of the socket, or checks that the one that is there is ours alone: whoever may enter it is
    /// let into the database, and below the temporary directory anybody could have made it.
    fn prepare_socket_dir(&self) -> Result<(), StartError> {
        let directory = &self.socket_dir;
        if let (Some(account), Some(parent)) = (&self.account, directory.parent()) {
            account.check_reach(parent)?;
        }
        let Ok(metadata) = fs::symlink_metadata(directory) else {
            return self.make_private_dir(directory);
        };
        let own_uid = rustix::process::geteuid().as_raw();
        let wanted_uid = self.account.as_ref().map_or(own_uid, |account| account.uid);
        let refuse = |problem| Err(StartError::SocketDirectory { directory: directory.clone(), problem });
        if !metadata.is_dir() {
            return refuse("it is not a directory");
        }
        if ![wanted_uid, own_uid].contains(&metadata.uid()) {
            return refuse("it belongs to another user");
        }
        if metadata.mode() & 0o077 != 0 {
            return refuse("other users may enter it");
        }
        self.own(directory).map_err(StartError::io(format!("own {}", directory.display())))
    }

    fn own(&self, path: &Path) -> io::Result<()> {
        self.account.as_ref().map_or(Ok(()), |account| account.own(path))
    }

    /// Takes a dead postmaster's number out of the files it left.
    ///
    /// PostgreSQL refuses to start when the number in them is that of any living program of the same user, which in a
    /// container it soon is. `postmaster.pid` is not removed, since PostgreSQL finds in it whether processes of the
    /// dead one still use its shared memory: it gets our number instead, the parent's, which PostgreSQL passes over.
    fn disown_stale_files(&self) {
        for name in [".s.PGSQL.5432", ".s.PGSQL.5432.lock"] {
            // Usually they are not there.
            fs::remove_file(self.socket_dir.join(name)).ok();
        }
        let directory = self.directory();
        let Some(stale) = PidFile::read(&directory) else {
            return;
        };
        let renewed = directory.join("postmaster.pid.renewed");
        let result = fs::write(&renewed, stale.with_pid(std::process::id()))
            .and_then(|()| self.own(&renewed))
            .and_then(|()| fs::rename(&renewed, directory.join("postmaster.pid")));
        if let Err(error) = result {
            tracing::warn!(%error, "could not renew a postmaster.pid that a dead PostgreSQL left");
        }
    }

    fn open_log(&self) -> Result<(File, u64), StartError> {
        let path = self.log();
        if fs::metadata(&path).is_ok_and(|metadata| metadata.len() > LOG_BYTES_MAX) {
            // Failing leaves the log long, which harms nobody.
            fs::rename(&path, path.with_extension("log.old")).ok();
        }
        let open = || {
            let log = OpenOptions::new().create(true).append(true).mode(0o600).open(&path)?;
            let length = log.metadata()?.len();
            Ok((log, length))
        };
        open().map_err(StartError::io(format!("open {}", path.display())))
    }
}

/// Makes the data directory if it is missing, and returns its one true path.
///
/// As root it may be entered by all, since PostgreSQL runs as somebody else; what is private in it has its own modes.
fn make_data_dir(path: &Path) -> Result<PathBuf, StartError> {
    let mode = if rustix::process::geteuid().is_root() { 0o755 } else { 0o700 };
    DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(path)
        .and_then(|()| fs::canonicalize(path))
        .map_err(StartError::io(format!("make the data directory {}", path.display())))
}

/// `run` in the data directory, or when a socket's path would get too long there, a directory of its own below the
/// temporary one, whose name follows from the data directory's.
fn socket_dir(data_dir: &Path) -> PathBuf {
    let usual = data_dir.join("run");
    if usual.join(".s.PGSQL.5432").as_os_str().len() <= SOCKET_PATH_BYTES_MAX {
        return usual;
    }
    // FNV-1a, since std's hashers may differ from release to release.
    let hash = data_dir
        .as_os_str()
        .as_bytes()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    std::env::temp_dir().join(format!("usher-{hash:016x}"))
}

/// `path` as an item of a PostgreSQL setting that is a list.
fn quoted(path: &Path) -> OsString {
    let mut quoted = b"\"".to_vec();
    for byte in path.as_os_str().as_bytes() {
        quoted.push(*byte);
        if *byte == b'"' {
            quoted.push(b'"');
        }
    }
    quoted.push(b'"');
    OsStr::from_bytes(&quoted).to_owned()
}
