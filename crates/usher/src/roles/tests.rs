//! Roles through the front door, and the promise that there is always an administrator.

use http::{Method, header};
use serde_json::{Value, json};

use crate::testing::{Answer, Client, PASSWORD, Person, TestApp};

async fn create(client: &Client, name: &str, permissions: &[&str]) -> Answer {
    client.post("/v1/roles", json!({ "name": name, "description": "", "permissions": permissions })).await
}

async fn give(client: &Client, person: &Person, roles: &[&str]) -> Answer {
    client.put(&format!("/v1/users/{}/roles", person.id), json!({ "roles": roles })).await
}

#[tokio::test]
async fn a_role_is_created_read_changed_and_deleted() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let body =
        json!({ "name": "support", "description": "Answers.", "permissions": ["users:write", "users:read", "users:read"] });
    let created = admin.post("/v1/roles", body).await.expect(201);
    assert_eq!(created.headers[header::LOCATION], "/v1/roles/support");
    // In the order of the list of permissions, each once.
    assert_eq!(created.json["permissions"], json!(["users:read", "users:write"]));
    assert_eq!(created.json["built_in"], false);
    let read = admin.get("/v1/roles/support").await.expect(200);
    assert_eq!((&read.json, read.etag()), (&created.json, created.etag()));
    let tag = created.etag();
    let path = "/v1/roles/support";
    let changed =
        admin.send(Method::PATCH, path, &[("if-match", &tag)], Some(json!({ "description": "Helps." }))).await.expect(200);
    assert_eq!((&changed.json["description"], &changed.json["permissions"]), (&json!("Helps."), &created.json["permissions"]));
    for method in [Method::PATCH, Method::DELETE] {
        let body = (method == Method::PATCH).then(|| json!({ "permissions": [] }));
        admin.send(method, path, &[("if-match", &tag)], body).await.expect_problem(412, "precondition_failed");
    }
    let names = |list: Answer| -> Vec<String> {
        list.json["items"].as_array().unwrap().iter().map(|role| role["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(admin.get("/v1/roles").await), ["admin", "manager", "user", "support"]);
    admin.send(Method::DELETE, path, &[("if-match", &changed.etag())], None).await.expect(204);
    admin.get(path).await.expect_problem(404, "not_found");
    admin.delete(path).await.expect_problem(404, "not_found");
    admin.patch(path, json!({})).await.expect_problem(404, "not_found");
    app.finish().await;
}

#[tokio::test]
async fn names_and_permissions_of_roles_are_checked() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    for name in ["", "Support", "1st", "_x", "a b", "a/b", "ü", "a\n", &"a".repeat(64)] {
        let refused = create(&admin, name, &[]).await.expect_problem(422, "invalid_body");
        assert!(refused.fault_at("/name").is_some(), "{name:?}: {}", refused.text);
    }
    create(&admin, &"a".repeat(63), &[]).await.expect(201);
    create(&admin, "a", &[]).await.expect(201);
    let taken = create(&admin, "a", &[]).await.expect_problem(409, "role_name_taken");
    assert_eq!(taken.fault_at("/name"), Some("role_name_taken"));
    create(&admin, "admin", &[]).await.expect_problem(409, "role_name_taken");
    let refused = create(&admin, "b", &["users:read", "users:fly"]).await.expect_problem(422, "invalid_body");
    assert_eq!(refused.fault_at("/permissions/1"), Some("enum"));
    let refused = admin.post("/v1/roles", json!({ "name": "b", "built_in": true })).await.expect_problem(422, "invalid_body");
    assert_eq!((refused.fault_at("/built_in"), refused.fault_at("/permissions")), (Some("unknown_field"), Some("required")));
    app.finish().await;
}

#[tokio::test]
async fn built_in_roles_stay_as_they_are() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    for name in ["admin", "manager", "user"] {
        let path = format!("/v1/roles/{name}");
        let before = admin.get(&path).await.expect(200);
        assert_eq!(before.json["built_in"], true);
        admin.patch(&path, json!({ "permissions": [] })).await.expect_problem(409, "role_built_in");
        admin.delete(&path).await.expect_problem(409, "role_built_in");
        assert_eq!(admin.get(&path).await.expect(200).json, before.json);
    }
    let all = admin.get("/v1/permissions").await.expect(200);
    let names: Vec<&Value> = all.json["items"].as_array().unwrap().iter().map(|item| &item["name"]).collect();
    let admins = admin.get("/v1/roles/admin").await.expect(200);
    assert_eq!(json!(names), admins.json["permissions"]);
    app.finish().await;
}

#[tokio::test]
async fn a_role_that_somebody_holds_is_not_deleted() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    create(&admin, "support", &[]).await.expect(201);
    give(&admin, &ann, &["support", "user"]).await.expect(200);
    admin.delete("/v1/roles/support").await.expect_problem(409, "role_in_use");
    give(&admin, &ann, &["user"]).await.expect(200);
    admin.delete("/v1/roles/support").await.expect(204);
    app.finish().await;
}

#[tokio::test]
async fn a_user_gets_exactly_the_roles_named() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    create(&admin, "support", &[]).await.expect(201);
    assert_eq!(give(&admin, &ann, &["support"]).await.expect(200).json["roles"], json!(["support"]));
    assert_eq!(give(&admin, &ann, &["user", "support", "user"]).await.expect(200).json["roles"], json!(["support", "user"]));
    assert_eq!(give(&admin, &ann, &[]).await.expect(200).json["roles"], json!([]));
    let refused = give(&admin, &ann, &["user", "nobody"]).await.expect_problem(422, "invalid_body");
    assert_eq!(refused.fault_at("/roles/1"), Some("unknown_role"));
    let many: Vec<String> = (0..51).map(|at| format!("r{at}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let refused = give(&admin, &ann, &many).await.expect_problem(422, "invalid_body");
    assert_eq!(refused.fault_at("/roles"), Some("max_items"));
    app.finish().await;
}

#[tokio::test]
async fn r203_nobody_grants_takes_or_edits_what_they_do_not_hold() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    create(&admin, "registrar", &["users:read", "roles:read", "roles:write", "roles:assign"]).await.expect(201);
    create(&admin, "auditor", &["audit:read"]).await.expect(201);
    let reg = app.person("reg", &["registrar"]).await;
    create(&reg.client, "spy", &["audit:read"]).await.expect_problem(403, "grant_exceeds_caller");
    create(&reg.client, "reader", &["users:read"]).await.expect(201);
    let more = json!({ "permissions": ["users:read", "audit:read"] });
    reg.client.patch("/v1/roles/reader", more).await.expect_problem(403, "grant_exceeds_caller");
    // Neither may they weaken or remove what stands above them.
    reg.client.patch("/v1/roles/auditor", json!({ "permissions": [] })).await.expect_problem(403, "grant_exceeds_caller");
    reg.client.delete("/v1/roles/auditor").await.expect_problem(403, "grant_exceeds_caller");
    for roles in [&["auditor"][..], &["user", "manager"], &["admin"]] {
        give(&reg.client, &ann, roles).await.expect_problem(403, "grant_exceeds_caller");
        give(&reg.client, &reg, roles).await.expect_problem(403, "grant_exceeds_caller");
    }
    give(&reg.client, &ann, &["user", "reader", "registrar"]).await.expect(200);
    // Who has been given more is out of their hands.
    give(&admin, &ann, &["user", "auditor"]).await.expect(200);
    give(&reg.client, &ann, &["user"]).await.expect_problem(403, "target_outranks_caller");
    assert_eq!(ann.client.get("/v1/me").await.expect(200).json["roles"], json!(["auditor", "user"]));
    app.finish().await;
}

#[tokio::test]
async fn r204_a_change_of_rights_is_effective_at_the_next_request() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await.client, app.user("ann").await);
    ann.client.get("/v1/users").await.expect_problem(403, "forbidden");
    create(&admin, "reader", &["users:read"]).await.expect(201);
    give(&admin, &ann, &["reader"]).await.expect(200);
    ann.client.get("/v1/users").await.expect(200);
    admin.patch("/v1/roles/reader", json!({ "permissions": ["roles:read"] })).await.expect(200);
    ann.client.get("/v1/users").await.expect_problem(403, "forbidden");
    ann.client.get("/v1/roles").await.expect(200);
    give(&admin, &ann, &[]).await.expect(200);
    ann.client.get("/v1/roles").await.expect_problem(403, "forbidden");
    app.finish().await;
}

/// What can take an administrator's rights away.
const REMOVALS: [&str; 3] = ["demote", "suspend", "delete"];

async fn remove(client: &Client, person: &Person, how: &str) -> Answer {
    let path = format!("/v1/users/{}", person.id);
    match how {
        "demote" => give(client, person, &["user"]).await,
        "suspend" => client.post(&format!("{path}/suspend"), json!({})).await,
        _ => client.delete(&path).await,
    }
}

async fn bring_back(client: &Client, person: &Person, how: &str) {
    let path = format!("/v1/users/{}", person.id);
    match how {
        "demote" => give(client, person, &["admin"]).await.expect(200),
        "suspend" => client.post(&format!("{path}/reactivate"), json!({})).await.expect(200),
        _ => client.post(&format!("{path}/restore"), json!({})).await.expect(200),
    };
}

#[tokio::test]
async fn r203_the_last_active_administrator_stays() {
    let app = TestApp::new().await;
    let root = app.admin().await;
    let ada = app.person("ada", &["admin"]).await;
    // An administrator who is suspended, deleted or pending is none who could act.
    for how in ["suspend", "delete"] {
        remove(&root.client, &ada, how).await;
        for removal in REMOVALS {
            remove(&root.client, &root, removal).await.expect_problem(409, "last_admin");
        }
        bring_back(&root.client, &ada, how).await;
    }
    remove(&root.client, &ada, "demote").await.expect(200);
    root.client.post("/v1/users", json!({ "email": "new@example.org", "roles": ["admin"] })).await.expect(201);
    for removal in REMOVALS {
        remove(&root.client, &root, removal).await.expect_problem(409, "last_admin");
    }
    let read = root.client.get("/v1/me").await.expect(200);
    assert_eq!((&read.json["status"], &read.json["roles"]), (&json!("active"), &json!(["admin", "user"])));
    // With a second one, the first may go.
    bring_back(&root.client, &ada, "demote").await;
    remove(&root.client, &root, "demote").await.expect(200);
    root.client.get("/v1/users").await.expect_problem(403, "forbidden");
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn r203_of_two_administrators_who_remove_each_other_at_the_same_time_one_remains() {
    let app = TestApp::new().await;
    let (mut one, mut two) = (app.admin().await, app.person("ada", &["admin"]).await);
    for round in 0..20 {
        let (first, second) = (REMOVALS[round % 3], REMOVALS[round / 3 % 3]);
        let (of_two, of_one) = tokio::join!(remove(&one.client, &two, first), remove(&two.client, &one, second));
        let won = [&of_two, &of_one].iter().filter(|answer| answer.status.is_success()).count();
        assert_eq!(won, 1, "{first}: {} {second}: {}", of_two.text, of_one.text);
        let active =
            "select count(*) from users u join user_roles r on r.user_id = u.id where role_name = 'admin' and status = 'active'";
        assert_eq!(app.count(active).await, 1);
        let (survivor, removed, how, lost) =
            if of_two.status.is_success() { (&one, &two, first, of_one) } else { (&two, &one, second, of_two) };
        // The other came too late as the last one, or was already no administrator, or nobody at all.
        assert!(["last_admin", "forbidden", "unauthorized"].contains(&lost.str("code").as_str()), "{}", lost.text);
        bring_back(&survivor.client, removed, how).await;
        one = app.sign_in(&one.email, PASSWORD).await;
        two = app.sign_in(&two.email, PASSWORD).await;
    }
    app.finish().await;
}

#[tokio::test]
async fn r203_of_two_administrators_who_both_step_down_one_remains() {
    let app = TestApp::new().await;
    let (one, two) = (app.admin().await, app.person("ada", &["admin"]).await);
    for _ in 0..20 {
        let (first, second) = tokio::join!(remove(&one.client, &one, "demote"), remove(&two.client, &two, "demote"));
        let (survivor, gone, lost) = if first.status == 200 { (&two, &one, second) } else { (&one, &two, first) };
        lost.expect_problem(409, "last_admin");
        bring_back(&survivor.client, gone, "demote").await;
    }
    app.finish().await;
}
