//! Finds the database server's binaries, installs them where they are missing, and stops a
//! cluster that a test or a tour has left.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::tools::{self, Need};
use crate::workspace;

const MAJOR_MIN: u32 = 15;
const MAJOR_MAX: u32 = 18;

const POSTGRESQL: Need = Need {
    name: "PostgreSQL 15 to 18",
    apt: &["postgresql"],
    dnf: &["postgresql-server", "postgresql-contrib"],
    apk: &["postgresql"],
    pacman: &["postgresql"],
    brew: &["postgresql@17"],
    otherwise: "install it as https://www.postgresql.org/download/ says, name its folder of \
                programs in USHER_PG_BIN, or name a running server in USHER_DATABASE_URL",
};

/// The folder of the server's programs, installed when there is none.
pub fn ensure() -> Result<PathBuf, String> {
    if let Some(folder) = env::var_os("USHER_PG_BIN").map(PathBuf::from) {
        return if supported(&folder).is_some() {
            Ok(folder)
        } else {
            Err(format!("USHER_PG_BIN is {}, which holds no PostgreSQL {MAJOR_MIN} to {MAJOR_MAX}", folder.display()))
        };
    }
    if let Some(folder) = find() {
        return Ok(folder);
    }
    tools::install(&POSTGRESQL)?;
    find().ok_or_else(|| {
        format!("the package manager's PostgreSQL is not one of {MAJOR_MIN} to {MAJOR_MAX}: {}", POSTGRESQL.otherwise)
    })
}

fn find() -> Option<PathBuf> {
    let mut folders = Vec::new();
    let told = workspace::output(Command::new("pg_config").arg("--bindir"));
    folders.extend(told.ok().map(|folder| PathBuf::from(folder.trim())));
    // Debian, Red Hat (PGDG), Alpine; Homebrew on Apple silicon, Intel and Linux.
    folders.extend(versions_under("/usr/lib/postgresql", "", "bin"));
    folders.extend(versions_under("/usr", "pgsql-", "bin"));
    folders.extend(versions_under("/usr/libexec", "postgresql", ""));
    for prefix in ["/opt/homebrew/opt", "/usr/local/opt", "/home/linuxbrew/.linuxbrew/opt"] {
        folders.extend(versions_under(prefix, "postgresql@", "bin"));
    }
    folders.extend(tools::on_path("postgres").and_then(|file| Some(file.parent()?.to_path_buf())));
    folders.into_iter().find(|folder| supported(folder).is_some())
}

/// The folders `parent/<prefix><number>/<inner>`, the newest version first.
fn versions_under(parent: &str, prefix: &str, inner: &str) -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let version = name.to_str()?.strip_prefix(prefix)?.parse().ok()?;
            Some((version, entry.path().join(inner)))
        })
        .collect();
    found.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    found.into_iter().map(|(_, folder)| folder).collect()
}

/// The major version, when the folder has all that is needed to run a server we support.
fn supported(folder: &Path) -> Option<u32> {
    let complete = ["postgres", "initdb", "pg_ctl"].iter().all(|program| folder.join(program).is_file());
    if !complete {
        return None;
    }
    let said = workspace::output(Command::new(folder.join("postgres")).arg("--version")).ok()?;
    major(&said).filter(|major| (MAJOR_MIN..=MAJOR_MAX).contains(major))
}

/// Reads `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`; a beta is `18beta1`.
fn major(said: &str) -> Option<u32> {
    let version = said.split_once("(PostgreSQL) ")?.1;
    let digits = version.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// `psql`, of the server's programs or alone.
pub fn psql() -> Result<PathBuf, String> {
    let folder = env::var_os("USHER_PG_BIN").map(PathBuf::from).or_else(find);
    let beside = folder.map(|folder| folder.join("psql")).filter(|program| program.is_file());
    beside
        .or_else(|| tools::on_path("psql"))
        .ok_or_else(|| "psql is not installed: install PostgreSQL's client programs".to_owned())
}

/// Stops the cluster in this folder if it runs. A throwaway cluster needs no checkpoint, so the
/// stop is immediate.
pub fn stop(cluster: &Path) -> Result<(), String> {
    let Ok(pid_file) = fs::metadata(cluster.join("postmaster.pid")) else {
        return Ok(());
    };
    let folder = find().ok_or("a PostgreSQL was left running, and its pg_ctl is gone")?;
    let mut command = Command::new(folder.join("pg_ctl"));
    command
        .arg("-D")
        .arg(cluster)
        .args(["-m", "immediate", "-w", "stop"])
        .current_dir("/")
        .env("LC_ALL", "C")
        .stdout(Stdio::null());
    if tools::is_root() {
        // pg_ctl refuses root, so it runs as the cluster's owner.
        command.uid(pid_file.uid()).gid(pid_file.gid());
    }
    match workspace::output(&mut command) {
        Ok(_) => Ok(()),
        // The file outlives a server that was killed; pg_ctl then has nothing to stop.
        Err(complaint) if complaint.contains("No such process") => Ok(()),
        Err(complaint) => Err(complaint),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_what_postgres_says() {
        let debian = "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n";
        assert_eq!(major(debian), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major("postgres (PostgreSQL) 9.6.24"), Some(9));
        assert_eq!(major("bash 5.2"), None);
    }

    #[test]
    fn a_folder_without_a_server_is_not_supported() {
        assert_eq!(supported(Path::new("/")), None);
    }

    #[test]
    fn a_folder_without_a_cluster_needs_no_stop() {
        assert_eq!(stop(Path::new("/nowhere/at/all")), Ok(()));
    }
}
