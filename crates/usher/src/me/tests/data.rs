//! One's data as a file, and leaving by the page.

use http::header;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::testing::{Browser, PASSWORD, Person, TestApp, token_in};

const DATA: &str = "/account/data";
const DELETE: &str = "/account/delete";

/// A browser in which this person has signed in.
async fn enter(app: &TestApp, person: &Person) -> Browser {
    let mut browser = app.browser();
    browser.sign_in(&person.email).await.expect(303);
    browser
}

#[tokio::test]
async fn the_file_holds_all_that_the_api_tells_and_nothing_secret() {
    let app = TestApp::new().await;
    let (root, ann) = (app.admin().await, app.user("ann").await);
    let properties = json!({ "rating": { "type": "integer" }, "nickname": { "type": "string", "visibility": "self" } });
    root.client.put("/v1/attribute-schema", json!({ "type": "object", "properties": properties })).await.expect(200);
    let there = root.client.clone().at("203.0.113.9");
    let attributes = json!({ "attributes": { "rating": 3, "nickname": "Nan" } });
    there.patch(&format!("/v1/users/{}", ann.id), attributes).await.expect(200);
    ann.client.post("/v1/me/emails", json!({ "email": "new@example.org" })).await.expect(202);
    let key = ann.client.post("/v1/me/api-keys", json!({ "name": "Nightly" })).await.expect(201).str("key");
    let mut browser = enter(&app, &ann).await;
    browser.open(DATA).await.expect(200);
    let file = browser.submit("/account/data/download", &[]).await.expect(200);
    assert_eq!(file.headers[header::CONTENT_TYPE], "application/json");
    assert_eq!(file.headers[header::CONTENT_DISPOSITION], "attachment; filename=\"usher-data-2026-01-01.json\"");
    assert_eq!(file.headers[header::CACHE_CONTROL], "no-store");
    let data = &file.json;
    assert_eq!(data["user"], ann.client.get("/v1/me").await.expect(200).json);
    assert_eq!(data["user"]["attributes"], json!({ "nickname": "Nan" }), "what is for administrators is left out");
    assert_eq!(data["pending_email"]["address"], "new@example.org");
    assert_eq!(data["api_keys"][0]["name"], "Nightly");
    assert_eq!(data["sessions"].as_array().unwrap().len(), 2);
    assert_eq!(data["devices"].as_array().unwrap().len(), 2);
    let told: Vec<&str> = data["history"].as_array().unwrap().iter().map(|event| event["action"].as_str().unwrap()).collect();
    let made = data["history"].as_array().unwrap().iter().find(|event| event["action"] == "user.updated").unwrap();
    assert_eq!((&made["actor_kind"], &made["actor_id"], &made["changes"]), (&json!("user"), &Value::Null, &json!({})));
    for action in ["sign_in", "api_key.created", "email.requested", "user.created", "user.updated"] {
        assert!(told.contains(&action), "{action}: {told:?}");
    }
    for secret in [key.as_str(), "203.0.113.9", &root.id, "argon2", "hash", "rating", "auth_epoch"] {
        assert!(!file.text.contains(secret), "{secret}: {}", file.text);
    }
    let by_api = ann.client.get("/v1/me/data").await.expect(200).json;
    for name in ["user", "pending_email", "groups", "password_changed_at", "second_factors", "passkeys", "devices", "api_keys"] {
        assert_eq!(by_api[name], data[name], "{name}");
    }
    assert_eq!(by_api["history"][0]["action"], "user.data_read", "that it was read is known");
    assert_ne!(by_api["history"][0]["id"], Value::Null);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r105_who_leaves_proves_who_they_are_is_signed_out_and_told_until_when_they_can_come_back() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let mut browser = enter(&app, &ann).await;
    app.advance(SignedDuration::from_mins(11));
    let proof = "/reauthenticate?return_to=%2Faccount%2Fdelete";
    assert_eq!(browser.open(DELETE).await.expect(303).headers["location"], proof);
    assert_eq!(browser.open(DATA).await.expect(200).status, 200);
    assert_eq!(browser.submit(DELETE, &[]).await.expect(303).headers["location"], proof);
    browser.open(proof).await.expect(200);
    let to = browser.submit("/reauthenticate", &[("password", PASSWORD), ("return_to", DELETE)]).await.expect(303);
    assert_eq!(to.headers["location"], DELETE);
    let page = browser.open(DELETE).await.expect(200);
    assert!(page.text.contains("31 Jan 2026, 00:11") && page.text.contains("ann@example.org"), "{}", page.text);
    let told = browser.submit(DELETE, &[]).await.expect(200);
    assert!(told.text.contains("<h1>Your account is deleted</h1>") && told.text.contains("31 Jan 2026, 00:11"), "{}", told.text);
    assert!(!browser.cookies.contains_key("__Host-usher"));
    assert_eq!(browser.open("/account").await.expect(303).headers["location"], "/sign-in?return_to=%2Faccount");
    ann.client.get("/v1/me").await.expect(401);
    let mails = app.mails().await;
    let token = mails.iter().find(|mail| mail.text.contains("undo-deletion")).map(token_in).unwrap();
    app.client().post("/v1/undo-deletion", json!({ "token": token })).await.expect(200);
    browser.sign_in(&ann.email).await.expect(303);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r203_the_last_administrator_is_told_why_they_stay() {
    let app = TestApp::new().await;
    let root = app.admin().await;
    let mut browser = enter(&app, &root).await;
    browser.open(DELETE).await.expect(200);
    let refused = browser.submit(DELETE, &[]).await.expect(422);
    assert!(refused.text.contains("id=\"faults\"") && refused.text.contains("administrator"), "{}", refused.text);
    browser.open("/account").await.expect(200);
    app.run_jobs().await;
    app.finish().await;
}
