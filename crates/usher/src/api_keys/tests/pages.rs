//! The page of one's API keys.

use jiff::SignedDuration;
use serde_json::json;

use crate::caller::Permission;
use crate::testing::{Answer, Browser, Person, TestApp};

const HERE: &str = "/account/api-keys";
const NEW: &str = "/account/api-keys/new";

async fn enter(app: &TestApp, person: &Person) -> Browser {
    let mut browser = app.browser();
    browser.sign_in(&person.email).await.expect(303);
    browser.open(NEW).await.expect(200);
    browser
}

#[track_caller]
fn leads_to(answer: &Answer, path: &str) {
    assert_eq!((answer.status.as_u16(), answer.headers.get("location").map(|to| to.to_str().unwrap())), (303, Some(path)));
}

/// The key that the answer shows.
fn shown(answer: &Answer) -> String {
    let text = answer.text.split("<code>").find(|part| part.starts_with("ush_key_")).unwrap();
    text.split('<').next().unwrap().to_owned()
}

#[test]
fn what_a_permission_allows_is_said_in_the_words_of_the_api() {
    for permission in Permission::ALL {
        assert_eq!(super::super::form::about(permission), permission.description());
    }
}

#[tokio::test]
async fn a_key_is_made_shown_once_used_and_revoked() {
    let app = TestApp::new().await;
    let boss = app.manager().await;
    let mut browser = enter(&app, &boss).await;
    let fields = [("name", "Nightly <b>report"), ("days", "30"), ("permission.users:read", "on")];
    let made = browser.submit(NEW, &fields).await.expect(200);
    assert!(made.text.contains("Nightly &lt;b&gt;report") && made.text.contains("31 January 2026"), "{}", made.text);
    assert!(made.text.contains("data-copies") && made.text.contains("data-copied=\"Copied\""), "{}", made.text);
    assert!(made.headers["content-security-policy"].to_str().unwrap().contains("script-src 'self'"));
    let key = shown(&made);
    let program = app.client_with(&key);
    program.get("/v1/users").await.expect(200);
    program.get("/v1/roles").await.expect_problem(403, "forbidden");
    let page = browser.open(HERE).await.expect(200).text;
    assert!(page.contains("Nightly &lt;b&gt;report") && page.contains("users:read") && !page.contains(&key), "{page}");
    let mails = app.mails().await;
    assert!(mails.iter().any(|mail| mail.subject == "An API key was made for your account at usher"));
    let listed = boss.client.get("/v1/me/api-keys").await.expect(200);
    let item = &listed.json["items"][0];
    assert_eq!(item["expires_at"], (app.now() + SignedDuration::from_hours(30 * 24)).to_string());
    let revoke = format!("{HERE}/{}/revoke", item["id"].as_str().unwrap());
    leads_to(&browser.submit(&revoke, &[]).await, HERE);
    let page = browser.open(HERE).await.expect(200).text;
    assert!(page.contains("The key is revoked.") && page.contains("You have no keys."), "{page}");
    program.get("/v1/whoami").await.expect_problem(401, "unauthorized");
    leads_to(&browser.submit(&revoke, &[]).await, HERE);
    browser.submit(&format!("{HERE}/nonsense/revoke"), &[]).await.expect(404);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r203_only_what_one_holds_can_be_given() {
    let app = TestApp::new().await;
    let (ann, eve) = (app.user("ann").await, app.user("eve").await);
    let mut browser = enter(&app, &ann).await;
    let page = browser.open(NEW).await.expect(200).text;
    assert!(!page.contains("type=\"checkbox\"") && page.contains("You hold no permissions"), "{page}");
    let forged = [("name", "x"), ("days", "30"), ("permission.users:read", "on")];
    let refused = browser.submit(NEW, &forged).await.expect(422);
    assert!(refused.text.contains("permissions that they lack"), "{}", refused.text);
    let made = browser.submit(NEW, &[("name", "x"), ("days", "7"), ("permission.no:such", "on")]).await.expect(200);
    assert_eq!(app.client_with(&shown(&made)).get("/v1/whoami").await.expect(200).json["permissions"], json!([]));
    // Another's key is none of theirs.
    let id = eve.client.post("/v1/me/api-keys", json!({ "name": "x" })).await.expect(201).str("id");
    leads_to(&browser.submit(&format!("{HERE}/{id}/revoke"), &[]).await, HERE);
    assert_eq!(eve.client.get("/v1/me/api-keys").await.expect(200).json["items"].as_array().unwrap().len(), 1);
    browser.submit("/language", &[("language", "de")]).await.expect(303);
    let refused = browser.submit(NEW, &forged).await.expect(422);
    assert!(refused.text.contains("Niemand kann Rechte geben, nehmen oder ändern"), "{}", refused.text);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn what_does_not_fit_is_said_at_its_field_and_what_was_chosen_stays() {
    let app = TestApp::with(&[("USHER_API_KEY_LIFETIME_MAX_DAYS", "100")]).await;
    let boss = app.manager().await;
    let mut browser = enter(&app, &boss).await;
    let page = browser.open(NEW).await.expect(200).text;
    assert!(page.contains("<option value=\"90\" selected>") && page.contains("<option value=\"100\">"), "{page}");
    assert!(!page.contains("<option value=\"180\""), "{page}");
    for (name, days, at, said) in [
        ("", "30", "name", "Say what the key is for."),
        (" ", "30", "name", "The name must have visible characters"),
        ("x", "", "days", "Choose when the key ends."),
        ("x", "0", "days", "The end "),
        ("x", "101", "days", "does not last so long here"),
        ("x", "99999", "days", "does not last so long here"),
    ] {
        let fields = [("name", name), ("days", days), ("permission.users:read", "on")];
        let refused = browser.submit(NEW, &fields).await.expect(422);
        let at = format!("id=\"{at}-error\"");
        assert!(refused.text.contains(&at) && refused.text.contains(said), "{name:?} {days:?}: {}", refused.text);
        assert!(refused.text.contains("name=\"permission.users:read\" value=\"on\" checked"), "{}", refused.text);
    }
    for _ in 0..50 {
        boss.client.post("/v1/me/api-keys", json!({ "name": "x" })).await.expect(201);
    }
    let refused = browser.submit(NEW, &[("name", "x"), ("days", "30")]).await.expect(422);
    assert!(refused.text.contains("Revoke one first."), "{}", refused.text);
    browser.submit("/language", &[("language", "de")]).await.expect(303);
    let refused = browser.submit(NEW, &[("name", "x"), ("days", "30")]).await.expect(422);
    assert!(refused.text.contains("Es gibt bereits 50 Schlüssel: Widerrufen Sie zuerst einen."), "{}", refused.text);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r105_making_a_key_in_the_browser_leads_to_a_fresh_proof() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let mut browser = enter(&app, &ann).await;
    app.advance(SignedDuration::from_mins(11));
    browser.open(HERE).await.expect(200);
    for to in [browser.open(NEW).await, browser.submit(NEW, &[("name", "x"), ("days", "7")]).await] {
        leads_to(&to, "/reauthenticate?return_to=%2Faccount%2Fapi-keys%2Fnew");
    }
    assert_eq!(app.count("select count(*) from api_keys").await, 0);
    app.finish().await;
}
