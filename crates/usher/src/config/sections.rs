//! Reads the settings section by section and checks what they mean together.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;

use ipnet::IpNet;
use lettre::message::Mailbox;
use tokio_postgres::config::{Host, SslMode};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use url::Url;
use usher_oidc::jose::Algorithm;

use super::avatars;
use super::branding;
use super::hidden::sample_problem;
use super::people::{language, profile_fields};
use super::public_url::is_loopback;
use super::reader::{Parsed, Reader, choice, number, quoted};
use super::{
    Audit, AuditKey, Config, Database, Hidden, Log, LogFormat, Mail, Password, PublicUrl, Registration, Report, SecretKey,
    Server, SmtpUrl, Tokens, Traces,
};

const SIGNING_ALGORITHMS: [(&str, Algorithm); 3] =
    [("EdDSA", Algorithm::EdDsa), ("ES256", Algorithm::Es256), ("RS256", Algorithm::Rs256)];

/// The whole configuration. After a problem it holds stand-ins, and `Reader::finish` keeps it from being used.
pub(super) fn config(reader: &mut Reader<'_>) -> Config {
    let (server, database, data_dir) = (server(reader), database(reader), data_dir(reader));
    // Beside a private server: where the database is, all of usher is, and other machines have no part in it.
    let pictures = database.url.is_none().then(|| data_dir.join("avatars"));
    Config {
        server,
        database,
        data_dir,
        secret_key: secret_key(reader),
        secret_key_previous: secret_key_previous(reader),
        mail: mail(reader),
        log: Log {
            format: reader.choice("USHER_LOG_FORMAT", &LogFormat::WORDS),
            level: reader.value("USHER_LOG_LEVEL", log_level),
            traces: traces(reader),
        },
        password: password(reader),
        tokens: tokens(reader),
        audit: Audit {
            key: reader.optional("USHER_AUDIT_KEY", AuditKey::parse),
            checkpoints: reader.optional("USHER_AUDIT_CHECKPOINTS", absolute_path),
            activity_retention: reader.days("USHER_ACTIVITY_RETENTION_DAYS"),
            retention_days: Some(reader.value("USHER_AUDIT_RETENTION_DAYS", |text| number("USHER_AUDIT_RETENTION_DAYS", text)))
                .filter(|days| *days > 0),
        },
        branding: branding::read(reader),
        avatars: avatars::read(reader, pictures),
        run_worker: reader.value("USHER_RUN_WORKER", boolean),
        // `Reader::finish` makes it.
        report: Report::default(),
    }
}

fn traces(reader: &mut Reader<'_>) -> Option<Traces> {
    let url = reader.optional("USHER_TRACES_URL", collector);
    let sample_percent = reader.value("USHER_TRACES_SAMPLE_PERCENT", |text| number("USHER_TRACES_SAMPLE_PERCENT", text));
    url.map(|url| Traces { url, sample_percent })
}

fn server(reader: &mut Reader<'_>) -> Server {
    let listen = reader.value("USHER_LISTEN", socket_address);
    let public_url = public_url(reader, listen);
    let metrics_listen = reader.optional("USHER_METRICS_LISTEN", socket_address);
    if metrics_listen == Some(listen) && listen.port() != 0 {
        reader.problem("USHER_METRICS_LISTEN", "is the same as USHER_LISTEN; give another port or remove it");
    }
    Server {
        listen,
        public_url,
        trusted_proxies: trusted_proxies(reader),
        rate_limit_exempt: reader.optional("USHER_RATE_LIMIT_EXEMPT", networks).unwrap_or_default(),
        metrics_listen,
        request_timeout: reader.seconds("USHER_REQUEST_TIMEOUT_SECONDS"),
        shutdown_delay: reader.seconds("USHER_SHUTDOWN_DELAY_SECONDS"),
        shutdown_grace: reader.seconds("USHER_SHUTDOWN_GRACE_SECONDS"),
        registration: reader.choice("USHER_REGISTRATION", &Registration::WORDS),
        language: reader.value("USHER_LANGUAGE", language),
        professional_requires: reader.optional("USHER_PROFESSIONAL_REQUIRES", profile_fields),
        invitations_per_day: reader.value("USHER_INVITATIONS_PER_DAY", |text| number("USHER_INVITATIONS_PER_DAY", text)),
        invitation_forward_to: reader.optional("USHER_INVITATION_FORWARD_TO", safe_origins).unwrap_or_default(),
    }
}

fn public_url(reader: &mut Reader<'_>, listen: SocketAddr) -> PublicUrl {
    const NAME: &str = "USHER_PUBLIC_URL";
    let given = reader.optional(NAME, PublicUrl::parse);
    let implied = given.is_none();
    let url = given.unwrap_or_else(|| {
        // Nobody can follow a link to the address that stands for every network.
        let host = if listen.ip().is_unspecified() { format!("localhost:{}", listen.port()) } else { listen.to_string() };
        PublicUrl::parse(&format!("http://{host}")).expect("an address with a port is an origin")
    });
    reader.show(NAME, &url);
    if !url.is_https() && !url.is_loopback() {
        reader.warn(NAME, "is plain http for other machines: passwords and tokens can be read on the way; use https");
    } else if implied && !listen.ip().is_loopback() {
        reader.warn(NAME, "is not set, so links work on this machine only; set it");
    }
    url
}

fn trusted_proxies(reader: &mut Reader<'_>) -> Vec<IpNet> {
    const NAME: &str = "USHER_TRUSTED_PROXIES";
    let proxies = reader.optional(NAME, networks).unwrap_or_default();
    if proxies.iter().any(|network| network.prefix_len() == 0) {
        reader.warn(NAME, "trusts everybody, by a network that ends in /0: clients can then pretend any address");
    }
    proxies
}

fn database(reader: &mut Reader<'_>) -> Database {
    let url = database_url(reader, "USHER_DATABASE_URL");
    let private = !reader.is_given("USHER_DATABASE_URL");
    let read_url = database_url(reader, "USHER_DATABASE_READ_URL");
    if private && reader.is_given("USHER_DATABASE_READ_URL") {
        reader.problem("USHER_DATABASE_READ_URL", "has no meaning without USHER_DATABASE_URL; set that too, or remove it");
    }
    let pool_size = reader.optional_size("USHER_DATABASE_POOL_SIZE").unwrap_or_else(default_pool_size);
    reader.show("USHER_DATABASE_POOL_SIZE", &pool_size);
    let migrate = reader.optional("USHER_MIGRATE", boolean).unwrap_or(private);
    reader.show("USHER_MIGRATE", &migrate);
    let pg_bin = reader.optional("USHER_PG_BIN", directory);
    if pg_bin.is_some() && !private {
        reader.warn("USHER_PG_BIN", "has no effect beside USHER_DATABASE_URL; remove it");
    }
    Database {
        url,
        read_url,
        pool_size,
        statement_timeout: reader.seconds("USHER_DATABASE_STATEMENT_TIMEOUT_SECONDS"),
        lock_timeout: reader.seconds("USHER_DATABASE_LOCK_TIMEOUT_SECONDS"),
        idle_transaction_timeout: reader.seconds("USHER_DATABASE_IDLE_TRANSACTION_TIMEOUT_SECONDS"),
        connect_timeout: reader.seconds("USHER_DATABASE_CONNECT_TIMEOUT_SECONDS"),
        migrate,
        pg_bin,
    }
}

fn database_url(reader: &mut Reader<'_>, name: &'static str) -> Option<Hidden<String>> {
    let given = reader.optional(name, |text| database_config(text).map(|config| (Hidden::new(text.to_owned()), config)));
    let (url, config) = given?;
    if is_open_to_eavesdroppers(&config) {
        reader.warn(name, "reaches another machine without certain encryption; add sslmode=require");
    }
    Some(url)
}

fn data_dir(reader: &mut Reader<'_>) -> PathBuf {
    const NAME: &str = "USHER_DATA_DIR";
    let given = reader.optional(NAME, absolute_path);
    let data_dir = given.or_else(|| reader.source().default_data_dir());
    if data_dir.is_none() && !reader.is_given(NAME) {
        reader.problem(NAME, "is not set, and neither XDG_DATA_HOME nor HOME tells a default; give a directory");
    }
    let data_dir = data_dir.unwrap_or_default();
    reader.show(NAME, &data_dir.display());
    data_dir
}

/// The zero-config default generates its key, but a database of its own may be shared by processes that could not
/// share a generated one (security decision 10).
fn secret_key(reader: &mut Reader<'_>) -> Option<SecretKey> {
    const NAME: &str = "USHER_SECRET_KEY";
    if reader.is_given("USHER_DATABASE_URL") && !reader.is_given(NAME) {
        let message = "is not set, but USHER_DATABASE_URL is; generate a key with `openssl rand -base64 32` and set it";
        reader.problem(NAME, message);
    }
    reader.optional(NAME, SecretKey::parse)
}

fn secret_key_previous(reader: &mut Reader<'_>) -> Option<SecretKey> {
    const NAME: &str = "USHER_SECRET_KEY_PREVIOUS";
    if reader.is_given(NAME) && !reader.is_given("USHER_SECRET_KEY") {
        let message =
            "has no meaning without USHER_SECRET_KEY; set that too, or see `usher keys new-secret-key` for the generated key";
        reader.problem(NAME, message);
    }
    reader.optional(NAME, SecretKey::parse)
}

fn mail(reader: &mut Reader<'_>) -> Mail {
    let smtp = reader.optional("USHER_SMTP_URL", SmtpUrl::parse);
    if smtp.as_ref().is_some_and(SmtpUrl::can_be_downgraded) {
        reader.warn("USHER_SMTP_URL", "lets somebody on the way turn encryption off; write tls=required");
    }
    if reader.is_given("USHER_SMTP_URL") && !reader.is_given("USHER_MAIL_FROM") {
        let message = "is not set, but USHER_SMTP_URL is; give the sender, such as users@example.org";
        reader.problem("USHER_MAIL_FROM", message);
    }
    Mail { smtp, from: reader.value("USHER_MAIL_FROM", mailbox) }
}

fn password(reader: &mut Reader<'_>) -> Password {
    const PREVIOUS: &str = "USHER_PASSWORD_PEPPER_PREVIOUS";
    let pepper = reader.optional("USHER_PASSWORD_PEPPER", SecretKey::parse);
    let pepper_previous = reader.optional(PREVIOUS, SecretKey::parse);
    let same = |previous: &SecretKey| pepper.as_ref().is_some_and(|pepper| pepper.as_bytes() == previous.as_bytes());
    if pepper_previous.as_ref().is_some_and(same) {
        reader.problem(PREVIOUS, "is the same as USHER_PASSWORD_PEPPER; give the one before, or remove it");
    }
    Password {
        min_length: reader.size("USHER_PASSWORD_MIN_LENGTH"),
        blocked_words: reader.optional("USHER_PASSWORD_BLOCKED_WORDS", blocked_words).unwrap_or_default(),
        filter: reader.optional("USHER_PASSWORD_FILTER", file),
        hash_memory_mib: reader.size("USHER_HASH_MEMORY_MIB"),
        hash_queue: reader.size("USHER_HASH_QUEUE"),
        pepper,
        pepper_previous,
    }
}

fn tokens(reader: &mut Reader<'_>) -> Tokens {
    let session_lifetime = reader.seconds("USHER_SESSION_LIFETIME_SECONDS");
    let refresh_lifetime = reader.seconds("USHER_REFRESH_TOKEN_LIFETIME_SECONDS").min(session_lifetime);
    reader.show("USHER_REFRESH_TOKEN_LIFETIME_SECONDS", &refresh_lifetime.as_secs());
    let access_lifetime = reader.seconds("USHER_ACCESS_TOKEN_LIFETIME_SECONDS");
    Tokens {
        access_lifetime,
        refresh_lifetime,
        session_lifetime,
        refresh_grace: reader.seconds("USHER_REFRESH_TOKEN_GRACE_SECONDS"),
        api_key_lifetime_max: reader.days("USHER_API_KEY_LIFETIME_MAX_DAYS"),
        totp_drift_steps: reader.value("USHER_TOTP_DRIFT_STEPS", |text| number("USHER_TOTP_DRIFT_STEPS", text)),
        trusted_device: reader.days("USHER_TRUSTED_DEVICE_DAYS"),
        signing_algorithm: reader.choice("USHER_SIGNING_ALGORITHM", &SIGNING_ALGORITHMS),
        signing_key_lifetime: Some(reader.days("USHER_SIGNING_KEY_LIFETIME_DAYS")).filter(|lifetime| !lifetime.is_zero()),
    }
}

fn boolean(text: &str) -> Parsed<bool> {
    choice(&[("true", true), ("false", false)], text)
}

fn socket_address(text: &str) -> Parsed<SocketAddr> {
    let message = || format!("is {}; give an IP address and a port, such as 127.0.0.1:8000", quoted(text));
    text.parse().map_err(|_| message())
}

fn networks(text: &str) -> Parsed<Vec<IpNet>> {
    const NETWORKS_MAX: usize = 100;
    let network = |item: &str| {
        let item = item.trim();
        let network = item.parse::<IpNet>().map(|network| network.trunc());
        network
            .or_else(|_| item.parse::<IpAddr>().map(IpNet::from))
            .map_err(|_| format!("has {}; give addresses or networks, such as 10.0.0.0/8, separated by commas", quoted(item)))
    };
    let networks = text.split(',').map(network).collect::<Parsed<Vec<_>>>()?;
    if networks.len() > NETWORKS_MAX {
        return Err(format!("has {} items; give at most {NETWORKS_MAX}", networks.len()));
    }
    Ok(networks)
}

/// Origins that nobody on the way can pretend to be.
fn safe_origins(text: &str) -> Parsed<Vec<PublicUrl>> {
    const ORIGINS_MAX: usize = 100;
    let origins = text.split(',').map(|item| PublicUrl::parse(item.trim())).collect::<Parsed<Vec<_>>>()?;
    if let Some(open) = origins.iter().find(|origin| !origin.is_https() && !origin.is_loopback()) {
        return Err(format!("has {open}, which is plain http for other machines; write https://"));
    }
    if origins.len() > ORIGINS_MAX {
        return Err(format!("has {} items; give at most {ORIGINS_MAX}", origins.len()));
    }
    Ok(origins)
}

/// Refuses what tokio-postgres can't use. Its own errors are not shown, since they may quote the text.
fn database_config(text: &str) -> Parsed<tokio_postgres::Config> {
    const MEND: &str = "write postgres://user:password@host:port/database, with special characters percent-encoded";
    let mode = text.split_once("sslmode=").map(|(_, rest)| rest.split(['&', ' ', '\n']).next().unwrap_or_default());
    let mode = mode.map(|mode| mode.trim_matches('\''));
    if mode.is_some_and(|mode| !["disable", "prefer", "require"].contains(&mode)) {
        let words = "write sslmode=require, which verifies the certificate, or prefer or disable";
        return Err(format!("has an unknown sslmode; {words}"));
    }
    let config: tokio_postgres::Config =
        text.parse().map_err(|_| format!("is not a PostgreSQL URL or has an unknown parameter; {MEND}"))?;
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err(format!("names no host; {MEND}"));
    }
    if let Some(password) = config.get_password() {
        let password = str::from_utf8(password).map_err(|_| format!("has a password that is not UTF-8; {MEND}"))?;
        if let Some(problem) = sample_problem(password) {
            return Err(format!("has a bad password: it {problem}"));
        }
    }
    Ok(config)
}

fn is_open_to_eavesdroppers(config: &tokio_postgres::Config) -> bool {
    let far = |host: &Host| match host {
        Host::Tcp(name) => !is_loopback(name),
        Host::Unix(_) => false,
    };
    let far_address = config.get_hostaddrs().iter().any(|address| !address.to_canonical().is_loopback());
    config.get_ssl_mode() != SslMode::Require && (far_address || config.get_hosts().iter().any(far))
}

fn collector(text: &str) -> Parsed<Url> {
    const MEND: &str = "write the whole URL, such as http://127.0.0.1:4318/v1/traces";
    let url = Url::parse(text).map_err(|_| format!("is {}, which is no URL; {MEND}", quoted(text)))?;
    if !["http", "https"].contains(&url.scheme()) || !url.username().is_empty() || url.password().is_some() {
        return Err(format!("is no plain http or https URL; {MEND}"));
    }
    Ok(url)
}

/// Enough to keep every core of a database on the same machine busy; more only makes them wait for each other.
fn default_pool_size() -> usize {
    let cores = available_parallelism().map_or(1, std::num::NonZero::get);
    (2 * cores).clamp(4, 500)
}

fn absolute_path(text: &str) -> Parsed<PathBuf> {
    let message = || format!("is {}, which is no usable path; give another", quoted(text));
    if text.contains('\0') {
        return Err(message());
    }
    std::path::absolute(Path::new(text)).map_err(|_| message())
}

fn directory(text: &str) -> Parsed<PathBuf> {
    let path = absolute_path(text)?;
    if !path.is_dir() {
        return Err(format!("is {}, which is no directory; give one or remove it", quoted(text)));
    }
    Ok(path)
}

fn file(text: &str) -> Parsed<PathBuf> {
    let path = absolute_path(text)?;
    if !path.is_file() {
        return Err(format!("is {}, which is no file; give one or remove it", quoted(text)));
    }
    Ok(path)
}

fn blocked_words(text: &str) -> Parsed<Vec<String>> {
    const WORDS_MAX: usize = 100;
    let words: Vec<String> = text.split(',').map(|word| word.trim().to_owned()).collect();
    if let Some(word) = words.iter().find(|word| !(3..=100).contains(&word.chars().count())) {
        return Err(format!("has {}; give words of 3 to 100 characters, separated by commas", quoted(word)));
    }
    if words.len() > WORDS_MAX {
        return Err(format!("has {} words; give at most {WORDS_MAX}", words.len()));
    }
    Ok(words)
}

fn mailbox(text: &str) -> Parsed<Mailbox> {
    let message = || format!("is {}; give an address, such as Example Users <users@example.org>", quoted(text));
    text.parse().map_err(|_| message())
}

/// A filter of tracing. A lone word that is no level would pass there for a module's name, and silence all others.
fn log_level(text: &str) -> Parsed<String> {
    let message = || format!("is {}; give a level (off, error, warn, info, debug, trace)", quoted(text));
    let is_level = |part: &str| {
        // Nothing at all would pass for the level `error`.
        part.contains('=') || (!part.trim().is_empty() && part.trim().parse::<LevelFilter>().is_ok())
    };
    if !text.split(',').all(is_level) || EnvFilter::try_new(text).is_err() {
        return Err(format!("{} or a list such as info,usher::db=debug", message()));
    }
    Ok(text.to_owned())
}
