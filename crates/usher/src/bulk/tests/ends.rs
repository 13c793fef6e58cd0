//! Roles that a run grants until a time.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{begin, crowd, preview, step};
use crate::bulk::Action;
use crate::bulk::work::Step;
use crate::testing::TestApp;

/// How many of the crowd have the role until this time, or for good.
async fn held(app: &TestApp, until: Option<Timestamp>) -> i64 {
    let so = until.map_or_else(|| "is null".to_owned(), |until| format!("= '{until}'"));
    app.count(&format!(
        "select count(*)
        from user_roles ur
        join users u on u.id = ur.user_id
        where u.username ~ '^u[0-9]' and ur.role_name = 'manager' and ur.expires_at {so}"
    ))
    .await
}

fn until(end: &Value) -> Value {
    json!({ "action": "assign_role", "role": "manager", "expires_at": end, "filter": "userName sw \"u0\"" })
}

#[tokio::test]
async fn whoever_has_the_role_gets_the_end_and_all_of_it_is_undone() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    crowd(&app, 80).await;
    let end = app.now() + SignedDuration::from_hours(24);
    let mut tx = app.tx().await;
    // Ten have it for good, and ten until that very time.
    let roles = "
        insert into user_roles (user_id, role_name, granted_at, expires_at)
        select id, 'manager', '2026-01-01', case when username < 'u0010' then null else $1::timestamptz end
        from users
        where username ~ '^u[0-9]' and username < 'u0020'";
    tx.execute(roles, &[&end]).await.unwrap();
    tx.commit().await.unwrap();
    // Finer than what is kept: it is the same end.
    let finer = end.to_string().replace('Z', ".0000001Z");
    let shown = preview(&admin, until(&json!(finer))).await;
    assert_eq!(shown.json["action"], "assign_role");
    assert_eq!(shown.json["argument"], json!({ "role": "manager", "expires_at": end.to_string() }));
    assert_eq!((&shown.json["counts"]["to_do"], &shown.json["counts"]["unchanged"]), (&json!(70), &json!(10)));
    assert_eq!((held(&app, None).await, held(&app, Some(end)).await), (10, 10));

    let path = begin(&admin, &shown).await;
    app.run_jobs().await;
    let run = admin.get(&path).await.expect(200).json;
    assert_eq!((&run["counts"]["done"], &run["counts"]["unchanged"]), (&json!(70), &json!(10)), "{run}");
    assert_eq!((held(&app, None).await, held(&app, Some(end)).await), (0, 80));
    let change = admin.get("/v1/changes?limit=1").await.expect(200).json["items"][0].clone();
    assert_eq!((&change["id"], &change["changes"]["argument"]), (&run["id"], &run["argument"]));

    admin.post(&format!("/v1/changes/{}/undo", run["id"].as_str().unwrap()), json!({})).await.expect(200);
    app.run_jobs().await;
    assert_eq!((held(&app, None).await, held(&app, Some(end)).await), (10, 10));
    app.finish().await;
}

#[tokio::test]
async fn without_an_end_whoever_has_the_role_keeps_it_as_it_is() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    crowd(&app, 20).await;
    let end = app.now() + SignedDuration::from_hours(1);
    begin(&admin, &preview(&admin, until(&json!(end))).await).await;
    app.run_jobs().await;
    assert_eq!(held(&app, Some(end)).await, 20);
    let shown = preview(&admin, until(&Value::Null)).await;
    assert_eq!(shown.json["argument"], json!({ "role": "manager" }));
    assert_eq!(shown.json["counts"]["unchanged"], 20);
    app.finish().await;
}

#[tokio::test]
async fn an_end_lies_ahead_when_it_is_asked_for_when_it_is_begun_and_when_the_turn_comes() {
    let mut app = TestApp::new().await;
    let admin = app.admin().await.client;
    crowd(&app, 600).await;
    let refused = admin.post("/v1/bulk", until(&json!(app.now()))).await.expect_problem(422, "invalid_body");
    assert_eq!(refused.fault_at("/expires_at"), Some("in_the_past"));
    let refused = admin.post("/v1/bulk", until(&json!("tomorrow"))).await.expect_problem(422, "invalid_body");
    assert!(refused.fault_at("/expires_at").is_some(), "{}", refused.text);
    for mut body in [json!({ "action": "remove_role", "role": "manager" }), json!({ "action": "suspend" })] {
        body["filter"] = json!("id pr");
        body["expires_at"] = json!("2030-01-02T03:04:05Z");
        let refused = admin.post("/v1/bulk", body).await.expect_problem(422, "invalid_body");
        assert_eq!(refused.fault_at("/expires_at"), Some("unexpected"));
    }
    let soon = app.now() + SignedDuration::from_mins(2);
    let (late, paused) = (preview(&admin, until(&json!(soon))).await, preview(&admin, until(&json!(soon))).await);
    let path = begin(&admin, &paused).await;
    assert_eq!(step(&app.app, &paused).await, Step::More);
    admin.post(&format!("{path}/pause"), json!({})).await.expect(200);
    assert_eq!(held(&app, Some(soon)).await, 500);
    app.advance(SignedDuration::from_mins(2));
    let run = format!("/v1/bulk/{}/run", late.str("id"));
    let refused = admin.post(&run, json!({ "token": late.str("token") })).await.expect_problem(422, "invalid_body");
    assert_eq!(refused.fault_at("/token"), Some("in_the_past"));
    admin.post(&format!("{path}/resume"), json!({})).await.expect(200);
    app.run_jobs().await;
    let counts = admin.get(&path).await.expect(200).json["counts"].clone();
    assert_eq!((&counts["done"], &counts["refused"]), (&json!(500), &json!(100)));
    let items = admin.get(&format!("{path}/items?outcome=refused&limit=1")).await.expect(200).json;
    assert_eq!(items["items"][0]["code"], "in_the_past");
    app.may_leave_jobs();
    app.finish().await;
}

#[tokio::test]
async fn the_last_administrator_does_not_become_one_for_a_time() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let end = app.now() + SignedDuration::from_hours(1);
    let body = json!({ "action": "assign_role", "role": "admin", "expires_at": end, "ids": [admin.id, ann.id] });
    let shown = preview(&admin.client, body).await;
    assert_eq!((&shown.json["counts"]["to_do"], &shown.json["refusals"][0]["code"]), (&json!(1), &json!("last_admin")));
    begin(&admin.client, &shown).await;
    app.run_jobs().await;
    let ends = admin.client.get(&format!("/v1/users/{}", ann.id)).await.expect(200).json["role_ends"].clone();
    assert_eq!(ends, json!({ "admin": end }));
    app.finish().await;
}

#[test]
fn a_release_that_does_not_know_the_end_does_not_know_the_action() {
    let end = "2030-01-02T03:04:05Z";
    let action = Action::AssignRoleUntil { role: "manager".into(), expires_at: end.parse().unwrap() };
    let kept = json!({ "action": "assign_role_until", "role": "manager", "expires_at": end });
    assert_eq!(serde_json::to_value(&action).unwrap(), kept);
    assert_eq!(serde_json::from_value::<Action>(kept).unwrap(), action);
    assert_eq!(action.name(), "assign_role");
}
