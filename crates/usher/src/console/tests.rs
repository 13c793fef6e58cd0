//! The console as a browser meets it: what is shown to whom, what is refused, and that each page renders.

mod audit;
mod bulk;
mod changing;
mod invitations;
mod requests;
mod users;

use serde_json::json;

use crate::testing::{Browser, Person, TestApp};

/// A browser in which somebody has signed in.
async fn signed_in(app: &TestApp, person: &Person) -> Browser {
    let mut browser = app.browser();
    browser.sign_in(&person.email).await.expect(303);
    browser.open("/account").await.expect(200);
    browser
}

/// Somebody with a role that holds these permissions and no others.
async fn with(app: &TestApp, admin: &Person, name: &str, permissions: &[&str]) -> Person {
    admin.client.post("/v1/roles", json!({ "name": name, "permissions": permissions })).await.expect(201);
    app.person(name, &["user", name]).await
}

fn way(person: &Person) -> String {
    format!("/admin/users/{}", person.id)
}

#[tokio::test]
async fn every_page_opens_for_an_administrator_with_nothing_and_with_something() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let mut browser = signed_in(&app, &admin).await;
    let places = [
        "/admin",
        "/admin?by=week",
        "/admin?by=month",
        "/admin/users",
        "/admin/bulk",
        "/admin/recycle-bin",
        "/admin/invitations",
        "/admin/invitations?q=nobody&state=waiting",
        "/admin/invitations/new",
        "/admin/invitations/many",
        "/admin/requests",
        "/admin/requests?state=all",
        "/admin/changes",
        "/admin/audit",
        "/admin/audit/seal",
    ];
    for place in places {
        let page = browser.open(place).await.expect(200);
        assert_eq!(page.text.matches("<h1").count(), 1, "{place}");
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
        assert!(!page.text.contains(" style=") && !page.text.contains("onclick"), "{place}");
    }
    let ann = app.user("ann").await;
    admin.client.post(&format!("/v1/users/{}/suspend", ann.id), json!({})).await.expect(200);
    for place in places {
        browser.open(place).await.expect(200);
    }
    let page = browser.open("/admin").await.expect(200);
    assert!(page.text.contains("User suspended") && page.text.contains("<svg viewBox"), "{}", page.text);
    app.finish().await;
}

#[tokio::test]
async fn the_navigation_and_the_dashboard_show_what_one_may_see() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let counts = with(&app, &admin, "counts", &["analytics:read"]).await;
    let audits = with(&app, &admin, "audits", &["audit:read"]).await;
    let boss = app.manager().await;
    for (person, shown, hidden) in [
        (&counts, &["Sign-ups", "Jobs that wait"][..], &["Newest changes", "/admin/users", "/admin/changes"][..]),
        (&audits, &["Newest changes", "/admin/changes"], &["Sign-ups", "Jobs that wait", "/admin/users\""]),
        (&boss, &["/admin/users", "In the recycle bin"], &["Sign-ups", "Newest changes", "/admin/changes"]),
    ] {
        let mut browser = signed_in(&app, person).await;
        let page = browser.open("/admin").await.expect(200);
        for text in shown {
            assert!(page.text.contains(text), "{text} for {}", person.email);
        }
        for text in hidden {
            assert!(!page.text.contains(text), "{text} for {}", person.email);
        }
    }
    let mut browser = signed_in(&app, &counts).await;
    let refused = browser.open("/admin/users").await.expect(403);
    assert!(refused.text.contains("This needs the permission users:read."), "{}", refused.text);
    browser.open("/admin/changes").await.expect(403);
    let sql = "select count(*) from audit_events where action = 'permission.denied' and outcome = 'failure'";
    assert_eq!(app.count(sql).await, 2);
    app.finish().await;
}

#[tokio::test]
async fn who_is_not_signed_in_is_led_to_the_sign_in_and_back() {
    let app = TestApp::new().await;
    let to = app.browser().open("/admin/users?status=active").await.expect(303);
    assert_eq!(to.headers["location"], "/sign-in?return_to=%2Fadmin%2Fusers%3Fstatus%3Dactive");
    app.finish().await;
}

#[tokio::test]
async fn names_are_escaped_wherever_they_stand() {
    let app = TestApp::with(&[("USHER_PROFESSIONAL_REQUIRES", "bio")]).await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let bad = "\"><script src=x></script><img src=x onerror=alert(1)>";
    let body = json!({ "display_name": bad, "bio": bad, "attributes": { "note": bad } });
    let reason = [("x-reason", bad)];
    admin.client.send(http::Method::PATCH, &format!("/v1/users/{}", ann.id), &reason, Some(body)).await.expect(200);
    let wish = json!({ "email": "ben@example.org", "display_name": bad, "message": bad, "delivery": "link" });
    let invited = admin.client.post("/v1/invitations", wish).await.expect(201).str("id");
    let asked = ann
        .client
        .post("/v1/me/approval-requests", json!({ "kind": "professional", "message": bad }))
        .await
        .expect(201)
        .str("id");
    let mut browser = signed_in(&app, &admin).await;
    let change = admin.client.get("/v1/changes?limit=1").await.expect(200).json["items"][0]["id"].as_str().unwrap().to_owned();
    for place in [
        "/admin".to_owned(),
        "/admin/users".to_owned(),
        "/admin/users?columns=attributes.note&q=onerror".to_owned(),
        way(&ann),
        format!("{}/edit", way(&ann)),
        format!("{}/act/suspend", way(&ann)),
        format!("{}/roles/grant", way(&ann)),
        "/admin/changes".to_owned(),
        format!("/admin/changes/{change}"),
        "/admin/invitations".to_owned(),
        format!("/admin/invitations/{invited}"),
        format!("/admin/invitations/{invited}/resend"),
        "/admin/requests".to_owned(),
        format!("/admin/requests/{asked}"),
        format!("/admin/requests/{asked}/decline"),
        "/admin/audit".to_owned(),
        format!("/admin/audit/{change}"),
        format!("/admin/changes/{change}/undo"),
    ] {
        let page = browser.open(&place).await.expect(200);
        assert!(!page.text.contains("<script src=x") && !page.text.contains("<img src=x"), "{place}");
    }
    app.finish().await;
}
