//! The sealer: every event once, in an order that is never revised, whatever happens at the same time, and nobody waits for it.

use std::time::Duration;

use usher_log::{Signature, SignedCheckpoint, Summary, VerifierKey};

use super::{Sealing, find_key, last, progress, seal, store, verify};
use crate::app::App;
use crate::audit::{Event, record};
use crate::db::Actor;
use crate::testing::TestApp;

/// Seals everything that waits, into one checkpoint: transactions of other tests in the same cluster may hold up some of it for a
/// moment.
pub async fn seal_all(app: &TestApp) {
    let held_up = "select count(*) from audit_unsealed
        where xid >= pg_snapshot_xmin(pg_current_snapshot()) and xid < pg_snapshot_xmax(pg_current_snapshot())";
    let all = async {
        while progress(&app.app).await.unwrap().waiting > 0 {
            if app.count(held_up).await == 0 {
                seal(&app.app).await.unwrap();
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), all).await.expect("everything is sealed in the end");
}

pub async fn note(app: &App, action: &'static str) {
    let mut tx = app.begin_as(Actor::System).await.unwrap();
    record(&mut tx, Event::success(action).detail("why", "a test")).await.unwrap();
    tx.commit().await.unwrap();
}

pub async fn key(app: &TestApp) -> VerifierKey {
    let mut tx = app.tx().await;
    let key = find_key(&app.app, &mut tx).await.unwrap().expect("there is a key");
    tx.commit().await.unwrap();
    key.verifier().clone()
}

pub async fn verified(app: &TestApp) -> Summary {
    verify(&app.app, key(app).await, None).await.unwrap()
}

const EVENTS: &str = "select count(*) from audit_events";

#[tokio::test]
async fn r261_events_are_sealed_once_and_without_gaps() {
    let app = TestApp::new().await;
    app.user("ann").await;
    seal_all(&app).await;
    note(&app.app, "test.done").await;
    seal_all(&app).await;
    let events = u64::try_from(app.count(EVENTS).await).unwrap();
    let summary = verified(&app).await;
    assert_eq!((summary.events, summary.size, summary.erased), (events, events, 0));
    assert!(summary.checkpoints >= 2, "{summary:?}");
    assert_eq!(seal(&app.app).await.unwrap(), 0, "nothing is sealed twice");
    assert_eq!(app.count("select max(leaf_index) + 1 from audit_leaves").await, app.count(EVENTS).await);
    app.finish().await;
}

#[tokio::test]
async fn r261_transactions_that_end_in_any_order_are_all_sealed_while_they_run() {
    let app = TestApp::new().await;
    let writers = (0..40_u64).map(|at| {
        let app = app.app.clone();
        tokio::spawn(async move {
            let mut tx = app.begin_as(Actor::System).await.unwrap();
            for _ in 0..=at % 3 {
                record(&mut tx, Event::success("test.done")).await.unwrap();
                // They end in another order than they began.
                tokio::time::sleep(Duration::from_millis(at * 7 % 20)).await;
            }
            if at % 5 == 0 { drop(tx) } else { tx.commit().await.unwrap() }
        })
    });
    let writers: Vec<_> = writers.collect();
    let sealers = (0..2).map(|_| {
        let app = app.app.clone();
        tokio::spawn(async move {
            for _ in 0..30 {
                seal(&app).await.unwrap();
                tokio::time::sleep(Duration::from_millis(3)).await;
            }
        })
    });
    for task in sealers.collect::<Vec<_>>().into_iter().chain(writers) {
        task.await.unwrap();
    }
    seal_all(&app).await;
    assert_eq!(i64::try_from(verified(&app).await.events).unwrap(), app.count(EVENTS).await);
    app.finish().await;
}

#[tokio::test]
async fn r261_a_long_transaction_holds_up_the_sealer_and_nobody_else() {
    let app = TestApp::new().await;
    seal_all(&app).await;
    let mut long = app.tx().await;
    record(&mut long, Event::success("test.began_first")).await.unwrap();
    // Not before a statement goes out does it begin.
    long.query("select 1", &[]).await.unwrap();
    note(&app.app, "test.done").await;
    for _ in 0..3 {
        assert_eq!(seal(&app.app).await.unwrap(), 0, "an earlier transaction may still bring an earlier event");
        note(&app.app, "test.done").await;
    }
    app.advance(jiff::SignedDuration::from_mins(2));
    let now = progress(&app.app).await.unwrap();
    assert_eq!((now.waiting, now.behind(app.now()).as_secs()), (4, 120));
    long.commit().await.unwrap();
    seal_all(&app).await;
    let first = "
        select l.leaf_index - (select min(leaf_index) from audit_leaves natural join (select id as event_id from audit_events
            where action like 'test.%') e)
        from audit_leaves l
        join audit_events e on e.id = l.event_id
        where e.action = 'test.began_first'";
    assert_eq!(app.count(first).await, 0);
    verified(&app).await;
    app.finish().await;
}

#[tokio::test]
async fn r261_a_sealer_that_dies_in_the_middle_leaves_nothing_behind() {
    let app = TestApp::new().await;
    seal_all(&app).await;
    let sealed = last(&app.app).await.unwrap().unwrap().tree_size;
    note(&app.app, "test.done").await;
    let mut tx = app.tx().await;
    // Transactions of other tests may hold the event back for a moment.
    let taken = loop {
        let taken = store::take_unsealed(&mut tx, 10).await.unwrap();
        if !taken.is_empty() {
            break taken;
        }
    };
    let leaves: Vec<_> = taken.iter().map(|unsealed| unsealed.event.leaf_hash()).collect();
    store::insert_leaves(&mut tx, sealed.unsigned_abs(), &taken, &leaves).await.unwrap();
    drop(tx);
    seal_all(&app).await;
    assert_eq!(i64::try_from(verified(&app).await.events).unwrap(), app.count(EVENTS).await);
    app.finish().await;
}

#[tokio::test]
async fn r261_of_two_sealers_one_works() {
    let app = TestApp::new().await;
    let mut tx = app.tx().await;
    assert!(store::try_lock(&mut tx).await.unwrap());
    assert_eq!(seal(&app.app).await.unwrap(), 0, "another one has the lock");
    tx.commit().await.unwrap();
    for _ in 0..20 {
        note(&app.app, "test.done").await;
        let (one, two) = tokio::join!(seal(&app.app), seal(&app.app));
        one.unwrap();
        two.unwrap();
    }
    seal_all(&app).await;
    assert_eq!(i64::try_from(verified(&app).await.events).unwrap(), app.count(EVENTS).await);
    app.finish().await;
}

#[tokio::test]
async fn r261_events_of_a_restored_dump_are_sealed_though_their_transactions_are_not_of_this_cluster() {
    let app = TestApp::new().await;
    note(&app.app, "test.done").await;
    let mut tx = app.tx().await;
    tx.execute("update audit_unsealed set xid = '9000000000000'", &[]).await.unwrap();
    tx.commit().await.unwrap();
    assert!(seal(&app.app).await.unwrap() > 0);
    seal_all(&app).await;
    verified(&app).await;
    app.finish().await;
}

#[tokio::test]
async fn r261_the_task_seals_by_itself_until_it_is_told_to_stop() {
    let app = TestApp::new().await;
    let sealing = Sealing::start(app.app.clone());
    note(&app.app, "test.done").await;
    let sealed = async {
        while last(&app.app).await.unwrap().is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), sealed).await.expect("the task seals");
    sealing.stop().await;
    app.finish().await;
}

#[tokio::test]
async fn r261_checkpoints_are_appended_to_the_file_that_was_named() {
    let folder = tempfile();
    let path = folder.join("heads");
    let app = TestApp::with(&[("USHER_AUDIT_CHECKPOINTS", path.to_str().unwrap())]).await;
    for _ in 0..3 {
        note(&app.app, "test.done").await;
        seal_all(&app).await;
    }
    let text = std::fs::read_to_string(&path).unwrap();
    let newest = usher_log::newest(text.as_bytes()).unwrap();
    assert_eq!(i64::try_from(newest.checkpoint.size).unwrap(), last(&app.app).await.unwrap().unwrap().tree_size);
    assert_eq!(newest.verify(&key(&app).await), Signature::Good);
    assert_eq!(verify(&app.app, key(&app).await, Some(&newest)).await.unwrap().size, newest.checkpoint.size);
    // A process that died between sealing and telling tells at its next start.
    std::fs::remove_file(&path).unwrap();
    Sealing::start(app.app.clone()).stop().await;
    assert!(usher_log::newest(std::fs::read_to_string(&path).unwrap().as_bytes()).is_ok());
    std::fs::remove_dir_all(folder).unwrap();
    app.finish().await;
}

/// A folder of its own for this test.
fn tempfile() -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("usher-audit-{}", crate::id::new_uuid(jiff::Timestamp::UNIX_EPOCH)));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[tokio::test]
async fn r261_a_file_that_can_not_be_written_does_not_stop_the_sealer() {
    let app = TestApp::with(&[("USHER_AUDIT_CHECKPOINTS", "/nonexistent/heads")]).await;
    app.expect_error("a checkpoint could not be appended");
    seal_all(&app).await;
    verified(&app).await;
    app.finish().await;
}

#[tokio::test]
async fn r261_the_operators_key_signs_and_no_other_is_made() {
    let seed = "CAkKCwwNDg8QERITFBUWFxgZGhscHR4fICEiIyQlJic=";
    let app = TestApp::with(&[("USHER_AUDIT_KEY", seed)]).await;
    seal_all(&app).await;
    assert_eq!(app.count("select count(*) from audit_keys").await, 0);
    let key = key(&app).await;
    assert_eq!(key.name(), "id.example.com/audit");
    let note = last(&app.app).await.unwrap().unwrap();
    assert_eq!(SignedCheckpoint::parse(&note.checkpoint).unwrap().verify(&key), Signature::Good);
    assert_eq!(note.verifier_key, key.to_string());
    verified(&app).await;
    app.finish().await;
}

#[tokio::test]
async fn r200_the_newest_checkpoint_is_for_those_who_may_read_the_trail() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    admin.get("/v1/audit/checkpoint").await.expect_problem(404, "not_found");
    seal_all(&app).await;
    let answer = admin.get("/v1/audit/checkpoint").await.expect(200);
    let note = SignedCheckpoint::parse(answer.json["checkpoint"].as_str().unwrap()).unwrap();
    let key: VerifierKey = answer.json["verifier_key"].as_str().unwrap().parse().unwrap();
    assert_eq!(note.verify(&key), Signature::Good);
    assert_eq!(answer.json["tree_size"], note.checkpoint.size);
    assert_eq!(verify(&app.app, key, Some(&note)).await.unwrap().size, note.checkpoint.size);
    app.manager().await.client.get("/v1/audit/checkpoint").await.expect_problem(403, "forbidden");
    app.finish().await;
}
