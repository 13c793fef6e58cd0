//! With more rows than one part all of them are deleted, and nothing that is still needed is; each part is found by an index.

use super::{Over, ROWS_MAX, delete_some, statement};
use crate::testing::TestApp;

/// What periodic jobs delete part by part, and the jobs.
const OVER: [(&str, Over); 15] = [
    ("forget_ended_sessions", Over { table: "sessions", time: "expires_at", condition: "expires_at < $1" }),
    ("forget_ended_sessions", Over { table: "sessions", time: "ended_at", condition: "ended_at < $1" }),
    ("forget_ended_sessions", Over { table: "pending_emails", time: "expires_at", condition: "expires_at < $1" }),
    ("forget_ended_sessions", Over { table: "idempotency_keys", time: "expires_at", condition: "expires_at < $1" }),
    ("forget_mails", Over { table: "mails", time: "created_at", condition: "created_at < $1" }),
    ("forget_mails", Over { table: "one_time_tokens", time: "expires_at", condition: "expires_at < $1" }),
    ("forget_attempts", Over { table: "attempts", time: "last_attempt_at", condition: DISABLED_STAY }),
    ("forget_devices", Over { table: "devices", time: "last_seen_at", condition: "last_seen_at < $1" }),
    ("forget_devices", Over { table: "trusted_devices", time: "expires_at", condition: "expires_at < $1" }),
    ("forget_api_keys", Over { table: "api_keys", time: "expires_at", condition: "expires_at < $1" }),
    ("forget_api_keys", Over { table: "api_keys", time: "revoked_at", condition: "revoked_at < $1" }),
    ("forget_invitations", Over { table: "invitations", time: ENDED, condition: INVITATION_OVER }),
    ("forget_passkey_ceremonies", Over { table: "passkey_ceremonies", time: "expires_at", condition: "expires_at < $1" }),
    ("forget_pending_sign_ins", Over { table: "pending_sign_ins", time: "expires_at", condition: "expires_at < $1" }),
    ("forget_rate_limits", Over { table: "rate_limits", time: "filled_until", condition: "filled_until < $1" }),
];
const DISABLED_STAY: &str = "last_attempt_at < $1 and disabled_at is null";
const ENDED: &str = "coalesce(accepted_at, revoked_at, expires_at)";
const INVITATION_OVER: &str = "coalesce(accepted_at, revoked_at, expires_at) < $1";

/// Of each kind seven rows that are over, of attempts one of them disabled and so needed, and three that are not.
const ROWS: &str = "
    create temp table times as
    select at, md5('row' || at)::uuid as id, 'row' || at as name, sha256(('row' || at)::bytea) as hash,
        case when at <= 7 then timestamptz '2024-01-01' else timestamptz '2027-01-01' end as time
    from generate_series(1, 10) as at;

    insert into users (id, username, status, created_at, updated_at)
    select id, name, 'active', '2024-01-01', '2024-01-01' from times;
    insert into devices (id, user_id, token_hash, created_at, last_seen_at)
    select id, id, hash, '2024-01-01', time from times;
    insert into devices (id, user_id, token_hash, created_at, last_seen_at)
    select md5('trusted' || at)::uuid, id, sha256(('trusted' || at)::bytea), '2024-01-01', '2027-01-01' from times;
    insert into trusted_devices (device_id, user_id, auth_epoch, trusted_at, expires_at)
    select md5('trusted' || at)::uuid, id, 1, time - interval '1 day', time from times;
    insert into sessions (id, user_id, auth_epoch, created_at, last_seen_at, expires_at, amr)
    select id, id, 1, '2024-01-01', '2024-01-01', time, '{pwd}' from times;
    insert into sessions (id, user_id, auth_epoch, created_at, last_seen_at, expires_at, ended_at, ended_reason, amr)
    select md5('ended' || at)::uuid, id, 1, '2024-01-01', '2024-01-01', '2027-01-01', time, 'logout', '{pwd}' from times;
    insert into pending_emails (user_id, id, address, address_normal, created_at, expires_at)
    select id, id, name || '@example.org', name || '@example.org', '2024-01-01', time from times;
    insert into idempotency_keys (scope, key, request_hash, body_sealed, created_at, expires_at)
    select 'test', name, hash, hash, '2024-01-01', time from times;
    insert into mails (id, user_id, template, recipient, subject, status, created_at)
    select id, id, 'welcome', name || '@example.org', '', 'sent', time from times;
    insert into one_time_tokens (id, purpose, token_hash, user_id, created_at, expires_at)
    select id, 'reset_password', hash, id, '2024-01-01', time from times;
    insert into attempts (authenticator, subject, device_id, charged, disabled_at, last_attempt_at)
    select 'password', name, id, 0, case when at = 7 then time end, time from times;
    insert into api_keys (id, user_id, name, prefix, key_hash, permissions, auth_epoch, created_at, expires_at)
    select id, id, name, name, hash, '{}', 1, '2024-01-01', time from times;
    insert into api_keys (id, user_id, name, prefix, key_hash, permissions, auth_epoch, created_at, expires_at, revoked_at)
    select md5('revoked' || at)::uuid, id, name, name, sha256(('revoked' || at)::bytea), '{}', 1, '2024-01-01', '2027-01-01', time
    from times;
    insert into invitations
        (id, address, address_normal, roles, delivery, lifetime_days, inviter_kind, created_at, expires_at, revoked_at)
    select id, name || '@example.org', name || '@example.org', '{}', 'link', 7, 'cli', '2024-01-01',
        case when at % 2 = 0 then time else '2027-01-01' end, case when at % 2 = 1 then time end
    from times;
    insert into passkey_ceremonies (token_hash, kind, state, created_at, expires_at)
    select hash, 'sign_in', '{}', '2024-01-01', time from times;
    insert into pending_sign_ins (token_hash, user_id, auth_epoch, created_at, expires_at)
    select hash, id, 1, '2024-01-01', time from times;
    insert into rate_limits (key, filled_until)
    select name, time from times;

    drop table times";

/// With a time that is between what is over and what is not.
fn filled_in(sql: &str) -> String {
    sql.replace("$1", "timestamptz '2024-06-01'").replace("$2", "2")
}

#[tokio::test]
async fn with_more_rows_than_one_part_all_are_deleted_and_nothing_that_is_needed() {
    let app = TestApp::new().await;
    let mut tx = app.tx().await;
    tx.connection().await.unwrap().batch_execute(ROWS).await.unwrap();
    tx.commit().await.unwrap();
    let mut needed = Vec::new();
    for (_, Over { table, condition, .. }) in &OVER {
        let over = app.count(&format!("select count(*) from {table} where {}", filled_in(condition))).await;
        assert!(over > 2 * i64::from(ROWS_MAX), "{table}: {over}");
        needed.push(app.count(&format!("select count(*) from {table}")).await - over);
    }
    // What is over for another reason was counted as needed.
    for (at, (_, one)) in OVER.iter().enumerate() {
        for (_, other) in OVER.iter().filter(|(_, other)| other.table == one.table && other.time != one.time) {
            needed[at] -= app.count(&format!("select count(*) from {} where {}", one.table, filled_in(other.condition))).await;
        }
    }
    for (kind, _) in &OVER {
        app.run_turn(kind).await;
    }
    for ((_, Over { table, condition, .. }), needed) in OVER.iter().zip(needed) {
        let over = app.count(&format!("select count(*) from {table} where {}", filled_in(condition))).await;
        assert_eq!((app.count(&format!("select count(*) from {table}")).await, over), (needed, 0), "{table}");
        assert!(needed >= 3, "{table}");
    }
    app.finish().await;
}

#[tokio::test]
async fn each_part_is_found_by_an_index() {
    let app = TestApp::new().await;
    let mut tx = app.tx().await;
    tx.execute("set local enable_seqscan = off", &[]).await.unwrap();
    tx.execute("set local enable_bitmapscan = off", &[]).await.unwrap();
    tx.execute("set local enable_sort = off", &[]).await.unwrap();
    for (_, over) in &OVER {
        let rows = tx.query(&format!("explain {}", filled_in(&statement(over))), &[]).await.unwrap();
        let plan: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
        let plan = plan.join("\n");
        assert!(plan.contains("Index Cond") && !plan.contains("Seq Scan") && !plan.contains("Sort"), "{}: {plan}", over.table);
    }
    tx.commit().await.unwrap();
    app.finish().await;
}

#[tokio::test]
async fn what_somebody_holds_or_has_renewed_stays_and_is_not_waited_for() {
    const KEYS: Over = Over { table: "idempotency_keys", time: "expires_at", condition: "expires_at < $1" };
    let app = TestApp::new().await;
    let mut tx = app.tx().await;
    tx.connection().await.unwrap().batch_execute(ROWS).await.unwrap();
    tx.commit().await.unwrap();
    let mut renewing = app.tx().await;
    let renew = "update idempotency_keys set expires_at = '2027-01-01' where key = 'row1'";
    renewing.execute(renew, &[]).await.unwrap();
    let mut tx = app.tx().await;
    let before = tx.now();
    for goes_on in [true, true, true, false] {
        assert_eq!(delete_some(&mut tx, &KEYS, before).await.unwrap(), goes_on);
    }
    tx.commit().await.unwrap();
    renewing.commit().await.unwrap();
    assert_eq!(app.count("select count(*) from idempotency_keys where key in ('row1', 'row8', 'row9', 'row10')").await, 4);
    assert_eq!(app.count("select count(*) from idempotency_keys").await, 4);
    app.finish().await;
}
