//! One's own profile, through the front door.

mod data;
mod deletion;
mod history;
mod password;
mod profile;

use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};

use crate::testing::{Answer, Person, TestApp};

#[tokio::test]
async fn people_read_themselves_and_nothing_secret() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let me = ann.client.get("/v1/me").await.expect(200);
    assert_eq!(me.str("id"), ann.id);
    assert_eq!(me.str("email"), "ann@example.org");
    assert_eq!(me.etag(), format!("\"{}\"", me.json["version"]));
    for secret in ["password", "hash", "argon2", "auth_epoch", "permissions", "token"] {
        assert!(!me.text.contains(secret), "{secret} is in {}", me.text);
    }
    // Who has this version is spared the body.
    let etag = me.etag();
    let spared = ann.client.send(Method::GET, "/v1/me", &[("if-none-match", &etag)], None).await.expect(304);
    assert!(spared.text.is_empty());
    app.finish().await;
}

#[tokio::test]
async fn every_field_of_the_profile_can_be_set_and_null_clears_it() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let profile = json!({
        "given_name": "Ann", "family_name": "Baker", "display_name": "Ann B.", "bio": "Keeps bees.\nAnd a cat.",
        "picture_url": "https://example.org/ann.png", "website_url": "http://ann.example.org/", "github_url": "https://github.com/ann",
        "linkedin_url": "https://www.linkedin.com/in/ann", "locale": "de-AT", "time_zone": "Europe/Vienna",
    });
    let before = ann.client.get("/v1/me").await.expect(200);
    let changed = ann.client.patch("/v1/me", profile.clone()).await.expect(200);
    for (name, value) in profile.as_object().unwrap() {
        assert_eq!(&changed.json[name], value, "{name}");
    }
    assert_eq!(changed.json["version"], before.json["version"].as_i64().unwrap() + 1);
    assert_eq!(ann.client.get("/v1/me").await.expect(200).text, changed.text);
    // What is left out stays.
    let changed = ann.client.patch("/v1/me", json!({ "bio": null })).await.expect(200);
    assert_eq!((&changed.json["bio"], &changed.json["display_name"]), (&Value::Null, &json!("Ann B.")));
    let nulls = profile.as_object().unwrap().keys().map(|name| (name.clone(), Value::Null)).collect();
    let cleared = ann.client.patch("/v1/me", Value::Object(nulls)).await.expect(200);
    for name in profile.as_object().unwrap().keys() {
        assert_eq!(cleared.json[name], Value::Null, "{name}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_change_is_for_the_version_that_was_seen() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let seen = ann.client.get("/v1/me").await.expect(200).etag();
    let first = patch_if(&ann, &seen, json!({ "display_name": "first" })).await.expect(200);
    patch_if(&ann, &seen, json!({ "display_name": "second" })).await.expect_problem(412, "precondition_failed");
    patch_if(&ann, &format!("W/{}", first.etag()), json!({ "bio": "x" })).await.expect_problem(412, "precondition_failed");
    patch_if(&ann, "no quotes", json!({ "bio": "x" })).await.expect_problem(400, "malformed_request");
    assert_eq!(ann.client.get("/v1/me").await.expect(200).str("display_name"), "first");
    let several = format!("\"0\", {}", first.etag());
    patch_if(&ann, &several, json!({ "display_name": "third" })).await.expect(200);
    patch_if(&ann, "*", json!({ "display_name": "fourth" })).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn of_changes_to_one_version_at_the_same_time_one_succeeds() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let seen = ann.client.get("/v1/me").await.expect(200).etag();
    let asked = (0..6).map(|number| patch_if(&ann, &seen, json!({ "display_name": format!("name {number}") })));
    let (done, refused): (Vec<_>, Vec<_>) = join_all(asked).await.into_iter().partition(|answer| answer.status == 200);
    assert_eq!(done.len(), 1);
    for answer in refused {
        answer.expect_problem(412, "precondition_failed");
    }
    assert_eq!(ann.client.get("/v1/me").await.expect(200).str("display_name"), done[0].str("display_name"));
    app.finish().await;
}

#[tokio::test]
async fn r202_fields_that_are_unknown_or_not_for_the_person_are_named_and_nothing_changes() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let before = ann.client.get("/v1/me").await.expect(200).text;
    let read_only = json!({
        "id": "0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d", "status": "active", "roles": ["admin"], "role": "admin", "is_admin": true,
        "email": "eve@example.org", "emails": [], "email_verified": true, "permissions": ["users:read"],
        "professional_at": "2026-01-01T00:00:00Z", "locked_until": null, "version": 9, "deleted_at": null, "tenant_id": "other",
        "password": "x", "a/b~c": 1,
    });
    let mut changes = read_only.clone();
    changes["display_name"] = json!("Mallory");
    let refused = ann.client.patch("/v1/me", changes).await.expect_problem(422, "invalid_body");
    for name in read_only.as_object().unwrap().keys() {
        let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        assert_eq!(refused.fault_at(&pointer), Some("unknown_field"), "{pointer}");
    }
    assert_eq!(ann.client.get("/v1/me").await.expect(200).text, before);
    app.finish().await;
}

#[tokio::test]
async fn a_user_name_is_unique_in_any_case_and_one_s_own_may_change_its_case() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let bob = app.user("bob").await;
    ann.client.patch("/v1/me", json!({ "username": "calm-otter" })).await.expect(200);
    for taken in ["calm-otter", "CALM-Otter"] {
        let refused = bob.client.patch("/v1/me", json!({ "username": taken })).await.expect_problem(409, "username_taken");
        assert_eq!(refused.fault_at("/username"), Some("username_taken"));
    }
    let renamed = ann.client.patch("/v1/me", json!({ "username": "Calm-OTTER" })).await.expect(200);
    assert_eq!(renamed.str("username"), "Calm-OTTER");
    for bad in ["", "ab", "-otter", "calm otter", "calm/otter", "\u{e4}nn", "ann@example.org", &"a".repeat(65)] {
        let refused = bob.client.patch("/v1/me", json!({ "username": bad })).await.expect_problem(422, "invalid_body");
        assert!(refused.fault_at("/username").is_some(), "{bad}: {}", refused.text);
    }
    // A name that was given up is free.
    ann.client.patch("/v1/me", json!({ "username": "brisk-heron" })).await.expect(200);
    bob.client.patch("/v1/me", json!({ "username": "calm-otter" })).await.expect(200);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_user_name_that_many_want_at_the_same_time_is_given_once() {
    let app = TestApp::new().await;
    let mut people = Vec::new();
    for name in ["ann", "bob", "cleo", "dora", "emil"] {
        people.push(app.user(name).await);
    }
    let asked = people.iter().map(|person| person.client.patch("/v1/me", json!({ "username": "calm-otter" })));
    let (done, refused): (Vec<_>, Vec<_>) = join_all(asked).await.into_iter().partition(|answer| answer.status == 200);
    assert_eq!(done.len(), 1);
    for answer in refused {
        answer.expect_problem(409, "username_taken");
    }
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r141_addresses_on_the_web_are_http_and_time_zones_are_known() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let urls = [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        " javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "ftp://example.org/",
        "//example.org/",
        "example.org",
        "https://",
        "https://user:secret@example.org/",
        "https://bank.example@evil.example/",
    ];
    for field in ["picture_url", "website_url", "github_url", "linkedin_url"] {
        for url in urls {
            assert_refused(&ann, field, json!(url)).await;
        }
    }
    for zone in ["Europe/Nowhere", "", "../../etc/passwd", "CEST+2"] {
        assert_refused(&ann, "time_zone", json!(zone)).await;
    }
    for locale in ["", "e", "en_GB", "en-", "<b>"] {
        assert_refused(&ann, "locale", json!(locale)).await;
    }
    app.finish().await;
}

#[tokio::test]
async fn names_and_texts_have_their_limits() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    for name in [json!(""), json!("  "), json!("a\r\nBcc: x"), json!("a\u{7}"), json!("x".repeat(101)), json!(7), json!(["Ann"])]
    {
        assert_refused(&ann, "display_name", name).await;
    }
    for bio in [json!("x".repeat(2001)), json!("a\u{1b}[2J"), json!({ "a": 1 })] {
        assert_refused(&ann, "bio", bio).await;
    }
    let longest = json!({ "display_name": "\u{e9}".repeat(100), "bio": "\u{1f9a6}".repeat(2000) });
    ann.client.patch("/v1/me", longest).await.expect(200);
    for not_an_object in [json!([]), json!("x"), json!(null)] {
        ann.client.patch("/v1/me", not_an_object).await.expect_problem(422, "invalid_body");
    }
    let huge = json!({ "bio": "x".repeat(70_000) });
    ann.client.patch("/v1/me", huge).await.expect_problem(413, "body_too_large");
    app.finish().await;
}

#[tokio::test]
async fn a_change_is_a_merge_patch_and_is_in_the_audit_trail() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let change = json!({ "display_name": "Ann" });
    let headers = [("content-type", "application/merge-patch+json")];
    ann.client.send(Method::PATCH, "/v1/me", &headers, Some(change.clone())).await.expect(200);
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "application/json-patch+json"] {
        let refused = ann.client.send(Method::PATCH, "/v1/me", &[("content-type", media_type)], Some(change.clone())).await;
        refused.expect_problem(415, "unsupported_media_type");
    }
    let sql = format!("select count(*) from audit_events where action = 'user.updated' and actor_id::text = '{}'", ann.id);
    assert_eq!(app.count(&sql).await, 1);
    app.finish().await;
}

async fn patch_if(person: &Person, etag: &str, changes: Value) -> Answer {
    person.client.send(Method::PATCH, "/v1/me", &[("if-match", etag)], Some(changes)).await
}

/// The field's value is refused, at the field.
async fn assert_refused(person: &Person, field: &str, value: Value) {
    let mut changes = json!({});
    changes[field] = value.clone();
    let refused = person.client.patch("/v1/me", changes).await.expect_problem(422, "invalid_body");
    assert!(refused.fault_at(&format!("/{field}")).is_some(), "{field} {value}: {}", refused.text);
}

#[tokio::test]
async fn r105_a_user_name_is_changed_after_a_fresh_sign_in_only_and_its_owner_is_told() {
    let app = TestApp::new().await;
    let (boss, ann) = (app.admin().await, app.user("ann").await);
    ann.client.patch("/v1/me", json!({ "username": "calm-otter" })).await.expect(200);
    let path = format!("/v1/users/{}", ann.id);
    boss.client.patch(&path, json!({ "username": "brisk-heron" })).await.expect(200);
    boss.client.patch(&path, json!({ "username": "brisk-heron", "bio": "Gardener" })).await.expect(200);
    let told: Vec<String> = app.mails().await.into_iter().map(|mail| mail.subject).collect();
    assert_eq!(told, ["Your user name at usher was changed"; 2]);
    app.advance(jiff::SignedDuration::from_mins(11));
    let later = app.client().post("/v1/refresh", json!({ "refresh_token": ann.refresh_token })).await.expect(200);
    let client = app.client_with(&later.str("access_token"));
    client.patch("/v1/me", json!({ "username": "late-wren" })).await.expect_problem(401, "fresh_authentication_required");
    client.patch("/v1/me", json!({ "bio": "Gardener" })).await.expect(200);
    app.finish().await;
}
