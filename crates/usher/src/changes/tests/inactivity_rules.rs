//! Undoing changes of rules on inactivity.

use serde_json::{Value, json};

use super::{newest_change, undo, undo_newest};
use crate::testing::{Client, TestApp};

const RULES: &str = "/v1/inactivity-rules";

async fn make(admin: &Client, body: Value) -> String {
    format!("{RULES}/{}", admin.post(RULES, body).await.expect(201).str("id"))
}

fn suspending() -> Value {
    json!({ "name": "Gone", "action": "suspend", "after_days": 90, "exempt": "roles eq \"admin\"" })
}

async fn read(admin: &Client, at: &str) -> Value {
    admin.get(at).await.expect(200).json
}

#[tokio::test]
async fn a_rule_is_changed_back_field_by_field() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let at = make(&admin, suspending()).await;
    let changes = json!({ "after_days": 120, "filter": "userName sw \"x\"", "exempt": null, "enabled": true });
    admin.patch(&at, changes).await.expect(200);
    undo_newest(&admin).await.expect(200);
    let rule = read(&admin, &at).await;
    assert_eq!((&rule["after_days"], &rule["filter"], &rule["enabled"]), (&json!(90), &Value::Null, &json!(false)));
    assert_eq!(rule["exempt"], "roles eq \"admin\"");
    // The undoing is a change like any other.
    undo_newest(&admin).await.expect(200);
    let rule = read(&admin, &at).await;
    assert_eq!((&rule["after_days"], &rule["exempt"], &rule["enabled"]), (&json!(120), &Value::Null, &json!(true)));
    assert_eq!(rule["filter"], "userName sw \"x\"");

    // What was changed since is listed and left alone.
    admin.patch(&at, json!({ "name": "Away", "after_days": 30 })).await.expect(200);
    let change = newest_change(&admin).await;
    admin.patch(&at, json!({ "after_days": 31 })).await.expect(200);
    let refused = undo(&admin, &change["id"], json!({})).await.expect_problem(409, "undo_conflict");
    assert_eq!(refused.fault_at("/after_days"), Some("changed_since"));
    assert_eq!(read(&admin, &at).await["name"], "Away");
    undo(&admin, &change["id"], json!({ "skip_conflicts": true })).await.expect(200);
    let rule = read(&admin, &at).await;
    assert_eq!((&rule["name"], &rule["after_days"]), (&json!("Gone"), &json!(31)));
    app.finish().await;
}

#[tokio::test]
async fn one_that_was_deleted_comes_back_under_its_id_and_one_that_was_made_goes() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let at = make(&admin, suspending()).await;
    let made = newest_change(&admin).await;
    admin.patch(&at, json!({ "enabled": true })).await.expect(200);
    undo(&admin, &made["id"], json!({})).await.expect_problem(409, "undo_conflict");
    let before = read(&admin, &at).await;
    admin.delete(&at).await.expect(204);
    let deleted = newest_change(&admin).await;
    undo(&admin, &deleted["id"], json!({})).await.expect(200);
    let restored = newest_change(&admin).await;
    let again = read(&admin, &at).await;
    for field in ["id", "name", "action", "after_days", "filter", "exempt", "warned_days", "enabled", "permissions"] {
        assert_eq!(again[field], before[field], "{field}");
    }
    let undone = undo(&admin, &deleted["id"], json!({})).await.expect(200);
    assert_eq!((&undone.json["undone"], &undone.json["unchanged"]), (&json!(0), &json!(1)));
    undo(&admin, &restored["id"], json!({})).await.expect(200);
    admin.get(&at).await.expect_problem(404, "not_found");

    // Somebody else has the name by now.
    make(&admin, suspending()).await;
    undo(&admin, &deleted["id"], json!({})).await.expect_problem(409, "rule_name_taken");
    app.finish().await;
}

#[tokio::test]
async fn one_that_does_not_fit_any_more_is_written_by_hand() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let schema = |properties: Value| json!({ "type": "object", "properties": properties });
    let city = json!({ "city": { "type": "string", "maxLength": 40, "searchable": true } });
    admin.put("/v1/attribute-schema", schema(city)).await.expect(200);
    app.run_jobs().await;
    let mut body = suspending();
    body["filter"] = json!("attributes.city eq \"Linz\"");
    let at = make(&admin, body).await;
    admin.delete(&at).await.expect(204);
    let deleted = newest_change(&admin).await;
    admin.put("/v1/attribute-schema", schema(json!({}))).await.expect(200);
    app.run_jobs().await;
    let refused = undo(&admin, &deleted["id"], json!({})).await.expect_problem(409, "undo_conflict");
    assert_eq!(refused.fault_at("/"), Some("not_undoable"));
    admin.get(&at).await.expect_problem(404, "not_found");
    app.finish().await;
}

#[tokio::test]
async fn r203_a_rule_can_do_what_whoever_undoes_may_do_and_no_more() {
    let app = TestApp::new().await;
    let (root, boss) = (app.admin().await.client, app.manager().await.client);
    let permissions = json!(["users:read", "users:write", "inactivity:read", "inactivity:write"]);
    root.post("/v1/roles", json!({ "name": "keeper", "permissions": permissions })).await.expect(201);
    let kit = app.person("kit", &["keeper", "user"]).await.client;
    let at = make(&root, suspending()).await;
    root.patch(&at, json!({ "after_days": 120 })).await.expect(200);
    let change = newest_change(&root).await;
    undo(&boss, &change["id"], json!({})).await.expect_problem(403, "forbidden");
    assert_eq!(read(&root, &at).await["after_days"], 120);
    undo(&kit, &change["id"], json!({})).await.expect(200);
    let rule = read(&root, &at).await;
    assert_eq!(rule["after_days"], 90);
    assert!(!rule["permissions"].as_array().unwrap().contains(&json!("users:delete")), "{rule}");

    // Whoever saves it anew gives it their own permissions: that is no field that could be changed back.
    root.patch(&at, json!({ "name": "Gone" })).await.expect(200);
    let refused = undo_newest(&root).await.expect_problem(409, "undo_conflict");
    assert_eq!(refused.fault_at("/permissions"), Some("not_undoable"));

    // Neither what it does nor what it did before is more than they may do.
    root.patch(&at, json!({ "action": "delete", "warned_days": 30 })).await.expect(200);
    let change = newest_change(&root).await;
    undo(&kit, &change["id"], json!({})).await.expect_problem(403, "forbidden");
    root.patch(&at, json!({ "action": "warn", "warned_days": null })).await.expect(200);
    let change = newest_change(&root).await;
    undo(&kit, &change["id"], json!({})).await.expect_problem(403, "forbidden");
    root.delete(&at).await.expect(204);
    let deleted = newest_change(&root).await;
    undo(&kit, &deleted["id"], json!({})).await.expect(200);
    assert_eq!(read(&root, &at).await["action"], "warn");
    app.finish().await;
}
