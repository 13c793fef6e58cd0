//! One throwaway PostgreSQL for the whole run, and a database of its own for every test, cloned from a migrated template.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::OnceCell;

use crate::db::private::{Options, Private};
use crate::db::{ConnectOptions, Db, migrations};

const TEMPLATE: &str = "usher_template";

/// How to reach the cluster. The server itself outlives the runtime of the test that started it: `cargo xtask test` stops it.
static CLUSTER: OnceCell<tokio_postgres::Config> = OnceCell::const_new();
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A new database: its name, and how to reach it.
pub async fn new_database() -> (String, tokio_postgres::Config) {
    let cluster = CLUSTER.get_or_init(start).await;
    let name = format!("usher_test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    admin(cluster, &format!("create database {name} template {TEMPLATE} strategy file_copy")).await;
    let mut config = cluster.clone();
    config.dbname(&name);
    (name, config)
}

pub async fn drop_database(name: &str) {
    let cluster = CLUSTER.get().expect("there is a database to drop");
    admin(cluster, &format!("drop database {name} with (force)")).await;
}

async fn start() -> tokio_postgres::Config {
    let own = std::env::temp_dir().join(format!("usher-test-{}", std::process::id()));
    let data_dir = std::env::var_os("TEST_PG_DIR").map_or(own, Into::into);
    std::fs::create_dir_all(&data_dir).unwrap();
    let private = Private::start(&Options { data_dir: &data_dir, pg_bin: None, durable: false }).await.unwrap();
    let mut config = private.config();
    config.dbname("postgres");
    // Left running on purpose; a run that adopts it begins with a template of its own schema.
    std::mem::forget(private);
    admin(&config, &format!("drop database if exists {TEMPLATE} with (force)")).await;
    admin(&config, &format!("create database {TEMPLATE}")).await;
    let mut template = config.clone();
    template.dbname(TEMPLATE);
    {
        let db = Db::new(&ConnectOptions::new(template)).unwrap();
        migrations::apply(&db).await.unwrap();
    }
    config
}

/// Runs a statement beside all databases. A template that is being copied or left may be busy for a moment.
async fn admin(config: &tokio_postgres::Config, sql: &str) {
    for attempt in 0.. {
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        let outcome = client.batch_execute(sql).await;
        drop(client);
        connection.await.unwrap().unwrap();
        match outcome {
            Ok(()) => return,
            Err(error) if attempt < 200 && error.to_string().contains("db error") && is_busy(&error) => {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            Err(error) => panic!("{sql}: {error:?}"),
        }
    }
}

fn is_busy(error: &tokio_postgres::Error) -> bool {
    error.code() == Some(&tokio_postgres::error::SqlState::OBJECT_IN_USE)
}
