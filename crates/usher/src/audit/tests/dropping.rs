//! Months that are old enough are dropped, and what was sealed of them still verifies. What is removed beside that is found.

use jiff::{SignedDuration, Timestamp};

use super::sealing_tests::{key, note, seal_all, verified};
use super::{allow_dropping, dropping, export, last_dropped, verify};
use crate::db::{grants, partitions};
use crate::testing::TestApp;

const EVENTS: &str = "select count(*) from audit_events";

async fn keep_ahead(app: &TestApp) {
    let mut tx = app.tx().await;
    partitions::keep_ahead(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
}

/// The end of the first partition, which goes by the time of the migration.
async fn end_of_first(app: &TestApp) -> Timestamp {
    let mut tx = app.tx().await;
    let end = tx.query_one("select min(to_at) from list_partitions('audit_events')", &[]).await.unwrap().get(0);
    tx.commit().await.unwrap();
    end
}

/// An app with five events in the first partition and three after it, all sealed, `days` after the end of the first.
async fn with_old_events(days: i64) -> TestApp {
    let app = TestApp::with(&[("USHER_AUDIT_RETENTION_DAYS", "30")]).await;
    let end = end_of_first(&app).await;
    for _ in 0..5 {
        note(&app.app, "test.old").await;
    }
    app.advance(end.duration_since(app.now()) + SignedDuration::from_hours(1));
    for _ in 0..3 {
        note(&app.app, "test.new").await;
    }
    app.advance(SignedDuration::from_hours(24 * days - 1));
    keep_ahead(&app).await;
    seal_all(&app).await;
    app
}

async fn allow(app: &TestApp) {
    let mut tx = app.tx().await;
    allow_dropping(&app.app, &mut tx).await.unwrap();
    tx.commit().await.unwrap();
}

async fn drop_old(app: &TestApp) {
    let mut tx = app.tx().await;
    dropping::drop_old(&app.app, &mut tx).await.unwrap();
    tx.commit().await.unwrap();
}

async fn old(app: &TestApp) -> i64 {
    app.count("select count(*) from audit_events where action = 'test.old'").await
}

#[tokio::test]
async fn a_month_that_is_old_enough_goes_and_the_log_stays_good() {
    let app = with_old_events(31).await;
    allow(&app).await;
    let before = verified(&app).await;
    let end = end_of_first(&app).await;
    drop_old(&app).await;
    seal_all(&app).await;
    assert_eq!(old(&app).await, 0);
    assert_eq!(app.count("select count(*) from audit_events where action = 'test.new'").await, 3);
    assert_eq!(app.count("select count(*) from audit_events where action = 'audit.dropped'").await, 1);
    let orphans = "select count(*) from audit_details d where not exists (select from audit_events e where e.id = d.event_id)";
    assert_eq!(app.count(orphans).await, 0);
    let mut tx = app.tx().await;
    assert_eq!(last_dropped(&mut tx).await.unwrap().map(|dropped| dropped.before), Some(end));
    tx.commit().await.unwrap();

    let after = verified(&app).await;
    let kept = u64::try_from(app.count(EVENTS).await).unwrap();
    assert_eq!((after.size, after.events, after.dropped), (before.size + 1, kept, before.size + 1 - kept));
    assert!(after.dropped >= 5, "{after:?}");

    // Nothing more is dropped, and what comes goes on being sealed.
    drop_old(&app).await;
    note(&app.app, "test.done").await;
    seal_all(&app).await;
    assert_eq!(verified(&app).await.dropped, after.dropped);
    app.finish().await;
}

#[tokio::test]
async fn what_is_younger_or_not_sealed_or_not_allowed_stays() {
    let app = with_old_events(29).await;
    // The owner has not said so.
    drop_old(&app).await;
    assert_eq!(old(&app).await, 5);
    allow(&app).await;
    drop_old(&app).await;
    assert_eq!(old(&app).await, 5, "a day too early");
    app.advance(SignedDuration::from_hours(48));
    let client = app.app.db.dedicated().await.unwrap();
    let unsealed = "insert into audit_unsealed (event_id) select id from audit_events where action = 'test.old' limit 1";
    client.batch_execute(unsealed).await.unwrap();
    drop_old(&app).await;
    assert_eq!(old(&app).await, 5, "one waits to be sealed");
    client.batch_execute("delete from audit_unsealed").await.unwrap();
    // For less than the owner has said, and past the function that looks at more.
    let error = client.batch_execute("select drop_audit_partitions(now() + interval '10 years', 29)").await.unwrap_err();
    assert!(error.as_db_error().unwrap().message().contains("kept for longer"), "{error:?}");
    let error = client.batch_execute("select drop_partitions('audit_events', now() + interval '10 years')").await.unwrap_err();
    assert!(error.as_db_error().unwrap().message().contains("not dropped by its age"), "{error:?}");
    drop_old(&app).await;
    assert_eq!(old(&app).await, 0);
    app.finish().await;
}

#[tokio::test]
async fn r261_what_is_removed_beside_that_is_found() {
    let app = with_old_events(31).await;
    allow(&app).await;
    drop_old(&app).await;
    seal_all(&app).await;
    verified(&app).await;
    let client = app.app.db.dedicated().await.unwrap();
    let triggers_off = "set session_replication_role = replica";
    let sql =
        format!("begin; {triggers_off}; delete from audit_events where id = (select max(id::text)::uuid from audit_events)");
    client.batch_execute(&format!("{sql}; commit; reset session_replication_role")).await.unwrap();
    let fault = format!("{:#}", verify(&app.app, key(&app).await, None).await.unwrap_err());
    assert!(fault.contains("was removed"), "{fault}");
    // The hash of a leaf whose event was dropped is signed as well.
    let sql = format!("begin; {triggers_off}; update audit_leaves set leaf_hash = sha256('x') where leaf_index = 0; commit");
    client.batch_execute(&sql).await.unwrap();
    let fault = format!("{:#}", verify(&app.app, key(&app).await, None).await.unwrap_err());
    assert!(fault.contains("are not what checkpoint"), "{fault}");
    app.finish().await;
}

#[tokio::test]
async fn an_export_of_what_was_dropped_says_from_where_on_it_goes() {
    let app = with_old_events(31).await;
    allow(&app).await;
    drop_old(&app).await;
    seal_all(&app).await;
    let error = export(&app.app, 0, |_| Ok(())).await.unwrap_err().to_string();
    let first = app.count(
        "select max(leaf_index) + 1 from audit_leaves where event_id < (select max(before_id::text)::uuid from audit_drops)",
    );
    let first = u64::try_from(first.await).unwrap();
    assert!(error.contains(&format!("--after {first}")), "{error}");
    let written = export(&app.app, first, |_| Ok(())).await.unwrap();
    assert_eq!(written, u64::try_from(app.count(EVENTS).await).unwrap());
    app.finish().await;
}

#[tokio::test]
async fn a_role_that_does_not_own_the_tables_makes_and_drops_partitions_by_the_functions_alone() {
    let app = with_old_events(31).await;
    allow(&app).await;
    let client = app.app.db.dedicated().await.unwrap();
    let role = format!("partitions_{}", uuid::Uuid::now_v7().simple());
    client.batch_execute(&format!("create role {role}")).await.unwrap();
    grants::grant_to(&app.app.db, &role).await.unwrap();
    client.batch_execute(&format!("set role {role}")).await.unwrap();
    for refused in [
        "drop table audit_events_past",
        "delete from audit_events_past",
        "select from audit_events_default",
        "update partitioned_tables set kept_days = 0",
        "insert into audit_drops (before_id, before_at) values (gen_random_uuid(), now()); delete from audit_drops",
        "alter table audit_events detach partition audit_events_past",
    ] {
        let error = client.batch_execute(refused).await.unwrap_err();
        let code = error.code().map(|code| code.code().to_owned());
        assert_eq!(code.as_deref(), Some("42501"), "{refused}: {error:?}");
    }
    client.batch_execute("select create_partitions(now() + interval '400 days')").await.unwrap();
    let now = app.now();
    client.query_one("select drop_audit_partitions($1, 30)", &[&now]).await.unwrap();
    client.batch_execute(&format!("reset role; drop owned by {role}; drop role {role}")).await.unwrap();
    assert_eq!(old(&app).await, 0);
    app.finish().await;
}

#[tokio::test]
async fn how_somebody_was_before_what_is_kept_is_not_made_up() {
    let app = with_old_events(31).await;
    let admin = app.admin().await;
    let mut tx = app.tx().await;
    tx.execute("update users set created_at = '2020-01-01Z'", &[]).await.unwrap();
    tx.commit().await.unwrap();
    let then = format!("/v1/users/{}?as_of=2020-06-01T00:00:00Z", admin.id);
    allow(&app).await;
    drop_old(&app).await;
    admin.client.get(&then).await.expect_problem(409, "history_unknown");
    app.finish().await;
}
