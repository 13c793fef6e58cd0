//! Makes the cluster, once.
//!
//! It is made beside its place and moved there when it is complete, so one that was cut short is never taken for a real
//! one.

use std::{
    fs::{self, File},
    io,
    os::unix::ffi::OsStrExt,
    path::Path,
    time::Duration,
};

use tokio::time::timeout;

use super::{SUPERUSER, binaries::Binaries, cluster::Cluster, error::StartError};

/// How long `initdb` may take; a second is usual.
const INITDB_TIME_MAX: Duration = Duration::from_mins(2);
/// Followed by the number of the process that makes it.
const STAGING_PREFIX: &str = "postgres.new.";

impl Cluster {
    /// Makes the cluster in a directory beside its place, then moves it there.
    pub async fn make(&self, binaries: &Binaries) -> Result<(), StartError> {
        self.remove_half_made();
        // An initdb that outlived a killed usher may still write to the directory of its own number.
        let staging = self.data_dir.join(format!("{STAGING_PREFIX}{}", std::process::id()));
        let mut tries = locales(binaries.major).into_iter().peekable();
        while let Some(locale) = tries.next() {
            self.make_private_dir(&staging)?;
            let output = self.initdb(binaries, &staging, locale).await?;
            let Err(output) = output else { break };
            // The directory may be gone already.
            fs::remove_dir_all(&staging).ok();
            if tries.peek().is_none() {
                return Err(StartError::Initdb { directory: self.data_dir.clone(), output });
            }
        }
        let directory = self.directory();
        // Replaces an empty directory, and fails on any other.
        fs::rename(&staging, &directory).map_err(StartError::io(format!("move the new cluster to {}", directory.display())))?;
        if self.durable {
            // initdb has synced what is in the cluster; its name is in our directory.
            File::open(&self.data_dir)
                .and_then(|data_dir| data_dir.sync_all())
                .map_err(StartError::io("sync the data directory"))?;
        }
        Ok(())
    }

    /// Runs `initdb`; what it printed is the error if it failed.
    async fn initdb(&self, binaries: &Binaries, staging: &Path, locale: &[&str]) -> Result<Result<(), String>, StartError> {
        let mut command = self.command(&binaries.directory.join("initdb"));
        command
            .arg("-D")
            .arg(staging)
            .arg(format!("--username={SUPERUSER}"))
            // Who may enter the socket's directory is root or the very user that owns the files.
            .arg("--auth=trust")
            .args(["--encoding=UTF8", "--data-checksums", "--no-instructions"])
            .args(locale)
            .kill_on_drop(true);
        if !self.durable {
            command.arg("--no-sync");
        }
        let output = timeout(INITDB_TIME_MAX, command.output())
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))
            .flatten()
            .map_err(StartError::io(format!("run {}/initdb", binaries.directory.display())))?;
        if output.status.success() {
            return Ok(Ok(()));
        }
        let text = [output.stdout, output.stderr].concat();
        Ok(Err(String::from_utf8_lossy(&text).trim().to_owned()))
    }

    fn remove_half_made(&self) {
        for entry in fs::read_dir(&self.data_dir).into_iter().flatten().flatten() {
            if !entry.file_name().as_bytes().starts_with(STAGING_PREFIX.as_bytes()) {
                continue;
            }
            if let Err(error) = fs::remove_dir_all(entry.path()) {
                tracing::warn!(path = %entry.path().display(), %error, "could not remove a half-made cluster");
            }
        }
    }
}

/// What to ask of `initdb`, the best first.
///
/// Text sorts by code point, the same on every system and after every upgrade of it; upper and lower case are Unicode's
/// where the server or the system knows them without a language, else those of ASCII.
fn locales(major: u32) -> [&'static [&'static str]; 2] {
    let unicode: &[&str] = if major >= 17 {
        &["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    } else {
        &["--locale=C", "--lc-ctype=C.UTF-8"]
    };
    [unicode, &["--locale=C"]]
}
