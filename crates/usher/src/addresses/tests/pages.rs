//! The page of one's addresses.

use jiff::SignedDuration;

use crate::addresses::ADDRESSES_MAX;
use crate::testing::{Answer, Browser, Person, TestApp, token_in};

const HERE: &str = "/account/addresses";
const NEW: &str = "/account/addresses/new";

async fn signed_in(app: &TestApp) -> (Person, Browser) {
    let ann = app.user("ann").await;
    let mut browser = app.browser();
    browser.sign_in(&ann.email).await.expect(303);
    browser.open(HERE).await.expect(200);
    (ann, browser)
}

#[track_caller]
fn leads_to(answer: &Answer, path: &str) {
    assert_eq!((answer.status.as_u16(), answer.headers.get("location").map(|to| to.to_str().unwrap())), (303, Some(path)));
}

async fn pending(ann: &Person) -> Option<String> {
    let list = ann.client.get("/v1/me/emails").await.expect(200);
    list.json["pending"]["id"].as_str().map(ToOwned::to_owned)
}

/// The id of an address of theirs.
async fn id_of(ann: &Person, address: &str) -> String {
    let list = ann.client.get("/v1/me/emails").await.expect(200);
    let items = list.json["items"].as_array().unwrap();
    items.iter().find(|email| email["address"] == address).unwrap()["id"].as_str().unwrap().to_owned()
}

/// Adds an address and confirms it.
async fn add(app: &TestApp, browser: &mut Browser, address: &str) {
    browser.open(NEW).await.expect(200);
    leads_to(&browser.submit(NEW, &[("email", address)]).await, HERE);
    let mails = app.mails().await;
    let token = mails.iter().find(|mail| mail.to.as_str() == address).map(token_in).unwrap();
    browser.submit("/confirm-email", &[("token", &token)]).await.expect(200);
}

#[tokio::test]
async fn an_address_is_added_confirmed_made_primary_and_another_removed() {
    let app = TestApp::new().await;
    let (ann, mut browser) = signed_in(&app).await;
    browser.open(NEW).await.expect(200);
    leads_to(&browser.submit(NEW, &[("email", "new@example.org")]).await, HERE);
    let page = browser.open(HERE).await.expect(200).text;
    for told in ["We have sent a link to the new address.", "Waits to be confirmed", "new@example.org", "2 Jan 2026, 00:00"] {
        assert!(page.contains(told), "{told}: {page}");
    }
    let first = app.mails().await.iter().find(|mail| mail.to.as_str() == "new@example.org").map(token_in).unwrap();
    leads_to(&browser.submit("/account/addresses/resend", &[]).await, HERE);
    let second = app.mails().await.iter().find(|mail| mail.to.as_str() == "new@example.org").map(token_in).unwrap();
    assert!(browser.submit("/confirm-email", &[("token", &first)]).await.expect(200).text.contains("does not work"));
    assert!(browser.submit("/confirm-email", &[("token", &second)]).await.expect(200).text.contains("The address is added"));
    let page = browser.open(HERE).await.expect(200).text;
    assert!(!page.contains("Waits to be confirmed") && page.matches("badge-good").count() == 2, "{page}");
    leads_to(&browser.submit("/account/addresses/resend", &[]).await, HERE);
    let (old, new) = (id_of(&ann, "ann@example.org").await, id_of(&ann, "new@example.org").await);
    leads_to(&browser.submit(&format!("{HERE}/{new}/primary"), &[]).await, HERE);
    assert!(browser.open(HERE).await.expect(200).text.contains("Your primary address is changed."));
    assert_eq!(ann.client.get("/v1/me").await.expect(200).str("email"), "new@example.org");
    // The primary one stays, whoever forges the form.
    leads_to(&browser.submit(&format!("{HERE}/{new}/remove"), &[]).await, HERE);
    leads_to(&browser.submit(&format!("{HERE}/{old}/remove"), &[]).await, HERE);
    assert!(browser.open(HERE).await.expect(200).text.contains("The address is removed."));
    leads_to(&browser.submit(&format!("{HERE}/{old}/remove"), &[]).await, HERE);
    leads_to(&browser.submit(&format!("{HERE}/{old}/primary"), &[]).await, HERE);
    browser.submit(&format!("{HERE}/nonsense/remove"), &[]).await.expect(404);
    assert_eq!(ann.client.get("/v1/me/emails").await.expect(200).json["items"].as_array().unwrap().len(), 1);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn an_address_that_waits_is_withdrawn() {
    let app = TestApp::new().await;
    let (ann, mut browser) = signed_in(&app).await;
    browser.submit(NEW, &[("email", "new@example.org")]).await.expect(303);
    let id = pending(&ann).await.unwrap();
    leads_to(&browser.submit(&format!("{HERE}/{id}/remove"), &[]).await, HERE);
    assert!(browser.open(HERE).await.expect(200).text.contains("The new address is withdrawn."));
    assert_eq!(pending(&ann).await, None);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn what_is_no_address_or_theirs_already_or_too_many_is_said_at_the_field() {
    let app = TestApp::new().await;
    let (_, mut browser) = signed_in(&app).await;
    for (email, said) in
        [("", "Enter the e-mail address."), ("ann", "The address "), ("ANN@example.org", "This address is yours already.")]
    {
        let refused = browser.submit(NEW, &[("email", email)]).await.expect(422);
        assert!(refused.text.contains("id=\"email-error\"") && refused.text.contains(said), "{email}: {}", refused.text);
    }
    for number in 1..ADDRESSES_MAX {
        add(&app, &mut browser, &format!("ann{number}@example.org")).await;
    }
    let full = browser.open(HERE).await.expect(200).text;
    assert!(!full.contains(NEW) && full.contains("as many as one may have"), "{full}");
    let refused = browser.submit(NEW, &[("email", "more@example.org")]).await.expect(422);
    assert!(refused.text.contains("at most 10 addresses"), "{}", refused.text);
    browser.submit("/language", &[("language", "de")]).await.expect(303);
    let refused = browser.submit(NEW, &[("email", "more@example.org")]).await.expect(422);
    assert!(refused.text.contains("Es gibt bereits 10 Adressen: Entfernen Sie zuerst eine."), "{}", refused.text);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r026_the_address_of_somebody_else_is_answered_as_any() {
    let app = TestApp::new().await;
    let (_, mut browser) = signed_in(&app).await;
    app.user("bob").await;
    let mut shown = Vec::new();
    for email in ["bob@example.org", "free@example.org"] {
        leads_to(&browser.submit(NEW, &[("email", email)]).await, HERE);
        // Every token of a form is as long as another.
        shown.push(browser.open(HERE).await.expect(200).text.replace(email, "").len());
    }
    assert_eq!(shown[0], shown[1]);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r105_whatever_changes_addresses_leads_to_a_fresh_proof() {
    let app = TestApp::new().await;
    let (ann, mut browser) = signed_in(&app).await;
    let id = id_of(&ann, "ann@example.org").await;
    app.advance(SignedDuration::from_mins(11));
    browser.open(HERE).await.expect(200);
    leads_to(&browser.open(NEW).await, "/reauthenticate?return_to=%2Faccount%2Faddresses%2Fnew");
    leads_to(
        &browser.submit(NEW, &[("email", "new@example.org")]).await,
        "/reauthenticate?return_to=%2Faccount%2Faddresses%2Fnew",
    );
    for path in ["resend".to_owned(), format!("{id}/primary"), format!("{id}/remove")] {
        let to = browser.submit(&format!("{HERE}/{path}"), &[]).await;
        leads_to(&to, "/reauthenticate?return_to=%2Faccount%2Faddresses");
    }
    app.finish().await;
}

#[tokio::test]
async fn r028_mails_are_limited_as_by_the_api() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let mut browser = Browser::new(app.client().at("198.51.100.7"));
    browser.sign_in(&ann.email).await.expect(303);
    browser.open(NEW).await.expect(200);
    for _ in 0..60 {
        leads_to(&browser.submit(NEW, &[("email", "new@example.org")]).await, HERE);
    }
    let refused = browser.submit(NEW, &[("email", "new@example.org")]).await.expect(429);
    assert!(refused.headers.contains_key("retry-after") && refused.text.contains("Too many attempts"), "{}", refused.text);
    browser.submit("/account/addresses/resend", &[]).await.expect(429);
    let email = serde_json::json!({ "email": "new@example.org" });
    ann.client.clone().at("198.51.100.7").post("/v1/me/emails", email).await.expect(429);
    app.run_jobs().await;
    app.finish().await;
}
