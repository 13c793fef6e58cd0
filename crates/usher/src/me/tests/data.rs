//! One's data as a file, and leaving by the page.

use http::header;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::testing::{Browser, PASSWORD, Person, TestApp, token_in};

const DATA: &str = "/account/data";
const DELETE: &str = "/account/delete";

/// A browser in which this person has signed in.
async fn enter(app: &TestApp, person: &Person) -> Browser {
    let mut browser = app.browser();
    browser.sign_in(&person.email).await.expect(303);
    browser
}

#[tokio::test]
async fn the_file_holds_all_that_the_api_tells_and_nothing_secret() {
    let app = TestApp::new().await;
    let (root, ann) = (app.admin().await, app.user("ann").await);
    let properties = json!({ "rating": { "type": "integer" }, "nickname": { "type": "string", "visibility": "self" } });
    root.client.put("/v1/attribute-schema", json!({ "type": "object", "properties": properties })).await.expect(200);
    let there = root.client.clone().at("203.0.113.9");
    let attributes = json!({ "attributes": { "rating": 3, "nickname": "Nan" } });
    there.patch(&format!("/v1/users/{}", ann.id), attributes).await.expect(200);
    ann.client.post("/v1/me/emails", json!({ "email": "new@example.org" })).await.expect(202);
    let key = ann.client.post("/v1/me/api-keys", json!({ "name": "Nightly" })).await.expect(201).str("key");
    let mut browser = enter(&app, &ann).await;
    browser.open(DATA).await.expect(200);
    let file = browser.submit("/account/data/download", &[]).await.expect(200);
    assert_eq!(file.headers[header::CONTENT_TYPE], "application/json");
    assert_eq!(file.headers[header::CONTENT_DISPOSITION], "attachment; filename=\"usher-data-2026-01-01.json\"");
    assert_eq!(file.headers[header::CACHE_CONTROL], "no-store");
    let data = &file.json;
    let mut members: Vec<&str> = data.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    let whole = [
        "api_keys",
        "approval_requests",
        "devices",
        "groups",
        "history",
        "invitations",
        "made_at",
        "mails",
        "passkeys",
        "password_changed_at",
        "pending_email",
        "second_factors",
        "sessions",
        "truncated",
        "trusted_devices",
        "user",
    ];
    assert_eq!(members, whole);
    assert_eq!((&data["invitations"], &data["truncated"]), (&json!([]), &json!([])));
    assert_eq!(data["user"], ann.client.get("/v1/me").await.expect(200).json);
    assert_eq!(data["user"]["attributes"], json!({ "nickname": "Nan" }), "what is for administrators is left out");
    assert_eq!(data["pending_email"]["address"], "new@example.org");
    assert_eq!(data["api_keys"][0]["name"], "Nightly");
    assert_eq!(data["sessions"].as_array().unwrap().len(), 2);
    assert_eq!(data["devices"].as_array().unwrap().len(), 2);
    let told: Vec<&str> = data["history"].as_array().unwrap().iter().map(|event| event["action"].as_str().unwrap()).collect();
    let made = data["history"].as_array().unwrap().iter().find(|event| event["action"] == "user.updated").unwrap();
    assert_eq!((&made["actor_kind"], &made["actor_id"], &made["changes"]), (&json!("user"), &Value::Null, &json!({})));
    for action in ["sign_in", "api_key.created", "email.requested", "user.created", "user.updated"] {
        assert!(told.contains(&action), "{action}: {told:?}");
    }
    for secret in [key.as_str(), "203.0.113.9", &root.id, "argon2", "hash", "rating", "auth_epoch"] {
        assert!(!file.text.contains(secret), "{secret}: {}", file.text);
    }
    let by_api = ann.client.get("/v1/me/data").await.expect(200).json;
    for name in ["user", "pending_email", "groups", "password_changed_at", "second_factors", "passkeys", "devices", "api_keys"] {
        assert_eq!(by_api[name], data[name], "{name}");
    }
    assert_eq!(by_api["history"][0]["action"], "user.data_read", "that it was read is known");
    assert_ne!(by_api["history"][0]["id"], Value::Null);
    app.run_jobs().await;
    app.finish().await;
}

/// Of each mail that somebody's data has what it is about, to whom it went, and what stood above it.
async fn mails_of(person: &Person) -> Vec<[String; 3]> {
    let data = person.client.get("/v1/me/data").await.expect(200).json;
    let text = |mail: &Value, name: &str| mail[name].as_str().unwrap().to_owned();
    data["mails"].as_array().unwrap().iter().map(|mail| ["kind", "recipient", "subject"].map(|name| text(mail, name))).collect()
}

#[tokio::test]
async fn mails_and_invitations_are_in_it_for_whom_they_are_about() {
    let app = TestApp::new().await;
    let boss = app.manager().await;
    for (email, message) in [("ann@example.org", "Welcome!"), ("cat@example.org", "Hello, Cat!")] {
        boss.client.post("/v1/invitations", json!({ "email": email, "message": message })).await.expect(201);
    }
    let mails = app.mails().await;
    let token = mails.iter().find(|mail| mail.to.as_str() == "ann@example.org").map(token_in).unwrap();
    app.client().post("/v1/invitations/accept", json!({ "token": token, "password": PASSWORD })).await.expect(201);
    let ann = app.sign_in("ann@example.org", PASSWORD).await;
    ann.client.post("/v1/me/api-keys", json!({ "name": "Nightly" })).await.expect(201);
    app.mails().await;
    let own = mails_of(&ann).await;
    let made = ["api_key_created", "ann@example.org", "An API key was made for your account at usher"].map(str::to_owned);
    assert!(own.contains(&made), "{own:?}");
    assert!(!mails_of(&boss).await.contains(&made));

    let theirs = ann.client.get("/v1/me/data").await.expect(200);
    let items = theirs.json["invitations"].as_array().unwrap();
    assert_eq!((items.len(), &items[0]["sent_by_you"], &items[0]["message"]), (1, &json!(false), &json!("Welcome!")));
    assert_eq!((&items[0]["state"], items[0]["accepted_at"].is_string()), (&json!("accepted"), true));
    assert!(!theirs.text.contains(&boss.id), "who has invited is not said: {}", theirs.text);
    let sent = boss.client.get("/v1/me/data").await.expect(200);
    let items = sent.json["invitations"].as_array().unwrap();
    let told: Vec<_> = items.iter().map(|one| (&one["sent_by_you"], &one["email"], &one["state"])).collect();
    let (by_them, waiting, accepted) = (json!(true), json!("waiting"), json!("accepted"));
    let expected = [(&by_them, &json!("cat@example.org"), &waiting), (&by_them, &json!("ann@example.org"), &accepted)];
    assert_eq!(told, expected);
    assert!(!sent.text.contains(&ann.id) && !sent.text.contains("ush_invite_"), "{}", sent.text);
    app.finish().await;
}

#[tokio::test]
async fn r026_mails_of_an_address_that_is_wanted_do_not_tell_whose_it_is() {
    let app = TestApp::new().await;
    let (ann, bob) = (app.user("ann").await, app.user("bob").await);
    let mut links = Vec::new();
    for email in ["free@example.org", "bob@example.org", "free@example.org"] {
        ann.client.post("/v1/me/emails", json!({ "email": email })).await.expect(202);
        links.extend(app.mails().await.iter().filter(|mail| mail.to.as_str() == "free@example.org").map(token_in));
        let own = mails_of(&ann).await;
        assert!(own.iter().all(|[_, to, _]| to == "ann@example.org"), "{email}: {own:?}");
    }
    assert!(mails_of(&bob).await.iter().any(|[_, to, _]| to == "bob@example.org"));
    app.client().post("/v1/me/emails/confirm", json!({ "token": links.pop().unwrap() })).await.expect(200);
    let own = mails_of(&ann).await;
    assert_eq!(own.iter().filter(|[kind, to, _]| kind == "confirm_email" && to == "free@example.org").count(), 2, "{own:?}");
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn a_list_that_is_too_long_ends_with_the_newest_and_is_named() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let id: uuid::Uuid = ann.id.parse().unwrap();
    let mut tx = app.tx().await;
    let sql = "
        insert into mails (id, user_id, template, recipient, subject, status, created_at)
        select gen_random_uuid(), $1::uuid, 'new_device', 'ann@example.org', number::text, 'sent', now()
        from generate_series(1, 10001) number";
    tx.execute(sql, &[&id]).await.unwrap();
    tx.commit().await.unwrap();
    let data = ann.client.get("/v1/me/data").await.expect(200).json;
    assert_eq!((data["mails"].as_array().unwrap().len(), &data["truncated"]), (10_000, &json!(["mails"])));
    app.finish().await;
}

#[tokio::test]
async fn r105_who_leaves_proves_who_they_are_is_signed_out_and_told_until_when_they_can_come_back() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let mut browser = enter(&app, &ann).await;
    app.advance(SignedDuration::from_mins(11));
    let proof = "/reauthenticate?return_to=%2Faccount%2Fdelete";
    assert_eq!(browser.open(DELETE).await.expect(303).headers["location"], proof);
    assert_eq!(browser.open(DATA).await.expect(200).status, 200);
    assert_eq!(browser.submit(DELETE, &[]).await.expect(303).headers["location"], proof);
    browser.open(proof).await.expect(200);
    let to = browser.submit("/reauthenticate", &[("password", PASSWORD), ("return_to", DELETE)]).await.expect(303);
    assert_eq!(to.headers["location"], DELETE);
    let page = browser.open(DELETE).await.expect(200);
    assert!(page.text.contains("31 Jan 2026, 00:11") && page.text.contains("ann@example.org"), "{}", page.text);
    let told = browser.submit(DELETE, &[]).await.expect(200);
    assert!(told.text.contains("<h1>Your account is deleted</h1>") && told.text.contains("31 Jan 2026, 00:11"), "{}", told.text);
    assert!(!browser.cookies.contains_key("__Host-usher"));
    assert_eq!(browser.open("/account").await.expect(303).headers["location"], "/sign-in?return_to=%2Faccount");
    ann.client.get("/v1/me").await.expect(401);
    let mails = app.mails().await;
    let token = mails.iter().find(|mail| mail.text.contains("undo-deletion")).map(token_in).unwrap();
    app.client().post("/v1/undo-deletion", json!({ "token": token })).await.expect(200);
    browser.sign_in(&ann.email).await.expect(303);
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn r203_the_last_administrator_is_told_why_they_stay() {
    let app = TestApp::new().await;
    let root = app.admin().await;
    let mut browser = enter(&app, &root).await;
    browser.open(DELETE).await.expect(200);
    let refused = browser.submit(DELETE, &[]).await.expect(422);
    assert!(refused.text.contains("id=\"faults\"") && refused.text.contains("administrator"), "{}", refused.text);
    browser.open("/account").await.expect(200);
    app.run_jobs().await;
    app.finish().await;
}
