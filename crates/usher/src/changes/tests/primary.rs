//! Undoing that another address became the primary one.

use serde_json::{Value, json};

use super::{newest_change, path, undo, undo_newest};
use crate::testing::{Client, Person, TestApp, token_in};

/// One more address of theirs, confirmed; its id.
async fn add(app: &TestApp, person: &Person, address: &str) -> String {
    person.client.post("/v1/me/emails", json!({ "email": address })).await.expect(202);
    let mails = app.mails().await;
    let token = token_in(mails.iter().find(|mail| mail.to == address).expect("a mail that confirms"));
    app.client().post("/v1/me/emails/confirm", json!({ "token": token })).await.expect(200);
    id_of(&person.client.get("/v1/me").await.expect(200).json, address)
}

fn id_of(user: &Value, address: &str) -> String {
    let emails = user["emails"].as_array().unwrap();
    emails.iter().find(|email| email["address"] == address).unwrap()["id"].as_str().unwrap().to_owned()
}

async fn make_primary(admin: &Client, person: &Person, id: &str) -> Value {
    admin.put(&format!("{}/emails/{id}/primary", path(person)), json!({})).await.expect(200);
    newest_change(admin).await
}

async fn primary(admin: &Client, person: &Person) -> Value {
    admin.get(&path(person)).await.expect(200).json["email"].clone()
}

#[tokio::test]
async fn the_address_before_becomes_the_primary_one_again_and_both_are_told() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    let second = add(&app, &ann, "second@example.org").await;
    let change = make_primary(&admin, &ann, &second).await;
    // An address that was added since is no conflict.
    add(&app, &ann, "third@example.org").await;
    app.mails().await;
    undo(&admin, &change["id"], json!({})).await.expect(200);
    assert_eq!(primary(&admin, &ann).await, "ann@example.org");
    let mut told: Vec<String> = app.mails().await.into_iter().map(|mail| mail.to).collect();
    told.sort();
    assert_eq!(told, ["ann@example.org", "second@example.org"]);
    let again = undo(&admin, &change["id"], json!({})).await.expect(200);
    assert_eq!((&again.json["undone"], &again.json["unchanged"]), (&json!(0), &json!(1)));
    // The undoing is a change like any other.
    undo_newest(&admin).await.expect(200);
    assert_eq!(primary(&admin, &ann).await, "second@example.org");
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn one_that_was_chosen_or_removed_since_is_left_alone() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    let first = id_of(&admin.get(&path(&ann)).await.expect(200).json, "ann@example.org");
    let second = add(&app, &ann, "second@example.org").await;
    let third = add(&app, &ann, "third@example.org").await;
    let to_second = make_primary(&admin, &ann, &second).await;
    make_primary(&admin, &ann, &third).await;
    let refused = undo(&admin, &to_second["id"], json!({})).await.expect_problem(409, "undo_conflict");
    assert_eq!(refused.fault_at("/email"), Some("changed_since"));
    assert_eq!(primary(&admin, &ann).await, "third@example.org");

    let to_first = make_primary(&admin, &ann, &first).await;
    admin.delete(&format!("{}/emails/{third}", path(&ann))).await.expect(204);
    let removed = newest_change(&admin).await;
    let refused = undo(&admin, &to_first["id"], json!({})).await.expect_problem(409, "undo_conflict");
    assert_eq!(refused.fault_at("/email"), Some("not_undoable"));
    // An address itself comes back by hand only.
    let refused = undo(&admin, &removed["id"], json!({})).await.expect_problem(409, "undo_conflict");
    assert_eq!(refused.fault_at("/emails"), Some("not_undoable"));

    let to_second = make_primary(&admin, &ann, &second).await;
    admin.delete(&path(&ann)).await.expect(204);
    let refused = undo(&admin, &to_second["id"], json!({})).await.expect_problem(409, "undo_conflict");
    assert_eq!(refused.fault_at("/status"), Some("not_undoable"));
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn r203_nobody_undoes_it_of_somebody_whom_they_may_not_touch() {
    let app = TestApp::new().await;
    let (admin, boss) = (app.admin().await.client, app.manager().await.client);
    let (ann, other) = (app.user("ann").await, app.person("other", &["admin", "user"]).await);
    let second = add(&app, &other, "second@example.org").await;
    let change = make_primary(&admin, &other, &second).await;
    undo(&boss, &change["id"], json!({})).await.expect_problem(403, "target_outranks_caller");
    undo(&ann.client, &change["id"], json!({})).await.expect_problem(403, "forbidden");
    assert_eq!(primary(&admin, &other).await, "second@example.org");
    app.mails().await;
    app.finish().await;
}
