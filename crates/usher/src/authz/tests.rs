//! What others are told of a caller, through the front door.

use http::HeaderMap;
use serde_json::json;

use crate::testing::TestApp;

const FORWARD: &str = "/v1/authz/forward";

fn named(headers: &HeaderMap) -> Vec<(String, String)> {
    let ours = headers.iter().filter(|(name, _)| name.as_str().starts_with("x-usher-"));
    let mut named: Vec<_> = ours.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    named.sort();
    named
}

#[tokio::test]
async fn a_proxy_is_told_who_asks() {
    let app = TestApp::new().await;
    let boss = app.manager().await;
    let me = boss.client.get("/v1/me").await.expect(200);
    let answer = boss.client.get(FORWARD).await.expect(200);
    let expected = [
        ("x-usher-email", "boss@example.org"),
        ("x-usher-kind", "user"),
        ("x-usher-permissions", "users:read,users:write,roles:read,invitations:read,invitations:write"),
        ("x-usher-roles", "manager,user"),
        ("x-usher-subject", &boss.id),
        ("x-usher-username", &me.str("username")),
    ];
    assert_eq!(named(&answer.headers), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(answer.json["roles"], json!(["manager", "user"]));
    assert_eq!(answer.json, boss.client.get("/v1/whoami").await.expect(200).json);
    app.client().get(FORWARD).await.expect_problem(401, "unauthorized");
    app.finish().await;
}

#[tokio::test]
async fn a_proxy_asks_for_one_of_some_roles_and_for_all_of_some_permissions() {
    let app = TestApp::new().await;
    let boss = app.manager().await;
    let query = async |query: &str| boss.client.get(&format!("{FORWARD}?{query}")).await;
    for good in ["role=manager", "role=admin,manager", "permission=users:read", "permission=users:read,roles:read&role=user"] {
        query(good).await.expect(200);
    }
    for lacking in ["role=admin", "role=nobody-has-this", "permission=users:read,users:delete", "role=user&permission=audit:read"]
    {
        let refused = query(lacking).await.expect_problem(403, "forbidden");
        assert_eq!(named(&refused.headers), []);
    }
    for unfit in
        ["role=", "role=a,,b", "role=a%0d%0a", "permission=no:such", "permission=users:read&permission=users:write", "x=y"]
    {
        query(unfit).await.expect_problem(422, "invalid_query");
    }
    app.finish().await;
}

#[tokio::test]
async fn r103_who_was_suspended_a_moment_ago_is_let_in_nowhere() {
    let app = TestApp::new().await;
    let (root, ann) = (app.admin().await, app.user("ann").await);
    ann.client.get(FORWARD).await.expect(200);
    root.client.post(&format!("/v1/users/{}/suspend", ann.id), json!({})).await.expect(200);
    ann.client.get(FORWARD).await.expect_problem(401, "unauthorized");
    app.finish().await;
}

#[tokio::test]
async fn a_service_account_has_no_roles_and_no_address() {
    let app = TestApp::new().await;
    let root = app.admin().await;
    let account = root.client.post("/v1/service-accounts", json!({ "name": "report", "permissions": ["users:read"] })).await;
    let keys = format!("/v1/service-accounts/{}/keys", account.expect(201).str("id"));
    let key = root.client.post(&keys, json!({ "name": "x" })).await.expect(201).str("key");
    let answer = app.client_with(&key).get(&format!("{FORWARD}?permission=users:read")).await.expect(200);
    let names: Vec<_> = named(&answer.headers).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["x-usher-kind", "x-usher-permissions", "x-usher-subject", "x-usher-username"]);
    app.client_with(&key).get(&format!("{FORWARD}?role=user")).await.expect_problem(403, "forbidden");
    app.finish().await;
}
