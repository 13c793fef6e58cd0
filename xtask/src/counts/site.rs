//! `usher serve` under callgrind, and the counting.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use super::dumps;
use super::scenarios::{Person, SCENARIOS, Scenario, ask};
use crate::http::{Connection, Request};
use crate::server::{self, Server};
use crate::sweep::Folder;
use crate::workspace;

/// What has nothing to do with a request (a timer, a connection to PostgreSQL that is made) can only add to it. So the least is taken,
/// once another count is within a five-hundredth of it, or after so many rounds.
const AGREEMENT: u64 = 500;
const ROUNDS_MAX: usize = 10;
const STARTS_MAX: usize = 3;
/// What follows an answer, such as the line in the log, is a part of it.
const AFTERMATH: Duration = Duration::from_millis(100);

/// One for each thread; the name without more is that of an empty file.
const DUMPS: &str = "callgrind.out.";
const GATE: &str = "vgdb";

/// How many instructions a scenario takes.
pub type Count = (&'static str, u64);

/// Counts all scenarios; once more if the server did not come that far. What is known of that is Valgrind's own signal 11 on a machine
/// that was busy beyond measure.
pub fn count(usher: &Path) -> Result<Vec<Count>, String> {
    let mut counted = count_once(usher);
    for _ in 1..STARTS_MAX {
        match counted {
            Ok(counted) => return Ok(counted),
            Err(sentence) => println!("\n{sentence}\nOnce more."),
        }
        counted = count_once(usher);
    }
    counted
}

fn count_once(usher: &Path) -> Result<Vec<Count>, String> {
    let folder = Folder::create(std::env::temp_dir().join(format!("usher-counts-{}", std::process::id())))?;
    let counted = count_in(usher, folder.path());
    if counted.is_err() {
        server::print_log(folder.path());
    }
    let removed = folder.remove();
    let counted = counted?;
    removed?;
    Ok(counted)
}

fn count_in(usher: &Path, folder: &Path) -> Result<Vec<Count>, String> {
    let address = server::free_address()?;
    let mut command = server::command(Path::new("valgrind"), folder, address);
    command
        // Until somebody counts, it only runs, which is ten times as fast.
        .args(["--tool=callgrind", "--instr-atstart=no", "--separate-threads=yes"])
        .arg(format!("--callgrind-out-file={}", folder.join("callgrind.out").display()))
        .arg(format!("--vgdb-prefix={}", folder.join(GATE).display()))
        .arg(usher)
        .arg("serve")
        // One thread for requests, and one connection for their transactions: which of several takes one is a matter of time.
        .env("TOKIO_WORKER_THREADS", "1")
        .env("USHER_DATABASE_POOL_SIZE", "1")
        // Nothing is given up, however slow it is on a machine that is busy.
        .env("USHER_DATABASE_CONNECT_TIMEOUT_SECONDS", "60")
        .env("USHER_REQUEST_TIMEOUT_SECONDS", "120")
        .env("USHER_RUN_WORKER", "false")
        .env("USHER_RATE_LIMIT_EXEMPT", "127.0.0.0/8");
    let mut server = Server::start(&mut command, folder, address)?;
    let mut person = Person::begin(&server)?;
    let callgrind = Callgrind { folder, pid: server.pid() };
    callgrind.tell(&["instrumentation", "on"])?;
    let mut counted = Vec::new();
    for scenario in &SCENARIOS {
        person.renew_old(&server)?;
        let count = callgrind.count(&server, &person, scenario)?;
        println!("{}: {count} instructions", scenario.name);
        counted.push((scenario.name, count));
    }
    server.stop()?;
    Ok(counted)
}

struct Callgrind<'a> {
    folder: &'a Path,
    pid: String,
}

impl Callgrind<'_> {
    fn tell(&self, words: &[&str]) -> Result<(), String> {
        let mut vgdb = Command::new("vgdb");
        vgdb.arg(format!("--vgdb-prefix={}", self.folder.join(GATE).display())).arg(format!("--pid={}", self.pid)).args(words);
        workspace::output(&mut vgdb).map(drop)
    }

    fn count(&self, server: &Server, person: &Person, scenario: &Scenario) -> Result<u64, String> {
        let whole = self.least(server, scenario, &(scenario.request)(person))?;
        let Some(without) = scenario.without else { return Ok(whole) };
        Ok(whole.saturating_sub(self.least(server, scenario, &without(person))?))
    }

    /// The instructions of one request.
    fn least(&self, server: &Server, scenario: &Scenario, request: &Request) -> Result<u64, String> {
        let mut least = u64::MAX;
        for _ in 0..ROUNDS_MAX {
            let count = self.round(server, scenario, request)? / scenario.requests;
            let agree = count.abs_diff(least) <= count / AGREEMENT;
            least = least.min(count);
            if agree {
                break;
            }
        }
        Ok(least)
    }

    fn round(&self, server: &Server, scenario: &Scenario, request: &Request) -> Result<u64, String> {
        let mut connection = Connection::open(server.address)?;
        ask(&mut connection, request, scenario.status)?;
        sleep(AFTERMATH);
        self.tell(&["zero"])?;
        for _ in 0..scenario.requests {
            ask(&mut connection, request, scenario.status)?;
        }
        sleep(AFTERMATH);
        self.tell(&["dump"])?;
        self.dumped()
    }

    /// The sum over the threads of what was written down, which is then removed.
    fn dumped(&self) -> Result<u64, String> {
        let what = |error: std::io::Error| format!("what callgrind has written: {error}");
        let mut sum = 0;
        for entry in fs::read_dir(self.folder).map_err(what)? {
            let path = entry.map_err(what)?.path();
            if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(DUMPS)) {
                sum += dumps::instructions(&fs::read_to_string(&path).map_err(what)?)?;
                fs::remove_file(&path).map_err(what)?;
            }
        }
        Ok(sum)
    }
}
