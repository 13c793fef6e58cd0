//! Devices that are spared the second factor: what they are spared, what they are not, and each way in which that ends.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::testing::{Answer, Bound, PASSWORD, Person, TestApp};

const LIST: &str = "/v1/me/trusted-devices";

/// A sign-in by the password, with what the device has kept.
async fn login(app: &TestApp, email: &str, password: &str, device: Option<&str>) -> Answer {
    let mut body = json!({ "identifier": email, "password": password });
    if let Some(device) = device {
        body["device_token"] = json!(device);
    }
    app.client().post("/v1/login", body).await
}

/// The rest of it, by one of the recovery codes.
async fn show(app: &TestApp, asked: &Answer, code: &str) -> Answer {
    let body = json!({ "pending_token": asked.str("pending_token"), "code": code, "trust_device": true });
    app.client().post("/v1/login/second-factor", body).await
}

/// Trusts a device on which nobody has signed in before.
async fn trust(app: &TestApp, bound: &Bound, code: usize) -> Answer {
    let asked = login(app, &bound.person.email, PASSWORD, None).await.expect(202);
    show(app, &asked, &bound.recovery_codes[code]).await.expect(200)
}

fn amr(answer: &Answer) -> Value {
    let token = answer.str("access_token");
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice::<Value>(&claims).unwrap()["amr"].clone()
}

#[tokio::test]
async fn r067_a_trusted_device_is_spared_the_code_and_never_the_password_nor_a_fresh_proof() {
    let app = TestApp::new().await;
    let (ann, bob) = (app.user("ann").await, app.user("bob").await);
    let (bound, others) = (app.with_second_factor(&ann).await, app.with_second_factor(&bob).await);
    // The device was known before: its token is another one from now on.
    let known = login(&app, &ann.email, PASSWORD, None).await.expect(202);
    let body = json!({ "pending_token": known.str("pending_token"), "code": bound.recovery_codes[0] });
    let old = app.client().post("/v1/login/second-factor", body).await.expect(200).str("device_token");
    let asked = login(&app, &ann.email, PASSWORD, Some(&old)).await.expect(202);
    let trusted = show(&app, &asked, &bound.recovery_codes[1]).await.expect(200);
    let until = app.now() + SignedDuration::from_hours(30 * 24);
    assert_eq!(trusted.str("device_trusted_until"), until.to_string());
    let device = trusted.str("device_token");
    let spared = login(&app, &ann.email, PASSWORD, Some(&device)).await.expect(200);
    assert_eq!((amr(&spared), &spared.json["device_token"]), (json!(["pwd", "mfa", "trusted_device"]), &Value::Null));
    login(&app, &ann.email, "quite another lantern", Some(&device)).await.expect_problem(401, "invalid_credentials");
    login(&app, &ann.email, PASSWORD, Some(&old)).await.expect(202);
    login(&app, &ann.email, PASSWORD, None).await.expect(202);
    login(&app, &bob.email, PASSWORD, Some(&device)).await.expect(202);
    assert_eq!(others.recovery_codes.len(), 10);

    let person = app.person_of(&spared).await;
    person.client.get("/v1/me/sessions").await.expect(200);
    for path in ["/v1/me/second-factors/recovery-codes", "/v1/me/sessions/revoke-others", "/v1/me/api-keys"] {
        person.client.post(path, json!({})).await.expect_problem(401, "fresh_authentication_required");
    }
    let alone =
        person.client.post("/v1/reauthenticate", json!({ "password": PASSWORD })).await.expect_problem(422, "invalid_body");
    assert_eq!(alone.fault_at("/code"), Some("required"));
    let refreshed = app.client().post("/v1/refresh", json!({ "refresh_token": person.refresh_token })).await.expect(200);
    let refreshed = app.person_of(&refreshed).await;
    refreshed.client.post("/v1/me/api-keys", json!({ "name": "x" })).await.expect_problem(401, "fresh_authentication_required");
    let body = json!({ "password": PASSWORD, "code": bound.next_code(&app) });
    let proven = refreshed.client.post("/v1/reauthenticate", body).await.expect(200);
    assert_eq!(amr(&proven), json!(["pwd", "mfa", "otp"]));
    let proven = app.person_of(&proven).await;
    proven.client.post("/v1/me/api-keys", json!({ "name": "x" })).await.expect(201);

    let listed = proven.client.get(LIST).await.expect(200);
    assert_eq!(listed.json["items"].as_array().unwrap().len(), 1, "{}", listed.text);
    assert_eq!(listed.json["items"][0]["expires_at"], until.to_string());
    let stored = "select count(*) from devices where octet_length(token_hash) <> 32";
    assert_eq!(app.count(stored).await, 0);
    app.run_jobs().await;
    app.finish().await;
}

/// What ends the trust in a device.
const ENDINGS: [&str; 11] = [
    "a month goes by",
    "the device is forgotten",
    "all devices are forgotten",
    "a new password",
    "a reset of the password",
    "signing out everywhere",
    "suspension",
    "new recovery codes",
    "the factor is removed",
    "the factor is reset",
    "not me",
];

/// The password that the person has afterwards.
async fn end(app: &TestApp, ending: &str, admin: &Person, bound: &Bound) -> &'static str {
    const NEW: &str = "seven quiet herons wading";
    let (person, id) = (&bound.person, &bound.person.id);
    match ending {
        "a month goes by" => app.advance(SignedDuration::from_hours(30 * 24)),
        "the device is forgotten" => {
            let listed = person.client.get(LIST).await.expect(200);
            let path = format!("{LIST}/{}", listed.json["items"][0]["id"].as_str().unwrap());
            admin.client.delete(&path).await.expect_problem(404, "not_found");
            person.client.delete(&path).await.expect(204);
            person.client.delete(&path).await.expect_problem(404, "not_found");
        }
        "all devices are forgotten" => drop(person.client.delete(LIST).await.expect(204)),
        "a new password" => {
            let body = json!({ "current_password": PASSWORD, "password": NEW });
            person.client.put("/v1/me/password", body).await.expect(200);
            return NEW;
        }
        "a reset of the password" => {
            app.mails().await;
            app.client().post("/v1/password/forgot", json!({ "email": person.email })).await.expect(202);
            let body = json!({ "token": app.mailed_token().await, "password": NEW });
            app.client().post("/v1/password/reset", body).await.expect(200);
            return NEW;
        }
        "signing out everywhere" => {
            admin.client.post(&format!("/v1/users/{id}/sign-out-everywhere"), json!({})).await.expect(204);
        }
        "suspension" => {
            admin.client.post(&format!("/v1/users/{id}/suspend"), json!({})).await.expect(200);
            admin.client.post(&format!("/v1/users/{id}/reactivate"), json!({})).await.expect(200);
        }
        "new recovery codes" => drop(person.client.post("/v1/me/second-factors/recovery-codes", json!({})).await.expect(200)),
        "the factor is removed" => {
            person.client.delete("/v1/me/second-factors/totp").await.expect(204);
            app.with_second_factor(person).await;
        }
        "the factor is reset" => {
            admin.client.delete(&format!("/v1/users/{id}/second-factors")).await.expect(204);
            let again = app.sign_in(&person.email, PASSWORD).await;
            app.with_second_factor(&again).await;
        }
        "not me" => {
            let mut tx = app.tx().await;
            super::super::forget_all(&mut tx, id.parse().unwrap()).await.unwrap();
            tx.commit().await.unwrap();
        }
        _ => panic!("nobody knows how {ending} comes about"),
    }
    PASSWORD
}

#[tokio::test]
async fn r067_whatever_ends_the_trust_the_code_is_asked_for_again() {
    let app = TestApp::new().await;
    for (at, ending) in ENDINGS.into_iter().enumerate() {
        let admin = app.person(&format!("root{at}"), &["admin", "user"]).await;
        let bound = app.with_second_factor(&app.user(&format!("ann{at}")).await).await;
        let device = trust(&app, &bound, 0).await.str("device_token");
        login(&app, &bound.person.email, PASSWORD, Some(&device)).await.expect(200);
        let password = end(&app, ending, &admin, &bound).await;
        let answer = login(&app, &bound.person.email, password, Some(&device)).await;
        assert_eq!(answer.status, 202, "{ending}: {}", answer.text);
    }
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r067_of_devices_that_are_trusted_and_forgotten_at_the_same_time_none_is_left_over() {
    let app = TestApp::new().await;
    let bound = app.with_second_factor(&app.user("ann").await).await;
    // One known device, on which several sign-ins ask for trust: one token is good in the end.
    let first = trust(&app, &bound, 0).await.str("device_token");
    let mut waiting = Vec::new();
    bound.person.client.delete(LIST).await.expect(204);
    for _ in 0..4 {
        waiting.push(login(&app, &bound.person.email, PASSWORD, Some(&first)).await.expect(202));
    }
    let shown = join_all(waiting.iter().zip(&bound.recovery_codes[1..]).map(|(asked, code)| show(&app, asked, code))).await;
    let mut good = 0;
    for answer in &shown {
        let token = answer.json["device_token"].as_str().unwrap_or_default();
        good += i32::from(login(&app, &bound.person.email, PASSWORD, Some(token)).await.status == 200);
    }
    assert_eq!(good, 1);
    assert_eq!(app.count("select count(*) from trusted_devices").await, 1);
    // Whoever is let in at the same moment in which all is signed out has no trusted device afterwards.
    let asked = login(&app, &bound.person.email, PASSWORD, None).await.expect(202);
    let renewal = bound.person.client.post("/v1/me/second-factors/recovery-codes", json!({}));
    let (answer, renewed) = tokio::join!(show(&app, &asked, &bound.recovery_codes[6]), renewal);
    assert!([200, 503].contains(&renewed.status.as_u16()), "{}", renewed.text);
    if answer.status == 200 && renewed.status == 200 {
        let token = answer.str("device_token");
        let after = login(&app, &bound.person.email, PASSWORD, Some(&token)).await;
        let left = app.count("select count(*) from trusted_devices").await;
        assert!(after.status == 202 && left == 0 || after.status == 200 && left == 1, "{} {left}", after.text);
    }
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn for_how_long_a_device_is_trusted_is_a_setting_and_never_more_than_30_days() {
    for (setting, trusted_for) in [("0", None), ("1", Some(1)), ("30", Some(30))] {
        let app = TestApp::with(&[("USHER_TRUSTED_DEVICE_DAYS", setting)]).await;
        let bound = app.with_second_factor(&app.user("ann").await).await;
        let begun = trust(&app, &bound, 0).await;
        let device = begun.str("device_token");
        let mut browser = app.browser();
        browser.sign_in(&bound.person.email).await.expect(303);
        let page = browser.open("/sign-in/second-factor").await.expect(200);
        assert_eq!(page.text.contains("name=\"trust_device\""), trusted_for.is_some());
        let Some(days) = trusted_for else {
            assert_eq!(begun.json["device_trusted_until"], Value::Null);
            login(&app, &bound.person.email, PASSWORD, Some(&device)).await.expect(202);
            app.run_jobs().await;
            app.finish().await;
            continue;
        };
        app.advance(SignedDuration::from_hours(24 * days) - SignedDuration::from_secs(1));
        login(&app, &bound.person.email, PASSWORD, Some(&device)).await.expect(200);
        app.advance(SignedDuration::from_secs(1));
        login(&app, &bound.person.email, PASSWORD, Some(&device)).await.expect(202);
        app.run_jobs().await;
        let mut tx = app.tx().await;
        crate::jobs::enqueue(&mut tx, "forget_devices", &json!({})).await.unwrap();
        tx.commit().await.unwrap();
        app.run_jobs().await;
        assert_eq!(app.count("select count(*) from trusted_devices").await, 0);
        app.finish().await;
    }
}

#[tokio::test]
async fn r067_a_browser_is_trusted_by_a_box_and_forgotten_by_a_button() {
    const HERE: &str = "/account/second-factors";
    let app = TestApp::new().await;
    let bound = app.with_second_factor(&app.user("ann").await).await;
    let mut browser = app.browser();
    browser.sign_in(&bound.person.email).await.expect(303);
    let page = browser.open("/sign-in/second-factor").await.expect(200);
    assert!(page.text.contains("Do not ask again on this device for 30 days"), "{}", page.text);
    let wrong = browser.submit("/sign-in/second-factor", &[("code", "12"), ("trust_device", "yes")]).await.expect(422);
    assert!(wrong.text.contains("value=\"yes\" checked"), "{}", wrong.text);
    let fields = [("code", bound.recovery_codes[0].as_str()), ("trust_device", "yes")];
    browser.submit("/sign-in/second-factor", &fields).await.expect(303);
    let page = browser.open(HERE).await.expect(200);
    assert!(page.text.contains("Trusted devices"), "{}", page.text);
    browser.submit("/sign-out", &[]).await.expect(303);
    assert_eq!(browser.sign_in(&bound.person.email).await.expect(303).headers["location"], "/account");
    // No fresh proof: what asks for one asks for the code.
    browser.open(HERE).await.expect(200);
    let led = browser.submit("/account/second-factors/remove", &[]).await.expect(303);
    assert!(led.headers["location"].to_str().unwrap().starts_with("/reauthenticate"));
    browser.submit("/account/second-factors/trusted-devices/forget", &[]).await.expect(303);
    let page = browser.open(HERE).await.expect(200);
    assert!(page.text.contains("All devices are forgotten") && !page.text.contains("Trusted devices"), "{}", page.text);
    browser.submit("/account/second-factors/trusted-devices/nonsense/forget", &[]).await.expect(404);
    browser.submit("/sign-out", &[]).await.expect(303);
    let asked = browser.sign_in(&bound.person.email).await.expect(303);
    assert_eq!(asked.headers["location"], "/sign-in/second-factor");
    app.run_jobs().await;
    app.finish().await;
}
