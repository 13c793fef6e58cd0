//! One user more, by a form.

use serde_json::json;

use super::{leads_to, signed_in, with};
use crate::testing::TestApp;

const NEW: &str = "/admin/users/new";

#[tokio::test]
async fn a_user_is_created_and_gets_a_link() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let property = json!({ "type": "integer", "title": "Floor" });
    let schema = json!({ "type": "object", "properties": { "floor": property, "tags": { "type": "array", "items": { "type": "string" } } } });
    admin.client.put("/v1/attribute-schema", schema).await.expect(200);
    app.run_jobs().await;
    let mut browser = signed_in(&app, &admin).await;
    assert!(browser.open("/admin/users").await.expect(200).text.contains("href=\"/admin/users/new\""));
    let page = browser.open(NEW).await.expect(200);
    assert!(
        page.text.contains("name=\"role.user\" value=\"on\" checked") && page.text.contains("name=\"attributes.floor\""),
        "{}",
        page.text
    );
    let form = [
        ("email", "eve@example.org"),
        ("username", ""),
        ("display_name", " Eve <b> "),
        ("bio", "One\r\nTwo"),
        ("locale", "de"),
        ("attributes.floor", "3"),
        ("attributes.tags", "a\r\nb"),
        ("role.user", "on"),
        ("role.manager", "on"),
        ("reason", "she begins on Monday"),
    ];
    let made = browser.submit(NEW, &form).await.expect(303);
    let user = admin.client.get("/v1/users?q=eve%40example").await.expect(200).json["items"][0].clone();
    leads_to(&made, &format!("/admin/users/{}", user["id"].as_str().unwrap()));
    assert_eq!((&user["status"], &user["email_verified"]), (&json!("pending"), &json!(false)));
    assert_eq!((&user["display_name"], &user["bio"], &user["locale"]), (&json!("Eve <b>"), &json!("One\nTwo"), &json!("de")));
    assert_eq!((&user["attributes"], &user["roles"]), (&json!({ "floor": 3, "tags": ["a", "b"] }), &json!(["manager", "user"])));
    let page = browser.open(made.headers["location"].to_str().unwrap()).await.expect(200);
    assert!(page.text.contains("The user is created.") && page.text.contains("Eve &lt;b&gt;"), "{}", page.text);
    let events = admin.client.get("/v1/audit-events?action=user.created").await.expect(200).json;
    assert_eq!(
        (&events["items"][0]["reason"], &events["items"][0]["actor_id"]),
        (&json!("she begins on Monday"), &json!(admin.id))
    );
    let mails: Vec<_> = app.mails().await.into_iter().filter(|mail| mail.to == "eve@example.org").collect();
    assert!(mails.len() == 1 && mails[0].text.contains("https://id.example.com/reset-password?token="), "{mails:?}");
    app.finish().await;
}

#[tokio::test]
async fn a_form_that_does_not_fit_comes_again_as_it_was_and_creates_nobody() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let schema = json!({ "type": "object", "properties": { "floor": { "type": "integer" } } });
    admin.client.put("/v1/attribute-schema", schema).await.expect(200);
    app.run_jobs().await;
    let before = app.count("select count(*) from users").await;
    let mut browser = signed_in(&app, &admin).await;
    browser.open(NEW).await.expect(200);
    let good = [("email", "eve@example.org"), ("attributes.floor", "1"), ("role.user", "on"), ("reason", "because")];
    for (name, value) in [
        ("email", ""),
        ("email", "nobody"),
        ("email", ann.email.as_str()),
        ("username", "a b"),
        ("username", "zz-ann"),
        ("locale", "gibberish!"),
        ("website_url", "javascript:alert(1)"),
        ("attributes.floor", "second"),
    ] {
        let mut form = good.to_vec();
        form.retain(|(found, _)| *found != name);
        form.push((name, value));
        let page = browser.submit(NEW, &form).await.expect(422);
        assert!(page.text.contains(&format!("id=\"{name}-error\"")), "{name} {value}: {}", page.text);
        assert!(
            page.text.contains("value=\"because\"") && page.text.contains("name=\"role.user\" value=\"on\" checked"),
            "{}",
            page.text
        );
        assert!(page.text.contains(&format!("value=\"{value}\"")), "{name} {value}: {}", page.text);
    }
    let page = browser.submit(NEW, &[&good[..], &[("role.nobody", "on")]].concat()).await.expect(422);
    assert!(page.text.contains("id=\"roles-error\"") && page.text.contains("There is no role of this name."), "{}", page.text);
    let page = browser.submit(NEW, &[&good[..], &[("role.nobody", "on"), ("bio", &"x".repeat(2001))]].concat()).await.expect(422);
    assert!(page.text.contains("id=\"bio-error\""), "{}", page.text);
    browser.submit_with(NEW, "x", &good).await.expect(403);
    assert_eq!(app.count("select count(*) from users").await, before);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn who_creates_gives_no_roles_beyond_their_own() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let writer = with(&app, &admin, "writer", &["analytics:read", "users:write"]).await;
    let giver = with(&app, &admin, "giver", &["users:read", "users:write", "roles:assign"]).await;
    let before = app.count("select count(*) from users").await;
    let mut browser = signed_in(&app, &giver).await;
    let page = browser.open(NEW).await.expect(200);
    // They may not list roles.
    assert!(page.text.contains("name=\"roles\" value=\"user\"") && !page.text.contains("name=\"role.user\""), "{}", page.text);
    let form = [("email", "eve@example.org"), ("roles", "user admin"), ("display_name", "Eve")];
    let page = browser.submit(NEW, &form).await.expect(403);
    assert!(page.text.contains("id=\"roles-error\"") && page.text.contains("value=\"Eve\""), "{}", page.text);
    let mut browser = signed_in(&app, &writer).await;
    let page = browser.open(NEW).await.expect(200);
    assert!(!page.text.contains("name=\"roles\"") && !page.text.contains("name=\"role."), "{}", page.text);
    browser.submit(NEW, &[("email", "eve@example.org"), ("role.giver", "on")]).await.expect(403);
    assert_eq!(app.count("select count(*) from users").await, before);
    // Who may not look at users comes back to the form.
    leads_to(&browser.submit(NEW, &[("email", "eve@example.org")]).await, NEW);
    assert!(browser.open(NEW).await.expect(200).text.contains("The user is created."));
    let user = admin.client.get("/v1/users?q=eve%40example").await.expect(200).json["items"][0].clone();
    assert_eq!(user["roles"], json!(["user"]));
    let denied = app.count("select count(*) from audit_events where action = 'permission.denied'").await;
    assert_eq!(denied, 2);
    app.run_jobs().await;
    app.finish().await;
}
