//! A fresh usher in a throwaway folder, with the PostgreSQL that it makes for itself there.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::{sweep, up, workspace};

/// How long the server may take to end once it was told to.
const STOP_PATIENCE: Duration = Duration::from_secs(30);
const LOG: &str = "usher.log";
const LOG_LINES_MAX: usize = 40;

pub fn free_address() -> Result<SocketAddr, String> {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).map_err(|error| format!("no free port: {error}"))
}

/// The program with the settings of such a usher. It starts in the data directory, so that the `.env` of the checkout is not read.
pub fn command(program: &Path, folder: &Path, address: SocketAddr) -> Command {
    let mut command = Command::new(program);
    workspace::without_settings(&mut command)
        .current_dir(folder)
        .env("USHER_DATA_DIR", folder)
        .env("USHER_LISTEN", address.to_string())
        .env("USHER_PUBLIC_URL", format!("http://{address}"));
    command
}

pub struct Server<'a> {
    folder: &'a Path,
    pub address: SocketAddr,
    child: Child,
}

impl<'a> Server<'a> {
    /// Runs the command, which serves in the folder and on the address, until it is ready.
    pub fn start(command: &mut Command, folder: &'a Path, address: SocketAddr) -> Result<Self, String> {
        let what = |error: std::io::Error| format!("usher did not start: {error}");
        let log = File::create(folder.join(LOG)).map_err(what)?;
        let child = command.stdout(log.try_clone().map_err(what)?).stderr(log).spawn().map_err(what)?;
        let mut server = Self { folder, address, child };
        fs::write(folder.join(sweep::PID_FILE), server.pid()).map_err(what)?;
        up::wait_until_ready(address, || matches!(server.child.try_wait(), Ok(None)))?;
        Ok(server)
    }

    pub fn pid(&self) -> String {
        self.child.id().to_string()
    }

    /// The token in the data directory that makes the first administrator.
    pub fn setup_token(&self) -> Result<String, String> {
        let token = fs::read_to_string(self.folder.join("setup-token"));
        let token = token.map_err(|error| format!("expected a setup token in the data directory: {error}"))?;
        Ok(token.trim().to_owned())
    }

    pub fn stop(&mut self) -> Result<(), String> {
        sweep::signal(&self.pid(), "TERM");
        let started = Instant::now();
        loop {
            let ended = self.child.try_wait().map_err(|error| error.to_string())?;
            match ended {
                Some(status) => {
                    self.forget();
                    return clean_end(status);
                }
                None if started.elapsed() > STOP_PATIENCE => {
                    return Err("expected the server to end after SIGTERM: it runs on".to_owned());
                }
                None => sleep(Duration::from_millis(20)),
            }
        }
    }

    /// The process is gone, and its number may soon be somebody else's: the sweeper must not
    /// signal it.
    fn forget(&self) {
        let _absent = fs::remove_file(self.folder.join(sweep::PID_FILE));
    }
}

impl Drop for Server<'_> {
    /// After a surprise the server still runs; once it was waited for, this does nothing.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) && self.stop().is_err() {
            // Nobody is left to tell, and the sweeper stops the cluster.
            let _gone = self.child.kill();
            let _gone = self.child.wait();
            self.forget();
        }
    }
}

fn clean_end(status: ExitStatus) -> Result<(), String> {
    if status.success() {
        return Ok(());
    }
    Err(format!("expected the server to end with exit status 0 after SIGTERM; it ended with {status}"))
}

/// The end of its log, which tells why something came as a surprise.
pub fn print_log(folder: &Path) {
    let text = fs::read_to_string(folder.join(LOG)).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let skipped = lines.len().saturating_sub(LOG_LINES_MAX);
    println!("\nThe end of the server's log:");
    for line in &lines[skipped..] {
        println!("   {line}");
    }
}
