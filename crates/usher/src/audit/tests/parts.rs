//! Verifying a part of the log says no more than what was looked at.

use super::part::verify_at_least;
use super::sealing_tests::{note, seal_all};
use super::tampering_tests::{sealed_log, tamper};
use super::{Misfit, Part, Unverified, Verified, last};
use crate::error::AppResult;
use crate::testing::TestApp;

async fn verify(app: &TestApp, until: Option<i64>, events: i64) -> AppResult<Verified> {
    let mut tx = app.tx().await;
    let verified = verify_at_least(&app.app, &mut tx, until, events).await;
    tx.commit().await.unwrap();
    verified
}

async fn good(app: &TestApp, until: Option<i64>, events: i64) -> Part {
    match verify(app, until, events).await.unwrap() {
        Verified::Good(part) => part,
        other => panic!("{other:?}"),
    }
}

async fn misfit(app: &TestApp, until: Option<i64>, events: i64) -> Misfit {
    match verify(app, until, events).await.unwrap() {
        Verified::Changed(misfit) => misfit,
        other => panic!("{other:?}"),
    }
}

async fn unverified(app: &TestApp, until: Option<i64>, events: i64) -> Unverified {
    match verify(app, until, events).await.unwrap() {
        Verified::Not(why) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn r261_parts_reach_from_checkpoint_to_checkpoint_down_to_the_first_event() {
    let app = TestApp::new().await;
    assert_eq!(unverified(&app, None, 2).await, Unverified::NothingSealed);
    let (first, second) = sealed_log(&app).await;
    let size = last(&app.app).await.unwrap().unwrap().tree_size;
    let (mut until, mut parts) = (None, Vec::new());
    loop {
        let part = good(&app, until, 2).await;
        assert_eq!(part.summary.events + part.from.unsigned_abs(), part.until.unsigned_abs());
        parts.push((part.from, part.until, part.size, part.beside));
        if part.from == 0 {
            break;
        }
        until = Some(part.from);
    }
    let expected = [(second, size, size, Some(2)), (first, second, size, None), (0, first, size, None)];
    assert_eq!(parts[..], expected);
    let whole = good(&app, None, 1_000).await;
    assert_eq!((whole.from, whole.until), (0, size));
    assert_eq!(i64::try_from(whole.summary.checkpoints).unwrap(), app.count("select count(*) from audit_checkpoints").await);
    for none in [second + 1, 0, -1, i64::MIN, i64::MAX] {
        assert_eq!(verify(&app, Some(none), 2).await.unwrap_err().code(), Some("not_found"), "{none}");
    }
    app.finish().await;
}

#[tokio::test]
async fn r261_a_part_is_no_word_about_what_is_before_it() {
    let app = TestApp::new().await;
    let (first, second) = sealed_log(&app).await;
    let id = format!("(select event_id from audit_leaves where leaf_index = {first})");
    tamper(&app, &format!("update audit_events set action = 'test.dona' where id = {id}")).await;
    let part = good(&app, None, 2).await;
    assert_eq!((part.from, part.summary.events), (second, 2));
    for (until, events) in [(Some(second), 2), (None, 4)] {
        let found = misfit(&app, until, events).await;
        let said = format!("leaf {first} was changed: event {} is not as it was sealed", found.event_id.unwrap());
        assert_eq!(found.said, said);
        let same = format!("select count(*) from audit_events where action = 'test.dona' and id = '{}'", found.event_id.unwrap());
        assert_eq!(app.count(&same).await, 1);
    }
    // Nor is one that is good of its last leaves.
    good(&app, Some(first), 2).await;
    app.finish().await;
}

#[tokio::test]
async fn r261_a_part_is_not_good_where_its_ends_or_what_is_beside_it_do_not_fit() {
    let app = TestApp::new().await;
    let (_, second) = sealed_log(&app).await;
    let size = last(&app.app).await.unwrap().unwrap().tree_size;
    let changed = format!("checkpoint {second} was changed");
    let restore = "delete from audit_checkpoints; insert into audit_checkpoints select * from kept";
    tamper(&app, "create table kept as table audit_checkpoints").await;
    for set in [
        "edge = substr(edge || edge, 2, length(edge))",
        "edge = substr(edge, 2)",
        "note = 'x'",
        "note = replace(note, E'\\n' || tree_size || E'\\n', E'\\n1' || tree_size || E'\\n')",
    ] {
        tamper(&app, &format!("update audit_checkpoints set {set} where tree_size = {second}")).await;
        // Where it begins, and where it ends.
        for until in [None, Some(second)] {
            let found = misfit(&app, until, 2).await;
            assert!(found.said.contains(&changed), "{set}, {until:?}: {}", found.said);
        }
        tamper(&app, restore).await;
    }
    tamper(&app, "update audit_checkpoints set note = replace(note, '/audit ', '/other ')").await;
    assert_eq!(unverified(&app, None, 2).await, Unverified::OtherKey);
    tamper(&app, &format!("{restore}; delete from audit_checkpoints where tree_size < {size}")).await;
    assert_eq!(unverified(&app, None, 1).await, Unverified::FarApart);
    good(&app, None, 1_000).await;
    tamper(&app, &format!("{restore}; delete from audit_checkpoints where tree_size > {second}")).await;
    assert!(misfit(&app, None, 2).await.said.contains("some were put in"));
    tamper(&app, restore).await;
    note(&app.app, "test.hidden").await;
    tamper(&app, "delete from audit_unsealed").await;
    let found = misfit(&app, None, 2).await;
    assert!(found.said.contains("neither sealed nor waits") && found.event_id.is_some(), "{}", found.said);
    good(&app, Some(second), 2).await;
    tamper(&app, "insert into audit_unsealed (event_id) select id from audit_events where action = 'test.hidden'").await;
    seal_all(&app).await;
    good(&app, None, 2).await;
    app.finish().await;
}
