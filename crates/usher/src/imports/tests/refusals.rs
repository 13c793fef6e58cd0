//! Who may import what, and what stands in the way of a row.

use serde_json::json;

use super::{BCRYPT, apply, counts, fault, faults, preview, upload};
use crate::testing::TestApp;

#[tokio::test]
async fn rows_that_contradict_users_or_each_other_are_conflicts() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let ann = app.user("ann").await;
    let name = admin.get(&format!("/v1/users/{}", ann.id)).await.expect(200).str("username");
    app.user("ann2").await;
    let file = format!(
        "username,email,other_emails,roles,status\n\
        ,ann@example.org,,manager;user,\n\
        {},new1@mail.example,,,\n\
        ,new2@mail.example,ANN@example.org,,\n\
        ,new3@mail.example,,nothing,\n\
        dora,new4@mail.example,,,\n\
        ,NEW4@mail.example,,,\n\
        DORA,new5@mail.example,,,\n\
        ,new6@mail.example,new4@mail.example,,\n\
        ,new7@mail.example,ann2@example.org,,\n\
        ,new8@mail.example,,,active\n",
        name.to_uppercase()
    );
    let shown = preview(&app, &admin, "", file).await;
    assert_eq!(counts(&shown), json!({ "create": 1, "conflict": 9 }));
    let expected = [
        fault(2, "conflict", "email", "email_taken"),
        fault(3, "conflict", "username", "username_taken"),
        fault(4, "conflict", "other_emails", "duplicate_in_file"),
        fault(5, "conflict", "roles", "unknown_role"),
        fault(7, "conflict", "email", "duplicate_in_file"),
        fault(8, "conflict", "username", "duplicate_in_file"),
        fault(9, "conflict", "other_emails", "duplicate_in_file"),
        fault(10, "conflict", "other_emails", "email_taken"),
        fault(11, "conflict", "status", "inconsistent"),
    ];
    assert_eq!(faults(&admin, &shown).await, expected);
    app.finish().await;
}

#[tokio::test]
async fn r203_nobody_imports_what_they_could_not_do_by_hand() {
    let app = TestApp::new().await;
    let (admin, boss, ann) = (app.admin().await, app.manager().await, app.user("ann").await);
    upload(&ann.client, "", "email\n").await.expect_problem(403, "forbidden");
    let file = format!(
        "email,email_verified,roles,password_hash,bio,other_emails\n\
        root@example.org,,,,Mine now,\n\
        ann@example.org,,,,Gardener,\n\
        new1@mail.example,true,user,,,\n\
        new2@mail.example,,user,{BCRYPT},,\n\
        new3@mail.example,,manager,,,\n\
        new4@mail.example,,user,,,x@mail.example\n\
        new5@mail.example,,user,,,\n"
    );
    let file = file
        .replace("root@example.org,,,", "root@example.org,,admin;user,")
        .replace("ann@example.org,,,", "ann@example.org,,user,");
    let shown = preview(&app, &boss.client, "mode=upsert", file.clone()).await;
    let expected = [
        fault(2, "conflict", "", "target_outranks_caller"),
        fault(4, "conflict", "", "forbidden"),
        fault(5, "conflict", "", "forbidden"),
        fault(6, "conflict", "roles", "forbidden"),
        fault(7, "conflict", "", "forbidden"),
    ];
    assert_eq!(faults(&boss.client, &shown).await, expected);
    assert_eq!(counts(&shown), json!({ "create": 1, "update": 1, "conflict": 5 }));

    // An administrator's import tells of users whom a manager may not see.
    let theirs = preview(&app, &admin.client, "mode=upsert", file).await;
    assert_eq!(counts(&theirs), json!({ "create": 5, "update": 2 }));
    for path in ["", "/rows", "/report"] {
        let path = format!("/v1/imports/{}{path}", theirs.str("id"));
        boss.client.get(&path).await.expect_problem(403, "target_outranks_caller");
    }
    assert_eq!(boss.client.get("/v1/imports").await.expect(200).json["items"].as_array().unwrap().len(), 1);
    let body = json!({ "token": theirs.str("token") });
    boss.client
        .post(&format!("/v1/imports/{}/apply", theirs.str("id")), body)
        .await
        .expect_problem(403, "target_outranks_caller");

    // What whoever began it may not do any more is not done.
    let path = format!("/v1/imports/{}", shown.str("id"));
    boss.client.post(&format!("{path}/apply"), json!({ "token": shown.str("token") })).await.expect(202);
    admin.client.put(&format!("/v1/users/{}/roles", boss.id), json!({ "roles": ["user"] })).await;
    let tag = admin.client.get(&format!("/v1/users/{}", boss.id)).await.etag();
    let roles = json!({ "roles": ["user"] });
    admin
        .client
        .send(http::Method::PUT, &format!("/v1/users/{}/roles", boss.id), &[("if-match", &tag)], Some(roles))
        .await
        .expect(200);
    app.run_jobs().await;
    let failed = admin.client.get(&path).await.expect(200);
    assert_eq!((&failed.json["state"], counts(&failed)["create"].as_i64()), (&json!("failed"), Some(1)));
    app.finish().await;
}

#[tokio::test]
async fn ids_are_kept_if_asked_for_and_free() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let id = "0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d";
    let file = format!("id,email\n{id},ann@mail.example\n{},bob@mail.example\n", admin.id);
    let shown = preview(&app, &admin.client, "keep_ids=true", file.clone()).await;
    assert_eq!(faults(&admin.client, &shown).await, [fault(3, "conflict", "id", "id_taken")]);
    assert_eq!(counts(&apply(&app, &admin.client, &shown).await), json!({ "done": 1, "conflict": 1 }));
    admin.client.get(&format!("/v1/users/{id}")).await.expect(200);
    let other = preview(&app, &admin.client, "", file).await;
    assert_eq!(counts(&other), json!({ "unchanged": 1, "create": 1 }));
    app.finish().await;
}

#[tokio::test]
async fn the_last_administrator_stays_one() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let file = "email,roles,status\nroot@example.org,user,\n";
    let shown = preview(&app, &admin, "mode=upsert", file).await;
    assert_eq!(counts(&shown), json!({ "update": 1 }));
    let done = apply(&app, &admin, &shown).await;
    assert_eq!(faults(&admin, &done).await, [fault(2, "update", "", "last_admin")]);
    admin.get("/v1/users").await.expect(200);
    app.finish().await;
}
