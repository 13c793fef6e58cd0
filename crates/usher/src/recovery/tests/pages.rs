//! The page that asks for a link.

use crate::testing::{PASSWORD, TestApp};

#[tokio::test]
async fn r026_the_page_answers_alike_for_everybody_and_changes_nothing() {
    let app = TestApp::new().await;
    app.user("ann").await;
    let mut shown = Vec::new();
    for email in ["ann@example.org", "nobody@example.org"] {
        let mut browser = app.browser();
        browser.open("/recover").await.expect(200);
        shown.push(browser.submit("/recover", &[("email", email)]).await.expect(200).text.replace(email, ""));
    }
    assert_eq!(shown[0], shown[1]);
    let mails = app.mails().await;
    assert_eq!(mails.iter().map(|mail| mail.to.as_str()).collect::<Vec<_>>(), ["ann@example.org"]);
    app.sign_in("ann@example.org", PASSWORD).await;
    let mut browser = app.browser();
    browser.open("/recover").await.expect(200);
    for (fields, text) in [(&[][..], "Enter your e-mail address."), (&[("email", "ann")], "The address must be")] {
        assert!(browser.submit("/recover", fields).await.expect(422).text.contains(text));
    }
    app.finish().await;
}

#[tokio::test]
async fn r028_the_forms_that_cause_mails_are_limited_as_their_operations_are() {
    let app = TestApp::new().await;
    let client = app.client().at("192.0.2.7");
    let mut browser = crate::testing::Browser::new(client);
    browser.open("/recover").await.expect(200);
    for _ in 0..60 {
        browser.submit("/recover", &[("email", "x")]).await.expect(422);
    }
    let refused = browser.submit("/recover", &[("email", "x")]).await.expect(429);
    assert!(refused.text.contains("Too many attempts") && refused.headers.contains_key("retry-after"));
    browser.submit("/register", &[]).await.expect(429);
    app.finish().await;
}
