//! Limits, in one process and in several.

use futures_util::future::join_all;
use jiff::SignedDuration;
use serde_json::json;

use super::*;
use crate::testing::TestApp;

const LIMIT: Limit = Limit::per_minutes("test", 10, 1);

#[tokio::test]
async fn a_bucket_grants_its_quota_and_empties_steadily() {
    let app = TestApp::new().await;
    for left in (0..10).rev() {
        let taken = take(&app.app, LIMIT, "ann").await.unwrap();
        assert_eq!((taken.granted, taken.remaining), (true, left));
    }
    let refused = take(&app.app, LIMIT, "ann").await.unwrap();
    assert_eq!(refused, Taken { granted: false, remaining: 0, seconds: 6 });
    assert!(take(&app.app, LIMIT, "bob").await.unwrap().granted);
    app.advance(SignedDuration::from_secs(6));
    assert!(take(&app.app, LIMIT, "ann").await.unwrap().granted);
    assert!(!take(&app.app, LIMIT, "ann").await.unwrap().granted);
    give_back(&app.app, LIMIT, "ann").await.unwrap();
    assert!(take(&app.app, LIMIT, "ann").await.unwrap().granted);
    app.advance(SignedDuration::from_hours(2));
    app.run_jobs().await;
    assert!(take(&app.app, LIMIT, "ann").await.unwrap().granted);
    app.finish().await;
}

#[tokio::test]
async fn of_many_at_the_same_time_the_quota_is_granted() {
    let app = TestApp::new().await;
    let taken = join_all((0..50).map(|_| take(&app.app, LIMIT, "ann"))).await;
    assert_eq!(taken.into_iter().filter(|taken| taken.as_ref().unwrap().granted).count(), 10);
    app.finish().await;
}

#[tokio::test]
async fn processes_that_draw_portions_grant_no_more_than_the_quota_together() {
    let app = TestApp::new().await;
    let limit = Limit::per_minutes("portions", 100, 1);
    let processes = [Portions::default(), Portions::default(), Portions::default()];
    let mut granted = 0;
    for number in 0..300 {
        let taken = processes[number % 3].take(&app.app, limit, "ann").await.unwrap();
        granted += usize::from(taken.granted);
    }
    assert_eq!(granted, 100);
    app.advance(SignedDuration::from_mins(1));
    assert!(processes[0].take(&app.app, limit, "ann").await.unwrap().granted);
    app.finish().await;
}

#[tokio::test]
async fn r027_a_refusal_is_429_and_says_when_to_come_back() {
    let app = TestApp::new().await;
    let client = app.client().at("203.0.113.7");
    let ask = || client.post("/v1/password/forgot", json!({ "email": "nobody@example.org" }));
    let first = ask().await.expect(202);
    assert_eq!(first.headers["ratelimit-policy"], "\"mailing\";q=60;w=600");
    assert_eq!(first.headers["ratelimit"], "\"mailing\";r=59;t=10");
    for _ in 0..59 {
        ask().await.expect(202);
    }
    let refused = ask().await.expect_problem(429, "too_many_requests");
    assert_eq!(refused.headers["retry-after"], "10");
    assert_eq!(refused.headers["ratelimit"], "\"mailing\";r=0;t=10");
    // The whole /24 is one, and nobody else is kept waiting.
    app.client().at("203.0.113.8").post("/v1/register", json!({})).await.expect(429);
    app.client().at("203.0.114.8").post("/v1/register", json!({})).await.expect(422);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn callers_are_limited_by_who_they_are_and_exempt_networks_are_not() {
    let app = TestApp::with(&[("USHER_RATE_LIMIT_EXEMPT", "10.0.0.0/8, 2001:db8::/32")]).await;
    let ann = app.user("ann").await;
    let bob = app.user("bob").await;
    let read = |client: crate::testing::Client, at: &'static str| async move { client.at(at).get("/v1/me").await };
    let first = read(ann.client.clone(), "203.0.113.7").await.expect(200);
    assert_eq!(first.headers["ratelimit"], "\"caller\";r=1199;t=3");
    for _ in 0..1199 {
        read(ann.client.clone(), "203.0.113.7").await.expect(200);
    }
    read(ann.client.clone(), "198.51.100.1").await.expect_problem(429, "too_many_requests");
    read(ann.client.clone(), "10.1.2.3").await.expect(200);
    read(ann.client.clone(), "2001:db8::7").await.expect(200);
    read(bob.client.clone(), "203.0.113.7").await.expect(200);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r028_mails_of_one_kind_to_one_user_are_capped_and_nobody_is_told() {
    let app = TestApp::new().await;
    app.user("ann").await;
    app.run_jobs().await;
    let mut sent = 0;
    for _ in 0..10 {
        app.client().post("/v1/password/forgot", json!({ "email": "ann@example.org" })).await.expect(202);
        sent += app.mails().await.len();
    }
    assert_eq!(sent, 6);
    assert_eq!(app.count("select count(*) from audit_events where action = 'mail.withheld'").await, 4);
    app.advance(SignedDuration::from_mins(10));
    app.client().post("/v1/password/forgot", json!({ "email": "ann@example.org" })).await.expect(202);
    assert_eq!(app.mails().await.len(), 1);
    app.finish().await;
}
