//! Binding, renewing, removing and resetting: by whom, with what proof, and what becomes of what was there.

use futures_util::future::join_all;
use http::Method;
use jiff::SignedDuration;
use serde_json::json;

use super::{amr, pending, show, wrong};
use crate::second_factors::totp;
use crate::testing::{PASSWORD, TestApp};

const TOTP: &str = "/v1/me/second-factors/totp";
const CODES: &str = "/v1/me/second-factors/recovery-codes";

#[tokio::test]
async fn r066_factors_are_changed_after_a_fresh_proof_by_both_factors_only() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let bound = app.with_second_factor(&ann).await;
    app.advance(SignedDuration::from_mins(11));
    let refresh = json!({ "refresh_token": bound.person.refresh_token });
    let later = app.client().post("/v1/refresh", refresh).await.expect(200);
    let person = app.person_of(&later).await;
    person.client.get("/v1/me/second-factors").await.expect(200);
    for (method, path) in [(Method::POST, TOTP), (Method::DELETE, TOTP), (Method::POST, CODES)] {
        let answer = person.client.send(method, path, &[], None).await;
        answer.expect_problem(401, "fresh_authentication_required");
    }
    // The password alone is no proof any more.
    let prove = |body| person.client.post("/v1/reauthenticate", body);
    let missing = prove(json!({ "password": PASSWORD })).await.expect_problem(422, "invalid_body");
    assert_eq!(missing.fault_at("/code"), Some("required"));
    let body = json!({ "password": PASSWORD, "code": wrong(&app, &bound) });
    prove(body).await.expect_problem(422, "wrong_code");
    let code = bound.code(&app);
    let body = json!({ "password": "quite another lantern", "code": code });
    prove(body).await.expect_problem(422, "wrong_password");
    let proven = prove(json!({ "password": PASSWORD, "code": code })).await.expect(200);
    assert_eq!(amr(&proven), ["pwd", "otp", "mfa"]);
    let fresh = app.person_of(&proven).await;
    fresh.client.post(TOTP, json!({})).await.expect_problem(409, "second_factor_bound");
    fresh.client.delete(TOTP).await.expect(204);
    fresh.client.delete(TOTP).await.expect_problem(409, "second_factor_not_bound");
    fresh.client.post(CODES, json!({})).await.expect_problem(409, "second_factor_not_bound");
    // The session goes on as it was begun, and the password alone signs in.
    let refreshed = app.client().post("/v1/refresh", json!({ "refresh_token": fresh.refresh_token })).await.expect(200);
    assert_eq!(amr(&refreshed), ["pwd", "otp", "mfa"]);
    app.sign_in(&ann.email, PASSWORD).await;
    assert_eq!(app.count("select count(*) from totp_factors").await + app.count("select count(*) from recovery_codes").await, 0);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r063_new_recovery_codes_kill_the_old_ones() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let bound = app.with_second_factor(&ann).await;
    show(&app, &pending(&app, &ann).await, &bound.recovery_codes[0]).await.expect(200);
    let made = join_all((0..4).map(|_| bound.person.client.post(CODES, json!({})))).await;
    let sets: Vec<Vec<String>> =
        made.iter().map(|answer| serde_json::from_value(answer.json["recovery_codes"].clone()).unwrap()).collect();
    // Those who come at the same time take turns: one set is left.
    assert_eq!(app.count("select count(*) from recovery_codes").await, 10);
    let mut good = 0;
    for codes in &sets {
        let token = pending(&app, &ann).await;
        good += i32::from(show(&app, &token, &codes[0]).await.status == 200);
    }
    assert_eq!(good, 1);
    let token = pending(&app, &ann).await;
    show(&app, &token, &bound.recovery_codes[1]).await.expect_problem(422, "wrong_code");
    let found = bound.person.client.get("/v1/me/second-factors").await.expect(200);
    assert_eq!(found.json["recovery_codes_left"], 9);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r062_of_two_who_confirm_at_the_same_time_one_binds_the_app() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let other = app.sign_in(&ann.email, PASSWORD).await;
    let started = ann.client.post(TOTP, json!({})).await.expect(200);
    let secret = data_encoding::BASE32_NOPAD.decode(started.str("secret").as_bytes()).unwrap();
    let body = json!({ "code": totp::code(&secret, totp::step(app.now())) });
    let path = "/v1/me/second-factors/totp/confirm";
    let answers = join_all([ann.client.post(path, body.clone()), other.client.post(path, body)]).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert!(answers.iter().all(|answer| [200, 401, 409].contains(&answer.status.as_u16())));
    let living = "select count(*) from sessions where ended_at is null";
    assert_eq!(app.count(living).await, 1);
    assert_eq!(app.count("select count(*) from recovery_codes").await, 10);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r029_the_owner_is_told_of_every_change() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    app.mails().await;
    let bound = app.with_second_factor(&ann).await;
    bound.person.client.post(CODES, json!({})).await.expect(200);
    bound.person.client.delete(TOTP).await.expect(204);
    app.with_second_factor(&bound.person).await;
    admin.client.delete(&format!("/v1/users/{}/second-factors", ann.id)).await.expect(204);
    let mails = app.mails().await;
    let mut told: Vec<&str> = mails.iter().map(|mail| mail.subject.as_str()).collect();
    told.sort_unstable();
    let (added, removed) = ("A second factor was added at usher", "Your second factor was removed at usher");
    assert_eq!(told, [added, added, "New recovery codes were made at usher", removed, removed]);
    assert!(mails.iter().all(|mail| mail.to == "ann@example.org"));
    let by_another =
        mails.iter().filter(|mail| mail.text.contains("Somebody who administers usher has removed your second factors"));
    assert_eq!(by_another.count(), 1);
    app.finish().await;
}

#[tokio::test]
async fn a_lost_factor_is_reset_by_another_who_may_and_never_by_oneself() {
    let app = TestApp::new().await;
    let (admin, manager, ann) = (app.admin().await, app.manager().await, app.user("ann").await);
    let own = app.with_second_factor(&admin).await;
    let bound = app.with_second_factor(&ann).await;
    let path = |id: &str| format!("/v1/users/{id}/second-factors");
    manager.client.delete(&path(&ann.id)).await.expect_problem(403, "forbidden");
    bound.person.client.delete(&path(&ann.id)).await.expect_problem(403, "forbidden");
    own.person.client.delete(&path(&admin.id)).await.expect_problem(403, "own_second_factors");
    own.person.client.delete(&path(&manager.id)).await.expect_problem(409, "second_factor_not_bound");
    own.person.client.delete(&path("0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d")).await.expect_problem(404, "not_found");
    let token = pending(&app, &ann).await;
    let reason = [("x-reason", "lost the phone; known by voice")];
    own.person.client.send(Method::DELETE, &path(&ann.id), &reason, None).await.expect(204);
    // What waited is nobody's any more, and the password alone signs in.
    show(&app, &token, &bound.next_code(&app)).await.expect_problem(422, "wrong_code");
    show(&app, &token, &bound.recovery_codes[0]).await.expect_problem(422, "wrong_code");
    app.sign_in(&ann.email, PASSWORD).await;
    let events = own.person.client.get("/v1/audit-events?action=second_factor.reset").await.expect(200);
    let event = &events.json["items"][0];
    assert_eq!((event["actor_id"].as_str(), event["target_id"].as_str()), (Some(admin.id.as_str()), Some(ann.id.as_str())));
    assert_eq!(event["reason"], "lost the phone; known by voice");
    // Who holds more than the caller is out of reach.
    let role = json!({ "name": "helper", "description": "Helps.", "permissions": ["second_factors:reset"] });
    own.person.client.post("/v1/roles", role).await.expect(201);
    let helper = app.person("helper", &["helper", "user"]).await;
    helper.client.delete(&path(&admin.id)).await.expect_problem(403, "target_outranks_caller");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r045_a_reset_of_the_password_does_not_get_around_the_second_factor() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let bound = app.with_second_factor(&ann).await;
    app.mails().await;
    app.client().post("/v1/password/forgot", json!({ "email": ann.email })).await.expect(202);
    let token = app.mailed_token().await;
    let new = "seven quiet herons wading";
    app.client().post("/v1/password/reset", json!({ "token": token, "password": new })).await.expect(200);
    let body = json!({ "identifier": ann.email, "password": new });
    let asked = app.client().post("/v1/login", body).await.expect(202);
    show(&app, &asked.str("pending_token"), &bound.next_code(&app)).await.expect(200);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r065_a_new_password_leaves_a_session_of_two_factors() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let bound = app.with_second_factor(&ann).await;
    let body = json!({ "current_password": PASSWORD, "password": "seven quiet herons wading" });
    let changed = bound.person.client.put("/v1/me/password", body).await.expect(200);
    assert_eq!(amr(&changed), ["pwd", "otp", "mfa"]);
    app.person_of(&changed).await;
    app.run_jobs().await;
    app.finish().await;
}
