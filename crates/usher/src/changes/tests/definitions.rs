//! Undoing changes of roles, groups, the schema of attributes and the look of the service.

use http::Method;
use serde_json::{Value, json};

use super::{newest_change, undo};
use crate::testing::{Client, TestApp};

async fn undo_newest(admin: &Client) -> Value {
    let change = newest_change(admin).await;
    let undone = undo(admin, &change["id"], json!({})).await.expect(200);
    assert_eq!((&undone.json["undone"], &undone.json["conflicts"]), (&json!(1), &json!([])), "{change}");
    newest_change(admin).await
}

#[tokio::test]
async fn a_role_is_changed_back_made_again_and_deleted_again() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let role = json!({ "name": "support", "description": "Answers.", "permissions": ["users:read"] });
    admin.post("/v1/roles", role).await.expect(201);
    let made = newest_change(&admin).await;
    let changes = json!({ "permissions": ["users:read", "users:write"], "second_factor": { "required": true, "grace_days": 3 } });
    admin.patch("/v1/roles/support", changes).await.expect(200);

    let head = undo_newest(&admin).await;
    let read = admin.get("/v1/roles/support").await.expect(200).json;
    assert_eq!((&read["permissions"], &read["second_factor"]["required"]), (&json!(["users:read"]), &json!(false)));
    // The undoing is a change like any other.
    undo(&admin, &head["id"], json!({})).await.expect(200);
    let read = admin.get("/v1/roles/support").await.expect(200).json;
    assert_eq!(read["second_factor"], json!({ "required": true, "grace_days": 3 }));

    // Made, it has been changed since.
    undo(&admin, &made["id"], json!({})).await.expect_problem(409, "undo_conflict");
    admin.delete("/v1/roles/support").await.expect(204);
    let deleted = newest_change(&admin).await;
    undo_newest(&admin).await;
    let again = admin.get("/v1/roles/support").await.expect(200).json;
    assert_eq!((&again["description"], &again["permissions"]), (&json!("Answers."), &json!(["users:read", "users:write"])));
    let undone = undo(&admin, &deleted["id"], json!({})).await.expect(200);
    assert_eq!(undone.json["unchanged"], 1);
    app.finish().await;
}

#[tokio::test]
async fn a_role_that_was_made_by_mistake_goes_unless_somebody_has_it() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    admin.post("/v1/roles", json!({ "name": "brief", "permissions": ["users:read"] })).await.expect(201);
    let made = newest_change(&admin).await;
    admin.put(&format!("/v1/users/{}/roles", ann.id), json!({ "roles": ["brief"] })).await.expect(200);
    undo(&admin, &made["id"], json!({})).await.expect_problem(409, "role_in_use");
    admin.put(&format!("/v1/users/{}/roles", ann.id), json!({ "roles": [] })).await.expect(200);
    undo(&admin, &made["id"], json!({})).await.expect(200);
    admin.get("/v1/roles/brief").await.expect_problem(404, "not_found");
    app.finish().await;
}

#[tokio::test]
async fn a_field_of_a_role_that_was_changed_since_is_left_alone() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    admin.post("/v1/roles", json!({ "name": "support", "description": "A", "permissions": [] })).await.expect(201);
    admin.patch("/v1/roles/support", json!({ "description": "B", "permissions": ["users:read"] })).await.expect(200);
    let change = newest_change(&admin).await;
    admin.patch("/v1/roles/support", json!({ "description": "C" })).await.expect(200);
    let refused = undo(&admin, &change["id"], json!({})).await.expect_problem(409, "undo_conflict");
    assert_eq!(refused.fault_at("/description"), Some("changed_since"));
    undo(&admin, &change["id"], json!({ "skip_conflicts": true })).await.expect(200);
    let read = admin.get("/v1/roles/support").await.expect(200).json;
    assert_eq!((&read["description"], &read["permissions"]), (&json!("C"), &json!([])));

    admin.delete("/v1/roles/support").await.expect(204);
    let refused = undo(&admin, &change["id"], json!({})).await.expect_problem(409, "undo_conflict");
    assert_eq!(refused.fault_at("/"), Some("not_undoable"));
    app.finish().await;
}

async fn group(admin: &Client, name: &str) -> String {
    let made = admin.post("/v1/groups", json!({ "name": name, "description": "Of them." })).await.expect(201);
    made.json["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_group_comes_back_with_its_id_its_roles_and_its_parents() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    admin.post("/v1/roles", json!({ "name": "support", "permissions": ["users:read"] })).await.expect(201);
    let (above, below) = (group(&admin, "Staff").await, group(&admin, "Support").await);
    let way = format!("/v1/groups/{below}");
    admin.put(&format!("{way}/roles"), json!({ "roles": ["support"] })).await.expect(200);
    admin.put(&format!("{way}/parents"), json!({ "parents": [above] })).await.expect(200);
    admin.patch(&way, json!({ "name": "Helpers" })).await.expect(200);
    undo_newest(&admin).await;
    assert_eq!(admin.get(&way).await.expect(200).json["name"], "Support");

    let before = admin.get(&way).await.expect(200).json;
    admin.delete(&way).await.expect(204);
    let deleted = newest_change(&admin).await;
    let restored = undo_newest(&admin).await;
    let again = admin.get(&way).await.expect(200).json;
    for field in ["id", "name", "description", "roles", "parents"] {
        assert_eq!(again[field], before[field], "{field}");
    }
    // What came back goes again, as one.
    undo(&admin, &restored["id"], json!({})).await.expect(200);
    admin.get(&way).await.expect_problem(404, "not_found");

    // Without the role that it carried, if that is gone and it is wished.
    admin.delete("/v1/roles/support").await.expect(204);
    let refused = undo(&admin, &deleted["id"], json!({})).await.expect_problem(409, "undo_conflict");
    assert_eq!(refused.fault_at("/roles"), Some("not_undoable"));
    undo(&admin, &deleted["id"], json!({ "skip_conflicts": true })).await.expect(200);
    let again = admin.get(&way).await.expect(200).json;
    assert_eq!((&again["roles"], &again["parents"]), (&json!([]), &json!([above])));
    app.finish().await;
}

#[tokio::test]
async fn what_a_group_carries_is_changed_back() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let (above, below) = (group(&admin, "Staff").await, group(&admin, "Support").await);
    for (path, body, field) in
        [("roles", json!({ "roles": ["manager"] }), "roles"), ("parents", json!({ "parents": [above] }), "parents")]
    {
        admin.put(&format!("/v1/groups/{below}/{path}"), body).await.expect(200);
        undo_newest(&admin).await;
        assert_eq!(admin.get(&format!("/v1/groups/{below}")).await.expect(200).json[field], json!([]));
    }
    app.finish().await;
}

#[tokio::test]
async fn the_schema_of_attributes_is_changed_back_property_by_property() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let text = json!({ "type": "string" });
    let schema = |properties: Value| json!({ "type": "object", "properties": properties });
    let set = async |properties: Value| admin.put("/v1/attribute-schema", schema(properties)).await.expect(200);
    set(json!({ "city": text, "team": text })).await;
    set(json!({ "city": { "type": "string", "maxLength": 20 }, "team": text, "fax": text })).await;
    let change = newest_change(&admin).await;
    set(json!({ "city": { "type": "string", "maxLength": 20 }, "team": text, "fax": text, "floor": text })).await;

    undo(&admin, &change["id"], json!({})).await.expect(200);
    let read = admin.get("/v1/attribute-schema").await.expect(200).json;
    assert_eq!(read["in_force"]["schema"]["properties"], json!({ "city": text, "team": text, "floor": text }));

    // A property that was changed since is a conflict, the others are not.
    let newest = newest_change(&admin).await;
    set(json!({ "city": { "type": "string", "maxLength": 9 }, "team": text, "floor": text })).await;
    let refused = undo(&admin, &newest["id"], json!({})).await.expect_problem(409, "undo_conflict");
    assert_eq!(refused.fault_at("/properties/city"), Some("changed_since"));
    undo(&admin, &newest["id"], json!({ "skip_conflicts": true })).await.expect(200);
    let read = admin.get("/v1/attribute-schema").await.expect(200).json;
    assert_eq!(read["in_force"]["schema"]["properties"]["fax"], text);
    assert_eq!(read["in_force"]["schema"]["properties"]["city"]["maxLength"], 9);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn the_look_of_the_service_is_changed_back() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    admin.put("/v1/branding", json!({ "name": "Accounts", "footer": "Example Ltd" })).await.expect(200);
    admin.put("/v1/branding", json!({ "name": "Other", "footer": null })).await.expect(200);
    undo_newest(&admin).await;
    let chosen = admin.get("/v1/branding").await.expect(200).json["chosen"].clone();
    assert_eq!((&chosen["name"], &chosen["footer"]), (&json!("Accounts"), &json!("Example Ltd")));
    app.finish().await;
}

#[tokio::test]
async fn r203_undoing_takes_the_permission_and_the_rights_of_what_it_does() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let keeper = json!({ "name": "keeper", "permissions": ["users:read", "users:write", "roles:read", "roles:write"] });
    admin.post("/v1/roles", keeper).await.expect(201);
    admin.post("/v1/roles", json!({ "name": "high", "description": "A", "permissions": ["audit:read"] })).await.expect(201);
    admin.patch("/v1/roles/high", json!({ "description": "B" })).await.expect(200);
    let change = newest_change(&admin).await;
    for (role, code) in [("manager", "forbidden"), ("keeper", "grant_exceeds_caller")] {
        let person = app.user(role).await;
        admin.put(&format!("/v1/users/{}/roles", person.id), json!({ "roles": [role] })).await.expect(200);
        undo(&person.client, &change["id"], json!({})).await.expect_problem(403, code);
    }
    assert_eq!(admin.get("/v1/roles/high").await.expect(200).json["description"], "B");
    let nothing = admin.send(Method::PUT, "/v1/branding", &[], Some(json!({}))).await.expect(200);
    assert_eq!(nothing.json["chosen"]["name"], Value::Null);
    app.finish().await;
}
