//! Warnings: whom they reach, how often, and what waits for them.

use serde_json::json;

use super::{days, enabled, make, names, night, preview, root, status, turn};
use crate::inactivity::Turn;
use crate::jobs;
use crate::mail::Mailer;
use crate::router;
use crate::testing::{PASSWORD, TestApp};

#[tokio::test]
async fn nobody_is_deleted_who_was_not_warned_and_who_was_has_the_days_that_the_mail_says() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let ann = app.user("ann").await;
    let delete = enabled(&admin, "delete", 30, Some(10)).await;
    app.advance(days(100));
    night(&app).await;
    assert_eq!(turn(&app, &delete).await, Turn::Not);
    assert_eq!(status(&app, &ann.id).await, "active");

    let client = root(&app).await;
    let warn = enabled(&client, "warn", 20, None).await;
    let shown = preview(&client, &warn).await;
    assert_eq!((&shown.json["mails"], &shown.json["action"]), (&json!(1), &json!("warn_inactive")));
    app.advance(days(1));
    night(&app).await;
    let mails = app.mails().await;
    assert_eq!((mails.len(), mails[0].to.as_str()), (1, ann.email.as_str()));
    assert!(mails[0].text.contains("has not been used since 1 January 2026."), "{}", mails[0].text);
    assert!(mails[0].text.contains("deleted on 23 April 2026 or soon after"), "{}", mails[0].text);
    assert!(mails[0].html.contains("deleted on 23 April 2026"));
    let told = "select count(*) from audit_events where action = 'user.inactivity_warned' and actor_kind = 'system'";
    assert_eq!(app.count(told).await, 1);

    // The eleventh night after that of the warning, so that ten whole days are between.
    for _ in 0..10 {
        app.advance(days(1));
        night(&app).await;
    }
    assert_eq!(status(&app, &ann.id).await, "active");
    app.advance(days(1));
    assert_eq!(app.now().to_string(), "2026-04-23T00:00:00Z");
    night(&app).await;
    assert_eq!(status(&app, &ann.id).await, "deleted");
    // Nobody was warned twice.
    assert!(app.mails().await.is_empty());
    app.finish().await;
}

#[tokio::test]
async fn each_is_warned_once_while_they_stay_away_and_again_when_they_do_so_again() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let (ann, bob) = (app.user("ann").await, app.user("bob").await);
    let rule = enabled(&admin, "warn", 20, None).await;
    let mut warned = Vec::new();
    for day in 1..=70 {
        app.advance(days(1));
        if day == 30 {
            app.sign_in(&bob.email, PASSWORD).await;
        }
        night(&app).await;
        warned.extend(app.mails().await.into_iter().map(|mail| (day, mail.to)));
    }
    let expected = [(21, &ann.email), (21, &bob.email), (51, &bob.email)].map(|(day, to)| (day, to.clone()));
    warned.sort();
    assert_eq!(warned, expected);

    // What says nothing of what comes is not told what comes.
    let another =
        json!({ "name": "Another", "action": "warn", "after_days": 60, "exempt": "roles eq \"admin\"", "enabled": true });
    let client = root(&app).await;
    let another = make(&client, another).await;
    enabled(&client, "suspend", 90, None).await;
    let narrow = json!({ "name": "Narrow", "action": "delete", "after_days": 65, "warned_days": 1, "filter": "email sw \"bob\"", "enabled": true });
    make(&client, narrow).await;
    assert_eq!(turn(&app, &another).await, Turn::Begun(begun(&app).await));
    let mails = app.mails().await;
    assert_eq!((mails.len(), &mails[0].to), (1, &ann.email));
    assert!(mails[0].text.contains("suspended on 2 April 2026 or soon after"), "{}", mails[0].text);
    assert_eq!(preview(&client, &rule).await.json["total"], 0);

    let run = client.get("/v1/bulk?limit=10").await.expect(200).json["items"].as_array().unwrap().clone();
    let warning = run.iter().find(|run| run["action"] == "warn_inactive" && run["state"] == "finished").unwrap();
    let undo = format!("/v1/changes/{}/undo", warning["id"].as_str().unwrap());
    client.post(&undo, json!({})).await.expect_problem(409, "not_undoable");
    app.finish().await;
}

async fn begun(app: &TestApp) -> uuid::Uuid {
    let mut tx = app.tx().await;
    let sql = "select last_run_id from inactivity_rules where name = 'Another'";
    let id = tx.query_one(sql, &[]).await.unwrap().get(0);
    tx.commit().await.unwrap();
    id
}

#[tokio::test]
async fn a_warning_that_no_server_has_taken_does_not_count() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let ann = app.user("ann").await;
    let warn = enabled(&admin, "warn", 20, None).await;
    enabled(&admin, "delete", 30, Some(5)).await;
    app.advance(days(40));
    let without_smtp = app.another(|parts| parts.mailer = Mailer::Held);
    super::super::apply(&without_smtp, super::rule_id(&warn)).await.unwrap();
    jobs::run_due(&without_smtp, &router::jobs()).await.unwrap();
    assert_eq!(app.count("select count(*) from mails where template = 'inactivity_warning' and status = 'held'").await, 1);
    for _ in 0..29 {
        app.advance(days(1));
        night(&app).await;
    }
    assert_eq!(status(&app, &ann.id).await, "active");
    assert!(app.mails().await.is_empty());
    // The mail is forgotten by then: another warns anew, and counts.
    app.advance(days(2));
    night(&app).await;
    assert_eq!(app.mails().await.len(), 1);
    app.advance(days(6));
    night(&app).await;
    assert_eq!(status(&app, &ann.id).await, "deleted");
    app.finish().await;
}

#[tokio::test]
async fn who_has_no_verified_address_can_not_be_warned() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let (ann, bob) = (app.user("ann").await, app.user("bob").await);
    let mut tx = app.tx().await;
    tx.execute("update emails set verified_at = null where user_id = $1::text::uuid", &[&ann.id]).await.unwrap();
    tx.commit().await.unwrap();
    let warn = enabled(&admin, "warn", 20, None).await;
    enabled(&admin, "delete", 30, Some(5)).await;
    app.advance(days(31));
    let client = root(&app).await;
    let shown = preview(&client, &warn).await;
    assert_eq!((&shown.json["refusals"][0]["code"], &shown.json["mails"]), (&json!("no_address"), &json!(1)));
    // It is asked again when the turn comes.
    let mut tx = app.tx().await;
    tx.execute("update emails set verified_at = null where user_id = $1::text::uuid", &[&bob.id]).await.unwrap();
    tx.commit().await.unwrap();
    let path = format!("/v1/bulk/{}", shown.str("id"));
    client.post(&format!("{path}/run"), json!({ "token": shown.str("token") })).await.expect(202);
    assert!(app.mails().await.is_empty());
    assert_eq!(names(&client, &shown.str("id"), "refused").await.len(), 2);
    for _ in 0..10 {
        app.advance(days(1));
        night(&app).await;
    }
    assert_eq!((status(&app, &ann.id).await, status(&app, &bob.id).await), ("active".to_owned(), "active".to_owned()));
    app.finish().await;
}

#[tokio::test]
async fn the_action_is_not_for_everybody() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let body = json!({ "action": "warn_inactive", "filter": "id pr" });
    let answer = admin.post("/v1/bulk", body).await.expect_problem(422, "invalid_body");
    assert_eq!(answer.fault_at("/action"), Some("enum"));
    app.finish().await;
}
