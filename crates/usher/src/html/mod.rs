//! Pages: templates beside their handlers, one frame around them, and a policy that lets nothing be loaded from elsewhere.

pub mod cookies;
mod forms;
pub mod languages;
mod newcomer;
mod pages;
mod return_to;
mod signed_in;
mod uploads;
mod visitor;

use std::sync::LazyLock;

use anyhow::Context;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fluent_bundle::FluentArgs;
use http::{HeaderValue, StatusCode, header};
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value, context};
use rust_embed::RustEmbed;

pub use cookies::Cookie;
pub use forms::{Faults, Field, Form, LinkQuery, Members, cursor, link_to, next_page, parameter};
pub use newcomer::{new_password_faults, newcomer_faults};
pub use pages::router as pages;
pub use return_to::ReturnTo;
pub use signed_in::{Notice, SignedForm, SignedIn, done, proof_page};
pub use uploads::{SentFile, SignedUpload, StreamedForm};
pub use visitor::{Visitor, VisitorForm};

use crate::assets;
use crate::brand::{self, Brand};
use crate::error::{AppResult, Rejection};
use crate::languages::now;
use crate::pictures;
use crate::secret::sha256;

/// Styles are those of [`crate::assets`]; forms go to this server only.
const PAGE_POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
/// Of pages with a script, which may ask this server.
const SCRIPTED_POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; \
                               form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
/// Of pages that draw a document of this server in a frame.
const FRAMING_POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; \
                              frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
/// What those draw it with. In a text that was escaped it can't stand, and neither can the next.
const FRAME: &str = "<iframe sandbox";
/// What the frame loads a script with. In a text that was escaped it can't stand.
const SCRIPT: &str = "<script type=\"module\"";

#[derive(RustEmbed)]
#[folder = "src"]
#[include = "*.html"]
#[exclude = "mails/*"]
#[exclude = "http/*"]
struct Files;

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    languages::add_to(&mut environment);
    environment.add_filter("small", |url: String| pictures::small(&url));
    // Nothing in them has to be escaped.
    let urls = assets::urls().into_iter().map(|(name, url)| (name, Value::from_safe_string(url)));
    environment.add_global("assets", Value::from_pairs(urls));
    for path in Files::iter() {
        let file = Files::get(&path).expect("an embedded file that is listed is there");
        let source = String::from_utf8(file.data.into_owned()).expect("templates are UTF-8");
        // The frame and what belongs to no feature go by their bare names.
        let name = path.strip_prefix("html/").unwrap_or(&path).to_owned();
        environment.add_template_owned(name, source).expect("embedded templates are tested");
    }
    environment
});

/// A page.
pub fn page(name: &str, values: Value) -> AppResult<Response> {
    Ok(respond(StatusCode::OK, render(name, values)?))
}

/// A page with a form; it comes again when something is wrong with it.
fn page_with(name: &str, values: Value, faults: &Faults) -> AppResult<Response> {
    let (by_name, ordered) = faults.values();
    let html = render(name, context! { faults => by_name, fault_list => ordered, ..values })?;
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(respond(status, html))
}

/// On to another page, which is opened and not sent to.
pub fn see_other(path: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    // What is no header is no path that was made here.
    let location = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(header::LOCATION, location);
    response
}

/// The page of a failure, for people who came by browser.
pub fn problem(rejection: &Rejection, title: &str, request_id: &str) -> Option<Response> {
    let wait = rejection.retry_after_seconds.map(waiting);
    let (title, detail) = said(rejection, title);
    let values = context! { title => title, detail => detail, wait => wait, request_id => request_id };
    Some(respond(rejection.status, render("problem.html", values).ok()?))
}

/// A failure as people put it, where the words of the API do not do.
fn said(rejection: &Rejection, title: &str) -> (String, String) {
    let title = match rejection.code {
        "too_many_requests" => return (now().word("problem-title-attempts"), now().word("problem-detail-attempts")),
        "invalid_query" => return (now().word("problem-title-address"), now().word("problem-detail-address")),
        "not_found" => return (now().word("problem-title-no-page"), now().word("problem-detail-no-page")),
        "cross_site_request" | "form_outdated" => now().word("problem-title-form"),
        "repeated_cookie" => now().word("problem-title-cookies"),
        "overloaded" | "database_unavailable" => now().word("problem-title-busy"),
        "internal" => now().word("problem-title-internal"),
        _ => title.to_owned(),
    };
    (title, rejection.detail.clone())
}

/// `in 12 minutes`.
fn waiting(seconds: u32) -> String {
    let (key, count) = match seconds {
        0..=10 => ("wait-seconds", 0),
        11..=90 => ("wait-minute", 1),
        91..=5400 => ("wait-minutes", seconds.div_ceil(60)),
        _ => ("wait-hours", seconds.div_ceil(3600)),
    };
    now().say(key, &FluentArgs::from_iter([("count", count)]))
}

fn render(name: &str, values: Value) -> AppResult<String> {
    let template = TEMPLATES.get_template(name).with_context(|| format!("finding the page {name}"))?;
    let values = context! { ..branded(&brand::now()), ..values };
    Ok(template.render(values).with_context(|| format!("rendering the page {name}"))?)
}

/// How the service is called and how it looks, for every page.
fn branded(brand: &Brand) -> Value {
    let logo = brand.logo.as_ref().map(|logo| context! { url => logo.url(), width => logo.width, height => logo.height });
    context! {
        product => brand.name.as_str(),
        brand => context! {
            logo => logo, has_wordmark => brand.has_wordmark(), styles_url => brand.styles_url(), links => Serde(&brand.links),
            footer => brand.footer.as_deref(), sign_in_text => brand.sign_in_text.as_deref(),
            register_text => brand.register_text.as_deref(), account_text => brand.account_text.as_deref(),
        },
    }
}

fn respond(status: StatusCode, html: String) -> Response {
    let policy = match html.contains(SCRIPT) {
        _ if html.contains(FRAME) => FRAMING_POLICY,
        true => SCRIPTED_POLICY,
        false => PAGE_POLICY,
    };
    let mut response = (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}

/// A document for the frame of a page. Nothing runs in it, nothing is loaded, and of styles only its own element counts.
pub fn framed(html: String) -> AppResult<Response> {
    let styles = html.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>"));
    let styles = STANDARD.encode(sha256(styles.map_or("", |(styles, _)| styles).as_bytes()));
    framed_as("text/html; charset=utf-8", html, &format!("'sha256-{styles}'"))
}

/// A text for the frame of a page.
pub fn framed_text(text: String) -> AppResult<Response> {
    framed_as("text/plain; charset=utf-8", text, "'none'")
}

fn framed_as(media_type: &'static str, body: String, styles: &str) -> AppResult<Response> {
    let policy =
        format!("default-src 'none'; style-src {styles}; form-action 'none'; frame-ancestors 'self'; base-uri 'none'; sandbox");
    let mut response = ([(header::CONTENT_TYPE, media_type)], body).into_response();
    let policy = HeaderValue::from_str(&policy).context("a policy is a header value")?;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}

#[cfg(test)]
mod tests;
