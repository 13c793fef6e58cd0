//! Sessions, refresh tokens and access tokens, through the front door.

mod attributes;
mod browser;
mod forgetting;
mod forging;
mod grace;
mod own;
mod together;

use std::time::Duration;

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use http::Method;
use jiff::SignedDuration;
use serde_json::{Map, Value, json};
use usher_oidc::jose::{Algorithm, SigningKey};

use crate::app::App;
use crate::config::PublicUrl;
use crate::keyring::{Keyring, NewAccess};
use crate::keys;
use crate::testing::{Answer, PASSWORD, PUBLIC_URL, Person, TestApp};

const MONTH: SignedDuration = SignedDuration::from_hours(30 * 24);

#[tokio::test]
async fn r147_a_refresh_gives_new_tokens_and_goes_on_with_the_session() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let mut used = vec![ann.refresh_token.clone()];
    for _ in 0..3 {
        let tokens = refresh(&app, used.last().unwrap()).await.expect(200);
        assert!(!used.contains(&tokens.str("refresh_token")));
        assert_ne!(tokens.str("access_token"), ann.access_token);
        app.client_with(&tokens.str("access_token")).get("/v1/me").await.expect(200);
        assert_eq!(claims(&tokens.str("access_token"))["sid"], claims(&ann.access_token)["sid"]);
        used.push(tokens.str("refresh_token"));
    }
    assert_eq!(app.count("select count(*) from sessions").await, 1);
    // What is stored are hashes.
    assert_eq!(app.count("select count(*) from refresh_tokens where octet_length(token_hash) = 32").await, 4);
    app.finish().await;
}

#[tokio::test]
async fn r147_a_used_refresh_token_that_comes_back_ends_its_session_and_no_other() {
    let app = TestApp::new().await;
    let elsewhere = app.user("ann").await;
    let ann = app.sign_in("ann@example.org", PASSWORD).await;
    let newer = refresh(&app, &ann.refresh_token).await.expect(200);
    let client = app.client_with(&newer.str("access_token"));
    client.get("/v1/me").await.expect(200);
    refresh(&app, &ann.refresh_token).await.expect_problem(401, "invalid_refresh_token");
    refresh(&app, &newer.str("refresh_token")).await.expect_problem(401, "invalid_refresh_token");
    for dead in [&client, &ann.client] {
        dead.get("/v1/me").await.expect_problem(401, "unauthorized");
    }
    assert_eq!(app.count("select count(*) from audit_events where action = 'refresh_token.reused'").await, 1);
    elsewhere.client.get("/v1/me").await.expect(200);
    refresh(&app, &elsewhere.refresh_token).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn r147_of_100_uses_at_the_same_time_one_succeeds_and_the_session_ends() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let answers = join_all((0..100).map(|_| refresh(&app, &ann.refresh_token))).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!(won.len(), 1);
    for answer in lost {
        // On a slow machine a request may be told to come back.
        assert!([401, 503].contains(&answer.status.as_u16()), "{}", answer.text);
    }
    app.client_with(&won[0].str("access_token")).get("/v1/me").await.expect_problem(401, "unauthorized");
    refresh(&app, &won[0].str("refresh_token")).await.expect_problem(401, "invalid_refresh_token");
    assert_eq!(app.count("select count(*) from sessions where ended_reason = 'refresh_token_reused'").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn r103_suspension_deletion_sign_out_and_a_new_password_end_sessions_at_once() {
    let app = TestApp::new().await;
    let boss = app.admin().await;
    for name in ["suspended", "deleted", "signed-out", "reset"] {
        let person = app.user(name).await;
        let path = format!("/v1/users/{}", person.id);
        match name {
            "suspended" => drop(boss.client.post(&format!("{path}/suspend"), json!({})).await.expect(200)),
            "deleted" => drop(boss.client.delete(&path).await.expect(204)),
            "signed-out" => drop(person.client.post("/v1/logout", json!({})).await.expect(204)),
            _ => reset_password(&app, &person).await,
        }
        assert_dead(&app, &person).await;
        match name {
            "suspended" => drop(boss.client.post(&format!("{path}/reactivate"), json!({})).await.expect(200)),
            "deleted" => drop(boss.client.post(&format!("{path}/restore"), json!({})).await.expect(200)),
            _ => continue,
        }
        // Coming back does not bring the session back.
        assert_dead(&app, &person).await;
        app.sign_in(&person.email, PASSWORD).await;
    }
    boss.client.get("/v1/me").await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn r103_signing_out_ends_this_session_only() {
    let app = TestApp::new().await;
    let elsewhere = app.user("ann").await;
    let ann = app.sign_in("ann@example.org", PASSWORD).await;
    ann.client.post("/v1/logout", json!({})).await.expect(204);
    ann.client.post("/v1/logout", json!({})).await.expect_problem(401, "unauthorized");
    assert_dead(&app, &ann).await;
    elsewhere.client.get("/v1/me").await.expect(200);
    assert_eq!(app.count("select count(*) from audit_events where action = 'session.ended'").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn r204_a_change_of_roles_counts_at_the_next_request() {
    let app = TestApp::new().await;
    let boss = app.admin().await;
    let ann = app.user("ann").await;
    ann.client.get("/v1/users").await.expect_problem(403, "forbidden");
    let path = format!("/v1/users/{}/roles", ann.id);
    boss.client.put(&path, json!({ "roles": ["user", "manager"] })).await.expect(200);
    ann.client.get("/v1/users").await.expect(200);
    boss.client.put(&path, json!({ "roles": ["user"] })).await.expect(200);
    ann.client.get("/v1/users").await.expect_problem(403, "forbidden");
    app.finish().await;
}

#[tokio::test]
async fn an_access_token_works_for_five_minutes_and_a_little() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    app.advance(SignedDuration::from_secs(304));
    ann.client.get("/v1/me").await.expect(200);
    app.advance(SignedDuration::from_secs(1));
    ann.client.get("/v1/me").await.expect_problem(401, "unauthorized");
    refresh(&app, &ann.refresh_token).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn r147_refresh_tokens_and_sessions_expire_however_often_they_are_used() {
    let lifetimes = [("USHER_REFRESH_TOKEN_LIFETIME_SECONDS", "3600"), ("USHER_SESSION_LIFETIME_SECONDS", "7200")];
    let app = TestApp::with(&lifetimes).await;
    let idle = app.user("idle").await;
    let ann = app.user("ann").await;
    app.advance(SignedDuration::from_secs(3599));
    let second = refresh(&app, &ann.refresh_token).await.expect(200);
    assert_eq!(second.json["refresh_expires_in"], 3600);
    app.advance(SignedDuration::from_secs(1));
    refresh(&app, &idle.refresh_token).await.expect_problem(401, "invalid_refresh_token");
    // The session ends two hours after the sign-in, and its tokens with it.
    app.advance(SignedDuration::from_secs(3590));
    let third = refresh(&app, &second.str("refresh_token")).await.expect(200);
    assert_eq!(third.json["refresh_expires_in"], 10);
    let client = app.client_with(&third.str("access_token"));
    client.get("/v1/me").await.expect(200);
    app.advance(SignedDuration::from_secs(10));
    client.get("/v1/me").await.expect_problem(401, "unauthorized");
    refresh(&app, &third.str("refresh_token")).await.expect_problem(401, "invalid_refresh_token");
    app.finish().await;
}

#[tokio::test]
async fn r128_an_access_token_says_what_rfc_9068_asks_for() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    app.advance(SignedDuration::from_secs(60));
    let token = refresh(&app, &ann.refresh_token).await.expect(200).str("access_token");
    let now = app.now().as_second();
    let header = part(&token, 0);
    assert_eq!(header["typ"], "at+jwt");
    assert_eq!(header["alg"], "EdDSA");
    let published = app.client().get("/.well-known/jwks.json").await.expect(200);
    assert!(published.json["keys"].as_array().unwrap().iter().any(|key| key["kid"] == header["kid"]));
    let claims = claims(&token);
    assert_eq!(claims["iss"], PUBLIC_URL);
    assert_eq!(claims["aud"], PUBLIC_URL);
    assert_eq!(claims["sub"], ann.id);
    assert_eq!(claims["client_id"], "usher");
    assert_eq!(claims["iat"], now);
    assert_eq!(claims["exp"], now + 300);
    assert_eq!(claims["auth_time"], now - 60);
    assert_eq!(claims["amr"], json!(["pwd"]));
    assert_eq!(claims["roles"], json!(["user"]));
    assert_ne!(claims["jti"], self::claims(&ann.access_token)["jti"]);
    // Nothing personal is in it.
    assert!(!claims.to_string().contains("ann@"));
    app.finish().await;
}

#[tokio::test]
async fn r120_tokens_that_were_tampered_with_are_refused_without_a_failure() {
    let app = TestApp::new().await;
    let boss = app.admin().await;
    let ann = app.user("ann").await;
    let [header, payload, signature] = parts(&ann.access_token);
    let as_boss = encode(&{
        let mut claims = claims(&ann.access_token);
        claims["sub"] = claims_of(&boss)["sub"].clone();
        claims["sid"] = claims_of(&boss)["sid"].clone();
        claims
    });
    let kid = part(&ann.access_token, 0)["kid"].clone();
    let with_alg = |alg: &str| encode(&json!({ "typ": "at+jwt", "alg": alg, "kid": kid }));
    let with_key =
        encode(&json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": kid, "jwk": { "kty": "OKP" }, "jku": "https://e.example" }));
    let [_, _, boss_signature] = parts(&boss.access_token);
    let mut forged: Vec<String> = ["none", "None", "NONE", "HS256", "RS256", "ES256"]
        .iter()
        .flat_map(|alg| [format!("{}.{payload}.", with_alg(alg)), format!("{}.{payload}.{signature}", with_alg(alg))])
        .collect();
    forged.extend([
        format!("{header}.{as_boss}.{signature}"),
        format!("{header}.{payload}.{boss_signature}"),
        format!("{header}.{payload}."),
        format!("{header}.{payload}"),
        format!("{header}.{payload}.{signature}="),
        format!("{header}.{payload}.{signature}.{signature}.{signature}"),
        format!("{with_key}.{payload}.{signature}"),
        ann.refresh_token.clone(),
        "a.b.c".to_owned(),
        "..".to_owned(),
        "e30.e30.".to_owned(),
        "x".repeat(9000),
    ]);
    for token in forged {
        app.client_with(&token).get("/v1/me").await.expect_problem(401, "unauthorized");
    }
    ann.client.get("/v1/me").await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn r121_r125_tokens_of_another_key_issuer_or_session_are_refused() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let stranger = Ed25519KeyPair::generate().unwrap().to_pkcs8v1().unwrap();
    let good = claims(&ann.access_token);
    let kid = part(&ann.access_token, 0)["kid"].as_str().unwrap().to_owned();
    for name in ["stranger", &kid] {
        let key = SigningKey::from_pkcs8(Algorithm::EdDsa, name, stranger.as_ref()).unwrap();
        let token = key.sign("at+jwt", good.to_string().as_bytes()).unwrap();
        app.client_with(&token).get("/v1/me").await.expect_problem(401, "unauthorized");
    }
    // Our own key, but issued under another name, or for a session that is not this user's or not there.
    let bob = app.user("bob").await;
    let (ann_id, bob_id) = (ann.id.parse().unwrap(), bob.id.parse().unwrap());
    let session = good["sid"].as_str().unwrap().parse().unwrap();
    let elsewhere = under(&app, "https://evil.example").await;
    let none = Map::new();
    let cases =
        [(&elsewhere, ann_id, session), (&app.app, bob_id, session), (&app.app, ann_id, crate::id::SessionId::new(app.now()))];
    for (issuer, user_id, session_id) in cases {
        let new = NewAccess { user_id, session_id, authenticated_at: app.now(), amr: &[], roles: &[], attributes: &none };
        let token = issuer.keyring.issue_access(&new, app.now()).unwrap();
        app.client_with(&token).get("/v1/me").await.expect_problem(401, "unauthorized");
    }
    let at = app.now();
    let new = NewAccess { user_id: ann_id, session_id: session, authenticated_at: at, amr: &[], roles: &[], attributes: &none };
    let good = app.app.keyring.issue_access(&new, app.now()).unwrap();
    app.client_with(&good).get("/v1/me").await.expect(200);
    // One that begins in the future is not ours either.
    let early = app.app.keyring.issue_access(&new, app.now() + SignedDuration::from_mins(2)).unwrap();
    app.client_with(&early).get("/v1/me").await.expect_problem(401, "unauthorized");
    app.finish().await;
}

#[tokio::test]
async fn r108_a_token_counts_only_in_the_one_authorization_header() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let token = &ann.access_token;
    let bare = app.client();
    bare.get(&format!("/v1/me?access_token={token}")).await.expect_problem(401, "unauthorized");
    let basic = format!("Basic {}", URL_SAFE_NO_PAD.encode(format!("ann@example.org:{PASSWORD}")));
    let bearer = format!("Bearer {token}");
    let cookie = format!("access_token={token}");
    for header in [("authorization", basic.as_str()), ("authorization", token), ("cookie", &cookie), ("x-access-token", token)] {
        bare.send(Method::GET, "/v1/me", &[header], None).await.expect_problem(401, "unauthorized");
    }
    let body = json!({ "access_token": token });
    bare.send(Method::PATCH, "/v1/me", &[], Some(body)).await.expect_problem(401, "unauthorized");
    // Two of them are refused, even when they are equal.
    bare.send(Method::GET, "/v1/me", &[("authorization", &bearer), ("authorization", &bearer)], None)
        .await
        .expect_problem(401, "unauthorized");
    bare.send(Method::GET, "/v1/me", &[("authorization", &format!("bearer {token}"))], None).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn what_is_no_refresh_token_is_refused_alike() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let renamed = ann.refresh_token.replace("ush_refresh_", "ush_verify_");
    for wrong in ["", "ush_refresh_", "nonsense", &renamed, &ann.access_token, &ann.refresh_token[..40]] {
        let answer = refresh(&app, wrong).await;
        assert!([401, 422].contains(&answer.status.as_u16()), "{wrong}: {}", answer.text);
    }
    app.client().post("/v1/refresh", json!({ "refresh_token": [ann.refresh_token] })).await.expect_problem(422, "invalid_body");
    refresh(&app, &ann.refresh_token).await.expect(200);
    app.finish().await;
}

async fn refresh(app: &TestApp, token: &str) -> Answer {
    app.client().post("/v1/refresh", json!({ "refresh_token": token })).await
}

/// Neither token of the person works any more.
async fn assert_dead(app: &TestApp, person: &Person) {
    person.client.get("/v1/me").await.expect_problem(401, "unauthorized");
    refresh(app, &person.refresh_token).await.expect_problem(401, "invalid_refresh_token");
}

async fn reset_password(app: &TestApp, person: &Person) {
    app.client().post("/v1/password/forgot", json!({ "email": person.email })).await.expect(202);
    let token = app.mailed_token().await;
    let body = json!({ "token": token, "password": "seven quiet herons wading" });
    app.client().post("/v1/password/reset", body).await.expect(200);
    app.run_jobs().await;
}

/// The same house, with the same keys, under another public URL.
async fn under(app: &TestApp, public_url: &str) -> App {
    let elsewhere = app.another(|parts| {
        parts.config.server.public_url = PublicUrl::parse(public_url).unwrap();
        parts.keyring = Keyring::new(parts.config.server.public_url.as_str(), Duration::from_mins(5));
    });
    keys::load(&elsewhere).await.unwrap();
    elsewhere
}

fn parts(token: &str) -> [&str; 3] {
    token.split('.').collect::<Vec<_>>().try_into().unwrap()
}

fn part(token: &str, number: usize) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts(token)[number]).unwrap()).unwrap()
}

fn claims(token: &str) -> Value {
    part(token, 1)
}

fn claims_of(person: &Person) -> Value {
    claims(&person.access_token)
}

fn encode(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}
