//! The page behind the link.

use serde_json::json;

use super::{PATH, accept, token_of};
use crate::testing::{PASSWORD, TestApp};

const HERE: &str = "/invitation";

#[tokio::test]
async fn r043_opening_the_page_notes_that_alone_and_sending_its_form_makes_the_account() {
    let app = TestApp::with(&[("USHER_INVITATION_FORWARD_TO", "https://app.example.com")]).await;
    let boss = app.manager().await;
    let wish = json!({
        "email": "ann@example.org", "display_name": "Ann <i>B</i>", "message": "Hello\n<script>alert(1)</script>",
        "forward_to": "https://app.example.com/start?a=1&b=2", "delivery": "mail",
    });
    let made = boss.client.post(PATH, wish).await.expect(201);
    let token = app.mailed_token().await;
    let page = format!("{HERE}?token={token}");
    let mut browser = app.browser();
    for _ in 0..2 {
        let shown = browser.open(&page).await.expect(200);
        assert!(
            shown.text.contains("<strong>zz-boss</strong> invites you") && shown.text.contains("&lt;script&gt;"),
            "{}",
            shown.text
        );
        assert!(shown.text.contains("value=\"ann@example.org\"") && shown.text.contains("autocomplete=\"new-password\""));
        assert!(!shown.text.contains("<script>alert") && !shown.text.contains("<i>"));
        assert_eq!(
            (shown.headers["referrer-policy"].as_bytes(), shown.headers["cache-control"].as_bytes()),
            (&b"no-referrer"[..], &b"no-store"[..])
        );
    }
    let path = format!("{PATH}/{}", made.str("id"));
    let opened = boss.client.get(&path).await.expect(200);
    assert_eq!((opened.str("state").as_str(), opened.json["opened_at"].is_string()), ("waiting", true));
    for (fields, texts) in [
        (&[("password", "short")][..], ["The password must have at least 15", "You are invited"]),
        (&[("password", PASSWORD), ("username", "a b")], ["The user name must have 3 to 64 letters", "value=\"a b\""]),
        (&[("password", PASSWORD), ("username", "zz-boss")], ["This user name belongs to somebody else.", "value=\"zz-boss\""]),
        (&[("display_name", "<b>")], ["Choose a password.", "&lt;b&gt;"]),
    ] {
        let fields: Vec<(&str, &str)> = fields.iter().copied().chain([("token", token.as_str())]).collect();
        let refused = browser.submit(HERE, &fields).await.expect(422);
        for text in texts {
            assert!(refused.text.contains(text), "{text}: {}", refused.text);
        }
        assert!(refused.text.contains(&format!("invitation?token={token}\"")), "{}", refused.text);
    }
    let done =
        browser.submit(HERE, &[("token", &token), ("display_name", "Ann"), ("username", ""), ("password", PASSWORD)]).await;
    let done = done.expect(200);
    assert!(done.text.contains("Your account is made") && !done.text.contains(&token));
    assert!(
        done.text.contains("https:&#x2f;&#x2f;app.example.com&#x2f;start?a=1&amp;b=2")
            || done.text.contains("https://app.example.com/start?a=1&amp;b=2")
    );
    for gone in [page.as_str(), HERE, "/invitation?token=ush_invite_x"] {
        assert!(browser.open(gone).await.expect(200).text.contains("This invitation does not work"), "{gone}");
    }
    let again = browser.submit(HERE, &[("token", &token), ("password", PASSWORD)]).await.expect(200);
    assert!(again.text.contains("This invitation does not work"));
    browser.sign_in("ann@example.org").await.expect(303);
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn r106_a_form_of_another_browser_is_refused_and_a_link_leads_to_the_verification() {
    let app = TestApp::new().await;
    let boss = app.manager().await;
    let made = boss.client.post(PATH, json!({ "email": "ann@example.org", "delivery": "link" })).await.expect(201);
    let token = token_of(&made);
    let fields = [("token", token.as_str()), ("password", PASSWORD)];
    let mut browser = app.browser();
    browser.open(&format!("{HERE}?token={token}")).await.expect(200);
    let mut other = app.browser();
    other.open(HERE).await.expect(200);
    other.submit_with(HERE, &browser.form_token, &fields).await.expect(403);
    let sent = browser.submit(HERE, &fields).await.expect(200);
    assert!(sent.text.contains("Look into your mail") && sent.text.contains("ann@example.org"));
    accept(&app, &token).await.expect_problem(422, "invalid_token");
    app.mails().await;
    app.finish().await;
}
