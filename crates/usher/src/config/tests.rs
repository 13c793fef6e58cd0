//! One test per rule of the configuration.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Config, ConfigErrors, Report, Source};

mod branding;
mod database;
mod mail;
mod names;
mod secrets;
mod table;
mod values;

/// 32 bytes that are neither alike nor anybody's key.
const KEY: &str = "3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs=";

/// A person's zero-config environment, and `pairs`.
fn source(pairs: &[(&str, &str)]) -> Source {
    let home = [("HOME", "/home/ada")];
    Source::from_pairs(home.iter().chain(pairs).copied())
}

fn load(pairs: &[(&str, &str)]) -> Result<(Config, Report), ConfigErrors> {
    Config::from_source(&source(pairs))
}

fn accepted(pairs: &[(&str, &str)]) -> Config {
    load(pairs).unwrap().0
}

/// The only problem, as it is printed.
fn refused(pairs: &[(&str, &str)]) -> String {
    only_problem(load(pairs))
}

fn only_problem(result: Result<(Config, Report), ConfigErrors>) -> String {
    let errors = result.expect_err("the configuration should have been refused");
    assert_eq!(errors.problems.len(), 1, "{errors}");
    errors.problems[0].to_string()
}

/// The variables that are warned about.
fn warned(pairs: &[(&str, &str)]) -> Vec<String> {
    let warnings = load(pairs).unwrap().1.warnings;
    warnings.into_iter().map(|warning| warning.variable).collect()
}

fn assert_contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in: {text}");
    }
}

/// A file that is gone when the test ends.
struct TemporaryFile(PathBuf);

impl TemporaryFile {
    fn new(content: impl AsRef<[u8]>) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("usher-config-test-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, content).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        // What is left of a failed test is the system's to clean.
        std::fs::remove_file(&self.0).ok();
    }
}

#[test]
fn nothing_set_is_a_working_configuration() {
    let config = accepted(&[]);
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8000");
    assert_eq!(config.server.public_url.as_str(), "http://127.0.0.1:8000");
    assert_eq!(config.data_dir, Path::new("/home/ada/.local/share/usher"));
    assert!(config.secret_key.is_none() && config.mail.smtp.is_none());
    assert!(config.database.url.is_none() && config.database.migrate && config.run_worker);
    assert_eq!(config.password.min_length, 15);
    assert_eq!(config.tokens.access_lifetime.as_secs(), 300);
    assert_eq!(config.tokens.refresh_lifetime.as_secs(), 30 * 24 * 60 * 60);
    assert!(warned(&[]).is_empty());
}

#[test]
fn all_problems_are_reported_together() {
    let errors = load(&[
        ("USHER_LISTEN", "here"),
        ("USHER_REGISTRATION", "maybe"),
        ("USHER_SECRET_KEY", "changeme"),
        ("USHER_LISTN", "127.0.0.1:8000"),
    ]);
    let text = errors.unwrap_err().to_string();
    assert_eq!(text.lines().count(), 5, "{text}");
    assert_contains(&text, &["USHER_LISTEN: ", "USHER_REGISTRATION: ", "USHER_SECRET_KEY: ", "USHER_LISTN: "]);
}

#[test]
fn dotenv_is_read_and_the_environment_wins() {
    let text = "# for development\nexport USHER_LISTEN=127.0.0.1:9000\nUSHER_REGISTRATION='closed'\n\
        USHER_LOG_FORMAT=json\nOTHER_PROGRAM=1\nHOME=/nowhere\n";
    let source = source(&[("USHER_LISTEN", "127.0.0.1:7000")]).with_dotenv_text(text);
    let (config, report) = Config::from_source(&source).unwrap();
    assert_eq!(config.server.listen.port(), 7000);
    assert_eq!(config.server.registration, super::Registration::Closed);
    assert_eq!(config.data_dir, Path::new("/home/ada/.local/share/usher"));
    let printed = report.to_string();
    assert_contains(
        &printed,
        &[
            "USHER_LISTEN=127.0.0.1:7000  # environment\n",
            "USHER_LOG_FORMAT=json  # .env\n",
            "USHER_MIGRATE=true  # default\n",
            "# USHER_SMTP_URL is not set\n",
        ],
    );
}

#[test]
fn environment_wins_over_the_file_variable_in_dotenv() {
    let text = "USHER_SECRET_KEY_FILE=/does/not/exist\n";
    let source = source(&[("USHER_SECRET_KEY", KEY)]).with_dotenv_text(text);
    assert!(Config::from_source(&source).unwrap().0.secret_key.is_some());
}

#[test]
fn dotenv_file_is_optional_but_must_be_readable() {
    let missing = source(&[]).with_dotenv(Path::new("/does/not/exist/.env"));
    assert!(Config::from_source(&missing).is_ok());
    let file = TemporaryFile::new("\u{feff}USHER_LISTEN=127.0.0.1:9000\r\n");
    let (config, _) = Config::from_source(&source(&[]).with_dotenv(&file.0)).unwrap();
    assert_eq!(config.server.listen.port(), 9000);
    let broken = TemporaryFile::new(b"USHER_LISTEN=\xff");
    let problem = only_problem(Config::from_source(&source(&[]).with_dotenv(&broken.0)));
    assert_contains(&problem, &[".env: ", "not UTF-8"]);
}

#[test]
fn bad_dotenv_line_is_placed_but_not_shown() {
    let source = source(&[]).with_dotenv_text("USHER_LOG_LEVEL=info\nUSHER_SECRET_KEY=hush hush\n");
    let problem = only_problem(Config::from_source(&source));
    assert_contains(&problem, &[".env: ", "after USHER_LOG_LEVEL"]);
    assert!(!problem.contains("hush"), "{problem}");
}

#[test]
fn name_given_twice_in_dotenv_is_refused() {
    let text = "USHER_LOG_LEVEL=info\nUSHER_LOG_LEVEL=debug\n";
    let problem = only_problem(Config::from_source(&source(&[]).with_dotenv_text(text)));
    assert_contains(&problem, &["USHER_LOG_LEVEL: ", "twice"]);
}

#[test]
fn data_directory_follows_user_and_setting() {
    let pairs = [("HOME", "/home/ada"), ("XDG_DATA_HOME", "/home/ada/data")];
    let data_dir = |source: &Source| Config::from_source(source).unwrap().0.data_dir;
    assert_eq!(data_dir(&Source::from_pairs(pairs)), Path::new("/home/ada/data/usher"));
    assert_eq!(data_dir(&Source::from_pairs(pairs).with_superuser()), Path::new("/var/lib/usher"));
    let relative = [("HOME", "/home/ada"), ("XDG_DATA_HOME", "data")];
    assert_eq!(data_dir(&Source::from_pairs(relative)), Path::new("/home/ada/.local/share/usher"));
    assert!(accepted(&[("USHER_DATA_DIR", "data")]).data_dir.is_absolute());
    let nobody = Source::from_pairs([("USHER_LOG_LEVEL", "info")]);
    assert_contains(&only_problem(Config::from_source(&nobody)), &["USHER_DATA_DIR: ", "HOME"]);
}
