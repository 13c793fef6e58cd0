//! Whom a rule finds, and whom not.

use serde_json::json;

use super::{days, enabled, make, names, night, preview, root, status};
use crate::activity;
use crate::caller::Authority;
use crate::emails::EmailAddress;
use crate::jobs;
use crate::roles::RoleName;
use crate::testing::{PASSWORD, TestApp};
use crate::users::{self, IfTaken, NewUser, Profile};

/// An active user who never signs in.
async fn stranger(app: &TestApp, name: &str) -> String {
    let mut tx = app.tx().await;
    let new = NewUser {
        email: &EmailAddress::parse(&format!("{name}@example.org")).unwrap(),
        verified: true,
        username: None,
        if_username_taken: IfTaken::Refuse,
        profile: &Profile::default(),
        attributes: &serde_json::Map::new(),
        roles: &[RoleName::from("user")],
    };
    let user = users::create(&mut tx, Authority::operator(), new).await.unwrap();
    tx.commit().await.unwrap();
    user.id.to_string()
}

#[tokio::test]
async fn who_stays_away_for_longer_than_so_many_days_is_found_and_nobody_else() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let (ann, bob, eve) = (app.user("ann").await, app.user("bob").await, app.user("eve").await);
    let never = stranger(&app, "never").await;
    admin.post("/v1/users", json!({ "email": "invited@example.org" })).await.expect(201);
    admin.post(&format!("/v1/users/{}/suspend", eve.id), json!({})).await.expect(200);
    admin.post("/v1/service-accounts", json!({ "name": "robot", "permissions": [] })).await.expect(201);
    app.mails().await;
    let body = |action: &str| json!({ "name": action, "action": action, "after_days": 30, "exempt": "roles eq \"admin\"" });
    let rule = make(&admin, body("suspend")).await;
    app.advance(days(1));
    // The day of bob's key and session is the second.
    app.sign_in(&bob.email, PASSWORD).await;

    // Thirty days lie between the first of January and the last: not more than thirty.
    app.advance(days(29));
    let admin = root(&app).await;
    assert_eq!(preview(&admin, &rule).await.json["total"], 0);
    app.advance(days(1));
    let admin = root(&app).await;
    let shown = preview(&admin, &rule).await;
    let mut found = names(&admin, &shown.str("id"), "to_do").await;
    let mut expected = vec![ann.id.clone(), never.clone()];
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    assert_eq!(
        (&shown.json["inactive_before"], &shown.json["filter"]),
        (&json!("2026-01-02"), &json!("not(roles eq \"admin\")"))
    );
    assert_eq!(shown.json["reason"], "Inactivity rule \"suspend\"");

    // A filter says whom it is about, and the exemption is stronger.
    let narrow = json!({ "name": "narrow", "action": "suspend", "after_days": 30, "filter": "email sw \"ann\" or email sw \"never\"",
        "exempt": "email sw \"ann\"" });
    let narrow = make(&admin, narrow).await;
    let shown = preview(&admin, &narrow).await;
    assert_eq!(names(&admin, &shown.str("id"), "to_do").await, [never]);
    // A dry run does nothing, nor does the night to a rule that is disabled.
    night(&app).await;
    assert_eq!(status(&app, &ann.id).await, "active");
    assert_eq!(app.count("select count(*) from bulk_runs where state <> 'previewed'").await, 0);
    app.finish().await;
}

#[tokio::test]
async fn a_rule_asks_for_groups_second_factors_and_days_too() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let (ann, bob, eve) = (app.user("ann").await, app.user("bob").await, app.user("eve").await);
    app.with_second_factor(&eve).await;
    let staff = admin.post("/v1/groups", json!({ "name": "Staff" })).await.expect(201).str("id");
    let press = admin.post("/v1/groups", json!({ "name": "Press" })).await.expect(201).str("id");
    admin.put(&format!("/v1/groups/{press}/parents"), json!({ "parents": [staff] })).await.expect(200);
    admin.put(&format!("/v1/groups/{press}/members/{}", bob.id), json!({})).await.expect(200);
    app.mails().await;
    let spared = "groups eq \"staff\" or roles eq \"admin\"";
    let rule = |filter: Option<&str>| {
        let name = filter.unwrap_or("all");
        json!({ "name": name, "action": "suspend", "after_days": 30, "filter": filter, "exempt": spared })
    };
    let all = make(&admin, rule(None)).await;
    let narrow = make(&admin, rule(Some("secondFactors eq false and lastActiveOn lt \"2026-01-02\""))).await;
    let none = make(&admin, rule(Some("lastActiveOn gt \"2026-01-01\""))).await;
    app.advance(days(40));
    let admin = root(&app).await;
    for (rule, expected) in [(all, vec![&ann.id, &eve.id]), (narrow, vec![&ann.id]), (none, Vec::new())] {
        let shown = preview(&admin, &rule).await;
        let mut found = names(&admin, &shown.str("id"), "to_do").await;
        found.sort();
        let mut expected: Vec<String> = expected.into_iter().cloned().collect();
        expected.sort();
        assert_eq!(found, expected, "{}", rule.str("name"));
    }
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r203_whoever_outranks_the_writer_is_left_out_and_an_administrator_remains() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let permissions = json!(["inactivity:read", "inactivity:write", "users:read", "users:write"]);
    let role = json!({ "name": "keeper", "description": "", "permissions": permissions });
    admin.client.post("/v1/roles", role).await.expect(201);
    let (kim, ann, second) =
        (app.person("kim", &["keeper"]).await, app.user("ann").await, app.person("second", &["admin"]).await);
    let all = |name: &str| json!({ "name": name, "action": "suspend", "after_days": 30, "enabled": true });
    let of_kim = make(&kim.client, all("of kim")).await;
    app.advance(days(40));
    // Even before somebody who may do everything it is a preview of what the rule may do.
    let client = root(&app).await;
    let shown = preview(&client, &of_kim).await;
    let mut found = names(&client, &shown.str("id"), "to_do").await;
    let mut expected = vec![kim.id.clone(), ann.id.clone()];
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    night(&app).await;
    assert_eq!((status(&app, &ann.id).await, status(&app, &kim.id).await), ("suspended".to_owned(), "suspended".to_owned()));
    assert_eq!((status(&app, &second.id).await, status(&app, &admin.id).await), ("active".to_owned(), "active".to_owned()));

    // Of two administrators who both stay away, one remains.
    make(&client, all("of the administrator")).await;
    app.advance(days(40));
    night(&app).await;
    assert_eq!(app.count("select count(*) from users where status = 'active'").await, 1);
    assert_eq!(app.count("select count(*) from bulk_items where code = 'last_admin'").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn what_is_forgotten_of_the_days_makes_nobody_inactive() {
    let app = TestApp::with(&[("USHER_ACTIVITY_RETENTION_DAYS", "62")]).await;
    let admin = app.admin().await.client;
    let ann = app.user("ann").await;
    let rule = enabled(&admin, "suspend", 300, None).await;
    app.advance(days(150));
    let mut tx = app.tx().await;
    activity::note(&mut tx, ann.id.parse().unwrap()).await.unwrap();
    tx.commit().await.unwrap();
    app.advance(days(250));
    let mut tx = app.tx().await;
    jobs::enqueue(&mut tx, "forget_activity", &json!({})).await.unwrap();
    tx.commit().await.unwrap();
    night(&app).await;
    assert_eq!(status(&app, &ann.id).await, "active");
    app.advance(days(60));
    let admin = root(&app).await;
    let shown = preview(&admin, &rule).await;
    assert_eq!(names(&admin, &shown.str("id"), "to_do").await, [ann.id]);
    app.finish().await;
}

#[tokio::test]
async fn whoever_is_let_in_begins_anew() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let ann = app.user("ann").await;
    admin.post("/v1/users", json!({ "email": "invited@example.org" })).await.expect(201);
    let link = app.mailed_token().await;
    enabled(&admin, "suspend", 4, None).await;
    app.advance(days(6));
    // Invited six days ago, and there since now.
    let password = json!({ "token": link, "password": PASSWORD });
    app.client().post("/v1/password/reset", password).await.expect(200);
    night(&app).await;
    assert_eq!(status(&app, &ann.id).await, "suspended");
    assert_eq!(app.count("select count(*) from users where status = 'active'").await, 2);

    let counted = app.count("select count(*) from activity_days").await;
    let client = root(&app).await;
    client.post(&format!("/v1/users/{}/reactivate", ann.id), json!({})).await.expect(200);
    for _ in 0..4 {
        app.advance(days(1));
        night(&app).await;
        assert_eq!(status(&app, &ann.id).await, "active");
    }
    // Nobody was active for it: the administrator's sign-in is all there is.
    assert_eq!(app.count("select count(*) from activity_days").await, counted + 1);
    app.advance(days(1));
    night(&app).await;
    assert_eq!(status(&app, &ann.id).await, "suspended");
    app.mails().await;
    app.finish().await;
}
