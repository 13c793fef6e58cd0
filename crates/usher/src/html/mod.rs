//! Pages: templates beside their handlers, one frame around them, and a policy that lets nothing be loaded from elsewhere.

use std::sync::LazyLock;

use anyhow::Context;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use minijinja::{Environment, UndefinedBehavior, Value, context};
use rust_embed::RustEmbed;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::assets;
use crate::error::{AppError, AppResult, Rejection};
use crate::http::body;

/// Styles are those of [`crate::assets`]; forms go to this server only.
const PAGE_POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
const FORM: &str = "application/x-www-form-urlencoded";

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

/// The page of a failure, for people who came by browser.
pub fn problem(status: StatusCode, title: &str, detail: &str, request_id: &str) -> Option<Response> {
    let values = context! { title => title, detail => detail, request_id => request_id };
    Some(respond(status, render("problem.html", values).ok()?))
}

fn render(name: &str, values: Value) -> AppResult<String> {
    let template = TEMPLATES.get_template(name).with_context(|| format!("finding the page {name}"))?;
    Ok(template.render(values).with_context(|| format!("rendering the page {name}"))?)
}

fn respond(status: StatusCode, html: String) -> Response {
    let mut response = (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY));
    response
}

/// The token of a link: `?token=...`. Empty when there is none; the page then says that the link does not work.
pub struct LinkQuery(pub String);

impl FromRequestParts<App> for LinkQuery {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Self::Rejection> {
        Ok(Self::read(parts.uri.query().unwrap_or_default()))
    }
}

impl LinkQuery {
    pub(crate) fn read(query: &str) -> Self {
        let members: Vec<(String, String)> = serde_html_form::from_str(query).unwrap_or_default();
        Self(members.into_iter().find(|(name, _)| name == "token").map(|(_, token)| token).unwrap_or_default())
    }
}

/// A form that was sent.
pub struct Form<T>(pub T);

impl<T: DeserializeOwned + JsonSchema + 'static> FromRequest<App> for Form<T> {
    type Rejection = AppError;

    async fn from_request(request: Request, _: &App) -> Result<Self, Self::Rejection> {
        let bytes = body::read_as(request, &[FORM]).await?;
        let fits = serde_html_form::from_bytes(&bytes);
        fits.map(Self).map_err(|_| {
            Rejection::bad_request("malformed_request", "The form does not fit this page. Open the page again.").into()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_renders_in_every_state_and_escapes() {
        for page in ["verification/page.html", "recovery/page.html", "addresses/page.html", "me/undo.html"] {
            for state in ["confirm", "choose", "done", "failed", "taken", "full"] {
                let values =
                    context! { state => state, token => "\"><script>", min_length => 15, welcome => false, error => "<b>" };
                let html = render(page, values).unwrap();
                assert!(html.contains("<h1"), "{page} {state}");
                assert!(!html.contains("<script>") && !html.contains("<b>"), "{page} {state}");
            }
        }
        assert!(problem(StatusCode::NOT_FOUND, "Not Found", "Nothing here", "id").is_some());
    }
}
