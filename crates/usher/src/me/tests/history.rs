//! The page of what has happened to one's account.

use jiff::SignedDuration;
use serde_json::json;

use crate::testing::{Browser, PASSWORD, TestApp};

const HERE: &str = "/account/activity";

#[tokio::test]
async fn sign_ins_that_worked_and_failed_are_told_with_device_and_network_in_the_person_s_zone() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    ann.client.patch("/v1/me", json!({ "time_zone": "Europe/Vienna" })).await.expect(200);
    let wrong = json!({ "identifier": ann.email, "password": "not this one at all" });
    let agent = [("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")];
    let login = app.client().at("198.51.100.77");
    login.send(http::Method::POST, "/v1/login", &agent, Some(wrong)).await.expect(401);
    let mut browser = Browser::new(app.client().at("203.0.113.9"));
    browser.sign_in(&ann.email).await.expect(303);
    let page = browser.open(HERE).await.expect(200).text;
    for told in [
        "Sign-in refused: wrong password",
        "Firefox on Linux",
        "198.51.100.0&#x2f;24",
        "Signed in",
        "203.0.113.0&#x2f;24",
        "Changed the profile",
        "The account was made",
        "1 Jan 2026, 01:00",
        "Times are in Europe&#x2f;Vienna.",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
    for not_told in ["198.51.100.77", "203.0.113.9<", "not this one"] {
        assert!(!page.contains(not_told), "{not_told}: {page}");
    }
    let sessions = browser.open("/account/sessions").await.expect(200).text;
    for told in ["1 Jan 2026, 01:00</time>", "Times are in Europe&#x2f;Vienna."] {
        assert!(sessions.contains(told), "{told}: {sessions}");
    }
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn it_says_that_an_administrator_did_it_and_not_from_where_and_nothing_of_others() {
    let app = TestApp::new().await;
    let (root, ann) = (app.admin().await, app.user("ann").await);
    app.user("bob").await.client.post("/v1/me/api-keys", json!({ "name": "Key of Bob" })).await.expect(201);
    ann.client.post("/v1/me/api-keys", json!({ "name": "Key of <b>Ann" })).await.expect(201);
    let there = root.client.clone().at("203.0.113.9");
    let path = format!("/v1/users/{}", ann.id);
    there.post(&format!("{path}/suspend"), json!({ "reason": "a quarrel" })).await.expect(200);
    there.post(&format!("{path}/reactivate"), json!({})).await.expect(200);
    let mut browser = app.browser();
    browser.sign_in(&ann.email).await.expect(303);
    let page = browser.open(HERE).await.expect(200).text;
    for told in ["The account was suspended", "by an administrator", "Made the API key Key of &lt;b&gt;Ann"] {
        assert!(page.contains(told), "{told}: {page}");
    }
    for not_told in ["203.0.113", "quarrel", "Key of Bob"] {
        assert!(!page.contains(not_told), "{not_told}: {page}");
    }
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn it_goes_on_page_by_page_without_a_gap() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    for number in 0..60 {
        ann.client.patch("/v1/me", json!({ "bio": format!("{number}") })).await.expect(200);
        app.advance(SignedDuration::from_secs(1));
    }
    let mut browser = app.browser();
    browser.sign_in(&ann.email).await.expect(303);
    let first = browser.open(HERE).await.expect(200).text;
    let older = first.split("activity?cursor=").nth(1).unwrap().split('"').next().unwrap();
    let second = browser.open(&format!("{HERE}?cursor={older}")).await.expect(200).text;
    let told = |page: &str| page.matches("Changed the profile").count();
    assert_eq!(told(&first) + told(&second), 60);
    // Once: the choice of a language leads back here.
    assert!(told(&first) < 60 && second.matches("?cursor=").count() == 1, "{second}");
    assert!(second.contains("The account was made"));
    browser.open(&format!("{HERE}?cursor=nonsense")).await.expect(422);
    app.finish().await;
}

#[tokio::test]
async fn a_session_that_goes_on_in_another_is_not_told_as_ended() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let mut browser = app.browser();
    browser.sign_in(&ann.email).await.expect(303);
    browser.open("/reauthenticate").await.expect(200);
    browser.submit("/reauthenticate", &[("password", PASSWORD)]).await.expect(303);
    let page = browser.open(HERE).await.expect(200).text;
    assert!(!page.contains("session was ended"), "{page}");
    browser.submit("/sign-out", &[]).await.expect(303);
    browser.sign_in(&ann.email).await.expect(303);
    assert!(browser.open(HERE).await.expect(200).text.contains("Signed out"));
    app.run_jobs().await;
    app.finish().await;
}
