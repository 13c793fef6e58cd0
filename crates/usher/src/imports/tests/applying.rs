//! Applying, going on, undoing, and doing it again.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{BCRYPT, apply, counts, fault, faults, preview};
use crate::imports::{self, Step};
use crate::testing::{Client, TestApp};

const FILE: &str = "username,email,email_verified,given_name,roles,attributes.team,status,created_at\n\
    ann,ann@mail.example,true,Ann,user,red,active,2020-02-03T04:05:06Z\n\
    bob,bob@mail.example,false,Bob,,,,2020-02-03 04:05:06+00\n\
    cid,cid@mail.example,true,Cid,user;manager,blue,suspended,\n";

async fn named(admin: &Client, username: &str) -> Value {
    let path = format!("/v1/users?filter=userName%20eq%20%22{username}%22");
    admin.get(&path).await.expect(200).json["items"][0].clone()
}

#[tokio::test]
async fn a_file_is_previewed_applied_repeated_and_undone() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let shown = preview(&app, &admin, "", FILE).await;
    assert_eq!((counts(&shown), &shown.json["mails"]), (json!({ "create": 3 }), &json!(0)));
    assert_eq!(shown.json["sample"].as_array().unwrap().len(), 3);
    assert_eq!(app.count("select count(*) from users").await, 1);

    let done = apply(&app, &admin, &shown).await;
    assert_eq!((counts(&done), &done.json["state"]), (json!({ "done": 3 }), &json!("finished")));
    assert_eq!(app.mails().await.len(), 0);
    // Names that usher makes up may hold these three.
    let ann = named(&admin, "ann").await;
    assert_eq!(
        (&ann["username"], &ann["status"], &ann["attributes"], &ann["created_at"]),
        (&json!("ann"), &json!("active"), &json!({ "team": "red" }), &json!("2020-02-03T04:05:06Z"))
    );
    let cid = named(&admin, "cid").await;
    assert_eq!((&cid["status"], &cid["roles"]), (&json!("suspended"), &json!(["manager", "user"])));
    let bob = named(&admin, "bob").await;
    assert_eq!((&bob["status"], &bob["roles"]), (&json!("pending"), &json!([])));

    // The same file again has nothing to do.
    for query in ["", "mode=upsert", "match=username&mode=upsert"] {
        assert_eq!(counts(&preview(&app, &admin, query, FILE).await), json!({ "unchanged": 3 }), "{query}");
    }

    // One change set, undone as a whole.
    let id = shown.str("id");
    let change = admin.get(&format!("/v1/changes/{id}")).await.expect(200);
    assert_eq!(change.json["action"], "import.started");
    let undoing = admin.post(&format!("/v1/changes/{id}/undo"), json!({})).await.expect(200);
    assert_eq!(undoing.json["undone"], 3);
    assert_eq!(app.count("select count(*) from users where status = 'deleted'").await, 3);
    app.finish().await;
}

#[tokio::test]
async fn an_upsert_changes_what_the_file_says_and_undo_changes_back_what_nobody_has_changed_since() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let done = preview(&app, &admin, "", FILE).await;
    apply(&app, &admin, &done).await;
    let file = "email,given_name,family_name,attributes,roles,status\n\
        ANN@mail.example,Anne,,\"{\"\"team\"\":null,\"\"deep\"\":{\"\"a\"\":[1]}}\",user;manager,\n\
        cid@mail.example,Cid,Smith,,manager;user,active\n\
        new@mail.example,New,,,user,\n";
    let refused = preview(&app, &admin, "", file).await;
    assert_eq!(counts(&refused), json!({ "create": 1, "conflict": 2 }));
    let shown = preview(&app, &admin, "mode=upsert", file).await;
    assert_eq!(counts(&shown), json!({ "create": 1, "update": 2 }));
    let rows = admin.get(&format!("/v1/imports/{}/rows?class=update", shown.str("id"))).await.expect(200);
    assert_eq!(rows.json["items"][0]["changes"]["given_name"], json!({ "before": "Ann", "after": "Anne" }));
    assert_eq!(rows.json["items"][1]["changes"]["status"], json!({ "before": "suspended", "after": "active" }));
    assert_eq!(counts(&apply(&app, &admin, &shown).await), json!({ "done": 3 }));
    let ann = admin.get("/v1/users?q=ann%40mail").await.expect(200).json["items"][0].clone();
    assert_eq!((&ann["given_name"], &ann["attributes"]), (&json!("Anne"), &json!({ "deep": { "a": [1] } })));
    assert_eq!((&ann["roles"], &ann["email"]), (&json!(["manager", "user"]), &json!("ann@mail.example")));

    // Somebody changes one of them afterwards: that stays.
    let path = format!("/v1/users/{}", ann["id"].as_str().unwrap());
    let tag = admin.get(&path).await.etag();
    let body = json!({ "given_name": "Annika" });
    admin.send(http::Method::PATCH, &path, &[("if-match", &tag)], Some(body)).await.expect(200);
    let undo = format!("/v1/changes/{}/undo", shown.str("id"));
    admin.post(&undo, json!({})).await.expect_problem(409, "undo_conflict");
    admin.post(&undo, json!({ "skip_conflicts": true })).await.expect(200);
    let ann = admin.get(&path).await.expect(200).json;
    assert_eq!((&ann["given_name"], &ann["attributes"]), (&json!("Annika"), &json!({ "team": "red" })));
    assert_eq!(ann["roles"], json!(["user"]));
    assert_eq!(app.count("select count(*) from users where status = 'deleted'").await, 1);
    assert_eq!(app.count("select count(*) from users where status = 'suspended'").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn of_profiles_that_are_changed_together_one_that_does_not_fit_stays_and_the_others_are_changed() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let schema = json!({ "type": "object", "properties": { "badge": { "type": "string", "maxLength": 8, "unique": true } } });
    admin.send(http::Method::PUT, "/v1/attribute-schema", &[], Some(schema)).await.expect(202);
    app.run_jobs().await;
    let file = |given: &str, badges: [&str; 4]| -> String {
        let row = |(at, badge): (usize, &&str)| format!("u{at}@mail.example,true,{given}{at},{badge}\n");
        let rows: String = badges.iter().enumerate().map(row).collect();
        format!("email,email_verified,given_name,attributes.badge\n{rows}")
    };
    let made = preview(&app, &admin, "", file("Old", ["a", "b", "c", "d"])).await;
    assert_eq!(counts(&apply(&app, &admin, &made).await), json!({ "done": 4 }));
    // The third wants what the first has, which nothing but writing it finds out.
    let shown = preview(&app, &admin, "mode=upsert", file("New", ["a", "b", "a", "e"])).await;
    assert_eq!(counts(&shown), json!({ "update": 4 }));
    let done = apply(&app, &admin, &shown).await;
    assert_eq!(counts(&done), json!({ "done": 3, "conflict": 1 }));
    assert_eq!(faults(&admin, &done).await.len(), 1);
    let names = async || -> String {
        let sql = "select string_agg(given_name || (attributes->>'badge') || version, ' ' order by given_name) from users where given_name <> ''";
        app.tx().await.query_one(sql, &[]).await.unwrap().get(0)
    };
    assert_eq!(names().await, "New0a2 New1b2 New3e2 Old2c1");
    let history = "select count(*) from audit_events where action = 'user.updated'";
    assert_eq!(app.count(history).await, 3);

    // All of them at once, and back.
    let shown = preview(&app, &admin, "mode=upsert", file("Newest", ["f", "g", "h", "i"])).await;
    assert_eq!(counts(&apply(&app, &admin, &shown).await), json!({ "done": 4 }));
    assert_eq!(names().await, "Newest0f3 Newest1g3 Newest2h2 Newest3i3");
    let undone = admin.post(&format!("/v1/changes/{}/undo", shown.str("id")), json!({})).await.expect(200);
    assert_eq!(undone.json["undone"], 4);
    assert_eq!(names().await, "New0a4 New1b4 New3e4 Old2c3");
    app.finish().await;
}

#[tokio::test]
async fn a_password_that_another_program_has_hashed_opens_and_leaves_the_staging_table() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    // A test vector of Openwall.
    let hash = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    let file = format!("email,email_verified,password_hash\nann@mail.example,1,{hash}\nbob@mail.example,0,\n");
    let shown = preview(&app, &admin, "invite=true", file.clone()).await;
    assert_eq!(shown.json["mails"], 1);
    assert!(!shown.text.contains(hash));
    apply(&app, &admin, &shown).await;
    assert_eq!(app.mails().await.len(), 1);
    app.sign_in("ann@mail.example", "U*U").await;
    assert_eq!(app.count("select count(*) from import_rows where record ? 'password_hash'").await, 0);
    // Nor does the import tell of people who were made of it: they may be purged.
    assert_eq!(app.count("select count(*) from import_rows where record <> '{}' or changes is not null").await, 0);
    assert_eq!(app.count("select count(*) from import_keys").await, 0);
    let rows = admin.get(&format!("/v1/imports/{}/rows", shown.str("id"))).await.expect(200).json["items"].clone();
    assert_eq!(rows[0]["email"], "ann@mail.example");

    // Nobody's password is changed by an import.
    let other = format!("email,password_hash\nann@mail.example,{BCRYPT}\n");
    assert_eq!(counts(&preview(&app, &admin, "mode=upsert", other).await), json!({ "unchanged": 1 }));
    assert_eq!(app.count("select count(*) from import_rows where record ? 'password_hash'").await, 0);
    app.finish().await;
}

fn many(count: usize) -> String {
    let rows = (0..count).map(|at| format!("u{at:06},u{at}@mail.example,true\n"));
    ["username,email,email_verified\n".to_owned()].into_iter().chain(rows).collect()
}

#[tokio::test]
async fn an_import_goes_on_at_each_batch_and_is_paused_between_them() {
    let mut app = TestApp::new().await;
    app.may_leave_jobs();
    let admin = app.admin().await.client;
    let shown = preview(&app, &admin, "", many(1203)).await;
    let id: uuid::Uuid = shown.str("id").parse().unwrap();
    let path = format!("/v1/imports/{id}");
    admin.post(&format!("{path}/apply"), json!({ "token": "of nobody" })).await.expect_problem(422, "invalid_body");
    admin.post(&format!("{path}/apply"), json!({ "token": shown.str("token") })).await.expect(202);
    admin.post(&format!("{path}/apply"), json!({ "token": shown.str("token") })).await.expect_problem(409, "invalid_state");
    let users = "select count(*) from users where username like 'u0%'";
    for expected in [500, 1000] {
        assert_eq!(imports::apply_step(&app.app, id).await.unwrap(), Step::More);
        assert_eq!(app.count(users).await, expected);
    }
    admin.post(&format!("{path}/pause"), json!({})).await.expect(200);
    admin.post(&format!("{path}/pause"), json!({})).await.expect(200);
    assert_eq!(imports::apply_step(&app.app, id).await.unwrap(), Step::Over);
    assert_eq!(app.count(users).await, 1000);
    admin.post(&format!("{path}/resume"), json!({})).await.expect(200);
    app.run_jobs().await;
    let done = admin.get(&path).await.expect(200);
    assert_eq!((counts(&done), app.count(users).await), (json!({ "done": 1203 }), 1203));
    assert_eq!(app.count("select count(*) from audit_events where action = 'user.created'").await, 1204);
    assert_eq!(counts(&preview(&app, &admin, "", many(1203)).await), json!({ "unchanged": 1203 }));
    app.finish().await;
}

#[tokio::test]
async fn who_registers_in_the_meantime_makes_a_conflict_of_their_row_only() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let shown = preview(&app, &admin, "", many(10)).await;
    app.person("late", &["user"]).await;
    let mut tx = app.tx().await;
    let email = "update emails set address = 'u3@mail.example', address_normal = 'u3@mail.example' where address like 'late%'";
    tx.execute(email, &[]).await.unwrap();
    tx.execute("update users set username = 'U000005' where id = (select user_id from emails where address like 'u3%')", &[])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let done = apply(&app, &admin, &shown).await;
    assert_eq!(counts(&done), json!({ "done": 8, "conflict": 2 }));
    assert_eq!(
        faults(&admin, &done).await,
        [fault(5, "create", "email", "email_taken"), fault(7, "create", "username", "username_taken")]
    );
    app.finish().await;
}

#[tokio::test]
async fn an_import_that_races_with_registrations_of_its_addresses_fails_for_none_of_the_others() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let shown = preview(&app, &admin, "", many(40)).await;
    let path = format!("/v1/imports/{}", shown.str("id"));
    admin.post(&format!("{path}/apply"), json!({ "token": shown.str("token") })).await.expect(202);
    let register = async {
        for at in 0..40 {
            let body = json!({ "email": format!("u{at}@mail.example"), "password": "plum kettle orbit lantern" });
            app.client().post("/v1/register", body).await.expect(202);
        }
        app.run_jobs().await;
    };
    let id: uuid::Uuid = shown.str("id").parse().unwrap();
    let (step, ()) = tokio::join!(imports::apply_step(&app.app, id), register);
    step.unwrap();
    app.run_jobs().await;
    let done = admin.get(&path).await.expect(200);
    let count = |name: &str| done.json["counts"][name].as_i64().unwrap();
    assert_eq!((count("done") + count("conflict"), &done.json["state"]), (40, &json!("finished")));
    assert_eq!(app.count("select count(*) from emails where address like 'u%'").await, 40);
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn r047_a_sign_up_that_was_never_verified_gives_way_to_a_verified_row_only() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let body = json!({ "email": "ann@mail.example", "password": "plum kettle orbit lantern" });
    app.client().post("/v1/register", body).await.expect(202);
    app.mails().await;
    let row = |verified: &str| format!("email,email_verified,bio\nann@mail.example,{verified},Gardener\n");
    assert_eq!(counts(&preview(&app, &admin, "", row("false")).await), json!({ "conflict": 1 }));
    let shown = preview(&app, &admin, "", row("true")).await;
    assert_eq!(counts(&apply(&app, &admin, &shown).await), json!({ "done": 1 }));
    assert_eq!(app.count("select count(*) from users where status = 'active'").await, 2);
    assert_eq!(app.count("select count(*) from password_credentials").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn previews_are_forgotten_after_a_day() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let shown = preview(&app, &admin.client, "", FILE).await;
    app.advance(SignedDuration::from_hours(25));
    let again = app.sign_in(&admin.email, crate::testing::PASSWORD).await.client;
    let body: Value = json!({ "token": shown.str("token") });
    again.post(&format!("/v1/imports/{}/apply", shown.str("id")), body).await.expect_problem(422, "invalid_body");
    while forget(&app, 10).await {}
    again.get(&format!("/v1/imports/{}", shown.str("id"))).await.expect_problem(404, "not_found");
    assert_eq!(app.count("select count(*) from import_rows").await, 0);
    app.finish().await;
}

#[tokio::test]
async fn roles_come_with_the_end_that_the_file_has_and_a_file_without_ends_changes_none() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let [past, soon, late] = [-1, 60, 120].map(|minutes| (app.now() + SignedDuration::from_mins(minutes)).to_string());
    let row =
        |email: &str, roles: &str, end: &str| format!("{email}@mail.example,{roles},\"{{\"\"manager\"\":\"\"{end}\"\"}}\"\n");
    let head = "email,roles,role_ends\n";
    let file =
        format!("{head}{}{}eva@mail.example,user,\n", row("ann", "user;manager", &late), row("bob", "manager;user", &past));
    let shown = preview(&app, &admin, "", file.clone()).await;
    assert_eq!(counts(&apply(&app, &admin, &shown).await), json!({ "done": 3 }));
    let found = async |name: &str| {
        let user = admin.get(&format!("/v1/users?q={name}%40mail")).await.expect(200).json["items"][0].clone();
        (user["roles"].clone(), user["role_ends"].clone())
    };
    assert_eq!(found("ann").await, (json!(["manager", "user"]), json!({ "manager": late })));
    assert_eq!(found("bob").await, (json!(["user"]), Value::Null));
    assert_eq!(counts(&preview(&app, &admin, "mode=upsert", file).await), json!({ "unchanged": 3 }));
    let old = "email,roles\nann@mail.example,user;manager\n";
    assert_eq!(counts(&preview(&app, &admin, "mode=upsert", old).await), json!({ "unchanged": 1 }));

    let sooner = preview(&app, &admin, "mode=upsert", format!("{head}{}", row("ann", "manager;user", &soon))).await;
    assert_eq!(counts(&apply(&app, &admin, &sooner).await), json!({ "done": 1 }));
    assert_eq!(found("ann").await.1, json!({ "manager": soon }));
    let ever = preview(&app, &admin, "mode=upsert", format!("{head}ann@mail.example,manager;user,\n")).await;
    apply(&app, &admin, &ever).await;
    assert_eq!(found("ann").await, (json!(["manager", "user"]), Value::Null));
    for change in [&ever, &sooner] {
        admin.post(&format!("/v1/changes/{}/undo", change.str("id")), json!({})).await.expect(200);
    }
    assert_eq!(found("ann").await, (json!(["manager", "user"]), json!({ "manager": late })));

    let bad = [row("a", "user", &late), row("b", "manager", "soon"), "c@mail.example,user,[1]\n".to_owned()];
    let refused = preview(&app, &admin, "", format!("{head}{}", bad.concat())).await;
    assert_eq!(
        faults(&admin, &refused).await,
        [
            fault(2, "invalid", "role_ends", "inconsistent"),
            fault(3, "invalid", "role_ends", "invalid"),
            fault(4, "invalid", "role_ends", "invalid")
        ]
    );
    app.finish().await;
}

#[tokio::test]
async fn an_old_import_is_forgotten_part_by_part_hashes_first_and_cannot_go_on_meanwhile() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let hashed = (0..12).map(|at| format!("u{at}@mail.example,user,{BCRYPT}\n"));
    let unknown = (0..15).map(|at| format!("v{at}@mail.example,nonsense,\n"));
    let file = format!("email,roles,password_hash\n{}", unknown.chain(hashed).collect::<String>());
    let shown = preview(&app, &admin, "", file).await;
    let mut tx = app.tx().await;
    let paused = "update imports set state = 'paused', created_at = created_at - interval '31 days', expires_at = expires_at - interval '31 days'";
    tx.execute(paused, &[]).await.unwrap();
    tx.commit().await.unwrap();
    let mut left = Vec::new();
    while forget(&app, 10).await {
        let count = async |of: &str| app.count(&format!("select count(*) from {of}")).await;
        let with_hash = count("import_rows where record ? 'password_hash'").await;
        left.push((with_hash, count("import_rows").await, count("import_keys").await, count("imports").await));
        let goes_on = admin.post(&format!("/v1/imports/{}/resume", shown.str("id")), json!({})).await;
        assert!([404, 409].contains(&goes_on.status.as_u16()), "{}", goes_on.text);
    }
    let rows: Vec<_> = left.iter().map(|(with_hash, rows, ..)| (*with_hash, *rows)).collect();
    assert_eq!(rows[..4], [(2, 17), (0, 15), (0, 5), (0, 0)]);
    assert!(left[4].2 < left[3].2 && left[4].3 == 1, "{left:?}");
    assert_eq!(left.last(), Some(&(0, 0, 0, 0)));
    app.finish().await;
}

/// One turn; false when nothing was left.
async fn forget(app: &TestApp, limit: i64) -> bool {
    let mut tx = app.tx().await;
    let goes_on = imports::store::delete_of_old_imports(&mut tx, limit).await.unwrap();
    tx.commit().await.unwrap();
    goes_on
}
