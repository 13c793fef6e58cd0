//! Where users stand and how that changes; what a manager may do and what only an administrator may.

use http::Method;
use jiff::SignedDuration;
use serde_json::json;

use super::{create, path_of};
use crate::jobs;
use crate::testing::{Client, PASSWORD, Person, TestApp};

fn path(person: &Person) -> String {
    format!("/v1/users/{}", person.id)
}

async fn act(client: &Client, path: &str, action: &str) -> crate::testing::Answer {
    client.post(&format!("{path}/{action}"), json!({})).await
}

async fn can_sign_in(app: &TestApp, person: &Person) -> bool {
    let body = json!({ "identifier": person.email, "password": PASSWORD });
    app.client().post("/v1/login", body).await.status == 200
}

#[tokio::test]
async fn r103_a_suspended_persons_tokens_are_refused_at_the_next_request() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    let suspended = act(&admin, &path(&ann), "suspend").await.expect(200);
    assert_eq!(suspended.json["status"], "suspended");
    ann.client.get("/v1/me").await.expect_problem(401, "unauthorized");
    app.client().post("/v1/refresh", json!({ "refresh_token": ann.refresh_token })).await.expect(401);
    assert!(!can_sign_in(&app, &ann).await);
    let again = act(&admin, &path(&ann), "suspend").await.expect(200);
    assert_eq!(again.etag(), suspended.etag());

    let active = act(&admin, &path(&ann), "reactivate").await.expect(200);
    assert_eq!(active.json["status"], "active");
    let again = act(&admin, &path(&ann), "reactivate").await.expect(200);
    assert_eq!(again.etag(), active.etag());
    // What ended stays ended.
    ann.client.get("/v1/me").await.expect_problem(401, "unauthorized");
    assert!(can_sign_in(&app, &ann).await);
    app.finish().await;
}

#[tokio::test]
async fn a_pending_user_who_is_suspended_becomes_pending_again_and_old_links_are_dead() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let ann = path_of(&create(&admin, json!({ "email": "ann@example.org" })).await);
    let token = app.mailed_token().await;
    act(&admin, &ann, "reactivate").await.expect_problem(409, "invalid_state");
    act(&admin, &ann, "restore").await.expect_problem(409, "invalid_state");
    act(&admin, &ann, "suspend").await.expect(200);
    // links that were sent before a change of status do not work after it.
    let reset = json!({ "token": token, "password": PASSWORD });
    app.client().post("/v1/password/reset", reset.clone()).await.expect_problem(422, "invalid_token");
    assert_eq!(act(&admin, &ann, "reactivate").await.expect(200).json["status"], "pending");
    app.client().post("/v1/password/reset", reset).await.expect_problem(422, "invalid_token");
    app.finish().await;
}

#[tokio::test]
async fn a_deleted_user_can_only_be_restored() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    act(&admin, &path(&ann), "restore").await.expect_problem(409, "invalid_state");
    assert_eq!(admin.delete(&path(&ann)).await.expect(204).text, "");
    ann.client.get("/v1/me").await.expect_problem(401, "unauthorized");
    assert!(!can_sign_in(&app, &ann).await);
    let deleted = admin.get(&path(&ann)).await.expect(200);
    assert_eq!((&deleted.json["status"], &deleted.json["deleted_at"]), (&json!("deleted"), &json!("2026-01-01T00:00:00Z")));
    for action in ["suspend", "reactivate", "unlock"] {
        act(&admin, &path(&ann), action).await.expect_problem(409, "invalid_state");
    }
    admin.patch(&path(&ann), json!({ "bio": "Gardener" })).await.expect_problem(409, "invalid_state");
    // Deleting twice is deleting once.
    admin.delete(&path(&ann)).await.expect(204);
    assert_eq!(admin.get(&path(&ann)).await.expect(200).etag(), deleted.etag());
    // Address and user name stay theirs.
    admin.post("/v1/users", json!({ "email": ann.email })).await.expect_problem(409, "email_taken");
    let restored = act(&admin, &path(&ann), "restore").await.expect(200);
    assert_eq!((&restored.json["status"], &restored.json["deleted_at"]), (&json!("active"), &json!(null)));
    assert!(can_sign_in(&app, &ann).await);
    app.finish().await;
}

#[tokio::test]
async fn restoring_brings_back_roles_and_status() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let ann = app.person("ann", &["manager", "user"]).await;
    act(&admin, &path(&ann), "suspend").await.expect(200);
    admin.delete(&path(&ann)).await.expect(204);
    let restored = act(&admin, &path(&ann), "restore").await.expect(200);
    assert_eq!((&restored.json["status"], &restored.json["roles"]), (&json!("suspended"), &json!(["manager", "user"])));
    app.finish().await;
}

/// There is no way to make a periodic job due through the harness: the kind is queued as the schedule would queue it.
async fn purge(app: &TestApp) {
    let mut tx = app.tx().await;
    jobs::enqueue(&mut tx, "purge_deleted_users", &json!({})).await.unwrap();
    tx.commit().await.unwrap();
    app.run_jobs().await;
}

#[tokio::test]
async fn after_thirty_days_a_deleted_user_is_gone_and_the_address_is_free() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    admin.client.patch(&path(&ann), json!({ "username": "ann" })).await.expect(200);
    admin.client.delete(&path(&ann)).await.expect(204);
    app.advance(SignedDuration::from_hours(30 * 24) - SignedDuration::from_secs(1));
    purge(&app).await;
    let admin = app.sign_in(&admin.email, PASSWORD).await.client;
    admin.get(&path(&ann)).await.expect(200);
    app.advance(SignedDuration::from_secs(1));
    purge(&app).await;
    admin.get(&path(&ann)).await.expect_problem(404, "not_found");
    let gone = format!("select count(*) from sessions where user_id = '{}'", ann.id);
    assert_eq!(app.count(&gone).await, 0);
    let noted = format!("select count(*) from audit_events where action = 'user.purged' and target_id = '{}'", ann.id);
    assert_eq!(app.count(&noted).await, 1);
    let anew = create(&admin, json!({ "email": ann.email, "username": "ann" })).await;
    assert_ne!(anew.str("id"), ann.id);
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn a_restored_user_is_not_purged() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    admin.client.delete(&path(&ann)).await.expect(204);
    act(&admin.client, &path(&ann), "restore").await.expect(200);
    app.advance(SignedDuration::from_hours(31 * 24));
    purge(&app).await;
    assert!(can_sign_in(&app, &ann).await);
    app.finish().await;
}

#[tokio::test]
async fn unlocking_ends_the_lock_after_wrong_passwords() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    let before = admin.get(&path(&ann)).await.expect(200);
    assert_eq!(act(&admin, &path(&ann), "unlock").await.expect(200).etag(), before.etag());
    for _ in 0..10 {
        let wrong = json!({ "identifier": ann.email, "password": "not the password at all" });
        app.client().post("/v1/login", wrong).await.expect(401);
    }
    assert!(!can_sign_in(&app, &ann).await);
    assert!(admin.get(&path(&ann)).await.expect(200).json["locked_until"].is_string());
    let unlocked = act(&admin, &path(&ann), "unlock").await.expect(200);
    assert_eq!(unlocked.json["locked_until"], json!(null));
    assert!(can_sign_in(&app, &ann).await);
    app.finish().await;
}

#[tokio::test]
async fn the_professional_status_keeps_its_time_and_is_mailed_once() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    let set = |professional: bool| {
        let (admin, path) = (admin.clone(), format!("{}/professional", path(&ann)));
        async move { admin.put(&path, json!({ "professional": professional })).await.expect(200) }
    };
    assert_eq!(set(false).await.json["professional_at"], json!(null));
    let granted = set(true).await;
    assert_eq!(granted.json["professional_at"], "2026-01-01T00:00:00Z");
    app.advance(SignedDuration::from_mins(1));
    assert_eq!(set(true).await.etag(), granted.etag());
    let mails = app.mails().await;
    assert_eq!((mails.len(), mails[0].to.as_str()), (1, "ann@example.org"));
    assert_eq!(set(false).await.json["professional_at"], json!(null));
    assert_eq!(app.mails().await.len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn a_state_changes_only_in_the_version_it_was_meant_for() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    admin.patch(&path(&ann), json!({ "bio": "Gardener" })).await.expect(200);
    let stale = [("if-match", "\"1\"")];
    for action in ["suspend", "reactivate", "unlock", "restore"] {
        let path = format!("{}/{action}", path(&ann));
        admin.send(Method::POST, &path, &stale, None).await.expect_problem(412, "precondition_failed");
    }
    let roles = json!({ "roles": [] });
    let put = admin.send(Method::PUT, &format!("{}/roles", path(&ann)), &stale, Some(roles)).await;
    put.expect_problem(412, "precondition_failed");
    // The body may be left out.
    admin.send(Method::POST, &format!("{}/suspend", path(&ann)), &[], None).await.expect(200);
    let long = json!({ "reason": "x".repeat(501) });
    let refused = admin.post(&format!("{}/reactivate", path(&ann)), long).await.expect_problem(422, "invalid_body");
    assert_eq!(refused.fault_at("/reason"), Some("max_length"));
    app.finish().await;
}

#[tokio::test]
async fn two_suspensions_at_the_same_time_are_one_change() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    let path = path(&ann);
    let (one, two) = tokio::join!(act(&admin, &path, "suspend"), act(&admin, &path, "suspend"));
    assert_eq!(one.expect(200).etag(), two.expect(200).etag());
    assert_eq!(app.count("select count(*) from audit_events where action = 'user.suspended'").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn r203_a_manager_cannot_touch_an_administrator() {
    let app = TestApp::new().await;
    let (admin, manager) = (app.admin().await, app.manager().await.client);
    let root = path(&admin);
    manager.get(&root).await.expect_problem(403, "target_outranks_caller");
    manager.patch(&root, json!({ "bio": "x" })).await.expect_problem(403, "target_outranks_caller");
    for action in ["suspend", "reactivate", "unlock"] {
        act(&manager, &root, action).await.expect_problem(403, "target_outranks_caller");
    }
    let professional = manager.put(&format!("{root}/professional"), json!({ "professional": true })).await;
    professional.expect_problem(403, "target_outranks_caller");
    for query in ["", "?q=root", "?role=admin", "?status=active&sort=username"] {
        let list = manager.get(&format!("/v1/users{query}")).await.expect(200);
        let items = list.json["items"].as_array().unwrap();
        assert!(items.iter().all(|user| user["id"] != admin.id.as_str()), "{query}: {}", list.text);
    }
    let seen = manager.get("/v1/users").await.expect(200);
    assert_eq!(seen.json["items"][0]["email"], "boss@example.org");
    // Who was an administrator and is in the recycle bin is still out of reach.
    app.person("ada", &["admin"]).await;
    let ada = admin.client.get("/v1/users?q=ada").await.expect(200).json["items"][0]["id"].as_str().unwrap().to_owned();
    admin.client.delete(&format!("/v1/users/{ada}")).await.expect(204);
    assert_eq!(manager.get("/v1/users?status=deleted").await.expect(200).json["items"], json!([]));
    app.finish().await;
}

#[tokio::test]
async fn a_manager_looks_after_ordinary_users() {
    let app = TestApp::new().await;
    let (manager, ann) = (app.manager().await.client, app.user("ann").await);
    manager.get(&path(&ann)).await.expect(200);
    manager.patch(&path(&ann), json!({ "bio": "Gardener" })).await.expect(200);
    for action in ["suspend", "reactivate", "unlock"] {
        act(&manager, &path(&ann), action).await.expect(200);
    }
    manager.put(&format!("{}/professional", path(&ann)), json!({ "professional": true })).await.expect(200);
    create(&manager, json!({ "email": "bob@example.org" })).await;
    let list = manager.get("/v1/users?sort=created_at").await.expect(200);
    assert_eq!(list.json["items"].as_array().unwrap().len(), 3);
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn r203_what_a_manager_may_not_do_is_forbidden() {
    let app = TestApp::new().await;
    let (manager, ann) = (app.manager().await.client, app.user("ann").await);
    let roles = json!({ "roles": ["user"] });
    manager.put(&format!("{}/roles", path(&ann)), roles).await.expect_problem(403, "forbidden");
    manager.delete(&path(&ann)).await.expect_problem(403, "forbidden");
    act(&manager, &path(&ann), "restore").await.expect_problem(403, "forbidden");
    manager.post("/v1/roles", json!({ "name": "support", "permissions": [] })).await.expect_problem(403, "forbidden");
    manager.get("/v1/audit-events").await.expect_problem(403, "forbidden");
    // Creating somebody with roles is assigning roles, whichever they are.
    for roles in [json!(["admin"]), json!(["manager"]), json!([])] {
        let with_roles = json!({ "email": "bob@example.org", "roles": roles });
        manager.post("/v1/users", with_roles).await.expect_problem(403, "forbidden");
    }
    assert_eq!(app.count("select count(*) from emails where address_normal = 'bob@example.org'").await, 0);
    app.finish().await;
}
