//! Changing one's password, through the front door.

use futures_util::future::join_all;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::testing::{Answer, PASSWORD, Person, TestApp};

const NEW: &str = "seven quiet herons wading";
const WRONG: &str = "not the right password";

#[tokio::test]
async fn r007_a_new_password_needs_the_present_one_and_takes_its_place() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let refused = change(&ann, json!({ "current_password": WRONG, "password": NEW })).await;
    assert_eq!(refused.expect_problem(422, "wrong_password").fault_at("/current_password"), Some("wrong_password"));
    let refused = change(&ann, json!({ "password": NEW })).await.expect_problem(422, "invalid_body");
    assert_eq!(refused.fault_at("/current_password"), Some("required"));
    for (bad, code) in [("too short", "password_too_short"), ("ann@example.org", "password_context")] {
        let refused = change(&ann, json!({ "current_password": PASSWORD, "password": bad })).await;
        assert_eq!(refused.expect_problem(422, "invalid_body").fault_at("/password"), Some(code));
    }
    login(&app, PASSWORD).await.expect(200);
    assert!(app.mails().await.is_empty(), "nothing was changed yet");
    change(&ann, json!({ "current_password": PASSWORD, "password": NEW })).await.expect(200);
    login(&app, PASSWORD).await.expect_problem(401, "invalid_credentials");
    login(&app, NEW).await.expect(200);
    assert_eq!(app.count("select count(*) from audit_events where action = 'password.changed'").await, 1);
    let failures = "select count(*) from audit_events where action = 'sign_in' and outcome = 'failure'";
    assert_eq!(app.count(failures).await, 2);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r103_a_new_password_ends_every_session_and_the_person_goes_on_in_a_new_one() {
    let app = TestApp::new().await;
    let elsewhere = app.user("ann").await;
    let ann = app.sign_in("ann@example.org", PASSWORD).await;
    let tokens = change(&ann, json!({ "current_password": PASSWORD, "password": NEW })).await.expect(200);
    for old in [&elsewhere, &ann] {
        old.client.get("/v1/me").await.expect_problem(401, "unauthorized");
        let refused = app.client().post("/v1/refresh", json!({ "refresh_token": old.refresh_token })).await;
        refused.expect_problem(401, "invalid_refresh_token");
    }
    // new tokens of a new session.
    let client = app.client_with(&tokens.str("access_token"));
    assert_eq!(client.get("/v1/me").await.expect(200).str("id"), ann.id);
    app.client().post("/v1/refresh", json!({ "refresh_token": tokens.str("refresh_token") })).await.expect(200);
    assert_eq!(app.count("select count(*) from sessions where amr = '{pwd}'").await, 3);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r042_r029_a_new_password_kills_older_links_and_its_owner_is_told() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    app.client().post("/v1/password/forgot", json!({ "email": ann.email })).await.expect(202);
    let link = app.mailed_token().await;
    change(&ann, json!({ "current_password": PASSWORD, "password": NEW })).await.expect(200);
    let told = app.mails().await;
    assert_eq!((told.len(), told[0].to.as_str()), (1, "ann@example.org"));
    assert_eq!(told[0].subject, "A new password was set at usher");
    let reset = json!({ "token": link, "password": "another four words here" });
    app.client().post("/v1/password/reset", reset).await.expect_problem(422, "invalid_token");
    app.finish().await;
}

#[tokio::test]
async fn r007_a_new_password_needs_a_fresh_sign_in() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    app.advance(SignedDuration::from_mins(10));
    let tokens = app.client().post("/v1/refresh", json!({ "refresh_token": ann.refresh_token })).await.expect(200);
    let client = app.client_with(&tokens.str("access_token"));
    let body = json!({ "current_password": PASSWORD, "password": NEW });
    let refused = client.put("/v1/me/password", body.clone()).await.expect_problem(401, "fresh_authentication_required");
    assert!(refused.headers["www-authenticate"].to_str().unwrap().contains("max_age=\"600\""));
    let fresh = app.sign_in("ann@example.org", PASSWORD).await;
    fresh.client.put("/v1/me/password", body).await.expect(200);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r022_wrong_present_passwords_are_counted_and_locked_like_at_sign_in() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let wrong = json!({ "current_password": WRONG, "password": NEW });
    let answers = join_all((0..25).map(|_| change(&ann, wrong.clone()))).await;
    let looked_at = answers.iter().filter(|answer| answer.status == 422).count();
    // Ten as from a device that is known, ten more as from anywhere.
    assert_eq!(looked_at, 20, "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
    let right = json!({ "current_password": PASSWORD, "password": NEW });
    let refused = change(&ann, right.clone()).await.expect_problem(429, "too_many_requests");
    assert_eq!(refused.headers["retry-after"], "900");
    // The session goes on, and the lock ends.
    ann.client.get("/v1/me").await.expect(200);
    app.advance(SignedDuration::from_mins(15));
    let again = app.sign_in("ann@example.org", PASSWORD).await;
    change(&again, right).await.expect(200);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn of_changes_at_the_same_time_one_succeeds() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let others: Vec<_> = join_all((0..4).map(|_| app.sign_in("ann@example.org", PASSWORD))).await;
    let asked = others
        .iter()
        .enumerate()
        .map(|(number, person)| change(person, json!({ "current_password": PASSWORD, "password": format!("{NEW} {number}") })));
    let answers = join_all(asked).await;
    let done: Vec<usize> = (0..4).filter(|&number| answers[number].status == 200).collect();
    assert_eq!(done.len(), 1, "{answers:?}");
    login(&app, &format!("{NEW} {}", done[0])).await.expect(200);
    ann.client.get("/v1/me").await.expect(401);
    assert_eq!(app.mails().await.len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn who_has_no_password_sets_their_first_one() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let mut tx = app.tx().await;
    tx.execute("delete from password_credentials", &[]).await.unwrap();
    tx.commit().await.unwrap();
    change(&ann, json!({ "current_password": PASSWORD, "password": NEW })).await.expect_problem(422, "wrong_password");
    change(&ann, json!({ "password": NEW })).await.expect(200);
    login(&app, NEW).await.expect(200);
    app.run_jobs().await;
    app.finish().await;
}

async fn change(person: &Person, body: Value) -> Answer {
    person.client.put("/v1/me/password", body).await
}

async fn login(app: &TestApp, password: &str) -> Answer {
    app.client().post("/v1/login", json!({ "identifier": "ann@example.org", "password": password })).await
}
