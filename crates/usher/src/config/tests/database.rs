//! The database's URL and what hangs on it.

use super::{KEY, accepted, assert_contains, refused, warned};

fn with_url<'a>(url: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [("USHER_DATABASE_URL", url), ("USHER_SECRET_KEY", KEY)].iter().chain(more).copied().collect()
}

#[test]
fn url_and_key_value_form_are_read() {
    for url in [
        "postgres://usher:p%40ss@db.example.org:5433/usher?sslmode=require",
        "postgresql://usher@%2Frun%2Fpostgresql/usher",
        "host=/run/postgresql user=usher dbname=usher",
    ] {
        let config = accepted(&with_url(url, &[]));
        assert_eq!(config.database.url.unwrap().expose(), url);
        assert!(!config.database.migrate, "a database of one's own is migrated on demand");
    }
    assert!(accepted(&with_url("postgres://u@localhost/u", &[("USHER_MIGRATE", "true")])).database.migrate);
    assert!(!accepted(&[("USHER_MIGRATE", "false")]).database.migrate);
}

#[test]
fn bad_url_is_refused() {
    let cases = [
        ("mysql://u:p4ss@localhost/u", "postgres://user:password@host:port/database"),
        ("postgres://u@localhost:port/u", "not a PostgreSQL URL"),
        ("postgres://u@localhost/u?colour=green", "unknown parameter"),
        ("user=usher dbname=usher", "names no host"),
        ("postgres://u:@localhost/u", "is empty"),
        ("postgres://u@localhost/u?sslmode=verify-full", "sslmode=require, which verifies"),
        ("host=localhost sslmode='always'", "unknown sslmode"),
    ];
    for (url, expected) in cases {
        assert_contains(&refused(&with_url(url, &[])), &["USHER_DATABASE_URL: ", expected]);
    }
}

#[test]
fn unencrypted_way_to_another_machine_is_warned_about() {
    let warned = |url| warned(&with_url(url, &[]));
    assert_eq!(warned("postgres://u@db.example.org/u"), ["USHER_DATABASE_URL"]);
    assert_eq!(warned("postgres://u@10.0.0.7/u?sslmode=disable"), ["USHER_DATABASE_URL"]);
    assert_eq!(warned("host=localhost hostaddr=10.0.0.7"), ["USHER_DATABASE_URL"]);
    assert!(warned("postgres://u@db.example.org/u?sslmode=require").is_empty());
    assert!(warned("postgres://u@127.0.0.1/u").is_empty());
    assert!(warned("host=/run/postgresql").is_empty());
}

#[test]
fn binaries_must_be_a_directory_and_are_idle_beside_a_url() {
    assert_contains(&refused(&[("USHER_PG_BIN", "/does/not/exist")]), &["USHER_PG_BIN: ", "no directory"]);
    let directory = std::env::temp_dir();
    let bin = ("USHER_PG_BIN", directory.to_str().unwrap());
    assert_eq!(accepted(&[bin]).database.pg_bin.unwrap(), directory);
    assert_eq!(warned(&with_url("postgres://u@localhost/u", &[bin])), ["USHER_PG_BIN"]);
}

#[test]
fn timeouts_and_pool_are_read() {
    let database = accepted(&[
        ("USHER_DATABASE_POOL_SIZE", "7"),
        ("USHER_DATABASE_CONNECT_TIMEOUT_SECONDS", "11"),
        ("USHER_DATABASE_STATEMENT_TIMEOUT_SECONDS", "12"),
        ("USHER_DATABASE_LOCK_TIMEOUT_SECONDS", "13"),
        ("USHER_DATABASE_IDLE_TRANSACTION_TIMEOUT_SECONDS", "14"),
    ])
    .database;
    assert_eq!(database.pool_size, 7);
    let timeouts =
        [database.connect_timeout, database.statement_timeout, database.lock_timeout, database.idle_transaction_timeout];
    assert_eq!(timeouts.map(|timeout| timeout.as_secs()), [11, 12, 13, 14]);
    assert!(accepted(&[]).database.pool_size >= 4);
    assert_contains(&refused(&[("USHER_DATABASE_POOL_SIZE", "0")]), &["a whole number from 1 to 500"]);
}
