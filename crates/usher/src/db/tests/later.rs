//! Statements that go out with the next one.

use super::{INSERT, OTHERS, ROLES, insert};
use crate::db::{DbError, OnConstraint, values};
use crate::error::Rejection;
use crate::testing::TestApp;

#[tokio::test]
async fn what_waits_runs_in_its_place_and_is_committed_with_the_rest() {
    let app = TestApp::new().await;
    let mut tx = app.tx().await;
    tx.execute_later(INSERT, values!["test-a"]).await.unwrap();
    insert(&mut tx, "test-b").await.unwrap();
    assert_eq!(tx.query_one(ROLES, &[]).await.unwrap().get::<_, i64>(0), 2);
    // More than wait together.
    for number in 0..40 {
        tx.execute_later(INSERT, values![format!("test-{number}")]).await.unwrap();
    }
    tx.execute_later("delete from roles where name = $1", values!["test-a"]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(app.count(ROLES).await, 41);
    app.finish().await;
}

#[tokio::test]
async fn what_waits_and_fails_fails_what_comes_next_and_leaves_nothing() {
    let app = TestApp::new().await;
    for round in 0..6 {
        let mut tx = app.tx().await;
        insert(&mut tx, "test-a").await.unwrap();
        tx.execute_later(INSERT, values!["test-a"]).await.unwrap();
        tx.execute_later(INSERT, values!["test-b"]).await.unwrap();
        let failed = if round % 2 == 0 { tx.commit().await } else { insert(&mut tx, "test-c").await.map(|_| ()) };
        let refusal = || Rejection::conflict("test_taken", "Taken.");
        assert_eq!(failed.on_constraint("roles_pkey", refusal).unwrap_err().code(), Some("test_taken"));
    }
    // Nor does a statement that can't be prepared let what was before it last.
    let mut tx = app.tx().await;
    insert(&mut tx, "test-a").await.unwrap();
    tx.execute_later("delete from no_such_table", values![]).await.unwrap();
    assert!(matches!(tx.commit().await, Err(DbError::Statement(_))));
    // Or let what comes after it run without a transaction.
    let mut tx = app.tx().await;
    tx.execute_later("delete from no_such_table", values![]).await.unwrap();
    assert!(matches!(insert(&mut tx, "test-a").await, Err(DbError::Statement(_))));
    insert(&mut tx, "test-b").await.unwrap_err();
    tx.commit().await.unwrap_err();
    assert_eq!(app.count(ROLES).await, 0);
    app.finish().await;
}

#[tokio::test]
async fn a_transaction_begins_with_its_first_statement() {
    let app = TestApp::new().await;
    let open = format!("select count(*) from pg_stat_activity where state = 'idle in transaction' and {OTHERS}");
    let mut tx = app.tx().await;
    tx.execute_later(INSERT, values!["test-a"]).await.unwrap();
    assert_eq!(app.count(&open).await, 0);
    insert(&mut tx, "test-b").await.unwrap();
    assert_eq!(app.count(&open).await, 1);
    tx.commit().await.unwrap();
    // One without statements needs no commit, and of one that is dropped before any went out nothing is left.
    app.tx().await.commit().await.unwrap();
    let mut dropped = app.tx().await;
    dropped.execute_later(INSERT, values!["test-c"]).await.unwrap();
    drop(dropped);
    assert_eq!((app.count(&open).await, app.count(ROLES).await), (0, 2));
    app.finish().await;
}
