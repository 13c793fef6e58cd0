//! Setting a schema that users may not fit.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{PATH, closed, create, many, path_of, put_attributes, set};
use crate::attributes::tend;
use crate::testing::TestApp;

#[tokio::test]
async fn a_schema_that_users_do_not_fit_is_refused_with_the_offenders() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let ann = create(&admin, "ann", json!({ "department": "Sales", "fax": 1 })).await.expect(201);
    let bob = create(&admin, "bob", json!({ "department": 7 })).await.expect(201);
    create(&admin, "cid", json!({ "department": "Support" })).await.expect(201);
    // Who is in the recycle bin can come back.
    admin.delete(&path_of(&bob)).await.expect(204);
    let refused = admin.put(PATH, closed(json!({ "department": { "type": "string" } }))).await;
    let refused = refused.expect_problem(409, "attribute_schema_violated");
    assert_eq!(refused.json["violating"], 2);
    let offenders = refused.json["offenders"].as_array().unwrap();
    let of = |user: &str| offenders.iter().find(|offender| offender["user_id"] == user).unwrap();
    let (of_ann, of_bob) = (of(&ann.str("id")), of(&bob.str("id")));
    assert_eq!((&of_ann["username"], &of_ann["pointer"]), (&json!("ann"), &json!("/attributes/fax")));
    assert!(of_ann["detail"].as_str().unwrap().contains("/v1/attribute-schema/migrations"), "{of_ann}");
    assert_eq!((&of_bob["pointer"], &of_bob["code"]), (&json!("/attributes/department"), &json!("type")));
    // Nothing has changed.
    let status = admin.get(PATH).await.expect(200);
    assert_eq!((&status.json["in_force"]["version"], &status.json["pending"]), (&json!(1), &Value::Null));
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn no_more_than_twenty_offenders_are_named() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    many(&app, 30, "'{\"fax\": 1}'").await;
    let refused = admin.put(PATH, closed(json!({}))).await.expect_problem(409, "attribute_schema_violated");
    assert_eq!(refused.json["violating"], 30);
    assert_eq!(refused.json["offenders"].as_array().unwrap().len(), 20);
    app.finish().await;
}

#[tokio::test]
async fn times_that_are_there_are_brought_into_their_form_before_the_schema_is_in_force() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let ann = create(&admin, "ann", json!({ "since": "2026-01-02T03:04:05+02:00" })).await.expect(201);
    let schema = closed(json!({ "since": { "type": "string", "format": "date-time", "searchable": true } }));
    let waiting = admin.put(PATH, schema).await.expect(202);
    assert_eq!(waiting.json["pending"]["state"], "checking");
    app.mails().await;
    let status = admin.get(PATH).await.expect(200);
    assert_eq!((&status.json["in_force"]["version"], &status.json["pending"]), (&json!(2), &Value::Null));
    let moved = admin.get(&path_of(&ann)).await.expect(200);
    assert_eq!(moved.json["attributes"]["since"], "2026-01-02T01:04:05.000000Z");
    assert_ne!(moved.etag(), ann.etag());
    app.finish().await;
}

#[tokio::test]
async fn many_users_are_checked_by_a_job_and_writes_fit_both_schemas_meanwhile() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    set(&admin, json!({ "floor": { "type": "integer", "minimum": 0 }, "unit": { "type": "string" } })).await;
    app.run_jobs().await;
    many(&app, 10_050, "jsonb_build_object('floor', n % 7)").await;
    let schema = closed(json!({ "floor": { "type": "integer", "maximum": 10 }, "team": { "type": "string" } }));
    let waiting = admin.put(PATH, schema.clone()).await.expect(202);
    assert_eq!((&waiting.json["pending"]["state"], &waiting.json["pending"]["version"]), (&json!("checking"), &json!(3)));
    assert_eq!(waiting.json["in_force"]["version"], 2);
    for (attributes, place) in [
        (json!({ "floor": -1 }), "floor"),
        (json!({ "floor": 11 }), "floor"),
        (json!({ "unit": "a" }), "unit"),
        (json!({ "team": "a" }), "team"),
    ] {
        let refused = create(&admin, "ann", attributes).await.expect_problem(422, "invalid_body");
        assert!(refused.fault_at(&format!("/attributes/{place}")).is_some(), "{}", refused.text);
    }
    create(&admin, "ann", json!({ "floor": 5 })).await.expect(201);
    app.mails().await;
    let status = admin.get(PATH).await.expect(200);
    assert_eq!((&status.json["in_force"]["schema"], &status.json["pending"]), (&schema, &Value::Null));
    let applied = "select count(*) from audit_events where action = 'attribute_schema.applied' and outcome = 'success'";
    assert_eq!(app.count(applied).await, 1);
    // One who does not fit among so many.
    let client = app.app.db.dedicated().await.unwrap();
    client.batch_execute("update users set attributes = '{\"floor\": 9}' where username = 'bulk-9000'").await.unwrap();
    admin.put(PATH, closed(json!({ "floor": { "type": "integer", "maximum": 8 } }))).await.expect(202);
    app.run_jobs().await;
    let status = admin.get(PATH).await.expect(200);
    let refused = &status.json["pending"];
    assert_eq!((&refused["state"], &refused["violating"], &refused["checked"]), (&json!("refused"), &json!(1), &json!(10_052)));
    assert_eq!(refused["offenders"][0]["username"], "bulk-9000");
    assert_eq!(status.json["in_force"]["schema"], schema);
    // A refused one binds nobody.
    create(&admin, "bob", json!({ "floor": 10, "team": "a" })).await.expect(201);
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn a_version_that_waits_gives_way_to_the_next_one() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    many(&app, 10_001, "'{}'").await;
    admin.put(PATH, closed(json!({ "a": { "type": "string" } }))).await.expect(202);
    // What says no more than the schema in force needs no look at anybody.
    let open = json!({ "type": "object", "title": "Staff", "properties": {}, "additionalProperties": true });
    let answer = admin.put(PATH, open).await.expect(200);
    assert_eq!((&answer.json["in_force"]["version"], &answer.json["pending"]), (&json!(3), &Value::Null));
    app.run_jobs().await;
    assert_eq!(admin.get(PATH).await.expect(200).json["in_force"]["version"], 3);
    app.finish().await;
}

/// Writes that no schema forbade when they began, and a schema that forbids them: whichever is first, nobody is left who does not fit.
#[tokio::test]
async fn a_write_and_a_change_of_the_schema_at_the_same_time_leave_nobody_who_does_not_fit() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let mut users = Vec::new();
    for n in 0..6 {
        users.push(create(&admin, &format!("ann{n}"), json!({})).await.expect(201));
    }
    app.mails().await;
    let (mut accepted, mut refused) = (0, 0);
    for round in 0..12 {
        admin.put(PATH, json!({ "type": "object", "properties": {}, "additionalProperties": true })).await.expect(200);
        for user in &users {
            admin.patch(&path_of(user), json!({ "attributes": null })).await.expect(200);
        }
        let writes = join_all(users.iter().map(|user| put_attributes(&admin, user, json!({ "fax": round }))));
        let schema = closed(json!({ "floor": { "type": "integer" } }));
        let (written, set) = if round % 2 == 0 {
            let (set, written) = tokio::join!(admin.put(PATH, schema), writes);
            (written, set)
        } else {
            tokio::join!(writes, admin.put(PATH, schema))
        };
        let with_fax = app.count("select count(*) from users where attributes ? 'fax'").await;
        let in_force = admin.get(PATH).await.expect(200);
        let is_closed = in_force.json["in_force"]["schema"]["additionalProperties"] == false;
        assert_eq!(set.status == 200, is_closed, "{}", set.text);
        assert_eq!(i64::try_from(written.iter().filter(|answer| answer.status == 200).count()).unwrap(), with_fax);
        assert!(!is_closed || with_fax == 0, "round {round}: {with_fax} users do not fit");
        if is_closed {
            accepted += 1;
        } else {
            set.expect_problem(409, "attribute_schema_violated");
            refused += 1;
        }
    }
    assert!(accepted + refused == 12, "{accepted} {refused}");
    app.run_jobs().await;
    app.finish().await;
}

/// The write has read the schema and has not committed: the change of the schema waits for it, and sees what it has written.
#[tokio::test]
async fn a_change_of_the_schema_waits_for_a_write_that_has_begun() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let ann = create(&admin, "ann", json!({})).await.expect(201);
    app.mails().await;
    let mut tx = app.tx().await;
    let id = ann.str("id").parse().unwrap();
    let before = crate::users::lock(&mut tx, crate::caller::Authority::operator(), id).await.unwrap();
    let fax = crate::patch::Patch::Set(json!({ "fax": 1 }).as_object().unwrap().clone());
    crate::users::update(&mut tx, &before, None, crate::users::ProfilePatch::default(), fax).await.unwrap();
    let setting = {
        let admin = admin.clone();
        tokio::spawn(async move { admin.put(PATH, closed(json!({}))).await })
    };
    let waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like '%as schema_lock'";
    let waits = async {
        while app.count(waiting).await == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), waits).await.expect("the change waits");
    tx.commit().await.unwrap();
    let refused = setting.await.unwrap().expect_problem(409, "attribute_schema_violated");
    assert_eq!(refused.json["offenders"][0]["pointer"], "/attributes/fax");
    app.finish().await;
}

#[tokio::test]
async fn several_processes_tend_the_schema_at_once_and_one_does_it() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    many(&app, 10_100, "jsonb_build_object('floor', n)").await;
    admin.put(PATH, closed(json!({ "floor": { "type": "integer", "searchable": true } }))).await.expect(202);
    let others: Vec<_> = (0..3).map(|_| app.another(|_| {})).collect();
    for outcome in join_all(others.iter().map(tend)).await {
        outcome.unwrap();
    }
    app.run_jobs().await;
    let status = admin.get(PATH).await.expect(200);
    assert_eq!((&status.json["in_force"]["version"], &status.json["indexes"][0]["state"]), (&json!(2), &json!("ready")));
    assert_eq!(app.count("select count(*) from audit_events where action = 'attribute_schema.applied'").await, 1);
    app.finish().await;
}
