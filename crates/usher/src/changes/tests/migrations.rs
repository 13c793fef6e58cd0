//! Undoing that attributes were renamed and removed, and what histories say of it.

use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{newest_change, path, undo, written};
use crate::audit::Event;
use crate::testing::{Client, Person, TestApp};

const SCHEMA: &str = "/v1/attribute-schema";

/// No others are allowed.
async fn set(admin: &Client, properties: Value) {
    let schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    admin.put(SCHEMA, schema).await.expect(200);
}

async fn properties(admin: &Client) -> Value {
    admin.get(SCHEMA).await.expect(200).json["in_force"]["schema"]["properties"].clone()
}

async fn give(admin: &Client, person: &Person, attributes: Value) {
    admin.patch(&path(person), json!({ "attributes": attributes })).await.expect(200);
}

async fn attributes(admin: &Client, person: &Person) -> Value {
    admin.get(&path(person)).await.expect(200).json["attributes"].clone()
}

/// Renames and removes, moves all users, and gives the id of the change.
async fn migrate(app: &TestApp, admin: &Client, operations: Value) -> Value {
    admin.post("/v1/attribute-schema/migrations", json!({ "operations": operations })).await.expect(202);
    let change = newest_change(admin).await;
    assert_eq!(change["action"], "attribute_schema.migration_begun");
    app.run_jobs().await;
    change["id"].clone()
}

async fn members(admin: &Client, change: &Value) -> Vec<Value> {
    let path = format!("/v1/changes/{}/members?limit=200", change.as_str().unwrap());
    admin.get(&path).await.expect(200).json["items"].as_array().unwrap().clone()
}

fn rename(from: &str, to: &str) -> Value {
    json!({ "rename": { "from": from, "to": to } })
}

fn text() -> Value {
    json!({ "type": "string", "maxLength": 50 })
}

#[tokio::test]
async fn histories_know_what_a_migration_has_changed_and_who_began_it() {
    let app = TestApp::new().await;
    let (root, ann, bob) = (app.admin().await, app.user("ann").await, app.user("bob").await);
    let admin = &root.client;
    set(admin, json!({ "department": text(), "fax": text() })).await;
    give(admin, &ann, json!({ "department": "Sales", "fax": "1" })).await;
    let (before, version) = (app.now(), admin.get(&path(&ann)).await.json["version"].as_i64().unwrap());
    app.advance(SignedDuration::from_mins(1));
    let operations = json!([rename("department", "unit"), { "remove": "fax" }]);
    let body = json!({ "operations": operations });
    let why = [("x-reason", "as the shop says")];
    admin.send(Method::POST, "/v1/attribute-schema/migrations", &why, Some(body)).await.expect(202);
    let change = newest_change(admin).await;
    app.run_jobs().await;
    app.advance(SignedDuration::from_mins(1));

    let members = members(admin, &change["id"]).await;
    assert_eq!(members.len(), 1, "{members:?}");
    let moved = &members[0];
    assert_eq!((&moved["action"], &moved["target_id"]), (&json!("user.updated"), &json!(ann.id)));
    assert_eq!((&moved["actor_id"], &moved["reason"]), (&json!(root.id), &json!("as the shop says")));
    assert_eq!((&moved["request_id"], &moved["change_id"]), (&change["request_id"], &change["id"]));
    let told = json!({ "before": { "department": "Sales", "fax": "1" }, "after": { "unit": "Sales" } });
    assert_eq!(moved["changes"], json!({ "attributes": told, "renamed": [{ "from": "department", "to": "unit" }] }));
    let history = admin.get(&format!("{}/history?limit=1", path(&ann))).await.expect(200).json;
    assert_eq!(history["items"][0]["id"], moved["id"]);
    let untouched = admin.get(&format!("{}/history", path(&bob))).await.expect(200).json;
    assert!(untouched["items"].as_array().unwrap().iter().all(|event| event["action"] != "user.updated"), "{untouched}");

    assert_eq!(admin.get(&path(&ann)).await.json["version"], version + 1);
    let was = admin.get(&format!("{}?as_of={before}", path(&ann))).await.expect(200).json;
    assert_eq!(was["attributes"], json!({ "department": "Sales", "fax": "1" }));
    let is = admin.get(&format!("{}?as_of={}", path(&ann), app.now())).await.expect(200).json;
    assert_eq!(is["attributes"], json!({ "unit": "Sales" }));
    app.finish().await;
}

#[tokio::test]
async fn who_writes_before_the_job_has_come_has_the_user_moved_first_in_the_name_of_the_migration() {
    let app = TestApp::new().await;
    let (root, boss, ann) = (app.admin().await, app.manager().await, app.user("ann").await);
    let admin = &root.client;
    set(admin, json!({ "department": text(), "fax": text() })).await;
    give(admin, &ann, json!({ "department": "Sales", "fax": "1" })).await;
    let body = json!({ "operations": [rename("department", "unit"), { "remove": "fax" }] });
    admin.post("/v1/attribute-schema/migrations", body).await.expect(202);
    let change = newest_change(admin).await["id"].clone();
    give(&boss.client, &ann, json!({ "unit": "IT" })).await;
    app.run_jobs().await;

    let members = members(admin, &change).await;
    assert_eq!((members.len(), &members[0]["actor_id"]), (1, &json!(root.id)), "{members:?}");
    let history = admin.get(&format!("{}/history?limit=2", path(&ann))).await.expect(200).json["items"].clone();
    let told = json!({ "before": { "unit": "Sales" }, "after": { "unit": "IT" } });
    assert_eq!((&history[0]["changes"]["attributes"], &history[0]["actor_id"]), (&told, &json!(boss.id)));
    assert_eq!((&history[1]["id"], &history[0]["change_id"]), (&members[0]["id"], &history[0]["id"]));
    app.finish().await;
}

#[tokio::test]
async fn a_run_in_bulk_moves_users_before_it_writes_them() {
    let app = TestApp::new().await;
    let (admin, boss, ann) = (app.admin().await.client, app.manager().await.client, app.user("ann").await);
    set(&admin, json!({ "unit": text(), "note": text() })).await;
    give(&admin, &ann, json!({ "unit": "IT" })).await;
    app.run_jobs().await;
    let action = json!({ "action": "set_attributes", "attributes": { "note": "x" }, "ids": [ann.id] });
    let shown = boss.post("/v1/bulk", action).await.expect(201);
    let run = format!("/v1/bulk/{}/run", shown.str("id"));
    boss.post(&run, json!({ "token": shown.str("token") })).await.expect(202);
    let change = migrate(&app, &admin, json!([rename("unit", "team")])).await;
    let moved = members(&admin, &change).await;
    assert_eq!(moved.len(), 1, "{moved:?}");
    let told = json!({ "before": { "unit": "IT" }, "after": { "team": "IT" } });
    assert_eq!(moved[0]["changes"]["attributes"], told);
    let of_run = members(&admin, &json!(shown.str("id"))).await;
    let of_ann = of_run.iter().find(|event| event["target_id"] == ann.id.as_str()).unwrap();
    let told = json!({ "before": { "team": "IT" }, "after": { "team": "IT", "note": "x" } });
    assert_eq!(of_ann["changes"], json!({ "attributes": told }));
    assert_eq!(attributes(&admin, &ann).await, json!({ "team": "IT", "note": "x" }));
    app.finish().await;
}

#[tokio::test]
async fn a_rename_is_undone_for_all_with_what_was_changed_since_and_so_is_its_undoing() {
    let app = TestApp::new().await;
    let (admin, ann, bob) = (app.admin().await.client, app.user("ann").await, app.user("bob").await);
    set(&admin, json!({ "a": text(), "other": text() })).await;
    give(&admin, &ann, json!({ "a": "1" })).await;
    let change = migrate(&app, &admin, json!([rename("a", "b"), rename("b", "c")])).await;
    // Neither a value nor a rule that was changed since stands in the way.
    give(&admin, &ann, json!({ "c": "2" })).await;
    give(&admin, &bob, json!({ "c": "3" })).await;
    set(&admin, json!({ "c": { "type": "string", "maxLength": 60 }, "other": text() })).await;

    let looked = undo(&admin, &change, json!({ "dry_run": true })).await.expect(200);
    assert_eq!((&looked.json["undone"], &looked.json["run"]), (&json!(1), &Value::Null));
    assert!(properties(&admin).await.get("c").is_some());
    let undone = undo(&admin, &change, json!({})).await.expect(200);
    let head = newest_change(&admin).await;
    assert_eq!((&head["action"], &head["id"]), (&json!("change.undone"), &undone.json["change_id"]));
    assert_eq!(head["changes"]["operations"], json!([rename("c", "b"), rename("b", "a")]));
    undo(&admin, &change, json!({})).await.expect_problem(409, "attribute_migration_under_way");
    app.run_jobs().await;
    assert_eq!(properties(&admin).await, json!({ "a": { "type": "string", "maxLength": 60 }, "other": text() }));
    assert_eq!((attributes(&admin, &ann).await, attributes(&admin, &bob).await), (json!({ "a": "2" }), json!({ "a": "3" })));
    let read = admin.get(&format!("/v1/changes/{}", change.as_str().unwrap())).await.expect(200).json;
    assert_eq!(read["undone_by"], json!([head["id"]]));
    let of_users = members(&admin, &head["id"]).await;
    assert_eq!(of_users.iter().filter(|event| event["target_kind"] == "user").count(), 2, "{of_users:?}");

    let again = undo(&admin, &change, json!({})).await.expect(200);
    assert_eq!((&again.json["unchanged"], &again.json["change_id"]), (&json!(1), &Value::Null));
    undo(&admin, &head["id"], json!({})).await.expect(200);
    app.run_jobs().await;
    assert_eq!(attributes(&admin, &ann).await, json!({ "c": "2" }));
    app.finish().await;
}

#[tokio::test]
async fn what_stands_in_the_way_of_renaming_back_is_listed() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    let conflict = async |change: &Value, field: &str, says: &str| {
        let refused = undo(&admin, change, json!({})).await.expect_problem(409, "undo_conflict");
        let fault = refused.fault_at(&format!("/properties/{field}"));
        assert!(refused.text.contains(says) && fault.is_some(), "{field} {says}: {}", refused.text);
    };
    set(&admin, json!({ "a": text() })).await;
    let change = migrate(&app, &admin, json!([rename("a", "b")])).await;
    let renamed = migrate(&app, &admin, json!([rename("b", "c")])).await;
    conflict(&change, "b", "removed or renamed since").await;
    undo(&admin, &renamed, json!({})).await.expect(200);
    app.run_jobs().await;
    set(&admin, json!({ "b": text(), "A": text() })).await;
    conflict(&change, "b", "belongs to another property").await;
    let open = json!({ "type": "object", "properties": { "b": text() } });
    admin.put(SCHEMA, open).await.expect(200);
    give(&admin, &ann, json!({ "a": 1 })).await;
    conflict(&change, "b", "an attribute of its former name").await;
    give(&admin, &ann, json!({ "a": null })).await;
    undo(&admin, &change, json!({})).await.expect(200);
    app.run_jobs().await;
    assert!(properties(&admin).await.get("a").is_some());
    app.finish().await;
}

#[tokio::test]
async fn what_was_removed_comes_back_with_its_property_where_nobody_has_set_it_since() {
    let app = TestApp::new().await;
    let (admin, ann, bob) = (app.admin().await.client, app.user("ann").await, app.user("bob").await);
    set(&admin, json!({ "fax": text(), "team": text() })).await;
    give(&admin, &ann, json!({ "fax": "1", "team": "red" })).await;
    give(&admin, &bob, json!({ "fax": "2" })).await;
    let change = migrate(&app, &admin, json!([{ "remove": "fax" }])).await;
    assert_eq!(attributes(&admin, &ann).await, json!({ "team": "red" }));
    let of_bob = members(&admin, &change).await;
    let of_bob = of_bob.iter().find(|event| event["target_id"] == bob.id.as_str()).unwrap()["id"].clone();
    // One user alone gets nothing that the schema does not allow.
    undo(&admin, &of_bob, json!({})).await.expect_problem(422, "invalid_body");
    give(&admin, &ann, json!({ "team": "blue" })).await;

    let undoing = undo(&admin, &change, json!({})).await.expect(200);
    assert_eq!((&undoing.json["undone"], &undoing.json["run"]["total"]), (&json!(1), &json!(2)));
    assert_eq!(properties(&admin).await, json!({ "team": text(), "fax": text() }));
    give(&admin, &bob, json!({ "fax": "3" })).await;
    app.run_jobs().await;
    let run = admin.get(&format!("/v1/bulk/{}", undoing.json["run"]["id"].as_str().unwrap())).await.expect(200).json;
    assert_eq!((&run["counts"]["done"], &run["counts"]["refused"]), (&json!(1), &json!(1)));
    assert_eq!(attributes(&admin, &ann).await, json!({ "fax": "1", "team": "blue" }));
    assert_eq!(attributes(&admin, &bob).await, json!({ "fax": "3" }));
    let set = members(&admin, &undoing.json["change_id"]).await;
    let actions: Vec<&str> = set.iter().filter_map(|event| event["action"].as_str()).collect();
    assert!(actions.contains(&"attribute_schema.set") && actions.contains(&"user.updated"), "{actions:?}");
    app.finish().await;
}

#[tokio::test]
async fn what_was_removed_together_with_a_rename_comes_back_after_it() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    set(&admin, json!({ "department": text(), "fax": text() })).await;
    give(&admin, &ann, json!({ "department": "Sales", "fax": "1" })).await;
    let change = migrate(&app, &admin, json!([rename("department", "unit"), { "remove": "fax" }])).await;
    give(&admin, &ann, json!({ "unit": "IT" })).await;
    let refused = undo(&admin, &change, json!({})).await.expect_problem(409, "undo_conflict");
    assert!(refused.fault_at("/properties/fax").is_some(), "{}", refused.text);
    undo(&admin, &change, json!({ "skip_conflicts": true })).await.expect(200);
    app.run_jobs().await;
    assert_eq!(attributes(&admin, &ann).await, json!({ "department": "IT" }));
    undo(&admin, &change, json!({})).await.expect(200);
    app.run_jobs().await;
    assert_eq!(attributes(&admin, &ann).await, json!({ "department": "IT", "fax": "1" }));
    app.finish().await;
}

#[tokio::test]
async fn what_can_not_come_back_is_refused_with_what_to_do() {
    let app = TestApp::new().await;
    let (root, boss, ann) = (app.admin().await, app.manager().await, app.user("ann").await);
    let admin = &root.client;
    let refused = async |change: &Value, says: &str| {
        let refused = undo(admin, change, json!({ "skip_conflicts": true })).await.expect_problem(409, "not_undoable");
        assert!(refused.json["detail"].as_str().unwrap().contains(says), "{says}: {}", refused.text);
    };
    let open = json!({ "type": "object", "properties": { "a": text(), "b": text() }, "required": ["b"] });
    give(admin, &ann, json!({ "loose": 1 })).await;
    let loose = migrate(&app, admin, json!([{ "remove": "loose" }])).await;
    set(admin, json!({ "a": text(), "b": text() })).await;
    refused(&loose, "put it back there").await;
    give(admin, &ann, json!({ "a": "1", "b": "2" })).await;
    // Nobody has another name for it than all others.
    let change = migrate(&app, admin, json!([rename("a", "c")])).await;
    refused(&members(admin, &change).await[0]["id"], "renamed back for all").await;
    undo(&boss.client, &change, json!({})).await.expect_problem(403, "forbidden");
    undo(admin, &change, json!({})).await.expect(200);
    app.run_jobs().await;

    for person in [&root, &boss, &ann] {
        give(admin, person, json!({ "b": "2" })).await;
    }
    admin.put(SCHEMA, open).await.expect(200);
    let change = migrate(&app, admin, json!([{ "remove": "b" }])).await;
    let found = undo(admin, &change, json!({})).await.expect_problem(409, "undo_conflict");
    assert!(found.fault_at("/required").is_some(), "{}", found.text);

    let event = Event::success("attribute_schema.migration_begun");
    let event = event.changed(&json!({ "title": "before" }), &json!({ "title": "after" }));
    let event = event.detail("operations", json!([{ "remove": "fax" }]));
    let id = written(&app, admin, event, "attribute_schema.migration_begun").await;
    refused(&id, "is gone").await;
    app.finish().await;
}
