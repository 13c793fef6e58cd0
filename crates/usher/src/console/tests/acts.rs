//! Acts that fit some users only, and lists that are longer than the page about a user.

use jiff::SignedDuration;
use serde_json::json;

use super::branding::picture;
use super::{leads_to, signed_in, way, with};
use crate::testing::{PASSWORD, TestApp};

#[tokio::test]
async fn second_factors_are_removed_where_there_are_some() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let mut browser = signed_in(&app, &admin).await;
    assert!(!browser.open(&way(&ann)).await.expect(200).text.contains("/act/reset-factors"));
    app.with_second_factor(&ann).await;
    assert!(browser.open(&way(&ann)).await.expect(200).text.contains("/act/reset-factors"));
    let path = format!("{}/act/reset-factors", way(&ann));
    browser.open(&path).await.expect(200);
    leads_to(&browser.submit(&path, &[("reason", "a lost phone")]).await, &way(&ann));
    assert!(!browser.open(&way(&ann)).await.expect(200).text.contains("/act/reset-factors"));
    let page = browser.submit(&path, &[("reason", "once more")]).await.expect(422);
    assert!(page.text.contains("id=\"reason-error\"") && page.text.contains("value=\"once more\""), "{}", page.text);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn professional_status_is_given_and_taken_and_the_person_is_told() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let mut browser = signed_in(&app, &admin).await;
    app.mails().await;
    for (act, other, is_one) in
        [("give-professional", "take-professional", true), ("take-professional", "give-professional", false)]
    {
        let page = browser.open(&way(&ann)).await.expect(200);
        assert!(page.text.contains(&format!("/act/{act}")) && !page.text.contains(&format!("/act/{other}")), "{}", page.text);
        let path = format!("{}/act/{act}", way(&ann));
        browser.open(&path).await.expect(200);
        leads_to(&browser.submit(&path, &[("reason", "papers seen")]).await, &way(&ann));
        let read = admin.client.get(&format!("/v1/users/{}", ann.id)).await.expect(200).json;
        assert_eq!(read["professional_at"].is_string(), is_one, "{act}");
        let events = admin.client.get("/v1/audit-events?action=user.professional_set").await.expect(200).json;
        assert_eq!(events["items"][0]["reason"], "papers seen", "{act}");
        assert_eq!(app.mails().await.iter().filter(|mail| mail.to == ann.email).count(), 1, "{act}");
        // Once more changes nothing.
        leads_to(&browser.submit(&path, &[]).await, &way(&ann));
        assert!(app.mails().await.is_empty(), "{act}");
    }
    app.finish().await;
}

#[tokio::test]
async fn the_picture_of_a_user_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::with(&[("USHER_AVATARS", &format!("file://{}/faces", folder.path().display()))]).await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let files = || std::fs::read_dir(folder.path().join("faces")).map_or(0, Iterator::count);
    let mut browser = signed_in(&app, &admin).await;
    assert!(!browser.open(&way(&ann)).await.expect(200).text.contains("/act/remove-picture"));
    let mut own = signed_in(&app, &ann).await;
    own.upload("/account/avatar", &picture()).await.expect(303);
    assert_eq!(files(), 2);
    assert!(browser.open(&way(&ann)).await.expect(200).text.contains("/act/remove-picture"));
    let path = format!("{}/act/remove-picture", way(&ann));
    browser.open(&path).await.expect(200);
    leads_to(&browser.submit(&path, &[("reason", "not theirs")]).await, &way(&ann));
    app.run_jobs().await;
    assert_eq!(files(), 0);
    let read = admin.client.get(&format!("/v1/users/{}", ann.id)).await.expect(200);
    assert!(read.str("avatar_url").contains("identicon"), "{}", read.text);
    let events = admin.client.get("/v1/audit-events?action=user.avatar_removed").await.expect(200).json;
    assert_eq!(events["items"][0]["reason"], "not theirs");
    assert!(!browser.open(&way(&ann)).await.expect(200).text.contains("/act/remove-picture"));
    app.finish().await;
}

#[tokio::test]
async fn the_picture_of_a_user_is_set_and_what_is_none_is_said_at_its_field() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::with(&[("USHER_AVATARS", &format!("file://{}/faces", folder.path().display()))]).await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let mut browser = signed_in(&app, &admin).await;
    let path = format!("{}/picture", way(&ann));
    assert!(browser.open(&way(&ann)).await.expect(200).text.contains("/picture\">Set a picture …</a>"));
    let page = browser.open(&path).await.expect(200);
    assert!(page.text.contains("enctype=\"multipart/form-data\"") && page.text.contains("name=\"picture\""), "{}", page.text);
    let (reason, field) = ([("reason", "for the badge")], ("picture", "ann.png"));
    for (file, said) in [
        (&b""[..], "Choose a file."),
        (b"<svg onload=alert(1)>", "This is no PNG, JPEG or WebP picture"),
        (&vec![0; 6 * 1024 * 1024], "larger than 5 MB"),
    ] {
        let page = browser.upload_with(&path, &reason, field, file).await.expect(422);
        assert!(page.text.contains("id=\"picture-error\"") && page.text.contains(said), "{said}: {}", page.text);
    }
    let read = || async { admin.client.get(&format!("/v1/users/{}", ann.id)).await.expect(200).str("avatar_url") };
    assert!(read().await.contains("identicon"), "nothing of that was taken");
    leads_to(&browser.upload_with(&path, &reason, field, &picture()).await, &way(&ann));
    let url = read().await;
    assert!(!url.contains("identicon"), "{url}");
    let events = admin.client.get("/v1/audit-events?action=user.avatar_set").await.expect(200).json;
    let event = &events["items"][0];
    assert_eq!((&event["reason"], &event["actor_id"]), (&json!("for the badge"), &json!(admin.id)));
    assert_eq!(event["target_id"], json!(ann.id));
    browser.form_token = "stale".to_owned();
    browser.upload_with(&path, &reason, field, &picture()).await.expect(403);
    admin.client.delete(&format!("/v1/users/{}", ann.id)).await.expect(204);
    browser.open(&path).await.expect(200);
    let page = browser.upload_with(&path, &reason, field, &picture()).await.expect(422);
    assert!(page.text.contains("id=\"reason-error\"") && page.text.contains("value=\"for the badge\""), "{}", page.text);
    assert_eq!(app.count("select count(*) from audit_events where action = 'user.avatar_set'").await, 1);
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn nobody_sets_the_picture_of_who_outranks_them_or_without_the_permission() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::with(&[("USHER_AVATARS", &format!("file://{}/faces", folder.path().display()))]).await;
    let (admin, ann, boss) = (app.admin().await, app.user("ann").await, app.manager().await);
    let reader = with(&app, &admin, "reader", &["users:read"]).await;
    for (who, whom) in [(&boss, &admin), (&reader, &ann)] {
        let mut browser = signed_in(&app, who).await;
        let path = format!("{}/picture", way(whom));
        browser.open(&path).await.expect(403);
        browser.open("/admin/users").await.expect(200);
        browser.upload_with(&path, &[], ("picture", "me.png"), &picture()).await.expect(403);
    }
    app.run_jobs().await;
    assert_eq!(app.count("select count(*) from audit_events where action = 'user.avatar_set'").await, 0);
    assert_eq!(app.count("select count(*) from avatars").await, 0);
    app.finish().await;
}

#[tokio::test]
async fn where_no_pictures_are_kept_the_page_says_so() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let mut browser = signed_in(&app, &admin).await;
    let path = format!("{}/picture", way(&ann));
    let page = browser.open(&path).await.expect(200);
    assert!(page.text.contains("This server keeps no pictures.") && !page.text.contains("type=\"file\""), "{}", page.text);
    browser.open(&format!("{}/edit", way(&ann))).await.expect(200);
    let page = browser.upload_with(&path, &[], ("picture", "me.png"), &picture()).await.expect(422);
    assert!(page.text.contains("This server keeps no pictures."), "{}", page.text);
    app.finish().await;
}

#[tokio::test]
async fn a_role_that_can_not_be_granted_or_taken_leaves_the_reason() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let mut browser = signed_in(&app, &admin).await;
    for (path, form) in [
        (format!("{}/roles/grant", way(&ann)), [("role", "manager"), ("until", "2025-01-01")]),
        (format!("{}/roles/admin/take", way(&admin)), [("role", ""), ("until", "")]),
    ] {
        browser.open(&path).await.expect(200);
        let page = browser.submit(&path, &[&form[..], &[("reason", "for \"now\"")]].concat()).await.expect(422);
        assert!(page.text.contains("value=\"for &quot;now&quot;\""), "{path}: {}", page.text);
    }
    app.finish().await;
}

#[tokio::test]
async fn what_there_is_much_of_goes_on_to_what_is_older() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    for at in 0..21 {
        let body = json!({ "name": format!("key {at:02}"), "permissions": [] });
        ann.client.post("/v1/me/api-keys", body).await.expect(201);
        app.sign_in(&ann.email, PASSWORD).await;
    }
    let mut browser = signed_in(&app, &admin).await;
    let reset = format!("{}/act/mail-reset", way(&ann));
    browser.open(&reset).await.expect(200);
    for at in 0..21 {
        // No more than six of a kind an hour.
        if at > 0 && at % 6 == 0 {
            app.advance(SignedDuration::from_hours(1));
            browser = signed_in(&app, &admin).await;
            browser.open(&reset).await.expect(200);
        }
        leads_to(&browser.submit(&reset, &[]).await, &way(&ann));
        app.run_jobs().await;
    }
    let first = browser.open(&way(&ann)).await.expect(200);
    assert!(first.text.contains("key 20") && !first.text.contains("key 00"), "{}", first.text);
    // The way on, and not the address of the page itself.
    let older = |page: &str, name: &str, anchor: &str| {
        let (way, place) = (format!("?{name}="), format!("#{anchor}"));
        let found = page.split(&way).skip(1).filter_map(|rest| rest.split('"').next());
        found.filter_map(|rest| rest.strip_suffix(&place)).map(ToOwned::to_owned).next()
    };
    for (name, anchor, link) in [
        ("api_keys", "api-keys", "/api-keys/"),
        ("sessions", "sessions", "/sessions/"),
        ("sign_ins", "sign-ins", "badge-good\">Signed in"),
        ("mails", "mails", "href=\"&#x2f;admin&#x2f;mails&#x2f;"),
    ] {
        let cursor = older(&first.text, name, anchor).unwrap_or_else(|| panic!("{name}"));
        let page = browser.open(&format!("{}?{name}={cursor}", way(&ann))).await.expect(200);
        assert!(page.text.contains(&format!("#{anchor}\"")), "{name}: {}", page.text);
        assert_eq!(older(&page.text, name, anchor), None, "{name}");
        let (before, after) = (first.text.matches(link).count(), page.text.matches(link).count());
        assert!(before > after && after > 0, "{name}: {before}, then {after}");
        browser.open(&format!("{}?{name}=x", way(&ann))).await.expect(422);
    }
    app.finish().await;
}
