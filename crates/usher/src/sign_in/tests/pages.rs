//! The pages of the sign-in.

use crate::testing::{Answer, Browser, PASSWORD, TestApp};

const WRONG: &str = "not the right password";

/// Everything of a page but the token of its form, which is another one each time.
fn sameness(answer: &Answer, browser: &Browser, identifier: &str) -> (u16, Vec<(String, String)>, String) {
    let (status, headers, _) = answer.sameness();
    let text = answer.text.replace(&browser.form_token, "").replace(identifier, "");
    (status, headers.into_iter().filter(|(name, _)| name != "content-length").collect(), text)
}

#[tokio::test]
async fn r026_the_pages_are_the_same_for_accounts_that_do_not_exist_or_may_not_sign_in() {
    let app = TestApp::new().await;
    let boss = app.admin().await;
    let suspended = app.user("suspended").await;
    boss.client.post(&format!("/v1/users/{}/suspend", suspended.id), serde_json::json!({})).await.expect(200);
    app.user("ann").await;
    let mut seen = Vec::new();
    for (identifier, password) in
        [("ann@example.org", WRONG), ("nobody@example.org", WRONG), ("suspended@example.org", PASSWORD), ("no one at all", WRONG)]
    {
        let mut browser = app.browser();
        browser.open("/sign-in").await.expect(200);
        let asked = browser.submit("/sign-in", &[("identifier", identifier)]).await.expect(200);
        let asked = sameness(&asked, &browser, identifier);
        let refused = browser.submit("/sign-in", &[("identifier", identifier), ("password", password)]).await.expect(422);
        assert!(refused.text.contains("do not fit together") && !refused.text.contains(password));
        seen.push((asked, sameness(&refused, &browser, identifier)));
    }
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:#?}");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn another_language_at_the_password_keeps_who_was_named_and_where_they_go() {
    let app = TestApp::new().await;
    app.user("ann").await;
    let mut browser = app.browser();
    browser.open("/sign-in?return_to=%2Faccount%2Fdata").await.expect(200);
    let named = [("identifier", "ann@example.org"), ("return_to", "/account/data")];
    let asked = browser.submit("/sign-in", &named).await.expect(200);
    // What the form of the languages holds beside its token.
    let form = asked.text.split("<form class=\"languages\"").nth(1).unwrap();
    for part in ["action=\"&#x2f;sign-in\"", "value=\"ann@example.org\"", "value=\"&#x2f;account&#x2f;data\""] {
        assert!(form.contains(part), "{part}: {form}");
    }
    let german = browser.submit("/sign-in", &[named[0], named[1], ("language", "de")]).await.expect(200);
    assert!(german.text.contains("lang=\"de\"") && german.text.contains("autocomplete=\"current-password\""), "{}", german.text);
    assert!(german.text.contains("value=\"ann@example.org\"") && !german.text.contains("id=\"password-error\""));
    let refused = browser.submit("/sign-in", &[named[0], named[1], ("password", WRONG)]).await.expect(422);
    assert!(refused.text.contains("<html lang=\"de\""), "{}", refused.text);
    // A language that is none changes nothing.
    let other = browser.submit("/sign-in", &[named[0], ("language", "xx")]).await.expect(200);
    assert!(other.text.contains("<html lang=\"de\""), "{}", other.text);
    let entered = browser.submit("/sign-in", &[named[0], named[1], ("password", PASSWORD)]).await.expect(303);
    assert_eq!(entered.headers["location"], "/account/data");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r022_r027_guesses_by_the_page_and_by_the_api_are_counted_together_and_the_answer_says_when_to_come_back() {
    let app = TestApp::new().await;
    for (identifier, exists) in [("ann@example.org", true), ("nobody@example.org", false)] {
        if exists {
            app.user("ann").await;
        }
        let mut browser = app.browser();
        browser.open("/sign-in").await.expect(200);
        for _ in 0..5 {
            let body = serde_json::json!({ "identifier": identifier, "password": WRONG });
            app.client().post("/v1/login", body).await.expect(401);
            browser.submit("/sign-in", &[("identifier", identifier), ("password", WRONG)]).await.expect(422);
        }
        let refused = browser.submit("/sign-in", &[("identifier", identifier), ("password", PASSWORD)]).await.expect(429);
        assert!(refused.text.contains("Too many attempts") && refused.text.contains("in 15 minutes"), "{}", refused.text);
        assert_eq!(refused.headers["retry-after"], "900");
    }
    app.finish().await;
}

#[tokio::test]
async fn r025_a_browser_that_is_known_is_not_kept_out_by_the_guesses_of_others() {
    let app = TestApp::new().await;
    app.user("ann").await;
    let mut browser = app.browser();
    browser.sign_in("ann@example.org").await.expect(303);
    browser.open("/account").await.expect(200);
    browser.submit("/sign-out", &[]).await.expect(303);
    for _ in 0..10 {
        let body = serde_json::json!({ "identifier": "ann@example.org", "password": WRONG });
        app.client().post("/v1/login", body).await.expect(401);
    }
    app.browser().sign_in("ann@example.org").await.expect(429);
    let entered = browser.sign_in("ann@example.org").await.expect(303);
    assert_eq!(entered.headers.get_all("set-cookie").iter().count(), 1, "the device keeps its token");
    app.finish().await;
}

#[tokio::test]
async fn people_go_on_to_where_they_wanted_and_never_to_another_site() {
    let app = TestApp::new().await;
    app.user("ann").await;
    for (wanted, reached) in [
        ("/account/sessions?cursor=x", "/account/sessions?cursor=x"),
        ("//evil.example", "/account"),
        ("/\\evil.example", "/account"),
        ("https://evil.example", "/account"),
        ("/\r\nSet-Cookie: a=b", "/account"),
        ("", "/account"),
    ] {
        let mut browser = app.browser();
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("return_to", wanted).finish();
        let page = browser.open(&format!("/sign-in?{query}")).await.expect(200);
        // But for the way back to this very page, where it is a parameter still.
        let others = page.text.replace("%2Fevil.example", "").replace("%5Cevil.example", "");
        assert!(!others.contains("evil.example"), "{others}");
        let form = [("identifier", "ann@example.org"), ("password", PASSWORD), ("return_to", wanted)];
        let entered = browser.submit("/sign-in", &form).await.expect(303);
        assert_eq!(entered.headers["location"], reached);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_form_that_does_not_fit_says_what_to_mend_and_signs_nobody_in() {
    let app = TestApp::new().await;
    app.user("ann").await;
    let long = "a".repeat(255);
    let mut browser = app.browser();
    browser.open("/sign-in").await.expect(200);
    for (fields, text) in [
        (&[][..], "Enter your e-mail address or your user name."),
        (&[("identifier", "")], "Enter your e-mail address or your user name."),
        (&[("identifier", &long)], "at most 254 characters"),
        (&[("identifier", "a\0b")], "U+0000"),
        (&[("identifier", "ann@example.org"), ("password", "")], "Enter your password."),
    ] {
        let refused = browser.submit("/sign-in", fields).await.expect(422);
        assert!(refused.text.contains(text), "{fields:?}: {}", refused.text);
        assert!(refused.text.contains("aria-invalid=\"true\"") && refused.text.contains("<title>Error: "));
    }
    for fields in [&[("identifier", "a"), ("identifier", "b")][..], &[("form_token", "x")]] {
        browser.submit("/sign-in", fields).await.expect(400);
    }
    browser.submit("/sign-in", &[("identifier", "a"), ("admin", "true")]).await.expect(422);
    app.finish().await;
}
