//! Why a sign-in went as it did, for those who help people in.

use serde_json::{Value, json};

use crate::testing::{Answer, PASSWORD, TestApp};

fn told(list: &Answer) -> Vec<(bool, Value, Value)> {
    let items = list.json["items"].as_array().unwrap();
    let told = |item: &Value| {
        (
            item["signed_in"].as_bool().unwrap(),
            item["refusal"].clone(),
            item["decisions"].as_array().unwrap().last().unwrap().clone(),
        )
    };
    items.iter().map(told).collect()
}

#[tokio::test]
async fn each_attempt_tells_what_was_decided_and_addresses_are_masked_without_users_read() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    admin
        .client
        .post("/v1/roles", json!({ "name": "support", "description": "", "permissions": ["signins:read"] }))
        .await
        .expect(201);
    let support = app.person("support", &["support"]).await.client;
    let door = app.client().at("203.0.113.7");
    let login = async |password: &str| door.post("/v1/login", json!({ "identifier": ann.email, "password": password })).await;
    login("not the password at all").await.expect(401);
    login(PASSWORD).await.expect(200);
    let path = format!("/v1/users/{}", ann.id);
    admin.client.post(&format!("{path}/suspend"), json!({})).await.expect(200);
    login(PASSWORD).await.expect(401);
    app.run_jobs().await;

    let list = support.get(&format!("{path}/sign-ins")).await.expect(200);
    let attempts = told(&list);
    assert_eq!(attempts[0], (false, json!("suspended"), json!({ "about": "standing", "result": "refused" })));
    assert_eq!(attempts[1], (true, Value::Null, json!({ "about": "standing", "result": "passed" })));
    assert_eq!(attempts[2], (false, json!("credentials"), json!({ "about": "password", "result": "wrong" })));
    assert_eq!(list.json["items"][0]["explanation"], "The password was right, but the user is suspended.");
    assert_eq!(list.json["items"][2]["address"], "203.0.113.0/24");
    let whole = admin.client.get(&format!("{path}/sign-ins?limit=1")).await.expect(200);
    assert_eq!(whole.json["items"][0]["address"], "203.0.113.7");
    assert!(whole.json["next"].is_string());

    // Support looks after those who hold no more than they do.
    support.get(&format!("/v1/users/{}/sign-ins", admin.id)).await.expect_problem(403, "target_outranks_caller");
    support.get(&path).await.expect_problem(403, "forbidden");
    app.finish().await;
}

#[tokio::test]
async fn a_lock_says_so_and_older_attempts_are_not_shown() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let ann = app.user("ann").await;
    for _ in 0..11 {
        app.client().post("/v1/login", json!({ "identifier": ann.email, "password": "not the password at all" })).await;
    }
    let path = format!("/v1/users/{}/sign-ins", ann.id);
    let list = admin.client.get(&path).await.expect(200);
    assert_eq!(told(&list)[0], (false, json!("locked"), json!({ "about": "lock", "result": "refused" })));
    assert!(list.json["items"][1]["locked_until"].is_string(), "{}", list.text);
    app.advance(jiff::SignedDuration::from_hours(31 * 24));
    let admin = app.sign_in(&admin.email, PASSWORD).await.client;
    assert_eq!(admin.get(&path).await.expect(200).json["items"], json!([]));
    app.mails().await;
    app.finish().await;
}
