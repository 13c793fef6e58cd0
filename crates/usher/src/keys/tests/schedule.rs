//! Keys are replaced in time and in the wanted algorithm, once however many processes there are, and forgotten in the end.

use usher_oidc::jose::Algorithm;

use super::*;
use crate::config::Config;

const A_DAY: SignedDuration = SignedDuration::from_hours(24);

#[tokio::test]
async fn r130_a_key_that_has_signed_for_its_lifetime_is_replaced_once_by_all_processes_together() {
    let app = TestApp::new().await;
    let old = published(&app).await;
    app.advance(A_DAY * 90 - A_SECOND);
    tend(&app.app).await.unwrap();
    assert_eq!(published(&app).await, old);
    app.advance(A_SECOND);
    let others: Vec<_> = (0..4).map(|_| app.another(|_| {})).collect();
    for tended in join_all(others.iter().chain([&app.app]).map(tend)).await {
        tended.unwrap();
    }
    assert_eq!(app.count("select count(*) from signing_keys").await, 2);
    assert_eq!(duties(&app).await, [Duty::Next, Duty::Signing]);
    // Neither the one that waits for its turn nor the one that has just begun is replaced.
    tend(&app.app).await.unwrap();
    app.advance(LEAD);
    tend(&app.app).await.unwrap();
    assert_eq!(duties(&app).await, [Duty::Signing, Duty::Verifying]);
    load(&app.app).await.unwrap();
    assert_ne!(kid(&app.user("ann").await.access_token), old[0]);
    app.finish().await;
}

#[tokio::test]
async fn a_lifetime_of_zero_days_leaves_rotation_to_the_operator() {
    let app = TestApp::with(&[("USHER_SIGNING_KEY_LIFETIME_DAYS", "0")]).await;
    app.advance(A_DAY * 3650);
    tend(&app.app).await.unwrap();
    assert_eq!(app.count("select count(*) from signing_keys").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn r130_an_expired_key_loses_its_private_half_and_later_its_row() {
    let app = TestApp::new().await;
    rotate_now(&app, Begin::PublishedAhead).await;
    app.advance(LEAD + CACHE_LIFETIME * 2 - A_SECOND);
    tend(&app.app).await.unwrap();
    assert_eq!(app.count("select count(*) from signing_keys where private_key_sealed = ''").await, 0);
    app.advance(A_SECOND);
    tend(&app.app).await.unwrap();
    tend(&app.app).await.unwrap();
    assert_eq!(duties(&app).await, [Duty::Signing, Duty::Expired]);
    assert_eq!(app.count("select count(*) from signing_keys where private_key_sealed = ''").await, 1);
    assert_eq!(app.count("select count(*) from audit_events where action = 'signing_key.expired'").await, 1);
    load(&app.app).await.unwrap();
    app.user("ann").await.client.get("/v1/me").await.expect(200);
    app.advance(A_DAY * 30);
    tend(&app.app).await.unwrap();
    assert_eq!(duties(&app).await, [Duty::Signing, Duty::Expired]);
    app.advance(A_SECOND);
    tend(&app.app).await.unwrap();
    assert_eq!(duties(&app).await, [Duty::Signing]);
    app.finish().await;
}

#[tokio::test]
async fn r130_another_algorithm_is_published_ahead_and_what_the_old_key_signed_stays_good() {
    let app = TestApp::new().await;
    for algorithm in [Algorithm::Es256, Algorithm::Rs256, Algorithm::EdDsa] {
        let before = app.person(&algorithm.as_str().to_lowercase(), &["user"]).await;
        let changed = app.another(|parts| parts.config = signing_with(&parts.config, algorithm));
        let twin = app.another(|parts| parts.config = signing_with(&parts.config, algorithm));
        let count = app.count("select count(*) from signing_keys").await;
        let (one, two) = futures_util::join!(tend(&changed), tend(&twin));
        one.unwrap();
        two.unwrap();
        assert_eq!(app.count("select count(*) from signing_keys").await, count + 1);
        load(&app.app).await.unwrap();
        let early = app.sign_in(&before.email, PASSWORD).await;
        assert_ne!(algorithm_of(&early.access_token), algorithm.as_str());
        app.advance(LEAD - A_SECOND * 200);
        let late = app.sign_in(&before.email, PASSWORD).await;
        app.advance(A_SECOND * 200);
        load(&app.app).await.unwrap();
        let after = app.sign_in(&before.email, PASSWORD).await;
        assert_eq!(algorithm_of(&after.access_token), algorithm.as_str());
        for person in [late, after] {
            person.client.get("/v1/me").await.expect(200);
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn r129_each_algorithm_signs_from_the_first_key_on_and_shows_public_members_only() {
    for (algorithm, members) in
        [("ES256", vec!["alg", "crv", "kid", "kty", "use", "x", "y"]), ("RS256", vec!["alg", "e", "kid", "kty", "n", "use"])]
    {
        let app = TestApp::with(&[("USHER_SIGNING_ALGORITHM", algorithm)]).await;
        let ann = app.user("ann").await;
        assert_eq!(algorithm_of(&ann.access_token), algorithm);
        let keys = app.client().get("/.well-known/jwks.json").await.expect(200).json["keys"].clone();
        let mut names: Vec<_> = keys[0].as_object().unwrap().keys().cloned().collect();
        names.sort();
        assert_eq!(names, members);
        assert_eq!(keys[0]["alg"], algorithm);
        if algorithm == "RS256" {
            assert_eq!(URL_SAFE_NO_PAD.decode(keys[0]["n"].as_str().unwrap()).unwrap().len() * 8, 3072);
        }
        // A restart keeps the key.
        let again = app.another(|_| {});
        load(&again).await.unwrap();
        assert_eq!(again.keyring.published(), app.app.keyring.published());
        app.finish().await;
    }
}

#[test]
fn a_key_has_one_duty_at_a_time() {
    let at = |seconds: i64| Timestamp::from_second(seconds).unwrap();
    let key = |active, retired: Option<i64>, expires: Option<i64>| KeyState {
        kid: "k".to_owned(),
        algorithm: "EdDSA".to_owned(),
        created_at: at(0),
        active_at: at(active),
        retired_at: retired.map(at),
        expires_at: expires.map(at),
    };
    let whole = key(10, Some(20), Some(30));
    let duties = [(9, Duty::Next), (10, Duty::Signing), (19, Duty::Signing), (20, Duty::Verifying), (30, Duty::Expired)];
    for (second, duty) in duties {
        assert_eq!(whole.duty(at(second)), duty, "{second}");
    }
    assert_eq!(key(10, None, None).duty(at(1000)), Duty::Signing);
    for second in [4, 5, 9, 10, 29] {
        assert_eq!(key(10, Some(5), Some(30)).duty(at(second)), Duty::Verifying, "retired before its turn, {second}");
    }
}

async fn duties(app: &TestApp) -> Vec<Duty> {
    let mut tx = app.tx().await;
    let states = list(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    states.iter().map(|state| state.duty).collect()
}

fn signing_with(config: &Config, algorithm: Algorithm) -> Config {
    let mut config = config.clone();
    config.tokens.signing_algorithm = algorithm;
    config
}

fn algorithm_of(token: &str) -> String {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    serde_json::from_slice::<Value>(&header).unwrap()["alg"].as_str().unwrap().to_owned()
}
