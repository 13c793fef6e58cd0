//! Sessions that a browser shows by a cookie, through the pages.

use http::header;
use jiff::SignedDuration;
use serde_json::json;

use crate::caller::FRESH;
use crate::secret::{Purpose, new_bearer};
use crate::testing::{Answer, Browser, PASSWORD, PUBLIC_URL, TestApp};

const COOKIE: &str = "__Host-usher";
const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);
const NEW: &str = "seven quiet herons wading";

/// A browser in which Ann has signed in.
async fn signed_in(app: &TestApp) -> Browser {
    let mut browser = app.browser();
    browser.sign_in("ann@example.org").await.expect(303);
    browser.open("/account").await.expect(200);
    browser
}

fn cookies(answer: &Answer) -> Vec<String> {
    answer.headers.get_all(header::SET_COOKIE).iter().map(|value| value.to_str().unwrap().to_owned()).collect()
}

#[track_caller]
fn leads_to(answer: &Answer, path: &str) {
    assert_eq!((answer.status.as_u16(), answer.headers.get("location").map(|to| to.to_str().unwrap())), (303, Some(path)));
}

async fn is_in(browser: &mut Browser) -> bool {
    browser.open("/account").await.status.is_success()
}

#[tokio::test]
async fn r100_the_cookie_is_hardened_and_only_its_hash_is_kept() {
    let app = TestApp::new().await;
    app.user("ann").await;
    let mut browser = app.browser();
    let form = cookies(&browser.open("/sign-in").await.expect(200));
    assert!(form.len() == 1 && form[0].starts_with("__Host-usher-form=ush_form_"), "{form:?}");
    assert!(form[0].ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax"), "{form:?}");
    let entered = browser.submit("/sign-in", &[("identifier", "ann@example.org"), ("password", PASSWORD)]).await;
    leads_to(&entered, "/account");
    let set = cookies(&entered);
    let names: Vec<&str> = set.iter().map(|cookie| cookie.split('=').next().unwrap()).collect();
    assert_eq!(names, [COOKIE, "__Host-usher-device"]);
    for (cookie, days) in set.iter().zip([30, 400]) {
        let rest = format!("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={}", days * 86_400);
        assert!(cookie.ends_with(&rest) && cookie.len() < 200 && !cookie.contains("ann"), "{cookie}");
    }
    let stored = "select count(*) from browser_sessions where octet_length(secret_hash) = 32";
    assert_eq!(app.count(stored).await, 1);
    assert_eq!(
        app.count("select count(*) from browser_sessions where position('ush_' in encode(secret_hash, 'escape')) > 0").await,
        0
    );
    app.finish().await;
}

#[tokio::test]
async fn over_plain_http_the_cookies_have_names_that_browsers_take_there() {
    let app = TestApp::with(&[("USHER_PUBLIC_URL", "http://id.example.com")]).await;
    app.user("ann").await;
    let mut browser = signed_in(&app).await;
    let names: Vec<&str> = browser.cookies.keys().map(String::as_str).collect();
    assert_eq!(names, ["usher", "usher-device", "usher-form"]);
    browser.open("/account").await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn r101_what_was_not_made_here_is_not_adopted_and_each_proof_makes_a_new_session() {
    let app = TestApp::new().await;
    app.user("ann").await;
    let mut browser = app.browser();
    let planted = new_bearer(Purpose::Browser).reveal().to_owned();
    browser.cookies.insert(COOKIE.to_owned(), planted.clone());
    browser.sign_in("ann@example.org").await.expect(303);
    let first = browser.clone();
    assert_ne!(first.cookies[COOKIE], planted);

    // Signing in again, a proof, and a new password.
    browser.open("/reauthenticate").await.expect(200);
    leads_to(
        &browser.submit("/reauthenticate", &[("password", PASSWORD), ("return_to", "/account/sessions")]).await,
        "/account/sessions",
    );
    let second = browser.clone();
    browser.open("/account/password").await.expect(200);
    leads_to(&browser.submit("/account/password", &[("current_password", PASSWORD), ("password", NEW)]).await, "/account");
    let third = browser.clone();
    let page = browser.open("/account").await.expect(200);
    assert!(page.text.contains("Your password is changed") && !browser.cookies.contains_key("__Host-usher-notice"));
    assert!(!browser.open("/account").await.text.contains("Your password is changed"), "once");
    for mut dead in [first, second] {
        assert_ne!(dead.cookies[COOKIE], third.cookies[COOKIE]);
        assert!(!is_in(&mut dead).await);
    }
    assert_eq!(app.count("select count(*) from sessions where ended_reason = 'replaced'").await, 2);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r101_who_signs_in_where_somebody_is_signed_in_ends_that_session() {
    let app = TestApp::new().await;
    app.user("ann").await;
    app.user("ben").await;
    let mut browser = signed_in(&app).await;
    let mut before = browser.clone();
    leads_to(&browser.open("/sign-in?return_to=/account/sessions").await, "/account/sessions");
    // A form that was opened before; its cookie is still there.
    let mut other = app.browser();
    other.open("/sign-in").await.expect(200);
    other.cookies.insert(COOKIE.to_owned(), browser.cookies[COOKIE].clone());
    leads_to(&other.submit("/sign-in", &[("identifier", "ben@example.org"), ("password", PASSWORD)]).await, "/account");
    assert!(other.open("/account").await.text.contains("ben@example.org"));
    assert!(!is_in(&mut before).await);
    app.finish().await;
}

#[tokio::test]
async fn r103_what_ends_sessions_ends_those_of_browsers_at_the_next_page() {
    let app = TestApp::new().await;
    let boss = app.admin().await;
    let ann = app.user("ann").await;
    let id = &ann.id;

    let mut browser = signed_in(&app).await;
    let mine = ann.client.get("/v1/me/sessions").await.expect(200);
    let sessions = mine.json["items"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    let path = format!("/v1/me/sessions/{}", sessions[0]["id"].as_str().unwrap());
    ann.client.delete(&path).await.expect(204);
    leads_to(&browser.open("/account").await, "/sign-in?return_to=%2Faccount");

    let mut browser = signed_in(&app).await;
    boss.client.post(&format!("/v1/users/{id}/sign-out-everywhere"), json!({})).await.expect(204);
    assert!(!is_in(&mut browser).await);

    let mut browser = signed_in(&app).await;
    boss.client.post(&format!("/v1/users/{id}/suspend"), json!({})).await.expect(200);
    assert!(!is_in(&mut browser).await);
    boss.client.post(&format!("/v1/users/{id}/reactivate"), json!({})).await.expect(200);
    assert!(!is_in(&mut browser).await, "it does not come back");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_session_in_a_browser_ends_unseen_after_a_while_and_at_last_in_any_case() {
    let settings = [("USHER_REFRESH_TOKEN_LIFETIME_SECONDS", "259200"), ("USHER_SESSION_LIFETIME_SECONDS", "604800")];
    let app = TestApp::with(&settings).await;
    app.user("ann").await;
    let mut left_alone = signed_in(&app).await;
    let mut in_use = signed_in(&app).await;
    for _ in 0..3 {
        app.advance(DAY * 2);
        assert!(is_in(&mut in_use).await);
    }
    assert!(!is_in(&mut left_alone).await, "it was not seen for three days");
    app.advance(DAY);
    assert!(!is_in(&mut in_use).await, "it has lasted seven days");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn that_a_session_is_seen_is_noted_once_a_minute_and_makes_a_day_of_activity() {
    let app = TestApp::new().await;
    app.user("ann").await;
    let mut browser = signed_in(&app).await;
    let seen = "select extract(epoch from max(last_seen_at) - max(created_at))::bigint from sessions";
    for (passed, noted) in [(MINUTE / 2, 0), (MINUTE / 2, 60), (MINUTE / 2, 60), (MINUTE / 2, 120)] {
        app.advance(passed);
        assert!(is_in(&mut browser).await);
        assert_eq!(app.count(seen).await, noted);
    }
    app.advance(DAY);
    assert!(is_in(&mut browser).await);
    assert_eq!(app.count("select count(*) from activity_days").await, 2);
    app.finish().await;
}

#[tokio::test]
async fn r104_people_see_and_end_their_sessions_in_a_browser_after_a_fresh_proof() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let ben = app.user("ben").await;
    let (mut browser, mut other) = (signed_in(&app).await, signed_in(&app).await);
    let page = browser.open("/account/sessions").await.expect(200);
    assert_eq!((page.text.matches("<tr").count(), page.text.matches("This browser").count()), (4, 1));
    let sessions = ann.client.get("/v1/me/sessions").await.expect(200);
    let newest = sessions.json["items"][0]["id"].as_str().unwrap().to_owned();
    let end = format!("/account/sessions/{newest}/end");

    let of_ben = ben.client.get("/v1/me/sessions").await.json["items"][0]["id"].as_str().unwrap().to_owned();
    for none in [of_ben.as_str(), "0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d"] {
        let answer = browser.submit(&format!("/account/sessions/{none}/end"), &[]).await;
        leads_to(&answer, "/account/sessions");
        assert!(cookies(&answer).is_empty(), "nothing was done");
    }
    for none in ["x", "%00", "%FF"] {
        browser.submit(&format!("/account/sessions/{none}/end"), &[]).await.expect(404);
    }
    ben.client.get("/v1/me").await.expect(200);

    app.advance(FRESH);
    leads_to(&browser.submit(&end, &[]).await, "/reauthenticate?return_to=%2Faccount%2Fsessions");
    leads_to(&browser.submit("/account/sessions/end-others", &[]).await, "/reauthenticate?return_to=%2Faccount%2Fsessions");
    assert!(is_in(&mut other).await, "nothing has happened");
    browser.open("/reauthenticate?return_to=/account/sessions").await.expect(200);
    browser.submit("/reauthenticate", &[("password", "not the right password")]).await.expect(422);
    leads_to(&browser.submit("/reauthenticate", &[("password", PASSWORD)]).await, "/account");
    browser.open("/account/sessions").await.expect(200);
    leads_to(&browser.submit(&end, &[]).await, "/account/sessions");
    assert!(!is_in(&mut other).await);
    assert!(cookies(&browser.submit(&end, &[]).await.expect(303)).is_empty(), "it has ended before");
    ann.client.get("/v1/me").await.expect(401);

    let mut another = signed_in(&app).await;
    leads_to(&browser.submit("/account/sessions/end-others", &[]).await, "/account/sessions");
    assert!(!is_in(&mut another).await && is_in(&mut browser).await);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r106_a_form_is_good_for_the_browser_and_the_session_that_it_was_shown_to() {
    let app = TestApp::new().await;
    app.user("ann").await;
    app.user("ben").await;
    let mut stranger = app.browser();
    stranger.open("/sign-in").await.expect(200);
    let before = stranger.form_token.clone();
    let mut of_ben = app.browser();
    of_ben.sign_in("ben@example.org").await.expect(303);
    of_ben.open("/account").await.expect(200);
    let mut browser = signed_in(&app).await;
    let mut shortened = browser.form_token.clone();
    shortened.truncate(22);
    for bad in ["", "x", &before, &of_ben.form_token, &shortened] {
        let refused = browser.submit_with("/sign-out", bad, &[]).await.expect(403);
        assert!(refused.text.contains("This form does not work any more"), "{bad}");
        browser.submit_with("/account/password", bad, &[("current_password", PASSWORD), ("password", NEW)]).await.expect(403);
        browser.submit_with("/account/sessions/end-others", bad, &[]).await.expect(403);
    }
    assert!(is_in(&mut browser).await);

    // The sign-in itself: nobody is signed in by another's form as somebody else.
    let own = [("identifier", "ann@example.org"), ("password", PASSWORD)];
    let mut another = app.browser();
    another.open("/sign-in").await.expect(200);
    for bad in ["", &before, &browser.form_token] {
        another.submit_with("/sign-in", bad, &own).await.expect(403);
    }
    another.cookies.clear();
    another.submit("/sign-in", &own).await.expect(403);
    for page in ["/register", "/recover", "/setup"] {
        another.submit(page, &[("email", "x@example.org")]).await.expect(403);
    }
    assert_eq!(app.count("select count(*) from jobs where unique_key is null").await, 0);
    app.finish().await;
}

#[tokio::test]
async fn r106_opening_pages_changes_nothing_and_signing_out_is_sent() {
    let app = TestApp::new().await;
    app.user("ann").await;
    let mut browser = signed_in(&app).await;
    for path in ["/sign-out", "/account/sessions/end-others", "/account/sessions/0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d/end"] {
        browser.open(path).await.expect(405);
    }
    for path in ["/account", "/account/password", "/account/sessions", "/reauthenticate", "/register", "/recover", "/setup"] {
        browser.open(path).await.expect(200);
    }
    assert_eq!(app.count("select count(*) from sessions where ended_at is null").await, 2);
    browser.open("/account").await.expect(200);
    let mut left = browser.clone();
    let out = browser.submit("/sign-out", &[]).await;
    leads_to(&out, "/sign-in");
    assert!(!browser.cookies.contains_key(COOKIE) && browser.cookies.contains_key("__Host-usher-device"));
    assert!(!is_in(&mut left).await, "the cookie that was kept opens nothing");
    leads_to(&left.submit("/sign-out", &[]).await, "/sign-in");
    app.finish().await;
}

#[tokio::test]
async fn r109_two_cookies_of_one_name_are_refused_and_the_session_stays() {
    let app = TestApp::new().await;
    app.user("ann").await;
    let mut browser = signed_in(&app).await;
    let cookie = browser.cookies[COOKIE].clone();
    let sent = |value: String| {
        let client = app.client();
        async move { client.send(http::Method::GET, "/account", &[("accept", "text/html"), ("cookie", &value)], None).await }
    };
    for other in [cookie.as_str(), "x", "", new_bearer(Purpose::Browser).reveal()] {
        for value in [format!("{COOKIE}={cookie}; {COOKIE}={other}"), format!("{COOKIE}={other}; {COOKIE}={cookie}")] {
            let refused = sent(value).await.expect(400);
            assert!(refused.text.contains("cookies") && refused.headers.get(header::SET_COOKIE).is_none());
        }
    }
    sent(format!("usher={cookie}; {COOKIE}={cookie}; other=1; other=2")).await.expect(200);
    assert!(is_in(&mut browser).await);
    app.finish().await;
}

#[tokio::test]
async fn r108_the_secret_of_a_browser_opens_pages_and_nothing_of_the_api() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let browser = signed_in(&app).await;
    let secret = browser.cookies[COOKIE].clone();
    app.client_with(&secret).get("/v1/me").await.expect_problem(401, "unauthorized");
    let cookie = format!("{COOKIE}={secret}");
    app.client().send(http::Method::GET, "/v1/me", &[("cookie", &cookie)], None).await.expect_problem(401, "unauthorized");
    // Nor does what opens the API open pages.
    for token in
        [&ann.access_token, &ann.refresh_token, &browser.cookies["__Host-usher-device"], &browser.cookies["__Host-usher-form"]]
    {
        let mut other = app.browser();
        other.cookies.insert(COOKIE.to_owned(), token.clone());
        assert!(!is_in(&mut other).await);
    }
    let by_query = app.client().get(&format!("/account?usher={secret}&token={secret}")).await;
    assert_eq!(by_query.status, 303);
    assert!(PUBLIC_URL.starts_with("https:"));
    app.finish().await;
}
