//! Guessing: attempts are paid for, ten failures lock, and nobody is locked out for longer than that.

use std::pin::Pin;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{WRONG, login, with_hasher};
use crate::attempts::{self, Authenticator, Reservation, Target};
use crate::hashing::{Cost, Hasher};
use crate::network::Network;
use crate::router;
use crate::secret::SecretText;
use crate::testing::{Answer, Client, PASSWORD, TestApp, token_in};

const LOCKED_FOR: SignedDuration = SignedDuration::from_mins(15);
const A_SECOND: SignedDuration = SignedDuration::from_secs(1);

#[tokio::test]
async fn r022_ten_failures_lock_for_15_minutes_also_for_the_right_password() {
    let app = TestApp::new().await;
    app.user("ann").await;
    fail(&app, 10).await;
    let refused = login(&app, "ann@example.org", PASSWORD).await.expect_problem(429, "too_many_requests");
    assert_eq!(refused.headers["retry-after"], "900");
    assert_eq!(refused.sameness(), login(&app, "ann@example.org", WRONG).await.sameness());
    assert_eq!(locked_until(&app).await, Some(app.now() + LOCKED_FOR));
    assert_eq!(app.count("select count(*) from audit_events where action = 'user.locked'").await, 1);
    app.advance(LOCKED_FOR - A_SECOND);
    login(&app, "ann@example.org", PASSWORD).await.expect(429);
    app.advance(A_SECOND);
    let ann = app.sign_in("ann@example.org", PASSWORD).await;
    assert_eq!(ann.client.get("/v1/me").await.expect(200).json["locked_until"], Value::Null);
    app.finish().await;
}

#[tokio::test]
async fn r020_locks_grow_and_eighty_failures_in_a_row_disable_the_password() {
    let app = TestApp::new().await;
    app.user("ann").await;
    for minutes in [15, 30, 60, 120, 240, 480, 960] {
        fail(&app, 10).await;
        let lock = SignedDuration::from_mins(minutes);
        assert_eq!(locked_until(&app).await, Some(app.now() + lock));
        app.advance(lock - A_SECOND);
        login(&app, "ann@example.org", PASSWORD).await.expect(429);
        app.advance(A_SECOND);
    }
    login(&app, "ann@example.org", PASSWORD).await.expect(200);
    // Success begins the row anew.
    for minutes in [15, 30, 60, 120, 240, 480, 960] {
        fail(&app, 10).await;
        app.advance(SignedDuration::from_mins(minutes));
    }
    fail(&app, 10).await;
    app.advance(SignedDuration::from_hours(24 * 365));
    let refused = login(&app, "ann@example.org", PASSWORD).await.expect_problem(429, "too_many_requests");
    assert_eq!(refused.headers["retry-after"], "86400");
    // A new password opens the account again.
    app.client().post("/v1/password/forgot", json!({ "email": "ann@example.org" })).await.expect(202);
    let mut token = String::new();
    for mail in app.mails().await {
        if mail.subject.contains("new password") {
            token = token_in(&mail);
        }
    }
    let body = json!({ "token": token, "password": "seven quiet herons wading" });
    app.client().post("/v1/password/reset", body).await.expect(200);
    login(&app, "ann@example.org", "seven quiet herons wading").await.expect(200);
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn r027_an_account_that_does_not_exist_is_locked_alike() {
    let app = TestApp::new().await;
    app.user("ann").await;
    for number in 0..12 {
        let known = login(&app, ["ann@example.org", "ANN@example.org"][number % 2], WRONG).await;
        let unknown = login(&app, ["nobody@example.org", "NObody@EXAMPLE.org"][number % 2], WRONG).await;
        assert_eq!(known.sameness(), unknown.sameness(), "attempt {number}");
        known.expect(if number < 10 { 401 } else { 429 });
    }
    app.advance(LOCKED_FOR);
    login(&app, "nobody@example.org", WRONG).await.expect(401);
    // No name of anybody is kept for it.
    assert_eq!(app.count("select count(*) from attempts where subject like '%nobody@%'").await, 0);
    app.finish().await;
}

#[tokio::test]
async fn r025_guesses_of_others_do_not_lock_a_known_device_out() {
    let app = TestApp::new().await;
    app.user("ann").await;
    let first = login(&app, "ann@example.org", PASSWORD).await.expect(200);
    let device = first.str("device_token");
    fail(&app, 10).await;
    login(&app, "ann@example.org", PASSWORD).await.expect(429);
    let known = login_from(&app, &device, PASSWORD).await.expect(200);
    assert_eq!(known.json["device_token"], Value::Null, "a known device is given another token");
    // The success has cleared the failures before it.
    login(&app, "ann@example.org", PASSWORD).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn r020_a_device_from_which_ten_passwords_were_wrong_is_one_like_any_other() {
    let app = TestApp::new().await;
    app.user("ann").await;
    let device = login(&app, "ann@example.org", PASSWORD).await.expect(200).str("device_token");
    for _ in 0..10 {
        login_from(&app, &device, WRONG).await.expect(401);
    }
    fail(&app, 10).await;
    login_from(&app, &device, PASSWORD).await.expect(429);
    let sql = "select failed_in_a_row::bigint from attempts where device_id = '00000000-0000-0000-0000-000000000000'";
    assert_eq!(app.count(sql).await, 20);
    app.finish().await;
}

#[tokio::test]
async fn a_device_is_known_for_its_own_user_only() {
    let app = TestApp::new().await;
    app.user("ann").await;
    app.user("bob").await;
    let of_bob = login(&app, "bob@example.org", PASSWORD).await.expect(200).str("device_token");
    fail(&app, 10).await;
    for token in [of_bob.as_str(), "ush_device_x", "", &"x".repeat(4000)] {
        let body = json!({ "identifier": "ann@example.org", "password": PASSWORD, "device_token": token });
        let refused = app.client().post("/v1/login", body).await;
        refused.expect(if token.is_empty() { 422 } else { 429 });
    }
    app.finish().await;
}

#[tokio::test]
async fn r025_a_network_that_guesses_at_many_accounts_is_slowed_down_and_others_are_not() {
    let app = TestApp::new().await;
    app.user("ann").await;
    let (attacker, neighbour) = (app.client().at("203.0.113.7"), app.client().at("203.0.113.99"));
    let guess = |number: usize| json!({ "identifier": format!("user{number}@example.org"), "password": WRONG });
    for number in 0..100 {
        attacker.post("/v1/login", guess(number)).await.expect_problem(401, "invalid_credentials");
    }
    let refused = attacker.post("/v1/login", guess(100)).await.expect_problem(429, "too_many_requests");
    assert!(refused.headers.contains_key("retry-after"));
    neighbour.post("/v1/login", guess(101)).await.expect(429);
    let right = json!({ "identifier": "ann@example.org", "password": PASSWORD });
    app.client().at("198.51.100.7").post("/v1/login", right.clone()).await.expect(200);
    app.advance(SignedDuration::from_mins(10));
    // Right passwords do not count.
    for _ in 0..120 {
        neighbour.post("/v1/login", right.clone()).await.expect(200);
    }
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn attempts_during_a_lock_cost_nothing_and_do_not_prolong_it() {
    let app = TestApp::new().await;
    app.user("ann").await;
    fail(&app, 10).await;
    let until = locked_until(&app).await;
    app.advance(SignedDuration::from_mins(14));
    for _ in 0..20 {
        login(&app, "ann@example.org", WRONG).await.expect(429);
    }
    assert_eq!(locked_until(&app).await, until);
    assert_eq!(app.count("select lockouts::bigint from attempts").await, 1);
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
    for answer in join_all((0..200).map(|_| patiently(&app, WRONG))).await {
        // On a slow machine a guess may be told to come back again and again.
        assert!([401, 429, 503].contains(&answer.status.as_u16()), "{}", answer.text);
    }
    // Every granted attempt is charged, and none is ever given back but by success.
    assert!(app.count("select charged::bigint from attempts").await <= 10);
    let failed = app.count("select failed::bigint from attempts").await;
    assert!(failed <= 10);
    // Those who were told to come back do, when attempts that could not be settled on a slow machine are not waited for any more.
    app.advance(SignedDuration::from_secs(61));
    for _ in failed..10 {
        patiently(&app, WRONG).await.expect(401);
    }
    assert_eq!(app.count("select lockouts::bigint from attempts").await, 1);
    assert_eq!(app.count("select count(*) from audit_events where action = 'user.locked'").await, 1);
    login(&app, "ann@example.org", PASSWORD).await.expect(429);
    app.finish().await;
}

#[tokio::test]
async fn r022_20_right_passwords_at_the_same_time_all_get_in() {
    let app = TestApp::new().await;
    app.user("ann").await;
    for answer in join_all((0..20).map(|_| patiently(&app, PASSWORD))).await {
        answer.expect(200);
    }
    assert_eq!(app.count("select (charged + failed)::bigint from attempts").await, 0);
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
    app.run_jobs().await;
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
    let target = Target::user(Authenticator::Password, ann.id.parse().unwrap(), None);
    for _ in 0..10 {
        let mut tx = app.tx().await;
        assert_eq!(attempts::reserve(&mut tx, &target).await.unwrap(), Reservation::Granted);
        tx.commit().await.unwrap();
    }
    let mut tx = app.tx().await;
    assert_eq!(attempts::reserve(&mut tx, &target).await.unwrap(), Reservation::Wait);
    drop(tx);
    app.advance(SignedDuration::from_secs(61));
    login(&app, "ann@example.org", PASSWORD).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn r022_an_attempt_whose_hash_nobody_had_time_for_is_given_back() {
    let app = TestApp::new().await;
    app.user("ann").await;
    // One thread, long pieces of work and a queue of one: whoever comes meanwhile is told to come back.
    let busy = with_hasher(&app, Hasher::start(Cost { memory_kib: 16_384, passes: 600 }, 1, 1)).await;
    let client = Client::new(router::router(&busy), None);
    let mut working = Vec::new();
    for failures in [0, 9] {
        fail(&app, failures).await;
        for password in [PASSWORD, WRONG].repeat(5) {
            occupy(&busy.hasher, &mut working).await;
            let body = json!({ "identifier": "ann@example.org", "password": password });
            let refused = client.post("/v1/login", body).await.expect_problem(503, "overloaded");
            assert_eq!(refused.headers["retry-after"], "1");
        }
        let counts = "select charged * 100 + failed::bigint from attempts";
        assert_eq!(app.count(counts).await, i64::try_from(failures * 101).unwrap());
        login(&app, "ann@example.org", PASSWORD).await.expect(200);
    }
    assert_eq!(locked_until(&app).await, None);
    assert_eq!(app.count("select count(*) from audit_events where action = 'sign_in' and outcome = 'failure'").await, 9);
    app.finish().await;
}

/// A piece of work for a hashing thread.
type Working<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Gives the only thread something to do, and fills the only place of the queue.
async fn occupy<'a>(hasher: &'a Hasher, working: &mut Vec<Working<'a>>) {
    working.retain_mut(|piece| piece.now_or_never().is_none());
    while working.len() < 2 {
        let password = SecretText::new(PASSWORD.to_owned());
        let mut piece: Working<'a> = Box::pin(async move { drop(hasher.hash(&password, Network::of(None)).await) });
        // Refused at once: the thread has not taken the one before yet.
        if (&mut piece).now_or_never().is_none() {
            working.push(piece);
        } else {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// A sign-in of Ann on a device that shows its token.
async fn login_from(app: &TestApp, device: &str, password: &str) -> Answer {
    let body = json!({ "identifier": "ann@example.org", "password": password, "device_token": device });
    app.client().post("/v1/login", body).await
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

/// Ann's lock: that of her attempts and the user's agree.
async fn locked_until(app: &TestApp) -> Option<Timestamp> {
    let mut tx = app.tx().await;
    let sql = "
        select a.locked_until, u.locked_until
        from users u
        join emails e on e.user_id = u.id
        left join attempts a on a.subject = u.id::text
        where e.address_normal = 'ann@example.org'";
    let row = tx.query_one(sql, &[]).await.unwrap();
    tx.commit().await.unwrap();
    let (attempts, user): (Option<Timestamp>, Option<Timestamp>) = (row.get(0), row.get(1));
    assert_eq!(attempts, user);
    user
}
