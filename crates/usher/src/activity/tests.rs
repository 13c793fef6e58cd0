//! Days of activity: when they are written, how often, and when they go.

use jiff::SignedDuration;
use serde_json::json;

use crate::jobs;
use crate::testing::{PASSWORD, Person, TestApp};

async fn days_of(app: &TestApp, person: &Person) -> Vec<String> {
    let mut tx = app.tx().await;
    let sql = "select day::text from activity_days where user_id = $1::text::uuid order by day";
    let rows = tx.query(sql, &[&person.id]).await.unwrap();
    tx.commit().await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

async fn last_day_of(app: &TestApp, person: &Person) -> String {
    let mut tx = app.tx().await;
    let row = tx.query_one("select day::text from last_active_days where user_id = $1::text::uuid", &[&person.id]).await.unwrap();
    tx.commit().await.unwrap();
    row.get(0)
}

/// What a second write would change, even if it said the same.
async fn written(app: &TestApp, person: &Person) -> (i64, String) {
    let mut tx = app.tx().await;
    let sql = "select xmin::text from last_active_days where user_id = $1::text::uuid";
    let xmin = tx.query_one(sql, &[&person.id]).await.unwrap().get(0);
    tx.commit().await.unwrap();
    (app.count("select count(*) from activity_days").await, xmin)
}

/// What usher does every so often, now.
async fn do_job(app: &TestApp, kind: &'static str) {
    let mut tx = app.tx().await;
    jobs::enqueue(&mut tx, kind, &json!({})).await.unwrap();
    tx.commit().await.unwrap();
    app.run_jobs().await;
}

async fn refresh(app: &TestApp, person: &mut Person) {
    let body = json!({ "refresh_token": person.refresh_token });
    let tokens = app.client().post("/v1/refresh", body).await.expect(200);
    person.refresh_token = tokens.str("refresh_token");
    person.client = app.client_with(&tokens.str("access_token"));
}

#[tokio::test]
async fn a_day_is_noted_once_by_a_sign_in_and_by_the_first_refresh_of_it() {
    let app = TestApp::new().await;
    let mut ann = app.user("ann").await;
    assert_eq!(days_of(&app, &ann).await, ["2026-01-01"]);
    app.sign_in(&ann.email, PASSWORD).await;
    let before = written(&app, &ann).await;
    app.advance(SignedDuration::from_secs(86_399));
    refresh(&app, &mut ann).await;
    assert_eq!((days_of(&app, &ann).await, written(&app, &ann).await), (vec!["2026-01-01".to_owned()], before));

    // Midnight of UTC.
    app.advance(SignedDuration::from_secs(1));
    refresh(&app, &mut ann).await;
    assert_eq!(days_of(&app, &ann).await, ["2026-01-01", "2026-01-02"]);
    assert_eq!(last_day_of(&app, &ann).await, "2026-01-02");
    let before = written(&app, &ann).await;
    app.advance(SignedDuration::from_hours(1));
    refresh(&app, &mut ann).await;
    assert_eq!(written(&app, &ann).await, before);
    app.advance(SignedDuration::from_hours(4 * 24));
    refresh(&app, &mut ann).await;
    assert_eq!(days_of(&app, &ann).await, ["2026-01-01", "2026-01-02", "2026-01-06"]);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn who_is_refused_is_not_active() {
    let app = TestApp::new().await;
    let (ann, admin) = (app.user("ann").await, app.admin().await);
    app.advance(SignedDuration::from_hours(24));
    let wrong = json!({ "identifier": ann.email, "password": "not the password at all" });
    app.client().post("/v1/login", wrong).await.expect(401);
    app.client().post("/v1/refresh", json!({ "refresh_token": ann.access_token })).await.expect(401);
    assert_eq!(days_of(&app, &ann).await, ["2026-01-01"]);
    let admin = app.sign_in(&admin.email, PASSWORD).await.client;
    admin.post(&format!("/v1/users/{}/suspend", ann.id), json!({})).await.expect(200);
    app.client().post("/v1/refresh", json!({ "refresh_token": ann.refresh_token })).await.expect(401);
    assert_eq!(days_of(&app, &ann).await, ["2026-01-01"]);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_key_makes_its_holder_active_and_a_service_account_is_nobody() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let ann = app.user("ann").await;
    let key = ann.client.post("/v1/me/api-keys", json!({ "name": "Report" })).await.expect(201).str("key");
    let account = admin.client.post("/v1/service-accounts", json!({ "name": "robot", "permissions": [] })).await.expect(201);
    let path = format!("/v1/service-accounts/{}/keys", account.str("id"));
    let robot = admin.client.post(&path, json!({ "name": "robot" })).await.expect(201).str("key");
    app.advance(SignedDuration::from_hours(24));
    let all = "select count(*) from activity_days";
    let before = app.count(all).await;
    app.client_with(&robot).get("/v1/whoami").await.expect(200);
    assert_eq!(app.count(all).await, before);
    for _ in 0..2 {
        app.client_with(&key).get("/v1/whoami").await.expect(200);
        assert_eq!(days_of(&app, &ann).await, ["2026-01-01", "2026-01-02"]);
        app.advance(SignedDuration::from_hours(1));
    }
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn months_go_when_their_time_has_passed_and_a_purge_leaves_counts() {
    let app = TestApp::with(&[("USHER_ACTIVITY_RETENTION_DAYS", "62")]).await;
    let ann = app.user("ann").await;
    let admin = app.admin().await.client;
    admin.delete(&format!("/v1/users/{}", ann.id)).await.expect(204);
    app.advance(SignedDuration::from_hours(31 * 24));
    do_job(&app, "purge_deleted_users").await;
    do_job(&app, "forget_activity").await;
    assert_eq!(app.count("select count(*) from users").await, 1);
    assert_eq!(days_of(&app, &ann).await, ["2026-01-01"]);
    assert_eq!(app.count("select count(*) from last_active_days").await, 1);

    // Long after, whatever the month in which this schema was made.
    app.advance(SignedDuration::from_hours(3650 * 24));
    do_job(&app, "forget_activity").await;
    assert_eq!(app.count("select count(*) from activity_days").await, 0);
    assert_eq!(app.count("select count(*) from last_active_days").await, 1);
    app.finish().await;
}
