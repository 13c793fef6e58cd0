//! The queue's promises: a job exists exactly if its change does, its effect happens once, and failures end visibly.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{Future, Registry, Worker, count, discard, enqueue, list, parts_within, retry, run_due, store};
use crate::app::App;
use crate::audit::{self, Event};
use crate::db::listen::Listener;
use crate::db::{Actor, Tx};
use crate::error::AppResult;
use crate::id::JobId;
use crate::testing::TestApp;

const EFFECTS: &str = "select count(*) from audit_events where action = 'test.done'";
const WAITING: &str = "select count(*) from jobs";

/// The effect of a test's job: one audit row.
fn note<'a>(_: &'a App, tx: &'a mut Tx, _: Value) -> Future<'a> {
    Box::pin(async move { Ok(audit::record(tx, Event::success("test.done")).await?) })
}

/// Has its effect and fails: in a transaction nothing may be left of it.
fn note_and_fail<'a>(_: &'a App, tx: &'a mut Tx, _: Value) -> Future<'a> {
    Box::pin(async move {
        audit::record(tx, Event::success("test.done")).await?;
        Err(anyhow::anyhow!("the printer is on fire").into())
    })
}

/// Has its effect in a transaction of its own, and fails at the first time.
fn note_outside(app: &App, _: Value) -> Future<'_> {
    Box::pin(async move {
        let mut tx = app.begin_as(Actor::System).await?;
        audit::record(&mut tx, Event::success("test.done")).await?;
        let times: i64 = tx.query_one(EFFECTS, &[]).await?.get(0);
        tx.commit().await?;
        if times == 1 {
            return Err(anyhow::anyhow!("the line was cut after the work").into());
        }
        Ok(())
    })
}

/// Takes so long, at the first time, that its claim runs out and another worker does the job meanwhile.
fn note_too_late<'a>(app: &'a App, tx: &'a mut Tx, _: Value) -> Future<'a> {
    Box::pin(async move {
        audit::record(tx, Event::success("test.done")).await?;
        if tx.now() == "2026-01-01T00:00:00Z".parse::<jiff::Timestamp>().unwrap() {
            app.clock.advance(SignedDuration::from_mins(5));
            assert_eq!(run_due(app, &registry()).await?, 1);
        }
        Ok(())
    })
}

fn registry() -> Registry {
    let mut registry = Registry::default();
    registry.in_tx("note", note);
    registry.in_tx("fail", note_and_fail);
    registry.in_tx("late", note_too_late);
    registry.outside("outside", note_outside);
    registry
}

async fn queue(app: &TestApp, kind: &'static str, times: usize) {
    let mut tx = app.tx().await;
    for at in 0..times {
        enqueue(&mut tx, kind, &json!({ "at": at })).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn run(app: &TestApp) -> usize {
    run_due(&app.app, &registry()).await.unwrap()
}

/// Waiting and dead.
async fn counts(app: &TestApp) -> (i64, i64) {
    let mut tx = app.tx().await;
    let queue = count(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    (queue.waiting, queue.given_up)
}

#[tokio::test]
async fn a_job_exists_exactly_if_its_transaction_commits() {
    let app = TestApp::new().await;
    let mut tx = app.tx().await;
    enqueue(&mut tx, "note", &json!({})).await.unwrap();
    // Nobody else sees it before the commit.
    assert_eq!(run(&app).await, 0);
    drop(tx);
    assert_eq!((run(&app).await, app.count(EFFECTS).await), (0, 0));
    queue(&app, "note", 1).await;
    assert_eq!(counts(&app).await, (1, 0));
    assert_eq!((run(&app).await, app.count(EFFECTS).await), (1, 1));
    assert_eq!((run(&app).await, app.count(WAITING).await), (0, 0));
    app.finish().await;
}

#[tokio::test]
async fn a_failing_job_is_tried_twelve_times_ever_later_and_stays_to_be_seen() {
    let mut app = TestApp::new().await;
    app.expect_error("gave up a job");
    queue(&app, "fail", 1).await;
    for delay in [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600] {
        assert_eq!(run(&app).await, 1);
        assert_eq!(counts(&app).await, (1, 0));
        app.advance(SignedDuration::from_secs(delay) - SignedDuration::from_micros(1));
        assert_eq!(run(&app).await, 0, "{delay}");
        app.advance(SignedDuration::from_micros(1));
    }
    assert_eq!(run(&app).await, 1);
    assert_eq!(counts(&app).await, (0, 1));
    let mut tx = app.tx().await;
    let row = tx.query_one("select attempts, last_error, dead_at from jobs", &[]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((row.get(0), row.get(1), row.get(2)), (12, "the printer is on fire", Some(app.now())));
    app.advance(SignedDuration::from_hours(1000));
    assert_eq!(run(&app).await, 0);
    // What it did was undone each time.
    assert_eq!(app.count(EFFECTS).await, 0);
    app.may_leave_jobs();
    app.finish().await;
}

#[tokio::test]
async fn what_was_given_up_is_tried_again_or_discarded() {
    let mut app = TestApp::new().await;
    app.expect_error("gave up a job");
    queue(&app, "fail", 3).await;
    for _ in 0..12 {
        run(&app).await;
        app.advance(SignedDuration::from_hours(1));
    }
    queue(&app, "note", 1).await;
    let mut tx = app.tx().await;
    let found = list(&mut tx, true, 50).await.unwrap();
    assert!(found.iter().all(|job| job.last_error.as_deref() == Some("the printer is on fire") && job.attempts == 12));
    let [one, another, _] = &found[..] else { panic!("{found:?}") };
    let waiting = list(&mut tx, false, 50).await.unwrap();
    assert_eq!(waiting.iter().map(|job| job.kind.as_str()).collect::<Vec<_>>(), ["note"]);
    // Only what was given up is touched.
    for id in [waiting[0].id, JobId::new(app.now())] {
        assert_eq!(retry(&mut tx, Some(id)).await.unwrap(), []);
        assert_eq!(discard(&mut tx, id).await.unwrap(), None);
    }
    assert_eq!(discard(&mut tx, one.id).await.unwrap().as_deref(), Some("fail"));
    assert_eq!(discard(&mut tx, one.id).await.unwrap(), None);
    assert_eq!(retry(&mut tx, Some(another.id)).await.unwrap(), [(another.id, "fail".to_owned())]);
    assert_eq!(retry(&mut tx, None).await.unwrap().len(), 1);
    assert_eq!(retry(&mut tx, None).await.unwrap(), []);
    tx.commit().await.unwrap();
    assert_eq!(counts(&app).await, (3, 0));
    assert_eq!(run(&app).await, 3);
    let mut tx = app.tx().await;
    let waiting = list(&mut tx, false, 1).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(waiting.iter().map(|job| (job.kind.as_str(), job.attempts)).collect::<Vec<_>>(), [("fail", 1)]);
    app.may_leave_jobs();
    app.finish().await;
}

#[tokio::test]
async fn a_failing_job_does_not_hold_up_the_others() {
    let app = TestApp::new().await;
    queue(&app, "fail", 10).await;
    queue(&app, "note", 10).await;
    assert_eq!(run(&app).await, 20);
    assert_eq!((app.count(EFFECTS).await, counts(&app).await), (10, (10, 0)));
    let mut tx = app.tx().await;
    tx.execute("delete from jobs", &[]).await.unwrap();
    tx.commit().await.unwrap();
    app.finish().await;
}

#[tokio::test]
async fn workers_at_the_same_time_take_different_jobs() {
    let app = TestApp::new().await;
    queue(&app, "note", 40).await;
    let (one, two, three) = tokio::join!(run(&app), run(&app), run(&app));
    assert_eq!(one + two + three, 40, "{one} {two} {three}");
    assert_eq!((app.count(EFFECTS).await, app.count(WAITING).await), (40, 0));
    app.finish().await;
}

#[tokio::test]
async fn a_job_whose_worker_died_is_taken_by_another_when_the_claim_has_run_out() {
    let app = TestApp::new().await;
    queue(&app, "note", 1).await;
    let mut tx = app.tx().await;
    let until = app.now() + SignedDuration::from_mins(5);
    let room = store::Room { jobs: 8, long: 4, long_kinds: &[], outside: 0, outside_kinds: &[] };
    let claimed = store::claim_jobs(&mut tx, until, &room).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((claimed.len(), claimed[0].attempts), (1, 1));
    app.advance(SignedDuration::from_mins(5) - SignedDuration::from_micros(1));
    assert_eq!(run(&app).await, 0);
    app.advance(SignedDuration::from_micros(1));
    assert_eq!((run(&app).await, app.count(EFFECTS).await), (1, 1));
    // The first worker comes back too late to finish it.
    let mut tx = app.tx().await;
    assert!(!store::delete_job(&mut tx, claimed[0].id, claimed[0].attempts).await.unwrap());
    tx.commit().await.unwrap();
    app.finish().await;
}

#[tokio::test]
async fn the_effect_of_a_worker_that_lost_its_claim_does_not_last() {
    let app = TestApp::new().await;
    queue(&app, "late", 1).await;
    assert_eq!(run(&app).await, 1);
    assert_eq!((app.count(EFFECTS).await, app.count(WAITING).await), (1, 0));
    app.finish().await;
}

#[tokio::test]
async fn a_job_outside_of_transactions_is_done_at_least_once() {
    let app = TestApp::new().await;
    queue(&app, "outside", 1).await;
    assert_eq!((run(&app).await, counts(&app).await), (1, (1, 0)));
    app.advance(SignedDuration::from_secs(10));
    assert_eq!((run(&app).await, counts(&app).await), (1, (0, 0)));
    assert_eq!(app.count(EFFECTS).await, 2);
    app.finish().await;
}

#[tokio::test]
async fn a_kind_that_this_release_does_not_know_waits_for_one_that_does() {
    let app = TestApp::new().await;
    queue(&app, "note", 1).await;
    assert_eq!(run_due(&app.app, &Registry::default()).await.unwrap(), 1);
    assert_eq!(counts(&app).await, (1, 0));
    app.advance(SignedDuration::from_secs(10));
    assert_eq!((run(&app).await, app.count(EFFECTS).await), (1, 1));
    app.finish().await;
}

async fn eventually(app: &TestApp, sql: &str, expected: i64) {
    let wait = async {
        while app.count(sql).await != expected {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap_or_else(|_| panic!("never {expected}: {sql}"));
}

#[tokio::test]
async fn a_periodic_job_is_done_once_a_period_by_all_workers_together() {
    let app = TestApp::new().await;
    let listener = Listener::start(&app.app.db);
    let mut registry = Registry::default();
    registry.every(Duration::from_hours(1), "note", note);
    let workers: Vec<Worker> = (0..3).map(|_| Worker::start(app.app.clone(), registry.clone(), &listener)).collect();
    eventually(&app, "select count(*) from jobs where unique_key = 'note' and run_at = '2026-01-01T01:00Z'", 1).await;
    app.advance(SignedDuration::from_mins(59));
    assert_eq!(app.count(EFFECTS).await, 0);
    for hour in 1..=3 {
        app.advance(SignedDuration::from_hours(1));
        let mut tx = app.tx().await;
        tx.query("select pg_notify('usher_jobs', '')", &[]).await.unwrap();
        tx.commit().await.unwrap();
        eventually(&app, EFFECTS, hour).await;
        let next = format!("select count(*) from jobs where run_at = '2026-01-01T0{}:00Z'", hour + 1);
        eventually(&app, &next, 1).await;
    }
    for worker in workers {
        worker.stop().await;
    }
    assert_eq!((app.count(EFFECTS).await, app.count(WAITING).await), (3, 1));
    app.finish().await;
}

#[tokio::test]
async fn a_periodic_job_outside_of_a_transaction_keeps_its_row_and_is_tried_again() {
    let app = TestApp::new().await;
    let mut registry = Registry::default();
    registry.every_long(Duration::from_hours(1), "outside", note_outside);
    let mut tx = app.tx().await;
    store::insert_periodic_job(&mut tx, "outside", app.now()).await.unwrap();
    tx.commit().await.unwrap();
    // The first turn has its effect and fails; the second is the same turn again.
    for (wait, done) in [(0, 1), (9, 0), (1, 1), (3600 - 11, 0), (1, 1)] {
        app.advance(SignedDuration::from_secs(wait));
        assert_eq!(run_due(&app.app, &registry).await.unwrap(), done, "after {wait} s");
    }
    assert_eq!((app.count(EFFECTS).await, app.count(WAITING).await), (3, 1));
    assert_eq!(app.count("select count(*) from jobs where run_at = '2026-01-01T02:00Z' and attempts = 0").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn a_worker_begins_right_after_the_commit_and_stops_when_told() {
    let app = TestApp::new().await;
    let listener = Listener::start(&app.app.db);
    let worker = Worker::start(app.app.clone(), registry(), &listener);
    for round in 1..=5 {
        queue(&app, "note", 1).await;
        eventually(&app, EFFECTS, round).await;
    }
    worker.stop().await;
    queue(&app, "note", 1).await;
    assert_eq!(counts(&app).await, (1, 0));
    run(&app).await;
    app.finish().await;
}

/// Takes until a note has been made.
fn long_until_noted(app: &App, _: Value) -> Future<'_> {
    Box::pin(async move {
        loop {
            let mut tx = app.begin_as(Actor::System).await?;
            let noted: i64 = tx.query_one(EFFECTS, &[]).await?.get(0);
            tx.commit().await?;
            if noted > 0 {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
}

/// One part of three, each of which has its effect.
async fn third(tx: &mut Tx) -> AppResult<bool> {
    audit::record(tx, Event::success("test.done")).await?;
    Ok(tx.query_one(EFFECTS, &[]).await?.get::<_, i64>(0) < 3)
}

#[tokio::test]
async fn what_is_too_much_for_a_shift_is_left_to_another_job() {
    let app = TestApp::new().await;
    let mut registry = Registry::default();
    // The shift is over with the first part.
    registry.long("thirds", |app, _| Box::pin(parts_within(app, Duration::ZERO, "thirds", |tx| Box::pin(third(tx)))));
    queue(&app, "thirds", 1).await;
    assert_eq!(run_due(&app.app, &registry).await.unwrap(), 3, "a job for each part");
    assert_eq!((app.count(EFFECTS).await, app.count(WAITING).await), (3, 0));
    app.finish().await;
}

#[tokio::test]
async fn one_job_does_as_many_parts_as_fit_into_a_shift() {
    const HOUR: Duration = Duration::from_hours(1);
    let app = TestApp::new().await;
    let mut registry = Registry::default();
    registry.long("thirds", |app, _| Box::pin(parts_within(app, HOUR, "thirds", |tx| Box::pin(third(tx)))));
    queue(&app, "thirds", 1).await;
    assert_eq!(run_due(&app.app, &registry).await.unwrap(), 1);
    assert_eq!((app.count(EFFECTS).await, app.count(WAITING).await), (3, 0));
    app.finish().await;
}

#[tokio::test]
async fn short_jobs_do_not_wait_for_long_ones() {
    let app = TestApp::new().await;
    let mut registry = registry();
    registry.long("long", long_until_noted);
    // More of them than a worker does at the same time, and before the short one.
    queue(&app, "long", 20).await;
    queue(&app, "note", 1).await;
    let worker = Worker::start(app.app.clone(), registry, &Listener::start(&app.app.db));
    eventually(&app, EFFECTS, 1).await;
    eventually(&app, WAITING, 0).await;
    worker.stop().await;
    app.finish().await;
}
