//! Sessions are forgotten some time after they ended, and refresh tokens before that, with the partition of their week.

use jiff::SignedDuration;
use serde_json::json;

use super::super::{forget_ended, forget_refresh_tokens};
use super::{MONTH, refresh};
use crate::db::partitions;
use crate::testing::{PASSWORD, TestApp};

#[tokio::test]
async fn sessions_that_ended_are_forgotten_after_38_days() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    ann.client.post("/v1/logout", json!({})).await.expect(204);
    app.sign_in("ann@example.org", PASSWORD).await;
    let forget = async || {
        let mut tx = app.tx().await;
        forget_refresh_tokens(&mut tx).await.unwrap();
        forget_ended(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        app.count("select count(*) from sessions").await
    };
    app.advance(SignedDuration::from_hours(38 * 24));
    assert_eq!(forget().await, 2);
    app.advance(SignedDuration::from_secs(1));
    assert_eq!(forget().await, 1);
    app.advance(MONTH);
    assert_eq!(forget().await, 0);
    assert_eq!(app.count("select count(*) from refresh_tokens").await, 0);
    app.finish().await;
}

#[tokio::test]
async fn refresh_tokens_go_with_their_week_when_their_sessions_are_over() {
    let app = TestApp::new().await;
    let ends = "select min(to_at) from list_partitions('refresh_tokens')";
    let mut tx = app.tx().await;
    let ends: jiff::Timestamp = tx.query_one(ends, &[]).await.unwrap().get(0);
    tx.commit().await.unwrap();
    app.user("bob").await;
    app.advance(ends.duration_since(app.now()) - SignedDuration::from_hours(1));
    let mut tx = app.tx().await;
    partitions::keep_ahead(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    let bob = app.sign_in("bob@example.org", PASSWORD).await;
    app.advance(SignedDuration::from_hours(25));
    let second = refresh(&app, &bob.refresh_token).await.expect(200).str("refresh_token");
    let forget = async || {
        let mut tx = app.tx().await;
        forget_refresh_tokens(&mut tx).await.unwrap();
        forget_ended(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
    };
    let first_week = format!("select count(*) from refresh_tokens where created_at < '{ends}'");
    app.advance(SignedDuration::from_hours(28 * 24));
    forget().await;
    assert_eq!(app.count(&first_week).await, 1, "the session of bob could still go on: only the old one of the sign-up goes");
    // A copy of a used token is found out to the end of its session.
    refresh(&app, &bob.refresh_token).await.expect_problem(401, "invalid_refresh_token");
    refresh(&app, &second).await.expect_problem(401, "invalid_refresh_token");
    app.advance(SignedDuration::from_hours(24));
    forget().await;
    assert_eq!(app.count(&first_week).await, 0);
    assert_eq!(app.count("select count(*) from refresh_tokens").await, 1, "the second is of a later week");
    app.finish().await;
}
