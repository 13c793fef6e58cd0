//! Rules on inactivity in the console.

use jiff::SignedDuration;
use serde_json::json;

use super::{leads_to, signed_in, version_of, with};
use crate::testing::{Answer, TestApp};

const RULES: &str = "/admin/inactivity";
const NOBODY: &str = "0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d";

fn location(answer: &Answer) -> String {
    assert_eq!(answer.status.as_u16(), 303, "{}", answer.text);
    answer.headers["location"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_rule_is_made_changed_enabled_disabled_and_deleted() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let mut browser = signed_in(&app, &admin).await;
    assert!(browser.open(RULES).await.expect(200).text.contains("There are none:"));
    let new = format!("{RULES}/new");
    browser.open(&new).await.expect(200);
    let form = [
        ("name", "Away"),
        ("action", "suspend"),
        ("after_days", "90"),
        ("warned_days", ""),
        ("filter", ""),
        ("exempt", " roles eq  \"admin\"\r\n"),
        ("reason", "asked"),
    ];
    let way = location(&browser.submit(&new, &form).await);
    let page = browser.open(&way).await.expect(200);
    let told =
        ["It is made.", "Suspends whoever was not active for more than 90 days.", "Disabled", "roles eq &quot;admin&quot;"];
    assert!(told.iter().all(|told| page.text.contains(told)), "{}", page.text);
    let path = way.replace(RULES, "/v1/inactivity-rules");
    let read = admin.client.get(&path).await.expect(200).json;
    assert_eq!((&read["exempt"], &read["enabled"], &read["filter"]), (&json!("roles eq \"admin\""), &json!(false), &json!(null)));
    let event = admin.client.get("/v1/audit-events?action=inactivity_rule.created").await.expect(200);
    assert_eq!((&event.json["items"][0]["reason"], &event.json["items"][0]["actor_id"]), (&json!("asked"), &json!(admin.id)));

    let enable = format!("{way}/act/enable");
    assert!(browser.open(&enable).await.expect(200).text.contains("From the next midnight of UTC on"));
    leads_to(&browser.submit(&enable, &[("reason", "")]).await, &way);
    let edit = format!("{way}/edit");
    let page = browser.open(&edit).await.expect(200);
    assert!(page.text.contains("value=\"90\"") && page.text.contains("<option value=\"suspend\" selected>"), "{}", page.text);
    let version = version_of(&page.text);
    let form = [("name", "Gone"), ("action", "delete"), ("after_days", "120"), ("warned_days", "30"), ("version", &version)];
    leads_to(&browser.submit(&edit, &form).await, &way);
    let read = admin.client.get(&path).await.expect(200).json;
    let expected =
        json!({ "name": "Gone", "action": "delete", "after_days": 120, "warned_days": 30, "exempt": null, "enabled": true });
    for (member, value) in expected.as_object().unwrap() {
        assert_eq!(&read[member], value, "{member}");
    }
    // What somebody has changed meanwhile is not overwritten.
    let page = browser.submit(&edit, &form).await.expect(422);
    assert!(page.text.contains("Somebody has changed it since the form was shown."), "{}", page.text);
    let list = browser.open(RULES).await.expect(200);
    let told = ["Gone", "Only who was warned at least 30 days ago", "Enabled", "Nobody", "Never"];
    assert!(told.iter().all(|told| list.text.contains(told)), "{}", list.text);

    leads_to(&browser.submit(&format!("{way}/act/disable"), &[]).await, &way);
    assert_eq!(admin.client.get(&path).await.json["enabled"], false);
    browser.open(&format!("{way}/act/dance")).await.expect(404);
    browser.open(&format!("{way}/act/delete")).await.expect(200);
    leads_to(&browser.submit(&format!("{way}/act/delete"), &[]).await, RULES);
    admin.client.get(&path).await.expect(404);
    browser.open(&way).await.expect(404);
    app.finish().await;
}

#[tokio::test]
async fn what_does_not_fit_is_said_at_its_field_and_changes_nothing() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let made = json!({ "name": "There", "action": "warn", "after_days": 30 });
    let there = admin.client.post("/v1/inactivity-rules", made).await.expect(201).str("id");
    let mut browser = signed_in(&app, &admin).await;
    let edit = format!("{RULES}/{there}/edit");
    let new = format!("{RULES}/new");
    browser.open(&new).await.expect(200);
    for (field, value, action) in [
        ("name", "", "warn"),
        ("name", "THERE", "warn"),
        ("action", "", ""),
        ("action", "purge", "purge"),
        ("after_days", "", "warn"),
        ("after_days", "soon", "warn"),
        ("after_days", "1.5", "warn"),
        ("after_days", "0", "warn"),
        ("after_days", "3651", "warn"),
        ("after_days", "99999999999999999999", "warn"),
        ("warned_days", "", "delete"),
        ("warned_days", "5", "warn"),
        ("warned_days", "366", "suspend"),
        ("filter", "userName eq", "warn"),
        ("exempt", "attributes.unknown eq \"x\"", "warn"),
    ] {
        let mut form = vec![("name", "Away"), ("after_days", "30"), ("warned_days", ""), ("filter", ""), ("exempt", "")];
        form.retain(|(name, _)| *name != field);
        if field != "action" {
            form.push((field, value));
        }
        form.push(("action", action));
        for path in [&new, &edit] {
            // A name of one's own is no other's.
            if path == &edit && value == "THERE" {
                continue;
            }
            let mut form = form.clone();
            form.push(("version", "1"));
            let page = browser.submit(path, &form).await.expect(422);
            assert!(page.text.contains(&format!("id=\"{field}-error\"")), "{path} {field} {value}: {}", page.text);
        }
    }
    assert_eq!(app.count("select count(*) from inactivity_rules where version = 1").await, 1);
    for at in 1..20 {
        let body = json!({ "name": format!("Rule {at}"), "action": "warn", "after_days": 30 });
        admin.client.post("/v1/inactivity-rules", body).await.expect(201);
    }
    let form = [("name", "More"), ("action", "warn"), ("after_days", "30")];
    assert!(browser.submit(&new, &form).await.expect(422).text.contains("There are 20 rules already"));
    app.finish().await;
}

#[tokio::test]
async fn the_preview_says_who_would_be_hit_and_is_run_from_there() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let (ann, ben) = (app.user("ann").await, app.user("ben").await);
    app.mails().await;
    let body =
        json!({ "name": "Away", "action": "suspend", "after_days": 30, "exempt": "email sw \"ben\" or roles eq \"admin\"" });
    let rule = admin.client.post("/v1/inactivity-rules", body).await.expect(201).str("id");
    let way = format!("{RULES}/{rule}");
    let mut browser = signed_in(&app, &admin).await;
    browser.open(&way).await.expect(200);
    let page = browser.submit(&format!("{way}/preview"), &[]).await.expect(200);
    assert!(page.text.contains("Today it has nothing to do.") && !page.text.contains("name=\"token\""), "{}", page.text);
    app.advance(SignedDuration::from_hours(24 * 40));
    let mut browser = signed_in(&app, &admin).await;
    browser.open(&way).await.expect(200);
    let page = browser.submit(&format!("{way}/preview"), &[]).await.expect(200);
    assert!(page.text.contains(&ann.id), "{}", page.text);
    assert!(!page.text.contains(&ben.id) && page.text.contains("Do it to 1 user"), "{}", page.text);
    assert!(
        page.text.contains("or later is left out.") && page.text.contains(&format!("href=\"{}\"", way.replace('/', "&#x2f;"))),
        "{}",
        page.text
    );
    assert_eq!(app.count("select count(*) from users where status = 'suspended'").await, 0, "a preview does nothing");
    let token = page.text.split("name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let run = page.text.split("action=\"/admin/bulk/").nth(1).unwrap().split("/run").next().unwrap().to_owned();
    browser.submit(&format!("/admin/bulk/{run}/run"), &[("token", &token), ("reason", "")]).await.expect(303);
    app.run_jobs().await;
    assert_eq!(app.count("select count(*) from users where status = 'suspended'").await, 1);
    let page = browser.open(&format!("/admin/bulk/{run}")).await.expect(200);
    assert!(page.text.contains("Inactivity rule"), "{}", page.text);
    app.finish().await;
}

#[tokio::test]
async fn why_a_rule_fits_nobody_any_more_is_said_in_german_too() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let schema = |properties: serde_json::Value| json!({ "type": "object", "properties": properties });
    let team = schema(json!({ "team": { "type": "string", "searchable": true, "maxLength": 20 } }));
    admin.client.put("/v1/attribute-schema", team).await.expect(200);
    let rule = json!({ "name": "Reds", "action": "suspend", "after_days": 30, "exempt": "attributes.team eq \"red\"" });
    let id = admin.client.post("/v1/inactivity-rules", rule).await.expect(201).str("id");
    admin.client.put("/v1/attribute-schema", schema(json!({}))).await.expect(200);
    let mut browser = signed_in(&app, &admin).await;
    browser.open(&format!("{RULES}/{id}")).await.expect(200);
    browser.submit("/language", &[("language", "de")]).await.expect(303);
    let page = browser.submit(&format!("{RULES}/{id}/preview"), &[]).await.expect(422);
    assert!(page.text.contains("Der Filter passt ab Spalte "), "{}", page.text);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn nobody_reaches_what_they_may_not() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let rule = |name: &str, action: &str| json!({ "name": name, "action": action, "after_days": 30, "warned_days": 5 });
    let great = admin.client.post("/v1/inactivity-rules", rule("Great", "delete")).await.expect(201).str("id");
    let small = admin.client.post("/v1/inactivity-rules", rule("Small", "suspend")).await.expect(201).str("id");
    let looker = with(&app, &admin, "looker", &["inactivity:read"]).await;
    let keeper = with(&app, &admin, "keeper", &["inactivity:read", "inactivity:write", "users:read", "users:write"]).await;
    let other = with(&app, &admin, "other", &["users:read"]).await;
    let mut browser = signed_in(&app, &other).await;
    assert!(browser.open(RULES).await.expect(403).text.contains("inactivity:read"));
    let mut browser = signed_in(&app, &looker).await;
    assert!(!browser.open(RULES).await.expect(200).text.contains("Make a rule"));
    let page = browser.open(&format!("{RULES}/{small}")).await.expect(200);
    assert!(!page.text.contains("/act/") && !page.text.contains("/preview\""), "{}", page.text);
    let form = [("name", "x"), ("action", "suspend"), ("after_days", "30"), ("version", "1")];
    for (path, needed) in [
        ("/new".to_owned(), "inactivity:write"),
        (format!("/{small}/edit"), "inactivity:write"),
        (format!("/{small}/act/enable"), "inactivity:write"),
        (format!("/{small}/preview"), "users:read"),
    ] {
        browser.open(RULES).await.expect(200);
        let page = browser.submit(&format!("{RULES}{path}"), &form).await.expect(403);
        assert!(page.text.contains(needed), "{path}: {}", page.text);
    }
    let mut browser = signed_in(&app, &keeper).await;
    let page = browser.open(&format!("{RULES}/new")).await.expect(200);
    assert!(page.text.contains("value=\"suspend\"") && !page.text.contains("value=\"delete\""), "{}", page.text);
    let page = browser.open(&format!("{RULES}/{great}")).await.expect(200);
    assert!(page.text.contains("which you lack") && !page.text.contains("/act/"), "{}", page.text);
    let deleting = [("name", "x"), ("action", "delete"), ("after_days", "30"), ("warned_days", "5"), ("version", "1")];
    for (path, form) in [
        ("/new".to_owned(), deleting),
        (format!("/{small}/edit"), deleting),
        (
            format!("/{great}/edit"),
            [("name", "x"), ("action", "warn"), ("after_days", "30"), ("warned_days", ""), ("version", "1")],
        ),
        (format!("/{great}/act/delete"), deleting),
        (format!("/{great}/preview"), deleting),
    ] {
        browser.open(RULES).await.expect(200);
        browser.submit(&format!("{RULES}{path}"), &form).await.expect(403);
    }
    for path in ["", "/edit", "/act/enable"] {
        browser.open(&format!("{RULES}/{NOBODY}{path}")).await.expect(404);
    }
    assert_eq!(app.count("select count(*) from inactivity_rules where version = 1 and not enabled").await, 2);
    assert_eq!(app.count("select count(*) from bulk_runs").await, 0);
    app.finish().await;
}
