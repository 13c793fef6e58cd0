//! The pages: sign-in in two steps, binding an app, codes that are shown once.

use jiff::SignedDuration;

use crate::second_factors::totp;
use crate::testing::{PASSWORD, TestApp};

const HERE: &str = "/account/second-factors";

/// The secret that a page shows.
fn secret(text: &str) -> Vec<u8> {
    let shown = text.split("<code>").nth(1).unwrap().split('<').next().unwrap().replace(' ', "");
    data_encoding::BASE32_NOPAD.decode(shown.as_bytes()).unwrap()
}

#[tokio::test]
async fn an_app_is_bound_in_the_browser_and_asked_for_at_the_next_sign_in() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let mut browser = app.browser();
    browser.sign_in(&ann.email).await.expect(303);
    browser.open(HERE).await.expect(200);
    let to = browser.submit("/account/second-factors/start", &[]).await.expect(303);
    assert_eq!(to.headers["location"], "/account/second-factors/app");
    let page = browser.open("/account/second-factors/app").await.expect(200);
    assert!(page.text.contains("<svg class=\"picture\" role=\"img\"") && !page.text.contains("style="), "{}", page.text);
    let secret = secret(&page.text);
    let code = totp::code(&secret, totp::step(app.now()));
    let wrong = browser.submit("/account/second-factors/app", &[("code", "12")]).await.expect(422);
    assert!(wrong.text.contains("This code is wrong"), "{}", wrong.text);
    browser.submit("/account/second-factors/app", &[("code", "")]).await.expect(422);
    let codes = browser.submit("/account/second-factors/app", &[("code", &code)]).await.expect(200);
    assert_eq!(codes.text.matches("<li><code>").count(), 10);
    // What the page shows is bound to the session that has begun with it.
    browser.submit("/account/second-factors/recovery-codes", &[]).await.expect(200);
    let page = browser.open(HERE).await.expect(200);
    assert!(page.text.contains("10 are left"), "{}", page.text);
    let to = browser.submit("/account/second-factors/app", &[("code", &code)]).await.expect(303);
    assert_eq!(to.headers["location"], HERE, "it is done");
    ann.client.get("/v1/me").await.expect(401);

    let mut other = app.browser();
    let to = other.sign_in(&ann.email).await.expect(303);
    assert_eq!(to.headers["location"], "/sign-in/second-factor");
    let cookie = to.headers.get_all("set-cookie").iter().find(|set| set.to_str().unwrap().contains("usher-pending")).unwrap();
    assert!(cookie.to_str().unwrap().ends_with("Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=300"), "{cookie:?}");
    let to = other.open(HERE).await.expect(303);
    assert!(to.headers["location"].to_str().unwrap().starts_with("/sign-in?"), "R-064");
    let page = other.open("/sign-in/second-factor?return_to=/account/sessions").await.expect(200);
    assert!(page.text.contains("autocomplete=\"one-time-code\" inputmode=\"numeric\""), "{}", page.text);
    let form = |code: &'static str| [("return_to", "/account/sessions"), ("code", code)];
    other.submit("/sign-in/second-factor", &form("000000")).await.expect(422);
    other.submit("/sign-in/second-factor", &form("")).await.expect(422);
    let next = totp::code(&secret, totp::step(app.now()) + 1);
    let fields = [("return_to", "/account/sessions"), ("code", next.as_str())];
    let to = other.submit("/sign-in/second-factor", &fields).await.expect(303);
    assert_eq!(to.headers["location"], "/account/sessions");
    assert!(!other.cookies.keys().any(|name| name.contains("pending")));
    other.open("/account/sessions").await.expect(200);
    let to = other.open("/sign-in/second-factor").await.expect(303);
    assert_eq!(to.headers["location"], "/sign-in");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_recovery_code_signs_in_and_a_sign_in_that_is_over_begins_again() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let bound = app.with_second_factor(&ann).await;
    let mut browser = app.browser();
    browser.sign_in(&ann.email).await.expect(303);
    let page = browser.open("/sign-in/second-factor?with=recovery").await.expect(200);
    assert!(page.text.contains("name=\"with\" value=\"recovery\"") && !page.text.contains("inputmode"), "{}", page.text);
    let wrong = browser.submit("/sign-in/second-factor", &[("with", "recovery"), ("code", "abc")]).await.expect(422);
    assert!(wrong.text.contains("Enter a recovery code"));
    let fields = [("with", "recovery"), ("code", bound.recovery_codes[0].as_str())];
    browser.submit("/sign-in/second-factor", &fields).await.expect(303);
    let page = browser.open(HERE).await.expect(200);
    assert!(page.text.contains("9 are left"), "{}", page.text);

    let mut late = app.browser();
    late.sign_in(&ann.email).await.expect(303);
    late.open("/sign-in/second-factor").await.expect(200);
    app.advance(SignedDuration::from_mins(6));
    let over = late.submit("/sign-in/second-factor", &[("code", &bound.code(&app))]).await.expect(200);
    assert!(over.text.contains("<h1>Sign in again</h1>"));
    assert!(!late.cookies.keys().any(|name| name.contains("pending")));
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r066_pages_that_change_factors_or_show_a_secret_lead_to_a_proof_by_both() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let bound = app.with_second_factor(&ann).await;
    let mut browser = app.browser();
    browser.sign_in(&ann.email).await.expect(303);
    browser.open("/sign-in/second-factor").await.expect(200);
    browser.submit("/sign-in/second-factor", &[("code", &bound.next_code(&app))]).await.expect(303);
    app.advance(SignedDuration::from_mins(11));
    browser.open(HERE).await.expect(200);
    for path in ["start", "recovery-codes", "remove", "app"] {
        let to = browser.submit(&format!("{HERE}/{path}"), &[]).await.expect(303);
        assert!(to.headers["location"].to_str().unwrap().starts_with("/reauthenticate?"), "{path}");
    }
    for path in ["/account/second-factors/app", "/account/password"] {
        let to = browser.open(path).await.expect(303);
        assert!(to.headers["location"].to_str().unwrap().starts_with("/reauthenticate?"), "{path}");
    }
    let page = browser.open("/reauthenticate?return_to=/account/second-factors").await.expect(200);
    assert!(page.text.contains("name=\"code\""));
    let fields = [("password", PASSWORD), ("return_to", HERE)];
    let missing = browser.submit("/reauthenticate", &fields).await.expect(422);
    assert!(missing.text.contains("Enter your code."), "{}", missing.text);
    let code = bound.code(&app);
    let fields = [("password", PASSWORD), ("code", code.as_str()), ("return_to", HERE)];
    let to = browser.submit("/reauthenticate", &fields).await.expect(303);
    assert_eq!(to.headers["location"], HERE);
    browser.open(HERE).await.expect(200);
    let codes = browser.submit("/account/second-factors/recovery-codes", &[]).await.expect(200);
    assert_eq!(codes.text.matches("<li><code>").count(), 10);
    let to = browser.submit("/account/second-factors/remove", &[]).await.expect(303);
    assert_eq!(to.headers["location"], HERE);
    let page = browser.open(HERE).await.expect(200);
    assert!(page.text.contains("Your authenticator app is removed."), "{}", page.text);
    let to = browser.submit("/account/second-factors/remove", &[]).await.expect(303);
    assert_eq!(to.headers["location"], HERE, "there is nothing to remove");
    app.run_jobs().await;
    app.finish().await;
}
