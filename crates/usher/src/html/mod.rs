//! Pages: templates beside their handlers, one frame around them, and a policy that lets nothing be loaded from elsewhere.

pub mod cookies;
mod forms;
mod return_to;
mod signed_in;
mod uploads;
mod visitor;

use std::sync::LazyLock;

use anyhow::Context;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value, context};
use rust_embed::RustEmbed;

pub use cookies::Cookie;
pub use forms::{Faults, Field, Form, LinkQuery, Members, cursor, next_page, parameter};
pub use return_to::ReturnTo;
pub use signed_in::{Notice, SignedForm, SignedIn, done};
pub use uploads::{SentFile, SignedUpload, StreamedForm};
pub use visitor::{Visitor, VisitorForm};

use crate::assets;
use crate::error::{AppResult, Rejection};
use crate::pictures;

/// Styles are those of [`crate::assets`]; forms go to this server only.
const PAGE_POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
/// Of pages with a script, which may ask this server.
const SCRIPTED_POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; \
                               form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
/// What the frame loads a script with. In a text that was escaped it can't stand.
const SCRIPT: &str = "<script type=\"module\"";

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/src"]
#[include = "*.html"]
#[exclude = "mails/*"]
#[exclude = "http/*"]
struct Files;

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_global("product", "usher");
    environment.add_filter("day", |time: String, zone: Option<String>| in_words(&time, zone.as_deref(), "%-d %B %Y"));
    environment.add_filter("moment", |time: String, zone: Option<String>| in_words(&time, zone.as_deref(), "%-d %b %Y, %H:%M"));
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

/// A time as people write it, in their zone: UTC when they have named none.
fn in_words(time: &str, zone: Option<&str>, format: &str) -> Result<String, Error> {
    let time: Timestamp = time.parse().map_err(|_| Error::new(ErrorKind::InvalidOperation, "it is no time"))?;
    let zone = zone.and_then(|zone| TimeZone::get(zone).ok()).unwrap_or(TimeZone::UTC);
    Ok(time.to_zoned(zone).strftime(format).to_string())
}

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
fn said<'a>(rejection: &'a Rejection, title: &'a str) -> (&'a str, &'a str) {
    let title = match rejection.code {
        "too_many_requests" => {
            return ("Too many attempts", "There were too many attempts at this account, or from the network that you are in.");
        }
        "invalid_query" => {
            return ("This address does not fit", "Look at it again, or leave out what stands behind the question mark.");
        }
        "not_found" => return ("There is no such page", "Look at the address again: a part of it may be missing."),
        "cross_site_request" | "form_outdated" => "This form does not work any more",
        "repeated_cookie" => "Something is wrong with your cookies",
        "overloaded" | "database_unavailable" => "We are busy",
        "internal" => "Something went wrong here",
        _ => title,
    };
    (title, &rejection.detail)
}

/// `in 12 minutes`.
fn waiting(seconds: u32) -> String {
    match seconds {
        0..=10 => "in a few seconds".to_owned(),
        11..=90 => "in a minute".to_owned(),
        91..=5400 => format!("in {} minutes", seconds.div_ceil(60)),
        _ => format!("in {} hours", seconds.div_ceil(3600)),
    }
}

fn render(name: &str, values: Value) -> AppResult<String> {
    let template = TEMPLATES.get_template(name).with_context(|| format!("finding the page {name}"))?;
    Ok(template.render(values).with_context(|| format!("rendering the page {name}"))?)
}

fn respond(status: StatusCode, html: String) -> Response {
    let policy = if html.contains(SCRIPT) { SCRIPTED_POLICY } else { PAGE_POLICY };
    let mut response = (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}

#[cfg(test)]
mod tests;
