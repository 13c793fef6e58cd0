//! The OpenAPI document, made from the operations that serve the requests, and the page that lets people try them.

use std::sync::{Arc, LazyLock};

use aide::openapi::{Contact, Info, License, OpenApi, SecurityScheme, Server, Tag};
use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use http::{HeaderValue, header};
use minijinja::{Environment, context};
use serde_json::Value;

use super::api::Routes;
use crate::app::App;
use crate::assets;

/// Swagger UI draws its icons from `data:` images and styles elements itself; scripts come from here only.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                           connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// What the tags mean.
const TAGS: [(&str, &str); 26] = [
    ("Setup", "The first administrator."),
    ("Sign-up", "Registration and verification of the address."),
    ("Sessions", "Where somebody is signed in, and how that ends."),
    ("Addresses", "Further e-mail addresses: added, confirmed, made the primary one, removed."),
    ("Sign-in", "Access and refresh tokens."),
    ("Password", "Recovery of a forgotten password."),
    ("Second factors", "What is shown beside a password: codes of an app, recovery codes."),
    ("Me", "The signed-in person's own profile."),
    ("API keys", "For programs that act for a person."),
    ("Users", "Administration of users."),
    ("Invitations", "People who are invited to make an account."),
    ("Approvals", "What people ask for and somebody else approves, such as professional status."),
    ("Bulk", "One action on many users: previewed, run, undone."),
    ("Changes", "What was changed, by whom and why, and how it is undone."),
    ("Attributes", "What attributes of users may hold."),
    ("Inactivity", "Rules on users who have not been active for long."),
    ("Imports", "Users from files: previewed, applied, undone."),
    ("Exports", "Users as files."),
    ("Analytics", "How many people sign up, come and stay."),
    ("Service accounts", "For programs that act in their own name."),
    ("Roles", "Roles and permissions."),
    ("Groups", "Groups that carry roles, and who is in them."),
    ("Authorization", "Who asks, for programs and for the proxy of another site."),
    ("Mail texts", "The words of mails: previewed, tried, edited, restored."),
    ("Branding", "How the service is called and how it looks."),
    ("Operations", "Audit, settings, checks, keys, mails, probes and metrics."),
];

/// The document of the operations.
pub fn document(routes: Routes) -> Value {
    let mut document = OpenApi {
        info: Info {
            title: "usher".to_owned(),
            summary: Some("User management: one binary beside one PostgreSQL".to_owned()),
            description: Some(DESCRIPTION.to_owned()),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            contact: None::<Contact>,
            license: Some(License { name: "Apache-2.0 OR MIT".to_owned(), ..License::default() }),
            ..Info::default()
        },
        // Relative: the page talks to the server it came from, by whatever name it was reached.
        servers: vec![Server { url: "/".to_owned(), ..Server::default() }],
        tags: TAGS
            .iter()
            .map(|(name, text)| Tag { name: (*name).to_owned(), description: Some((*text).to_owned()), ..Tag::default() })
            .collect(),
        ..OpenApi::default()
    };
    routes.describe(&mut document);
    let components = document.components.get_or_insert_default();
    let bearer = SecurityScheme::Http {
        scheme: "bearer".to_owned(),
        bearer_format: Some("JWT".to_owned()),
        description: Some("The `access_token` of `POST /v1/login`, or an API key.".to_owned()),
        extensions: indexmap::IndexMap::default(),
    };
    components.security_schemes.insert("bearer".to_owned(), aide::openapi::ReferenceOr::Item(bearer));
    components.schemas.sort_keys();
    if let Some(paths) = &mut document.paths {
        paths.paths.sort_keys();
    }
    let mut document = serde_json::to_value(document).expect("the document is plain data");
    remove_null_defaults(&mut document);
    document
}

/// A member that may be left out has no default to show; `null` would claim to be one, of another type.
fn remove_null_defaults(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if members.get("default") == Some(&Value::Null) {
                members.remove("default");
            }
            members.values_mut().for_each(remove_null_defaults);
        }
        Value::Array(items) => items.iter_mut().for_each(remove_null_defaults),
        _ => {}
    }
}

const DESCRIPTION: &str = "Every failure is an `application/problem+json` (RFC 9457) with a stable `code`, a `request_id` and, for bad \
input, `errors` that name each fault. Changes take `If-Match` with the `ETag` of what they change. Creating requests take `Idempotency-Key`. \
Lists come in pages: follow `next`, or the `Link` header.\n\n**Try it here**: call `POST /v1/login`, copy the `access_token`, press *Authorize* and paste it.";

/// Serves the document and the page. The document is made when somebody asks for it first: a start would take half as long again.
pub fn router(document: impl FnOnce() -> Value + Send + 'static) -> Router<App> {
    let json = Arc::new(LazyLock::new(move || document().to_string()));
    let document = move || {
        let json = Arc::clone(&json);
        async move { ([(header::CONTENT_TYPE, "application/json")], json.to_string()) }
    };
    let environment = Environment::new();
    let page = environment.render_str(include_str!("docs.html"), context! { assets => assets::urls() });
    let page: Arc<str> = page.expect("the page names what it is given").into();
    let page = move || {
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
            (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY)),
            (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")),
        ];
        let page = page.to_string();
        async move { (headers, page).into_response() }
    };
    Router::new().route("/openapi.json", get(document)).route("/docs", get(page))
}
