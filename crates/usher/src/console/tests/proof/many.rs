//! Files, and undoing what was done to many: after a proof where that makes somebody an administrator, or no longer one.

use http::Method;
use jiff::SignedDuration;
use serde_json::json;

use super::super::{leads_to, signed_in};
use super::{House, proof, stale};
use crate::testing::{Answer, Browser, Client, PASSWORD, TestApp};

/// So many that a run undoes them.
const MANY: usize = 52;

/// A row for each of many. This comes behind the role that the first of them has.
fn crowd(name: &str, first: &str, bio: &str) -> String {
    let row = |at: usize| {
        let more = if at == 0 { first } else { "" };
        format!("{name}{at:03},{name}{at:03}@mail.example,user{more},{bio}\n")
    };
    let rows: Vec<String> = (0..MANY).map(row).collect();
    format!("username,email,roles,bio\n{}", rows.concat())
}

fn way(import: &Answer) -> String {
    format!("/v1/imports/{}", import.str("id"))
}

/// The finished preview of a file, which changes whom it finds.
async fn preview(app: &TestApp, client: &Client, file: &str) -> Answer {
    let headers = [("content-type", "text/csv")];
    let import = client.send_raw(Method::POST, "/v1/imports?mode=upsert", &headers, file.as_bytes().to_vec()).await.expect(201);
    app.run_jobs().await;
    let preview = client.get(&way(&import)).await.expect(200);
    assert_eq!(preview.json["state"], "ready", "{}", preview.text);
    preview
}

async fn apply(client: &Client, preview: &Answer) -> Answer {
    client.post(&format!("{}/apply", way(preview)), json!({ "token": preview.str("token") })).await
}

/// Applies it, which changes as many.
async fn apply_to(app: &TestApp, client: &Client, preview: &Answer, count: usize) -> String {
    apply(client, preview).await.expect(202);
    app.run_jobs().await;
    let done = client.get(&way(preview)).await.expect(200);
    assert_eq!((&done.json["state"], &done.json["counts"]["done"]), (&json!("finished"), &json!(count)), "{}", done.text);
    done.str("id")
}

/// Gives all of the crowd `u` a role, by a run in bulk.
async fn assign(app: &TestApp, client: &Client, role: &str) -> String {
    let body = json!({ "action": "assign_role", "role": role, "filter": "userName sw \"u0\"" });
    let run = client.post("/v1/bulk", body).await.expect(201);
    let id = run.str("id");
    client.post(&format!("/v1/bulk/{id}/run"), json!({ "token": run.str("token") })).await.expect(202);
    app.run_jobs().await;
    id
}

async fn undo(client: &Client, change: &str) -> Answer {
    client.post(&format!("/v1/changes/{change}/undo"), json!({})).await
}

/// The same person in the session that their proof begins.
async fn proven(app: &TestApp, later: &Client) -> Client {
    let tokens = later.post("/v1/reauthenticate", json!({ "password": PASSWORD })).await.expect(200);
    app.client_with(&tokens.str("access_token"))
}

async fn prove(browser: &mut Browser, back: &str) {
    browser.open(&proof(back)).await.expect(200);
    leads_to(&browser.submit("/reauthenticate", &[("password", PASSWORD), ("return_to", back)]).await, back);
}

/// How many users of this name, and others whose names go on, have the role `chief`.
async fn count_chiefs(app: &TestApp, name: &str) -> i64 {
    let of_name = format!("select id from users where username like '{name}%'");
    app.count(&format!("select count(*) from user_roles where role_name = 'chief' and user_id in ({of_name})")).await
}

#[tokio::test]
async fn r105_an_import_that_gives_or_takes_much_is_applied_after_a_proof() {
    let app = TestApp::new().await;
    let house = House::build(&app).await;
    let mut previews = Vec::new();
    for file in [
        "email,roles\nnew@mail.example,user;chief\n",
        "email,roles\ncid@example.org,chief\n",
        "email,roles,role_ends\nben@example.org,user;chief,\"{\"\"chief\"\": \"\"2099-01-02T03:04:05Z\"\"}\"\n",
        "email,roles\nben@example.org,user\n",
    ] {
        previews.push(preview(&app, &house.admin.client, file).await);
    }
    let later = stale(&app, &house.admin).await;
    for preview in &previews {
        apply(&later, preview).await.expect_problem(401, "fresh_authentication_required");
    }
    app.run_jobs().await;
    assert_eq!(app.count("select count(*) from imports where state = 'ready' and started_at is null").await, 4);
    let proven = proven(&app, &later).await;
    for preview in &previews {
        apply_to(&app, &proven, preview, 1).await;
    }
    assert_eq!((count_chiefs(&app, "zz-cid").await, count_chiefs(&app, "zz-ben").await), (1, 0));
    app.finish().await;
}

#[tokio::test]
async fn r105_an_import_that_gives_and_takes_little_is_applied_without_a_proof() {
    let app = TestApp::new().await;
    let house = House::build(&app).await;
    let mut previews = Vec::new();
    for file in [
        "email\nfirst@mail.example\n",
        "email,roles\nsecond@mail.example,user;manager\n",
        "email,roles\ncid@example.org,user;helper\n",
        "email,bio,roles\nben@example.org,Stays a chief,user;chief\n",
        // The second row is none that can be applied.
        "email,roles\nthird@mail.example,user\nTHIRD@mail.example,user;chief\n",
    ] {
        previews.push(preview(&app, &house.admin.client, file).await);
    }
    let later = stale(&app, &house.admin).await;
    for preview in &previews {
        apply_to(&app, &later, preview, 1).await;
    }
    app.finish().await;
}

#[tokio::test]
async fn r105_a_program_applies_and_undoes_without_a_proof() {
    let app = TestApp::new().await;
    let house = House::build(&app).await;
    let permissions = ["users:read", "users:write", "users:delete", "roles:assign", "audit:read"];
    let new = json!({ "name": "Nightly", "permissions": permissions });
    let own = house.admin.client.post("/v1/me/api-keys", new).await.expect(201).str("key");
    for (name, key) in [("v", &house.key), ("w", &own)] {
        let program = app.client_with(key);
        let shown = preview(&app, &program, &crowd(name, "", "")).await;
        apply_to(&app, &program, &shown, MANY).await;
        let shown = preview(&app, &program, &crowd(name, ";chief", "Gardener")).await;
        app.advance(SignedDuration::from_mins(11));
        let change = apply_to(&app, &program, &shown, MANY).await;
        assert_eq!(count_chiefs(&app, name).await, 1);
        assert!(undo(&program, &change).await.expect(200).json["run"].is_object());
        app.run_jobs().await;
        assert_eq!(count_chiefs(&app, name).await, 0);
    }
    app.finish().await;
}

#[tokio::test]
async fn r105_what_the_preview_did_not_tell_of_is_given_and_taken_by_nobody_in_a_session() {
    let app = TestApp::new().await;
    let house = House::build(&app).await;
    let (admin, program) = (&house.admin.client, app.client_with(&house.key));
    let file = "email,bio,roles\ncid@example.org,Gardener,user\n";
    let (theirs, of_a_program) = (preview(&app, admin, file).await, preview(&app, &program, file).await);
    let role = format!("/v1/users/{}/roles/chief", house.cid.id);
    assert!(admin.put(&role, json!({})).await.status.is_success());

    let later = stale(&app, &house.admin).await;
    apply(&later, &theirs).await.expect(202);
    app.run_jobs().await;
    let rows = later.get(&format!("{}/rows", way(&theirs))).await.expect(200);
    let row = &rows.json["items"][0];
    assert_eq!((&row["outcome"], &row["faults"][0]["code"]), (&json!("conflict"), &json!("changed_since")), "{}", rows.text);
    assert_eq!(count_chiefs(&app, "zz-cid").await, 1);

    apply_to(&app, &program, &of_a_program, 1).await;
    assert_eq!(count_chiefs(&app, "zz-cid").await, 0);
    app.finish().await;
}

#[tokio::test]
async fn r105_an_import_notes_the_roles_of_all_its_rows() {
    let app = TestApp::new().await;
    let house = House::build(&app).await;
    // More than are judged at once.
    let row = |at: usize| {
        let roles = match at {
            0 => "user;chief",
            1100 => "user;chief;helper",
            _ => "user",
        };
        format!("r{at}@mail.example,{roles}\n")
    };
    let rows: Vec<String> = (0..1101).map(row).collect();
    preview(&app, &house.admin.client, &format!("email,roles\n{}", rows.concat())).await;
    assert_eq!(app.count("select count(*) from imports where roles = '{chief,helper}'").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn r105_what_a_run_undoes_takes_a_proof_where_much_is_given_or_taken() {
    let app = TestApp::new().await;
    let house = House::build(&app).await;
    let admin = &house.admin.client;
    let mut changes = Vec::new();
    for file in [crowd("g", ";chief", ""), crowd("u", ";chief", ""), crowd("u", "", "Gardener")] {
        let shown = preview(&app, admin, &file).await;
        changes.push(apply_to(&app, admin, &shown, MANY).await);
    }
    let (gone, taken) = (&changes[0], &changes[2]);
    let (chiefs, helpers) = (assign(&app, admin, "chief").await, assign(&app, admin, "helper").await);
    assert_eq!(count_chiefs(&app, "u0").await, 52);

    let later = stale(&app, &house.admin).await;
    for change in [taken, &chiefs] {
        undo(&later, change).await.expect_problem(401, "fresh_authentication_required");
        let dry = later.post(&format!("/v1/changes/{change}/undo"), json!({ "dry_run": true })).await;
        dry.expect_problem(401, "fresh_authentication_required");
    }
    app.run_jobs().await;
    assert_eq!(app.count("select count(*) from bulk_runs where undoes is not null").await, 0);
    // As by hand, where roles that give little are moved, and whoever is deleted keeps theirs.
    for change in [&helpers, gone] {
        assert!(undo(&later, change).await.expect(200).json["run"].is_object());
        app.run_jobs().await;
    }
    assert_eq!(app.count("select count(*) from users where username like 'g0%' and status = 'deleted'").await, 52);

    let proven = proven(&app, &later).await;
    for (change, left) in [(&chiefs, 0), (taken, 1)] {
        assert!(undo(&proven, change).await.expect(200).json["run"].is_object());
        app.run_jobs().await;
        assert_eq!(count_chiefs(&app, "u0").await, left);
    }
    app.finish().await;
}

#[tokio::test]
async fn r105_the_pages_of_files_and_of_undoing_lead_by_a_proof_and_back() {
    let app = TestApp::new().await;
    let house = House::build(&app).await;
    let admin = &house.admin.client;
    let shown = preview(&app, admin, &crowd("u", "", "")).await;
    apply_to(&app, admin, &shown, MANY).await;
    let shown = preview(&app, admin, &crowd("u", ";chief", "Gardener")).await;
    let (id, token) = (shown.str("id"), shown.str("token"));
    let mut browser = signed_in(&app, &house.admin).await;
    app.advance(SignedDuration::from_mins(11));

    let page = format!("/admin/imports/{id}");
    let (apply, back) = (format!("{page}/apply"), format!("{page}?reason=the+new+site"));
    let form = [("token", token.as_str()), ("reason", "the new site")];
    browser.open(&page).await.expect(200);
    leads_to(&browser.submit(&apply, &form).await, &proof(&back));
    app.run_jobs().await;
    assert_eq!(count_chiefs(&app, "u0").await, 0);
    prove(&mut browser, &back).await;
    let answer = browser.open(&back).await.expect(200);
    assert!(answer.text.contains("value=\"the new site\""), "what was said is there still: {}", answer.text);
    leads_to(&browser.submit(&apply, &form).await, &page);
    app.run_jobs().await;
    assert_eq!(count_chiefs(&app, "u0").await, 1);

    app.advance(SignedDuration::from_mins(11));
    let undo = format!("/admin/changes/{id}/undo");
    leads_to(&browser.open(&undo).await, &proof(&undo));
    browser.open(&page).await.expect(200);
    leads_to(&browser.submit(&undo, &[]).await, &proof(&undo));
    prove(&mut browser, &undo).await;
    browser.open(&undo).await.expect(200);
    let run = browser.submit(&undo, &[]).await.expect(303);
    assert!(run.headers["location"].to_str().unwrap().starts_with("/admin/bulk/"), "{:?}", run.headers);
    app.run_jobs().await;
    assert_eq!(count_chiefs(&app, "u0").await, 0);
    app.finish().await;
}
