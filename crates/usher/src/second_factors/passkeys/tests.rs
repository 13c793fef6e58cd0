//! Passkeys through the front door: registered, named, removed, by whom and with what proof.

use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::testing::{Answer, Authenticator, PASSWORD, Person, TestApp};

const PASSKEYS: &str = "/v1/me/passkeys";
const OPTIONS: &str = "/v1/me/passkeys/options";

async fn options(person: &Person) -> (String, Value) {
    let asked = person.client.post(OPTIONS, json!({})).await.expect(200);
    (asked.str("ceremony"), asked.json["options"].clone())
}

async fn send(person: &Person, ceremony: &str, credential: &Value) -> Answer {
    person.client.post(PASSKEYS, json!({ "ceremony": ceremony, "credential": credential, "name": "Phone" })).await
}

async fn register(person: &Person, authenticator: &mut Authenticator) -> Answer {
    let (ceremony, options) = options(person).await;
    send(person, &ceremony, &authenticator.create(&options)).await
}

#[tokio::test]
async fn r087_a_passkey_is_added_named_and_removed_and_the_owner_hears_of_it() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let mut phone = Authenticator::new(b"phone");
    let added = register(&ann, &mut phone).await.expect(200);
    assert_eq!(added.json["recovery_codes"].as_array().unwrap().len(), 10);
    assert_eq!(added.json["passkey"]["is_backed_up"], false);
    // The session of before was of one factor.
    ann.client.get(PASSKEYS).await.expect(401);
    let ann = app.person_of(&added).await;
    let mut key = Authenticator::new(b"key");
    key.is_backed_up = true;
    let second = register(&ann, &mut key).await.expect(200);
    assert_eq!(second.json["recovery_codes"], json!([]), "those of the first are good still");
    let ann = app.person_of(&second).await;
    let id = added.json["passkey"]["id"].as_str().unwrap();
    let path = format!("{PASSKEYS}/{id}");
    assert_eq!(ann.client.patch(&path, json!({ "name": "Old phone" })).await.expect(200).str("name"), "Old phone");
    let listed = ann.client.get(PASSKEYS).await.expect(200);
    let names: Vec<&Value> = listed.json["items"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["Old phone", "Phone"]);
    let found = ann.client.get("/v1/me/second-factors").await.expect(200);
    assert_eq!((&found.json["passkeys"], &found.json["recovery_codes_left"]), (&json!(2), &json!(10)));
    ann.client.delete(&path).await.expect(204);
    ann.client.delete(&path).await.expect(404);
    let other = format!("{PASSKEYS}/{}", second.json["passkey"]["id"].as_str().unwrap());
    let bob = app.user("bob").await;
    bob.client.delete(&other).await.expect(404);
    bob.client.patch(&other, json!({ "name": "Mine" })).await.expect(404);
    ann.client.delete(&other).await.expect(204);
    assert_eq!(app.count("select count(*) from recovery_codes").await, 0, "they go with the last factor");
    app.sign_in(&ann.email, PASSWORD).await;
    let subjects: Vec<String> = app.mails().await.iter().map(|mail| mail.subject.clone()).collect();
    assert_eq!(subjects.iter().filter(|subject| subject.contains("passkey was added")).count(), 2, "{subjects:?}");
    assert_eq!(subjects.iter().filter(|subject| subject.contains("passkey was removed")).count(), 2, "{subjects:?}");
    app.finish().await;
}

#[tokio::test]
async fn r087_adding_and_removing_take_a_fresh_proof() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let mut phone = Authenticator::new(b"phone");
    let added = register(&ann, &mut phone).await.expect(200);
    let ann = app.person_of(&added).await;
    app.advance(SignedDuration::from_mins(11));
    let refreshed = app.client().post("/v1/refresh", json!({ "refresh_token": ann.refresh_token })).await.expect(200);
    let ann = app.person_of(&refreshed).await;
    let path = format!("{PASSKEYS}/{}", added.json["passkey"]["id"].as_str().unwrap());
    for (method, path) in [(Method::POST, OPTIONS), (Method::DELETE, path.as_str())] {
        ann.client.send(method, path, &[], None).await.expect_problem(401, "fresh_authentication_required");
    }
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r080_a_challenge_is_answered_once_in_time_by_its_session() {
    let app = TestApp::new().await;
    let (ann, bob) = (app.user("ann").await, app.user("bob").await);
    let mut phone = Authenticator::new(b"phone");
    let (ceremony, asked) = options(&ann).await;
    let challenge = asked["challenge"].as_str().unwrap();
    assert!(challenge.len() >= 43, "32 random bytes");
    let answer = phone.create(&asked);
    // Another person, and then the right one: it is used up.
    send(&bob, &ceremony, &answer).await.expect_problem(409, "passkey_ceremony_over");
    send(&ann, &ceremony, &answer).await.expect_problem(409, "passkey_ceremony_over");
    // Too late.
    let (ceremony, asked) = options(&ann).await;
    app.advance(SignedDuration::from_mins(5));
    let refreshed = app.client().post("/v1/refresh", json!({ "refresh_token": ann.refresh_token })).await.expect(200);
    let ann = app.person_of(&refreshed).await;
    send(&ann, &ceremony, &phone.create(&asked)).await.expect_problem(409, "passkey_ceremony_over");
    // One of a sign-in registers nothing.
    let asked = app.client().post("/v1/login/passkey/options", json!({})).await.expect(200);
    send(&ann, &asked.str("ceremony"), &answer).await.expect_problem(409, "passkey_ceremony_over");
    // An answer to another challenge.
    let (ceremony, asked) = options(&ann).await;
    send(&ann, &ceremony, &answer).await.expect_problem(422, "wrong_passkey");
    send(&ann, &ceremony, &phone.create(&asked)).await.expect_problem(409, "passkey_ceremony_over");
    // What nobody has answered is forgotten.
    options(&ann).await;
    app.advance(SignedDuration::from_hours(2));
    app.run_turn("forget_passkey_ceremonies").await;
    assert_eq!(app.count("select count(*) from passkey_ceremonies").await, 0);
    app.finish().await;
}

#[tokio::test]
async fn r081_r082_r083_what_does_not_fit_is_not_registered() {
    let app = TestApp::new().await;
    let (ann, bob) = (app.user("ann").await, app.user("bob").await);
    for origin in [
        "https://badid.example.com",
        "https://id.example.com.evil.example",
        "http://id.example.com",
        "https://id.example.com:8443",
    ] {
        let mut phone = Authenticator::new(b"phone");
        phone.origin = origin.to_owned();
        register(&ann, &mut phone).await.expect_problem(422, "wrong_passkey");
    }
    let mut unverified = Authenticator::new(b"phone");
    unverified.is_verified = false;
    register(&ann, &mut unverified).await.expect_problem(422, "wrong_passkey");
    let mut long = Authenticator::new(&[7; 1024]);
    register(&ann, &mut long).await.expect_problem(422, "wrong_passkey");
    let (ceremony, _) = options(&ann).await;
    send(&ann, &ceremony, &json!({})).await.expect_problem(422, "wrong_passkey");
    // Registered to somebody else.
    register(&bob, &mut Authenticator::new(b"phone")).await.expect(200);
    register(&ann, &mut Authenticator::new(b"phone")).await.expect_problem(409, "passkey_taken");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r085_an_authenticator_knows_its_owner_by_a_random_name() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let (_, first) = options(&ann).await;
    let (_, second) = options(&ann).await;
    let handle = first["user"]["id"].as_str().unwrap();
    assert_eq!(handle, second["user"]["id"].as_str().unwrap(), "an authenticator keeps one passkey an owner");
    assert_eq!(handle.len(), 22);
    assert_eq!(first["authenticatorSelection"]["residentKey"], "required");
    assert_eq!(first["authenticatorSelection"]["userVerification"], "required");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r065_an_administrator_takes_passkeys_away() {
    let app = TestApp::new().await;
    let admin = app.person("admin", &["admin"]).await;
    let ann = app.user("ann").await;
    register(&ann, &mut Authenticator::new(b"phone")).await.expect(200);
    let body = json!({ "identifier": ann.email, "password": PASSWORD });
    app.client().post("/v1/login", body).await.expect(202);
    admin.client.delete(&format!("/v1/users/{}/second-factors", ann.id)).await.expect(204);
    app.sign_in(&ann.email, PASSWORD).await;
    app.run_jobs().await;
    app.finish().await;
}
