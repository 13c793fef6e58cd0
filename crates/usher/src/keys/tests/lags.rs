//! Processes and verifiers that lag behind a rotation: no good token is refused for it.

use usher_oidc::jose::Expected;

use super::*;
use crate::id::{SessionId, UserId};
use crate::keyring::NewAccess;
use crate::router;
use crate::testing::{Client, PUBLIC_URL};

#[tokio::test]
async fn r130_a_process_that_has_not_heard_of_a_rotation_looks_before_it_refuses() {
    let app = TestApp::new().await;
    let other = app.another(|_| {});
    load(&other).await.unwrap();
    let new = rotate_now(&app, Begin::Now).await;
    app.advance(HEARD_WITHIN);
    load(&app.app).await.unwrap();
    let ann = app.user("ann").await;
    assert_eq!(kid(&ann.access_token), new.kid);
    assert_eq!(other.keyring.published().keys.len(), 1);
    let there = Client::new(router::router(&other), Some(ann.access_token.clone()));
    let answers = join_all((0..50).map(|_| there.get("/v1/me"))).await;
    for answer in answers {
        answer.expect(200);
    }
    assert_eq!(other.keyring.published().keys.len(), 2);
    app.finish().await;
}

#[tokio::test]
async fn r122_unknown_keys_are_refused_after_a_look_and_hide_no_good_one() {
    let app = TestApp::new().await;
    let other = app.another(|_| {});
    load(&other).await.unwrap();
    rotate_now(&app, Begin::Now).await;
    app.advance(HEARD_WITHIN);
    load(&app.app).await.unwrap();
    let ann = app.user("ann").await;
    let router = router::router(&other);
    let foreign = |number: usize| {
        let header = format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"foreign-{number}"}}"#);
        let rest = ann.access_token.split_once('.').unwrap().1;
        let token = format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header));
        let client = Client::new(router.clone(), Some(token));
        async move { client.get("/v1/me").await }
    };
    let there = Client::new(router.clone(), Some(ann.access_token.clone()));
    let (strangers, good) = futures_util::join!(join_all((0..100).map(foreign)), there.get("/v1/me"));
    good.expect(200);
    for answer in strangers {
        answer.expect_problem(401, "unauthorized");
    }
    app.finish().await;
}

/// Two processes that never hear a notification and look every 30 s only, and verifiers that keep the key set for exactly as long
/// as they may. At the first rotation a verifier copies the set from the process that has not looked yet, and the other process
/// signs with the new key before that copy has aged.
#[tokio::test]
async fn r129_no_verifier_fails_that_keeps_the_key_set_as_long_as_it_may() {
    const STEP: SignedDuration = SignedDuration::from_secs(10);
    const VERIFIERS: usize = 30;
    let app = TestApp::new().await;
    let processes = [app.another(|_| {}), app.another(|_| {})];
    for process in &processes {
        load(process).await.unwrap();
    }
    let mut verifiers: Vec<Verifier> = (0..VERIFIERS).map(|number| copy(&processes[number % 2])).collect();
    let mut tokens = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for step in 0..200 {
        if [22, 95, 97].contains(&step) {
            rotate_now(&app, Begin::PublishedAhead).await;
        }
        if step % 3 < 2 {
            load(&processes[step % 3]).await.unwrap();
        }
        verifiers[step % VERIFIERS] = copy(&processes[(step / VERIFIERS) % 2]);
        for process in &processes {
            let token = issue(process);
            seen.insert(kid(&token));
            tokens.push((step, token));
        }
        tokens.retain(|(made, _)| step - made < 30);
        // The newest, and the oldest that has not expired.
        for (made, token) in tokens.iter().take(2).chain(tokens.iter().rev().take(2)) {
            for (number, verifier) in verifiers.iter().enumerate() {
                let verified = verifier.verify_access(token, &expected(), app.now().as_second());
                assert!(verified.is_ok(), "verifier {number} at {step}, token of {made}: {verified:?}");
            }
            for process in &processes {
                assert!(process.keyring.verify_access(token, app.now()).is_ok(), "at {step}, token of {made}");
            }
        }
        app.advance(STEP);
    }
    assert_eq!(seen.len(), 4, "every key has signed");
    app.finish().await;
}

#[test]
fn a_process_looks_when_keys_change_and_every_half_minute() {
    let now = Timestamp::from_second(100).unwrap();
    assert_eq!(until(now + A_SECOND, now), Duration::from_millis(1001));
    assert_eq!(until(now + A_SECOND * 3600, now), LOOK_EVERY);
    assert_eq!(until(now - A_SECOND, now), Duration::from_millis(1));
}

fn copy(process: &App) -> Verifier {
    Verifier::from_jwk_set(&process.keyring.published()).unwrap()
}

fn issue(process: &App) -> String {
    let now = process.clock.now();
    let (amr, roles) = (["pwd".to_owned()], ["user".to_owned()]);
    let (user_id, session_id, attributes) = (UserId::new(now), SessionId::new(now), serde_json::Map::new());
    let new = NewAccess { user_id, session_id, authenticated_at: now, amr: &amr, roles: &roles, attributes: &attributes };
    process.keyring.issue_access(&new, now).unwrap()
}

fn expected() -> Expected<'static> {
    Expected { typ: "at+jwt", issuer: PUBLIC_URL, audience: PUBLIC_URL, leeway_seconds: 0 }
}
