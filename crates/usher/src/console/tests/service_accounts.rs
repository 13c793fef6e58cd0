//! Service accounts and their keys in the console.

use serde_json::json;

use super::{signed_in, with};
use crate::testing::{Answer, TestApp};

const ACCOUNTS: &str = "/admin/service-accounts";
const NOBODY: &str = "0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d";

fn leads_to(answer: &Answer) -> String {
    assert_eq!(answer.status.as_u16(), 303, "{}", answer.text);
    answer.headers["location"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_account_is_made_changed_suspended_and_deleted() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let mut browser = signed_in(&app, &admin).await;
    assert!(browser.open(ACCOUNTS).await.expect(200).text.contains("There are none."));
    let new = format!("{ACCOUNTS}/new");
    browser.open(&new).await.expect(200);
    let form =
        [("name", "nightly-report"), ("description", "Counts.\r\nDaily."), ("permission.users:read", "on"), ("reason", "asked")];
    let way = leads_to(&browser.submit(&new, &form).await);
    let page = browser.open(&way).await.expect(200);
    assert!(page.text.contains("It is made.") && page.text.contains("It has no keys"), "{}", page.text);
    let path = way.replace("/admin", "/v1");
    let read = admin.client.get(&path).await.expect(200);
    assert_eq!((&read.json["description"], &read.json["permissions"]), (&json!("Counts.\nDaily."), &json!(["users:read"])));
    let event = admin.client.get("/v1/audit-events?action=service_account.created").await.expect(200);
    assert_eq!((&event.json["items"][0]["reason"], &event.json["items"][0]["actor_id"]), (&json!("asked"), &json!(admin.id)));

    let edit = format!("{way}/edit");
    let page = browser.open(&edit).await.expect(200);
    assert!(page.text.contains("name=\"permission.users:read\" value=\"on\" checked"), "{}", page.text);
    let form = [("name", "weekly-report"), ("description", ""), ("permission.roles:read", "on"), ("version", "1")];
    assert_eq!(leads_to(&browser.submit(&edit, &form).await), way);
    let read = admin.client.get(&path).await.expect(200);
    assert_eq!((&read.json["name"], &read.json["permissions"]), (&json!("weekly-report"), &json!(["roles:read"])));
    let page = browser.submit(&edit, &form).await.expect(422);
    assert!(page.text.contains("id=\"reason-error\"") && page.text.contains("Somebody has changed it"), "{}", page.text);

    for (act, status) in [("suspend", "suspended"), ("reactivate", "active")] {
        let act = format!("{way}/act/{act}");
        browser.open(&act).await.expect(200);
        assert_eq!(leads_to(&browser.submit(&act, &[("reason", "")]).await), way);
        assert_eq!(admin.client.get(&path).await.json["status"], status);
    }
    browser.open(&format!("{way}/act/dance")).await.expect(404);
    let delete = format!("{way}/act/delete");
    browser.open(&delete).await.expect(200);
    assert_eq!(leads_to(&browser.submit(&delete, &[]).await), ACCOUNTS);
    admin.client.get(&path).await.expect(404);
    browser.open(&way).await.expect(404);
    app.finish().await;
}

#[tokio::test]
async fn a_key_is_shown_once_and_revoked() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let body = json!({ "name": "report", "permissions": ["users:read", "roles:read"] });
    let account = admin.client.post("/v1/service-accounts", body).await.expect(201).str("id");
    let mut browser = signed_in(&app, &admin).await;
    let new = format!("{ACCOUNTS}/{account}/keys/new");
    let page = browser.open(&new).await.expect(200);
    assert_eq!(page.text.matches(" checked").count(), 2, "all that the account may");
    for (form, field) in [
        ([("name", ""), ("days", "90")], "name"),
        ([("name", "cron"), ("days", "")], "days"),
        ([("name", "cron"), ("days", "99999")], "days"),
    ] {
        let page = browser.submit(&new, &form).await.expect(422);
        assert!(page.text.contains(&format!("id=\"{field}-error\"")), "{}", page.text);
    }
    let made = browser.submit(&new, &[("name", "cron"), ("days", "30"), ("permission.users:read", "on")]).await.expect(200);
    let key = made.text.split("<p class=\"secret\" data-copies><code>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    assert!(made.text.contains("It is shown this once."), "{}", made.text);
    let program = app.client_with(&key);
    program.get("/v1/users").await.expect(200);
    program.get("/v1/roles").await.expect(403);
    let page = browser.open(&format!("{ACCOUNTS}/{account}")).await.expect(200);
    assert!(page.text.contains("cron") && !page.text.contains(&key), "{}", page.text);
    let id = admin.client.get(&format!("/v1/service-accounts/{account}/keys")).await.expect(200).json["items"][0]["id"].clone();
    let revoke = format!("{ACCOUNTS}/{account}/keys/{}/revoke", id.as_str().unwrap());
    assert!(browser.open(&revoke).await.expect(200).text.contains("cron"));
    assert_eq!(leads_to(&browser.submit(&revoke, &[]).await), format!("{ACCOUNTS}/{account}"));
    program.get("/v1/whoami").await.expect(401);
    // Whoever comes later finds it revoked.
    leads_to(&browser.submit(&revoke, &[]).await);
    browser.open(&revoke).await.expect(404);
    app.finish().await;
}

#[tokio::test]
async fn faults_stand_at_their_fields_with_what_was_typed() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    admin.client.post("/v1/service-accounts", json!({ "name": "taken", "permissions": [] })).await.expect(201);
    let mut browser = signed_in(&app, &admin).await;
    let new = format!("{ACCOUNTS}/new");
    browser.open(&new).await.expect(200);
    let long = "x".repeat(501);
    for (form, field) in [
        ([("name", ""), ("description", "d")], "name"),
        ([("name", "Not A Name"), ("description", "d")], "name"),
        ([("name", "taken"), ("description", "d")], "name"),
        ([("name", "report"), ("description", long.as_str())], "description"),
    ] {
        let page = browser.submit(&new, &[form[0], form[1], ("permission.users:read", "on")]).await.expect(422);
        assert!(page.text.contains(&format!("id=\"{field}-error\"")), "{field}: {}", page.text);
        assert!(page.text.contains("name=\"permission.users:read\" value=\"on\" checked"), "what was ticked is ticked");
    }
    app.finish().await;
}

#[tokio::test]
async fn nobody_reaches_what_they_may_not() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let great = json!({ "name": "great", "permissions": ["users:delete"] });
    let great = admin.client.post("/v1/service-accounts", great).await.expect(201).str("id");
    let small =
        admin.client.post("/v1/service-accounts", json!({ "name": "small", "permissions": [] })).await.expect(201).str("id");
    let reader = with(&app, &admin, "reader", &["service_accounts:read"]).await;
    let keeper = with(&app, &admin, "keeper", &["service_accounts:read", "service_accounts:write"]).await;
    let mut browser = signed_in(&app, &reader).await;
    let page = browser.open(ACCOUNTS).await.expect(200);
    assert!(page.text.contains("small") && !page.text.contains("great") && !page.text.contains("Make one"), "{}", page.text);
    let page = browser.open(&format!("{ACCOUNTS}/{small}")).await.expect(200);
    assert!(!page.text.contains("Suspend") && !page.text.contains("Make a key"), "{}", page.text);
    let own = format!("{ACCOUNTS}/{small}");
    let writes = [
        format!("{ACCOUNTS}/new"),
        format!("{own}/edit"),
        format!("{own}/act/suspend"),
        format!("{own}/keys/new"),
        format!("{own}/keys/{NOBODY}/revoke"),
    ];
    for path in &writes {
        assert!(browser.open(path).await.expect(403).text.contains("service_accounts:write"), "{path}");
        browser.open(ACCOUNTS).await.expect(200);
        browser.submit(path, &[("name", "x"), ("days", "30")]).await.expect(403);
    }
    let mut browser = signed_in(&app, &keeper).await;
    browser.open(&format!("{ACCOUNTS}/new")).await.expect(200);
    // What was not offered is refused.
    let form = [("name", "mine"), ("permission.users:delete", "on")];
    let page = browser.submit(&format!("{ACCOUNTS}/new"), &form).await.expect(422);
    assert!(page.text.contains("id=\"permissions-error\""), "{}", page.text);
    for path in ["", "/edit", "/act/suspend", "/keys/new"] {
        browser.open(&format!("{ACCOUNTS}/{great}{path}")).await.expect(403);
    }
    browser.open(ACCOUNTS).await.expect(200);
    for path in ["/edit", "/act/delete", "/keys/new"] {
        let form = [("name", "x"), ("days", "30"), ("version", "1")];
        browser.submit(&format!("{ACCOUNTS}/{great}{path}"), &form).await.expect(403);
        browser.open(ACCOUNTS).await.expect(200);
    }
    admin.client.get(&format!("/v1/service-accounts/{great}")).await.expect(200);
    app.finish().await;
}
