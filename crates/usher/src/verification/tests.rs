//! Verifying an address, through the front door and through the page.

mod pre_hijacking;

use futures_util::future::join_all;
use http::Method;
use jiff::SignedDuration;
use serde_json::json;

use crate::testing::{Answer, PASSWORD, PUBLIC_URL, TestApp, token_in};

/// [`PASSWORD`] as a form has it.
const RIGHT: &str = "password=plum+kettle+orbit+lantern";
const UNUSED: &str = "select count(*) from one_time_tokens where used_at is null";

#[tokio::test]
async fn r040_a_link_verifies_once_and_opens_the_account() {
    let app = TestApp::new().await;
    let link = registered(&app, "ann").await;
    assert_eq!(verify(&app, &link).await.expect(200).json, json!({ "status": "verified" }));
    let refused = verify(&app, &link).await.expect_problem(422, "invalid_token");
    assert_eq!(refused.fault_at("/token"), Some("invalid_token"));
    let me = app.sign_in("ann@example.org", PASSWORD).await.client.get("/v1/me").await.expect(200);
    assert_eq!(me.json["email_verified"], true);
    assert_eq!(me.json["status"], "active");
    assert_eq!(app.count("select count(*) from audit_events where action = 'email.verified'").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn r040_of_uses_at_the_same_time_one_succeeds() {
    let app = TestApp::new().await;
    let link = registered(&app, "ann").await;
    let answers = join_all((0..5).map(|_| verify(&app, &link))).await;
    let (done, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!(done.len(), 1);
    for answer in refused {
        answer.expect_problem(422, "invalid_token");
    }
    app.finish().await;
}

#[tokio::test]
async fn r042_a_newer_link_kills_the_older() {
    let app = TestApp::new().await;
    let older = registered(&app, "ann").await;
    resend(&app, "ANN@example.org").await.expect(202);
    let newer = app.mailed_token().await;
    verify(&app, &older).await.expect_problem(422, "invalid_token");
    verify(&app, &newer).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn r042_of_links_made_at_the_same_time_one_lives() {
    let app = TestApp::new().await;
    for name in ["ann", "bob"] {
        registered(&app, name).await;
    }
    for round in 0..3 {
        // So many mails an hour are sent to nobody.
        app.advance(SignedDuration::from_hours(1));
        // The jobs are done several at once, and so are the mails that they ask for.
        for _ in 0..4 {
            for name in ["ann", "bob"] {
                resend(&app, &format!("{name}@example.org")).await.expect(202);
            }
        }
        assert_eq!(app.mails().await.len(), 8, "round {round}");
        for name in ["ann", "bob"] {
            let id = user_id(&app, name).await;
            let living = format!("{UNUSED} and purpose = 'verify_email' and user_id = '{id}'");
            assert_eq!(app.count(&living).await, 1, "round {round}, {name}");
        }
    }
    app.advance(SignedDuration::from_hours(1));
    for _ in 0..4 {
        resend(&app, "ann@example.org").await.expect(202);
    }
    let links: Vec<_> = app.mails().await.iter().map(token_in).collect();
    let mut verified = 0;
    for link in &links {
        verified += i32::from(verify(&app, link).await.status == 200);
    }
    assert_eq!((links.len(), verified), (4, 1));
    app.finish().await;
}

#[tokio::test]
async fn r041_a_link_works_for_24_hours() {
    let app = TestApp::new().await;
    let in_time = registered(&app, "ann").await;
    let too_late = registered(&app, "bob").await;
    app.advance(SignedDuration::from_hours(24) - SignedDuration::from_secs(1));
    verify(&app, &in_time).await.expect(200);
    app.advance(SignedDuration::from_secs(1));
    verify(&app, &too_late).await.expect_problem(422, "invalid_token");
    // The way on is a new mail.
    resend(&app, "bob@example.org").await.expect(202);
    let newer = app.mailed_token().await;
    verify(&app, &newer).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn r042_suspension_and_deletion_kill_the_link() {
    let app = TestApp::new().await;
    let boss = app.admin().await;
    let links = [registered(&app, "ann").await, registered(&app, "bob").await];
    let ids = [user_id(&app, "ann").await, user_id(&app, "bob").await];
    boss.client.post(&format!("/v1/users/{}/suspend", ids[0]), json!({})).await.expect(200);
    boss.client.delete(&format!("/v1/users/{}", ids[1])).await.expect(204);
    for link in &links {
        verify(&app, link).await.expect_problem(422, "invalid_token");
    }
    // Coming back revives no link either, and makes nobody active who never verified.
    boss.client.post(&format!("/v1/users/{}/restore", ids[1]), json!({})).await.expect(200);
    let back = boss.client.post(&format!("/v1/users/{}/reactivate", ids[0]), json!({})).await.expect(200);
    assert_eq!(back.json["status"], "pending");
    for link in &links {
        verify(&app, link).await.expect_problem(422, "invalid_token");
    }
    app.finish().await;
}

#[tokio::test]
async fn r043_opening_the_page_changes_nothing() {
    let app = TestApp::new().await;
    let link = registered(&app, "ann").await;
    for _ in 0..3 {
        let page = app.client().get(&format!("/verify?token={link}")).await.expect(200);
        assert!(page.text.contains("Confirm your address") && page.text.contains(&link));
        assert!(page.text.contains("value=\"ann@example.org\" autocomplete=\"username\""), "{}", page.text);
        assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
        assert_eq!(page.headers["referrer-policy"], "no-referrer");
        assert_eq!(page.headers["cache-control"], "no-store");
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("http"), "{policy}");
        assert!(!page.text.contains("src=\"http") && !page.text.contains("href=\"http"), "the page loads from elsewhere");
    }
    app.client().send(Method::HEAD, &format!("/verify?token={link}"), &[], None).await.expect(200);
    assert_eq!(app.count(UNUSED).await, 1);
    assert_eq!(app.count("select count(*) from users where status = 'pending'").await, 1);
    verify(&app, &link).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn r043_sending_the_form_of_the_page_verifies_once() {
    let app = TestApp::new().await;
    let link = registered(&app, "ann").await;
    let wrong = submit(&app, &format!("token={link}&password=nonsense")).await.expect(200);
    assert!(wrong.text.contains("This is not the password you signed up with") && wrong.text.contains(&link));
    assert!(wrong.text.contains("autocomplete=\"current-password\""), "password managers work (R-006)");
    let done = submit(&app, &format!("token={link}&{RIGHT}")).await.expect(200);
    assert!(done.text.contains("Your address is confirmed") && !done.text.contains(&link));
    let failed = submit(&app, &format!("token={link}&{RIGHT}")).await.expect(200);
    assert!(failed.text.contains("This link does not work"));
    let unknown = submit(&app, &format!("token=nonsense&{RIGHT}")).await.expect(200);
    assert!(unknown.text.contains("This link does not work"));
    app.sign_in("ann@example.org", PASSWORD).await;
    // What is not this form opens nothing.
    submit(&app, "other=1").await.expect_problem(400, "malformed_request");
    app.client().post("/verify", json!({ "token": link })).await.expect_problem(415, "unsupported_media_type");
    app.finish().await;
}

#[tokio::test]
async fn r026_resending_answers_alike_for_everybody_and_mails_only_who_waits() {
    let app = TestApp::new().await;
    let boss = app.admin().await;
    app.user("active").await;
    for name in ["pending", "suspended", "deleted"] {
        registered(&app, name).await;
    }
    let suspended = user_id(&app, "suspended").await;
    boss.client.post(&format!("/v1/users/{suspended}/suspend"), json!({})).await.expect(200);
    let deleted = user_id(&app, "deleted").await;
    boss.client.delete(&format!("/v1/users/{deleted}")).await.expect(204);

    let unknown = resend(&app, "nobody@example.org").await.expect(202).sameness();
    assert_eq!(unknown.2, json!({ "status": "verification_sent" }));
    for name in ["active", "pending", "suspended", "deleted"] {
        assert_eq!(resend(&app, &format!("{name}@example.org")).await.sameness(), unknown, "{name}");
    }
    let mails = app.mails().await;
    assert_eq!(mails.iter().map(|mail| mail.to.as_str()).collect::<Vec<_>>(), ["pending@example.org"]);
    app.finish().await;
}

#[tokio::test]
async fn r040_a_token_of_another_purpose_does_not_verify() {
    let app = TestApp::new().await;
    let link = registered(&app, "ann").await;
    app.client().post("/v1/password/forgot", json!({ "email": "ann@example.org" })).await.expect(202);
    let reset = app.mailed_token().await;
    let renamed = reset.replace("ush_reset_", "ush_verify_");
    for wrong in [reset.as_str(), &renamed, "", "ush_verify_", &link[..link.len() - 1], &format!("{link}A")] {
        let answer = verify(&app, wrong).await;
        assert_eq!(answer.status, 422, "{wrong}: {}", answer.text);
    }
    for wrong in [json!({ "token": [link] }), json!({}), json!({ "token": link, "email": "eve@example.org" })] {
        app.client().post("/v1/verify-email", wrong).await.expect_problem(422, "invalid_body");
    }
    verify(&app, &link).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn r044_the_link_leads_to_the_public_url_whatever_the_request_claims() {
    let app = TestApp::new().await;
    let claims = [
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "gopher"),
        ("forwarded", "host=evil.example"),
        ("x-original-host", "evil.example"),
        ("origin", "https://evil.example"),
    ];
    let body = json!({ "email": "ann@example.org", "password": PASSWORD });
    app.client().send(Method::POST, "/v1/register", &claims, Some(body)).await.expect(202);
    let mails = app.mails().await;
    assert_eq!(mails.len(), 1);
    assert!(mails[0].text.contains(&format!("\n{PUBLIC_URL}/verify?token=ush_verify_")));
    for rendering in [&mails[0].text, &mails[0].html] {
        assert!(!rendering.contains("evil.example") && !rendering.contains("gopher"));
    }
    app.finish().await;
}

#[tokio::test]
async fn r040_a_link_that_was_sent_is_stored_nowhere() {
    let app = TestApp::new().await;
    let link = registered(&app, "ann").await;
    for (table, column) in [("audit_details", "content"), ("jobs", "payload"), ("one_time_tokens", "token_hash")] {
        let sql = format!("select count(*) from {table} where {column}::text like '%{link}%'");
        assert_eq!(app.count(&sql).await, 0, "{table}");
    }
    assert_eq!(app.count("select count(*) from mails where body_sealed is not null").await, 0);
    app.finish().await;
}

/// Signs somebody up and takes the token of the link that is mailed to them.
async fn registered(app: &TestApp, name: &str) -> String {
    let body = json!({ "email": format!("{name}@example.org"), "password": PASSWORD });
    app.client().post("/v1/register", body).await.expect(202);
    app.mailed_token().await
}

async fn user_id(app: &TestApp, name: &str) -> String {
    let mut tx = app.tx().await;
    let sql = "select user_id::text from emails where address_normal = $1";
    let id = tx.query_one(sql, &[&format!("{name}@example.org")]).await.unwrap().get(0);
    tx.commit().await.unwrap();
    id
}

async fn verify(app: &TestApp, token: &str) -> Answer {
    app.client().post("/v1/verify-email", json!({ "token": token, "password": PASSWORD })).await
}

async fn resend(app: &TestApp, email: &str) -> Answer {
    app.client().post("/v1/verify-email/resend", json!({ "email": email })).await
}

async fn submit(app: &TestApp, form: &str) -> Answer {
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    app.client().send_raw(Method::POST, "/verify", &headers, form.as_bytes().to_vec()).await
}
