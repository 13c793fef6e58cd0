//! The counts that are kept with an import are those of its rows, and pages of rows show what is counted.

use jiff::SignedDuration;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{BCRYPT, counts, preview, upload};
use crate::imports::{self, Class, Step};
use crate::testing::{Answer, Client, TestApp};

const COUNTED: [&str; 8] = ["waiting", "create", "update", "unchanged", "conflict", "invalid", "done", "failed"];

async fn execute(app: &TestApp, statements: &[&str]) {
    let mut tx = app.tx().await;
    for sql in statements {
        tx.execute(sql, &[]).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// What is kept is what counting all rows comes to.
async fn check(app: &TestApp, id: Uuid) {
    let mut tx = app.tx().await;
    let kept = tx.query_one("select counts from imports where id = $1", &[&id]).await.unwrap();
    let sql = "
        select jsonb_build_object(
            'waiting', count(*) filter (where coalesce(r.outcome, r.class) is null),
            'create', count(*) filter (where coalesce(r.outcome, r.class) = 'create'),
            'update', count(*) filter (where coalesce(r.outcome, r.class) = 'update'),
            'unchanged', count(*) filter (where coalesce(r.outcome, r.class) = 'unchanged'),
            'conflict', count(*) filter (where coalesce(r.outcome, r.class) = 'conflict'),
            'invalid', count(*) filter (where coalesce(r.outcome, r.class) = 'invalid'),
            'done', count(*) filter (where coalesce(r.outcome, r.class) = 'done'),
            'failed', count(*) filter (where coalesce(r.outcome, r.class) = 'failed'),
            'mails', count(*) filter (
                where r.outcome is null
                    and case r.class
                        when 'create' then (i.options->>'invite')::boolean and not r.record ? 'password_hash'
                        when 'update' then r.changes ? 'username'
                    end
            ),
            'passed', i.position + case when i.started_at is null then 0 else i.total end
        )
        from imports i
        join import_rows r on r.import_id = i.id
        where i.id = $1
        group by i.id";
    let counted = tx.query_one(sql, &[&id]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(kept.get::<_, Option<Value>>(0), Some(counted.get(0)));
}

/// The positions of the rows of which this is true, in their order.
async fn positions(app: &TestApp, id: Uuid, condition: &str) -> Vec<i64> {
    let mut tx = app.tx().await;
    let sql = format!("select position from import_rows where import_id = $1 and {condition} order by position");
    let found = tx.query(&sql, &[&id]).await.unwrap().iter().map(|row| row.get(0)).collect();
    tx.commit().await.unwrap();
    found
}

/// Page by page all rows are shown that are counted so, and no others.
async fn check_pages(app: &TestApp, id: Uuid) {
    const PAGE: i64 = 97;
    for name in COUNTED {
        let mut found: Vec<i64> = Vec::new();
        let mut tx = app.tx().await;
        loop {
            let after = found.last().copied().unwrap_or(0);
            let rows = imports::list_rows_counted_as(&mut tx, id, name, after, PAGE).await.unwrap();
            if rows.is_empty() {
                break;
            }
            found.extend(rows.iter().map(|row| row.position));
        }
        let rows = imports::list_rows(&mut tx, id, Some(Class::Create), 400, PAGE).await.unwrap();
        let faulty = imports::list_faulty(&mut tx, id, PAGE).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(found, positions(app, id, &format!("coalesce(outcome, class, 'waiting') = '{name}'")).await, "{name}");
        for (rows, condition) in [(rows, "class = 'create' and position > 400"), (faulty, "faults is not null")] {
            let expected = positions(app, id, condition).await;
            let found: Vec<i64> = rows.iter().map(|row| row.position).collect();
            assert_eq!(found, expected[..expected.len().min(97)], "{condition}");
        }
    }
}

fn id_of(import: &Answer) -> Uuid {
    import.str("id").parse().unwrap()
}

async fn begin(client: &Client, shown: &Answer) -> String {
    let path = format!("/v1/imports/{}", shown.str("id"));
    client.post(&format!("{path}/apply"), json!({ "token": shown.str("token") })).await.expect(202);
    path
}

/// So many users who are there.
const THERE: usize = 300;

/// Rows of every kind: about those who are there, and then about others.
fn mixed() -> String {
    let row = |at: usize| {
        let (name, email) = (format!("u{at:06}"), format!("u{at}@mail.example"));
        match (at < THERE, at % 4, at % 5) {
            (true, 0, _) => format!("{name},{email},true,Old,\n"),
            (true, 2, _) => format!("v{at:06},{email},true,Old,\n"),
            (false, _, 0) => format!("{name},no address,true,New,\n"),
            (false, _, 1 | 2) => format!("{name},{email},true,New,{BCRYPT}\n"),
            (true, ..) | (false, _, 3) => format!("{name},{email},true,New,\n"),
            (false, ..) => format!("{name},u{}@mail.example,true,New,\n", at - 1),
        }
    };
    let head = "username,email,email_verified,given_name,password_hash\n".to_owned();
    [head].into_iter().chain((0..1300).map(row)).collect()
}

#[tokio::test]
async fn counts_are_those_of_the_rows_at_each_step() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let there = (0..THERE).map(|at| format!("u{at:06},u{at}@mail.example,true,Old\n"));
    let file: String = ["username,email,email_verified,given_name\n".to_owned()].into_iter().chain(there).collect();
    begin(&admin, &preview(&app, &admin, "", file).await).await;
    app.run_jobs().await;

    app.advance(SignedDuration::from_secs(1));
    let import = upload(&admin, "mode=upsert&invite=true", mixed()).await.expect(201);
    let id = id_of(&import);
    assert_eq!(counts(&import), json!({ "waiting": 1100, "invalid": 200 }));
    check(&app, id).await;
    while imports::classify_step(&app.app, id).await.unwrap() == Step::More {
        check(&app, id).await;
        check_pages(&app, id).await;
    }
    check(&app, id).await;
    app.run_jobs().await;
    let shown = admin.get(&format!("/v1/imports/{id}")).await.expect(200);
    let expected = json!({ "create": 600, "update": 225, "unchanged": 75, "conflict": 200, "invalid": 200 });
    assert_eq!((counts(&shown), &shown.json["mails"]), (expected, &json!(275)));

    // Meanwhile some are changed by hand, and somebody else gets an address: the row is about them now.
    let names: Vec<String> = (0..THERE).filter(|at| at % 4 == 3).map(|at| format!("u{at:06}")).collect();
    let mut tx = app.tx().await;
    tx.execute("update users set given_name = 'New' where username = any($1)", &[&names]).await.unwrap();
    tx.commit().await.unwrap();
    app.person("late", &["user"]).await;
    let taken =
        "update emails set address = 'u301@mail.example', address_normal = 'u301@mail.example' where address like 'late%'";
    execute(&app, &[taken]).await;

    let path = begin(&admin, &shown).await;
    check(&app, id).await;
    assert_eq!(imports::apply_step(&app.app, id).await.unwrap(), Step::More);
    check(&app, id).await;
    check_pages(&app, id).await;
    admin.post(&format!("{path}/pause"), json!({})).await.expect(200);
    assert_eq!(imports::apply_step(&app.app, id).await.unwrap(), Step::Over);
    check(&app, id).await;
    admin.post(&format!("{path}/resume"), json!({})).await.expect(200);
    check(&app, id).await;
    while imports::apply_step(&app.app, id).await.unwrap() == Step::More {
        check(&app, id).await;
    }
    check(&app, id).await;
    check_pages(&app, id).await;
    app.mails().await;
    let done = admin.get(&path).await.expect(200);
    let expected = json!({ "done": 750, "unchanged": 150, "conflict": 200, "invalid": 200 });
    assert_eq!((counts(&done), &done.json["mails"]), (expected, &json!(0)));
    let events = admin.get("/v1/audit-events?action=import.finished").await.expect(200).json["items"].clone();
    assert_eq!(events[0]["changes"]["counts"], done.json["counts"]);
    app.finish().await;
}

#[tokio::test]
async fn rows_of_a_batch_that_failed_are_counted_one_by_one() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let file =
        "username,email,given_name\nann,ann@mail.example,A\nbroken,bob@mail.example,B\ncid,cid@mail.example,C\neva,nobody,E\n";
    let shown = preview(&app, &admin, "invite=true", file).await;
    assert_eq!((counts(&shown), &shown.json["mails"]), (json!({ "create": 3, "invalid": 1 }), &json!(3)));
    execute(&app, &["alter table users add constraint users_broken_check check (username <> 'broken')"]).await;
    app.expect_error("a row of an import was left out");
    let path = begin(&admin, &shown).await;
    assert_eq!(imports::apply_step(&app.app, id_of(&shown)).await.unwrap(), Step::Over);
    check(&app, id_of(&shown)).await;
    check_pages(&app, id_of(&shown)).await;
    assert_eq!(app.mails().await.len(), 2);
    let done = admin.get(&path).await.expect(200);
    assert_eq!((counts(&done), &done.json["mails"]), (json!({ "done": 2, "failed": 1, "invalid": 1 }), &json!(0)));
    app.finish().await;
}

#[tokio::test]
async fn what_the_release_before_has_gone_on_with_is_counted_by_its_rows() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let file = |letter: char| -> String {
        let rows = (0..5).map(|at| format!("{letter}{at}@mail.example,true\n"));
        ["email,email_verified\n".to_owned()].into_iter().chain(rows).collect()
    };
    // It judges the rows, and begins: the position is where it was.
    let import = upload(&admin, "invite=true", file('a')).await.expect(201);
    let judges = "update import_rows set class = 'create'";
    execute(&app, &[judges, "update imports set state = 'running', started_at = now()"]).await;
    let path = format!("/v1/imports/{}", import.str("id"));
    let shown = admin.get(&path).await.expect(200);
    assert_eq!((counts(&shown), &shown.json["mails"]), (json!({ "create": 5 }), &json!(5)));
    execute(&app, &["delete from import_rows", "delete from imports"]).await;

    // It applies some rows, and this release goes on.
    let shown = preview(&app, &admin, "invite=true", file('b')).await;
    let path = begin(&admin, &shown).await;
    let applies = "update import_rows set outcome = 'done', record = '{}' where position <= 2";
    execute(&app, &[applies, "update imports set position = 2"]).await;
    let shown = admin.get(&path).await.expect(200);
    assert_eq!((counts(&shown), &shown.json["mails"]), (json!({ "create": 3, "done": 2 }), &json!(3)));
    while imports::apply_step(&app.app, id_of(&shown)).await.unwrap() == Step::More {}
    app.mails().await;
    let done = admin.get(&path).await.expect(200);
    assert_eq!((counts(&done), &done.json["state"], &done.json["mails"]), (json!({ "done": 5 }), &json!("finished"), &json!(0)));
    assert_eq!(app.count("select count(*) from imports where counts is null").await, 1);
    let events = admin.get("/v1/audit-events?action=import.finished").await.expect(200).json["items"].clone();
    assert_eq!(events[0]["changes"]["counts"], Value::Null);
    app.finish().await;
}
