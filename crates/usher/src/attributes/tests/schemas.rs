//! Which schemas are taken, and by whom.

use http::Method;
use serde_json::{Value, json};

use super::{PATH, closed, create, set};
use crate::testing::TestApp;

#[tokio::test]
async fn without_a_schema_of_ones_own_everything_fits() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let status = admin.get(PATH).await.expect(200);
    assert_eq!(
        status.json["in_force"]["schema"],
        json!({ "type": "object", "properties": {}, "required": [], "additionalProperties": true })
    );
    assert_eq!((&status.json["pending"], &status.json["indexes"]), (&Value::Null, &json!([])));
    create(&admin, "ann", json!({ "x": [1, { "y": null }], "department": 7 })).await.expect(201);
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn a_schema_is_read_back_as_it_was_set() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let document = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "title": "Staff",
        "properties": {
            "department": {
                "type": "string", "title": "Department", "enum": ["Sales", "Support"], "maxLength": 100, "searchable": true,
                "visibility": "self", "pii": true, "claim": "department"
            },
            "address": { "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"], "additionalProperties": false },
            "since": { "type": "string", "format": "date-time" }
        },
        "required": [], "additionalProperties": false
    });
    let answer = admin.put(PATH, document.clone()).await.expect(200);
    assert_eq!(answer.json["in_force"]["schema"], document);
    assert_eq!(answer.json["in_force"]["version"], 2);
    app.run_jobs().await;
    let read = admin.get(PATH).await.expect(200);
    assert_eq!((&read.json["in_force"], read.etag()), (&answer.json["in_force"], answer.etag()));
    // The same once more is no change.
    let again = admin.put(PATH, document).await.expect(200);
    assert_eq!((&again.json["in_force"], again.etag()), (&answer.json["in_force"], answer.etag()));
    let events = "select count(*) from audit_events where action = 'attribute_schema.set'";
    assert_eq!(app.count(events).await, 1);
    app.finish().await;
}

#[tokio::test]
async fn a_change_is_for_the_revision_that_was_seen() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let seen = admin.get(PATH).await.expect(200).etag();
    let put = |tag: String, properties: Value| {
        let admin = admin.clone();
        async move { admin.send(Method::PUT, PATH, &[("if-match", &tag)], Some(closed(properties))).await }
    };
    put(seen.clone(), json!({ "a": { "type": "string" } })).await.expect(200);
    put(seen, json!({ "b": { "type": "string" } })).await.expect_problem(412, "precondition_failed");
    assert!(admin.get(PATH).await.expect(200).json["in_force"]["schema"]["properties"]["b"].is_null());
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r200_the_schema_is_set_by_who_may_and_read_by_who_reads_users() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let role = |name: &str, permission: &str| json!({ "name": name, "permissions": [permission] });
    admin.post("/v1/roles", role("reader", "users:read")).await.expect(201);
    admin.post("/v1/roles", role("modeller", "attributes:write")).await.expect(201);
    let reader = app.person("reader", &["reader"]).await.client;
    let modeller = app.person("modeller", &["modeller"]).await.client;
    reader.get(PATH).await.expect(200);
    reader.put(PATH, closed(json!({}))).await.expect_problem(403, "forbidden");
    modeller.get(PATH).await.expect_problem(403, "forbidden");
    modeller.put(PATH, closed(json!({}))).await.expect(200);
    app.run_jobs().await;
    app.finish().await;
}

/// A fault of a property `p` with this rule, at this place.
#[tokio::test]
async fn r202_what_is_not_on_the_list_of_keywords_is_refused_with_its_place() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let text = |more: Value| {
        let mut rule = json!({ "type": "string", "maxLength": 10 });
        rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        rule
    };
    let mut deep = json!({ "type": "string" });
    for _ in 0..6 {
        deep = json!({ "type": "array", "items": deep });
    }
    for (rule, place) in [
        (json!({ "$ref": "https://example.com/schema.json" }), "/$ref"),
        (text(json!({ "$ref": "#/properties/q" })), "/$ref"),
        (text(json!({ "anyOf": [] })), "/anyOf"),
        (text(json!({ "default": "x" })), "/default"),
        (text(json!({ "contentEncoding": "base64" })), "/contentEncoding"),
        (json!({ "type": ["string", "null"] }), "/type"),
        (json!({ "type": "null" }), "/type"),
        (text(json!({ "format": "regex" })), "/format"),
        (text(json!({ "pattern": "(?=a)b" })), "/pattern"),
        (text(json!({ "pattern": "(a)\\1" })), "/pattern"),
        (text(json!({ "pattern": "(" })), "/pattern"),
        (text(json!({ "pattern": "((a{100}){100}){100}" })), "/pattern"),
        (text(json!({ "minimum": 1 })), "/minimum"),
        (text(json!({ "minLength": 11 })), "/minLength"),
        (json!({ "type": "string", "format": "date-time", "pattern": "Z$" }), "/pattern"),
        (text(json!({ "enum": ["a", 5] })), "/enum/1"),
        (text(json!({ "enum": ["a", "a"] })), "/enum/1"),
        (text(json!({ "visibility": "everybody" })), "/visibility"),
        (text(json!({ "selfEditable": true })), "/selfEditable"),
        (text(json!({ "claim": "sub", "visibility": "self" })), "/claim"),
        (text(json!({ "claim": "Roles", "visibility": "self" })), "/claim"),
        (text(json!({ "claim": "birthdate", "visibility": "public" })), "/claim"),
        (text(json!({ "claim": "badge" })), "/claim"),
        (text(json!({ "claim": "a b", "visibility": "self" })), "/claim"),
        (json!({ "type": "string", "searchable": true }), "/maxLength"),
        (json!({ "type": "string", "maxLength": 501, "unique": true }), "/maxLength"),
        (json!({ "type": "boolean", "unique": true }), "/unique"),
        (json!({ "type": "array", "items": { "type": "string" }, "unique": true }), "/unique"),
        (json!({ "type": "object", "searchable": true }), "/searchable"),
        (json!({ "type": "array", "items": { "type": "integer" }, "searchable": true }), "/searchable"),
        (json!({ "type": "number", "multipleOf": 0 }), "/multipleOf"),
        (json!({ "type": "object", "properties": { "q": { "type": "string", "pii": true } } }), "/properties/q"),
        (json!({ "type": "object", "properties": { "a b": { "type": "string" } } }), "/properties/a b"),
        (json!({ "type": "object", "required": ["q"] }), "/required/0"),
        (deep, "/items/items/items/items/items"),
    ] {
        let refused = admin.put(PATH, closed(json!({ "p": rule }))).await.expect_problem(422, "invalid_body");
        let pointer = format!("/properties/p{place}");
        assert!(refused.fault_at(&pointer).is_some(), "{pointer} for {rule}: {}", refused.text);
    }
    assert_eq!(admin.get(PATH).await.expect(200).json["in_force"]["version"], 1);
    app.finish().await;
}

#[tokio::test]
async fn names_numbers_and_sizes_have_bounds() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let text = json!({ "type": "string" });
    for name in ["", "1st", "with-dash", "ünder", "a/b", &"a".repeat(64)] {
        let refused = admin.put(PATH, closed(json!({ name: text }))).await.expect_problem(422, "invalid_body");
        let pointer = format!("/properties/{}", name.replace('/', "~1"));
        assert!(refused.fault_at(&pointer).is_some(), "{}", refused.text);
    }
    let refused = admin.put(PATH, closed(json!({ "Badge": text, "badge": text }))).await.expect_problem(422, "invalid_body");
    assert_eq!(refused.fault_at("/properties/badge"), Some("duplicate"));
    let numbered = |count: usize, rule: &Value| -> Value {
        (0..count).map(|n| (format!("p{n}"), rule.clone())).collect::<serde_json::Map<_, _>>().into()
    };
    admin.put(PATH, closed(numbered(101, &text))).await.expect_problem(422, "invalid_body");
    admin
        .put(PATH, closed(numbered(33, &json!({ "type": "boolean", "searchable": true }))))
        .await
        .expect_problem(422, "invalid_body");
    let mut unknown = closed(json!({}));
    unknown["required"] = json!(["badge"]);
    let refused = admin.put(PATH, unknown).await.expect_problem(422, "invalid_body");
    assert!(refused.fault_at("/required/0").is_some());
    let two = json!({ "type": "string", "visibility": "self", "claim": "badge" });
    let refused = admin.put(PATH, closed(json!({ "a": two, "b": two }))).await.expect_problem(422, "invalid_body");
    assert!(refused.fault_at("/properties/b/claim").is_some());
    let large = json!({ "type": "string", "description": "x".repeat(1000) });
    admin.put(PATH, closed(numbered(70, &large))).await.expect_problem(413, "body_too_large");
    let longest = "a".repeat(63);
    set(&admin, json!({ longest.as_str(): { "type": "boolean", "searchable": true } })).await;
    app.run_jobs().await;
    let status = admin.get(PATH).await.expect(200);
    assert_eq!(status.json["indexes"][0]["state"], "ready", "{}", status.text);
    app.finish().await;
}
