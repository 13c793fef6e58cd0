//! Invitations, through the front door.

mod accepting;
mod pages;
mod quota;
mod racing;

use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::testing::{Answer, PASSWORD, TestApp, token_in};

const PATH: &str = "/v1/invitations";
const SUBJECT: &str = "You are invited to usher";

/// What whoever accepts sends at least.
fn acceptance(token: &str) -> Value {
    json!({ "token": token, "password": PASSWORD })
}

async fn accept(app: &TestApp, token: &str) -> Answer {
    app.client().post("/v1/invitations/accept", acceptance(token)).await
}

/// Does a job that has its time at night.
async fn do_job(app: &TestApp, kind: &'static str) {
    let mut tx = app.tx().await;
    crate::jobs::enqueue(&mut tx, kind, &json!({})).await.unwrap();
    tx.commit().await.unwrap();
    app.run_jobs().await;
}

/// The token of a link in an answer.
fn token_of(answer: &Answer) -> String {
    answer.str("link").split("?token=").nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn by_mail_the_token_is_in_the_mail_only_and_the_mail_says_who_invites() {
    let app = TestApp::new().await;
    let boss = app.manager().await;
    let wish = json!({ "email": "Ann@Example.org", "display_name": "Ann", "message": "Hello,\nwelcome to <b>us</b>!" });
    let made = boss.client.post(PATH, wish).await.expect(201);
    assert_eq!(
        (made.str("state").as_str(), made.str("delivery").as_str(), made.str("email").as_str()),
        ("waiting", "mail", "Ann@example.org")
    );
    assert_eq!(made.json["roles"], json!(["user"]));
    assert_eq!(made.json["invited_by"], json!({ "kind": "user", "id": boss.id, "name": "zz-boss" }));
    assert!(!made.text.contains("ush_invite_") && made.json.get("link").is_none() && made.json.get("qr_svg").is_none());
    let mails = app.mails().await;
    assert_eq!((mails.len(), mails[0].to.as_str(), mails[0].subject.as_str()), (1, "Ann@example.org", SUBJECT));
    assert!(mails[0].text.contains("zz-boss invites you") && mails[0].text.contains("> Hello,\n> welcome to <b>us</b>!"));
    assert!(
        mails[0].html.contains("welcome to &lt;b&gt;us&lt;&#x2f;b&gt;!")
            || mails[0].html.contains("welcome to &lt;b&gt;us&lt;/b&gt;!")
    );
    assert!(mails[0].text.contains("for 7 days"), "{}", mails[0].text);
    let token = token_in(&mails[0]);
    let path = format!("{PATH}/{}", made.str("id"));
    let shown = boss.client.get(&path).await.expect(200);
    assert_eq!((&shown.json["times_sent"], shown.json["sent_at"].is_string()), (&json!(1), true));
    assert_eq!(made.headers["location"], path.as_str());
    assert!(!shown.text.contains("token"));
    // What stays in the trail tells nobody who was invited.
    let naming = "select count(*) from audit_details where content ilike '%ann@%' or content like '%welcome%' or content like '%ush_invite%'";
    assert_eq!(app.count(naming).await, 0);
    let user = accept(&app, &token).await.expect(201);
    assert_eq!((user.str("status").as_str(), user.str("display_name").as_str()), ("active", "Ann"));
    assert_eq!(user.json["roles"], json!(["user"]));
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_link_is_shown_once_and_who_accepts_it_still_verifies_the_address() {
    let app = TestApp::new().await;
    let boss = app.admin().await;
    let wish = json!({ "email": "ann@example.org", "delivery": "link", "roles": ["user", "manager"] });
    let made = boss.client.post(PATH, wish).await.expect(201);
    assert!(made.str("link").starts_with("https://id.example.com/invitation?token=ush_invite_"));
    assert!(made.str("qr_svg").starts_with("<svg xmlns="));
    let shown = boss.client.get(&format!("{PATH}/{}", made.str("id"))).await.expect(200);
    assert!(!shown.text.contains("ush_invite_"));
    assert!(app.mails().await.is_empty());
    let user = accept(&app, &token_of(&made)).await.expect(201);
    assert_eq!((user.str("status").as_str(), &user.json["email_verified"]), ("pending", &json!(false)));
    let login = json!({ "identifier": "ann@example.org", "password": PASSWORD });
    app.client().post("/v1/login", login).await.expect_problem(401, "invalid_credentials");
    let verify = json!({ "token": app.mailed_token().await, "password": PASSWORD });
    app.client().post("/v1/verify-email", verify).await.expect(200);
    let ann = app.sign_in("ann@example.org", PASSWORD).await;
    assert_eq!(ann.client.get("/v1/me").await.expect(200).json["roles"], json!(["manager", "user"]));
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn an_address_is_invited_once_and_none_that_a_user_has() {
    let app = TestApp::new().await;
    let boss = app.manager().await;
    app.user("ann").await;
    let taken = boss.client.post(PATH, json!({ "email": "ANN@example.org" })).await.expect_problem(409, "email_taken");
    assert_eq!(taken.fault_at("/email"), Some("email_taken"));
    let made = boss.client.post(PATH, json!({ "email": "bob@example.org", "expires_in_days": 1 })).await.expect(201);
    boss.client.post(PATH, json!({ "email": "Bob@example.org" })).await.expect_problem(409, "already_invited");
    app.mails().await;
    // One that has expired, or was revoked, makes room.
    app.advance(SignedDuration::from_hours(24));
    let boss = app.sign_in("boss@example.org", PASSWORD).await;
    let path = format!("{PATH}/{}", made.str("id"));
    assert_eq!(boss.client.get(&path).await.expect(200).str("state"), "expired");
    let second = boss.client.post(PATH, json!({ "email": "bob@example.org" })).await.expect(201);
    assert_eq!(boss.client.get(&path).await.expect(200).str("state"), "expired");
    boss.client.post(&format!("{path}/resend"), json!({})).await.expect_problem(409, "invalid_state");
    boss.client.delete(&format!("{PATH}/{}", second.str("id"))).await.expect(204);
    boss.client.post(PATH, json!({ "email": "bob@example.org" })).await.expect(201);
    assert_eq!(
        app.mails().await.iter().filter(|mail| mail.subject == SUBJECT).count(),
        1,
        "one was revoked before its mail was made"
    );
    app.finish().await;
}

#[tokio::test]
async fn nobody_gives_by_an_invitation_what_they_lack() {
    let app = TestApp::new().await;
    let (root, boss) = (app.admin().await, app.manager().await);
    let wish = |roles: Value| json!({ "email": "ann@example.org", "roles": roles });
    boss.client.post(PATH, wish(json!(["user", "manager"]))).await.expect_problem(403, "forbidden");
    let role = json!({ "name": "inviter", "permissions": ["invitations:write", "invitations:read", "roles:assign"] });
    root.client.post("/v1/roles", role).await.expect(201);
    let eve = app.person("eve", &["inviter", "user"]).await;
    eve.client.post(PATH, wish(json!(["admin"]))).await.expect_problem(403, "grant_exceeds_caller");
    let unknown = eve.client.post(PATH, wish(json!(["user", "nothing"]))).await.expect_problem(422, "invalid_body");
    assert_eq!(unknown.fault_at("/roles/1"), Some("unknown_role"));
    let made = root.client.post(PATH, wish(json!(["admin"]))).await.expect(201);
    // Nor do they send or take back what they could not have given.
    let path = format!("{PATH}/{}", made.str("id"));
    eve.client.get(&path).await.expect(200);
    eve.client.post(&format!("{path}/resend"), json!({})).await.expect_problem(403, "grant_exceeds_caller");
    eve.client.delete(&path).await.expect_problem(403, "grant_exceeds_caller");
    app.user("bob").await.client.post(PATH, wish(json!(["user"]))).await.expect_problem(403, "forbidden");
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn an_invitation_leads_to_sites_that_are_allowed_only() {
    let app = TestApp::with(&[("USHER_INVITATION_FORWARD_TO", "https://app.example.com, http://localhost:3000")]).await;
    let boss = app.manager().await;
    let sites = [
        "https://app.example.com.evil.example/",
        "https://evil.example/https://app.example.com/",
        "http://app.example.com/",
        "https://app.example.com:8443/",
        "https://app.example.com@evil.example/",
        "javascript:alert(1)",
    ];
    for site in sites {
        let wish = json!({ "email": "ann@example.org", "forward_to": site });
        let refused = boss.client.post(PATH, wish).await.expect_problem(422, "invalid_body");
        assert!(refused.fault_at("/forward_to").is_some(), "{site}");
    }
    boss.client
        .post(PATH, json!({ "email": "ann@example.org", "forward_to": "https://app.example.com/start?a=b" }))
        .await
        .expect(201);
    app.mails().await;
    app.finish().await;
    let app = TestApp::new().await;
    let wish = json!({ "email": "ann@example.org", "forward_to": "https://app.example.com/" });
    app.manager().await.client.post(PATH, wish).await.expect_problem(422, "invalid_body");
    app.finish().await;
}

#[tokio::test]
async fn r042_sending_again_kills_the_older_link_and_moves_the_end() {
    let app = TestApp::new().await;
    let boss = app.manager().await;
    let made = boss.client.post(PATH, json!({ "email": "ann@example.org", "expires_in_days": 2 })).await.expect(201);
    let older = app.mailed_token().await;
    app.advance(SignedDuration::from_hours(47));
    let boss = app.sign_in("boss@example.org", PASSWORD).await;
    let path = format!("{PATH}/{}", made.str("id"));
    let stale = [("if-match", "\"1\"")];
    boss.client.send(Method::POST, &format!("{path}/resend"), &stale, None).await.expect_problem(412, "precondition_failed");
    boss.client.post(&format!("{path}/resend"), json!({})).await.expect(200);
    accept(&app, &older).await.expect_problem(422, "invalid_token");
    let newer = app.mails().await.iter().find(|mail| mail.subject == SUBJECT).map(token_in).unwrap();
    accept(&app, &older).await.expect_problem(422, "invalid_token");
    app.advance(SignedDuration::from_hours(47));
    accept(&app, &newer).await.expect(201);
    let boss = app.sign_in("boss@example.org", PASSWORD).await;
    boss.client.post(&format!("{path}/resend"), json!({})).await.expect_problem(409, "invalid_state");
    boss.client.delete(&path).await.expect_problem(409, "invalid_state");
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn the_list_has_pages_states_and_parts_of_addresses() {
    let app = TestApp::new().await;
    let boss = app.manager().await;
    let mut ids = Vec::new();
    for name in ["ann", "bob", "a_b"] {
        ids.push(boss.client.post(PATH, json!({ "email": format!("{name}@example.org") })).await.expect(201).str("id"));
    }
    app.mails().await;
    boss.client.delete(&format!("{PATH}/{}", ids[1])).await.expect(204);
    boss.client.delete(&format!("{PATH}/{}", ids[1])).await.expect(204);
    let first = boss.client.get(&format!("{PATH}?limit=2")).await.expect(200);
    assert_eq!(
        (first.json["items"][0]["id"].as_str(), first.json["items"][1]["id"].as_str()),
        (Some(ids[2].as_str()), Some(ids[1].as_str()))
    );
    let rest = boss.client.get(&format!("{PATH}?limit=2&cursor={}", first.str("next"))).await.expect(200);
    assert_eq!((rest.json["items"][0]["id"].as_str(), &rest.json["next"]), (Some(ids[0].as_str()), &Value::Null));
    for (query, expected) in [
        ("state=revoked", vec![1]),
        ("state=waiting", vec![2, 0]),
        ("q=A_B", vec![2]),
        ("q=%25", vec![]),
        ("state=accepted", vec![]),
    ] {
        let found = boss.client.get(&format!("{PATH}?{query}")).await.expect(200);
        let found: Vec<&str> = found.json["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
        assert_eq!(found, expected.into_iter().map(|at: usize| ids[at].as_str()).collect::<Vec<_>>(), "{query}");
    }
    let counts = boss.client.get(&format!("{PATH}/counts")).await.expect(200);
    assert_eq!(counts.json, json!({ "sent": 3, "opened": 0, "accepted": 0, "expired": 0, "revoked": 1 }));
    app.finish().await;
}

#[tokio::test]
async fn the_list_is_narrowed_to_whom_one_user_has_invited() {
    let app = TestApp::new().await;
    let (root, boss) = (app.admin().await, app.manager().await);
    for (inviter, name) in [(&root, "ann"), (&boss, "bob"), (&root, "cat")] {
        inviter.client.post(PATH, json!({ "email": format!("{name}@example.org") })).await.expect(201);
    }
    app.mails().await;
    for (query, expected) in [
        (format!("invited_by={}", root.id), vec!["cat", "ann"]),
        (format!("invited_by={}&q=ann&state=waiting", root.id), vec!["ann"]),
        (format!("invited_by={}", boss.id), vec!["bob"]),
        ("invited_by=0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d".to_owned(), vec![]),
    ] {
        let found = boss.client.get(&format!("{PATH}?{query}")).await.expect(200);
        let found: Vec<&str> =
            found.json["items"].as_array().unwrap().iter().map(|item| item["email"].as_str().unwrap()).collect();
        assert_eq!(found, expected.iter().map(|name| format!("{name}@example.org")).collect::<Vec<_>>(), "{query}");
    }
    let first = boss.client.get(&format!("{PATH}?invited_by={}&limit=1", root.id)).await.expect(200);
    let rest = boss.client.get(&format!("{PATH}?invited_by={}&limit=1&cursor={}", root.id, first.str("next"))).await.expect(200);
    assert_eq!((&rest.json["items"][0]["email"], &rest.json["next"]), (&json!("ann@example.org"), &Value::Null));
    boss.client.get(&format!("{PATH}?invited_by=boss")).await.expect_problem(422, "invalid_query");
    app.finish().await;
}

#[tokio::test]
async fn of_many_each_is_judged_alone_and_a_repetition_invites_nobody_twice() {
    let app = TestApp::new().await;
    let boss = app.manager().await;
    app.user("taken").await;
    let body = json!({ "message": "Welcome!", "invitations": [
        { "email": "ann@example.org" },
        { "email": "no address" },
        { "email": "taken@example.org" },
        { "email": "ANN@example.org" },
        { "email": "bob@example.org", "message": "Hi Bob", "colour": "red" },
        { "email": "cat@example.org", "roles": ["admin"] },
        { "email": "dog@example.org", "delivery": "link" },
        { "email": "eve@example.org", "display_name": "Eve" },
    ] });
    let key = [("idempotency-key", "one")];
    let path = format!("{PATH}/batch");
    let told = boss.client.send(Method::POST, &path, &key, Some(body.clone())).await.expect(202);
    assert_eq!((&told.json["created"], &told.json["refused"]), (&json!(2), &json!(6)));
    let codes: Vec<&Value> = told.json["items"].as_array().unwrap().iter().map(|item| &item["code"]).collect();
    let expected = [
        Value::Null,
        json!("invalid_body"),
        json!("email_taken"),
        json!("already_invited"),
        json!("invalid_body"),
        json!("forbidden"),
        json!("invalid_body"),
        Value::Null,
    ];
    assert_eq!(codes, expected.iter().collect::<Vec<_>>());
    assert_eq!(told.json["items"][1]["errors"][0]["pointer"], "/email");
    let again = boss.client.send(Method::POST, &path, &key, Some(body)).await.expect(202);
    assert_eq!(again.text, told.text);
    let mails = app.mails().await;
    assert_eq!(mails.len(), 2);
    assert!(mails.iter().all(|mail| mail.text.contains("> Welcome!")));
    boss.client.post(&path, json!({ "invitations": [] })).await.expect_problem(422, "invalid_body");
    let too_many: Vec<Value> = (0..501).map(|number| json!({ "email": format!("u{number}@example.org") })).collect();
    boss.client.post(&path, json!({ "invitations": too_many })).await.expect_problem(422, "invalid_body");
    app.finish().await;
}

#[tokio::test]
async fn what_has_ended_is_forgotten_after_ninety_days_and_with_the_user_who_came_of_it() {
    let app = TestApp::new().await;
    let boss = app.manager().await;
    for name in ["ann", "bob"] {
        boss.client.post(PATH, json!({ "email": format!("{name}@example.org") })).await.expect(201);
    }
    let mails = app.mails().await;
    let ann = accept(&app, &token_in(mails.iter().find(|mail| mail.to.starts_with("ann")).unwrap())).await.expect(201);
    let root = app.admin().await;
    root.client.delete(&format!("/v1/users/{}", ann.str("id"))).await.expect(204);
    app.advance(SignedDuration::from_hours(31 * 24));
    do_job(&app, "purge_deleted_users").await;
    let count = "select count(*) from invitations";
    assert_eq!(app.count(count).await, 1, "the user was removed for good, and with them what named them");
    app.advance(SignedDuration::from_hours(65 * 24));
    do_job(&app, "forget_invitations").await;
    assert_eq!(app.count(count).await, 1);
    app.advance(SignedDuration::from_hours(2 * 24));
    do_job(&app, "forget_invitations").await;
    assert_eq!(app.count(count).await, 0);
    app.mails().await;
    app.finish().await;
}
