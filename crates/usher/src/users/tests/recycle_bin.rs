//! The recycle bin: who is in it, what comes out of it again, and how it is emptied.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::create;
use crate::jobs;
use crate::testing::{Answer, Client, PASSWORD, TestApp};

async fn preview(client: &Client, filter: &str) -> Answer {
    client.post("/v1/bulk", json!({ "action": "purge", "filter": filter })).await.expect(201)
}

/// The counts of a run that was begun and done.
async fn purge(app: &TestApp, client: &Client, preview: &Answer) -> Value {
    let path = format!("/v1/bulk/{}", preview.str("id"));
    client.post(&format!("{path}/run"), json!({ "token": preview.str("token") })).await.expect(202);
    app.run_jobs().await;
    client.get(&path).await.expect(200).json["counts"].clone()
}

#[tokio::test]
async fn a_user_comes_back_with_roles_and_memberships() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let ann = app.person("ann", &["user"]).await;
    let group = admin.post("/v1/groups", json!({ "name": "Support" })).await.expect(201).str("id");
    admin.put(&format!("/v1/groups/{group}/roles"), json!({ "roles": ["manager"] })).await.expect(200);
    let short = admin.post("/v1/groups", json!({ "name": "Visitors" })).await.expect(201).str("id");
    let ends_at = (app.now() + SignedDuration::from_hours(24)).to_string();
    admin.put(&format!("/v1/groups/{group}/members/{}", ann.id), json!({})).await.expect(200);
    admin.put(&format!("/v1/groups/{short}/members/{}", ann.id), json!({ "expires_at": ends_at })).await.expect(200);
    let path = format!("/v1/users/{}", ann.id);
    admin.delete(&path).await.expect(204);

    let listed = admin.get("/v1/users?status=deleted").await.expect(200).json["items"].clone();
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&listed[0]["purge_after"], &listed[0]["deleted_at"]),
        (&json!("2026-01-31T00:00:00Z"), &json!("2026-01-01T00:00:00Z"))
    );
    app.advance(SignedDuration::from_hours(48));
    let admin = app.sign_in("root@example.org", PASSWORD).await.client;
    let restored = admin.post(&format!("{path}/restore"), json!({})).await.expect(200).json;
    assert_eq!((&restored["roles"], &restored["purge_after"]), (&json!(["user"]), &json!(null)));
    let permissions = admin.get(&format!("{path}/permissions?explain=true")).await.expect(200);
    assert!(permissions.text.contains("Support"), "{}", permissions.text);
    let members = admin.get(&format!("/v1/groups/{group}/members")).await.expect(200).json["items"].clone();
    assert_eq!(members.as_array().map(Vec::len), Some(1));
    // What has ended meanwhile has ended.
    assert!(!permissions.text.contains("Visitors"), "{}", permissions.text);
    app.finish().await;
}

#[tokio::test]
async fn purging_takes_two_steps_and_only_whoever_is_in_the_bin() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let (ann, bob, cid) = (app.user("ann").await, app.user("bob").await, app.user("cid").await);
    for person in [&ann, &cid] {
        admin.delete(&format!("/v1/users/{}", person.id)).await.expect(204);
    }
    let ids = json!({ "action": "purge", "ids": [ann.id, bob.id] });
    let shown = admin.post("/v1/bulk", ids).await.expect(201);
    assert_eq!((&shown.json["counts"]["to_do"], &shown.json["refusals"][0]["code"]), (&json!(1), &json!("invalid_state")));
    admin.get(&format!("/v1/users/{}", ann.id)).await.expect(200);
    let wrong = json!({ "token": "0".repeat(32) });
    admin.post(&format!("/v1/bulk/{}/run", shown.str("id")), wrong).await.expect_problem(422, "invalid_body");

    // Whoever is restored between the steps stays.
    let all = preview(&admin, "id pr").await;
    assert_eq!(all.json["total"], 2);
    admin.post(&format!("/v1/users/{}/restore", cid.id), json!({})).await.expect(200);
    let counts = purge(&app, &admin, &all).await;
    assert_eq!((&counts["done"], &counts["refused"]), (&json!(1), &json!(1)));
    let counts = purge(&app, &admin, &shown).await;
    assert_eq!((&counts["done"], &counts["refused"]), (&json!(0), &json!(2)), "gone, and never in the bin");
    admin.get(&format!("/v1/users/{}", ann.id)).await.expect_problem(404, "not_found");
    app.sign_in(&cid.email, PASSWORD).await;

    // Nothing of a person is left, and their address is free.
    assert_eq!(app.count(&format!("select count(*) from emails where user_id = '{}'", ann.id)).await, 0);
    let details = "select count(*) from audit_details d join audit_events e on e.id = d.event_id where e.subject_id";
    assert_eq!(app.count(&format!("{details} = '{}'", ann.id)).await, 0);
    let purged = "select count(*) from audit_events where action = 'user.purged' and subject_id";
    assert_eq!(app.count(&format!("{purged} = '{}'", ann.id)).await, 1);
    create(&admin, json!({ "email": ann.email })).await;
    let undo = admin.post(&format!("/v1/changes/{}/undo", all.str("id")), json!({})).await;
    undo.expect_problem(409, "not_undoable");
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn r203_purging_has_a_permission_of_its_own() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    admin
        .post("/v1/roles", json!({ "name": "cleaner", "permissions": ["users:read", "users:write", "users:delete"] }))
        .await
        .expect(201);
    let cleaner = app.person("cleaner", &["cleaner", "user"]).await.client;
    let ann = app.user("ann").await;
    let path = format!("/v1/users/{}", ann.id);
    cleaner.delete(&path).await.expect(204);
    let body = json!({ "action": "purge", "ids": [ann.id] });
    cleaner.post("/v1/bulk", body).await.expect_problem(403, "forbidden");
    cleaner.post(&format!("{path}/restore"), json!({})).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn the_bin_is_emptied_however_many_are_in_it() {
    let app = TestApp::new().await;
    let mut tx = app.tx().await;
    let users = "
        insert into users (id, username, status, status_before_deletion, created_at, updated_at, deleted_at, purge_after)
        select gen_random_uuid(), 'user' || at, 'deleted', 'active', '2025-01-01', '2025-01-01', '2025-01-01', '2025-02-01'
        from generate_series(1, 1203) as at";
    tx.execute(users, &[]).await.unwrap();
    jobs::enqueue(&mut tx, "purge_deleted_users", &json!({})).await.unwrap();
    tx.commit().await.unwrap();
    app.run_jobs().await;
    assert_eq!(app.count("select count(*) from users where status = 'deleted'").await, 0);
    assert_eq!(app.count("select count(*) from audit_events where action = 'user.purged'").await, 1203);
    app.finish().await;
}
