//! A Docker engine: the one that answers already, or one of the test's own.
//!
//! Its own runs in new network, mount and process namespaces. The network has no way out: bridges and packet filters in there are
//! nobody else's, published ports are reached by programs that enter it, and when its first process ends the kernel ends all the
//! others and forgets the rest.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::{sweep, tools, workspace};

/// How long the engine may take to answer.
const START: Duration = Duration::from_mins(1);

/// Where its containers are counted. That is no namespace's: the empty groups are removed afterwards.
const CGROUP: &str = "/usher-docker-test";

/// Starts the engine as a child that is waited for, so that the first process of the namespace reaps whatever ends in there, and
/// passes the order to stop on.
const FIRST_PROCESS: &str = "ip link set lo up || exit 1
dockerd \"$@\" &
engine=$!
trap 'kill -TERM $engine' TERM
while kill -0 $engine 2>/dev/null; do wait $engine; done";

pub struct Engine {
    client: PathBuf,
    /// The program, and the word that comes first, if any.
    compose: (PathBuf, Option<&'static str>),
    own: Option<Own>,
}

struct Own {
    socket: String,
    /// The first process of its namespaces, as it is known outside.
    first: String,
}

impl Engine {
    /// What is started belongs to the folder, and ends when that is swept.
    pub fn find_or_start(kept: &Path, folder: &Path) -> Result<Self, String> {
        if let Some((client, compose)) = programs()
            && workspace::output(Command::new(&client).arg("info").stdin(Stdio::null())).is_ok()
        {
            println!("Using the Docker engine that runs.");
            return Ok(Self { client, compose, own: None });
        }
        if !tools::is_root() {
            return Err("no Docker engine answers: start one, or run this as root to have one started for the test".to_owned());
        }
        if programs().is_none() || tools::on_path("dockerd").is_none() || tools::on_path("ip").is_none() {
            tools::docker()?;
        }
        let (client, compose) = programs().ok_or("there is no usable `docker` and `docker compose` after the installation")?;
        let own = Own::start(kept, folder)?;
        let engine = Self { client, compose, own: Some(own) };
        engine.wait(folder)?;
        Ok(engine)
    }

    fn wait(&self, folder: &Path) -> Result<(), String> {
        let started = Instant::now();
        while workspace::output(self.docker().arg("info")).is_err() {
            let Some(own) = &self.own else { break };
            if !sweep::alive(&own.first) || started.elapsed() > START {
                let log = fs::read_to_string(folder.join("dockerd.log")).unwrap_or_default();
                let lines: Vec<&str> = log.lines().collect();
                let last = lines[lines.len().saturating_sub(20)..].join("\n");
                return Err(format!("the Docker engine did not start:\n{last}"));
            }
            sleep(Duration::from_millis(200));
        }
        println!("The Docker engine answers after {:.1} s.", started.elapsed().as_secs_f64());
        Ok(())
    }

    /// After the folder was swept, removes what the kernel does not forget.
    pub fn forget() {
        let script = "find /sys/fs/cgroup -depth -type d -path \"*$0*\" -exec rmdir {} +";
        // Empty groups cost nothing.
        let _removed = workspace::output(Command::new("sh").args(["-c", script, CGROUP]));
    }

    pub fn docker(&self) -> Command {
        self.speaking(Command::new(&self.client))
    }

    pub fn compose(&self) -> Command {
        let (program, word) = &self.compose;
        let mut command = Command::new(program);
        command.args(word);
        self.speaking(command)
    }

    fn speaking(&self, mut command: Command) -> Command {
        command.stdin(Stdio::null()).env("DOCKER_BUILDKIT", "1");
        if let Some(own) = &self.own {
            command.env("DOCKER_HOST", &own.socket);
        }
        command
    }

    /// A program that reaches the ports that the engine publishes.
    pub fn beside(&self, program: &Path) -> Command {
        let Some(own) = &self.own else { return Command::new(program) };
        let mut command = Command::new("nsenter");
        command.args(["--target", &own.first, "--net", "--"]).arg(program);
        command
    }

    /// Whether images can be pulled: the network of the test's own engine has no way out.
    pub fn is_online(&self) -> bool {
        self.own.is_none()
    }

    /// What the command of docker's has to say.
    pub fn ask(&self, words: &[&str]) -> Result<String, String> {
        workspace::output(self.docker().args(words)).map(|told| told.trim().to_owned())
    }
}

impl Own {
    fn start(kept: &Path, folder: &Path) -> Result<Self, String> {
        let what = |error: std::io::Error| format!("the Docker engine: {error}");
        let socket = format!("unix://{}", folder.join("docker.sock").display());
        let log = File::create(folder.join("dockerd.log")).map_err(what)?;
        let data = kept.join("engine");
        // Those of a run that was interrupted would start with the engine, and make what they mount as empty folders.
        let left = data.join("containers");
        if left.exists() {
            fs::remove_dir_all(&left).map_err(what)?;
        }
        let mut command = Command::new("unshare");
        command
            .args(["--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", FIRST_PROCESS, "dockerd"])
            .args(["--host", &socket, "--data-root"])
            .arg(&data)
            .arg("--exec-root")
            .arg(folder.join("run"))
            .arg("--pidfile")
            .arg(folder.join("dockerd.pid"))
            .args(["--cgroup-parent", CGROUP]);
        command.stdin(Stdio::null()).stderr(log.try_clone().map_err(what)?).stdout(log);
        // Ctrl-C at the terminal must leave it to the sweeper.
        let outer = command.process_group(0).spawn().map_err(what)?;
        let first = first_child(outer.id())?;
        // By this the sweeper ends it.
        fs::write(folder.join(sweep::PID_FILE), &first).map_err(what)?;
        Ok(Self { socket, first })
    }
}

fn first_child(parent: u32) -> Result<String, String> {
    let path = format!("/proc/{parent}/task/{parent}/children");
    let started = Instant::now();
    while started.elapsed() < START {
        let children = fs::read_to_string(&path).map_err(|error| format!("the Docker engine ended at once: {error}"))?;
        if let Some(child) = children.split_whitespace().next() {
            return Ok(child.to_owned());
        }
        sleep(Duration::from_millis(20));
    }
    Err("the Docker engine has no process".to_owned())
}

/// A client that can build, and Compose.
fn programs() -> Option<(PathBuf, (PathBuf, Option<&'static str>))> {
    let path = std::env::var_os("PATH")?;
    let clients = std::env::split_paths(&path).map(|folder| folder.join("docker")).filter(|file| file.is_file());
    let client = clients.into_iter().find(|client| builds(client))?;
    let plugin = workspace::output(Command::new(&client).args(["compose", "version"])).is_ok();
    let compose = if plugin { (client.clone(), Some("compose")) } else { (tools::on_path("docker-compose")?, None) };
    Some((client, compose))
}

/// From 23 on a client needs a plugin to build with what the Dockerfile uses.
fn builds(client: &Path) -> bool {
    let version = workspace::output(Command::new(client).arg("--version")).unwrap_or_default();
    major(&version).is_some_and(|major| major < 23) || workspace::output(Command::new(client).args(["buildx", "version"])).is_ok()
}

/// Of "Docker version 20.10.24+dfsg1, build 297e128".
fn major(version: &str) -> Option<u32> {
    version.split_whitespace().find_map(|word| word.split('.').next()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_a_client_is_read() {
        assert_eq!(major("Docker version 20.10.24+dfsg1, build 297e128"), Some(20));
        assert_eq!(major("Docker version 28.2.2, build e6534b4"), Some(28));
        assert_eq!(major(""), None);
    }
}
