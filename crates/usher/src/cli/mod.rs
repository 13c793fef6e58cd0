//! The command line: `usher serve` and its siblings for operators. Tables for people, `--json` for programs; exit code 0 is done,
//! 1 is failed, 2 is a mistake in the command or the configuration. No password is ever an argument.

mod analytics;
mod attributes;
mod audit;
pub(crate) mod backup;
mod boot;
mod bulk;
mod changes;
mod config;
mod doctor;
mod exports;
mod following;
mod groups;
mod healthcheck;
mod imports;
mod inactivity;
mod invitations;
mod jobs;
mod keys;
mod mails;
mod migrate;
mod output;
mod password_filter;
mod permissions;
mod progress;
mod queues;
mod roles;
mod secret_key;
mod serve;
mod service_accounts;
mod static_files;
mod upgrade;
mod users;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::config::Config;
use crate::http::params::is_storable;

/// User management: one binary beside one PostgreSQL.
///
/// Configuration comes from the environment: `usher config print` shows it, docs/configuration.md explains it.
#[derive(Parser)]
#[command(name = "usher", version, about, long_about, max_term_width = 110)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Answer in JSON, for programs
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API and, unless `USHER_RUN_WORKER=false`, do the after-work (mail, purging)
    Serve,
    /// Do the after-work only
    Worker,
    /// Apply the migrations that the database lacks
    Migrate {
        /// Then let this role of PostgreSQL do what usher needs, and no more: the server can connect as it instead of the owner
        #[arg(long, value_name = "ROLE")]
        grant_to: Option<String>,
        #[command(subcommand)]
        command: Option<migrate::Command>,
    },
    /// See before an upgrade what it will do
    #[command(subcommand)]
    Upgrade(upgrade::Command),
    /// Write all that the database holds into one file
    Backup(backup::Backup),
    /// Put a backup back, all of it or nothing; sessions, API keys and links in it end
    Restore(backup::Restore),
    /// Make the one-time token that creates the first administrator
    SetupToken,
    /// Look after users
    #[command(subcommand)]
    User(users::Command),
    /// Invite people by mail or by a link
    #[command(subcommand)]
    Invitation(invitations::Command),
    /// Change many users at once: see what it would do, do it, pause it
    #[command(subcommand)]
    Bulk(bulk::Command),
    /// See what was changed, and undo it
    #[command(subcommand)]
    Change(changes::Command),
    /// Look after service accounts and their API keys
    #[command(subcommand)]
    ServiceAccount(service_accounts::Command),
    /// Look after groups and who is in them
    #[command(subcommand)]
    Group(groups::Command),
    /// Look after roles
    #[command(subcommand)]
    Role(roles::Command),
    /// See who has a permission, and through what
    #[command(subcommand)]
    Permission(permissions::Command),
    /// See and set the schema of the users' attributes
    #[command(subcommand)]
    Attributes(attributes::Command),
    /// Count sign-ups, active users and sign-ins, and who came back
    Analytics(analytics::Command),
    /// Warn, suspend or delete users who have not been active for long, by rules
    #[command(subcommand)]
    Inactivity(inactivity::Command),
    /// Import users from files
    #[command(subcommand)]
    Import(imports::Command),
    /// Export users as files
    #[command(subcommand)]
    Export(exports::Command),
    /// See the mail queue, and send again what was held or given up
    #[command(subcommand)]
    Mail(mails::Command),
    /// See the after-work that was given up or waits, and have it tried again
    #[command(subcommand)]
    Job(jobs::Command),
    /// See and rotate the keys that sign tokens, and change the secret key
    #[command(subcommand)]
    Keys(keys::Command),
    /// Verify and export the audit log
    #[command(subcommand)]
    Audit(audit::Command),
    /// Make and try a list of breached passwords
    #[command(subcommand)]
    PasswordFilter(password_filter::Command),
    /// Check and show the configuration
    #[command(subcommand)]
    Config(config::Command),
    /// Print the OpenAPI document
    Openapi,
    /// Put the static files where a web server serves them
    #[command(subcommand)]
    Static(static_files::Command),
    /// Look for what is wrong with this installation
    Doctor,
    /// Ask the server beside this command whether it is ready; exit code 1 if not
    Healthcheck {
        /// Ask the worker, at `USHER_METRICS_LISTEN`
        #[arg(long)]
        worker: bool,
    },
}

/// A failure and the exit code it ends with.
pub struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// The command or the configuration has to be mended.
    fn usage(message: impl std::fmt::Display) -> Self {
        Self { code: 2, message: message.to_string() }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self { code: 1, message: format!("{error:#}") }
    }
}

impl From<crate::error::AppError> for Failure {
    fn from(error: crate::error::AppError) -> Self {
        Self { code: 1, message: error.to_string() }
    }
}

impl From<crate::db::DbError> for Failure {
    fn from(error: crate::db::DbError) -> Self {
        anyhow::Error::from(error).into()
    }
}

type Outcome = Result<(), Failure>;

/// The time that an option says.
fn read_time(option: &str, text: &str) -> Result<Timestamp, Failure> {
    let time: Option<Timestamp> = text.parse().ok().filter(is_storable);
    time.ok_or_else(|| Failure::usage(format!("--{option} must be a time, such as 2030-01-02T03:04:05Z")))
}

/// The time that an option says, twice; or of a day (of UTC) its first moment, and that of the day after.
fn read_moment(option: &str, text: &str) -> Result<(Timestamp, Timestamp), Failure> {
    let first = |day: Date| Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp()).filter(is_storable);
    let bounds = |day: Date| Some((first(day)?, first(day.tomorrow().ok()?)?));
    let read = match text.parse::<Date>() {
        // A date can be read of a time without a zone, too.
        Ok(day) if text.len() == 10 => bounds(day),
        _ => text.parse::<Timestamp>().ok().filter(is_storable).map(|time| (time, time)),
    };
    let wrong = || format!("--{option} must be a day or a time, such as 2030-01-02 or 2030-01-02T03:04:05Z");
    read.ok_or_else(|| Failure::usage(wrong()))
}

/// Runs the command and says how it went.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::complain(&failure.message);
            ExitCode::from(failure.code)
        }
    }
}

fn run(arguments: Arguments) -> Outcome {
    let json = arguments.json;
    // What needs no configuration comes first: it must work where the configuration is what is wrong.
    match &arguments.command {
        Command::Config(command) => return config::run(command, json),
        Command::Openapi => return config::print_openapi(),
        Command::Static(command) => return static_files::run(command, json),
        Command::Audit(audit::Command::Verify(verify)) if verify.file.is_some() => return audit::verify_file(verify, json),
        Command::PasswordFilter(command) => return password_filter::run(command, json),
        _ => {}
    }
    let (config, report) = Config::load().map_err(Failure::usage)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(anyhow::Error::from)?;
    runtime.block_on(async move {
        match arguments.command {
            Command::Serve => serve::serve(config, &report).await,
            Command::Worker => serve::work(config, &report).await,
            Command::Migrate { command: Some(migrate::Command::Status), .. } => migrate::status(config, json).await,
            Command::Migrate { command: None, grant_to } => migrate::run(config, grant_to.as_deref(), json).await,
            Command::Upgrade(upgrade::Command::Check) => upgrade::check(config, json).await,
            Command::Backup(command) => backup::run(config, &command, json).await,
            Command::Restore(command) => backup::restore(config, &command, json).await,
            Command::SetupToken => serve::print_setup_token(config).await,
            Command::User(command) => users::run(config, command, json).await,
            Command::Analytics(command) => analytics::run(config, command, json).await,
            Command::Bulk(command) => Box::pin(bulk::run(config, command, json)).await,
            Command::Change(command) => changes::run(config, command, json).await,
            Command::ServiceAccount(command) => service_accounts::run(config, command, json).await,
            Command::Group(command) => groups::run(config, command, json).await,
            Command::Role(command) => Box::pin(roles::run(config, command, json)).await,
            Command::Permission(command) => permissions::run(config, command, json).await,
            Command::Attributes(command) => attributes::run(config, &command, json).await,
            Command::Inactivity(command) => Box::pin(inactivity::run(config, command, json)).await,
            Command::Invitation(command) => Box::pin(invitations::run(config, command, json)).await,
            Command::Import(command) => imports::run(config, command, json).await,
            Command::Export(command) => exports::run(config, command).await,
            Command::Mail(command) => mails::run(config, &command, json).await,
            Command::Job(command) => jobs::run(config, command, json).await,
            Command::Keys(command) => keys::run(config, &command, json).await,
            Command::Audit(command) => audit::run(config, &command, json).await,
            Command::Doctor => doctor::run(config, &report, json).await,
            Command::Healthcheck { worker } => healthcheck::run(&config, worker).await,
            Command::Config(_) | Command::Openapi | Command::PasswordFilter(_) | Command::Static(_) => Ok(()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_all_of_itself_and_a_time_is_one_moment() {
        let read = |text: &str| read_moment("from", text).ok().map(|(start, end)| (start.to_string(), end.to_string()));
        let both = |start: &str, end: &str| Some((start.to_owned(), end.to_owned()));
        assert_eq!(read("2028-02-28"), both("2028-02-28T00:00:00Z", "2028-02-29T00:00:00Z"));
        assert_eq!(read("2028-02-28T01:00:00+01:00"), both("2028-02-28T00:00:00Z", "2028-02-28T00:00:00Z"));
        for wrong in ["yesterday", "2027-02-29", "2028-02-28T01:00:00", "2028-02", "20280228", "0000-01-01", "9999-12-31", ""] {
            let Err(failure) = read_moment("from", wrong) else { panic!("{wrong} was read") };
            assert!(failure.message.starts_with("--from must be a day or a time"), "{wrong}: {}", failure.message);
        }
    }
}
