//! Leaving and coming back, through the front door.

use futures_util::future::join_all;
use http::Method;
use jiff::SignedDuration;
use serde_json::json;

use crate::testing::{Answer, PASSWORD, TestApp};

#[tokio::test]
async fn who_deletes_themselves_is_out_at_once_and_may_undo_it() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    ann.client.patch("/v1/me", json!({ "display_name": "Ann" })).await.expect(200);
    ann.client.send(Method::DELETE, "/v1/me", &[("x-reason", "too many accounts")], None).await.expect(204);
    ann.client.get("/v1/me").await.expect_problem(401, "unauthorized");
    login(&app).await.expect_problem(401, "invalid_credentials");
    let reason = "
        select count(*)
        from audit_events e
        join audit_details d on d.event_id = e.id
        where e.action = 'user.deleted' and d.content::jsonb ->> 'reason' = 'too many accounts'";
    assert_eq!(app.count(reason).await, 1);
    let mails = app.mails().await;
    assert_eq!((mails.len(), mails[0].to.as_str()), (1, "ann@example.org"));
    assert!(mails[0].text.contains("\nhttps://id.example.com/undo-deletion?token=ush_undo_"), "{}", mails[0].text);
    let token = crate::testing::token_in(&mails[0]);
    assert_eq!(undo(&app, &token).await.expect(200).json, json!({ "status": "restored" }));
    let me = app.sign_in("ann@example.org", PASSWORD).await.client.get("/v1/me").await.expect(200);
    assert_eq!((me.str("id"), me.str("display_name")), (ann.id, "Ann".to_owned()));
    assert_eq!(app.count("select count(*) from users where deleted_by is not null").await, 0);
    undo(&app, &token).await.expect_problem(422, "invalid_token");
    app.finish().await;
}

#[tokio::test]
async fn r105_leaving_needs_a_fresh_sign_in() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    app.advance(SignedDuration::from_mins(10));
    let tokens = app.client().post("/v1/refresh", json!({ "refresh_token": ann.refresh_token })).await.expect(200);
    let client = app.client_with(&tokens.str("access_token"));
    client.delete("/v1/me").await.expect_problem(401, "fresh_authentication_required");
    client.get("/v1/me").await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn r203_the_last_administrator_cannot_leave() {
    let app = TestApp::new().await;
    let root = app.admin().await;
    root.client.delete("/v1/me").await.expect_problem(409, "last_admin");
    let second = app.person("second", &["admin"]).await;
    root.client.delete("/v1/me").await.expect(204);
    second.client.delete("/v1/me").await.expect_problem(409, "last_admin");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn why_the_last_administrator_cannot_leave_is_said_on_the_page_in_their_language() {
    let app = TestApp::new().await;
    let root = app.admin().await;
    let mut browser = app.browser();
    browser.sign_in(&root.email).await.expect(303);
    browser.open("/account/delete").await.expect(200);
    let refused = browser.submit("/account/delete", &[]).await.expect(422);
    assert!(refused.text.contains("Make somebody else one first."), "{}", refused.text);
    browser.submit("/language", &[("language", "de")]).await.expect(303);
    let refused = browser.submit("/account/delete", &[]).await.expect(422);
    assert!(refused.text.contains("Danach gäbe es niemanden mehr"), "{}", refused.text);
    assert_eq!(root.client.get("/v1/me").await.expect(200).str("status"), "active");
    app.finish().await;
}

#[tokio::test]
async fn whom_an_administrator_has_deleted_cannot_undo_it() {
    let app = TestApp::new().await;
    let boss = app.admin().await;
    let ann = app.user("ann").await;
    let path = format!("/v1/users/{}", ann.id);
    boss.client.delete(&path).await.expect(204);
    assert!(app.mails().await.is_empty(), "there is nothing to undo");
    boss.client.post(&format!("{path}/restore"), json!({})).await.expect(200);
    // They delete themselves, and the administrator does so too.
    let ann = app.sign_in("ann@example.org", PASSWORD).await;
    ann.client.delete("/v1/me").await.expect(204);
    let token = app.mailed_token().await;
    boss.client.delete(&path).await.expect(204);
    undo(&app, &token).await.expect_problem(422, "invalid_token");
    assert_eq!(app.count("select count(*) from audit_events where action = 'user.deleted'").await, 3);
    // Also when the mail was not yet made.
    boss.client.post(&format!("{path}/restore"), json!({})).await.expect(200);
    let ann = app.sign_in("ann@example.org", PASSWORD).await;
    ann.client.delete("/v1/me").await.expect(204);
    boss.client.delete(&path).await.expect(204);
    assert!(app.mails().await.is_empty());
    app.finish().await;
}

#[tokio::test]
async fn a_link_does_not_undo_what_an_administrator_did_after_a_restore() {
    let app = TestApp::new().await;
    let boss = app.admin().await;
    let ann = app.user("ann").await;
    ann.client.delete("/v1/me").await.expect(204);
    let token = app.mailed_token().await;
    let path = format!("/v1/users/{}", ann.id);
    boss.client.post(&format!("{path}/restore"), json!({})).await.expect(200);
    undo(&app, &token).await.expect_problem(422, "invalid_token");
    boss.client.post(&format!("{path}/suspend"), json!({})).await.expect(200);
    undo(&app, &token).await.expect_problem(422, "invalid_token");
    login(&app).await.expect(401);
    app.finish().await;
}

#[tokio::test]
async fn r041_a_deletion_is_undone_within_thirty_days() {
    let app = TestApp::new().await;
    let days = |days: i64| SignedDuration::from_hours(24 * days);
    let mut tokens = Vec::new();
    for name in ["ann", "bob"] {
        app.user(name).await.client.delete("/v1/me").await.expect(204);
        tokens.push(app.mailed_token().await);
    }
    app.advance(days(30) - SignedDuration::from_secs(1));
    undo(&app, &tokens[0]).await.expect(200);
    app.advance(SignedDuration::from_secs(1));
    undo(&app, &tokens[1]).await.expect_problem(422, "invalid_token");
    app.finish().await;
}

#[tokio::test]
async fn r040_of_undos_at_the_same_time_one_succeeds() {
    let app = TestApp::new().await;
    app.user("ann").await.client.delete("/v1/me").await.expect(204);
    let token = app.mailed_token().await;
    let answers = join_all((0..6).map(|_| undo(&app, &token))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert_eq!(app.count("select count(*) from audit_events where action = 'user.restored'").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn r043_opening_the_page_changes_nothing_and_its_button_undoes() {
    let app = TestApp::new().await;
    app.user("ann").await.client.delete("/v1/me").await.expect(204);
    let token = app.mailed_token().await;
    let page = app.client().get(&format!("/undo-deletion?token={token}")).await.expect(200);
    assert!(page.text.contains("Keep your account") && page.text.contains(&token));
    assert_eq!(page.headers["referrer-policy"], "no-referrer");
    login(&app).await.expect(401);
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let send = async || {
        let form = format!("token={token}").into_bytes();
        app.client().send_raw(Method::POST, "/undo-deletion", &headers, form).await.expect(200).text
    };
    assert!(send().await.contains("Your account is back"));
    login(&app).await.expect(200);
    assert!(send().await.contains("This link does not work"));
    app.finish().await;
}

async fn undo(app: &TestApp, token: &str) -> Answer {
    app.client().post("/v1/undo-deletion", json!({ "token": token })).await
}

async fn login(app: &TestApp) -> Answer {
    app.client().post("/v1/login", json!({ "identifier": "ann@example.org", "password": PASSWORD })).await
}
