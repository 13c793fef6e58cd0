//! Setting the server up, through the front door.

use futures_util::future::join_all;
use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::issue_token;
use crate::caller::PermissionSet;
use crate::secret::{Purpose, new_bearer};
use crate::testing::{Answer, PASSWORD, TestApp};
use crate::users;

const ADMINS: &str = "select count(*) from user_roles where role_name = 'admin'";

#[tokio::test]
async fn r014_the_setup_token_makes_an_administrator_who_holds_every_permission() {
    let app = TestApp::new().await;
    let token = token(&app).await;
    let made = set_up(&app, &body(&token)).await.expect(201);
    assert_eq!(made.headers["location"], format!("/v1/users/{}", made.str("id")));
    assert_eq!(made.etag(), format!("\"{}\"", made.json["version"]));
    assert_eq!(made.json["status"], "active");
    assert_eq!(made.json["email_verified"], true);
    assert_eq!(made.json["roles"], json!(["admin", "user"]));

    let grace = app.sign_in("grace@example.org", PASSWORD).await;
    let mut tx = app.tx().await;
    let user = users::read(&mut tx, grace.id.parse().unwrap()).await.unwrap();
    tx.commit().await.unwrap();
    assert!(user.permissions.covers(PermissionSet::all()));
    for path in ["/v1/users", "/v1/roles", "/v1/permissions", "/v1/audit-events"] {
        grace.client.get(path).await.expect(200);
    }
    // The set-up is in the audit trail, and no mail was needed.
    assert_eq!(app.count("select count(*) from audit_events where action = 'server.set_up' and outcome = 'success'").await, 1);
    assert!(app.mails().await.is_empty());
    app.finish().await;
}

#[tokio::test]
async fn r014_a_wrong_token_or_one_of_another_purpose_is_refused() {
    let app = TestApp::new().await;
    let real = token(&app).await;
    let foreign = [new_bearer(Purpose::Setup), new_bearer(Purpose::VerifyEmail)].map(|secret| secret.reveal().to_owned());
    let renamed = real.replace("ush_setup_", "ush_welcome_");
    for wrong in [foreign[0].as_str(), &foreign[1], &renamed, "ush_setup_", "nonsense", &real[..real.len() - 1]] {
        let refused = set_up(&app, &body(wrong)).await.expect_problem(422, "invalid_token");
        assert_eq!(refused.fault_at("/token"), Some("invalid_token"), "{wrong}");
    }
    assert_eq!(app.count("select count(*) from users").await, 0);
    set_up(&app, &body(&real)).await.expect(201);
    app.finish().await;
}

#[tokio::test]
async fn r041_a_setup_token_expires_after_a_day_and_dies_with_a_newer_one() {
    let app = TestApp::new().await;
    let older = token(&app).await;
    let newer = token(&app).await;
    set_up(&app, &body(&older)).await.expect_problem(422, "invalid_token");
    app.advance(SignedDuration::from_hours(24));
    set_up(&app, &body(&newer)).await.expect_problem(422, "invalid_token");
    let newest = token(&app).await;
    app.advance(SignedDuration::from_hours(24) - SignedDuration::from_secs(1));
    set_up(&app, &body(&newest)).await.expect(201);
    app.finish().await;
}

#[tokio::test]
async fn a_second_set_up_is_refused_and_makes_no_second_administrator() {
    let app = TestApp::new().await;
    let token = token(&app).await;
    set_up(&app, &body(&token)).await.expect(201);
    let mut again = body(&token);
    again["email"] = json!("mallory@example.org");
    set_up(&app, &again).await.expect_problem(409, "setup_done");
    again["token"] = json!(new_bearer(Purpose::Setup).reveal());
    set_up(&app, &again).await.expect_problem(409, "setup_done");
    // Nobody gets another token either.
    assert!(issue_token(&app.app).await.unwrap().is_none());
    assert_eq!(app.count(ADMINS).await, 1);
    app.finish().await;
}

#[tokio::test]
async fn set_ups_at_the_same_time_make_one_administrator() {
    let app = TestApp::new().await;
    let token = token(&app).await;
    let asked = (0..6).map(|number| {
        let mut body = body(&token);
        body["email"] = json!(format!("grace{number}@example.org"));
        let client = app.client();
        async move { client.post("/v1/setup", body).await }
    });
    let (made, refused): (Vec<_>, Vec<_>) = join_all(asked).await.into_iter().partition(|answer| answer.status == 201);
    assert_eq!(made.len(), 1);
    for answer in refused {
        answer.expect_problem(409, "setup_done");
    }
    assert_eq!(app.count(ADMINS).await, 1);
    assert_eq!(app.count("select count(*) from users").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn r005_the_password_policy_holds_for_the_administrator_and_a_refusal_keeps_the_token() {
    let app = TestApp::new().await;
    let token = token(&app).await;
    let policy = [
        ("plum kettle or", "password_too_short"),
        ("Passwordpassword", "password_common"),
        ("usherusherusher", "password_context"),
        ("grace@example.org", "password_context"),
        ("grace hopper 1234567", "password_context"),
    ];
    for (password, code) in policy {
        let mut body = body(&token);
        body["password"] = json!(password);
        let refused = set_up(&app, &body).await.expect_problem(422, "invalid_body");
        assert_eq!(refused.fault_at("/password"), Some(code), "{password}");
        assert!(!refused.text.contains(password), "the refusal repeats the password");
    }
    let mut long = body(&token);
    long["password"] = json!("0123456789abcdef-".repeat(64));
    let refused = set_up(&app, &long).await.expect_problem(422, "invalid_body");
    assert_eq!(refused.fault_at("/password"), Some("password_too_long"));
    set_up(&app, &body(&token)).await.expect(201);
    app.finish().await;
}

#[tokio::test]
async fn r202_fields_that_set_up_does_not_know_are_named() {
    let app = TestApp::new().await;
    let token = token(&app).await;
    let mut body = body(&token);
    for name in ["roles", "id", "status", "email_verified"] {
        body[name] = json!("admin");
    }
    let refused = set_up(&app, &body).await.expect_problem(422, "invalid_body");
    for pointer in ["/roles", "/id", "/status", "/email_verified"] {
        assert_eq!(refused.fault_at(pointer), Some("unknown_field"), "{pointer}");
    }
    assert_eq!(app.count("select count(*) from users").await, 0);
    app.finish().await;
}

#[tokio::test]
async fn r014_before_set_up_no_account_exists_and_nothing_that_needs_one_works() {
    let app = TestApp::new().await;
    let client = app.client();
    assert_eq!(app.count("select count(*) from users").await, 0);
    for (identifier, password) in [("admin", "admin"), ("root", "root"), ("admin@example.com", "password"), ("usher", "usher")] {
        let body = json!({ "identifier": identifier, "password": password });
        client.post("/v1/login", body).await.expect_problem(401, "invalid_credentials");
    }
    for path in ["/v1/me", "/v1/users", "/v1/roles", "/v1/audit-events"] {
        client.get(path).await.expect_problem(401, "unauthorized");
    }
    // Who signs up meanwhile is an ordinary user.
    client.post("/v1/register", json!({ "email": "ann@example.org", "password": PASSWORD })).await.expect(202);
    let link = app.mailed_token().await;
    client.post("/v1/verify-email", json!({ "token": link, "password": PASSWORD })).await.expect(200);
    let ann = app.sign_in("ann@example.org", PASSWORD).await;
    ann.client.get("/v1/users").await.expect_problem(403, "forbidden");
    assert_eq!(app.count(ADMINS).await, 0);
    let token = token(&app).await;
    set_up(&app, &body(&token)).await.expect(201);
    app.finish().await;
}

#[tokio::test]
async fn r281_a_repeated_set_up_gets_the_first_answer_again() {
    let app = TestApp::new().await;
    let token = token(&app).await;
    let send = |body: Value| {
        let client = app.client();
        async move { client.send(Method::POST, "/v1/setup", &[("idempotency-key", "first")], Some(body)).await }
    };
    let first = send(body(&token)).await.expect(201);
    let again = send(body(&token)).await.expect(201);
    assert_eq!(again.text, first.text);
    assert_eq!(again.headers["location"], first.headers["location"]);
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let mut other = body(&token);
    other["display_name"] = json!("Mallory");
    send(other).await.expect_problem(422, "idempotency_key_reused");
    app.finish().await;
}

#[tokio::test]
async fn r005_the_user_name_is_no_password_for_the_administrator() {
    let app = TestApp::new().await;
    let token = token(&app).await;
    let mut body = body(&token);
    body["username"] = json!("seven-quiet-herons");
    for password in ["seven-quiet-herons", "SEVEN-quiet-herons", "seven-quiet-herons1"] {
        body["password"] = json!(password);
        let refused = set_up(&app, &body).await.expect_problem(422, "invalid_body");
        assert_eq!(refused.fault_at("/password"), Some("password_context"), "{password}");
    }
    // It was the user name: under another one the password is good.
    body["username"] = json!("grace");
    body["password"] = json!("seven-quiet-herons");
    set_up(&app, &body).await.expect(201);
    app.finish().await;
}

#[tokio::test]
async fn r042_of_setup_tokens_made_at_the_same_time_one_lives() {
    let app = TestApp::new().await;
    let mut tokens = Vec::new();
    // At first the connections are still being made, and the tokens with them one by one.
    for _ in 0..5 {
        tokens = join_all((0..6).map(|_| token(&app))).await;
        assert_eq!(app.count("select count(*) from one_time_tokens where used_at is null").await, 1);
    }
    assert_eq!(app.count("select count(*) from one_time_tokens where purpose = 'setup'").await, 30);
    let mut made = 0;
    for token in tokens {
        let answer = set_up(&app, &body(&token)).await;
        match answer.status.as_u16() {
            201 => made += 1,
            409 => drop(answer.expect_problem(409, "setup_done")),
            _ => drop(answer.expect_problem(422, "invalid_token")),
        }
    }
    assert_eq!(made, 1);
    app.finish().await;
}

#[tokio::test]
async fn r047_a_sign_up_that_was_never_verified_does_not_stop_the_set_up() {
    let app = TestApp::new().await;
    let client = app.client();
    let sign_up = json!({ "email": "GRACE@example.org", "password": "seven quiet herons wading" });
    client.post("/v1/register", sign_up).await.expect(202);
    let link = app.mailed_token().await;
    let token = token(&app).await;
    let made = set_up(&app, &body(&token)).await.expect(201);
    assert_eq!(app.count("select count(*) from users").await, 1);
    assert_eq!(app.count("select count(*) from audit_events where action = 'user.purged'").await, 1);
    client.post("/v1/verify-email", json!({ "token": link, "password": PASSWORD })).await.expect_problem(422, "invalid_token");
    assert_eq!(app.sign_in("grace@example.org", PASSWORD).await.id, made.str("id"));
    assert!(app.mails().await.is_empty());
    app.finish().await;
}

async fn token(app: &TestApp) -> String {
    issue_token(&app.app).await.unwrap().unwrap().reveal().to_owned()
}

fn body(token: &str) -> Value {
    json!({ "token": token, "email": "grace@example.org", "password": PASSWORD, "display_name": "Grace Hopper" })
}

async fn set_up(app: &TestApp, body: &Value) -> Answer {
    app.client().post("/v1/setup", body.clone()).await
}

#[tokio::test]
async fn r014_the_page_makes_the_first_administrator_and_nobody_after_them() {
    let app = TestApp::new().await;
    let token = token(&app).await;
    let mut browser = app.browser();
    assert!(browser.open("/setup").await.expect(200).text.contains("Setup token"));
    let form = |token: &'static str, email: &'static str, password: &'static str| {
        [("token", token), ("email", email), ("display_name", ""), ("password", password)]
    };
    for (fields, text) in [
        (form("ush_setup_x", "grace@example.org", PASSWORD), "This setup token does not work"),
        (form("", "", ""), "Enter the setup token."),
        (form("x", "grace@", "short"), "The address must be an e-mail address"),
    ] {
        let refused = browser.submit("/setup", &fields).await.expect(422);
        assert!(refused.text.contains(text), "{}", refused.text);
    }
    assert_eq!(app.count(ADMINS).await, 0);
    let fields = [("token", token.as_str()), ("email", "grace@example.org"), ("display_name", "Grace"), ("password", PASSWORD)];
    assert!(browser.submit("/setup", &fields).await.expect(200).text.contains("is set up"));
    assert!(browser.submit("/setup", &fields).await.expect(200).text.contains("It is set up already"));
    assert!(!app.browser().open("/setup").await.expect(200).text.contains("action=\"/setup\""));
    assert_eq!(app.count(ADMINS).await, 1);
    app.browser().sign_in("grace@example.org").await.expect(303);
    app.finish().await;
}
