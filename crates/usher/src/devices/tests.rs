//! Known devices, through the front door.

mod trust;

use http::Method;
use serde_json::{Value, json};

use crate::testing::{Answer, Client, PASSWORD, TestApp, token_in};

const NOTICE: &str = "A sign-in on a new device at usher";

/// A sign-in of Ann with this program, and the device's token if it has one.
async fn login(client: &Client, program: &str, device: Option<&str>) -> Answer {
    let mut body = json!({ "identifier": "ann@example.org", "password": PASSWORD });
    if let Some(device) = device {
        body["device_token"] = json!(device);
    }
    client.send(Method::POST, "/v1/login", &[("user-agent", program)], Some(body)).await.expect(200)
}

async fn notices(app: &TestApp) -> usize {
    app.mails().await.iter().filter(|mail| mail.subject == NOTICE).count()
}

#[tokio::test]
async fn r029_a_sign_in_on_a_device_that_is_not_known_is_told_by_mail() {
    let app = TestApp::new().await;
    let home = app.client().at("203.0.113.7");
    app.user("ann").await;
    app.run_jobs().await;
    // The harness has signed her in from nowhere; this is a second place.
    let first = login(&home, "Firefox", None).await;
    let mails = app.mails().await;
    assert_eq!(mails.iter().map(|mail| mail.subject.as_str()).collect::<Vec<_>>(), [NOTICE]);
    assert!(mails[0].text.contains("203.0.113.7") && mails[0].text.contains("Firefox"), "{}", mails[0].text);
    // The device is known by its token wherever it is, and its neighbourhood by program and network.
    let device = first.str("device_token");
    assert_eq!(login(&app.client().at("198.51.100.7"), "Firefox 2", Some(&device)).await.json["device_token"], Value::Null);
    login(&app.client().at("198.51.100.99"), "Firefox 2", None).await;
    assert_eq!(notices(&app).await, 0);
    login(&app.client().at("192.0.2.1"), "Firefox 2", None).await;
    login(&home, "curl", None).await;
    assert_eq!(notices(&app).await, 2);
    app.finish().await;
}

#[tokio::test]
async fn the_first_sign_in_of_all_is_not_strange() {
    let app = TestApp::new().await;
    app.user("ann").await;
    assert_eq!(notices(&app).await, 0);
    app.finish().await;
}

#[tokio::test]
async fn who_says_that_it_was_not_them_closes_the_account_to_everybody_and_gets_a_link() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let thief = app.client().at("203.0.113.66");
    let stolen = login(&thief, "curl", None).await;
    let mails = app.mails().await;
    let token = token_in(&mails[0]);
    // Looking at the page changes nothing.
    app.client().get(&format!("/not-me?token={token}")).await.expect(200);
    ann.client.get("/v1/me").await.expect(200);

    app.client().post("/v1/report-sign-in", json!({ "token": token })).await.expect(200);
    for access in [&stolen.str("access_token"), &ann.access_token] {
        app.client_with(access).get("/v1/me").await.expect_problem(401, "unauthorized");
    }
    for device in [None, Some(stolen.str("device_token"))] {
        let body = json!({ "identifier": "ann@example.org", "password": PASSWORD, "device_token": device });
        let body = if device.is_some() { body } else { json!({ "identifier": "ann@example.org", "password": PASSWORD }) };
        thief.post("/v1/login", body).await.expect_problem(429, "too_many_requests");
    }
    app.client().post("/v1/report-sign-in", json!({ "token": token })).await.expect_problem(422, "invalid_token");
    // Nobody makes the stopped password work again.
    let boss = app.admin().await;
    let unlock = format!("/v1/users/{}/unlock", ann.id);
    boss.client.post(&unlock, json!({})).await.expect_problem(409, "invalid_state");
    let reset = app.mailed_token().await;
    let body = json!({ "token": reset, "password": "seven quiet herons wading" });
    app.client().post("/v1/password/reset", body).await.expect(200);
    let again = json!({ "identifier": "ann@example.org", "password": "seven quiet herons wading" });
    app.client().post("/v1/login", again).await.expect(200);
    assert_eq!(app.count("select count(*) from audit_events where action = 'sign_in.reported'").await, 1);
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn r042_the_report_of_a_suspended_person_changes_nothing() {
    let app = TestApp::new().await;
    let boss = app.admin().await;
    let ann = app.user("ann").await;
    login(&app.client().at("203.0.113.66"), "curl", None).await;
    let token = token_in(app.mails().await.iter().find(|mail| mail.subject == NOTICE).unwrap());
    boss.client.post(&format!("/v1/users/{}/suspend", ann.id), json!({})).await.expect(200);
    app.client().post("/v1/report-sign-in", json!({ "token": token })).await.expect_problem(422, "invalid_token");
    app.finish().await;
}

#[tokio::test]
async fn r045_a_reset_forgets_the_devices_and_fifty_are_kept_at_most() {
    let app = TestApp::new().await;
    app.user("ann").await;
    for number in 0..55 {
        login(&app.client(), &format!("program {number}"), None).await;
    }
    assert_eq!(app.count("select count(*) from devices").await, 50);
    app.mails().await;
    app.advance(jiff::SignedDuration::from_hours(2));
    app.client().post("/v1/password/forgot", json!({ "email": "ann@example.org" })).await.expect(202);
    let token = app.mailed_token().await;
    let body = json!({ "token": token, "password": "seven quiet herons wading" });
    app.client().post("/v1/password/reset", body).await.expect(200);
    assert_eq!(app.count("select count(*) from devices").await, 0);
    app.mails().await;
    app.finish().await;
}
