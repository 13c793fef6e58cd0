//! Somebody signs up with an address that is not theirs, and its owner opens the link.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{registered, submit, verify};
use crate::testing::{Answer, PASSWORD, TestApp};

const NEW: &str = "seven quiet herons wading";

#[tokio::test]
async fn r047_the_link_alone_does_not_make_the_password_of_the_sign_up_valid() {
    let app = TestApp::new().await;
    let link = registered(&app, "ann").await;
    let asked = post(&app, json!({ "token": link })).await.expect_problem(422, "invalid_body");
    assert_eq!(asked.fault_at("/password"), Some("required"));
    let both = json!({ "token": link, "password": PASSWORD, "new_password": NEW });
    post(&app, both).await.expect_problem(422, "invalid_body");
    let wrong = post(&app, json!({ "token": link, "password": NEW })).await.expect_problem(422, "wrong_password");
    assert_eq!(wrong.fault_at("/password"), Some("wrong_password"));
    assert_eq!(app.count("select count(*) from users where status = 'pending'").await, 1);
    app.client().post("/v1/login", json!({ "identifier": "ann@example.org", "password": PASSWORD })).await.expect(401);
    verify(&app, &link).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn r047_who_chooses_a_new_password_gets_the_address_and_nothing_of_the_sign_up() {
    let app = TestApp::new().await;
    let sign_up = json!({
        "email": "ann@example.org", "password": PASSWORD, "username": "mallory", "display_name": "Mallory",
        "website_url": "https://mallory.example/",
    });
    app.client().post("/v1/register", sign_up).await.expect(202);
    let link = app.mailed_token().await;
    let refused = post(&app, json!({ "token": link, "new_password": "too short" })).await.expect_problem(422, "invalid_body");
    assert_eq!(refused.fault_at("/new_password"), Some("password_too_short"));
    let answer = post(&app, json!({ "token": link, "new_password": NEW })).await.expect(200);
    assert_eq!(answer.json, json!({ "status": "verified" }));
    app.client().post("/v1/login", json!({ "identifier": "ann@example.org", "password": PASSWORD })).await.expect(401);
    let me = app.sign_in("ann@example.org", NEW).await.client.get("/v1/me").await.expect(200);
    assert_eq!((&me.json["display_name"], &me.json["website_url"]), (&Value::Null, &Value::Null));
    assert_eq!((me.json["email_verified"].as_bool(), me.str("status")), (Some(true), "active".to_owned()));
    assert_ne!(me.str("username"), "mallory");
    post(&app, json!({ "token": link, "new_password": NEW })).await.expect_problem(422, "invalid_token");
    app.finish().await;
}

#[tokio::test]
async fn r024_a_link_takes_five_wrong_passwords_and_then_only_a_new_one() {
    let app = TestApp::new().await;
    let link = registered(&app, "ann").await;
    let answers = join_all((0..8).map(|_| post(&app, json!({ "token": link, "password": NEW })))).await;
    let looked_at = answers.iter().filter(|answer| answer.json["code"] == "wrong_password").count();
    let refused = answers.iter().filter(|answer| answer.json["code"] == "new_password_required").count();
    assert_eq!((looked_at, refused), (5, 3));
    verify(&app, &link).await.expect_problem(422, "new_password_required");
    let page = submit(&app, &format!("token={link}&password=nonsense")).await.expect(200);
    assert!(page.text.contains("too many wrong passwords") && page.text.contains("name=\"new_password\""));
    // Nobody is locked out: the same link, or the next one.
    app.client().post("/v1/verify-email/resend", json!({ "email": "ann@example.org" })).await.expect(202);
    let newer = app.mailed_token().await;
    verify(&app, &newer).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn r043_the_page_offers_a_new_password_and_asking_for_it_changes_nothing() {
    let app = TestApp::new().await;
    let link = registered(&app, "ann").await;
    let asked = submit(&app, &format!("token={link}")).await.expect(200);
    assert!(asked.text.contains("name=\"new_password\"") && asked.text.contains(&link));
    assert!(asked.text.contains("autocomplete=\"new-password\""), "password managers work (R-006)");
    let short = submit(&app, &format!("token={link}&new_password=short")).await.expect(200);
    assert!(short.text.contains("at least 15 characters") && short.text.contains("name=\"new_password\""));
    assert!(short.text.contains("value=\"ann@example.org\" autocomplete=\"username\""), "{}", short.text);
    assert!(short.text.contains("/assets/forms.") && short.text.contains(&format!("verify?token={link}\"")), "{}", short.text);
    let done = submit(&app, &format!("token={link}&new_password=seven+quiet+herons+wading")).await.expect(200);
    assert!(done.text.contains("Your address is confirmed") && !done.text.contains(&link));
    app.sign_in("ann@example.org", NEW).await;
    app.finish().await;
}

#[tokio::test]
async fn of_both_ways_at_the_same_time_one_succeeds() {
    let app = TestApp::new().await;
    for round in 0..4 {
        let name = format!("ann{round}");
        let link = registered(&app, &name).await;
        let (kept, chosen) = tokio::join!(verify(&app, &link), post(&app, json!({ "token": link, "new_password": NEW })));
        assert_eq!(i32::from(kept.status == 200) + i32::from(chosen.status == 200), 1);
        let valid = if kept.status == 200 { PASSWORD } else { NEW };
        app.sign_in(&format!("{name}@example.org"), valid).await;
    }
    app.finish().await;
}

async fn post(app: &TestApp, body: Value) -> Answer {
    app.client().post("/v1/verify-email", body).await
}
