//! Indexes: which are built, that they are used, and what becomes of one that is interrupted or can't be.

use std::time::Duration;

use futures_util::future::join_all;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{PATH, closed, create, many, put_attributes, set};
use crate::attributes::{self, sql, tend};
use crate::testing::TestApp;

const INDEXES: &str = "select count(*) from pg_index i join pg_class c on c.oid = i.indexrelid
    where i.indrelid = 'users'::regclass and starts_with(c.relname::text, 'users_attr_')";

fn state(status: &Value, property: &str) -> Value {
    let indexes = status["indexes"].as_array().unwrap();
    indexes.iter().find(|index| index["property"] == property).map_or(Value::Null, |index| index["state"].clone())
}

async fn eventually(app: &TestApp, sql: &str) {
    let wait = async {
        while app.count(sql).await == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap_or_else(|_| panic!("never: {sql}"));
}

#[tokio::test]
async fn a_searchable_property_has_an_index_that_its_expression_uses() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    many(
        &app,
        3000,
        "jsonb_build_object('text', 'Name ' || n, 'time', '2026-01-01T00:00:00.' || lpad(n::text, 6, '0') || 'Z', 'date',
            (date '2000-01-01' + n)::text, 'number', n, 'flag', n % 1000 = 0, 'tags', jsonb_build_array('t' || n))",
    )
    .await;
    let answer = set(
        &admin,
        json!({
            "text": { "type": "string", "maxLength": 50, "searchable": true },
            "time": { "type": "string", "format": "date-time", "searchable": true },
            "date": { "type": "string", "format": "date", "searchable": true },
            "number": { "type": "number", "searchable": true },
            "flag": { "type": "boolean", "searchable": true },
            "tags": { "type": "array", "items": { "type": "string" }, "searchable": true },
            "plain": { "type": "string" }
        }),
    )
    .await;
    assert_eq!(state(&answer.json, "text"), "building");
    app.run_jobs().await;
    let status = admin.get(PATH).await.expect(200);
    assert_eq!(app.count(INDEXES).await, 6);
    let client = app.app.db.dedicated().await.unwrap();
    client.batch_execute("analyze users").await.unwrap();
    let mut tx = app.tx().await;
    let schema = attributes::current(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    for (name, condition, count) in [
        ("text", "= lower('NAME 17')", 1),
        ("text", ">= 'name 299' and {} < 'name 29:'", 11),
        ("time", ">= '2026-01-01T00:00:00.002995Z'", 6),
        ("date", "= '2000-01-02'", 1),
        ("number", "between 10 and 12", 3),
        ("flag", "= 'true'", 3),
        ("tags", "@> '[\"t5\"]'", 1),
    ] {
        assert_eq!(state(&status.json, name), "ready", "{}", status.text);
        let property = schema.property(name).unwrap();
        assert!(property.index_ready, "{name}");
        let expression = sql::expression(property);
        let query = format!("select u.id from users u where {expression} {}", condition.replace("{}", &expression));
        assert_eq!(client.query(&query, &[]).await.unwrap().len(), count, "{query}");
        let plan = client.query(&format!("explain {query}"), &[]).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
        assert!(plan.iter().any(|line| line.contains(&sql::index(property).unwrap().name)), "{query}: {plan:#?}");
    }
    // What is not searchable any more loses its index, and only that.
    let mut schema = status.json["in_force"]["schema"].clone();
    schema["properties"]["text"]["searchable"] = json!(false);
    admin.put(PATH, schema).await.expect(200);
    app.run_jobs().await;
    assert_eq!(app.count(INDEXES).await, 5);
    app.finish().await;
}

#[tokio::test]
async fn a_value_that_is_unique_belongs_to_one_user_whatever_its_case() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let ann = create(&admin, "ann", json!({ "badge": "A1" })).await.expect(201);
    let schema = closed(
        json!({ "badge": { "type": "string", "maxLength": 9, "unique": true, "visibility": "self", "selfEditable": true } }),
    );
    let waiting = admin.put(PATH, schema.clone()).await.expect(202);
    assert_eq!(waiting.json["pending"]["state"], "building_indexes");
    app.mails().await;
    let status = admin.get(PATH).await.expect(200);
    assert_eq!((&status.json["in_force"]["schema"], state(&status.json, "badge")), (&schema, json!("ready")));
    let taken = create(&admin, "bob", json!({ "badge": "a1" })).await.expect_problem(409, "attribute_taken");
    assert_eq!(taken.fault_at("/attributes/badge"), Some("attribute_taken"));
    let bob = app.user("bob").await;
    let taken = bob.client.patch("/v1/me", json!({ "attributes": { "badge": "a1" } })).await;
    assert_eq!(taken.expect_problem(409, "attribute_taken").fault_at("/attributes/badge"), Some("attribute_taken"));
    // Users without a value have none in common, and one's own may be written again.
    create(&admin, "cid", json!({})).await.expect(201);
    put_attributes(&admin, &ann, json!({ "badge": "a1" })).await.expect(200);
    // Of several who want one at the same time one gets it.
    let wishes = join_all((0..8).map(|n| {
        let admin = admin.clone();
        async move { create(&admin, &format!("dan{n}"), json!({ "badge": "B2" })).await }
    }));
    let statuses: Vec<_> = wishes.await.iter().map(|answer| answer.status.as_u16()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [201, 409].contains(status)), "{statuses:?}");
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn what_several_users_have_in_common_can_not_become_unique() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    for (name, badge) in [("ann", "A1"), ("bob", "a1"), ("cid", "C3")] {
        create(&admin, name, json!({ "badge": badge })).await.expect(201);
    }
    app.mails().await;
    let schema = closed(json!({ "badge": { "type": "string", "maxLength": 9, "unique": true } }));
    let refused = admin.put(PATH, schema.clone()).await.expect_problem(409, "attribute_schema_violated");
    assert_eq!((&refused.json["violating"], &refused.json["offenders"][0]["username"]), (&json!(2), &json!("ann")));
    // Where there are too many users to look now, the job finds them.
    many(&app, 10_001, "'{}'").await;
    admin.put(PATH, schema).await.expect(202);
    app.run_jobs().await;
    let status = admin.get(PATH).await.expect(200);
    let waiting = &status.json["pending"];
    assert_eq!((&waiting["state"], &waiting["violating"]), (&json!("refused"), &json!(2)), "{}", status.text);
    assert_eq!(waiting["offenders"][1]["username"], "bob");
    assert_eq!((app.count(INDEXES).await, &status.json["in_force"]["version"]), (0, &json!(1)));
    app.finish().await;
}

/// The builder's session is ended while PostgreSQL waits for an older transaction: what it leaves is incomplete.
#[tokio::test]
async fn an_index_whose_builder_was_lost_is_built_again() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    many(&app, 100, "jsonb_build_object('badge', 'b' || n)").await;
    set(&admin, json!({ "badge": { "type": "string", "maxLength": 9, "searchable": true } })).await;
    // Whoever reads the table holds the builder up.
    let mut reader = app.tx().await;
    reader.execute("update users set bio = 'x' where username = 'bulk-1'", &[]).await.unwrap();
    let building = {
        let app = app.app.clone();
        tokio::spawn(async move { tend(&app).await })
    };
    let incomplete = "select count(*) from pg_index i join pg_class c on c.oid = i.indexrelid
        where c.relname = 'users_attr_badge_text_idx' and not i.indisvalid";
    let waits = "select count(*) from pg_stat_activity where datname = current_database()
        and query like 'create index concurrently%' and wait_event_type = 'Lock'";
    eventually(&app, waits).await;
    assert_eq!(app.count(incomplete).await, 1);
    assert_eq!(state(&admin.get(PATH).await.expect(200).json, "badge"), "building");
    // Nobody else begins meanwhile, and nobody's writes wait.
    tend(&app.app).await.unwrap();
    create(&admin, "ann", json!({ "badge": "x" })).await.expect(201);
    let ended = "select count(pg_terminate_backend(pid)) from pg_stat_activity
        where datname = current_database() and query like 'create index concurrently%'";
    assert_eq!(app.count(ended).await, 1);
    assert!(building.await.unwrap().is_err());
    assert_eq!(app.count(incomplete).await, 1);
    reader.commit().await.unwrap();
    app.mails().await;
    assert_eq!((app.count(incomplete).await, app.count(INDEXES).await), (0, 1));
    assert_eq!(state(&admin.get(PATH).await.expect(200).json, "badge"), "ready");
    app.finish().await;
}

#[tokio::test]
async fn an_index_that_somebody_has_dropped_is_built_again() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    set(&admin, json!({ "badge": { "type": "string", "maxLength": 9, "searchable": true } })).await;
    app.run_jobs().await;
    let client = app.app.db.dedicated().await.unwrap();
    client
        .batch_execute("drop index users_attr_badge_text_idx; create index users_attr_old_text_idx on users (bio)")
        .await
        .unwrap();
    tend(&app.app).await.unwrap();
    assert_eq!(
        (app.count(INDEXES).await, app.count("select count(*) from attribute_indexes where state = 'ready'").await),
        (1, 1)
    );
    app.finish().await;
}

#[tokio::test]
async fn an_index_that_can_not_be_built_is_told_and_tried_again() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let client = app.app.db.dedicated().await.unwrap();
    // A relation that has the name already.
    client.batch_execute("create table users_attr_badge_text_idx ()").await.unwrap();
    set(&admin, json!({ "badge": { "type": "string", "maxLength": 9, "searchable": true } })).await;
    app.run_jobs().await;
    let status = admin.get(PATH).await.expect(200);
    assert_eq!(state(&status.json, "badge"), "failed", "{}", status.text);
    assert!(status.json["indexes"][0]["detail"].as_str().unwrap().contains("42P07"), "{}", status.text);
    client.batch_execute("drop table users_attr_badge_text_idx").await.unwrap();
    tend(&app.app).await.unwrap();
    assert_eq!(state(&admin.get(PATH).await.expect(200).json, "badge"), "failed");
    app.advance(SignedDuration::from_mins(10));
    tend(&app.app).await.unwrap();
    assert_eq!(app.count(INDEXES).await, 1);
    app.finish().await;
}
