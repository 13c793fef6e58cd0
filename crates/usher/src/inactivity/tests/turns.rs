//! The turn of each day: one, whoever comes, and what of it is taken back.

use serde_json::json;

use super::{RULES, Turn, days, enabled, make, names, night, preview, root, rule_id, status, turn};
use crate::inactivity::apply;
use crate::jobs;
use crate::testing::{Answer, PASSWORD, TestApp};

#[tokio::test]
async fn two_workers_at_once_begin_one_run_and_a_day_has_one_turn() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let (ann, bob) = (app.user("ann").await, app.user("bob").await);
    let rule = enabled(&admin, "suspend", 30, None).await;
    app.advance(days(31));
    let id = rule_id(&rule);
    let another = app.another(|_| {});
    let (left, right) = tokio::join!(apply(&app.app, id), apply(&another, id));
    let mut turns = [left.unwrap(), right.unwrap()];
    turns.sort_by_key(|turn| matches!(turn, Turn::Begun(_)));
    assert!(matches!(turns, [Turn::Not, Turn::Begun(_)]), "{turns:?}");
    app.run_jobs().await;
    assert_eq!((status(&app, &ann.id).await, status(&app, &bob.id).await), ("suspended".to_owned(), "suspended".to_owned()));
    assert_eq!(turn(&app, &rule).await, Turn::Not);
    app.advance(days(1));
    assert_eq!(turn(&app, &rule).await, Turn::Nobody);
    assert_eq!(turn(&app, &rule).await, Turn::Not);
    assert_eq!(app.count("select count(*) from bulk_runs").await, 1);

    let client = root(&app).await;
    let path = format!("{RULES}/{}", rule.str("id"));
    let seen = client.get(&path).await.expect(200);
    assert_eq!((&seen.json["last_run_on"], &seen.json["version"]), (&json!("2026-02-02"), &json!(1)));
    let run = client.get(&format!("/v1/bulk/{}", seen.str("last_run_id"))).await.expect(200);
    assert_eq!(
        (&run.json["actor_kind"], &run.json["reason"], &run.json["counts"]["done"]),
        (&json!("system"), &json!("Inactivity rule \"suspend after 30\""), &json!(2))
    );
    let change = client.get("/v1/changes?limit=10").await.expect(200);
    let heads = change.json["items"].as_array().unwrap();
    assert!(heads.iter().any(|head| head["id"] == run.json["id"] && head["actor_kind"] == "system"), "{heads:?}");

    // Disabled, it has no turn, and one that is gone neither.
    client.patch(&path, json!({ "enabled": false })).await.expect(200);
    app.advance(days(1));
    assert_eq!(turn(&app, &rule).await, Turn::Not);
    let client = root(&app).await;
    client.delete(&path).await.expect(204);
    assert_eq!(turn(&app, &rule).await, Turn::Not);
    app.finish().await;
}

#[tokio::test]
async fn who_was_active_between_preview_and_turn_is_spared() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let (ann, bob) = (app.user("ann").await, app.user("bob").await);
    let rule = enabled(&admin, "suspend", 30, None).await;
    let warn = enabled(&admin, "warn", 30, None).await;
    app.advance(days(31));
    let client = root(&app).await;
    let (suspending, warning) = (preview(&client, &rule).await, preview(&client, &warn).await);
    assert_eq!((&suspending.json["counts"]["to_do"], &warning.json["counts"]["to_do"]), (&json!(2), &json!(2)));
    app.sign_in(&ann.email, PASSWORD).await;
    for shown in [&warning, &suspending] {
        let path = format!("/v1/bulk/{}", shown.str("id"));
        client.post(&format!("{path}/run"), json!({ "token": shown.str("token") })).await.expect(202);
        app.run_jobs().await;
        let run = client.get(&path).await.expect(200);
        assert_eq!((&run.json["counts"]["done"], &run.json["counts"]["refused"]), (&json!(1), &json!(1)));
        let refused = client.get(&format!("{path}/items?outcome=refused")).await.expect(200);
        let item = &refused.json["items"][0];
        assert_eq!((&item["user_id"], &item["code"]), (&json!(ann.id), &json!("active_again")));
    }
    assert_eq!((status(&app, &ann.id).await, status(&app, &bob.id).await), ("active".to_owned(), "suspended".to_owned()));
    assert_eq!(app.mails().await.len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn what_a_rule_did_is_undone_as_a_whole_and_the_next_night_leaves_it_so() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let mut people = Vec::new();
    for name in ["ann", "bob", "eve"] {
        people.push(app.user(name).await.id);
    }
    enabled(&admin, "warn", 10, None).await;
    let suspend = enabled(&admin, "suspend", 20, None).await;
    let delete = enabled(&admin, "delete", 30, Some(5)).await;
    let all = async |app: &TestApp, expected: &str| {
        for id in &people {
            assert_eq!(status(app, id).await, expected);
        }
    };
    let nights = async |app: &TestApp, count: usize| {
        for _ in 0..count {
            app.advance(days(1));
            night(app).await;
        }
    };
    let undo = async |app: &TestApp, rule: &Answer| {
        let client = root(app).await;
        let run = client.get(&format!("{RULES}/{}", rule.str("id"))).await.expect(200).str("last_run_id");
        let undone = client.post(&format!("/v1/changes/{run}/undo"), json!({})).await.expect(200);
        assert_eq!(undone.json["undone"], 3);
    };
    nights(&app, 21).await;
    all(&app, "suspended").await;
    nights(&app, 10).await;
    all(&app, "deleted").await;
    undo(&app, &delete).await;
    all(&app, "suspended").await;
    // Suspended, nobody is warned, and so nobody is deleted.
    nights(&app, 40).await;
    all(&app, "suspended").await;
    app.mails().await;
    undo(&app, &suspend).await;
    all(&app, "active").await;
    nights(&app, 10).await;
    all(&app, "active").await;
    assert!(app.mails().await.is_empty());
    // They stay away for as long as before: it begins anew.
    nights(&app, 1).await;
    assert_eq!(app.mails().await.len(), 3);
    nights(&app, 10).await;
    all(&app, "suspended").await;
    let history = root(&app).await.get(&format!("/v1/users/{}/history", people[0])).await.expect(200);
    let actions: Vec<_> = history.json["items"].as_array().unwrap().iter().map(|event| event["actor_kind"].clone()).collect();
    assert!(actions.contains(&json!("system")), "{actions:?}");
    app.finish().await;
}

#[tokio::test]
async fn a_run_that_somebody_has_halted_holds_its_rule_back() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let ann = app.user("ann").await;
    let rule = enabled(&admin, "suspend", 30, None).await;
    app.advance(days(31));
    let Turn::Begun(run) = turn(&app, &rule).await else { panic!("no run") };
    let client = root(&app).await;
    client.post(&format!("/v1/bulk/{run}/pause"), json!({})).await.expect(200);
    app.run_jobs().await;
    for _ in 0..3 {
        app.advance(days(1));
        night(&app).await;
    }
    assert_eq!(status(&app, &ann.id).await, "active");
    let client = root(&app).await;
    // Who comes to life meanwhile is spared when it goes on.
    app.sign_in(&ann.email, PASSWORD).await;
    client.post(&format!("/v1/bulk/{run}/resume"), json!({})).await.expect(200);
    app.run_jobs().await;
    assert_eq!(names(&client, &run.to_string(), "refused").await, [ann.id]);
    app.finish().await;
}

#[tokio::test]
async fn a_rule_whose_filter_fits_no_more_says_so_and_does_nothing() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let ann = app.user("ann").await;
    let schema = json!({ "type": "object", "properties": { "team": { "type": "string", "searchable": true, "maxLength": 20 } } });
    admin.put("/v1/attribute-schema", schema).await.expect(200);
    let body = json!({
        "name": "Reds", "action": "suspend", "after_days": 30, "exempt": "attributes.team eq \"red\" or roles eq \"admin\"", "enabled": true,
    });
    let rule = make(&admin, body).await;
    let good = enabled(&admin, "warn", 30, None).await;
    admin.put("/v1/attribute-schema", json!({ "type": "object", "properties": {} })).await.expect(200);
    app.advance(days(31));
    let client = root(&app).await;
    let path = format!("{RULES}/{}", rule.str("id"));
    let answer = client.post(&format!("{path}/preview"), json!({})).await.expect_problem(422, "invalid_body");
    assert_eq!(answer.fault_at("/exempt"), Some("invalid_filter"));
    let mut tx = app.tx().await;
    jobs::enqueue(&mut tx, "apply_inactivity_rules", &json!({})).await.unwrap();
    tx.commit().await.unwrap();
    // The others have their turn.
    assert_eq!(app.mails().await.len(), 1);
    assert_eq!(status(&app, &ann.id).await, "active");
    let seen = client.get(&path).await.expect(200);
    assert!(seen.str("last_error").contains("team"), "{}", seen.text);
    assert_eq!(
        app.count("select count(*) from audit_events where action = 'inactivity_rule.applied' and outcome = 'failure'").await,
        1
    );
    assert_eq!(turn(&app, &rule).await, Turn::Not);
    assert_eq!(turn(&app, &good).await, Turn::Not);
    app.finish().await;
}
