//! `cargo xtask seed`: a database with as many users as a big deployment has, to see how lists, filters and runs in bulk fare.
//!
//! The users are made by PostgreSQL, some ten thousand by each statement, from their numbers alone: the same number of users is the
//! same users, and a run that was interrupted is taken up by the next one. They have no passwords, and no event tells of them.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;
use std::{fs, io};

use crate::up::Settings;
use crate::{Outcome, postgres};

/// Users that one transaction makes.
const BATCH: u64 = 20_000;
/// More than anybody has asked for yet; their numbers still fit into a name.
const USERS_MAX: u64 = 100_000_000;

/// Takes the psql variables `first`, `last` and `total`.
const USERS: &str = include_str!("seed/users.sql");

/// Dates by one time zone, and trigrams into their indexes by the batch.
const SESSION: &str = "
set timezone = 'UTC';
set synchronous_commit = off;
set gin_pending_list_limit = '64MB';
";

#[derive(Debug, PartialEq, Eq)]
pub struct Options {
    users: u64,
    database_url: Option<String>,
}

impl Options {
    pub fn parse(words: &[&str]) -> Option<Self> {
        let mut options = Self { users: 0, database_url: None };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--users" => options.users = words.next()?.replace(['_', ','], "").parse().ok()?,
                "--database-url" => options.database_url = Some((*words.next()?).to_owned()),
                _ => return None,
            }
        }
        (1..=USERS_MAX).contains(&options.users).then_some(options)
    }
}

pub fn run(options: &Options) -> Outcome {
    let database = match &options.database_url {
        Some(url) => vec![url.clone()],
        None => usual_database(&Settings::read())?,
    };
    let total = options.users;
    println!("{} users are there, seeded or not.", ask(&database, "select count(*) from users;")?);
    let started = Instant::now();
    let mut added = 0;
    for (first, last) in batches(total) {
        added += seed(&database, first, last, total)?;
        println!("  {last} of {total}: {added} added, {}", rate(last, started));
    }
    ask(&database, "vacuum (analyze) users, emails, user_roles;")?;
    let there = total - added;
    let taken = started.elapsed().as_secs_f64();
    println!("{added} users added, {there} were there already; {taken:.1} s with vacuum and analyze, {}.", rate(added, started));
    Ok(ExitCode::SUCCESS)
}

/// The first and the last number of each batch.
fn batches(total: u64) -> impl Iterator<Item = (u64, u64)> {
    (0..total.div_ceil(BATCH)).map(move |batch| (batch * BATCH + 1, total.min((batch + 1) * BATCH)))
}

#[expect(clippy::cast_precision_loss, reason = "a rate is shown to the whole number")]
fn rate(count: u64, started: Instant) -> String {
    format!("{:.0} a second", count as f64 / started.elapsed().as_secs_f64().max(0.001))
}

/// Returns how many were missing.
fn seed(database: &[String], first: u64, last: u64, total: u64) -> Result<u64, String> {
    let mut script = String::from(SESSION);
    for (name, value) in [("first", first), ("last", last), ("total", total)] {
        // Nothing fails that is written into a text.
        let _written = writeln!(script, "\\set {name} {value}");
    }
    script.push_str(USERS);
    let said = ask(database, &script)?;
    said.parse().map_err(|_| format!("psql answered {said:?}, which is no number"))
}

/// What psql prints, whose script comes by standard input so that its variables are replaced.
fn ask(database: &[String], script: &str) -> Result<String, String> {
    let what = |error: io::Error| format!("psql did not run: {error}");
    let mut child = Command::new(postgres::psql()?)
        .args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-f", "-"])
        .args(database)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(what)?;
    if let Some(mut input) = child.stdin.take() {
        // Who has hung up says why on standard error.
        let _hung_up = io::Write::write_all(&mut input, script.as_bytes());
    }
    let output = child.wait_with_output().map_err(what)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    let unready = ["relation \"users\" does not exist", "user_roles_role_name_fkey"].iter().any(|sign| complaint.contains(sign));
    let hint = if unready { "; start usher on this database first: it migrates, and makes the roles" } else { "" };
    Err(format!("psql ended with {}: {}{hint}", output.status, complaint.trim()))
}

/// psql's words for the database of usher's settings, or for the private one.
fn usual_database(settings: &Settings) -> Result<Vec<String>, String> {
    if let Some(url) = settings.get("USHER_DATABASE_URL") {
        return Ok(vec![url]);
    }
    if let Some(file) = settings.get("USHER_DATABASE_URL_FILE") {
        let url = fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
        return Ok(vec![url.trim().to_owned()]);
    }
    let file = Path::new(&settings.data_directory()?).join("postgres/postmaster.pid");
    let running = fs::read_to_string(&file)
        .map_err(|_| format!("{} is not there: start usher, or name a database with --database-url", file.display()))?;
    private_database(&running).ok_or_else(|| format!("{} is not as PostgreSQL writes it", file.display()))
}

/// Where the server listens that has written this `postmaster.pid`.
fn private_database(running: &str) -> Option<Vec<String>> {
    let mut lines = running.lines().skip(3);
    let (port, folder) = (lines.next()?, lines.next()?);
    Some(["-h", folder, "-p", port, "-U", "usher", "usher"].map(ToOwned::to_owned).to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_parsed() {
        let options = Options::parse(&["--users", "1_000_000", "--database-url", "postgres://localhost/usher"]).unwrap();
        assert_eq!(options.users, 1_000_000);
        assert_eq!(options.database_url.as_deref(), Some("postgres://localhost/usher"));
        for wrong in [&[][..], &["--users"], &["--users", "0"], &["--users", "many"], &["--user", "1"]] {
            assert_eq!(Options::parse(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn batches_cover_everybody_once() {
        assert_eq!(batches(1).collect::<Vec<_>>(), [(1, 1)]);
        assert_eq!(
            batches(2 * BATCH + 1).collect::<Vec<_>>(),
            [(1, BATCH), (BATCH + 1, 2 * BATCH), (2 * BATCH + 1, 2 * BATCH + 1)]
        );
    }

    #[test]
    fn the_private_server_is_found_by_its_file() {
        let running = "4711\n/data/postgres\n1767225600\n5432\n/data/run\n\n  1 2\nready\n";
        assert_eq!(private_database(running).unwrap(), ["-h", "/data/run", "-p", "5432", "-U", "usher", "usher"]);
        assert_eq!(private_database("4711\n"), None);
    }
}
