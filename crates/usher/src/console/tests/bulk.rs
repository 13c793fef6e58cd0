//! Acting on many, and the recycle bin.

use serde_json::json;

use super::{signed_in, way};
use crate::testing::TestApp;

#[tokio::test]
async fn the_chosen_are_previewed_done_and_undone() {
    let app = TestApp::new().await;
    let (admin, ann, ben) = (app.admin().await, app.user("ann").await, app.user("ben").await);
    let mut browser = signed_in(&app, &admin).await;
    let page = browser.open(&format!("/admin/bulk/new?user={}&user={}&user={}", ann.id, ben.id, admin.id)).await.expect(200);
    assert!(page.text.contains("3 users are chosen"), "{}", page.text);
    let users = format!("{},{},{}", ann.id, ben.id, admin.id);
    let page = browser.submit("/admin/bulk", &[("action", ""), ("users", &users)]).await.expect(422);
    assert!(page.text.contains("Choose what is to be done.") && page.text.contains(&users), "{}", page.text);
    let page = browser.submit("/admin/bulk", &[("action", "assign_role"), ("users", &users)]).await.expect(422);
    assert!(page.text.contains("Choose a role for this."), "{}", page.text);
    let form = [("action", "suspend"), ("users", users.as_str()), ("reason", "spring clean")];
    let page = browser.submit("/admin/bulk", &form).await.expect(200);
    assert!(
        page.text.contains("This is the last active administrator.") && page.text.contains("Do it to 2 users"),
        "{}",
        page.text
    );
    assert_eq!(admin.client.get(&format!("/v1/users/{}", ann.id)).await.json["status"], "active");
    let token = page.text.split("name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let run = page.text.split("action=\"/admin/bulk/").nth(1).unwrap().split("/run").next().unwrap().to_owned();
    let run = format!("/admin/bulk/{run}");
    browser.submit(&format!("{run}/run"), &[("token", "x")]).await.expect(409);
    let to = browser.submit(&format!("{run}/run"), &[("token", &token), ("reason", "spring clean")]).await.expect(303);
    assert_eq!(to.headers["location"], run.as_str());
    let to = browser.submit(&format!("{run}/run"), &[("token", &token)]).await.expect(303);
    assert_eq!(to.headers["location"], run.as_str(), "twice");
    let page = browser.open(&run).await.expect(200);
    assert!(page.text.contains("data-state=\"running\"") && page.text.contains("Look again"), "{}", page.text);
    browser.submit(&format!("{run}/pause"), &[]).await.expect(303);
    assert!(browser.open(&run).await.text.contains("data-state=\"paused\""));
    browser.submit(&format!("{run}/resume"), &[]).await.expect(303);
    app.run_jobs().await;
    let page = browser.open(&format!("{run}?outcome=refused")).await.expect(200);
    assert!(page.text.contains("data-state=\"finished\"") && page.text.contains("3 of 3"), "{}", page.text);
    assert!(page.text.contains("spring clean") && !page.text.contains(&ann.id), "{}", page.text);
    assert_eq!(admin.client.get(&format!("/v1/users/{}", ann.id)).await.json["status"], "suspended");

    let undo = format!("{}/undo", run.replace("bulk", "changes"));
    let page = browser.open(&undo).await.expect(200);
    assert!(page.text.contains("Would be changed back"), "{}", page.text);
    browser.submit(&undo, &[]).await.expect(303);
    assert_eq!(admin.client.get(&format!("/v1/users/{}", ann.id)).await.json["status"], "active");
    let list = browser.open("/admin/bulk").await.expect(200);
    assert!(list.text.contains("2 of 3") && list.text.contains("spring clean"), "{}", list.text);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn all_whom_a_filter_fits_are_acted_on_and_its_faults_are_shown() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let mut browser = signed_in(&app, &admin).await;
    let page = browser.open("/admin/bulk/new?filter=userName+eq+%22x%22").await.expect(200);
    assert!(page.text.contains("All whom this filter fits."), "{}", page.text);
    let page = browser.submit("/admin/bulk", &[("action", "sign_out"), ("filter", "shoe eq 1")]).await.expect(422);
    assert!(page.text.contains("id=\"filter-error\"") && page.text.contains("column 1"), "{}", page.text);
    let filter = format!("emails eq \"{}\"", ann.email);
    let page = browser.submit("/admin/bulk", &[("action", "require_password_reset"), ("filter", &filter)]).await.expect(200);
    assert!(page.text.contains("Mail would go out") && page.text.contains("Do it to 1 user<"), "{}", page.text);
    let page = browser.submit("/admin/bulk", &[("action", "sign_out"), ("filter", "userName eq \"nobody\"")]).await.expect(200);
    assert!(page.text.contains("There is nothing to be done."), "{}", page.text);
    let to = browser.open("/admin/bulk/new").await.expect(303);
    assert_eq!(to.headers["location"], "/admin/users");
    browser.submit("/admin/bulk", &[("action", "suspend"), ("users", "nobody")]).await.expect(400);
    app.finish().await;
}

#[tokio::test]
async fn a_role_is_granted_until_the_end_of_a_day() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let mut browser = signed_in(&app, &admin).await;
    let page = browser.open(&format!("/admin/bulk/new?user={}&action=assign_role&until=2026-06-30", ann.id)).await.expect(200);
    assert!(page.text.contains("name=\"until\" value=\"2026-06-30\""), "{}", page.text);
    let user = ann.id.as_str();
    let form =
        |action: &'static str, until: &'static str| [("action", action), ("users", user), ("role", "manager"), ("until", until)];
    for until in ["soon", "2025-12-31"] {
        let page = browser.submit("/admin/bulk", &form("assign_role", until)).await.expect(422);
        assert!(page.text.contains("id=\"until-error\"") && page.text.contains(&format!("value=\"{until}\"")), "{}", page.text);
    }
    // What is filled in for another action changes nothing.
    let page = browser.submit("/admin/bulk", &form("suspend", "soon")).await.expect(200);
    assert!(!page.text.contains("<p class=\"lead\">Until"), "{}", page.text);
    let page = browser.submit("/admin/bulk", &form("assign_role", "2026-06-30")).await.expect(200);
    assert!(page.text.contains("Grant a role: manager") && page.text.contains("Until 1 Jul 2026, 00:00 (UTC)."), "{}", page.text);
    let token = page.text.split("name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let run = page.text.split("action=\"").find(|rest| rest.contains("/run\"")).unwrap().split('"').next().unwrap().to_owned();
    let to = browser.submit(&run, &[("token", &token)]).await.expect(303);
    app.run_jobs().await;
    let page = browser.open(to.headers["location"].to_str().unwrap()).await.expect(200);
    assert!(page.text.contains("1 of 1") && page.text.contains("Until 1 Jul 2026, 00:00 (UTC)."), "{}", page.text);
    let roles = admin.client.get(&format!("/v1/users/{}", ann.id)).await.expect(200).json["role_ends"].clone();
    assert_eq!(roles, json!({ "manager": "2026-07-01T00:00:00Z" }));
    app.finish().await;
}

#[tokio::test]
async fn an_attribute_is_set_and_taken_away_by_its_kind() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let schema = json!({
        "type": "object",
        "properties": {
            "floor": { "type": "integer", "minimum": 0, "title": "Storey" },
            "tags": { "type": "array", "items": { "type": "string" } },
            "whatever": { "type": "object" },
        },
    });
    admin.client.put("/v1/attribute-schema", schema).await.expect(200);
    let mut browser = signed_in(&app, &admin).await;
    let page = browser.open(&format!("/admin/bulk/new?user={}", ann.id)).await.expect(200);
    assert!(page.text.contains("<option value=\"floor\">Storey</option>"), "{}", page.text);
    assert!(!page.text.contains("whatever"), "no form holds every kind of value: {}", page.text);
    let user = ann.id.as_str();
    for (attribute, value, said) in [
        ("", "3", "Choose an attribute for this."),
        ("floor", "third", "id=\"value-error\""),
        ("floor", "-1", "id=\"value-error\""),
        ("shoe", "1", "Choose an attribute for this."),
        ("whatever", "{}", "Choose an attribute for this."),
    ] {
        let form = [("action", "set_attributes"), ("users", user), ("attribute", attribute), ("value", value)];
        let page = browser.submit("/admin/bulk", &form).await.expect(422);
        assert!(page.text.contains(said), "{attribute} {value}: {}", page.text);
    }
    // What is filled in for another action changes nothing.
    let form = [("action", "suspend"), ("users", user), ("attribute", "floor"), ("value", "third"), ("role", "admin")];
    browser.submit("/admin/bulk", &form).await.expect(200);
    for (attribute, value, shown, is) in [
        ("floor", "3", "“3”", json!({ "floor": 3 })),
        ("tags", "a\r\n\r\n b ", "“a\nb”", json!({ "floor": 3, "tags": ["a", "b"] })),
        ("floor", " ", "taken away", json!({ "tags": ["a", "b"] })),
    ] {
        let form = [("action", "set_attributes"), ("users", user), ("attribute", attribute), ("value", value)];
        let page = browser.submit("/admin/bulk", &form).await.expect(200);
        assert!(page.text.contains(&format!("<code>{attribute}</code>")) && page.text.contains(shown), "{}", page.text);
        let token = page.text.split("name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let run =
            page.text.split("action=\"").find(|rest| rest.contains("/run\"")).unwrap().split('"').next().unwrap().to_owned();
        let to = browser.submit(&run, &[("token", &token)]).await.expect(303);
        app.run_jobs().await;
        let page = browser.open(to.headers["location"].to_str().unwrap()).await.expect(200);
        assert!(page.text.contains("1 of 1") && page.text.contains(shown), "{}", page.text);
        assert_eq!(admin.client.get(&format!("/v1/users/{user}")).await.json["attributes"], is);
    }
    app.finish().await;
}

#[tokio::test]
async fn the_recycle_bin_gives_back_or_purges_in_two_steps() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    admin.client.delete(&format!("/v1/users/{}", ann.id)).await.expect(204);
    let mut browser = signed_in(&app, &admin).await;
    let page = browser.open("/admin/recycle-bin").await.expect(200);
    assert!(page.text.contains("Restore …") && page.text.contains(">1 user<"), "{}", page.text);
    assert!(page.text.contains(&format!("user={}&amp;action=purge", ann.id)), "{}", page.text);
    let page = browser.open(&format!("{}/edit", way(&ann))).await.expect(409);
    assert!(page.text.contains("restore them first"), "{}", page.text);
    let page = browser.open(&format!("/admin/bulk/new?user={}&action=purge", ann.id)).await.expect(200);
    assert!(page.text.contains("<option value=\"purge\" selected>"), "{}", page.text);
    let page = browser.submit("/admin/bulk", &[("action", "purge"), ("users", &ann.id)]).await.expect(200);
    assert!(page.text.contains("gone for good"), "{}", page.text);
    let token = page.text.split("name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let run =
        page.text.split("action=\"").find(|part| part.starts_with("/admin/bulk/")).unwrap().split('"').next().unwrap().to_owned();
    browser.submit(&run, &[("token", &token)]).await.expect(303);
    app.run_jobs().await;
    browser.open(&way(&ann)).await.expect(404);
    assert!(browser.open("/admin/recycle-bin").await.expect(200).text.contains("It is empty."));
    let page = browser.open(run.trim_end_matches("/run")).await.expect(200);
    assert!(page.text.contains("Finished") && !page.text.contains("Undo …"), "{}", page.text);
    app.finish().await;
}
