//! Users through the front door: creating, reading and changing them, and who may do it to whom.

mod attribute_filters;
mod differential;
mod filter;
mod lifecycle;
mod list;
mod other_features;
mod recycle_bin;

use http::{Method, header};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::testing::{Answer, Client, PASSWORD, TestApp};

/// An id that is nobody's.
const NOBODY: &str = "/v1/users/0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d";

fn path_of(user: &Answer) -> String {
    format!("/v1/users/{}", user.str("id"))
}

async fn create(client: &Client, body: Value) -> Answer {
    client.post("/v1/users", body).await.expect(201)
}

async fn create_with_key(client: &Client, key: &str, body: Value) -> Answer {
    client.send(Method::POST, "/v1/users", &[("idempotency-key", key)], Some(body)).await
}

async fn patch_if(client: &Client, path: &str, tag: &str, body: Value) -> Answer {
    client.send(Method::PATCH, path, &[("if-match", tag)], Some(body)).await
}

#[tokio::test]
async fn r013_a_created_user_is_pending_and_chooses_a_password_by_the_welcome_mail() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let body = json!({ "email": "Ann@Example.org", "username": "Ann", "display_name": "Ann Baker", "locale": "de-AT" });
    let created = create(&admin.client, body).await;
    assert_eq!(created.headers[header::LOCATION], path_of(&created).as_str());
    assert_eq!(created.etag(), "\"1\"");
    assert_eq!(created.json["status"], "pending");
    assert_eq!(created.json["email"], "Ann@example.org");
    assert_eq!(created.json["email_verified"], false);
    assert_eq!(created.json["roles"], json!(["user"]));
    assert_eq!(created.json["locale"], "de-AT");
    let read = admin.client.get(&path_of(&created)).await.expect(200);
    assert_eq!(read.json, created.json);
    assert_eq!(read.etag(), created.etag());

    let mails = app.mails().await;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, "Ann@example.org");
    assert!(mails[0].text.contains("Ann Baker"));
    let token = crate::testing::token_in(&mails[0]);
    app.client().post("/v1/password/reset", json!({ "token": token, "password": PASSWORD })).await.expect(200);
    let ann = app.sign_in("ann@example.org", PASSWORD).await;
    let me = ann.client.get("/v1/me").await.expect(200);
    assert_eq!((me.str("status"), me.json["email_verified"].as_bool()), ("active".to_owned(), Some(true)));
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn an_address_or_user_name_that_is_taken_is_named_whatever_its_case() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    create(&admin, json!({ "email": "ann@example.org", "username": "ann" })).await;
    let email = admin.post("/v1/users", json!({ "email": "ANN@EXAMPLE.ORG" })).await.expect_problem(409, "email_taken");
    assert_eq!(email.fault_at("/email"), Some("email_taken"));
    let body = json!({ "email": "bob@example.org", "username": "ANN" });
    let username = admin.post("/v1/users", body).await.expect_problem(409, "username_taken");
    assert_eq!(username.fault_at("/username"), Some("username_taken"));
    assert_eq!(app.count("select count(*) from emails where address_normal = 'bob@example.org'").await, 0);
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn of_two_users_for_one_address_at_the_same_time_one_is_created() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    for round in 0..5 {
        let body = json!({ "email": format!("ann{round}@example.org") });
        let (one, two) = tokio::join!(admin.post("/v1/users", body.clone()), admin.post("/v1/users", body));
        let mut statuses = [one.status.as_u16(), two.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409], "{} {}", one.text, two.text);
    }
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn r281_a_repeated_request_gets_the_first_answer_again() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let body = json!({ "email": "ann@example.org", "display_name": "Ann" });
    let first = create_with_key(&admin, "key-1", body.clone()).await.expect(201);
    assert!(!first.headers.contains_key("idempotency-replayed"));
    admin.patch(&path_of(&first), json!({ "display_name": "Annie" })).await.expect(200);
    let again = create_with_key(&admin, "key-1", body.clone()).await.expect(201);
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.text, first.text);
    assert_eq!((again.etag(), &again.headers[header::LOCATION]), (first.etag(), &first.headers[header::LOCATION]));
    let other = json!({ "email": "bob@example.org" });
    create_with_key(&admin, "key-1", other.clone()).await.expect_problem(422, "idempotency_key_reused");
    // Keys belong to their caller.
    let manager = app.manager().await.client;
    create_with_key(&manager, "key-1", other.clone()).await.expect(201);
    // A request that failed is not kept.
    create_with_key(&admin, "key-2", other).await.expect_problem(409, "email_taken");
    create_with_key(&admin, "key-2", json!({ "email": "cid@example.org" })).await.expect(201);
    assert_eq!(app.mails().await.len(), 3);
    app.finish().await;
}

#[tokio::test]
async fn a_key_is_forgotten_after_24_hours() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    create_with_key(&admin.client, "key", json!({ "email": "ann@example.org" })).await.expect(201);
    let other = json!({ "email": "bob@example.org" });
    for (hours, status) in [(23, 422), (1, 201)] {
        app.advance(SignedDuration::from_hours(hours));
        let admin = app.sign_in(&admin.email, PASSWORD).await.client;
        create_with_key(&admin, "key", other.clone()).await.expect(status);
    }
    assert_eq!(app.mails().await.len(), 2);
    app.finish().await;
}

#[tokio::test]
async fn r281_one_key_twice_at_the_same_time_makes_one_user() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    for round in 0..5 {
        let (key, body) = (format!("key-{round}"), json!({ "email": format!("ann{round}@example.org") }));
        let (one, two) = tokio::join!(create_with_key(&admin, &key, body.clone()), create_with_key(&admin, &key, body.clone()));
        let (kept, other) = if one.status == 201 { (one, two) } else { (two, one) };
        kept.expect(201);
        if other.status != 201 {
            other.expect_problem(409, "idempotency_key_in_flight");
        }
        assert_eq!(app.count("select count(*) from users where status = 'pending'").await, round + 1);
    }
    assert_eq!(app.mails().await.len(), 5);
    app.finish().await;
}

#[tokio::test]
async fn a_key_that_is_no_key_is_refused() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    for key in ["", "two words", &"k".repeat(256)] {
        let refused = create_with_key(&admin, key, json!({ "email": "ann@example.org" })).await;
        let refused = refused.expect_problem(400, "malformed_request");
        assert_eq!(refused.json["errors"][0]["header"], "Idempotency-Key");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_change_needs_the_version_it_was_meant_for() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let ann = create(&admin, json!({ "email": "ann@example.org" })).await;
    let path = path_of(&ann);
    let changed = patch_if(&admin, &path, &ann.etag(), json!({ "bio": "Gardener" })).await.expect(200);
    assert_ne!(changed.etag(), ann.etag());
    for stale in [&ann.etag(), "W/\"2\"", "\"no such version\""] {
        patch_if(&admin, &path, stale, json!({ "bio": "Baker" })).await.expect_problem(412, "precondition_failed");
    }
    for malformed in ["2", "\"2", "\"1\", 2", ""] {
        let refused = patch_if(&admin, &path, malformed, json!({})).await.expect_problem(400, "malformed_request");
        assert_eq!(refused.json["errors"][0]["header"], "If-Match");
    }
    let read = admin.get(&path).await.expect(200);
    assert_eq!((&read.json["bio"], read.etag()), (&json!("Gardener"), changed.etag()));
    let several = format!("\"7\", {}", changed.etag());
    let changed = patch_if(&admin, &path, &several, json!({ "bio": "Baker" })).await.expect(200);
    patch_if(&admin, &path, "*", json!({ "bio": "Cook" })).await.expect(200);
    let stale = admin.send(Method::DELETE, &path, &[("if-match", &changed.etag())], None).await;
    stale.expect_problem(412, "precondition_failed");
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn of_two_changes_of_one_version_at_the_same_time_one_wins() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let ann = create(&admin, json!({ "email": "ann@example.org" })).await;
    let (path, mut tag) = (path_of(&ann), ann.etag());
    for _ in 0..10 {
        let (one, two) = tokio::join!(
            patch_if(&admin, &path, &tag, json!({ "bio": "One" })),
            patch_if(&admin, &path, &tag, json!({ "bio": "Two" }))
        );
        let (won, lost) = if one.status == 200 { (one, two) } else { (two, one) };
        lost.expect_problem(412, "precondition_failed");
        tag = won.expect(200).etag();
    }
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn a_reader_who_has_the_version_is_spared_the_body() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let ann = create(&admin, json!({ "email": "ann@example.org" })).await;
    let tag = ann.etag();
    for seen in [tag.clone(), format!("W/{tag}"), format!("\"9\", {tag}"), "*".to_owned()] {
        let answer = admin.send(Method::GET, &path_of(&ann), &[("if-none-match", &seen)], None).await.expect(304);
        assert_eq!((answer.text.as_str(), answer.etag()), ("", tag.clone()));
    }
    admin.send(Method::GET, &path_of(&ann), &[("if-none-match", "\"9\"")], None).await.expect(200);
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn r202_fields_that_are_unknown_or_not_the_callers_to_set_are_all_named() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let ann = create(&admin, json!({ "email": "ann@example.org" })).await;
    let foreign = json!({
        "id": "x", "status": "active", "email_verified": true, "emails": [], "version": 9, "created_at": null, "is_admin": true,
        "permissions": [], "password": "plum", "locked_until": null, "tenant_id": 1, "a/b~c": 1
    });
    let mut new = foreign.clone();
    new["email"] = json!("bob@example.org");
    let mut change = foreign.clone();
    change["roles"] = json!(["admin"]);
    change["email"] = json!("bob@example.org");
    let on_create = admin.post("/v1/users", new).await.expect_problem(422, "invalid_body");
    let on_change = admin.patch(&path_of(&ann), change).await.expect_problem(422, "invalid_body");
    for name in foreign.as_object().unwrap().keys() {
        let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        assert_eq!(on_create.fault_at(&pointer), Some("unknown_field"), "{name}: {}", on_create.text);
        assert_eq!(on_change.fault_at(&pointer), Some("unknown_field"), "{name}: {}", on_change.text);
    }
    assert_eq!(on_change.fault_at("/roles"), Some("unknown_field"));
    assert_eq!(on_change.fault_at("/email"), Some("unknown_field"));
    assert!(!on_create.text.contains("plum"), "{}", on_create.text);
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn profile_fields_have_their_limits_and_null_clears_them() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let ann = create(&admin, json!({ "email": "ann@example.org", "display_name": " Ann ", "bio": "Gardener" })).await;
    let path = path_of(&ann);
    assert_eq!(ann.json["display_name"], "Ann");
    let changed = admin.patch(&path, json!({ "bio": null, "time_zone": "europe/vienna", "given_name": "Ann" })).await.expect(200);
    assert_eq!((&changed.json["bio"], &changed.json["display_name"]), (&Value::Null, &json!("Ann")));
    assert_eq!((&changed.json["time_zone"], &changed.json["given_name"]), (&json!("Europe/Vienna"), &json!("Ann")));
    let bad = json!({
        "given_name": "", "family_name": "   ", "display_name": "A\nB", "bio": "x".repeat(2001), "picture_url": "javascript:alert(1)",
        "website_url": "https://ann:secret@example.org/", "github_url": "//github.com/ann", "linkedin_url": 5, "locale": "german",
        "time_zone": "Mars/Phobos", "username": "no spaces"
    });
    let refused = admin.patch(&path, bad.clone()).await.expect_problem(422, "invalid_body");
    for name in bad.as_object().unwrap().keys() {
        assert!(refused.fault_at(&format!("/{name}")).is_some(), "{name}: {}", refused.text);
    }
    let longest = json!({ "given_name": "ü".repeat(100), "bio": "ü".repeat(2000), "username": "a".repeat(64) });
    admin.patch(&path, longest).await.expect(200);
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn a_user_name_can_change_its_case_but_not_become_somebody_elses() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let ann = create(&admin, json!({ "email": "ann@example.org", "username": "ann" })).await;
    create(&admin, json!({ "email": "bob@example.org", "username": "bob" })).await;
    let changed = admin.patch(&path_of(&ann), json!({ "username": "Ann" })).await.expect(200);
    assert_eq!(changed.json["username"], "Ann");
    let refused = admin.patch(&path_of(&ann), json!({ "username": "BOB" })).await.expect_problem(409, "username_taken");
    assert_eq!(refused.fault_at("/username"), Some("username_taken"));
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn attributes_are_merged_member_by_member() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let attributes = json!({ "team": { "name": "Sales", "floor": 3 }, "badges": [1, 2], "old": true });
    let ann = create(&admin, json!({ "email": "ann@example.org", "attributes": attributes })).await;
    let patch = json!({ "attributes": { "team": { "floor": null, "lead": { "name": "Bo", "none": null } }, "badges": [3], "old": null } });
    let changed = admin.patch(&path_of(&ann), patch).await.expect(200);
    let merged = json!({ "team": { "name": "Sales", "lead": { "name": "Bo" } }, "badges": [3] });
    assert_eq!(changed.json["attributes"], merged);
    let changed = admin.patch(&path_of(&ann), json!({ "bio": "Gardener" })).await.expect(200);
    assert_eq!(changed.json["attributes"], merged);
    for bad in [json!([]), json!("text"), json!(1)] {
        let refused = admin.patch(&path_of(&ann), json!({ "attributes": bad })).await.expect_problem(422, "invalid_body");
        assert!(refused.fault_at("/attributes").is_some(), "{}", refused.text);
    }
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn attributes_are_cleared_by_null_and_a_user_name_is_not() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let body = json!({ "email": "ann@example.org", "username": "ann", "attributes": { "team": "Sales", "floor": 3 } });
    let ann = create(&admin, body).await;
    let cleared = admin.patch(&path_of(&ann), json!({ "attributes": null })).await.expect(200);
    assert_eq!((&cleared.json["attributes"], &cleared.json["username"]), (&json!({}), &json!("ann")));
    assert_ne!(cleared.etag(), ann.etag());
    let set = admin.patch(&path_of(&ann), json!({ "attributes": { "floor": 4 } })).await.expect(200);
    assert_eq!(set.json["attributes"], json!({ "floor": 4 }));
    for path in [path_of(&ann).as_str(), "/v1/me"] {
        let before = admin.get(path).await.expect(200);
        let both = json!({ "username": null, "bio": "Gardener" });
        let refused = admin.patch(path, both).await.expect_problem(422, "invalid_body");
        assert!(refused.fault_at("/username").is_some() && refused.fault_at("/bio").is_none(), "{}", refused.text);
        assert_eq!(admin.get(path).await.expect(200).text, before.text);
    }
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn r224_attributes_are_at_most_16_kib_also_when_they_grow_by_patches() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let ann = create(&admin, json!({ "email": "ann@example.org", "attributes": { "a": "x".repeat(10_000) } })).await;
    let large = json!({ "email": "bob@example.org", "attributes": { "a": "x".repeat(16 * 1024) } });
    let refused = admin.post("/v1/users", large).await.expect_problem(422, "invalid_body");
    assert_eq!(refused.fault_at("/attributes"), Some("max_bytes"));
    let grown = json!({ "attributes": { "b": "x".repeat(10_000) } });
    let refused = admin.patch(&path_of(&ann), grown).await.expect_problem(422, "invalid_body");
    assert_eq!(refused.fault_at("/attributes"), Some("max_bytes"));
    assert_eq!(admin.get(&path_of(&ann)).await.expect(200).json, ann.json);
    // `{"a":"..."}` is eight bytes beside the text.
    let largest = json!({ "attributes": { "a": "x".repeat(16 * 1024 - 8) } });
    admin.patch(&path_of(&ann), largest).await.expect(200);
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn nobody_is_at_an_unknown_address() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    for path in [NOBODY, "/v1/users/not-an-id", "/v1/users/%00", "/v1/users/"] {
        admin.get(path).await.expect_problem(404, "not_found");
    }
    for rest in ["suspend", "reactivate", "unlock", "restore"] {
        admin.post(&format!("{NOBODY}/{rest}"), json!({})).await.expect_problem(404, "not_found");
    }
    admin.patch(NOBODY, json!({})).await.expect_problem(404, "not_found");
    admin.delete(NOBODY).await.expect_problem(404, "not_found");
    admin.put(&format!("{NOBODY}/roles"), json!({ "roles": [] })).await.expect_problem(404, "not_found");
    admin.put(&format!("{NOBODY}/professional"), json!({ "professional": true })).await.expect_problem(404, "not_found");
    app.finish().await;
}
