//! Recovery of a password, through the front door and through the page.

mod pages;

use futures_util::future::join_all;
use http::Method;
use jiff::SignedDuration;
use serde_json::json;

use crate::testing::{Answer, PASSWORD, Person, TestApp, token_in};

const NEW: &str = "seven quiet herons wading";
const CHANGED: &str = "A new password was set at usher";
const A_SECOND: SignedDuration = SignedDuration::from_secs(1);

#[tokio::test]
async fn r026_asking_answers_alike_for_everybody_and_mails_only_who_may_recover() {
    let app = TestApp::new().await;
    let boss = app.admin().await;
    let suspended = app.user("suspended").await;
    boss.client.post(&format!("/v1/users/{}/suspend", suspended.id), json!({})).await.expect(200);
    let deleted = app.user("deleted").await;
    boss.client.delete(&format!("/v1/users/{}", deleted.id)).await.expect(204);
    app.user("known").await;

    let unknown = forgot(&app, "nobody@example.org").await.expect(202).sameness();
    assert_eq!(unknown.2, json!({ "status": "reset_sent" }));
    for name in ["known", "suspended", "deleted"] {
        assert_eq!(forgot(&app, &format!("{name}@example.org")).await.sameness(), unknown, "{name}");
    }
    let mails = app.mails().await;
    assert_eq!(mails.iter().map(|mail| mail.to.as_str()).collect::<Vec<_>>(), ["known@example.org"]);
    app.finish().await;
}

#[tokio::test]
async fn r045_the_mail_goes_to_the_stored_address_and_asking_changes_nothing() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let before = ann.client.get("/v1/me").await.expect(200).text;
    forgot(&app, "\u{ff21}NN@Example.ORG").await.expect(202);
    let mails = app.mails().await;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, "ann@example.org");
    assert_eq!(mails[0].subject, "Choose a new password for usher");
    // neither the account nor its sessions nor its password are touched.
    assert_eq!(ann.client.get("/v1/me").await.expect(200).text, before);
    login(&app, "ann@example.org", PASSWORD).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn r045_an_address_is_one_text() {
    let app = TestApp::new().await;
    app.user("ann").await;
    let misfits = [
        json!({ "email": ["ann@example.org", "eve@example.org"] }),
        json!({ "email": { "0": "ann@example.org" } }),
        json!({ "email": "ann@example.org,eve@example.org" }),
        json!({ "email": "ann@example.org", "to": "eve@example.org" }),
        json!({ "email": null }),
        json!({}),
    ];
    for misfit in misfits {
        app.client().post("/v1/password/forgot", misfit).await.expect_problem(422, "invalid_body");
    }
    assert!(app.mails().await.is_empty());
    app.finish().await;
}

#[tokio::test]
async fn r045_a_reset_sets_the_password_ends_every_session_tells_the_owner_and_signs_nobody_in() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let elsewhere = app.sign_in("ann@example.org", PASSWORD).await;
    let bob = app.user("bob").await;
    let token = link(&app, "ann@example.org").await;
    let done = reset(&app, &token, NEW).await.expect(200);
    assert_eq!(done.json, json!({ "status": "password_set" }));
    assert!(!done.headers.contains_key("set-cookie"));
    for session in [&ann, &elsewhere] {
        assert_signed_out(&app, session).await;
    }
    bob.client.get("/v1/me").await.expect(200);
    login(&app, "ann@example.org", PASSWORD).await.expect_problem(401, "invalid_credentials");
    login(&app, "ann@example.org", NEW).await.expect(200);
    let mails = app.mails().await;
    assert_eq!(mails.len(), 1);
    assert_eq!((mails[0].to.as_str(), mails[0].subject.as_str()), ("ann@example.org", CHANGED));
    for action in ["password_reset.started", "password.set", "user.sessions_ended"] {
        let sql = format!("select count(*) from audit_events where action = '{action}' and target_id = '{}'", ann.id);
        assert_eq!(app.count(&sql).await, 1, "{action}");
    }
    app.finish().await;
}

#[tokio::test]
async fn r040_a_link_works_once_also_for_uses_at_the_same_time() {
    let app = TestApp::new().await;
    app.user("ann").await;
    let token = link(&app, "ann@example.org").await;
    let passwords: Vec<_> = (0..6).map(|number| format!("{NEW} {number}")).collect();
    let answers = join_all(passwords.iter().map(|password| reset(&app, &token, password))).await;
    let mut chosen = Vec::new();
    for (password, answer) in passwords.iter().zip(answers) {
        match answer.status.as_u16() {
            200 => chosen.push(password),
            _ => drop(answer.expect_problem(422, "invalid_token")),
        }
    }
    assert_eq!(chosen.len(), 1);
    let again = reset(&app, &token, NEW).await.expect_problem(422, "invalid_token");
    assert_eq!(again.fault_at("/token"), Some("invalid_token"));
    login(&app, "ann@example.org", chosen[0]).await.expect(200);
    assert_eq!(app.mails().await.len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn r041_a_link_works_for_60_minutes() {
    let app = TestApp::new().await;
    app.user("ann").await;
    app.user("bob").await;
    let in_time = link(&app, "ann@example.org").await;
    let too_late = link(&app, "bob@example.org").await;
    app.advance(SignedDuration::from_mins(60) - A_SECOND);
    reset(&app, &in_time, NEW).await.expect(200);
    app.advance(A_SECOND);
    reset(&app, &too_late, NEW).await.expect_problem(422, "invalid_token");
    login(&app, "bob@example.org", PASSWORD).await.expect(200);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r042_a_newer_link_a_reset_suspension_and_deletion_kill_older_links() {
    let app = TestApp::new().await;
    let boss = app.admin().await;
    let ann = app.user("ann").await;
    let older = link(&app, "ann@example.org").await;
    let newer = link(&app, "ann@example.org").await;
    reset(&app, &older, NEW).await.expect_problem(422, "invalid_token");
    reset(&app, &newer, NEW).await.expect(200);
    app.run_jobs().await;
    app.mails().await;
    let path = format!("/v1/users/{}", ann.id);
    let before = link(&app, "ann@example.org").await;
    boss.client.post(&format!("{path}/suspend"), json!({})).await.expect(200);
    reset(&app, &before, NEW).await.expect_problem(422, "invalid_token");
    boss.client.post(&format!("{path}/reactivate"), json!({})).await.expect(200);
    reset(&app, &before, NEW).await.expect_problem(422, "invalid_token");
    let before = link(&app, "ann@example.org").await;
    boss.client.delete(&path).await.expect(204);
    boss.client.post(&format!("{path}/restore"), json!({})).await.expect(200);
    reset(&app, &before, NEW).await.expect_problem(422, "invalid_token");
    app.finish().await;
}

#[tokio::test]
async fn a_reset_ends_the_lock_after_wrong_passwords() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    for _ in 0..10 {
        login(&app, "ann@example.org", NEW).await.expect(401);
    }
    login(&app, "ann@example.org", PASSWORD).await.expect(429);
    let token = link(&app, "ann@example.org").await;
    reset(&app, &token, NEW).await.expect(200);
    login(&app, "ann@example.org", NEW).await.expect(200);
    let sql = "select count(*) from users where locked_until is not null";
    assert_eq!(app.count(sql).await, 0, "{} is still locked", ann.id);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r040_a_token_of_another_purpose_resets_nothing() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    app.client().post("/v1/register", json!({ "email": "bob@example.org", "password": PASSWORD })).await.expect(202);
    let verify = app.mailed_token().await;
    let setup = crate::setup::issue_token(&app.app).await.unwrap().unwrap().reveal().to_owned();
    let renamed = verify.replace("ush_verify_", "ush_reset_");
    let welcome = verify.replace("ush_verify_", "ush_welcome_");
    for wrong in [&verify, &renamed, &welcome, &setup, &ann.refresh_token, &ann.access_token, &"ush_reset_".to_owned()] {
        reset(&app, wrong, NEW).await.expect_problem(422, "invalid_token");
    }
    login(&app, "ann@example.org", PASSWORD).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn r005_a_password_against_the_policy_is_refused_and_the_link_stays_usable() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    ann.client
        .patch("/v1/me", json!({ "username": "calm-otter-of-vienna", "family_name": "Bakersfielder-Jones" }))
        .await
        .expect(200);
    app.mails().await;
    let token = link(&app, "ann@example.org").await;
    let policy = [
        ("plum kettle or", "password_too_short"),
        ("Passwordpassword", "password_common"),
        ("id.example.com!!!", "password_context"),
        ("ann@example.org", "password_context"),
        ("Calm-Otter-of-Vienna", "password_context"),
        ("bakersfielder-jones", "password_context"),
    ];
    for (password, code) in policy {
        let refused = reset(&app, &token, password).await.expect_problem(422, "invalid_body");
        assert_eq!(refused.fault_at("/password"), Some(code), "{password}");
    }
    ann.client.get("/v1/me").await.expect(200);
    reset(&app, &token, NEW).await.expect(200);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r013_a_welcome_link_sets_the_password_verifies_the_address_and_activates() {
    let app = TestApp::new().await;
    let boss = app.admin().await;
    let made = boss.client.post("/v1/users", json!({ "email": "ann@example.org", "display_name": "Ann" })).await.expect(201);
    assert_eq!((made.str("status").as_str(), &made.json["email_verified"]), ("pending", &json!(false)));
    let mails = app.mails().await;
    assert_eq!((mails.len(), mails[0].subject.as_str()), (1, "Your account at usher"));
    let token = token_in(&mails[0]);
    assert!(!made.text.contains(&token), "the administrator sees the link");
    app.advance(SignedDuration::from_hours(7 * 24) - A_SECOND);
    reset(&app, &token, NEW).await.expect(200);
    reset(&app, &token, NEW).await.expect_problem(422, "invalid_token");
    let me = app.sign_in("ann@example.org", NEW).await.client.get("/v1/me").await.expect(200);
    assert_eq!((me.str("status").as_str(), &me.json["email_verified"]), ("active", &json!(true)));
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r041_a_welcome_link_works_for_seven_days() {
    let app = TestApp::new().await;
    let boss = app.admin().await;
    boss.client.post("/v1/users", json!({ "email": "ann@example.org" })).await.expect(201);
    let token = app.mailed_token().await;
    app.advance(SignedDuration::from_hours(7 * 24));
    reset(&app, &token, NEW).await.expect_problem(422, "invalid_token");
    // The person helps themselves: whoever reads the mail of the address may choose the password.
    let token = link(&app, "ann@example.org").await;
    reset(&app, &token, NEW).await.expect(200);
    login(&app, "ann@example.org", NEW).await.expect(200);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r047_recovery_of_an_unverified_sign_up_wipes_its_password_and_links() {
    let app = TestApp::new().await;
    let sign_up = json!({ "email": "ann@example.org", "password": PASSWORD, "username": "mallory", "display_name": "Mallory" });
    app.client().post("/v1/register", sign_up).await.expect(202);
    let verify = app.mailed_token().await;
    let token = link(&app, "ann@example.org").await;
    reset(&app, &token, NEW).await.expect(200);
    let confirm = json!({ "token": verify, "password": PASSWORD });
    app.client().post("/v1/verify-email", confirm).await.expect_problem(422, "invalid_token");
    login(&app, "ann@example.org", PASSWORD).await.expect(401);
    let me = app.sign_in("ann@example.org", NEW).await.client.get("/v1/me").await.expect(200);
    assert_eq!(me.json["display_name"], json!(null));
    assert_ne!(me.str("username"), "mallory");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r043_opening_the_page_changes_nothing_and_sending_its_form_resets_once() {
    let app = TestApp::new().await;
    app.user("ann").await;
    let token = link(&app, "ann@example.org").await;
    for _ in 0..2 {
        let page = app.client().get(&format!("/reset-password?token={token}")).await.expect(200);
        assert!(page.text.contains("<form method=\"post\"") && page.text.contains(&token));
        assert_eq!(page.headers["referrer-policy"], "no-referrer");
        assert_eq!(page.headers["cache-control"], "no-store");
        // Password managers work.
        assert!(page.text.contains("type=\"password\"") && page.text.contains("autocomplete=\"new-password\""));
        assert!(page.text.contains("value=\"ann@example.org\" autocomplete=\"username\""), "{}", page.text);
        assert!(page.text.contains("/assets/forms.") && page.text.contains("data-strengths"));
    }
    assert_eq!(app.count("select count(*) from one_time_tokens where used_at is null").await, 1);
    let refused = submit(&app, &format!("token={token}&password=too+short")).await;
    assert!(refused.text.contains("at least 15 characters") && !refused.text.contains("too short"));
    // Another language leads back to the link.
    assert!(refused.text.contains(&format!("reset-password?token={token}\"")), "{}", refused.text);
    let unknown = app.client().get("/reset-password?token=ush_reset_x").await.expect(200);
    assert!(!unknown.text.contains("autocomplete=\"username\""), "{}", unknown.text);
    let form = format!("token={token}&password={}", NEW.replace(' ', "+"));
    let done = submit(&app, &form).await.expect(200);
    assert!(done.text.contains("Your password is set") && !done.text.contains(&token));
    let failed = submit(&app, &form).await;
    assert!(failed.text.contains("This link does not work"));
    login(&app, "ann@example.org", NEW).await.expect(200);
    app.run_jobs().await;
    app.finish().await;
}

/// Asks for a link and takes its token out of the mail.
async fn link(app: &TestApp, email: &str) -> String {
    forgot(app, email).await.expect(202);
    app.mailed_token().await
}

async fn forgot(app: &TestApp, email: &str) -> Answer {
    app.client().post("/v1/password/forgot", json!({ "email": email })).await
}

async fn reset(app: &TestApp, token: &str, password: &str) -> Answer {
    app.client().post("/v1/password/reset", json!({ "token": token, "password": password })).await
}

async fn login(app: &TestApp, identifier: &str, password: &str) -> Answer {
    app.client().post("/v1/login", json!({ "identifier": identifier, "password": password })).await
}

async fn submit(app: &TestApp, form: &str) -> Answer {
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    app.client().send_raw(Method::POST, "/reset-password", &headers, form.as_bytes().to_vec()).await
}

async fn assert_signed_out(app: &TestApp, person: &Person) {
    person.client.get("/v1/me").await.expect_problem(401, "unauthorized");
    let body = json!({ "refresh_token": person.refresh_token });
    app.client().post("/v1/refresh", body).await.expect_problem(401, "invalid_refresh_token");
}

#[tokio::test]
async fn r013_an_administrator_has_a_link_mailed_and_nothing_changes_before_it_is_used() {
    let app = TestApp::new().await;
    let (boss, ann) = (app.manager().await, app.user("ann").await);
    let path = format!("/v1/users/{}/reset-password", ann.id);
    let started = boss.client.post(&path, json!({})).await.expect(202);
    assert!(!started.text.contains("token"), "{}", started.text);
    ann.client.get("/v1/me").await.expect(200);
    let link = app.mailed_token().await;
    reset(&app, &link, NEW).await.expect(200);
    let root = app.admin().await;
    boss.client
        .post(&format!("/v1/users/{}/reset-password", root.id), json!({}))
        .await
        .expect_problem(403, "target_outranks_caller");
    ann.client.post(&path, json!({})).await.expect_problem(401, "unauthorized");
    root.client.post(&format!("/v1/users/{}/suspend", ann.id), json!({})).await.expect(200);
    boss.client.post(&path, json!({})).await.expect_problem(409, "invalid_state");
    app.run_jobs().await;
    app.finish().await;
}
