//! What the operator decides: read once at the start, from the environment and from `.env` in the working directory.
//!
//! Every setting is defined once, in [`settings`]. The parser, `usher config check`, `usher config print` and
//! `docs/configuration.md` all come from that table. Invariants: an unknown `USHER_` name or a bad value is an error;
//! all errors are reported together; no secret has a fallback; no secret appears in an error, a print or a `Debug`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use lettre::message::Mailbox;
use url::Url;
use usher_oidc::jose::Algorithm;

use crate::faults;
use crate::languages::Language;

mod audit_key;
mod avatars;
mod branding;
mod docs;
mod hidden;
mod people;
mod public_url;
mod reader;
mod report;
mod secret_key;
mod sections;
mod setting;
mod settings;
mod smtp_url;
mod source;
pub(crate) mod suggest;
#[cfg(test)]
mod tests;

pub use audit_key::AuditKey;
pub use avatars::{AvatarStorage, S3};
pub use branding::Branding;
pub use docs::markdown;
pub use hidden::Hidden;
pub use public_url::PublicUrl;
pub use report::{ConfigErrors, Entry, Problem, Report};
pub use secret_key::SecretKey;
pub use setting::{Fallback, Section, Setting, Syntax};
pub use settings::settings;
pub use smtp_url::{SmtpCredentials, SmtpTls, SmtpUrl};
pub use source::{Origin, Source};

/// The whole configuration, checked.
#[derive(Clone, Debug)]
pub struct Config {
    pub server: Server,
    pub database: Database,
    /// Absolute. Holds the private database, the generated secret key and the setup token.
    pub data_dir: PathBuf,
    /// `None` only with the private database: then `secret-key` in the data directory is made and used.
    pub secret_key: Option<SecretKey>,
    /// Opens what was sealed before the secret key was changed; only beside a configured `secret_key`.
    pub secret_key_previous: Option<SecretKey>,
    pub mail: Mail,
    pub log: Log,
    pub password: Password,
    pub tokens: Tokens,
    pub audit: Audit,
    pub branding: Branding,
    /// Where pictures of people are. `None`: nowhere, and patterns stand for them.
    pub avatars: Option<AvatarStorage>,
    /// Whether `usher serve` does the after-work (mail, purging) too.
    pub run_worker: bool,
    /// Every setting as it is in force, to be shown; secrets are masked.
    pub report: Report,
}

/// How usher is reached.
#[derive(Clone, Debug)]
pub struct Server {
    pub listen: SocketAddr,
    /// The origin of every link usher writes, and the issuer of its tokens.
    pub public_url: PublicUrl,
    /// Peers whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Whose requests are not limited in number.
    pub rate_limit_exempt: Vec<IpNet>,
    /// Where `/metrics` is served when it shall not be beside the API.
    pub metrics_listen: Option<SocketAddr>,
    pub request_timeout: Duration,
    /// How long it goes on serving when it was told to stop.
    pub shutdown_delay: Duration,
    /// How long running requests may take to end after that.
    pub shutdown_grace: Duration,
    pub registration: Registration,
    pub language: Language,
    /// Fields of the profile of who asks for professional status; nobody can, without any.
    pub professional_requires: Option<Vec<&'static str>>,
    /// How often one person may invite, in a day.
    pub invitations_per_day: u32,
    /// Where an invitation may lead on to.
    pub invitation_forward_to: Vec<PublicUrl>,
}

/// Who may register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    Open,
    Invite,
    Closed,
}

impl Registration {
    const WORDS: [(&str, Self); 3] = [("open", Self::Open), ("invite", Self::Invite), ("closed", Self::Closed)];
}

/// Where the database is and how long usher waits for it.
#[derive(Clone, Debug)]
pub struct Database {
    /// Parses as a [`tokio_postgres::Config`]. `None`: usher runs a private database server.
    pub url: Option<Hidden<String>>,
    /// A replica for lists; only beside a configured `url`.
    pub read_url: Option<Hidden<String>>,
    /// Connections of the transaction lane.
    pub pool_size: usize,
    pub statement_timeout: Duration,
    pub lock_timeout: Duration,
    pub idle_transaction_timeout: Duration,
    pub connect_timeout: Duration,
    /// Whether `usher serve` applies pending migrations.
    pub migrate: bool,
    /// Where the private server's `initdb` and `postgres` are, when usher shall not search.
    pub pg_bin: Option<PathBuf>,
}

/// How mail leaves.
#[derive(Clone, Debug)]
pub struct Mail {
    /// `None`: mails are held for `usher mail list`.
    pub smtp: Option<SmtpUrl>,
    pub from: Mailbox,
}

/// What is logged, and how.
#[derive(Clone, Debug)]
pub struct Log {
    pub format: LogFormat,
    /// A filter that `tracing_subscriber::EnvFilter` has accepted.
    pub level: String,
    /// `None`: nothing is traced.
    pub traces: Option<Traces>,
}

/// Where traces go.
#[derive(Clone, Debug)]
pub struct Traces {
    /// An OTLP collector, by HTTP.
    pub url: Url,
    /// Of the traces that begin here.
    pub sample_percent: u32,
}

/// The shape of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Human,
    Json,
}

impl LogFormat {
    const WORDS: [(&str, Self); 2] = [("human", Self::Human), ("json", Self::Json)];
}

/// The password rules that can be set, and the hashing pool.
#[derive(Clone, Debug)]
pub struct Password {
    /// In code points.
    pub min_length: usize,
    /// Context words of the operator.
    pub blocked_words: Vec<String>,
    /// Absolute. A file that `usher password-filter build` has made.
    pub filter: Option<PathBuf>,
    /// The memory of all hashing threads together, in MiB.
    pub hash_memory_mib: usize,
    /// How many passwords may wait for a hashing thread.
    pub hash_queue: usize,
    /// Mixed with passwords before they are hashed.
    pub pepper: Option<SecretKey>,
    /// For hashes made before the pepper was changed or dropped.
    pub pepper_previous: Option<SecretKey>,
}

impl Password {
    /// Whether a password is too short to be the only factor: then everybody must have a second one (R-001; NIST SP 800-63B-4,
    /// section 3.1.1.2).
    pub fn needs_second_factor(&self) -> bool {
        self.min_length < 15
    }
}

/// How long what usher issues is good for, and what signs it.
#[derive(Clone, Debug)]
pub struct Tokens {
    pub access_lifetime: Duration,
    /// From its issue; never longer than `session_lifetime`.
    pub refresh_lifetime: Duration,
    /// From the sign-in, however often the session is refreshed.
    pub session_lifetime: Duration,
    /// How long after its use a refresh token may come back from the same client. Zero: never.
    pub refresh_grace: Duration,
    pub api_key_lifetime_max: Duration,
    /// How many steps of 30 s the clock of an authenticator app may be off.
    pub totp_drift_steps: u32,
    /// How long a trusted device is spared the second factor. Zero: never.
    pub trusted_device: Duration,
    pub signing_algorithm: Algorithm,
    /// `None`: keys are replaced by the operator only.
    pub signing_key_lifetime: Option<Duration>,
}

/// How the audit log is signed, where its checkpoints go, and how long activity is kept.
#[derive(Clone, Debug)]
pub struct Audit {
    /// `None`: usher makes one and keeps it sealed in the database.
    pub key: Option<AuditKey>,
    /// A file to which every checkpoint is appended.
    pub checkpoints: Option<PathBuf>,
    /// How long it is known on which days who was active.
    pub activity_retention: Duration,
    /// How old a month must be to be dropped. `None`: never.
    pub retention_days: Option<u32>,
}

impl Config {
    /// Reads the process environment and `.env` in the working directory; the environment wins.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the configuration, together.
    pub fn load() -> Result<(Self, Report), ConfigErrors> {
        let source = Source::environment().with_dotenv(Path::new(".env"));
        faults::plant(source.get(faults::VARIABLE).and_then(|variable| variable.value.as_ref()))
            .map_err(|message| ConfigErrors { problems: vec![Problem::new(faults::VARIABLE, message.to_owned())] })?;
        Self::from_source(&source)
    }

    /// Parses and checks what `source` gives.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the configuration, together.
    pub fn from_source(source: &Source) -> Result<(Self, Report), ConfigErrors> {
        let mut reader = reader::Reader::new(source);
        let config = sections::config(&mut reader);
        reader.finish().map(|report| (Self { report: report.clone(), ..config }, report))
    }
}
