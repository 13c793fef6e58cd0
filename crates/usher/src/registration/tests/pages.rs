//! The page of the sign-up.

use crate::testing::{PASSWORD, TestApp, token_in};

#[tokio::test]
async fn r026_the_page_signs_up_and_answers_alike_for_an_address_that_is_taken() {
    let app = TestApp::new().await;
    app.user("taken").await;
    let mut shown = Vec::new();
    for email in ["taken@example.org", "fresh@example.org"] {
        let mut browser = app.browser();
        browser.open("/register").await.expect(200);
        let fields = [("email", email), ("display_name", "Ann"), ("password", PASSWORD)];
        let sent = browser.submit("/register", &fields).await.expect(200);
        assert!(sent.headers.get("set-cookie").is_none());
        shown.push(sent.text.replace(email, ""));
    }
    assert_eq!(shown[0], shown[1]);
    let mails = app.mails().await;
    let link = mails.iter().find(|mail| mail.to == "fresh@example.org").expect("a mail with a link");
    let body = format!("token={}&password={}", token_in(link), PASSWORD.replace(' ', "+"));
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    app.client().send_raw(http::Method::POST, "/verify", &headers, body.into_bytes()).await.expect(200);
    let mut browser = app.browser();
    browser.sign_in("fresh@example.org").await.expect(303);
    assert!(browser.open("/account").await.expect(200).text.contains("Ann"));
    app.finish().await;
}

#[tokio::test]
async fn the_page_names_what_is_to_be_mended_and_keeps_what_was_written() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser.open("/register").await.expect(200);
    for (fields, texts) in [
        (&[][..], ["Enter your e-mail address.", "Choose a password."]),
        (&[("email", "ann@"), ("password", "short")], ["The address must be", "ann@"]),
        (&[("email", "ann@example.org"), ("password", "passwordpassword")], ["The password is one of", "ann@example.org"]),
        (&[("email", "ann@example.org"), ("password", "short")], ["The password must have at least 15", "ann@example.org"]),
        (&[("email", "<b>@x"), ("password", "aaaaaaaaaaaaaaaaaaa")], ["The address must be", "&lt;b&gt;"]),
    ] {
        let refused = browser.submit("/register", fields).await.expect(422);
        for text in texts {
            assert!(refused.text.contains(text), "{text}: {}", refused.text);
        }
        assert!(!refused.text.contains("short\""), "no password comes back");
    }
    assert!(app.mails().await.is_empty());
    app.finish().await;
}

#[tokio::test]
async fn where_sign_up_is_closed_the_page_says_so_and_takes_no_form() {
    let app = TestApp::with(&[("USHER_REGISTRATION", "invite")]).await;
    let mut browser = app.browser();
    let page = browser.open("/register").await.expect(200);
    assert!(page.text.contains("Sign-up is by invitation only.") && !page.text.contains("action=\"/register\""));
    assert!(!browser.open("/sign-in").await.text.contains("/register"));
    browser.submit("/register", &[("email", "ann@example.org"), ("password", PASSWORD)]).await.expect(200);
    assert!(app.mails().await.is_empty());
    app.finish().await;
}
