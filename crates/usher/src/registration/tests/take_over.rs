//! An address whose sign-up was never verified belongs to nobody yet: the next who has a claim to it takes it over.

use jiff::SignedDuration;
use serde_json::json;

use super::{OTHER_PASSWORD, ask, body, login, recipients, sign_up, verify};
use crate::testing::{PASSWORD, TestApp, token_in};

/// Another spelling of `ann@example.org`, and perhaps another mailbox: its first letter is full-width.
const FULL_WIDTH: &str = "\u{ff21}nn@example.org";

#[tokio::test]
async fn r047_the_mail_goes_to_the_address_as_the_later_sign_up_spells_it() {
    let app = TestApp::new().await;
    sign_up(&app, &body(FULL_WIDTH)).await.expect(202);
    let first = app.mails().await;
    assert_eq!(first.iter().map(|mail| mail.to.as_str()).collect::<Vec<_>>(), [FULL_WIDTH]);
    let mut later = body("ann@example.org");
    later["password"] = json!(OTHER_PASSWORD);
    sign_up(&app, &later).await.expect(202);
    let second = app.mails().await;
    assert_eq!(second.iter().map(|mail| mail.to.as_str()).collect::<Vec<_>>(), ["ann@example.org"]);
    verify(&app, &token_in(&first[0]), PASSWORD).await.expect_problem(422, "invalid_token");
    verify(&app, &token_in(&second[0]), OTHER_PASSWORD).await.expect(200);
    let ann = app.sign_in("ann@example.org", OTHER_PASSWORD).await;
    assert_eq!(ann.email, "ann@example.org");
    // Verified, it stays as it is: who signs up with another spelling reaches the owner.
    sign_up(&app, &body(FULL_WIDTH)).await.expect(202);
    assert_eq!(recipients(&app.mails().await)[0].0, "ann@example.org");
    assert_eq!(ann.client.get("/v1/me").await.expect(200).str("email"), "ann@example.org");
    app.finish().await;
}

#[tokio::test]
async fn r047_a_mail_not_yet_made_goes_to_the_later_spelling_too() {
    let app = TestApp::new().await;
    ask(&app, &body(FULL_WIDTH)).await.expect(202);
    app.advance(SignedDuration::from_secs(1));
    ask(&app, &body("ann@example.org")).await.expect(202);
    let mails = app.mails().await;
    assert!(!mails.is_empty() && mails.iter().all(|mail| mail.to == "ann@example.org"), "{:?}", recipients(&mails));
    app.finish().await;
}

#[tokio::test]
async fn r047_the_later_sign_up_has_its_own_user_name() {
    let app = TestApp::new().await;
    let username = async |wish: Option<&str>| {
        let mut body = body("ann@example.org");
        if let Some(wish) = wish {
            body["username"] = json!(wish);
        }
        sign_up(&app, &body).await.expect(202);
        let mut tx = app.tx().await;
        let name: String = tx.query_one("select username from users where status = 'pending'", &[]).await.unwrap().get(0);
        tx.commit().await.unwrap();
        name
    };
    assert_eq!(username(Some("mallory")).await, "mallory");
    assert_eq!(username(Some("Calm-Ann")).await, "Calm-Ann");
    assert_eq!(username(Some("calm-ann")).await, "calm-ann");
    // Without a wish, and with one that is somebody else's, a name is made up; the earlier one's is free again.
    assert_ne!(username(None).await, "calm-ann");
    let eve = app.user("eve").await;
    eve.client.patch("/v1/me", json!({ "username": "Calm-Ann" })).await.expect(200);
    assert_ne!(username(Some("calm-ann")).await.to_lowercase(), "calm-ann");
    assert_eq!(app.count("select count(*) from users").await, 2);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r047_a_sign_up_that_was_never_verified_does_not_keep_an_administrator_out() {
    let app = TestApp::new().await;
    let boss = app.admin().await;
    sign_up(&app, &body("ann@example.org")).await.expect(202);
    let link = app.mailed_token().await;
    let made = boss.client.post("/v1/users", json!({ "email": "\u{ff21}NN@example.org" })).await.expect(201);
    assert_eq!((made.str("status"), made.json["email_verified"].as_bool()), ("pending".to_owned(), Some(false)));
    // The sign-up is gone, with its password and its link, and the audit trail says so.
    assert_eq!(app.count("select count(*) from users").await, 2);
    let purged = "
        select count(*)
        from audit_events
        where action = 'user.purged' and outcome = 'success' and target_id is not null";
    assert_eq!(app.count(purged).await, 1);
    assert_eq!(app.count("select count(*) from password_credentials").await, 1);
    verify(&app, &link, PASSWORD).await.expect_problem(422, "invalid_token");
    let welcome = app.mailed_token().await;
    verify(&app, &link, PASSWORD).await.expect_problem(422, "invalid_token");
    login(&app, "ann@example.org", PASSWORD).await.expect_problem(401, "invalid_credentials");
    let chosen = json!({ "token": welcome, "password": OTHER_PASSWORD });
    app.client().post("/v1/password/reset", chosen).await.expect(200);
    assert_eq!(app.sign_in("ann@example.org", OTHER_PASSWORD).await.id, made.str("id"));
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r047_a_sign_up_that_waits_gives_way_as_well() {
    let app = TestApp::new().await;
    let boss = app.admin().await;
    ask(&app, &body("ann@example.org")).await.expect(202);
    boss.client.post("/v1/users", json!({ "email": "ann@example.org" })).await.expect(201);
    let mails = app.mails().await;
    let told = [
        ("ann@example.org".to_owned(), super::ALREADY.to_owned()),
        ("ann@example.org".to_owned(), "Your account at usher".to_owned()),
    ];
    assert_eq!(recipients(&mails), told);
    app.finish().await;
}

#[tokio::test]
async fn an_address_whose_user_was_invited_or_is_active_stays_taken() {
    let app = TestApp::new().await;
    let boss = app.admin().await;
    app.user("active").await;
    boss.client.post("/v1/users", json!({ "email": "invited@example.org" })).await.expect(201);
    for name in ["active", "invited"] {
        let body = json!({ "email": format!("{name}@example.org") });
        let refused = boss.client.post("/v1/users", body).await.expect_problem(409, "email_taken");
        assert_eq!(refused.fault_at("/email"), Some("email_taken"));
    }
    assert_eq!(app.count("select count(*) from users").await, 3);
    assert_eq!(app.count("select count(*) from audit_events where action = 'user.purged'").await, 0);
    // The invitation still works.
    let welcome = app.mailed_token().await;
    app.client().post("/v1/password/reset", json!({ "token": welcome, "password": PASSWORD })).await.expect(200);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r047_an_administrator_and_a_sign_up_for_one_address_at_the_same_time_get_along() {
    let app = TestApp::new().await;
    let boss = app.admin().await;
    for round in 0..5 {
        let email = format!("ann{round}@example.org");
        let (signed_up, made) =
            tokio::join!(async { sign_up(&app, &body(&email)).await }, boss.client.post("/v1/users", json!({ "email": email })));
        signed_up.expect(202);
        made.expect(201);
        assert_eq!(app.count("select count(*) from users where status = 'pending'").await, round + 1);
    }
    // Whoever came first, the administrator's is the one that stays: none has a password.
    assert_eq!(app.count("select count(*) from password_credentials").await, 1);
    app.run_jobs().await;
    app.finish().await;
}
