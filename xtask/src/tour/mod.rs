//! `cargo xtask up --tour`: starts a fresh server and walks it through the README, so that a
//! newcomer sees in one line that everything works. The steps are in `walk.rs`.

mod print;
mod walk;

use std::collections::HashMap;
use std::path::Path;
use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::http::{Answer, Request};
use crate::json::Value;
use crate::server::{self, Server};
use crate::sweep::Folder;
use crate::tour::walk::{Action, Check, Source, Step};
use crate::{Outcome, workspace};

/// A held mail is written by a worker, a moment after the answer.
const MAIL_PATIENCE: Duration = Duration::from_secs(15);

pub fn run(usher: &Path) -> Outcome {
    let name = format!("usher-tour-{}", std::process::id());
    let folder = Folder::create(std::env::temp_dir().join(name))?;
    let toured = tour(usher, folder.path());
    if toured.is_err() {
        server::print_log(folder.path());
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
    let address = server::free_address()?;
    println!("A fresh server on {address}:");
    let mut server = Server::start(server::command(usher, folder, address).arg("serve"), folder, address)?;
    let kept = HashMap::from([("setup_token", server.setup_token()?)]);
    let mut tour = Tour { usher, folder, server: &server, kept };
    let steps = walk::steps();
    for (index, step) in steps.iter().enumerate() {
        println!("\n{}. {}", index + 1, step.title);
        tour.take(step)?;
    }
    println!();
    server.stop()?;
    Ok(steps.len())
}

struct Tour<'a> {
    usher: &'a Path,
    folder: &'a Path,
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
            let list = self.cli(&["mail", "list", "--json"])?;
            for id in newest_first(&Value::parse(&list)?) {
                let mail = self.cli(&["mail", "show", &id])?;
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

    /// What `usher <arguments>` prints beside the running server.
    fn cli(&self, arguments: &[&str]) -> Result<String, String> {
        workspace::output(server::command(self.usher, self.folder, self.server.address).args(arguments))
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
