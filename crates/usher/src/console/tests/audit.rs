//! The audit trail as the console shows it.

use jiff::SignedDuration;
use serde_json::json;

use super::{signed_in, with};
use crate::audit::log::sealing_tests::seal_all;
use crate::audit::log::tampering_tests::tamper;
use crate::testing::TestApp;

#[tokio::test]
async fn events_are_found_by_who_what_whom_and_day() {
    let app = TestApp::new().await;
    let (admin, ann, ben) = (app.admin().await, app.user("ann").await, app.user("ben").await);
    for person in [&ann, &ben] {
        let reason = [("x-reason", person.email.as_str())];
        let way = format!("/v1/users/{}/suspend", person.id);
        admin.client.send(http::Method::POST, &way, &reason, Some(json!({}))).await.expect(200);
    }
    let name = admin.client.get(&format!("/v1/users/{}", ann.id)).await.expect(200).str("username");
    let mut browser = signed_in(&app, &admin).await;
    for (query, finds_ann, finds_ben) in [
        ("action=user.suspended".to_owned(), true, true),
        (format!("action=user.suspended&target={}", ann.id), true, false),
        (format!("action=user.suspended&actor={}", admin.id), true, true),
        (format!("action=user.suspended&actor={}", ann.id), false, false),
        ("action=user.suspended&actor=root%40example.org".to_owned(), true, true),
        (format!("action=user.suspended&actor={name}"), false, false),
        (format!("action=user.suspended&target={}", name.to_uppercase()), true, false),
        (format!("action=user.suspended&target={}", ann.email), true, false),
        (format!("action=user.suspended&target={}", ann.id.to_uppercase()), true, false),
        ("action=user.suspended&from=2000-01-01&to=9999-12-01".to_owned(), true, true),
        ("action=user.suspended&from=2026-01-01&to=2026-01-01".to_owned(), true, true),
        ("action=user.suspended&from=2026-01-02".to_owned(), false, false),
        ("action=user.suspended&to=2025-12-31".to_owned(), false, false),
        ("action=user.suspended&to=2000-01-01".to_owned(), false, false),
        ("action=user.suspended&from=9999-12-01".to_owned(), false, false),
        ("action=user.reactivated".to_owned(), false, false),
    ] {
        let page = browser.open(&format!("/admin/audit?{query}")).await.expect(200);
        let said = |email: &str| page.text.contains(&format!("“{email}”"));
        assert_eq!((said(&ann.email), said(&ben.email)), (finds_ann, finds_ben), "{query}");
    }
    for (query, field) in [
        ("actor=nobody", "actor"),
        ("actor=nobody%40example.org", "actor"),
        ("target=nobody", "target"),
        ("from=yesterday", "from"),
        ("to=2026-02-30", "to"),
        ("from=2026-02-02&to=2026-02-01", "to"),
    ] {
        let page = browser.open(&format!("/admin/audit?{query}")).await.expect(422);
        assert!(page.text.contains(&format!("id=\"{field}-error\"")) && !page.text.contains("<table"), "{query}: {}", page.text);
    }
    browser.open("/admin/audit?cursor=x").await.expect(422);
    app.finish().await;
}

#[tokio::test]
async fn pages_of_events_keep_what_narrows_them_down() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    for number in 0..51 {
        admin.client.post("/v1/roles", json!({ "name": format!("r{number}"), "permissions": [] })).await.expect(201);
    }
    let mut browser = signed_in(&app, &admin).await;
    let page = browser.open("/admin/audit?action=role.created&from=2000-01-01").await.expect(200);
    assert_eq!(page.text.matches("role=\"rowheader\"").count(), 50);
    let next = page.text.split("rel=\"next\"").next().unwrap().rsplit("href=\"").next().unwrap().split('"').next().unwrap();
    let next = next.replace("&amp;", "&").replace("&#x2f;", "/");
    assert!(next.contains("action=role.created&from=2000-01-01&cursor="), "{next}");
    let page = browser.open(&next).await.expect(200);
    assert_eq!(page.text.matches("role=\"rowheader\"").count(), 1);
    assert!(page.text.contains("First page") && !page.text.contains("rel=\"next\""), "{}", page.text);
    app.finish().await;
}

#[tokio::test]
async fn an_event_has_a_place_once_it_is_sealed() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    admin.client.post(&format!("/v1/users/{}/suspend", ann.id), json!({})).await.expect(200);
    let found = admin.client.get("/v1/audit-events?action=user.suspended").await.expect(200);
    let way = format!("/admin/audit/{}", found.json["items"][0]["id"].as_str().unwrap());
    let mut browser = signed_in(&app, &admin).await;
    seal_all(&app).await;
    let page = browser.open(&way).await.expect(200);
    assert!(page.text.contains("user.suspended") && page.text.contains("counted from 0"), "{}", page.text);
    assert!(page.text.contains("The change it belongs to") && page.text.contains("<del>"), "{}", page.text);
    let page = browser.open("/admin/audit/seal").await.expect(200);
    assert!(page.text.contains("class=\"checkpoint\"") && page.text.contains("Root"), "{}", page.text);
    browser.open("/admin/audit/0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d").await.expect(404);
    app.finish().await;
}

#[tokio::test]
async fn only_who_may_read_the_audit_trail_does() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let counts = with(&app, &admin, "counts", &["analytics:read"]).await;
    let mut browser = signed_in(&app, &counts).await;
    for way in ["/admin/audit", "/admin/audit/seal", "/admin/audit/0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d"] {
        let page = browser.open(way).await.expect(403);
        assert!(page.text.contains("This needs the permission audit:read."), "{way}: {}", page.text);
    }
    let sql = "select count(*) from audit_events where action = 'permission.denied' and outcome = 'failure'";
    assert_eq!(app.count(sql).await, 3);
    app.finish().await;
}

#[tokio::test]
async fn personal_attributes_are_for_those_who_may_look_users_up() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let mut schema = json!({ "type": "object", "properties": {}, "required": [], "additionalProperties": true });
    schema["properties"] = json!({ "nickname": { "type": "string", "pii": true } });
    admin.client.put("/v1/attribute-schema", schema).await.expect(200);
    let auditor = with(&app, &admin, "auditor", &["audit:read"]).await;
    for (nickname, after) in [("Nan", 0), ("Annie", 2)] {
        app.advance(SignedDuration::from_millis(after));
        let body = json!({ "attributes": { "nickname": nickname } });
        admin.client.patch(&format!("/v1/users/{}", ann.id), body).await.expect(200);
    }
    let change = admin.client.get("/v1/changes?limit=1").await.expect(200).json["items"][0]["id"].clone();
    let (mut theirs, mut mine) = (signed_in(&app, &auditor).await, signed_in(&app, &admin).await);
    for way in [format!("/admin/audit/{}", change.as_str().unwrap()), format!("/admin/changes/{}", change.as_str().unwrap())] {
        let page = theirs.open(&way).await.expect(200);
        assert!(page.text.contains("nickname") && page.text.contains('…') && !page.text.contains("Annie"), "{}", page.text);
        assert!(mine.open(&way).await.expect(200).text.contains("Annie"), "{way}");
    }
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn names_are_for_those_who_may_look_users_up() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let reader = with(&app, &admin, "reader", &["audit:read"]).await;
    let lesser = with(&app, &admin, "lesser", &["audit:read", "users:read"]).await;
    let mut browser = signed_in(&app, &reader).await;
    for path in ["/admin/audit?actor=zz-reader", "/admin/changes?actor=root%40example.org", "/admin/changes?actor=nobody"] {
        let page = browser.open(path).await.expect(422);
        assert!(
            page.text.contains("An id is a UUID, such as") && !page.text.contains("There is nobody"),
            "{path}: {}",
            page.text
        );
    }
    // The id of a role is its name, whoever looks; what is no id of anything is no fault for them.
    assert!(browser.open("/admin/audit?target=lesser").await.expect(200).text.contains("Role created"));
    browser.open("/admin/audit?target=nobody").await.expect(200);
    let mut browser = signed_in(&app, &lesser).await;
    assert!(browser.open("/admin/audit?target=lesser").await.expect(200).text.contains("Role created"));
    assert!(browser.open("/admin/changes?actor=zz-lesser").await.expect(200).text.contains("Nothing fits"));
    // Of somebody who holds more they learn no more than of nobody.
    for who in ["root%40example.org", "nobody"] {
        for path in
            [format!("/admin/changes?actor={who}"), format!("/admin/audit?actor={who}"), format!("/admin/audit?target={who}")]
        {
            let page = browser.open(&path).await.expect(422);
            assert!(page.text.contains("There is nobody of this name or address"), "{path}: {}", page.text);
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn r261_the_page_of_the_seal_says_which_event_was_changed() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let seal = "/admin/audit/seal";
    let mut browser = signed_in(&app, &admin).await;
    browser.open(seal).await.expect(200);
    let page = browser.submit(seal, &[]).await.expect(200);
    assert!(page.text.contains("Nothing has been sealed yet."), "{}", page.text);
    admin.client.post(&format!("/v1/users/{}/suspend", ann.id), json!({})).await.expect(200);
    seal_all(&app).await;
    let page = browser.submit(seal, &[]).await.expect(200);
    let size = app.count("select max(leaf_index) + 1 from audit_leaves").await;
    assert!(page.text.contains(&format!("Events 0 to {} of {size}, counted from 0", size - 1)), "{}", page.text);
    assert!(page.text.contains("Whether the end was cut off") && !page.text.contains("before these"), "{}", page.text);
    for until in ["x", "-1", "999999", "99999999999999999999"] {
        browser.submit(seal, &[("until", until)]).await.expect(404);
    }
    let found = admin.client.get("/v1/audit-events?action=user.suspended").await.expect(200);
    let id = found.json["items"][0]["id"].as_str().unwrap().to_owned();
    tamper(&app, &format!("update audit_events set action = 'user.reactivated' where id = '{id}'")).await;
    browser.open(seal).await.expect(200);
    let page = browser.submit(seal, &[]).await.expect(200);
    assert!(
        page.text.contains("Something is not as it was sealed.") && !page.text.contains("This part is good"),
        "{}",
        page.text
    );
    assert!(page.text.contains(&format!("event {id} is not as it was sealed")), "{}", page.text);
    assert!(page.text.contains(&format!("&#x2f;admin&#x2f;audit&#x2f;{id}")), "{}", page.text);
    tamper(&app, &format!("delete from audit_events where id = '{id}'")).await;
    let page = browser.submit(seal, &[]).await.expect(200);
    assert!(page.text.contains(&format!("event {id} was removed")) && !page.text.contains("as it is there now"), "{}", page.text);
    app.finish().await;
}
