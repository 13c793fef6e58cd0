//! Roles and a setting that ask for a second factor: at which moment, of whom, at every way in, and how it ends.

use futures_util::future::join_all;
use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::testing::{Answer, Authenticator, PASSWORD, Person, TestApp};

const OWES: &str = "second_factor_required";
const TOTP: &str = "/v1/me/second-factors/totp";

/// Changes the policy of a role.
async fn ask(app: &TestApp, role: &str, policy: &Value) -> Answer {
    let admin = app.sign_in("root@example.org", PASSWORD).await;
    admin.client.patch(&format!("/v1/roles/{role}"), json!({ "second_factor": policy })).await.expect(200)
}

async fn login(app: &TestApp, person: &Person) -> Answer {
    app.client().post("/v1/login", json!({ "identifier": person.email, "password": PASSWORD })).await.expect(200)
}

/// By when the person must have a second factor, as a sign-in and the profile say.
async fn due(app: &TestApp, person: &Person) -> Option<Timestamp> {
    let begun = login(app, person).await;
    let me = app.client_with(&begun.str("access_token")).get("/v1/me").await.expect(200);
    assert_eq!(begun.json["second_factor_due_at"], me.json["second_factor_due_at"]);
    me.json["second_factor_due_at"].as_str().map(|at| at.parse().unwrap())
}

fn days(count: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * count)
}

#[tokio::test]
async fn r065_who_owes_a_second_factor_can_bind_one_and_do_nothing_else_whatever_the_way_in() {
    let app = TestApp::new().await;
    let (admin, boss) = (app.admin().await, app.manager().await);
    let key =
        boss.client.post("/v1/me/api-keys", json!({ "name": "x", "permissions": ["users:read"] })).await.expect(201).str("key");
    let mut browser = app.browser();
    browser.sign_in(&boss.email).await.expect(303);
    ask(&app, "manager", &json!({ "required": true })).await;

    // The session, the browser and the key that they had, from the next request on.
    let refused = boss.client.get("/v1/users").await.expect_problem(403, OWES);
    assert!(refused.json["detail"].as_str().unwrap().contains("/v1/me/second-factors/totp"));
    app.client_with(&key).get("/v1/users").await.expect_problem(403, OWES);
    app.client_with(&key).get("/v1/whoami").await.expect_problem(403, OWES);
    for path in ["/account", "/account/password", "/account/api-keys", "/admin", "/admin/users"] {
        assert_eq!(browser.open(path).await.expect(303).headers["location"], "/account/second-factors", "{path}");
    }
    let page = browser.open("/account/second-factors").await.expect(200);
    assert!(page.text.contains("until then nothing else opens"), "{}", page.text);
    let led = browser.submit("/account/sessions/end-others", &[]).await.expect(303);
    assert_eq!(led.headers["location"], "/account/second-factors");

    // And what begins or goes on from now: a refresh, a sign-in, a fresh proof, a new password by a link.
    let refreshed = app.client().post("/v1/refresh", json!({ "refresh_token": boss.refresh_token })).await.expect(200);
    can_only_bind(&app, &refreshed).await;
    let proven = boss.client.post("/v1/reauthenticate", json!({ "password": PASSWORD })).await.expect(200);
    can_only_bind(&app, &proven).await;
    let begun = login(&app, &boss).await;
    assert_eq!(begun.str("second_factor_due_at"), app.now().to_string());
    can_only_bind(&app, &begun).await;
    app.mails().await;
    app.client().post("/v1/password/forgot", json!({ "email": boss.email })).await.expect(202);
    let body = json!({ "token": app.mailed_token().await, "password": "seven quiet herons wading" });
    app.client().post("/v1/password/reset", body).await.expect(200);
    let again = app.sign_in(&boss.email, "seven quiet herons wading").await;
    again.client.get("/v1/users").await.expect_problem(403, OWES);

    let bound = app.with_second_factor(&again).await;
    bound.person.client.get("/v1/users").await.expect(200);
    let me = bound.person.client.get("/v1/me").await.expect(200);
    assert_eq!(me.json["second_factor_due_at"], Value::Null);
    // Nobody else was asked for anything, and the trail knows what was refused.
    admin.client.get("/v1/users").await.expect(200);
    let denied = admin.client.get("/v1/audit-events?limit=200").await.expect(200);
    assert!(denied.text.contains(OWES));
    app.run_jobs().await;
    app.finish().await;
}

/// Whoever has got these tokens.
async fn can_only_bind(app: &TestApp, tokens: &Answer) {
    let person = app.person_of(tokens).await;
    for (method, path) in [
        (Method::GET, "/v1/users"),
        (Method::GET, "/v1/whoami"),
        (Method::GET, "/v1/me/sessions"),
        (Method::PUT, "/v1/me/password"),
        (Method::PATCH, "/v1/me"),
        (Method::DELETE, "/v1/me"),
        (Method::POST, "/v1/me/api-keys"),
    ] {
        person.client.send(method, path, &[], None).await.expect_problem(403, OWES);
    }
    person.client.get("/v1/me/second-factors").await.expect(200);
    assert!(roles(tokens).is_empty(), "others who read the token let nobody in by it");
}

/// Those that an access token names.
fn roles(answer: &Answer) -> Vec<String> {
    let token = answer.str("access_token");
    let claims = data_encoding::BASE64URL_NOPAD.decode(token.split('.').nth(1).unwrap().as_bytes()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    serde_json::from_value(claims["roles"].clone()).unwrap()
}

#[tokio::test]
async fn r001_a_password_of_eight_characters_opens_nothing_but_the_binding_of_a_second_factor() {
    const SHORT: &str = "vq3kz8wd";
    let app = TestApp::with(&[("USHER_PASSWORD_MIN_LENGTH", "8")]).await;
    let mut wish = json!({ "email": "ann@example.org", "password": SHORT[1..] });
    let refused = app.client().post("/v1/register", wish.clone()).await.expect_problem(422, "invalid_body");
    assert_eq!(refused.fault_at("/password"), Some("password_too_short"));
    wish["password"] = json!(SHORT);
    app.client().post("/v1/register", wish).await.expect(202);
    let token = app.mailed_token().await;
    app.client().post("/v1/verify-email", json!({ "token": token, "password": SHORT })).await.expect(200);
    let begun = app.client().post("/v1/login", json!({ "identifier": "ann@example.org", "password": SHORT })).await.expect(200);
    assert_eq!(begun.str("second_factor_due_at"), app.now().to_string());
    can_only_bind(&app, &begun).await;
    let ann = app.person_of(&begun).await;
    assert_eq!(ann.client.get("/v1/me").await.expect(200).str("second_factor_due_at"), app.now().to_string());

    // A passkey is the second factor beside the password, and both by itself.
    let mut phone = Authenticator::new(b"phone");
    let asked = ann.client.post("/v1/me/passkeys/options", json!({})).await.expect(200);
    let credential = phone.create(&asked.json["options"]);
    let body = json!({ "ceremony": asked.str("ceremony"), "credential": credential, "name": "Phone" });
    ann.client.post("/v1/me/passkeys", body).await.expect(200);
    let asked = app.client().post("/v1/login/passkey/options", json!({})).await.expect(200);
    let body = json!({ "ceremony": asked.str("ceremony"), "credential": phone.get(&asked.json["options"]) });
    let begun = app.client().post("/v1/login/passkey", body).await.expect(200);
    assert_eq!(begun.json["second_factor_due_at"], Value::Null);
    app.person_of(&begun).await.client.get("/v1/me/sessions").await.expect(200);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r001_where_passwords_may_be_short_all_people_must_have_a_second_factor_and_programs_need_none() {
    let app = TestApp::with(&[("USHER_PASSWORD_MIN_LENGTH", "14")]).await;
    let (admin, boss) = (app.admin().await, app.manager().await);
    boss.client.get("/v1/users").await.expect_problem(403, OWES);
    let mut browser = app.browser();
    browser.sign_in(&boss.email).await.expect(303);
    for path in ["/account", "/admin/users"] {
        assert_eq!(browser.open(path).await.expect(303).headers["location"], "/account/second-factors", "{path}");
    }
    let page = browser.open("/account/second-factors").await.expect(200);
    assert!(page.text.contains("You need a second factor. Set one up here"), "{}", page.text);

    let boss = app.with_second_factor(&boss).await.person;
    boss.client.get("/v1/users").await.expect(200);
    assert_eq!(boss.client.get("/v1/me").await.expect(200).json["second_factor_due_at"], Value::Null);
    boss.client.delete(TOTP).await.expect_problem(409, OWES);

    let admin = app.with_second_factor(&admin).await.person.client;
    let wish = json!({ "name": "report", "permissions": ["users:read"] });
    let report = admin.post("/v1/service-accounts", wish).await.expect(201).str("id");
    let made = admin.post(&format!("/v1/service-accounts/{report}/keys"), json!({ "name": "first" })).await.expect(201);
    app.client_with(&made.str("key")).get("/v1/users").await.expect(200);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r065_the_grace_counts_from_the_policy_or_from_the_role_whichever_is_later() {
    let app = TestApp::new().await;
    let (_admin, boss) = (app.admin().await, app.manager().await);
    assert_eq!(due(&app, &boss).await, None);
    let began = app.now();
    ask(&app, "manager", &json!({ "required": true, "grace_days": 14 })).await;
    assert_eq!(due(&app, &boss).await, Some(began + days(14)));
    app.advance(days(3));
    let late = app.person("late", &["manager", "user"]).await;
    assert_eq!(due(&app, &late).await, Some(began + days(17)));
    // Other days count from the same beginning; a policy that begins anew begins anew.
    let shown = ask(&app, "manager", &json!({ "grace_days": 5 })).await;
    assert_eq!(shown.json["second_factor"], json!({ "required": true, "grace_days": 5 }));
    assert_eq!((due(&app, &boss).await, due(&app, &late).await), (Some(began + days(5)), Some(began + days(8))));
    app.advance(days(2) - SignedDuration::from_secs(1));
    login_may(&app, &boss, true).await;
    app.advance(SignedDuration::from_secs(1));
    login_may(&app, &boss, false).await;
    login_may(&app, &late, true).await;
    ask(&app, "manager", &json!({ "required": false })).await;
    assert_eq!(due(&app, &boss).await, None);
    login_may(&app, &boss, true).await;
    ask(&app, "manager", &json!({ "required": true })).await;
    assert_eq!(due(&app, &boss).await, Some(app.now() + days(5)));
    app.run_jobs().await;
    app.finish().await;
}

async fn login_may(app: &TestApp, person: &Person, may: bool) {
    let client = app.client_with(&login(app, person).await.str("access_token"));
    let answer = client.get("/v1/users").await;
    assert_eq!(answer.status == 200, may, "{}", answer.text);
}

#[tokio::test]
async fn r065_a_role_asks_those_who_have_it_by_a_group_and_by_the_groups_above() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let role = json!({ "name": "careful", "permissions": [], "second_factor": { "required": true, "grace_days": 1 } });
    let made = admin.client.post("/v1/roles", role).await.expect(201);
    assert_eq!(made.json["second_factor"], json!({ "required": true, "grace_days": 1 }));
    let group = |name: &'static str| {
        let client = admin.client.clone();
        async move { client.post("/v1/groups", json!({ "name": name })).await.expect(201).str("id") }
    };
    let (below, above) = (group("below").await, group("above").await);
    admin.client.put(&format!("/v1/groups/{below}/members/{}", ann.id), json!({})).await;
    app.advance(days(2));
    assert_eq!(due(&app, &ann).await, None);
    // Long after she came into the group, it is put below another one, which gets the role only then.
    let admin = app.sign_in(&admin.email, PASSWORD).await;
    admin.client.put(&format!("/v1/groups/{below}/parents"), json!({ "parents": [above] })).await.expect(200);
    app.advance(SignedDuration::from_mins(1));
    admin.client.put(&format!("/v1/groups/{above}/roles"), json!({ "roles": ["careful"] })).await.expect(200);
    assert_eq!(due(&app, &ann).await, Some(app.now() + days(1)));
    // By another way that is older or newer the earliest counts.
    let path = format!("/v1/users/{}/roles/careful", ann.id);
    let before = app.now();
    app.advance(SignedDuration::from_mins(1));
    admin.client.put(&path, json!({})).await.expect(200);
    assert_eq!(due(&app, &ann).await, Some(before + days(1)));
    admin.client.put(&format!("/v1/groups/{below}/parents"), json!({ "parents": [] })).await.expect(200);
    assert_eq!(due(&app, &ann).await, Some(app.now() + days(1)));
    admin.client.delete(&path).await.expect(204);
    assert_eq!(due(&app, &ann).await, None);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r065_the_last_factor_stays_while_a_role_asks_for_one_and_a_reset_begins_no_grace() {
    let app = TestApp::new().await;
    let (admin, boss) = (app.admin().await, app.manager().await);
    ask(&app, "manager", &json!({ "required": true, "grace_days": 90 })).await;
    let bound = app.with_second_factor(&boss).await;
    bound.person.client.delete(TOTP).await.expect_problem(409, OWES);
    // What was refused changed nothing.
    bound.person.client.get("/v1/me/second-factors").await.expect(200);
    assert_eq!(app.count("select count(*) from recovery_codes").await, 10);
    let mut browser = app.browser();
    browser.sign_in(&boss.email).await.expect(303);
    browser.open("/sign-in/second-factor").await.expect(200);
    browser.submit("/sign-in/second-factor", &[("code", &bound.next_code(&app))]).await.expect(303);
    let page = browser.open("/account/second-factors").await.expect(200);
    assert!(page.text.contains("the app can't be removed") && !page.text.contains("Remove the app"), "{}", page.text);
    browser.submit("/account/second-factors/remove", &[]).await.expect(303);
    assert_eq!(app.count("select count(*) from totp_factors where confirmed_at is not null").await, 1);
    app.advance(days(91));
    let admin = app.sign_in(&admin.email, PASSWORD).await;
    admin.client.delete(&format!("/v1/users/{}/second-factors", boss.id)).await.expect(204);
    login_may(&app, &boss, false).await;
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r065_of_removing_the_last_factor_and_asking_for_one_at_the_same_time_nobody_comes_out_free() {
    let app = TestApp::new().await;
    let (admin, boss) = (app.admin().await, app.manager().await);
    for round in 0..6 {
        let bound = app.with_second_factor(&app.sign_in(&boss.email, PASSWORD).await).await;
        let policy = json!({ "second_factor": { "required": true } });
        let (asked, removed) = tokio::join!(admin.client.patch("/v1/roles/manager", policy), bound.person.client.delete(TOTP));
        asked.expect(200);
        assert!([204, 409].contains(&removed.status.as_u16()), "{round}: {}", removed.text);
        let answer = bound.person.client.get("/v1/users").await;
        assert_eq!(answer.status == 403, removed.status == 204, "{round}: {}", answer.text);
        admin.client.patch("/v1/roles/manager", json!({ "second_factor": { "required": false } })).await.expect(200);
        if removed.status == 409 {
            bound.person.client.delete(TOTP).await.expect(204);
        }
    }
    // Who begins it twice begins it once.
    let policies = (0..6).map(|days| json!({ "second_factor": { "required": true, "grace_days": days } }));
    let answers = join_all(policies.map(|policy| admin.client.patch("/v1/roles/manager", policy))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    let counts = "select count(*) from roles where second_factor_since is not null and second_factor_grace_days between 0 and 5";
    assert_eq!(app.count(counts).await, 1);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn the_policy_of_a_built_in_role_is_all_of_it_that_changes() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let policy = json!({ "required": true, "grace_days": 90 });
    let changed = admin.patch("/v1/roles/user", json!({ "second_factor": policy })).await.expect(200);
    assert_eq!((&changed.json["second_factor"], &changed.json["built_in"]), (&policy, &json!(true)));
    for more in [json!({ "second_factor": policy, "description": "x" }), json!({ "permissions": [] }), json!({})] {
        admin.patch("/v1/roles/user", more).await.expect_problem(409, "role_built_in");
    }
    for (wrong, pointer) in [
        (json!({ "grace_days": 91 }), "/second_factor/grace_days"),
        (json!({ "grace_days": -1 }), "/second_factor/grace_days"),
        (json!({ "required": "yes" }), "/second_factor/required"),
        (json!({ "days": 1 }), "/second_factor/days"),
    ] {
        let refused = admin.patch("/v1/roles/user", json!({ "second_factor": wrong })).await.expect_problem(422, "invalid_body");
        assert!(refused.fault_at(pointer).is_some(), "{}", refused.text);
    }
    // Bringing the built-in roles in step leaves it.
    let mut tx = app.tx().await;
    crate::roles::sync_built_in(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    let read = admin.get("/v1/roles/user").await.expect(200);
    assert_eq!(read.json["second_factor"], policy);
    let events = admin.get("/v1/audit-events?action=role.updated").await.expect(200);
    assert!(events.text.contains("grace_days"), "{}", events.text);
    // Who may not change what the role grants may not change what it asks for.
    let role = json!({ "name": "keeper", "permissions": ["roles:write"] });
    admin.post("/v1/roles", role).await.expect(201);
    let keeper = app.person("keeper", &["keeper", "user"]).await.client;
    let off = json!({ "second_factor": { "required": false } });
    keeper.patch("/v1/roles/admin", off.clone()).await.expect_problem(403, "grant_exceeds_caller");
    keeper.patch("/v1/roles/user", off).await.expect(200);
    app.run_jobs().await;
    app.finish().await;
}
