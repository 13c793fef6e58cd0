//! Leaves nothing behind: stops what runs in a throwaway folder and removes the folder, also
//! when the command is interrupted or killed.
//!
//! A second xtask waits for its standard input to end, which happens when the first one does,
//! however it ends. It then kills the usher named in the folder's `usher.pid`, stops the
//! cluster under `postgres` and removes the folder.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::postgres;
use crate::workspace;

/// The hidden command that waits and sweeps.
pub const SWEEP: &str = "__sweep";

/// The file in the folder that names the process to stop.
pub const PID_FILE: &str = "usher.pid";

/// How long usher may take to end once it was told to.
const PATIENCE: Duration = Duration::from_secs(30);

/// A folder that goes away with the command.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    sweeper: Child,
}

impl Folder {
    /// Makes the folder anew, sweeping what an earlier run may have left. Others may enter
    /// it, since the database runs as another user when we are root.
    pub fn create(path: PathBuf) -> Result<Self, String> {
        sweep(&path)?;
        let what = |error: std::io::Error| format!("{}: {error}", path.display());
        fs::create_dir(&path).map_err(what)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).map_err(what)?;
        // By the kernel's name where there is one: cargo may have built another program in its place meanwhile.
        let own = Some(PathBuf::from("/proc/self/exe")).filter(|path| path.exists());
        let program = own.map_or_else(std::env::current_exe, Ok).map_err(what)?;
        // In a process group of its own, Ctrl-C at the terminal does not reach it.
        let sweeper = Command::new(program)
            .arg(SWEEP)
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(what)?;
        Ok(Self { path, sweeper })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Sweeps now, and says what could not be swept.
    pub fn remove(mut self) -> Result<(), String> {
        let swept = sweep(&self.path);
        drop(self.sweeper.stdin.take());
        let ended = self.sweeper.wait();
        swept?;
        ended.map(drop).map_err(|error| error.to_string())
    }
}

/// Waits for the command that made the folder, then sweeps.
pub fn wait(folder: &Path) -> ExitCode {
    let mut ignored = Vec::new();
    // However the reading ends, the other side is gone.
    let _gone = std::io::stdin().read_to_end(&mut ignored);
    match sweep(folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn sweep(folder: &Path) -> Result<(), String> {
    if !folder.exists() {
        return Ok(());
    }
    if let Ok(pid) = fs::read_to_string(folder.join(PID_FILE)) {
        end(pid.trim());
    }
    postgres::stop(&folder.join("postgres"))?;
    fs::remove_dir_all(folder).map_err(|error| format!("{} could not be removed: {error}", folder.display()))
}

/// Tells the process to end, and kills it when it doesn't.
fn end(pid: &str) {
    let started = Instant::now();
    signal(pid, "TERM");
    while alive(pid) {
        if started.elapsed() > PATIENCE {
            signal(pid, "KILL");
            return;
        }
        sleep(Duration::from_millis(50));
    }
}

/// Sends a signal; a process that is gone already needs none. The shell's own `kill` is there
/// also where no package has brought the program.
pub fn signal(pid: &str, name: &str) {
    let _gone = workspace::output(Command::new("sh").args(["-c", "kill -$1 $0", pid, name]));
}

pub fn alive(pid: &str) -> bool {
    workspace::output(Command::new("sh").args(["-c", "kill -0 $0", pid])).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sweeping_ends_the_process_and_removes_the_folder() {
        let folder = std::env::temp_dir().join(format!("usher-sweep-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let mut sleeper = Command::new("sleep").arg("60").spawn().unwrap();
        fs::write(folder.join(PID_FILE), sleeper.id().to_string()).unwrap();
        // A child that ended is gone only once its parent has asked after it.
        let waiter = std::thread::spawn(move || sleeper.wait().unwrap());
        sweep(&folder).unwrap();
        assert!(!waiter.join().unwrap().success());
        assert!(!folder.exists());
    }

    #[test]
    fn sweeping_nothing_is_fine() {
        assert_eq!(sweep(Path::new("/nowhere/at/all")), Ok(()));
    }

    #[test]
    fn a_process_that_never_was_is_not_alive() {
        assert!(alive(&std::process::id().to_string()));
        assert!(!alive("999999999"));
    }
}
