//! Guessing: attempts are paid for, ten failures lock, and nobody is locked out for longer than that.

use std::pin::Pin;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{WRONG, login, with_hasher};
use crate::hashing::{Cost, Hasher};
use crate::password::{self, Reservation};
use crate::router;
use crate::secret::SecretText;
use crate::testing::{Answer, Client, PASSWORD, TestApp};

const LOCKED_FOR: SignedDuration = SignedDuration::from_mins(15);
const A_SECOND: SignedDuration = SignedDuration::from_secs(1);

#[tokio::test]
async fn r022_ten_failures_lock_for_15_minutes_also_for_the_right_password() {
    let app = TestApp::new().await;
    app.user("ann").await;
    fail(&app, 10).await;
    let refused = login(&app, "ann@example.org", PASSWORD).await.expect_problem(401, "invalid_credentials");
    assert_eq!(refused.sameness(), login(&app, "ann@example.org", WRONG).await.sameness());
    assert_eq!(locked_until(&app).await, Some(app.now() + LOCKED_FOR));
    assert_eq!(app.count("select count(*) from audit_events where action = 'user.locked'").await, 1);
    app.advance(LOCKED_FOR - A_SECOND);
    login(&app, "ann@example.org", PASSWORD).await.expect(401);
    app.advance(A_SECOND);
    let ann = app.sign_in("ann@example.org", PASSWORD).await;
    assert_eq!(ann.client.get("/v1/me").await.expect(200).json["locked_until"], Value::Null);
    app.finish().await;
}

#[tokio::test]
async fn a_second_lock_in_a_row_lasts_twice_as_long_and_a_long_row_a_day_at_most() {
    let app = TestApp::new().await;
    app.user("ann").await;
    for minutes in [15, 30, 60, 120, 240, 480, 960, 1440, 1440] {
        fail(&app, 10).await;
        let lock = SignedDuration::from_mins(minutes);
        assert_eq!(locked_until(&app).await, Some(app.now() + lock));
        app.advance(lock - A_SECOND);
        login(&app, "ann@example.org", PASSWORD).await.expect(401);
        app.advance(A_SECOND);
    }
    login(&app, "ann@example.org", PASSWORD).await.expect(200);
    // Success begins the row anew.
    fail(&app, 10).await;
    assert_eq!(locked_until(&app).await, Some(app.now() + LOCKED_FOR));
    app.finish().await;
}

#[tokio::test]
async fn attempts_during_a_lock_cost_nothing_and_do_not_prolong_it() {
    let app = TestApp::new().await;
    app.user("ann").await;
    fail(&app, 10).await;
    let until = locked_until(&app).await;
    app.advance(SignedDuration::from_mins(14));
    fail(&app, 20).await;
    assert_eq!(locked_until(&app).await, until);
    assert_eq!(app.count("select lockouts::bigint from password_credentials").await, 1);
    app.advance(SignedDuration::from_mins(1));
    fail(&app, 9).await;
    login(&app, "ann@example.org", PASSWORD).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn r021_success_clears_the_failures_before_it() {
    let app = TestApp::new().await;
    app.user("ann").await;
    for _ in 0..3 {
        fail(&app, 9).await;
        login(&app, "ann@example.org", PASSWORD).await.expect(200);
    }
    assert_eq!(locked_until(&app).await, None);
    app.finish().await;
}

#[tokio::test]
async fn r022_of_200_guesses_at_the_same_time_ten_reach_the_verifier() {
    let app = TestApp::new().await;
    app.user("ann").await;
    for answer in join_all((0..200).map(|_| login(&app, "ann@example.org", WRONG))).await {
        // On a slow machine a guess may be told to come back.
        assert!([401, 503].contains(&answer.status.as_u16()), "{}", answer.text);
    }
    // Every granted attempt is charged, and none is ever given back but by success.
    assert!(app.count("select attempts_charged::bigint from password_credentials").await <= 10);
    let failed = app.count("select attempts_failed::bigint from password_credentials").await;
    assert!(failed <= 10);
    // Those who were told to come back do, when attempts that could not be settled on a slow machine are not waited for any more.
    app.advance(SignedDuration::from_secs(61));
    for _ in failed..10 {
        patiently(&app, WRONG).await.expect(401);
    }
    assert_eq!(app.count("select lockouts::bigint from password_credentials").await, 1);
    assert_eq!(app.count("select count(*) from audit_events where action = 'user.locked'").await, 1);
    login(&app, "ann@example.org", PASSWORD).await.expect(401);
    app.finish().await;
}

#[tokio::test]
async fn r022_20_right_passwords_at_the_same_time_all_get_in() {
    let app = TestApp::new().await;
    app.user("ann").await;
    for answer in join_all((0..20).map(|_| patiently(&app, PASSWORD))).await {
        answer.expect(200);
    }
    assert_eq!(app.count("select (attempts_charged + attempts_failed)::bigint from password_credentials").await, 0);
    app.finish().await;
}

#[tokio::test]
async fn r022_wrong_passwords_meanwhile_do_not_keep_right_ones_out() {
    let app = TestApp::new().await;
    app.user("ann").await;
    let passwords: Vec<_> = (0..25).map(|number| if number % 5 == 2 { WRONG } else { PASSWORD }).collect();
    let answers = join_all(passwords.iter().map(|password| patiently(&app, password))).await;
    for (password, answer) in passwords.iter().zip(answers) {
        answer.expect(if *password == PASSWORD { 200 } else { 401 });
    }
    assert_eq!(locked_until(&app).await, None);
    app.finish().await;
}

#[tokio::test]
async fn r023_failures_are_counted_for_the_account_whatever_it_is_called_by() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    ann.client.patch("/v1/me", json!({ "username": "calm-otter" })).await.expect(200);
    for identifier in ["ann@example.org", "ANN@example.org", "\u{ff21}nn@EXAMPLE.org", "calm-otter", "CALM-OTTER"] {
        for _ in 0..2 {
            login(&app, identifier, WRONG).await.expect(401);
        }
    }
    assert_eq!(locked_until(&app).await, Some(app.now() + LOCKED_FOR));
    // Nobody else is locked by it.
    app.user("bob").await;
    app.finish().await;
}

#[tokio::test]
async fn r025_a_lock_ends_no_session_and_an_administrator_can_end_the_lock() {
    let app = TestApp::new().await;
    let boss = app.admin().await;
    let ann = app.user("ann").await;
    fail(&app, 10).await;
    ann.client.get("/v1/me").await.expect(200);
    let refreshed = app.client().post("/v1/refresh", json!({ "refresh_token": ann.refresh_token })).await;
    refreshed.expect(200);
    let path = format!("/v1/users/{}", ann.id);
    let locked = boss.client.get(&path).await.expect(200);
    assert_eq!(locked.str("locked_until"), (app.now() + LOCKED_FOR).to_string());
    let unlocked = boss.client.post(&format!("{path}/unlock"), json!({})).await.expect(200);
    assert_eq!(unlocked.json["locked_until"], Value::Null);
    login(&app, "ann@example.org", PASSWORD).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn attempts_whose_process_died_are_waited_for_a_minute_at_most() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    for _ in 0..10 {
        let mut tx = app.tx().await;
        let reserved = password::reserve(&mut tx, ann.id.parse().unwrap()).await.unwrap();
        assert!(matches!(reserved, Reservation::Granted(_)));
        tx.commit().await.unwrap();
    }
    let mut tx = app.tx().await;
    assert!(matches!(password::reserve(&mut tx, ann.id.parse().unwrap()).await.unwrap(), Reservation::Wait));
    drop(tx);
    app.advance(SignedDuration::from_secs(61));
    login(&app, "ann@example.org", PASSWORD).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn r022_an_attempt_whose_hash_nobody_had_time_for_is_given_back() {
    let app = TestApp::new().await;
    app.user("ann").await;
    // One thread, a long piece of work and no queue: whoever comes meanwhile is told to come back.
    let busy = with_hasher(&app, Hasher::start(Cost { memory_kib: 16_384, passes: 100 }, 1, 0)).await;
    let client = Client::new(router::router(&busy), None);
    let mut working = occupy(&busy.hasher).await;
    for failures in [0, 9] {
        fail(&app, failures).await;
        for password in [PASSWORD, WRONG].repeat(5) {
            if (&mut working).now_or_never().is_some() {
                working = occupy(&busy.hasher).await;
            }
            let body = json!({ "identifier": "ann@example.org", "password": password });
            let refused = client.post("/v1/login", body).await.expect_problem(503, "overloaded");
            assert_eq!(refused.headers["retry-after"], "1");
        }
        let counts = "select attempts_charged * 100 + attempts_failed::bigint from password_credentials";
        assert_eq!(app.count(counts).await, i64::try_from(failures * 101).unwrap());
        login(&app, "ann@example.org", PASSWORD).await.expect(200);
    }
    assert_eq!(locked_until(&app).await, None);
    assert_eq!(app.count("select count(*) from audit_events where action = 'sign_in' and outcome = 'failure'").await, 9);
    app.finish().await;
}

/// Gives the only thread something to do; it does it whether or not somebody waits for it.
async fn occupy(hasher: &Hasher) -> Pin<Box<dyn Future<Output = ()> + '_>> {
    loop {
        let mut working = Box::pin(async { drop(hasher.hash(&SecretText::new(PASSWORD.to_owned())).await) });
        // Refused at once: the thread is not there yet.
        if (&mut working).now_or_never().is_none() {
            return working;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Wrong passwords, one after the other.
async fn fail(app: &TestApp, times: usize) {
    for _ in 0..times {
        login(app, "ann@example.org", WRONG).await.expect_problem(401, "invalid_credentials");
    }
}

/// Asks again when the server says that it is busy, as twenty requests make a slow machine.
async fn patiently(app: &TestApp, password: &str) -> Answer {
    for _ in 0..20 {
        let answer = login(app, "ann@example.org", password).await;
        if answer.status != 503 {
            return answer;
        }
    }
    login(app, "ann@example.org", password).await
}

/// Ann's lock: the credential's and the user's agree.
async fn locked_until(app: &TestApp) -> Option<Timestamp> {
    let mut tx = app.tx().await;
    let sql = "
        select p.locked_until, u.locked_until
        from password_credentials p
        join users u on u.id = p.user_id
        join emails e on e.user_id = u.id
        where e.address_normal = 'ann@example.org'";
    let row = tx.query_one(sql, &[]).await.unwrap();
    tx.commit().await.unwrap();
    let (credential, user): (Option<Timestamp>, Option<Timestamp>) = (row.get(0), row.get(1));
    assert_eq!(credential, user);
    credential
}
