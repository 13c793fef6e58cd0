//! Signing in, through the front door.

mod attempts;
mod hashes;
mod pages;
mod trace;

use http::Method;
use serde_json::json;

use crate::app::App;
use crate::caller::Authority;
use crate::emails::EmailAddress;
use crate::hashing::{Cost, Hasher};
use crate::network::Network;
use crate::password;
use crate::roles::RoleName;
use crate::secret::SecretText;
use crate::testing::{Answer, Client, PASSWORD, TestApp};
use crate::users::{self, IfTaken, NewUser, Profile};
use crate::{keys, router};

const WRONG: &str = "not the right password";
/// [`PASSWORD`], hashed by argon2-cffi 25.1 with four lanes and a shorter output.
const IMPORTED: &str = "$argon2id$v=19$m=32,t=2,p=4$c29tZXNhbHRvZm90aGVycw$3qHR8G2uMGzrxX2iv6tiz1FaMY8Gy2qO";

#[tokio::test]
async fn people_sign_in_by_address_and_by_user_name_in_any_case() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    ann.client.patch("/v1/me", json!({ "username": "Calm-Otter" })).await.expect(200);
    for identifier in ["ann@example.org", "ANN@Example.ORG", "\u{ff21}nn@example.org", "Calm-Otter", "calm-OTTER"] {
        let tokens = login(&app, identifier, PASSWORD).await.expect(200);
        assert_eq!(tokens.str("token_type"), "Bearer");
        assert_eq!(tokens.json["expires_in"], 300);
        assert_eq!(tokens.json["refresh_expires_in"], 30 * 24 * 3600);
        assert_eq!(tokens.headers["cache-control"], "no-store");
        let me = app.client_with(&tokens.str("access_token")).get("/v1/me").await.expect(200);
        assert_eq!(me.str("id"), ann.id, "{identifier}");
        assert_eq!(me.str("last_sign_in_at"), app.now().to_string());
    }
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r026_every_refusal_is_the_same() {
    let app = TestApp::new().await;
    let boss = app.admin().await;
    for name in ["ann", "suspended", "deleted"] {
        let path = format!("/v1/users/{}", app.user(name).await.id);
        match name {
            "suspended" => drop(boss.client.post(&format!("{path}/suspend"), json!({})).await.expect(200)),
            "deleted" => drop(boss.client.delete(&path).await.expect(204)),
            _ => {}
        }
    }
    app.client().post("/v1/register", json!({ "email": "pending@example.org", "password": PASSWORD })).await.expect(202);
    boss.client.post("/v1/users", json!({ "email": "invited@example.org" })).await.expect(201);
    without_password(&app, "passwordless@example.org").await;

    let wrong = login(&app, "ann@example.org", WRONG).await.expect_problem(401, "invalid_credentials").sameness();
    let refused = ["nobody@example.org", "nobody", "not@an@address", "%", "invited@example.org", "passwordless@example.org"];
    for identifier in refused.into_iter().chain(["pending@example.org"]) {
        assert_eq!(login(&app, identifier, PASSWORD).await.sameness(), wrong, "{identifier}");
    }
    for name in ["suspended", "deleted"] {
        // With the right password and with a wrong one.
        assert_eq!(login(&app, &format!("{name}@example.org"), PASSWORD).await.sameness(), wrong, "{name}");
        assert_eq!(login(&app, &format!("{name}@example.org"), WRONG).await.sameness(), wrong, "{name}");
    }
    assert_eq!(
        app.count("select count(*) from sessions where user_id in (select id from users where status <> 'active')").await,
        2
    );
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r003_composed_and_decomposed_spellings_of_a_password_are_one_and_spaces_count() {
    let app = TestApp::new().await;
    let (composed, decomposed) = (" caf\u{e9} at the corner ", " cafe\u{301} at the corner ");
    for (email, chosen) in [("ann@example.org", composed), ("bob@example.org", decomposed)] {
        app.client().post("/v1/register", json!({ "email": email, "password": chosen })).await.expect(202);
        let link = app.mailed_token().await;
        app.client().post("/v1/verify-email", json!({ "token": link, "password": chosen })).await.expect(200);
        for spelling in [composed, decomposed] {
            login(&app, email, spelling).await.expect(200);
        }
        for other in [composed.trim(), composed.trim_start(), " cafe at the corner ", " CAF\u{c9} at the corner "] {
            login(&app, email, other).await.expect_problem(401, "invalid_credentials");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn r009_a_sign_in_makes_a_hash_below_the_policy_anew() {
    let app = TestApp::new().await;
    app.user("ann").await;
    assert!(stored_hash(&app).await.starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
    let raised = with_cost(&app, Cost { memory_kib: 64, passes: 2 }).await;
    let credentials = |password: &str| json!({ "identifier": "ann@example.org", "password": password });
    raised.post("/v1/login", credentials(WRONG)).await.expect(401);
    assert!(stored_hash(&app).await.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "a wrong password was stored");
    raised.post("/v1/login", credentials(PASSWORD)).await.expect(200);
    let upgraded = stored_hash(&app).await;
    assert!(upgraded.starts_with("$argon2id$v=19$m=64,t=2,p=1$"), "{upgraded}");
    // It is the same password, and from now on the hash stays.
    raised.post("/v1/login", credentials(WRONG)).await.expect(401);
    raised.post("/v1/login", credentials(PASSWORD)).await.expect(200);
    assert_eq!(stored_hash(&app).await, upgraded);
    app.finish().await;
}

#[tokio::test]
async fn r009_a_sign_in_does_not_weaken_a_hash_above_the_policy() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let password = SecretText::new(PASSWORD.to_owned());
    // The app's own policy is eight KiB and one pass.
    for (memory_kib, passes) in [(64, 3), (64, 1), (8, 3)] {
        let stronger = Hasher::start(Cost { memory_kib, passes }, 1, 8).hash(&password, Network::of(None)).await.unwrap();
        store_hash(&app, &ann.id, &stronger).await;
        login(&app, "ann@example.org", WRONG).await.expect(401);
        login(&app, "ann@example.org", PASSWORD).await.expect(200);
        assert_eq!(stored_hash(&app).await, stronger);
    }
    app.finish().await;
}

#[tokio::test]
async fn r009_a_hash_that_another_program_made_verifies_and_becomes_ours() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    store_hash(&app, &ann.id, IMPORTED).await;
    login(&app, "ann@example.org", WRONG).await.expect(401);
    login(&app, "ann@example.org", PASSWORD).await.expect(200);
    assert!(stored_hash(&app).await.starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
    login(&app, "ann@example.org", PASSWORD).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn a_stored_hash_that_nobody_can_read_opens_nothing() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    for unreadable in ["*", PASSWORD, "$argon2id$v=19$m=8,t=1,p=1$", "$argon2i$v=19$m=8,t=1,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNo"] {
        store_hash(&app, &ann.id, unreadable).await;
        login(&app, "ann@example.org", PASSWORD).await.expect_problem(401, "invalid_credentials");
        login(&app, "ann@example.org", unreadable).await.expect_problem(401, "invalid_credentials");
    }
    store_hash(&app, &ann.id, "").await;
    login(&app, "ann@example.org", PASSWORD).await.expect_problem(401, "invalid_credentials");
    app.finish().await;
}

#[tokio::test]
async fn r107_credentials_come_as_one_json_object_of_texts() {
    let app = TestApp::new().await;
    app.user("ann").await;
    let misfits = [
        json!({ "identifier": ["ann@example.org"], "password": PASSWORD }),
        json!({ "identifier": "ann@example.org", "password": { "$ne": "" } }),
        json!({ "identifier": "ann@example.org" }),
        json!({ "identifier": "", "password": PASSWORD }),
        json!({ "identifier": "ann@example.org\0", "password": PASSWORD }),
        json!({ "identifier": "ann@example.org", "password": PASSWORD, "remember": true }),
        json!([]),
    ];
    for misfit in misfits {
        app.client().post("/v1/login", misfit).await.expect_problem(422, "invalid_body");
    }
    let good = json!({ "identifier": "ann@example.org", "password": PASSWORD });
    for media_type in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let headers = [("content-type", media_type)];
        let answer = app.client().send(Method::POST, "/v1/login", &headers, Some(good.clone())).await;
        answer.expect_problem(415, "unsupported_media_type");
    }
    let cross_site = [("sec-fetch-site", "cross-site")];
    app.client().send(Method::POST, "/v1/login", &cross_site, Some(good)).await.expect_problem(403, "cross_site_request");
    app.finish().await;
}

#[tokio::test]
async fn r260_sign_ins_and_refusals_are_in_the_audit_trail_without_the_password() {
    let app = TestApp::new().await;
    app.user("ann").await;
    login(&app, "ann@example.org", WRONG).await.expect(401);
    login(&app, "nobody@example.org", WRONG).await.expect(401);
    let by_outcome =
        |outcome: &str| format!("select count(*) from audit_events where action = 'sign_in' and outcome = '{outcome}'");
    assert_eq!(app.count(&by_outcome("success")).await, 1);
    assert_eq!(app.count(&by_outcome("failure")).await, 2);
    let on_ann = "select count(*) from audit_events where action = 'sign_in' and outcome = 'failure' and target_id is not null";
    assert_eq!(app.count(on_ann).await, 1);
    for secret in [PASSWORD, WRONG, "nobody@example.org"] {
        let sql = format!("select count(*) from audit_details d where d.content like '%{secret}%'");
        assert_eq!(app.count(&sql).await, 0, "{secret} is in the audit trail");
    }
    app.finish().await;
}

async fn login(app: &TestApp, identifier: &str, password: &str) -> Answer {
    app.client().post("/v1/login", json!({ "identifier": identifier, "password": password })).await
}

/// A client of the same house with another hashing policy.
async fn with_cost(app: &TestApp, cost: Cost) -> Client {
    Client::new(router::router(&with_hasher(app, Hasher::start(cost, 1, 8)).await), None)
}

/// Another process of the same house.
async fn with_hasher(app: &TestApp, hasher: Hasher) -> App {
    let other = app.another(|parts| parts.hasher = hasher);
    keys::load(&other).await.unwrap();
    other
}

/// The only password's hash.
async fn stored_hash(app: &TestApp) -> String {
    let mut tx = app.tx().await;
    let hash = tx.query_one("select hash from password_credentials", &[]).await.unwrap().get(0);
    tx.commit().await.unwrap();
    hash
}

async fn store_hash(app: &TestApp, user_id: &str, phc: &str) {
    let mut tx = app.tx().await;
    password::set(&mut tx, user_id.parse().unwrap(), phc).await.unwrap();
    tx.commit().await.unwrap();
}

/// An active user who has never chosen a password.
async fn without_password(app: &TestApp, email: &str) {
    let mut tx = app.tx().await;
    let new = NewUser {
        email: &EmailAddress::parse(email).unwrap(),
        verified: true,
        username: None,
        if_username_taken: IfTaken::Refuse,
        profile: &Profile::default(),
        attributes: &serde_json::Map::new(),
        roles: &[RoleName::from("user")],
    };
    users::create(&mut tx, Authority::operator(), new).await.unwrap();
    tx.commit().await.unwrap();
}
