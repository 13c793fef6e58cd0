//! What an administrator does only after a fresh proof of who they are, by the operations and at the pages.

mod many;

use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{leads_to, signed_in, way};
use crate::caller::Permission;
use crate::testing::{Answer, Client, PASSWORD, Person, TestApp};

/// What the acts are about. The role `chief` grants more than `manager`, `helper` does not.
struct House {
    admin: Person,
    /// Has a second factor.
    ann: Person,
    /// Holds `chief`, and is in the group `over` that carries it.
    ben: Person,
    cid: Person,
    over: String,
    under: String,
    account: String,
    /// Of a program that holds everything.
    key: String,
    /// Somebody in the recycle bin.
    gone: String,
    purge: Answer,
    assign: Answer,
}

impl House {
    async fn build(app: &TestApp) -> Self {
        let admin = app.admin().await;
        let api = &admin.client;
        for (name, permissions) in [("chief", json!(["audit:read"])), ("helper", json!(["users:read"])), ("spare", json!([]))] {
            api.post("/v1/roles", json!({ "name": name, "permissions": permissions })).await.expect(201);
        }
        let ann = app.with_second_factor(&app.user("ann").await).await.person;
        let (ben, cid) = (app.person("ben", &["user", "chief"]).await, app.user("cid").await);
        let over = api.post("/v1/groups", json!({ "name": "Over" })).await.expect(201).str("id");
        let under = api.post("/v1/groups", json!({ "name": "Under" })).await.expect(201).str("id");
        api.put(&format!("/v1/groups/{over}/roles"), json!({ "roles": ["chief"] })).await.expect(200);
        api.put(&format!("/v1/groups/{over}/members/{}", ben.id), json!({})).await.expect(200);
        let all = Permission::ALL.map(Permission::name);
        let account = api.post("/v1/service-accounts", json!({ "name": "cron", "permissions": all })).await;
        let account = account.expect(201).str("id");
        let keys = format!("/v1/service-accounts/{account}/keys");
        let key = api.post(&keys, json!({ "name": "first" })).await.expect(201).str("key");
        let gone = app.user("gone").await.id;
        api.delete(&format!("/v1/users/{gone}")).await.expect(204);
        let purge = api.post("/v1/bulk", json!({ "action": "purge", "ids": [gone] })).await.expect(201);
        let body = json!({ "action": "assign_role", "role": "chief", "ids": [cid.id] });
        let assign = api.post("/v1/bulk", body).await.expect(201);
        app.run_jobs().await;
        Self { admin, ann, ben, cid, over, under, account, key, gone, purge, assign }
    }

    /// The acts, in an order in which each can be done.
    fn operations(&self) -> Vec<(Method, String, Option<Value>)> {
        let (cid, ben, over) = (&self.cid.id, &self.ben.id, &self.over);
        let run = |preview: &Answer| {
            (Method::POST, format!("/v1/bulk/{}/run", preview.str("id")), Some(json!({ "token": preview.str("token") })))
        };
        let new = |email: &str| json!({ "email": email, "roles": ["chief"] });
        vec![
            (Method::POST, "/v1/roles".into(), Some(json!({ "name": "made", "permissions": [] }))),
            (Method::PATCH, "/v1/roles/helper".into(), Some(json!({ "description": "Helps." }))),
            (Method::DELETE, "/v1/roles/spare".into(), None),
            (Method::PUT, format!("/v1/users/{cid}/roles"), Some(json!({ "roles": ["user", "chief"] }))),
            (Method::PUT, format!("/v1/users/{cid}/roles/admin"), Some(json!({}))),
            (Method::DELETE, format!("/v1/users/{ben}/roles/chief"), None),
            (Method::PUT, format!("/v1/groups/{}/parents", self.under), Some(json!({ "parents": [over] }))),
            (Method::PUT, format!("/v1/groups/{over}/members/{cid}"), Some(json!({}))),
            (Method::DELETE, format!("/v1/groups/{over}/members/{ben}"), None),
            (Method::PUT, format!("/v1/groups/{over}/roles"), Some(json!({ "roles": ["helper"] }))),
            (Method::POST, "/v1/users".into(), Some(new("dan@example.org"))),
            (Method::POST, "/v1/invitations".into(), Some(new("eva@example.org"))),
            (Method::POST, "/v1/invitations/batch".into(), Some(json!({ "invitations": [new("fay@example.org")] }))),
            (Method::POST, "/v1/service-accounts".into(), Some(json!({ "name": "x", "permissions": [] }))),
            (Method::POST, format!("/v1/service-accounts/{}/keys", self.account), Some(json!({ "name": "second" }))),
            (Method::DELETE, format!("/v1/users/{}/second-factors", self.ann.id), None),
            run(&self.purge),
            run(&self.assign),
        ]
    }

    /// The forms that are opened after a proof only.
    fn pages(&self) -> Vec<(String, Vec<(&'static str, &'static str)>)> {
        let (ann, ben) = (way(&self.ann), way(&self.ben));
        let (accounts, over) = ("/admin/service-accounts", format!("/admin/groups/{}", self.over));
        vec![
            (format!("{ann}/act/reset-factors"), vec![]),
            ("/admin/roles/new".into(), vec![("name", "made")]),
            ("/admin/roles/helper/edit".into(), vec![("version", "1"), ("description", "Helps.")]),
            ("/admin/roles/spare/delete".into(), vec![("version", "1")]),
            (format!("{accounts}/new"), vec![("name", "x")]),
            (format!("{accounts}/{}/keys/new", self.account), vec![("name", "second"), ("days", "30")]),
            (format!("{ben}/roles/chief/take"), vec![]),
            (format!("{over}/members/add"), vec![("user", "cid@example.org")]),
            (format!("{over}/members/{}/remove", self.ben.id), vec![]),
            (format!("{over}/roles"), vec![("version", "2"), ("roles.helper", "on")]),
        ]
    }
}

async fn ask(client: &Client, (method, path, body): (Method, String, Option<Value>)) -> Answer {
    client.send(method, &path, &[], body).await
}

/// The same person in the same session, whose proof is older than it may be.
async fn stale(app: &TestApp, admin: &Person) -> Client {
    app.advance(SignedDuration::from_mins(11));
    let tokens = app.client().post("/v1/refresh", json!({ "refresh_token": admin.refresh_token })).await.expect(200);
    app.client_with(&tokens.str("access_token"))
}

fn proof(back: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("return_to", back).finish();
    format!("/reauthenticate?{query}")
}

#[tokio::test]
async fn r105_what_makes_an_administrator_takes_a_fresh_proof() {
    let app = TestApp::new().await;
    let house = House::build(&app).await;
    let later = stale(&app, &house.admin).await;
    let events = "select count(*) from audit_events where outcome = 'success' and action not like 'session.%'";
    let before = app.count(events).await;
    for (method, path, body) in house.operations() {
        let answer = ask(&later, (method.clone(), path.clone(), body)).await;
        assert_eq!(answer.json["code"], "fresh_authentication_required", "{method} {path}: {}", answer.text);
        answer.expect_problem(401, "fresh_authentication_required");
    }
    assert_eq!(app.count(events).await, before, "nothing was done");

    let proven = later.post("/v1/reauthenticate", json!({ "password": PASSWORD })).await.expect(200);
    let proven = app.client_with(&proven.str("access_token"));
    for (method, path, body) in house.operations() {
        let answer = ask(&proven, (method.clone(), path.clone(), body)).await;
        assert!(answer.status.is_success(), "{method} {path}: {}", answer.text);
    }
    app.run_jobs().await;
    assert_eq!(app.count(&format!("select count(*) from users where id = '{}'", house.gone)).await, 0);
    app.finish().await;
}

#[tokio::test]
async fn r105_a_program_is_asked_for_no_proof() {
    let app = TestApp::new().await;
    let house = House::build(&app).await;
    app.advance(SignedDuration::from_mins(11));
    let program = app.client_with(&house.key);
    // What somebody else has previewed they run themselves.
    for (method, path, body) in house.operations().into_iter().filter(|(_, path, _)| !path.starts_with("/v1/bulk")) {
        let answer = ask(&program, (method.clone(), path.clone(), body)).await;
        assert!(answer.status.is_success(), "{method} {path}: {}", answer.text);
    }
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r105_no_more_than_a_manager_holds_is_given_and_taken_without_a_proof() {
    let app = TestApp::new().await;
    let house = House::build(&app).await;
    let later = stale(&app, &house.admin).await;
    let (user, under) = (format!("/v1/users/{}/roles", house.cid.id), format!("/v1/groups/{}", house.under));
    let account = format!("/v1/service-accounts/{}", house.account);
    let preview = json!({ "action": "assign_role", "role": "helper", "ids": [house.ann.id] });
    let preview = later.post("/v1/bulk", preview).await.expect(201);
    let run = (format!("/v1/bulk/{}/run", preview.str("id")), json!({ "token": preview.str("token") }));
    for (method, path, body) in [
        (Method::PUT, user.clone(), json!({ "roles": ["user", "manager"] })),
        (Method::PUT, format!("{user}/helper"), json!({})),
        (Method::DELETE, format!("{user}/manager"), json!({})),
        (Method::POST, "/v1/users".into(), json!({ "email": "dan@example.org", "roles": ["helper"] })),
        (Method::POST, "/v1/invitations".into(), json!({ "email": "eva@example.org" })),
        (Method::PUT, format!("{under}/roles"), json!({ "roles": ["helper"] })),
        (Method::PUT, format!("{under}/members/{}", house.cid.id), json!({})),
        (Method::PATCH, account, json!({ "description": "Every night." })),
        (Method::POST, run.0, run.1),
        (Method::DELETE, format!("/v1/users/{}", house.cid.id), json!({})),
    ] {
        let answer = ask(&later, (method.clone(), path.clone(), Some(body))).await;
        assert!(answer.status.is_success(), "{method} {path}: {}", answer.text);
    }
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r105_the_pages_lead_by_a_proof_and_back() {
    let app = TestApp::new().await;
    let house = House::build(&app).await;
    let mut browser = signed_in(&app, &house.admin).await;
    app.advance(SignedDuration::from_mins(11));
    for (path, fields) in house.pages() {
        leads_to(&browser.open(&path).await, &proof(&path));
        browser.open("/admin/users").await.expect(200);
        leads_to(&browser.submit(&path, &fields).await, &proof(&path));
    }
    browser.open("/reauthenticate?return_to=/admin").await.expect(200);
    leads_to(&browser.submit("/reauthenticate", &[("password", PASSWORD), ("return_to", "/admin")]).await, "/admin");
    for (path, fields) in house.pages() {
        browser.open(&path).await.expect(200);
        let done = browser.submit(&path, &fields).await;
        // A new key is shown by the answer.
        let shown = path.ends_with("/keys/new");
        assert_eq!(done.status.as_u16(), if shown { 200 } else { 303 }, "{path}: {}", done.text);
        assert!(shown || !done.headers["location"].to_str().unwrap().starts_with("/reauthenticate"), "{path}");
    }
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r105_roles_that_give_much_are_offered_after_a_proof() {
    let app = TestApp::new().await;
    let house = House::build(&app).await;
    let mut browser = signed_in(&app, &house.admin).await;
    let grant = format!("{}/roles/grant", way(&house.cid));
    let forms = [
        (grant.as_str(), vec![("role", "chief")]),
        ("/admin/users/new", vec![("email", "dan@example.org"), ("role.chief", "on")]),
        ("/admin/invitations/new", vec![("email", "eva@example.org"), ("delivery", "mail"), ("role.chief", "on")]),
        ("/admin/invitations/many", vec![("people", "email,roles\nfay@example.org,chief")]),
    ];
    let offers = |text: &str| text.contains("value=\"chief\"") || text.contains("name=\"role.chief\"");
    for (path, fields) in &forms {
        let takes_a_list = path.ends_with("/many");
        let page = browser.open(path).await.expect(200);
        assert_eq!(offers(&page.text), !takes_a_list, "{path}: {}", page.text);
        assert!(!page.text.contains("Confirm that it is you"), "{path}");
        app.advance(SignedDuration::from_mins(11));
        let page = browser.open(path).await.expect(200);
        assert!(!offers(&page.text), "{path}: {}", page.text);
        assert_eq!(page.text.contains("Confirm that it is you"), !takes_a_list, "{path}: {}", page.text);
        // The one of many may have a file, so it is sent otherwise.
        let sent = if takes_a_list {
            browser.upload_with(path, fields, ("file", ""), b"").await
        } else {
            browser.submit(path, fields).await
        };
        leads_to(&sent, &proof(path));
        browser.open(&proof(path)).await.expect(200);
        leads_to(&browser.submit("/reauthenticate", &[("password", PASSWORD), ("return_to", path)]).await, path);
    }
    app.advance(SignedDuration::from_mins(11));
    browser.open(&grant).await.expect(200);
    leads_to(&browser.submit(&grant, &[("role", "helper")]).await, &way(&house.cid));
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r105_a_purge_is_previewed_and_run_after_a_proof() {
    let app = TestApp::new().await;
    let house = House::build(&app).await;
    let mut browser = signed_in(&app, &house.admin).await;
    app.advance(SignedDuration::from_mins(11));
    let page = browser.open("/admin/recycle-bin").await.expect(200);
    let new = format!("/admin/bulk/new?user={}&action=purge", house.gone);
    assert!(page.text.replace("&amp;", "&").replace("&#x2f;", "/").contains(&new), "{}", page.text);
    leads_to(&browser.open(&new).await, &proof(&new));
    browser.open("/admin/users").await.expect(200);
    let chosen = [("users", house.gone.as_str()), ("action", "purge")];
    leads_to(&browser.submit("/admin/bulk", &chosen).await, &proof(&new));
    let role = [("users", house.cid.id.as_str()), ("action", "assign_role"), ("role", "chief"), ("reason", "a new one")];
    let back = format!("/admin/bulk/new?user={}&action=assign_role&role=chief&reason=a+new+one", house.cid.id);
    leads_to(&browser.submit("/admin/bulk", &role).await, &proof(&back));
    for preview in [&house.purge, &house.assign] {
        let run = format!("/admin/bulk/{}", preview.str("id"));
        let token = preview.str("token");
        leads_to(&browser.submit(&format!("{run}/run"), &[("token", &token)]).await, &proof(&run));
    }
    app.run_jobs().await;
    assert_eq!(app.count(&format!("select count(*) from users where id = '{}'", house.gone)).await, 1);

    browser.open(&proof(&new)).await.expect(200);
    leads_to(&browser.submit("/reauthenticate", &[("password", PASSWORD), ("return_to", &new)]).await, &new);
    let page = browser.open(&back).await.expect(200);
    assert!(page.text.contains("value=\"a new one\""), "what was said is there still: {}", page.text);
    browser.open(&new).await.expect(200);
    browser.submit("/admin/bulk", &chosen).await.expect(200);
    let run = format!("/admin/bulk/{}", house.purge.str("id"));
    leads_to(&browser.submit(&format!("{run}/run"), &[("token", &house.purge.str("token"))]).await, &run);
    app.run_jobs().await;
    assert_eq!(app.count(&format!("select count(*) from users where id = '{}'", house.gone)).await, 0);
    app.finish().await;
}
