//! Signing in with a passkey through the front door.

use futures_util::future::join_all;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::testing::{Answer, Authenticator, PASSWORD, Person, TestApp};

const OPTIONS: &str = "/v1/login/passkey/options";
const SIGN_IN: &str = "/v1/login/passkey";

/// Somebody with a passkey, in the session that goes on.
async fn with_passkey(app: &TestApp, person: &Person, authenticator: &mut Authenticator) -> Person {
    let asked = person.client.post("/v1/me/passkeys/options", json!({})).await.expect(200);
    let credential = authenticator.create(&asked.json["options"]);
    let body = json!({ "ceremony": asked.str("ceremony"), "credential": credential, "name": "Phone" });
    app.person_of(&person.client.post("/v1/me/passkeys", body).await.expect(200)).await
}

async fn answer(app: &TestApp, authenticator: &mut Authenticator, wanted: Value) -> Value {
    let asked = app.client().post(OPTIONS, wanted).await.expect(200);
    json!({ "ceremony": asked.str("ceremony"), "credential": authenticator.get(&asked.json["options"]) })
}

async fn sign_in(app: &TestApp, authenticator: &mut Authenticator) -> Answer {
    let body = answer(app, authenticator, json!({})).await;
    app.client().post(SIGN_IN, body).await
}

#[tokio::test]
async fn r082_a_passkey_alone_signs_in_with_two_factors() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let mut phone = Authenticator::new(b"phone");
    with_passkey(&app, &ann, &mut phone).await;
    let begun = sign_in(&app, &mut phone).await.expect(200);
    let person = app.person_of(&begun).await;
    assert_eq!(person.email, ann.email);
    let listed = person.client.get("/v1/me/passkeys").await.expect(200);
    assert!(listed.json["items"][0]["last_used_at"].is_string());
    let refreshed = app.client().post("/v1/refresh", json!({ "refresh_token": person.refresh_token })).await.expect(200);
    app.person_of(&refreshed).await;
    phone.is_verified = false;
    sign_in(&app, &mut phone).await.expect_problem(401, "invalid_credentials");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r080_r081_an_answer_is_good_once_and_for_its_challenge_here() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let mut phone = Authenticator::new(b"phone");
    with_passkey(&app, &ann, &mut phone).await;
    let body = answer(&app, &mut phone, json!({})).await;
    app.client().post(SIGN_IN, body.clone()).await.expect(200);
    app.client().post(SIGN_IN, body.clone()).await.expect_problem(401, "invalid_credentials");
    let mut other = answer(&app, &mut phone, json!({})).await;
    other["credential"] = body["credential"].clone();
    app.client().post(SIGN_IN, other).await.expect_problem(401, "invalid_credentials");
    let late = answer(&app, &mut phone, json!({})).await;
    app.advance(SignedDuration::from_mins(5));
    app.client().post(SIGN_IN, late).await.expect_problem(401, "invalid_credentials");
    phone.origin = "https://id.example.com.evil.example".to_owned();
    sign_in(&app, &mut phone).await.expect_problem(401, "invalid_credentials");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r080_of_twenty_who_show_one_answer_at_the_same_time_one_is_let_in() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let mut phone = Authenticator::new(b"phone");
    with_passkey(&app, &ann, &mut phone).await;
    let (client, body) = (app.client(), answer(&app, &mut phone, json!({})).await);
    let answers = join_all((0..20).map(|_| client.post(SIGN_IN, body.clone()))).await;
    let (let_in, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!(let_in.len(), 1);
    for answer in refused {
        answer.expect_problem(401, "invalid_credentials");
    }
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r084_a_count_that_does_not_rise_is_refused_and_noted() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let mut phone = Authenticator::new(b"phone");
    phone.count = 4;
    with_passkey(&app, &ann, &mut phone).await;
    sign_in(&app, &mut phone).await.expect_problem(401, "invalid_credentials");
    assert_eq!(app.count("select count(*) from audit_events where action = 'passkey.copied'").await, 1);
    phone.count = 5;
    sign_in(&app, &mut phone).await.expect(200);
    // That it may be copied never changes.
    phone.count = 6;
    phone.is_backed_up = true;
    sign_in(&app, &mut phone).await.expect_problem(401, "invalid_credentials");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r085_r086_a_passkey_opens_its_owners_account_and_the_question_tells_nothing() {
    let app = TestApp::new().await;
    let (ann, bob) = (app.user("ann").await, app.user("bob").await);
    let (mut phone, mut key) = (Authenticator::new(b"phone"), Authenticator::new(b"key"));
    let asked = app.client().post(OPTIONS, json!({})).await.expect(200);
    assert_eq!(asked.json["options"]["allowCredentials"], json!([]));
    with_passkey(&app, &ann, &mut phone).await;
    let bob = with_passkey(&app, &bob, &mut key).await;
    let own = phone.handle.clone();
    phone.handle.clone_from(&key.handle);
    sign_in(&app, &mut phone).await.expect_problem(401, "invalid_credentials");
    phone.handle = own;
    sign_in(&app, &mut Authenticator::new(b"unknown")).await.expect_problem(401, "invalid_credentials");
    // After the password, one's own only; and so as a fresh proof.
    let body = json!({ "identifier": ann.email, "password": PASSWORD });
    let pending = app.client().post("/v1/login", body).await.expect(202).str("pending_token");
    let theirs = answer(&app, &mut key, json!({ "pending_token": pending })).await;
    app.client().post(SIGN_IN, theirs).await.expect_problem(401, "invalid_credentials");
    let own = answer(&app, &mut phone, json!({ "pending_token": pending })).await;
    let ann = app.person_of(&app.client().post(SIGN_IN, own).await.expect(200)).await;
    let body = answer(&app, &mut phone, json!({})).await;
    bob.client.post("/v1/reauthenticate/passkey", body).await.expect_problem(401, "invalid_credentials");
    let body = answer(&app, &mut phone, json!({})).await;
    let again = ann.client.post("/v1/reauthenticate/passkey", body).await.expect(200);
    assert_eq!(app.person_of(&again).await.id, ann.id);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn after_a_password_a_passkey_ends_the_attempt_that_asked_for_it() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let mut phone = Authenticator::new(b"phone");
    with_passkey(&app, &ann, &mut phone).await;
    let attempts = async || {
        let found = admin.client.get(&format!("/v1/users/{}/sign-ins", ann.id)).await.expect(200);
        found.json["items"].as_array().unwrap().clone()
    };
    let second = |result: &str| json!({ "about": "second_factor", "result": result });
    let last = |attempt: &Value| attempt["decisions"].as_array().unwrap().last().unwrap().clone();
    let login = json!({ "identifier": ann.email, "password": PASSWORD });
    let pending = app.client().post("/v1/login", login).await.expect(202).str("pending_token");
    assert_eq!(attempts().await[0]["refusal"], "second_factor_missing");
    phone.is_verified = false;
    let wrong = answer(&app, &mut phone, json!({ "pending_token": pending })).await;
    app.client().post(SIGN_IN, wrong).await.expect_problem(401, "invalid_credentials");
    phone.is_verified = true;
    let right = answer(&app, &mut phone, json!({ "pending_token": pending })).await;
    app.client().post(SIGN_IN, right).await.expect(200);
    let found = attempts().await;
    assert_eq!(found.len(), 3, "both answers, and the sign-in of before: {found:?}");
    assert_eq!((&found[0]["signed_in"], last(&found[0])), (&json!(true), second("right")));
    assert_eq!((&found[1]["refusal"], last(&found[1])), (&json!("passkey"), second("wrong")));
    assert_eq!(found[1]["explanation"], "The password was right, but the passkey that was shown then did not fit.");
    assert_eq!((&found[0]["asked_at"], &found[2]["asked_at"]), (&found[1]["asked_at"], &Value::Null));

    // A page asks for any passkey; which sign-in it goes on with is in a cookie.
    app.advance(SignedDuration::from_secs(1));
    let mut browser = app.browser();
    browser.sign_in(&ann.email).await.expect(303);
    browser.open("/sign-in/second-factor").await.expect(200);
    assert_eq!(attempts().await[0]["refusal"], "second_factor_missing");
    let any = answer(&app, &mut phone, json!({})).await;
    let (ceremony, credential) = (any["ceremony"].as_str().unwrap(), any["credential"].to_string());
    browser.submit("/sign-in/passkey", &[("ceremony", ceremony), ("credential", &credential)]).await.expect(303);
    let found = attempts().await;
    assert_eq!((found.len(), last(&found[0])), (4, second("right")));

    // Alone it is no second factor.
    app.advance(SignedDuration::from_secs(1));
    sign_in(&app, &mut phone).await.expect(200);
    let found = attempts().await;
    assert_eq!((found.len(), &found[0]["asked_at"]), (5, &Value::Null));
    assert_eq!(found[0]["explanation"], "They signed in with a passkey.");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r065_the_gate_stands_before_passkeys_too() {
    let app = TestApp::new().await;
    let admin = app.person("admin", &["admin"]).await;
    let ann = app.user("ann").await;
    let mut phone = Authenticator::new(b"phone");
    with_passkey(&app, &ann, &mut phone).await;
    let mut tx = app.tx().await;
    tx.execute("update users set status = 'suspended' where id::text = $1", &[&ann.id]).await.unwrap();
    tx.commit().await.unwrap();
    app.advance(SignedDuration::from_secs(1));
    sign_in(&app, &mut phone).await.expect_problem(401, "invalid_credentials");
    let tried = admin.client.get(&format!("/v1/users/{}/sign-ins", ann.id)).await.expect(200);
    assert_eq!(tried.json["items"][0]["refusal"], "suspended");
    assert_eq!(tried.json["items"][0]["explanation"], "The passkey was right, but the user is suspended.");
    app.run_jobs().await;
    app.finish().await;
}
