//! Groups through the front door.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, header};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::jobs;
use crate::testing::{Answer, Client, Person, TestApp};

async fn role(client: &Client, name: &str, permissions: &[&str]) {
    client.post("/v1/roles", json!({ "name": name, "permissions": permissions })).await.expect(201);
}

/// A group with these roles; its id.
async fn group(client: &Client, name: &str, roles: &[&str]) -> String {
    let id = client.post("/v1/groups", json!({ "name": name })).await.expect(201).str("id");
    client.put(&format!("/v1/groups/{id}/roles"), json!({ "roles": roles })).await.expect(200);
    id
}

async fn put_below(client: &Client, group: &str, parents: &[&str]) -> Answer {
    client.put(&format!("/v1/groups/{group}/parents"), json!({ "parents": parents })).await
}

async fn add(client: &Client, group: &str, person: &Person) -> Answer {
    client.put(&format!("/v1/groups/{group}/members/{}", person.id), json!({})).await
}

async fn add_until(client: &Client, group: &str, person: &Person, at: jiff::Timestamp) -> Answer {
    client.put(&format!("/v1/groups/{group}/members/{}", person.id), json!({ "expires_at": at.to_string() })).await
}

async fn remove(client: &Client, group: &str, person: &Person) -> Answer {
    client.delete(&format!("/v1/groups/{group}/members/{}", person.id)).await
}

#[tokio::test]
async fn a_group_is_created_read_changed_and_deleted() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let created = admin.post("/v1/groups", json!({ "name": " Support ", "description": "Answers." })).await.expect(201);
    let path = format!("/v1/groups/{}", created.str("id"));
    assert_eq!(created.headers[header::LOCATION], path.as_str());
    assert_eq!(
        (&created.json["name"], &created.json["roles"], &created.json["parents"]),
        (&json!("Support"), &json!([]), &json!([]))
    );
    let read = admin.get(&path).await.expect(200);
    assert_eq!((&read.json, read.etag()), (&created.json, created.etag()));
    // Names are unique whatever their case.
    let taken = admin.post("/v1/groups", json!({ "name": "SUPPORT" })).await.expect_problem(409, "group_name_taken");
    assert_eq!(taken.fault_at("/name"), Some("group_name_taken"));
    admin.post("/v1/groups", json!({ "name": "Another" })).await.expect(201);
    admin.patch(&path, json!({ "name": "another" })).await.expect_problem(409, "group_name_taken");
    let tag = created.etag();
    let changed = admin.send(Method::PATCH, &path, &[("if-match", &tag)], Some(json!({ "name": "Help" }))).await.expect(200);
    assert_eq!((&changed.json["name"], &changed.json["description"]), (&json!("Help"), &json!("Answers.")));
    for (method, path, body) in [
        (Method::PATCH, path.clone(), Some(json!({ "name": "x" }))),
        (Method::DELETE, path.clone(), None),
        (Method::PUT, format!("{path}/roles"), Some(json!({ "roles": [] }))),
        (Method::PUT, format!("{path}/parents"), Some(json!({ "parents": [] }))),
    ] {
        admin.send(method, &path, &[("if-match", &tag)], body).await.expect_problem(412, "precondition_failed");
    }
    let page = admin.get("/v1/groups?limit=1").await.expect(200);
    assert_eq!(page.json["items"][0]["name"], "Another");
    let next = admin.get(&format!("/v1/groups?limit=1&cursor={}", page.str("next"))).await.expect(200);
    assert_eq!((&next.json["items"][0]["name"], &next.json["next"]), (&json!("Help"), &Value::Null));
    admin.delete(&path).await.expect(204);
    admin.get(&path).await.expect_problem(404, "not_found");
    for name in ["", " ", "a\nb", &"x".repeat(101)] {
        let refused = admin.post("/v1/groups", json!({ "name": name })).await.expect_problem(422, "invalid_body");
        assert!(refused.fault_at("/name").is_some(), "{name:?}");
    }
    app.finish().await;
}

#[tokio::test]
async fn members_have_the_roles_of_their_group_and_of_all_above_it_from_the_next_request_on() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    role(&admin, "reader", &["users:read"]).await;
    let (all, team) = (group(&admin, "All", &["reader"]).await, group(&admin, "Team", &[]).await);
    add(&admin, &team, &ann).await.expect(200);
    ann.client.get("/v1/users").await.expect_problem(403, "forbidden");
    assert_eq!(put_below(&admin, &team, &[&all]).await.expect(200).json["parents"], json!([all]));
    ann.client.get("/v1/users").await.expect(200);
    // What was granted and what is had are two things.
    let me = ann.client.get("/v1/me").await.expect(200);
    assert_eq!(me.json["roles"], json!(["user"]));
    assert_eq!(ann.client.get("/v1/whoami").await.expect(200).json["roles"], json!(["reader", "user"]));
    // New tokens say both.
    let again = app.sign_in(&ann.email, crate::testing::PASSWORD).await;
    let claims = URL_SAFE_NO_PAD.decode(again.access_token.split('.').nth(1).unwrap()).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&claims).unwrap()["roles"], json!(["reader", "user"]));
    // The list finds them by the role, and hides them from who lacks what it gives.
    let list = admin.get("/v1/users?role=reader").await.expect(200);
    assert_eq!(list.json["items"].as_array().unwrap().len(), 1);
    put_below(&admin, &team, &[]).await.expect(200);
    ann.client.get("/v1/users").await.expect_problem(403, "forbidden");
    assert_eq!(admin.get("/v1/users?role=reader").await.expect(200).json["items"], json!([]));
    put_below(&admin, &team, &[&all]).await.expect(200);
    remove(&admin, &team, &ann).await.expect(204);
    remove(&admin, &team, &ann).await.expect_problem(404, "not_found");
    ann.client.get("/v1/users").await.expect_problem(403, "forbidden");
    app.finish().await;
}

#[tokio::test]
async fn a_group_is_deleted_only_when_it_is_empty_and_nobodys_parent() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    role(&admin, "reader", &["users:read"]).await;
    let (all, team) = (group(&admin, "All", &["reader"]).await, group(&admin, "Team", &[]).await);
    put_below(&admin, &team, &[&all]).await.expect(200);
    add(&admin, &team, &ann).await.expect(200);
    for id in [&all, &team] {
        let refused = admin.delete(&format!("/v1/groups/{id}")).await.expect_problem(409, "group_in_use");
        assert!(refused.str("detail").contains(if *id == all { "0 members" } else { "1 members" }), "{}", refused.text);
    }
    admin.delete("/v1/roles/reader").await.expect_problem(409, "role_in_use");
    // Who is in the recycle bin is in the group, too, and can be taken out of it.
    admin.delete(&format!("/v1/users/{}", ann.id)).await.expect(204);
    add(&admin, &all, &ann).await.expect_problem(409, "invalid_state");
    admin.delete(&format!("/v1/groups/{team}")).await.expect_problem(409, "group_in_use");
    remove(&admin, &team, &ann).await.expect(204);
    admin.delete(&format!("/v1/groups/{team}")).await.expect(204);
    admin.delete(&format!("/v1/groups/{all}")).await.expect(204);
    admin.delete("/v1/roles/reader").await.expect(204);
    assert_eq!(app.count("select count(*) from group_closure").await, 0);
    app.finish().await;
}

#[tokio::test]
async fn circles_and_towers_are_refused_and_change_nothing() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let mut ids = Vec::new();
    for at in 0..9 {
        ids.push(group(&admin, &format!("g{at}"), &[]).await);
    }
    for at in 1..8 {
        put_below(&admin, &ids[at], &[&ids[at - 1]]).await.expect(200);
    }
    let closure = "select count(*) from group_closure";
    let before = app.count(closure).await;
    assert_eq!(before, 8 * 9 / 2 + 1);
    put_below(&admin, &ids[8], &[&ids[7]]).await.expect_problem(409, "groups_too_deep");
    put_below(&admin, &ids[0], &[&ids[8]]).await.expect_problem(409, "groups_too_deep");
    for below in [0, 1, 7] {
        put_below(&admin, &ids[0], &[&ids[below]]).await.expect_problem(409, "group_circle");
    }
    let nobody = "0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d";
    let refused = put_below(&admin, &ids[0], &[&ids[8], nobody]).await.expect_problem(422, "invalid_body");
    assert_eq!(refused.fault_at("/parents/1"), Some("unknown_group"));
    let many: Vec<&str> = ids.iter().map(String::as_str).chain([nobody, nobody]).collect();
    put_below(&admin, &ids[0], &many).await.expect_problem(422, "invalid_body");
    assert_eq!(app.count(closure).await, before);
    // The same parent twice is one parent.
    put_below(&admin, &ids[8], &[&ids[0], &ids[0]]).await.expect(200);
    assert_eq!(app.count(closure).await, before + 1);
    app.finish().await;
}

#[tokio::test]
async fn of_two_nestings_that_would_close_a_circle_together_one_is_refused() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let (one, two) = (group(&admin, "one", &[]).await, group(&admin, "two", &[]).await);
    for _ in 0..20 {
        let (above_one, above_two) = ([two.as_str()], [one.as_str()]);
        let (first, second) = tokio::join!(put_below(&admin, &one, &above_one), put_below(&admin, &two, &above_two));
        let (won, lost) = if first.status == 200 { (&one, second) } else { (&two, first) };
        lost.expect_problem(409, "group_circle");
        put_below(&admin, won, &[]).await.expect(200);
    }
    assert_eq!(app.count("select count(*) from group_closure").await, 2);
    app.finish().await;
}

#[tokio::test]
async fn a_membership_that_has_ended_gives_nothing_from_that_very_moment() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    role(&admin, "reader", &["users:read"]).await;
    let readers = group(&admin, "Readers", &["reader"]).await;
    let end = app.now() + SignedDuration::from_mins(2);
    add_until(&admin, &readers, &ann, app.now()).await.expect_problem(422, "invalid_body");
    let member = add_until(&admin, &readers, &ann, end).await.expect(200);
    assert_eq!(member.json["expires_at"], end.to_string());
    app.advance(SignedDuration::from_mins(2) - SignedDuration::from_micros(1));
    ann.client.get("/v1/users").await.expect(200);
    app.advance(SignedDuration::from_micros(1));
    ann.client.get("/v1/users").await.expect_problem(403, "forbidden");
    assert_eq!(app.count("select count(*) from group_members").await, 1);
    let path = format!("/v1/groups/{readers}/members");
    assert_eq!(admin.get(&path).await.expect(200).json["items"], json!([]));
    assert_eq!(admin.get(&format!("/v1/users/{}/groups", ann.id)).await.expect(200).json["items"], json!([]));
    assert_eq!(admin.get("/v1/users?role=reader").await.expect(200).json["items"], json!([]));
    remove(&admin, &readers, &ann).await.expect_problem(404, "not_found");
    // The job removes what is left, and says so.
    let mut tx = app.tx().await;
    jobs::enqueue(&mut tx, "remove_expired_grants", &json!({})).await.unwrap();
    tx.commit().await.unwrap();
    app.run_jobs().await;
    assert_eq!(app.count("select count(*) from group_members").await, 0);
    assert_eq!(app.count("select count(*) from audit_events where action = 'group.member_expired'").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn r203_nobody_changes_a_group_or_who_is_in_it_without_holding_what_it_gives() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    role(&admin, "registrar", &["users:read", "users:write", "roles:read", "roles:write", "roles:assign"]).await;
    role(&admin, "auditor", &["audit:read"]).await;
    role(&admin, "reader", &["users:read"]).await;
    let reg = app.person("reg", &["registrar"]).await.client;
    let (auditors, below) = (group(&admin, "Auditors", &["auditor"]).await, group(&admin, "Below", &[]).await);
    put_below(&admin, &below, &[&auditors]).await.expect(200);
    add(&admin, &below, &ann).await.expect(200);
    let other = app.user("other").await;
    for id in [&auditors, &below] {
        let path = format!("/v1/groups/{id}");
        add(&reg, id, &other).await.expect_problem(403, "grant_exceeds_caller");
        reg.patch(&path, json!({ "name": "Mine" })).await.expect_problem(403, "grant_exceeds_caller");
        reg.delete(&path).await.expect_problem(403, "grant_exceeds_caller");
        reg.put(&format!("{path}/roles"), json!({ "roles": [] })).await.expect_problem(403, "grant_exceeds_caller");
        put_below(&reg, id, &[]).await.expect_problem(403, "grant_exceeds_caller");
        // Who is in it by now holds more than they do.
        remove(&reg, id, &ann).await.expect_problem(403, "target_outranks_caller");
        add(&reg, id, &ann).await.expect_problem(403, "target_outranks_caller");
    }
    let mine = group(&reg, "Mine", &["reader"]).await;
    add(&reg, &mine, &other).await.expect(200);
    put_below(&reg, &mine, &[&auditors]).await.expect_problem(403, "grant_exceeds_caller");
    reg.put(&format!("/v1/groups/{mine}/roles"), json!({ "roles": ["reader", "auditor"] }))
        .await
        .expect_problem(403, "grant_exceeds_caller");
    assert_eq!(admin.get(&format!("/v1/groups/{mine}")).await.expect(200).json["roles"], json!(["reader"]));
    app.finish().await;
}

#[tokio::test]
async fn r203_what_somebody_holds_by_a_group_puts_them_out_of_reach() {
    let app = TestApp::new().await;
    let (admin, boss, ann) = (app.admin().await.client, app.manager().await.client, app.user("ann").await);
    role(&admin, "auditor", &["audit:read"]).await;
    let (auditors, below) = (group(&admin, "Auditors", &["auditor"]).await, group(&admin, "Below", &[]).await);
    put_below(&admin, &below, &[&auditors]).await.expect(200);
    let path = format!("/v1/users/{}", ann.id);
    let members = format!("/v1/groups/{below}/members");
    let listed = async |path: &str| boss.get(path).await.expect(200).text.contains(&ann.id);
    for is_in in [false, true] {
        if is_in {
            add(&admin, &below, &ann).await.expect(200);
        }
        let expected = if is_in { 403 } else { 200 };
        for path in [path.clone(), format!("{path}/groups"), format!("{path}/roles"), format!("{path}/permissions?explain=true")]
        {
            boss.get(&path).await.expect(expected);
        }
        boss.patch(&path, json!({ "bio": "x" })).await.expect(expected);
        assert_eq!(listed("/v1/users").await, !is_in);
    }
    boss.post(&format!("{path}/suspend"), json!({})).await.expect_problem(403, "target_outranks_caller");
    assert!(!listed(&members).await);
    assert!(admin.get(&members).await.expect(200).text.contains(&ann.id));
    app.finish().await;
}

/// What can take an administrator's rights away who has them by a group below the one that carries the role.
const REMOVALS: [&str; 8] = ["leave", "end", "unload", "lift", "suspend", "delete", "delete oneself", "swap"];

async fn take(client: &Client, top: &str, below: &str, person: &Person, app: &TestApp, how: &str) -> Answer {
    let user = format!("/v1/users/{}", person.id);
    match how {
        "leave" => remove(client, below, person).await,
        "end" => add_until(client, below, person, app.now() + SignedDuration::from_hours(1)).await,
        "unload" => client.put(&format!("/v1/groups/{top}/roles"), json!({ "roles": [] })).await,
        "lift" => put_below(client, below, &[]).await,
        "suspend" => client.post(&format!("{user}/suspend"), json!({})).await,
        "delete" => client.delete(&user).await,
        "delete oneself" => person.client.delete("/v1/me").await,
        _ => client.put(&format!("/v1/groups/{top}/roles"), json!({ "roles": ["manager"] })).await,
    }
}

#[tokio::test]
async fn r203_the_last_administrator_by_a_group_stays() {
    let app = TestApp::new().await;
    let (root, ann) = (app.admin().await, app.user("ann").await);
    let (top, below) = (group(&root.client, "Top", &["admin"]).await, group(&root.client, "Below", &[]).await);
    put_below(&root.client, &below, &[&top]).await.expect(200);
    let give = async |roles: &[&str]| ann.client.put(&format!("/v1/users/{}/roles", root.id), json!({ "roles": roles })).await;
    // For a time only, they are not the one who remains.
    add_until(&root.client, &below, &ann, app.now() + SignedDuration::from_hours(1)).await.expect(200);
    give(&[]).await.expect_problem(409, "last_admin");
    add(&root.client, &below, &ann).await.expect(200);
    give(&[]).await.expect(200);
    for how in REMOVALS {
        take(&ann.client, &top, &below, &ann, &app, how).await.expect_problem(409, "last_admin");
    }
    // There is an administrator: nobody sets the server up again.
    assert!(crate::roles::exists_admin(&mut app.tx().await).await.unwrap());
    give(&["admin"]).await.expect(200);
    take(&root.client, &top, &below, &ann, &app, "end").await.expect(200);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r203_of_two_administrators_who_go_at_the_same_time_one_remains_however_they_came_to_it() {
    let app = TestApp::new().await;
    let (root, ann) = (app.admin().await, app.user("ann").await);
    let (top, below) = (group(&root.client, "Top", &["admin"]).await, group(&root.client, "Below", &[]).await);
    for how in ["leave", "end", "unload", "lift", "swap"] {
        root.client.put(&format!("/v1/groups/{top}/roles"), json!({ "roles": ["admin"] })).await.expect(200);
        put_below(&root.client, &below, &[&top]).await.expect(200);
        add(&root.client, &below, &ann).await.expect(200);
        let path = format!("/v1/users/{}/roles/admin", root.id);
        for _ in 0..4 {
            let (first, second) = tokio::join!(root.client.delete(&path), take(&ann.client, &top, &below, &ann, &app, how));
            assert!(first.status.is_success() != second.status.is_success(), "{how}: {} {}", first.text, second.text);
            let lost = if first.status.is_success() { &second } else { &first };
            assert_eq!(lost.json["code"], "last_admin", "{how}: {}", lost.text);
            if !first.status.is_success() {
                break;
            }
            ann.client.put(&path, json!({})).await.expect(200);
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn members_are_listed_in_pages_and_memberships_by_name() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let (one, two) = (group(&admin, "One", &[]).await, group(&admin, "Another", &[]).await);
    let mut ids = Vec::new();
    for name in ["ann", "ben", "cleo"] {
        let person = app.user(name).await;
        add(&admin, &one, &person).await.expect(200);
        add(&admin, &one, &person).await.expect(200);
        add(&admin, &two, &person).await.expect(200);
        ids.push(person.id);
    }
    let mut found = Vec::new();
    let mut path = format!("/v1/groups/{one}/members?limit=2");
    loop {
        let page = admin.get(&path).await.expect(200);
        found.extend(page.json["items"].as_array().unwrap().iter().map(|item| item["user"]["id"].as_str().unwrap().to_owned()));
        let Some(next) = page.json["next"].as_str() else { break };
        path = format!("/v1/groups/{one}/members?limit=2&cursor={next}");
    }
    assert_eq!(found, ids);
    let groups = admin.get(&format!("/v1/users/{}/groups", ids[0])).await.expect(200);
    let names: Vec<&Value> = groups.json["items"].as_array().unwrap().iter().map(|item| &item["group"]["name"]).collect();
    assert_eq!(names, ["Another", "One"]);
    // Putting somebody in again changed nothing, and is not in the audit trail.
    assert_eq!(app.count("select count(*) from audit_events where action = 'group.member_put'").await, 6);
    app.finish().await;
}
