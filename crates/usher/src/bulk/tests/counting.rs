//! The counts that are kept with a run are those of its items.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{begin, crowd, preview, step};
use crate::bulk::work::Step;
use crate::testing::{Answer, TestApp};

async fn execute(app: &TestApp, statements: &[&str]) {
    let mut tx = app.tx().await;
    for sql in statements {
        tx.execute(sql, &[]).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// What is kept is what counting all items comes to.
async fn check(app: &TestApp, id: &str) {
    let id: uuid::Uuid = id.parse().unwrap();
    let mut tx = app.tx().await;
    let kept = tx.query_one("select counts from bulk_runs where id = $1", &[&id]).await.unwrap();
    let sql = "
        select jsonb_build_object(
            'to_do', count(*) filter (where i.outcome is null),
            'done', count(*) filter (where i.outcome = 'done'),
            'unchanged', count(*) filter (where i.outcome = 'unchanged'),
            'refused', count(*) filter (where i.outcome = 'refused'),
            'failed', count(*) filter (where i.outcome = 'failed'),
            'position', r.position
        )
        from bulk_runs r
        join bulk_items i on i.run_id = r.id
        where r.id = $1
        group by r.id";
    let counted = tx.query_one(sql, &[&id]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(kept.get::<_, Option<Value>>(0), Some(counted.get(0)));
}

fn counts(run: &Answer) -> Value {
    let counts = run.json["counts"].as_object().unwrap();
    counts.iter().filter(|(_, count)| **count != json!(0)).map(|(name, count)| (name.clone(), count.clone())).collect()
}

#[tokio::test]
async fn counts_are_those_of_the_items_at_each_step() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    crowd(&app, 1100).await;
    execute(&app, &["update users set status = 'suspended' where username like 'u000_'"]).await;
    let nobody = json!({ "action": "suspend", "ids": ["0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d"] });
    let refused = preview(&admin, nobody).await;
    check(&app, &refused.str("id")).await;
    assert_eq!(counts(&refused), json!({ "refused": 1 }));

    // The administrator is the last one.
    app.advance(SignedDuration::from_secs(1));
    let shown = preview(&admin, json!({ "action": "suspend", "filter": "id pr" })).await;
    let id = shown.str("id");
    check(&app, &id).await;
    assert_eq!(counts(&shown), json!({ "to_do": 1090, "unchanged": 10, "refused": 1 }));
    execute(&app, &["update users set status = 'suspended' where username = 'u0900'"]).await;
    let path = begin(&admin, &shown).await;
    check(&app, &id).await;
    assert_eq!(step(&app.app, &shown).await, Step::More);
    check(&app, &id).await;
    admin.post(&format!("{path}/pause"), json!({})).await.expect(200);
    app.run_jobs().await;
    check(&app, &id).await;
    admin.post(&format!("{path}/resume"), json!({})).await.expect(200);
    check(&app, &id).await;
    while step(&app.app, &shown).await == Step::More {
        check(&app, &id).await;
    }
    check(&app, &id).await;
    app.run_jobs().await;
    let done = admin.get(&path).await.expect(200);
    assert_eq!(counts(&done), json!({ "done": 1089, "unchanged": 11, "refused": 1 }));
    let listed = admin.get("/v1/bulk").await.expect(200).json["items"].clone();
    assert_eq!((&listed[0]["counts"], &listed[1]["counts"]), (&done.json["counts"], &refused.json["counts"]));
    let events = admin.get("/v1/audit-events?action=bulk.finished").await.expect(200).json["items"].clone();
    assert_eq!(events[0]["changes"]["counts"], done.json["counts"]);

    let undoing = admin.post(&format!("/v1/changes/{id}/undo"), json!({})).await.expect(200);
    let id = undoing.json["run"]["id"].as_str().unwrap();
    check(&app, id).await;
    assert_eq!(undoing.json["run"]["counts"]["to_do"], 1089);
    app.run_jobs().await;
    check(&app, id).await;
    assert_eq!(counts(&admin.get(&format!("/v1/bulk/{id}")).await.expect(200)), json!({ "done": 1089 }));
    app.finish().await;
}

#[tokio::test]
async fn users_of_a_batch_that_failed_are_counted_one_by_one() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    crowd(&app, 20).await;
    let broken = "
        alter table users
        add constraint users_broken_check check (username <> 'u0003' or status <> 'suspended')";
    execute(&app, &[broken]).await;
    let shown = preview(&admin, json!({ "action": "suspend", "filter": "userName sw \"u0\"" })).await;
    let path = begin(&admin, &shown).await;
    app.expect_error("a user of a run was left out");
    // The batch that failed may hold the run for a moment more.
    while step(&app.app, &shown).await != Step::Over {
        tokio::task::yield_now().await;
    }
    check(&app, &shown.str("id")).await;
    assert_eq!(counts(&admin.get(&path).await.expect(200)), json!({ "done": 19, "failed": 1 }));
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn what_the_release_before_has_gone_on_with_is_counted_by_its_items() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    crowd(&app, 20).await;
    let shown = preview(&admin, json!({ "action": "suspend", "filter": "userName sw \"u0\"" })).await;
    let path = begin(&admin, &shown).await;
    let does = "update bulk_items set outcome = 'done' where position <= 5";
    execute(&app, &[does, "update bulk_runs set position = 5"]).await;
    let before = admin.get(&path).await.expect(200);
    assert_eq!(counts(&before), json!({ "to_do": 15, "done": 5 }));
    assert_eq!(admin.get("/v1/bulk").await.expect(200).json["items"][0]["counts"], before.json["counts"]);
    app.run_jobs().await;
    let done = admin.get(&path).await.expect(200);
    assert_eq!((counts(&done), &done.json["state"]), (json!({ "done": 20 }), &json!("finished")));
    assert_eq!(app.count("select count(*) from bulk_runs where counts is null").await, 1);
    app.finish().await;
}
