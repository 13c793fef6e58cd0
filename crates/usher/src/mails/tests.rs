//! The queue of mails: sealed at rest, held without an SMTP server, retried, and forgotten once sent.

mod render;

use jiff::SignedDuration;
use serde_json::json;

use super::{Template, list, retry, show};
use crate::app::App;
use crate::id::MailId;
use crate::jobs;
use crate::mail::Mailer;
use crate::router;
use crate::testing::TestApp;

/// The same deployment in a process that has no SMTP server.
fn without_smtp(app: &TestApp) -> App {
    app.another(|parts| parts.mailer = Mailer::Held)
}

async fn run(app: &App) {
    jobs::run_due(app, &router::jobs()).await.unwrap();
}

/// Asks for a welcome mail and composes it in a process without SMTP.
async fn held_mail(app: &TestApp) -> (App, MailId) {
    let admin = app.admin().await.client;
    admin.post("/v1/users", json!({ "email": "ann@example.org", "display_name": "Ann" })).await.expect(201);
    let held = without_smtp(app);
    run(&held).await;
    let mut tx = app.tx().await;
    let mails = list(&mut tx, 10).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((mails.len(), mails[0].status.as_str()), (1, "held"));
    (held, mails[0].id)
}

async fn row(app: &TestApp) -> (String, i32, Option<Vec<u8>>, Option<String>) {
    let mut tx = app.tx().await;
    let row = tx.query_one("select status, attempts, body_sealed, last_error from mails", &[]).await.unwrap();
    tx.commit().await.unwrap();
    (row.get(0), row.get(1), row.get(2), row.get(3))
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn a_held_mail_can_be_read_and_is_sealed_at_rest() {
    let app = TestApp::new().await;
    let (held, id) = held_mail(&app).await;
    let mut tx = app.tx().await;
    let (mail, body) = show(&held, &mut tx, id).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    let body = body.unwrap();
    assert_eq!((mail.recipient.as_str(), mail.template.as_str(), mail.attempts), ("ann@example.org", "welcome", 0));
    assert!(body.text.contains("https://id.example.com/reset-password?token=ush_"), "{}", body.text);
    assert!(body.html.contains("reset-password?token=ush_"), "{}", body.html);
    let sealed = row(&app).await.2.unwrap();
    for readable in ["token=", "ush_welcome", "https:", "Hello Ann"] {
        assert!(!contains(&sealed, readable), "{readable}");
    }
    // The token is in the database as a hash only, and not in a job either.
    let readable = "select count(*) from one_time_tokens where encode(token_hash, 'escape') like '%ush%'";
    assert_eq!(app.count(readable).await, 0);
    assert_eq!(app.count("select count(*) from jobs").await, 0);
    assert!(app.mails().await.is_empty());
    app.finish().await;
}

#[tokio::test]
async fn a_sealed_body_opens_in_its_own_row_only() {
    let app = TestApp::new().await;
    let (held, _) = held_mail(&app).await;
    let other = MailId::new(app.now());
    let mut tx = app.tx().await;
    tx.execute("update mails set id = $1", &[&other]).await.unwrap();
    let error = show(&held, &mut tx, other).await.unwrap_err();
    assert_eq!(error.code(), None, "{error}");
    assert!(show(&held, &mut tx, MailId::new(app.now())).await.unwrap().is_none());
    drop(tx);
    app.finish().await;
}

#[tokio::test]
async fn a_held_mail_is_sent_by_a_retry_and_its_body_forgotten() {
    let app = TestApp::new().await;
    let (held, id) = held_mail(&app).await;
    let mut tx = app.tx().await;
    assert_eq!(retry(&held, &mut tx, Some(id)).await.unwrap_err().code(), Some("no_smtp_server"));
    assert_eq!(retry(&app.app, &mut tx, Some(MailId::new(app.now()))).await.unwrap(), 0);
    assert_eq!(retry(&app.app, &mut tx, Some(id)).await.unwrap(), 1);
    // It is in the queue now: a second retry finds nothing to do.
    assert_eq!(retry(&app.app, &mut tx, None).await.unwrap(), 0);
    tx.commit().await.unwrap();
    let mails = app.mails().await;
    assert_eq!((mails.len(), mails[0].id.as_str()), (1, id.to_string().as_str()));
    assert!(mails[0].text.contains("?token=ush_"));
    assert_eq!(row(&app).await, ("sent".to_owned(), 1, None, None));
    let mut tx = app.tx().await;
    let (mail, body) = show(&held, &mut tx, id).await.unwrap().unwrap();
    assert!(body.is_none());
    assert_eq!(mail.sent_at, Some(app.now()));
    assert_eq!(retry(&app.app, &mut tx, None).await.unwrap(), 0);
    tx.commit().await.unwrap();
    assert_eq!(app.count("select count(*) from audit_events where action = 'mail.retried'").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn a_mail_that_cannot_be_delivered_is_tried_twelve_times_and_then_waits_for_a_person() {
    let mut app = TestApp::new().await;
    app.expect_error("gave up a job");
    let (held, id) = held_mail(&app).await;
    let mut tx = app.tx().await;
    retry(&app.app, &mut tx, Some(id)).await.unwrap();
    tx.commit().await.unwrap();
    for attempt in 1..=12 {
        run(&held).await;
        let (status, attempts, body, error) = row(&app).await;
        assert_eq!((status.as_str(), attempts), (if attempt < 12 { "queued" } else { "failed" }, attempt));
        assert!(body.is_some() && error.unwrap().contains("USHER_SMTP_URL"));
        app.advance(SignedDuration::from_hours(1));
    }
    let mut tx = app.tx().await;
    let queue = super::count(&mut tx).await.unwrap();
    assert_eq!((queue.held, queue.given_up), (0, 1));
    assert_eq!(retry(&app.app, &mut tx, None).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(app.mails().await.len(), 1);
    assert_eq!(row(&app).await.0, "sent");
    // The dead job stays to be seen.
    app.may_leave_jobs();
    app.finish().await;
}

#[tokio::test]
async fn r044_a_mail_goes_to_the_address_that_the_database_has_when_it_is_made() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let ann = admin.post("/v1/users", json!({ "email": "ann@example.org" })).await.expect(201);
    let bob = admin.post("/v1/users", json!({ "email": "bob@example.org" })).await.expect(201);
    let mut tx = app.tx().await;
    let sql = "update emails set address = 'anna@example.org', address_normal = 'anna@example.org' where user_id::text = $1";
    tx.execute(sql, &[&ann.str("id")]).await.unwrap();
    tx.commit().await.unwrap();
    // Who has been deleted since gets none.
    admin.delete(&format!("/v1/users/{}", bob.str("id"))).await.expect(204);
    let to: Vec<String> = app.mails().await.into_iter().map(|mail| mail.to).collect();
    assert_eq!(to, ["anna@example.org"]);
    app.finish().await;
}

#[tokio::test]
async fn r042_a_link_is_not_made_for_somebody_who_was_suspended_meanwhile() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let ann = app.user("ann").await;
    let invited = admin.post("/v1/users", json!({ "email": "invited@example.org" })).await.expect(201);
    app.client().post("/v1/password/forgot", json!({ "email": "ann@example.org" })).await.expect(202);
    // The address was looked up before the suspension, and the mail is made after it.
    let mut tx = app.tx().await;
    super::request(&mut tx, Template::ResetPassword, ann.id.parse().unwrap()).await.unwrap();
    tx.commit().await.unwrap();
    for id in [&ann.id, &invited.str("id")] {
        admin.post(&format!("/v1/users/{id}/suspend"), json!({})).await.expect(200);
    }
    assert!(app.mails().await.is_empty());
    assert_eq!(app.count("select count(*) from one_time_tokens").await, 0);
    assert_eq!(app.count("select count(*) from mails").await, 0);
    // It does not come later either.
    for id in [&ann.id, &invited.str("id")] {
        admin.post(&format!("/v1/users/{id}/reactivate"), json!({})).await.expect(200);
    }
    assert!(app.mails().await.is_empty());
    app.finish().await;
}

#[tokio::test]
async fn the_mails_to_a_user_are_listed_for_whoever_looks_after_them() {
    let app = TestApp::new().await;
    let (admin, ann, ben) = (app.admin().await, app.user("ann").await, app.user("ben").await);
    for _ in 0..2 {
        admin.client.post(&format!("/v1/users/{}/reset-password", ann.id), json!({})).await.expect(202);
    }
    run(&app.app).await;
    let way = format!("/v1/users/{}/mails", ann.id);
    let first = admin.client.get(&format!("{way}?limit=1")).await.expect(200).json;
    let mail = &first["items"][0];
    assert_eq!((&mail["kind"], &mail["recipient"]), (&json!("reset_password"), &json!(ann.email)), "{mail}");
    assert!(!mail.to_string().contains("token"), "{mail}");
    let older = admin.client.get(&format!("{way}?limit=1&cursor={}", first["next"].as_str().unwrap())).await.expect(200).json;
    assert_eq!(older["items"][0]["user_id"], json!(ann.id), "{older}");
    assert_ne!(older["items"][0]["id"], mail["id"]);
    let others = admin.client.get(&format!("/v1/users/{}/mails", ben.id)).await.expect(200).json;
    assert!(others["items"].as_array().unwrap().iter().all(|mail| mail["user_id"] == json!(ben.id)), "{others}");
    ben.client.get(&way).await.expect(403);
    app.finish().await;
}

#[tokio::test]
async fn a_mail_is_forgotten_after_thirty_days() {
    let app = TestApp::new().await;
    held_mail(&app).await;
    for (days, left) in [(29, 1), (2, 0)] {
        app.advance(SignedDuration::from_hours(days * 24));
        let mut tx = app.tx().await;
        jobs::enqueue(&mut tx, "forget_mails", &json!({})).await.unwrap();
        tx.commit().await.unwrap();
        app.run_jobs().await;
        assert_eq!(app.count("select count(*) from mails").await, left);
    }
    app.finish().await;
}
