//! Every path by which attributes are written, and what people see of their own.

use serde_json::{Value, json};

use super::{PATH, closed, create, path_of, put_attributes, set};
use crate::attributes;
use crate::testing::TestApp;

#[tokio::test]
async fn r202_every_fault_of_attributes_is_told_at_once_with_its_place() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let ann = create(&admin, "ann", json!({})).await.expect(201);
    set(
        &admin,
        json!({
            "department": { "type": "string", "enum": ["Sales", "Support"] },
            "floor": { "type": "integer", "minimum": 0, "exclusiveMaximum": 10, "multipleOf": 2 },
            "badge": { "type": "string", "pattern": "^[0-9]+$", "maxLength": 4 },
            "mail": { "type": "string", "format": "email" },
            "home": { "type": "string", "format": "uri" },
            "born": { "type": "string", "format": "date" },
            "since": { "type": "string", "format": "date-time" },
            "tags": { "type": "array", "items": { "type": "string", "maxLength": 3 }, "maxItems": 2, "uniqueItems": true },
            "car": { "type": "object", "properties": { "doors": { "type": "integer" } }, "additionalProperties": false }
        }),
    )
    .await;
    let bad = json!({
        "department": "sales", "floor": 11, "badge": "x", "mail": "@", "home": "no uri", "born": "2026-02-30", "since": "yesterday",
        "tags": ["long text"], "car": { "doors": 4.5, "wheels": 4 }, "fax": "1", "a/b": 1
    });
    let places =
        ["department", "floor", "badge", "mail", "home", "born", "since", "tags/0", "car/doors", "car/wheels", "fax", "a~1b"];
    let created = create(&admin, "bob", bad.clone()).await.expect_problem(422, "invalid_body");
    let changed = put_attributes(&admin, &ann, bad).await.expect_problem(422, "invalid_body");
    for refused in [&created, &changed] {
        for place in places {
            assert!(refused.fault_at(&format!("/attributes/{place}")).is_some(), "{place}: {}", refused.text);
        }
        // Faults do not repeat what was sent.
        assert!(!refused.text.contains("yesterday"), "{}", refused.text);
    }
    assert_eq!(admin.get(&path_of(&ann)).await.expect(200).json, ann.json);
    let good = json!({ "department": "Sales", "floor": 2, "tags": ["a", "b"], "car": { "doors": 4 } });
    assert_eq!(put_attributes(&admin, &ann, good.clone()).await.expect(200).json["attributes"], good);
    // What is required can't be cleared.
    let mut needs = closed(json!({ "department": { "type": "string" } }));
    needs["required"] = json!(["department"]);
    needs["additionalProperties"] = json!(true);
    admin.put(PATH, needs).await.expect_problem(409, "attribute_schema_violated");
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn what_is_required_is_kept_and_sign_up_is_closed_by_it() {
    let app = TestApp::new().await;
    let root = app.admin().await;
    let me = format!("/v1/users/{}", root.id);
    root.client.patch(&me, json!({ "attributes": { "department": "IT" } })).await.expect(200);
    let mut schema = closed(json!({ "department": { "type": "string" } }));
    schema["required"] = json!(["department"]);
    root.client.put(PATH, schema).await.expect(200);
    let refused = create(&root.client, "ann", json!({})).await.expect_problem(422, "invalid_body");
    assert_eq!(refused.fault_at("/attributes/department"), Some("required"));
    for cleared in [json!(null), json!({ "department": null })] {
        let refused = root.client.patch(&me, json!({ "attributes": cleared })).await.expect_problem(422, "invalid_body");
        assert_eq!(refused.fault_at("/attributes/department"), Some("required"));
    }
    root.client.patch(&me, json!({ "bio": "Gardener" })).await.expect(200);
    let sign_up = json!({ "email": "bob@example.org", "password": "seven quiet herons wading" });
    app.client().post("/v1/register", sign_up).await.expect_problem(403, "registration_closed");
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn times_are_kept_in_one_form_so_that_they_sort_as_text() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    set(&admin, json!({ "since": { "type": "string", "format": "date-time" } })).await;
    let ann = create(&admin, "ann", json!({ "since": "2026-01-02T03:04:05+02:00" })).await.expect(201);
    assert_eq!(ann.json["attributes"]["since"], "2026-01-02T01:04:05.000000Z");
    let changed = put_attributes(&admin, &ann, json!({ "since": "2026-01-02T03:04:05.5Z" })).await.expect(200);
    assert_eq!(changed.json["attributes"]["since"], "2026-01-02T03:04:05.500000Z");
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn people_see_what_is_theirs_to_see_and_change_what_is_theirs_to_change() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let ann = app.user("ann").await;
    set(
        &admin,
        json!({
            "rating": { "type": "integer" },
            "department": { "type": "string", "visibility": "self" },
            "nickname": { "type": "string", "maxLength": 5, "visibility": "public", "selfEditable": true },
            "car": { "type": "object", "visibility": "self", "selfEditable": true }
        }),
    )
    .await;
    let path = format!("/v1/users/{}", ann.id);
    let all = json!({ "rating": 3, "department": "Sales", "nickname": "Annie", "car": { "doors": 4, "colour": "red" } });
    admin.patch(&path, json!({ "attributes": all })).await.expect(200);
    let seen = json!({ "department": "Sales", "nickname": "Annie", "car": { "doors": 4, "colour": "red" } });
    assert_eq!(ann.client.get("/v1/me").await.expect(200).json["attributes"], seen);
    let change = json!({ "attributes": { "nickname": "Nan", "car": { "colour": null } } });
    let changed = ann.client.patch("/v1/me", change).await.expect(200);
    assert_eq!(changed.json["attributes"], json!({ "department": "Sales", "nickname": "Nan", "car": { "doors": 4 } }));
    // Others are refused alike, whether they are there or not; and nothing of the request is done.
    let foreign =
        json!({ "bio": "x", "attributes": { "nickname": "N", "rating": 5, "department": null, "unknown": 1, "Nickname": "x" } });
    let refused = ann.client.patch("/v1/me", foreign).await.expect_problem(422, "invalid_body");
    for name in ["rating", "department", "unknown", "Nickname"] {
        assert_eq!(refused.fault_at(&format!("/attributes/{name}")), Some("unknown_field"), "{}", refused.text);
    }
    let refused = ann.client.patch("/v1/me", json!({ "attributes": { "nickname": "too long" } })).await;
    assert_eq!(refused.expect_problem(422, "invalid_body").fault_at("/attributes/nickname"), Some("max_length"));
    assert_eq!(ann.client.get("/v1/me").await.expect(200).text, changed.text);
    // Clearing all clears what is theirs.
    ann.client.patch("/v1/me", json!({ "attributes": null })).await.expect(200);
    let left = admin.get(&path).await.expect(200);
    assert_eq!(left.json["attributes"], json!({ "rating": 3, "department": "Sales" }));
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn without_a_schema_nothing_is_ones_own_to_change() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let refused = ann.client.patch("/v1/me", json!({ "attributes": { "role": "admin" } })).await;
    assert_eq!(refused.expect_problem(422, "invalid_body").fault_at("/attributes/role"), Some("unknown_field"));
    app.finish().await;
}

#[tokio::test]
async fn another_process_sees_the_new_schema() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let other = app.another(|_| {});
    assert!(attributes::cached(&other).await.unwrap().property("Badge").is_none());
    let listener = crate::db::listen::Listener::start(&other.db);
    attributes::follow(&other, &listener);
    set(&admin, json!({ "badge": { "type": "string", "maxLength": 9, "searchable": true } })).await;
    let sees = async |ready: bool| {
        let seen = async {
            while attributes::cached(&other).await.unwrap().property("BADGE").is_none_or(|badge| badge.index_ready != ready) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), seen).await.expect("it hears of the change");
    };
    sees(false).await;
    app.run_jobs().await;
    sees(true).await;
    let mut tx = app.tx().await;
    let current = attributes::current(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    let badge = current.property("badge").unwrap();
    assert_eq!((badge.kind, badge.searchable, badge.unique), (attributes::Kind::Text, true, false));
    assert_eq!(attributes::sql::expression(badge), "(lower(u.attributes ->> 'badge') collate \"C\")");
    app.finish().await;
}

#[tokio::test]
async fn attributes_that_are_not_written_are_not_looked_at() {
    // The job that checks users may not have come to one who does not fit.
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let ann = create(&admin, "ann", json!({ "fax": 1 })).await.expect(201);
    app.mails().await;
    let client = app.app.db.dedicated().await.unwrap();
    let forced = closed(json!({})).to_string().replace('\'', "''");
    client.batch_execute(&format!("update attribute_schema set document = '{forced}'")).await.unwrap();
    client.batch_execute("update attribute_schema_state set mark = gen_random_uuid()").await.unwrap();
    admin.patch(&path_of(&ann), json!({ "bio": "Gardener" })).await.expect(200);
    let refused = put_attributes(&admin, &ann, json!({ "floor": 1 })).await.expect_problem(422, "invalid_body");
    assert!(refused.fault_at("/attributes/fax").is_some() && refused.fault_at("/attributes/floor").is_some());
    let mended: Value = put_attributes(&admin, &ann, json!({ "fax": null })).await.expect(200).json;
    assert_eq!(mended["attributes"], json!({}));
    app.finish().await;
}
