//! The console as a browser meets it: what is shown to whom, what is refused, and that each page renders.

mod access;
mod acts;
mod attributes;
mod audit;
mod branding;
mod bulk;
mod changing;
mod choice;
mod creating;
mod emails;
mod imports;
mod inactivity;
mod invitations;
mod live;
mod mail_texts;
mod proof;
mod requests;
mod service_accounts;
mod system;
mod user;
mod users;

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::json;

use crate::testing::{Answer, Browser, Person, TestApp};

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

#[track_caller]
fn leads_to(answer: &Answer, path: &str) {
    let location = answer.headers.get("location").map(|to| to.to_str().unwrap());
    assert_eq!((answer.status.as_u16(), location), (303, Some(path)), "{}", answer.text);
}

/// That of what a form shows; nothing when it shows none.
fn version_of(page: &str) -> String {
    let after = page.split("name=\"version\" value=\"").nth(1).unwrap_or_default();
    after.split('"').next().unwrap_or_default().to_owned()
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
        "/admin/analytics",
        "/admin/analytics?by=week&from=2026-01-01&to=2026-01-31",
        "/admin/users",
        "/admin/users/new",
        "/admin/bulk",
        "/admin/inactivity",
        "/admin/inactivity/new",
        "/admin/imports",
        "/admin/imports/new",
        "/admin/export",
        "/admin/recycle-bin",
        "/admin/roles",
        "/admin/roles/new",
        "/admin/roles/admin",
        "/admin/roles/user",
        "/admin/roles/user/edit",
        "/admin/permissions",
        "/admin/permissions/users:read",
        "/admin/groups",
        "/admin/groups/new",
        "/admin/invitations",
        "/admin/invitations?q=nobody&state=waiting",
        "/admin/invitations/new",
        "/admin/invitations/many",
        "/admin/requests",
        "/admin/requests?state=all",
        "/admin/changes",
        "/admin/audit",
        "/admin/audit/seal",
        "/admin/mails",
        "/admin/mails/retry",
        "/admin/keys",
        "/admin/keys/rotate",
        "/admin/service-accounts",
        "/admin/service-accounts/new",
        "/admin/branding",
        "/admin/settings",
        "/admin/settings?show=changed",
        "/admin/system",
        "/admin/mails/texts",
        "/admin/mails/texts/verify_email/de",
        "/admin/attributes",
        "/admin/attributes/new",
        "/admin/attributes/schema",
        "/admin/attributes/remove?name=fax",
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
async fn the_dashboard_counts_anew_beside_the_answer_when_a_minute_has_passed() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let mut browser = signed_in(&app, &admin).await;
    let counted =
        |page: &Answer| page.text.split("<p class=\"hint\">Counted ").nth(1).unwrap().split("</time>").next().unwrap().to_owned();
    let page = browser.open("/admin").await.expect(200);
    let shows = |page: &Answer, picture: &str| {
        page.text.contains(&format!("role=\"img\" aria-labelledby=\"{picture}-title {picture}-desc\""))
    };
    for picture in ["sign-ups", "active", "sign-ins", "second-factors"] {
        assert!(shows(&page, picture), "{picture}");
    }
    assert!(!shows(&page, "queues"), "nothing waits, and nothing was given up");
    let mut tx = app.tx().await;
    let sql = "
        insert into jobs (id, kind, payload, run_at, created_at, dead_at)
        values (gen_random_uuid(), 'lost', '{}', now(), now(), now())";
    tx.execute(sql, &[]).await.unwrap();
    tx.commit().await.unwrap();
    assert!(shows(&browser.open("/admin").await.expect(200), "queues"));
    let mut tx = app.tx().await;
    tx.execute("delete from jobs where kind = 'lost'", &[]).await.unwrap();
    tx.commit().await.unwrap();
    let first = counted(&page);
    app.advance(SignedDuration::from_secs(59));
    assert_eq!(counted(&browser.open("/admin").await.expect(200)), first);
    app.advance(SignedDuration::from_secs(1));
    let renewed = async {
        // The first who comes then sees what was counted before, and has it counted anew.
        while counted(&browser.open("/admin").await.expect(200)) == first {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), renewed).await.expect("it is counted anew");
    let second = counted(&browser.open("/admin").await.expect(200));
    app.advance(SignedDuration::from_mins(61));
    let third = counted(&browser.open("/admin").await.expect(200));
    assert!(first != second && second != third, "{first} {second} {third}");
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

/// A role, a group with somebody in it and a service account with a key, all of them called so: the pages of the group and the account.
async fn badly_named(admin: &Person, ann: &Person, bad: &str) -> (String, String) {
    let role = json!({ "name": "bad", "description": bad, "permissions": [] });
    admin.client.post("/v1/roles", role).await.expect(201);
    let group = admin.client.post("/v1/groups", json!({ "name": bad, "description": bad })).await.expect(201);
    let group = format!("/admin/groups/{}", group.str("id"));
    let member = format!("{}/members/{}", group.replace("admin", "v1"), ann.id);
    admin.client.put(&member, json!({})).await.expect(200);
    admin.client.put(&format!("{}/roles", group.replace("admin", "v1")), json!({ "roles": ["manager"] })).await.expect(200);
    let account = json!({ "name": "report", "description": bad, "permissions": [] });
    let account = admin.client.post("/v1/service-accounts", account).await.expect(201).str("id");
    let account = format!("/admin/service-accounts/{account}");
    admin.client.post(&format!("{}/keys", account.replace("/admin", "/v1")), json!({ "name": bad })).await.expect(201);
    (group, account)
}

#[tokio::test]
async fn names_are_escaped_wherever_they_stand() {
    let app = TestApp::with(&[("USHER_PROFESSIONAL_REQUIRES", "bio")]).await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let bad = "\"><script src=x></script><img src=x onerror=alert(1)>";
    let property = json!({ "type": "string", "title": bad, "description": bad, "enum": [bad, "b"] });
    let schema = json!({ "type": "object", "properties": { "note": property }, "additionalProperties": true });
    admin.client.put("/v1/attribute-schema", schema).await.expect(200);
    app.run_jobs().await;
    let body = json!({ "display_name": bad, "bio": bad, "attributes": { "note": bad } });
    let reason = [("x-reason", bad)];
    admin.client.send(http::Method::PATCH, &format!("/v1/users/{}", ann.id), &reason, Some(body)).await.expect(200);
    let (group, account) = badly_named(&admin, &ann, bad).await;
    let wish = json!({ "email": "ben@example.org", "display_name": bad, "message": bad, "delivery": "link" });
    let invited = admin.client.post("/v1/invitations", wish).await.expect(201).str("id");
    let asked = ann
        .client
        .post("/v1/me/approval-requests", json!({ "kind": "professional", "message": bad }))
        .await
        .expect(201)
        .str("id");
    let mut browser = signed_in(&app, &admin).await;
    let change = admin.client.get("/v1/changes?limit=1&action=api_key.created").await.expect(200);
    let change = change.json["items"][0]["id"].as_str().unwrap().to_owned();
    for place in [
        "/admin".to_owned(),
        "/admin/users".to_owned(),
        "/admin/users?columns=attributes.note&q=onerror".to_owned(),
        "/admin/users/new".to_owned(),
        way(&ann),
        format!("{}/edit", way(&ann)),
        format!("{}/emails/add", way(&ann)),
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
        "/admin/roles".to_owned(),
        "/admin/roles/bad".to_owned(),
        "/admin/roles/bad/edit".to_owned(),
        "/admin/roles/bad/delete".to_owned(),
        "/admin/permissions/users:write".to_owned(),
        "/admin/groups".to_owned(),
        group.clone(),
        format!("{group}/edit"),
        format!("{group}/roles"),
        format!("{group}/parents"),
        format!("{group}/delete"),
        format!("{group}/members/add"),
        format!("{group}/members/{}/remove", ann.id),
        "/admin/service-accounts".to_owned(),
        account.clone(),
        format!("{account}/edit"),
        "/admin/attributes".to_owned(),
        "/admin/attributes/note/edit".to_owned(),
        "/admin/attributes/schema".to_owned(),
        "/admin/attributes/rename?name=note&to=other".to_owned(),
        "/admin/attributes/remove?name=note".to_owned(),
        "/admin/attributes/remove?name=%3Cscript%20src=x%3E%3C/script%3E".to_owned(),
    ] {
        let page = browser.open(&place).await.expect(200);
        assert!(!page.text.contains("<script src=x") && !page.text.contains("<img src=x"), "{place}");
    }
    app.finish().await;
}
