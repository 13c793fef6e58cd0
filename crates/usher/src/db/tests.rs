//! The database layer: transactions that end, lanes that answer right and come back, migrations by several processes at once.

mod later;

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

use super::{Actor, ConnectOptions, Db, DbError, OnConstraint, Origin, Tx, migrations, page};
use crate::error::{AppError, Rejection};
use crate::id::UserId;
use crate::testing::TestApp;

const ROLES: &str = "select count(*) from roles where name like 'test-%'";
const INSERT: &str = "
    insert into roles (name, description, permissions, created_at, updated_at)
    values ($1, '', '{}', now(), now())";

async fn insert(tx: &mut Tx, name: &str) -> Result<u64, DbError> {
    tx.execute(INSERT, &[&name]).await
}

/// The connections of this test that are not this one.
const OTHERS: &str = "datname = current_database() and pid <> pg_backend_pid()";

#[tokio::test]
async fn a_transaction_that_is_dropped_leaves_nothing_and_gives_its_connection_back() {
    let app = TestApp::new().await;
    // Many times more than the pool has connections.
    for round in 0..20 {
        let mut tx = app.tx().await;
        insert(&mut tx, &format!("test-{round}")).await.unwrap();
        drop(tx);
    }
    assert_eq!(app.count(ROLES).await, 0);
    let mut kept = Vec::new();
    for _ in 0..4 {
        kept.push(app.tx().await);
    }
    drop(kept);
    let idle = format!("select count(*) from pg_stat_activity where state like 'idle in transaction%' and {OTHERS}");
    let wait = async {
        while app.count(&idle).await > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait).await.unwrap();
    app.finish().await;
}

#[tokio::test]
async fn a_transaction_that_failed_does_not_poison_its_connection() {
    let app = TestApp::new().await;
    for _ in 0..20 {
        let mut tx = app.tx().await;
        insert(&mut tx, "test-a").await.unwrap();
        insert(&mut tx, "test-a").await.unwrap_err();
        // PostgreSQL takes nothing more in this transaction; a commit of it would be a roll-back.
        insert(&mut tx, "test-b").await.unwrap_err();
    }
    let mut tx = app.tx().await;
    insert(&mut tx, "test-a").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(app.count(ROLES).await, 1);
    app.finish().await;
}

#[tokio::test]
async fn a_pool_in_use_says_so_instead_of_waiting_for_ever() {
    let app = TestApp::new().await;
    let db = Db::new(&ConnectOptions { pool_size: 1, ..ConnectOptions::new(app.postgres.clone()) }).unwrap();
    let held = db.begin(Origin::of(Actor::System), app.now()).await.unwrap();
    let began = Instant::now();
    let error = db.begin(Origin::of(Actor::System), app.now()).await.err().unwrap();
    assert!(matches!(error, DbError::Unavailable(_)), "{error}");
    // within two seconds.
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    drop(held);
    assert_eq!(app.count(ROLES).await, 0);
    app.finish().await;
}

#[tokio::test]
async fn a_constraint_speaks_by_its_name() {
    let app = TestApp::new().await;
    let refusal = || Rejection::conflict("test_taken", "Taken.");
    let mut tx = app.tx().await;
    insert(&mut tx, "test-a").await.on_constraint("roles_pkey", refusal).unwrap();
    let error = insert(&mut tx, "test-a").await.on_constraint("roles_pkey", refusal).unwrap_err();
    assert_eq!(error.code(), Some("test_taken"));
    drop(tx);
    // Another constraint is a fault of ours, and so is a statement that does not fit.
    let mut tx = app.tx().await;
    let error = insert(&mut tx, "Bad Name").await.on_constraint("roles_pkey", refusal).unwrap_err();
    assert!(matches!(error, AppError::Internal(_)), "{error}");
    drop(tx);
    let mut tx = app.tx().await;
    let error = tx.query("select no_such_column", &[]).await.on_constraint("roles_pkey", refusal).unwrap_err();
    assert!(matches!(error, AppError::Internal(_)), "{error}");
    // A refusal that has become an internal error on its way up still says its name.
    drop(tx);
    let mut tx = app.tx().await;
    let error = insert(&mut tx, "Bad Name").await.map_err(AppError::from);
    assert_eq!(error.on_constraint("roles_name_check", refusal).unwrap_err().code(), Some("test_taken"));
    drop(tx);
    app.finish().await;
}

#[tokio::test]
async fn r282_a_wait_for_a_lock_ends_as_unavailable() {
    let app = TestApp::new().await;
    let lock = "select name from roles where name = 'admin' for update";
    let mut holder = app.tx().await;
    holder.query(lock, &[]).await.unwrap();
    let mut waiter = app.tx().await;
    waiter.execute("set local lock_timeout = '50ms'", &[]).await.unwrap();
    let error = waiter.query(lock, &[]).await.unwrap_err();
    assert!(matches!(error, DbError::Unavailable(_)), "{error}");
    drop((holder, waiter));
    app.finish().await;
}

#[tokio::test]
async fn five_hundred_look_ups_at_once_each_get_their_own_answer() {
    const FIND: &str = "select id, 'row of ' || id::text from users where id = any($1) and $2::timestamptz is not null";
    const OTHER: &str = "select id, 'other ' || id::text from users where id = any($1) and $2::timestamptz is not null";
    let app = TestApp::new().await;
    let mut tx = app.tx().await;
    let sql = "
        insert into users (id, username, status, created_at, updated_at)
        values ($1::uuid, 'u-' || $1::uuid::text, 'active', now(), now())";
    let known: Vec<UserId> = (0..50).map(|_| UserId::new(app.now())).collect();
    for id in &known {
        tx.execute(sql, &[id]).await.unwrap();
    }
    tx.commit().await.unwrap();
    let asked: Vec<(usize, Uuid)> =
        (0..500).map(|at| (at, if at % 2 == 0 { known[at / 2 % 50].uuid() } else { UserId::new(app.now()).uuid() })).collect();
    let lane = app.app.db.read();
    let answers = asked.iter().map(|(at, key)| lane.find(if at % 3 == 0 { OTHER } else { FIND }, *key, app.now()));
    let answers = tokio::time::timeout(Duration::from_secs(10), join_all(answers)).await.unwrap();
    for ((at, key), answer) in asked.into_iter().zip(answers) {
        let text = answer.unwrap().map(|row| row.get::<_, String>(1));
        let prefix = if at % 3 == 0 { "other" } else { "row of" };
        assert_eq!(text, (at % 2 == 0).then(|| format!("{prefix} {key}")), "{at}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_look_up_that_fails_does_not_fail_its_companions() {
    const DIVIDE: &str = "
        select key, 1 / (case when key = '00000000-0000-0000-0000-000000000000' then 0 else 1 end)
        from unnest($1::uuid[]) as key
        where $2::timestamptz is not null";
    let app = TestApp::new().await;
    let keys: Vec<Uuid> = (0..40).map(|at| if at == 20 { Uuid::nil() } else { UserId::new(app.now()).uuid() }).collect();
    let answers = join_all(keys.iter().map(|key| app.app.db.read().find(DIVIDE, *key, app.now()))).await;
    for (key, answer) in keys.iter().zip(answers) {
        assert_eq!(answer.is_ok(), !key.is_nil(), "{key}");
    }
    app.finish().await;
}

/// A database that is not there: nobody listens at the port.
fn nowhere() -> ConnectOptions {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    at_port(port)
}

fn at_port(port: u16) -> ConnectOptions {
    let mut config = tokio_postgres::Config::new();
    config.host("127.0.0.1").port(port).user("nobody").dbname("nothing");
    ConnectOptions::new(config)
}

async fn unavailable_in_time(db: &Db) {
    let began = Instant::now();
    let error = db.begin(Origin::of(Actor::System), Timestamp::UNIX_EPOCH).await.err().unwrap();
    assert!(matches!(error, DbError::Unavailable(_)), "{error}");
    let error = db.ping().await.unwrap_err();
    assert!(matches!(error, DbError::Unavailable(_)), "{error}");
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[tokio::test]
async fn r282_a_database_that_is_away_is_unavailable_at_once_in_every_lane() {
    let db = Db::new(&nowhere()).unwrap();
    unavailable_in_time(&db).await;
    let read = db.read().find("select id from users where id = any($1)", Uuid::nil(), Timestamp::UNIX_EPOCH).await.err().unwrap();
    let piped = db.pipeline().query("select 1", &[]).await.err().unwrap();
    let own = db.dedicated().await.err().unwrap();
    for error in [read, piped, own] {
        assert!(matches!(error, DbError::Unavailable(_)), "{error}");
    }
}

#[tokio::test]
async fn r282_a_database_that_accepts_and_says_nothing_is_unavailable_in_time() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let accepting = tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok(connection) = silent.accept().await {
            kept.push(connection);
        }
    });
    unavailable_in_time(&Db::new(&at_port(port)).unwrap()).await;
    accepting.abort();
}

#[tokio::test]
async fn r282_after_the_server_ended_every_connection_all_lanes_come_back_by_themselves() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    // The transaction lane, the look-up lane, the pipelined lane.
    let paths = ["/v1/users", "/v1/me", "/v1/audit-events", "/readyz"];
    for _ in 0..3 {
        for path in paths {
            admin.get(path).await.expect(200);
        }
        let killer = app.app.db.dedicated().await.unwrap();
        let ended = killer.query(&format!("select pg_terminate_backend(pid) from pg_stat_activity where {OTHERS}"), &[]).await;
        assert!(ended.unwrap().len() >= 3);
        for path in paths {
            let mut tries = 0;
            loop {
                let answer = admin.get(path).await;
                if answer.status == 200 {
                    break;
                }
                let answer = answer.expect_problem(503, "database_unavailable");
                assert_eq!(answer.headers["retry-after"], "2");
                tries += 1;
                // Each connection that was ended is found out once at most.
                assert!(tries < 10, "{path}");
            }
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn migrations_by_four_processes_at_the_same_time_are_applied_once() {
    let app = TestApp::new().await;
    let db = &app.app.db;
    db.dedicated().await.unwrap().batch_execute("drop schema public cascade; create schema public").await.unwrap();
    assert!(migrations::status(db).await.unwrap().iter().all(|state| !state.applied));
    let error = migrations::check(db).await.unwrap_err().to_string();
    assert!(error.contains("usher migrate"), "{error}");
    let applied = join_all((0..4).map(|_| migrations::apply(db))).await;
    let counts: Vec<usize> = applied.into_iter().map(|names| names.unwrap().len()).collect();
    assert_eq!(counts.iter().sum::<usize>(), usize::try_from(migrations::newest()).unwrap(), "{counts:?}");
    assert_eq!(counts.iter().filter(|count| **count > 0).count(), 1, "{counts:?}");
    migrations::check(db).await.unwrap();
    app.finish().await;
}

#[test]
fn a_cursor_comes_back_as_it_went() {
    let limit = page::Limit::new(2).unwrap();
    let at = Timestamp::UNIX_EPOCH + SignedDuration::from_micros(1);
    let rows = vec![(at, "ä/+?&= \"".to_owned()), (at, "b".to_owned()), (at, "c".to_owned())];
    let cut = page::Page::cut(rows.clone(), limit, Clone::clone);
    assert_eq!(cut.items, rows[..2]);
    let cursor = cut.next.unwrap();
    assert!(cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{cursor}");
    assert_eq!(page::decode::<(Timestamp, String)>(&cursor).unwrap(), rows[1]);
    assert!(page::decode::<(String, Timestamp)>(&cursor).is_err());
    assert!(page::decode::<(Timestamp, String)>(&cursor[1..]).is_err());
    assert!(page::decode::<serde_json::Value>(&"a".repeat(1025)).is_err());
    // The last page has no next one, be it full or not.
    for length in 0..=2 {
        let last = page::Page::cut(vec![json!(1); length], limit, Clone::clone);
        assert_eq!((last.items.len(), last.next), (length, None));
    }
}

#[test]
fn a_page_holds_one_to_two_hundred() {
    let read = |value: serde_json::Value| serde_json::from_value::<page::Limit>(value).map(page::Limit::get).ok();
    assert_eq!((read(json!(1)), read(json!(200))), (Some(1), Some(200)));
    for bad in [json!(0), json!(201), json!(-1), json!(65_537), json!("5"), json!(1.5)] {
        assert_eq!(read(bad.clone()), None, "{bad}");
    }
    assert_eq!((page::Limit::default().get(), page::Limit::default().and_one()), (50, 51));
}
