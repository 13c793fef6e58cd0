//! Hashes that others made, or that were made with another pepper: they open, and become ours.

use serde_json::json;

use super::{WRONG, login, store_hash, stored_hash, with_hasher};
use crate::config::SecretKey;
use crate::hashing::{Cost, Hasher, Pepper, Peppers};
use crate::password;
use crate::router;
use crate::testing::{Answer, Client, PASSWORD, TestApp};

/// [`PASSWORD`], hashed by bcrypt 5.0, Django 5.2, and passlib 1.7 (twice).
const FOREIGN: [&str; 4] = [
    "$2b$04$SRfFoo4EXL8JtfF2LxleN.xtz0bTo9wNL7WnGFS9.VoD.0Ag1KOtG",
    "pbkdf2_sha256$1000$NaClNaClNaCl$foFe3118lfYHdYVUYUq5eefVl+TkiaWQ59lHiUwTiT8=",
    "$scrypt$ln=4,r=8,p=1$w1hrDUEoZewd4xxjTKkVIg$lRV0F+t9TJ6/Teu/sLtT/jyXHCh2GhKpgLIuJdAIwY8",
    "$6$rounds=1000$QqHVNqeSI8I5qO7F$ijpIF57.aEB0IFIqrS9SYoz4PSdHERY8VSlJkpDbMxr4EHEgW8.zWxOHz61XUvXMas2KSHsRoKjN8ATir5cBa0",
];

#[tokio::test]
async fn r009_a_hash_of_another_program_opens_for_its_password_only_and_becomes_ours() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    for foreign in FOREIGN {
        store_hash(&app, &ann.id, foreign).await;
        login(&app, "ann@example.org", WRONG).await.expect_problem(401, "invalid_credentials");
        login(&app, "ann@example.org", foreign).await.expect_problem(401, "invalid_credentials");
        assert_eq!(stored_hash(&app).await, foreign);
        login(&app, "ann@example.org", PASSWORD).await.expect(200);
        assert!(stored_hash(&app).await.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{foreign} was kept");
        login(&app, "ann@example.org", PASSWORD).await.expect(200);
    }
    app.finish().await;
}

#[tokio::test]
async fn r009_a_password_that_was_changed_during_a_sign_in_does_not_come_back() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let verified = stored_hash(&app).await;
    store_hash(&app, &ann.id, FOREIGN[0]).await;
    let mut tx = app.tx().await;
    password::rehash(&mut tx, ann.id.parse().unwrap(), &verified, FOREIGN[1]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(stored_hash(&app).await, FOREIGN[0]);
    app.finish().await;
}

#[tokio::test]
async fn r010_a_pepper_is_turned_on_changed_and_dropped_while_people_sign_in() {
    let app = TestApp::new().await;
    app.user("ann").await;
    let mut kept = vec![stored_hash(&app).await];
    let steps = [(Some(1), None), (Some(2), Some(1)), (None, Some(2))];
    for (current, previous) in steps {
        sign_in_with(&app, current, previous, WRONG).await.expect(401);
        assert_eq!(stored_hash(&app).await, kept[kept.len() - 1], "a wrong password was stored");
        sign_in_with(&app, current, previous, PASSWORD).await.expect(200);
        let hash = stored_hash(&app).await;
        assert_eq!(hash.contains(",keyid="), current.is_some());
        assert!(!kept.contains(&hash), "{current:?} made no new hash");
        sign_in_with(&app, current, previous, PASSWORD).await.expect(200);
        assert_eq!(stored_hash(&app).await, hash, "a good hash was made anew");
        kept.push(hash);
    }
    app.finish().await;
}

#[tokio::test]
async fn r010_a_pepper_that_is_gone_is_our_failure_and_no_wrong_password() {
    let app = TestApp::new().await;
    app.user("ann").await;
    sign_in_with(&app, Some(1), None, PASSWORD).await.expect(200);
    app.expect_error("neither USHER_PASSWORD_PEPPER nor USHER_PASSWORD_PEPPER_PREVIOUS");
    for _ in 0..12 {
        let refused = sign_in_with(&app, Some(2), Some(3), PASSWORD).await.expect_problem(503, "unavailable");
        assert!(refused.headers.contains_key("retry-after"));
    }
    assert_eq!(app.count("select (charged + failed)::bigint from attempts").await, 0);
    // Configured again, it opens.
    sign_in_with(&app, Some(2), Some(1), PASSWORD).await.expect(200);
    app.finish().await;
}

/// Signs Ann in at a process of the same house that has these peppers.
async fn sign_in_with(app: &TestApp, current: Option<u8>, previous: Option<u8>, password: &str) -> Answer {
    let pepper = |byte: u8| Pepper::new(&SecretKey::from_bytes((byte..byte + 32).collect()).unwrap());
    let peppers = Peppers { current: current.map(pepper), previous: previous.map(pepper) };
    let process = with_hasher(app, Hasher::start(Cost::CHEAP, 1, 8).peppered(peppers)).await;
    let credentials = json!({ "identifier": "ann@example.org", "password": password });
    Client::new(router::router(&process), None).post("/v1/login", credentials).await
}
