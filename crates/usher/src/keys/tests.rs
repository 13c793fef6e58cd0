//! Signing keys: published ahead, rotated without an outage, sealed at rest.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use jiff::SignedDuration;
use serde_json::Value;

use super::*;
use crate::seal::Sealer;
use crate::testing::{PASSWORD, TestApp};

mod lags;
mod schedule;

/// From the making of a key to its first signature.
const LEAD: SignedDuration = SignedDuration::from_mins(6);
const A_SECOND: SignedDuration = SignedDuration::from_secs(1);

#[tokio::test]
async fn r129_the_key_set_shows_public_members_only() {
    let app = TestApp::new().await;
    rotate_now(&app, Begin::PublishedAhead).await;
    load(&app.app).await.unwrap();
    let answer = app.client().get("/.well-known/jwks.json").await.expect(200);
    assert_eq!(answer.headers["cache-control"], "public, max-age=300");
    let keys = answer.json["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 2);
    for key in keys {
        let members: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
        for member in &members {
            assert!(["kty", "crv", "x", "kid", "use", "alg"].contains(member), "{member} is published");
        }
        assert_eq!((&key["kty"], &key["use"], &key["alg"]), (&Value::from("OKP"), &Value::from("sig"), &Value::from("EdDSA")));
        assert_eq!(URL_SAFE_NO_PAD.decode(key["x"].as_str().unwrap()).unwrap().len(), 32);
    }
    assert_ne!(keys[0]["kid"], keys[1]["kid"]);
    app.finish().await;
}

#[tokio::test]
async fn r129_a_new_key_is_published_one_cache_lifetime_before_it_signs() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let old = kid(&ann.access_token);
    let new = rotate_now(&app, Begin::PublishedAhead).await;
    assert_eq!(new.active_at, app.now() + LEAD);
    assert_eq!(published(&app).await, [new.kid.clone(), old.clone()]);
    app.advance(LEAD - A_SECOND);
    load(&app.app).await.unwrap();
    let last = app.sign_in("ann@example.org", PASSWORD).await;
    assert_eq!(kid(&last.access_token), old);
    app.advance(A_SECOND);
    load(&app.app).await.unwrap();
    let first = app.sign_in("ann@example.org", PASSWORD).await;
    assert_eq!(kid(&first.access_token), new.kid);
    // What the old key signed goes on to its end.
    last.client.get("/v1/me").await.expect(200);
    app.advance(SignedDuration::from_secs(298));
    load(&app.app).await.unwrap();
    last.client.get("/v1/me").await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn r129_an_old_key_leaves_after_the_last_token_it_signed() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let old = kid(&ann.access_token);
    let new = rotate_now(&app, Begin::PublishedAhead).await;
    let lifetime = SignedDuration::try_from(app.app.config.tokens.access_lifetime).unwrap();
    app.advance(LEAD + lifetime);
    assert_eq!(published(&app).await, [new.kid.clone(), old.clone()]);
    app.advance(CACHE_LIFETIME - A_SECOND);
    assert_eq!(published(&app).await, [new.kid.clone(), old.clone()]);
    app.advance(A_SECOND);
    assert_eq!(published(&app).await, [new.kid.as_str()]);
    let ann = app.sign_in("ann@example.org", PASSWORD).await;
    assert_eq!(kid(&ann.access_token), new.kid);
    // Its row stays, to be seen by the operator.
    assert_eq!(app.count("select count(*) from signing_keys where retired_at is not null").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn a_key_can_replace_the_present_one_at_once() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let new = rotate_now(&app, Begin::Now).await;
    app.advance(HEARD_WITHIN - A_SECOND);
    load(&app.app).await.unwrap();
    assert_ne!(kid(&app.sign_in("ann@example.org", PASSWORD).await.access_token), new.kid);
    app.advance(A_SECOND);
    load(&app.app).await.unwrap();
    let again = app.sign_in("ann@example.org", PASSWORD).await;
    assert_eq!(kid(&again.access_token), new.kid);
    assert_ne!(kid(&ann.access_token), new.kid);
    ann.client.get("/v1/me").await.expect(200);
    assert_eq!(app.count("select count(*) from audit_events where action = 'signing_key.created'").await, 2);
    app.finish().await;
}

#[tokio::test]
async fn r129_a_key_that_was_retired_before_its_turn_never_signs() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let old = kid(&ann.access_token);
    let ahead = rotate_now(&app, Begin::PublishedAhead).await;
    app.advance(SignedDuration::from_mins(1));
    let now = rotate_now(&app, Begin::Now).await;
    assert_eq!(published(&app).await.len(), 3);
    ann.client.get("/v1/me").await.expect(200);
    // Before, at and after the time at which the other would have begun.
    let mut last = ann;
    for wait in
        [HEARD_WITHIN, SignedDuration::from_mins(4), LEAD - SignedDuration::from_mins(5), A_SECOND, SignedDuration::from_mins(10)]
    {
        app.advance(wait);
        load(&app.app).await.unwrap();
        last = app.sign_in("ann@example.org", PASSWORD).await;
        assert_eq!(kid(&last.access_token), now.kid, "not {} and not {old}", ahead.kid);
        last.client.get("/v1/me").await.expect(200);
    }
    assert!(app.now() > ahead.active_at + CACHE_LIFETIME);
    assert_eq!(published(&app).await, [now.kid.as_str()]);
    app.advance(SignedDuration::from_mins(5) - A_SECOND);
    load(&app.app).await.unwrap();
    last.client.get("/v1/me").await.expect(200);
    // The one that signs is the next to be replaced.
    let next = rotate_now(&app, Begin::PublishedAhead).await;
    app.advance(LEAD);
    load(&app.app).await.unwrap();
    assert_eq!(kid(&app.sign_in("ann@example.org", PASSWORD).await.access_token), next.kid);
    app.finish().await;
}

#[tokio::test]
async fn a_rotation_that_this_process_has_not_heard_of_breaks_nothing() {
    let app = TestApp::new().await;
    let other = app.another(|_| {});
    load(&other).await.unwrap();
    assert_eq!(other.keyring.published().keys.len(), 1, "processes that share a database share their key");
    rotate_now(&app, Begin::PublishedAhead).await;
    // One process loads, the other has not for all the time.
    app.advance(LEAD);
    load(&other).await.unwrap();
    app.user("ann").await.client.get("/v1/me").await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn processes_that_start_together_make_one_key() {
    let app = TestApp::new().await;
    let mut tx = app.tx().await;
    tx.execute("delete from signing_keys", &[]).await.unwrap();
    tx.commit().await.unwrap();
    let others: Vec<_> = (0..4).map(|_| app.another(|_| {})).collect();
    for loaded in join_all(others.iter().map(load)).await {
        loaded.unwrap();
    }
    assert_eq!(app.count("select count(*) from signing_keys").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn r130_a_key_that_was_sealed_under_another_secret_key_is_a_clear_failure() {
    let app = TestApp::new().await;
    let other = app.another(|parts| parts.sealer = Sealer::new(&[8; 32]));
    let error = load(&other).await.unwrap_err().to_string();
    assert!(error.contains("another USHER_SECRET_KEY"), "{error}");
    assert_eq!(app.count("select count(*) from signing_keys").await, 1, "no key was put in its place");
    // Sealed means sealed, and bound to its row.
    let mut tx = app.tx().await;
    let row = tx.query_one("select kid, private_key_sealed from signing_keys", &[]).await.unwrap();
    let (kid, sealed): (String, Vec<u8>) = (row.get(0), row.get(1));
    let opened = app.app.sealer.open(&bound_to(&kid), &sealed).unwrap();
    assert!(!sealed.windows(16).any(|window| opened.windows(16).any(|plain| plain == window)));
    assert!(app.app.sealer.open(&bound_to("another-kid"), &sealed).is_err());
    tx.commit().await.unwrap();
    app.finish().await;
}

#[tokio::test]
async fn a_damaged_key_stops_the_loading_and_the_keys_in_memory_stay() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let mut tx = app.tx().await;
    let sql =
        "update signing_keys set private_key_sealed = set_byte(private_key_sealed, 40, 255 - get_byte(private_key_sealed, 40))";
    tx.execute(sql, &[]).await.unwrap();
    tx.commit().await.unwrap();
    let error = load(&app.app).await.unwrap_err().to_string();
    assert!(error.contains("opening the signing key"), "{error}");
    ann.client.get("/v1/me").await.expect(200);
    app.finish().await;
}

async fn rotate_now(app: &TestApp, begin: Begin) -> KeyState {
    rotate(&app.app, &Origin::of(Actor::Cli), begin).await.unwrap().key
}

/// The names in the key set, newest first, after the keys were loaded anew.
async fn published(app: &TestApp) -> Vec<String> {
    load(&app.app).await.unwrap();
    let answer = app.client().get("/.well-known/jwks.json").await.expect(200);
    answer.json["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn kid(token: &str) -> String {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    serde_json::from_slice::<Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
}
