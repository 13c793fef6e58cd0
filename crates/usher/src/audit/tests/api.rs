//! The audit trail, as the API shows it: every change, who made it and why, and never a secret.

use std::collections::BTreeSet;
use std::path::Path;

use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::testing::{Answer, Client, PASSWORD, TestApp, token_in};

async fn events(client: &Client, query: &str) -> Vec<Value> {
    let list = client.get(&format!("/v1/audit-events?limit=200&{query}")).await.expect(200);
    list.json["items"].as_array().unwrap().clone()
}

/// The only event of this action on this target.
async fn event(client: &Client, action: &str, target: &str) -> Value {
    let mut found = events(client, &format!("action={action}&target_id={target}")).await;
    assert_eq!(found.len(), 1, "{action}: {found:?}");
    found.remove(0)
}

/// Sends a change with a reason and a request id of its own.
async fn change(client: &Client, method: Method, path: &str, body: Option<Value>) -> Answer {
    let headers = [("x-reason", "ticket 42"), ("x-request-id", "made-up-by-the-caller"), ("user-agent", "tests/1")];
    let answer = client.send(method, path, &headers, body).await;
    assert!(answer.status.is_success(), "{}", answer.text);
    answer
}

#[tokio::test]
async fn r260_every_change_of_a_user_says_who_what_and_why() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let client = &admin.client;
    let body = json!({ "email": "ann@example.org", "username": "ann" });
    let created = change(client, Method::POST, "/v1/users", Some(body)).await;
    let id = created.str("id");
    let path = format!("/v1/users/{id}");
    let at = |rest: &str| format!("{path}/{rest}");
    let status = |before: &str, after: &str| json!({ "before": before, "after": after });
    let steps = [
        (
            Method::PATCH,
            path.clone(),
            json!({ "bio": "Gardener" }),
            "user.updated",
            "bio",
            json!({ "before": null, "after": "Gardener" }),
        ),
        (Method::POST, at("suspend"), json!({}), "user.suspended", "status", status("pending", "suspended")),
        (Method::POST, at("reactivate"), json!({}), "user.reactivated", "status", status("suspended", "pending")),
        (
            Method::PUT,
            at("roles"),
            json!({ "roles": ["manager", "user"] }),
            "user.roles_set",
            "roles",
            json!({ "before": ["user"], "after": ["manager", "user"] }),
        ),
        (
            Method::PUT,
            at("professional"),
            json!({ "professional": true }),
            "user.professional_set",
            "professional_at",
            json!({ "before": null, "after": "2026-01-01T00:00:00Z" }),
        ),
        (Method::DELETE, path.clone(), Value::Null, "user.deleted", "status", status("pending", "deleted")),
        (Method::POST, at("restore"), json!({}), "user.restored", "status", status("deleted", "pending")),
    ];
    for (method, path, body, action, member, difference) in steps {
        let answer = change(client, method, &path, (!body.is_null()).then_some(body)).await;
        let event = event(client, action, &id).await;
        assert_eq!(event["changes"][member], difference, "{action}");
        assert_eq!((&event["actor_kind"], &event["actor_id"]), (&json!("user"), &json!(admin.id)), "{action}");
        assert_eq!((&event["target_kind"], &event["outcome"]), (&json!("user"), &json!("success")), "{action}");
        assert_eq!((&event["reason"], &event["user_agent"]), (&json!("ticket 42"), &json!("tests/1")), "{action}");
        assert_eq!(event["request_id"], answer.headers["x-request-id"].to_str().unwrap(), "{action}");
        assert_ne!(event["request_id"], "made-up-by-the-caller");
        assert_eq!(event["occurred_at"], "2026-01-01T00:00:00Z");
    }
    let event = event(client, "user.created", &id).await;
    assert_eq!(event["changes"]["email"], json!({ "before": null, "after": "ann@example.org" }));
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn a_reason_in_the_body_is_kept_too_and_ends_at_500_characters_in_the_header() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    let path = format!("/v1/users/{}/suspend", ann.id);
    admin.post(&path, json!({ "reason": "Spam\nand \"more\"" })).await.expect(200);
    assert_eq!(event(&admin, "user.suspended", &ann.id).await["reason"], "Spam\nand \"more\"");
    let long = "x".repeat(600);
    let path = format!("/v1/users/{}/reactivate", ann.id);
    admin.send(Method::POST, &path, &[("x-reason", &long)], None).await.expect(200);
    assert_eq!(event(&admin, "user.reactivated", &ann.id).await["reason"], "x".repeat(500));
    app.finish().await;
}

#[tokio::test]
async fn a_change_that_did_not_happen_leaves_no_event() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    let before = app.count("select count(*) from audit_events").await;
    let path = format!("/v1/users/{}", ann.id);
    let stale = [("if-match", "\"99\"")];
    admin.send(Method::PATCH, &path, &stale, Some(json!({ "bio": "x" }))).await.expect(412);
    admin.post("/v1/users", json!({ "email": ann.email })).await.expect(409);
    admin.patch(&path, json!({ "attributes": { "a": "x".repeat(20_000) } })).await.expect(422);
    admin.put(&format!("{path}/roles"), json!({ "roles": ["nobody"] })).await.expect(422);
    assert_eq!(app.count("select count(*) from audit_events").await, before);
    app.finish().await;
}

#[tokio::test]
async fn r260_roles_refusals_and_sign_ins_are_in_the_trail() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    admin.post("/v1/roles", json!({ "name": "support", "permissions": [] })).await.expect(201);
    admin.patch("/v1/roles/support", json!({ "permissions": ["users:read"] })).await.expect(200);
    admin.delete("/v1/roles/support").await.expect(204);
    let updated = event(&admin, "role.updated", "support").await;
    assert_eq!(updated["changes"], json!({ "permissions": { "before": [], "after": ["users:read"] } }));
    for action in ["role.created", "role.deleted"] {
        assert_eq!(event(&admin, action, "support").await["target_kind"], "role");
    }
    ann.client.get("/v1/users").await.expect(403);
    let denied = events(&admin, "action=permission.denied").await;
    assert_eq!((denied.len(), &denied[0]["actor_id"]), (1, &json!(ann.id)));
    assert_eq!((&denied[0]["outcome"], &denied[0]["changes"]), (&json!("failure"), &json!({ "permission": "users:read" })));
    app.client().post("/v1/login", json!({ "identifier": ann.email, "password": "not the password" })).await.expect(401);
    let tried = events(&admin, &format!("action=sign_in&target_id={}", ann.id)).await;
    let outcomes: BTreeSet<&str> = tried.iter().map(|event| event["outcome"].as_str().unwrap()).collect();
    assert_eq!((tried.len(), outcomes), (2, BTreeSet::from(["failure", "success"])));
    app.finish().await;
}

#[tokio::test]
async fn r262_no_secret_is_ever_in_the_trail() {
    let app = TestApp::new().await;
    let (admin, anyone) = (app.admin().await.client, app.client());
    let new = "violet harbour anvil thirteen";
    let register = json!({ "email": "ann@example.org", "password": PASSWORD, "display_name": "Ann" });
    anyone.post("/v1/register", register).await.expect(202);
    let verify = app.mailed_token().await;
    anyone.post("/v1/verify-email", json!({ "token": verify, "password": PASSWORD })).await.expect(200);
    anyone.post("/v1/login", json!({ "identifier": "ann@example.org", "password": "a wrong canary" })).await.expect(401);
    let ann = app.sign_in("ann@example.org", PASSWORD).await;
    let tokens = anyone.post("/v1/refresh", json!({ "refresh_token": ann.refresh_token })).await.expect(200);
    anyone.post("/v1/refresh", json!({ "refresh_token": ann.refresh_token })).await.expect(401);
    anyone.post("/v1/password/forgot", json!({ "email": "ann@example.org" })).await.expect(202);
    let reset = token_in(&app.mails().await[0]);
    anyone.post("/v1/password/reset", json!({ "token": reset, "password": new })).await.expect(200);
    admin.post("/v1/users", json!({ "email": "bob@example.org" })).await.expect(201);
    app.mails().await;

    let mut tx = app.tx().await;
    let rows =
        tx.query("select e::text || d.content from audit_events e join audit_details d on d.event_id = e.id", &[]).await.unwrap();
    tx.commit().await.unwrap();
    let trail: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert!(trail.len() > 12, "{trail:#?}");
    let access = tokens.str("access_token");
    for secret in [PASSWORD, new, "a wrong canary", "$argon2", "ush_", "eyJ", &verify, &reset, &ann.refresh_token, &access] {
        assert!(!trail.iter().any(|row| row.contains(secret)), "{secret}: {trail:#?}");
    }
    app.finish().await;
}

#[tokio::test]
async fn filters_choose_by_actor_target_and_action() {
    let app = TestApp::new().await;
    let (admin, manager, ann) = (app.admin().await, app.manager().await, app.user("ann").await);
    manager.client.patch(&format!("/v1/users/{}", ann.id), json!({ "bio": "One" })).await.expect(200);
    admin.client.patch(&format!("/v1/users/{}", ann.id), json!({ "bio": "Two" })).await.expect(200);
    ann.client.patch("/v1/me", json!({ "bio": "Three" })).await.expect(200);
    for (who, query) in [(&admin, "Two"), (&manager, "One"), (&ann, "Three")] {
        let found = events(&admin.client, &format!("action=user.updated&actor_id={}", who.id)).await;
        assert_eq!((found.len(), &found[0]["changes"]["bio"]["after"]), (1, &json!(query)));
    }
    assert_eq!(events(&admin.client, &format!("action=user.updated&target_id={}", ann.id)).await.len(), 3);
    assert_eq!(events(&admin.client, "action=user.flown").await.len(), 0);
    for (query, parameter) in [("actor_id=ann", "actor_id"), ("actor=x", "actor"), ("limit=0", "limit"), ("cursor=x", "cursor")] {
        let refused = admin.client.get(&format!("/v1/audit-events?{query}")).await.expect_problem(422, "invalid_query");
        assert_eq!(refused.json["errors"][0]["parameter"], parameter, "{}", refused.text);
    }
    app.finish().await;
}

#[tokio::test]
async fn the_pages_hold_every_event_once_newest_first() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    for at in 0..20 {
        app.advance(SignedDuration::from_millis(2));
        admin.patch(&format!("/v1/users/{}", ann.id), json!({ "bio": format!("{at}") })).await.expect(200);
    }
    let (mut path, mut met) = ("/v1/audit-events?action=user.updated&limit=6".to_owned(), Vec::new());
    loop {
        let page = admin.get(&path).await.expect(200);
        met.extend(page.json["items"].as_array().unwrap().iter().map(|event| event["changes"]["bio"]["after"].clone()));
        let Some(next) = page.json["next"].as_str() else { break };
        let link = page.headers["link"].to_str().unwrap();
        assert_eq!(link, format!("</v1/audit-events?action=user.updated&limit=6&cursor={next}>; rel=\"next\""));
        path = link[1..].split('>').next().unwrap().to_owned();
    }
    let expected: Vec<Value> = (0..20).rev().map(|at| json!(at.to_string())).collect();
    assert_eq!(met, expected);
    app.finish().await;
}

#[tokio::test]
async fn r200_the_trail_needs_its_own_permission() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    app.manager().await.client.get("/v1/audit-events").await.expect_problem(403, "forbidden");
    admin.post("/v1/roles", json!({ "name": "auditor", "permissions": ["audit:read"] })).await.expect(201);
    app.person("eve", &["auditor"]).await.client.get("/v1/audit-events").await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn addresses_and_personal_attributes_are_for_who_may_read_users() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    let personal = json!({ "type": "string", "pii": true });
    let properties = json!({ "nickname": personal, "home": personal, "floor": { "type": "integer" } });
    let mut schema = json!({ "type": "object", "properties": {}, "required": [], "additionalProperties": true });
    schema["properties"] = properties;
    admin.put("/v1/attribute-schema", schema).await.expect(200);
    admin.post("/v1/roles", json!({ "name": "auditor", "permissions": ["audit:read"] })).await.expect(201);
    admin.post("/v1/roles", json!({ "name": "reader", "permissions": ["audit:read", "users:read"] })).await.expect(201);
    let auditor = app.person("eve", &["auditor"]).await.client;
    let reader = app.person("kim", &["reader"]).await.client;
    let path = format!("/v1/users/{}", ann.id);
    let first = json!({ "floor": 1, "nickname": "Nan", "home": "Linz", "unknown": 1 });
    admin.patch(&path, json!({ "attributes": first })).await.expect(200);
    app.advance(SignedDuration::from_millis(2));
    let second = json!({ "attributes": { "floor": 2, "nickname": "Annie", "unknown": 2 } });
    admin.send(Method::PATCH, &path, &[("x-reason", "asked by bob@example.org")], Some(second)).await.expect(200);
    let masked = json!({
        "before": { "floor": 1, "nickname": "…", "unknown": "…" },
        "after": { "floor": 2, "nickname": "…", "unknown": "…" }
    });
    let whole = json!({
        "before": { "floor": 1, "nickname": "Nan", "home": "Linz", "unknown": 1 },
        "after": { "floor": 2, "nickname": "Annie", "home": "Linz", "unknown": 2 }
    });
    for (client, attributes, reason, address) in [
        (&auditor, &masked, "asked by b…@example.org", "a…@example.org"),
        (&reader, &whole, "asked by bob@example.org", "ann@example.org"),
    ] {
        let listed = client.get("/v1/changes?limit=1").await.expect(200).json["items"][0].clone();
        let read = client.get(&format!("/v1/changes/{}", listed["id"].as_str().unwrap())).await.expect(200).json;
        let event = client.get("/v1/audit-events?limit=1&action=user.updated").await.expect(200).json["items"][0].clone();
        for shown in [listed, read, event] {
            assert_eq!((&shown["changes"]["attributes"], &shown["reason"]), (attributes, &json!(reason)), "{shown}");
        }
        let created = events(client, &format!("action=user.created&target_id={}", ann.id)).await.remove(0);
        assert_eq!(created["changes"]["email"]["after"], address);
        assert_eq!(created["changes"]["emails"]["after"][0]["address"], address);
    }
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r260_a_refusal_within_an_operation_is_in_the_trail_too() {
    let app = TestApp::new().await;
    let (admin, manager) = (app.admin().await, app.manager().await);
    let path = format!("/v1/users/{}", admin.id);
    manager.client.patch(&path, json!({ "bio": "x" })).await.expect_problem(403, "target_outranks_caller");
    let denied = events(&admin.client, "action=permission.denied").await;
    assert_eq!(denied.len(), 1);
    assert_eq!((&denied[0]["actor_id"], &denied[0]["outcome"]), (&json!(manager.id), &json!("failure")));
    assert_eq!(denied[0]["changes"], json!({ "refusal": "target_outranks_caller" }));
    app.finish().await;
}

/// The actions in the sources, but for tests.
fn actions_in(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("test") {
            continue;
        }
        if path.is_dir() {
            actions_in(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let source = std::fs::read_to_string(&path).unwrap();
            for before in ["Event::success(\"", "Event::failure(\"", "finish(tx, \"", "(tx, before, \"", "(&mut tx, &before, \""]
            {
                let actions = source.split(before).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
                found.extend(actions);
            }
        }
    }
}

#[test]
fn r260_every_action_is_in_the_documentation() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut actions = BTreeSet::new();
    actions_in(&root.join("src"), &mut actions);
    assert!(actions.len() > 25, "{actions:?}");
    let page = std::fs::read_to_string(root.join("../../docs/audit.md")).unwrap();
    let table: String = page.lines().filter(|line| line.starts_with("| `")).collect();
    let missing: Vec<_> = actions.iter().filter(|action| !table.contains(&format!("`{action}`"))).collect();
    assert!(missing.is_empty(), "docs/audit.md lacks {missing:?}");
}

#[tokio::test]
async fn events_and_changes_are_found_by_when_they_happened() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    let act = async |act: &str| admin.post(&format!("/v1/users/{}/{act}", ann.id), json!({})).await.expect(200);
    act("suspend").await;
    app.advance(SignedDuration::from_mins(1));
    act("reactivate").await;
    app.advance(SignedDuration::from_micros(500));
    act("suspend").await;
    for list in ["audit-events", "changes"] {
        let at = |path: &str| format!("/v1/{list}?target_id={}&{path}", ann.id);
        let found = async |query: &str| {
            let found = admin.get(&at(query)).await.expect(200).json;
            let actions = found["items"].as_array().unwrap().iter().map(|item| item["action"].as_str().unwrap().to_owned());
            actions.filter(|action| ["user.suspended", "user.reactivated"].contains(&action.as_str())).collect::<Vec<_>>()
        };
        let (suspended, reactivated) = ("user.suspended", "user.reactivated");
        assert_eq!(found("occurred_after=2026-01-01T00:01:00Z").await, [suspended, reactivated], "{list}");
        assert_eq!(found("occurred_after=2026-01-01T01:01:00.000001%2B01:00").await, [suspended], "{list}");
        assert_eq!(found("occurred_before=2026-01-01T00:01:00.0005Z").await, [reactivated, suspended], "{list}");
        assert_eq!(found("occurred_before=2026-01-01T00:01:00Z").await, [suspended], "{list}");
        let between = "occurred_after=2026-01-01T00:00:00.000001Z&occurred_before=2026-01-01T00:01:00.0005Z";
        assert_eq!(found(between).await, [reactivated], "{list}");
        let nothing = "occurred_after=2026-01-02T00:00:00Z&occurred_before=2026-01-01T00:00:00Z";
        assert_eq!(found(nothing).await, Vec::<String>::new(), "{list}");
        assert_eq!(found("occurred_before=9999-12-30T22:00:00.999999999Z&occurred_after=0001-01-01T00:00:00Z").await.len(), 3);

        // The next page is of the same time.
        let query = "action=user.suspended&occurred_before=2026-01-01T00:01:00.001Z&limit=1";
        let page = admin.get(&at(query)).await.expect(200);
        let link = page.headers["link"].to_str().unwrap();
        assert!(link.contains("occurred_before=2026-01-01T00:01:00.001Z"), "{link}");
        let next = page.str("next");
        let next = admin.get(&at(&format!("{query}&cursor={next}"))).await.expect(200).json;
        assert_eq!((&next["items"][0]["occurred_at"], &next["next"]), (&json!("2026-01-01T00:00:00Z"), &Value::Null));
        for (name, value) in [("occurred_after", "yesterday"), ("occurred_before", "2026-01-01"), ("occurred_before", "")] {
            let refused = admin.get(&at(&format!("{name}={value}"))).await.expect_problem(422, "invalid_query");
            assert_eq!(refused.json["errors"][0]["parameter"], name, "{}", refused.text);
        }
    }
    app.run_jobs().await;
    app.finish().await;
}
