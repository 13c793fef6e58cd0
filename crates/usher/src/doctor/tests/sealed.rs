//! Changing the secret key: what was sealed before opens, and is sealed anew beside running servers.

use http::Method;
use serde_json::json;

use super::*;
use crate::app::Parts;
use crate::id::MailId;
use crate::jobs;
use crate::mail::Mailer;
use crate::router;
use crate::seal::Sealer;
use crate::testing::{Answer, Client, TestApp};

fn held(parts: &mut Parts, sealer: Sealer) {
    parts.mailer = Mailer::Held;
    parts.sealer = sealer;
}

fn new_key_only() -> Sealer {
    Sealer::new(&[8; 32])
}

fn both_keys() -> Sealer {
    new_key_only().with_previous(&[7; 32])
}

/// A process of the house with this sealer, whose keys are loaded.
async fn process(app: &TestApp, sealer: Sealer) -> App {
    let process = app.another(|parts| held(parts, sealer));
    keys::load(&process).await.unwrap();
    process
}

async fn create(process: &App, token: &str, email: &str) -> Answer {
    let client = Client::new(router::router(process), Some(token.to_owned()));
    client.send(Method::POST, "/v1/users", &[("idempotency-key", "one")], Some(json!({ "email": email }))).await
}

/// A signing key, a mail that waits, an authenticator app and a kept answer, all sealed under the old key. Returns the administrator's
/// token.
async fn with_something_sealed(app: &TestApp) -> String {
    let admin = app.admin().await;
    admin.client.post("/v1/me/second-factors/totp", json!({})).await.expect(200);
    let old = process(app, Sealer::new(&[7; 32])).await;
    create(&old, &admin.access_token, "ann@example.org").await.expect(201);
    jobs::run_due(&old, &router::jobs()).await.unwrap();
    assert_eq!(census(&old).await.unwrap(), Census { present: 4, previous: 0, unknown: 0 });
    admin.access_token
}

fn sums(done: &[(&'static str, Resealed)]) -> Vec<(u64, u64)> {
    done.iter().map(|(_, done)| (done.resealed, done.unopened)).collect()
}

#[tokio::test]
async fn every_sealed_column_of_the_schema_is_known_here() {
    let app = TestApp::new().await;
    let mut tx = app.tx().await;
    let sql = "
        select table_name || '.' || column_name
        from information_schema.columns
        where table_schema = 'public' and column_name like '%sealed%' and data_type = 'bytea'
        order by 1";
    let columns: Vec<String> = tx.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    tx.commit().await.unwrap();
    let mut known = [SIGNING_KEYS, AUDIT_KEYS, MAILS, TOTP_FACTORS, KEPT_ANSWERS];
    known.sort_unstable();
    assert_eq!(columns, known, "a new sealed column is resealed and counted too");
    app.finish().await;
}

#[tokio::test]
async fn r130_after_resealing_the_previous_key_is_not_needed() {
    let app = TestApp::new().await;
    let token = with_something_sealed(&app).await;
    let changing = process(&app, both_keys()).await;
    assert_eq!(census(&changing).await.unwrap(), Census { present: 0, previous: 4, unknown: 0 });
    // Before it is sealed anew, all of it is there, and a repeated request is recognised.
    let replayed = create(&changing, &token, "ann@example.org").await.expect(201);
    assert_eq!(replayed.headers["idempotency-replayed"], "true");
    create(&changing, &token, "bob@example.org").await.expect_problem(422, "idempotency_key_reused");
    assert_eq!(sums(&reseal(&changing).await.unwrap()), [(1, 0), (0, 0), (1, 0), (1, 0), (1, 0)]);
    assert_eq!(census(&changing).await.unwrap(), Census { present: 4, previous: 0, unknown: 0 });
    assert_eq!(sums(&reseal(&changing).await.unwrap()), [(0, 0); 5], "there is nothing left to do");
    // The old key is gone.
    let after = process(&app, new_key_only()).await;
    let mut tx = after.begin_as(Actor::Cli).await.unwrap();
    let mail = mails::list(&mut tx, 1).await.unwrap().remove(0);
    let (_, body) = mails::show(&after, &mut tx, mail.id).await.unwrap().unwrap();
    assert!(body.unwrap().text.contains("?token="));
    tx.commit().await.unwrap();
    for email in ["ann@example.org", "bob@example.org"] {
        // Bodies can't be compared any more; a repetition must not be taken for another request.
        let again = create(&after, &token, email).await.expect(201);
        assert_eq!((again.headers["idempotency-replayed"].to_str().unwrap(), again.text), ("true", replayed.text.clone()));
    }
    // A server that still has the old key in memory goes on with it.
    app.client_with(&token).get("/v1/me").await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn what_does_not_open_is_counted_and_left_as_it_is() {
    let app = TestApp::new().await;
    with_something_sealed(&app).await;
    let stranger = app.another(|parts| held(parts, Sealer::new(&[9; 32]).with_previous(&[8; 32])));
    assert_eq!(sums(&reseal(&stranger).await.unwrap()), [(0, 1), (0, 0), (0, 1), (0, 1), (0, 1)]);
    assert_eq!(census(&stranger).await.unwrap(), Census { present: 0, previous: 0, unknown: 4 });
    let mut tx = app.tx().await;
    tx.execute("update mails set body_sealed = substring(body_sealed for 20)", &[]).await.unwrap();
    tx.commit().await.unwrap();
    let changing = process(&app, both_keys()).await;
    assert_eq!(sums(&reseal(&changing).await.unwrap()), [(1, 0), (0, 0), (0, 1), (1, 0), (1, 0)]);
    assert_eq!(census(&changing).await.unwrap(), Census { present: 3, previous: 1, unknown: 0 });
    app.finish().await;
}

#[tokio::test]
async fn many_values_are_sealed_anew_once_by_two_at_the_same_time() {
    const MAILS_WAITING: u32 = 250;
    let app = TestApp::new().await;
    let mut tx = app.tx().await;
    for _ in 0..MAILS_WAITING {
        let id = MailId::new(app.now());
        let sealed = app.app.sealer.seal(&format!("mail:{id}"), br#"{"text":"t","html":"h"}"#);
        let sql = "
            insert into mails (id, template, recipient, subject, body_sealed, status, created_at)
            values ($1, 'welcome', 'ann@example.org', 's', $2, 'held', $3)";
        tx.execute(sql, &[&id, &sealed, &app.now()]).await.unwrap();
    }
    tx.commit().await.unwrap();
    let (one, two) = (process(&app, both_keys()).await, process(&app, both_keys()).await);
    let (first, second) = futures_util::join!(reseal(&one), reseal(&two));
    let both = [first.unwrap(), second.unwrap()].concat();
    assert_eq!(both.iter().map(|(_, done)| done.resealed).sum::<u64>(), u64::from(MAILS_WAITING) + 1);
    assert_eq!(both.iter().map(|(_, done)| done.unopened).sum::<u64>(), 0);
    assert_eq!(census(&one).await.unwrap(), Census { present: i64::from(MAILS_WAITING) + 1, previous: 0, unknown: 0 });
    app.finish().await;
}
