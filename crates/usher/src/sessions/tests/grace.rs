//! The retry grace of refresh tokens.

use jiff::SignedDuration;
use serde_json::json;

use crate::testing::{PASSWORD, TestApp};

#[tokio::test]
async fn r148_within_the_grace_the_same_client_gets_the_same_successor_until_it_is_used() {
    let app = TestApp::with(&[("USHER_REFRESH_TOKEN_GRACE_SECONDS", "10")]).await;
    let ann = app.user("ann").await;
    let client = app.client();
    let refresh = |token: String| client.post("/v1/refresh", json!({ "refresh_token": token }));
    let first = refresh(ann.refresh_token.clone()).await.expect(200);
    app.advance(SignedDuration::from_secs(10));
    let again = refresh(ann.refresh_token.clone()).await.expect(200);
    assert_eq!(again.str("refresh_token"), first.str("refresh_token"));
    assert_ne!(again.str("access_token"), first.str("access_token"));
    app.client_with(&again.str("access_token")).get("/v1/me").await.expect(200);
    // The successor has been used: whoever shows the first one now has a copy.
    let next = refresh(first.str("refresh_token")).await.expect(200);
    refresh(ann.refresh_token.clone()).await.expect_problem(401, "invalid_refresh_token");
    refresh(next.str("refresh_token")).await.expect_problem(401, "invalid_refresh_token");
    app.finish().await;
}

#[tokio::test]
async fn r148_the_grace_is_for_the_same_client_and_for_a_moment() {
    let app = TestApp::with(&[("USHER_REFRESH_TOKEN_GRACE_SECONDS", "10")]).await;
    for (address, seconds) in [("203.0.113.7", 11), ("198.51.100.7", 0)] {
        let home = app.client().at("203.0.113.7");
        app.advance(SignedDuration::from_mins(1));
        let name = format!("ann{seconds}");
        app.user(&name).await;
        let body = json!({ "identifier": format!("{name}@example.org"), "password": PASSWORD });
        let token = home.post("/v1/login", body).await.expect(200).str("refresh_token");
        home.post("/v1/refresh", json!({ "refresh_token": token })).await.expect(200);
        app.advance(SignedDuration::from_secs(seconds));
        let elsewhere = app.client().at(address).post("/v1/refresh", json!({ "refresh_token": token })).await;
        elsewhere.expect_problem(401, "invalid_refresh_token");
    }
    app.run_jobs().await;
    app.finish().await;
}
