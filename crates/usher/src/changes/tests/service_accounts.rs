//! Undoing changes of service accounts, and that no key comes back.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{newest_change, undo, undo_newest};
use crate::testing::{Client, TestApp};

/// A new account's path, and the change that it is.
async fn make(admin: &Client, name: &str, permissions: &[&str]) -> (String, Value) {
    let body = json!({ "name": name, "description": "Counts.", "permissions": permissions });
    let made = admin.post("/v1/service-accounts", body).await.expect(201);
    (format!("/v1/service-accounts/{}", made.str("id")), newest_change(admin).await)
}

async fn read(admin: &Client, at: &str) -> Value {
    admin.get(at).await.expect(200).json
}

#[tokio::test]
async fn a_service_account_is_changed_back_field_by_field() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let (at, _) = make(&admin, "report", &["users:read"]).await;
    admin.patch(&at, json!({ "name": "nightly", "permissions": ["users:read", "roles:read"] })).await.expect(200);
    undo_newest(&admin).await.expect(200);
    let account = read(&admin, &at).await;
    assert_eq!((&account["name"], &account["permissions"]), (&json!("report"), &json!(["users:read"])));
    // The undoing is a change like any other.
    undo_newest(&admin).await.expect(200);
    let account = read(&admin, &at).await;
    assert_eq!((&account["name"], &account["permissions"]), (&json!("nightly"), &json!(["users:read", "roles:read"])));

    // What was changed since is listed and left alone.
    admin.patch(&at, json!({ "name": "weekly", "description": "B" })).await.expect(200);
    let change = newest_change(&admin).await;
    admin.patch(&at, json!({ "description": "C" })).await.expect(200);
    let refused = undo(&admin, &change["id"], json!({})).await.expect_problem(409, "undo_conflict");
    assert_eq!(refused.fault_at("/description"), Some("changed_since"));
    assert_eq!(read(&admin, &at).await["name"], "weekly");
    undo(&admin, &change["id"], json!({ "skip_conflicts": true })).await.expect(200);
    let account = read(&admin, &at).await;
    assert_eq!((&account["name"], &account["description"]), (&json!("nightly"), &json!("C")));

    for (act, back) in [("suspend", "active"), ("reactivate", "suspended")] {
        admin.post(&format!("{at}/{act}"), json!({})).await.expect(200);
        undo_newest(&admin).await.expect(200);
        assert_eq!(read(&admin, &at).await["status"], back);
        undo_newest(&admin).await.expect(200);
        assert_ne!(read(&admin, &at).await["status"], back);
    }
    app.finish().await;
}

#[tokio::test]
async fn one_that_was_deleted_comes_back_as_it_was_but_without_its_keys() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let (at, _) = make(&admin, "report", &["users:read"]).await;
    let key = admin.post(&format!("{at}/keys"), json!({ "name": "first" })).await.expect(201).str("key");
    app.client_with(&key).get("/v1/users").await.expect(200);
    admin.post(&format!("{at}/suspend"), json!({})).await.expect(200);
    let before = read(&admin, &at).await;
    admin.delete(&at).await.expect(204);
    let deleted = newest_change(&admin).await;
    undo(&admin, &deleted["id"], json!({})).await.expect(200);
    let restored = newest_change(&admin).await;
    let again = read(&admin, &at).await;
    for field in ["id", "name", "description", "permissions", "status"] {
        assert_eq!(again[field], before[field], "{field}");
    }
    let undone = undo(&admin, &deleted["id"], json!({})).await.expect(200);
    assert_eq!((&undone.json["undone"], &undone.json["unchanged"]), (&json!(0), &json!(1)));

    admin.post(&format!("{at}/reactivate"), json!({})).await.expect(200);
    app.client_with(&key).get("/v1/users").await.expect_problem(401, "unauthorized");
    assert_eq!(read(&admin, &format!("{at}/keys")).await["items"], json!([]));
    // What came back goes again.
    undo(&admin, &restored["id"], json!({})).await.expect(200);
    admin.get(&at).await.expect_problem(404, "not_found");

    // Somebody else has the name by now.
    make(&admin, "report", &[]).await;
    undo(&admin, &deleted["id"], json!({})).await.expect_problem(409, "service_account_name_taken");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn one_that_was_made_by_mistake_goes_unless_it_has_a_key() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let (at, made) = make(&admin, "report", &["users:read"]).await;
    let key = admin.post(&format!("{at}/keys"), json!({ "name": "first" })).await.expect(201);
    let refused = undo(&admin, &made["id"], json!({})).await.expect_problem(409, "undo_conflict");
    assert_eq!(refused.fault_at("/api_keys"), Some("not_undoable"));
    app.client_with(&key.str("key")).get("/v1/users").await.expect(200);
    admin.delete(&format!("{at}/keys/{}", key.str("id"))).await.expect(204);
    undo(&admin, &made["id"], json!({})).await.expect(200);
    admin.get(&at).await.expect_problem(404, "not_found");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r203_undoing_takes_the_rights_and_the_proof_that_doing_takes() {
    let app = TestApp::new().await;
    let (root, boss) = (app.admin().await, app.manager().await.client);
    let permissions = json!(["users:read", "users:write", "service_accounts:read", "service_accounts:write"]);
    root.client.post("/v1/roles", json!({ "name": "keeper", "permissions": permissions })).await.expect(201);
    let kit = app.person("kit", &["keeper", "user"]).await.client;
    let (at, _) = make(&root.client, "greater", &["users:read", "users:delete"]).await;
    root.client.patch(&at, json!({ "description": "B" })).await.expect(200);
    let change = newest_change(&root.client).await;
    undo(&boss, &change["id"], json!({})).await.expect_problem(403, "forbidden");
    undo(&kit, &change["id"], json!({})).await.expect_problem(403, "target_outranks_caller");
    root.client.patch(&at, json!({ "permissions": ["users:read"] })).await.expect(200);
    let narrowed = newest_change(&root.client).await;
    undo(&kit, &narrowed["id"], json!({})).await.expect_problem(403, "grant_exceeds_caller");
    root.client.patch(&at, json!({ "permissions": ["users:read", "users:delete"] })).await.expect(200);
    root.client.delete(&at).await.expect(204);
    let deleted = newest_change(&root.client).await;
    undo(&kit, &deleted["id"], json!({})).await.expect_problem(403, "grant_exceeds_caller");

    // To make an account takes a fresh proof, and so does it to make one again. To change one takes none.
    let (other, _) = make(&root.client, "other", &[]).await;
    app.advance(SignedDuration::from_mins(11));
    let tokens = app.client().post("/v1/refresh", json!({ "refresh_token": root.refresh_token })).await.expect(200);
    let later = app.client_with(&tokens.str("access_token"));
    undo(&later, &deleted["id"], json!({})).await.expect_problem(401, "fresh_authentication_required");
    later.patch(&other, json!({ "description": "B" })).await.expect(200);
    undo_newest(&later).await.expect(200);
    assert_eq!(read(&later, &other).await["description"], "Counts.");
    app.finish().await;
}
