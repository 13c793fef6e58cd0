//! Accepting: once, in time, alike for all that does not work, and with what the inviter could give that day.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{PATH, accept, acceptance, token_of};
use crate::testing::{PASSWORD, Person, TestApp};

async fn link(boss: &Person, wish: Value) -> String {
    let mut wish = wish;
    wish["delivery"] = json!("link");
    token_of(&boss.client.post(PATH, wish).await.expect(201))
}

async fn mailed(app: &TestApp, boss: &Person, wish: Value) -> String {
    boss.client.post(PATH, wish).await.expect(201);
    app.mailed_token().await
}

#[tokio::test]
async fn r040_a_token_works_once_and_all_that_does_not_work_is_answered_alike() {
    let app = TestApp::new().await;
    let boss = app.manager().await;
    let used = mailed(&app, &boss, json!({ "email": "used@example.org" })).await;
    let account = accept(&app, &used).await.expect(201);
    assert_eq!(account.headers["location"], "/v1/me");
    assert!(!account.headers.contains_key("set-cookie") && account.json.get("access_token").is_none());
    let made = boss.client.post(PATH, json!({ "email": "revoked@example.org" })).await.expect(201);
    let revoked = app.mailed_token().await;
    boss.client.delete(&format!("{PATH}/{}", made.str("id"))).await.expect(204);
    let expired = mailed(&app, &boss, json!({ "email": "expired@example.org", "expires_in_days": 1 })).await;
    let taken = mailed(&app, &boss, json!({ "email": "taken@example.org" })).await;
    app.user("taken").await;
    app.advance(SignedDuration::from_hours(24));
    let unknown = format!("ush_invite_{}", "A".repeat(43));
    let first = accept(&app, &unknown).await.expect_problem(422, "invalid_token").sameness();
    for token in [&used, &revoked, &expired, &taken, &used.replace("ush_invite_", "ush_verify_"), &"x".to_owned()] {
        assert_eq!(accept(&app, token).await.expect_problem(422, "invalid_token").sameness(), first, "{token}");
    }
    // And it is a token of no other purpose.
    let reset = json!({ "token": taken.replace("ush_invite_", "ush_reset_"), "password": PASSWORD });
    app.client().post("/v1/password/reset", reset).await.expect_problem(422, "invalid_token");
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn r005_a_bad_password_or_a_taken_user_name_leaves_the_link_as_it_is() {
    let app = TestApp::new().await;
    let boss = app.manager().await;
    let token = mailed(&app, &boss, json!({ "email": "ann@example.org", "display_name": "Annabella Wintersteiner" })).await;
    let with = |member: &str, value: &str| {
        let mut body = acceptance(&token);
        body[member] = json!(value);
        body
    };
    let path = "/v1/invitations/accept";
    for (password, code) in [("short", "password_too_short"), ("Annabella Wintersteiner", "password_context")] {
        let refused = app.client().post(path, with("password", password)).await.expect_problem(422, "invalid_body");
        assert_eq!(refused.fault_at("/password"), Some(code), "{password}");
    }
    let refused = app.client().post(path, with("username", "ZZ-Boss")).await.expect_problem(409, "username_taken");
    assert_eq!(refused.fault_at("/username"), Some("username_taken"));
    app.client().post(path, with("roles", "admin")).await.expect_problem(422, "invalid_body");
    let mut body = with("username", "annabella");
    body["display_name"] = json!("Bella");
    let user = app.client().post(path, body).await.expect(201);
    assert_eq!((user.str("username").as_str(), user.str("display_name").as_str()), ("annabella", "Bella"));
    app.sign_in("annabella", PASSWORD).await;
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn it_works_where_nobody_may_sign_up_by_themselves() {
    for setting in ["invite", "closed"] {
        let app = TestApp::with(&[("USHER_REGISTRATION", setting)]).await;
        let boss = app.manager().await;
        let token = mailed(&app, &boss, json!({ "email": "ann@example.org" })).await;
        accept(&app, &token).await.expect(201);
        app.sign_in("ann@example.org", PASSWORD).await;
        app.mails().await;
        app.finish().await;
    }
}

#[tokio::test]
async fn r047_a_sign_up_that_waits_for_its_verification_gives_no_right_to_the_address() {
    let app = TestApp::new().await;
    let boss = app.manager().await;
    let sign_up = json!({ "email": "ann@example.org", "password": "seven quiet herons wading", "username": "mallory" });
    app.client().post("/v1/register", sign_up).await.expect(202);
    let strangers = app.mailed_token().await;
    let token = mailed(&app, &boss, json!({ "email": "ann@example.org" })).await;
    let user = accept(&app, &token).await.expect(201);
    assert_ne!(user.str("username"), "mallory");
    let verify = json!({ "token": strangers, "password": "seven quiet herons wading" });
    app.client().post("/v1/verify-email", verify).await.expect_problem(422, "invalid_token");
    app.sign_in("ann@example.org", PASSWORD).await;
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn what_the_inviter_could_not_give_any_more_is_left_out_and_audited() {
    let app = TestApp::new().await;
    let root = app.admin().await;
    for (name, permissions) in [("support", json!(["users:read"])), ("reader", json!(["audit:read"]))] {
        root.client.post("/v1/roles", json!({ "name": name, "permissions": permissions })).await.expect(201);
    }
    let permissions = json!(["invitations:write", "roles:assign", "users:read", "audit:read"]);
    root.client.post("/v1/roles", json!({ "name": "inviter", "permissions": permissions })).await.expect(201);
    let eve = app.person("eve", &["inviter", "user"]).await;
    let wish = |name: &str| json!({ "email": format!("{name}@example.org"), "roles": ["support", "reader", "user"] });
    let first = link(&eve, wish("first")).await;
    let (second, third) = (link(&eve, wish("second")).await, link(&eve, wish("third")).await);
    assert_eq!(accept(&app, &first).await.expect(201).json["roles"], json!(["reader", "support", "user"]));
    // The role grants more than on the day of the invitation, and more than the inviter holds.
    root.client.patch("/v1/roles/support", json!({ "permissions": ["users:read", "users:write"] })).await.expect(200);
    assert_eq!(accept(&app, &second).await.expect(201).json["roles"], json!(["reader", "user"]));
    let left_out = "select count(*) from audit_details where content like '%\"roles_left_out\":[\"support\"]%'";
    assert_eq!(app.count(left_out).await, 1);
    // And then the inviter is nobody who gives anything.
    root.client.post(&format!("/v1/users/{}/suspend", eve.id), json!({})).await.expect(200);
    assert_eq!(accept(&app, &third).await.expect(201).json["roles"], json!(["user"]));
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn an_inviter_who_is_gone_for_good_gives_nothing() {
    let app = TestApp::new().await;
    let root = app.admin().await;
    let eve = app.person("eve", &["admin", "user"]).await;
    let wish = json!({ "email": "ann@example.org", "roles": ["admin"], "expires_in_days": 30 });
    let token = link(&eve, wish).await;
    let mut tx = app.tx().await;
    tx.execute("delete from users where id = $1", &[&uuid::Uuid::parse_str(&eve.id).unwrap()]).await.unwrap();
    tx.commit().await.unwrap();
    let listed = root.client.get(PATH).await.expect(200);
    assert_eq!(listed.json["items"][0]["invited_by"], json!({ "kind": "user", "id": null, "name": null }));
    assert_eq!(accept(&app, &token).await.expect(201).json["roles"], json!(["user"]));
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn where_users_need_attributes_nobody_is_invited() {
    let app = TestApp::new().await;
    let root = app.admin().await;
    let token = mailed(&app, &root, json!({ "email": "ann@example.org" })).await;
    let me = format!("/v1/users/{}", root.id);
    root.client.patch(&me, json!({ "attributes": { "team": "One" } })).await.expect(200);
    let schema = json!({
        "type": "object", "properties": { "team": { "type": "string" } }, "required": ["team"], "additionalProperties": true
    });
    root.client.put("/v1/attribute-schema", schema).await.expect(200);
    accept(&app, &token).await.expect_problem(409, "attributes_required");
    root.client.post(PATH, json!({ "email": "bob@example.org" })).await.expect_problem(409, "attributes_required");
    app.mails().await;
    app.finish().await;
}
