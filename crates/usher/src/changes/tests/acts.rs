//! Acts that end something, or tell somebody: each is a change with its fields and its reason, and none can be undone.

use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{newest_change, path, undo};
use crate::id::{MailId, UserId};
use crate::testing::{Client, PASSWORD, Person, TestApp};

/// Does it and looks at the change that came of it, which can't be undone.
async fn act(admin: &Client, (method, at, body): (Method, &str, Option<Value>), action: &str, changes: Value) -> Value {
    let answer = admin.send(method, at, &[("x-reason", "ticket 42")], body).await;
    assert!(answer.status.is_success(), "{action}: {}", answer.text);
    let change = newest_change(admin).await;
    assert_eq!((&change["action"], &change["reason"]), (&json!(action), &json!("ticket 42")));
    assert_eq!(change["change_id"], change["id"], "{action}");
    let Value::Object(changes) = changes else { panic!("{action}: fields, each before and after") };
    for (field, sides) in changes {
        assert_eq!(change["changes"][&field], sides, "{action}: {field} of {}", change["changes"]);
    }
    undo(admin, &change["id"], json!({})).await.expect_problem(409, "not_undoable");
    let dry = undo(admin, &change["id"], json!({ "dry_run": true, "skip_conflicts": true })).await;
    dry.expect_problem(409, "not_undoable");
    change
}

async fn post(admin: &Client, at: &str, action: &str, changes: Value) -> Value {
    act(admin, (Method::POST, at, Some(json!({}))), action, changes).await
}

async fn delete(admin: &Client, at: &str, action: &str, changes: Value) -> Value {
    act(admin, (Method::DELETE, at, None), action, changes).await
}

fn sides(before: impl Into<Value>, after: impl Into<Value>) -> Value {
    let (before, after): (Value, Value) = (before.into(), after.into());
    json!({ "before": before, "after": after })
}

async fn living_sessions(admin: &Client, person: &Person) -> Vec<Value> {
    let sessions = admin.get(&format!("{}/sessions", path(person))).await.expect(200).json;
    sessions["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn what_ends_somebody_elses_access_is_a_change_that_stays() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    let (own, born) = (path(&ann), app.now());
    app.advance(SignedDuration::from_secs(1));
    let now = json!(app.now());
    let key = json!({ "name": "Nightly", "permissions": [] });
    let made = ann.client.post("/v1/me/api-keys", key.clone()).await.expect(201).str("id");
    let at = format!("{own}/api-keys/{made}");
    delete(&admin, &at, "api_key.revoked", json!({ "revoked_at": sides(Value::Null, now.clone()) })).await;

    app.sign_in(&ann.email, PASSWORD).await;
    let session = living_sessions(&admin, &ann).await[0]["id"].as_str().unwrap().to_owned();
    let at = format!("{own}/sessions/{session}");
    let change = delete(&admin, &at, "session.ended", json!({ "ended_at": sides(Value::Null, now) })).await;
    assert_eq!(change["changes"]["why"], "ended_by_administrator");

    let link = json!({ "link": sides(Value::Null, "reset_password") });
    post(&admin, &format!("{own}/reset-password"), "password_reset.started", link).await;
    let bound = app.with_second_factor(&ann).await;
    bound.person.client.post("/v1/me/api-keys", key).await.expect(201);
    let at = format!("{own}/second-factors");
    delete(&admin, &at, "second_factor.reset", json!({ "totp": sides(true, false) })).await;
    let count = living_sessions(&admin, &ann).await.len();
    assert!(count > 0);
    let ended = json!({ "sessions": sides(count, 0), "api_keys": sides(1, 0) });
    let change = post(&admin, &format!("{own}/sign-out-everywhere"), "user.sessions_ended", ended).await;
    assert!(living_sessions(&admin, &ann).await.is_empty());

    // What people do of themselves is no administrative change, and whoever has no session is none.
    let again = app.sign_in(&ann.email, PASSWORD).await.client;
    again.post("/v1/me/sessions/revoke-others", json!({})).await.expect(204);
    let session = again.get("/v1/me/sessions").await.expect(200).json["items"][0]["id"].as_str().unwrap().to_owned();
    again.delete(&format!("/v1/me/sessions/{session}")).await.expect(204);
    admin.post(&format!("{own}/sign-out-everywhere"), json!({})).await.expect(204);
    assert_eq!(newest_change(&admin).await["id"], change["id"]);

    // All of it is in their history, and nothing of it is a field of theirs.
    let history = admin.get(&format!("{own}/history")).await.expect(200).json.to_string();
    for action in ["password_reset.started", "second_factor.reset", "user.sessions_ended"] {
        assert!(history.contains(&format!("\"{action}\"")), "{action}");
    }
    let (now, was) = (admin.get(&own).await.expect(200), admin.get(&format!("{own}?as_of={born}")).await.expect(200));
    for member in ["username", "status", "emails", "roles", "attributes"] {
        assert_eq!(was.json[member], now.json[member], "{member}");
    }
    assert!(was.json.get("sessions").is_none() && was.json.get("totp").is_none(), "{}", was.text);
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn what_is_done_to_invitations_mails_and_requests_is_a_change() {
    let app = TestApp::with(&[("USHER_PROFESSIONAL_REQUIRES", "bio")]).await;
    let (admin, ann, bob) = (app.admin().await, app.user("ann").await, app.user("bob").await);
    let wish = json!({ "email": "eve@example.org", "roles": ["user"] });
    let made = json!({ "state": sides(Value::Null, "waiting"), "roles": sides(Value::Null, json!(["user"])) });
    let change = act(&admin.client, (Method::POST, "/v1/invitations", Some(wish)), "invitation.created", made).await;
    assert!(!change["changes"].to_string().contains("eve@"), "{change}");
    let one = format!("/v1/invitations/{}", change["target_id"].as_str().unwrap());
    let until = admin.client.get(&one).await.expect(200).json["expires_at"].clone();
    app.advance(SignedDuration::from_mins(1));
    let change = post(&admin.client, &format!("{one}/resend"), "invitation.resent", json!({})).await;
    assert_eq!(change["changes"]["expires_at"]["before"], until);
    delete(&admin.client, &one, "invitation.revoked", json!({ "state": sides("waiting", "revoked") })).await;

    let (mail, ann_id): (MailId, UserId) = (MailId::new(app.now()), ann.id.parse().unwrap());
    let sealed = app.app.sealer.seal(&format!("mail:{mail}"), br#"{"text":"the words in it","html":"<p>the words in it"}"#);
    let mut tx = app.tx().await;
    let sql = "
        insert into mails (id, user_id, template, recipient, subject, body_sealed, status, attempts, last_error, created_at)
        values ($1, $2, 'reset_password', 'ann@example.org', 'A subject', $3, 'failed', 12, '550', $4)";
    tx.execute(sql, &[&mail, &ann_id, &sealed, &app.now()]).await.unwrap();
    tx.commit().await.unwrap();
    let queued = json!({ "status": sides("failed", "queued") });
    post(&admin.client, &format!("/v1/mails/{mail}/retry"), "mail.retried", queued).await;

    ann.client.patch("/v1/me", json!({ "bio": "A translator." })).await.expect(200);
    let wish = json!({ "kind": "professional", "message": "Ten years" });
    let asked = ann.client.post("/v1/me/approval-requests", wish).await.expect(201).str("id");
    let decline = format!("/v1/approval-requests/{asked}/decline");
    let body = Some(json!({ "reason": "Too few." }));
    let declined = json!({ "request": sides("waiting", "declined") });
    act(&admin.client, (Method::POST, &decline, body), "approval.declined", declined).await;

    // Who has deleted themselves comes back by nobody's hand but an administrator's from here on.
    bob.client.delete("/v1/me").await.expect(204);
    let deleted = json!({ "deleted_by": sides(bob.id.as_str(), admin.id.as_str()) });
    delete(&admin.client, &path(&bob), "user.deleted", deleted).await;
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn a_run_is_paused_by_a_change_and_signing_out_many_is_undone_by_none() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    let run = admin.post("/v1/bulk", json!({ "action": "sign_out", "ids": [ann.id] })).await.expect(201);
    let at = format!("/v1/bulk/{}", run.str("id"));
    admin.post(&format!("{at}/run"), json!({ "token": run.str("token") })).await.expect(202);
    post(&admin, &format!("{at}/pause"), "bulk.paused", json!({ "state": sides("running", "paused") })).await;
    post(&admin, &format!("{at}/resume"), "bulk.resumed", json!({ "state": sides("paused", "running") })).await;
    app.run_jobs().await;
    let members = admin.get(&format!("/v1/changes/{}/members", run.str("id"))).await.expect(200).json;
    let ended = members["items"].as_array().unwrap().iter().find(|event| event["action"] == "user.sessions_ended").unwrap();
    assert_eq!(ended["changes"], json!({ "sessions": sides(1, 0) }));
    for id in [&run.json["id"], &ended["id"]] {
        undo(&admin, id, json!({})).await.expect_problem(409, "not_undoable");
    }
    app.finish().await;
}
