//! Keys of people, through the front door.

mod pages;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::testing::{Answer, Client, PASSWORD, Person, TestApp};

/// Makes a key and gives a client with it, and its id.
async fn key(app: &TestApp, person: &Person, permissions: &[&str]) -> (Client, String) {
    let made = make(person, json!({ "name": "Nightly report", "permissions": permissions })).await.expect(201);
    (app.client_with(&made.str("key")), made.str("id"))
}

async fn make(person: &Person, wish: Value) -> Answer {
    person.client.post("/v1/me/api-keys", wish).await
}

#[tokio::test]
async fn a_key_opens_what_it_was_made_for_and_is_shown_once() {
    let app = TestApp::new().await;
    let root = app.admin().await;
    let made = make(&root, json!({ "name": "Nightly report", "permissions": ["users:read"] })).await.expect(201);
    let secret = made.str("key");
    assert!(secret.starts_with(&made.str("prefix")) && made.str("prefix").len() == "ush_key_".len() + 6);
    assert_eq!(made.headers["location"].to_str().unwrap(), format!("/v1/me/api-keys/{}", made.str("id")));
    let program = app.client_with(&secret);
    program.get("/v1/users").await.expect(200);
    program.get("/v1/roles").await.expect_problem(403, "forbidden");
    for path in ["/v1/me", "/v1/me/api-keys"] {
        program.get(path).await.expect_problem(403, "session_required");
    }
    let listed = root.client.get("/v1/me/api-keys").await.expect(200);
    assert_eq!(listed.json["items"][0]["id"], made.json["id"]);
    let trail = root.client.get("/v1/audit-events?action=api_key.created").await.expect(200);
    assert_eq!(trail.json["items"][0]["target_id"], made.json["id"]);
    for answer in [listed, trail] {
        assert!(!answer.text.contains(&secret) && !answer.text.contains("hash"), "{}", answer.text);
    }
    let mails = app.mails().await;
    assert!(mails.iter().any(|mail| mail.subject == "An API key was made for your account at usher"));
    app.finish().await;
}

#[tokio::test]
async fn r203_nobody_makes_a_key_for_more_than_they_hold_and_it_loses_what_they_lose() {
    let app = TestApp::new().await;
    let (root, boss) = (app.admin().await, app.manager().await);
    make(&boss, json!({ "name": "x", "permissions": ["users:read", "users:delete"] }))
        .await
        .expect_problem(403, "grant_exceeds_caller");
    let (program, _) = key(&app, &boss, &["users:read"]).await;
    program.get("/v1/users").await.expect(200);
    root.client.put(&format!("/v1/users/{}/roles", boss.id), json!({ "roles": ["user"] })).await.expect(200);
    program.get("/v1/users").await.expect_problem(403, "forbidden");
    let who = program.get("/v1/whoami").await.expect(200);
    assert_eq!((&who.json["id"], &who.json["permissions"]), (&json!(boss.id), &json!([])));
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r103_what_ends_all_sessions_of_a_user_ends_their_keys() {
    let app = TestApp::new().await;
    let root = app.admin().await;
    for (name, path, body) in [
        ("ann", "suspend", json!({})),
        ("bob", "sign-out-everywhere", json!({})),
        ("cleo", "", json!({ "current_password": PASSWORD, "password": "seven quiet herons wading" })),
    ] {
        let person = app.user(name).await;
        let (program, id) = key(&app, &person, &[]).await;
        program.get("/v1/whoami").await.expect(200);
        if path.is_empty() {
            person.client.put("/v1/me/password", body).await.expect(200);
        } else {
            assert!(root.client.post(&format!("/v1/users/{}/{path}", person.id), body).await.status.is_success());
        }
        program.get("/v1/whoami").await.expect_problem(401, "unauthorized");
        let listed = root.client.get(&format!("/v1/users/{}/api-keys", person.id)).await.expect(200);
        assert_eq!(listed.json["items"], json!([]), "{id} is still listed");
    }
    let ann = root.client.get("/v1/users?q=ann").await.expect(200).json["items"][0]["id"].as_str().unwrap().to_owned();
    root.client.post(&format!("/v1/users/{ann}/reactivate"), json!({})).await.expect(200);
    let listed = root.client.get(&format!("/v1/users/{ann}/api-keys")).await.expect(200);
    assert_eq!(listed.json["items"], json!([]));
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_key_ends_when_it_expires_or_is_revoked_and_only_by_its_owner() {
    let app = TestApp::new().await;
    let (ann, eve) = (app.user("ann").await, app.user("eve").await);
    let (program, id) = key(&app, &ann, &[]).await;
    eve.client.delete(&format!("/v1/me/api-keys/{id}")).await.expect_problem(404, "not_found");
    program.get("/v1/whoami").await.expect(200);
    ann.client.delete(&format!("/v1/me/api-keys/{id}")).await.expect(204);
    program.get("/v1/whoami").await.expect_problem(401, "unauthorized");
    ann.client.delete(&format!("/v1/me/api-keys/{id}")).await.expect_problem(404, "not_found");
    let soon = (app.now() + SignedDuration::from_mins(1)).to_string();
    let made = make(&ann, json!({ "name": "x", "expires_at": soon })).await.expect(201);
    let program = app.client_with(&made.str("key"));
    program.get("/v1/whoami").await.expect(200);
    app.advance(SignedDuration::from_mins(1));
    program.get("/v1/whoami").await.expect_problem(401, "unauthorized");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_key_lasts_90_days_unless_told_and_never_longer_than_the_deployment_lets_it() {
    let app = TestApp::with(&[("USHER_API_KEY_LIFETIME_MAX_DAYS", "100")]).await;
    let ann = app.user("ann").await;
    let days = |days: i64| (app.now() + SignedDuration::from_hours(days * 24)).to_string();
    let made = make(&ann, json!({ "name": "x" })).await.expect(201);
    assert_eq!(made.str("expires_at"), days(90));
    make(&ann, json!({ "name": "x", "expires_at": days(100) })).await.expect(201);
    for wrong in [days(101), days(0), Timestamp::UNIX_EPOCH.to_string(), "9999-12-30T22:00:00Z".to_owned()] {
        let refused = make(&ann, json!({ "name": "x", "expires_at": wrong })).await.expect_problem(422, "invalid_body");
        assert!(refused.fault_at("/expires_at").is_some(), "{}", refused.text);
    }
    for wrong in [json!({}), json!({ "name": " " }), json!({ "name": "x", "permissions": ["no:such"] })] {
        make(&ann, wrong).await.expect_problem(422, "invalid_body");
    }
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_person_has_fifty_keys_at_most() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (_, first) = key(&app, &ann, &[]).await;
    for _ in 1..50 {
        key(&app, &ann, &[]).await;
    }
    make(&ann, json!({ "name": "x" })).await.expect_problem(409, "too_many_api_keys");
    ann.client.delete(&format!("/v1/me/api-keys/{first}")).await.expect(204);
    key(&app, &ann, &[]).await;
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r105_making_a_key_needs_a_fresh_sign_in() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    app.advance(SignedDuration::from_mins(11));
    let later = app.client().post("/v1/refresh", json!({ "refresh_token": ann.refresh_token })).await.expect(200);
    let client = app.client_with(&later.str("access_token"));
    client.post("/v1/me/api-keys", json!({ "name": "x" })).await.expect_problem(401, "fresh_authentication_required");
    client.get("/v1/me/api-keys").await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn it_is_known_to_the_minute_when_and_where_from_a_key_was_used() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (program, _) = key(&app, &ann, &[]).await;
    let begun = app.now();
    let uses =
        [("198.51.100.7", 0, 0, "198.51.100.7"), ("203.0.113.9", 59, 0, "198.51.100.7"), ("203.0.113.9", 1, 60, "203.0.113.9")];
    for (address, later, noted, noted_address) in uses {
        app.advance(SignedDuration::from_secs(later));
        program.clone().at(address).get("/v1/whoami").await.expect(200);
        let listed = ann.client.get("/v1/me/api-keys").await.expect(200);
        let key = &listed.json["items"][0];
        assert_eq!(key["last_used_at"], json!((begun + SignedDuration::from_secs(noted)).to_string()));
        assert_eq!(key["last_used_address"], json!(noted_address));
    }
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r260_the_trail_says_by_which_key_a_user_acted() {
    let app = TestApp::new().await;
    let root = app.admin().await;
    let (program, id) = key(&app, &root, &["users:write"]).await;
    program.post("/v1/users", json!({ "email": "new@example.org" })).await.expect(201);
    let trail = root.client.get("/v1/audit-events?action=user.created").await.expect(200);
    let event = &trail.json["items"][0];
    assert_eq!((&event["actor_kind"], &event["actor_id"]), (&json!("user"), &json!(root.id)));
    assert_eq!(event["api_key_id"], json!(id));
    let made = root.client.get("/v1/audit-events?action=api_key.created").await.expect(200);
    assert_eq!(made.json["items"][0]["api_key_id"], json!(null));
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn keys_that_ended_a_month_ago_are_forgotten() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (_, revoked) = key(&app, &ann, &[]).await;
    ann.client.delete(&format!("/v1/me/api-keys/{revoked}")).await.expect(204);
    key(&app, &ann, &[]).await;
    app.run_jobs().await;
    let forget = async || {
        let mut tx = app.tx().await;
        let before = tx.now() - SignedDuration::from_hours(30 * 24);
        super::store::delete_ended(&mut tx, before).await.unwrap();
        tx.commit().await.unwrap();
        app.count("select count(*) from api_keys").await
    };
    assert_eq!(forget().await, 2);
    app.advance(SignedDuration::from_hours(31 * 24));
    assert_eq!(forget().await, 1);
    app.advance(SignedDuration::from_hours(90 * 24));
    assert_eq!(forget().await, 0);
    app.finish().await;
}
