//! Actions on many users: preview, run, pause, what is refused, and undo as a whole.

mod attributes;
mod counting;

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::app::App;
use crate::bulk::store;
use crate::bulk::work::{self, Step};
use crate::testing::{Answer, Client, TestApp};

mod ends;

/// So many active users with the names `u0000` and so on.
async fn crowd(app: &TestApp, count: i64) {
    let mut tx = app.tx().await;
    let users = "
        insert into users (id, username, status, created_at, updated_at)
        select md5('user' || at)::uuid, 'u' || lpad(at::text, 4, '0'), 'active', '2026-01-01', '2026-01-01'
        from generate_series(0, $1::bigint - 1) as at";
    tx.execute(users, &[&count]).await.unwrap();
    let emails = "
        insert into emails (id, user_id, address, address_normal, is_primary, verified_at, created_at)
        select md5('address' || id)::uuid, id, username || '@mail.example', username || '@mail.example', true, '2026-01-01', '2026-01-01'
        from users
        where username ~ '^u[0-9]'";
    tx.execute(emails, &[]).await.unwrap();
    let roles = "
        insert into user_roles (user_id, role_name, granted_at)
        select id, 'user', '2026-01-01'
        from users
        where username ~ '^u[0-9]'";
    tx.execute(roles, &[]).await.unwrap();
    tx.commit().await.unwrap();
}

async fn preview(client: &Client, body: Value) -> Answer {
    client.post("/v1/bulk", body).await.expect(201)
}

async fn begin(client: &Client, preview: &Answer) -> String {
    let path = format!("/v1/bulk/{}", preview.str("id"));
    client.post(&format!("{path}/run"), json!({ "token": preview.str("token") })).await.expect(202);
    path
}

async fn count_in(app: &TestApp, status: &str) -> i64 {
    app.count(&format!("select count(*) from users where status = '{status}' and username ~ '^u[0-9]'")).await
}

/// Every user as an export would show them, but for when they were changed.
async fn state(app: &TestApp) -> String {
    let mut tx = app.tx().await;
    let sql = "
        select md5(string_agg(row::text, ',' order by row::text)) from (
            select u.username, u.status, u.attributes, u.bio, u.deleted_at,
                array(select role_name from user_roles ur where ur.user_id = u.id order by 1) as roles
            from users u
        ) as row";
    let sum = tx.query_one(sql, &[]).await.unwrap().get(0);
    tx.commit().await.unwrap();
    sum
}

#[tokio::test]
async fn a_preview_changes_nothing_and_a_run_does_what_it_said() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    crowd(&app, 1203).await;
    admin.post("/v1/bulk", json!({ "action": "suspend", "ids": ["0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d"] })).await.expect(201);
    let before = state(&app).await;
    let body =
        json!({ "action": "suspend", "filter": "userName sw \"u\" and not (userName eq \"u0000\")", "reason": "spring clean" });
    let shown = preview(&admin, body).await;
    assert_eq!(
        (&shown.json["total"], &shown.json["counts"]["to_do"], &shown.json["state"]),
        (&json!(1202), &json!(1202), &json!("previewed"))
    );
    assert_eq!(shown.json["sample"].as_array().unwrap().len(), 20);
    assert_eq!(state(&app).await, before);

    // Who comes to fit later is not in the set.
    let late = app.user("ulate").await;
    let path = begin(&admin, &shown).await;
    admin.post(&format!("{path}/run"), json!({ "token": shown.str("token") })).await.expect_problem(409, "invalid_state");
    app.run_jobs().await;
    let run = admin.get(&path).await.expect(200).json;
    assert_eq!(
        (&run["state"], &run["counts"]["done"], &run["reason"]),
        (&json!("finished"), &json!(1202), &json!("spring clean"))
    );
    assert_eq!((count_in(&app, "suspended").await, count_in(&app, "active").await), (1202, 1));
    late.client.get("/v1/me").await.expect(200);
    assert_eq!(app.count("select count(*) from audit_events where action = 'user.suspended'").await, 1202);

    // One change set, undone as a whole.
    let change = admin.get("/v1/changes?limit=1").await.expect(200).json["items"][0].clone();
    assert_eq!(
        (&change["action"], &change["id"], &change["reason"]),
        (&json!("bulk.started"), &run["id"], &json!("spring clean"))
    );
    let members = admin.get(&format!("/v1/changes/{}/members?limit=200", run["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(members.json["items"].as_array().unwrap().len(), 200);
    let undo = format!("/v1/changes/{}/undo", run["id"].as_str().unwrap());
    let undoing = admin.post(&undo, json!({})).await.expect(200);
    admin.post(&undo, json!({})).await.expect_problem(409, "invalid_state");
    app.run_jobs().await;
    let path = format!("/v1/bulk/{}", undoing.json["run"]["id"].as_str().unwrap());
    assert_eq!(admin.get(&path).await.expect(200).json["counts"]["done"], 1202);
    assert_eq!(count_in(&app, "active").await, 1203);
    app.finish().await;
}

#[tokio::test]
async fn every_action_is_undone_to_the_same_state() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    crowd(&app, 60).await;
    let filter = "userName sw \"u0\"";
    for action in [
        json!({ "action": "suspend" }),
        json!({ "action": "delete" }),
        json!({ "action": "assign_role", "role": "manager" }),
        json!({ "action": "remove_role", "role": "user" }),
        json!({ "action": "set_attributes", "attributes": { "team": "red", "deep": { "a": 1 } } }),
    ] {
        let before = state(&app).await;
        let mut body = action.clone();
        body["filter"] = json!(filter);
        let path = begin(&admin, &preview(&admin, body).await).await;
        app.run_jobs().await;
        let run = admin.get(&path).await.expect(200).json;
        assert_eq!((&run["state"], &run["counts"]["done"]), (&json!("finished"), &json!(60)), "{action}");
        assert_ne!(state(&app).await, before, "{action}");
        admin.post(&format!("/v1/changes/{}/undo", run["id"].as_str().unwrap()), json!({})).await.expect(200);
        app.run_jobs().await;
        assert_eq!(state(&app).await, before, "{action}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_password_reset_is_required_by_mail_and_signing_out_ends_sessions() {
    let app = TestApp::new().await;
    let (admin, ann, bob) = (app.admin().await.client, app.user("ann").await, app.user("bob").await);
    let shown = preview(&admin, json!({ "action": "require_password_reset", "ids": [ann.id] })).await;
    assert_eq!(shown.json["mails"], 1);
    begin(&admin, &shown).await;
    assert_eq!(app.mails().await.len(), 1);
    ann.client.get("/v1/me").await.expect_problem(401, "unauthorized");
    let body = json!({ "identifier": ann.email, "password": crate::testing::PASSWORD });
    app.client().post("/v1/login", body).await.expect_problem(429, "too_many_requests");

    begin(&admin, &preview(&admin, json!({ "action": "sign_out", "ids": [bob.id] })).await).await;
    app.run_jobs().await;
    bob.client.get("/v1/me").await.expect_problem(401, "unauthorized");
    app.finish().await;
}

#[tokio::test]
async fn r203_whom_the_caller_may_not_touch_is_refused_in_the_preview_and_in_the_run() {
    let app = TestApp::new().await;
    let (admin, boss) = (app.admin().await, app.manager().await);
    let (ann, bob, eve) = (app.user("ann").await, app.user("bob").await, app.user("eve").await);
    admin.client.delete(&format!("/v1/users/{}", bob.id)).await.expect(204);
    let nobody = "0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d";
    let body = json!({ "action": "suspend", "ids": [admin.id, ann.id, bob.id, eve.id, nobody] });
    let shown = preview(&boss.client, body).await;
    assert_eq!((&shown.json["counts"]["to_do"], &shown.json["counts"]["refused"]), (&json!(2), &json!(3)));
    let codes: Vec<&Value> = shown.json["refusals"].as_array().unwrap().iter().map(|refusal| &refusal["code"]).collect();
    assert_eq!(codes, ["invalid_state", "not_found", "target_outranks_caller"]);
    // Between preview and run somebody rises.
    admin.client.put(&format!("/v1/users/{}/roles", eve.id), json!({ "roles": ["admin"] })).await.expect(200);
    let path = begin(&boss.client, &shown).await;
    app.run_jobs().await;
    let items = boss.client.get(&format!("{path}/items?outcome=refused")).await.expect(200).json["items"].clone();
    let refused: Vec<&Value> = items.as_array().unwrap().iter().filter(|item| item["user_id"] == json!(eve.id)).collect();
    assert_eq!(refused[0]["code"], "target_outranks_caller");
    ann.client.get("/v1/me").await.expect(401);
    eve.client.get("/v1/me").await.expect(200);

    // A filter finds only whom the list shows.
    let shown = preview(&boss.client, json!({ "action": "suspend", "filter": "id pr" })).await;
    assert_eq!(shown.json["total"], 2, "{}", shown.text);
    for (body, status) in [
        (json!({ "action": "delete", "filter": "id pr" }), 403),
        (json!({ "action": "assign_role", "role": "user", "filter": "id pr" }), 403),
    ] {
        boss.client.post("/v1/bulk", body).await.expect(status);
    }
    app.finish().await;
}

#[tokio::test]
async fn the_last_administrator_is_spared() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let second = app.person("second", &["admin"]).await;
    let shown = preview(&admin.client, json!({ "action": "suspend", "filter": "roles eq \"admin\"" })).await;
    assert_eq!(shown.json["refusals"][0]["code"], "last_admin");
    assert_eq!(shown.json["counts"], json!({ "to_do": 1, "done": 0, "unchanged": 0, "refused": 1, "failed": 0 }));
    // The rule holds when the turn comes, too.
    let both = preview(&admin.client, json!({ "action": "remove_role", "role": "admin", "ids": [second.id] })).await;
    let mut tx = app.tx().await;
    let id = second.id.parse::<uuid::Uuid>().unwrap();
    tx.execute("delete from user_roles where role_name = 'admin' and user_id <> $1", &[&id]).await.unwrap();
    tx.commit().await.unwrap();
    let path = format!("/v1/bulk/{}", both.str("id"));
    second.client.post(&format!("{path}/run"), json!({ "token": both.str("token") })).await.expect(202);
    let mut tx = app.tx().await;
    tx.execute(
        "insert into user_roles (user_id, role_name, granted_at) values ($1, 'admin', now())",
        &[&admin.id.parse::<uuid::Uuid>().unwrap()],
    )
    .await
    .unwrap();
    tx.execute("update users set status = 'suspended' where id = $1", &[&admin.id.parse::<uuid::Uuid>().unwrap()]).await.unwrap();
    tx.commit().await.unwrap();
    app.run_jobs().await;
    let run = second.client.get(&path).await.expect(200).json;
    assert_eq!((&run["state"], &run["counts"]["refused"]), (&json!("finished"), &json!(1)), "{run}");
    second.client.get("/v1/me").await.expect(200);
    app.finish().await;
}

async fn step(app: &App, preview: &Answer) -> Step {
    work::step(app, preview.str("id").parse().unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_run_is_paused_between_batches_and_goes_on_where_it_was() {
    let mut app = TestApp::new().await;
    let admin = app.admin().await.client;
    crowd(&app, 1100).await;
    let shown = preview(&admin, json!({ "action": "suspend", "filter": "userName sw \"u\"" })).await;
    let path = begin(&admin, &shown).await;
    assert_eq!(step(&app.app, &shown).await, Step::More);
    assert_eq!(count_in(&app, "suspended").await, 500);
    assert_eq!(admin.post(&format!("{path}/pause"), json!({})).await.expect(200).json["state"], "paused");
    admin.post(&format!("{path}/pause"), json!({})).await.expect(200);
    app.run_jobs().await;
    assert_eq!(count_in(&app, "suspended").await, 500);
    admin.post(&format!("{path}/resume"), json!({})).await.expect(200);
    app.run_jobs().await;
    assert_eq!(count_in(&app, "suspended").await, 1100);
    admin.post(&format!("{path}/resume"), json!({})).await.expect_problem(409, "invalid_state");
    // Each user was suspended once.
    assert_eq!(app.count("select max(version) from users where username ~ '^u[0-9]'").await, 2);
    app.may_leave_jobs();
    app.finish().await;
}

#[tokio::test]
async fn a_run_does_what_whoever_began_it_may_do_at_that_moment() {
    let app = TestApp::new().await;
    let (admin, boss) = (app.admin().await.client, app.manager().await);
    crowd(&app, 600).await;
    let shown = preview(&boss.client, json!({ "action": "suspend", "filter": "userName sw \"u\"" })).await;
    let path = begin(&boss.client, &shown).await;
    assert_eq!(step(&app.app, &shown).await, Step::More);
    admin.post(&format!("/v1/users/{}/suspend", boss.id), json!({})).await.expect(200);
    app.run_jobs().await;
    let run = admin.get(&path).await.expect(200).json;
    assert_eq!((&run["state"], &run["counts"]["done"], &run["counts"]["to_do"]), (&json!("failed"), &json!(500), &json!(100)));
    assert!(run["error"].as_str().unwrap().contains("may not do this any more"));
    app.finish().await;
}

#[tokio::test]
async fn undo_leaves_out_whom_somebody_has_changed_since() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    crowd(&app, 60).await;
    let path = begin(
        &admin,
        &preview(&admin, json!({ "action": "set_attributes", "attributes": { "team": "red" }, "filter": "userName sw \"u\"" }))
            .await,
    )
    .await;
    app.run_jobs().await;
    let found = admin.get("/v1/users?filter=userName%20eq%20%22u0007%22").await.expect(200).json["items"][0].clone();
    admin
        .patch(&format!("/v1/users/{}", found["id"].as_str().unwrap()), json!({ "attributes": { "team": "blue" } }))
        .await
        .expect(200);
    let id = path.rsplit('/').next().unwrap();
    let undoing = admin.post(&format!("/v1/changes/{id}/undo"), json!({})).await.expect(200);
    app.run_jobs().await;
    let path = format!("/v1/bulk/{}", undoing.json["run"]["id"].as_str().unwrap());
    let run = admin.get(&path).await.expect(200).json;
    assert_eq!((&run["counts"]["done"], &run["counts"]["refused"]), (&json!(59), &json!(1)));
    let refused = admin.get(&format!("{path}/items?outcome=refused")).await.expect(200).json["items"][0].clone();
    assert_eq!((&refused["username"], &refused["code"]), (&json!("u0007"), &json!("undo_conflict")));
    assert_eq!(app.count("select count(*) from users where attributes ->> 'team' = 'blue'").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn a_preview_ends_after_an_hour_and_bad_requests_say_what_to_mend() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let client = &admin.client;
    let shown = preview(client, json!({ "action": "suspend", "filter": "userName sw \"u\"" })).await;
    let run = format!("/v1/bulk/{}/run", shown.str("id"));
    client.post(&run, json!({ "token": "wrong" })).await.expect_problem(422, "invalid_body");
    app.advance(SignedDuration::from_mins(61));
    let client = &app.sign_in(&admin.email, crate::testing::PASSWORD).await.client;
    client.post(&run, json!({ "token": shown.str("token") })).await.expect_problem(422, "invalid_body");
    for (body, pointer) in [
        (json!({ "action": "suspend" }), "/filter"),
        (json!({ "action": "suspend", "filter": "id pr", "ids": [admin.id] }), "/filter"),
        (json!({ "action": "assign_role", "filter": "id pr" }), "/role"),
        (json!({ "action": "assign_role", "role": "nothing", "filter": "id pr" }), "/role"),
        (json!({ "action": "suspend", "role": "user", "filter": "id pr" }), "/role"),
        (json!({ "action": "set_attributes", "filter": "id pr" }), "/attributes"),
        (json!({ "action": "promote", "filter": "id pr" }), "/action"),
        (json!({ "action": "suspend", "filter": "shoeSize eq 43" }), "/filter"),
        (json!({ "action": "suspend", "filter": "userName qe \"x\"" }), "/filter"),
        (json!({ "action": "suspend", "ids": [] }), "/ids"),
    ] {
        let refused = client.post("/v1/bulk", body.clone()).await.expect(422);
        assert!(refused.fault_at(pointer).is_some(), "{body}: {}", refused.text);
    }
    client.get("/v1/bulk/0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d").await.expect_problem(404, "not_found");
    app.finish().await;
}

#[tokio::test]
async fn a_run_that_takes_a_role_is_undone_with_the_ends_that_it_had() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    crowd(&app, 60).await;
    let mut tx = app.tx().await;
    let (soon, late) = (app.now() + SignedDuration::from_mins(1), app.now() + SignedDuration::from_mins(4));
    let ends = "
        update user_roles ur
        set expires_at = case when u.username < 'u0010' then $1::timestamptz when u.username < 'u0040' then $2 end
        from users u
        where u.id = ur.user_id and u.username ~ '^u[0-9]'";
    tx.execute(ends, &[&soon, &late]).await.unwrap();
    tx.commit().await.unwrap();
    let held = async || {
        let until = |at: &str| format!("select count(*) from user_roles where role_name = 'user' and {at}");
        let late = until(&format!("expires_at = '{late}'"));
        let ever = until("expires_at is null and user_id in (select id from users where username ~ '^u[0-9]')");
        (app.count(&late).await, app.count(&ever).await)
    };
    assert_eq!(held().await, (30, 20));
    let body = json!({ "action": "remove_role", "role": "user", "filter": "userName sw \"u0\"" });
    let path = begin(&admin, &preview(&admin, body).await).await;
    app.run_jobs().await;
    assert_eq!(held().await, (0, 0));
    app.advance(SignedDuration::from_mins(2));
    let id = path.rsplit('/').next().unwrap();
    let undoing = admin.post(&format!("/v1/changes/{id}/undo"), json!({})).await.expect(200);
    app.run_jobs().await;
    let path = format!("/v1/bulk/{}", undoing.json["run"]["id"].as_str().unwrap());
    let counts = admin.get(&path).await.expect(200).json["counts"].clone();
    assert_eq!((&counts["done"], &counts["refused"]), (&json!(50), &json!(10)));
    assert_eq!(held().await, (30, 20));
    let refused = admin.get(&format!("{path}/items?outcome=refused")).await.expect(200).json["items"][0].clone();
    assert_eq!(refused["code"], "undo_conflict");
    assert!(refused["detail"].as_str().unwrap().contains("would have ended"), "{refused}");
    app.finish().await;
}

#[tokio::test]
async fn old_runs_are_forgotten_part_by_part_and_each_part_for_good() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    crowd(&app, 25).await;
    preview(&admin, json!({ "action": "suspend", "filter": "userName sw \"u0\"" })).await;
    app.advance(SignedDuration::from_mins(50));
    let mut left = Vec::new();
    for at in 0.. {
        if at == 1 {
            app.advance(SignedDuration::from_mins(11));
        }
        let mut tx = app.tx().await;
        let goes_on = store::delete_of_old_runs(&mut tx, 10).await.unwrap();
        tx.commit().await.unwrap();
        left.push((
            app.count("select count(*) from bulk_items").await,
            app.count("select count(*) from bulk_runs").await,
            goes_on,
        ));
        if at > 0 && !goes_on {
            break;
        }
    }
    assert_eq!(left, [(25, 1, false), (15, 1, true), (5, 1, true), (0, 1, true), (0, 0, true), (0, 0, false)]);
    app.finish().await;
}
