//! Addresses of users, as administrators see to them.

use serde_json::json;

use super::{CONFIRM, NOTICE, added, confirm, link_in, told};
use crate::testing::TestApp;

#[tokio::test]
async fn r048_an_administrator_adds_an_address_and_the_person_confirms_it() {
    let app = TestApp::new().await;
    let boss = app.manager().await;
    let ann = app.user("ann").await;
    let path = format!("/v1/users/{}", ann.id);
    boss.client.post(&format!("{path}/emails"), json!({ "email": "new@example.org" })).await.expect(202);
    assert_eq!(boss.client.get(&path).await.expect(200).json["emails"].as_array().unwrap().len(), 1);
    let mails = app.mails().await;
    assert_eq!(told(&mails), [("ann@example.org", NOTICE), ("new@example.org", CONFIRM)]);
    confirm(&app, &link_in(&mails)).await.expect(200);
    let user = boss.client.get(&path).await.expect(200);
    let id = user.json["emails"][1]["id"].as_str().unwrap().to_owned();
    let changed = boss.client.put(&format!("{path}/emails/{id}/primary"), json!({})).await.expect(200);
    assert_eq!(changed.str("email"), "new@example.org");
    let former = user.json["emails"][0]["id"].as_str().unwrap();
    boss.client.delete(&format!("{path}/emails/{id}")).await.expect_problem(409, "invalid_state");
    boss.client.delete(&format!("{path}/emails/{former}")).await.expect(204);
    assert_eq!(boss.client.get(&path).await.expect(200).json["emails"].as_array().unwrap().len(), 1);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn administrators_are_told_what_is_taken_and_act_only_on_whom_they_may() {
    let app = TestApp::new().await;
    let boss = app.manager().await;
    let root = app.admin().await;
    let ann = app.user("ann").await;
    let eve = app.user("eve").await;
    let add = async |id: &str, email: &str| boss.client.post(&format!("/v1/users/{id}/emails"), json!({ "email": email })).await;
    add(&ann.id, "eve@example.org").await.expect_problem(409, "email_taken");
    add(&ann.id, "ann@example.org").await.expect_problem(409, "email_taken");
    add(&root.id, "new@example.org").await.expect_problem(403, "target_outranks_caller");
    add("0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d", "new@example.org").await.expect_problem(404, "not_found");
    boss.client.post(&format!("/v1/users/{}/suspend", eve.id), json!({})).await.expect(200);
    add(&eve.id, "new@example.org").await.expect_problem(409, "invalid_state");
    // Another user's address is not found under this one.
    let second = added(&app, &ann, "second@example.org").await;
    let path = format!("/v1/users/{}/emails/{second}", eve.id);
    boss.client.delete(&path).await.expect_problem(404, "not_found");
    boss.client.put(&format!("{path}/primary"), json!({})).await.expect_problem(404, "not_found");
    app.finish().await;
}
