//! What a rule may say, and who may write one.

use http::Method;
use serde_json::json;

use super::{RULES, make};
use crate::testing::TestApp;

#[tokio::test]
async fn faults_point_at_their_field_and_filters_are_kept_in_canonical_form() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let body = json!({
        "name": "Gone", "action": "suspend", "after_days": 90, "filter": "  NOT ( userName   eq \"ann\")", "exempt": "(roles eq \"admin\")",
    });
    let rule = make(&admin, body.clone()).await;
    assert_eq!(
        (&rule.json["filter"], &rule.json["exempt"], &rule.json["enabled"], &rule.json["version"]),
        (&json!("not(userName eq \"ann\")"), &json!("roles eq \"admin\""), &json!(false), &json!(1))
    );
    let with = |member: &str, value: serde_json::Value| {
        let mut body = body.clone();
        body["name"] = json!("Another");
        body[member] = value;
        body
    };
    for (body, pointer, code) in [
        (with("filter", json!("userName eq")), "/filter", "invalid_filter"),
        (with("exempt", json!("shoeSize eq \"43\"")), "/exempt", "invalid_filter"),
        (with("exempt", json!("attributes.unknown eq \"43\"")), "/exempt", "invalid_filter"),
        (with("filter", json!("")), "/filter", "min_length"),
        (with("action", json!("delete")), "/warned_days", "required"),
        (with("action", json!("purge")), "/action", "enum"),
        (with("after_days", json!(0)), "/after_days", "minimum"),
        (with("after_days", json!(3651)), "/after_days", "maximum"),
        (with("warned_days", json!(366)), "/warned_days", "maximum"),
        (with("name", json!("\u{7}")), "/name", "format"),
        (with("last_run_on", json!("2026-01-01")), "/last_run_on", "unknown_field"),
    ] {
        let answer = admin.post(RULES, body.clone()).await.expect_problem(422, "invalid_body");
        assert_eq!(answer.fault_at(pointer), Some(code), "{body}");
    }
    let mut both = with("filter", json!("x"));
    both["exempt"] = json!("y");
    both["action"] = json!("warn");
    both["warned_days"] = json!(1);
    let answer = admin.post(RULES, both).await.expect_problem(422, "invalid_body");
    assert_eq!(
        (answer.fault_at("/filter"), answer.fault_at("/exempt"), answer.fault_at("/warned_days")),
        (Some("invalid_filter"), Some("invalid_filter"), Some("unexpected"))
    );
    let mut taken = body;
    taken["name"] = json!("GONE");
    admin.post(RULES, taken).await.expect_problem(409, "rule_name_taken");
    assert_eq!(app.count("select count(*) from inactivity_rules").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn a_rule_is_read_changed_and_deleted_and_the_trail_says_what_of_it_changed() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let rule = make(&admin, json!({ "name": "Gone", "action": "delete", "after_days": 90, "warned_days": 14 })).await;
    let path = format!("{RULES}/{}", rule.str("id"));
    let body = json!({ "enabled": true, "filter": "roles eq \"user\"", "after_days": 100 });
    let changed = admin.patch(&path, body).await.expect(200);
    assert_eq!((&changed.json["enabled"], &changed.json["version"]), (&json!(true), &json!(2)));
    assert_eq!(admin.get(&path).await.expect(200).json, changed.json);
    assert_eq!(admin.get(RULES).await.expect(200).json, json!({ "items": [changed.json] }));
    let stale = admin.send(Method::DELETE, &path, &[("if-match", "\"1\"")], None).await;
    stale.expect_problem(412, "precondition_failed");
    // What it says as a whole must fit.
    let answer = admin.patch(&path, json!({ "action": "warn" })).await.expect_problem(422, "invalid_body");
    assert_eq!(answer.fault_at("/warned_days"), Some("unexpected"));
    let cleared = admin.patch(&path, json!({ "action": "warn", "warned_days": null, "filter": null })).await.expect(200);
    assert_eq!((&cleared.json["warned_days"], &cleared.json["filter"]), (&json!(null), &json!(null)));
    admin.delete(&path).await.expect(204);
    admin.get(&path).await.expect(404);
    admin.post(&format!("{path}/preview"), json!({})).await.expect(404);

    let events = admin.get("/v1/audit-events?limit=200").await.expect(200).json;
    let of = |action: &str| {
        let found = events["items"].as_array().unwrap().iter().filter(|event| event["action"] == action);
        found.map(|event| event["changes"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(of("inactivity_rule.created")[0]["after_days"], json!({ "before": null, "after": 90 }));
    // Events of the same moment have no order.
    let updated = of("inactivity_rule.updated");
    let first = updated.iter().find(|changes| !changes["after_days"].is_null()).unwrap();
    assert_eq!(first["after_days"], json!({ "before": 90, "after": 100 }));
    assert_eq!(first["enabled"], json!({ "before": false, "after": true }));
    assert_eq!(of("inactivity_rule.deleted")[0]["name"], json!({ "before": "Gone", "after": null }));
    app.finish().await;
}

#[tokio::test]
async fn r203_a_rule_is_written_by_who_may_do_what_it_does_and_can_do_no_more() {
    let app = TestApp::new().await;
    let (admin, boss) = (app.admin().await, app.manager().await);
    let role =
        |name: &str, permissions: serde_json::Value| json!({ "name": name, "description": "", "permissions": permissions });
    let permissions = json!(["inactivity:read", "inactivity:write", "users:read", "users:write"]);
    admin.client.post("/v1/roles", role("keeper", permissions)).await.expect(201);
    admin.client.post("/v1/roles", role("looker", json!(["inactivity:read"]))).await.expect(201);
    let (keeper, looker) = (app.person("kim", &["keeper", "user"]).await, app.person("lou", &["looker"]).await);
    let suspend = json!({ "name": "Gone", "action": "suspend", "after_days": 30 });
    let delete = json!({ "name": "Away", "action": "delete", "after_days": 30, "warned_days": 5 });
    for client in [&boss.client, &looker.client] {
        client.post(RULES, suspend.clone()).await.expect_problem(403, "forbidden");
    }
    boss.client.get(RULES).await.expect_problem(403, "forbidden");
    app.client().get(RULES).await.expect(401);
    keeper.client.post(RULES, delete.clone()).await.expect_problem(403, "forbidden");
    let of_admin = make(&admin.client, delete).await;
    let of_keeper = make(&keeper.client, suspend).await;
    assert_eq!(of_keeper.json["permissions"], json!(["users:read", "users:write", "inactivity:read", "inactivity:write"]));
    let path = format!("{RULES}/{}", of_admin.str("id"));
    keeper.client.patch(&path, json!({ "enabled": true })).await.expect_problem(403, "forbidden");
    keeper.client.delete(&path).await.expect_problem(403, "forbidden");
    keeper.client.post(&format!("{path}/preview"), json!({})).await.expect_problem(403, "forbidden");
    let path = format!("{RULES}/{}", of_keeper.str("id"));
    looker.client.get(&path).await.expect(200);
    looker.client.post(&format!("{path}/preview"), json!({})).await.expect_problem(403, "forbidden");

    // Who changes it last bounds it, whoever wrote it first.
    let raised = admin.client.patch(&path, json!({ "enabled": true })).await.expect(200);
    assert_eq!(raised.json["permissions"].as_array().unwrap().len(), crate::caller::Permission::ALL.len());
    let lowered = keeper.client.patch(&path, json!({ "after_days": 31 })).await.expect(200);
    assert_eq!(lowered.json["permissions"], of_keeper.json["permissions"]);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn there_are_twenty_rules_at_the_most_whoever_comes_at_the_same_time() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    for at in 0..19 {
        make(&admin, json!({ "name": format!("Rule {at}"), "action": "warn", "after_days": 30 })).await;
    }
    let one = |name: &str| admin.post(RULES, json!({ "name": name, "action": "warn", "after_days": 30 }));
    let (left, right) = tokio::join!(one("Left"), one("Right"));
    let mut statuses = [left.status.as_u16(), right.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    one("More").await.expect_problem(409, "too_many_rules");
    app.finish().await;
}
