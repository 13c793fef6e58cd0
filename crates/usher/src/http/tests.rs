//! The HTTP edge through the whole router: what every answer carries, and what is refused before any work.

mod bodies;
mod languages;

use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::response::Response;
use axum::routing::get;
use http::{HeaderMap, Method, Request, StatusCode, header};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};

use crate::app::App;
use crate::db::{ConnectOptions, Db};
use crate::http::layers;
use crate::router;
use crate::testing::{Client, PASSWORD, TestApp};

const HOST: &str = "id.example.com";

/// A request with these headers and no others, from `peer`.
async fn ask(app: &App, path: &str, headers: &[(&str, &str)], peer: Option<&str>) -> Response {
    let mut request = Request::builder().uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Body::empty()).unwrap();
    if let Some(peer) = peer {
        request.extensions_mut().insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
    }
    TowerToHyperService::new(router::router(app)).call(request).await.unwrap()
}

async fn problem(response: Response) -> Value {
    serde_json::from_slice(&to_bytes(response.into_body(), usize::MAX).await.unwrap()).unwrap()
}

/// An app whose database is away.
fn without_database(like: &TestApp) -> App {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut postgres = tokio_postgres::Config::new();
    postgres.host("127.0.0.1").port(port).user("nobody").dbname("nothing");
    like.another(|parts| parts.db = Db::new(&ConnectOptions::new(postgres)).unwrap())
}

fn assert_secured(headers: &HeaderMap, what: &str) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(headers[name], value, "{what}");
    }
    let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    for directive in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
        assert!(policy.contains(directive), "{what}: {policy}");
    }
    assert!(!policy.contains("script-src") || policy.contains("script-src 'self';"), "{what}: {policy}");
    let transport = headers[header::STRICT_TRANSPORT_SECURITY].to_str().unwrap();
    let age = transport.strip_prefix("max-age=").unwrap().split(';').next().unwrap().parse::<u64>().unwrap();
    assert!(age >= 365 * 24 * 3600, "{what}");
    assert!(headers.contains_key("x-request-id") && headers.contains_key(header::CACHE_CONTROL), "{what}");
    // no other site may read an answer.
    assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN), "{what}");
}

#[tokio::test]
async fn r220_every_answer_carries_the_security_headers() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let long = format!("/v1/users?q={}", "x".repeat(9000));
    for (path, status) in [
        ("/livez", 200),
        ("/v1/me", 200),
        ("/v1/users", 200),
        ("/docs", 200),
        ("/openapi.json", 200),
        ("/assets/style.css", 200),
        ("/verify?token=x", 200),
        ("/reset-password?token=x", 200),
        ("/nothing/here", 404),
        ("/assets/nothing.js", 404),
        ("/v1/users?limit=0", 422),
        ("/v1/users/nobody", 404),
        (&long, 414),
    ] {
        assert_secured(&admin.get(path).await.expect(status).headers, path);
    }
    assert_secured(&app.client().get("/v1/me").await.expect(401).headers, "401");
    assert_secured(&admin.delete("/v1/users").await.expect(405).headers, "405");
    assert_secured(&admin.post("/v1/users", json!({})).await.expect(422).headers, "422");
    let cached = admin.send(Method::GET, "/v1/me", &[("if-none-match", "*")], None).await.expect(304);
    assert_secured(&cached.headers, "304");
    assert_secured(ask(&app.app, "/v1/me", &[("host", "evil.example")], None).await.headers(), "421");
    // What is personal is kept by nobody.
    assert_eq!(admin.get("/v1/me").await.headers[header::CACHE_CONTROL], "no-store");
    app.finish().await;
}

#[tokio::test]
async fn r227_a_deployment_without_tls_does_not_promise_it() {
    let app = TestApp::with(&[("USHER_PUBLIC_URL", "http://localhost:8000")]).await;
    let response = ask(&app.app, "/livez", &[("host", "localhost:8000")], None).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(!response.headers().contains_key(header::STRICT_TRANSPORT_SECURITY));
    app.finish().await;
}

#[tokio::test]
async fn r223_what_an_address_does_not_take_is_405_and_what_is_nowhere_is_404() {
    let app = TestApp::new().await;
    let anyone = app.client();
    for (method, path, allowed) in [
        ("DELETE", "/v1/users", "GET,HEAD,POST"),
        ("PUT", "/v1/me", "DELETE,GET,HEAD,PATCH"),
        ("GET", "/v1/login", "POST"),
        ("TRACE", "/v1/me", "DELETE,GET,HEAD,PATCH"),
        ("OPTIONS", "/v1/login", "POST"),
        ("BREW", "/livez", "GET,HEAD"),
        ("POST", "/docs", "GET,HEAD"),
    ] {
        let answer = anyone.send(method.parse().unwrap(), path, &[], None).await.expect_problem(405, "method_not_allowed");
        let mut named: Vec<&str> = answer.headers[header::ALLOW].to_str().unwrap().split(',').map(str::trim).collect();
        named.sort_unstable();
        assert_eq!(named.join(","), allowed, "{method} {path}");
    }
    for path in
        ["/v1", "/v1/", "/v2", "/v2/users", "/v1/users/", "//v1/users", "/V1/me", "/docs/../Cargo.toml", "/docs/..%2f..%2fx"]
    {
        anyone.get(path).await.expect_problem(404, "not_found");
    }
    app.finish().await;
}

#[tokio::test]
async fn r224_addresses_and_headers_have_limits() {
    let app = TestApp::new().await;
    let anyone = app.client();
    let path = |length: usize| format!("/livez?{}", "x".repeat(length - 7));
    anyone.get(&path(8 * 1024)).await.expect(200);
    anyone.get(&path(8 * 1024 + 1)).await.expect_problem(414, "uri_too_long");
    let names: Vec<String> = (0..100).map(|at| format!("x-{at}")).collect();
    let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x")).collect();
    // One more is `Host`.
    anyone.send(Method::GET, "/livez", &many[..99], None).await.expect(200);
    anyone.send(Method::GET, "/livez", &many, None).await.expect_problem(431, "headers_too_large");
    let large = "x".repeat(16 * 1024);
    anyone.send(Method::GET, "/livez", &[("x-large", &large)], None).await.expect_problem(431, "headers_too_large");
    anyone.send(Method::GET, "/livez", &[("x-large", &large[..16_000])], None).await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn r223_only_our_own_host_is_answered_but_probes_come_by_any() {
    let app = TestApp::new().await;
    for host in [HOST, "ID.example.com", "id.example.com:8443", "localhost:8000", "127.0.0.1", "[::1]:8000"] {
        assert_eq!(ask(&app.app, "/openapi.json", &[("host", host)], None).await.status(), 200, "{host}");
    }
    for host in [
        "evil.example",
        "id.example.com.evil.example",
        "evil-id.example.com",
        "evil@id.example.com",
        "id.example.com:80:80",
        "id.example.com:x",
        "id.example.com/",
        "",
        "10.0.0.7:8000",
    ] {
        let refused = ask(&app.app, "/openapi.json", &[("host", host)], None).await;
        assert_eq!(refused.status(), 421, "{host}");
        assert_eq!(problem(refused).await["code"], "misdirected_request");
        for probe in ["/livez", "/readyz", "/metrics"] {
            assert_eq!(ask(&app.app, probe, &[("host", host)], None).await.status(), 200, "{host} {probe}");
        }
    }
    assert_eq!(ask(&app.app, "/openapi.json", &[], None).await.status(), 421);
    // HTTP/2 and absolute-form requests name the host in the target; it counts before the header.
    assert_eq!(ask(&app.app, "https://evil.example/openapi.json", &[("host", HOST)], None).await.status(), 421);
    // a header that proxies use to rename the host is not looked at.
    let forwarded = [("host", "evil.example"), ("x-forwarded-host", HOST)];
    assert_eq!(ask(&app.app, "/openapi.json", &forwarded, None).await.status(), 421);
    app.finish().await;
}

#[tokio::test]
async fn r106_another_sites_page_cannot_make_a_browser_change_anything() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    let from = |site: &'static str| [("sec-fetch-site", site)];
    let body = json!({ "name": "support", "permissions": [] });
    let refused = admin.send(Method::POST, "/v1/roles", &from("cross-site"), Some(body.clone())).await;
    refused.expect_problem(403, "cross_site_request");
    for method in [Method::PATCH, Method::PUT, Method::DELETE] {
        admin.send(method, "/v1/me", &from("cross-site"), None).await.expect_problem(403, "cross_site_request");
    }
    admin.send(Method::GET, "/v1/me", &from("cross-site"), None).await.expect(200);
    admin.send(Method::POST, "/v1/roles", &from("same-origin"), Some(body)).await.expect(201);
    app.finish().await;
}

#[tokio::test]
async fn a_request_has_an_id_of_our_own_making() {
    let app = TestApp::new().await;
    let anyone = app.client();
    let mut ids = std::collections::HashSet::new();
    for _ in 0..5 {
        let answer = anyone.send(Method::GET, "/nothing", &[("x-request-id", "chosen-by-the-caller")], None).await.expect(404);
        let id = answer.headers["x-request-id"].to_str().unwrap().to_owned();
        assert_eq!(answer.str("request_id"), id);
        assert!(uuid::Uuid::parse_str(&id).is_ok() && ids.insert(id));
    }
    app.finish().await;
}

#[tokio::test]
async fn r222_a_trusted_proxy_names_the_request_and_nobody_else_does() {
    let app = TestApp::with(&[("USHER_TRUSTED_PROXIES", "10.0.0.0/8")]).await;
    let named = async |peer: &str, id: &str| {
        let response = ask(&app.app, "/nothing", &[("host", HOST), ("x-request-id", id)], Some(peer)).await;
        response.headers()["x-request-id"] == id
    };
    assert!(named("10.1.2.3:999", "trace-0123_ABC").await);
    assert!(named("[::ffff:10.1.2.3]:999", "trace-0123_ABC").await);
    assert!(!named("192.0.2.1:999", "trace-0123_ABC").await);
    for bad in ["short", "with space in it", "quote\"quote\"", &"x".repeat(65)] {
        assert!(!named("10.1.2.3:999", bad).await, "{bad}");
    }
    app.finish().await;
}

#[tokio::test]
async fn r225_a_failure_of_ours_shows_a_request_id_and_nothing_else() {
    let app = TestApp::new().await;
    app.expect_error("a request failed");
    let admin = app.admin().await.client;
    app.app.db.dedicated().await.unwrap().batch_execute("drop table audit_events cascade").await.unwrap();
    for answer in [admin.get("/v1/audit-events").await, admin.post("/v1/roles", json!({ "name": "x", "permissions": [] })).await]
    {
        let answer = answer.expect_problem(500, "internal");
        for told in ["audit", "relation", "select", "insert", "statement", "42P01", "src/", "crates", "Db"] {
            assert!(!answer.text.contains(told), "{told}: {}", answer.text);
        }
        assert_secured(&answer.headers, "500");
    }
    // a change whose audit row can't be written does not happen.
    assert_eq!(app.count("select count(*) from roles where name = 'x'").await, 0);
    app.finish().await;
}

#[tokio::test]
async fn r225_a_handler_that_panics_is_a_failure_of_ours() {
    let app = TestApp::new().await;
    app.expect_error("a handler panicked");
    let faulty = Router::new().route("/fault", get(async || -> StatusCode { panic!("told to nobody") }));
    let answer = Client::new(layers::wrap(faulty, &app.app), None).get("/fault").await.expect_problem(500, "internal");
    assert!(!answer.text.contains("told"), "{}", answer.text);
    app.finish().await;
}

#[tokio::test]
async fn r282_without_its_database_the_server_lives_and_says_503() {
    let app = TestApp::new().await;
    let away = Client::new(router::router(&without_database(&app)), None);
    away.get("/livez").await.expect(200);
    away.get("/metrics").await.expect(200);
    away.get("/docs").await.expect(200);
    let login = json!({ "identifier": "ann@example.org", "password": PASSWORD });
    let began = std::time::Instant::now();
    for answer in [away.get("/readyz").await, away.post("/v1/login", login).await] {
        let answer = answer.expect_problem(503, "database_unavailable");
        assert_eq!(answer.headers[header::RETRY_AFTER], "2");
        assert!(!answer.text.contains("127.0.0.1") && !answer.text.contains("refused"), "{}", answer.text);
    }
    assert!(began.elapsed() < std::time::Duration::from_secs(4), "{:?}", began.elapsed());
    app.client().get("/readyz").await.expect(200);
    app.finish().await;
}

#[tokio::test]
async fn head_answers_as_get_does_without_a_body() {
    let app = TestApp::new().await;
    let admin = app.admin().await.client;
    for path in ["/v1/me", "/v1/users", "/docs", "/openapi.json", "/livez"] {
        let (got, head) = (admin.get(path).await.expect(200), admin.send(Method::HEAD, path, &[], None).await.expect(200));
        assert_eq!(head.text, "", "{path}");
        for name in [header::CONTENT_TYPE, header::CONTENT_SECURITY_POLICY, header::ETAG] {
            assert_eq!(head.headers.get(&name), got.headers.get(&name), "{path} {name}");
        }
    }
    assert_eq!(app.client().send(Method::HEAD, "/v1/me", &[], None).await.status, 401);
    app.finish().await;
}

#[tokio::test]
async fn r108_a_token_is_read_from_one_authorization_header_only() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let token = ann.access_token;
    let anyone = app.client();
    let bearer = format!("Bearer {token}");
    let status = async |headers: &[(&str, &str)]| anyone.send(Method::GET, "/v1/me", headers, None).await.status.as_u16();
    assert_eq!(status(&[("authorization", &bearer)]).await, 200);
    assert_eq!(status(&[("authorization", &format!("bearer {token}"))]).await, 200);
    for bad in ["", "Bearer", "Bearer ", &token, &format!("Basic {token}"), &format!("{bearer}x"), &format!("{bearer} {token}")] {
        assert_eq!(status(&[("authorization", bad)]).await, 401, "{bad}");
    }
    assert_eq!(status(&[("authorization", &bearer), ("authorization", &bearer)]).await, 401);
    assert_eq!(status(&[("cookie", &format!("access_token={token}"))]).await, 401);
    anyone.get(&format!("/v1/me?access_token={token}")).await.expect(401);
    app.finish().await;
}

#[tokio::test]
async fn a_token_that_was_refused_is_named_in_the_challenge_and_one_that_was_not_sent_is_not() {
    let app = TestApp::new().await;
    let anyone = app.client();
    let (boss, ann, bob) = (app.admin().await, app.user("ann").await, app.user("bob").await);
    let challenge = async |headers: &[(&str, &str)]| {
        let refused = anyone.send(Method::GET, "/v1/me", headers, None).await.expect_problem(401, "unauthorized");
        refused.headers[header::WWW_AUTHENTICATE].to_str().unwrap().to_owned()
    };
    // RFC 6750, section 3.1: who has not presented a token is told no error.
    let nothing_sent: [&[(&str, &str)]; 3] = [&[], &[("authorization", "Basic YW5uOnBsdW0=")], &[("cookie", "access_token=x")]];
    for headers in nothing_sent {
        assert_eq!(challenge(headers).await, "Bearer realm=\"usher\"");
    }
    let login = json!({ "identifier": "ann@example.org", "password": "not the right password" });
    let refused = anyone.post("/v1/login", login).await.expect_problem(401, "invalid_credentials");
    assert_eq!(refused.headers[header::WWW_AUTHENTICATE], "Bearer realm=\"usher\"");
    // Nonsense, changed, of another kind, suspended, and at last expired.
    let (changed, refresh) = (format!("{}A", ann.access_token), boss.refresh_token.clone());
    boss.client.post(&format!("/v1/users/{}/suspend", bob.id), json!({})).await.expect(200);
    let mut bad = vec!["nonsense".to_owned(), changed, refresh, bob.access_token];
    for expired in [false, true] {
        if expired {
            app.advance(jiff::SignedDuration::from_mins(6));
            bad.push(ann.access_token.clone());
        }
        for token in &bad {
            let told = challenge(&[("authorization", &format!("Bearer {token}"))]).await;
            assert_eq!(told, "Bearer realm=\"usher\", error=\"invalid_token\"", "{token}");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn the_documentation_runs_scripts_of_this_server_only() {
    let app = TestApp::new().await;
    let anyone = app.client();
    let page = anyone.get("/docs").await.expect(200);
    let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("script-src 'self';") && !policy.contains("unsafe-eval"), "{policy}");
    // Nothing inline that the policy would stop, and everything it names is there.
    for script in page.text.split("<script").skip(1) {
        assert!(script.split('>').next().unwrap().contains("src="), "{script}");
    }
    let named: Vec<&str> = page.text.split('"').filter(|part| part.starts_with("/assets/")).collect();
    assert_eq!(named.len(), 5, "{}", page.text);
    for path in named {
        let asset = anyone.get(path).await.expect(200);
        assert!(asset.headers[header::CACHE_CONTROL].to_str().unwrap().ends_with("immutable"), "{path}");
        // A page of another release finds something too, and nobody keeps it.
        let parts: Vec<&str> = path.split('.').collect();
        let other = anyone.get(&format!("{}.0123456789abcdef.{}", parts[0], parts[2])).await.expect(200);
        assert_eq!(other.headers[header::CACHE_CONTROL], "no-cache");
    }
    for elsewhere in ["http:", "https:", "src=\"//", "href=\"//"] {
        assert!(!page.text.contains(elsewhere), "{elsewhere}: {}", page.text);
    }
    let document = anyone.get("/openapi.json").await.expect(200);
    assert!(document.str("openapi").starts_with("3.1"), "{}", document.json["openapi"]);
    app.finish().await;
}

#[tokio::test]
async fn a_browser_gets_a_page_and_a_program_a_problem() {
    let app = TestApp::new().await;
    let anyone = app.client();
    let html = [("accept", "text/html,application/xhtml+xml")];
    let page =
        anyone.send(Method::GET, "/nothing?<script>alert(1)</script>".replace(['<', '>'], "%3C").as_str(), &html, None).await;
    let page = page.expect(404);
    assert!(page.headers[header::CONTENT_TYPE].to_str().unwrap().starts_with("text/html"));
    assert!(!page.text.contains("<script"), "{}", page.text);
    assert_secured(&page.headers, "page");
    anyone.send(Method::GET, "/v1/nothing", &html, None).await.expect_problem(404, "not_found");
    app.finish().await;
}
