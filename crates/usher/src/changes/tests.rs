//! Change sets, the history of a user, how they were, and undo.

use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::audit::{self, Event};
use crate::testing::{Answer, Client, Person, TestApp};

mod acts;
mod by_hand;
mod definitions;
mod inactivity_rules;
mod mail_texts;
mod migrations;
mod primary;
mod service_accounts;

fn path(person: &Person) -> String {
    format!("/v1/users/{}", person.id)
}

async fn newest_change(admin: &Client) -> Value {
    admin.get("/v1/changes?limit=1").await.expect(200).json["items"][0].clone()
}

async fn undo(admin: &Client, id: &Value, body: Value) -> Answer {
    admin.post(&format!("/v1/changes/{}/undo", id.as_str().unwrap()), body).await
}

/// The id of an event as an earlier release would have written it, or one whose door is elsewhere.
async fn written(app: &TestApp, admin: &Client, event: Event, action: &str) -> Value {
    let mut tx = app.tx().await;
    audit::record(&mut tx, event).await.unwrap();
    tx.commit().await.unwrap();
    admin.get(&format!("/v1/audit-events?limit=1&action={action}")).await.expect(200).json["items"][0]["id"].clone()
}

#[tokio::test]
async fn a_change_of_another_is_a_change_set_with_who_why_and_what() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let body = json!({ "bio": "Gardener", "attributes": { "team": "red" } });
    admin.client.send(Method::PATCH, &path(&ann), &[("x-reason", "she asked")], Some(body)).await.expect(200);
    let change = newest_change(&admin.client).await;
    assert_eq!((&change["action"], &change["reason"]), (&json!("user.updated"), &json!("she asked")));
    assert_eq!((&change["actor_id"], &change["target_id"]), (&json!(admin.id), &json!(ann.id)));
    assert_eq!(change["change_id"], change["id"]);
    assert_eq!(change["changes"]["bio"], json!({ "before": null, "after": "Gardener" }));

    // What people do of themselves is in their history, and no administrative change.
    ann.client.patch("/v1/me", json!({ "bio": "Pilot" })).await.expect(200);
    assert_eq!(newest_change(&admin.client).await["id"], change["id"]);
    let history = admin.client.get(&format!("{}/history", path(&ann))).await.expect(200);
    let actions: Vec<&str> =
        history.json["items"].as_array().unwrap().iter().filter_map(|item| item["action"].as_str()).collect();
    assert_eq!(actions.iter().filter(|action| **action == "user.updated").count(), 2, "{actions:?}");
    let one = admin.client.get(&format!("/v1/changes/{}", change["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(one.json["undone_by"], json!([]));
    app.finish().await;
}

#[tokio::test]
async fn undo_changes_back_what_nobody_has_changed_since_and_is_a_change_itself() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    admin
        .patch(
            &path(&ann),
            json!({ "bio": "Gardener", "given_name": "Ann", "attributes": { "team": "red", "old": { "a": 1, "b": 2 } } }),
        )
        .await
        .expect(200);
    admin
        .patch(&path(&ann), json!({ "bio": "Pilot", "given_name": null, "attributes": { "team": "blue", "old": { "b": null } } }))
        .await
        .expect(200);
    let change = newest_change(&admin).await;
    let undone = undo(&admin, &change["id"], json!({ "reason": "a mistake" })).await.expect(200);
    assert_eq!((&undone.json["undone"], &undone.json["conflicts"]), (&json!(1), &json!([])));
    let now = admin.get(&path(&ann)).await.expect(200).json;
    assert_eq!((&now["bio"], &now["given_name"]), (&json!("Gardener"), &json!("Ann")));
    assert_eq!(now["attributes"], json!({ "team": "red", "old": { "a": 1, "b": 2 } }));

    let head = newest_change(&admin).await;
    assert_eq!(
        (&head["action"], &head["target_id"], &head["reason"]),
        (&json!("change.undone"), &change["id"], &json!("a mistake"))
    );
    let read = admin.get(&format!("/v1/changes/{}", change["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(read.json["undone_by"], json!([head["id"]]));
    // Undone once more there is nothing to do; undoing the undo brings it back.
    let again = undo(&admin, &change["id"], json!({})).await.expect(200);
    assert_eq!((&again.json["undone"], &again.json["unchanged"], &again.json["change_id"]), (&json!(0), &json!(1), &Value::Null));
    undo(&admin, &head["id"], json!({})).await.expect(200);
    let now = admin.get(&path(&ann)).await.expect(200).json;
    assert_eq!((&now["bio"], &now["given_name"], &now["attributes"]["team"]), (&json!("Pilot"), &Value::Null, &json!("blue")));
    app.finish().await;
}

#[tokio::test]
async fn a_field_that_was_changed_since_is_listed_and_not_overwritten() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    admin
        .patch(&path(&ann), json!({ "bio": "Gardener", "given_name": "Ann", "attributes": { "a": 1, "b": 1 } }))
        .await
        .expect(200);
    let change = newest_change(&admin).await;
    ann.client.patch("/v1/me", json!({ "bio": "Pilot" })).await.expect(200);
    admin.patch(&path(&ann), json!({ "attributes": { "b": 2 } })).await.expect(200);

    let refused = undo(&admin, &change["id"], json!({})).await.expect_problem(409, "undo_conflict");
    assert_eq!(refused.fault_at("/bio"), Some("changed_since"));
    assert_eq!(refused.fault_at("/attributes/b"), Some("changed_since"));
    assert_eq!(admin.get(&path(&ann)).await.json["given_name"], "Ann");
    let dry = undo(&admin, &change["id"], json!({ "dry_run": true, "skip_conflicts": true })).await.expect(200);
    assert_eq!((dry.json["conflicts"].as_array().unwrap().len(), &dry.json["change_id"]), (2, &Value::Null));
    assert_eq!(admin.get(&path(&ann)).await.json["given_name"], "Ann");

    undo(&admin, &change["id"], json!({ "skip_conflicts": true })).await.expect(200);
    let now = admin.get(&path(&ann)).await.expect(200).json;
    assert_eq!((&now["bio"], &now["given_name"], &now["attributes"]), (&json!("Pilot"), &Value::Null, &json!({ "b": 2 })));
    app.finish().await;
}

#[tokio::test]
async fn standing_roles_and_creation_are_undone() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    for (act, back) in [("suspend", "active"), ("reactivate", "suspended")] {
        admin.post(&format!("{}/{act}", path(&ann)), json!({})).await.expect(200);
        if act == "suspend" {
            undo(&admin, &newest_change(&admin).await["id"], json!({})).await.expect(200);
            assert_eq!(admin.get(&path(&ann)).await.json["status"], back);
            admin.post(&format!("{}/suspend", path(&ann)), json!({})).await.expect(200);
        } else {
            undo(&admin, &newest_change(&admin).await["id"], json!({})).await.expect(200);
            assert_eq!(admin.get(&path(&ann)).await.json["status"], back);
        }
    }
    admin.delete(&path(&ann)).await.expect(204);
    undo(&admin, &newest_change(&admin).await["id"], json!({})).await.expect(200);
    assert_eq!(admin.get(&path(&ann)).await.json["status"], "suspended");

    // What was granted since stays.
    let roles = format!("{}/roles", path(&ann));
    admin.put(&roles, json!({ "roles": ["manager"] })).await.expect(200);
    let change = newest_change(&admin).await;
    admin.post("/v1/roles", json!({ "name": "support", "description": "", "permissions": [] })).await.expect(201);
    admin.put(&roles, json!({ "roles": ["manager", "support"] })).await.expect(200);
    undo(&admin, &change["id"], json!({})).await.expect(200);
    assert_eq!(admin.get(&path(&ann)).await.json["roles"], json!(["support", "user"]));

    let bob = admin.post("/v1/users", json!({ "email": "bob@example.org" })).await.expect(201);
    app.mails().await;
    let created = newest_change(&admin).await;
    undo(&admin, &created["id"], json!({})).await.expect(200);
    let bob = format!("/v1/users/{}", bob.str("id"));
    assert_eq!(admin.get(&bob).await.json["status"], "deleted");
    app.finish().await;
}

#[tokio::test]
async fn r203_nobody_undoes_what_they_might_not_do() {
    let app = TestApp::new().await;
    let (admin, boss, ann) = (app.admin().await, app.manager().await.client, app.user("ann").await);
    admin.client.put(&format!("{}/roles", path(&ann)), json!({ "roles": ["user", "manager"] })).await.expect(200);
    let granted = newest_change(&admin.client).await;
    undo(&boss, &granted["id"], json!({})).await.expect_problem(403, "forbidden");
    admin.client.put(&format!("{}/roles", path(&ann)), json!({ "roles": ["user"] })).await.expect(200);
    admin.client.delete(&path(&ann)).await.expect(204);
    undo(&boss, &newest_change(&admin.client).await["id"], json!({})).await.expect_problem(403, "forbidden");
    // An administrator who was suspended by another outranks a manager.
    let second = app.person("second", &["admin"]).await;
    admin.client.post(&format!("{}/suspend", path(&second)), json!({})).await.expect(200);
    let suspended = newest_change(&admin.client).await;
    undo(&boss, &suspended["id"], json!({})).await.expect_problem(403, "target_outranks_caller");
    undo(&ann.client, &suspended["id"], json!({})).await.expect(401);
    undo(&admin.client, &json!("0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d"), json!({})).await.expect_problem(404, "not_found");
    app.finish().await;
}

#[tokio::test]
async fn a_user_is_shown_as_they_were() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    let born = app.now();
    let mut was = Vec::new();
    for body in
        [json!({ "bio": "One" }), json!({ "bio": "Two", "attributes": { "a": 1 } }), json!({ "bio": null, "username": "ann-3" })]
    {
        app.advance(SignedDuration::from_mins(1));
        admin.patch(&path(&ann), body).await.expect(200);
        let now = admin.get(&path(&ann)).await.expect(200).json;
        was.push((app.now(), now));
    }
    assert_eq!(app.mails().await.len(), 1, "of the new user name");
    app.advance(SignedDuration::from_mins(1));
    admin.post(&format!("{}/suspend", path(&ann)), json!({})).await.expect(200);
    for (at, then) in was {
        let shown = admin.get(&format!("{}?as_of={at}", path(&ann))).await.expect(200).json;
        for member in ["bio", "username", "attributes", "status", "roles", "email", "created_at"] {
            assert_eq!(shown[member], then[member], "{member} at {at}");
        }
    }
    let first = admin.get(&format!("{}?as_of={born}", path(&ann))).await.expect(200).json;
    assert_eq!((&first["bio"], &first["status"]), (&Value::Null, &json!("active")));
    admin.get(&format!("{}?as_of=2020-01-01T00:00:00Z", path(&ann))).await.expect_problem(404, "not_found");
    admin.get(&format!("{}?as_of=yesterday", path(&ann))).await.expect_problem(422, "invalid_query");
    app.finish().await;
}

/// The end of a role that was granted; `None` when the person does not have it.
async fn end_of(admin: &Client, person: &Person, role: &str) -> Option<Value> {
    let grants = admin.get(&format!("{}/roles", path(person))).await.expect(200).json["items"].clone();
    grants.as_array().unwrap().iter().find(|grant| grant["role"] == role).map(|grant| grant["expires_at"].clone())
}

/// Undoes the newest change.
async fn undo_newest(admin: &Client) -> Answer {
    let change = newest_change(admin).await;
    undo(admin, &change["id"], json!({})).await
}

#[tokio::test]
async fn a_role_comes_back_with_the_end_it_had() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    admin.post("/v1/roles", json!({ "name": "reader", "permissions": [] })).await.expect(201);
    let reader = format!("{}/roles/reader", path(&ann));
    let [soon, late] = [1, 2].map(|minutes| json!((app.now() + SignedDuration::from_mins(minutes)).to_string()));
    admin.put(&reader, json!({ "expires_at": late })).await.expect(200);
    let granted = newest_change(&admin).await;
    assert_eq!(granted["changes"]["role_ends"], json!({ "before": null, "after": { "reader": late } }));
    assert_eq!(admin.get(&path(&ann)).await.json["role_ends"], json!({ "reader": late }));

    // Taken alone, or by setting them all.
    admin.delete(&reader).await.expect(204);
    assert_eq!(admin.get(&path(&ann)).await.json["role_ends"], Value::Null);
    undo_newest(&admin).await.expect(200);
    assert_eq!(end_of(&admin, &ann, "reader").await, Some(late.clone()));
    undo_newest(&admin).await.expect(200);
    assert_eq!(end_of(&admin, &ann, "reader").await, None);
    undo_newest(&admin).await.expect(200);
    admin.put(&format!("{}/roles", path(&ann)), json!({ "roles": ["user"] })).await.expect(200);
    undo_newest(&admin).await.expect(200);
    assert_eq!(end_of(&admin, &ann, "reader").await, Some(late.clone()));

    // Another end is a change, which can be undone; and one that was changed since is a conflict.
    admin.put(&reader, json!({ "expires_at": soon })).await.expect(200);
    let sooner = newest_change(&admin).await;
    undo(&admin, &sooner["id"], json!({})).await.expect(200);
    assert_eq!(end_of(&admin, &ann, "reader").await, Some(late.clone()));
    let refused = undo(&admin, &granted["id"], json!({ "dry_run": true })).await.expect(200);
    assert_eq!(refused.json["undone"], 1);
    admin.put(&reader, json!({})).await.expect(200);
    for change in [&sooner, &granted] {
        let refused = undo(&admin, &change["id"], json!({})).await.expect_problem(409, "undo_conflict");
        assert_eq!(refused.fault_at("/roles/reader"), Some("changed_since"));
    }
    assert_eq!(end_of(&admin, &ann, "reader").await, Some(Value::Null));
    undo_newest(&admin).await.expect(200);
    assert_eq!(end_of(&admin, &ann, "reader").await, Some(late));
    app.finish().await;
}

#[tokio::test]
async fn a_grant_whose_end_has_passed_does_not_come_back() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    for name in ["brief", "lasting"] {
        admin.post("/v1/roles", json!({ "name": name, "permissions": [] })).await.expect(201);
    }
    let soon = json!({ "expires_at": (app.now() + SignedDuration::from_mins(1)).to_string() });
    let before = app.now();
    app.advance(SignedDuration::from_secs(10));
    admin.put(&format!("{}/roles/brief", path(&ann)), soon.clone()).await.expect(200);
    app.advance(SignedDuration::from_secs(10));
    let meanwhile = app.now();
    app.advance(SignedDuration::from_secs(10));
    admin.put(&format!("{}/roles", path(&ann)), json!({ "roles": ["lasting"] })).await.expect(200);
    let replaced = newest_change(&admin).await;
    admin.put(&format!("{}/roles/lasting", path(&ann)), soon).await.expect(200);
    let shortened = newest_change(&admin).await;
    app.advance(SignedDuration::from_mins(2));
    let refused = undo(&admin, &replaced["id"], json!({})).await.expect_problem(409, "undo_conflict");
    assert_eq!(refused.fault_at("/roles/brief"), Some("not_undoable"));
    undo(&admin, &replaced["id"], json!({ "skip_conflicts": true })).await.expect(200);
    assert_eq!(admin.get(&path(&ann)).await.json["roles"], json!(["user"]));
    // What has ended by itself nobody has changed: without the end that it was given it goes on.
    undo(&admin, &shortened["id"], json!({})).await.expect(200);
    assert_eq!(end_of(&admin, &ann, "lasting").await, Some(Value::Null));
    assert_eq!(end_of(&admin, &ann, "brief").await, None);

    for (at, roles) in [(before, json!(["user"])), (meanwhile, json!(["brief", "user"]))] {
        let was = admin.get(&format!("{}?as_of={at}", path(&ann))).await.expect(200).json;
        assert_eq!(was["roles"], roles, "at {at}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_membership_is_undone_with_its_end() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    let group = admin.post("/v1/groups", json!({ "name": "Support" })).await.expect(201).str("id");
    let member = format!("/v1/groups/{group}/members/{}", ann.id);
    let [soon, late] = [1, 2].map(|minutes| json!((app.now() + SignedDuration::from_mins(minutes)).to_string()));
    let ends = async || -> Vec<Value> {
        let groups = admin.get(&format!("{}/groups", path(&ann))).await.expect(200).json["items"].clone();
        groups.as_array().unwrap().iter().map(|membership| membership["expires_at"].clone()).collect()
    };
    admin.put(&member, json!({})).await.expect(200);
    let put = newest_change(&admin).await;
    undo(&admin, &put["id"], json!({ "dry_run": true })).await.expect(200);
    assert_eq!(ends().await, [Value::Null]);
    undo_newest(&admin).await.expect(200);
    assert_eq!(ends().await, [Value::Null; 0]);
    let again = undo(&admin, &put["id"], json!({})).await.expect(200);
    assert_eq!((&again.json["undone"], &again.json["unchanged"]), (&json!(0), &json!(1)));
    undo_newest(&admin).await.expect(200);
    assert_eq!(ends().await, [Value::Null]);

    // Another end, and a removal.
    admin.put(&member, json!({ "expires_at": late })).await.expect(200);
    undo_newest(&admin).await.expect(200);
    assert_eq!(ends().await, [Value::Null]);
    admin.put(&member, json!({ "expires_at": late })).await.expect(200);
    let refused = undo(&admin, &put["id"], json!({})).await.expect_problem(409, "undo_conflict");
    assert_eq!(refused.fault_at("/member"), Some("changed_since"));
    admin.delete(&member).await.expect(204);
    let removed = newest_change(&admin).await;
    undo(&admin, &removed["id"], json!({})).await.expect(200);
    assert_eq!(ends().await, [late]);

    // Whoever may not assign roles undoes none, and what has ended does not come back.
    let boss = app.manager().await.client;
    let put = newest_change(&admin).await;
    undo(&boss, &put["id"], json!({})).await.expect_problem(403, "forbidden");
    admin.put(&member, json!({ "expires_at": soon })).await.expect(200);
    admin.delete(&member).await.expect(204);
    let removed = newest_change(&admin).await;
    app.advance(SignedDuration::from_mins(1));
    let refused = undo(&admin, &removed["id"], json!({})).await.expect_problem(409, "undo_conflict");
    assert_eq!(refused.fault_at("/member"), Some("not_undoable"));
    assert_eq!(ends().await, [Value::Null; 0]);
    app.finish().await;
}

#[tokio::test]
async fn a_run_is_of_the_time_when_it_began_and_not_of_its_preview() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let shown = admin.client.post("/v1/bulk", json!({ "action": "suspend", "ids": [ann.id] })).await.expect(201);
    app.advance(SignedDuration::from_mins(30));
    let between = app.now();
    app.advance(SignedDuration::from_mins(10));
    let admin = app.sign_in(&admin.email, crate::testing::PASSWORD).await.client;
    let run = format!("/v1/bulk/{}/run", shown.str("id"));
    admin.post(&run, json!({ "token": shown.str("token") })).await.expect(202);
    for (query, count) in [("occurred_after", 1), ("occurred_before", 0)] {
        let found = admin.get(&format!("/v1/changes?action=bulk.started&{query}={between}")).await.expect(200);
        assert_eq!(found.json["items"].as_array().unwrap().len(), count, "{query}: {}", found.text);
    }
    app.run_jobs().await;
    app.finish().await;
}
