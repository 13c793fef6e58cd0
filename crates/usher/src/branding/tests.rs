//! How the service looks: chosen, refused, shown and restored, in this process and in others.

use std::io::Cursor;
use std::time::Duration;

use http::Method;
use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};
use serde_json::{Value, json};

use super::judge;
use crate::brand::{self, Chosen, Link};
use crate::db::listen::Listener;
use crate::testing::{Answer, Client, TestApp};

const BRANDING: &str = "/v1/branding";
const LOGO: &str = "/v1/branding/logo";

fn everything() -> Value {
    json!({
        "name": "Accounts of Example", "color": "#8A1C5B", "color_dark": "#f0a6cf",
        "links": [{ "label": " Imprint ", "url": "https://www.example.org" }, { "label": "Help", "url": "mailto:help@example.org" }],
        "footer": "Example Ltd\r\nVienna", "sign_in_text": "Members only.", "register_text": "Welcome.", "account_text": "Closed on Monday.",
    })
}

fn picture(width: u32, height: u32) -> Vec<u8> {
    let image = RgbaImage::from_fn(width, height, |x, _| Rgba([200, 0, 0, u8::try_from(x % 256).unwrap()]));
    let mut file = Cursor::new(Vec::new());
    DynamicImage::from(image).write_to(&mut file, ImageFormat::Png).unwrap();
    file.into_inner()
}

async fn send_logo(client: &Client, picture: Vec<u8>) -> Answer {
    client.send_raw(Method::PUT, LOGO, &[("content-type", "image/png")], picture).await
}

/// What of the page loads or shows the branding, in its order.
fn at<'a>(page: &'a str, mark: &str) -> &'a str {
    page.split_once(mark).and_then(|(_, rest)| rest.split_once('"')).map_or("", |(value, _)| value)
}

#[tokio::test]
async fn what_is_chosen_is_shown_by_pages_and_mails_and_is_in_the_audit_trail() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let before = admin.client.get(BRANDING).await.expect(200);
    assert_eq!((before.etag().as_str(), &before.json["in_force"]["name"]), ("\"0\"", &json!("usher")));
    let page = app.browser().open("/sign-in").await.expect(200);
    assert!(page.text.contains("<title>Sign in · usher</title>") && !page.text.contains("branding"), "{}", page.text);
    app.browser().open("/branding.css").await.expect(404);

    let reason = [("x-reason", "the office moved")];
    let chosen = admin.client.send(Method::PUT, BRANDING, &reason, Some(everything())).await.expect(200);
    assert_eq!(chosen.etag(), "\"1\"");
    assert_eq!(chosen.json["chosen"]["color"], "#8a1c5b");
    assert_eq!(chosen.json["chosen"]["links"][0], json!({ "label": "Imprint", "url": "https://www.example.org/" }));
    assert_eq!(chosen.json["chosen"]["footer"], "Example Ltd\nVienna");
    // Nothing happens twice.
    assert_eq!(admin.client.put(BRANDING, everything()).await.expect(200).etag(), "\"1\"");
    let events = admin.client.get("/v1/audit-events?action=branding.changed").await.expect(200);
    assert_eq!(events.json["items"].as_array().unwrap().len(), 1);
    let event = &events.json["items"][0];
    assert_eq!(event["reason"], "the office moved");
    assert_eq!(event["changes"]["name"], json!({ "before": null, "after": "Accounts of Example" }));

    let page = app.browser().open("/sign-in").await.expect(200);
    for text in [
        "<title>Sign in · Accounts of Example</title>",
        "<p class=\"notice lines\">Members only.</p>",
        "<a href=\"https:&#x2f;&#x2f;www.example.org&#x2f;\">Imprint</a>",
        "Example Ltd\nVienna",
    ] {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
    assert!(app.browser().open("/register").await.expect(200).text.contains("Welcome."));
    let mut browser = app.browser();
    browser.sign_in(&admin.email).await.expect(303);
    assert!(browser.open("/account").await.expect(200).text.contains("Closed on Monday."));
    assert!(browser.open("/nowhere").await.expect(404).text.contains("Accounts of Example"));

    let styles = at(&page.text, "<link rel=\"stylesheet\" href=\"&#x2f;branding").to_owned();
    let styles = format!("/branding{}", styles.replace("&#x2f;", "/"));
    let css = app.browser().open(&styles).await.expect(200);
    assert!(css.text.contains("--accent: #8a1c5b;") && css.text.contains("--accent: #f0a6cf;"), "{}", css.text);
    assert_eq!(css.headers["cache-control"], "public, max-age=31536000, immutable");
    let other = app.browser().open("/branding.css?v=0").await.expect(200);
    assert_eq!(other.headers["cache-control"], "no-cache");

    admin.client.post("/v1/users", json!({ "email": "ann@example.org" })).await.expect(201);
    let mail = app.mails().await.pop().unwrap();
    assert!(mail.subject.contains("Accounts of Example") && mail.text.contains("\n\nAccounts of Example\n"), "{}", mail.text);
    assert!(mail.html.contains("background-color: #8a1c5b") && mail.html.contains("#f0a6cf") && !mail.html.contains("#0b5f66"));
    app.finish().await;
}

#[tokio::test]
async fn a_logo_is_drawn_anew_and_kept_for_ever_by_whoever_has_its_url() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let set = send_logo(&admin.client, picture(2000, 400)).await.expect(200);
    let url = set.str("logo_url");
    let file = app.browser().open(&url).await.expect(200);
    assert_eq!(file.headers["content-type"], "image/png");
    assert_eq!(file.headers["cache-control"], "public, max-age=31536000, immutable");
    assert!(file.headers["content-security-policy"].to_str().unwrap().contains("sandbox"));
    let page = app.browser().open("/sign-in").await.expect(200);
    let shown = url.replace('/', "&#x2f;");
    assert!(
        page.text.contains(&format!("class=\"logo logo-wide\" src=\"{shown}\" width=\"768\" height=\"154\"")),
        "{}",
        page.text
    );
    assert!(page.text.contains("brand-name visually-hidden"), "a wide one stands for the name");

    let square = send_logo(&admin.client, picture(64, 64)).await.expect(200).str("logo_url");
    app.browser().open(&url).await.expect(404);
    let page = app.browser().open("/sign-in").await.expect(200);
    assert!(page.text.contains("class=\"logo\"") && !page.text.contains("visually-hidden"), "{}", page.text);
    send_logo(&admin.client, b"<svg onload=alert(1)>".to_vec()).await.expect_problem(422, "invalid_image");
    send_logo(&admin.client, picture(8, 8)).await.expect_problem(422, "image_too_small");
    let svg = admin.client.send_raw(Method::PUT, LOGO, &[("content-type", "image/svg+xml")], picture(64, 64)).await;
    svg.expect_problem(415, "unsupported_media_type");

    admin.client.delete(LOGO).await.expect(204);
    admin.client.delete(LOGO).await.expect(204);
    app.browser().open(&square).await.expect(404);
    for (action, count) in [("branding.logo_set", 2), ("branding.logo_removed", 1)] {
        let sql = format!("select count(*) from audit_events where action = '{action}'");
        assert_eq!(app.count(&sql).await, count, "{action}");
    }
    for none in ["/branding/logo/x", "/branding/logo/..png", "/branding/logo/%00.png", "/branding/logo/%ff.png"] {
        app.browser().open(none).await.expect(404);
    }
    app.finish().await;
}

#[tokio::test]
async fn what_could_not_be_read_or_leads_elsewhere_is_refused_at_its_field() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let link = |label: &str, url: &str| json!({ "links": [{ "label": "Imprint", "url": "https://example.org" }, { "label": label, "url": url }] });
    for (body, pointer, code) in [
        (json!({ "color": "#8fbcbb" }), "/color", "low_contrast"),
        (json!({ "color_dark": "#123456" }), "/color_dark", "low_contrast"),
        (json!({ "color": "red" }), "/color", "invalid"),
        (json!({ "color": "#fff;}*{display:none" }), "/color", "invalid"),
        (json!({ "name": "x".repeat(61) }), "/name", "max_length"),
        (json!({ "name": "two\nlines" }), "/name", "format"),
        (json!({ "footer": "x".repeat(501) }), "/footer", "max_length"),
        (json!({ "sign_in_text": "\u{7}" }), "/sign_in_text", "format"),
        (link("A", "javascript:alert(1)"), "/links/1/url", "invalid"),
        (link("A", "http://example.org"), "/links/1/url", "invalid"),
        (link("A", "https://ann:secret@example.org"), "/links/1/url", "invalid"),
        (link("A", "mailto:nobody"), "/links/1/url", "invalid"),
        (link("A", "data:text/html,x"), "/links/1/url", "invalid"),
        (link("\n", "https://example.org"), "/links/1/label", "format"),
        (json!({ "links": vec![json!({ "label": "A", "url": "https://example.org" }); 7] }), "/links", "max_items"),
        (json!({ "css": "*{}" }), "/css", "unknown_field"),
    ] {
        let answer = admin.client.put(BRANDING, body.clone()).await.expect_problem(422, "invalid_body");
        assert_eq!(answer.fault_at(pointer), Some(code), "{body}: {}", answer.text);
    }
    let low = admin.client.put(BRANDING, json!({ "color": "#8fbcbb" })).await;
    assert!(low.text.contains("reaches a contrast of 1.89:1 only, and needs 4.5:1"), "{}", low.text);
    assert_eq!(admin.client.get(BRANDING).await.expect(200).etag(), "\"0\"");
    let stale = admin.client.send(Method::PUT, BRANDING, &[("if-match", "\"7\"")], Some(json!({}))).await;
    stale.expect_problem(412, "precondition_failed");
    app.finish().await;
}

#[test]
fn texts_that_say_nothing_are_none() {
    let empty = |text: &str| Some(text.to_owned());
    let links = vec![Link { label: "Help".to_owned(), url: "mailto:help@example.org?subject=a b".to_owned() }];
    let chosen = Chosen { footer: empty(" \r\n "), sign_in_text: empty(" a\r\nb "), links, ..Chosen::default() };
    let kept = judge(chosen).unwrap();
    assert_eq!((kept.footer, kept.sign_in_text.as_deref()), (None, Some("a\nb")));
    assert_eq!(kept.links[0].url, "mailto:help@example.org?subject=a%20b");
}

#[tokio::test]
async fn what_settings_say_holds_until_something_is_chosen() {
    let app = TestApp::with(&[("USHER_BRAND_NAME", "Example ID"), ("USHER_BRAND_COLOR", "#8a1c5b")]).await;
    let admin = app.admin().await;
    let page = app.browser().open("/sign-in").await.expect(200);
    assert!(page.text.contains("· Example ID</title>") && page.text.contains("branding.css"), "{}", page.text);
    admin.client.put(BRANDING, json!({ "name": "Other", "color": "#0b5f66" })).await.expect(200);
    let page = app.browser().open("/sign-in").await.expect(200);
    assert!(page.text.contains("· Other</title>") && !page.text.contains("branding.css"), "{}", page.text);
    let restored = admin.client.put(BRANDING, json!({})).await.expect(200);
    assert_eq!(restored.json["in_force"], json!({ "name": "Example ID", "color": "#8a1c5b", "color_dark": "#7fcdcf" }));
    app.finish().await;
}

#[tokio::test]
async fn another_process_hears_of_a_change_and_asks_for_nothing_in_between() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let other = app.another(|_| {});
    brand::follow(&other, &Listener::start(&other.db));
    let name = async || brand::in_force(&other).await.name.clone();
    assert_eq!(name().await, "usher");
    admin.client.put(BRANDING, json!({ "name": "Example" })).await.expect(200);
    let heard = async {
        while name().await != "Example" {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), heard).await.expect("it hears of it");
    app.finish().await;
}
