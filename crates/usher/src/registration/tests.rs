//! Sign-up, through the front door.

mod pages;
mod take_over;

use futures_util::future::join_all;
use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::mail::Message;
use crate::testing::{Answer, Client, PASSWORD, TestApp, token_in};

const OTHER_PASSWORD: &str = "seven quiet herons wading";
const VERIFY: &str = "Confirm your address for usher";
const ALREADY: &str = "You already have an account at usher";

#[tokio::test]
async fn r026_the_answer_is_the_same_whoever_has_the_address_and_only_its_owner_is_told() {
    let app = TestApp::new().await;
    let boss = app.admin().await;
    app.user("active").await;
    for (name, what) in [("suspended", "suspend"), ("deleted", "delete")] {
        let path = format!("/v1/users/{}", app.user(name).await.id);
        match what {
            "suspend" => boss.client.post(&format!("{path}/suspend"), json!({})).await.expect(200),
            _ => boss.client.delete(&path).await.expect(204),
        };
    }
    boss.client.post("/v1/users", json!({ "email": "invited@example.org" })).await.expect(201);
    sign_up(&app, &body("pending@example.org")).await.expect(202);
    app.mails().await;

    let new = sign_up(&app, &body("new@example.org")).await.expect(202).sameness();
    assert_eq!(new.2, json!({ "status": "verification_sent" }));
    for name in ["active", "suspended", "deleted", "invited", "pending", "ACTIVE"] {
        assert_eq!(sign_up(&app, &body(&format!("{name}@example.org"))).await.sameness(), new, "{name}");
    }
    let told = [
        ("active@example.org", ALREADY),
        ("active@example.org", ALREADY),
        ("invited@example.org", ALREADY),
        ("new@example.org", VERIFY),
        ("pending@example.org", VERIFY),
        ("suspended@example.org", ALREADY),
    ];
    assert_eq!(recipients(&app.mails().await), told.map(|(to, subject)| (to.to_owned(), subject.to_owned())));
    app.finish().await;
}

#[tokio::test]
async fn r026_nobody_looks_whether_the_address_is_free_before_the_answer() {
    let app = TestApp::new().await;
    ask(&app, &body("new@example.org")).await.expect(202);
    assert_eq!(app.count("select count(*) from users").await, 0);
    assert_eq!(app.count("select count(*) from jobs where kind = 'sign_up'").await, 1);
    // Who asked, and when, is as it was then.
    let asked_at = app.now();
    app.advance(SignedDuration::from_mins(5));
    app.run_jobs().await;
    let mut tx = app.tx().await;
    let sql = "select u.created_at, e.actor_kind, e.occurred_at, e.request_id is not null from users u, audit_events e where e.action = 'user.registered'";
    let row = tx.query_one(sql, &[]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((row.get(0), row.get(1), row.get(2), row.get(3)), (asked_at, "anonymous", asked_at, true));
    app.finish().await;
}

#[tokio::test]
async fn r047_of_two_sign_ups_the_later_counts_also_when_it_is_done_first() {
    let app = TestApp::new().await;
    ask(&app, &body("ann@example.org")).await.expect(202);
    let mut tx = app.tx().await;
    tx.execute("update jobs set run_at = run_at + interval '1 hour' where kind = 'sign_up'", &[]).await.unwrap();
    tx.commit().await.unwrap();
    app.advance(SignedDuration::from_secs(1));
    let mut later = body("ann@example.org");
    later["password"] = json!(OTHER_PASSWORD);
    sign_up(&app, &later).await.expect(202);
    app.advance(SignedDuration::from_hours(1));
    let link = app.mailed_token().await;
    verify(&app, &link, PASSWORD).await.expect_problem(422, "wrong_password");
    verify(&app, &link, OTHER_PASSWORD).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn r026_a_refused_password_is_refused_alike_whoever_has_the_address() {
    let app = TestApp::new().await;
    app.user("taken").await;
    let short = |email: &str| json!({ "email": email, "password": "too short" });
    let free = sign_up(&app, &short("free1@example.org")).await.expect_problem(422, "invalid_body");
    let taken = sign_up(&app, &short("taken@example.org")).await.expect_problem(422, "invalid_body");
    assert_eq!(free.fault_at("/password"), Some("password_too_short"));
    assert_eq!(free.sameness(), taken.sameness());
    assert!(app.mails().await.is_empty());
    app.finish().await;
}

#[tokio::test]
async fn r026_a_taken_user_name_is_replaced_by_a_made_up_one_with_the_same_answer() {
    let app = TestApp::new().await;
    let mut first = body("ann@example.org");
    first["username"] = json!("Calm-Ann");
    let mut second = body("eve@example.org");
    second["username"] = json!("CALM-ANN");
    let first = sign_up(&app, &first).await.expect(202).sameness();
    assert_eq!(sign_up(&app, &second).await.sameness(), first);
    for mail in app.mails().await {
        app.client().post("/v1/verify-email", json!({ "token": token_in(&mail), "password": PASSWORD })).await.expect(200);
    }
    let ann = app.sign_in("ann@example.org", PASSWORD).await.client.get("/v1/me").await.expect(200);
    assert_eq!(ann.str("username"), "Calm-Ann");
    let eve = app.sign_in("eve@example.org", PASSWORD).await.client.get("/v1/me").await.expect(200);
    assert_ne!(eve.str("username").to_lowercase(), "calm-ann");
    app.finish().await;
}

#[tokio::test]
async fn sign_up_that_is_switched_off_is_refused_alike_for_every_address() {
    for setting in ["closed", "invite"] {
        let app = TestApp::with(&[("USHER_REGISTRATION", setting)]).await;
        app.user("taken").await;
        let new = sign_up(&app, &body("new@example.org")).await.expect_problem(403, "registration_closed");
        let taken = sign_up(&app, &body("taken@example.org")).await.expect_problem(403, "registration_closed");
        assert_eq!(new.sameness(), taken.sameness());
        assert_eq!(app.count("select count(*) from users").await, 1);
        app.finish().await;
    }
}

#[tokio::test]
async fn r047_signing_up_again_kills_the_earlier_password_and_link() {
    let app = TestApp::new().await;
    let mut earlier = body("ann@example.org");
    earlier["display_name"] = json!("Mallory");
    earlier["website_url"] = json!("https://mallory.example/");
    sign_up(&app, &earlier).await.expect(202);
    let earlier_link = app.mailed_token().await;
    let mut later = body("ann@example.org");
    later["password"] = json!(OTHER_PASSWORD);
    later["display_name"] = json!("Ann");
    sign_up(&app, &later).await.expect(202);
    verify(&app, &earlier_link, PASSWORD).await.expect_problem(422, "invalid_token");
    let later_link = app.mailed_token().await;
    verify(&app, &earlier_link, PASSWORD).await.expect_problem(422, "invalid_token");
    verify(&app, &later_link, OTHER_PASSWORD).await.expect(200);
    login(&app, "ann@example.org", PASSWORD).await.expect_problem(401, "invalid_credentials");
    let me = app.sign_in("ann@example.org", OTHER_PASSWORD).await.client.get("/v1/me").await.expect(200);
    assert_eq!(me.str("display_name"), "Ann");
    assert_eq!(me.json["website_url"], Value::Null);
    assert_eq!(app.count("select count(*) from users").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn signing_up_for_an_active_account_changes_nothing_of_it() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let before = ann.client.get("/v1/me").await.expect(200);
    let mut attempt = body("ann@example.org");
    attempt["password"] = json!(OTHER_PASSWORD);
    attempt["display_name"] = json!("Mallory");
    sign_up(&app, &attempt).await.expect(202);
    assert_eq!(recipients(&app.mails().await), [("ann@example.org".to_owned(), ALREADY.to_owned())]);
    assert_eq!(ann.client.get("/v1/me").await.expect(200).text, before.text);
    login(&app, "ann@example.org", OTHER_PASSWORD).await.expect_problem(401, "invalid_credentials");
    login(&app, "ann@example.org", PASSWORD).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn an_unverified_account_cannot_sign_in_and_is_an_ordinary_user_afterwards() {
    let app = TestApp::new().await;
    sign_up(&app, &body("ann@example.org")).await.expect(202);
    login(&app, "ann@example.org", PASSWORD).await.expect_problem(401, "invalid_credentials");
    let link = app.mailed_token().await;
    login(&app, "ann@example.org", PASSWORD).await.expect_problem(401, "invalid_credentials");
    verify(&app, &link, PASSWORD).await.expect(200);
    let ann = app.sign_in("ann@example.org", PASSWORD).await;
    let me = ann.client.get("/v1/me").await.expect(200);
    assert_eq!(me.json["status"], "active");
    assert_eq!(me.json["roles"], json!(["user"]));
    ann.client.get("/v1/users").await.expect_problem(403, "forbidden");
    assert_eq!(app.count("select count(*) from audit_events where action = 'user.registered'").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn spellings_of_one_address_make_one_account() {
    let app = TestApp::new().await;
    let spellings = ["jos\u{e9}@b\u{fc}cher.example", "Jose\u{301}@B\u{dc}CHER.example", "JOS\u{c9}@xn--bcher-kva.EXAMPLE"];
    for spelling in spellings {
        sign_up(&app, &body(spelling)).await.expect(202);
    }
    assert_eq!(app.count("select count(*) from users").await, 1);
    assert_eq!(app.count("select count(*) from emails").await, 1);
    // Another address stays another address.
    sign_up(&app, &body("jose@xn--bcher-kva.example")).await.expect(202);
    assert_eq!(app.count("select count(*) from users").await, 2);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn sign_ups_of_one_address_at_the_same_time_make_one_account() {
    let app = TestApp::new().await;
    let asked = (0..20).map(|number| {
        let email = ["ann@example.org", "Ann@Example.org", "ANN@EXAMPLE.ORG", "aNN@example.ORG"][number % 4];
        patiently(app.client(), body(email))
    });
    let answers = join_all(asked).await;
    let first = answers[0].sameness();
    for answer in answers {
        assert_eq!(answer.expect(202).sameness(), first);
    }
    app.run_jobs().await;
    // One that lost a race to another, for which PostgreSQL ended it, comes back.
    app.advance(SignedDuration::from_mins(1));
    app.run_jobs().await;
    assert_eq!(app.count("select count(*) from users").await, 1);
    assert_eq!(app.count("select count(*) from emails").await, 1);
    assert_eq!(app.count("select count(*) from password_credentials").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn r281_a_repeated_sign_up_gets_the_first_answer_and_sends_no_second_mail() {
    let app = TestApp::new().await;
    let first = keyed(&app, "one", &body("ann@example.org")).await.expect(202);
    let again = keyed(&app, "one", &body("ann@example.org")).await.expect(202);
    assert_eq!(again.text, first.text);
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert!(!first.headers.contains_key("idempotency-replayed"));
    assert_eq!(app.mails().await.len(), 1);
    keyed(&app, "one", &body("eve@example.org")).await.expect_problem(422, "idempotency_key_reused");
    // The key of another operation is another key.
    let boss = app.admin().await;
    let made = boss
        .client
        .send(Method::POST, "/v1/users", &[("idempotency-key", "one")], Some(json!({ "email": "bob@example.org" })))
        .await
        .expect(201);
    assert!(!made.headers.contains_key("idempotency-replayed"));
    // A day later it is forgotten.
    app.advance(SignedDuration::from_hours(24));
    let fresh = keyed(&app, "one", &body("eve@example.org")).await.expect(202);
    assert!(!fresh.headers.contains_key("idempotency-replayed"));
    assert_eq!(app.mails().await.len(), 2);
    app.finish().await;
}

#[tokio::test]
async fn r281_repetitions_at_the_same_time_do_the_work_once() {
    let app = TestApp::new().await;
    let body = body("ann@example.org");
    for answer in join_all((0..6).map(|_| keyed(&app, "one", &body))).await {
        if answer.status != 202 {
            answer.expect_problem(409, "idempotency_key_in_flight");
        }
    }
    assert_eq!(app.mails().await.len(), 1);
    let long = "k".repeat(256);
    for unusable in ["", "two words", long.as_str()] {
        keyed(&app, unusable, &body).await.expect_problem(400, "malformed_request");
    }
    app.finish().await;
}

#[tokio::test]
async fn r202_fields_that_nobody_sets_at_sign_up_are_named() {
    let app = TestApp::new().await;
    let read_only = ["id", "role", "roles", "status", "is_admin", "email_verified", "verified_at", "tenant_id", "attributes"];
    let mut attempt = body("ann@example.org");
    for name in read_only {
        attempt[name] = json!(true);
    }
    let refused = sign_up(&app, &attempt).await.expect_problem(422, "invalid_body");
    for name in read_only {
        assert_eq!(refused.fault_at(&format!("/{name}")), Some("unknown_field"), "{name}");
    }
    assert_eq!(app.count("select count(*) from users").await, 0);
    app.finish().await;
}

#[tokio::test]
async fn r243_what_is_not_one_address_is_refused() {
    let app = TestApp::new().await;
    let two = json!(["ann@example.org", "eve@example.org"]);
    let injected = json!("ann@example.org\r\nBcc: eve@example.org");
    let others =
        [json!(""), json!("ann"), json!("Ann <ann@example.org>"), json!({ "a": 1 }), json!(null), json!("a\0@example.org")];
    for address in [two, injected].into_iter().chain(others) {
        let mut attempt = body("");
        attempt["email"] = address.clone();
        let refused = sign_up(&app, &attempt).await.expect_problem(422, "invalid_body");
        assert!(refused.fault_at("/email").is_some(), "{address}: {}", refused.text);
    }
    assert!(app.mails().await.is_empty());
    app.finish().await;
}

fn body(email: &str) -> Value {
    json!({ "email": email, "password": PASSWORD })
}

/// Signs up, and waits for what is done after the answer.
async fn sign_up(app: &TestApp, body: &Value) -> Answer {
    let answer = ask(app, body).await;
    app.run_jobs().await;
    answer
}

/// The request alone.
async fn ask(app: &TestApp, body: &Value) -> Answer {
    app.client().post("/v1/register", body.clone()).await
}

/// Asks again when the server says that it is busy, as twenty requests make a slow machine.
async fn patiently(client: Client, body: Value) -> Answer {
    for _ in 0..20 {
        let answer = client.post("/v1/register", body.clone()).await;
        if answer.status != 503 {
            return answer;
        }
    }
    client.post("/v1/register", body).await
}

async fn keyed(app: &TestApp, key: &str, body: &Value) -> Answer {
    app.client().send(Method::POST, "/v1/register", &[("idempotency-key", key)], Some(body.clone())).await
}

async fn verify(app: &TestApp, token: &str, password: &str) -> Answer {
    app.client().post("/v1/verify-email", json!({ "token": token, "password": password })).await
}

async fn login(app: &TestApp, identifier: &str, password: &str) -> Answer {
    app.client().post("/v1/login", json!({ "identifier": identifier, "password": password })).await
}

/// To whom mails went, and about what, in the order of addresses.
fn recipients(mails: &[Message]) -> Vec<(String, String)> {
    let mut found: Vec<_> = mails.iter().map(|mail| (mail.to.clone(), mail.subject.clone())).collect();
    found.sort();
    found
}
