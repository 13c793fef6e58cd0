//! `cargo xtask up --tour`: starts a fresh server and walks it through the README, so that a
//! newcomer sees in one line that everything works. The steps are in `walk.rs`.

mod print;
mod walk;

use std::collections::HashMap;
use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::http::{Answer, Request};
use crate::json::Value;
use crate::sweep::{self, Folder};
use crate::tour::walk::{Action, Check, Source, Step};
use crate::{Outcome, up, workspace};

/// A held mail is written by a worker, a moment after the answer.
const MAIL_PATIENCE: Duration = Duration::from_secs(15);

/// How long the server may take to end once it was told to.
const STOP_PATIENCE: Duration = Duration::from_secs(30);

pub fn run(usher: &Path) -> Outcome {
    let name = format!("usher-tour-{}", std::process::id());
    let folder = Folder::create(std::env::temp_dir().join(name))?;
    let toured = tour(usher, folder.path());
    if toured.is_err() {
        print::log(&folder.path().join("usher.log"));
    }
    let removed = folder.remove();
    match toured {
        Ok(steps) => {
            removed?;
            println!("tour: {steps} steps, all as they should be");
            Ok(ExitCode::SUCCESS)
        }
        Err(surprise) => {
            println!("\ntour: a surprise\n{surprise}");
            Ok(ExitCode::FAILURE)
        }
    }
}

fn tour(usher: &Path, folder: &Path) -> Result<usize, String> {
    let address = free_address()?;
    println!("A fresh server on {address}:");
    let mut server = Server::start(usher, folder, address)?;
    let pid = server.child.id().to_string();
    fs::write(folder.join(sweep::PID_FILE), &pid).map_err(|error| error.to_string())?;
    up::wait_until_ready(address, || matches!(server.child.try_wait(), Ok(None)))?;
    let token = fs::read_to_string(folder.join("setup-token"))
        .map_err(|error| format!("expected a setup token in the data directory: {error}"))?;
    let mut tour = Tour { server: &server, kept: HashMap::from([("setup_token", token.trim().to_owned())]) };
    let steps = walk::steps();
    for (index, step) in steps.iter().enumerate() {
        println!("\n{}. {}", index + 1, step.title);
        tour.take(step)?;
    }
    println!();
    server.stop()?;
    Ok(steps.len())
}

fn free_address() -> Result<SocketAddr, String> {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).map_err(|error| format!("no free port: {error}"))
}

struct Server<'a> {
    usher: &'a Path,
    folder: &'a Path,
    address: SocketAddr,
    child: Child,
}

impl<'a> Server<'a> {
    fn start(usher: &'a Path, folder: &'a Path, address: SocketAddr) -> Result<Self, String> {
        let what = |error: std::io::Error| format!("usher did not start: {error}");
        let log = File::create(folder.join("usher.log")).map_err(what)?;
        let child = command(usher, folder, address, &["serve"])
            .stdout(log.try_clone().map_err(what)?)
            .stderr(log)
            .spawn()
            .map_err(what)?;
        Ok(Self { usher, folder, address, child })
    }

    /// What `usher <arguments>` prints beside the running server.
    fn cli(&self, arguments: &[&str]) -> Result<String, String> {
        workspace::output(&mut command(self.usher, self.folder, self.address, arguments))
    }

    fn stop(&mut self) -> Result<(), String> {
        sweep::signal(&self.child.id().to_string(), "TERM");
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
}

impl Server<'_> {
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

/// usher with the tour's own settings. It starts in the data directory, so that the `.env` of
/// the checkout is not read.
fn command(usher: &Path, folder: &Path, address: SocketAddr, arguments: &[&str]) -> Command {
    let mut command = Command::new(usher);
    workspace::without_settings(&mut command)
        .args(arguments)
        .current_dir(folder)
        .env("USHER_DATA_DIR", folder)
        .env("USHER_LISTEN", address.to_string())
        .env("USHER_PUBLIC_URL", format!("http://{address}"));
    command
}

struct Tour<'a> {
    server: &'a Server<'a>,
    kept: HashMap<&'static str, String>,
}

impl Tour<'_> {
    fn take(&mut self, step: &Step) -> Result<(), String> {
        match &step.action {
            Action::Request { status, .. } => {
                let request = self.request(step)?;
                print::request(&request);
                let answer = request.send(self.server.address)?;
                print::answer(&answer);
                self.judge(step, *status, &answer)
            }
            Action::ReadMail { link } => {
                let token = self.read_mail(link)?;
                for (name, _) in &step.keep {
                    self.kept.insert(name, token.clone());
                }
                Ok(())
            }
        }
    }

    fn request(&self, step: &Step) -> Result<Request, String> {
        let Action::Request { method, path, caller, if_match, body, .. } = &step.action else {
            return Err("only a request can be sent".to_owned());
        };
        let mut headers = Vec::new();
        if let Some(caller) = caller {
            let token = self.fill(&format!("${caller}"))?;
            headers.push(("Authorization", format!("Bearer {token}")));
        }
        if let Some(etag) = if_match {
            headers.push(("If-Match", self.fill(etag)?));
        }
        Ok(Request { method, path: self.fill(path)?, headers, body: body.map(|body| self.fill(body)).transpose()? })
    }

    /// Checks the answer and keeps what later steps need of it.
    fn judge(&mut self, step: &Step, status: u16, answer: &Answer) -> Result<(), String> {
        if answer.status != status {
            return Err(format!("expected {status}, came {}", answer.status));
        }
        let reads_body = !step.checks.is_empty() || step.keep.iter().any(|(_, source)| matches!(source, Source::Body(_)));
        let body = if reads_body { Value::parse(&answer.body)? } else { Value::Null };
        for (pointer, check) in &step.checks {
            self.check(&body, pointer, check)?;
        }
        for (name, source) in &step.keep {
            let (place, value) = match source {
                Source::Body(pointer) => (pointer, body.pointer(pointer).and_then(Value::text).map(str::to_owned)),
                Source::Header(header) => (header, answer.header(header).map(str::to_owned)),
            };
            let value = value.ok_or_else(|| format!("expected a value at {place}, came none"))?;
            self.kept.insert(name, value);
        }
        Ok(())
    }

    fn check(&self, body: &Value, pointer: &str, check: &Check) -> Result<(), String> {
        let found = body.pointer(pointer);
        let text = found.and_then(Value::scalar);
        let (fits, wanted) = match check {
            Check::Is(value) => {
                let value = self.fill(value)?;
                (text.as_ref() == Some(&value), format!("{value:?}"))
            }
            Check::Starts(start) => (text.as_ref().is_some_and(|text| text.starts_with(start)), format!("{start:?}...")),
            Check::Null => (found == Some(&Value::Null), "null".to_owned()),
        };
        if fits {
            return Ok(());
        }
        Err(format!(
            "expected {wanted} at {pointer}, came {}",
            found.map_or_else(|| "nothing".to_owned(), |value| format!("{value:?}"))
        ))
    }

    /// The token of the link in the newest mail that has such a link.
    fn read_mail(&self, link: &str) -> Result<String, String> {
        let start = format!("http://{}{link}", self.server.address);
        let started = Instant::now();
        loop {
            let list = self.server.cli(&["mail", "list", "--json"])?;
            for id in newest_first(&Value::parse(&list)?) {
                let mail = self.server.cli(&["mail", "show", &id])?;
                if let Some(token) = token_after(&mail, &start) {
                    print::mail(&id, &list, &mail);
                    return Ok(token);
                }
            }
            if started.elapsed() > MAIL_PATIENCE {
                print::mail("", &list, "");
                return Err(format!("expected a mail with a link {start}..., came none"));
            }
            sleep(Duration::from_millis(100));
        }
    }

    fn fill(&self, text: &str) -> Result<String, String> {
        fill(text, &self.kept)
    }
}

/// Puts what was kept in the place of each `$name`.
fn fill(text: &str, kept: &HashMap<&'static str, String>) -> Result<String, String> {
    let mut parts = text.split('$');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(part.len());
        let (name, rest) = part.split_at(end);
        let value = kept.get(name).ok_or_else(|| format!("no earlier step kept ${name}"))?;
        filled.push_str(value);
        filled.push_str(rest);
    }
    Ok(filled)
}

/// The ids in a list of mails (a list, or an object with `items`), the newest first.
fn newest_first(list: &Value) -> Vec<String> {
    let items = list.items().or_else(|| list.pointer("/items")?.items());
    let mut mails: Vec<(String, String)> = items
        .unwrap_or_default()
        .iter()
        .filter_map(|mail| {
            let created = mail.pointer("/created_at").and_then(Value::scalar);
            Some((created.unwrap_or_default(), mail.pointer("/id")?.scalar()?))
        })
        .collect();
    mails.sort_by(|one, other| other.0.cmp(&one.0));
    mails.into_iter().map(|(_, id)| id).collect()
}

fn token_after(mail: &str, start: &str) -> Option<String> {
    let rest = mail.split_once(start)?.1;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.' | '~')).unwrap_or(rest.len());
    // A full stop after the link ends the sentence, not the token.
    Some(rest[..end].trim_end_matches('.').to_owned())
}

#[cfg(test)]
mod tests;
