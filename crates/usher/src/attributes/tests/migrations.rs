//! Renaming and removing.

use serde_json::{Value, json};

use super::{PATH, closed, create, many, path_of, put_attributes, set};
use crate::attributes::tend;
use crate::testing::TestApp;

const MIGRATIONS: &str = "/v1/attribute-schema/migrations";

fn operations() -> Value {
    json!([{ "rename": { "from": "department", "to": "unit" } }, { "remove": "fax" }])
}

#[tokio::test]
async fn attributes_are_renamed_and_removed_after_a_preview() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let text = json!({ "type": "string", "maxLength": 50, "searchable": true });
    set(&admin, json!({ "department": text, "fax": { "type": "string" } })).await;
    let ann = create(&admin, "ann", json!({ "department": "Sales", "fax": "1" })).await.expect(201);
    let bob = create(&admin, "bob", json!({ "department": "Support" })).await.expect(201);
    admin.delete(&path_of(&bob)).await.expect(204);
    app.mails().await;

    let preview = admin.post(MIGRATIONS, json!({ "operations": operations(), "dry_run": true })).await.expect(200);
    assert_eq!((&preview.json["operations"][0]["users"], &preview.json["operations"][1]["users"]), (&json!(2), &json!(1)));
    assert_eq!(preview.json["operations"][1]["sample"], json!([{ "user_id": ann.str("id"), "username": "ann" }]));
    assert_eq!(admin.get(PATH).await.expect(200).json["in_force"]["version"], 2);

    admin.post(MIGRATIONS, json!({ "operations": operations() })).await.expect(202);
    let status = admin.get(PATH).await.expect(200);
    assert_eq!(status.json["in_force"]["schema"], closed(json!({ "unit": text })));
    assert_eq!(status.json["migration"]["operations"], operations());
    admin.put(PATH, closed(json!({}))).await.expect_problem(409, "attribute_migration_under_way");
    // Before the job has come to a user, a write moves them.
    let changed = put_attributes(&admin, &ann, json!({ "unit": "IT" })).await.expect(200);
    assert_eq!(changed.json["attributes"], json!({ "unit": "IT" }));
    app.run_jobs().await;
    assert_eq!(admin.get(&path_of(&bob)).await.expect(200).json["attributes"], json!({ "unit": "Support" }));
    let status = admin.get(PATH).await.expect(200);
    assert_eq!((&status.json["migration"], &status.json["indexes"][0]["property"]), (&Value::Null, &json!("unit")));
    assert_eq!(status.json["indexes"].as_array().unwrap().len(), 1);
    for action in ["attribute_schema.migration_begun", "attribute_schema.migrated"] {
        assert_eq!(app.count(&format!("select count(*) from audit_events where action = '{action}'")).await, 1);
    }
    admin.put(PATH, closed(json!({ "unit": { "type": "string" } }))).await.expect(200);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn people_do_not_see_a_hidden_attribute_under_its_old_name() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let ann = app.user("ann").await;
    let schema = json!({ "type": "object", "properties": { "rating": { "type": "integer" }, "note": { "type": "string" } } });
    admin.put(PATH, schema).await.expect(200);
    let path = format!("/v1/users/{}", ann.id);
    admin.patch(&path, json!({ "attributes": { "rating": 3, "note": "x", "other": 1 } })).await.expect(200);
    let operations = json!([{ "rename": { "from": "rating", "to": "score" } }, { "remove": "note" }]);
    admin.post(MIGRATIONS, json!({ "operations": operations })).await.expect(202);
    assert_eq!(ann.client.get("/v1/me").await.expect(200).json["attributes"], json!({ "other": 1 }));
    app.run_jobs().await;
    assert_eq!(ann.client.get("/v1/me").await.expect(200).json["attributes"], json!({ "other": 1 }));
    assert_eq!(admin.get(&path).await.expect(200).json["attributes"], json!({ "score": 3, "other": 1 }));
    app.finish().await;
}

#[tokio::test]
async fn operations_that_can_not_be_done_are_refused_with_their_place() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let schema = json!({
        "type": "object",
        "properties": { "a": { "type": "string" }, "b": { "type": "string" }, "key": { "type": "string", "maxLength": 9, "unique": true } }
    });
    admin.put(PATH, schema).await.expect(202);
    app.run_jobs().await;
    create(&admin, "ann", json!({ "loose": 1 })).await.expect(201);
    for (from, to, place) in [
        ("x", "y", "rename/from"),
        ("a", "b", "rename/to"),
        ("a", "B", "rename/to"),
        ("a", "a", "rename/to"),
        ("a", "1st", "rename/to"),
        ("a", "loose", "rename/to"),
        ("key", "badge", "rename/from"),
    ] {
        let body = json!({ "operations": [{ "remove": "x" }, { "rename": { "from": from, "to": to } }], "dry_run": true });
        let refused = admin.post(MIGRATIONS, body).await.expect_problem(422, "invalid_body");
        assert!(refused.fault_at(&format!("/operations/1/{place}")).is_some(), "{from} {to}: {}", refused.text);
    }
    admin.post(MIGRATIONS, json!({ "operations": [] })).await.expect_problem(422, "invalid_body");
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn a_migration_that_was_interrupted_goes_on_and_tells_of_each_user_once() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    set(&admin, json!({ "n": { "type": "integer" }, "fax": { "type": "string" } })).await;
    many(&app, 2500, "jsonb_build_object('n', n) || case when n % 2 = 0 then '{\"fax\": \"1\"}'::jsonb else '{}' end").await;
    let operations = json!([{ "rename": { "from": "n", "to": "number" } }, { "remove": "fax" }]);
    admin.post(MIGRATIONS, json!({ "operations": operations })).await.expect(202);
    // Nobody of the last batch can be written.
    let client = app.app.db.dedicated().await.unwrap();
    let last = client.query_one("select id::text from users order by id offset 2000 limit 1", &[]).await.unwrap();
    let last: &str = last.get(0);
    let stop = format!(
        "create function stop() returns trigger language plpgsql as $$ begin raise exception 'stopped'; end $$;
        create trigger stop before update on users for each row when (new.id >= '{last}') execute function stop()"
    );
    client.batch_execute(&stop).await.unwrap();
    assert!(tend(&app.app).await.is_err());
    let renamed = app.count("select count(*) from users where attributes ? 'number'").await;
    let moved = "select count(*) from audit_events where action = 'user.updated'";
    // The administrator has none of it, wherever they stand.
    assert!([1999, 2000].contains(&renamed) && app.count(moved).await == renamed, "{renamed}");
    client.batch_execute("drop trigger stop on users; drop function stop()").await.unwrap();
    app.run_jobs().await;
    assert_eq!(app.count("select count(*) from users where attributes ? 'n' or attributes ? 'fax'").await, 0);
    let once = "select count(distinct target_id) from audit_events where action = 'user.updated'";
    assert_eq!((app.count(moved).await, app.count(once).await), (2500, 2500));
    let head = "select count(distinct change_id) from audit_changes c join audit_events e on e.id = c.event_id
        where e.action in ('user.updated', 'attribute_schema.migration_begun')";
    assert_eq!(app.count(head).await, 1);
    app.finish().await;
}
