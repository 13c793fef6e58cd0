//! Whoever is purged is forgotten by the audit trail too, and its seal still holds.

use http::Method;
use jiff::SignedDuration;
use serde_json::json;

use super::log::sealing_tests::{seal_all, verified};
use crate::jobs;
use crate::testing::{PASSWORD, TestApp};

#[tokio::test]
async fn r286_a_purged_user_is_erased_from_the_trail_and_the_log_still_verifies() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let agent = [("user-agent", "anns-own-browser/7"), ("x-reason", "because of Ann")];
    ann.client.send(Method::PATCH, "/v1/me", &agent, Some(json!({ "bio": "collects rare stamps" }))).await.expect(200);
    let path = format!("/v1/users/{}", ann.id);
    admin.client.send(Method::PATCH, &path, &agent, Some(json!({ "bio": "collects coins" }))).await.expect(200);
    let login = json!({ "identifier": ann.email, "password": format!("{PASSWORD} not") });
    app.client().send(Method::POST, "/v1/login", &agent, Some(login)).await.expect(401);
    // A refresh token that comes back: the event is on a session, and done by nobody known.
    let tokens = app.client().post("/v1/login", json!({ "identifier": ann.email, "password": PASSWORD })).await.expect(200);
    let body = json!({ "refresh_token": tokens.json["refresh_token"] });
    app.client().post("/v1/refresh", body.clone()).await.expect(200);
    app.client().send(Method::POST, "/v1/refresh", &agent, Some(body)).await.expect(401);
    seal_all(&app).await;
    let traces = "select count(*) from audit_details where content ~ 'anns-own|because of|stamps|coins|ann@'";
    assert!(app.count(traces).await >= 5);

    admin.client.delete(&path).await.expect(204);
    app.run_jobs().await;
    assert!(app.count(traces).await >= 5, "in the recycle bin nothing is forgotten yet");
    app.advance(SignedDuration::from_hours(31 * 24));
    let mut tx = app.tx().await;
    jobs::enqueue(&mut tx, "purge_deleted_users", &json!({})).await.unwrap();
    tx.commit().await.unwrap();
    app.run_jobs().await;
    seal_all(&app).await;
    assert_eq!(app.count(traces).await, 0);
    let summary = verified(&app).await;
    assert!(summary.erased >= 8, "{summary:?}");

    // What happened, when and by whom is still there.
    let admin = app.sign_in(&admin.email, PASSWORD).await.client;
    let list = admin.get(&format!("/v1/audit-events?target_id={}", ann.id)).await.expect(200);
    let items = list.json["items"].as_array().unwrap();
    let updated = items.iter().find(|item| item["action"] == "user.updated" && item["actor_id"] != ann.id).unwrap();
    assert_eq!((&updated["erased"], &updated["changes"], &updated["reason"]), (&json!(true), &json!({}), &json!(null)));
    let purged = items.iter().find(|item| item["action"] == "user.purged").unwrap();
    assert_eq!((&purged["erased"], &purged["actor_kind"]), (&json!(true), &json!("system")));
    app.finish().await;
}

#[tokio::test]
async fn r286_details_of_who_is_still_there_are_not_erased() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let mut tx = app.tx().await;
    let refused = super::store::delete_details(&mut tx, &[ann.id.parse().unwrap()], 10).await.unwrap_err();
    assert!(format!("{:?}", anyhow::Error::from(refused)).contains("only when the person they concern is purged"));
    drop(tx);
    app.finish().await;
}
