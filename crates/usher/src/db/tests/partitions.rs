//! Partitions: made ahead, filled in time or from the default one, dropped from the oldest on when all in them is over.

use jiff::{SignedDuration, Timestamp};

use crate::db::{migrations, partitions};
use crate::id::first_uuid;
use crate::testing::TestApp;

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// A table of what counts until a time.
const TABLE: &str = "
    create table passes (id uuid not null, expires_at timestamptz, constraint passes_pkey primary key (id)) partition by range (id);
    create index passes_expires_at_idx on passes (expires_at);
    create trigger append_only before update on passes for each statement execute function refuse_change();
    insert into partitioned_tables (name, key_kind, width, over_at) values ('passes', 'uuidv7', 'month', 'expires_at');";

async fn with_table() -> TestApp {
    let app = TestApp::new().await;
    app.app.db.dedicated().await.unwrap().batch_execute(TABLE).await.unwrap();
    keep_ahead(&app).await;
    app
}

async fn keep_ahead(app: &TestApp) {
    let mut tx = app.tx().await;
    partitions::keep_ahead(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
}

async fn drop_over(app: &TestApp, before: Timestamp) -> Vec<String> {
    let mut tx = app.tx().await;
    let dropped = partitions::drop_over(&mut tx, "passes", before).await.unwrap();
    tx.commit().await.unwrap();
    dropped
}

async fn put(app: &TestApp, at: Timestamp, expires_at: Timestamp) {
    let mut tx = app.tx().await;
    tx.execute("insert into passes (id, expires_at) values ($1, $2)", &[&first_uuid(at), &expires_at]).await.unwrap();
    tx.commit().await.unwrap();
}

async fn names(app: &TestApp) -> Vec<String> {
    let mut tx = app.tx().await;
    let rows = tx.query("select name from list_partitions('passes')", &[]).await.unwrap();
    tx.commit().await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// Where the row with this time stands.
async fn place(app: &TestApp, at: Timestamp) -> String {
    let mut tx = app.tx().await;
    let row = tx.query_one("select tableoid::regclass::text from passes where id = $1", &[&first_uuid(at)]).await.unwrap();
    tx.commit().await.unwrap();
    row.get(0)
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[tokio::test]
async fn there_are_partitions_for_two_periods_ahead_and_again_makes_none() {
    let app = with_table().await;
    let ahead = ["passes_past", "passes_p202602", "passes_p202603", "passes_default"];
    assert_eq!(names(&app).await, ahead);
    keep_ahead(&app).await;
    assert_eq!(names(&app).await, ahead);
    for (time, name) in [
        ("2025-12-31T23:59:59.999Z", "passes_past"),
        ("2026-01-31T23:59:59.999Z", "passes_past"),
        ("2026-02-01T00:00:00Z", "passes_p202602"),
        ("2026-02-28T23:59:59.999Z", "passes_p202602"),
        ("2026-03-01T00:00:00Z", "passes_p202603"),
        ("2026-04-01T00:00:00Z", "passes_default"),
    ] {
        put(&app, at(time), at(time)).await;
        assert_eq!(place(&app, at(time)).await, name, "{time}");
    }
    app.finish().await;
}

#[tokio::test]
async fn processes_that_come_at_the_same_time_make_them_once() {
    let app = with_table().await;
    app.advance(DAY * 400);
    let one = || keep_ahead(&app);
    tokio::join!(one(), one(), one(), one());
    assert_eq!(names(&app).await.len(), 4 + 13);
    app.finish().await;
}

#[tokio::test]
async fn what_stands_in_the_default_partition_gets_one_of_its_own() {
    let app = with_table().await;
    let late = [at("2026-05-20T12:00:00Z"), at("2026-08-31T12:00:00Z")];
    for time in late {
        put(&app, time, time).await;
    }
    app.advance(at("2026-09-01T00:00:00Z").duration_since(app.now()));
    keep_ahead(&app).await;
    assert_eq!(place(&app, late[0]).await, "passes_p202604");
    assert_eq!(place(&app, late[1]).await, "passes_p202604");
    assert_eq!(
        names(&app).await[3..],
        ["passes_p202604", "passes_p202609", "passes_p202610", "passes_p202611", "passes_default"]
    );
    assert_eq!(app.count("select count(*) from passes_default").await, 0);
    // The new default one is guarded as the first one was.
    let client = app.app.db.dedicated().await.unwrap();
    let guarded = "select count(*) from pg_trigger where tgname = 'append_only' and tgrelid::regclass::text like 'passes%'";
    assert_eq!(app.count(guarded).await, 9);
    client.batch_execute("update passes_default set expires_at = now()").await.unwrap_err();
    app.finish().await;
}

#[tokio::test]
async fn partitions_are_dropped_from_the_oldest_on_while_all_in_them_is_over() {
    let app = with_table().await;
    put(&app, at("2026-01-10T00:00:00Z"), at("2026-01-11T00:00:00Z")).await;
    put(&app, at("2026-02-10T00:00:00Z"), at("2026-03-20T00:00:00Z")).await;
    put(&app, at("2026-03-10T00:00:00Z"), at("2026-03-11T00:00:00Z")).await;
    assert_eq!(drop_over(&app, at("2026-01-31T23:59:59Z")).await, [""; 0]);
    assert_eq!(drop_over(&app, at("2026-03-10T00:00:00Z")).await, ["passes_past"]);
    assert_eq!(drop_over(&app, at("2026-03-10T00:00:00Z")).await, [""; 0], "an empty one is not dropped again");
    // What comes too late has its place, and goes at the next time.
    put(&app, at("2026-01-10T00:00:00Z"), at("2026-01-11T00:00:00Z")).await;
    assert_eq!(place(&app, at("2026-01-10T00:00:00Z")).await, "passes_past");
    assert_eq!(drop_over(&app, at("2026-03-10T00:00:00Z")).await, ["passes_past"]);
    // One row that counts keeps its partition, and those after it.
    assert_eq!(drop_over(&app, at("2026-03-19T23:59:59Z")).await, [""; 0]);
    assert_eq!(drop_over(&app, at("2026-04-01T00:00:00Z")).await, ["passes_past", "passes_p202602", "passes_p202603"]);
    assert_eq!(names(&app).await, ["passes_past", "passes_default"]);
    assert_eq!(app.count("select count(*) from passes").await, 0);
    app.finish().await;
}

#[tokio::test]
async fn a_row_without_an_end_is_never_over() {
    let app = with_table().await;
    put(&app, at("2026-01-10T00:00:00Z"), at("2026-01-11T00:00:00Z")).await;
    let mut tx = app.tx().await;
    tx.execute("insert into passes (id) values ($1)", &[&first_uuid(at("2026-01-12T00:00:00Z"))]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(drop_over(&app, at("2030-01-01T00:00:00Z")).await, [""; 0]);
    app.finish().await;
}

#[tokio::test]
async fn a_look_up_by_id_reads_one_partition() {
    let app = with_table().await;
    let mut tx = app.tx().await;
    for (sql, name) in
        [("select * from passes where id = $1", "passes"), ("select * from audit_events where id = $1", "audit_events")]
    {
        // With a plan for any value, as a statement that is kept has one.
        tx.execute("set local plan_cache_mode = force_generic_plan", &[]).await.unwrap();
        let id = first_uuid(app.now());
        let prepared = format!("prepare look_{name} (uuid) as {sql}");
        tx.connection().await.unwrap().batch_execute(&prepared).await.unwrap();
        let plan = tx
            .connection()
            .await
            .unwrap()
            .simple_query(&format!("explain (analyze, timing off) execute look_{name} ('{id}')"))
            .await
            .unwrap();
        let plan: Vec<String> = plan
            .iter()
            .filter_map(|message| match message {
                tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                _ => None,
            })
            .collect();
        let scans = plan.iter().filter(|line| line.contains(" Scan ") && line.contains(&format!("on {name}"))).count();
        assert_eq!(scans, 1, "{plan:#?}");
    }
    tx.commit().await.unwrap();
    app.finish().await;
}

#[tokio::test]
async fn every_index_that_the_migrations_make_is_there() {
    let app = TestApp::new().await;
    let mut tx = app.tx().await;
    let missing = "
        select name
        from unnest($1::text[]) name
        where not exists (
            select from pg_class c
            where c.relname = name and c.relkind in ('i', 'I') and c.relnamespace = current_schema()::regnamespace
        )";
    let indexes = migrations::indexes();
    let missing = tx.query(missing, &[&indexes]).await.unwrap();
    assert!(indexes.len() > 80, "only {} indexes were found", indexes.len());
    assert!(missing.is_empty(), "{:?}", missing.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>());
    tx.commit().await.unwrap();
    app.finish().await;
}
