//! Roles, permissions and groups: what is shown to whom, what is refused, and where it is said.

use serde_json::json;

use super::{leads_to, signed_in, version_of, with};
use crate::testing::{Browser, Person, TestApp};

const NOBODY: &str = "0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d";

async fn group(admin: &Person, name: &str, roles: &[&str]) -> String {
    let made = admin.client.post("/v1/groups", json!({ "name": name })).await.expect(201);
    let id = made.str("id");
    admin.client.put(&format!("/v1/groups/{id}/roles"), json!({ "roles": roles })).await.expect(200);
    id
}

/// Opens the form, and sends it with the version that it shows.
async fn send(browser: &mut Browser, path: &str, fields: &[(&str, &str)]) -> crate::testing::Answer {
    let page = browser.open(path).await.expect(200);
    let version = version_of(&page.text);
    browser.submit(path, &[fields, &[("version", version.as_str())]].concat()).await
}

#[tokio::test]
async fn a_role_is_made_changed_and_deleted() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let mut browser = signed_in(&app, &admin).await;
    let made = [
        ("name", "support"),
        ("description", "Answers <questions>."),
        ("permission.users:read", "on"),
        ("permission.users:write", "on"),
        ("required", "on"),
        ("grace_days", "14"),
        ("reason", "a new team"),
    ];
    browser.open("/admin/roles/new").await.expect(200);
    leads_to(&browser.submit("/admin/roles/new", &made).await, "/admin/roles/support");
    let page = browser.open("/admin/roles/support").await.expect(200);
    for text in ["It is made.", "Answers &lt;questions&gt;.", "Asked for after 14 days", "/admin/permissions/users:read"] {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
    let read = admin.client.get("/v1/roles/support").await.expect(200);
    assert_eq!(read.json["permissions"], json!(["users:read", "users:write"]));
    let event = admin.client.get("/v1/audit-events?action=role.created&limit=1").await.expect(200).json["items"][0].clone();
    assert_eq!((&event["reason"], &event["target_id"]), (&json!("a new team"), &json!("support")));
    // What is not ticked is taken away, and a policy that is not ticked ends.
    let changed = [("description", ""), ("permission.users:read", "on")];
    leads_to(&send(&mut browser, "/admin/roles/support/edit", &changed).await, "/admin/roles/support");
    let read = admin.client.get("/v1/roles/support").await.expect(200);
    assert_eq!(read.json["permissions"], json!(["users:read"]));
    assert_eq!(read.json["second_factor"], json!({ "required": false, "grace_days": 0 }));
    assert!(browser.open("/admin/roles").await.expect(200).text.contains("1 of"));
    let holder = app.person("sue", &["support"]).await;
    let refused = send(&mut browser, "/admin/roles/support/delete", &[]).await.expect(422);
    assert!(refused.text.contains("Somebody holds this role") && refused.text.contains("users?role=support"), "{}", refused.text);
    admin.client.delete(&format!("/v1/users/{}/roles/support", holder.id)).await.expect(204);
    leads_to(&send(&mut browser, "/admin/roles/support/delete", &[]).await, "/admin/roles");
    browser.open("/admin/roles/support").await.expect(404);
    browser.open("/admin/roles/support/edit").await.expect(404);
    browser.open("/admin/roles/%00").await.expect(404);
    app.finish().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_role_stands_at_its_field() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let mut browser = signed_in(&app, &admin).await;
    browser.open("/admin/roles/new").await.expect(200);
    let long = "a".repeat(501);
    for (form, field, words) in [
        (&[("name", "")][..], "name", "Give the role a name."),
        (&[("name", "Support")], "name", "A name begins with a lower-case letter"),
        (&[("name", "admin")], "name", "There is a role of this name."),
        (&[("name", "support"), ("description", &long)], "description", "at most 500"),
        (&[("name", "support"), ("grace_days", "91")], "grace_days", "must be at most 90"),
        (&[("name", "support"), ("grace_days", "soon")], "grace_days", "must be"),
        (&[("name", "support"), ("grace_days", "-1")], "grace_days", "must be at least 0"),
    ] {
        let sent = [form, &[("permission.audit:read", "on"), ("required", "on")]].concat();
        let page = browser.submit("/admin/roles/new", &sent).await.expect(422);
        assert!(page.text.contains(&format!("id=\"{field}-error\"")) && page.text.contains(words), "{form:?}: {}", page.text);
        assert!(page.text.contains("name=\"permission.audit:read\" value=\"on\" checked"), "{form:?}");
    }
    assert_eq!(admin.client.get("/v1/roles").await.json["items"].as_array().unwrap().len(), 3);
    app.finish().await;
}

#[tokio::test]
async fn of_a_built_in_role_only_the_second_factor_changes_and_an_old_form_changes_nothing() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let mut browser = signed_in(&app, &admin).await;
    let page = browser.open("/admin/roles/manager").await.expect(200);
    assert!(page.text.contains("Second factor …") && !page.text.contains("/delete"), "{}", page.text);
    let path = "/admin/roles/manager/edit";
    let page = browser.open(path).await.expect(200);
    assert!(!page.text.contains("name=\"permission.") && !page.text.contains("name=\"description\""), "{}", page.text);
    let version = version_of(&page.text);
    let form = [("version", version.as_str()), ("required", "on"), ("grace_days", "30"), ("permission.audit:read", "on")];
    leads_to(&browser.submit(path, &form).await, "/admin/roles/manager");
    let read = admin.client.get("/v1/roles/manager").await.expect(200);
    assert_eq!(read.json["second_factor"], json!({ "required": true, "grace_days": 30 }));
    assert!(!read.json["permissions"].as_array().unwrap().contains(&json!("audit:read")));
    let page = browser.submit(path, &form).await.expect(422);
    assert!(page.text.contains("Somebody has changed this role") && page.text.contains("href=\"#version\""), "{}", page.text);
    assert!(page.text.contains("id=\"version\"") && page.text.contains("Open the form again"), "{}", page.text);
    // The page offers no deletion, and the rules refuse it.
    let refused = send(&mut browser, "/admin/roles/manager/delete", &[]).await.expect(422);
    assert!(refused.text.contains("id=\"reason-error\""), "{}", refused.text);
    app.finish().await;
}

#[tokio::test]
async fn nobody_gives_more_than_they_hold_by_a_role_or_a_group() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let giver = with(&app, &admin, "giver", &["users:read", "roles:read", "roles:write", "roles:assign"]).await;
    admin.client.post("/v1/roles", json!({ "name": "auditor", "permissions": ["audit:read"] })).await.expect(201);
    let (audits, below) = (group(&admin, "Audits", &["auditor"]).await, group(&admin, "Below", &["giver"]).await);
    let mut browser = signed_in(&app, &giver).await;
    let page = browser.open("/admin/roles/new").await.expect(200);
    assert!(page.text.contains("name=\"permission.audit:read\" value=\"on\" disabled"), "{}", page.text);
    assert!(page.text.contains("name=\"permission.users:read\" value=\"on\">"), "{}", page.text);
    let page = browser.submit("/admin/roles/new", &[("name", "more"), ("permission.audit:read", "on")]).await.expect(403);
    assert!(page.text.contains("id=\"permissions-error\"") && page.text.contains("that they lack"), "{}", page.text);
    let page = browser.open("/admin/roles/auditor").await.expect(200);
    assert!(page.text.contains("permissions that you lack") && !page.text.contains("/auditor/edit"), "{}", page.text);
    browser.open("/admin/roles/auditor/edit").await.expect(403);
    browser.open("/admin/roles/auditor/delete").await.expect(403);

    let page = browser.open(&format!("/admin/groups/{audits}")).await.expect(200);
    assert!(page.text.contains("permissions that you lack") && !page.text.contains(&format!("{audits}/")), "{}", page.text);
    for part in ["edit", "roles", "parents", "delete", "members/add"] {
        browser.open(&format!("/admin/groups/{audits}/{part}")).await.expect(403);
    }
    let roles = format!("/admin/groups/{below}/roles");
    let page = send(&mut browser, &roles, &[("roles.auditor", "on")]).await.expect(403);
    assert!(page.text.contains("id=\"roles-error\""), "{}", page.text);
    let parents = format!("/admin/groups/{below}/parents");
    let page = send(&mut browser, &parents, &[(&format!("parents.{audits}"), "on")]).await.expect(403);
    assert!(page.text.contains("id=\"parents-error\""), "{}", page.text);
    let add = format!("/admin/groups/{below}/members/add");
    let page = send(&mut browser, &add, &[("user", &admin.email)]).await.expect(403);
    assert!(page.text.contains("id=\"user-error\"") && page.text.contains("permissions that you lack"), "{}", page.text);
    let noted = "select count(*) from audit_events where action = 'permission.denied'";
    assert_eq!(app.count(noted).await, 11, "as many as by the API");
    app.finish().await;
}

#[tokio::test]
async fn who_has_a_permission_is_listed_with_the_way_to_it() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let (reader, ann) = (with(&app, &admin, "reader", &["users:read", "roles:read"]).await, app.user("ann").await);
    let helpers = group(&admin, "Helpers", &["manager"]).await;
    let nested = group(&admin, "Night shift", &[]).await;
    admin.client.put(&format!("/v1/groups/{nested}/parents"), json!({ "parents": [helpers] })).await.expect(200);
    let until = json!({ "expires_at": "2026-06-30T00:00:00Z" });
    admin.client.put(&format!("/v1/groups/{nested}/members/{}", ann.id), until).await.expect(200);
    let mut browser = signed_in(&app, &admin).await;
    let page = browser.open("/admin/permissions").await.expect(200);
    assert!(page.text.contains("/admin/permissions/users:write") && page.text.contains("List users, read one"), "{}", page.text);
    let page = browser.open("/admin/permissions/users:write").await.expect(200);
    for text in [&ann.id, &admin.id, ", granted to them", "Night shift</a> → <a", "until 30 Jun 2026, 00:00 UTC"] {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
    let page = browser.open(&format!("/admin/users/{}", ann.id)).await.expect(200);
    assert!(page.text.contains("/admin/permissions/users:write\"") && page.text.contains(&nested), "{}", page.text);
    browser.open("/admin/permissions/users:eat").await.expect(404);
    browser.open("/admin/permissions/users:read?cursor=x").await.expect(422);
    // Those who hold more are not seen.
    let mut browser = signed_in(&app, &reader).await;
    let page = browser.open("/admin/permissions/users:read").await.expect(200);
    assert!(page.text.contains(&reader.id) && !page.text.contains(&admin.id), "{}", page.text);
    app.finish().await;
}

#[tokio::test]
async fn a_group_is_made_filled_and_deleted() {
    let app = TestApp::new().await;
    let (admin, ann, ben) = (app.admin().await, app.user("ann").await, app.user("ben").await);
    let mut browser = signed_in(&app, &admin).await;
    browser.open("/admin/groups/new").await.expect(200);
    let made = browser.submit("/admin/groups/new", &[("name", "Helpers <b>"), ("description", "They help.")]).await.expect(303);
    let way = made.headers["location"].to_str().unwrap().to_owned();
    let edited = [("name", "Helpers"), ("description", "They help a lot.")];
    leads_to(&send(&mut browser, &format!("{way}/edit"), &edited).await, &way);
    leads_to(&send(&mut browser, &format!("{way}/roles"), &[("roles.manager", "on")]).await, &way);
    let above = group(&admin, "Above", &["user"]).await;
    leads_to(&send(&mut browser, &format!("{way}/parents"), &[(&format!("parents.{above}"), "on")]).await, &way);
    let add = format!("{way}/members/add");
    browser.open(&add).await.expect(200);
    leads_to(&browser.submit(&add, &[("user", "ZZ-ann"), ("until", "2026-06-30"), ("reason", "for the summer")]).await, &way);
    leads_to(&browser.submit(&add, &[("user", &ben.email)]).await, &way);
    leads_to(&browser.submit(&add, &[("user", &ben.id)]).await, &way);
    let page = browser.open(&way).await.expect(200);
    for text in ["It is saved.", "They help a lot.", "from what is above it", &ann.id, &ben.id, "1 Jul 2026, 00:00", "For good"] {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
    assert!(browser.open("/admin/groups").await.expect(200).text.contains("They help a lot."));
    let refused = send(&mut browser, &format!("{way}/delete"), &[]).await.expect(422);
    assert!(refused.text.contains("The group has 2 members"), "{}", refused.text);
    for person in [&ann, &ben] {
        let remove = format!("{way}/members/{}/remove", person.id);
        browser.open(&remove).await.expect(200);
        leads_to(&browser.submit(&remove, &[("reason", "over")]).await, &way);
        browser.open(&remove).await.expect(404);
    }
    assert!(browser.open(&way).await.expect(200).text.contains("Nobody is in it."));
    leads_to(&send(&mut browser, &format!("{way}/delete"), &[]).await, "/admin/groups");
    browser.open(&way).await.expect(404);
    let event = admin.client.get("/v1/audit-events?action=group.member_put").await.expect(200).json["items"].clone();
    assert_eq!((event.as_array().unwrap().len(), &event[1]["reason"]), (2, &json!("for the summer")));
    app.finish().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_group_stands_at_its_field() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let (upper, lower) = (group(&admin, "Upper", &[]).await, group(&admin, "Lower", &["admin"]).await);
    admin.client.put(&format!("/v1/groups/{lower}/parents"), json!({ "parents": [upper] })).await.expect(200);
    let mut browser = signed_in(&app, &admin).await;
    browser.open("/admin/groups/new").await.expect(200);
    for (name, words) in [("", "Give the group a name."), ("upper", "There is a group of this name."), ("a\nb", "The name must")]
    {
        let page = browser.submit("/admin/groups/new", &[("name", name)]).await.expect(422);
        assert!(page.text.contains("id=\"name-error\"") && page.text.contains(words), "{name}: {}", page.text);
    }
    let (lower, upper) = (format!("/admin/groups/{lower}"), format!("/admin/groups/{upper}"));
    let of_lower = format!("parents.{}", lower.rsplit('/').next().unwrap());
    let page = send(&mut browser, &format!("{upper}/parents"), &[(&of_lower, "on")]).await.expect(422);
    assert!(page.text.contains("id=\"parents-error\"") && page.text.contains("or below it"), "{}", page.text);
    assert!(page.text.contains(&format!("name=\"{of_lower}\" value=\"on\" checked")), "{}", page.text);
    for (form, field) in [("roles.nobody", "roles"), (&format!("parents.{NOBODY}"), "parents"), ("parents.x", "parents")] {
        let page = send(&mut browser, &format!("{upper}/{field}"), &[(form, "on")]).await.expect(422);
        assert!(page.text.contains(&format!("id=\"{field}-error\"")), "{form}: {}", page.text);
    }
    let add = format!("{lower}/members/add");
    browser.open(&add).await.expect(200);
    for (form, field) in [
        (&[("user", "")][..], "user"),
        (&[("user", "nobody")], "user"),
        (&[("user", "no\0body")], "user"),
        (&[("user", NOBODY)], "user"),
        (&[("user", &ann.email), ("until", "2025-01-01")], "until"),
        (&[("user", &ann.email), ("until", "soon")], "until"),
    ] {
        let page = browser.submit(&add, form).await.expect(422);
        assert!(page.text.contains(&format!("id=\"{field}-error\"")), "{form:?}: {}", page.text);
    }
    // A form of how it was changes nothing.
    for part in ["edit", "roles", "parents", "delete"] {
        browser.open(&format!("{lower}/{part}")).await.expect(200);
        let page = browser.submit(&format!("{lower}/{part}"), &[("version", "0"), ("name", "Other")]).await.expect(422);
        assert!(page.text.contains("Somebody has changed this group"), "{part}: {}", page.text);
    }
    for part in ["", "/edit", "/roles", "/parents", "/delete", "/members/add"] {
        browser.open(&format!("/admin/groups/{NOBODY}{part}")).await.expect(404);
    }
    app.finish().await;
}

#[tokio::test]
async fn each_page_asks_for_what_its_operation_asks_for() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let (people, reader) =
        (with(&app, &admin, "people", &["users:read"]).await, with(&app, &admin, "reader", &["roles:read"]).await);
    let giver = with(&app, &admin, "giver", &["roles:read", "roles:assign"]).await;
    let (ann, id) = (app.user("ann").await, group(&admin, "Plain", &[]).await);
    admin.client.put(&format!("/v1/groups/{id}/members/{}", ann.id), json!({})).await.expect(200);
    let mut browser = signed_in(&app, &people).await;
    assert!(!browser.open("/admin").await.expect(200).text.contains("/admin/roles"));
    let plain = format!("/admin/groups/{id}");
    for path in
        ["/admin/roles", "/admin/roles/user", "/admin/permissions", "/admin/permissions/users:read", "/admin/groups", &plain]
    {
        let page = browser.open(path).await.expect(403);
        assert!(page.text.contains("This needs the permission roles:read."), "{path}: {}", page.text);
    }
    let mut browser = signed_in(&app, &reader).await;
    for path in ["/admin/roles", "/admin/roles/user", "/admin/permissions", "/admin/groups"] {
        assert!(!browser.open(path).await.expect(200).text.contains("/admin/permissions/users:read"), "{path}");
    }
    let page = browser.open(&plain).await.expect(200);
    assert!(!page.text.contains(&ann.id) && !page.text.contains(&format!("{plain}/")), "{}", page.text);
    browser.open("/admin/permissions/users:read").await.expect(403);
    let own = [
        "/admin/roles/new".to_owned(),
        "/admin/roles/user/edit".to_owned(),
        "/admin/roles/user/delete".to_owned(),
        "/admin/groups/new".to_owned(),
        format!("{plain}/edit"),
        format!("{plain}/delete"),
        format!("{plain}/roles"),
        format!("{plain}/parents"),
        format!("{plain}/members/add"),
        format!("{plain}/members/{}/remove", ann.id),
    ];
    for path in &own {
        browser.open(path).await.expect(403);
        browser.submit(path, &[("name", "x"), ("user", &ann.id), ("version", "1")]).await.expect(403);
    }
    // Who may not list users puts somebody into a group by the id, and learns of nobody's name.
    let mut browser = signed_in(&app, &giver).await;
    let add = format!("{plain}/members/add");
    assert!(browser.open(&plain).await.expect(200).text.contains("takes the permission users:read"));
    browser.open(&add).await.expect(200);
    assert!(browser.submit(&add, &[("user", &ann.email)]).await.expect(422).text.contains("There is nobody"));
    leads_to(&browser.submit(&add, &[("user", &ann.id)]).await, &plain);
    app.finish().await;
}

#[tokio::test]
async fn long_lists_go_on() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    for number in 0..26 {
        admin.client.post("/v1/groups", json!({ "name": format!("Group {number:02}") })).await.expect(201);
    }
    let mut browser = signed_in(&app, &admin).await;
    let page = browser.open("/admin/groups").await.expect(200);
    assert!(page.text.contains("Group 24") && !page.text.contains("Group 25"), "{}", page.text);
    let next = page.text.split("groups?cursor=").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let page = browser.open(&format!("/admin/groups?cursor={next}")).await.expect(200);
    assert!(page.text.contains("Group 25") && page.text.contains("First page"), "{}", page.text);
    browser.open("/admin/groups?cursor=x").await.expect(422);
    app.finish().await;
}
