//! The words of mails in the console.

use serde_json::json;

use super::{signed_in, with};
use crate::languages::Language;
use crate::mails::Template;
use crate::testing::TestApp;

const LIST: &str = "/admin/mails/texts";
const WELCOME: &str = "/admin/mails/texts/welcome/en";
const TEXT: &str = "Subject: Hi\r\nHeading: Hi\r\nPreheader: Soon\r\nButton: Go\r\n\r\nMoin.\r\n\r\n{{ link }}\r\n";

/// How many tests have gone out since the last look.
async fn tests_sent(app: &TestApp) -> usize {
    app.mails().await.iter().filter(|mail| mail.subject == "[Test] Hi").count()
}

#[tokio::test]
async fn a_text_is_edited_tried_and_restored() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let mut browser = signed_in(&app, &admin).await;
    let page = browser.open(LIST).await.expect(200);
    let all = Template::ALL.len() * Language::all().count();
    let said = format!("All {all} say what usher comes with.");
    assert!(page.text.contains(&said) && !page.text.contains("badge-accent"), "{}", page.text);
    assert_eq!(page.text.matches("role=\"rowheader\"").count(), Template::ALL.len());
    let page = browser.open(WELCOME).await.expect(200);
    assert!(
        page.text.contains("Welcome. An administrator made an account for you") && page.text.contains("{{ lifetime }}"),
        "{}",
        page.text
    );
    assert!(!page.text.contains("/restore"), "{}", page.text);

    let form = [("text", TEXT), ("version", "0"), ("reason", "friendlier")];
    // A test of what is not saved does not lose it.
    let page = browser.submit(&format!("{WELCOME}/test"), &form).await.expect(200);
    assert!(page.text.contains(&format!("is on its way to {}", admin.email)) && page.text.contains("Moin."), "{}", page.text);
    assert_eq!(tests_sent(&app).await, 1);
    let saved = browser.submit(WELCOME, &form).await.expect(303);
    assert_eq!(saved.headers["location"], WELCOME);
    let page = browser.open(WELCOME).await.expect(200);
    assert!(
        page.text.contains("It is saved.") && page.text.contains("badge-accent") && page.text.contains("<mark>"),
        "{}",
        page.text
    );
    browser.submit(&format!("{WELCOME}/test"), &form).await.expect(303);
    assert!(browser.open(WELCOME).await.expect(200).text.contains("It is on its way."));
    assert_eq!(tests_sent(&app).await, 1);
    assert!(browser.open(LIST).await.expect(200).text.contains(&format!("1 of {all} says something else")));
    let events = admin.client.get("/v1/audit-events?action=mail_text.edited").await.expect(200);
    assert_eq!(events.json["items"][0]["reason"], "friendlier");

    let again = browser.submit(WELCOME, &form).await.expect(422);
    assert!(again.text.contains("Somebody has changed this text") && again.text.contains("id=\"text-error\""), "{}", again.text);
    assert!(!again.text.contains("name=\"version\" value=\"0\""), "{}", again.text);

    let restore = format!("{WELCOME}/restore");
    browser.open(&restore).await.expect(200);
    browser.submit(&restore, &[("reason", "")]).await.expect(303);
    assert!(browser.open(WELCOME).await.expect(200).text.contains("It is removed."));
    assert_eq!(browser.open(&restore).await.expect(303).headers["location"], WELCOME);
    assert_eq!(app.count("select count(*) from mail_texts").await, 0);
    for way in [format!("{LIST}/welcome/fr"), format!("{LIST}/farewell/en"), format!("{LIST}/welcome/fr/preview")] {
        browser.open(&way).await.expect(404);
    }
    app.finish().await;
}

#[tokio::test]
async fn what_is_wrong_is_said_at_the_text_and_what_was_typed_stays() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let mut browser = signed_in(&app, &admin).await;
    browser.open(WELCOME).await.expect(200);
    let bad = "Subject: </textarea><script>alert(1)</script>\n\n{{ nothing }}";
    for way in [WELCOME.to_owned(), format!("{WELCOME}/test")] {
        let page = browser.submit(&way, &[("text", bad), ("version", "0"), ("reason", "why")]).await.expect(422);
        assert!(
            page.text.contains("id=\"text-error\"") && page.text.contains("Line 3: this mail has no value “nothing”."),
            "{}",
            page.text
        );
        assert!(page.text.contains("&lt;&#x2f;textarea&gt;") && page.text.contains("value=\"why\""), "{}", page.text);
        assert!(!page.text.contains("<script>alert"), "{}", page.text);
    }
    assert_eq!(tests_sent(&app).await, 0);
    app.finish().await;
}

#[tokio::test]
async fn a_preview_is_a_document_in_which_nothing_runs() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let mut browser = signed_in(&app, &admin).await;
    let page = browser.open(WELCOME).await.expect(200);
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("frame-src 'self'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    let way = format!("{WELCOME}/preview");
    let shown = [browser.open(&way).await.expect(200), browser.submit(&way, &[("text", TEXT), ("as", "html")]).await.expect(200)];
    for (mail, says) in shown.iter().zip(["An administrator made an account", "Moin."]) {
        assert!(mail.text.contains(says) && mail.text.starts_with("<!doctype html>"), "{}", mail.text);
        let policy = mail.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && policy.ends_with("; sandbox"), "{policy}");
        assert!(policy.contains("frame-ancestors 'self'") && !policy.contains("unsafe"), "{policy}");
    }
    let plain = browser.submit(&way, &[("text", TEXT), ("as", "plain")]).await.expect(200);
    assert_eq!(plain.headers["content-type"], "text/plain; charset=utf-8");
    assert!(plain.text.starts_with("Hi\n\nMoin.\n\nhttps://id.example.com/reset-password?token=example\n"), "{}", plain.text);
    assert!(browser.open(&format!("{way}?as=plain")).await.expect(200).text.starts_with("Your account at usher\n\n"));
    let none = browser.submit(&way, &[("text", "{{"), ("as", "html")]).await.expect(200);
    assert!(none.text.starts_with("There is no mail to show.\n\nLine "), "{}", none.text);
    browser.submit_with(&way, "x", &[("text", TEXT)]).await.expect(403);
    app.finish().await;
}

#[tokio::test]
async fn who_may_only_read_sees_the_text_and_no_form() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let reader = with(&app, &admin, "watcher", &["system:read"]).await;
    let other = with(&app, &admin, "counter", &["analytics:read"]).await;
    let mut browser = signed_in(&app, &reader).await;
    let page = browser.open(WELCOME).await.expect(200);
    assert!(!page.text.contains("<textarea") && page.text.contains("An administrator made an account"), "{}", page.text);
    assert!(page.text.contains("target=\"preview\"") && browser.open(LIST).await.expect(200).text.contains("Mail texts"));
    browser.open(&format!("{WELCOME}/preview")).await.expect(200);
    for way in [WELCOME.to_owned(), format!("{WELCOME}/test"), format!("{WELCOME}/restore")] {
        let page = browser.submit(&way, &[("text", TEXT), ("version", "0")]).await.expect(403);
        assert!(page.text.contains("This needs the permission system:write."), "{way}: {}", page.text);
    }
    browser.open(&format!("{WELCOME}/restore")).await.expect(403);
    reader.client.put("/v1/mail-texts/welcome/en", json!({ "text": TEXT })).await.expect(403);
    let mut browser = signed_in(&app, &other).await;
    for way in [LIST.to_owned(), WELCOME.to_owned(), format!("{WELCOME}/preview")] {
        let page = browser.open(&way).await.expect(403);
        assert!(page.text.contains("This needs the permission system:read."), "{way}: {}", page.text);
    }
    assert_eq!(tests_sent(&app).await, 0);
    app.finish().await;
}
