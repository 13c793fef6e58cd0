//! What is done to one user, and undone.

use serde_json::json;

use super::{leads_to, signed_in, version_of, way, with};
use crate::testing::{Answer, Browser, PASSWORD, TestApp};

async fn act(browser: &mut Browser, way: &str, act: &str) -> Answer {
    let path = format!("{way}/act/{act}");
    browser.open(&path).await.expect(200);
    browser.submit(&path, &[("reason", "she asked")]).await
}

#[tokio::test]
async fn acts_are_done_with_their_reason_and_say_so() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let mut browser = signed_in(&app, &admin).await;
    for (name, status) in [("suspend", "suspended"), ("reactivate", "active"), ("delete", "deleted"), ("restore", "active")] {
        leads_to(&act(&mut browser, &way(&ann), name).await, &way(&ann));
        let read = admin.client.get(&format!("/v1/users/{}", ann.id)).await.expect(200);
        assert_eq!(read.json["status"], status, "{name}");
        let change = admin.client.get("/v1/changes?limit=1").await.expect(200).json["items"][0].clone();
        assert_eq!((&change["reason"], &change["actor_id"]), (&json!("she asked"), &json!(admin.id)), "{name}");
        assert!(browser.open(&way(&ann)).await.expect(200).text.contains("The change is made."), "{name}");
    }
    let again = app.sign_in(&ann.email, PASSWORD).await;
    leads_to(&act(&mut browser, &way(&ann), "sign-out").await, &way(&ann));
    again.client.get("/v1/me").await.expect(401);
    leads_to(&act(&mut browser, &way(&ann), "mail-reset").await, &way(&ann));
    assert!(browser.open(&way(&ann)).await.expect(200).text.contains("is on its way"));
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_state_that_does_not_allow_it_is_said_at_the_form() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let mut browser = signed_in(&app, &admin).await;
    let refused = act(&mut browser, &way(&admin), "suspend").await.expect(422);
    assert!(refused.text.contains("id=\"reason-error\"") && refused.text.contains("administrator"), "{}", refused.text);
    let refused = act(&mut browser, &way(&admin), "restore").await.expect(422);
    assert!(refused.text.contains("The user is not deleted."), "{}", refused.text);
    browser.open(&format!("{}/act/dance", way(&admin))).await.expect(404);
    app.finish().await;
}

#[tokio::test]
async fn what_is_hidden_is_refused_too() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let (reader, ann) = (with(&app, &admin, "reader", &["users:read"]).await, app.user("ann").await);
    let boss = app.manager().await;
    let mut browser = signed_in(&app, &reader).await;
    browser.open("/admin/users").await.expect(200);
    let own = way(&ann);
    let session = "0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d";
    let posts = [
        format!("{own}/act/suspend"),
        format!("{own}/act/delete"),
        format!("{own}/act/reset-factors"),
        format!("{own}/edit"),
        format!("{own}/emails/add"),
        format!("{own}/emails/{session}/primary"),
        format!("{own}/emails/{session}/remove"),
        format!("{own}/roles/grant"),
        format!("{own}/roles/user/take"),
        format!("{own}/sessions/{session}/end"),
        format!("/admin/changes/{session}/undo"),
    ];
    let posts = [&posts[..], &["/admin/users/new".to_owned()]].concat();
    for path in &posts {
        browser.submit(path, &[("reason", "x"), ("role", "user")]).await.expect(403);
        browser.open(path).await.expect(403);
    }
    browser.open("/admin/users").await.expect(200);
    browser.submit("/admin/bulk", &[("action", "suspend"), ("users", &ann.id)]).await.expect(403);
    let mut manager = signed_in(&app, &boss).await;
    manager.open("/admin/users").await.expect(200);
    // Who holds more than they do.
    manager.submit(&format!("{}/act/suspend", way(&admin)), &[]).await.expect(403);
    let read = admin.client.get(&format!("/v1/users/{}", ann.id)).await.expect(200);
    assert_eq!(read.json["status"], "active");
    let denied = app.count("select count(*) from audit_events where action = 'permission.denied'").await;
    assert_eq!(denied, i64::try_from(posts.len()).unwrap() * 2 + 2);
    app.finish().await;
}

#[tokio::test]
async fn forms_need_the_token_of_who_sends_them() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let mut browser = signed_in(&app, &admin).await;
    let path = format!("{}/act/suspend", way(&ann));
    for token in ["", "x"] {
        assert!(browser.submit_with(&path, token, &[]).await.expect(403).text.contains("form does not work"));
    }
    assert_eq!(admin.client.get(&format!("/v1/users/{}", ann.id)).await.json["status"], "active");
    app.finish().await;
}

#[tokio::test]
async fn the_profile_and_attributes_are_edited_and_faults_stand_at_their_fields() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let schema = json!({
        "type": "object", "properties": {
            "team": { "type": "string", "enum": ["red", "blue"], "title": "Team" },
            "floor": { "type": "integer", "minimum": 0 },
            "tags": { "type": "array", "items": { "type": "string" } },
        },
    });
    admin.client.put("/v1/attribute-schema", schema).await.expect(200);
    app.run_jobs().await;
    let mut browser = signed_in(&app, &admin).await;
    let path = format!("{}/edit", way(&ann));
    let page = browser.open(&path).await.expect(200);
    assert!(page.text.contains("name=\"attributes.floor\"") && page.text.contains("<option value=\"blue\""), "{}", page.text);
    let version = version_of(&page.text);
    let bad = [
        ("version", version.as_str()),
        ("username", ""),
        ("website_url", "javascript:alert(1)"),
        ("attributes.floor", "-1"),
        ("bio", "Kept"),
    ];
    let page = browser.submit(&path, &bad).await.expect(422);
    assert!(page.text.contains("id=\"website_url-error\"") && page.text.contains("Kept</textarea>"), "{}", page.text);
    let bad = [("version", version.as_str()), ("attributes.floor", "-1"), ("attributes.team", "green")];
    let page = browser.submit(&path, &bad).await.expect(422);
    for name in ["attributes.floor-error", "attributes.team-error"] {
        assert!(page.text.contains(&format!("id=\"{name}\"")), "{name}: {}", page.text);
    }
    let good = [
        ("version", version.as_str()),
        ("display_name", "Ann <b>"),
        ("bio", "One\r\nTwo"),
        ("attributes.floor", "3"),
        ("attributes.team", "blue"),
        ("attributes.tags", "a\r\nb"),
        ("reason", "moved"),
    ];
    leads_to(&browser.submit(&path, &good).await, &way(&ann));
    let read = admin.client.get(&format!("/v1/users/{}", ann.id)).await.expect(200);
    assert_eq!((&read.json["display_name"], &read.json["bio"]), (&json!("Ann <b>"), &json!("One\nTwo")));
    assert_eq!(read.json["attributes"], json!({ "floor": 3, "team": "blue", "tags": ["a", "b"] }));
    // The form is of how they were.
    let page = browser.submit(&path, &good).await.expect(422);
    assert!(page.text.contains("Somebody has changed this user"), "{}", page.text);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn roles_are_granted_until_a_day_and_taken() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let mut browser = signed_in(&app, &admin).await;
    let path = format!("{}/roles/grant", way(&ann));
    browser.open(&path).await.expect(200);
    for (form, field) in [
        (&[("role", "")][..], "role"),
        (&[("role", "nobody")], "role"),
        (&[("role", "manager"), ("until", "tomorrow")], "until"),
        (&[("role", "manager"), ("until", "2025-01-01")], "until"),
    ] {
        let page = browser.submit(&path, form).await.expect(422);
        assert!(page.text.contains(&format!("id=\"{field}-error\"")), "{form:?}: {}", page.text);
    }
    leads_to(&browser.submit(&path, &[("role", "manager"), ("until", "2026-06-30")]).await, &way(&ann));
    let page = browser.open(&way(&ann)).await.expect(200);
    assert!(page.text.contains("ends 1 Jul 2026, 00:00 UTC"), "{}", page.text);
    let path = format!("{}/roles/manager/take", way(&ann));
    browser.open(&path).await.expect(200);
    leads_to(&browser.submit(&path, &[("reason", "over")]).await, &way(&ann));
    browser.open(&path).await.expect(404);
    let own = format!("{}/roles/admin/take", way(&admin));
    browser.open(&own).await.expect(200);
    let page = browser.submit(&own, &[]).await.expect(422);
    assert!(page.text.contains("administrator") && page.text.contains("href=\"#role\""), "{}", page.text);
    app.finish().await;
}

#[tokio::test]
async fn who_may_not_list_roles_writes_one_down() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let permissions = ["users:read", "users:write", "roles:assign"];
    let (giver, ann) = (with(&app, &admin, "giver", &permissions).await, app.user("ann").await);
    admin.client.post("/v1/roles", json!({ "name": "reader", "permissions": ["users:read"] })).await.expect(201);
    let mut browser = signed_in(&app, &giver).await;
    let path = format!("{}/roles/grant", way(&ann));
    let page = browser.open(&path).await.expect(200);
    assert!(page.text.contains("id=\"role\"") && !page.text.contains("reader"), "{}", page.text);
    leads_to(&browser.submit(&path, &[("role", "reader")]).await, &way(&ann));
    browser.open(&path).await.expect(200);
    // It would give what they lack themselves.
    browser.submit(&path, &[("role", "admin")]).await.expect(403);
    browser.open(&format!("/admin/bulk/new?user={}", ann.id)).await.expect(200);
    let form = [("action", "remove_role"), ("users", ann.id.as_str()), ("role", "nobody")];
    let page = browser.submit("/admin/bulk", &form).await.expect(422);
    assert!(page.text.contains("There is no role of this name."), "{}", page.text);
    app.finish().await;
}

#[tokio::test]
async fn a_session_is_ended() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let mut browser = signed_in(&app, &admin).await;
    let page = browser.open(&way(&ann)).await.expect(200);
    let path = page.text.split("/sessions/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let path = format!("{}/sessions/{path}", way(&ann));
    browser.open(&path).await.expect(200);
    leads_to(&browser.submit(&path, &[]).await, &way(&ann));
    leads_to(&browser.submit(&path, &[]).await, &way(&ann));
    ann.client.get("/v1/me").await.expect(401);
    app.finish().await;
}

#[tokio::test]
async fn an_api_key_of_a_user_is_seen_and_revoked() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let body = json!({ "name": "Nightly <b>report</b>", "permissions": [] });
    let key = ann.client.post("/v1/me/api-keys", body).await.expect(201).json["key"].as_str().unwrap().to_owned();
    let mut browser = signed_in(&app, &admin).await;
    let page = browser.open(&way(&ann)).await.expect(200);
    assert!(page.text.contains("Nightly &lt;b&gt;report&lt;&#x2f;b&gt;") && !page.text.contains(&key), "{}", page.text);
    let id = page.text.split("/api-keys/").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let path = format!("{}/api-keys/{id}/revoke", way(&ann));
    browser.open(&path).await.expect(200);
    leads_to(&browser.submit(&path, &[("reason", "It was in a public place")]).await, &way(&ann));
    leads_to(&browser.submit(&path, &[]).await, &way(&ann));
    app.client_with(&key).get("/v1/whoami").await.expect(401);
    let events = admin.client.get("/v1/audit-events?action=api_key.revoked").await.expect(200).json;
    assert!(events["items"][0].to_string().contains("It was in a public place"), "{events}");
    assert_eq!(events["items"].as_array().unwrap().len(), 1);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn undo_is_tried_first_and_conflicts_are_listed() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let api = format!("/v1/users/{}", ann.id);
    admin.client.patch(&api, json!({ "bio": "Gardener", "given_name": "Ann" })).await.expect(200);
    let change = admin.client.get("/v1/changes?limit=1").await.json["items"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/admin/changes/{change}/undo");
    let mut browser = signed_in(&app, &admin).await;
    browser.open(&path).await.expect(200);
    assert_eq!(admin.client.get(&api).await.json["bio"], "Gardener", "it was only tried");
    ann.client.patch("/v1/me", json!({ "bio": "Pilot" })).await.expect(200);
    let page = browser.open(&path).await.expect(200);
    assert!(page.text.contains("It has been changed since.") && page.text.contains("Pilot"), "{}", page.text);
    let page = browser.submit(&path, &[]).await.expect(422);
    assert!(page.text.contains("id=\"skip_conflicts-error\""), "{}", page.text);
    let done = browser.submit(&path, &[("skip_conflicts", "yes"), ("reason", "a mistake")]).await.expect(303);
    let read = admin.client.get(&api).await.json;
    assert_eq!((&read["bio"], &read["given_name"]), (&json!("Pilot"), &json!(null)));
    let head = admin.client.get("/v1/changes?limit=1").await.json["items"][0].clone();
    assert_eq!((&head["action"], &head["reason"]), (&json!("change.undone"), &json!("a mistake")));
    leads_to(&done, &format!("/admin/changes/{}", head["id"].as_str().unwrap()));
    let page = browser.open(&format!("/admin/changes/{change}")).await.expect(200);
    assert!(page.text.contains("It was undone"), "{}", page.text);
    browser.open("/admin/changes/0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d").await.expect(404);
    app.finish().await;
}
