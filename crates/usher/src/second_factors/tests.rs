//! Second factors through the front door: what a code opens and what it does not, twice, at the same time, by the wrong caller.

mod managing;
mod pages;
mod policy;
mod stopping;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::second_factors::totp;
use crate::testing::{Answer, Bound, PASSWORD, Person, TestApp};

/// A sign-in as far as the second factor.
async fn pending(app: &TestApp, person: &Person) -> String {
    let body = json!({ "identifier": person.email, "password": PASSWORD });
    app.client().post("/v1/login", body).await.expect(202).str("pending_token")
}

async fn show(app: &TestApp, pending: &str, code: &str) -> Answer {
    app.client().post("/v1/login/second-factor", json!({ "pending_token": pending, "code": code })).await
}

/// A code that is none of those around now.
fn wrong(app: &TestApp, bound: &Bound) -> String {
    let here = totp::step(app.now());
    let near: Vec<String> = (here - 2..=here + 2).map(|step| totp::code(&bound.secret, step)).collect();
    (0..10).map(|number| format!("{number:06}")).find(|code| !near.contains(code)).unwrap()
}

/// The methods that an access token names.
fn amr(answer: &Answer) -> Vec<String> {
    let token = answer.str("access_token");
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    serde_json::from_value(claims["amr"].clone()).unwrap()
}

#[tokio::test]
async fn r065_a_password_alone_opens_nothing_where_there_is_a_second_factor() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let bound = app.with_second_factor(&ann).await;
    // The sessions of before are of one factor: they are over, and so are their refresh tokens.
    ann.client.get("/v1/me").await.expect_problem(401, "unauthorized");
    app.client().post("/v1/refresh", json!({ "refresh_token": ann.refresh_token })).await.expect(401);
    let asked = app.client().post("/v1/login", json!({ "identifier": ann.email, "password": PASSWORD })).await.expect(202);
    let members: Vec<&String> = asked.json.as_object().unwrap().keys().collect();
    assert_eq!(members, ["second_factor", "pending_token", "expires_in"]);
    assert_eq!(asked.json["expires_in"], 300);
    // what it answers with is no token for anything else.
    let token = asked.str("pending_token");
    app.client_with(&token).get("/v1/me").await.expect_problem(401, "unauthorized");
    app.client_with(&token).post("/v1/me/second-factors/totp", json!({})).await.expect_problem(401, "unauthorized");
    for (path, member) in [("/v1/refresh", "refresh_token"), ("/v1/undo-deletion", "token"), ("/v1/report-sign-in", "token")] {
        assert!(!app.client().post(path, json!({ member: token })).await.status.is_success(), "{path}");
    }
    let begun = show(&app, &token, &bound.next_code(&app)).await.expect(200);
    assert_eq!(amr(&begun), ["pwd", "otp", "mfa"]);
    let person = app.person_of(&begun).await;
    let sessions = person.client.get("/v1/me/sessions").await.expect(200);
    assert_eq!(sessions.json["items"].as_array().unwrap().len(), 2, "{}", sessions.text);
    let refreshed = app.client().post("/v1/refresh", json!({ "refresh_token": person.refresh_token })).await.expect(200);
    assert_eq!(amr(&refreshed), ["pwd", "otp", "mfa"]);
    // Wrong passwords are told as ever.
    let body = json!({ "identifier": ann.email, "password": "quite another lantern" });
    app.client().post("/v1/login", body).await.expect_problem(401, "invalid_credentials");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r061_a_code_is_good_once_and_an_older_one_never_again() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let bound = app.with_second_factor(&ann).await;
    // The code that has confirmed it is used.
    let first = pending(&app, &ann).await;
    show(&app, &first, &bound.code(&app)).await.expect_problem(422, "wrong_code");
    app.advance(SignedDuration::from_secs(30));
    let code = bound.code(&app);
    show(&app, &first, &code).await.expect(200);
    show(&app, &first, &code).await.expect_problem(401, "sign_in_over");
    let second = pending(&app, &ann).await;
    show(&app, &second, &code).await.expect_problem(422, "wrong_code");
    show(&app, &second, &totp::code(&bound.secret, totp::step(app.now()) - 1)).await.expect_problem(422, "wrong_code");
    // A clock that is a step ahead is taken, and then what lies before it is gone.
    show(&app, &second, &bound.next_code(&app)).await.expect(200);
    app.advance(SignedDuration::from_secs(30));
    let third = pending(&app, &ann).await;
    show(&app, &third, &bound.code(&app)).await.expect_problem(422, "wrong_code");
    app.advance(SignedDuration::from_secs(30));
    let (code, spaced) = (bound.code(&app), bound.code(&app));
    let spaced = format!(" {} {}", &spaced[..3], &spaced[3..]);
    assert_ne!(code, spaced);
    show(&app, &third, &spaced).await.expect(200);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r060_the_drift_that_is_let_through_is_a_setting() {
    for (drift, accepted) in
        [("0", [false, true, false, false]), ("1", [true, true, true, false]), ("2", [true, true, true, true])]
    {
        let app = TestApp::with(&[("USHER_TOTP_DRIFT_STEPS", drift)]).await;
        for (at, (away, accepted)) in
            [(-1, accepted[0]), (0, accepted[1]), (1, accepted[2]), (2, accepted[3])].into_iter().enumerate()
        {
            let ann = app.user(&format!("ann{at}")).await;
            let bound = app.with_second_factor(&ann).await;
            app.advance(SignedDuration::from_secs(120));
            let code = totp::code(&bound.secret, totp::step(app.now()) + away);
            let answer = show(&app, &pending(&app, &ann).await, &code).await;
            assert_eq!(answer.status.is_success(), accepted, "{drift} {away}");
        }
        app.run_jobs().await;
        app.finish().await;
    }
}

#[tokio::test]
async fn r061_of_many_uses_of_one_code_at_the_same_time_one_is_let_in() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let bound = app.with_second_factor(&ann).await;
    let code = bound.next_code(&app);
    let tokens = join_all((0..8).map(|_| pending(&app, &ann))).await;
    let answers = join_all(tokens.iter().map(|token| show(&app, token, &code))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert!(answers.iter().all(|answer| [200, 422].contains(&answer.status.as_u16())));
    // And one handle is good for one session, whatever is shown with it.
    let token = pending(&app, &ann).await;
    let answers = join_all(bound.recovery_codes[..4].iter().map(|code| show(&app, &token, code))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert!(answers.iter().all(|answer| [200, 401].contains(&answer.status.as_u16())));
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r062_a_secret_that_is_not_confirmed_satisfies_nobody_and_is_asked_for_by_nobody() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let started = ann.client.post("/v1/me/second-factors/totp", json!({})).await.expect(200);
    let secret = data_encoding::BASE32_NOPAD.decode(started.str("secret").as_bytes()).unwrap();
    assert_eq!(secret.len(), 20);
    let again = app.sign_in(&ann.email, PASSWORD).await;
    let code = totp::code(&secret, totp::step(app.now()));
    let body = json!({ "password": PASSWORD, "code": code });
    again.client.post("/v1/reauthenticate", body).await.expect_problem(422, "wrong_code");
    let found = again.client.get("/v1/me/second-factors").await.expect(200);
    assert_eq!(found.json, json!({ "totp_since": null, "recovery_codes_left": 0, "passkeys": 0 }));
    // Another's code does not confirm it, nor does one of a secret that was replaced, nor the right one after an hour.
    let confirm = |code: String| ann.client.post("/v1/me/second-factors/totp/confirm", json!({ "code": code }));
    confirm(format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)).await.expect_problem(422, "wrong_code");
    ann.client.post("/v1/me/second-factors/totp", json!({})).await.expect(200);
    confirm(code).await.expect_problem(422, "wrong_code");
    let bob = app.user("bob").await;
    let nobodys = bob.client.post("/v1/me/second-factors/totp/confirm", json!({ "code": "123456" })).await;
    nobodys.expect_problem(409, "second_factor_not_started");
    app.advance(SignedDuration::from_mins(61));
    let late = app.sign_in(&ann.email, PASSWORD).await;
    late.client
        .post("/v1/me/second-factors/totp/confirm", json!({ "code": "123456" }))
        .await
        .expect_problem(409, "second_factor_not_started");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r063_a_recovery_code_works_once_also_at_the_same_time() {
    let app = TestApp::new().await;
    let (ann, bob) = (app.user("ann").await, app.user("bob").await);
    let (bound, others) = (app.with_second_factor(&ann).await, app.with_second_factor(&bob).await);
    assert_eq!(bound.recovery_codes.len(), 10);
    let code = &bound.recovery_codes[0];
    let tokens = join_all((0..6).map(|_| pending(&app, &ann))).await;
    let answers = join_all(tokens.iter().map(|token| show(&app, token, code))).await;
    let begun: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(begun.len(), 1);
    assert_eq!(amr(begun[0]), ["pwd", "mfa"]);
    let left = app.person_of(begun[0]).await.client.get("/v1/me/second-factors").await.expect(200);
    assert_eq!(left.json["recovery_codes_left"], 9);
    let token = pending(&app, &ann).await;
    for none in [code, &others.recovery_codes[1], "00000-00000", "not a code"] {
        show(&app, &token, none).await.expect_problem(422, "wrong_code");
    }
    // In another spelling.
    show(&app, &token, &bound.recovery_codes[1].to_uppercase().replace('-', " ")).await.expect(200);
    // What is stored is a hash.
    let stored = "select count(*) from recovery_codes where octet_length(code_hash) <> 32";
    assert_eq!(app.count(stored).await, 0);
    let subjects: Vec<String> = app.mails().await.into_iter().map(|mail| mail.subject).collect();
    let used = subjects.iter().filter(|subject| *subject == "A recovery code was used at usher").count();
    assert_eq!(used, 2, "{subjects:?}");
    app.finish().await;
}

#[tokio::test]
async fn those_who_look_after_users_see_with_what_each_signs_in() {
    let app = TestApp::new().await;
    let (admin, ann, ben) = (app.admin().await, app.user("ann").await, app.user("ben").await);
    let way = format!("/v1/users/{}/credentials", ann.id);
    let before = admin.client.get(&way).await.expect(200).json;
    assert!(before["password_since"].is_string(), "{before}");
    assert_eq!(
        (&before["totp_since"], &before["recovery_codes_left"], &before["passkeys"]),
        (&json!(null), &json!(0), &json!(0))
    );
    app.with_second_factor(&ann).await;
    let after = admin.client.get(&way).await.expect(200).json;
    assert!(after["totp_since"].is_string() && after["recovery_codes_left"] == 10, "{after}");
    assert_eq!((&after["bound_passkeys"], &after["trusted_devices"]), (&json!([]), &json!([])));
    let invited = json!({ "email": "cay@example.org" });
    let cay = admin.client.post("/v1/users", invited).await.expect(201).json["id"].as_str().unwrap().to_owned();
    let none = admin.client.get(&format!("/v1/users/{cay}/credentials")).await.expect(200).json;
    assert_eq!(none["password_since"], json!(null), "{none}");
    ben.client.get(&way).await.expect(403);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r064_a_handle_is_good_for_five_minutes_and_one_epoch() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let bound = app.with_second_factor(&ann).await;
    let token = pending(&app, &ann).await;
    app.advance(SignedDuration::from_mins(5));
    show(&app, &token, &bound.code(&app)).await.expect_problem(401, "sign_in_over");
    assert_eq!(app.count("select count(*) from pending_sign_ins").await, 1);
    let token = pending(&app, &ann).await;
    let admin = app.sign_in(&admin.email, PASSWORD).await;
    admin.client.post(&format!("/v1/users/{}/sign-out-everywhere", ann.id), json!({})).await.expect(204);
    show(&app, &token, &bound.code(&app)).await.expect_problem(401, "sign_in_over");
    let token = pending(&app, &ann).await;
    admin.client.post(&format!("/v1/users/{}/suspend", ann.id), json!({})).await.expect(200);
    show(&app, &token, &bound.next_code(&app)).await.expect_problem(401, "sign_in_over");
    for none in ["", "ush_pending_", &format!("ush_pending_{}", "A".repeat(43)), &ann.refresh_token] {
        assert!([401, 422].contains(&show(&app, none, "123456").await.status.as_u16()), "{none}");
    }
    app.advance(SignedDuration::from_hours(1));
    app.run_jobs().await;
    let mut tx = app.tx().await;
    crate::jobs::enqueue(&mut tx, "forget_pending_sign_ins", &json!({})).await.unwrap();
    tx.commit().await.unwrap();
    app.run_jobs().await;
    assert_eq!(app.count("select count(*) from pending_sign_ins").await, 0);
    app.finish().await;
}

#[tokio::test]
async fn r022_r024_guesses_at_a_code_are_paid_for_and_end_in_a_lock() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let bound = app.with_second_factor(&ann).await;
    let (token, code) = (pending(&app, &ann).await, wrong(&app, &bound));
    let answers = join_all((0..20).map(|_| show(&app, &token, &code))).await;
    let looked_at = answers.iter().filter(|answer| answer.status == 422).count();
    assert_eq!(looked_at, 10);
    assert!(answers.iter().all(|answer| [422, 429].contains(&answer.status.as_u16())));
    // The right one does not help now, and the password is not locked.
    let locked = show(&app, &token, &bound.next_code(&app)).await.expect_problem(429, "too_many_requests");
    assert!(locked.headers.contains_key("retry-after"));
    let token = pending(&app, &ann).await;
    // Recovery codes are counted apart.
    show(&app, &token, &bound.recovery_codes[0]).await.expect(200);
    bound.person.client.get("/v1/me").await.expect(200);
    app.advance(SignedDuration::from_mins(16));
    let token = pending(&app, &ann).await;
    show(&app, &token, &code).await.expect_problem(422, "wrong_code");
    //
    show(&app, &token, &bound.code(&app)).await.expect(200);
    assert_eq!(app.count("select count(*) from attempts where authenticator = 'totp' and failed_in_a_row > 0").await, 0);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r260_the_trail_says_how_each_attempt_went_and_holds_no_code() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let bound = app.with_second_factor(&ann).await;
    let token = pending(&app, &ann).await;
    show(&app, &token, &wrong(&app, &bound)).await.expect(422);
    show(&app, &token, &bound.recovery_codes[0]).await.expect(200);
    let attempts = admin.client.get(&format!("/v1/users/{}/sign-ins", ann.id)).await.expect(200);
    let items = attempts.json["items"].as_array().unwrap();
    let last = |item: &Value| item["decisions"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last(&items[0]), json!({ "about": "second_factor", "result": "right" }));
    assert_eq!(last(&items[1]), json!({ "about": "second_factor", "result": "wrong" }));
    assert_eq!(last(&items[2]), json!({ "about": "standing", "result": "passed" }), "before it was bound");
    let events = admin.client.get(&format!("/v1/audit-events?target_id={}&limit=200", ann.id)).await.expect(200);
    for action in ["second_factor.started", "second_factor.added", "second_factor.asked", "recovery_code.used", "sign_in"] {
        assert!(events.text.contains(&format!("\"action\":\"{action}\"")), "{action}");
    }
    let secret = totp::text(&bound.secret);
    for hidden in bound.recovery_codes.iter().chain([&secret, &token]) {
        assert!(!events.text.contains(hidden), "R-262");
    }
    app.run_jobs().await;
    app.finish().await;
}
