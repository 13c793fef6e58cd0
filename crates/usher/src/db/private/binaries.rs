//! Finds PostgreSQL's server programs: systems keep `postgres` and `initdb` out of `PATH`, each in its own place.

use std::{
    ffi::OsStr,
    fs,
    ops::RangeInclusive,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{process::Command, time::timeout};

use super::{cluster::Cluster, error::StartError};

/// The major versions that usher works with.
pub(super) const SUPPORTED: RangeInclusive<u32> = 15..=18;

/// How long a program may take to say its version.
const PROBE_TIME_MAX: Duration = Duration::from_secs(10);

/// The directory of `postgres` and `initdb`, and what they are.
#[derive(Debug)]
pub(super) struct Binaries {
    pub directory: PathBuf,
    pub major: u32,
}

impl Binaries {
    /// Finds the programs to run `cluster` with: of the version that made it, or for a new one (`wanted` is `None`)
    /// of any supported version.
    pub async fn find(cluster: &Cluster, wanted: Option<u32>) -> Result<Self, StartError> {
        let mut seen = Vec::new();
        let fits = |major| wanted.map_or(SUPPORTED.contains(&major), |wanted| wanted == major);
        if let Some(place) = cluster.pg_bin() {
            let (version, major) = probe_named(cluster, place).await?;
            if fits(major) {
                let directory = place.to_owned();
                return Ok(Self { directory, major });
            }
            seen.push(format!("{version} in {}", place.display()));
        } else {
            for source in SOURCES {
                for directory in places(source).await {
                    let Ok((version, major)) = probe(cluster, &directory).await else {
                        continue;
                    };
                    if fits(major) {
                        return Ok(Self { directory, major });
                    }
                    let found = format!("{version} in {}", directory.display());
                    if !seen.contains(&found) {
                        seen.push(found);
                    }
                }
            }
        }
        let found = seen.join(", ");
        Err(match wanted {
            _ if seen.is_empty() => StartError::BinariesMissing,
            None => StartError::UnsupportedVersion { found },
            Some(version) => StartError::OtherMajor { cluster: cluster.directory(), version, found },
        })
    }
}

/// A client program of PostgreSQL, such as `pg_dump`, and its major version: the oldest that is found of at least version `least`,
/// since a newer program knows an older server and not the other way round.
///
/// # Errors
/// A sentence that says what was found, and what to install.
pub async fn client_program(pg_bin: Option<&Path>, name: &str, least: u32) -> Result<(PathBuf, u32), String> {
    let mut candidates = Vec::new();
    if let Some(place) = pg_bin {
        candidates.push(place.join(name));
    } else {
        for source in SOURCES {
            candidates.extend(places(source).await.into_iter().map(|place| place.join(name)));
        }
        // Debian's in /usr/bin chooses one of those itself, and other systems have only this one.
        candidates.extend(said_by(Command::new("sh").args(["-c", "command -v \"$0\"", name])).await);
    }
    let mut found = Vec::new();
    for path in candidates {
        let Ok(Ok(output)) = timeout(PROBE_TIME_MAX, Command::new(&path).arg("--version").kill_on_drop(true).output()).await
        else {
            continue;
        };
        if let Some((version, major)) = parse_version(&String::from_utf8_lossy(&output.stdout)) {
            found.push((major, version, path));
        }
    }
    found.sort_by_key(|(major, ..)| *major);
    if let Some((major, _, path)) = found.iter().find(|(major, ..)| *major >= least) {
        return Ok((path.clone(), *major));
    }
    let install = format!("install the client programs of PostgreSQL {least} (Debian: postgresql-client-{least})");
    let place = "or name their directory with USHER_PG_BIN";
    Err(match found.last() {
        Some((_, version, path)) => {
            format!("this needs a {name} of PostgreSQL {least} or newer, and {} is {version}: {install}, {place}", path.display())
        }
        None => format!("PostgreSQL's {name} was not found: {install}, {place}"),
    })
}

/// Where programs may be; asked in this order until one fits.
#[derive(Clone, Copy)]
enum Source {
    /// What `pg_config` says; on Debian it is the newest that is installed for development.
    PgConfig,
    /// Directories that hold one directory per version.
    Versioned { parent: &'static str, prefix: &'static str },
    /// `postgres` itself is in `PATH`.
    Path,
}

const SOURCES: [Source; 7] = [
    Source::PgConfig,
    // Debian and Ubuntu.
    Source::Versioned { parent: "/usr/lib/postgresql", prefix: "" },
    // PostgreSQL's own packages for RHEL.
    Source::Versioned { parent: "/usr", prefix: "pgsql-" },
    // Homebrew on Apple silicon, on Intel and on Linux.
    Source::Versioned { parent: "/opt/homebrew/opt", prefix: "postgresql@" },
    Source::Versioned { parent: "/usr/local/opt", prefix: "postgresql@" },
    Source::Versioned { parent: "/home/linuxbrew/.linuxbrew/opt", prefix: "postgresql@" },
    Source::Path,
];

/// The directories that a source offers, the newest version first.
async fn places(source: Source) -> Vec<PathBuf> {
    match source {
        Source::PgConfig => said_by(Command::new("pg_config").arg("--bindir")).await.into_iter().collect(),
        Source::Versioned { parent, prefix } => versioned(parent, prefix),
        // The shell looks through PATH for us. A link such as /usr/local/bin/postgres leads to the real directory,
        // where initdb lies beside it.
        Source::Path => said_by(Command::new("sh").args(["-c", "command -v postgres"]))
            .await
            .and_then(|postgres| Some(fs::canonicalize(postgres).ok()?.parent()?.to_owned()))
            .into_iter()
            .collect(),
    }
}

fn versioned(parent: &str, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else {
        return Vec::new();
    };
    let mut found: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let major = entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok()?;
            Some((major, entry.path().join("bin")))
        })
        .collect();
    found.sort_unstable_by(|left, right| right.cmp(left));
    found.into_iter().map(|(_, directory)| directory).collect()
}

/// The path that a program prints, if it does.
async fn said_by(command: &mut Command) -> Option<PathBuf> {
    let output = timeout(PROBE_TIME_MAX, command.kill_on_drop(true).output());
    let output = output.await.ok()?.ok()?;
    let line = output.stdout.split(|byte| *byte == b'\n').next()?;
    let path = PathBuf::from(OsStr::from_bytes(line));
    (output.status.success() && path.is_absolute()).then_some(path)
}

async fn probe_named(cluster: &Cluster, place: &Path) -> Result<(String, u32), StartError> {
    probe(cluster, place).await.map_err(|problem| StartError::PgBinUnusable { place: place.to_owned(), problem })
}

/// The version of the programs in `directory`, in words and its major number; or why there is none.
///
/// They are asked as the user that will run them, so programs that this user can't reach don't count.
async fn probe(cluster: &Cluster, directory: &Path) -> Result<(String, u32), String> {
    for program in ["postgres", "initdb"] {
        if !directory.join(program).is_file() {
            return Err(format!("there is no {program} in it"));
        }
    }
    let mut command = cluster.command(&directory.join("postgres"));
    command.arg("--version").kill_on_drop(true);
    let output = timeout(PROBE_TIME_MAX, command.output())
        .await
        .map_err(|_| "its postgres does not answer".to_owned())?
        .map_err(|error| format!("its postgres can't be run ({error})"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    parse_version(&text).ok_or_else(|| "its postgres does not say its version".to_owned())
}

/// Reads `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`; test versions are `19devel` or `19beta1`.
pub(super) fn parse_version(text: &str) -> Option<(String, u32)> {
    let (_, rest) = text.split_once("(PostgreSQL) ")?;
    let version = rest.split_whitespace().next()?;
    let digits = version.find(|character: char| !character.is_ascii_digit());
    let major = version[..digits.unwrap_or(version.len())].parse().ok()?;
    Some((version.to_owned(), major))
}
