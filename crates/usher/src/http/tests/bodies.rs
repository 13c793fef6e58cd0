//! Request bodies: their limits, and answers that name every fault and repeat no input.

use http::Method;
use serde_json::{Value, json};

use crate::testing::{Answer, Client, TestApp};

const CANARY: &str = "canary-7f3k9x-password";

async fn send(client: &Client, method: Method, path: &str, media_type: Option<&str>, body: impl Into<Vec<u8>>) -> Answer {
    let headers: Vec<(&str, &str)> = media_type.map(|media_type| ("content-type", media_type)).into_iter().collect();
    client.send_raw(method, path, &headers, body.into()).await
}

async fn post(client: &Client, body: impl Into<Vec<u8>>) -> Answer {
    send(client, Method::POST, "/v1/users", Some("application/json"), body).await
}

#[tokio::test]
async fn r224_a_body_is_at_most_64_kib() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let body = json!({ "email": "ann@example.org" }).to_string();
    let fits = format!("{body}{}", " ".repeat(64 * 1024 - body.len()));
    post(&admin, fits.clone()).await.expect(201);
    post(&admin, format!("{fits} ")).await.expect_problem(413, "body_too_large");
    send(&admin, Method::PATCH, "/v1/me", Some("application/json"), format!("{fits} ")).await.expect(413);
    // Whoever may not call gets no further than that.
    send(&app.client(), Method::PATCH, "/v1/me", Some("application/json"), vec![b' '; 1 << 20]).await.expect(401);
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn r107_only_json_opens_an_operation() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let body = json!({ "email": "ann@example.org" }).to_string();
    for media_type in [
        None,
        Some(""),
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("multipart/form-data; boundary=x"),
        Some("text/plain; application/json"),
        Some("application/jsonp"),
        Some("application/merge-patch+json"),
    ] {
        let answer = send(&admin.client, Method::POST, "/v1/users", media_type, body.clone()).await;
        answer.expect_problem(415, "unsupported_media_type");
    }
    for media_type in [Some("text/plain"), Some("application/x-www-form-urlencoded"), None] {
        let path = format!("/v1/users/{}/reactivate", admin.id);
        send(&admin.client, Method::POST, &path, media_type, "{}").await.expect_problem(415, "unsupported_media_type");
        let login = send(&app.client(), Method::POST, "/v1/login", media_type, "{}").await;
        login.expect_problem(415, "unsupported_media_type");
    }
    for media_type in ["application/merge-patch+json", "Application/JSON; charset=utf-8", "application/json"] {
        send(&admin.client, Method::PATCH, "/v1/me", Some(media_type), r#"{"bio":"x"}"#).await.expect(200);
    }
    let patch = send(&admin.client, Method::PATCH, "/v1/me", Some("application/json-patch+json"), "[]").await;
    patch.expect_problem(415, "unsupported_media_type");
    app.finish().await;
}

#[tokio::test]
async fn malformed_json_is_placed_but_not_repeated() {
    let app = TestApp::new().await;
    let anyone = app.client();
    let login = async |body: Vec<u8>| send(&anyone, Method::POST, "/v1/login", Some("application/json"), body).await;
    for (body, place) in [
        (String::new(), "line 1, column 0"),
        (format!("{{\"password\": \"{CANARY}"), "line 1"),
        (format!("{{\n  \"password\": {CANARY}}}"), "line 2, column 15"),
        (format!("{{\"password\": \"{CANARY}\",}}"), "line 1"),
        (format!("\u{feff}{{\"password\": \"{CANARY}\"}}"), "line 1, column 1"),
        (format!("{{\"password\": \"{CANARY}\"}} {CANARY}"), "line 1"),
        (format!("{{\"password\": \"{CANARY}\\ud800\"}}"), "line 1"),
        (format!("{{\"password\": 1e999, \"x\": \"{CANARY}\"}}"), "line 1"),
        ("[".repeat(10_000), "line 1"),
    ] {
        let answer = login(body.clone().into_bytes()).await.expect_problem(400, "malformed_json");
        assert!(answer.str("detail").contains(place), "{body}: {}", answer.text);
        assert!(!answer.text.contains("canary"), "{}", answer.text);
    }
    login(b"{\"password\": \"\xff\xfe\"}".to_vec()).await.expect_problem(400, "malformed_json");
    app.finish().await;
}

/// Arrays in arrays.
fn nested(levels: usize) -> Value {
    (1..levels).fold(json!([]), |inner, _| json!([inner]))
}

#[tokio::test]
async fn r224_nesting_and_arrays_have_limits() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    // The body is level 0, `attributes` 1, the outermost array 2.
    let body = |levels: usize| json!({ "email": "ann@example.org", "attributes": { "a": nested(levels) } });
    let refused = post(&admin, body(64).to_string()).await.expect_problem(422, "invalid_body");
    assert_eq!(refused.json["errors"][0]["code"], "too_deep");
    post(&admin, body(63).to_string()).await.expect(201);
    let body = |items: usize| json!({ "email": "bob@example.org", "attributes": { "a": vec![0; items] } });
    let refused = post(&admin, body(1001).to_string()).await.expect_problem(422, "invalid_body");
    assert_eq!(refused.fault_at("/attributes/a"), Some("max_items"));
    post(&admin, body(1000).to_string()).await.expect(201);
    let roles = json!({ "email": "cid@example.org", "roles": vec!["user"; 1001] });
    assert_eq!(post(&admin, roles.to_string()).await.expect(422).fault_at("/roles"), Some("max_items"));
    app.mails().await;
    app.finish().await;
}

#[tokio::test]
async fn a_nul_character_is_refused_wherever_it_is() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    for (body, pointer) in [
        (json!({ "email": "ann@example.org", "bio": "a\0b" }), "/bio"),
        (json!({ "email": "ann\0@example.org" }), "/email"),
        (json!({ "email": "ann@example.org", "attributes": { "a": [{ "b": "\0" }] } }), "/attributes/a/0/b"),
        (json!({ "email": "ann@example.org", "attributes": { "a\0": 1 } }), "/attributes/a\0"),
    ] {
        let refused = admin.post("/v1/users", body).await.expect_problem(422, "invalid_body");
        assert_eq!(refused.fault_at(pointer), Some("invalid"), "{}", refused.text);
    }
    admin.get("/v1/users?q=a%00b").await.expect_problem(422, "invalid_query");
    admin.get("/v1/roles/a%00b").await.expect_problem(404, "not_found");
    app.finish().await;
}

#[tokio::test]
async fn every_fault_of_a_body_is_named_at_once() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let body = json!({
        "email": 5, "username": ["x"], "display_name": {}, "bio": false, "roles": ["user", 7], "attributes": [], "nickname": "x"
    });
    let refused = admin.post("/v1/users", body.clone()).await.expect_problem(422, "invalid_body");
    for pointer in ["/email", "/username", "/display_name", "/bio", "/roles/1", "/attributes", "/nickname"] {
        assert!(refused.fault_at(pointer).is_some(), "{pointer}: {}", refused.text);
    }
    assert_eq!((refused.fault_at("/email"), refused.fault_at("/nickname")), (Some("type"), Some("unknown_field")));
    let missing = admin.post("/v1/users", json!({})).await.expect_problem(422, "invalid_body");
    assert_eq!(missing.fault_at("/email"), Some("required"));
    for other in [json!([]), json!("text"), json!(null), json!(1)] {
        let refused = admin.post("/v1/users", other.clone()).await.expect_problem(422, "invalid_body");
        assert_eq!(refused.fault_at(""), Some("type"), "{other}: {}", refused.text);
    }
    // There is an end to it.
    let many: serde_json::Map<String, Value> = (0..500).map(|at| (format!("unknown{at}"), json!(1))).collect();
    let refused = admin.post("/v1/users", Value::Object(many)).await.expect_problem(422, "invalid_body");
    assert!(refused.json["errors"].as_array().unwrap().len() <= 32);
    app.finish().await;
}

#[tokio::test]
async fn r262_a_password_never_comes_back_in_an_error() {
    let app = TestApp::new().await;
    let anyone = app.client();
    let long = format!("{CANARY}{}", "x".repeat(5000));
    let short = "canary";
    for path in ["/v1/login", "/v1/register", "/v1/setup", "/v1/password/reset", "/v1/refresh", "/v1/verify-email"] {
        for secret in
            [json!(CANARY), json!([CANARY]), json!({ CANARY: CANARY }), json!(short), json!(long), json!(format!("{CANARY}\0"))]
        {
            let body = json!({
                "email": secret, "identifier": secret, "password": secret, "token": secret, "refresh_token": secret,
                "username": secret, "display_name": secret
            });
            let answer = anyone.post(path, body).await;
            assert!(answer.status.is_client_error(), "{path}: {}", answer.text);
            // A member's name may be in a pointer; it is no secret.
            let told = answer.text.replace(&format!("/{CANARY}"), "");
            assert!(!told.contains("canary"), "{path}: {}", answer.text);
        }
        let answer = anyone.post(path, json!({ "password": CANARY, "email": "a@example.org", "unknown": CANARY })).await;
        assert!(!answer.text.contains("canary"), "{path}: {}", answer.text);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_query_that_cannot_be_read_is_refused() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    for (query, parameter) in [("q=a&q=b", "q"), ("sort=username&status=active&sort=username", "sort"), ("q", "q"), ("=x", "")] {
        let refused = admin.get(&format!("/v1/users?{query}")).await.expect_problem(422, "invalid_query");
        assert_eq!(refused.json["errors"][0]["parameter"], parameter, "{query}: {}", refused.text);
    }
    for query in ["q=%FF", "q=%ZZ", "&&", "q=%"] {
        let answer = admin.get(&format!("/v1/users?{query}")).await;
        assert!([200, 400, 422].contains(&answer.status.as_u16()), "{query}: {}", answer.text);
    }
    app.finish().await;
}
