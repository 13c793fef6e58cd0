//! What holds for the whole house: every route refuses whom it must, and says what it is for.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::TestApp;
use super::console_pages::CONSOLE;
use crate::caller::Permission;
use crate::router;

/// Routes that are pages or serve the documentation; everything else is in the document with its access rule.
const OUTSIDE_THE_DOCUMENT: [&str; 58] = [
    "/",
    "/.well-known/change-password",
    "/account",
    "/account/activity",
    "/account/addresses",
    "/account/addresses/new",
    "/account/addresses/resend",
    "/account/addresses/{id}/primary",
    "/account/addresses/{id}/remove",
    "/account/api-keys",
    "/account/api-keys/new",
    "/account/api-keys/{id}/revoke",
    "/account/avatar",
    "/account/avatar/remove",
    "/account/data",
    "/account/data/download",
    "/account/delete",
    "/account/passkeys/new",
    "/account/passkeys/{id}",
    "/account/passkeys/{id}/remove",
    "/account/password",
    "/account/professional",
    "/account/professional/{id}/withdraw",
    "/account/profile",
    "/account/second-factors",
    "/account/second-factors/app",
    "/account/second-factors/recovery-codes",
    "/account/second-factors/remove",
    "/account/second-factors/start",
    "/account/second-factors/trusted-devices/forget",
    "/account/second-factors/trusted-devices/{id}/forget",
    "/account/sessions",
    "/account/sessions/end-others",
    "/account/sessions/{id}/end",
    "/account/username",
    "/assets/{*path}",
    "/avatars/identicon/{file}",
    "/avatars/{file}",
    "/branding.css",
    "/branding/logo/{file}",
    "/confirm-email",
    "/docs",
    "/invitation",
    "/language",
    "/not-me",
    "/openapi.json",
    "/reauthenticate",
    "/reauthenticate/passkey",
    "/recover",
    "/register",
    "/reset-password",
    "/setup",
    "/sign-in",
    "/sign-in/passkey",
    "/sign-in/second-factor",
    "/sign-out",
    "/undo-deletion",
    "/verify",
];

/// Pages for people who are signed in; who is not is led to the sign-in.
const FOR_THE_SIGNED_IN: [(&str, &str); 48] = [
    ("GET", "/account"),
    ("GET", "/account/activity"),
    ("GET", "/account/addresses"),
    ("GET", "/account/addresses/new"),
    ("POST", "/account/addresses/new"),
    ("POST", "/account/addresses/resend"),
    ("POST", "/account/addresses/{id}/primary"),
    ("POST", "/account/addresses/{id}/remove"),
    ("GET", "/account/api-keys"),
    ("GET", "/account/api-keys/new"),
    ("POST", "/account/api-keys/new"),
    ("POST", "/account/api-keys/{id}/revoke"),
    ("GET", "/account/avatar"),
    ("POST", "/account/avatar"),
    ("POST", "/account/avatar/remove"),
    ("GET", "/account/data"),
    ("POST", "/account/data/download"),
    ("GET", "/account/delete"),
    ("POST", "/account/delete"),
    ("GET", "/account/passkeys/new"),
    ("POST", "/account/passkeys/new"),
    ("GET", "/account/passkeys/{id}"),
    ("POST", "/account/passkeys/{id}"),
    ("POST", "/account/passkeys/{id}/remove"),
    ("GET", "/account/password"),
    ("POST", "/account/password"),
    ("GET", "/account/professional"),
    ("POST", "/account/professional"),
    ("POST", "/account/professional/{id}/withdraw"),
    ("GET", "/account/profile"),
    ("POST", "/account/profile"),
    ("GET", "/account/second-factors"),
    ("GET", "/account/second-factors/app"),
    ("POST", "/account/second-factors/app"),
    ("POST", "/account/second-factors/recovery-codes"),
    ("POST", "/account/second-factors/remove"),
    ("POST", "/account/second-factors/start"),
    ("POST", "/account/second-factors/trusted-devices/forget"),
    ("POST", "/account/second-factors/trusted-devices/{id}/forget"),
    ("GET", "/account/sessions"),
    ("POST", "/account/sessions/end-others"),
    ("POST", "/account/sessions/{id}/end"),
    ("GET", "/account/username"),
    ("POST", "/account/username"),
    ("GET", "/reauthenticate"),
    ("GET", "/reauthenticate/passkey"),
    ("POST", "/reauthenticate/passkey"),
    ("POST", "/sign-out"),
];

/// Operations that are open to anybody. A new one has to be written down here.
const PUBLIC: [&str; 20] = [
    "GET /.well-known/jwks.json",
    "GET /livez",
    "GET /metrics",
    "GET /readyz",
    "POST /v1/invitations/accept",
    "POST /v1/login",
    "POST /v1/login/passkey",
    "POST /v1/login/passkey/options",
    "POST /v1/login/second-factor",
    "POST /v1/me/emails/confirm",
    "POST /v1/password/check",
    "POST /v1/password/forgot",
    "POST /v1/password/reset",
    "POST /v1/refresh",
    "POST /v1/register",
    "POST /v1/report-sign-in",
    "POST /v1/setup",
    "POST /v1/undo-deletion",
    "POST /v1/verify-email",
    "POST /v1/verify-email/resend",
];

/// Every operation of the document: "METHOD /path" and its access rule.
fn operations() -> BTreeMap<String, String> {
    let document = router::document();
    let mut operations = BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let access = operation["x-usher-access"].as_str().unwrap_or_else(|| panic!("{method} {path} declares no access"));
            operations.insert(format!("{} {path}", method.to_uppercase()), access.to_owned());
        }
    }
    operations
}

fn concrete(path: &str) -> String {
    let id = "0193e4a1-7c1e-7b52-9d0c-3f1f4a5b6c7d";
    path.replace("{id}", id)
        .replace("{session_id}", id)
        .replace("{email_id}", id)
        .replace("{key_id}", id)
        .replace("{user_id}", id)
        .replace("{role}", "support")
        .replace("{act}", "suspend")
        .replace("{permission}", "users:read")
        .replace("{name}", "support")
        .replace("{language}", "en")
}

#[test]
fn r200_the_public_operations_are_those_written_down() {
    let public: Vec<_> = operations().into_iter().filter(|(_, access)| access == "public").map(|(name, _)| name).collect();
    assert_eq!(public, PUBLIC);
}

#[test]
fn r200_routes_are_declared_as_operations_or_listed_here() {
    // Routers that bypass the declaration are few, and each of their routes is listed; `cargo xtask tidy` refuses them elsewhere.
    let mut found = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = vec![root.join("router.rs"), root.join("http/docs.rs")];
    files_named("pages.rs", &root, &mut files);
    assert!(files.len() >= 10, "{files:?}");
    for file in files {
        let source = std::fs::read_to_string(file).unwrap();
        for part in source.split(".route(\"").skip(1) {
            found.push(part.split('"').next().unwrap().to_owned());
        }
    }
    found.sort();
    let mut listed: Vec<&str> = OUTSIDE_THE_DOCUMENT.into_iter().chain(CONSOLE.map(|(_, path)| path)).collect();
    listed.sort_unstable();
    listed.dedup();
    assert_eq!(found, listed);
}

#[tokio::test]
async fn r200_pages_for_the_signed_in_lead_others_to_the_sign_in() {
    let app = TestApp::new().await;
    for (_, path) in FOR_THE_SIGNED_IN {
        assert!(OUTSIDE_THE_DOCUMENT.contains(&path), "{path}");
    }
    for (method, path) in FOR_THE_SIGNED_IN.into_iter().chain(CONSOLE) {
        let mut strangers = [app.browser(), app.browser()];
        strangers[1].cookies.insert("__Host-usher".to_owned(), format!("ush_session_{}", "A".repeat(43)));
        for stranger in &mut strangers {
            let path = concrete(path);
            let answer = if method == "GET" { stranger.open(&path).await } else { stranger.submit(&path, &[]).await };
            let answer = answer.expect(303);
            let back = if method == "GET" {
                format!("?return_to={}", path.replace('/', "%2F").replace(':', "%3A"))
            } else {
                String::new()
            };
            assert_eq!(answer.headers["location"], format!("/sign-in{back}"), "{method} {path}");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn r200_every_page_of_the_console_refuses_a_powerless_user() {
    let app = TestApp::new().await;
    app.user("ann").await;
    let mut ann = app.browser();
    ann.sign_in("ann@example.org").await.expect(303);
    ann.open("/account").await.expect(200);
    for (method, path) in CONSOLE {
        let path = concrete(path);
        let answer = if method == "GET" { ann.open(&path).await } else { ann.submit(&path, &[]).await };
        assert!(answer.expect(403).text.contains("you hold no permission"), "{method} {path}");
    }
    let refused = app.count("select count(*) from audit_events where action = 'permission.denied'").await;
    assert_eq!(refused, i64::try_from(CONSOLE.len()).unwrap());
    app.finish().await;
}

#[tokio::test]
async fn r200_every_operation_refuses_without_credentials() {
    let app = TestApp::new().await;
    let client = app.client();
    for (name, access) in operations() {
        let (method, path) = name.split_once(' ').unwrap();
        let answer = client.send(method.parse().unwrap(), &concrete(path), &[], Some(json!({}))).await;
        if access == "public" {
            assert_ne!(answer.json["code"], "unauthorized", "{name}");
        } else {
            let answer = answer.expect_problem(401, "unauthorized");
            assert!(answer.headers.contains_key("www-authenticate"), "{name}");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn r200_every_operation_with_a_permission_refuses_a_powerless_user() {
    let app = TestApp::new().await;
    let ann = app.user("ann").await;
    let mut refused = 0;
    for (name, access) in operations() {
        let (method, path) = name.split_once(' ').unwrap();
        if Permission::parse(&access).is_some() {
            let answer = ann.client.send(method.parse().unwrap(), &concrete(path), &[], Some(json!({}))).await;
            answer.expect_problem(403, "forbidden");
            refused += 1;
        }
    }
    assert!(refused > 15, "only {refused} operations need a permission");
    // And each refusal is in the audit trail.
    assert_eq!(app.count("select count(*) from audit_events where action = 'permission.denied'").await, i64::from(refused));
    app.finish().await;
}

#[test]
fn operations_are_named_and_described() {
    let document = router::document();
    let mut ids = std::collections::BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id} is there twice");
            assert!(id.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{id}");
            for member in ["summary", "tags"] {
                assert!(!operation[member].is_null(), "{method} {path} has no {member}");
            }
            for (status, response) in operation["responses"].as_object().unwrap() {
                assert_ne!(response["description"], json!(""), "{method} {path} {status}");
            }
        }
    }
    assert_no_null_refs(&document);
}

/// Every `$ref` leads somewhere.
fn assert_no_null_refs(document: &Value) {
    fn walk(value: &Value, document: &Value) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    let pointer = reference.strip_prefix('#').unwrap();
                    assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
                }
                members.values().for_each(|member| walk(member, document));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, document)),
            _ => {}
        }
    }
    walk(document, document);
}

/// The source files of this name below a folder.
pub(super) fn files_named(wanted: &str, folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_named(wanted, &path, found);
        } else if path.file_name().is_some_and(|name| name == wanted) {
            found.push(path);
        }
    }
}
