//! The list of users, and one of them.

use serde_json::json;

use super::{leads_to, signed_in, way, with};
use crate::testing::TestApp;

fn escaped(location: &http::HeaderValue) -> String {
    location.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn users_are_searched_filtered_sorted_and_shown_in_columns() {
    let app = TestApp::new().await;
    let (admin, ann, ben) = (app.admin().await, app.user("ann").await, app.user("ben").await);
    admin.client.post(&format!("/v1/users/{}/suspend", ben.id), json!({})).await.expect(200);
    let mut browser = signed_in(&app, &admin).await;
    for (query, finds_ann, finds_ben) in [
        ("", true, true),
        ("?q=ann%40example", true, false),
        ("?status=suspended", false, true),
        ("?filter=status+eq+%22active%22", true, false),
        ("?role=user&sort=username", true, true),
        ("?role=nobody", false, false),
        ("?q=&filter=&status=&role=&sort=&columns=username", true, true),
    ] {
        let page = browser.open(&format!("/admin/users{query}")).await.expect(200);
        assert_eq!((page.text.contains(&ann.id), page.text.contains(&ben.id)), (finds_ann, finds_ben), "{query}");
    }
    let page = browser.open("/admin/users?columns=created_at&columns=id").await.expect(200);
    assert!(page.text.contains("data-label=\"Created (UTC)\"") && !page.text.contains("data-label=\"Status\""), "{}", page.text);
    assert!(page.text.contains(">3 users<"), "{}", page.text);
    assert!(page.text.contains("new?filter=id+pr\""), "{}", page.text);
    app.finish().await;
}

#[tokio::test]
async fn times_are_in_the_zone_of_who_looks() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let mut browser = signed_in(&app, &admin).await;
    let path = format!("/v1/users/{}/roles/manager", ann.id);
    assert_eq!(admin.client.put(&path, json!({ "expires_at": "2026-07-01T22:30:00Z" })).await.status.as_u16() / 100, 2);
    let page = browser.open(&way(&ann)).await.expect(200);
    assert!(page.text.contains("ends 1 Jul 2026, 22:30 UTC") && page.text.contains("(times in UTC)"), "{}", page.text);
    admin.client.patch("/v1/me", json!({ "time_zone": "Europe/Vienna" })).await.expect(200);
    let page = browser.open(&way(&ann)).await.expect(200);
    assert!(page.text.contains("ends 2 Jul 2026, 00:30 Europe/Vienna"), "{}", page.text);
    assert!(page.text.contains("(times in Europe/Vienna)") && !page.text.contains(" UTC"), "{}", page.text);
    let page = browser.open("/admin/users?columns=created_at").await.expect(200);
    assert!(page.text.contains("data-label=\"Created (Europe&#x2f;Vienna)\""), "{}", page.text);
    let page = browser.open("/admin/audit").await.expect(200);
    assert!(page.text.contains("A day, as Europe/Vienna has it.") && page.text.contains("When (Europe/Vienna)"), "{}", page.text);
    // So is a day that is typed.
    let bob = app.user("bob").await;
    let path = format!("{}/roles/grant", way(&bob));
    browser.open(&path).await.expect(200);
    leads_to(&browser.submit(&path, &[("role", "manager"), ("until", "2026-06-30")]).await, &way(&bob));
    let page = browser.open(&way(&bob)).await.expect(200);
    assert!(page.text.contains("ends 1 Jul 2026, 00:00 Europe/Vienna"), "{}", page.text);
    app.finish().await;
}

#[tokio::test]
async fn a_filter_that_does_not_fit_comes_again_with_its_fault_at_the_column() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let mut browser = signed_in(&app, &admin).await;
    let page = browser.open("/admin/users?filter=userName+eq+%22a%22+and+shoe+eq+1").await.expect(422);
    assert!(page.text.contains("id=\"filter-error\"") && page.text.contains("column 21"), "{}", page.text);
    assert!(page.text.contains("and <mark>shoe eq 1</mark>"), "{}", page.text);
    assert!(page.text.contains("aria-invalid=\"true\"") && !page.text.contains("data-rows"), "{}", page.text);
    for (query, field) in [("status=lazy", "status"), ("sort=shoe", "sort")] {
        let page = browser.open(&format!("/admin/users?{query}")).await.expect(422);
        assert!(page.text.contains(&format!("id=\"{field}-error\"")), "{query}: {}", page.text);
    }
    let long = "q".repeat(101);
    browser.open(&format!("/admin/users?q={long}")).await.expect(422);
    browser.open("/admin/users?cursor=x").await.expect(422);
    app.finish().await;
}

#[tokio::test]
async fn rows_of_a_form_write_a_filter() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let mut browser = signed_in(&app, &admin).await;
    for (rows, filter) in [
        ("attribute1=userName&operator1=sw&value1=a%22b", r#"userName sw "a\"b""#),
        ("attribute1=emailVerified&operator1=eq&value1=yes", "emailVerified eq true"),
        ("attribute1=secondFactors&operator1=eq&value1=no", "secondFactors eq false"),
        ("attribute1=lastActiveOn&operator1=lt&value1=2026-01-31", r#"lastActiveOn lt "2026-01-31""#),
        ("attribute2=lastSignInAt&operator2=pr", "lastSignInAt pr"),
        ("attribute1=createdAt&operator1=ge&value1=2026-01-31", r#"createdAt ge "2026-01-31T00:00:00Z""#),
        (
            "filter=status+eq+%22active%22&join=or&attribute1=userName&operator1=co&value1=a&attribute3=roles&operator3=eq&value3=admin",
            r#"(status eq "active") and (userName co "a" or roles eq "admin")"#,
        ),
    ] {
        let to = browser.open(&format!("/admin/users?status=active&{rows}")).await.expect(303);
        let expected = super::super::parameters::query([("status", "active"), ("filter", filter)]);
        assert_eq!(escaped(&to.headers["location"]), format!("/admin/users?{expected}"));
        browser.open(&escaped(&to.headers["location"])).await.expect(200);
    }
    app.finish().await;
}

#[tokio::test]
async fn pages_go_on_and_back_to_the_first() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let mut tx = app.tx().await;
    let many = "
        insert into users (id, username, status, created_at, updated_at)
        select md5('user' || at)::uuid, 'u' || lpad(at::text, 4, '0'), 'active', '2026-01-01', '2026-01-01'
        from generate_series(1, 30) as at";
    tx.execute(many, &[]).await.unwrap();
    tx.commit().await.unwrap();
    let mut browser = signed_in(&app, &admin).await;
    let page = browser.open("/admin/users?sort=username&columns=username").await.expect(200);
    assert!(page.text.contains(">31 users<") && !page.text.contains("First page"), "{}", page.text);
    let next = page.text.split("rel=\"next\"").next().unwrap().rsplit("href=\"").next().unwrap().split('"').next().unwrap();
    let page = browser.open(&next.replace("&amp;", "&").replace("&#x2f;", "/")).await.expect(200);
    assert!(page.text.contains("First page") && !page.text.contains("rel=\"next\""), "{}", page.text);
    assert_eq!(page.text.matches("data-label=\"User name\"").count(), 6);
    app.finish().await;
}

#[tokio::test]
async fn a_user_is_shown_with_why_they_may_and_what_happened() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let group = admin.client.post("/v1/groups", json!({ "name": "Helpers" })).await.expect(201);
    let group = format!("/v1/groups/{}", group.str("id"));
    admin.client.put(&format!("{group}/roles"), json!({ "roles": ["manager"] })).await.expect(200);
    admin.client.send(http::Method::PUT, &format!("{group}/members/{}", ann.id), &[], None).await;
    let wrong = json!({ "identifier": ann.email, "password": "seven quiet herons wading" });
    app.client().post("/v1/login", wrong).await.expect(401);
    let mut browser = signed_in(&app, &admin).await;
    let page = browser.open(&way(&ann)).await.expect(200);
    for text in [
        "Through Helpers",
        "users:write",
        "by manager, through Helpers",
        "The password was wrong.",
        "User created",
        "Verified",
        "Granted to them",
    ] {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
    assert!(page.text.contains("/act/suspend") && page.text.contains("/act/delete") && !page.text.contains("/act/restore"));
    assert!(!page.text.contains("/act/unlock") && !page.text.contains("/act/reactivate"));
    browser.open("/admin/users/0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d").await.expect(404);
    browser.open("/admin/users/nobody").await.expect(404);
    app.finish().await;
}

#[tokio::test]
async fn what_one_may_not_do_is_not_shown_and_who_holds_more_is_not_seen() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let (reader, ann) = (with(&app, &admin, "reader", &["users:read"]).await, app.user("ann").await);
    let mut browser = signed_in(&app, &reader).await;
    let page = browser.open(&way(&ann)).await.expect(200);
    for hidden in ["/act/", "/edit", "Undo …", "Recent sign-ins", "/roles/grant", "End …"] {
        assert!(!page.text.contains(hidden), "{hidden}: {}", page.text);
    }
    let list = browser.open("/admin/users").await.expect(200);
    assert!(!list.text.contains(&admin.id) && !list.text.contains("Act on"), "{}", list.text);
    assert!(browser.open(&way(&admin)).await.expect(403).text.contains("permissions that you lack"));
    app.finish().await;
}
