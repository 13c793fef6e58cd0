//! How the service looks, chosen in the console.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, RgbImage};
use serde_json::json;

use super::{leads_to, signed_in, version_of, with};
use crate::testing::TestApp;

const HERE: &str = "/admin/branding";

pub(super) fn picture() -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    DynamicImage::from(RgbImage::new(64, 64)).write_to(&mut file, ImageFormat::Png).unwrap();
    file.into_inner()
}

#[tokio::test]
async fn all_is_chosen_seen_and_restored() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let mut browser = signed_in(&app, &admin).await;
    let page = browser.open(HERE).await.expect(200);
    assert!(page.text.contains("Contrast 6.71:1, enough to be read.") && !page.text.contains("/restore"), "{}", page.text);
    let form = [
        ("version", "0"),
        ("name", "Example"),
        ("color", "#8a1c5b"),
        ("sign_in_text", "Moin.\r\nCome in."),
        // The rows before it say nothing.
        ("links/1/label", "Imprint"),
        ("links/1/url", "https://example.org/imprint"),
        ("reason", "new house"),
    ];
    leads_to(&browser.submit(HERE, &form).await, HERE);
    let page = browser.open(HERE).await.expect(200);
    for text in [
        "It is saved.",
        "· Example</title>",
        "name=\"links&#x2f;0&#x2f;label\" value=\"Imprint\"",
        "name=\"links&#x2f;2&#x2f;url\"",
        "Moin.\nCome in.",
    ] {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
    let events = admin.client.get("/v1/audit-events?action=branding.changed").await.expect(200);
    assert_eq!(events.json["items"][0]["reason"], "new house");
    let again = browser.submit(HERE, &form).await.expect(422);
    assert!(again.text.contains("Somebody has changed this since you opened it."), "{}", again.text);
    assert_eq!(version_of(&again.text), "1");

    leads_to(
        &browser.upload_with("/admin/branding/logo", &[("reason", "at last")], ("logo", "logo.png"), &picture()).await,
        HERE,
    );
    let page = browser.open(HERE).await.expect(200);
    assert!(page.text.contains("logo-now") && page.text.contains("class=\"logo\""), "{}", page.text);
    let events = admin.client.get("/v1/audit-events?action=branding.logo_set").await.expect(200);
    assert_eq!(events.json["items"][0]["reason"], "at last");
    browser.open("/admin/branding/logo/remove").await.expect(200);
    leads_to(&browser.submit("/admin/branding/logo/remove", &[]).await, HERE);
    leads_to(&browser.open("/admin/branding/logo/remove").await, HERE);

    let page = browser.open("/admin/branding/restore").await.expect(200);
    assert!(page.text.contains("the service is called usher"), "{}", page.text);
    leads_to(&browser.submit("/admin/branding/restore", &[]).await, HERE);
    assert!(browser.open(HERE).await.expect(200).text.contains("· usher</title>"));
    leads_to(&browser.open("/admin/branding/restore").await, HERE);
    app.finish().await;
}

#[tokio::test]
async fn what_is_wrong_is_said_at_its_field_and_a_preview_changes_nothing() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let mut browser = signed_in(&app, &admin).await;
    browser.open(HERE).await.expect(200);
    let bad = [
        ("version", "0"),
        ("name", "</title><script>alert(1)</script>"),
        ("color", "#8fbcbb"),
        ("footer", "</textarea><script>alert(1)</script>"),
        ("links/3/label", "Imprint"),
        ("links/3/url", "javascript:alert(1)"),
        ("reason", "why"),
    ];
    for way in [HERE, "/admin/branding/preview"] {
        let page = browser.submit(way, &bad).await.expect(422);
        for text in [
            "The colour reaches a contrast of 1.89:1 only, and needs 4.5:1",
            "id=\"color-error\"",
            "The address must be an https:// or mailto: address.",
            "id=\"links&#x2f;0&#x2f;url-error\"",
            "Contrast 1.89:1, too low",
            "value=\"why\"",
        ] {
            let text = text.replace("https://", "https:&#x2f;&#x2f;");
            assert!(page.text.contains(&text), "{way}, {text}: {}", page.text);
        }
        assert!(!page.text.contains("<script>alert"), "{}", page.text);
    }
    let good = [("version", "0"), ("name", "Example"), ("color", "#8a1c5b"), ("color_dark", "")];
    let page = browser.submit("/admin/branding/preview", &good).await.expect(200);
    assert!(page.text.contains("It is not saved yet.") && page.text.contains("data-shows=\"name\">Example<"), "{}", page.text);
    assert!(page.text.contains("preview.css?light=%238a1c5b&amp;dark=%237fcdcf"), "{}", page.text);
    assert_eq!(app.count("select version from branding").await, 0);
    let styles = browser.open("/admin/branding/preview.css?light=%238a1c5b&dark=%23zz%7D*%7Bdisplay:none").await.expect(200);
    assert_eq!(styles.headers["content-type"], "text/css; charset=utf-8");
    assert!(styles.text.contains(".shown-light { --accent: #8a1c5b;"), "{}", styles.text);
    assert!(styles.text.contains(".shown-dark { --accent: #7fcdcf;") && !styles.text.contains("display"), "{}", styles.text);
    for (file, says) in [(&b""[..], "Choose a picture first."), (b"no picture", "This is no PNG, JPEG or WebP picture")] {
        let page = browser.upload_with("/admin/branding/logo", &[], ("logo", "logo.png"), file).await.expect(422);
        assert!(page.text.contains(says) && page.text.contains("id=\"logo-error\""), "{}", page.text);
    }
    browser.submit_with(HERE, "x", &good).await.expect(403);
    app.finish().await;
}

#[tokio::test]
async fn who_may_only_read_sees_it_and_no_form() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    admin.client.put("/v1/branding", json!({ "name": "Example", "footer": "Vienna" })).await.expect(200);
    let reader = with(&app, &admin, "watcher", &["system:read"]).await;
    let other = with(&app, &admin, "counter", &["analytics:read"]).await;
    let mut browser = signed_in(&app, &reader).await;
    let page = browser.open(HERE).await.expect(200);
    assert!(
        !page.text.contains("<textarea") && page.text.contains("Vienna") && page.text.contains("class=\"shown"),
        "{}",
        page.text
    );
    for way in [HERE, "/admin/branding/preview", "/admin/branding/logo/remove", "/admin/branding/restore"] {
        let page = browser.submit(way, &[("version", "1")]).await.expect(403);
        assert!(page.text.contains("This needs the permission system:write."), "{way}: {}", page.text);
    }
    browser.upload_with("/admin/branding/logo", &[], ("logo", "logo.png"), &picture()).await.expect(403);
    browser.open("/admin/branding/restore").await.expect(403);
    reader.client.put("/v1/branding", json!({})).await.expect(403);
    let mut browser = signed_in(&app, &other).await;
    for way in [HERE, "/admin/branding/preview.css"] {
        browser.open(way).await.expect(403);
    }
    assert_eq!(app.count("select version from branding").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn what_is_chosen_is_escaped_wherever_it_stands() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let bad = "\"><script src=x></script><img src=x onerror=alert(1)>";
    let link = json!({ "label": "\"><script src=x>", "url": "https://example.org/?a=\"><script src=x>" });
    let chosen = json!({
        "name": bad, "links": [link], "footer": bad, "sign_in_text": bad, "register_text": bad, "account_text": bad,
    });
    admin.client.put("/v1/branding", chosen).await.expect(200);
    let mut browser = signed_in(&app, &admin).await;
    for place in [HERE, "/admin/branding/restore", "/admin/changes", "/admin/audit", "/account", "/account/sessions"] {
        let page = browser.open(place).await.expect(200);
        assert!(!page.text.contains("<script src=x") && !page.text.contains("<img src=x"), "{place}");
    }
    for place in ["/sign-in", "/register", "/recover"] {
        let page = app.browser().open(place).await.expect(200);
        assert!(page.text.contains("&lt;script") && !page.text.contains("<script src=x"), "{place}");
    }
    app.finish().await;
}
