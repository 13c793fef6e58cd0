//! How many invitations one may send.

use futures_util::future::join_all;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::PATH;
use crate::testing::{PASSWORD, TestApp};

const NOTED: &str = "select count(*) from audit_events where action = 'invitation.quota' and outcome = 'failure'";

#[tokio::test]
async fn the_quota_of_a_day_holds_at_the_same_time_too_and_is_noted() {
    let app = TestApp::with(&[("USHER_INVITATIONS_PER_DAY", "3")]).await;
    let (boss, root) = (app.manager().await, app.admin().await);
    let wish = |name: &str| json!({ "email": format!("{name}@example.org") });
    let names: Vec<String> = (0..6).map(|number| format!("ann{number}")).collect();
    let answers = join_all(names.iter().map(|name| boss.client.post(PATH, wish(name)))).await;
    let (made, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
    assert_eq!((made.len(), refused.len()), (3, 3));
    for answer in refused {
        let answer = answer.expect_problem(429, "invitation_quota");
        assert!(answer.headers["retry-after"].to_str().unwrap().parse::<u32>().unwrap() > 3600);
    }
    assert_eq!(app.count(NOTED).await, 3);
    // What is sent again counts; others have their own.
    let path = format!("{PATH}/{}/resend", made[0].str("id"));
    boss.client.post(&path, json!({})).await.expect_problem(429, "invitation_quota");
    root.client.post(PATH, wish("other")).await.expect(201);
    app.advance(SignedDuration::from_hours(24));
    let boss = app.sign_in("boss@example.org", PASSWORD).await;
    boss.client.post(PATH, wish("later")).await.expect(201);
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn what_was_not_sent_is_not_counted() {
    let app = TestApp::with(&[("USHER_INVITATIONS_PER_DAY", "2")]).await;
    let boss = app.manager().await;
    boss.client.post(PATH, json!({ "email": "ann@example.org" })).await.expect(201);
    for _ in 0..3 {
        boss.client.post(PATH, json!({ "email": "ann@example.org" })).await.expect_problem(409, "already_invited");
        boss.client.post(PATH, json!({ "email": "boss@example.org" })).await.expect_problem(409, "email_taken");
    }
    let many: Vec<Value> = (0..3).map(|number| json!({ "email": format!("bob{number}@example.org") })).collect();
    let told = boss.client.post(&format!("{PATH}/batch"), json!({ "invitations": many })).await.expect(202);
    assert_eq!((&told.json["created"], &told.json["items"][1]["code"]), (&json!(1), &json!("invitation_quota")));
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn one_invitation_is_sent_again_a_few_times_in_an_hour() {
    let app = TestApp::new().await;
    let boss = app.manager().await;
    let made = boss.client.post(PATH, json!({ "email": "ann@example.org" })).await.expect(201);
    let path = format!("{PATH}/{}/resend", made.str("id"));
    for _ in 0..5 {
        app.run_jobs().await;
        boss.client.post(&path, json!({})).await.expect(200);
    }
    boss.client.post(&path, json!({})).await.expect_problem(429, "too_many_requests");
    assert_eq!(app.mails().await.len(), 6, "none was withheld");
    app.finish().await;
}
