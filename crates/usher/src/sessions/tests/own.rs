//! Seeing and ending sessions, through the front door.

use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{claims, refresh};
use crate::testing::{PASSWORD, Person, TestApp};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";

#[tokio::test]
async fn r104_people_see_their_sessions_and_which_one_asks() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    app.user("eve").await;
    app.advance(SignedDuration::from_secs(1));
    let credentials = json!({ "identifier": "ann@example.org", "password": PASSWORD });
    let headers = [("user-agent", FIREFOX)];
    app.client().send(Method::POST, "/v1/login", &headers, Some(credentials)).await.expect(200);
    let sessions = ann.client.get("/v1/me/sessions").await.expect(200);
    let items = sessions.json["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    assert_eq!((&items[0]["device"], &items[0]["user_agent"]), (&json!("Firefox on Linux"), &json!(FIREFOX)));
    assert_eq!((&items[0]["current"], &items[1]["current"]), (&json!(false), &json!(true)));
    assert_eq!(items[1]["id"], claims(&ann.access_token)["sid"]);
    assert_eq!((&items[0]["amr"], &items[0]["created_at"]), (&json!(["pwd"]), &json!(app.now().to_string())));
    for secret in ["token", "hash", "epoch"] {
        assert!(!sessions.text.contains(secret), "{secret} is in {}", sessions.text);
    }
    app.run_jobs().await;
    app.finish().await;
}

#[tokio::test]
async fn the_list_has_only_what_can_still_be_used_and_comes_in_pages() {
    let app = TestApp::with(&[("USHER_REFRESH_TOKEN_LIFETIME_SECONDS", "86400")]).await;
    let idle = app.user("ann").await;
    app.advance(SignedDuration::from_hours(23));
    let signed_out = app.sign_in("ann@example.org", PASSWORD).await;
    signed_out.client.post("/v1/logout", json!({})).await.expect(204);
    let mut people = Vec::new();
    for _ in 0..3 {
        people.push(app.sign_in("ann@example.org", PASSWORD).await);
        app.advance(SignedDuration::from_secs(1));
    }
    // The first one's refresh token has come to its end.
    app.advance(SignedDuration::from_hours(1));
    refresh(&app, &idle.refresh_token).await.expect_problem(401, "invalid_refresh_token");
    let ann = app.sign_in("ann@example.org", PASSWORD).await;
    let mut seen = Vec::new();
    let mut path = "/v1/me/sessions?limit=2".to_owned();
    loop {
        let page = ann.client.get(&path).await.expect(200);
        seen.extend(page.json["items"].as_array().unwrap().iter().map(|item| item["id"].clone()));
        let Some(next) = page.json["next"].as_str() else { break };
        path = format!("/v1/me/sessions?limit=2&cursor={next}");
    }
    let expected: Vec<Value> =
        [&ann, &people[2], &people[1], &people[0]].map(|person| claims(&person.access_token)["sid"].clone()).into();
    assert_eq!(seen, expected);
    for bad in ["limit=0", "limit=201", "cursor=%21", "cursor=IjEi", "user_id=1"] {
        ann.client.get(&format!("/v1/me/sessions?{bad}")).await.expect_problem(422, "invalid_query");
    }
    app.finish().await;
}

#[tokio::test]
async fn r103_a_session_is_ended_at_once_and_another_s_is_nobody_s() {
    let app = TestApp::new().await;
    let lost = app.user("ann").await;
    let ann = app.sign_in("ann@example.org", PASSWORD).await;
    let eve = app.user("eve").await;
    for id in [session(&eve), ann.id.clone(), "x".to_owned()] {
        ann.client.delete(&format!("/v1/me/sessions/{id}")).await.expect_problem(404, "not_found");
    }
    eve.client.get("/v1/me").await.expect(200);
    let path = format!("/v1/me/sessions/{}", session(&lost));
    ann.client.delete(&path).await.expect(204);
    lost.client.get("/v1/me").await.expect_problem(401, "unauthorized");
    refresh(&app, &lost.refresh_token).await.expect_problem(401, "invalid_refresh_token");
    ann.client.delete(&path).await.expect_problem(404, "not_found");
    assert_eq!(app.count("select count(*) from audit_events where action = 'session.ended'").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn r104_ending_other_sessions_needs_a_fresh_sign_in_and_ending_this_one_does_not() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let other = app.sign_in("ann@example.org", PASSWORD).await;
    app.advance(SignedDuration::from_mins(10));
    let tokens = refresh(&app, &ann.refresh_token).await.expect(200);
    let client = app.client_with(&tokens.str("access_token"));
    let stale = client.delete(&format!("/v1/me/sessions/{}", session(&other))).await;
    stale.expect_problem(401, "fresh_authentication_required");
    client.post("/v1/me/sessions/revoke-others", json!({})).await.expect_problem(401, "fresh_authentication_required");
    refresh(&app, &other.refresh_token).await.expect(200);
    client.delete(&format!("/v1/me/sessions/{}", session(&ann))).await.expect(204);
    client.get("/v1/me").await.expect_problem(401, "unauthorized");
    app.finish().await;
}

#[tokio::test]
async fn all_sessions_but_this_one_end_and_nobody_elses() {
    let app = TestApp::new().await;
    let others = [app.user("ann").await, app.sign_in("ann@example.org", PASSWORD).await];
    let ann = app.sign_in("ann@example.org", PASSWORD).await;
    let eve = app.user("eve").await;
    ann.client.post("/v1/me/sessions/revoke-others", json!({})).await.expect(204);
    for other in &others {
        other.client.get("/v1/me").await.expect_problem(401, "unauthorized");
    }
    eve.client.get("/v1/me").await.expect(200);
    assert_eq!(ann.client.get("/v1/me/sessions").await.expect(200).json["items"].as_array().unwrap().len(), 1);
    app.finish().await;
}

#[tokio::test]
async fn r103_administrators_see_and_end_the_sessions_of_whom_they_may_act_on() {
    let app = TestApp::new().await;
    let boss = app.manager().await;
    let root = app.admin().await;
    let ann = app.user("ann").await;
    let second = app.sign_in("ann@example.org", PASSWORD).await;
    let path = format!("/v1/users/{}/sessions", ann.id);
    let listed = boss.client.get(&path).await.expect(200);
    assert_eq!(listed.json["items"].as_array().unwrap().len(), 2);
    assert!(listed.json["items"].as_array().unwrap().iter().all(|item| item["current"] == false));
    // A session that is not this user's is not found under them.
    boss.client.delete(&format!("{path}/{}", session(&root))).await.expect_problem(404, "not_found");
    boss.client.delete(&format!("{path}/{}", session(&second))).await.expect(204);
    second.client.get("/v1/me").await.expect_problem(401, "unauthorized");
    ann.client.get("/v1/me").await.expect(200);
    boss.client.post(&format!("/v1/users/{}/sign-out-everywhere", ann.id), json!({ "reason": "lost phone" })).await.expect(204);
    ann.client.get("/v1/me").await.expect_problem(401, "unauthorized");
    assert_eq!(boss.client.get(&path).await.expect(200).json["items"], json!([]));
    // Nobody acts on who holds more.
    let above = format!("/v1/users/{}", root.id);
    boss.client.get(&format!("{above}/sessions")).await.expect_problem(403, "target_outranks_caller");
    let refused = boss.client.delete(&format!("{above}/sessions/{}", session(&root))).await;
    refused.expect_problem(403, "target_outranks_caller");
    let refused = boss.client.post(&format!("{above}/sign-out-everywhere"), json!({})).await;
    refused.expect_problem(403, "target_outranks_caller");
    root.client.get("/v1/me").await.expect(200);
    let nobody = "/v1/users/0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d/sessions";
    boss.client.get(nobody).await.expect_problem(404, "not_found");
    app.finish().await;
}

fn session(person: &Person) -> String {
    claims(&person.access_token)["sid"].as_str().unwrap().to_owned()
}
