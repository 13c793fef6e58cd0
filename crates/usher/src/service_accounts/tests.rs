//! Service accounts, through the front door.

use http::Method;
use serde_json::{Value, json};

use crate::testing::{Answer, Client, Person, TestApp};

async fn account(by: &Person, name: &str, permissions: &[&str]) -> Answer {
    by.client.post("/v1/service-accounts", json!({ "name": name, "permissions": permissions })).await
}

fn path(account: &Answer) -> String {
    format!("/v1/service-accounts/{}", account.str("id"))
}

/// A program with a new key of the account.
async fn program(app: &TestApp, by: &Person, account: &Answer, wish: Value) -> Client {
    let made = by.client.post(&format!("{}/keys", path(account)), wish).await.expect(201);
    app.client_with(&made.str("key"))
}

/// Somebody who looks after service accounts and reads users.
async fn keeper(app: &TestApp, root: &Person) -> Person {
    let permissions = json!(["service_accounts:read", "service_accounts:write", "users:read"]);
    root.client.post("/v1/roles", json!({ "name": "keeper", "permissions": permissions })).await.expect(201);
    app.person("kit", &["keeper", "user"]).await
}

#[tokio::test]
async fn a_service_account_acts_in_its_own_name() {
    let app = TestApp::new().await;
    let root = app.admin().await;
    let made = account(&root, "nightly-report", &["users:read", "users:write"]).await.expect(201);
    let report = program(&app, &root, &made, json!({ "name": "first" })).await;
    let trail = root.client.get("/v1/audit-events?action=api_key.created").await.expect(200);
    assert_eq!(trail.json["items"][0]["changes"]["service_account_id"], made.json["id"]);
    let who = report.get("/v1/whoami").await.expect(200);
    assert_eq!((&who.json["kind"], &who.json["name"]), (&json!("service_account"), &json!("nightly-report")));
    assert_eq!(who.json["credential"]["kind"], json!("api_key"));
    report.get("/v1/users").await.expect(200);
    let ann = report.post("/v1/users", json!({ "email": "ann@example.org" })).await.expect(201);
    report.delete(&format!("/v1/users/{}", ann.str("id"))).await.expect_problem(403, "forbidden");
    for (method, path) in [(Method::GET, "/v1/me"), (Method::GET, "/v1/me/sessions"), (Method::POST, "/v1/me/api-keys")] {
        report.send(method, path, &[], Some(json!({}))).await.expect_problem(403, "session_required");
    }
    for action in ["user.created", "permission.denied"] {
        let trail = root.client.get(&format!("/v1/audit-events?action={action}")).await.expect(200);
        let event = &trail.json["items"][0];
        assert_eq!((&event["actor_kind"], &event["actor_id"]), (&json!("service_account"), &made.json["id"]));
        assert!(event["api_key_id"].is_string());
    }
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r203_nobody_gives_an_account_or_its_key_more_than_they_hold_nor_acts_on_one_that_holds_more() {
    let app = TestApp::new().await;
    let root = app.admin().await;
    let kit = keeper(&app, &root).await;
    account(&kit, "mine", &["users:delete"]).await.expect_problem(403, "grant_exceeds_caller");
    let mine = account(&kit, "mine", &["users:read"]).await.expect(201);
    account(&kit, "mine", &[]).await.expect_problem(409, "service_account_name_taken");
    let greater = account(&root, "greater", &["users:read", "users:delete"]).await.expect(201);
    let keys = |account: &Answer| format!("{}/keys", path(account));
    let more = json!({ "name": "x", "permissions": ["users:read", "service_accounts:read"] });
    kit.client.post(&keys(&mine), more).await.expect_problem(403, "grant_exceeds_holder");
    kit.client.patch(&path(&mine), json!({ "permissions": ["users:delete"] })).await.expect_problem(403, "grant_exceeds_caller");
    for (method, path) in [
        (Method::GET, path(&greater)),
        (Method::PATCH, path(&greater)),
        (Method::DELETE, path(&greater)),
        (Method::POST, format!("{}/suspend", path(&greater))),
        (Method::POST, format!("{}/reactivate", path(&greater))),
        (Method::GET, keys(&greater)),
    ] {
        let answer = kit.client.send(method.clone(), &path, &[], Some(json!({}))).await;
        assert_eq!(answer.json["code"], "target_outranks_caller", "{method} {path}: {}", answer.text);
    }
    kit.client
        .post(&keys(&greater), json!({ "name": "x", "permissions": [] }))
        .await
        .expect_problem(403, "target_outranks_caller");
    let listed = kit.client.get("/v1/service-accounts").await.expect(200);
    assert_eq!(listed.json["items"].as_array().unwrap().len(), 1);
    // A key that was made for less than the account holds can't be used to make one for more.
    let small = account(&root, "small", &["users:read", "service_accounts:write", "service_accounts:read"]).await.expect(201);
    let small_key = program(&app, &root, &small, json!({ "name": "x", "permissions": ["service_accounts:write"] })).await;
    small_key
        .post(&keys(&small), json!({ "name": "y", "permissions": ["users:read"] }))
        .await
        .expect_problem(403, "target_outranks_caller");
    app.finish().await;
}

#[tokio::test]
async fn r103_keys_of_a_suspended_account_open_nothing_until_it_is_reactivated() {
    let app = TestApp::new().await;
    let root = app.admin().await;
    let made = account(&root, "report", &["users:read"]).await.expect(201);
    let report = program(&app, &root, &made, json!({ "name": "x" })).await;
    let suspended = root.client.post(&format!("{}/suspend", path(&made)), json!({})).await.expect(200);
    assert_eq!(suspended.json["status"], "suspended");
    report.get("/v1/users").await.expect_problem(401, "unauthorized");
    root.client.post(&format!("{}/reactivate", path(&made)), json!({})).await.expect(200);
    report.get("/v1/users").await.expect(200);
    let narrowed = root.client.patch(&path(&made), json!({ "permissions": ["roles:read"] })).await.expect(200);
    report.get("/v1/users").await.expect_problem(403, "forbidden");
    report.get("/v1/roles").await.expect_problem(403, "forbidden");
    root.client
        .send(Method::DELETE, &path(&made), &[("if-match", &suspended.etag())], None)
        .await
        .expect_problem(412, "precondition_failed");
    root.client.send(Method::DELETE, &path(&made), &[("if-match", &narrowed.etag())], None).await.expect(204);
    report.get("/v1/whoami").await.expect_problem(401, "unauthorized");
    root.client.get(&path(&made)).await.expect_problem(404, "not_found");
    app.finish().await;
}

#[tokio::test]
async fn keys_are_revoked_one_by_one_and_in_their_own_account_only() {
    let app = TestApp::new().await;
    let root = app.admin().await;
    let (one, other) = (account(&root, "one", &["users:read"]).await.expect(201), account(&root, "other", &[]).await.expect(201));
    let first = root.client.post(&format!("{}/keys", path(&one)), json!({ "name": "first" })).await.expect(201);
    let second = program(&app, &root, &one, json!({ "name": "second" })).await;
    root.client.delete(&format!("{}/keys/{}", path(&other), first.str("id"))).await.expect_problem(404, "not_found");
    root.client.delete(&format!("{}/keys/{}", path(&one), first.str("id"))).await.expect(204);
    app.client_with(&first.str("key")).get("/v1/users").await.expect_problem(401, "unauthorized");
    second.get("/v1/users").await.expect(200);
    let listed = root.client.get(&format!("{}/keys", path(&one))).await.expect(200);
    assert_eq!(listed.json["items"].as_array().unwrap().len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn r281_the_same_idempotency_key_for_another_account_is_another_request() {
    let app = TestApp::new().await;
    let root = app.admin().await;
    let (one, other) = (account(&root, "one", &[]).await.expect(201), account(&root, "other", &[]).await.expect(201));
    let make = async |account: &Answer| {
        let headers = [("idempotency-key", "k1")];
        let wish = json!({ "name": "x" });
        root.client.send(Method::POST, &format!("{}/keys", path(account)), &headers, Some(wish)).await.expect(201)
    };
    let (first, again, elsewhere) = (make(&one).await, make(&one).await, make(&other).await);
    assert_eq!(first.str("key"), again.str("key"));
    assert_ne!(first.str("key"), elsewhere.str("key"));
    app.finish().await;
}
