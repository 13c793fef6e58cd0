//! Whoever owns the database can switch the triggers off. These tests do, and the verifier finds what was done.

use usher_log::{Fault, Line, SignedCheckpoint, Verifier};

use super::sealing_tests::{key, note, seal_all, verified};
use super::{export, last, seal, verify};
use crate::db::grants;
use crate::testing::TestApp;

/// A log of three checkpoints; says how many leaves the first two have.
pub async fn sealed_log(app: &TestApp) -> (i64, i64) {
    let mut sizes = Vec::new();
    for count in [4, 3, 2] {
        for _ in 0..count {
            note(&app.app, "test.done").await;
        }
        seal_all(app).await;
        sizes.push(last(&app.app).await.unwrap().unwrap().tree_size);
    }
    verified(app).await;
    (sizes[0], sizes[1])
}

/// Runs statements with all triggers off.
pub async fn tamper(app: &TestApp, sql: &str) {
    let client = app.app.db.dedicated().await.unwrap();
    client.batch_execute(&format!("set session_replication_role = replica; {sql}")).await.unwrap();
}

async fn fault(app: &TestApp) -> String {
    format!("{:#}", verify(&app.app, key(app).await, None).await.unwrap_err())
}

/// The lines of an export.
async fn exported(app: &TestApp, after: u64) -> Vec<String> {
    let mut lines = Vec::new();
    let events = export(&app.app, after, |line| {
        lines.push(line.to_owned());
        Ok(())
    });
    assert_eq!(events.await.unwrap() + 2, lines.len() as u64);
    lines
}

#[tokio::test]
async fn r261_the_owner_of_the_tables_may_not_change_them_either() {
    let app = TestApp::new().await;
    sealed_log(&app).await;
    let client = app.app.db.dedicated().await.unwrap();
    for table in ["audit_events", "audit_leaves", "audit_checkpoints", "audit_details"] {
        let column = match table {
            "audit_events" => "action = 'x'",
            "audit_leaves" => "leaf_index = 1",
            "audit_checkpoints" => "note = 'x'",
            _ => "content = 'x'",
        };
        for sql in [format!("update {table} set {column}"), format!("delete from {table}"), format!("truncate {table} cascade")] {
            let error = client.batch_execute(&sql).await.unwrap_err();
            let message = error.as_db_error().unwrap().message();
            assert!(message.contains("append-only") || message.contains("erased only when"), "{sql}: {message}");
        }
    }
    verified(&app).await;
    app.finish().await;
}

#[tokio::test]
async fn r261_one_changed_byte_is_found_wherever_it_is() {
    let app = TestApp::new().await;
    let (first, second) = sealed_log(&app).await;
    let leaf = format!("(select event_id from audit_leaves where leaf_index = {first})");
    let event = format!("leaf {first} was changed: ");
    let changes = [
        (format!("update audit_events set action = 'test.dona' where id = {leaf}"), event.clone()),
        (format!("update audit_events set occurred_at = occurred_at + '1 microsecond' where id = {leaf}"), event.clone()),
        (format!("update audit_events set actor_id = gen_random_uuid() where id = {leaf}"), event.clone()),
        (format!("update audit_events set details_hash = sha256('x') where id = {leaf}"), event.clone()),
        (format!("update audit_details set content = content || ' ' where event_id = {leaf}"), event.clone()),
        (format!("update audit_details set salt = substr(sha256('x'), 1, 16) where event_id = {leaf}"), event.clone()),
        (format!("delete from audit_details where event_id = {leaf}"), event.clone()),
        (format!("delete from audit_events where id = {leaf}"), event.clone()),
        (format!("update audit_leaves set leaf_hash = sha256('x') where leaf_index = {first}"), event),
        (format!("delete from audit_leaves where leaf_index = {first}"), format!("leaf {first} is not where it belongs")),
        (
            format!(
                "update audit_checkpoints set note = replace(note, E'\\n{second}\\n', E'\\n1{second}\\n') where tree_size = {second}"
            ),
            format!("checkpoint {second} was changed"),
        ),
        (
            format!("update audit_checkpoints set edge = sha256(edge) where tree_size = {second}"),
            format!("checkpoint {second} was changed"),
        ),
        (format!("delete from audit_checkpoints where tree_size > {second}"), "some were put in".to_owned()),
        ("delete from audit_checkpoints".to_owned(), "there is no checkpoint".to_owned()),
    ];
    let tables = ["audit_events", "audit_details", "audit_leaves", "audit_checkpoints"];
    let copies = tables.map(|table| format!("create table kept_{table} as table {table};")).concat();
    let restore = tables.map(|table| format!("delete from {table}; insert into {table} select * from kept_{table};")).concat();
    tamper(&app, &copies).await;
    for (sql, expected) in changes {
        tamper(&app, &sql).await;
        let found = fault(&app).await;
        assert!(found.contains(&expected), "{sql}: {found}");
        tamper(&app, &restore).await;
        verified(&app).await;
    }
    app.finish().await;
}

#[tokio::test]
async fn r261_a_swapped_pair_is_found_though_its_hashes_were_swapped_too() {
    let app = TestApp::new().await;
    let (first, second) = sealed_log(&app).await;
    let (one, two) = (first, first + 1);
    let swap = format!(
        "update audit_leaves set leaf_index = -1 where leaf_index = {one};
        update audit_leaves set leaf_index = {one} where leaf_index = {two};
        update audit_leaves set leaf_index = {two} where leaf_index = -1"
    );
    let swap = format!("alter table audit_leaves drop constraint audit_leaves_leaf_index_check; {swap}");
    tamper(&app, &swap).await;
    let found = fault(&app).await;
    assert!(found.contains(&format!("leaves {first} to {} are not what checkpoint {second} has signed", second - 1)), "{found}");
    app.finish().await;
}

#[tokio::test]
async fn r261_a_cut_off_end_is_found_against_a_checkpoint_that_was_kept() {
    let app = TestApp::new().await;
    let (_, second) = sealed_log(&app).await;
    let sealed = last(&app.app).await.unwrap().unwrap();
    let saved = SignedCheckpoint::parse(&sealed.checkpoint).unwrap();
    let cut = format!(
        "delete from audit_events where id in (select event_id from audit_leaves where leaf_index >= {second});
        delete from audit_leaves where leaf_index >= {second};
        delete from audit_checkpoints where tree_size > {second}"
    );
    tamper(&app, &cut).await;
    // By itself the log looks whole.
    assert_eq!(i64::try_from(verified(&app).await.size).unwrap(), second);
    let found = verify(&app.app, key(&app).await, Some(&saved)).await.unwrap_err().to_string();
    assert!(found.contains(&format!("the saved checkpoint has {} leaves, the log {second}", sealed.tree_size)), "{found}");
    // Nor can the hole be filled with other events.
    while last(&app.app).await.unwrap().unwrap().tree_size < sealed.tree_size {
        note(&app.app, "test.forged").await;
        seal(&app.app).await.unwrap();
    }
    let found = verify(&app.app, key(&app).await, Some(&saved)).await.unwrap_err().to_string();
    assert!(found.contains("the log was written anew"), "{found}");
    app.finish().await;
}

#[tokio::test]
async fn r261_events_beside_the_log_are_found() {
    let app = TestApp::new().await;
    sealed_log(&app).await;
    note(&app.app, "test.hidden").await;
    tamper(&app, "delete from audit_unsealed").await;
    assert!(fault(&app).await.contains("is neither sealed nor waits for it"));
    tamper(&app, "insert into audit_unsealed (event_id) select id from audit_events where action = 'test.hidden'").await;
    verified(&app).await;
    tamper(&app, "delete from audit_events where action = 'test.hidden'").await;
    assert!(fault(&app).await.contains("was removed before it was sealed"));
    app.finish().await;
}

#[tokio::test]
async fn r261_a_tampered_tree_is_not_signed_again() {
    let app = TestApp::new().await;
    sealed_log(&app).await;
    tamper(&app, "update audit_checkpoints set edge = substr(edge || edge, 2, length(edge))").await;
    note(&app.app, "test.done").await;
    let sealing = async {
        loop {
            if let Err(error) = seal(&app.app).await {
                break error.to_string();
            }
            tokio::task::yield_now().await;
        }
    };
    let error = tokio::time::timeout(std::time::Duration::from_secs(30), sealing).await.unwrap();
    assert!(error.contains("was changed in the database"), "{error}");
    app.finish().await;
}

#[tokio::test]
async fn r261_an_export_verifies_with_the_public_key_alone_and_in_parts() {
    let app = TestApp::new().await;
    let (first, second) = sealed_log(&app).await;
    let key = key(&app).await;
    for after in [0, first - 1, first, second + 1, last(&app.app).await.unwrap().unwrap().tree_size] {
        let lines = exported(&app, after.unsigned_abs()).await;
        let Line::Header(edge) = Line::parse(&lines[0]).unwrap() else { panic!("{}", lines[0]) };
        let mut verifier = Verifier::begin(key.clone(), edge, None).unwrap();
        for line in &lines[1..] {
            match Line::parse(line).unwrap() {
                Line::Entry(entry) => verifier.entry(&entry).unwrap(),
                Line::Checkpoint(note) => verifier.checkpoint(&SignedCheckpoint::parse(&note).unwrap()).unwrap(),
                Line::Header(_) => panic!("{line}"),
            }
        }
        assert_eq!(verifier.finish().unwrap().events + after.unsigned_abs() + 2, lines.len() as u64 + after.unsigned_abs());
    }
    let lines = exported(&app, 0).await;
    let Line::Entry(mut entry) = Line::parse(&lines[3].replace("test.done", "test.dona")).unwrap() else {
        panic!("{}", lines[3])
    };
    entry.leaf_index = 0;
    let mut verifier = Verifier::begin(key, usher_log::Edge::default(), None).unwrap();
    assert!(matches!(verifier.entry(&entry), Err(Fault::EventChanged { .. })));
    let beyond = export(&app.app, 1_000_000, |_| Ok(())).await.unwrap_err().to_string();
    assert!(beyond.contains("--after"), "{beyond}");
    app.finish().await;
}

#[tokio::test]
async fn r261_a_role_that_was_granted_what_usher_needs_can_not_change_the_log() {
    let app = TestApp::new().await;
    sealed_log(&app).await;
    let client = app.app.db.dedicated().await.unwrap();
    let role = format!("app-{}", crate::id::new_uuid(jiff::Timestamp::UNIX_EPOCH).simple());
    client.batch_execute(&format!("create role \"{role}\"")).await.unwrap();
    grants::grant_to(&app.app.db, &role).await.unwrap();
    grants::grant_to(&app.app.db, &role).await.unwrap();
    client.batch_execute(&format!("set role \"{role}\"")).await.unwrap();
    for sql in [
        "update users set bio = 'x'",
        "select * from audit_events",
        "insert into audit_unsealed (event_id) values (gen_random_uuid())",
        "delete from audit_unsealed where xid >= pg_current_xact_id()",
        "select pg_notify('usher_jobs', '')",
        "lock table signing_keys in share row exclusive mode",
    ] {
        client.batch_execute(&format!("begin; {sql}; rollback")).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }
    for sql in [
        "update audit_events set action = 'x'",
        "delete from audit_leaves",
        "update audit_details set content = '{}'",
        "truncate audit_checkpoints",
        "truncate users cascade",
        "alter table audit_events disable trigger append_only",
        "drop table audit_events",
        "delete from refinery_schema_history",
        "set session_replication_role = replica",
    ] {
        let error = client.batch_execute(sql).await.unwrap_err();
        assert_eq!(error.code(), Some(&tokio_postgres::error::SqlState::INSUFFICIENT_PRIVILEGE), "{sql}");
    }
    let drop_role = format!("reset role; drop owned by \"{role}\"; drop role \"{role}\"");
    client.batch_execute(&drop_role).await.unwrap();
    let unknown = grants::grant_to(&app.app.db, "no one").await.unwrap_err().to_string();
    assert!(unknown.contains("there is no role"), "{unknown}");
    let owner: String = client.query_one("select current_user::text", &[]).await.unwrap().get(0);
    let own = grants::grant_to(&app.app.db, &owner).await.unwrap_err().to_string();
    assert!(own.contains("owns the tables"), "{own}");
    tamper(&app, "delete from audit_unsealed where event_id not in (select id from audit_events)").await;
    app.finish().await;
}
