//! The harness: an app of its own for every test, on a database of its own, with a clock that stands still and a mailer that keeps
//! what was sent. A test drives it through the front door and fails if it left a job undone or logged an error it did not expect.

mod authenticator;
mod browser;
mod client;
mod cluster;
mod console_pages;
mod people;
mod watch;

mod doors;
mod house;
mod released;
mod schema;
mod token_sources;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use jiff::{SignedDuration, Timestamp};

pub use authenticator::Authenticator;
pub use browser::Browser;
pub use client::{Answer, Client};
pub use people::{Bound, Person};

use crate::app::{App, Parts};
use crate::clock::Clock;
use crate::config::{Config, Source};
use crate::db::{Actor, ConnectOptions, Db, Tx};
use crate::hashing::{Cost, Hasher};
use crate::http::serve::Draining;
use crate::jobs;
use crate::keyring::Keyring;
use crate::mail::{Mailer, Message};
use crate::password_filter::Filter;
use crate::seal::Sealer;
use crate::throttle::Portions;
use crate::{api_keys, audit, keys, roles, router, sessions};

pub const PUBLIC_URL: &str = "https://id.example.com";
/// Good enough for the policy, and about nobody in the tests.
pub const PASSWORD: &str = "plum kettle orbit lantern";

/// How long a test waits for a connection: hundreds of tests share a few cores.
const PATIENCE: Duration = Duration::from_secs(20);

/// An app under test.
pub struct TestApp {
    pub app: App,
    router: Router,
    sent: Arc<std::sync::Mutex<Vec<Message>>>,
    watch: watch::Watch,
    database: String,
    /// How to reach its database.
    pub postgres: tokio_postgres::Config,
    may_leave_jobs: bool,
}

impl TestApp {
    /// An app with an empty, migrated database.
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// The same with some settings changed.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        let watch = watch::Watch::begin();
        let (database, postgres) = cluster::new_database().await;
        let config = config(settings);
        let mailer = Mailer::memory();
        let Mailer::Memory(sent) = &mailer else { panic!("the memory mailer is one") };
        let sent = Arc::clone(sent);
        let app = App::new(Parts {
            db: Db::new(&ConnectOptions { pool_size: 4, connect_timeout: PATIENCE, ..ConnectOptions::new(postgres.clone()) })
                .unwrap(),
            clock: Clock::held("2026-01-01T00:00:00Z".parse().unwrap()),
            mailer,
            keyring: Keyring::new(config.server.public_url.as_str(), config.tokens.access_lifetime),
            sealer: Sealer::new(&[7; 32]),
            hasher: Hasher::start(Cost::CHEAP, 1, 256),
            draining: Draining::default(),
            portions: Portions::default(),
            password_filter: config.password.filter.as_deref().map(|path| Arc::new(Filter::open(path).unwrap())),
            on_denied: audit::note_denied,
            on_unknown_key: keys::look_again,
            on_key_used: api_keys::note_use,
            on_session_seen: sessions::note_seen,
            config,
        });
        let mut tx = app.begin_as(Actor::System).await.unwrap();
        roles::sync_built_in(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        keys::load(&app).await.unwrap();
        let router = router::router(&app);
        Self { app, router, sent, watch, database, postgres, may_leave_jobs: false }
    }

    /// Another process of the same house, with something about it changed and nothing loaded yet.
    pub fn another(&self, change: impl FnOnce(&mut Parts)) -> App {
        let config = self.app.config.clone();
        let mut parts = Parts {
            db: self.app.db.clone(),
            clock: self.app.clock.clone(),
            mailer: self.app.mailer.clone(),
            keyring: Keyring::new(config.server.public_url.as_str(), config.tokens.access_lifetime),
            sealer: Sealer::new(&[7; 32]),
            hasher: Hasher::start(Cost::CHEAP, 1, 8),
            password_filter: self.app.password_filter.clone(),
            draining: Draining::default(),
            portions: Portions::default(),
            on_denied: self.app.on_denied,
            on_unknown_key: self.app.on_unknown_key,
            on_key_used: self.app.on_key_used,
            on_session_seen: self.app.on_session_seen,
            config,
        };
        change(&mut parts);
        App::new(parts)
    }

    /// A client that nobody has signed in.
    pub fn client(&self) -> Client {
        Client::new(self.router.clone(), None)
    }

    /// A browser that has not been here before.
    pub fn browser(&self) -> Browser {
        Browser::new(self.client())
    }

    /// A client with this access token.
    pub fn client_with(&self, token: &str) -> Client {
        Client::new(self.router.clone(), Some(token.to_owned()))
    }

    pub fn now(&self) -> Timestamp {
        self.app.clock.now()
    }

    /// Moves the time. Access tokens live five minutes.
    pub fn advance(&self, by: SignedDuration) {
        self.app.clock.advance(by);
    }

    /// Does all the after-work that is due.
    pub async fn run_jobs(&self) {
        jobs::run_due(&self.app, &router::jobs()).await.unwrap();
    }

    /// Runs a periodic job now, and what else is due.
    pub async fn run_turn(&self, kind: &'static str) {
        let mut tx = self.tx().await;
        jobs::enqueue(&mut tx, kind, &serde_json::json!({})).await.unwrap();
        tx.commit().await.unwrap();
        self.run_jobs().await;
    }

    /// Does the after-work and takes the mails that were sent since the last look.
    pub async fn mails(&self) -> Vec<Message> {
        self.run_jobs().await;
        std::mem::take(&mut *self.sent.lock().unwrap())
    }

    /// The token in the link of the only mail since the last look.
    pub async fn mailed_token(&self) -> String {
        let mails = self.mails().await;
        assert_eq!(mails.len(), 1, "one mail was expected: {:?}", mails.iter().map(|mail| &mail.subject).collect::<Vec<_>>());
        token_in(&mails[0])
    }

    /// A transaction of usher's own, for what has no front door.
    pub async fn tx(&self) -> Tx {
        self.app.begin_as(Actor::System).await.unwrap()
    }

    /// One number from the database.
    pub async fn count(&self, sql: &str) -> i64 {
        let mut tx = self.tx().await;
        let count = tx.query_one(sql, &[]).await.unwrap().get(0);
        tx.commit().await.unwrap();
        count
    }

    /// An error in the log whose text contains this is part of the test.
    pub fn expect_error(&self, text: &str) {
        self.watch.expect(text);
    }

    /// Jobs that are still there at the end are part of the test.
    pub fn may_leave_jobs(&mut self) {
        self.may_leave_jobs = true;
    }

    /// The kinds of the jobs that are still there, and why those that were tried have failed.
    async fn jobs_left(&self) -> Vec<(String, Option<String>)> {
        let mut tx = self.tx().await;
        let rows = tx.query("select kind, last_error from jobs where unique_key is null", &[]).await.unwrap();
        tx.commit().await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// Checks what every test promises, and drops the database.
    pub async fn finish(self) {
        let left = self.jobs_left().await;
        assert!(left.is_empty() || self.may_leave_jobs, "jobs were left undone, run_jobs() or mails(): {left:?}");
        self.watch.finish();
        let database = self.database.clone();
        drop(self);
        cluster::drop_database(&database).await;
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.watch.finish();
        }
    }
}

/// The token of a mail's link.
pub fn token_in(mail: &Message) -> String {
    let link =
        mail.text.lines().find(|line| line.starts_with(PUBLIC_URL) && line.contains("?token=")).expect("the mail has a link");
    link.split("?token=").nth(1).unwrap().to_owned()
}

fn config(settings: &[(&str, &str)]) -> Config {
    let mut pairs = vec![
        ("USHER_PUBLIC_URL", PUBLIC_URL),
        ("USHER_DATABASE_URL", "postgres://test@localhost/test"),
        ("USHER_SECRET_KEY", "3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs="),
        ("USHER_DATA_DIR", "/nonexistent"),
    ];
    pairs.extend_from_slice(settings);
    Config::from_source(&Source::from_pairs(pairs)).unwrap().0
}
