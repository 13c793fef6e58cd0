//! Settings, health, signing keys and mails in the console, and the operations beside them.

use jiff::SignedDuration;
use serde_json::json;

use super::{signed_in, with};
use crate::app::Parts;
use crate::id::{MailId, UserId};
use crate::mail::Mailer;
use crate::testing::{Answer, Browser, Client, Person, TestApp};
use crate::{jobs, router};

#[track_caller]
fn leads_to(answer: &Answer, path: &str) {
    let location = answer.headers.get("location").map(|to| to.to_str().unwrap());
    assert_eq!((answer.status.as_u16(), location), (303, Some(path)), "{}", answer.text);
}

/// A mail that was given up, to somebody or to nobody yet.
async fn given_up(app: &TestApp, to: Option<&Person>) -> String {
    let id = MailId::new(app.now());
    let sealed = app.app.sealer.seal(&format!("mail:{id}"), br#"{"text":"the words in it","html":"<p>the words in it"}"#);
    let user_id: Option<UserId> = to.map(|person| person.id.parse().unwrap());
    let address = to.map_or("grace@example.net", |person| person.email.as_str());
    let mut tx = app.tx().await;
    let sql = "
        insert into mails (id, user_id, template, recipient, subject, body_sealed, status, attempts, last_error, created_at)
        values ($1, $2, 'reset_password', $3, 'A subject', $4, 'failed', 12, '550 <' || $3 || '> is <b>gone</b>', $5)";
    tx.execute(sql, &[&id, &user_id, &address, &sealed, &app.now()]).await.unwrap();
    tx.commit().await.unwrap();
    id.to_string()
}

#[tokio::test]
async fn settings_are_shown_and_secrets_are_not() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let mut browser = signed_in(&app, &admin).await;
    let page = browser.open("/admin/settings").await.expect(200);
    assert!(page.text.contains("USHER_REGISTRATION") && page.text.contains("changed there"), "{}", page.text);
    assert!(!page.text.contains("3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs"), "the secret key");
    let page = browser.open("/admin/settings?show=changed").await.expect(200);
    assert!(page.text.contains("USHER_SECRET_KEY") && page.text.contains(">Set<"), "{}", page.text);
    assert!(!page.text.contains("<code>USHER_REGISTRATION</code>"), "{}", page.text);
    app.finish().await;
}

#[tokio::test]
async fn the_checks_say_what_to_do() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    given_up(&app, None).await;
    let answer = admin.client.get("/v1/checks").await.expect(200);
    let checks = answer.json["items"].as_array().unwrap();
    let one = |name: &str| checks.iter().find(|check| check["check"] == name).unwrap_or_else(|| panic!("{name} in {checks:?}"));
    assert_eq!((&one("database")["verdict"], &one("database")["advice"]), (&json!("ok"), &json!(null)));
    assert_eq!(one("mail")["verdict"], "warning");
    assert!(one("mail")["advice"].as_str().unwrap().contains("send them again"));
    for name in ["configuration", "migrations", "keys", "sealing", "administrator", "jobs", "audit", "sizes", "partitions"] {
        one(name);
    }
    let mut browser = signed_in(&app, &admin).await;
    let page = browser.open("/admin/system").await.expect(200);
    let first = page.text.split("<tbody").nth(1).unwrap().split("</tr>").next().unwrap().to_owned();
    assert!(!first.contains(">Fine<"), "what has to be looked at stands first: {first}");
    assert!(page.text.contains("send them again"), "{}", page.text);
    app.finish().await;
}

#[tokio::test]
async fn keys_are_rotated_by_who_has_proved_who_they_are() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let mut browser = signed_in(&app, &admin).await;
    let (list, rotate) = ("/admin/keys", "/admin/keys/rotate");
    assert_eq!(browser.open(list).await.expect(200).text.matches("role=\"rowheader\"").count(), 1);
    browser.open(rotate).await.expect(200);
    let page = browser.submit(rotate, &[("reason", "x")]).await.expect(422);
    assert!(page.text.contains("id=\"begin-error\""), "{}", page.text);
    leads_to(&browser.submit(rotate, &[("begin", "published_ahead"), ("reason", "once a year")]).await, list);
    let page = browser.open(list).await.expect(200);
    assert!(page.text.contains("Signs next") && page.text.contains("It is made."), "{}", page.text);
    let event = admin.client.get("/v1/audit-events?action=signing_key.created&limit=1").await.expect(200);
    assert_eq!(
        (&event.json["items"][0]["reason"], &event.json["items"][0]["actor_id"]),
        (&json!("once a year"), &json!(admin.id))
    );

    let made = admin.client.post("/v1/keys/rotate", json!({ "begin": "now" })).await.expect(200);
    assert_eq!(made.json["duty"], "next");
    let listed = admin.client.get("/v1/keys").await.expect(200);
    assert_eq!((listed.json["items"].as_array().unwrap().len(), &listed.json["items"][1]["kid"]), (3, &made.json["kid"]));
    assert!(!listed.text.contains("private"), "{}", listed.text);
    admin.client.post("/v1/keys/rotate", json!({ "begin": "never" })).await.expect(422);
    app.advance(SignedDuration::from_mins(11));
    browser.open(list).await.expect(200);
    for answer in [browser.open(rotate).await, browser.submit(rotate, &[("begin", "now")]).await] {
        leads_to(&answer, "/reauthenticate?return_to=%2Fadmin%2Fkeys%2Frotate");
    }
    assert_eq!(browser.open(list).await.expect(200).text.matches("role=\"rowheader\"").count(), 3);
    app.finish().await;
}

#[tokio::test]
async fn an_old_sign_in_and_a_program_rotate_nothing() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let account = admin.client.post("/v1/service-accounts", json!({ "name": "cron", "permissions": ["system:write"] })).await;
    let keys = format!("/v1/service-accounts/{}/keys", account.expect(201).str("id"));
    let key = admin.client.post(&keys, json!({ "name": "x" })).await.expect(201).str("key");
    let rotation = json!({ "begin": "now" });
    app.client_with(&key).post("/v1/keys/rotate", rotation.clone()).await.expect_problem(403, "session_required");
    // The access token of the present session outlives its proof by being refreshed.
    let body = json!({ "refresh_token": admin.refresh_token });
    app.advance(SignedDuration::from_mins(11));
    let tokens = app.client().post("/v1/refresh", body).await.expect(200);
    let later = app.client_with(&tokens.str("access_token"));
    later.post("/v1/keys/rotate", rotation).await.expect_problem(401, "fresh_authentication_required");
    assert_eq!(app.count("select count(*) from signing_keys").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn a_mail_that_was_given_up_is_found_and_sent_again() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let (one, other) = (given_up(&app, Some(&ann)).await, given_up(&app, None).await);
    let mut browser = signed_in(&app, &admin).await;
    let page = browser.open("/admin/mails?status=failed").await.expect(200);
    assert_eq!(page.text.matches("role=\"rowheader\"").count(), 2);
    assert!(page.text.contains(&ann.email) && !page.text.contains("<b>gone"), "{}", page.text);
    let page = browser.open(&format!("/admin/mails/{one}")).await.expect(200);
    assert!(page.text.contains("&lt;address&gt;") && page.text.contains("Send again"), "{}", page.text);
    assert!(!page.text.contains("the words in it") && !page.text.contains("A subject"), "{}", page.text);
    let sent = app.mails().await.len();
    let retry = format!("/admin/mails/{one}/retry");
    browser.open(&retry).await.expect(200);
    leads_to(&browser.submit(&retry, &[("reason", "mended")]).await, &format!("/admin/mails/{one}"));
    app.run_jobs().await;
    assert_eq!(app.mails().await.len(), sent + 1);
    let page = browser.submit(&retry, &[]).await.expect(422);
    assert!(page.text.contains("It has been sent"), "{}", page.text);
    admin.client.post(&format!("/v1/mails/{one}/retry"), json!({})).await.expect_problem(409, "invalid_state");

    browser.open("/admin/mails/retry").await.expect(200);
    leads_to(&browser.submit("/admin/mails/retry", &[]).await, "/admin/mails");
    app.run_jobs().await;
    let read = admin.client.get(&format!("/v1/mails/{other}")).await.expect(200);
    assert_eq!((&read.json["status"], &read.json["user_id"]), (&json!("sent"), &json!(null)));
    leads_to(&browser.submit("/admin/mails/retry", &[]).await, "/admin/mails");
    let event = admin.client.get("/v1/audit-events?action=mail.retried").await.expect(200);
    assert_eq!(event.json["items"].as_array().unwrap().len(), 2);
    assert_eq!(event.json["items"][1]["reason"], "mended");
    browser.open("/admin/mails/0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d").await.expect(404);
    admin.client.post("/v1/mails/0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d/retry", json!({})).await.expect(404);
    app.finish().await;
}

#[tokio::test]
async fn addresses_are_masked_from_who_may_not_see_users_or_not_this_one() {
    let app = TestApp::new().await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let (of_ann, of_admin) = (given_up(&app, Some(&ann)).await, given_up(&app, Some(&admin)).await);
    let watch = with(&app, &admin, "watch", &["system:read"]).await;
    let support = with(&app, &admin, "support-team", &["system:read", "users:read"]).await;
    for (person, mail, address) in [
        (&watch, &of_ann, "a…@example.org"),
        (&support, &of_ann, ann.email.as_str()),
        (&support, &of_admin, "r…@example.org"),
        (&admin, &of_admin, admin.email.as_str()),
    ] {
        let read = person.client.get(&format!("/v1/mails/{mail}")).await.expect(200);
        assert_eq!(read.json["recipient"], address, "{}", person.email);
        assert_eq!(read.json["user_id"].is_null(), address.contains('…'));
        let mut browser = signed_in(&app, person).await;
        for path in ["/admin/mails".to_owned(), format!("/admin/mails/{mail}")] {
            let page = browser.open(&path).await.expect(200);
            let main = page.text.split("<main").nth(1).unwrap();
            assert!(main.contains(address), "{path}: {main}");
            assert!(!main.contains("Send again") || person.id == admin.id, "{main}");
        }
    }
    let listed = watch.client.get("/v1/mails?limit=200").await.expect(200);
    assert!(!listed.text.contains(&ann.email) && !listed.text.contains(&admin.email), "{}", listed.text);
    app.finish().await;
}

#[tokio::test]
async fn mails_are_listed_by_how_far_they_are_a_page_at_a_time() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    for _ in 0..51 {
        given_up(&app, None).await;
    }
    let mut browser = signed_in(&app, &admin).await;
    let page = browser.open("/admin/mails?status=failed").await.expect(200);
    assert_eq!(page.text.matches("role=\"rowheader\"").count(), 50);
    let next = page.text.split("rel=\"next\"").next().unwrap().rsplit("href=\"").next().unwrap().split('"').next().unwrap();
    let next = next.replace("&amp;", "&").replace("&#x2f;", "/");
    assert!(next.starts_with("/admin/mails?status=failed&cursor="), "{next}");
    let page = browser.open(&next).await.expect(200);
    assert_eq!(page.text.matches("role=\"rowheader\"").count(), 1);
    assert!(browser.open("/admin/mails?status=held").await.expect(200).text.contains("There are none."));
    admin.client.get("/v1/mails?status=burnt").await.expect(422);
    admin.client.get("/v1/mails?cursor=x").await.expect(422);
    app.finish().await;
}

#[tokio::test]
async fn without_a_mail_server_nothing_is_sent_again() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let mail = given_up(&app, None).await;
    let held = app.another(|parts: &mut Parts| parts.mailer = Mailer::Held);
    crate::keys::load(&held).await.unwrap();
    let mut browser = Browser::new(Client::new(router::router(&held), None));
    browser.sign_in(&admin.email).await.expect(303);
    let page = browser.open("/admin/mails").await.expect(200);
    assert!(page.text.contains("There is no mail server"), "{}", page.text);
    for path in [format!("/admin/mails/{mail}/retry"), "/admin/mails/retry".to_owned()] {
        browser.open(&path).await.expect(200);
        let page = browser.submit(&path, &[]).await.expect(422);
        assert!(page.text.contains("id=\"reason-error\"") && page.text.contains("USHER_SMTP_URL"), "{}", page.text);
    }
    jobs::run_due(&held, &router::jobs()).await.unwrap();
    app.finish().await;
}

#[tokio::test]
async fn who_may_only_look_changes_nothing_and_others_do_not_look() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let mail = given_up(&app, None).await;
    let watch = with(&app, &admin, "watch", &["system:read"]).await;
    let boss = app.manager().await;
    let writes = ["/admin/keys/rotate".to_owned(), "/admin/mails/retry".to_owned(), format!("/admin/mails/{mail}/retry")];
    let mut browser = signed_in(&app, &watch).await;
    for path in &writes {
        assert!(browser.open(path).await.expect(403).text.contains("This needs the permission system:write."), "{path}");
        browser.open("/admin/keys").await.expect(200);
        browser.submit(path, &[("begin", "now")]).await.expect(403);
    }
    let page = browser.open("/admin").await.expect(200);
    assert!(page.text.contains(">Settings</a>") && !page.text.contains(">Service accounts</a>"), "{}", page.text);
    watch.client.post("/v1/keys/rotate", json!({ "begin": "now" })).await.expect_problem(403, "forbidden");
    watch.client.post(&format!("/v1/mails/{mail}/retry"), json!({})).await.expect_problem(403, "forbidden");
    let mut browser = signed_in(&app, &boss).await;
    for path in ["/admin/settings", "/admin/system", "/admin/keys", "/admin/mails", &format!("/admin/mails/{mail}")] {
        assert!(browser.open(path).await.expect(403).text.contains("This needs the permission system:read."), "{path}");
    }
    app.finish().await;
}
