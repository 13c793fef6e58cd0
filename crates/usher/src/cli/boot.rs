//! Putting an [`App`] together from the configuration.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use super::{Failure, secret_key};
use crate::app::{App, Parts};
use crate::audit::{self, Event};
use crate::clock::Clock;
use crate::config::{self, Config, SecretKey};
use crate::db::migrations::{self, Standing};
use crate::db::private::{Options, Private};
use crate::db::{Actor, ConnectOptions, Db, DbResult, Origin, partitions};
use crate::error::LogAndIgnore;
use crate::hashing::{Cost, Hasher, Pepper, Peppers};
use crate::http::serve::Draining;
use crate::keyring::Keyring;
use crate::mail::Mailer;
use crate::password_filter::Filter;
use crate::seal::Sealer;
use crate::throttle::Portions;
use crate::{api_keys, keys, roles, sessions};

/// How long a start waits for a database that is not there yet.
const DATABASE_WITHIN: Duration = Duration::from_mins(1);

/// A running app and, in the zero-config default, its PostgreSQL.
pub struct Running {
    pub app: App,
    /// How other programs reach the database.
    pub postgres: tokio_postgres::Config,
    private: Option<Private>,
}

impl Running {
    /// Whether usher runs its own PostgreSQL.
    pub fn is_private(&self) -> bool {
        self.private.is_some()
    }

    /// Leaves the private PostgreSQL; the last to leave stops it.
    pub async fn stop(self) {
        self.app.db.close();
        if let Some(private) = self.private {
            private.stop().await.log_and_ignore("the next start takes the server over");
        }
    }
}

/// Connects and makes the app; the schema may still be missing.
pub async fn connect(config: Config) -> anyhow::Result<Running> {
    let running = open(config).await?;
    wait_for_database(&running.app).await?;
    Ok(running)
}

/// Makes the app without having connected: there is no connection yet but what the caller makes.
pub async fn open(config: Config) -> anyhow::Result<Running> {
    let password_filter = config.password.filter.as_deref().map(Filter::open).transpose()?.map(Arc::new);
    make_data_dir(&config.data_dir)?;
    let (private, postgres) = if let Some(url) = &config.database.url {
        (None, url.expose().parse().context("USHER_DATABASE_URL can't be read")?)
    } else {
        let pg_bin = config.database.pg_bin.as_deref();
        let private = Private::start(&Options { data_dir: &config.data_dir, pg_bin, durable: true }).await?;
        let postgres = private.config();
        (Some(private), postgres)
    };
    let replica = config.database.read_url.as_ref().map(|url| url.expose().parse()).transpose();
    let options = ConnectOptions {
        postgres: postgres.clone(),
        replica: replica.context("USHER_DATABASE_READ_URL can't be read")?,
        pool_size: config.database.pool_size,
        connect_timeout: config.database.connect_timeout,
        statement_timeout: config.database.statement_timeout,
        lock_timeout: config.database.lock_timeout,
        idle_transaction_timeout: config.database.idle_transaction_timeout,
    };
    let db = Db::new(&options)?;
    let mailer = match &config.mail.smtp {
        Some(url) => Mailer::smtp(url, config.mail.from.clone())?,
        None => Mailer::Held,
    };
    let app = App::new(Parts {
        db,
        clock: Clock::system(),
        mailer,
        keyring: Keyring::new(config.server.public_url.as_str(), config.tokens.access_lifetime),
        sealer: sealer(&config)?,
        hasher: hasher(&config.password),
        password_filter,
        draining: Draining::default(),
        portions: Portions::default(),
        on_denied: audit::note_denied,
        on_unknown_key: keys::look_again,
        on_key_used: api_keys::note_use,
        on_session_seen: sessions::note_seen,
        config,
    });
    Ok(Running { app, postgres, private })
}

fn hasher(config: &config::Password) -> Hasher {
    let pepper = |key: &Option<SecretKey>| key.as_ref().map(Pepper::new);
    let peppers = Peppers { current: pepper(&config.pepper), previous: pepper(&config.pepper_previous) };
    Hasher::start(Cost::POLICY, config.hash_memory_mib, config.hash_queue).peppered(peppers)
}

/// Reads all of the operator's password filter: a damaged one would let through what it lists.
pub async fn verify_password_filter(config: &Config) -> Result<(), Failure> {
    let Some(path) = config.password.filter.clone() else { return Ok(()) };
    let verify = move || {
        let verified = Filter::open(&path)?.verify();
        verified.with_context(|| format!("the password filter {}", path.display()))
    };
    let verified = tokio::task::spawn_blocking(verify).await.map_err(anyhow::Error::from)?;
    verified.map_err(|error| Failure::usage(format!("USHER_PASSWORD_FILTER: {error:#}")))
}

/// Connects, and [`prepare`]s.
pub async fn ready(config: Config) -> Result<Running, Failure> {
    let running = open(config).await?;
    prepare(&running.app).await?;
    Ok(running)
}

/// Brings schema, built-in roles and keys into the state this release needs, as soon as the database is there.
pub async fn prepare(app: &App) -> Result<(), Failure> {
    wait_for_database(app).await?;
    if app.config.database.migrate {
        for applied in migrate(app, Actor::System).await? {
            tracing::info!(migration = applied, "applied a migration");
        }
    }
    if let Standing::Newer { version } = migrations::check(&app.db).await? {
        let known = migrations::newest();
        tracing::warn!(version, known, "a newer release has migrated the database; this one works with it until it is replaced");
    } else {
        // An older release would take from them what the newer one has given.
        let mut tx = app.begin_as(Actor::System).await?;
        roles::sync_built_in(&mut tx).await?;
        tx.commit().await?;
    }
    if !app.config.database.migrate {
        // Without them writes go on as well, into the default partitions.
        keep_ahead(app).await.log_and_ignore("the daily job makes the partitions later");
    }
    keys::load(app).await?;
    Ok(())
}

async fn keep_ahead(app: &App) -> DbResult<()> {
    let mut tx = app.begin_as(Actor::System).await?;
    partitions::keep_ahead(&mut tx).await?;
    tx.commit().await
}

/// The same, and what the owner of the tables wants to be dropped.
async fn tend_partitions(app: &App) -> DbResult<()> {
    keep_ahead(app).await?;
    let mut tx = app.begin_as(Actor::System).await?;
    audit::log::allow_dropping(app, &mut tx).await?;
    tx.commit().await
}

/// Applies the migrations that are missing, and notes them in the audit trail.
pub async fn migrate(app: &App, by: Actor) -> anyhow::Result<Vec<String>> {
    let applied = migrations::apply(&app.db).await?;
    tend_partitions(app).await.log_and_ignore("without them rows go into the default partitions, and nothing is dropped");
    if !applied.is_empty() {
        let mut tx = app.begin_as(by).await?;
        audit::record(&mut tx, Event::success("database.migrated").detail("migrations", applied.clone())).await?;
        tx.commit().await?;
    }
    Ok(applied)
}

/// Who acts when an operator does.
pub fn operator(reason: Option<String>) -> Origin {
    Origin { reason, ..Origin::of(Actor::Cli) }
}

async fn wait_for_database(app: &App) -> anyhow::Result<()> {
    let mut told = false;
    let waited = crate::clock::Stopwatch::start();
    while let Err(error) = app.db.ping().await {
        if waited.elapsed() > DATABASE_WITHIN {
            return Err(anyhow::Error::from(error).context(format!("no database after {} s", DATABASE_WITHIN.as_secs())));
        }
        if !told {
            tracing::warn!(%error, "waiting for the database");
            told = true;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    Ok(())
}

fn make_data_dir(path: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(path).with_context(|| format!("making the data directory {} (USHER_DATA_DIR)", path.display()))
}

/// Seals under the secret key, and opens what the one before has sealed.
pub fn sealer(config: &Config) -> anyhow::Result<Sealer> {
    let (present, previous) = match &config.secret_key {
        Some(key) => (key.clone(), config.secret_key_previous.clone()),
        None => secret_key::load(&config.data_dir)?,
    };
    let sealer = Sealer::new(present.as_bytes());
    Ok(match previous {
        Some(previous) => sealer.with_previous(previous.as_bytes()),
        None => sealer,
    })
}
