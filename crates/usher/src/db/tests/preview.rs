//! What is seen of a migration while it runs on a copy.

use super::*;
use crate::testing::TestApp;

async fn measured(app: &TestApp, sql: &str) -> Measured {
    let client = app.app.db.dedicated().await.unwrap();
    measure_text(&client, &Text::read(sql)).await.unwrap()
}

fn locked(measured: &Measured) -> Vec<(&str, &str, usize)> {
    measured.locks.iter().map(|lock| (lock.table.as_str(), lock.mode, lock.line)).collect()
}

#[tokio::test]
async fn locks_that_make_others_wait_are_seen_on_tables_that_were_there() {
    let app = TestApp::new().await;
    let sql = "create table a (b uuid references users (id));\nalter table roles add column x int;\ncreate index r_idx on roles (x);\n\
        alter table a add column c int;\nselect count(*) from emails;";
    let seen = measured(&app, sql).await;
    assert_eq!(seen.error, None);
    assert_eq!(locked(&seen), [("users", "SHARE ROW EXCLUSIVE", 1), ("roles", "ACCESS EXCLUSIVE", 2)]);
    assert!(seen.rewrites.is_empty(), "{seen:?}");
    assert!(seen.locks[1].held_milliseconds <= seen.milliseconds);
    app.finish().await;
}

#[tokio::test]
async fn a_table_that_is_written_anew_is_seen() {
    let app = TestApp::new().await;
    let sql = "alter table roles add column y text;\nalter table roles add column x uuid default gen_random_uuid();\n\
        alter table user_roles alter column granted_by type text;";
    let seen = measured(&app, sql).await;
    let rewrites: Vec<_> = seen.rewrites.iter().map(|rewrite| (rewrite.table.as_str(), rewrite.line)).collect();
    assert_eq!(rewrites, [("roles", 2), ("user_roles", 3)]);
    app.finish().await;
}

#[tokio::test]
async fn a_migration_that_fails_leaves_nothing_and_says_where() {
    let app = TestApp::new().await;
    let seen = measured(&app, "create table a (b int);\n\nalter table nobody add column x int;").await;
    assert_eq!(seen.error.as_deref(), Some("line 3: relation \"nobody\" does not exist"));
    assert_eq!(app.count("select count(*) from pg_class where relname = 'a'").await, 0);
    app.finish().await;
}

#[tokio::test]
async fn outside_a_transaction_each_statement_stands_alone() {
    let app = TestApp::new().await;
    let sql = "-- expand: x\n-- outside a transaction\ndrop index concurrently if exists x_idx;\ncreate index concurrently x_idx on roles (description);";
    for _ in 0..2 {
        let seen = measured(&app, sql).await;
        assert_eq!((seen.error.as_deref(), seen.locks.len()), (None, 0));
    }
    assert_eq!(app.count("select count(*) from pg_index where indexrelid = 'x_idx'::regclass and indisvalid").await, 1);
    app.finish().await;
}
