//! Somebody who opens a page for which nobody needs to be signed in. Their forms are bound to a cookie that they get with the page.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::Response;
use http::request::Parts;
use minijinja::{Value, context};

use super::cookies::{self, Cookie, Cookies};
use super::forms::{self, Faults, Members};
use super::signed_in::{SignedIn, presence};
use crate::app::App;
use crate::db::Origin;
use crate::error::{AppError, AppResult};
use crate::secret::{Purpose, SecretText, bearer_hash, new_bearer};

/// Who opens the page.
pub struct Visitor {
    pub origin: Origin,
    /// They may be signed in all the same.
    pub signed_in: Option<SignedIn>,
    /// The device that their browser is known by.
    pub device_token: Option<SecretText>,
    /// The sign-in that has come as far as the second factor.
    pub pending: Option<SecretText>,
    /// What their browser has shown, if that was made here.
    secret: Option<SecretText>,
}

impl FromRequestParts<App> for Visitor {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let cookies = Cookies::read(&parts.headers, app.config.server.public_url.is_https())?;
        let origin = Origin::from_request_parts(parts, app).await?;
        let signed_in = SignedIn::recognise(app, &cookies, origin.clone(), presence(&parts.headers)).await?;
        let secret = cookies.get(Cookie::Form).filter(|secret| bearer_hash(Purpose::Form, secret).is_some()).cloned();
        let cookie = |cookie| cookies.get(cookie).cloned();
        Ok(Self { origin, signed_in, device_token: cookie(Cookie::Device), pending: cookie(Cookie::Pending), secret })
    }
}

impl Visitor {
    /// A page with forms.
    pub fn page(&self, app: &App, name: &str, values: Value, faults: &Faults) -> AppResult<Response> {
        let secret = self.secret.clone().unwrap_or_else(|| new_bearer(Purpose::Form));
        let values = context! { form_token => forms::token(app, &secret), ..values };
        let mut response = super::page_with(name, values, faults)?;
        if self.secret.is_none() {
            cookies::set(app, &mut response, Cookie::Form, secret.reveal(), None)?;
        }
        Ok(response)
    }
}

/// A form of such a page that was sent.
pub struct VisitorForm {
    pub visitor: Visitor,
    pub members: Members,
}

impl FromRequest<App> for VisitorForm {
    type Rejection = AppError;

    async fn from_request(request: Request, app: &App) -> Result<Self, Self::Rejection> {
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, app).await;
        let bytes = Members::read(Request::from_parts(parts, body)).await?;
        let visitor = visitor?;
        let members = Members::of(app, &bytes, visitor.secret.as_ref())?;
        Ok(Self { visitor, members })
    }
}
